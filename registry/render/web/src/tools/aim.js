// A tool's hold on the clicks of a map, with the cursor that shows it.

import { button } from './controls.js';

const TWICE_MS = 700; // between the two clicks of a double click, at most
const TWICE_PIXELS = 24; // a finger does not hit the same pixel twice

/** Takes the clicks and moves of a bench's map while on: `{click, move?, finish?, cancel?}` of points. */
export class Aim {
  constructor(bench, takes) {
    this.bench = bench;
    this.capture = {
      click: (event) => {
        this.clicks = [...this.clicks.slice(-1), { point: event.containerPoint, time: performance.now() }];
        takes.click(event.latlng);
      },
      move: (event) => takes.move?.(event.latlng),
      finish: () => this.twice() && takes.finish?.(),
      cancel: () => (takes.cancel ? takes.cancel() : this.off()),
    };
    this.clicks = [];
    this.show = () => {};
  }

  // On touch screens Leaflet takes any two quick taps for a double one, a tap on a button and one far off included.
  twice() {
    const [first, second] = this.clicks;
    return second && second.time - first.time < TWICE_MS && second.point.distanceTo(first.point) < TWICE_PIXELS;
  }

  get active() {
    return this.bench.desk.capture === this.capture;
  }

  on() {
    const { desk, map } = this.bench;
    this.clicks = [];
    desk.capture = this.capture;
    map.getContainer().classList.add('registry-aiming');
    map.doubleClickZoom.disable();
    this.show(true);
  }

  off() {
    if (!this.active) return;
    const { desk, map } = this.bench;
    desk.capture = null;
    map.getContainer().classList.remove('registry-aiming');
    map.doubleClickZoom.enable();
    this.show(false);
  }

  /** A button that switches the hold, pressed while it is on. */
  button(text) {
    const made = button(text, () => (this.active ? this.off() : this.on()));
    this.show = (active) => made.setAttribute('aria-pressed', String(active));
    this.show(this.active);
    return made;
  }
}
