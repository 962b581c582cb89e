// What stands around the map: the legend that is also the layer switcher, and the title with its note.

import { el, foreign, swatch } from './dom.js';
import { number } from './format.js';
import { readBlock } from './pack.js';

const NARROW = 640; // CSS pixels of map width under which the legend starts folded

function legendRow(row, map, lang, layers) {
  const box = el('input');
  box.type = 'checkbox';
  box.checked = row.layer ? map.hasLayer(row.layer) : row.shown;
  box.dataset.key = row.key;
  box.addEventListener('change', () => {
    if (!row.layer) row.toggle(box.checked);
    else if (box.checked) row.layer.addTo(map);
    else row.layer.remove();
    // Lines and marks follow the symbols that they belong to.
    layers.forEach((layer) => (layer.redrawAll ?? layer.redraw).call(layer));
  });
  const figure = row.count === undefined ? row.note : number(row.count, lang);
  return el(
    'label',
    'registry-row',
    box,
    swatch(18, 16, row.draw),
    el('span', 'registry-label', row.label),
    figure === undefined ? null : el('span', 'registry-count', figure),
  );
}

function legendSection(section, map, lang, layers) {
  const rows = section.rows.map((row) => legendRow(row, map, lang, layers));
  const scale = (section.scale ?? []).map(({ label, colour }) => {
    const patch = swatch(18, 12, (ctx, width, height) => {
      ctx.fillStyle = colour;
      ctx.fillRect(0, 0, width, height);
      ctx.strokeStyle = '#6b6b6b';
      ctx.strokeRect(0.5, 0.5, width - 1, height - 1);
    });
    return el('div', 'registry-row registry-class', patch, el('span', 'registry-label', label));
  });
  return el('fieldset', 'registry-section', el('legend', '', section.heading), ...scale, ...rows);
}

/** The legend of these layers, as a Leaflet control; fills itself when they are ready. */
export function legend(id, layers) {
  const Legend = L.Control.extend({
    onAdd(map) {
      const details = el('details', 'registry-panel registry-legend');
      details.open = map.getSize().x >= NARROW;
      L.DomEvent.disableClickPropagation(details);
      L.DomEvent.disableScrollPropagation(details);
      this.ready = Promise.all([readBlock(id), ...layers.map((layer) => layer.ready)]).then(([{ meta }]) => {
        details.append(el('summary', '', meta.words.legend));
        const body = el('div', 'registry-legend-body');
        for (const layer of layers) {
          for (const section of layer.legend()) {
            if (section.rows.length) body.append(legendSection(section, map, meta.lang, layers));
          }
        }
        details.append(body);
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
      L.DomEvent.disableClickPropagation(box);
      this.ready = readBlock(id).then(({ meta }) => {
        document.documentElement.lang = meta.lang === 'zh' ? 'zh-CN' : 'en';
        if (meta.title) box.append(el('h1', '', foreign(meta.title)));
        if (meta.note) box.append(el('p', 'registry-warning', foreign(meta.note)));
        box.hidden = !box.childElementCount;
      });
      return box;
    },
  });
  return new Title({ position: 'topleft' });
}
