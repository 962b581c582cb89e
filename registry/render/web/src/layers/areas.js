// Areas shaded by class: what regions and hexagons have in common.

import { canvasLayerClass, toPlane, viewOf } from './canvas.js';
import { number } from '../page/format.js';
import { language, said, words } from '../page/language.js';
import { readBlock } from '../page/block.js';
import { valueAt } from '../packed/pack.js';
import { popupContent, rowTexts } from '../page/popup.js';
import { inside, readRings, trace } from '../packed/rings.js';

const channels = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

/** The colour of class `index` of `count` on a ramp of colours from light to dark; few classes spare the darkest. */
export function shadeOn(ramp, index, count) {
  if (count < 2) return ramp[2];
  const place = (index * (ramp.length - (count > 5 ? 1 : 2))) / (count - 1);
  const low = Math.floor(place);
  const [from, to] = [channels(ramp[low]), channels(ramp[Math.min(low + 1, ramp.length - 1)])];
  const mixed = from.map((value, at) => Math.round(value + (to[at] - value) * (place - low)));
  return `#${mixed.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

const BULK = { t: ['吨', 't'], 't/a': ['吨/年', 't/a'], m3: ['m³', 'm³'] };

/** `{divisor, text}`: the unit in which a legend says all its numbers, the greatest of which is `most`. */
export function legendUnit(most, unit, lang) {
  const bulk = BULK[unit];
  if (!bulk) return { divisor: 1, text: unit ?? '' };
  const steps = lang === 'zh' ? [[1e9, 1e8, '亿'], [1e4, 1e4, '万']] : [[1e6, 1e6, unit === 'm3' ? 'million ' : 'M']];
  const [, divisor, word] = steps.find(([from]) => most >= from) ?? [0, 1, ''];
  return { divisor, text: `${word}${bulk[lang === 'zh' ? 0 : 1]}` };
}

/** What a class is called: the values that it spans, to as many digits as tell. */
export function rangeText(range, { divisor, text }, lang) {
  const say = (value) => {
    const scaled = value / divisor;
    // A count is said in full, a quantity to three digits.
    const exact = !text && Number.isInteger(value);
    return number(exact || Math.abs(scaled) >= 100 ? scaled : Number(scaled.toPrecision(3)), lang, exact || Math.abs(scaled) < 100 ? 3 : 0);
  };
  const [from, to] = range.map(say);
  return from === to ? from : `${from} – ${to}`;
}

/** A fill of thin lines, for areas of which nothing is known: no shade of the ramp, in grey neither. */
export function hatching(ctx, colour) {
  const tile = document.createElement('canvas');
  tile.width = 7;
  tile.height = 7;
  const pen = tile.getContext('2d');
  pen.strokeStyle = colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const shift of [-7, 0, 7]) {
    pen.moveTo(shift, 7);
    pen.lineTo(shift + 7, 0);
  }
  pen.stroke();
  return ctx.createPattern(tile, 'repeat');
}

/**
 * Class of a layer of areas. `look` is `{ramp, land, line, hatch, width(zoom), alpha, deepest}`: the shades, the fill
 * of an area without a class (nothing when null), its outline and hatching, and the zoom from which a click asks
 * something else. A subclass says `nameOf(row)` and `kindText()`, and adds what else it draws.
 */
export function areasLayerClass(look) {
  const Base = canvasLayerClass();
  return Base.extend({
    load({ meta, tables }, table) {
      this.meta = meta;
      this.columns = tables[table].columns;
      this.rows = tables[table].rows;
      this.rings = readRings(tables);
      if (this._map) this._settle();
    },

    onAdd(map) {
      Base.prototype.onAdd.call(this, map);
      if (this.meta) this._settle();
    },

    _settle() {
      this.plane = toPlane(this._map, this.rings.lng, this.rings.lat);
      this.redraw();
    },

    classOf(row) {
      return valueAt(this.columns.class, row);
    },

    colourOfClass(index) {
      return shadeOn(look.ramp, index, this.meta.classes.length);
    },

    paint(ctx, view) {
      if (!this.plane) return;
      const shaded = this.meta.classes.length > 0;
      const land = this.meta.over_tiles ? null : look.land;
      const hatch = shaded ? hatching(ctx, look.hatch) : null;
      ctx.lineJoin = 'round';
      ctx.lineWidth = look.width(view.zoom);
      ctx.strokeStyle = look.line;
      for (let row = 0; row < this.rows; row += 1) {
        const index = this.classOf(row);
        const fill = index === undefined ? land : this.colourOfClass(index);
        ctx.beginPath();
        trace(ctx, this.plane, this.rings.features[row] ?? [], view);
        ctx.globalAlpha = this.meta.over_tiles ? 0.6 : look.alpha;
        if (fill) {
          ctx.fillStyle = fill;
          ctx.fill('evenodd');
        }
        if (hatch && index === undefined) {
          ctx.fillStyle = hatch;
          ctx.fill('evenodd');
        }
        ctx.stroke();
      }
      ctx.globalAlpha = 1;
    },

    hit(event) {
      if (!this.plane) return null;
      const { lng, lat } = event.latlng;
      if (viewOf(this._map).zoom > look.deepest) return null; // so near, one is inside an area all the time
      for (let row = 0; row < this.rows; row += 1) {
        if (inside(this.rings, row, lng, lat)) {
          // The layer on top wins where areas of two layers lie over one another.
          const distance = -this.options.zIndex;
          return { rank: 1, distance, tip: () => this.tip(row), content: () => this.content(row) };
        }
      }
      return null;
    },

    tip(row) {
      const { fields, terms } = said(this.meta);
      const name = this.nameOf(row);
      const [first] = rowTexts(this.columns, row, fields.slice(0, 1), terms);
      return first ? `${name} – ${first[0]}: ${first[1]}` : name;
    },

    content(row) {
      const { fields, terms } = said(this.meta);
      const rows = rowTexts(this.columns, row, fields, terms);
      return popupContent({ name: this.nameOf(row), kind: this.kindText(), rows });
    },

    _unit() {
      const { classes, unit } = this.meta;
      const most = Math.max(0, ...classes.map((range) => Math.max(...range.map(Math.abs))));
      return legendUnit(most, unit, language());
    },

    /** What shades the areas, with the unit of the legend's numbers. */
    measure() {
      const { text } = this._unit();
      const name = said(this.meta).measure;
      if (!text) return name;
      return language() === 'zh' ? `${name}（${text}）` : `${name} (${text})`;
    },

    /** The classes for the legend, and what stands for an area without one. */
    scale() {
      const { classes } = this.meta;
      const { class_names: called } = said(this.meta);
      const lang = language();
      const unit = this._unit();
      const scale = classes.map((range, index) => ({
        label: called?.[index] ?? rangeText(range, unit, lang),
        colour: this.colourOfClass(index),
      }));
      if (classes.length && this.columns.class.numbers.some(Number.isNaN)) {
        scale.push({ label: words().no_data, draw: (ctx, width, height) => this.drawUnknown(ctx, width, height) });
      }
      return scale;
    },

    drawUnknown(ctx, width, height) {
      ctx.fillStyle = look.land ?? '#ffffff';
      ctx.fillRect(0, 0, width, height);
      ctx.fillStyle = hatching(ctx, look.hatch);
      ctx.fillRect(0, 0, width, height);
    },
  });
}

/** Gives a layer of areas the block `id`, whose main table is `table`. */
export function filled(layer, id, table) {
  layer.ready = readBlock(id).then((block) => layer.load(block, table));
  return layer;
}
