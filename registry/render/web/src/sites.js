// Sites and plants as symbols on one canvas, level 1 on top.

import { canvasLayerClass, toPlane, viewOf } from './canvas.js';
import { deskOf } from './desk.js';
import { readBlock, valueAt } from './pack.js';
import { popupContent, positionRow, rowTexts } from './popup.js';
import { drawSymbol, GROUP_INDEX, GROUPS, radiusAt, stamps } from './symbols.js';

/** The group of symbols that a row belongs to. */
export function groupOf(kind, level) {
  if (kind !== 'tailings_pond') return GROUP_INDEX[kind];
  return GROUP_INDEX[`level_${level}`] ?? GROUP_INDEX.level_none;
}

/** Rows sorted by group, so that drawing them in turn puts the highest group on top. */
export function drawingOrder(groups) {
  return Uint32Array.from(groups.keys()).sort((a, b) => groups[a] - groups[b] || a - b);
}

/** The sites layer of the block `id`. */
export function sites(id) {
  const Layer = canvasLayerClass().extend({
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
      this.extras = [];
      if (this._map) this._settle();
    },

    onAdd(map) {
      Object.getPrototypeOf(Layer.prototype).onAdd.call(this, map);
      deskOf(map).layers.add(this);
      if (this.meta) this._settle();
    },

    onRemove(map) {
      deskOf(map).layers.delete(this);
      Object.getPrototypeOf(Layer.prototype).onRemove.call(this, map);
    },

    _settle() {
      this.plane = toPlane(this._map, this.lng, this.lat);
      this.redraw();
    },

    paint(ctx, view, ratio) {
      if (!this.plane) return;
      const radius = radiusAt(view.zoom);
      const pictures = stamps(radius, ratio);
      const { x, y } = this.plane;
      for (const row of this.order) {
        const group = this.groups[row];
        if (!this.shown[group]) continue;
        const left = x[row] * view.scale - view.dx;
        const top = y[row] * view.scale - view.dy;
        const { canvas, half } = pictures[group];
        if (left < -half || top < -half || left > view.width + half || top > view.height + half) continue;
        ctx.drawImage(canvas, left - half, top - half, 2 * half, 2 * half);
      }
    },

    /** The nearest visible symbol within `touch` pixels of the pointer. */
    hit(event, touch) {
      if (!this.plane) return null;
      const view = viewOf(this._map);
      const { x, y } = this.plane;
      const px = event.containerPoint.x + view.dx;
      const py = event.containerPoint.y + view.dy;
      const radius = radiusAt(view.zoom);
      let best = -1;
      let least = Infinity;
      for (const row of this.order) {
        const group = this.groups[row];
        if (!this.shown[group]) continue;
        const away = Math.hypot(x[row] * view.scale - px, y[row] * view.scale - py);
        // A symbol on top wins a tie, so later rows may be equally near.
        if (away <= least && away <= radius * GROUPS[group].grow + touch) {
          best = row;
          least = away;
        }
      }
      if (best < 0) return null;
      return {
        rank: 0,
        distance: least,
        latlng: [this.lat[best], this.lng[best]],
        tip: () => this.nameOf(best),
        content: () => this.content(best),
      };
    },

    nameOf(row) {
      const { name, name_en: english, code, uid } = this.columns;
      const inEnglish = this.meta.lang === 'en' ? valueAt(english, row) : undefined;
      return inEnglish ?? valueAt(name, row) ?? valueAt(code, row) ?? valueAt(uid, row);
    },

    content(row) {
      const kind = valueAt(this.columns.kind, row);
      const group = GROUPS[this.groups[row]];
      const rows = rowTexts(this.columns, row, this.meta.fields[kind] ?? [], this.meta);
      rows.push(positionRow(this.meta, this.lng[row], this.lat[row]));
      return popupContent({
        name: this.nameOf(row),
        kind: this.meta.kinds[kind] ?? kind,
        draw: (ctx, width, height) => drawSymbol(ctx, group, width / 2, height / 2, 6 / group.grow),
        rows,
        more: this.extras.map((extra) => extra(row)).filter(Boolean),
      });
    },

    rowOf(uid) {
      this._rows ??= new Map(Array.from({ length: this.rows }, (_, row) => [valueAt(this.columns.uid, row), row]));
      return this._rows.get(uid);
    },

    openPopup(uid) {
      const row = this.rowOf(uid);
      if (row === undefined || !this._map) return false;
      deskOf(this._map).open([this.lat[row], this.lng[row]], this.content(row));
      return true;
    },

    counts() {
      return Object.fromEntries(
        GROUPS.map(({ key }, group) => [key, this._map && this.shown[group] ? this.totals[group] : 0]).filter(
          ([, count], group) => count || this.totals[group],
        ),
      );
    },

    toggle(group, on) {
      this.shown[group] = on;
      this.redraw();
    },

    legend() {
      const row = (key) => {
        const group = GROUP_INDEX[key];
        return {
          key,
          label: this.meta.groups[key],
          count: this.totals[group],
          shown: this.shown[group],
          draw: (ctx, width, height) => drawSymbol(ctx, GROUPS[group], width / 2, height / 2, 5.5 / GROUPS[group].grow ** 0.6),
          toggle: (on) => this.toggle(group, on),
        };
      };
      const present = (keys) => keys.filter((key) => this.totals[GROUP_INDEX[key]]);
      const { words } = this.meta;
      const ponds = ['level_1', 'level_2', 'level_3'];
      const anyPond = present([...ponds, 'level_none']).length > 0;
      return [
        { heading: words.levels, rows: anyPond ? [...ponds, ...present(['level_none'])].map(row) : [] },
        { heading: words.others, rows: present(['gangue_heap', 'smelting_site']).map(row) },
        { heading: words.plants, rows: present(['utilization_plant']).map(row) },
      ];
    },
  });
  const layer = new Layer({ pane: 'registry-sites', zIndex: 450 });
  layer.ready = readBlock(id).then((block) => layer.load(block));
  return layer;
}
