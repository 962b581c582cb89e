// What the sites and plants of some rows amount to.

import { GROUP_INDEX, GROUPS } from '../layers/symbols.js';

const PLANT = GROUP_INDEX.utilization_plant;

/** A sum of the figures that are known, and of how many rows none is. */
function total(column, rows) {
  let sum = 0;
  let unknown = 0;
  for (const row of rows) {
    const value = column?.type === 'number' ? column.numbers[row] : NaN;
    if (Number.isNaN(value)) unknown += 1;
    else sum += value;
  }
  return { sum, unknown, known: rows.length - unknown };
}

/**
 * Sites by group of symbols and what they hold, plants and what they can take.
 *
 * `{groups, sites, annual_t, stock_t, plants, capacity_t}`; the amounts are `{sum, unknown, known}` in t/a, t and t/a,
 * `unknown` being the rows without a figure, which the sum leaves out.
 */
export function tally(rows, groups, columns) {
  const counts = GROUPS.map(() => 0);
  const [sites, plants] = [[], []];
  for (const row of rows) {
    counts[groups[row]] += 1;
    (groups[row] === PLANT ? plants : sites).push(row);
  }
  return {
    groups: counts,
    sites: sites.length,
    annual_t: total(columns.annual_t, sites),
    stock_t: total(columns.stock_t, sites),
    plants: plants.length,
    capacity_t: total(columns.capacity_t_per_year, plants),
  };
}
