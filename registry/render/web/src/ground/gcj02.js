// GCJ-02, the offset coordinates of Chinese web maps, and the map plane that is shifted by them.
//
// The same formulas, ellipsoid and outline as registry/intake/places/china_offset.py, which turns imported tables back.

// Krasovsky's ellipsoid as the published algorithm has it.
const A_M = 6378245;
const E2 = 0.006693421622965943;
// The rectangle in which the published algorithm shifts.
const WEST = 72.004;
const EAST = 137.8347;
const SOUTH = 0.8293;
const NORTH = 55.8271;
// Each step of the inverse takes at least nine tenths of what is left; 10⁻¹² degrees are 0.1 µm.
const ENOUGH_DEG = 1e-12;
const MOST_STEPS = 30;
// What comes back so close to the edge was inside it; no offset is as much as a tenth of a degree.
const EDGE_DEG = 1e-10;
const NEAR_DEG = 0.1;

const { abs, cos, sin, sqrt, PI } = Math;

function inRectangle(lng, lat, margin = 0) {
  return lng >= WEST - margin && lng <= EAST + margin && lat >= SOUTH - margin && lat <= NORTH + margin;
}

// The published formulas, without the question whether the position is in China.
function shifted(lng, lat) {
  const x = lng - 105;
  const y = lat - 35;
  const px = x * PI;
  const py = y * PI;
  const root = sqrt(abs(x));
  const ripple = 20 * sin(6 * px) + 20 * sin(2 * px);
  const north =
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root +
    (2 / 3) * (ripple + 20 * sin(py) + 40 * sin(py / 3) + 160 * sin(py / 12) + 320 * sin(py / 30));
  const east =
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root +
    (2 / 3) * (ripple + 20 * sin(px) + 40 * sin(px / 3) + 150 * sin(px / 12) + 300 * sin(px / 30));
  const phi = (lat * PI) / 180;
  const s = sin(phi);
  const w2 = 1 - E2 * s * s;
  const w = sqrt(w2);
  return {
    lng: lng + (east / ((A_M / w) * cos(phi))) * (180 / PI),
    lat: lat + (north / ((A_M * (1 - E2)) / (w2 * w))) * (180 / PI),
  };
}

/** The GCJ-02 position of a WGS 84 one, in degrees; outside the rectangle around China it stays as it is. */
export function toGcj02(lng, lat) {
  return inRectangle(lng, lat) ? shifted(lng, lat) : { lng, lat };
}

/**
 * The WGS 84 position of a GCJ-02 one, in degrees, to 10⁻¹¹; what no shifted position is taken to stays as it is.
 * Within some 700 m outside the rectangle's edges a position may be either; there the shifted one is meant.
 */
export function toWgs84(lng, lat) {
  if (!inRectangle(lng, lat, NEAR_DEG)) return { lng, lat };
  let x = lng;
  let y = lat;
  for (let step = 0; step < MOST_STEPS; step += 1) {
    const there = shifted(x, y);
    const dx = lng - there.lng;
    const dy = lat - there.lat;
    x += dx;
    y += dy;
    if (abs(dx) < ENOUGH_DEG && abs(dy) < ENOUGH_DEG) break;
  }
  return inRectangle(x, y, EDGE_DEG) ? { lng: x, lat: y } : { lng, lat };
}

// Leaflet counts longitudes on beyond ±180 where the world is shown again.
function around(lng, lat, turn) {
  const turns = Math.floor((lng + 180) / 360) * 360;
  if (turns === 0) return turn(lng, lat);
  const there = turn(lng - turns, lat);
  return { lng: there.lng + turns, lat: there.lat };
}

/**
 * A projection by which positions in WGS 84 fall on tiles in GCJ-02: the given one, of shifted positions.
 * `{project, unproject, bounds}` as Leaflet has it.
 */
export function shiftedProjection(plain) {
  return {
    ...plain,
    project({ lng, lat }) {
      return plain.project(around(lng, lat, toGcj02));
    },
    unproject(point) {
      const given = plain.unproject(point);
      const { lng, lat } = around(given.lng, given.lat, toWgs84);
      given.lng = lng;
      given.lat = lat;
      return given;
    },
  };
}

/**
 * Gives Leaflet the CRS `GCJ02`: Web Mercator in which everything that is put on the map in WGS 84 – canvases, markers,
 * any layer of folium – is shifted where it is drawn, while `map.getCenter()`, distances and popups speak WGS 84.
 */
export function defineGcj02(leaflet) {
  leaflet.CRS.GCJ02 = leaflet.extend({}, leaflet.CRS.EPSG3857, {
    code: 'GCJ-02',
    projection: shiftedProjection(leaflet.Projection.SphericalMercator),
  });
}
