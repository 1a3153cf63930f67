// One MapLibre map that shows layers, a selection, an area and a step of an animation.
import {Map as GlMap} from 'maplibre-gl';
import {FeatureStates} from './featureState.js';
import {pictureFor} from './images.js';
import {Hover, featureAt, tooltipText} from './pointer.js';
import {styleFor} from './style.js';

export class Pane {
  /**
   * @param {HTMLElement} container with a size
   * @param {object} shown layers, dark, selected, area, frames, frame
   * @param {{tipHost: HTMLElement, fontFaces: object, say: Function}} surroundings
   * @param {object} options of the MapLibre map: camera, locale
   * @param {{click: Function, failed: Function, lost: Function, loading: Function}} hears
   */
  constructor(container, shown, surroundings, options, hears) {
    this.shown = shown;
    this.surroundings = {...surroundings, absolute};
    this.hears = hears;
    this.styled = false;
    this.map = new GlMap({
      ...options,
      container,
      style: styleFor(shown, this.surroundings),
      attributionControl: false,
      dragRotate: false, pitchWithRotate: false, touchPitch: false, renderWorldCopies: false, fadeDuration: 0,
    });
    this.states = new FeatureStates(this.map);
    this.hover = new Hover(this.map, surroundings.tipHost, () => this.layers(), feature => this.textOn(feature));
    this.listen();
  }

  listen() {
    const {map, hears} = this;
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.setMissingStyleImageResolver(name => this.addPicture(name));
    this.afterStyle();
    map.on('click', event => this.click(event.originalEvent, event.point));
    map.on('boxzoomcancel', ({originalEvent}) => originalEvent.type === 'mouseup' && this.clickWithShift(originalEvent));
    map.on('error', ({error}) => { console.warn(`EpiMap: ${error?.message ?? error}`); hears.failed(true); });
    map.on('idle', () => this.shown.layers?.length !== 0 && hears.loading(false)); // a page begins with [] until its callback comes
    map.on('webglcontextlost', () => { this.styled = false; hears.lost(true); });
    map.on('webglcontextrestored', () => { this.afterStyle(); hears.lost(false); });
  }

  layers() {
    return this.shown.layers ?? [];
  }

  textOf(layer, feature) {
    return tooltipText(layer, feature, this.shown, this.surroundings.say('unknown'));
  }

  textOn(feature) {
    const layer = feature && this.layers().find(each => each.id === feature.source);
    return layer && this.textOf(layer, feature);
  }

  click(pressed, point) {
    if (pressed.target.closest?.('.epimap-pin')) return;
    this.hears.click(featureAt(this.map, this.layers(), point), this.map.unproject(point), pressed);
  }

  /** MapLibre keeps a click with shift for its zoom box. */
  clickWithShift(pressed) {
    const box = this.map.getContainer().getBoundingClientRect();
    this.click(pressed, {x: pressed.clientX - box.left, y: pressed.clientY - box.top});
  }

  show(shown) {
    const before = this.shown;
    this.shown = shown;
    const changed = names => names.some(name => shown[name] !== before[name]);
    if (this.styled && changed(['layers', 'dark', 'area'])) this.restyle();
    else if (this.styled && changed(['selected', 'frames', 'frame'])) this.sync();
    if (!bringsData(shown.layers, before.layers)) return;
    this.hears.loading(true);
    this.map.triggerRepaint(); // idle follows, even where nothing turns out to be new
  }

  restyle() {
    this.map.setStyle(this.withoutAskingAgain(styleFor(this.shown, this.surroundings)), {diff: true});
    if (this.layers().every(layer => this.map.getSource(layer.id))) this.sync();
    else this.afterStyle(); // still loading, MapLibre builds it from scratch
  }

  /** MapLibre keeps what a URL of GeoJSON gave, not the URL: to it the same URL is a change, and it would ask again. */
  withoutAskingAgain(style) {
    const before = this.asked ?? {};
    this.asked = {};
    for (const [id, source] of Object.entries(style.sources)) {
      if (typeof source.data !== 'string') continue;
      this.asked[id] = source.data;
      if (before[id] === source.data) source.data = this.map.getSource(id)?.serialize().data ?? source.data;
    }
    return style;
  }

  sync() {
    this.states.sync(this.layers(), this.shown.selected, this.shown);
  }

  addPicture(name) {
    const picture = pictureFor(name);
    if (picture && !this.map.hasImage(name)) this.map.addImage(name, picture.data, picture.options);
  }

  /** Ask again for everything: MapLibre does not ask twice for a tile that failed. */
  retry() {
    this.map.setStyle(styleFor(this.shown, this.surroundings), {diff: false});
    this.afterStyle();
  }

  afterStyle() {
    this.styled = false;
    this.map.once('style.load', () => { this.styled = true; this.restyle(); });
  }

  destroy() {
    this.hears.lost = () => {};
    this.hears.loading(false);
    this.hover.remove();
    this.map.remove();
  }
}

function bringsData(layers = [], before = []) {
  const known = new Set(before.map(layer => layer.tiles ?? layer.data));
  return layers !== before && layers.some(layer => !known.has(layer.tiles ?? layer.data));
}

/** Workers have no page address to resolve against; keep the {z}/{x}/{y} braces readable. */
function absolute(url) {
  return new URL(url, window.location.href).href.replace(/%7B/gi, '{').replace(/%7D/gi, '}');
}
