// The column of tools at the left of a map, and the drawer in which one of them is open.

import './toolbox.css';
import { deskOf } from '../page/desk.js';
import { el, keepFromMap } from '../page/dom.js';
import { makeFilters } from './filter.js';
import { filterTool } from './filter_panel.js';
import { fullscreenTool } from './fullscreen.js';
import { icon } from '../page/icons.js';
import { language, languages, onLanguage, setLanguage, words } from '../page/language.js';
import { linkTool } from './link.js';
import { listTool } from './list.js';
import { measureTool } from './measure.js';
import { MEASURING_TOOLS } from './measuring_tools.js';
import { readBlock } from '../page/block.js';
import { printTool } from './print.js';
import { searchTool } from './search_panel.js';
import { tiledFilterTool } from '../tiles/tiled_filter.js';

/** Switches to the next language that the page speaks. */
function languageTool() {
  return {
    key: 'language',
    icon: 'language',
    run() {
      const all = languages();
      setLanguage(all[(all.indexOf(language()) + 1) % all.length]);
    },
  };
}

// In the order of their buttons; each makes a tool from the bench, or nothing where the map has no use for it.
const TOOLS = [
  filterTool, searchTool, listTool, ...MEASURING_TOOLS, linkTool, printTool, fullscreenTool, languageTool,
];
// A map whose sites come in tiles has no rows that a page could search, list or count around a point.
const TOOLS_OF_TILES = [tiledFilterTool, measureTool, fullscreenTool, languageTool];

class Toolbox {
  constructor(map, sites, meta, filters) {
    this.bar = el('div', 'registry-tools');
    this.bar.setAttribute('role', 'toolbar');
    this.bar.setAttribute('aria-orientation', 'vertical');
    this.drawer = el('section', 'registry-panel registry-drawer');
    this.drawer.hidden = true;
    this.spoken = el('div', 'registry-spoken');
    this.spoken.setAttribute('role', 'status');
    this.bench = { map, sites, meta, filters, desk: deskOf(map), announce: (text) => this.announce(text) };
    this.tools = (sites.tiled ? TOOLS_OF_TILES : TOOLS).map((make) => make(this.bench)).filter(Boolean);
    this.bench.closeTool = () => this.close();
    this.bench.openTool = (key) => this.open(this.tools.find((tool) => tool.key === key));
    this.write();
    onLanguage(() => {
      const { current } = this;
      if (current) this.close();
      this.write();
      if (current) this.open(current);
    });
    this.drawer.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || this.bench.desk.capture) return;
      event.stopPropagation();
      const { key } = this.current;
      this.close();
      this.button(key)?.focus();
    });
  }

  button(key) {
    return this.bar.querySelector(`[data-tool="${key}"]`);
  }

  write() {
    const held = this.bar.contains(document.activeElement) ? document.activeElement.dataset.tool : undefined;
    this.bar.setAttribute('aria-label', words().tools);
    this.bar.replaceChildren(
      ...this.tools.map((tool) => {
        const button = el('button', 'registry-tool', icon(tool.icon));
        const text = words()[`tool_${tool.key}`];
        button.type = 'button';
        button.title = text;
        button.setAttribute('aria-label', text);
        button.dataset.tool = tool.key;
        if (!tool.run) button.setAttribute('aria-expanded', String(tool === this.current));
        button.addEventListener('click', () => {
          if (tool.run) tool.run();
          else if (tool === this.current) this.close();
          else this.open(tool);
        });
        return button;
      }),
    );
    if (held) this.button(held)?.focus();
  }

  open(tool) {
    if (!tool) return;
    if (this.current) this.close();
    this.current = tool;
    const shut = el('button', 'registry-shut', icon('close'));
    shut.type = 'button';
    shut.setAttribute('aria-label', words().close);
    shut.addEventListener('click', () => {
      this.close();
      this.button(tool.key)?.focus();
    });
    const heading = el('h2', '', words()[`tool_${tool.key}`]);
    heading.id = 'registry-drawer-heading';
    const panel = el('div', 'registry-drawer-body');
    this.drawer.setAttribute('aria-labelledby', heading.id);
    this.drawer.replaceChildren(el('div', 'registry-drawer-head', heading, shut), panel);
    this.drawer.dataset.open = tool.key;
    this.drawer.hidden = false;
    this.button(tool.key)?.setAttribute('aria-expanded', 'true');
    tool.open(panel);
    const first = panel.querySelector('input, select, textarea, button, a[href]');
    (first ?? shut).focus({ preventScroll: true });
  }

  close() {
    const tool = this.current;
    if (!tool) return;
    this.current = undefined;
    this.drawer.hidden = true;
    tool.close?.();
    this.drawer.replaceChildren();
    this.button(tool.key)?.setAttribute('aria-expanded', 'false');
  }

  /** Says a result to a screen reader. */
  announce(text) {
    this.spoken.textContent = text;
  }
}

/** The tools for the sites of `sitesLayer`, as a Leaflet control. */
export function toolbox(id, sitesLayer) {
  const Control = L.Control.extend({
    onAdd(map) {
      const place = el('div', 'registry-toolbox');
      keepFromMap(place);
      const filters = sitesLayer.tiled ? null : makeFilters(sitesLayer);
      this.ready = Promise.all([readBlock(id), sitesLayer.ready, filters?.ready]).then(([{ meta }]) => {
        const made = new Toolbox(map, sitesLayer, meta, filters);
        this.bench = made.bench;
        place.append(made.bar, made.drawer, made.spoken);
      });
      return place;
    },
  });
  return new Control({ position: 'topleft' });
}
