// What became of sites since a date: a mark for each, an arrow from where one was, and what changed in its popup.

import { canvasLayerClass, toPlane, viewOf } from './canvas.js';
import { distance } from '../page/format.js';
import { language, said, words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { valueAt } from '../packed/pack.js';
import { popupContent, positionRow, valueText } from '../page/popup.js';

// Colour and sign of every change: the sign alone tells them apart in grey.
export const SIGNS = {
  new: { fill: '#00683b', sign: 'plus' },
  gone: { fill: '#3d3d3d', sign: 'cross' },
  level_raised: { fill: '#a50f24', sign: 'up' },
  level_lowered: { fill: '#1f6fae', sign: 'down' },
  status: { fill: '#6a3d9a', sign: 'bars' },
  moved: { fill: '#b3560a', sign: 'arrow' },
  other: { fill: '#6f6a5a', sign: 'dots' },
};

// Strokes of every sign in a square of two by two about the middle.
const STROKES = {
  plus: [[[-0.6, 0], [0.6, 0]], [[0, -0.6], [0, 0.6]]],
  cross: [[[-0.45, -0.45], [0.45, 0.45]], [[-0.45, 0.45], [0.45, -0.45]]],
  up: [[[-0.5, 0.05], [0, -0.55], [0.5, 0.05]], [[0, -0.5], [0, 0.6]]],
  down: [[[-0.5, -0.05], [0, 0.55], [0.5, -0.05]], [[0, 0.5], [0, -0.6]]],
  bars: [[[-0.5, -0.25], [0.5, -0.25]], [[-0.5, 0.25], [0.5, 0.25]]],
  arrow: [[[0.05, -0.5], [0.55, 0], [0.05, 0.5]], [[0.5, 0], [-0.6, 0]]],
  dots: [[[-0.5, 0], [-0.45, 0]], [[0, 0], [0.05, 0]], [[0.5, 0], [0.55, 0]]],
};

/** Half the width of a mark in pixels at a zoom: a dot on a national view, large enough for its sign nearer by. */
export function markRadius(zoom, count) {
  const least = count > 400 ? 3 : 5.5;
  return Math.min(9, Math.max(least, least + (zoom - 4) * 1.1));
}

/** Draws the mark of a change with its middle at x, y. */
export function drawMark(ctx, key, x, y, radius) {
  const { fill, sign } = SIGNS[key];
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.fillStyle = fill;
  ctx.fill();
  ctx.lineWidth = Math.max(0.8, radius / 6);
  ctx.strokeStyle = '#ffffff';
  ctx.stroke();
  if (radius < 4.5) return;
  ctx.beginPath();
  for (const stroke of STROKES[sign]) {
    stroke.forEach(([dx, dy], i) => (i ? ctx.lineTo : ctx.moveTo).call(ctx, x + dx * radius, y + dy * radius));
  }
  ctx.lineWidth = Math.max(1.2, radius / 4.5);
  ctx.lineCap = 'round';
  ctx.lineJoin = 'round';
  ctx.stroke();
  ctx.lineCap = 'butt';
}

/** What a field was or is, in words. */
export function fieldText(value, field, terms, lang, empty) {
  if (value === undefined) return empty;
  return valueText(field.number ? Number(value) : value, field, terms, lang);
}

/** The changes layer of the block `id`. */
export function changes(id) {
  const Base = canvasLayerClass();
  const Layer = Base.extend({
    load({ meta, tables }) {
      this.meta = meta;
      this.columns = tables.changes.columns;
      this.rows = tables.changes.rows;
      this.fields = tables.fields.columns;
      this.lng = this.columns.lng.numbers;
      this.lat = this.columns.lat.numbers;
      this.shown = Object.fromEntries(meta.changes.map((key) => [key, true]));
      this.totals = Object.fromEntries(meta.changes.map((key) => [key, 0]));
      for (let row = 0; row < this.rows; row += 1) this.totals[this.changeOf(row)] += 1;
      this.told = new Map();
      for (let at = 0; at < tables.fields.rows; at += 1) {
        const row = this.fields.site.numbers[at];
        if (!this.told.has(row)) this.told.set(row, []);
        this.told.get(row).push(at);
      }
      // The most telling change last, on top.
      const rank = (row) => this.columns.change.numbers[row];
      this.order = Array.from({ length: this.rows }, (_, row) => row).sort((a, b) => rank(b) - rank(a));
      if (this._map) this._settle();
    },

    onAdd(map) {
      Base.prototype.onAdd.call(this, map);
      if (this.meta) this._settle();
    },

    _settle() {
      this.plane = toPlane(this._map, this.lng, this.lat);
      this.start = toPlane(this._map, this.columns.from_lng.numbers, this.columns.from_lat.numbers);
      this.redraw();
    },

    changeOf(row) {
      return this.meta.changes[this.columns.change.numbers[row]];
    },

    isShown(row) {
      return this.shown[this.changeOf(row)];
    },

    paint(ctx, view) {
      if (!this.plane) return;
      const radius = markRadius(view.zoom, this.rows);
      for (const row of this.order) if (this.isShown(row)) this._arrow(ctx, view, row, radius);
      for (const row of this.order) {
        if (!this.isShown(row)) continue;
        const x = this.plane.x[row] * view.scale - view.dx;
        const y = this.plane.y[row] * view.scale - view.dy;
        if (x < -10 || y < -10 || x > view.width + 10 || y > view.height + 10) continue;
        drawMark(ctx, this.changeOf(row), x, y, radius);
      }
    },

    // From where the site was to where it is; nothing where both are one spot of the screen.
    _arrow(ctx, view, row, radius) {
      if (valueAt(this.columns.moved_m, row) === undefined) return;
      const from = [this.start.x[row] * view.scale - view.dx, this.start.y[row] * view.scale - view.dy];
      const to = [this.plane.x[row] * view.scale - view.dx, this.plane.y[row] * view.scale - view.dy];
      const length = Math.hypot(to[0] - from[0], to[1] - from[1]);
      if (length < 2) return;
      const along = [(to[0] - from[0]) / length, (to[1] - from[1]) / length];
      const tip = [to[0] - along[0] * radius, to[1] - along[1] * radius];
      ctx.strokeStyle = SIGNS.moved.fill;
      ctx.fillStyle = '#ffffff';
      ctx.lineWidth = 1.8;
      ctx.beginPath();
      ctx.moveTo(...from);
      ctx.lineTo(...tip);
      if (length > 3 * radius) {
        const barb = Math.min(8, length / 3);
        for (const side of [1, -1]) {
          ctx.moveTo(...tip);
          ctx.lineTo(
            tip[0] - barb * (along[0] - side * 0.5 * along[1]),
            tip[1] - barb * (along[1] + side * 0.5 * along[0]),
          );
        }
      }
      ctx.stroke();
      ctx.beginPath();
      ctx.arc(...from, 3, 0, 2 * Math.PI);
      ctx.fill();
      ctx.stroke();
    },

    hit(event, touch) {
      if (!this.plane) return null;
      const view = viewOf(this._map);
      const px = event.containerPoint.x + view.dx;
      const py = event.containerPoint.y + view.dy;
      const reach = markRadius(view.zoom, this.rows) + touch / 2;
      let best = null;
      for (const row of this.order) {
        if (!this.isShown(row)) continue;
        const away = Math.hypot(this.plane.x[row] * view.scale - px, this.plane.y[row] * view.scale - py);
        if (away <= reach && away <= (best?.away ?? Infinity)) best = { row, away };
      }
      if (!best) return null;
      const { row, away } = best;
      return {
        rank: 0,
        // The mark covers the symbol of its site, and tells more.
        distance: away - 1,
        latlng: [this.lat[row], this.lng[row]],
        tip: () => `${this.nameOf(row)} – ${words()[`change_${this.changeOf(row)}`]}`,
        content: () => this.content(row),
      };
    },

    nameOf(row) {
      const { name, name_en: english, code, uid } = this.columns;
      const inEnglish = language() === 'en' ? valueAt(english, row) : undefined;
      return inEnglish ?? valueAt(name, row) ?? valueAt(code, row) ?? valueAt(uid, row);
    },

    content(row) {
      const { fields, kinds, terms } = said(this.meta);
      const text = words();
      const key = this.changeOf(row);
      const kind = kinds[valueAt(this.columns.kind, row)] ?? valueAt(this.columns.kind, row);
      const moved = valueAt(this.columns.moved_m, row);
      const rows = [[text.change, text[`change_${key}`]]];
      if (moved !== undefined) rows.push([text.moved_by, distance(moved, language())]);
      for (const at of this.told.get(row) ?? []) {
        const name = valueAt(this.fields.field, at);
        const [was, is] = ['before', 'after'].map((when) =>
          fieldText(valueAt(this.fields[when], at), fields[name], terms, language(), text.empty_value),
        );
        rows.push([fields[name].label, `${was} → ${is}`]);
      }
      rows.push(positionRow(this.lng[row], this.lat[row]));
      return popupContent({
        name: this.nameOf(row),
        kind,
        draw: (ctx, width, height) => drawMark(ctx, key, width / 2, height / 2, 7),
        rows,
      });
    },

    rowOf(uid) {
      for (let row = 0; row < this.rows; row += 1) if (valueAt(this.columns.uid, row) === uid) return row;
      return undefined;
    },

    legend() {
      const text = words();
      const rows = this.meta.changes.map((key) => ({
        key: `change_${key}`,
        label: text[`change_${key}`],
        count: this.totals[key],
        shown: this.shown[key],
        draw: (ctx, width, height) => drawMark(ctx, key, width / 2, height / 2, 7),
        toggle: (on) => {
          this.shown[key] = on;
          this.redraw();
        },
      }));
      const heading = this.meta.since ? text.changes_since.replace('{since}', this.meta.since) : text.changes;
      return [{ heading, rows }];
    },

    counts() {
      return Object.fromEntries(
        this.meta.changes.map((key) => [`change_${key}`, this._map && this.shown[key] ? this.totals[key] : 0]),
      );
    },
  });
  const layer = new Layer({ pane: 'registry-changes', zIndex: 457 });
  layer.ready = readBlock(id).then((block) => layer.load(block));
  return layer;
}
