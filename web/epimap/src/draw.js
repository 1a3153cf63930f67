// Drawing an area over the map, by pointer or keyboard: a lasso or a circle.
import {circleOf, lassoOf, metresBetween, nextRadius, ringOf} from './shapes.js';
import {number} from './words.js';

const STRIDE_PX = 3;
const SMALLEST_PX = 6;
const KEY_PX = 12;
const FAR_KEY_PX = 72;
const ARROWS = {ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0]};
const SVG = 'http://www.w3.org/2000/svg';

/** Lies over the map, so that no gesture reaches it; places are degrees, so the map may still move below. */
export class Drawing {
  /**
   * @param {HTMLElement} host as large as the map
   * @param {(text: string) => void} announce to a screen reader
   * @param {(point: {x: number, y: number}) => string} nameAt what the map has there
   * @param {(area: object | null) => void} done with the area, null where it was given up
   */
  constructor(host, map, announce, nameAt, done) {
    Object.assign(this, {host, map, announce, nameAt, done, kind: null});
    this.redraw = () => this.draw();
    this.escape = event => event.key === 'Escape' && this.finish(null);
  }

  /** @param {'lasso' | 'circle' | null} kind */
  show(kind, say) {
    if ((kind ?? null) === this.kind) return;
    this.stop();
    if (!kind) return;
    Object.assign(this, {kind, say, points: [], radius_m: 0, pointer: null, cursor: null});
    this.build(say(kind));
    this.announce(say(kind));
    this.map.on('move', this.redraw);
    document.addEventListener('keydown', this.escape);
    this.before = document.activeElement;
    this.sheet.focus({preventScroll: true});
  }

  build(hint) {
    this.host.classList.add('is-drawing');
    this.sheet = this.host.appendChild(document.createElement('div'));
    this.sheet.className = 'epimap-drawing';
    this.sheet.tabIndex = 0;
    this.sheet.setAttribute('role', 'application');
    this.sheet.setAttribute('aria-label', hint);
    const picture = this.sheet.appendChild(document.createElementNS(SVG, 'svg'));
    this.outline = picture.appendChild(document.createElementNS(SVG, 'path'));
    this.mark = picture.appendChild(document.createElementNS(SVG, 'circle'));
    this.mark.setAttribute('r', '6');
    this.radius = this.sheet.appendChild(document.createElement('output'));
    this.radius.className = 'epimap-radius';
    this.hint = this.sheet.appendChild(document.createElement('p'));
    this.hint.className = 'epimap-hint';
    this.hint.textContent = hint;
    const on = (name, act) => this.sheet.addEventListener(name, act);
    on('pointerdown', event => this.down(event));
    on('pointermove', event => event.pointerId === this.pointer && this.drag(event));
    on('pointerup', event => event.pointerId === this.pointer && this.up(event));
    on('pointercancel', () => this.forget());
    on('keydown', event => (this.kind === 'circle' ? this.circleKey(event) : this.lassoKey(event)));
  }

  stop() {
    if (!this.kind) return;
    const focused = this.sheet.contains(document.activeElement);
    this.kind = null;
    this.map.off('move', this.redraw);
    document.removeEventListener('keydown', this.escape);
    this.host.classList.remove('is-drawing');
    this.sheet.remove();
    if (focused && this.before?.isConnected) this.before.focus({preventScroll: true});
  }

  finish(area) {
    this.announce(this.say(area ? 'drawn' : 'cancelled'));
    this.stop();
    this.done(area);
  }

  place(event) {
    const box = this.sheet.getBoundingClientRect();
    return {x: event.clientX - box.left, y: event.clientY - box.top};
  }

  degrees(point) {
    return this.map.unproject([point.x, point.y]).toArray();
  }

  down(event) {
    if (this.pointer !== null || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.sheet.setPointerCapture(event.pointerId);
    this.from = this.last = this.place(event);
    this.points = [this.degrees(this.from)];
    this.radius_m = 0;
    this.cursor = null;
  }

  drag(event) {
    const here = this.place(event);
    if (this.kind === 'circle') this.radius_m = metresBetween(this.points[0], this.degrees(here));
    else if (apart(here, this.last) >= STRIDE_PX) this.points.push(this.degrees(here));
    else return;
    this.last = here;
    this.draw();
  }

  up(event) {
    this.drag(event);
    const pixels = this.points.map(point => this.map.project(point));
    const reach = this.kind === 'circle' ? apart(this.last, this.from) : Math.max(...pixels.map(pixel => apart(pixel, this.from)));
    if (reach < SMALLEST_PX || (this.kind === 'lasso' && this.points.length < 3)) return this.forget();
    this.finish(this.area());
  }

  /** A slip of the hand is no area: the next try starts anew. */
  forget() {
    Object.assign(this, {points: [], radius_m: 0, pointer: null});
    this.draw();
  }

  lassoKey(event) {
    const way = ARROWS[event.key];
    if (way) this.moveCursor(way, event.shiftKey ? FAR_KEY_PX : KEY_PX);
    else if (event.key === ' ') this.setCorners([...this.points, this.cursor ?? this.middle()]);
    else if (event.key === 'Backspace') this.setCorners(this.points.slice(0, -1));
    else if (event.key === 'Enter' && this.points.length >= 3) this.finish(this.area());
    else return;
    event.preventDefault();
  }

  middle() {
    return this.map.getCenter().toArray();
  }

  moveCursor([across, down], pixels) {
    const {x, y} = this.map.project(this.cursor ?? this.middle());
    const within = (value, most) => Math.min(most, Math.max(0, value));
    const point = {x: within(x + across * pixels, this.host.clientWidth), y: within(y + down * pixels, this.host.clientHeight)};
    this.cursor = this.degrees(point);
    this.draw();
    this.announce(this.nameAt(point));
  }

  setCorners(points) {
    this.points = points;
    this.cursor ??= this.middle();
    this.hint.textContent = this.say('corner', {n: points.length});
    this.draw();
    this.announce(this.hint.textContent);
  }

  circleKey(event) {
    const up = {ArrowUp: true, ArrowDown: false}[event.key];
    if (event.key === 'Enter') this.points.length ? this.finish(this.area()) : this.putCentre();
    else if (up !== undefined && this.points.length) this.resize(nextRadius(this.radius_m, up));
    else return;
    event.preventDefault();
  }

  /** First a round radius near a sixth of the map's height. */
  putCentre() {
    this.points = [this.middle()];
    const {clientHeight, clientWidth} = this.host;
    const sixth = this.degrees({x: clientWidth / 2, y: clientHeight / 3});
    this.resize(nextRadius(metresBetween(this.points[0], sixth), false));
    this.hint.textContent = this.say('circlePlaced', {metres: number(this.radius_m)});
  }

  resize(radius_m) {
    this.radius_m = radius_m;
    this.draw();
    this.announce(this.say('circlePlaced', {metres: number(radius_m)}));
  }

  area() {
    return this.kind === 'circle' ? circleOf(this.points[0], this.radius_m) : lassoOf(this.points);
  }

  drawMark() {
    this.mark.style.display = this.cursor ? '' : 'none';
    if (!this.cursor) return;
    const {x, y} = this.map.project(this.cursor);
    this.mark.setAttribute('cx', x);
    this.mark.setAttribute('cy', y);
  }

  draw() {
    const corners = this.cursor ? [...this.points, this.cursor] : this.points;
    const ring = this.points.length === 0 ? [] : ringOf(this.kind === 'circle' ? this.area() : {kind: 'lasso', points: corners});
    this.drawMark();
    const pixels = ring.map(point => this.map.project(point));
    this.outline.setAttribute('d', pixels.map(({x, y}, i) => `${i ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join(''));
    this.radius.hidden = this.kind !== 'circle' || !this.radius_m;
    if (this.radius.hidden) return;
    this.radius.textContent = this.say('radius', {metres: number(Math.round(this.radius_m))});
    const beside = this.pointer === null ? pixels[0] : this.last;
    this.radius.style.transform = `translate(${beside.x + 14}px, ${beside.y - 10}px)`;
  }
}

const apart = (a, b) => Math.hypot(a.x - b.x, a.y - b.y);
