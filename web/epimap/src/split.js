// A second map right of a bar that is dragged, or moved with the arrow keys.
const STEPS = {ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1};
const AWAY_PX = 18;
const EDGE_PX = 8;
const CONTROLS_PX = 60;
const clamp = (value, low, high) => Math.max(low, Math.min(high, value));

/** Moves each map with the other; `echoing` while one only follows. */
export class Link {
  constructor(left, right) {
    this.echoing = false;
    this.ends = [[left, right], [right, left]].map(([leader, follower]) => {
      const lead = () => this.follow(leader, follower);
      leader.on('move', lead);
      return () => leader.off('move', lead);
    });
  }

  follow(leader, follower) {
    if (this.echoing) return;
    this.echoing = true;
    follower.jumpTo({center: leader.getCenter(), zoom: leader.getZoom()});
    this.echoing = false;
  }

  cut() {
    for (const end of this.ends) end();
  }
}

export class Split {
  /**
   * @param {HTMLElement} host
   * @param {(fraction: number) => void} moved where the bar was put, 0 (left edge) to 1
   */
  constructor(host, moved) {
    const part = (name, parent = host) => {
      const element = parent.appendChild(document.createElement('div'));
      element.className = `epimap-${name}`;
      return element;
    };
    Object.assign(this, {host, moved, fraction: 0.5, say: null});
    this.container = part('right');
    this.captions = [part('caption is-left'), part('caption is-right')];
    this.bar = part('swipe');
    this.handle = part('handle', this.bar);
    this.listen();
    this.watch = new ResizeObserver(() => this.place());
    this.watch.observe(host);
  }

  listen() {
    const {bar, handle} = this;
    handle.tabIndex = 0;
    for (const [name, value] of [['role', 'slider'], ['aria-valuemin', 0], ['aria-valuemax', 100]]) handle.setAttribute(name, value);
    bar.addEventListener('pointerdown', event => { bar.setPointerCapture(event.pointerId); handle.focus({preventScroll: true}); event.preventDefault(); });
    bar.addEventListener('pointermove', event => bar.hasPointerCapture(event.pointerId) && this.drag(event));
    bar.addEventListener('pointerup', () => this.moved(this.fraction));
    handle.addEventListener('keydown', event => this.key(event));
  }

  drag({clientX}) {
    const {left, width} = this.host.getBoundingClientRect();
    this.put((clientX - left) / width);
  }

  key(event) {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    this.put(this.fraction + step);
    this.moved(this.fraction);
  }

  /** @param {{left: string, right: string}} captions */
  tell(captions, say) {
    this.say = say;
    this.handle.setAttribute('aria-label', say('swipe'));
    this.captions.forEach((caption, i) => { caption.textContent = [captions.left, captions.right][i] ?? ''; });
    this.place();
  }

  put(fraction) {
    this.fraction = Number(clamp(fraction, 0, 1).toFixed(3));
    this.place();
  }

  place() {
    const at = this.fraction * this.host.clientWidth;
    const percent = Math.round(this.fraction * 100);
    this.container.style.clipPath = `inset(0 0 0 ${at}px)`;
    this.bar.style.left = `${at}px`;
    this.handle.setAttribute('aria-valuenow', percent);
    if (this.say) this.handle.setAttribute('aria-valuetext', this.say('swipeValue', {percent}));
    this.placeCaptions(at);
  }

  /** Either side of the bar; at an edge the pair stops moving, so that both stay readable. */
  placeCaptions(at) {
    const [left, right] = this.captions.map(caption => (caption.hidden = !caption.textContent, caption.offsetWidth));
    const middle = clamp(at, EDGE_PX + left + AWAY_PX, Math.max(this.host.clientWidth - CONTROLS_PX - right - AWAY_PX, EDGE_PX + left + AWAY_PX));
    this.captions[0].style.left = `${middle - AWAY_PX - left}px`;
    this.captions[1].style.left = `${middle + AWAY_PX}px`;
  }

  destroy() {
    this.watch.disconnect();
    for (const element of [this.container, this.bar, ...this.captions]) element.remove();
  }
}
