// A plan of hubs: what flows to each as arcs by tonnage and waste, and the sites that nothing reaches.

import './overlays.css';
import { arcWidth, bendPoint, drawHub, hubRadius, tonnageClass, wasteColour } from './arcs.js';
import { canvasLayerClass, toPlane, viewOf } from './canvas.js';
import { el, foreign } from '../page/dom.js';
import { distance, quantity } from '../page/format.js';
import { hubCard } from './hub_card.js';
import { language, said, words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { valueAt } from '../packed/pack.js';
import { GROUP_INDEX, radiusAt } from './symbols.js';

const MARK = '#c2006b';

function hubsLayer(plan) {
  const Hubs = canvasLayerClass().extend({
    paint(ctx, view) {
      if (!plan.plane) return;
      plan.hubs.forEach((hub, row) => {
        if (!plan.shown[row]) return;
        const { x, y } = plan.hubAt(row, view);
        drawHub(ctx, x, y, hubRadius(hub), hub.modules);
      });
    },
  });
  return new Hubs({ pane: 'registry-hubs', zIndex: 456 });
}

/** The hub plan of the block `id`; its flows start at rows of `sitesLayer`. */
export function flows(id, sitesLayer) {
  const Base = canvasLayerClass();
  const Layer = Base.extend({
    load({ meta, tables }) {
      this.meta = meta;
      this._readHubs(tables.hubs);
      this._readFlows(tables.flows, meta.breaks);
      const reached = new Set(this.flows.map(({ site }) => site));
      const plant = GROUP_INDEX.utilization_plant;
      this.unreached = meta.missed.whole
        ? Array.from({ length: sitesLayer.rows }, (_, row) => row).filter(
            (row) => !reached.has(row) && sitesLayer.groups[row] !== plant,
          )
        : [...tables.unreached.columns.site.numbers];
      this.marked = true;
      sitesLayer.extras.push((row) => this.note(row));
      sitesLayer.on('filter', () => this.redraw());
      if (this._map) this._settle();
    },

    _readHubs({ rows, columns }) {
      const at = (name, row) => valueAt(columns[name], row);
      this.lng = columns.lng.numbers;
      this.lat = columns.lat.numbers;
      this.hubs = Array.from({ length: rows }, (_, row) => ({
        name: at('hub', row),
        place: at('place', row),
        region_code: at('region_code', row),
        modules: at('modules', row),
        capacity: at('capacity_t_per_year', row),
        annual_t: at('annual_t', row),
        cost: at('cost_per_t', row),
      }));
      const most = Math.max(...this.hubs.map(({ annual_t: tonnes }) => tonnes ?? 0), 1);
      for (const hub of this.hubs) hub.share = (hub.annual_t ?? 0) / most;
      this.shown = this.hubs.map(() => true);
    },

    _readFlows({ rows, columns }, breaks) {
      this.flows = Array.from({ length: rows }, (_, at) => ({
        site: columns.site.numbers[at],
        hub: columns.hub.numbers[at],
        waste: valueAt(columns.waste_code, at),
        category: valueAt(columns.category, at),
        tonnes: columns.annual_t.numbers[at],
        metres: columns.distance_m.numbers[at],
        width: tonnageClass(columns.annual_t.numbers[at], breaks),
      }));
      const tonnes = new Map();
      for (const flow of this.flows) tonnes.set(flow.category, (tonnes.get(flow.category) ?? 0) + flow.tonnes);
      this.categories = [...tonnes.keys()].sort((a, b) => tonnes.get(b) - tonnes.get(a));
      this.tonnes = tonnes;
      this.shownWastes = new Map(this.categories.map((category) => [category, true]));
      this.shownWidths = Array.from({ length: breaks.length + 1 }, () => true);
    },

    onAdd(map) {
      Base.prototype.onAdd.call(this, map);
      this.symbols = hubsLayer(this).addTo(map);
      if (this.meta) this._settle();
    },

    onRemove(map) {
      this.symbols.remove();
      Base.prototype.onRemove.call(this, map);
    },

    _settle() {
      this.plane = toPlane(this._map, this.lng, this.lat);
      this.redrawAll();
    },

    redrawAll() {
      this.redraw();
      this.symbols?.redraw();
    },

    hubAt(row, view) {
      return { x: this.plane.x[row] * view.scale - view.dx, y: this.plane.y[row] * view.scale - view.dy };
    },

    siteAt(row, view) {
      const { plane } = sitesLayer;
      return { x: plane.x[row] * view.scale - view.dx, y: plane.y[row] * view.scale - view.dy };
    },

    // The filter decides, not the switches of the symbols: arcs without symbols are a map too.
    passes(row) {
      return sitesLayer.mask === null || sitesLayer.mask[row] === 1;
    },

    isDrawn({ hub, site, category, width }) {
      return this.shown[hub] && this.shownWastes.get(category) && this.shownWidths[width] && this.passes(site);
    },

    paint(ctx, view) {
      if (!this.plane || !sitesLayer.plane) return;
      ctx.lineCap = 'round';
      for (let width = 0; width < this.shownWidths.length; width += 1) {
        ctx.lineWidth = arcWidth(width, this.shownWidths.length) * (view.zoom < 6 ? 0.75 : 1);
        ctx.globalAlpha = width + 1 < this.shownWidths.length ? 0.55 : 0.75;
        for (const category of this.categories) {
          ctx.beginPath();
          for (const flow of this.flows) {
            if (flow.width === width && flow.category === category && this.isDrawn(flow)) this._arc(ctx, view, flow);
          }
          ctx.strokeStyle = wasteColour(category);
          ctx.stroke();
        }
      }
      ctx.globalAlpha = 1;
      ctx.lineCap = 'butt';
      if (this.marked) this._markUnreached(ctx, view);
    },

    _arc(ctx, view, { site, hub }) {
      const from = this.siteAt(site, view);
      const to = this.hubAt(hub, view);
      const bend = bendPoint(from, to);
      ctx.moveTo(from.x, from.y);
      ctx.quadraticCurveTo(bend.x, bend.y, to.x, to.y);
    },

    _markUnreached(ctx, view) {
      const near = view.zoom >= 6;
      const radius = radiusAt(view.zoom) + (near ? 3 : 1.3);
      ctx.lineWidth = near ? 1.6 : 1;
      ctx.strokeStyle = MARK;
      ctx.beginPath();
      for (const row of this.unreached) {
        if (!this.passes(row)) continue;
        const { x, y } = this.siteAt(row, view);
        ctx.moveTo(x + radius, y);
        ctx.arc(x, y, radius, 0, 2 * Math.PI);
      }
      ctx.stroke();
    },

    hit(event, touch) {
      if (!this.plane) return null;
      const view = viewOf(this._map);
      const { x, y } = event.containerPoint;
      let best = null;
      this.hubs.forEach((hub, row) => {
        if (!this.shown[row]) return;
        const at = this.hubAt(row, view);
        const away = Math.abs(at.x - x) + Math.abs(at.y - y);
        if (away <= hubRadius(hub) + touch / 2 && away <= (best?.away ?? Infinity)) best = { row, away };
      });
      if (!best) return null;
      const { row } = best;
      return {
        rank: 0,
        distance: -1, // a hub lies on top of the sites about it
        latlng: [this.lat[row], this.lng[row]],
        tip: () => `${this.hubs[row].name} – ${words().hub}`,
        content: () => this.content(row),
      };
    },

    content(row) {
      const hub = this.hubs[row];
      const { wastes, regions } = said(this.meta);
      return hubCard(
        { ...hub, region: hub.region_code && (regions[hub.region_code] ?? hub.region_code) },
        this.flows.filter((flow) => flow.hub === row),
        {
          wasteName: (code) => wastes[code] ?? code,
          nameOf: (site) => sitesLayer.nameOf(site),
          open: (site) => sitesLayer.openPopup(valueAt(sitesLayer.columns.uid, site)),
          draw: (ctx, width, height) => drawHub(ctx, width / 2, height / 2, 7),
        },
      );
    },

    note(row) {
      const own = this.flows.filter(({ site }) => site === row);
      if (!own.length) return null;
      const { wastes } = said(this.meta);
      const list = el('ul', 'registry-nearest');
      for (const { hub, waste, tonnes, metres } of own) {
        const name = foreign(`${this.hubs[hub].name} – ${wastes[waste] ?? waste}`);
        list.append(el('li', '', name, ` – ${quantity(tonnes, 't/a', language())}, ${distance(metres, language())}`));
      }
      return el('div', 'registry-more', el('h3', '', words().flow_to), list);
    },

    legend() {
      const text = words();
      const { wastes } = said(this.meta);
      const line = (colour, width) => (ctx, wide, high) => {
        ctx.lineWidth = width;
        ctx.strokeStyle = colour;
        ctx.beginPath();
        ctx.moveTo(1, high - 3);
        ctx.quadraticCurveTo(wide / 2, -2, wide - 1, high - 3);
        ctx.stroke();
      };
      const row = (key, label, figure, shown, draw, set) => ({
        key,
        label,
        ...figure,
        shown,
        draw,
        toggle: (on) => {
          set(on);
          this.redrawAll();
        },
      });
      const lang = language();
      const hubs = this.hubs.map((hub, at) =>
        row(`hub_${at}`, hub.name, { note: hub.annual_t === undefined ? undefined : quantity(hub.annual_t, 't/a', lang) },
          this.shown[at], (ctx, wide, high) => drawHub(ctx, wide / 2, high / 2, 7), (on) => { this.shown[at] = on; }),
      );
      const materials = this.categories.map((category) =>
        row(`waste_${category}`, wastes[category] ?? category, { note: quantity(this.tonnes.get(category), 't/a', lang) },
          this.shownWastes.get(category), line(wasteColour(category), 3), (on) => this.shownWastes.set(category, on)),
      );
      const { breaks } = this.meta;
      const limit = (at) => quantity(breaks[at], 't/a', lang);
      const label = (at) => (at < breaks.length ? `≤ ${limit(at)}` : breaks.length ? `> ${limit(at - 1)}` : text.flow_tonnes);
      const widths = this.shownWidths.map((shown, at) =>
        row(`flow_${at}`, label(at), { count: this.flows.filter(({ width, site }) => width === at && this.passes(site)).length }, shown,
          line('#444444', arcWidth(at, this.shownWidths.length)), (on) => { this.shownWidths[at] = on; }),
      );
      const marks = row('flow_unreached', text.flow_unreached, { count: this.unreached.filter((site) => this.passes(site)).length }, this.marked,
        (ctx, wide, high) => {
          ctx.lineWidth = 1.6;
          ctx.strokeStyle = MARK;
          ctx.beginPath();
          ctx.arc(wide / 2, high / 2, 5.5, 0, 2 * Math.PI);
          ctx.stroke();
        }, (on) => { this.marked = on; });
      return [
        { heading: text.hubs, rows: [...hubs, ...(this.unreached.length ? [marks] : [])] },
        { heading: text.flow_wastes, rows: materials },
        { heading: text.flow_widths, rows: widths },
      ];
    },

    counts() {
      const on = Boolean(this._map && this.meta);
      return {
        hubs: on ? this.shown.filter(Boolean).length : 0,
        flows: on ? this.flows.filter((flow) => this.isDrawn(flow)).length : 0,
        flow_unreached: on && this.marked ? this.unreached.filter((row) => this.passes(row)).length : 0,
      };
    },
  });
  const layer = new Layer({ pane: 'registry-flows', zIndex: 425 });
  layer.ready = Promise.all([readBlock(id), sitesLayer.ready]).then(([block]) => layer.load(block));
  return layer;
}
