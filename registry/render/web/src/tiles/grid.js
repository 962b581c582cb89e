// Places in the Mercator square (0 to 1 from west to east and from north to south), its tiles, and cells of a grid.

import { GROUPS } from '../layers/symbols.js';

const INNER = 0.36; // of a cell: where its ring stands, so that neighbours do not hide one another

/** Latitude of a place in the square. */
export const latitude = (y) => (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;

/** Place of a latitude in the square. */
export const mercator = (lat) => (1 - Math.asinh(Math.tan((lat * Math.PI) / 180)) / Math.PI) / 2;

/** The zoom of the tiles for a zoom of the map: a tile is 512 pixels wide, or more up to the next whole zoom. */
export function tileZoom(zoom, last) {
  return Math.max(0, Math.min(last, Math.floor(zoom) - 1));
}

/**
 * Sites near each other, joined by the cells of a grid of `cell` wide: `{x, y, counts, sum, members}`.
 *
 * `parts`: `{x, y, rows, groupOf(row)}`, the columns of a tile and the rows that count; `members` are the first `few`
 * of a cell as `{part, row}`.
 */
export function join(parts, cell, few) {
  const cells = new Map();
  for (const part of parts) {
    const { x, y, groupOf } = part;
    for (const row of part.rows) {
      const column = Math.floor(x[row] / cell);
      const line = Math.floor(y[row] / cell);
      const key = line * 2 ** 26 + column;
      let held = cells.get(key);
      if (!held) {
        held = { column, line, x: 0, y: 0, counts: GROUPS.map(() => 0), sum: 0, members: [] };
        cells.set(key, held);
      }
      held.x += x[row];
      held.y += y[row];
      held.counts[groupOf(row)] += 1;
      held.sum += 1;
      if (held.sum <= few) held.members.push({ part, row });
    }
  }
  const inner = (mean, corner) => {
    const edge = (1 - INNER) / 2;
    return (corner + Math.min(1 - edge, Math.max(edge, mean / cell - corner))) * cell;
  };
  for (const held of cells.values()) {
    held.x = inner(held.x / held.sum, held.column);
    held.y = inner(held.y / held.sum, held.line);
  }
  return [...cells.values()];
}
