// What a map page calls; in the page it is the global `registryMap`.

import './registry-map.css';
import { localTiles as makeLocalTiles } from './ground/basemap.js';
import { boundary as makeBoundary } from './layers/boundary.js';
import { changes as makeChanges } from './layers/changes.js';
import { coverage as makeCoverage } from './layers/coverage.js';
import { flows as makeFlows } from './layers/flows.js';
import { legend as makeLegend, openingView, titleBox as makeTitleBox } from './page/furniture.js';
import { defineGcj02 } from './ground/gcj02.js';
import { imprint as makeImprint } from './page/imprint.js';
import { heat as makeHeat } from './layers/heat.js';
import { hexagons as makeHexagons } from './layers/hexagons.js';
import { keep, kept } from './page/kept.js';
import { nearest as makeNearest } from './layers/nearest.js';
import { decode, fromBase64, gunzip, valueAt } from './packed/pack.js';
import { regions as makeRegions } from './layers/regions.js';
import { sites as makeSites } from './layers/sites.js';
import { tiledSites as makeTiledSites } from './tiles/tiled_sites.js';
import './tiles/tiles.css';
import { toolbox as makeToolbox } from './tools/toolbox.js';

if (typeof L !== 'undefined') defineGcj02(L); // before the page's own script makes a map with it

export { openingView };
export const sites = (id) => keep(makeSites(id));
export const regions = (id) => keep(makeRegions(id));
export const coverage = (id, sitesLayer) => keep(makeCoverage(id, sitesLayer));
export const nearest = (id, sitesLayer) => keep(makeNearest(id, sitesLayer));
export const boundary = (id) => keep(makeBoundary(id));
export const changes = (id) => keep(makeChanges(id));
export const flows = (id, sitesLayer) => keep(makeFlows(id, sitesLayer));
export const heat = (id, sitesLayer) => keep(makeHeat(id, sitesLayer));
export const hexagons = (id) => keep(makeHexagons(id));
export const legend = (id, layers, map) => keep(makeLegend(id, layers).addTo(map));
export const tiledSites = (id) => keep(makeTiledSites(id));
export const toolbox = (id, sitesLayer, map) => keep(makeToolbox(id, sitesLayer).addTo(map));
export const localTiles = (id, attribution) => keep(makeLocalTiles(id, attribution));
export const imprint = (id, map) => keep(makeImprint(id).addTo(map));
export const titleBox = (id, map) => keep(makeTitleBox(id).addTo(map));

// The page's own script makes its layers while the page is parsed, so the list is complete when parsing is.
const parsed = new Promise((resolve) => {
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', resolve);
  else setTimeout(resolve);
});

/** Settles when everything of ours on the page has been unpacked; fails when anything of it failed. */
export const ready = parsed.then(() => Promise.all(kept.map((piece) => piece.ready)));
ready.catch(() => {}); // said on the console by each piece

/** How many features of every group are on view. */
export function counts() {
  return Object.assign({}, ...kept.map((piece) => piece.counts?.() ?? {}));
}

/** Opens the popup of the site with this uid; false when no layer on the map has it. */
export function openPopup(uid) {
  // Every layer of Leaflet has a method of that name; ours know rows.
  return kept.some((piece) => piece.rowOf && piece.openPopup(uid));
}

/** Where the site with this uid stands in the window, in CSS pixels; undefined when it is on no map. */
export function pointOf(uid) {
  for (const piece of kept) {
    const row = piece.rowOf?.(uid);
    if (row !== undefined && piece._map) {
      const box = piece._map.getContainer().getBoundingClientRect();
      const point = piece._map.latLngToContainerPoint([piece.lat[row], piece.lng[row]]);
      return { x: point.x + box.left, y: point.y + box.top };
    }
  }
  return undefined;
}

/** The rings in which sites are joined, `{x, y, sites}` with the middle in the window's CSS pixels. */
export function ringsInView() {
  return kept.flatMap((piece) => {
    if (!piece.rings || !piece._map) return [];
    const box = piece._map.getContainer().getBoundingClientRect();
    return piece.rings.map((ring) => {
      const point = piece._map.latLngToContainerPoint([ring.lat, ring.lng]);
      return { x: point.x + box.left, y: point.y + box.top, sites: ring.counts.reduce((sum, count) => sum + count, 0) };
    });
  });
}

/** All values of a pack in base64 as plain lists: what a test compares with the table it came from. */
export async function unpack(text) {
  const { meta, tables } = decode(await gunzip(fromBase64(text)));
  const lists = {};
  for (const [name, { rows, columns }] of Object.entries(tables)) {
    lists[name] = {};
    for (const [key, column] of Object.entries(columns)) {
      lists[name][key] = Array.from({ length: rows }, (_, row) => valueAt(column, row) ?? null);
    }
  }
  return { meta, tables: lists };
}
