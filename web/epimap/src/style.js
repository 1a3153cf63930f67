// Pure: the component's props become one MapLibre style. The engine hands it to map.setStyle, which
// applies only the difference, so recolouring or switching to dark never reloads a tile.
import {theme} from './theme.js';

export const FONT = 'Noto Sans';
const SHAPES = {'●': 'shape-circle', '▲': 'shape-triangle', '◆': 'shape-diamond', '■': 'shape-square'};
const VALUE = ['feature-state', 'v'];
const state = name => ['boolean', ['feature-state', name], false];
const isNumber = ['==', ['typeof', VALUE], 'number'];

export function styleFor({layers = [], dark = false}, {fontFaces, absolute}) {
  const colours = theme(dark);
  const style = {
    version: 8,
    'font-faces': fontFaces,
    sources: {},
    layers: [{id: 'ground', type: 'background', paint: {'background-color': colours.ground}}],
  };
  for (const layer of layers) {
    const built = BUILDERS[layer.kind];
    if (!built) throw new Error(`EpiMap: layer "${layer.id}" has unknown kind "${layer.kind}"`);
    style.sources[layer.id] = built.source(layer, absolute);
    style.layers.push(...built.layers(layer, colours));
  }
  return style;
}

/** Ids of the style layers a click or hover on `layer` may hit. */
export function hitLayers(layer) {
  if (layer.interactive === false) return [];
  return layer.kind === 'choropleth' ? [layer.id] : layer.styleLayers.map(each => each.id);
}

/** Source layers whose features carry the state of `layer`. */
export function stateLayers(layer) {
  if (layer.kind !== 'choropleth') return [undefined];
  return [...new Set([layer.sourceLayer, layer.labelLayer ?? layer.sourceLayer])];
}

const defined = object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const BUILDERS = {
  choropleth: {
    source: (layer, absolute) => defined({
      type: 'vector', tiles: [absolute(layer.tiles)], minzoom: layer.minzoom ?? 0,
      maxzoom: layer.maxzoom ?? 12, bounds: layer.extent, promoteId: layer.idProperty,
    }),
    layers: choroplethLayers,
  },
  geojson: {
    source: (layer, absolute) => defined({
      type: 'geojson', data: typeof layer.data === 'string' ? absolute(layer.data) : layer.data,
      promoteId: layer.idProperty,
    }),
    layers: layer => layer.styleLayers.map(each => ({...each, source: layer.id})),
  },
};

function choroplethLayers(layer, colours) {
  const area = {source: layer.id, 'source-layer': layer.sourceLayer};
  const border = {source: layer.id, 'source-layer': layer.borderLayer ?? layer.sourceLayer};
  const opacity = layer.opacity ?? 1;
  const line = (suffix, color, width) => ({
    ...area, id: `${layer.id}-${suffix}`, type: 'line', layout: {'line-join': 'round'},
    paint: {'line-color': color, 'line-width': width},
  });
  return [
    {...area, id: layer.id, type: 'fill', paint: {'fill-color': fillColour(layer, colours), 'fill-opacity': opacity, 'fill-antialias': false}},
    {...area, id: `${layer.id}-unknown`, type: 'fill', paint: {'fill-pattern': hatchName(colours), 'fill-opacity': ['case', isKnown(layer), 0, opacity]}},
    {...border, id: `${layer.id}-border`, type: 'line', layout: {'line-join': 'round'}, paint: borderPaint(layer, colours)},
    line('casing', colours.casing, ['case', state('selected'), 6, 0]),
    line('outline', colours.outline, ['case', state('selected'), 3, state('hover'), 2, 0]),
    ...pointLayers(layer, colours),
  ];
}

function borderPaint(layer, colours) {
  return defined({
    'line-color': colours.border,
    'line-opacity': colours.borderOpacity,
    'line-width': ['interpolate', ['linear'], ['zoom'], 7, 0.3, 10, 0.8, 14, 1.6],
    'line-dasharray': layer.synthetic ? [3, 2] : undefined,
  });
}

const hatchName = colours => `hatch ${colours.hatch}`;

function isKnown(layer) {
  if (layer.scale === 'step') return isNumber;
  return ['match', VALUE, layer.stops.map(([value]) => value), true, false];
}

function fillColour(layer, colours) {
  if (layer.scale === 'step') {
    const [[, lowest], ...rest] = layer.stops;
    return ['case', isNumber, ['step', ['number', VALUE, 0], lowest, ...rest.flat()], colours.unknown];
  }
  return ['match', VALUE, ...layer.stops.flat(), colours.unknown];
}

/** Shapes take their visibility from feature-state (paint), so a recolour needs no new label layout. */
function pointLayers(layer, colours) {
  const point = {source: layer.id, 'source-layer': layer.labelLayer ?? layer.sourceLayer, type: 'symbol'};
  const shapes = Object.entries(layer.symbols ?? {}).map(([value, symbol]) => ({
    ...point,
    id: `${layer.id}-shape-${value}`,
    minzoom: layer.symbolMinzoom ?? 9,
    layout: {'icon-image': SHAPES[symbol] ?? symbol, 'icon-allow-overlap': true, 'icon-ignore-placement': true,
      'icon-size': ['interpolate', ['linear'], ['zoom'], 9, 0.43, 12, 0.77, 15, 1.12]},
    paint: {'icon-color': colours.shape, 'icon-halo-color': colours.halo, 'icon-halo-width': 1.5,
      'icon-opacity': ['case', ['==', VALUE, Number(value)], 1, 0]},
  }));
  return layer.labels ? [...shapes, labelLayer(layer, point, colours)] : shapes;
}

function labelLayer(layer, point, colours) {
  return {
    ...point,
    id: `${layer.id}-label`,
    minzoom: layer.labels.minzoom ?? 11,
    layout: {'text-field': ['to-string', ['get', layer.labels.field]], 'text-font': [FONT],
      'text-size': ['interpolate', ['linear'], ['zoom'], 10, 11, 14, 14], 'text-max-width': 7,
      'text-anchor': 'top', 'text-offset': [0, 0.7], 'text-padding': 4},
    paint: {'text-color': colours.text, 'text-halo-color': colours.halo, 'text-halo-width': 1.4},
  };
}
