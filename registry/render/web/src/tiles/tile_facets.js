// Which combinations of facets pass: a filter that is exact at any zoom, and sums that follow it at once.

import { valueAt } from '../packed/pack.js';
import { groupOf } from '../layers/sites.js';
import { GROUPS } from '../layers/symbols.js';
import { facetKey } from './tile_reader.js';

const AMOUNTS = ['sites', 'annual_t', 'stock_t'];

/** The combinations of facets that occur on a map, with their sums. */
export class Facets {
  /** `names`: of the facets; `table`: `{rows, columns}` of the block. */
  constructor(names, { rows, columns }) {
    this.names = names;
    this.rows = rows;
    this.values = names.map((name) => Array.from({ length: rows }, (_, row) => valueAt(columns[name], row) ?? null));
    this.amounts = Object.fromEntries(AMOUNTS.map((name) => [name, columns[name].numbers]));
    const kind = this.values[names.indexOf('kind')];
    const level = this.values[names.indexOf('supervision_level')];
    this.groups = Uint8Array.from(kind, (value, row) => groupOf(value, level[row]));
    this.index = new Map(
      Array.from({ length: rows }, (_, row) => [facetKey(this.values.map((column) => column[row])), row]),
    );
    this.off = new Map(names.map((name) => [name, new Set()]));
    this.shown = GROUPS.map(() => true);
    this._settle();
  }

  /** The row of a combination by its key. */
  rowOf(key) {
    return this.index.get(key);
  }

  /** Lets the values of a facet pass or not; null stands for sites that have none. */
  set(name, value, on) {
    if (on) this.off.get(name).delete(value);
    else this.off.get(name).add(value);
    this._settle();
  }

  passes(name, value) {
    return !this.off.get(name).has(value);
  }

  toggle(group, on) {
    this.shown[group] = on;
    this._settle();
  }

  /** Everything that is switched off, as JSON can say it; and back. */
  state() {
    const off = [...this.off].filter(([, values]) => values.size).map(([name, values]) => [name, [...values]]);
    return Object.fromEntries(off);
  }

  restore(state) {
    this.off = new Map(this.names.map((name) => [name, new Set(state?.[name] ?? [])]));
    this._settle();
  }

  // `passing` by the filter alone, `visible` by the legend's switches too.
  _settle() {
    this.passing = new Uint8Array(this.rows);
    this.visible = new Uint8Array(this.rows);
    for (let row = 0; row < this.rows; row += 1) {
      const out = this.names.some((name, at) => this.off.get(name).has(this.values[at][row]));
      this.passing[row] = out ? 0 : 1;
      this.visible[row] = !out && this.shown[this.groups[row]] ? 1 : 0;
    }
  }

  /** Sites of every group: all, or those that pass the filter. */
  byGroup(all = false) {
    const out = GROUPS.map(() => 0);
    for (let row = 0; row < this.rows; row += 1) {
      if (all || this.passing[row]) out[this.groups[row]] += this.amounts.sites[row];
    }
    return out;
  }

  /** Sites and tonnes that are on view. */
  sums() {
    const out = Object.fromEntries(AMOUNTS.map((name) => [name, 0]));
    for (let row = 0; row < this.rows; row += 1) {
      if (this.visible[row]) for (const name of AMOUNTS) out[name] += this.amounts[name][row];
    }
    return out;
  }

  /** The values of a facet with the sites that pass all other facets, in the order of their codes. */
  options(name) {
    const at = this.names.indexOf(name);
    const others = this.names.filter((other) => other !== name);
    const counts = new Map();
    for (let row = 0; row < this.rows; row += 1) {
      const value = this.values[at][row];
      const out = others.some((other) => this.off.get(other).has(this.values[this.names.indexOf(other)][row]));
      counts.set(value, (counts.get(value) ?? 0) + (out ? 0 : this.amounts.sites[row]));
    }
    const last = (value) => (value === null ? 1 : 0);
    return [...counts].sort(([a], [b]) => last(a) - last(b) || (a > b) - (a < b));
  }
}
