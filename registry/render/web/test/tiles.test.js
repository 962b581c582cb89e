import assert from 'node:assert/strict';
import { test } from 'node:test';
import { join, latitude, mercator, tileZoom } from '../src/tiles/grid.js';
import { StaticSource } from '../src/tiles/tile_source.js';
import { ancestor, TileStore, tilesIn } from '../src/tiles/tile_store.js';
import { readTable } from '../src/tiles/tile_table.js';

test('a latitude and its place in the square are each other’s inverse', () => {
  for (const lat of [-60, 0, 35.25, 84]) assert.ok(Math.abs(latitude(mercator(lat)) - lat) < 1e-9);
});

test('a tile is at least 512 pixels wide, and none is asked for below the last zoom', () => {
  assert.deepEqual([0, 1, 3.9, 9, 16].map((zoom) => tileZoom(zoom, 9)), [0, 0, 2, 8, 9]);
});

test('the tiles of a box come nearest its middle first and stay within the world', () => {
  const tiles = tilesIn({ west: -0.1, east: 0.6, north: 0.2, south: 1.4 }, 2);
  assert.equal(tiles.length, 3 * 4);
  assert.ok(tiles.every(({ x, y }) => x >= 0 && x < 4 && y >= 0 && y < 4));
  assert.deepEqual(tiles[0], { z: 2, x: 0, y: 3 });
  assert.deepEqual(ancestor({ z: 5, x: 21, y: 9 }, 3), { z: 3, x: 5, y: 2 });
});

test('sites are joined by cells, and a ring stays in the inner part of its cell', () => {
  const part = { x: [0.01, 0.02, 0.99, 1.5], y: [0.5, 0.5, 0.5, 0.5], rows: [0, 1, 2, 3], groupOf: () => 1 };
  const rings = join([part], 1, 2);
  assert.deepEqual(rings.map(({ sum, counts }) => [sum, counts[1]]), [[3, 3], [1, 1]]);
  assert.deepEqual(rings.map(({ members }) => members.map(({ row }) => row)), [[0, 1], [3]]);
  assert.ok(rings.every(({ x }) => x % 1 >= 0.3 && x % 1 <= 0.7));
});

function storeOf(files) {
  const asked = [];
  const store = new TileStore(
    async ({ z, x, y }) => {
      asked.push(`${z}/${x}/${y}`);
      return files[`${z}/${x}/${y}`];
    },
    (bytes) => ({ rows: bytes }),
    () => {},
  );
  return { store, asked };
}

test('a tile that has not come is stood in for by one that it lies in', async () => {
  const { store, asked } = storeOf({ '1/0/0': 5, '2/0/0': 7 });
  store.want([{ z: 1, x: 0, y: 0 }]);
  await store.idle();
  assert.deepEqual(store.nearest({ z: 2, x: 1, y: 1 }), { zoom: 1, tile: { rows: 5 } });
  assert.equal(store.nearest({ z: 2, x: 3, y: 3 }), null);
  store.want([{ z: 2, x: 0, y: 0 }, { z: 2, x: 1, y: 1 }, { z: 1, x: 0, y: 0 }]);
  await store.idle();
  assert.deepEqual(asked, ['1/0/0', '2/0/0', '2/1/1']);
  assert.equal(store.get({ z: 2, x: 1, y: 1 }), null); // the file has none there
});

test('tiles longest unused are forgotten, those of a wide view are kept', async () => {
  const { store } = storeOf({ '2/0/0': 300_000, '9/0/0': 90_000, '9/1/0': 90_000, '9/2/0': 90_000 });
  for (const tile of [{ z: 2, x: 0, y: 0 }, { z: 9, x: 0, y: 0 }, { z: 9, x: 1, y: 0 }]) {
    store.want([tile]);
    await store.idle();
  }
  assert.deepEqual([...store.held.keys()], ['2/0/0', '9/1/0']);
});

test('a server without ranges is asked for the whole file once', async (context) => {
  const file = Uint8Array.from({ length: 100 }, (_, at) => at);
  const asked = context.mock.method(globalThis, 'fetch', async () => new Response(file));
  const source = new StaticSource('http://localhost/map.pmtiles', { getBytes: () => Promise.reject(new Error('200')) });
  const parts = await Promise.all([source.getBytes(10, 5), source.getBytes(90, 50)]);
  assert.deepEqual(parts.map(({ data }) => [...new Uint8Array(data)]), [[10, 11, 12, 13, 14], [...file.slice(90)]]);
  assert.equal(asked.mock.callCount(), 1);
});

test('a file that is missing, or too large to be read whole, is told apart', async (context) => {
  const none = { getBytes: () => Promise.reject(new Error('200')) };
  const reason = async (response) => {
    context.mock.method(globalThis, 'fetch', async () => response);
    return new StaticSource('http://localhost/map.pmtiles', none).getBytes(0, 9).catch((error) => error.reason);
  };
  assert.equal(await reason(new Response('', { status: 404 })), 'missing');
  assert.equal(await reason(new Response('…', { headers: { 'content-length': '100000001' } })), 'ranges');
});

test('a server that has sent ranges is not asked for the whole file when one fails', async () => {
  let times = 0;
  const ranges = {
    getBytes: async () => {
      times += 1;
      if (times > 1) throw new Error('the line is cut');
      return { data: new ArrayBuffer(4) };
    },
  };
  const source = new StaticSource('http://localhost/map.pmtiles', ranges);
  await source.getBytes(0, 4);
  await assert.rejects(source.getBytes(4, 4), /the line is cut/);
});

test('a table that is cut off is an error, not a wrong value', () => {
  const head = JSON.stringify({ rows: 3, columns: [{ name: 'a', type: 'number', base: 0, step: 1, width: 2, decimals: 0 }] });
  const bytes = new Uint8Array(4 + head.length + 6);
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(new TextEncoder().encode(head), 4);
  bytes.set([1, 2, 3, 1, 0, 0], 4 + head.length);
  assert.deepEqual([...readTable(bytes).a.numbers], [257, 2, 3]);
  assert.throws(() => readTable(bytes.subarray(0, bytes.length - 1)), /cut off/);
});
