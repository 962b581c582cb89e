// Reads the vector tiles that registry/render/tiles/wire.py writes into columns: no object a site.

import { PbfReader } from 'pbf';

const LAYER = 3; // of a tile
const TABLE = 16;
const FEATURE = 2; // of a layer
const KEY = 3;
const VALUE = 4;
const EXTENT = 5;
const TAGS = 2; // of a feature
const GEOMETRY = 4;

function readValue(pbf, end) {
  let value;
  while (pbf.pos < end) {
    const tag = pbf.readVarint();
    const field = tag >> 3;
    if (field === 1) value = pbf.readString();
    else if (field === 2) value = pbf.readFloat();
    else if (field === 3) value = pbf.readDouble();
    else if (field === 4) value = pbf.readVarint(true);
    else if (field === 5) value = pbf.readVarint();
    else if (field === 6) value = pbf.readSVarint();
    else if (field === 7) value = pbf.readBoolean();
    else pbf.skip(tag);
  }
  return value;
}

// Where everything of the tile's one layer stands, and its table.
function outline(bytes) {
  const pbf = new PbfReader(bytes);
  const found = { keys: [], features: [], values: [], extent: 4096, table: null };
  while (pbf.pos < pbf.length) {
    const tag = pbf.readVarint();
    if (tag >> 3 === LAYER) {
      const end = pbf.readVarint() + pbf.pos;
      while (pbf.pos < end) {
        const inner = pbf.readVarint();
        const field = inner >> 3;
        if (field === KEY) found.keys.push(pbf.readString());
        else if (field === EXTENT) found.extent = pbf.readVarint();
        else {
          if (field === FEATURE) found.features.push(pbf.pos);
          else if (field === VALUE) found.values.push(pbf.pos);
          pbf.skip(inner);
        }
      }
    } else if (tag >> 3 === TABLE) {
      const length = pbf.readVarint();
      found.table = bytes.subarray(pbf.pos, pbf.pos + length);
      pbf.pos += length;
    } else pbf.skip(tag);
  }
  return { pbf, ...found };
}

/** What a combination of facets is known by: `kind`, level, status, mineral, province; null where there is none. */
export function facetKey(values) {
  return JSON.stringify(values.map((value) => value ?? null));
}

/**
 * A tile as columns: `x`, `y` in the Mercator square (0 to 1), `combination` (index into the map's combinations of
 * facets), `weight` (sites of the row), and where to find the rest of a row.
 */
export function readTile(buffer, { z, x: column, y: line }, facets, combinationOf) {
  const tile = outline(new Uint8Array(buffer));
  const { pbf, extent } = tile;
  const rows = tile.features.length;
  const side = 2 ** z;
  const out = {
    ...tile,
    rows,
    x: new Float64Array(rows),
    y: new Float64Array(rows),
    combination: new Uint32Array(rows),
    weight: new Uint32Array(rows).fill(1),
  };
  const slots = tile.keys.map((key) => facets.indexOf(key));
  const sites = tile.keys.indexOf('sites');
  const values = [];
  const valueOf = (at) => {
    if (!(at in values)) {
      const back = pbf.pos;
      pbf.pos = tile.values[at];
      values[at] = readValue(pbf, pbf.readVarint() + pbf.pos);
      pbf.pos = back;
    }
    return values[at];
  };
  const known = new Map();
  const taken = facets.map(() => -1);
  for (let row = 0; row < rows; row += 1) {
    pbf.pos = tile.features[row];
    const end = pbf.readVarint() + pbf.pos;
    taken.fill(-1);
    while (pbf.pos < end) {
      const tag = pbf.readVarint();
      const stop = tag >> 3 === TAGS || tag >> 3 === GEOMETRY ? pbf.readVarint() + pbf.pos : 0;
      if (tag >> 3 === TAGS) {
        while (pbf.pos < stop) {
          const key = pbf.readVarint();
          const at = pbf.readVarint();
          if (slots[key] >= 0) taken[slots[key]] = at;
          else if (key === sites) out.weight[row] = valueOf(at);
        }
      } else if (tag >> 3 === GEOMETRY) {
        pbf.readVarint(); // move to, once
        out.x[row] = (column + (pbf.readSVarint() + 0.5) / extent) / side;
        out.y[row] = (line + (pbf.readSVarint() + 0.5) / extent) / side;
        pbf.pos = stop;
      } else pbf.skip(tag);
    }
    const local = taken.join();
    if (!known.has(local)) known.set(local, combinationOf(facetKey(taken.map((at) => (at < 0 ? null : valueOf(at))))));
    out.combination[row] = known.get(local);
  }
  return out;
}

/** The attributes of one row of a tile. */
export function attributesOf({ pbf, keys, values, features }, row) {
  const out = {};
  pbf.pos = features[row];
  const end = pbf.readVarint() + pbf.pos;
  const pairs = [];
  while (pbf.pos < end) {
    const tag = pbf.readVarint();
    if (tag >> 3 === TAGS) {
      const stop = pbf.readVarint() + pbf.pos;
      while (pbf.pos < stop) pairs.push([pbf.readVarint(), pbf.readVarint()]);
    } else pbf.skip(tag);
  }
  for (const [key, at] of pairs) {
    pbf.pos = values[at];
    out[keys[key]] = readValue(pbf, pbf.readVarint() + pbf.pos);
  }
  return out;
}
