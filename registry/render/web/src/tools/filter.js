// The filter of a map's sites: what is asked, which rows pass, and how many would pass with each other choice.

import { eachFailing, facetsOf, isIdle, NONE } from './facets.js';
import { GROUP_INDEX, GROUPS } from '../layers/symbols.js';

const PLANT = GROUP_INDEX.utilization_plant;
const LONGEST_TEXT = 200; // characters of a text that a link may bring
const MOST_CHOICES = 500;

// Marks in place of a facet: the row passes all of them, and the row counts beside no value.
const NOTHING = 254;
const NOWHERE = 255;

/**
 * Asks every facet of every row, by numbers alone.
 *
 * Parameters: `groups` (n) group of every row; `shown` by group, the legend's switches; `facets`; `asked` key → state;
 * `tonnes` `{annual_t, stock_t}`, columns of numbers or undefined.
 *
 * Returns `mask` (n, 1 where every facet but the switches lets the row pass; null when all pass), and how many rows
 * pass all *other* facets: `groups` by group, `facets[key]` by place in `facet.values` – for a range `[without a
 * figure]` – where plants count only if there is no site; `sites`, `plants` and the sites' tonnes, of what passes all.
 */
export function evaluate({ groups, shown, facets, asked, tonnes = {} }) {
  const rows = groups.length;
  const failures = new Uint8Array(rows);
  const failed = new Uint8Array(rows); // the facet that failed last, by place
  facets.forEach((facet, place) => {
    if (isIdle(facet, asked[facet.key])) return;
    eachFailing(facet, asked[facet.key], (row) => {
      if (groups[row] === PLANT && !facet.plants) return;
      failures[row] += 1;
      failed[row] = place;
    });
  });
  const found = { groups: new Int32Array(GROUPS.length), sites: 0, plants: 0, annual_t: 0, stock_t: 0 };
  const mask = new Uint8Array(rows);
  let out = 0;
  const onlyPlants = groups.every((group) => group === PLANT);
  for (let row = 0; row < rows; row += 1) {
    const group = groups[row];
    if (failures[row] === 0) {
      mask[row] = 1;
      found.groups[group] += 1;
      if (!shown[group]) failed[row] = NOWHERE;
      else if (group === PLANT) {
        found.plants += 1;
        failed[row] = onlyPlants ? NOTHING : NOWHERE;
      } else {
        found.sites += 1;
        found.annual_t += tonnes.annual_t?.[row] || 0;
        found.stock_t += tonnes.stock_t?.[row] || 0;
        failed[row] = NOTHING;
      }
    } else {
      out += 1;
      const counted = failures[row] === 1 && shown[group] && (group !== PLANT || onlyPlants);
      if (!counted) failed[row] = NOWHERE;
    }
  }
  found.mask = out ? mask : null;
  found.facets = Object.fromEntries(facets.map((facet, place) => [facet.key, tally(facet, place, failed)]));
  return found;
}

// Counts the rows that fail nothing, or this facet alone.
function tally(facet, place, failed) {
  if (facet.type === 'text') return null;
  if (facet.type === 'range') {
    let without = 0;
    failed.forEach((mark, row) => {
      if ((mark === NOTHING || mark === place) && Number.isNaN(facet.numbers[row])) without += 1;
    });
    return [without];
  }
  const { codes, members } = facet;
  const byCode = new Int32Array(members.length);
  for (let row = 0; row < codes.length; row += 1) {
    if (failed[row] === NOTHING || failed[row] === place) byCode[codes[row]] += 1;
  }
  const byValue = new Int32Array(facet.values.length);
  members.forEach((places, code) => {
    for (const at of places) byValue[at] += byCode[code];
  });
  return byValue;
}

const isText = (value) => typeof value === 'string' && value.length <= LONGEST_TEXT;
const limit = (value) => (Number.isFinite(value) ? value : null);

/** What of a state that came from elsewhere – a link – can be used for this facet; undefined for none. */
export function sound(facet, given) {
  let state;
  if (facet.type === 'text') state = isText(given) ? given : undefined;
  else if (!Array.isArray(given)) state = undefined;
  else if (facet.type === 'range') state = { min: limit(given[0]), max: limit(given[1]), none: Boolean(given[2]) };
  else state = [...new Set(given.filter(isText))].slice(0, MOST_CHOICES);
  return isIdle(facet, state) ? undefined : state;
}

/** The filter of the sites of a layer; kept in step with the legend, whose switches are one of its facets. */
export function makeFilters(layer) {
  return new Filters(layer);
}

class Filters {
  constructor(layer) {
    this.layer = layer;
    this.facets = [];
    this.asked = {};
    this.found = null;
    this.listeners = new Set();
    this.ready = layer.ready.then(() => this._load());
    this.ready.catch(() => {}); // the layer says it on the console
  }

  _load() {
    const { columns, groups, rows } = this.layer;
    this.facets = facetsOf(columns, (row) => groups[row] === PLANT);
    this.tonnes = { annual_t: columns.annual_t?.numbers, stock_t: columns.stock_t?.numbers };
    this.opening = [...this.layer.shown];
    this.rows = rows;
    this.plants = this.layer.totals[PLANT];
    // A switch of the legend changes what is counted; the mask that this filter sets itself does not.
    this.layer.on('filter', () => {
      if (!this.busy && String(this.layer.shown) !== this.seen) this._count(false);
    });
    if (this.pending) this.restore(this.pending);
    else this._count(false);
  }

  _count(masked = true) {
    const { groups, shown } = this.layer;
    this.seen = String(shown);
    this.found = evaluate({ groups, shown, facets: this.facets, asked: this.asked, tonnes: this.tonnes });
    if (masked) {
      this.busy = true;
      this.layer.setMask(this.found.mask);
      this.busy = false;
    }
    this.listeners.forEach((listener) => listener());
  }

  /** Calls `listener` after every change; returns what takes it off again. */
  onChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  facet(key) {
    return this.facets.find((facet) => facet.key === key);
  }

  /** Sets what a facet asks: a list of values, a text, or `{min, max, none}`; undefined for nothing. */
  ask(key, state) {
    if (state === undefined || isIdle(this.facet(key), state)) delete this.asked[key];
    else this.asked[key] = state;
    this._count();
  }

  /** Ticks or unticks one value of a facet. */
  choose(key, value, on) {
    const others = (this.asked[key] ?? []).filter((other) => other !== value);
    this.ask(key, on ? [...others, value] : others);
  }

  /** Switches a group of symbols, as the legend does. */
  toggle(group, on) {
    this.layer.toggle(group, on);
  }

  /**
   * How many rows pass: `{rows, sites, plants, of: {sites, plants}, annual_t, stock_t, groups, facets}`; the entries
   * of `groups` and of every facet of choices are `{value, count, on}`, each count with all other facets applied.
   */
  counts() {
    if (!this.found) return null;
    const { sites, plants, annual_t: annual, stock_t: stock } = this.found;
    const present = GROUPS.map(({ key }, group) => ({ key, group })).filter(({ group }) => this.layer.totals[group]);
    return {
      rows: sites + plants,
      sites,
      plants,
      of: { sites: this.rows - this.plants, plants: this.plants },
      annual_t: annual,
      stock_t: stock,
      groups: present.map(({ key, group }) => ({
        value: key,
        count: this.found.groups[group],
        on: this.layer.shown[group],
      })),
      facets: Object.fromEntries(this.facets.map((facet) => [facet.key, this._counted(facet)])),
    };
  }

  _counted(facet) {
    const counts = this.found.facets[facet.key];
    if (facet.type === 'text') return this.asked[facet.key] ?? '';
    if (facet.type === 'range') return { min: null, max: null, none: false, ...this.asked[facet.key], without: counts[0] };
    const chosen = new Set(this.asked[facet.key]);
    const known = facet.values.map((value, place) => ({ value, count: counts[place], on: chosen.has(value) }));
    // A value that a link asks for and that this map has not is shown, or nobody could tell why nothing passes.
    const strange = [...chosen].filter((value) => value !== NONE && !facet.values.includes(value));
    const none = facet.none || chosen.has(NONE) ? [known[0]] : [];
    return [...known.slice(1), ...strange.map((value) => ({ value, count: 0, on: true })), ...none];
  }

  /** Whether anything is asked, or a group is switched otherwise than the map opened. */
  isIdle() {
    return Object.keys(this.state()).length === 0;
  }

  /** What is asked, by codes, as JSON can say it; a facet that asks nothing has no key, a range is `[min, max, 1]`. */
  state() {
    if (!this.found) return this.pending ?? {};
    const state = {};
    const { shown, totals } = this.layer;
    const there = (group) => totals[group] > 0;
    if (shown.some((on, group) => there(group) && on !== this.opening[group])) {
      state.off = GROUPS.filter((_, group) => there(group) && !shown[group]).map(({ key }) => key);
    }
    for (const facet of this.facets) {
      const asked = this.asked[facet.key];
      if (asked === undefined) continue;
      if (facet.type === 'range') state[facet.key] = [asked.min, asked.max, ...(asked.none ? [1] : [])];
      else state[facet.key] = asked;
    }
    return state;
  }

  /** Sets everything to a state that `state()` once told; `{}` is the map as it opened. */
  restore(state) {
    const given = state !== null && typeof state === 'object' ? state : {};
    if (!this.opening) {
      this.pending = given;
      return;
    }
    this.pending = undefined;
    this.asked = {};
    for (const facet of this.facets) {
      const asked = Object.hasOwn(given, facet.key) ? sound(facet, given[facet.key]) : undefined;
      if (asked !== undefined) this.asked[facet.key] = asked;
    }
    const off = Array.isArray(given.off) ? new Set(given.off) : null;
    this._switch((group) => (off ? !off.has(GROUPS[group].key) : this.opening[group]));
    this._count();
  }

  _switch(wanted) {
    this.busy = true;
    this.layer.shown.forEach((on, group) => {
      if (this.layer.totals[group] && on !== wanted(group)) this.layer.toggle(group, wanted(group));
    });
    this.busy = false;
  }

  /** Asks nothing any more, and shows the groups that the map opened with. */
  reset() {
    this.restore({});
  }

  /** The facets that hide a row: their keys, `groups` for a switch of the legend; none when it is shown. */
  hiding(row) {
    const group = this.layer.groups[row];
    const keys = this.layer.shown[group] ? [] : ['groups'];
    for (const facet of this.facets) {
      const asked = this.asked[facet.key];
      if (asked === undefined || (group === PLANT && !facet.plants)) continue;
      eachFailing(facet, asked, (failing) => {
        if (failing === row) keys.push(facet.key);
      });
    }
    return keys;
  }

  /** Takes back as little as shows this row; the facets that now ask nothing, as `hiding` names them. */
  admit(row) {
    const keys = this.hiding(row);
    if (!keys.length) return keys;
    for (const key of keys) delete this.asked[key];
    const own = this.layer.groups[row];
    this._switch((group) => this.layer.shown[group] || group === own);
    this._count();
    return keys;
  }
}
