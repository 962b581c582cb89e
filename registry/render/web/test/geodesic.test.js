import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as geodesic from '../src/tools/geodesic.js';

const near = (got, wanted, within) => assert.ok(Math.abs(got - wanted) <= within, `${got} is not ${wanted} ± ${within}`);
const at = ([lat, lng]) => ({ lat, lng });

// Of Karney's test set for geodesics (GeodTest.dat, doi:10.5281/zenodo.32156), as GeographicLib's own tests have them:
// lat1, lng1, azimuth1, lat2, lng2, metres.
const GEOD_TEST = [
  [35.60777, -139.44815, 111.09874842956033, -11.17491, -69.95921, 8935244.56048183],
  [55.52454, 106.05087, 22.0200598809828, 77.03196, 197.18234, 4105086.171392441],
  [-21.97856, 142.59065, -32.44456876433189, 41.84138, 98.56635, 8394328.894657671],
  [32.84994, 48.28919, 150.492927788122, -56.28556, 202.29132, 16727068.943816446],
  [-41.22777, 122.32875, 14.28511340227574, -7.57291, 130.37946, 3812686.035106021],
];

test("distances and directions are those of Karney's test set, to ten nanometres", () => {
  for (const [lat1, lng1, azimuth, lat2, lng2, metres] of GEOD_TEST) {
    const found = geodesic.course({ lat: lat1, lng: lng1 }, { lat: lat2, lng: lng2 });
    near(found.distance, metres, 1e-8);
    near(geodesic.distance({ lat: lat1, lng: lng1 }, { lat: lat2, lng: lng2 }), metres, 1e-8);
    near(found.azimuth, (azimuth + 360) % 360, 1e-12);
  }
});

test('the examples of the documentation of GeographicLib come out as printed there', () => {
  // README of geographiclib-geodesic: Wellington to Salamanca, near the antipodes, where other methods fail.
  near(geodesic.distance(at([-41.32, 174.81]), at([40.96, -5.5])), 19959679.267, 5e-4);
  // The same: 20,000 km south-west of Perth.
  const { lat, lng } = geodesic.destination(at([-32.06, 115.74]), 225, 20000e3);
  near(lat, 32.11195529, 5e-9);
  near(((lng + 540) % 360) - 180, -63.95925278, 5e-9);
  // example-Geodesic-small.cpp: JFK to LHR, printed in km with six digits.
  near(geodesic.distance(at([40.6, -73.8]), at([51.6, -0.5])) / 1000, 5551.76, 5e-3);
});

// Tutorial of GeographicLib for JavaScript, "Measuring areas": a ring around the pole and over the antimeridian.
const ANTARCTICA = [
  [-63.1, -58], [-72.9, -74], [-71.9, -102], [-74.9, -102], [-74.3, -131], [-77.5, -163], [-77.4, 163],
  [-71.7, 172], [-65.9, 140], [-65.7, 113], [-66.6, 88], [-66.9, 59], [-69.8, 25], [-70.0, -4], [-71.0, -14],
  [-77.3, -33], [-77.9, -46], [-74.7, -61],
].map(at);

test('the area of Antarctica is as printed, whichever way its ring runs', () => {
  near(geodesic.area(ANTARCTICA), 13662703680020.1, 0.1);
  near(geodesic.area([...ANTARCTICA].reverse()), 13662703680020.1, 0.1);
  near(geodesic.pathLength([...ANTARCTICA, ANTARCTICA[0]]), 16831067.893, 1e-3);
});

test('a path has one leg fewer than points, and no area under three', () => {
  assert.deepEqual(geodesic.legs([]), []);
  assert.deepEqual(geodesic.legs([at([40, 118])]), []);
  assert.equal(geodesic.legs(ANTARCTICA).length, ANTARCTICA.length - 1);
  assert.equal(geodesic.area(ANTARCTICA.slice(0, 2)), 0);
});

test('where the points are one, there is no direction', () => {
  assert.deepEqual(geodesic.course(at([40, 118]), at([40, 118])), { distance: 0, azimuth: NaN });
});

test('a drawn line starts and ends at its points, and runs on over the antimeridian', () => {
  const points = geodesic.line(at([50, 170]), at([52, -175]));
  near(points[0].lng, 170, 0);
  near(points.at(-1).lng, 185, 1e-9);
  near(points.at(-1).lat, 52, 1e-9);
  near(geodesic.pathLength(points), geodesic.distance(at([50, 170]), at([52, -175])), 1e-6);
  const back = geodesic.line(at([52, 185]), at([50, 170]));
  near(back[0].lng, 185, 0);
  near(back.at(-1).lng, 170, 1e-9);
});

test('every point of a circle is its radius away from the centre', () => {
  const center = at([40.97, 117.93]);
  const ring = geodesic.circle(center, 50_000);
  assert.equal(ring.length, 360);
  for (const point of ring) near(geodesic.distance(center, point), 50_000, 1e-7);
});

test('a figure of eight crosses itself, a square and a square over the antimeridian do not', () => {
  const square = [[0, 0], [0, 1], [1, 1], [1, 0]].map(at);
  assert.equal(geodesic.crossesItself(square), false);
  assert.equal(geodesic.crossesItself([square[0], square[2], square[1], square[3]]), true);
  assert.equal(geodesic.crossesItself([[0, 179], [0, -179], [1, -179], [1, 179]].map(at)), false);
  assert.equal(geodesic.crossesItself([[0, 179], [1, -179], [0, -179], [1, 179]].map(at)), true);
});

/** The same numbers at every run, in [0, 1): the generator of Park and Miller. */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

function scattered(count, seed, box = { west: -180, east: 180, south: -90, north: 90 }) {
  const next = numbers(seed);
  const lng = Float64Array.from({ length: count }, () => box.west + (box.east - box.west) * next());
  const lat = Float64Array.from({ length: count }, () => box.south + (box.north - box.south) * next());
  return { lng, lat };
}

const rowsOf = ({ lng, lat }) => Array.from(lng, (east, row) => ({ lat: lat[row], lng: east }));
const CENTERS = [[40.97, 117.93], [0, 179.9], [-89.9, 10], [22.5, -180], [0, 0]].map(at);

test('the geodesic lies between the bounds that its chord sets', () => {
  const { lng, lat } = scattered(4000, 7);
  const sites = geodesic.places(lng, lat);
  for (const center of CENTERS) {
    const own = geodesic.places(Float64Array.of(center.lng), Float64Array.of(center.lat)).xyz;
    rowsOf({ lng, lat }).forEach((point, row) => {
      const chord = Math.hypot(...[0, 1, 2].map((axis) => sites.xyz[3 * row + axis] - own[axis]));
      const metres = geodesic.distance(center, point);
      assert.ok(metres <= geodesic.farthest(chord) && chord <= geodesic.longestChord(metres), `${metres} ${chord}`);
    });
  }
});

test('sites within a radius are those of brute force, over poles and the antimeridian too', () => {
  const { lng, lat } = scattered(4000, 11);
  const sites = geodesic.places(lng, lat);
  for (const center of CENTERS) {
    for (const radius of [0, 3e5, 5e6, 1.2e7, 1.9e7, 2.1e7]) {
      const wanted = rowsOf(sites).flatMap((point, row) => (geodesic.distance(center, point) <= radius ? [row] : []));
      assert.deepEqual(geodesic.within(sites, center, radius), wanted);
    }
  }
});

test('sites a micrometre inside of a radius are in, sites a micrometre outside are out', () => {
  const center = at([40.97, 117.93]);
  for (const radius of [1000, 50_000, 500_000, 3e6]) {
    const inner = geodesic.circle(center, radius - 1e-6, 40);
    const outer = geodesic.circle(center, radius + 1e-6, 40);
    const points = [...inner, ...outer];
    const sites = geodesic.places(Float64Array.from(points, ({ lng }) => lng), Float64Array.from(points, ({ lat }) => lat));
    assert.deepEqual(geodesic.within(sites, center, radius), [...inner.keys()]);
  }
});

test('a radius below zero or that is no number holds nothing', () => {
  const sites = geodesic.places(Float64Array.of(118), Float64Array.of(41));
  for (const radius of [-1, NaN, undefined]) assert.deepEqual(geodesic.within(sites, at([41, 118]), radius), []);
  assert.deepEqual(geodesic.within(sites, at([41, 118]), 0), [0]);
});

test('the nearest are those of brute force, equals in the order of their rows', () => {
  const { lng, lat } = scattered(3000, 5, { west: 75, east: 135, south: 18, north: 53 });
  lng.copyWithin(10, 0, 10); // ten twins
  lat.copyWithin(10, 0, 10);
  const sites = geodesic.places(lng, lat);
  for (const center of [at([lat[3], lng[3]]), ...CENTERS]) {
    for (const count of [1, 7, 5000]) {
      const wanted = rowsOf(sites)
        .map((point, row) => ({ row, ...geodesic.course(center, point) }))
        .sort((a, b) => a.distance - b.distance || a.row - b.row)
        .slice(0, count);
      assert.deepEqual(geodesic.nearestRows(sites, center, count), wanted);
    }
  }
});

test('rows that are not kept neither count nor stand among the nearest', () => {
  const { lng, lat } = scattered(500, 3, { west: 110, east: 120, south: 35, north: 42 });
  const sites = geodesic.places(lng, lat);
  const even = (row) => row % 2 === 0;
  const center = at([38, 115]);
  assert.deepEqual(geodesic.within(sites, center, 2e5, even), geodesic.within(sites, center, 2e5).filter(even));
  const wanted = geodesic.nearestRows(sites, center, 500).filter(({ row }) => even(row));
  assert.deepEqual(geodesic.nearestRows(sites, center, 9, even), wanted.slice(0, 9));
  assert.deepEqual(geodesic.nearestRows(sites, center, 9, () => false), []);
});
