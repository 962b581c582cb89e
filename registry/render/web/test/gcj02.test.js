import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shiftedProjection, toGcj02, toWgs84 } from '../src/ground/gcj02.js';

const near = (given, wanted, within) => {
  assert.ok(Math.abs(given.lng - wanted.lng) <= within, `${given.lng} is not ${wanted.lng}`);
  assert.ok(Math.abs(given.lat - wanted.lat) <= within, `${given.lat} is not ${wanted.lat}`);
};

test('the published check point is met to the five decimals it is published with', () => {
  near(toGcj02(116.42079, 39.90105), { lng: 116.42703, lat: 39.90245 }, 1.5e-5);
});

test('what is shifted comes back, on the kink of the formula and at the edges of the rectangle too', () => {
  for (const lng of [72.004, 72.3, 104.9999999, 105, 105.0000001, 116.4, 137.83]) {
    for (const lat of [0.83, 18.2, 35, 39.9, 55.827]) {
      const there = toGcj02(lng, lat);
      assert.ok(Math.hypot(there.lng - lng, there.lat - lat) > 1e-5, 'nothing was shifted');
      near(toWgs84(there.lng, there.lat), { lng, lat }, 1e-10);
    }
  }
});

test('positions outside China are left alone', () => {
  for (const [lng, lat] of [[-60, -3], [10, 50], [150, 35], [116, -10], [72, 30], [100, 56]]) {
    assert.deepEqual(toGcj02(lng, lat), { lng, lat });
  }
  assert.deepEqual(toWgs84(10, 50), { lng: 10, lat: 50 });
});

test('a projection is shifted on every copy of the world', () => {
  const plain = { project: ({ lng, lat }) => ({ x: lng, y: lat }), unproject: ({ x, y }) => ({ lng: x, lat: y }), R: 1 };
  const projection = shiftedProjection(plain);
  const home = projection.project({ lng: 116.4, lat: 39.9 });
  near({ lng: home.x, lat: home.y }, toGcj02(116.4, 39.9), 1e-12);
  const copy = projection.project({ lng: 116.4 + 360, lat: 39.9 });
  near({ lng: copy.x - 360, lat: copy.y }, toGcj02(116.4, 39.9), 1e-11);
  near(projection.unproject(copy), { lng: 476.4, lat: 39.9 }, 1e-10);
  assert.equal(projection.R, 1);
});
