import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fillOf } from '../src/layers/coverage.js';
import { classOf, colourOf } from '../src/layers/nearest.js';
import { overlap, shade, SHADES } from '../src/layers/regions.js';
import { inside, readRings } from '../src/packed/rings.js';
import { drawingOrder, groupOf } from '../src/layers/sites.js';
import { GROUP_INDEX, GROUPS, radiusAt } from '../src/layers/symbols.js';

const numbers = (...values) => ({ numbers: Float64Array.from(values) });

test('level 1 is drawn last, on top of everything', () => {
  assert.equal(GROUPS.at(-1).key, 'level_1');
  const groups = [groupOf('tailings_pond', 1), groupOf('gangue_heap'), groupOf('tailings_pond', 3)];
  assert.deepEqual([...drawingOrder(Uint8Array.from(groups))], [1, 2, 0]);
});

test('a pond without a level has a group of its own', () => {
  assert.equal(groupOf('tailings_pond', undefined), GROUP_INDEX.level_none);
});

test('the levels differ in shape, and in lightness by more than a fifth of the scale', () => {
  const levels = GROUPS.filter(({ key }) => /^level_\d$/.test(key));
  assert.equal(new Set(levels.map(({ shape }) => shape)).size, 3);
  const lightness = levels.map(({ fill }) => {
    const [r, g, b] = [1, 3, 5]
      .map((at) => parseInt(fill.slice(at, at + 2), 16) / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 116 * Math.cbrt(0.2126 * r + 0.7152 * g + 0.0722 * b) - 16; // CIE L*
  });
  lightness.sort((a, b) => a - b);
  assert.ok(lightness[1] - lightness[0] > 20 && lightness[2] - lightness[1] > 20, lightness.join(' '));
});

test('symbols grow with the zoom, within limits', () => {
  assert.ok(radiusAt(3) < 2 && radiusAt(8) > radiusAt(5) && radiusAt(18) === 9);
});

test('a point in a hole of a region is outside of it', () => {
  const square = (a, b) => [[a, a], [b, a], [b, b], [a, b], [a, a]];
  const points = [...square(0, 10), ...square(4, 6)];
  const rings = readRings({
    rings: { rows: 2, columns: { feature: numbers(0, 0), length: numbers(5, 5) } },
    points: { columns: { lng: numbers(...points.map((p) => p[0])), lat: numbers(...points.map((p) => p[1])) } },
  });
  assert.equal(inside(rings, 0, 1, 1), true);
  assert.equal(inside(rings, 0, 5, 5), false);
  assert.equal(inside(rings, 0, 11, 5), false);
});

test('classes, shades and fills stay within what there is', () => {
  assert.equal(classOf(100_000, [50, 100, 150]), 1);
  assert.equal(classOf(150_001, [50, 100, 150]), 3);
  assert.notEqual(colourOf(0, 4), colourOf(3, 4));
  assert.equal(shade(0, 5), SHADES[0]);
  assert.ok(SHADES.includes(shade(4, 5)) && SHADES.includes(shade(0, 1)));
  assert.equal(fillOf(9), fillOf(3));
  assert.equal(overlap([0, 0, 1, 1], [1, 0, 2, 1]), false);
});
