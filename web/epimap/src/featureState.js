// Keeps feature-state (values, selection) in step with the props, touching only what changed.
import {stateLayers} from './style.js';

/** Remembers what each source was told; a source MapLibre rebuilt has forgotten it all. */
export class FeatureStates {
  constructor(map) {
    this.map = map;
    this.told = new Map();
  }

  sync(layers, selected) {
    const target = typeof selected === 'object' && selected !== null ? selected : {id: selected};
    const selectable = target.layer ?? layers.find(layer => layer.kind === 'choropleth')?.id;
    for (const layer of layers) {
      const told = this.toldTo(layer.id);
      if (layer.kind === 'choropleth') this.setValues(layer, told);
      const chosen = layer.id === selectable && target.id !== undefined && target.id !== '' ? target.id : null;
      this.setSelected(layer, told, chosen);
    }
  }

  toldTo(id) {
    const source = this.map.getSource(id);
    if (this.told.get(id)?.source !== source) this.told.set(id, {source, values: {}, selected: null});
    return this.told.get(id);
  }

  setValues(layer, told) {
    const values = layer.values ?? {};
    if (told.values === values) return;
    for (const id of Object.keys(told.values)) if (!(id in values)) this.set(layer, id, {v: null});
    for (const [id, v] of Object.entries(values)) if (told.values[id] !== v) this.set(layer, id, {v});
    told.values = values;
  }

  setSelected(layer, told, id) {
    if (told.selected === id) return;
    if (told.selected !== null) this.set(layer, told.selected, {selected: false});
    if (id !== null) this.set(layer, id, {selected: true});
    told.selected = id;
  }

  set(layer, id, value) {
    for (const sourceLayer of stateLayers(layer)) this.map.setFeatureState({source: layer.id, sourceLayer, id}, value);
  }
}
