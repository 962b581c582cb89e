// Regions: their outlines, their names, and their shading by class.

import { canvasLayerClass, toPlane, viewOf } from './canvas.js';
import { deskOf } from './desk.js';
import { quantity } from './format.js';
import { language, onLanguage, said, words } from './language.js';
import { readBlock, valueAt } from './pack.js';
import { popupContent, rowTexts } from './popup.js';
import { inside, readRings, trace } from './rings.js';

export const SHADES = ['#efedf5', '#d4d2e7', '#b3aed4', '#8d84bd', '#6a51a3', '#4a2486', '#2d0a5e'];
const LAND = '#f7f5ef';
const LINE = '#8a8578';

/** The shade of class `index` of `count`, spread over the whole range of shades. */
export function shade(index, count) {
  if (count < 2) return SHADES[2];
  return SHADES[Math.round((index * (SHADES.length - 2)) / (count - 1))];
}

function boxes({ lng, lat, features }) {
  return Array.from(features, (rings = []) => {
    let widest = [0, 0, 0, 0];
    for (const { start, end } of rings) {
      const xs = lng.subarray(start, end);
      const ys = lat.subarray(start, end);
      const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
      if (box[2] - box[0] > widest[2] - widest[0]) widest = box;
    }
    return widest;
  });
}

/** True when two boxes [x0, y0, x1, y1] share any point. */
export function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
}

function namesLayer(areas) {
  const Names = canvasLayerClass().extend({
    paint(ctx, view) {
      if (!areas.anchors) return;
      const size = Math.round(Math.min(16, 9 + (view.zoom - 4) * 1.6));
      ctx.font = `600 ${size}px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", "PingFang SC", sans-serif`;
      ctx.textAlign = 'center';
      ctx.textBaseline = 'middle';
      ctx.lineJoin = 'round';
      ctx.lineWidth = 3.5;
      ctx.strokeStyle = 'rgba(255, 255, 255, 0.85)';
      ctx.fillStyle = '#2b2b2b';
      const taken = [];
      for (const row of areas.bySize) {
        const label = areas.labels()[row];
        if (!label) continue;
        const x = areas.anchors.x[row] * view.scale - view.dx;
        const y = areas.anchors.y[row] * view.scale - view.dy;
        const half = ctx.measureText(label).width / 2 + 3;
        const room = ((areas.boxes[row][2] - areas.boxes[row][0]) / 360) * 256 * view.scale;
        const box = [x - half, y - size * 0.7, x + half, y + size * 0.7];
        if (room < half * 1.1 || taken.some((other) => overlap(box, other))) continue;
        taken.push(box);
        ctx.strokeText(label, x, y);
        ctx.fillText(label, x, y);
      }
    },
  });
  return new Names({ pane: 'registry-names', zIndex: 440 });
}

/** The regions layer of the block `id`. */
export function regions(id) {
  const Layer = canvasLayerClass().extend({
    load({ meta, tables }) {
      this.meta = meta;
      this.columns = tables.regions.columns;
      this.rows = tables.regions.rows;
      this.rings = readRings(tables);
      this.boxes = boxes(this.rings);
      this.bySize = [...this.boxes.keys()].sort((a, b) => {
        const width = (row) => this.boxes[row][2] - this.boxes[row][0];
        return width(b) - width(a);
      });
      onLanguage(() => this.names?.redraw());
      if (this._map) this._settle();
    },

    /** What every region is called in short, in the page's language. */
    labels() {
      return said(this.meta).labels;
    },

    onAdd(map) {
      Object.getPrototypeOf(Layer.prototype).onAdd.call(this, map);
      deskOf(map).layers.add(this);
      this.names = namesLayer(this).addTo(map);
      if (this.meta) this._settle();
    },

    onRemove(map) {
      this.names.remove();
      deskOf(map).layers.delete(this);
      Object.getPrototypeOf(Layer.prototype).onRemove.call(this, map);
    },

    _settle() {
      this.plane = toPlane(this._map, this.rings.lng, this.rings.lat);
      this.anchors = toPlane(this._map, this.columns.lng.numbers, this.columns.lat.numbers);
      this.redraw();
      this.names.redraw();
    },

    colourOf(row) {
      const index = valueAt(this.columns.class, row);
      return index === undefined ? LAND : shade(index, this.meta.classes.length);
    },

    paint(ctx, view) {
      if (!this.plane) return;
      ctx.lineJoin = 'round';
      ctx.lineWidth = view.zoom < 6 ? 0.8 : 1.3;
      ctx.strokeStyle = LINE;
      ctx.globalAlpha = this.meta.over_tiles ? 0.6 : 1;
      for (let row = 0; row < this.rows; row += 1) {
        ctx.beginPath();
        trace(ctx, this.plane, this.rings.features[row] ?? [], view);
        if (!this.meta.over_tiles || valueAt(this.columns.class, row) !== undefined) {
          ctx.fillStyle = this.colourOf(row);
          ctx.fill('evenodd');
        }
        ctx.stroke();
      }
      ctx.globalAlpha = 1;
    },

    hit(event) {
      if (!this.plane) return null;
      const view = viewOf(this._map);
      const { lng, lat } = event.latlng;
      if (view.zoom > 9) return null; // so near, one is inside a region all the time
      for (let row = 0; row < this.rows; row += 1) {
        if (inside(this.rings, row, lng, lat)) {
          return { rank: 1, distance: 0, tip: () => this.tip(row), content: () => this.content(row) };
        }
      }
      return null;
    },

    tip(row) {
      const { fields, names } = said(this.meta);
      const name = names[row];
      const [first] = rowTexts(this.columns, row, fields.slice(0, 1));
      return first ? `${name} – ${first[0]}: ${first[1]}` : name;
    },

    content(row) {
      const { fields, names } = said(this.meta);
      return popupContent({ name: names[row], kind: words().region, rows: rowTexts(this.columns, row, fields) });
    },

    legend() {
      const { classes, unit } = this.meta;
      const text = (value) => quantity(value, unit, language());
      const scale = classes.map(([least, most], index) => ({
        label: least === most ? text(least) : `${text(least)} – ${text(most)}`,
        colour: shade(index, classes.length),
      }));
      const row = {
        key: 'regions',
        label: words().outlines,
        shown: true,
        layer: this,
        draw: (ctx, width, height) => {
          ctx.fillStyle = LAND;
          ctx.strokeStyle = LINE;
          ctx.fillRect(2.5, 3.5, width - 5, height - 7);
          ctx.strokeRect(2.5, 3.5, width - 5, height - 7);
        },
      };
      return [{ heading: scale.length ? said(this.meta).measure : words().base, rows: [row], scale }];
    },

    counts() {
      return { regions: this._map ? this.rows : 0 };
    },
  });
  const layer = new Layer({ pane: 'registry-areas', zIndex: 350 });
  layer.ready = readBlock(id).then((block) => layer.load(block));
  return layer;
}
