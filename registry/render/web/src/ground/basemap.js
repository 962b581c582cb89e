// Tiles that travel inside the page. They are drawn on canvases from the bytes at hand: the browser loads nothing.

import { el } from '../page/dom.js';
import { readBlock } from '../page/block.js';

const HELD = 96; // decoded pictures that are kept: two windows full

const MOST_DOWN = 3; // zooms that a window may lie farther out than the first tiles: 64 of them to one

const keyOf = (z, x, y) => `${z}/${x}/${y}`;

/** Number of the picture by tile, from the columns of the block's index. */
export function tileIndex({ z, x, y, picture }) {
  const numbers = new Map();
  for (let row = 0; row < z.numbers.length; row += 1) {
    numbers.set(keyOf(z.numbers[row], x.numbers[row], y.numbers[row]), picture.numbers[row]);
  }
  return numbers;
}

/**
 * What a tile is drawn from: `{picture, part, left, top}` – its own picture, or the part (a fraction of the side, and its
 * corner) of the picture of the nearest tile farther out that is there; null where none is.
 */
export function sourceOf(numbers, { z, x, y }, first = 0) {
  const side = 2 ** z;
  if (y < 0 || y >= side) return null;
  const column = ((x % side) + side) % side; // the world is shown again to its left and right
  for (let up = 0; z - up >= first; up += 1) {
    const times = 2 ** up;
    const picture = numbers.get(keyOf(z - up, Math.floor(column / times), Math.floor(y / times)));
    if (picture !== undefined) {
      return { picture, part: 1 / times, left: (column % times) / times, top: (y % times) / times };
    }
  }
  return null;
}

/** What a tile farther out than the first zoom is put together from: `[{picture, left, top, part}]` in fractions of it. */
export function partsOf(numbers, { z, x, y }, first) {
  const down = first - z;
  if (down < 1 || down > MOST_DOWN) return [];
  const times = 2 ** down;
  const parts = [];
  for (let column = 0; column < times; column += 1) {
    for (let row = 0; row < times; row += 1) {
      const source = sourceOf(numbers, { z: first, x: x * times + column, y: y * times + row }, first);
      if (source) parts.push({ picture: source.picture, left: column / times, top: row / times, part: 1 / times });
    }
  }
  return parts;
}

/** A layer of the tiles in the block `id`; `attribution` is HTML that the page itself has made. */
export function localTiles(id, attribution) {
  const Layer = L.GridLayer.extend({
    load({ meta, tables }) {
      this._numbers = tileIndex(tables.index.columns);
      this._pictures = tables.pictures.columns.picture.parts;
      this._first = meta.zooms[0];
      this._decoded = new Map();
      this.meta = meta;
      if (this._map) this.redraw();
    },

    createTile(coords, done) {
      const tile = el('canvas');
      this._paint(tile, coords).then(
        () => done(null, tile),
        (error) => done(error, tile),
      );
      return tile;
    },

    async _paint(tile, coords) {
      await this.ready;
      const whole = sourceOf(this._numbers, coords, this._first);
      const parts = whole ? [] : partsOf(this._numbers, coords, this._first);
      if (!whole && !parts.length) return;
      const pictures = await Promise.all((whole ? [whole] : parts).map((source) => this._decode(source.picture)));
      const side = Math.round(this.getTileSize().x * Math.min(2, window.devicePixelRatio || 1));
      tile.width = side;
      tile.height = side;
      const ctx = tile.getContext('2d');
      if (whole) {
        const [picture] = pictures;
        const { width, height } = picture;
        const { part, left, top } = whole;
        ctx.drawImage(picture, left * width, top * height, part * width, part * height, 0, 0, side, side);
      }
      parts.forEach(({ left, top, part }, at) => {
        ctx.drawImage(pictures[at], left * side, top * side, part * side, part * side);
      });
    },

    _decode(number) {
      const known = this._decoded.get(number);
      if (known) return known;
      const decoding = createImageBitmap(new Blob([this._pictures[number]]));
      this._decoded.set(number, decoding);
      if (this._decoded.size > HELD) this._decoded.delete(this._decoded.keys().next().value);
      return decoding;
    },
  });
  const layer = new Layer({ attribution, maxZoom: 24, className: 'registry-tiles' });
  layer.ready = readBlock(id).then((block) => layer.load(block));
  return layer;
}
