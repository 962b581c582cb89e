// The plants nearest to any point, with distance and direction, and lines to them.

import { Aim } from './aim.js';
import { button, copyButton, labelled, positionForm } from './controls.js';
import { positionText } from './coordinates.js';
import { el, foreign } from '../page/dom.js';
import { Drawing, mark } from './drawn.js';
import { line, nearestRows, places } from './geodesic.js';
import { said, words } from '../page/language.js';
import { lengthText, windText } from './lengths.js';
import { accepts, wasteCodes } from './materials.js';
import { valueAt } from '../packed/pack.js';
import { GROUP_INDEX } from '../layers/symbols.js';

const PLANT = GROUP_INDEX.utilization_plant;
const COUNTS = [1, 3, 5, 10, 20];
const USUAL_COUNT = 5;

/** Whether each value of a column of waste codes accepts a code: a function of rows. */
export function acceptsBy(column, code) {
  const byValue = new Map();
  return (row) => {
    const text = valueAt(column, row);
    if (!byValue.has(text)) byValue.set(text, accepts(wasteCodes(text), code));
    return byValue.get(text);
  };
}

/** The wastes that any plant accepts among all that a column names: spelling → as written, in order. */
export function acceptedWastes(column, groups) {
  const named = new Map();
  const taken = new Set();
  for (let row = 0; row < groups.length; row += 1) {
    const text = valueAt(column, row);
    if (text === undefined) continue;
    if (groups[row] === PLANT) taken.add(text);
    named.set(text, true);
  }
  const codes = new Map([...named.keys()].flatMap((text) => [...wasteCodes(text)]));
  const held = new Set([...taken].flatMap((text) => [...wasteCodes(text).keys()]));
  return [...codes].filter(([code]) => accepts(held, code)).sort(([a], [b]) => (a < b ? -1 : 1));
}

class Nearest {
  constructor(bench) {
    this.bench = bench;
    this.count = USUAL_COUNT;
    this.code = '';
    this.found = [];
    this.lines = new Drawing(bench.map);
    this.aim = new Aim(bench, { click: (latlng) => this.from(latlng) });
    bench.sites.on('filter', () => this.point && this.find());
  }

  from({ lat, lng }) {
    this.point = { lat, lng };
    this.place();
    this.find();
    this.say();
  }

  find() {
    const { sites } = this.bench;
    const takes = this.code ? acceptsBy(sites.columns.waste_codes, this.code) : () => true;
    const kept = (row) => sites.groups[row] === PLANT && sites.isShown(row) && takes(row);
    this.found = nearestRows(places(sites.lng, sites.lat), this.point, this.count, kept);
    this.draw();
    this.write();
  }

  say() {
    const text = words();
    const [first] = this.found;
    if (!first) {
      this.bench.announce(text.nearest_none);
      return;
    }
    const count = text.nearest_found.replace('{n}', this.found.length);
    this.bench.announce([count, ...this.parts(first)].join(text.comma));
  }

  parts({ row, distance, azimuth }) {
    return [this.bench.sites.nameOf(row), lengthText(distance), windText(azimuth)].filter(Boolean);
  }

  draw() {
    const { sites } = this.bench;
    const lines = this.found.map(({ row }, i) => ({
      points: line(this.point, { lat: sites.lat[row], lng: sites.lng[row] }),
      width: i ? 1.5 : 2.5,
    }));
    // The nearest is drawn last, so that no other lies over it.
    this.lines.show([...lines].reverse(), lines.map(({ points }, i) => mark(points.at(-1), i + 1)).reverse());
  }

  // The handle stands apart from the lines, which are drawn anew while it is dragged.
  place() {
    this.handle?.remove();
    this.handle = mark(this.point, '', {
      className: 'registry-handle registry-from',
      title: words().nearest_drag,
      drag: ({ lat, lng }) => {
        this.point = { lat, lng };
        this.frame ??= requestAnimationFrame(() => {
          this.frame = undefined;
          this.find();
        });
      },
      done: () => this.say(),
    }).addTo(this.bench.map);
  }

  clear() {
    this.point = undefined;
    this.found = [];
    this.lines.clear();
    this.handle?.remove();
    this.write();
    this.bench.announce(words().nearest_cleared);
  }

  open(panel) {
    const text = words();
    const { sites } = this.bench;
    const count = el('select', 'registry-input');
    for (const some of COUNTS) count.append(new Option(String(some), String(some), false, some === this.count));
    count.addEventListener('change', () => {
      this.count = Number(count.value);
      this.again();
    });
    this.out = el('div', 'registry-found');
    panel.append(
      el('p', 'registry-hint', text.nearest_hint),
      el('div', 'registry-buttons', this.aim.button(text.nearest_click)),
      labelled(text.nearest_count, count),
    );
    const wastes = sites.columns.waste_codes ? acceptedWastes(sites.columns.waste_codes, sites.groups) : [];
    if (wastes.length) panel.append(labelled(text.nearest_waste, this.wastes(wastes)));
    const form = positionForm(this.bench, text.nearest_go, (point) => this.from(point));
    panel.append(this.out, form, el('p', 'registry-hint', `${text.only_shown} ${text.ellipsoid}`));
    places(sites.lng, sites.lat); // reckoned once, before the first point waits for it
    if (this.point) this.place(); // its handle speaks the language of the page
    this.aim.on();
    this.write();
  }

  wastes(codes) {
    const terms = said(this.bench.sites.meta).terms?.waste_codes ?? {};
    const select = el('select', 'registry-input');
    select.append(new Option(words().nearest_any, ''));
    for (const [code, written] of codes) select.append(new Option(terms[written] ?? written, code, false, code === this.code));
    select.addEventListener('change', () => {
      this.code = select.value;
      this.again();
    });
    return select;
  }

  again() {
    if (!this.point) return;
    this.find();
    this.say();
  }

  // Lines stay on the map until they are cleared.
  close() {
    this.aim.off();
    this.out = undefined;
  }

  write() {
    if (!this.out) return;
    this.out.replaceChildren(...(this.point ? this.result() : []));
  }

  result() {
    const text = words();
    const { sites, map } = this.bench;
    const from = el('p', 'registry-where', `${text.nearest_from} ${positionText(this.point)}`);
    const clear = button(text.nearest_clear, () => this.clear());
    if (!this.found.length) {
      const none = el('p', 'registry-wrong', text.nearest_none);
      return [from, none, el('div', 'registry-buttons', clear)];
    }
    const list = el('ol', 'registry-plants');
    for (const { row, distance, azimuth } of this.found) {
      const open = button(foreign(sites.nameOf(row)), () => {
        const at = [sites.lat[row], sites.lng[row]];
        if (!map.getBounds().contains(at)) map.panTo(at);
        this.bench.desk.open(at, () => sites.content(row));
      }, 'registry-link');
      const metres = el('data', '', lengthText(distance));
      metres.value = distance;
      list.append(el('li', '', open, el('span', 'registry-away', metres, ` ${windText(azimuth)}`)));
      list.lastChild.dataset.uid = valueAt(sites.columns.uid, row);
    }
    return [from, list, el('div', 'registry-buttons', clear, copyButton(this.bench, () => this.text()))];
  }

  /** The result as text to paste, parted by tabs. */
  text() {
    const { sites } = this.bench;
    const rows = this.found.map((plant, i) => {
      const where = positionText({ lng: sites.lng[plant.row], lat: sites.lat[plant.row] });
      return [i + 1, ...this.parts(plant), ...where.split(', ')].join('\t');
    });
    return [`${words().nearest_from}\t${positionText(this.point).replace(', ', '\t')}`, ...rows].join('\n');
  }
}

/** The tool that finds the nearest plants; none on a map without plants. */
export function nearestTool(bench) {
  if (!bench.sites.totals?.[PLANT]) return null;
  const nearest = new Nearest(bench);
  return { key: 'nearest', icon: 'nearest', open: (panel) => nearest.open(panel), close: () => nearest.close() };
}
