// Pure: the component's props become one MapLibre style. The engine hands it to map.setStyle, which
// applies only the difference, so recolouring or switching to dark never reloads a tile.
import {faded, hidden} from './opacity.js';
import {ringOf} from './shapes.js';
import {theme} from './theme.js';

const FONT = 'Noto Sans';
const AREA = 'epimap-area';
const SHAPES = {'●': 'shape-circle', '▲': 'shape-triangle', '◆': 'shape-diamond', '■': 'shape-square'};
const VALUE = ['feature-state', 'v'];
const state = name => ['boolean', ['feature-state', name], false];
const isNumber = ['==', ['typeof', VALUE], 'number'];

const FILLS = new Set(['fill', 'heatmap', 'raster']);

/**
 * `layers` are drawn in their order, but the outlines, symbols and names of areas ("above") come after the
 * last fill. `area` is the area drawn by hand.
 */
export function styleFor({layers = [], dark = false, area = null}, {fontFaces, absolute}) {
  const colours = theme(dark);
  const sources = {};
  const below = [];
  const above = [];
  let lastFill = 0;
  for (const layer of layers) {
    const built = BUILDERS[layer.kind];
    if (!built) throw new Error(`EpiMap: layer "${layer.id}" has unknown kind "${layer.kind}"`);
    sources[layer.id] = built.source(layer, absolute);
    const parts = built.layers(layer, colours);
    for (const part of parts.below) {
      below.push(shown(layer, faded(part, layer.opacity)));
      if (FILLS.has(part.type) || layer.kind === 'choropleth') lastFill = below.length;
    }
    above.push(...parts.above.map(part => shown(layer, part)));
  }
  if (area) sources[AREA] = {type: 'geojson', data: {type: 'Polygon', coordinates: [ringOf(area)]}};
  return {
    version: 8,
    'font-faces': fontFaces,
    sources,
    layers: [ground(colours), ...below.slice(0, lastFill), ...(area ? areaLayers(colours) : []), ...above, ...below.slice(lastFill)],
  };
}

const ground = colours => ({id: 'ground', type: 'background', paint: {'background-color': colours.ground}});

const shown = (layer, part) => (layer.visible === false ? hidden(part) : part);

function areaLayers(colours) {
  const line = (id, paint) => ({id, type: 'line', source: AREA, layout: {'line-join': 'round'}, paint});
  return [
    {id: `${AREA}-fill`, type: 'fill', source: AREA, paint: {'fill-color': colours.drawn, 'fill-opacity': 0.07}},
    line(`${AREA}-casing`, {'line-color': colours.casing, 'line-width': 4.5}),
    line(`${AREA}-line`, {'line-color': colours.drawn, 'line-width': 2, 'line-dasharray': [3, 1.5]}),
  ];
}

/** Style layers a click or hover on `layer` may hit. */
export function hitLayers(layer) {
  if (layer.interactive === false || layer.visible === false || layer.opacity === 0) return [];
  return layer.kind === 'choropleth' ? [{id: layer.id, type: 'fill'}] : layer.styleLayers;
}

/** Source layers whose features carry the state of `layer`. */
export function stateLayers(layer) {
  if (layer.kind === 'geojson') return [undefined];
  if (layer.kind === 'tiles') return [...new Set(layer.styleLayers.map(each => each['source-layer']))];
  return [...new Set([layer.sourceLayer, layer.labelLayer ?? layer.sourceLayer])];
}

const defined = object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const vectorSource = (layer, absolute) => defined({
  type: 'vector', tiles: [absolute(layer.tiles)], minzoom: layer.minzoom ?? 0,
  maxzoom: layer.maxzoom ?? 12, bounds: layer.extent, promoteId: layer.idProperty,
});

const ownLayers = layer => ({below: layer.styleLayers.map(each => ({...each, source: layer.id})), above: []});

const BUILDERS = {
  choropleth: {source: vectorSource, layers: choroplethLayers},
  tiles: {source: vectorSource, layers: ownLayers},
  geojson: {
    source: (layer, absolute) => defined({
      type: 'geojson', data: typeof layer.data === 'string' ? absolute(layer.data) : layer.data,
      promoteId: layer.idProperty,
    }),
    layers: ownLayers,
  },
};

function choroplethLayers(layer, colours) {
  const area = {source: layer.id, 'source-layer': layer.sourceLayer};
  const border = {source: layer.id, 'source-layer': layer.borderLayer ?? layer.sourceLayer};
  const fill = (id, paint) => ({...area, id, type: 'fill', paint});
  const line = (suffix, color, width) => ({
    ...area, id: `${layer.id}-${suffix}`, type: 'line', layout: {'line-join': 'round'},
    paint: {'line-color': color, 'line-width': width},
  });
  return {
    below: [
      fill(layer.id, {'fill-color': fillColour(layer, colours), 'fill-antialias': false}),
      fill(`${layer.id}-unknown`, {'fill-pattern': hatchName(colours), 'fill-opacity': ['case', isKnown(layer), 0, 1]}),
      ...hatchLayers(layer, colours, fill),
      {...border, id: `${layer.id}-border`, type: 'line', layout: {'line-join': 'round'}, paint: borderPaint(layer, colours)},
    ],
    above: [
      line('casing', colours.casing, ['case', state('selected'), 6, 0]),
      line('outline', colours.outline, ['case', state('selected'), 3, state('hover'), 2, 0]),
      ...pointLayers(layer, colours).map(part => faded(part, layer.opacity)),
    ],
  };
}

/** Lines over the colour of some classes, for print and for eyes that mix the colours up. */
function hatchLayers(layer, colours, fill) {
  return ['lines', 'cross'].flatMap(kind => {
    const hatched = layer.stops.filter(([value]) => hatchOf(layer, value) === kind);
    if (!hatched.length) return [];
    const outputs = layer.stops.map(([value]) => [value, hatchOf(layer, value) === kind ? 1 : 0]);
    return [fill(`${layer.id}-hatch-${kind}`, {'fill-pattern': `${kind} ${colours.halo}`, 'fill-opacity': byClass(layer, outputs, 0)})];
  });
}

function hatchOf(layer, value) {
  const asked = layer.hatches?.[value];
  return asked === true ? 'lines' : asked;
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
  if (layer.scale === 'step' || layer.scale === 'linear') return isNumber;
  return ['match', VALUE, layer.stops.map(([value]) => value), true, false];
}

function fillColour(layer, colours) {
  if (layer.scale !== 'linear') return byClass(layer, layer.stops, colours.unknown);
  return ['case', isNumber, ['interpolate', ['linear'], ['number', VALUE, 0], ...layer.stops.flat()], colours.unknown];
}

/** `outputs` are [stop, what to give for it]; `otherwise` is for an unknown value. */
function byClass(layer, outputs, otherwise) {
  if (layer.scale !== 'step') return ['match', VALUE, ...outputs.flat(), otherwise];
  const [[, lowest], ...rest] = outputs;
  const known = rest.length ? ['step', ['number', VALUE, 0], lowest, ...rest.flat()] : lowest;
  return ['case', isNumber, known, otherwise];
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
