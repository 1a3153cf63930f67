// One pin that a person drags, or moves with the arrow keys when it has the focus.
import {Marker} from 'maplibre-gl';

const STEP_PX = 4;
const STEPS = {ArrowLeft: [-STEP_PX, 0], ArrowRight: [STEP_PX, 0], ArrowUp: [0, -STEP_PX], ArrowDown: [0, STEP_PX]};

export class Pin {
  /** @param {(place: {lng: number, lat: number}) => void} moved where it was put down */
  constructor(map, moved) {
    this.map = map;
    this.moved = () => moved(rounded(this.marker.getLngLat()));
    this.marker = null;
  }

  show(place, label) {
    if (!place) return this.remove();
    if (!this.marker) this.create(label);
    const here = rounded(this.marker.getLngLat() ?? {lng: NaN, lat: NaN});
    if (here.lng !== place.lng || here.lat !== place.lat || !this.shown) this.marker.setLngLat([place.lng, place.lat]);
    if (!this.shown) this.marker.addTo(this.map);
    this.shown = true;
  }

  create(label) {
    const element = document.createElement('div');
    element.className = 'epimap-pin';
    element.tabIndex = 0;
    element.setAttribute('role', 'img');
    if (label) element.setAttribute('aria-label', label);
    element.appendChild(document.createElement('span'));
    element.addEventListener('keydown', event => this.step(event));
    this.marker = new Marker({element, draggable: true, anchor: 'bottom'});
    this.marker.on('dragend', this.moved);
  }

  step(event) {
    const shift = STEPS[event.key];
    if (!shift) return;
    event.preventDefault();
    event.stopPropagation();
    const {x, y} = this.map.project(this.marker.getLngLat());
    this.marker.setLngLat(this.map.unproject([x + shift[0], y + shift[1]]));
    this.moved();
  }

  remove() {
    if (this.shown) this.marker.remove();
    this.shown = false;
  }
}

const rounded = ({lng, lat}) => ({lng: Number(lng.toFixed(6)), lat: Number(lat.toFixed(6))});
