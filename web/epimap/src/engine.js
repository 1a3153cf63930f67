// The part that needs MapLibre; index.js loads it only when a map is on the page and WebGL2 exists.
import {Map as GlMap, NavigationControl, ScaleControl, setWorkerUrl} from 'maplibre-gl';
import {FeatureStates} from './featureState.js';
import {pictureFor} from './images.js';
import {Pin} from './pin.js';
import {Hover, clickData, featureAt} from './pointer.js';
import {styleFor} from './style.js';

const VIETNAMESE = {
  'Map.Title': 'Bản đồ',
  'NavigationControl.ZoomIn': 'Phóng to',
  'NavigationControl.ZoomOut': 'Thu nhỏ',
};
const round = (value, digits) => Number(value.toFixed(digits));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class Engine {
  /**
   * @param {HTMLElement} container with a size
   * @param {object} props of the component
   * @param {{workerUrl: string, fontFaces: object}} urls
   * @param {(out: object) => void} emit clickData, pin, viewState, viewBounds, ready
   * @param {(failed: boolean) => void} onFailure whether some data could not be loaded
   */
  constructor(container, props, urls, emit, onFailure) {
    setWorkerUrl(urls.workerUrl);
    this.props = props;
    this.emit = emit;
    this.onFailure = onFailure;
    this.surroundings = {fontFaces: urls.fontFaces, absolute};
    this.styled = false;
    this.map = new GlMap({
      ...cameraOf(props),
      container,
      style: styleFor(props, this.surroundings),
      locale: {...VIETNAMESE, ...props.locale, ...(props.ariaLabel && {'Map.Title': props.ariaLabel})},
      attributionControl: false,
      dragRotate: false, pitchWithRotate: false, touchPitch: false, renderWorldCopies: false, fadeDuration: 0,
    });
    this.states = new FeatureStates(this.map);
    this.pin = new Pin(this.map, pin => this.emit({pin}));
    this.pin.show(props.pin, props.pinLabel);
    this.listen(container);
  }

  listen(container) {
    const {map} = this;
    map.touchZoomRotate.disableRotation();
    map.keyboard.disableRotation();
    map.addControl(new NavigationControl({showCompass: false}), 'top-right');
    map.addControl(new ScaleControl({maxWidth: 90}), 'bottom-left');
    map.setMissingStyleImageResolver(name => this.addPicture(name));
    this.afterStyle();
    map.once('idle', () => this.emit({ready: true, webgl: true, ...this.view()}));
    map.on('moveend', () => this.emit(this.view()));
    map.on('click', event => {
      if (event.originalEvent.target.closest?.('.epimap-pin')) return;
      this.emit({clickData: clickData(featureAt(map, this.layers(), event.point), event.lngLat, Date.now())});
    });
    map.on('error', ({error}) => { console.warn(`EpiMap: ${error?.message ?? error}`); this.onFailure(true); });
    new Hover(map, container, () => this.layers());
  }

  layers() {
    return this.props.layers ?? [];
  }

  view() {
    const {map} = this;
    const {lng, lat} = map.getCenter();
    const bounds = map.getBounds();
    this.emitted = {lng: round(lng, 5), lat: round(lat, 5), zoom: round(map.getZoom(), 2)};
    return {viewState: this.emitted, viewBounds: bounds.toArray().flat().map(value => round(value, 5))};
  }

  update(props) {
    const before = this.props;
    this.props = props;
    if (props.layers !== before.layers || props.dark !== before.dark || props.selected !== before.selected) this.apply();
    if (!same(props.pin, before.pin)) this.pin.show(props.pin, props.pinLabel);
    this.moveCamera(before, props);
  }

  /** Dash hands back the view it was sent; only a view somebody else chose moves the map. */
  moveCamera(before, props) {
    const {map} = this;
    if (props.bounds && !same(props.bounds, before.bounds)) this.fit(props.bounds, {});
    const view = props.viewState;
    if (view && !same(view, before.viewState) && !same(view, this.emitted)) map.jumpTo({center: [view.lng, view.lat], zoom: view.zoom});
    const goal = props.flyTo;
    if (!goal || goal === before.flyTo || same(goal, before.flyTo)) return;
    if (goal.bounds) this.fit(goal.bounds, {maxZoom: 15});
    else map.flyTo({center: [goal.lng, goal.lat], zoom: goal.zoom ?? map.getZoom(), duration: 700});
  }

  /** A map that was out of sight may not know yet how large it is now. */
  fit(bounds, options) {
    this.map.resize();
    this.map.fitBounds(bounds, {padding: this.props.padding ?? 24, ...options});
  }

  apply() {
    if (!this.styled) return;
    this.map.setStyle(styleFor(this.props, this.surroundings), {diff: true});
    if (this.layers().every(layer => this.map.getSource(layer.id))) this.states.sync(this.layers(), this.props.selected);
    else this.afterStyle(); // still loading, MapLibre builds it from scratch
  }

  addPicture(name) {
    const picture = pictureFor(name);
    if (picture && !this.map.hasImage(name)) this.map.addImage(name, picture.data, picture.options);
  }

  /** Ask again for everything: MapLibre does not ask twice for a tile that failed. */
  retry() {
    this.onFailure(false);
    this.map.setStyle(styleFor(this.props, this.surroundings), {diff: false});
    this.afterStyle();
  }

  afterStyle() {
    this.styled = false;
    this.map.once('style.load', () => { this.styled = true; this.apply(); });
  }

  destroy() {
    this.map.remove();
  }
}

/** Workers have no page address to resolve against; keep the {z}/{x}/{y} braces readable. */
function absolute(url) {
  return new URL(url, window.location.href).href.replace(/%7B/gi, '{').replace(/%7D/gi, '}');
}

function cameraOf({bounds, padding, viewState}) {
  if (bounds) return {bounds, fitBoundsOptions: {padding: padding ?? 24}};
  const {lng, lat, zoom} = viewState ?? {lng: 106.7, lat: 10.78, zoom: 9};
  return {center: [lng, lat], zoom};
}
