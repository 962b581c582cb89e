// Circles of any radius, dropped anywhere: what lies inside of each is told at once.

import { Aim } from './aim.js';
import { button, labelled, positionForm } from './controls.js';
import { positionText } from './coordinates.js';
import { el, swatch } from '../page/dom.js';
import { Drawing, mark } from './drawn.js';
import { number, quantity } from '../page/format.js';
import { circle as ringAround, destination, distance, places, within } from './geodesic.js';
import { tally } from './inside.js';
import { language, said, words } from '../page/language.js';
import { groupSwatch } from '../layers/sites.js';
import { GROUP_INDEX, GROUPS } from '../layers/symbols.js';

const FIRST_KM = 50;
const LEAST_KM = 0.001;
const MOST_KM = 3000;
const EAST = 90;

/** A radius in km as typed, within what a circle can have; undefined where it is no such number. */
export function radiusOf(text) {
  const km = Number(String(text).trim());
  return km >= LEAST_KM && km <= MOST_KM ? km : undefined;
}

/** One circle: its ring and handles on the map, and its card in the panel. */
class Circle {
  constructor(tool, label, center, km) {
    this.tool = tool;
    this.bench = tool.bench;
    this.label = label;
    this.center = center;
    this.km = km;
    this.edge = EAST; // the direction in which the handle of the edge lies
    this.drawn = new Drawing(this.bench.map);
    this.draw();
    this.count();
  }

  get radius() {
    return this.km * 1000;
  }

  draw() {
    const text = words();
    this.middle = mark(this.center, this.label, {
      className: 'registry-handle',
      title: text.circle_drag_center,
      drag: (point) => this.move(point),
      done: () => this.settle(),
    });
    this.grip = mark(destination(this.center, this.edge, this.radius), '↔', {
      className: 'registry-handle registry-grip',
      title: text.circle_drag_edge,
      drag: (point) => this.stretch(point),
      done: () => this.settle(),
    });
    this.drawn.show(this.shapes(), [this.middle, this.grip]);
  }

  shapes() {
    return [{ points: ringAround(this.center, this.radius), closed: true }];
  }

  shape() {
    this.drawn.show(this.shapes());
  }

  move({ lat, lng }) {
    this.center = { lat, lng };
    this.shape();
    this.grip.setLatLng(destination(this.center, this.edge, this.radius));
    this.soon();
  }

  stretch(point) {
    const km = distance(this.center, point) / 1000;
    this.km = Math.min(MOST_KM, Math.max(LEAST_KM, km));
    this.shape();
    this.soon();
  }

  /** Takes a radius in km. */
  resize(km) {
    this.km = km;
    this.shape();
    this.grip.setLatLng(destination(this.center, this.edge, this.radius));
    this.count();
    this.say();
  }

  // While a handle is dragged, the figures follow once a frame.
  soon() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = undefined;
      this.count();
    });
  }

  // A dragged edge gets a radius that can be said, and its handle goes back to its place.
  settle() {
    if (this.km >= 1) this.km = Math.round(this.km * 100) / 100;
    this.shape();
    this.grip.setLatLng(destination(this.center, this.edge, this.radius));
    this.count();
    this.say();
  }

  count() {
    const { sites } = this.bench;
    this.rows = within(places(sites.lng, sites.lat), this.center, this.radius, (row) => sites.isShown(row));
    this.inside = tally(this.rows, sites.groups, sites.columns);
    this.write();
  }

  say() {
    const text = words();
    const { sites, plants, annual_t: annual } = this.inside;
    const parts = [`${text.circle} ${this.label}`, `${text.circle_sites} ${sites}`, `${text.plants_count} ${plants}`];
    if (annual.known) parts.push(`${text.circle_annual} ${quantity(annual.sum, 't/a', language())}`);
    this.bench.announce(parts.join(text.comma));
  }

  remove() {
    cancelAnimationFrame(this.frame);
    this.drawn.remove();
  }

  card() {
    const text = words();
    const heading = el('h3', '', `${text.circle} ${this.label}`);
    const input = el('input', 'registry-input registry-number');
    input.inputMode = 'decimal';
    input.addEventListener('change', () => {
      const km = radiusOf(input.value);
      input.setAttribute('aria-invalid', String(km === undefined));
      this.wrong.textContent = km === undefined ? text.circle_radius_wrong.replace('{most}', MOST_KM) : '';
      if (km !== undefined) this.resize(km);
    });
    this.input = input;
    this.wrong = el('p', 'registry-wrong');
    this.wrong.setAttribute('role', 'alert');
    this.where = el('p', 'registry-where');
    this.table = el('tbody');
    const bounds = () => L.latLngBounds(ringAround(this.center, this.radius));
    const show = button(text.circle_show, () => this.bench.map.fitBounds(bounds(), { padding: [20, 20] }));
    const drop = button(text.circle_remove, () => this.tool.remove(this));
    for (const one of [show, drop]) one.setAttribute('aria-label', `${one.textContent} ${text.circle} ${this.label}`);
    const made = el(
      'section',
      'registry-circle',
      el('div', 'registry-circle-head', heading, el('div', 'registry-buttons', show, drop)),
      this.where,
      labelled(text.circle_radius, input),
      this.wrong,
      el('table', 'registry-table registry-tally', this.table),
    );
    made.dataset.circle = this.label;
    this.write();
    return made;
  }

  write() {
    if (!this.table) return;
    this.where.textContent = positionText(this.center);
    if (document.activeElement !== this.input || this.frame) this.input.value = String(Number(this.km.toFixed(3)));
    this.table.replaceChildren(...this.rowsOfTable());
  }

  rowsOfTable() {
    const text = words();
    const lang = language();
    const { groups } = said(this.bench.sites.meta);
    const { inside } = this;
    const line = (key, label, figure, value, kind = '', note = null) => {
      const head = el('th', '', ...label);
      head.scope = 'row';
      const data = el('data', '', figure);
      data.value = value;
      data.dataset.figure = key;
      return el('tr', kind, head, el('td', '', data, note));
    };
    const amount = (key, label, unit) => {
      const { sum, unknown, known } = inside[key];
      const some = known && unknown ? el('small', '', text.circle_unknown.replace('{n}', number(unknown, lang))) : null;
      const figure = known ? quantity(round(sum), unit, lang) : text.circle_no_figure;
      return line(key, [label], figure, sum, 'registry-amount', some);
    };
    const rows = [line('sites', [text.circle_sites], number(inside.sites, lang), inside.sites, 'registry-sum')];
    for (let group = GROUPS.length - 1; group >= 0; group -= 1) {
      if (group === GROUP_INDEX.utilization_plant || !inside.groups[group]) continue;
      const { key } = GROUPS[group];
      const label = [swatch(16, 14, groupSwatch(group)), el('span', '', groups[key])];
      rows.push(line(key, label, number(inside.groups[group], lang), inside.groups[group], 'registry-part'));
    }
    if (inside.sites) rows.push(amount('annual_t', text.circle_annual, 't/a'), amount('stock_t', text.circle_stock, 't'));
    rows.push(line('plants', [text.plants_count], number(inside.plants, lang), inside.plants, 'registry-sum'));
    if (inside.plants) rows.push(amount('capacity_t', text.circle_capacity, 't/a'));
    return rows;
  }
}

const round = (tonnes) => (tonnes >= 1e3 ? Math.round(tonnes) : tonnes);

class Circles {
  constructor(bench) {
    this.bench = bench;
    this.circles = [];
    this.made = 0;
    this.km = FIRST_KM;
    this.aim = new Aim(bench, {
      click: (latlng) => {
        this.aim.off();
        this.drop(latlng);
      },
    });
    bench.sites.on('filter', () => this.circles.forEach((circle) => circle.count()));
  }

  drop({ lat, lng }) {
    this.made += 1;
    const circle = new Circle(this, this.made, { lat, lng }, this.km);
    this.circles.unshift(circle);
    this.list?.prepend(circle.card());
    circle.say();
  }

  remove(circle) {
    circle.remove();
    this.circles = this.circles.filter((other) => other !== circle);
    this.list?.querySelector(`[data-circle="${circle.label}"]`)?.remove();
    this.bench.announce(`${words().circle_removed} ${circle.label}`);
    this.target?.focus();
  }

  open(panel) {
    const text = words();
    const input = el('input', 'registry-input registry-number');
    input.inputMode = 'decimal';
    input.value = String(this.km);
    const wrong = el('p', 'registry-wrong');
    wrong.setAttribute('role', 'alert');
    input.addEventListener('change', () => {
      const km = radiusOf(input.value);
      input.setAttribute('aria-invalid', String(km === undefined));
      wrong.textContent = km === undefined ? text.circle_radius_wrong.replace('{most}', MOST_KM) : '';
      this.km = km ?? this.km;
    });
    this.target = this.aim.button(text.circle_click);
    this.list = el('div', 'registry-circles', ...this.circles.map((circle) => circle.card()));
    panel.append(
      el('p', 'registry-hint', text.circle_hint),
      el('div', 'registry-buttons', this.target),
      this.list,
      labelled(text.circle_radius_new, input),
      wrong,
      positionForm(this.bench, text.circle_drop, (point) => this.drop(point)),
      el('p', 'registry-hint', `${text.only_shown} ${text.ellipsoid}`),
    );
    places(this.bench.sites.lng, this.bench.sites.lat); // reckoned once, before the first circle waits for it
    this.circles.forEach((circle) => circle.draw()); // its handles speak the language of the page
    if (!this.circles.length) this.aim.on();
  }

  // Circles stay on the map until each is removed.
  close() {
    this.aim.off();
    this.list = undefined;
    this.circles.forEach((circle) => {
      circle.table = undefined;
    });
  }
}

/** The tool that drops circles; none on a map that does not hold its sites itself. */
export function circleTool(bench) {
  if (!bench.sites.rows) return null;
  const circles = new Circles(bench);
  return { key: 'circle', icon: 'circle', open: (panel) => circles.open(panel), close: () => circles.close() };
}
