// The address of what the map shows: kept in the hash as the map changes, read when a page opens, copied for others.

import './page_tools.css';
import { button, copyText, labelled } from './controls.js';
import { el } from '../page/dom.js';
import { decodeState, encodeState, stableJson } from './hash.js';
import { kept } from '../page/kept.js';
import { language, onLanguage, setLanguage, words } from '../page/language.js';
import { valueAt } from '../packed/pack.js';

const THROTTLE_MS = 400; // browsers allow a hundred changes of an address in half a minute

let owner; // the map that the address belongs to, where a page has several

// A link chooses the language before the page's words are read, so that nothing is written twice.
const arrived = decodeState(globalThis.location?.hash ?? '');
if (arrived?.lang) setLanguage(arrived.lang);

// What had the focus has it again, which the old way of copying takes away.
async function copied(text) {
  const held = document.activeElement;
  const done = await copyText(text);
  held?.focus?.({ preventScroll: true });
  return done;
}

class Address {
  constructor(bench) {
    this.bench = bench;
    this.map = bench.map;
    this.legends = this.map.getContainer().getElementsByClassName('registry-legend');
    bench.sites.extras.push((row) => this.siteButton(row));
    this.map.on('popupopen', ({ popup }) => {
      this.site = popup.getElement()?.querySelector('[data-link]')?.dataset.link;
      this.changed();
    });
    this.map.on('popupclose', () => {
      this.site = undefined;
      this.changed();
    });
    if (owner) return;
    owner = this.map;
    if (arrived?.view) this.show(arrived.view);
    // Every layer, the legend and the filter must be there before a link can set them.
    Promise.all(kept.map((piece) => piece.ready)).then(
      () => this.begin(),
      () => {}, // said on the console by the piece that failed
    );
  }

  begin() {
    const { map, bench } = this;
    this.opening = this.switches();
    this.idle = stableJson(this.filter());
    if (arrived) this.restore(arrived);
    this.kept = true;
    map.on('moveend', () => this.changed());
    bench.sites.on('filter', () => this.changed());
    bench.filters?.onChange(() => this.changed());
    map.getContainer().addEventListener('change', () => this.changed());
    onLanguage(() => this.changed());
    window.addEventListener('hashchange', () => {
      const state = decodeState(location.hash);
      if (state) this.restore(state);
    });
  }

  /** What every switch of the legend says, by its key. */
  switches() {
    const found = new Map();
    for (const legend of this.legends) {
      for (const box of legend.querySelectorAll('input[data-key]')) found.set(box.dataset.key, box.checked);
    }
    return found;
  }

  // What the filter asks; which groups are switched on is told by the legend's own switches.
  filter() {
    const state = { ...this.bench.filters?.state() };
    delete state.off;
    return state;
  }

  state() {
    const { map } = this;
    const { lat, lng } = map.getCenter();
    const now = [...this.switches()].filter(([key, on]) => this.opening?.get(key) !== on);
    const filter = this.filter();
    return {
      view: { zoom: map.getZoom(), lat, lng },
      lang: language(),
      on: now.filter(([, on]) => on).map(([key]) => key),
      off: now.filter(([, on]) => !on).map(([key]) => key),
      filter: stableJson(filter) === this.idle ? undefined : filter,
      site: this.site,
    };
  }

  href(more = {}) {
    return `${location.href.split('#')[0]}#${encodeState({ ...this.state(), ...more })}`;
  }

  changed() {
    // Paper has a view of its own, which nobody looks for later.
    if (!this.kept || this.timer || this.map.options.registryRatio) return;
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (this.map.options.registryRatio) return;
      try {
        history.replaceState(history.state, '', this.href());
      } catch {
        this.kept = false; // a frame that has no address of its own
      }
    }, THROTTLE_MS);
  }

  show({ zoom, lat, lng }) {
    this.map.setView([lat, lng], zoom, { animate: false });
  }

  /** Makes the map show what a link tells; what the link does not speak of is as in the page when it opens. */
  restore(state) {
    const { map, bench } = this;
    if (state.lang) setLanguage(state.lang);
    if (state.view) this.show(state.view);
    // Before the switches, since the filter sets its groups as they were at the opening.
    bench.filters?.restore(state.filter ?? JSON.parse(this.idle));
    const wanted = new Map(this.opening);
    state.on?.forEach((key) => wanted.has(key) && wanted.set(key, true));
    state.off?.forEach((key) => wanted.has(key) && wanted.set(key, false));
    for (const [key, on] of wanted) this.turn(key, on);
    map.closePopup();
    const uid = this.uidOf(state.site);
    // The view is the one that was sent.
    if (uid !== undefined) bench.sites.openPopup(uid, { pan: false });
  }

  // As a person would: the legend's own listener then sees to the rest.
  turn(key, on) {
    for (const legend of this.legends) {
      const box = legend.querySelector(`input[data-key="${CSS.escape(key)}"]`);
      if (box && box.checked !== on && !(box.type === 'radio' && !on)) box.click();
    }
  }

  /** The identifier of a site that a link names by it or, written by hand, by its code. */
  uidOf(site) {
    const { sites } = this.bench;
    if (site === undefined || sites.rowOf(site) !== undefined) return site;
    const { code, uid } = sites.columns;
    for (let row = 0; code && row < sites.rows; row += 1) {
      if (String(valueAt(code, row)) === site) return valueAt(uid, row);
    }
    return undefined;
  }

  siteButton(row) {
    const uid = valueAt(this.bench.sites.columns.uid, row);
    const copy = button(
      words().link_site,
      async () => {
        if (await copied(this.href({ site: uid }))) {
          copy.textContent = words().link_copied;
          this.bench.announce(words().link_copied);
        } else this.bench.openTool('link');
      },
      'registry-button registry-site-link',
    );
    copy.dataset.link = uid;
    return el('p', 'registry-site-links', copy);
  }
}

function linkPanel(address, announce) {
  const own = words();
  const field = el('input', 'registry-input');
  field.readOnly = true;
  field.value = address.href();
  const told = el('span', 'registry-told');
  const tell = (text) => {
    told.textContent = text;
    announce(text);
  };
  const send = async () => {
    field.value = address.href();
    if (await copied(field.value)) tell(own.link_copied);
    else {
      field.select();
      tell(own.link_press);
    }
  };
  const pasted = el('input', 'registry-input');
  pasted.autocomplete = 'off';
  const paste = labelled(own.link_paste, pasted);
  paste.append(el('button', 'registry-button', own.link_go));
  const form = el('form', '', paste);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const state = decodeState(pasted.value.trim());
    if (state) address.restore(state);
    tell(state ? own.link_opened : own.link_damaged);
  });
  const line = el('p', 'registry-line', button(own.link_copy, send), told);
  return { parts: [labelled(own.link_text, field), line, el('p', 'registry-hint', own.link_hint), form], send };
}

/** The tool that copies a link to what the map shows, and opens one that was received. */
export function linkTool(bench) {
  const address = new Address(bench);
  let spoken;
  return {
    key: 'link',
    icon: 'link',
    open(panel) {
      const { parts, send } = linkPanel(address, bench.announce);
      panel.append(...parts);
      // The drawer also opens anew in another language, when nobody asked for a copy.
      if (spoken === undefined || spoken === language()) send();
      spoken = language();
    },
    close() {},
  };
}
