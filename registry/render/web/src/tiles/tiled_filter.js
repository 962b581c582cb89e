// The filter of a map of tiles: facets, whose counts follow at any zoom, and what can be asked of single sites alone.

import { el, foreign } from '../page/dom.js';
import { number, quantity } from '../page/format.js';
import { language, said, words } from '../page/language.js';
import { valueAt } from '../packed/pack.js';
import { tableOf } from './tile_row.js';

function labelOf(layer, name, value) {
  if (value === null) return words().tiles_none;
  const { kinds, terms } = said(layer.meta);
  if (name === 'kind') return kinds[value] ?? value;
  return terms[name]?.[value] ?? String(value);
}

function option(layer, name, value, count) {
  const box = el('input');
  box.type = 'checkbox';
  box.checked = layer.facets.passes(name, value);
  box.dataset.key = `${name}:${value}`;
  box.addEventListener('change', () => layer.setFacet(name, value, box.checked));
  const label = el('span', 'registry-label', foreign(labelOf(layer, name, value)));
  return el('label', 'registry-row', box, label, el('span', 'registry-count', number(count, language())));
}

function sums(layer) {
  const { sites, annual_t: annual, stock_t: stock } = layer.facets.sums();
  const lang = language();
  const text = words();
  return el(
    'p',
    'registry-tiles-sums',
    el('strong', '', `${number(sites, lang)} ${text.tiles_sites}`),
    el('br'),
    `${text.tiles_annual_t} ${quantity(annual, 't/a', lang)}`,
    el('br'),
    `${text.tiles_stock_t} ${quantity(stock, 't', lang)}`,
  );
}

/** What a row must have to pass: an operator that contains `operator`, at least `least` tonnes a year. */
export function rowTest(operator, least) {
  const part = operator.trim().toLowerCase();
  if (!part && !(least > 0)) return null;
  return (tile, row) => {
    const { operator: held, annual_t: annual } = tableOf(tile);
    if (part && !String(valueAt(held, row) ?? '').toLowerCase().includes(part)) return false;
    return !(least > 0) || (valueAt(annual, row) ?? -1) >= least;
  };
}

function nearFields(layer, kept) {
  const field = (key, type, apply) => {
    const input = el('input');
    input.type = type;
    input.value = kept[key] ?? '';
    input.dataset.key = key;
    if (type === 'number') input.min = '0';
    input.addEventListener('input', () => {
      kept[key] = input.value;
      apply();
    });
    return el('label', 'registry-tiles-field', words()[`tiles_${key}`], input);
  };
  const apply = () => layer.setTest(rowTest(kept.operator ?? '', Number(kept.annual_from)));
  return el(
    'details',
    'registry-tiles-facet',
    el('summary', '', words().tiles_near),
    el('p', 'registry-tiles-note', words().tiles_near_note),
    field('operator', 'search', apply),
    field('annual_from', 'number', apply),
  );
}

/** The tool that filters a layer of tiles: a maker as the toolbox wants it. */
export function tiledFilterTool({ sites: layer }) {
  const kept = {};
  const open = new Set();
  let panel;
  const clear = () => {
    Object.keys(kept).forEach((key) => delete kept[key]);
    layer.test = null;
    layer.restore({});
    fill();
  };
  const remember = (part, name) => {
    part.open = open.has(name);
    part.addEventListener('toggle', () => open[part.open ? 'add' : 'delete'](name));
    return part;
  };
  function fill() {
    const held = panel.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const button = el('button', 'registry-tiles-clear', words().tiles_all);
    button.type = 'button';
    button.addEventListener('click', clear);
    const parts = layer.meta.facets.map((name) => {
      const rows = layer.facets.options(name).map(([value, count]) => option(layer, name, value, count));
      const list = el('div', 'registry-tiles-options', ...rows);
      return remember(el('details', 'registry-tiles-facet', el('summary', '', words()[`tiles_${name}`]), list), name);
    });
    const scrolls = [...panel.querySelectorAll('.registry-tiles-options')].map((list) => list.scrollTop);
    panel.replaceChildren(sums(layer), ...parts, remember(nearFields(layer, kept), 'near'), button);
    panel.querySelectorAll('.registry-tiles-options').forEach((list, at) => {
      list.scrollTop = scrolls[at] ?? 0;
    });
    // The box that the keyboard stands on is still there, though made anew.
    if (held) panel.querySelector(`[data-key="${CSS.escape(held)}"]`)?.focus({ preventScroll: true });
  }
  const follow = () => {
    // A field that is being typed in stays as it is.
    const { activeElement: active } = document;
    if (panel && !(panel.contains(active) && active.matches('input:not([type="checkbox"])'))) fill();
  };
  layer.on('filter', follow);
  return {
    key: 'tiles',
    icon: 'tiles',
    open(body) {
      panel = body;
      fill();
    },
    close() {
      panel = undefined;
    },
  };
}
