// What a pointer on the map means: which feature a click hits, and the hover outline and tooltip.
import {valuesNow} from './featureState.js';
import {hitLayers} from './style.js';
import {number} from './words.js';

const REACH_PX = 6;

/** Points and lines are small, so they are looked for a few pixels around; areas exactly. */
export function featureAt(map, layers, point) {
  const around = [[point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX]];
  const isSmall = (layer, part) => layer.kind === 'geojson' || (layer.kind === 'tiles' && part.type !== 'fill');
  const pick = (small, place) => {
    const parts = layers.flatMap(layer => hitLayers(layer).filter(part => isSmall(layer, part) === small));
    const ids = parts.map(part => part.id).filter(id => map.getLayer(id));
    return ids.length ? map.queryRenderedFeatures(place, {layers: ids})[0] : undefined;
  };
  return pick(true, around) ?? pick(false, [point.x, point.y]);
}

export function clickData(feature, lngLat, pressed, side, now) {
  const additive = Boolean(pressed.shiftKey || pressed.ctrlKey || pressed.metaKey);
  const place = {lngLat: [lngLat.lng, lngLat.lat], additive, side, t: now};
  if (!feature) return {layer: null, id: null, properties: {}, ...place};
  return {layer: feature.source, id: feature.id ?? null, properties: feature.properties, ...place};
}

export function tooltipText(layer, feature, animation, unknown) {
  if (layer.kind !== 'choropleth') return layer.tooltipField && feature.properties[layer.tooltipField];
  const own = layer.tooltips?.[feature.id];
  const {frames, frame} = animation;
  if (!own || frames?.layer !== layer.id || !frames.values[frame ?? -1]) return own;
  return [own.split('\n')[0], stepText(frames.valueText, valuesNow(layer, animation)[feature.id], unknown)].filter(Boolean).join('\n');
}

/** The value of an animation's step in words: `valueText` is "{value} ca", or the words for each value. */
function stepText(valueText, value, unknown) {
  if (value === null || value === undefined) return unknown;
  return typeof valueText === 'object' ? valueText?.[value] : valueText?.replace('{value}', number(value));
}

export class Hover {
  /**
   * @param {HTMLElement} host of the tooltip, as large as the map
   * @param {() => object[]} layersNow
   * @param {(feature: object | undefined) => string | undefined} textOn
   */
  constructor(map, host, layersNow, textOn) {
    this.map = map;
    this.layersNow = layersNow;
    this.textOn = textOn;
    this.lit = null;
    this.tip = host.appendChild(document.createElement('div'));
    this.tip.className = 'epimap-tooltip';
    this.tip.hidden = true;
    map.on('mousemove', event => this.move(event.point));
    map.on('mouseout', () => this.light(null));
    map.on('movestart', () => this.light(null));
  }

  move(point) {
    const feature = featureAt(this.map, this.layersNow(), point);
    this.light(feature ?? null);
    this.map.getCanvas().style.cursor = feature ? 'pointer' : '';
    this.show(this.textOn(feature), point);
  }

  light(feature) {
    const same = this.lit && feature && this.lit.source === feature.source && this.lit.id === feature.id;
    if (same) return;
    if (this.lit && this.map.getSource(this.lit.source)) this.map.setFeatureState(this.lit, {hover: false});
    this.lit = feature?.id === undefined || !feature ? null : {source: feature.source, sourceLayer: feature.sourceLayer, id: feature.id};
    if (this.lit) this.map.setFeatureState(this.lit, {hover: true});
    if (!feature) this.tip.hidden = true;
  }

  show(text, point) {
    this.tip.hidden = !text;
    if (!text) return;
    this.tip.textContent = text;
    const {clientWidth, clientHeight} = this.map.getContainer();
    const left = Math.min(point.x + 14, clientWidth - this.tip.offsetWidth - 8);
    const above = point.y + 18 + this.tip.offsetHeight > clientHeight;
    this.tip.style.left = `${Math.max(8, left)}px`;
    this.tip.style.top = `${above ? point.y - this.tip.offsetHeight - 12 : point.y + 18}px`;
  }

  remove() {
    this.tip.remove();
  }
}
