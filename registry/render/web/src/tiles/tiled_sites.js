// Sites out of a file of tiles beside the page: rings by cells of a grid from afar, single symbols near by.

import { canvasLayerClass, toPlane, viewOf } from '../layers/canvas.js';
import { drawRing, ringRadius } from '../layers/clusters.js';
import { Facets } from './tile_facets.js';
import { join, latitude, mercator, tileZoom } from './grid.js';
import { language, onLanguage, said, words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { valueAt } from '../packed/pack.js';
import { popupContent, positionRow, rowTexts } from '../page/popup.js';
import { groupSwatch } from '../layers/sites.js';
import { GROUP_INDEX, GROUPS, radiusAt, stamps } from '../layers/symbols.js';
import { readTile } from './tile_reader.js';
import { columnsOf, nameIn, valuesOf } from './tile_row.js';
import { openTiles, TileFileError } from './tile_source.js';
import { TileStore, tilesIn } from './tile_store.js';
import { problemPanel } from './tiles_problem.js';

const MOST_SINGLE = 1500; // symbols in view that are still told apart
const FEW = 3; // sites of a cell that are drawn each
const MARGIN = 30; // pixels round the view within which a symbol may still show
const DEEPEST = 15; // from this zoom on every site is drawn

/** The layer of the block `id`. */
export function tiledSites(id) {
  const Base = canvasLayerClass();
  const Layer = Base.extend({
    tiled: true, // there are no rows to ask for

    async load({ meta, tables }) {
      this.meta = meta;
      this.facets = new Facets(meta.facets, tables.combinations);
      meta.hidden.forEach((key) => this.facets.toggle(GROUP_INDEX[key], false));
      this.totals = this.facets.byGroup(true);
      this.rings = [];
      this.single = [];
      this.test = null;
      onLanguage(() => this.redraw());
      try {
        this.tiles = await openTiles(meta.url);
      } catch (error) {
        this._failed(error);
        return;
      }
      this.store = new TileStore(
        async ({ z, x, y }) => (await this.tiles.getZxy(z, x, y))?.data,
        (bytes, tile) => readTile(bytes, tile, meta.facets, (key) => this.facets.rowOf(key)),
        (error) => (error ? this._failed(error) : this.redraw()),
      );
      if (!this._map) return;
      this._draw();
      await this.store.idle();
      if (this._map) this._draw();
    },

    onAdd(map) {
      Base.prototype.onAdd.call(this, map);
      if (this.problem) this._failed(this.problem);
    },

    onRemove(map) {
      this.panel?.remove();
      Base.prototype.onRemove.call(this, map);
    },

    // Said on the map, not on the console: a reader looks at the map.
    _failed(error) {
      this.problem = error;
      if (!this._map || this.panel?.isConnected) return;
      const reason = error instanceof TileFileError ? error.reason : 'broken';
      this.panel = problemPanel(reason, this.meta.url);
      this._map.getContainer().append(this.panel);
    },

    /** Lets a row pass a test of what only single sites have: `test(tile, row)`; null for all. */
    setTest(test) {
      this.test = test;
      this._changed();
    },

    /** Lets the values of a facet pass or not. */
    setFacet(name, value, on) {
      this.facets.set(name, value, on);
      this._changed();
    },

    /** What is filtered, as JSON can say it; and back. */
    state() {
      return this.facets.state();
    },

    restore(state) {
      this.facets.restore(state);
      this._changed();
    },

    toggle(group, on) {
      this.facets.toggle(group, on);
      this._changed();
    },

    _changed() {
      this.redraw();
      this.fire('filter');
    },

    // The view as a box of the Mercator square; the map's own plane may be shifted against it.
    _box(view) {
      const { crs } = this._map.options;
      const corner = (x, y) => crs.pointToLatLng(L.point(x, y).divideBy(view.scale), 0);
      const northWest = corner(view.dx, view.dy);
      const southEast = corner(view.dx + view.width, view.dy + view.height);
      const edge = 40 / (256 * view.scale);
      return {
        west: (northWest.lng + 180) / 360 - edge,
        east: (southEast.lng + 180) / 360 + edge,
        north: mercator(Math.min(85.05, northWest.lat)) - edge,
        south: mercator(Math.max(-85.05, southEast.lat)) + edge,
      };
    },

    // Where a tile's rows stand on this map; anew when the map has another plane.
    _planeOf(tile) {
      const { crs } = this._map.options;
      if (tile.crs !== crs) {
        tile.crs = crs;
        tile.lng = tile.x.map((x) => x * 360 - 180);
        tile.lat = tile.y.map(latitude);
        tile.plane = toPlane(this._map, tile.lng, tile.lat);
      }
      return tile.plane;
    },

    paint(ctx, view, ratio) {
      if (!this.store) return;
      const { last_zoom: last } = this.meta;
      const zoom = tileZoom(view.zoom, last);
      const tiles = tilesIn(this._box(view), zoom);
      this.store.want(tiles);
      this.rings = [];
      this.single = [];
      const near = [];
      for (const wanted of tiles) {
        const found = this.store.nearest(wanted);
        if (found?.tile) this._collect(found.tile, found.zoom === wanted.z ? null : wanted, view, near);
      }
      this._joinNear(near, view);
      this.rings.sort((a, b) => b.sum - a.sum);
      for (const { x, y, counts } of this.rings) {
        drawRing(ctx, counts, x * view.scale - view.dx, y * view.scale - view.dy, language());
      }
      this.single.sort((a, b) => a.group - b.group);
      const pictures = stamps(radiusAt(view.zoom), ratio);
      for (const { x, y, group } of this.single) {
        const { canvas, half } = pictures[group];
        ctx.drawImage(canvas, x * view.scale - view.dx - half, y * view.scale - view.dy - half, 2 * half, 2 * half);
      }
    },

    // Rings of the cells of a tile (within `part` of it), or its single sites into `near`.
    _collect(tile, part, view, near) {
      const plane = this._planeOf(tile);
      const { visible, groups } = this.facets;
      const inPart = (row) => {
        const side = 2 ** part.z;
        return Math.floor(tile.x[row] * side) === part.x && Math.floor(tile.y[row] * side) === part.y;
      };
      if (tile.table) {
        near.push(this._near(tile, plane, view));
        return;
      }
      let ring = null;
      for (let row = 0; row < tile.rows; row += 1) {
        // The rows of a cell follow each other.
        if (row === 0 || tile.x[row] !== tile.x[row - 1] || tile.y[row] !== tile.y[row - 1]) {
          this._take(ring);
          ring = null;
          if (part && !inPart(row)) continue;
          ring = { x: plane.x[row], y: plane.y[row], counts: GROUPS.map(() => 0), sum: 0, lng: tile.lng[row], lat: tile.lat[row] };
        }
        if (ring && visible[tile.combination[row]]) {
          ring.counts[groups[tile.combination[row]]] += tile.weight[row];
          ring.sum += tile.weight[row];
        }
      }
      this._take(ring);
    },

    _take(ring) {
      if (!ring?.sum) return;
      if (ring.sum > 1) this.rings.push(ring);
      else this.single.push({ ...ring, group: ring.counts.indexOf(1) });
    },

    // The rows of a tile of single sites that are to be seen in the view.
    _near(tile, { x, y }, view) {
      const { visible, groups } = this.facets;
      const rows = [];
      for (let row = 0; row < tile.rows; row += 1) {
        if (!visible[tile.combination[row]] || (this.test && !this.test(tile, row))) continue;
        const left = x[row] * view.scale - view.dx;
        const top = y[row] * view.scale - view.dy;
        if (left > -MARGIN && top > -MARGIN && left < view.width + MARGIN && top < view.height + MARGIN) rows.push(row);
      }
      return { tile, x, y, rows, groupOf: (row) => groups[tile.combination[row]] };
    },

    // Single sites, each or joined where they are many.
    _joinNear(near, view) {
      const single = (part, row) => {
        const { tile, x, y } = part;
        this.single.push({ x: x[row], y: y[row], group: part.groupOf(row), tile, row });
      };
      const count = near.reduce((sum, { rows }) => sum + rows.length, 0);
      if (count <= MOST_SINGLE || view.zoom >= DEEPEST) {
        for (const part of near) part.rows.forEach((row) => single(part, row));
        return;
      }
      for (const ring of join(near, 64 / 2 ** Math.floor(view.zoom), FEW)) {
        if (ring.sum <= FEW) ring.members.forEach(({ part, row }) => single(part, row));
        else {
          const { lng, lat } = this._map.options.crs.pointToLatLng(L.point(ring.x, ring.y), 0);
          this.rings.push({ ...ring, lng, lat });
        }
      }
    },

    /** The nearest visible symbol or ring within `touch` pixels of the pointer. */
    hit(event, touch) {
      if (!this.store) return null;
      const view = viewOf(this._map);
      const px = event.containerPoint.x + view.dx;
      const py = event.containerPoint.y + view.dy;
      const away = ({ x, y }) => Math.hypot(x * view.scale - px, y * view.scale - py);
      const radius = radiusAt(view.zoom);
      let best = null;
      let least = Infinity;
      for (const site of this.single) {
        const distance = away(site);
        if (distance <= least && distance <= radius * GROUPS[site.group].grow + touch) [best, least] = [site, distance];
      }
      if (best) return this._siteHit(best, least);
      for (let at = this.rings.length - 1; at >= 0; at -= 1) {
        const ring = this.rings[at];
        const distance = away(ring);
        if (distance <= ringRadius(ring.sum) + 2) {
          return { rank: 0, distance, tip: () => this._ringText(ring), act: () => this._approach(ring) };
        }
      }
      return null;
    },

    // A site from afar is known by its cell alone: one comes nearer first.
    _siteHit(site, distance) {
      if (!site.tile) return { rank: 0, distance, tip: () => this._ringText(site), act: () => this._approach(site) };
      const { tile, row } = site;
      return {
        rank: 0,
        distance,
        latlng: [tile.lat[row], tile.lng[row]],
        tip: () => nameIn(columnsOf(tile, row), row),
        content: () => this.content(tile, row),
      };
    },

    _ringText({ counts }) {
      const { groups } = said(this.meta);
      const parts = GROUPS.map(({ key }, group) => (counts[group] ? `${groups[key]} ${counts[group]}` : null));
      const zh = language() === 'zh';
      const text = parts.filter(Boolean).reverse().join(zh ? '，' : ', ');
      return zh ? `${text}（${words().tiles_zoom_in}）` : `${text} (${words().tiles_zoom_in})`;
    },

    _approach({ lat, lng }) {
      const zoom = Math.min(this._map.getMaxZoom(), Math.floor(this._map.getZoom()) + 2);
      this._map.flyTo([lat, lng], zoom, { duration: 0.5 });
    },

    content(tile, row) {
      const columns = columnsOf(tile, row);
      const { fields, kinds, terms } = said(this.meta);
      const kind = valueAt(columns.kind, row);
      const rows = rowTexts(columns, row, fields[kind] ?? [], terms);
      rows.push(positionRow(tile.lng[row], tile.lat[row]));
      return popupContent({
        name: nameIn(columns, row),
        kind: kinds[kind] ?? kind,
        draw: groupSwatch(this.facets.groups[tile.combination[row]], 6),
        rows,
      });
    },

    /** Everything known of the sites of the tile that holds this place: for whoever wants to compare. */
    async sitesAt(lng, lat) {
      const z = this.meta.last_zoom;
      const at = { z, x: Math.floor(((lng + 180) / 360) * 2 ** z), y: Math.floor(mercator(lat) * 2 ** z) };
      const data = (await this.tiles.getZxy(at.z, at.x, at.y))?.data;
      if (!data) return [];
      const tile = readTile(data, at, this.meta.facets, (key) => this.facets.rowOf(key));
      return Array.from({ length: tile.rows }, (_, row) => ({
        ...valuesOf(tile, row),
        lng: tile.x[row] * 360 - 180,
        lat: latitude(tile.y[row]),
      }));
    },

    counts() {
      const passing = this.facets?.byGroup() ?? [];
      const onView = (group) => (this._map && this.facets.shown[group] ? passing[group] : 0);
      return Object.fromEntries(
        GROUPS.map(({ key }, group) => [key, onView(group)]).filter((_, group) => this.totals?.[group]),
      );
    },

    legend() {
      const { groups } = said(this.meta);
      const passing = this.facets.byGroup();
      const row = (key) => {
        const group = GROUP_INDEX[key];
        return {
          key,
          label: groups[key],
          count: passing[group],
          shown: this.facets.shown[group],
          draw: groupSwatch(group),
          toggle: (on) => this.toggle(group, on),
        };
      };
      const present = (keys) => keys.filter((key) => this.totals[GROUP_INDEX[key]]);
      const ponds = ['level_1', 'level_2', 'level_3'];
      const anyPond = present([...ponds, 'level_none']).length > 0;
      return [
        { heading: words().levels, rows: anyPond ? [...ponds, ...present(['level_none'])].map(row) : [] },
        { heading: words().others, rows: present(['gangue_heap', 'smelting_site']).map(row) },
        { heading: words().plants, rows: present(['utilization_plant']).map(row) },
      ];
    },
  });
  const layer = new Layer({ pane: 'registry-sites', zIndex: 450 });
  layer.ready = readBlock(id).then((block) => layer.load(block));
  return layer;
}
