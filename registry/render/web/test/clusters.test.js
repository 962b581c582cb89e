import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterIndex, ringRadius, shortCount } from '../src/layers/clusters.js';
import { GROUPS } from '../src/layers/symbols.js';

const WORLD = [-180, -85, 180, 85];

function scattered(rows) {
  let seed = 7;
  const chance = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const lng = Float64Array.from({ length: rows }, () => 75 + 50 * chance());
  const lat = Float64Array.from({ length: rows }, () => 20 + 28 * chance());
  const groups = Uint8Array.from({ length: rows }, () => Math.floor(chance() * GROUPS.length));
  return { lng, lat, groups };
}

test('at every zoom the rings and the single sites add up to what there is of each group', () => {
  const layer = scattered(3000);
  const keep = (row) => row % 3 !== 0;
  const expected = GROUPS.map(() => 0);
  layer.groups.forEach((group, row) => {
    if (keep(row)) expected[group] += 1;
  });
  const index = clusterIndex(layer, 3000, keep);
  for (let zoom = 0; zoom <= 16; zoom += 1) {
    const sums = GROUPS.map(() => 0);
    for (const { properties } of index.getClusters(WORLD, zoom)) {
      if (!properties.cluster) sums[properties.group] += 1;
      else properties.counts.forEach((count, group) => (sums[group] += count));
    }
    assert.deepEqual(sums, expected, `zoom ${zoom}`);
  }
});

test('a ring grows with its count, slowly', () => {
  assert.ok(ringRadius(2) < ringRadius(20) && ringRadius(20) < ringRadius(2000));
  assert.ok(ringRadius(1e7) <= 30);
});

test('counts are short enough for a ring, in each language’s own way', () => {
  assert.deepEqual([87, 1234, 56_789, 123_456].map((n) => shortCount(n, 'zh')), ['87', '1234', '5.7万', '12万']);
  assert.deepEqual([87, 1234, 56_789, 2_340_000].map((n) => shortCount(n, 'en')), ['87', '1.2k', '57k', '2.3M']);
});
