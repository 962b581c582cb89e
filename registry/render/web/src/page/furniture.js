// What stands around the map: the legend that is also the layer switcher, and the title with its note.

import { el, foreign, keepFromMap, swatch } from './dom.js';
import { number } from './format.js';
import { language, onLanguage, said, words } from './language.js';
import { readBlock } from './block.js';

const NARROW = 640; // CSS pixels of map width under which the legend starts folded

function legendRow(row, map, redraw) {
  const box = el('input');
  box.type = 'checkbox';
  box.checked = row.layer ? map.hasLayer(row.layer) : row.shown;
  box.dataset.key = row.key;
  box.addEventListener('change', () => {
    if (!row.layer) row.toggle(box.checked);
    else if (box.checked) row.layer.addTo(map);
    else row.layer.remove();
    redraw();
  });
  const figure = row.count === undefined ? row.note : number(row.count, language());
  const count = figure === undefined ? null : el('span', 'registry-count', figure);
  return el('label', 'registry-row', box, swatch(18, 16, row.draw), el('span', 'registry-label', row.label), count);
}

/** The picture of an entry of a scale: its colour in a frame, or what it draws itself; `ratio` as for `swatch`. */
export function scalePatch({ colour, draw, width: wide = 18, plain }, ratio) {
  const paint = (ctx, width, height) => {
    if (draw) draw(ctx, width, height);
    else {
      ctx.fillStyle = colour;
      ctx.fillRect(0, 0, width, height);
    }
    if (plain) return;
    ctx.lineWidth = 1;
    ctx.strokeStyle = '#6b6b6b';
    ctx.strokeRect(0.5, 0.5, width - 1, height - 1);
  };
  return swatch(wide, 12, paint, ratio);
}

function legendSection(section, map, redraw) {
  const rows = section.rows.map((row) => legendRow(row, map, redraw));
  const scale = (section.scale ?? []).map((item) =>
    el('div', 'registry-row registry-class', scalePatch(item), el('span', 'registry-label', item.label)),
  );
  return el('fieldset', 'registry-section', el('legend', '', section.heading), ...scale, ...rows);
}

function fill(details, map, layers) {
  const held = details.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
  const scrolled = details.querySelector('.registry-legend-body')?.scrollTop ?? 0;
  const body = el('div', 'registry-legend-body');
  // Lines and marks follow the symbols that they belong to.
  const redraw = () => layers.forEach((layer) => (layer.redrawAll ?? layer.redraw).call(layer));
  for (const layer of layers) {
    for (const section of layer.legend()) {
      if (section.rows.length || section.scale?.length) body.append(legendSection(section, map, redraw));
    }
  }
  details.replaceChildren(el('summary', '', words().legend), body);
  body.scrollTop = scrolled;
  // The switch that the keyboard stands on is still there, though made anew.
  if (held) body.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
}

/** The legend of these layers, as a Leaflet control; fills itself when they are ready, and anew as they change. */
export function legend(id, layers) {
  const Legend = L.Control.extend({
    onAdd(map) {
      const details = el('details', 'registry-panel registry-legend');
      details.open = map.getSize().x >= NARROW;
      keepFromMap(details);
      this.ready = Promise.all([readBlock(id), ...layers.map((layer) => layer.ready)]).then(() => {
        const again = () => fill(details, map, layers);
        again();
        onLanguage(again);
        layers.forEach((layer) => layer.on('filter legend', again));
      });
      return details;
    },
  });
  return new Legend({ position: 'topright' });
}

/** Shows everything between two corners, beside the legend where the window is wide enough for both. */
export function openingView(map, corners) {
  const right = map.getSize().x >= 1000 ? 270 : 30;
  map.fitBounds(corners, { paddingTopLeft: [30, 30], paddingBottomRight: [right, 30], maxZoom: 12, animate: false });
}

/** The title and the note of a map, as a Leaflet control. */
export function titleBox(id) {
  const Title = L.Control.extend({
    onAdd(map) {
      map.attributionControl?.setPrefix(false);
      const box = el('header', 'registry-panel registry-title');
      keepFromMap(box);
      this.ready = readBlock(id).then(({ meta }) => {
        const write = () => {
          const title = meta.title ?? said(meta).title;
          box.replaceChildren();
          if (title) box.append(el('h1', '', foreign(title)));
          if (meta.note) box.append(el('p', 'registry-warning', foreign(meta.note)));
          box.hidden = !box.childElementCount;
        };
        write();
        onLanguage(write);
      });
      return box;
    },
  });
  return new Title({ position: 'topleft' });
}
