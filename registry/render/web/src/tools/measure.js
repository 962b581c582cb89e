// Measures a path that is clicked or typed: legs, length, and from three points on the area that it encloses.

import { Aim } from './aim.js';
import { button, copyButton, positionForm } from './controls.js';
import { positionText } from './coordinates.js';
import { el } from '../page/dom.js';
import { alongPath, Drawing, mark } from './drawn.js';
import { area, crossesItself, distance, legs, unrolled } from './geodesic.js';
import { words } from '../page/language.js';
import { areaText, lengthText } from './lengths.js';

const SAME_PLACE = 4; // pixels within which a click on the last point adds none

/** Legs, length and, from three points on, perimeter and area of a path, in metres; a ring that crosses itself has no area. */
export function measured(points) {
  const each = legs(points);
  const length = each.reduce((sum, leg) => sum + leg, 0);
  if (points.length < 3) return { legs: each, length };
  const crossed = crossesItself(points);
  const perimeter = length + distance(points.at(-1), points[0]);
  return { legs: each, length, perimeter, crossed, area: crossed ? undefined : area(points) };
}

class Measurement {
  constructor(bench) {
    this.bench = bench;
    this.points = [];
    this.drawing = true;
    this.drawn = new Drawing(bench.map);
    this.ahead = new Drawing(bench.map);
    this.aim = new Aim(bench, {
      click: (latlng) => this.click(latlng),
      move: (latlng) => this.reachFor(latlng),
      finish: () => this.finish(),
      cancel: () => this.finish(),
    });
  }

  // The second click of a double click is no point of its own.
  click(latlng) {
    const { map } = this.bench;
    const last = this.points.at(-1);
    const away = last && map.latLngToContainerPoint(last).distanceTo(map.latLngToContainerPoint(latlng));
    if (!last || away >= SAME_PLACE) this.add(latlng);
  }

  add({ lat, lng }) {
    this.points = unrolled([...this.points, { lat, lng }]);
    this.show();
    this.bench.announce(this.summary());
  }

  undo() {
    this.points.pop();
    this.show();
    this.bench.announce(this.summary());
  }

  clear() {
    this.points = [];
    this.start();
    this.bench.announce(words().measure_cleared);
  }

  start() {
    this.drawing = true;
    this.aim.on();
    this.show();
  }

  finish() {
    this.drawing = false;
    this.aim.off();
    this.show();
    if (this.points.length) this.bench.announce(this.summary());
  }

  summary() {
    const text = words();
    const { length, area: inside, crossed } = measured(this.points);
    const parts = [text.measure_points.replace('{n}', this.points.length), `${text.measure_length} ${lengthText(length)}`];
    if (inside !== undefined) parts.push(`${text.measure_area} ${areaText(inside)}`);
    if (crossed) parts.push(text.measure_crossed);
    return parts.join(text.comma);
  }

  // The line to where the pointer is, with the length that a click there would make.
  reachFor(latlng) {
    const last = this.points.at(-1);
    if (!last || !this.drawing) return;
    const path = unrolled([last, latlng]);
    const length = measured(this.points).length + distance(last, latlng);
    const label = L.tooltip({ permanent: true, direction: 'right', offset: [12, 0], className: 'registry-drawn-tip' });
    label.setLatLng(path[1]).setContent(el('span', '', lengthText(length)));
    this.ahead.show([{ points: alongPath(path), dash: [5, 6] }], [label]);
  }

  show() {
    this.draw();
    this.write();
  }

  draw() {
    this.ahead.clear();
    const { points } = this;
    const shapes = [{ points: alongPath(points) }];
    if (points.length >= 3) shapes.unshift({ points: alongPath([...points, points[0]]), closed: true, dash: [1, 7] });
    this.drawn.show(shapes, points.map((point, i) => mark(point, i + 1)));
  }

  open(panel) {
    const text = words();
    this.hint = el('p', 'registry-hint');
    this.buttons = {
      finish: button(text.measure_finish, () => this.finish()),
      undo: button(text.measure_undo, () => this.undo()),
      clear: button(text.measure_clear, () => this.clear()),
      go: button(text.measure_on, () => this.start()),
      copy: copyButton(this.bench, () => this.text()),
    };
    this.found = el('div', 'registry-found');
    const form = positionForm(this.bench, text.measure_add, (point) => this.add(point));
    panel.append(this.hint, el('div', 'registry-buttons', ...Object.values(this.buttons)), this.found, form);
    panel.append(el('p', 'registry-hint', text.ellipsoid));
    this.panel = panel;
    if (this.drawing) this.aim.on();
    this.keys = (event) => this.key(event);
    document.addEventListener('keydown', this.keys);
    this.show();
  }

  // What is measured stays on the map until it is cleared; a single point is no measurement.
  close() {
    document.removeEventListener('keydown', this.keys);
    this.aim.off();
    this.ahead.clear();
    if (this.points.length < 2) this.drawn.clear();
    this.panel = undefined;
  }

  key(event) {
    if (!this.drawing || event.target.closest?.('input, textarea, select, button, a, summary')) return;
    if (event.key === 'Enter') this.finish();
    else if (event.key === 'Backspace') this.undo();
    else return;
    event.preventDefault();
  }

  write() {
    if (!this.panel) return;
    const text = words();
    const { points, drawing, buttons } = this;
    this.hint.textContent = drawing ? text.measure_hint : text.measure_done;
    buttons.finish.hidden = !drawing;
    buttons.go.hidden = drawing;
    buttons.finish.disabled = points.length < 2;
    buttons.undo.disabled = !points.length;
    buttons.clear.disabled = !points.length;
    buttons.copy.disabled = points.length < 2;
    this.found.replaceChildren(...this.figures());
  }

  rows() {
    const text = words();
    const found = measured(this.points);
    const rows = [['length', text.measure_length, lengthText(found.length), found.length]];
    if (found.perimeter !== undefined) {
      rows.push(['perimeter', text.measure_perimeter, lengthText(found.perimeter), found.perimeter]);
      const said = found.crossed ? text.measure_crossed : areaText(found.area);
      rows.push(['area', text.measure_area, said, found.area]);
    }
    return rows;
  }

  figures() {
    const { points } = this;
    if (points.length < 2) return [];
    const text = words();
    const list = el('dl', 'registry-figures');
    for (const [key, label, said, value] of this.rows()) {
      const figure = el('data', '', said);
      figure.value = value ?? '';
      figure.dataset.figure = key;
      list.append(el('dt', '', label), el('dd', '', figure));
    }
    const body = el('tbody');
    let total = 0;
    measured(points).legs.forEach((leg, i) => {
      total += leg;
      const head = el('th', '', `${i + 1}–${i + 2}`);
      head.scope = 'row';
      body.append(el('tr', '', head, el('td', '', lengthText(leg)), el('td', '', lengthText(total))));
    });
    const heads = [text.measure_leg, text.measure_leg_length, text.measure_running].map((label) => {
      const head = el('th', '', label);
      head.scope = 'col';
      return head;
    });
    return [list, el('table', 'registry-table', el('thead', '', el('tr', '', ...heads)), body)];
  }

  /** The result as text to paste: figures, then the points in order, parted by tabs. */
  text() {
    const figures = this.rows().map(([, label, said]) => `${label}\t${said}`);
    const points = this.points.map((point, i) => `${i + 1}\t${positionText(point).replace(', ', '\t')}`);
    return [...figures, `${words().measure_point}\t${words().position.replace(', ', '\t')}`, ...points].join('\n');
  }
}

/** The tool that measures lengths and areas. */
export function measureTool(bench) {
  const measurement = new Measurement(bench);
  return {
    key: 'measure',
    icon: 'measure',
    open: (panel) => measurement.open(panel),
    close: () => measurement.close(),
  };
}
