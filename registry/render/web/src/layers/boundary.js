// China's boundary lines: the national outline, the dashes in the sea, what is not settled.

import { canvasLayerClass, toPlane } from './canvas.js';
import { words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { valueAt } from '../packed/pack.js';
import { traceLine } from '../packed/rings.js';

// In the order in which they are drawn; width in pixels on a national view.
export const LINES = {
  regional: { colour: '#7d7468', width: 0.9, dash: [6, 2, 1.5, 2] },
  national: { colour: '#6b2150', width: 1.3, dash: [] },
  unsettled: { colour: '#6b2150', width: 1.3, dash: [5, 4] },
  sea: { colour: '#6b2150', width: 2.4, dash: [] },
};

function pen(ctx, kind, grow = 1) {
  const { colour, width, dash } = LINES[kind];
  ctx.strokeStyle = colour;
  ctx.lineWidth = width * grow;
  ctx.lineJoin = 'round';
  ctx.lineCap = dash.length ? 'butt' : 'round';
  ctx.setLineDash(dash);
}

/** The boundary layer of the block `id`. */
export function boundary(id) {
  const Base = canvasLayerClass();
  const Layer = Base.extend({
    load({ tables }) {
      const { lines, points } = tables;
      this.points = { lng: points.columns.lng.numbers, lat: points.columns.lat.numbers };
      this.lines = Object.fromEntries(Object.keys(LINES).map((kind) => [kind, []]));
      let start = 0;
      for (let row = 0; row < lines.rows; row += 1) {
        const end = start + lines.columns.length.numbers[row];
        this.lines[valueAt(lines.columns.kind, row)].push({ start, end });
        start = end;
      }
      if (this._map) this._settle();
    },

    onAdd(map) {
      Base.prototype.onAdd.call(this, map);
      if (this.lines) this._settle();
    },

    _settle() {
      this.plane = toPlane(this._map, this.points.lng, this.points.lat);
      this.redraw();
    },

    paint(ctx, view) {
      if (!this.plane) return;
      for (const [kind, lines] of Object.entries(this.lines)) {
        pen(ctx, kind, view.zoom < 6 ? 1 : 1.4);
        ctx.beginPath();
        for (const line of lines) traceLine(ctx, this.plane, line, view);
        ctx.stroke();
      }
      ctx.setLineDash([]);
      ctx.lineCap = 'butt';
    },

    legend() {
      const text = words();
      const draw = (kind) => (ctx, width, height) => {
        pen(ctx, kind, 1.2);
        ctx.beginPath();
        const inset = kind === 'sea' ? width / 3 : 0;
        ctx.moveTo(inset, height / 2);
        ctx.lineTo(width - inset, height / 2);
        ctx.stroke();
        ctx.setLineDash([]);
      };
      const row = { key: 'boundary', label: text.boundary_national, shown: true, layer: this, draw: draw('national') };
      const others = ['sea', 'unsettled', 'regional'].filter((kind) => this.lines[kind].length);
      const scale = others.map((kind) => ({ label: text[`boundary_${kind}`], draw: draw(kind), plain: true }));
      return [{ heading: text.boundary, rows: [row], scale }];
    },

    counts() {
      const on = Boolean(this._map);
      return { boundary: on ? this.lines.national.length : 0, boundary_sea: on ? this.lines.sea.length : 0 };
    },
  });
  const layer = new Layer({ pane: 'registry-boundary', zIndex: 365 });
  layer.ready = readBlock(id).then((block) => layer.load(block));
  return layer;
}
