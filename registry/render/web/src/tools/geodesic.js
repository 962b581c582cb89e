// Distances, directions and areas on the ellipsoid, by Karney's method (2013, doi:10.1007/s00190-012-0578-z).
//
// The ellipsoid is that of WGS84. China's CGCS2000 has the same equatorial radius and a polar one that is 0.1 mm shorter:
// distances between the same degrees differ by 0.1 mm across China, and nowhere on earth by 0.3 mm.
// Points are `{lat, lng}` in degrees, as Leaflet has them; longitudes may run beyond ±180°.

import geographiclib from 'geographiclib-geodesic';

const { Geodesic } = geographiclib;
const EARTH = Geodesic.WGS84;
const POSITION = Geodesic.LATITUDE | Geodesic.LONGITUDE | Geodesic.LONG_UNROLL;
const ECCENTRICITY_2 = EARTH.f * (2 - EARTH.f);
const POLAR_RADIUS = EARTH.a * (1 - EARTH.f);
// The least and the greatest radius of curvature: along the meridian at the equator, and at the poles.
const LEAST_RADIUS = POLAR_RADIUS ** 2 / EARTH.a;
const MOST_RADIUS = EARTH.a ** 2 / POLAR_RADIUS;
const HALF_MERIDIAN = 20003932; // metres, rounded up; no two points of the ellipsoid are farther apart
const CONVEX_CHORD = 12e6; // metres; up to here the bound from the least radius holds (Schur needs s ≤ πr)
const CHORD_NOISE = 1e-6; // metres that rounding may add to a chord or take from it, and far more than it does
const STEP = 5000; // metres between the points of a drawn line, which bends by less than a metre between them
const MOST_STEPS = 128;

/** Metres between two points. */
export function distance(a, b) {
  return EARTH.Inverse(a.lat, a.lng, b.lat, b.lng, Geodesic.DISTANCE).s12;
}

/** Metres to `b` and the direction at `a`, degrees clockwise from north in [0, 360), NaN where the points are one. */
export function course(a, b) {
  const { s12, azi1 } = EARTH.Inverse(a.lat, a.lng, b.lat, b.lng, Geodesic.DISTANCE | Geodesic.AZIMUTH);
  return { distance: s12, azimuth: s12 === 0 ? NaN : ((azi1 % 360) + 360) % 360 };
}

/** Metres of each leg of a path; one fewer than it has points. */
export function legs(points) {
  return points.slice(1).map((point, i) => distance(points[i], point));
}

/** Metres along a path. */
export function pathLength(points) {
  return legs(points).reduce((sum, leg) => sum + leg, 0);
}

/** Square metres inside a ring of at least three points, whichever way it runs; its sides are geodesics. */
export function area(points) {
  if (points.length < 3) return 0;
  const polygon = EARTH.Polygon(false);
  for (const { lat, lng } of points) polygon.AddPoint(lat, lng);
  return Math.abs(polygon.Compute(false, true).area);
}

/** The point `metres` from a point in a direction (degrees clockwise from north). */
export function destination({ lat, lng }, azimuth, metres) {
  const end = EARTH.Direct(lat, lng, azimuth, metres, POSITION);
  return { lat: end.lat2, lng: end.lon2 };
}

/** The points through which the geodesic from `a` to `b` is drawn; over the antimeridian the longitudes run on. */
export function line(a, b) {
  const along = EARTH.InverseLine(a.lat, a.lng, b.lat, b.lng, POSITION | Geodesic.DISTANCE_IN);
  const steps = Math.max(1, Math.min(MOST_STEPS, Math.ceil(along.s13 / STEP)));
  const points = [{ lat: a.lat, lng: a.lng }];
  for (let i = 1; i <= steps; i += 1) {
    const { lat2, lon2 } = along.Position((along.s13 * i) / steps, POSITION);
    points.push({ lat: lat2, lng: lon2 });
  }
  return points;
}

/** The points at `radius` metres around a point, clockwise from north; `steps` of them. */
export function circle(center, radius, steps = 360) {
  return Array.from({ length: steps }, (_, i) => destination(center, (360 * i) / steps, radius));
}

/** Whether two sides of a closed ring cross, so that its area has no plain meaning; short of a side's own ends. */
export function crossesItself(points) {
  const turn = (p, q, r) => Math.sign((q.lng - p.lng) * (r.lat - p.lat) - (q.lat - p.lat) * (r.lng - p.lng));
  const ring = unrolled(points);
  const count = ring.length;
  for (let i = 0; i < count; i += 1) {
    for (let j = i + 2; j < count; j += 1) {
      if (i === 0 && j === count - 1) continue; // neighbours over the closing point
      const [a, b, c, d] = [ring[i], ring[i + 1], ring[j], ring[(j + 1) % count]];
      if (turn(a, b, c) * turn(a, b, d) < 0 && turn(c, d, a) * turn(c, d, b) < 0) return true;
    }
  }
  return false;
}

/** The same points with longitudes that never jump by more than half a turn from one to the next. */
export function unrolled(points) {
  let last = points[0]?.lng ?? 0;
  return points.map(({ lat, lng }) => {
    last = lng - 360 * Math.round((lng - last) / 360);
    return { lat, lng: last };
  });
}

const known = new WeakMap();

/** Geocentric coordinates of columns of longitudes and latitudes in degrees; reckoned once for each pair of columns. */
export function places(lng, lat) {
  if (known.get(lng)?.lat !== lat) {
    const xyz = new Float64Array(3 * lng.length);
    for (let i = 0; i < lng.length; i += 1) geocentric(lng[i], lat[i], xyz, 3 * i);
    known.set(lng, { lng, lat, xyz });
  }
  return known.get(lng);
}

function geocentric(lng, lat, xyz, at) {
  const [lambda, phi] = [(lng * Math.PI) / 180, (lat * Math.PI) / 180];
  const sine = Math.sin(phi);
  const normal = EARTH.a / Math.sqrt(1 - ECCENTRICITY_2 * sine * sine);
  const outward = normal * Math.cos(phi);
  xyz[at] = outward * Math.cos(lambda);
  xyz[at + 1] = outward * Math.sin(lambda);
  xyz[at + 2] = normal * (1 - ECCENTRICITY_2) * sine;
}

/** Squared chords in metres from a point to every place; NaN where `keep(row)` is false or a place is unknown. */
function squaredChords({ lng, xyz }, point, keep) {
  const from = new Float64Array(3);
  geocentric(point.lng, point.lat, from, 0);
  const [x, y, z] = from;
  const out = new Float64Array(lng.length);
  for (let row = 0, at = 0; row < out.length; row += 1, at += 3) {
    const dx = xyz[at] - x;
    const dy = xyz[at + 1] - y;
    const dz = xyz[at + 2] - z;
    out[row] = keep && !keep(row) ? NaN : dx * dx + dy * dy + dz * dz;
  }
  return out;
}

// With r ≤ R the extreme radii of curvature and c the chord, 2R·asin(c/2R) ≤ s ≤ 2r·asin(c/2r): the ellipsoid lies in
// the ball of radius R that touches it anywhere (Blaschke), and a geodesic is nowhere more curved than 1/r (Schur).
// registry/services/geodesy.py decides by the same bounds.

const chordOf = (metres, radius) => 2 * radius * Math.sin(Math.min(metres / (2 * radius), Math.PI / 2));

/** No pair of points with this chord is farther apart, in metres. */
export function farthest(chord) {
  if (chord > CONVEX_CHORD) return HALF_MERIDIAN;
  return 2 * LEAST_RADIUS * Math.asin((chord + CHORD_NOISE) / (2 * LEAST_RADIUS));
}

/** The longest chord between points that are `metres` apart. */
export function longestChord(metres) {
  return chordOf(metres, MOST_RADIUS) + CHORD_NOISE;
}

/**
 * Rows within `radius` metres of a point, those at exactly the radius included, in rising order.
 *
 * Exact by the geodesic. The chord decides alone wherever its bounds allow, which leaves a ring of about a millimetre
 * at 50 km and of two metres at 500 km to Karney's method.
 */
export function within(sites, point, radius, keep) {
  const rows = [];
  if (!(radius >= 0)) return rows;
  const chords = squaredChords(sites, point, keep);
  const inside = Math.max(0, Math.min(chordOf(radius, LEAST_RADIUS), CONVEX_CHORD) - CHORD_NOISE) ** 2;
  const outside = longestChord(radius) ** 2;
  for (let row = 0; row < chords.length; row += 1) {
    const chord = chords[row];
    if (chord < inside) rows.push(row);
    else if (chord <= outside && distance(point, { lat: sites.lat[row], lng: sites.lng[row] }) <= radius) rows.push(row);
  }
  return rows;
}

/**
 * The `count` places nearest to a point as `{row, distance, azimuth}`, nearest first, in the order of rows where equal.
 *
 * The order of chords and that of geodesics can differ, so all rows that the bounds leave open are settled by the
 * geodesic.
 */
export function nearestRows(sites, point, count, keep) {
  const chords = squaredChords(sites, point, keep);
  const least = []; // the smallest squared chords so far, rising
  for (let row = 0; row < chords.length; row += 1) {
    const chord = chords[row];
    if (Number.isNaN(chord) || (least.length === count && chord >= least[count - 1])) continue;
    let at = least.length;
    while (at > 0 && least[at - 1] > chord) at -= 1;
    least.splice(at, 0, chord);
    if (least.length > count) least.pop();
  }
  if (!least.length) return [];
  const reach = longestChord(farthest(Math.sqrt(least.at(-1)))) ** 2;
  const found = [];
  for (let row = 0; row < chords.length; row += 1) {
    if (chords[row] <= reach) found.push({ row, ...course(point, { lat: sites.lat[row], lng: sites.lng[row] }) });
  }
  return found.sort((a, b) => a.distance - b.distance || a.row - b.row).slice(0, count);
}
