// Sites and plants as symbols on one canvas, level 1 on top; joined into rings where too many are in view.

import { canvasLayerClass, toPlane, viewOf } from './canvas.js';
import { clusterIndex, drawRing, ringRadius } from './clusters.js';
import { deskOf } from '../page/desk.js';
import { language, onLanguage, said, words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { valueAt } from '../packed/pack.js';
import { popupContent, positionRow, rowTexts } from '../page/popup.js';
import { drawSymbol, GROUP_INDEX, GROUPS, radiusAt, stamps } from './symbols.js';

const MOST_SINGLE = 1500; // symbols in view that are still told apart
const ALWAYS_SINGLE = { level_1: 300, utilization_plant: 800 }; // what a reader looks for first, while there are few
const PLANT = GROUP_INDEX.utilization_plant;
const FIRST = GROUP_INDEX.level_1;

/** The group of symbols that a row belongs to. */
export function groupOf(kind, level) {
  if (kind !== 'tailings_pond') return GROUP_INDEX[kind];
  return GROUP_INDEX[`level_${level}`] ?? GROUP_INDEX.level_none;
}

/** Rows sorted by group, so that drawing them in turn puts the highest group on top. */
export function drawingOrder(groups) {
  const starts = GROUPS.map(() => 0);
  for (const group of groups) if (group + 1 < starts.length) starts[group + 1] += 1;
  for (let i = 1; i < starts.length; i += 1) starts[i] += starts[i - 1];
  const order = new Uint32Array(groups.length);
  for (let row = 0; row < groups.length; row += 1) {
    order[starts[groups[row]]] = row;
    starts[groups[row]] += 1;
  }
  return order;
}

/** How a symbol is shown in the legend and in a heading. */
export function groupSwatch(group, size = 5.5) {
  return (ctx, width, height) => drawSymbol(ctx, GROUPS[group], width / 2, height / 2, size / GROUPS[group].grow ** 0.6);
}

/** The sites layer of the block `id`. */
export function sites(id) {
  const Base = canvasLayerClass();
  const Layer = Base.extend({
    load({ meta, tables }) {
      const { columns, rows } = tables.sites;
      this.meta = meta;
      this.columns = columns;
      this.rows = rows;
      this.lng = columns.lng.numbers;
      this.lat = columns.lat.numbers;
      this.groups = new Uint8Array(rows);
      this.totals = GROUPS.map(() => 0);
      for (let row = 0; row < rows; row += 1) {
        const level = valueAt(columns.supervision_level, row);
        this.groups[row] = groupOf(valueAt(columns.kind, row), level);
        this.totals[this.groups[row]] += 1;
      }
      this.order = drawingOrder(this.groups);
      this.shown = GROUPS.map(({ key }) => !meta.hidden.includes(key));
      this.mask = null;
      this.joined = meta.joined !== false;
      this.extras = [];
      this.rings = [];
      this._count();
      onLanguage(() => this.redraw());
      if (this._map) this._settle();
    },

    onAdd(map) {
      Base.prototype.onAdd.call(this, map);
      if (this.meta) this._settle();
    },

    _settle() {
      this.plane = toPlane(this._map, this.lng, this.lat);
      this.redraw();
    },

    /** Whether the legend's switches and the filter let this row be seen. */
    isShown(row) {
      return this.shown[this.groups[row]] && (this.mask === null || this.mask[row] === 1);
    },

    /** Takes what a filter found, 1 for every row that passes; null for all. */
    setMask(mask) {
      this.mask = mask;
      this._changed();
    },

    /** Switches a group of symbols. */
    toggle(group, on) {
      this.shown[group] = on;
      this._changed();
    },

    /** Joins symbols into rings where many are in view, or draws each. */
    setJoined(on) {
      this.joined = on;
      this.redraw();
    },

    _changed() {
      this.clusters = undefined;
      this._count();
      this.redraw();
      this.fire('filter');
    },

    // How many rows of every group pass the filter, whether their group is switched on or not.
    _count() {
      this.passing = GROUPS.map(() => 0);
      for (let row = 0; row < this.rows; row += 1) {
        if (this.mask === null || this.mask[row]) this.passing[this.groups[row]] += 1;
      }
    },

    /** The rows that are shown, within `bounds` (`L.LatLngBounds`) when given. */
    shownRows(bounds) {
      const found = [];
      for (let row = 0; row < this.rows; row += 1) {
        if (this.isShown(row) && (!bounds || bounds.contains([this.lat[row], this.lng[row]]))) found.push(row);
      }
      return found;
    },

    _alone(group) {
      return this.passing[group] <= (ALWAYS_SINGLE[GROUPS[group].key] ?? 0);
    },

    // Two indexes, so that a ring holds either sites or plants.
    _clusters() {
      this.clusters ??= [false, true].map((plants) =>
        clusterIndex(this, this.rows, (row) => {
          const group = this.groups[row];
          return (group === PLANT) === plants && this.isShown(row) && !this._alone(group);
        }),
      );
      return this.clusters;
    },

    _inView(view) {
      const { x, y } = this.plane;
      const rows = [];
      for (const row of this.order) {
        if (!this.isShown(row)) continue;
        const left = x[row] * view.scale - view.dx;
        const top = y[row] * view.scale - view.dy;
        if (left > -30 && top > -30 && left < view.width + 30 && top < view.height + 30) rows.push(row);
      }
      return rows;
    },

    paint(ctx, view, ratio) {
      if (!this.plane) return;
      const rows = this._inView(view);
      const many = this.joined && rows.length > MOST_SINGLE && this._inView(viewOf(this._map)).length > MOST_SINGLE;
      this.rings = many ? this._ringsIn(view) : [];
      const single = many ? this._singlesIn(rows) : rows;
      this._stamp(ctx, view, ratio, many ? single.filter((row) => this.groups[row] !== FIRST) : single);
      for (const ring of this.rings) {
        drawRing(ctx, ring.counts, ring.x * view.scale - view.dx, ring.y * view.scale - view.dy, language());
      }
      // Rings hide what lies under them, but never a pond of level 1 that stands alone.
      if (many) this._stamp(ctx, view, ratio, single.filter((row) => this.groups[row] === FIRST));
      this.single = single;
    },

    _stamp(ctx, view, ratio, rows) {
      const pictures = stamps(radiusAt(view.zoom), ratio);
      const { x, y } = this.plane;
      for (const row of rows) {
        const { canvas, half } = pictures[this.groups[row]];
        const left = x[row] * view.scale - view.dx - half;
        const top = y[row] * view.scale - view.dy - half;
        ctx.drawImage(canvas, left, top, 2 * half, 2 * half);
      }
    },

    // Sets `rings`, and `loose`: the rows that stand alone although their group is joined.
    _ringsIn(view) {
      const corner = (x, y) => this._map.options.crs.pointToLatLng(L.point(x, y).divideBy(view.scale), 0);
      const northWest = corner(view.dx - 40, view.dy - 40);
      const southEast = corner(view.dx + view.width + 40, view.dy + view.height + 40);
      const box = [northWest.lng, southEast.lat, southEast.lng, northWest.lat];
      const rings = [];
      this.loose = new Set();
      for (const index of this._clusters()) {
        for (const feature of index.getClusters(box, Math.floor(view.zoom))) {
          const { properties } = feature;
          if (!properties.cluster) {
            this.loose.add(properties.row);
            continue;
          }
          const [lng, lat] = feature.geometry.coordinates;
          const at = this._map.options.crs.latLngToPoint({ lng, lat }, 0);
          rings.push({ x: at.x, y: at.y, lng, lat, counts: properties.counts, index, cluster: properties.cluster_id });
        }
      }
      // Small rings last, so that a large one does not hide them.
      return rings.sort((a, b) => sum(b.counts) - sum(a.counts));
    },

    _singlesIn(rows) {
      return rows.filter((row) => this._alone(this.groups[row]) || this.loose.has(row));
    },

    /** The nearest visible symbol or ring within `touch` pixels of the pointer. */
    hit(event, touch) {
      if (!this.plane || !this.single) return null;
      const view = viewOf(this._map);
      const { x, y } = this.plane;
      const px = event.containerPoint.x + view.dx;
      const py = event.containerPoint.y + view.dy;
      const radius = radiusAt(view.zoom);
      let best = -1;
      let least = Infinity;
      for (const row of this.single) {
        const away = Math.hypot(x[row] * view.scale - px, y[row] * view.scale - py);
        // A symbol on top wins a tie, so later rows may be equally near.
        if (away <= least && away <= radius * GROUPS[this.groups[row]].grow + touch) {
          best = row;
          least = away;
        }
      }
      if (best < 0) return this._ringAt(px, py, view);
      return {
        rank: 0,
        distance: least,
        latlng: [this.lat[best], this.lng[best]],
        tip: () => this.nameOf(best),
        content: () => this.content(best),
      };
    },

    _ringAt(px, py, view) {
      for (const ring of [...this.rings].reverse()) {
        const away = Math.hypot(ring.x * view.scale - px, ring.y * view.scale - py);
        if (away <= ringRadius(sum(ring.counts)) + 2) {
          return { rank: 0, distance: away, tip: () => this._ringText(ring), act: () => this._openRing(ring) };
        }
      }
      return null;
    },

    _ringText({ counts }) {
      const { groups } = said(this.meta);
      const parts = GROUPS.map(({ key }, group) => (counts[group] ? `${groups[key]} ${counts[group]}` : null));
      return parts.filter(Boolean).reverse().join(language() === 'zh' ? '，' : ', ');
    },

    _openRing({ index, cluster, lat, lng }) {
      const zoom = Math.min(index.getClusterExpansionZoom(cluster), this._map.getMaxZoom());
      this._map.flyTo([lat, lng], Math.max(zoom, this._map.getZoom() + 1), { duration: 0.5 });
    },

    kindOf(row) {
      return valueAt(this.columns.kind, row);
    },

    nameOf(row) {
      const { name, name_en: english, code, uid } = this.columns;
      const inEnglish = language() === 'en' ? valueAt(english, row) : undefined;
      return inEnglish ?? valueAt(name, row) ?? valueAt(code, row) ?? valueAt(uid, row);
    },

    content(row) {
      const kind = this.kindOf(row);
      const { fields, kinds, terms } = said(this.meta);
      const rows = rowTexts(this.columns, row, fields[kind] ?? [], terms);
      rows.push(positionRow(this.lng[row], this.lat[row]));
      return popupContent({
        name: this.nameOf(row),
        kind: kinds[kind] ?? kind,
        draw: groupSwatch(this.groups[row], 6),
        rows,
        more: this.extras.map((extra) => extra(row)).filter(Boolean),
      });
    },

    rowOf(uid) {
      this._rows ??= new Map(Array.from({ length: this.rows }, (_, row) => [valueAt(this.columns.uid, row), row]));
      return this._rows.get(uid);
    },

    openPopup(uid, options) {
      const row = this.rowOf(uid);
      if (row === undefined || !this._map) return false;
      deskOf(this._map).open([this.lat[row], this.lng[row]], () => this.content(row), options);
      return true;
    },

    counts() {
      const onView = (group) => (this._map && this.shown[group] ? this.passing[group] : 0);
      return Object.fromEntries(
        GROUPS.map(({ key }, group) => [key, onView(group)]).filter((_, group) => this.totals[group]),
      );
    },

    legend() {
      const { groups } = said(this.meta);
      const row = (key) => {
        const group = GROUP_INDEX[key];
        return {
          key,
          label: groups[key],
          count: this.passing[group],
          shown: this.shown[group],
          draw: groupSwatch(group),
          toggle: (on) => this.toggle(group, on),
        };
      };
      const present = (keys) => keys.filter((key) => this.totals[GROUP_INDEX[key]]);
      const text = words();
      const ponds = ['level_1', 'level_2', 'level_3'];
      const anyPond = present([...ponds, 'level_none']).length > 0;
      const joined = {
        key: 'joined',
        label: text.joined,
        shown: this.joined,
        draw: (ctx, width, height) => drawRing(ctx, [0, 0, 0, 2, 1, 0, 1], width / 2, height / 2, language()),
        toggle: (on) => this.setJoined(on),
      };
      return [
        { heading: text.levels, rows: anyPond ? [...ponds, ...present(['level_none'])].map(row) : [] },
        { heading: text.others, rows: present(['gangue_heap', 'smelting_site']).map(row) },
        { heading: text.plants, rows: present(['utilization_plant']).map(row) },
        { heading: text.symbols, rows: this.rows > MOST_SINGLE ? [joined] : [] },
      ];
    },
  });
  const layer = new Layer({ pane: 'registry-sites', zIndex: 450 });
  layer.ready = readBlock(id).then((block) => layer.load(block));
  return layer;
}

function sum(counts) {
  return counts.reduce((total, count) => total + count, 0);
}
