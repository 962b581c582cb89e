// Regions: their outlines, their names, and their shading by class.

import { areasLayerClass, filled, shadeOn } from './areas.js';
import { canvasLayerClass, toPlane } from './canvas.js';
import { onLanguage, said, words } from '../page/language.js';

export const SHADES = ['#efedf5', '#d4d2e7', '#b3aed4', '#8d84bd', '#6a51a3', '#4a2486', '#2d0a5e'];
const LAND = '#f7f5ef';
const LINE = '#8a8578';

/** The shade of class `index` of `count`, spread over the whole range of shades. */
export function shade(index, count) {
  return shadeOn(SHADES, index, count);
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
  const Areas = areasLayerClass({
    ramp: SHADES, land: LAND, line: LINE, hatch: '#c3bdaf', alpha: 1, deepest: 9, width: (zoom) => (zoom < 6 ? 0.8 : 1.3),
  });
  const Layer = Areas.extend({
    load(block, table) {
      Areas.prototype.load.call(this, block, table);
      this.boxes = boxes(this.rings);
      this.bySize = [...this.boxes.keys()].sort((a, b) => {
        const width = (row) => this.boxes[row][2] - this.boxes[row][0];
        return width(b) - width(a);
      });
      onLanguage(() => this.names?.redraw());
    },

    /** What every region is called in short, in the page's language. */
    labels() {
      return said(this.meta).labels;
    },

    nameOf(row) {
      return said(this.meta).names[row];
    },

    kindText() {
      return words().region;
    },

    onAdd(map) {
      this.names = namesLayer(this).addTo(map);
      Areas.prototype.onAdd.call(this, map);
    },

    onRemove(map) {
      this.names.remove();
      Areas.prototype.onRemove.call(this, map);
    },

    _settle() {
      this.anchors = toPlane(this._map, this.columns.lng.numbers, this.columns.lat.numbers);
      Areas.prototype._settle.call(this);
      this.names.redraw();
    },

    legend() {
      const scale = this.scale();
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
      return [{ heading: scale.length ? this.measure() : words().base, rows: [row], scale }];
    },

    counts() {
      return { regions: this._map ? this.rows : 0 };
    },
  });
  return filled(new Layer({ pane: 'registry-areas', zIndex: 350 }), id, 'regions');
}
