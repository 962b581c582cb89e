// The tiles at hand: those in view are fetched, a few at a time, the ones longest unused are forgotten.

const AT_ONCE = 6;
const MOST_ROWS = 400_000; // rows of tiles that are kept

const keyOf = ({ z, x, y }) => `${z}/${x}/${y}`;

/** The tile of a lower zoom that a tile lies in. */
export function ancestor({ z, x, y }, zoom) {
  return { z: zoom, x: x >> (z - zoom), y: y >> (z - zoom) };
}

/** The tiles of a zoom that meet a box of the Mercator square, `{west, north, east, south}`, nearest its middle first. */
export function tilesIn({ west, north, east, south }, z) {
  const side = 2 ** z;
  const first = (edge) => Math.max(0, Math.floor(edge * side));
  const last = (edge) => Math.min(side - 1, Math.floor(edge * side));
  const tiles = [];
  for (let y = first(north); y <= last(south); y += 1) {
    for (let x = first(west); x <= last(east); x += 1) tiles.push({ z, x, y });
  }
  const away = ({ x, y }) => Math.hypot(x + 0.5 - ((west + east) / 2) * side, y + 0.5 - ((north + south) / 2) * side);
  return tiles.sort((a, b) => away(a) - away(b));
}

export class TileStore {
  /** `fetchTile(tile)` resolves to the tile's bytes or undefined; `read(bytes, tile)` makes columns of them. */
  constructor(fetchTile, read, changed) {
    this.fetchTile = fetchTile;
    this.read = read;
    this.changed = changed;
    this.held = new Map(); // in order of use
    this.loading = new Set();
    this.wanted = [];
    this.waiting = [];
  }

  /** A tile at hand: its columns, null when the file has none there, undefined when it has not been read. */
  get(tile) {
    const key = keyOf(tile);
    const found = this.held.get(key);
    if (found !== undefined) {
      this.held.delete(key);
      this.held.set(key, found);
    }
    return found;
  }

  /** The tile, or the nearest one at hand that it lies in. */
  nearest(tile) {
    for (let zoom = tile.z; zoom >= 0; zoom -= 1) {
      const found = this.get(ancestor(tile, zoom));
      if (found !== undefined) return { zoom, tile: found };
    }
    return null;
  }

  /** Fetches these tiles and no others any more; those not begun of an earlier view are dropped. */
  want(tiles) {
    this.wanted = tiles.filter((tile) => !this.held.has(keyOf(tile)) && !this.loading.has(keyOf(tile)));
    this._next();
  }

  /** Settles when nothing is being fetched. */
  idle() {
    if (!this.loading.size && !this.wanted.length) return Promise.resolve();
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  _next() {
    while (this.wanted.length && this.loading.size < AT_ONCE) this._load(this.wanted.shift());
    if (!this.loading.size && !this.wanted.length) this.waiting.splice(0).forEach((resolve) => resolve());
  }

  async _load(tile) {
    const key = keyOf(tile);
    this.loading.add(key);
    try {
      const bytes = await this.fetchTile(tile);
      this.held.set(key, bytes ? this.read(bytes, tile) : null);
      this._forget();
      this.changed();
    } catch (error) {
      this.changed(error);
    } finally {
      this.loading.delete(key);
      this._next();
    }
  }

  _forget() {
    let rows = 0;
    for (const tile of this.held.values()) rows += tile?.rows ?? 0;
    for (const [key, tile] of this.held) {
      if (rows <= MOST_ROWS) return;
      // What a wide view shows is small and soon wanted again.
      if (Number(key.split('/')[0]) > 4) {
        rows -= tile?.rows ?? 0;
        this.held.delete(key);
      }
    }
  }
}
