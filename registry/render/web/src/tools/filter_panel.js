// The tool `filter`: every facet with its values, each with the number of sites that it would leave.

import './filter.css';
import { el, foreign, swatch } from '../page/dom.js';
import { NONE } from './facets.js';
import { facetLabel, fieldOf, figureOf, filterLines, totalText, typedFigure, valueLabel } from './filter_words.js';
import { number, quantity, typedUnit } from '../page/format.js';
import { language, onLanguage, said, words } from '../page/language.js';
import { groupSwatch } from '../layers/sites.js';
import { GROUP_INDEX } from '../layers/symbols.js';
import { filled } from '../page/text.js';

const FOLDED_FROM = 12; // values from which a facet starts folded
const SPEAK_AFTER = 600; // milliseconds without a change after which the total is said

/** Kinds and levels as the legend has them: the highest first. */
const ORDER = ['level_1', 'level_2', 'level_3', 'level_none', 'gangue_heap', 'smelting_site', 'utilization_plant'];

/** The tool; its facets stay folded or open while the page is. A map without sites and plants has none. */
export function filterTool(bench) {
  const { filters, map, sites } = bench;
  if (!sites.rows) return null;
  const folds = new Map();
  let stop = null;
  // The button tells while the drawer is shut that what is on the map is not everything, and what was asked.
  const mark = () => {
    const box = map.getContainer().querySelector('.registry-toolbox');
    const button = box?.querySelector('[data-tool="filter"]');
    if (!button) return;
    box.classList.toggle('registry-filtered', !filters.isIdle());
    const lines = [words().tool_filter, ...filterLines(filters, sites.meta)];
    button.title = lines.join('\n');
    button.setAttribute('aria-label', lines.join('; '));
  };
  filters.onChange(mark);
  // The buttons are made after the tools, and anew when the language is switched.
  const markLater = () => queueMicrotask(mark);
  markLater();
  onLanguage(markLater);
  return {
    key: 'filter',
    icon: 'filter',
    open(panel) {
      stop = new FilterPanel(bench, panel, folds).stop;
    },
    close() {
      stop?.();
      stop = null;
    },
  };
}

class FilterPanel {
  constructor({ filters, sites, announce }, panel, folds) {
    this.filters = filters;
    this.meta = sites.meta;
    this.announce = announce;
    this.folds = folds;
    this.updates = []; // one a part of the panel: writes the new counts into it
    const facets = filters.facets.map((facet) => this[facet.type](facet));
    panel.append(...[this.head(), this.groups(), ...facets, this.note()].filter(Boolean));
    this.update();
    const unlisten = filters.onChange(() => {
      this.update();
      clearTimeout(this.speaking);
      this.speaking = setTimeout(() => this.announce(totalText(filters.counts()).join(' ')), SPEAK_AFTER);
    });
    this.stop = () => {
      unlisten();
      clearTimeout(this.speaking);
    };
  }

  update() {
    const counts = this.filters.counts();
    this.updates.forEach((update) => update(counts));
  }

  head() {
    const total = el('div', 'registry-filter-total');
    const reset = el('button', 'registry-button', words().filter_reset);
    reset.type = 'button';
    reset.addEventListener('click', () => this.filters.reset());
    this.updates.push((counts) => {
      const lines = totalText(counts).map((text, i) => el('p', i ? '' : 'registry-filter-first', text));
      const said_ = (tonnes) => quantity(tonnes, 't', language());
      if (this.filters.tonnes.annual_t || this.filters.tonnes.stock_t) {
        const text = filled(words().filter_tonnes, { annual: said_(counts.annual_t), stock: said_(counts.stock_t) });
        lines.push(el('p', '', text));
      }
      total.replaceChildren(...lines);
    });
    return el('div', 'registry-filter-head', total, reset);
  }

  // A ticked row with a name and a number.
  row(label, key, change, picture = null) {
    const box = el('input');
    box.type = 'checkbox';
    box.dataset.value = key;
    box.addEventListener('change', () => change(box.checked));
    const count = el('span', 'registry-count');
    const line = el('label', 'registry-row', box, picture, el('span', 'registry-label', foreign(label)), count);
    return {
      line,
      write(entry) {
        box.checked = entry.on;
        count.textContent = number(entry.count, language());
        line.classList.toggle('registry-nothing', entry.count === 0);
      },
    };
  }

  groups() {
    const section = el('fieldset', 'registry-section', el('legend', '', words().filter_groups));
    section.dataset.facet = 'groups';
    const rows = new Map();
    const present = new Set(this.filters.counts().groups.map(({ value }) => value));
    for (const key of ORDER.filter((group) => present.has(group))) {
      const group = GROUP_INDEX[key];
      const picture = swatch(18, 16, groupSwatch(group));
      rows.set(key, this.row(said(this.meta).groups[key], key, (on) => this.filters.toggle(group, on), picture));
      section.append(rows.get(key).line);
    }
    this.updates.push((counts) => counts.groups.forEach((entry) => rows.get(entry.value)?.write(entry)));
    return section;
  }

  choice(facet) {
    const { key } = facet;
    const entries = this.inOrder(key, this.filters.counts().facets[key]);
    const rows = new Map();
    const list = el('div', 'registry-filter-values');
    list.setAttribute('role', 'group');
    list.setAttribute('aria-label', facetLabel(this.meta, facet));
    for (const { value } of entries) {
      const label = valueLabel(this.meta, key, value);
      rows.set(value, this.row(label, value, (on) => this.filters.choose(key, value, on)));
      list.append(rows.get(value).line);
    }
    const chosen = el('span', 'registry-count');
    const details = this.fold(facet, entries.length < FOLDED_FROM, chosen, list);
    this.updates.push((counts) => {
      const now = counts.facets[key];
      now.forEach((entry) => rows.get(entry.value)?.write(entry));
      const ticked = now.filter(({ on }) => on).length;
      chosen.textContent = ticked ? `${ticked} / ${now.length}` : '';
    });
    return details;
  }

  // In the model's own order of its codes; what it does not know after them, rows without a value last.
  inOrder(key, entries) {
    const known = Object.keys(said(this.meta).terms?.[key] ?? {});
    const place = ({ value }) => {
      if (value === NONE) return Infinity;
      const at = known.indexOf(value);
      return at < 0 ? known.length : at;
    };
    return [...entries].sort((a, b) => place(a) - place(b) || (a.value < b.value ? -1 : 1));
  }

  fold(facet, open, beside, ...children) {
    const summary = el('summary', '', el('span', 'registry-label', facetLabel(this.meta, facet)), beside);
    const details = el('details', 'registry-facet', summary, ...children);
    details.dataset.facet = facet.key;
    details.open = this.folds.get(facet.key) ?? (open || this.filters.asked[facet.key] !== undefined);
    details.addEventListener('toggle', () => this.folds.set(facet.key, details.open));
    return details;
  }

  text(facet) {
    const box = el('input', 'registry-filter-text');
    box.type = 'search';
    box.placeholder = words().filter_any_part;
    box.autocomplete = 'off';
    box.maxLength = 200;
    box.addEventListener('input', () => this.filters.ask(facet.key, box.value));
    this.updates.push((counts) => write(box, counts.facets[facet.key]));
    const section = el('label', 'registry-facet', el('span', 'registry-facet-name', facetLabel(this.meta, facet)), box);
    section.dataset.facet = facet.key;
    return section;
  }

  range(facet) {
    const { factor } = typedUnit(fieldOf(this.meta, facet.key).unit, language(), facet.greatest);
    const [min, max] = ['min', 'max'].map((side) => {
      const box = el('input');
      box.type = 'number';
      box.step = 'any';
      box.setAttribute('aria-label', words()[`filter_${side}`]);
      box.dataset.side = side;
      return box;
    });
    if (Number.isFinite(facet.least)) {
      min.placeholder = typedFigure(shortened(facet.least, factor), factor);
      max.placeholder = typedFigure(shortened(facet.greatest, factor), factor);
    }
    const none = el('input');
    none.type = 'checkbox';
    const noneText = el('span', 'registry-label');
    const wrong = el('p', 'registry-filter-wrong', words().filter_range_empty);
    const ask = () => {
      const [least, most] = [min, max].map((box) => figureOf(box.value, factor));
      this.filters.ask(facet.key, { min: least, max: most, none: none.checked });
    };
    [min, max].forEach((box) => box.addEventListener('input', ask));
    none.addEventListener('change', ask);
    this.updates.push((counts) => {
      const now = counts.facets[facet.key];
      write(min, typedFigure(now.min, factor));
      write(max, typedFigure(now.max, factor));
      const idle = now.min === null && now.max === null;
      // Without a limit every row passes, so there is nothing to keep.
      if (!idle) none.checked = now.none;
      none.disabled = idle;
      noneText.textContent = filled(words().filter_keep, { n: number(now.without, language()) });
      wrong.hidden = now.min === null || now.max === null || now.min <= now.max;
    });
    const keep = el('label', 'registry-row', none, noneText);
    const sides = el('div', 'registry-filter-range', min, el('span', '', '–'), max);
    keep.hidden = !facet.none;
    const section = el('fieldset', 'registry-facet', el('legend', '', facetLabel(this.meta, facet)), sides, wrong, keep);
    section.dataset.facet = facet.key;
    return section;
  }

  note() {
    const { filters } = this;
    const apart = filters.facets.filter(({ plants }) => !plants).map(({ key }) => fieldOf(this.meta, key).label);
    if (!filters.plants || !filters.counts().of.sites || !apart.length) return null;
    return el('p', 'registry-filter-note', filled(words().filter_plants_stay, { facets: apart.join(words().filter_join) }));
  }
}

// What is being typed is left alone.
function write(box, text) {
  if (document.activeElement !== box) box.value = text;
}

// Three figures are enough for a hint of what the data holds.
function shortened(figure, factor) {
  return Number((figure / factor).toPrecision(3)) * factor;
}
