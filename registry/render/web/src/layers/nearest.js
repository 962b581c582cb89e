// Lines from every site to its nearest plant, by class of distance, and the plants named in the site's popup.

import { canvasLayerClass } from './canvas.js';
import { el, foreign } from '../page/dom.js';
import { distance } from '../page/format.js';
import { language, words } from '../page/language.js';
import { readBlock } from '../page/block.js';

const COLOURS = ['#c9a227', '#e0602a', '#a3195b', '#2a1a5e'];

/** The class of a distance in metres: how many of the breaks (km) it lies beyond. */
export function classOf(metres, breaks) {
  return breaks.filter((limit) => metres > limit * 1000).length;
}

/** The colour of class `index` of `count`: the last colour is always the farthest class. */
export function colourOf(index, count) {
  return COLOURS[Math.round((index * (COLOURS.length - 1)) / Math.max(1, count - 1))];
}

/** The nearest-plant layer of the block `id`; its rows are rows of `sitesLayer`. */
export function nearest(id, sitesLayer) {
  const Layer = canvasLayerClass().extend({
    load({ meta, tables }) {
      this.meta = meta;
      const { columns, rows } = tables.links;
      this.links = columns;
      this.rows = rows;
      const count = meta.breaks.length + 1;
      this.shown = Array.from({ length: count }, () => true);
      this.classes = Array.from({ length: count }, () => []);
      this.bySite = new Map();
      this.byPlant = new Map();
      for (let i = 0; i < rows; i += 1) {
        const site = columns.site.numbers[i];
        if (!this.bySite.has(site)) this.bySite.set(site, []);
        this.bySite.get(site).push(i);
        if (columns.rank.numbers[i] === 1) {
          this.classes[classOf(columns.distance_m.numbers[i], meta.breaks)].push(i);
          const plant = columns.plant.numbers[i];
          this.byPlant.set(plant, (this.byPlant.get(plant) ?? 0) + 1);
        }
      }
      sitesLayer.extras.push((row) => this.note(row));
      sitesLayer.on('filter', () => this.redraw());
      this.redraw();
    },

    paint(ctx, view) {
      const { plane } = sitesLayer;
      if (!plane || !this.links) return;
      ctx.lineWidth = view.zoom < 6 ? 0.7 : 1.2;
      ctx.globalAlpha = view.zoom < 6 ? 0.6 : 0.85;
      this.classes.forEach((links, index) => {
        if (!this.shown[index]) return;
        ctx.beginPath();
        for (const i of links) {
          const site = this.links.site.numbers[i];
          if (!sitesLayer.isShown(site)) continue;
          const plant = this.links.plant.numbers[i];
          ctx.moveTo(plane.x[site] * view.scale - view.dx, plane.y[site] * view.scale - view.dy);
          ctx.lineTo(plane.x[plant] * view.scale - view.dx, plane.y[plant] * view.scale - view.dy);
        }
        ctx.strokeStyle = colourOf(index, this.classes.length);
        ctx.stroke();
      });
      ctx.globalAlpha = 1;
    },

    note(row) {
      if (this.byPlant.has(row)) {
        return el('p', 'registry-note', words().serves.replace('{n}', this.byPlant.get(row)));
      }
      const links = this.bySite.get(row);
      if (!links) return null;
      const list = el('ol', 'registry-nearest');
      for (const i of links) {
        const name = foreign(sitesLayer.nameOf(this.links.plant.numbers[i]));
        list.append(el('li', '', name, ` – ${distance(this.links.distance_m.numbers[i], language())}`));
      }
      return el('div', 'registry-more', el('h3', '', words().nearest), list);
    },

    legend() {
      const { breaks } = this.meta;
      const label = (index) => (index < breaks.length ? `≤ ${breaks[index]} km` : `> ${breaks[index - 1]} km`);
      const rows = this.classes.map((links, index) => ({
        key: `line_${index}`,
        label: label(index),
        count: links.length,
        shown: this.shown[index],
        draw: (ctx, width, height) => {
          ctx.lineWidth = 2.5;
          ctx.strokeStyle = colourOf(index, this.classes.length);
          ctx.beginPath();
          ctx.moveTo(1, height / 2);
          ctx.lineTo(width - 1, height / 2);
          ctx.stroke();
        },
        toggle: (on) => {
          this.shown[index] = on;
          this.redraw();
        },
      }));
      return [{ heading: words().nearest_lines, rows }];
    },

    counts() {
      const drawn = this.classes.filter((_, index) => this._map && this.shown[index]);
      return { lines: drawn.reduce((sum, links) => sum + links.length, 0) };
    },
  });
  const layer = new Layer({ pane: 'registry-lines', zIndex: 420 });
  layer.ready = Promise.all([readBlock(id), sitesLayer.ready]).then(([block]) => layer.load(block));
  return layer;
}
