import assert from 'node:assert/strict';
import { test } from 'node:test';
import { partsOf, sourceOf, tileIndex } from '../src/ground/basemap.js';

const columns = (rows) => {
  const names = ['z', 'x', 'y', 'picture'];
  return Object.fromEntries(names.map((name, at) => [name, { numbers: Float64Array.from(rows, (row) => row[at]) }]));
};
const numbers = tileIndex(columns([[3, 6, 3, 0], [4, 13, 6, 1], [0, 0, 0, 2]]));

test('a tile that is there is drawn whole', () => {
  assert.deepEqual(sourceOf(numbers, { z: 4, x: 13, y: 6 }), { picture: 1, part: 1, left: 0, top: 0 });
});

test('a tile that is not there is the part of the nearest one farther out', () => {
  assert.deepEqual(sourceOf(numbers, { z: 4, x: 12, y: 7 }), { picture: 0, part: 0.5, left: 0, top: 0.5 });
  assert.deepEqual(sourceOf(numbers, { z: 6, x: 13 * 4 + 3, y: 6 * 4 + 1 }), { picture: 1, part: 0.25, left: 0.75, top: 0.25 });
});

test('a tile beyond ±180° is that of the world shown again, and beyond a pole there is none', () => {
  assert.equal(sourceOf(numbers, { z: 4, x: 13 - 16, y: 6 }).picture, 1);
  assert.equal(sourceOf(numbers, { z: 4, x: 13 + 32, y: 6 }).picture, 1);
  assert.equal(sourceOf(numbers, { z: 4, x: 13, y: -1 }), null);
  assert.equal(sourceOf(numbers, { z: 4, x: 13, y: 16 }), null);
});

test('nothing is looked for farther out than the first zoom', () => {
  assert.equal(sourceOf(numbers, { z: 5, x: 0, y: 0 }, 3), null);
  assert.equal(sourceOf(numbers, { z: 5, x: 0, y: 0 }).picture, 2);
});

test('a tile farther out than the first zoom is put together from those that are there', () => {
  const four = tileIndex(columns([[5, 24, 12, 7], [5, 25, 13, 8], [5, 27, 15, 9]]));
  assert.deepEqual(partsOf(four, { z: 4, x: 12, y: 6 }, 5), [
    { picture: 7, left: 0, top: 0, part: 0.5 },
    { picture: 8, left: 0.5, top: 0.5, part: 0.5 },
  ]);
  assert.deepEqual(partsOf(four, { z: 3, x: 6, y: 3 }, 5).map(({ left, top }) => [left, top]), [[0, 0], [0.25, 0.25], [0.75, 0.75]]);
  assert.deepEqual(partsOf(four, { z: 1, x: 1, y: 0 }, 5), []);
  assert.deepEqual(partsOf(four, { z: 5, x: 24, y: 12 }, 5), []);
});
