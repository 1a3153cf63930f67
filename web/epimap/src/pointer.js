// What a pointer on the map means: which feature a click hits, and the hover outline and tooltip.
import {hitLayers} from './style.js';

const REACH_PX = 6;

/** Points and lines are small, so they are looked for a few pixels around; areas exactly. */
export function featureAt(map, layers, point) {
  const around = [[point.x - REACH_PX, point.y - REACH_PX], [point.x + REACH_PX, point.y + REACH_PX]];
  const pick = (kind, place) => {
    const ids = layers.filter(layer => layer.kind === kind).flatMap(hitLayers).filter(id => map.getLayer(id));
    return ids.length ? map.queryRenderedFeatures(place, {layers: ids})[0] : undefined;
  };
  return pick('geojson', around) ?? pick('choropleth', point);
}

export function clickData(feature, lngLat, now) {
  const place = {lngLat: [lngLat.lng, lngLat.lat], t: now};
  if (!feature) return {layer: null, id: null, properties: {}, ...place};
  return {layer: feature.source, id: feature.id ?? null, properties: feature.properties, ...place};
}

function tooltipText(layer, feature) {
  if (layer.kind === 'choropleth') return layer.tooltips?.[feature.id];
  return layer.tooltipField && feature.properties[layer.tooltipField];
}

export class Hover {
  constructor(map, container, layersNow) {
    this.map = map;
    this.layersNow = layersNow;
    this.lit = null;
    this.tip = container.appendChild(document.createElement('div'));
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
    const layer = feature && this.layersNow().find(each => each.id === feature.source);
    this.show(layer && tooltipText(layer, feature), point);
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
}
