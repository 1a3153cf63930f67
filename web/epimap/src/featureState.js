// Keeps feature-state (values, selection) in step with the props, touching only what changed.
import {stateLayers} from './style.js';

/** The layer that shows `selected`, and the ids chosen on it as words. */
export function selection(layers, selected) {
  const target = typeof selected === 'object' && selected !== null && !Array.isArray(selected) ? selected : {id: selected};
  const layer = target.layer ?? layers.find(each => each.kind === 'choropleth')?.id;
  const ids = [target.id ?? []].flat().map(String).filter(id => id !== '');
  return {layer, ids: new Set(ids)};
}

/** A layer's values by id: its own, or those of the animation's step on show. */
export function valuesNow(layer, {frames, frame}) {
  const step = frames?.layer === layer.id ? frames.values[frame ?? -1] : undefined;
  return step ? Object.fromEntries(frames.ids.map((id, i) => [id, step[i] ?? null])) : layer.values ?? {};
}

/** Remembers what each source was told; a source MapLibre rebuilt has forgotten it all. */
export class FeatureStates {
  constructor(map) {
    this.map = map;
    this.told = new Map();
  }

  sync(layers, selected, animation) {
    const chosen = selection(layers, selected);
    for (const layer of layers) {
      const told = this.toldTo(layer.id);
      if (layer.kind === 'choropleth') this.setValues(layer, told, valuesNow(layer, animation));
      this.setSelected(layer, told, layer.id === chosen.layer ? chosen.ids : new Set());
    }
    for (const id of this.told.keys()) if (!layers.some(layer => layer.id === id)) this.told.delete(id);
  }

  toldTo(id) {
    const source = this.map.getSource(id);
    if (this.told.get(id)?.source !== source) this.told.set(id, {source, values: {}, selected: new Set()});
    return this.told.get(id);
  }

  setValues(layer, told, values) {
    if (told.values === values) return;
    for (const id of Object.keys(told.values)) if (!(id in values)) this.set(layer, id, {v: null});
    for (const [id, v] of Object.entries(values)) if (told.values[id] !== v) this.set(layer, id, {v});
    told.values = values;
  }

  setSelected(layer, told, ids) {
    for (const id of told.selected) if (!ids.has(id)) this.set(layer, id, {selected: false});
    for (const id of ids) if (!told.selected.has(id)) this.set(layer, id, {selected: true});
    told.selected = ids;
  }

  set(layer, id, value) {
    for (const sourceLayer of stateLayers(layer)) this.map.setFeatureState({source: layer.id, sourceLayer, id}, value);
  }
}
