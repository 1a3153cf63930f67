// The part that needs MapLibre; index.js loads it only when a map is on the page and WebGL2 exists.
import {NavigationControl, ScaleControl, setWorkerUrl} from 'maplibre-gl';
import {Drawing} from './draw.js';
import {selection} from './featureState.js';
import {Pane} from './pane.js';
import {Pin} from './pin.js';
import {clickData, featureAt} from './pointer.js';
import {Link, Split} from './split.js';
import {speaker} from './words.js';

const VIETNAMESE = {
  'Map.Title': 'Bản đồ',
  'NavigationControl.ZoomIn': 'Phóng to',
  'NavigationControl.ZoomOut': 'Thu nhỏ',
};
const ignore = () => {};
const round = (value, digits) => Number(value.toFixed(digits));
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

export class Engine {
  /**
   * @param {HTMLElement} container with a size
   * @param {object} props of the component
   * @param {{workerUrl: string, fontFaces: object}} urls
   * @param {(out: object) => void} emit clickData, pin, viewState, viewBounds, ready, draw, drawn, swipe
   * @param {(failed: boolean) => void} onFailure whether some data could not be loaded
   * @param {{lost?: (now: boolean) => void, loading?: (now: boolean) => void}} hears whether the machine
   *   stopped drawing, and whether data of the layers are on their way
   */
  constructor(container, props, urls, emit, onFailure, hears = {}) {
    setWorkerUrl(urls.workerUrl);
    Object.assign(this, {container, props, emit, onFailure, hears, fontFaces: urls.fontFaces});
    this.left = this.pane('left', container, shownLeft(props), {...cameraOf(props), 'Map.Title': props.ariaLabel});
    this.map = this.left.map;
    this.live = container.appendChild(document.createElement('div'));
    this.live.className = 'epimap-live';
    this.live.setAttribute('role', 'status');
    this.pin = new Pin(this.map, pin => this.emit({pin}));
    this.pin.show(props.pin, props.pinLabel);
    this.drawing = new Drawing(container, this.map, text => this.announce(text), point => this.nameAt(point), area => this.drawn(area));
    this.listen();
    this.showSplit(props, {});
    this.drawing.show(props.draw, this.say());
  }

  pane(side, container, shown, {'Map.Title': title, ...camera}) {
    const {props} = this;
    const surroundings = {tipHost: this.container, fontFaces: this.fontFaces, say: this.say()};
    const options = {...camera, locale: {...VIETNAMESE, ...props.locale, ...(title && {'Map.Title': title})}, reduceMotion: props.reducedMotion};
    return new Pane(container, shown, surroundings, options, {
      click: (feature, lngLat, pressed) => this.emit({clickData: clickData(feature, lngLat, pressed, side, Date.now())}),
      failed: this.onFailure,
      lost: this.hears.lost ?? ignore,
      loading: this.hears.loading ?? ignore,
    });
  }

  listen() {
    const {map} = this;
    map.addControl(new NavigationControl({showCompass: false}), 'top-right');
    map.addControl(new ScaleControl({maxWidth: 90}), 'bottom-left');
    map.once('idle', () => this.emit({ready: true, webgl: true, ...this.view()}));
    map.on('moveend', () => this.moved());
    map.on('idle', () => this.left.layers().length && this.stands());
    map.getCanvas().addEventListener('focus', () => this.announceSelected());
  }

  /** What else the page has to do may begin. */
  stands() {
    if (this.container.classList.contains('epimap-stands')) return;
    this.container.classList.add('epimap-stands');
    this.container.dispatchEvent(new Event('epimap-stands', {bubbles: true}));
  }

  say() {
    return speaker(this.props.texts);
  }

  announce(text) {
    this.live.textContent = text;
  }

  nameAt(point) {
    const text = this.left.textOn(featureAt(this.map, this.left.layers(), point));
    return (text ?? '').replaceAll('\n', ', ');
  }

  /** Hover is for pointers; a screen reader hears the words of what is selected. */
  announceSelected() {
    const {layer, ids} = selection(this.left.layers(), this.props.selected);
    const shown = this.left.layers().find(each => each.id === layer);
    const texts = [...ids].map(id => shown && this.left.textOf(shown, {id, properties: {}})).filter(Boolean);
    if (texts.length) this.announce(this.say()('selected', {text: texts.join('; ').replaceAll('\n', ', ')}));
  }

  moved() {
    if (!this.link?.echoing) this.emit(this.view());
  }

  view() {
    const {map} = this;
    const {lng, lat} = map.getCenter();
    const bounds = map.getBounds();
    this.emitted = {lng: round(lng, 5), lat: round(lat, 5), zoom: round(map.getZoom(), 2)};
    return {viewState: this.emitted, viewBounds: bounds.toArray().flat().map(value => round(value, 5))};
  }

  drawn(area) {
    this.emit(area ? {drawn: {...area, t: Date.now()}, draw: null} : {draw: null});
  }

  update(props) {
    const before = this.props;
    this.props = props;
    this.left.show(shownLeft(props));
    this.showSplit(props, before);
    if (!same(props.pin, before.pin)) this.pin.show(props.pin, props.pinLabel);
    if (props.draw !== before.draw) this.drawing.show(props.draw, this.say());
    if (props.selected !== before.selected) this.announceSelected();
    this.moveCamera(before, props);
  }

  /** The second map exists only while two are compared. */
  showSplit(props, before) {
    const {compare} = props;
    if (!compare) return this.endSplit();
    if (!this.split) this.startSplit(props);
    else this.right.show(shownRight(props));
    if (compare !== before.compare || props.texts !== before.texts) this.split.tell(compare, this.say());
    if (props.swipe !== before.swipe && typeof props.swipe === 'number') this.split.put(props.swipe);
  }

  startSplit(props) {
    const {map} = this;
    this.split = new Split(this.container, swipe => this.emit({swipe}));
    this.right = this.pane('right', this.split.container, shownRight(props),
      {center: map.getCenter(), zoom: map.getZoom(), 'Map.Title': props.compare.right});
    this.link = new Link(map, this.right.map);
    this.split.put(props.swipe ?? 0.5);
    this.right.map.on('moveend', () => this.moved());
  }

  endSplit() {
    if (!this.split) return;
    this.link.cut();
    this.right.destroy();
    this.split.destroy();
    this.link = this.right = this.split = null;
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

  retry() {
    this.onFailure(false);
    this.left.retry();
    this.right?.retry();
  }

  destroy() {
    this.drawing.stop();
    this.endSplit();
    this.left.destroy();
    this.container.replaceChildren();
  }
}

const shownLeft = ({layers, dark, selected, area, frames, frame}) => ({layers, dark, selected, area, frames, frame});

function shownRight({compare, dark, selected, area, frame}) {
  return {layers: compare.layers, frames: compare.frames, dark, selected, area, frame};
}

function cameraOf({bounds, padding, viewState}) {
  if (bounds) return {bounds, fitBoundsOptions: {padding: padding ?? 24}};
  const {lng, lat, zoom} = viewState ?? {lng: 106.7, lat: 10.78, zoom: 9};
  return {center: [lng, lat], zoom};
}
