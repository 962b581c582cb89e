// Where the reader is, as the browser tells it: asked only at the press of a button, and told to nobody.

import { button, copyButton } from './controls.js';
import { positionText } from './coordinates.js';
import { el } from '../page/dom.js';
import { Drawing, mark } from './drawn.js';
import { circle } from './geodesic.js';
import { words } from '../page/language.js';
import { lengthText } from './lengths.js';
import { GROUP_INDEX } from '../layers/symbols.js';

const PLANT = GROUP_INDEX.utilization_plant;
const WAIT = 20000; // milliseconds until the browser must have answered

/** The word for why there is no position, by the code of the browser's error. */
export function reasonOf(code) {
  return { 1: 'locate_refused', 3: 'locate_late' }[code] ?? 'locate_unavailable';
}

class Location {
  constructor(bench) {
    this.bench = bench;
    this.drawn = new Drawing(bench.map);
    this.state = undefined; // the key of what is said: asked, or why it failed
  }

  ask() {
    const { geolocation } = navigator;
    if (!geolocation) {
      this.fail(undefined);
      return;
    }
    this.tell('locate_asked');
    geolocation.getCurrentPosition(
      ({ coords }) => this.found(coords),
      ({ code }) => this.fail(code),
      { enableHighAccuracy: true, timeout: WAIT, maximumAge: 0 },
    );
  }

  fail(code) {
    this.tell(reasonOf(code));
  }

  tell(state) {
    this.state = state;
    this.write();
    this.bench.announce(words()[state]);
  }

  found({ latitude, longitude, accuracy }) {
    const { map } = this.bench;
    this.here = { lat: latitude, lng: longitude };
    this.accuracy = accuracy;
    this.state = undefined;
    this.bench.here = this.here;
    const around = circle(this.here, Math.max(1, accuracy));
    const dot = mark(this.here, '', { className: 'registry-here', title: words().locate_here });
    this.drawn.show([{ points: around, closed: true, dash: [4, 6], width: 2 }], [dot]);
    map.fitBounds(L.latLngBounds(around), { maxZoom: 15, padding: [40, 40] });
    this.write();
    this.bench.announce(this.summary());
  }

  summary() {
    const text = words();
    return `${text.locate_here} ${positionText(this.here)}${text.comma}${text.locate_accuracy} ±${lengthText(this.accuracy)}`;
  }

  clear() {
    this.here = undefined;
    this.bench.here = undefined;
    this.drawn.clear();
    this.write();
    this.bench.announce(words().locate_cleared);
  }

  open(panel) {
    const text = words();
    this.out = el('div', 'registry-found');
    panel.append(
      el('div', 'registry-buttons', button(text.locate_go, () => this.ask())),
      this.out,
      el('p', 'registry-hint', text.locate_hint),
    );
    this.write();
  }

  // The position stays on the map until it is cleared.
  close() {
    this.out = undefined;
  }

  write() {
    if (!this.out) return;
    const text = words();
    const parts = [];
    if (this.state) parts.push(el('p', this.state === 'locate_asked' ? '' : 'registry-wrong', text[this.state]));
    if (this.here) {
      const list = el('dl', 'registry-figures');
      list.append(el('dt', '', text.position), el('dd', '', positionText(this.here)));
      list.append(el('dt', '', text.locate_accuracy), el('dd', '', `±${lengthText(this.accuracy)}`));
      const { rows, totals } = this.bench.sites;
      const others = [totals?.[PLANT] && 'nearest', rows && 'circle'].filter(Boolean);
      const next = others.map((key) => button(text[`tool_${key}`], () => this.bench.openTool(key)));
      const copy = copyButton(this.bench, () => positionText(this.here));
      const clear = button(text.locate_clear, () => this.clear());
      parts.push(list, el('div', 'registry-buttons', ...next, copy, clear));
    }
    this.out.replaceChildren(...parts);
  }
}

/** The tool that shows where the reader is. */
export function locateTool(bench) {
  const location = new Location(bench);
  return { key: 'locate', icon: 'locate', open: (panel) => location.open(panel), close: () => location.close() };
}
