// The tool `search`: a text to type, and the sites that answer it.

import './search.css';
import { el, foreign, swatch } from '../page/dom.js';
import { facetLabel } from './filter_words.js';
import { number } from '../page/format.js';
import { language, said, words } from '../page/language.js';
import { valueAt } from '../packed/pack.js';
import { search, searchIndex } from './search.js';
import { groupSwatch } from '../layers/sites.js';
import { filled } from '../page/text.js';

const NEAR_ZOOM = 11; // near enough to tell a site from its neighbours, far enough to see some
const POPUP_ROOM = 600; // pixels from the top of the map in which a title and a long popup have room
const NARROW = 640; // CSS pixels of map width under which the drawer covers what was found
const NOTICE_FOR = 9000; // milliseconds

/** The tool; it keeps what was typed while the page is open. A map without sites and plants has none. */
export function searchTool(bench) {
  if (!bench.sites.rows) return null;
  let typed = '';
  let index = null;
  let panel = null;
  const indexed = () => {
    const { columns, rows, meta } = bench.sites;
    index ??= searchIndex({ columns, rows, syllables: meta.syllables });
    return index;
  };
  return {
    key: 'search',
    icon: 'search',
    open(body) {
      panel = new SearchPanel(bench, body, typed, (text) => search(indexed(), text));
      // Ready before the first letter is typed, without keeping the drawer waiting.
      setTimeout(indexed, 50);
    },
    close() {
      typed = panel.box.value;
      panel.stop();
    },
  };
}

class SearchPanel {
  constructor(bench, body, typed, find) {
    this.bench = bench;
    this.find = find;
    this.rows = [];
    this.active = -1;
    this.box = this.makeBox();
    this.box.value = typed;
    this.list = el('ul', 'registry-search-list');
    this.list.id = 'registry-search-list';
    this.list.setAttribute('role', 'listbox');
    this.list.setAttribute('aria-label', words().search_results);
    this.tail = el('p', 'registry-search-tail');
    const label = el('label', 'registry-search-label', words().search_any, this.box);
    body.append(label, this.list, this.tail);
    this.write();
    this.stop = bench.filters.onChange(() => this.write(true));
  }

  makeBox() {
    const box = el('input', 'registry-search-box');
    box.type = 'search';
    box.autocomplete = 'off';
    box.spellcheck = false;
    for (const [key, value] of Object.entries({
      role: 'combobox',
      'aria-autocomplete': 'list',
      'aria-controls': 'registry-search-list',
      'aria-expanded': 'false',
      maxlength: 200,
    })) {
      box.setAttribute(key, value);
    }
    // Letters on their way to a character are no query yet.
    box.addEventListener('input', (event) => {
      if (!event.isComposing) this.write();
    });
    box.addEventListener('compositionend', () => this.write());
    box.addEventListener('keydown', (event) => this.key(event));
    return box;
  }

  key(event) {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.rows.length) {
      event.preventDefault();
      const from = this.active < 0 && step < 0 ? this.rows.length : this.active;
      this.activate((from + step + this.rows.length) % this.rows.length);
    } else if (event.key === 'Enter' && this.rows.length) {
      event.preventDefault();
      this.choose(this.rows[Math.max(0, this.active)]);
    } else if (event.key === 'Escape' && this.box.value) {
      event.preventDefault();
      event.stopPropagation();
      this.box.value = '';
      this.write();
    }
  }

  activate(place) {
    this.list.children[this.active]?.setAttribute('aria-selected', 'false');
    this.active = place;
    const option = this.list.children[place];
    if (option) {
      option.setAttribute('aria-selected', 'true');
      option.scrollIntoView({ block: 'nearest' });
      this.box.setAttribute('aria-activedescendant', option.id);
    } else {
      this.box.removeAttribute('aria-activedescendant');
    }
  }

  write(again = false) {
    const kept = again ? this.active : -1;
    const query = this.box.value.trim();
    const { rows, total } = this.find(query);
    this.rows = rows;
    this.list.replaceChildren(...rows.map((row, place) => this.option(row, place)));
    this.box.setAttribute('aria-expanded', String(rows.length > 0));
    this.activate(kept);
    const more = total - rows.length;
    const said_ = (word, n) => filled(words()[word], { n: number(n, language()) });
    if (!query) this.tail.textContent = '';
    else if (!total) this.tail.textContent = words().search_none;
    else this.tail.textContent = more > 0 ? said_('search_more', more) : said_('search_found', total);
    if (!again && query) this.bench.announce(total ? said_('search_found', total) : words().search_none);
  }

  option(row, place) {
    const { sites } = this.bench;
    const picture = swatch(18, 16, groupSwatch(sites.groups[row]));
    const text = el('div', 'registry-search-text', el('div', 'registry-search-name', foreign(sites.nameOf(row))));
    const under = this.under(row);
    if (under.length) text.append(el('div', 'registry-search-under', ...under));
    if (!sites.isShown(row)) text.append(el('div', 'registry-search-hidden', words().search_hidden));
    const option = el('li', 'registry-search-option', picture, text);
    option.id = `registry-search-${place}`;
    option.setAttribute('role', 'option');
    option.setAttribute('aria-selected', 'false');
    option.addEventListener('mousedown', (event) => event.preventDefault()); // the focus stays in the text
    option.addEventListener('click', () => {
      this.activate(place);
      this.choose(row);
    });
    return option;
  }

  // What tells one site from another of the same name: its other name, code, province and operator.
  under(row) {
    const { columns, meta } = this.bench.sites;
    const shown = this.bench.sites.nameOf(row);
    const province = valueAt(columns.province_code, row);
    const parts = [
      valueAt(columns.name, row),
      valueAt(columns.code, row),
      said(meta).terms?.province_code?.[province],
      valueAt(columns.operator, row),
    ].filter((part) => part !== undefined && part !== '' && part !== shown);
    return parts.flatMap((part, i) => (i ? [' · ', foreign(part)] : [foreign(part)]));
  }

  /** Goes to a site and opens its popup; what hides it is taken back first, and said. */
  choose(row) {
    const { map, sites, filters, closeTool } = this.bench;
    const name = sites.nameOf(row);
    const released = filters.admit(row);
    if (!map.hasLayer(sites)) sites.addTo(map);
    if (released.length) {
      const facets = released.map((key) =>
        key === 'groups' ? words().search_switch : facetLabel(sites.meta, filters.facet(key)),
      );
      notice(map, filled(words().search_shown, { name: shortName(name), facets: facets.join(words().filter_join) }));
    }
    if (map.getSize().x < NARROW) closeTool();
    map.closePopup();
    map.once('moveend', () => sites.openPopup(valueAt(sites.columns.uid, row)));
    this.go([sites.lat[row], sites.lng[row]]);
  }

  // The site stands a little below the middle, so that its popup need not move the map again.
  go(latlng) {
    const { map } = this.bench;
    const zoom = Math.max(map.getZoom(), Math.min(NEAR_ZOOM, map.getMaxZoom()));
    const { y: height } = map.getSize();
    const down = Math.max(0, Math.min(height - 60, POPUP_ROOM) - height / 2);
    const middle = map.unproject(map.project(latlng, zoom).subtract([0, down]), zoom);
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) map.setView(middle, zoom, { animate: false });
    else map.flyTo(middle, zoom, { duration: 0.8 });
  }
}

function shortName(name) {
  return name.length > 30 ? `${name.slice(0, 30)}…` : name;
}

/** A sentence at the foot of the map that goes by itself, said to a screen reader too. */
function notice(map, text) {
  const place = map.getContainer();
  place.querySelector('.registry-notice')?.remove();
  const box = el('div', 'registry-panel registry-notice', foreign(text));
  box.setAttribute('role', 'status');
  place.append(box);
  setTimeout(() => box.remove(), NOTICE_FOR);
}
