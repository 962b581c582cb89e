// Where sites, or what they hold, lie thickest: added up exactly on a grid of the screen and coloured by a ramp.
//
// The package simpleheat lays half-transparent pictures over one another; opacities do not add up, a light site
// weighs a twentieth at least, and a thick place is full at 255 steps. Tonnes differ by five powers of ten.

import { canvasLayerClass } from './canvas.js';
import { words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { GROUP_INDEX } from './symbols.js';

const CELL = 3; // pixels of the screen to a cell of the grid
// "magma" of matplotlib from light to dark: equal steps look equal, to a colour-blind reader and in grey too.
export const HEAT_RAMP = ['#fcf0b2', '#feb97f', '#fb835f', '#e55064', '#ba3878', '#8b2981', '#5c167f', '#2c115f'];

/** The biweight kernel on a grid: `{reach, weights}`, a square of `2 · reach + 1` cells a side that sums to 1. */
export function kernel(radius) {
  const reach = Math.max(1, Math.ceil(radius) - 1);
  const side = 2 * reach + 1;
  const weights = new Float64Array(side * side);
  let sum = 0;
  for (let j = -reach; j <= reach; j += 1) {
    for (let i = -reach; i <= reach; i += 1) {
      const near = Math.max(0, 1 - (i * i + j * j) / (radius * radius)) ** 2;
      weights[(j + reach) * side + i + reach] = near;
      sum += near;
    }
  }
  return { reach, weights: weights.map((weight) => weight / sum) };
}

/** Spreads weighted points over a grid of `columns` × `rows` cells; what lies off the grid comes in by its edge. */
export function spread(points, columns, rows, radius) {
  const { reach, weights } = kernel(radius);
  const side = 2 * reach + 1;
  // Points of one cell are one: the work depends on the screen, not on how many sites there are.
  const wide = columns + 2 * reach;
  const bins = new Float64Array(wide * (rows + 2 * reach));
  for (const { x, y, weight } of points) {
    const i = Math.floor(x) + reach;
    const j = Math.floor(y) + reach;
    if (i >= 0 && j >= 0 && i < wide && j < rows + 2 * reach) bins[j * wide + i] += weight;
  }
  const field = new Float64Array(columns * rows);
  for (let at = 0; at < bins.length; at += 1) {
    if (!bins[at]) continue;
    const left = (at % wide) - 2 * reach;
    const top = Math.floor(at / wide) - 2 * reach;
    for (let j = Math.max(0, -top); j < side && top + j < rows; j += 1) {
      for (let i = Math.max(0, -left); i < side && left + i < columns; i += 1) {
        field[(top + j) * columns + left + i] += bins[at] * weights[j * side + i];
      }
    }
  }
  return field;
}

/** Red, green, blue and opacity (0–255) for each of 256 steps from nothing to the most. */
export function rampTable(ramp = HEAT_RAMP) {
  const table = new Uint8ClampedArray(256 * 4);
  const parts = ramp.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  for (let step = 0; step < 256; step += 1) {
    const place = (step / 255) * (parts.length - 1);
    const low = Math.min(Math.floor(place), parts.length - 2);
    parts[low].forEach((value, at) => {
      table[step * 4 + at] = value + (parts[low + 1][at] - value) * (place - low);
    });
    table[step * 4 + 3] = 225 * Math.min(1, step / 40);
  }
  return table;
}

/** The step of a value: its root, so that the eye finds small places beside a huge one. */
export function stepOf(value, most) {
  return most > 0 ? Math.round(255 * Math.sqrt(Math.min(1, value / most))) : 0;
}

/** The heat layer of the block `id`, of the sites of `sitesLayer`. */
export function heat(id, sitesLayer) {
  const plant = GROUP_INDEX.utilization_plant;
  const Layer = canvasLayerClass().extend({
    load({ meta }) {
      this.meta = meta;
      this.table = rampTable();
      sitesLayer.on('filter', () => this.redraw());
      this.redraw();
    },

    // The filter decides, not the switches of the symbols: who hides the symbols wants to see the heat.
    weightOf(row) {
      if (sitesLayer.groups[row] === plant || (sitesLayer.mask !== null && !sitesLayer.mask[row])) return 0;
      if (this.meta.weight === 'count') return 1;
      return Math.max(0, sitesLayer.columns[this.meta.weight]?.numbers[row] || 0);
    },

    paint(ctx, view) {
      const { plane } = sitesLayer;
      if (!plane || !this.meta) return;
      const columns = Math.ceil(view.width / CELL);
      const rows = Math.ceil(view.height / CELL);
      const points = [];
      for (let row = 0; row < sitesLayer.rows; row += 1) {
        const weight = this.weightOf(row);
        if (!weight) continue;
        points.push({
          x: (plane.x[row] * view.scale - view.dx) / CELL,
          y: (plane.y[row] * view.scale - view.dy) / CELL,
          weight,
        });
      }
      const field = spread(points, columns, rows, this.meta.radius / CELL);
      const most = field.reduce((greatest, value) => Math.max(greatest, value), 0);
      const picture = new ImageData(columns, rows);
      for (let at = 0; at < field.length; at += 1) {
        const step = stepOf(field[at], most);
        if (step) picture.data.set(this.table.subarray(step * 4, step * 4 + 4), at * 4);
      }
      const canvas = document.createElement('canvas');
      canvas.width = columns;
      canvas.height = rows;
      canvas.getContext('2d').putImageData(picture, 0, 0);
      ctx.imageSmoothingEnabled = true;
      ctx.imageSmoothingQuality = 'high';
      ctx.drawImage(canvas, 0, 0, columns * CELL, rows * CELL);
    },

    legend() {
      const text = words();
      const gradient = (ctx, width, height) => {
        const fill = ctx.createLinearGradient(0, 0, width, 0);
        HEAT_RAMP.forEach((colour, at) => fill.addColorStop(at / (HEAT_RAMP.length - 1), colour));
        ctx.fillStyle = fill;
        ctx.fillRect(0, 0, width, height);
      };
      const row = {
        key: 'heat',
        label: text.heat,
        shown: true,
        layer: this,
        draw: (ctx, width, height) => {
          const fill = ctx.createRadialGradient(width / 2, height / 2, 0, width / 2, height / 2, height / 2);
          HEAT_RAMP.forEach((colour, at) => fill.addColorStop(1 - at / (HEAT_RAMP.length - 1), colour));
          ctx.fillStyle = fill;
          ctx.beginPath();
          ctx.arc(width / 2, height / 2, height / 2, 0, 2 * Math.PI);
          ctx.fill();
        },
      };
      const scale = [{ label: `${text.heat_low} → ${text.heat_high}`, width: 72, draw: gradient }];
      return [{ heading: text[`heat_${this.meta.weight}`], rows: [row], scale }];
    },

    counts() {
      if (!this._map || !this.meta) return { heat: 0 };
      let count = 0;
      for (let row = 0; row < sitesLayer.rows; row += 1) count += this.weightOf(row) > 0;
      return { heat: count };
    },
  });
  const layer = new Layer({ pane: 'registry-heat', zIndex: 400 });
  layer.ready = Promise.all([readBlock(id), sitesLayer.ready]).then(([block]) => layer.load(block));
  return layer;
}
