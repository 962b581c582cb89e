// What plants reach: the union of their circles by radius, and the sites that lie outside all of them.

import { canvasLayerClass, toPlane } from './canvas.js';
import { area } from '../page/format.js';
import { language, words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { valueAt } from '../packed/pack.js';
import { readRings, trace } from '../packed/rings.js';
import { radiusAt } from './symbols.js';

const FILLS = ['#006d2c', '#41ae76', '#a6dbb8', '#d3efdc'];
const MARK = '#c2006b';

/** The fill of the radius at `index`, nearest first. */
export function fillOf(index) {
  return FILLS[Math.min(index, FILLS.length - 1)];
}

function unreachedLayer(reach) {
  const Marks = canvasLayerClass().extend({
    paint(ctx, view) {
      const { sitesLayer: from } = reach;
      if (!from?.plane || !reach.meta) return;
      const near = view.zoom >= 6;
      const radius = radiusAt(view.zoom) + (near ? 3 : 1.3);
      ctx.lineWidth = near ? 1.6 : 1;
      ctx.strokeStyle = MARK;
      reach.unreached.forEach((rows, index) => {
        if (!reach.marked[index]) return;
        ctx.beginPath();
        for (const row of rows) {
          if (!from.isShown(row)) continue;
          const x = from.plane.x[row] * view.scale - view.dx;
          const y = from.plane.y[row] * view.scale - view.dy;
          ctx.moveTo(x + radius, y);
          ctx.arc(x, y, radius, 0, 2 * Math.PI);
        }
        ctx.stroke();
      });
    },
  });
  return new Marks({ pane: 'registry-marks', zIndex: 455 });
}

/** The coverage layer of the block `id`; unreached sites are marked on `sitesLayer`. */
export function coverage(id, sitesLayer) {
  const Base = canvasLayerClass();
  const Layer = Base.extend({
    load({ meta, tables }) {
      this.meta = meta;
      this.areas = tables.areas;
      this.rings = readRings(tables);
      const count = tables.areas.rows;
      this.shown = Array.from({ length: count }, () => true);
      this.unreached = Array.from({ length: count }, () => []);
      const { site, radius } = tables.unreached.columns;
      for (let i = 0; i < tables.unreached.rows; i += 1) this.unreached[radius.numbers[i]].push(site.numbers[i]);
      this.marked = this.unreached.map((_, index) => index === count - 1);
      if (this._map) this._settle();
    },

    onAdd(map) {
      Base.prototype.onAdd.call(this, map);
      this.marks = unreachedLayer(this).addTo(map);
      if (this.meta) this._settle();
    },

    onRemove(map) {
      this.marks.remove();
      Base.prototype.onRemove.call(this, map);
    },

    _settle() {
      this.plane = toPlane(this._map, this.rings.lng, this.rings.lat);
      sitesLayer?.on('filter', () => this.marks?.redraw());
      this.redraw();
      this.marks.redraw();
    },

    redrawAll() {
      this.redraw();
      this.marks?.redraw();
    },

    paint(ctx, view) {
      if (!this.plane) return;
      ctx.lineWidth = 1;
      for (let row = this.areas.rows - 1; row >= 0; row -= 1) {
        if (!this.shown[row]) continue;
        ctx.beginPath();
        trace(ctx, this.plane, this.rings.features[row] ?? [], view);
        ctx.globalAlpha = 0.55;
        ctx.fillStyle = fillOf(row);
        ctx.fill('evenodd');
        ctx.globalAlpha = 0.9;
        ctx.strokeStyle = '#00441b';
        ctx.stroke();
      }
      ctx.globalAlpha = 1;
    },

    legend() {
      const radius = (row) => valueAt(this.areas.columns.radius_km, row);
      const areas = this.shown.map((shown, row) => ({
        key: `within_${radius(row)}`,
        label: `≤ ${radius(row)} km`,
        note: area(valueAt(this.areas.columns.area_km2, row), language()),
        shown,
        draw: (ctx, width, height) => {
          ctx.globalAlpha = 0.7;
          ctx.fillStyle = fillOf(row);
          ctx.fillRect(2, 3, width - 4, height - 6);
          ctx.globalAlpha = 1;
          ctx.strokeStyle = '#00441b';
          ctx.strokeRect(2.5, 3.5, width - 5, height - 7);
        },
        toggle: (on) => {
          this.shown[row] = on;
          this.redrawAll();
        },
      }));
      const marks = this.marked.map((shown, row) => ({
        key: `beyond_${radius(row)}`,
        label: `> ${radius(row)} km`,
        count: this.unreached[row].length,
        shown,
        draw: (ctx, width, height) => {
          ctx.lineWidth = 1.6;
          ctx.strokeStyle = MARK;
          ctx.beginPath();
          ctx.arc(width / 2, height / 2, 5.5, 0, 2 * Math.PI);
          ctx.stroke();
        },
        toggle: (on) => {
          this.marked[row] = on;
          this.redrawAll();
        },
      }));
      return [
        { heading: words().within, rows: areas },
        { heading: words().unreached, rows: sitesLayer ? marks : [] },
      ];
    },

    counts() {
      const radius = (row) => valueAt(this.areas.columns.radius_km, row);
      return Object.fromEntries(
        this.unreached.map((rows, row) => [`beyond_${radius(row)}`, this._map && this.marked[row] ? rows.length : 0]),
      );
    },
  });
  const layer = new Layer({ pane: 'registry-coverage', zIndex: 360 });
  layer.sitesLayer = sitesLayer;
  layer.ready = Promise.all([readBlock(id), sitesLayer?.ready]).then(([block]) => layer.load(block));
  return layer;
}
