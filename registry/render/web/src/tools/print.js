// The map on paper: a sheet with title, legend, scale, north, date, source and notes, laid out when a print begins.

import './print.css';
import './page_tools.css';
import { scalePatch } from '../page/furniture.js';
import { button, labelled } from './controls.js';
import { el, foreign, swatch } from '../page/dom.js';
import { distance, number } from '../page/format.js';
import { kept } from '../page/kept.js';
import { language, words } from '../page/language.js';
import { dayText, latitudeText, ORIENTATIONS, PAPER_NAMES, printRatio, scaleBar, scaleFraction, sheetOf } from './sheet.js';

const SWATCH_RATIO = 4;
const COLUMN = 190; // CSS pixels of a column of the legend
const MOST_COLUMNS = 3;
const BAR = 130; // the most of the scale bar
const TILES_MS = 5000; // the longest wait for the tiles of a background

function legendRow(picture, label, figure) {
  const count = figure === undefined ? null : el('span', 'registry-count', figure);
  return el('div', 'registry-row', picture, el('span', 'registry-label', label), count);
}

/** What the legend says of all that is on the map; nothing of what is switched off. */
export function legendOf(map, layers) {
  const box = el('div', 'registry-sheet-legend', el('h2', '', words().print_legend));
  for (const section of layers.flatMap((layer) => layer.legend())) {
    const rows = section.rows.filter((row) => (row.layer ? map.hasLayer(row.layer) : row.shown));
    if (!rows.length) continue;
    const scale = (section.scale ?? []).map((item) => legendRow(scalePatch(item, SWATCH_RATIO), item.label));
    const lines = rows.map(({ draw, label, count, note }) =>
      legendRow(swatch(18, 16, draw, SWATCH_RATIO), label, count === undefined ? note : number(count, language())),
    );
    box.append(el('section', '', el('h3', '', section.heading), ...scale, ...lines));
  }
  return box.childElementCount > 1 ? box : null;
}

/** An arrow to the north, which is up everywhere in this projection. */
function northArrow() {
  const draw = (ctx, width, height) => {
    const middle = width / 2;
    for (const [side, fill] of [[-1, '#222'], [1, '#fff']]) {
      ctx.beginPath();
      ctx.moveTo(middle, 1);
      ctx.lineTo(middle + side * 8, height - 2);
      ctx.lineTo(middle, height - 9);
      ctx.closePath();
      ctx.fillStyle = fill;
      ctx.strokeStyle = '#222';
      ctx.fill();
      ctx.stroke();
    }
  };
  return el('div', 'registry-sheet-north', el('span', '', words().print_north), swatch(24, 34, draw, SWATCH_RATIO));
}

/** Metres that a CSS pixel stands for in the middle of the map. */
function metresPerPixel(map) {
  const { x, y } = map.getSize().divideBy(2);
  const [left, right] = [x - 50, x + 50].map((at) => map.containerPointToLatLng([at, y]));
  return map.distance(left, right) / 100;
}

function scaleBox(map) {
  const metres = metresPerPixel(map);
  const bar = scaleBar(metres, BAR);
  const line = el('div', 'registry-sheet-bar');
  line.style.width = `${bar.pixels}px`;
  const fraction = words().print_scale.replace('{fraction}', scaleFraction(metres, language()));
  const label = el('div', '', distance(bar.metres, language()));
  return el('div', 'registry-sheet-scale', label, line, el('div', 'registry-sheet-small', fraction));
}

/** One map's sheet: laid out by `lay`, taken away by `clear`, which leaves the map as it was. */
class Sheet {
  constructor({ map, sites, meta }) {
    Object.assign(this, { map, sites, meta });
    const { x, y } = map.getSize();
    this.paper = 'A4';
    this.orientation = x >= y ? 'landscape' : 'portrait';
    this.rule = el('style');
  }

  get title() {
    return this.ownTitle ?? this.meta.title ?? words().title;
  }

  /** Where the notes under the map come from: texts of the data, each apart. */
  notes() {
    const own = words();
    const shown = this.sites.shownRows().length;
    const background = this.map.attributionControl?.getContainer()?.textContent.trim();
    const { rows } = this.sites;
    const part = own.print_part.replace('{n}', number(shown, language())).replace('{all}', number(rows, language()));
    const latitude = latitudeText(this.map.getCenter().lat, language());
    return [
      ...(this.map.imprint?.() ?? []),
      background || null,
      shown < rows ? part : null,
      own.print_caveat.replace('{latitude}', latitude),
      own.print_date.replace('{date}', dayText(new Date(), language())),
    ].filter(Boolean);
  }

  lay() {
    if (this.sheet) return;
    const { map } = this;
    map.stop();
    const bounds = map.getBounds();
    this.before = { center: map.getCenter(), zoom: map.getZoom(), snap: map.options.zoomSnap, focus: document.activeElement };
    const { width, height, rule } = sheetOf(this.paper, this.orientation);
    this.rule.textContent = rule;
    document.head.append(this.rule);
    this.sheet = el('div', 'registry-sheet');
    this.sheet.style.width = `${width}px`;
    this.sheet.style.height = `${height}px`;
    const container = map.getContainer();
    this.style = container.getAttribute('style');
    this.place = document.createComment('');
    container.replaceWith(this.place);
    this.area = el('div', 'registry-sheet-area', container);
    const head = el('header', '', el('h1', '', foreign(this.title)));
    if (this.meta.note) head.append(el('p', 'registry-warning', foreign(this.meta.note)));
    this.foot = el('footer');
    this.sheet.append(head, this.area, this.foot);
    document.body.append(this.sheet);
    document.documentElement.classList.add('registry-printing');
    this.write(); // once for the room that the notes take
    const size = { width: this.area.clientWidth, height: this.area.clientHeight };
    for (const side of ['width', 'height']) container.style.setProperty(side, `${size[side]}px`, 'important');
    map.options.registryRatio = printRatio(size.width, size.height);
    map.options.zoomSnap = 0;
    map.invalidateSize({ animate: false, pan: false });
    map.fitBounds(bounds, { animate: false });
    this.write();
    this.furnish(size);
  }

  /** Draws every layer anew, which must be the last thing before the page is printed. */
  draw() {
    this.map.eachLayer((layer) => layer.drawNow?.());
  }

  write() {
    this.foot.replaceChildren(...this.notes().map((text) => el('span', '', foreign(text))));
  }

  furnish(size) {
    const legend = legendOf(this.map, kept.filter((piece) => piece.legend && piece._map !== undefined));
    const pieces = [northArrow(), scaleBox(this.map)];
    const corners = ['top-right', 'bottom-right'];
    if (legend) {
      this.area.append(legend);
      for (let columns = 1; columns <= MOST_COLUMNS; columns += 1) {
        legend.style.width = `${columns * COLUMN}px`;
        legend.style.columnCount = String(columns);
        if (legend.offsetHeight <= size.height - 20) break;
      }
      pieces.push(legend);
      corners.push(this.emptiest(legend.offsetWidth + 10, legend.offsetHeight + 10, size));
    }
    // The legend chooses first; what would stand in its corner moves to the other side.
    pieces.forEach((piece, i) => {
      const corner = i < 2 && corners[i] === corners[2] ? corners[i].replace('right', 'left') : corners[i];
      piece.classList.add(`registry-sheet-${corner}`);
    });
    this.area.append(...pieces);
  }

  /** The corner of the map where a box of this size hides the fewest sites; the lower left one where several do. */
  emptiest(width, height, size) {
    const { map } = this;
    const corners = { 'bottom-left': [0, 1], 'top-left': [0, 0], 'bottom-right': [1, 1], 'top-right': [1, 0] };
    const hidden = Object.entries(corners).map(([corner, [right, low]]) => {
      const from = L.point(right * (size.width - width), low * (size.height - height));
      const [a, b] = [from, from.add([width, height])].map((point) => map.containerPointToLatLng(point));
      return [corner, this.sites.shownRows(L.latLngBounds(a, b)).length];
    });
    return hidden.reduce((best, each) => (each[1] < best[1] ? each : best))[0];
  }

  clear() {
    if (!this.sheet) return;
    const { map, before } = this;
    const container = map.getContainer();
    if (this.style === null) container.removeAttribute('style');
    else container.setAttribute('style', this.style);
    this.place.replaceWith(container);
    this.sheet.remove();
    this.rule.remove();
    document.documentElement.classList.remove('registry-printing');
    this.sheet = undefined;
    delete map.options.registryRatio;
    map.options.zoomSnap = before.snap;
    map.invalidateSize({ animate: false, pan: false });
    map.setView(before.center, before.zoom, { animate: false });
    before.focus?.focus?.({ preventScroll: true });
  }

  /** Settles when no tile is on its way, or when nobody would wait longer. */
  async tiles() {
    const waits = [];
    this.map.eachLayer((layer) => {
      if (layer.isLoading?.()) waits.push(new Promise((resolve) => layer.once('load', resolve)));
    });
    const late = new Promise((resolve) => setTimeout(resolve, TILES_MS));
    if (waits.length) await Promise.race([Promise.all(waits), late]);
  }

  async print() {
    this.lay();
    await this.tiles();
    // A browser that prints nothing never says that it is done: whoever comes back to the page finds the map.
    window.addEventListener('pointerdown', () => this.clear(), { once: true });
    window.print();
  }
}

function choice(label, values, names, chosen, take) {
  const select = el('select', 'registry-input', ...values.map((value) => new Option(names(value), value)));
  select.value = chosen;
  select.addEventListener('change', () => take(select.value));
  return labelled(label, select);
}

/** The tool that prints the map; a page printed by the browser's own command is laid out as well. */
export function printTool(bench) {
  const sheet = new Sheet(bench);
  window.addEventListener('beforeprint', () => {
    sheet.lay();
    sheet.draw();
  });
  window.addEventListener('afterprint', () => sheet.clear());
  return {
    key: 'print',
    icon: 'print',
    open(panel) {
      const own = words();
      const title = el('input', 'registry-input');
      title.value = sheet.title;
      title.addEventListener('input', () => {
        sheet.ownTitle = title.value;
      });
      panel.append(
        labelled(own.print_title, title),
        choice(own.print_paper, PAPER_NAMES, (name) => name, sheet.paper, (name) => {
          sheet.paper = name;
        }),
        choice(own.print_orientation, ORIENTATIONS, (name) => own[`print_${name}`], sheet.orientation, (name) => {
          sheet.orientation = name;
        }),
        el('p', 'registry-line', button(own.print_go, () => sheet.print())),
        el('p', 'registry-hint', own.print_hint),
      );
    },
    close() {},
  };
}
