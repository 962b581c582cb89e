// The list of what is in view: what filter and legend show within the window, sorted by any column.

import './list.css';
import './page_tools.css';
import { button } from './controls.js';
import { el, foreign } from '../page/dom.js';
import { download } from './download.js';
import { number } from '../page/format.js';
import { icon } from '../page/icons.js';
import { language, said, words } from '../page/language.js';
import { sortKeys, sortRows } from './order.js';
import { valueAt } from '../packed/pack.js';
import { GROUPS } from '../layers/symbols.js';

const PAGE = 200; // rows made at once; the next ones as one scrolls near the end
const NEAR = 10; // the zoom that a row leads to, unless the map is nearer already
const ROOM = 260; // pixels beside the list in which a popup has room
const LOW = 0.33; // of the height below the middle: a popup stands above its site, and the legend above that
const ORDER = ['level_1', 'level_2', 'level_3', 'level_none', 'gangue_heap', 'smelting_site', 'utilization_plant'];
const PLACES = GROUPS.map(({ key }) => ORDER.indexOf(key)); // of every group in that order
const TOUCHES = ['pointerdown', 'wheel', 'keydown'];
const SETTLED_MS = 60; // after the last of several changes

/** The unit in which a column of tonnes is read: `{unit, divisor}`, by the largest of its values. */
export function tonnesUnit(largest, lang) {
  if (lang === 'zh') return largest >= 1e4 ? { unit: '万吨', divisor: 1e4 } : { unit: '吨', divisor: 1 };
  return largest >= 1e6 ? { unit: 'Mt', divisor: 1e6 } : { unit: 't', divisor: 1 };
}

/** A figure of such a column: four digits that count, for small sites stand beside large ones. */
export function tonnesText(value, { divisor }, lang) {
  const size = value / divisor;
  if (size >= 1000) return number(size, lang, 0);
  return new Intl.NumberFormat(lang === 'zh' ? 'zh-CN' : 'en', { maximumSignificantDigits: 4 }).format(size);
}

function labelled(sites, name, heading) {
  const labels = said(sites.meta).terms?.[name] ?? {};
  const value = (row) => {
    const code = valueAt(sites.columns[name], row);
    return code === undefined ? undefined : (labels[code] ?? String(code));
  };
  return { key: name, heading, value, text: value };
}

function tonnes(sites, name, label) {
  const lang = language();
  const { numbers } = sites.columns[name];
  const unit = tonnesUnit(numbers.reduce((most, value) => (value > most ? value : most), 0), lang);
  const value = (row) => valueAt(sites.columns[name], row);
  const text = (row) => (value(row) === undefined ? undefined : tonnesText(value(row), unit, lang));
  const heading = lang === 'zh' ? `${label}（${unit.unit}）` : `${label} (${unit.unit})`;
  return { key: name, heading, value, text, figure: true };
}

function columnsOf(sites) {
  const own = words();
  const { kinds, groups, fields } = said(sites.meta);
  const known = Object.fromEntries(Object.values(fields).flat().map(({ name, label }) => [name, label]));
  const kindText = (row) => {
    const kind = sites.kindOf(row);
    const level = kind === 'tailings_pond' ? groups[GROUPS[sites.groups[row]].key] : undefined;
    return [kinds[kind] ?? kind, level].filter(Boolean).join(' · ');
  };
  const has = (name) => sites.columns[name] !== undefined;
  return [
    { key: 'name', heading: own.field_name, value: (row) => sites.nameOf(row), text: (row) => sites.nameOf(row) },
    { key: 'kind', heading: own.list_kind, value: (row) => PLACES[sites.groups[row]], text: kindText },
    has('status') ? labelled(sites, 'status', known.status ?? 'status') : null,
    has('province_code') ? labelled(sites, 'province_code', own.list_province) : null,
    ...['annual_t', 'stock_t'].map((name) => (has(name) ? tonnes(sites, name, known[name] ?? name) : null)),
  ].filter(Boolean);
}

class List {
  constructor({ map, sites, meta, announce }) {
    Object.assign(this, { map, sites, meta, announce });
    this.sort = { key: 'kind', descending: false };
    this.keys = new Map();
    this.orders = new Map();
    this.changed = () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.refresh(), SETTLED_MS);
    };
    this.moved = () => {
      if (!this.held) this.changed();
    };
    // A row leads the map away, but the list stays; it follows again when a person moves the map.
    this.touched = (event) => {
      if (!event.target.closest?.('.registry-toolbox, .leaflet-popup')) this.held = undefined;
    };
  }

  open(panel) {
    this.columns = columnsOf(this.sites);
    this.count = el('p', 'registry-list-count');
    this.count.setAttribute('role', 'status');
    this.back = el('p', 'registry-list-back');
    this.body = el('tbody');
    this.head = el('thead', '', el('tr', '', ...this.columns.map((column) => this.heading(column))));
    this.table = el('table', 'registry-list', this.head, this.body);
    this.frame = el('div', 'registry-list-frame', this.table);
    this.frame.addEventListener('scroll', () => this.extend());
    this.body.addEventListener('click', (event) => {
      const line = event.target.closest('tr');
      if (line) this.go(Number(line.dataset.row));
    });
    const saves = ['CSV', 'GeoJSON'].map((format) => {
      const save = button(words().list_save.replace('{format}', format), () => this.save(format.toLowerCase()));
      save.prepend(icon('download'));
      return save;
    });
    panel.append(el('div', 'registry-list-top', this.count, ...saves), this.back, this.frame);
    this.map.on('moveend', this.moved);
    this.sites.on('filter', this.changed);
    for (const name of TOUCHES) this.map.getContainer().addEventListener(name, this.touched, true);
    this.refresh();
  }

  close() {
    clearTimeout(this.timer);
    this.map.off('moveend', this.moved);
    this.sites.off('filter', this.changed);
    for (const name of TOUCHES) this.map.getContainer().removeEventListener(name, this.touched, true);
    this.held = undefined;
  }

  /** Reads anew what is in view; not while the map is laid out for paper. */
  refresh() {
    if (this.map.options.registryRatio) return;
    this.held = undefined;
    this.rows = this.sites.shownRows(this.map.getBounds());
    this.write();
  }

  // The order of all rows, made once for a column: a view is then only picked out of it, however often it changes.
  orderOf(column, descending) {
    const key = `${column.key} ${language()}`;
    const every = Array.from({ length: this.sites.rows }, (_, row) => row);
    if (!this.keys.has(key)) this.keys.set(key, sortKeys(every, column.value, language()));
    const way = `${key} ${descending}`;
    if (!this.orders.has(way)) this.orders.set(way, sortRows(every, this.keys.get(key), descending));
    return this.orders.get(way);
  }

  write() {
    const column = this.columns.find(({ key }) => key === this.sort.key) ?? this.columns[0];
    const listed = new Uint8Array(this.sites.rows);
    for (const row of this.rows) listed[row] = 1;
    this.rows = this.orderOf(column, this.sort.descending).filter((row) => listed[row]);
    const direction = this.sort.descending ? 'descending' : 'ascending';
    [...this.head.rows[0].cells].forEach((cell, i) => {
      cell.setAttribute('aria-sort', this.columns[i] === column ? direction : 'none');
    });
    const { length } = this.rows;
    this.count.textContent = length ? words().list_count.replace('{n}', number(length, language())) : words().list_none;
    this.table.hidden = !length;
    this.table.setAttribute('aria-rowcount', String(length + 1));
    this.body.replaceChildren();
    this.frame.scrollTop = 0;
    this.extend();
    this.writeBack();
  }

  heading(column) {
    const sort = () => {
      this.sort = { key: column.key, descending: column.key === this.sort.key && !this.sort.descending };
      this.write();
    };
    const sorter = button(column.heading, sort, 'registry-list-sort');
    sorter.dataset.sort = column.key;
    sorter.title = words().list_columns_sort;
    const head = el('th', column.figure ? 'registry-figure' : '', sorter);
    head.scope = 'col';
    return head;
  }

  extend() {
    const { frame, body, rows } = this;
    if (frame.scrollTop + frame.clientHeight < frame.scrollHeight - 300 && body.childElementCount) return;
    const from = body.childElementCount;
    body.append(...rows.slice(from, from + PAGE).map((row, i) => this.line(row, from + i)));
  }

  line(row, place) {
    const [first, ...rest] = this.columns;
    const name = el('button', 'registry-list-name', foreign(first.text(row)));
    name.type = 'button';
    const head = el('th', '', name);
    head.scope = 'row';
    const cells = rest.map((column) => {
      const text = column.text(row);
      return el('td', column.figure ? 'registry-figure' : '', text === undefined ? '–' : foreign(text));
    });
    const line = el('tr', '', head, ...cells);
    line.dataset.row = String(row);
    line.setAttribute('aria-rowindex', String(place + 2));
    return line;
  }

  /** Flies to the site of a row and opens its popup; the list stays that of the view it was made from. */
  go(row) {
    const { map, sites } = this;
    this.held ??= { center: map.getCenter(), zoom: map.getZoom() };
    this.body.querySelector('[aria-current]')?.removeAttribute('aria-current');
    this.body.querySelector(`[data-row="${row}"]`)?.setAttribute('aria-current', 'true');
    this.writeBack();
    const uid = valueAt(sites.columns.uid, row);
    map.once('moveend', () => sites.openPopup(uid));
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches;
    const zoom = Math.max(map.getZoom(), Math.min(NEAR, map.getMaxZoom()));
    const site = map.project([sites.lat[row], sites.lng[row]], zoom);
    const middle = map.unproject(site.subtract(this.aside()), zoom);
    if (still) map.setView(middle, zoom, { animate: false });
    else map.flyTo(middle, zoom, { duration: 0.6 });
  }

  // How far from the middle of the map a site must stand so that neither the list nor its popup lies on the other.
  aside() {
    const { x: width, y: height } = this.map.getSize();
    const box = this.map.getContainer().getBoundingClientRect();
    const drawer = this.frame.closest('.registry-drawer').getBoundingClientRect();
    const right = drawer.right - box.left;
    if (width - right >= ROOM) return [right / 2, height * LOW];
    return [0, Math.min(drawer.top - box.top - 40, height * (0.5 + LOW)) - height / 2];
  }

  writeBack() {
    this.back.hidden = !this.held;
    if (!this.held) return;
    const back = button(words().list_back, () => {
      const { center, zoom } = this.held;
      this.held = undefined;
      this.map.closePopup();
      this.map.setView(center, zoom, { animate: false });
    });
    this.back.replaceChildren(words().list_held, ' ', back);
  }

  save(suffix) {
    const { name } = download(this.sites, this.rows, suffix, this.meta.note);
    const text = words().list_downloaded.replace('{n}', number(this.rows.length, language()));
    this.announce(text.replace('{name}', name));
  }
}

/** The tool that lists what is in view. */
export function listTool(bench) {
  const list = new List(bench);
  return { key: 'list', icon: 'list', open: (panel) => list.open(panel), close: () => list.close() };
}
