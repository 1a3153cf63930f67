// Pure: a layer's opacity (0–1) multiplies whatever its style says.
const OPACITIES = {
  fill: ['fill-opacity'],
  line: ['line-opacity'],
  circle: ['circle-opacity', 'circle-stroke-opacity'],
  symbol: ['icon-opacity', 'text-opacity'],
  heatmap: ['heatmap-opacity'],
  raster: ['raster-opacity'],
};

export function faded(styleLayer, opacity = 1) {
  if (opacity === 1) return styleLayer;
  const paint = styleLayer.paint ?? {};
  const names = OPACITIES[styleLayer.type] ?? [];
  return {...styleLayer, paint: {...paint, ...Object.fromEntries(names.map(name => [name, times(paint[name], opacity)]))}};
}

/** MapLibre drops the tiles of a source whose layers are all set to `none`, and draws nothing where opacity is 0. */
export function hidden(styleLayer) {
  if (styleLayer.type !== 'symbol' && styleLayer.type in OPACITIES) return faded(styleLayer, 0);
  return {...styleLayer, layout: {...styleLayer.layout, visibility: 'none'}}; // a symbol would still push others aside
}

/** MapLibre takes `zoom` only in an outermost step or interpolate, so the factor goes into their outputs. */
export function times(value, factor) {
  if (factor === 0) return 0;
  if (value === undefined || value === null) return factor;
  if (typeof value === 'number') return value * factor;
  if (!Array.isArray(value)) return {...value, stops: value.stops.map(([at, each]) => [at, times(each, factor)])};
  const outputsFrom = {interpolate: 4, step: 2}[value[0]];
  if (!outputsFrom) return ['*', value, factor];
  return value.map((part, i) => (i >= outputsFrom && i % 2 === 0 ? times(part, factor) : part));
}
