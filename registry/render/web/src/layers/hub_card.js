// What the popup of a hub says: what it is, what it gets of each material, and who delivers.

import { el, foreign } from '../page/dom.js';
import { distance, number, quantity } from '../page/format.js';
import { language, words } from '../page/language.js';
import { popupContent } from '../page/popup.js';

const MOST_NAMED = 8;

/** Tonnes and sites of every waste, and of every site, the most first. */
export function received(flows) {
  const wastes = new Map();
  const sites = new Map();
  for (const { site, waste, tonnes, metres } of flows) {
    const material = wastes.get(waste) ?? { waste, tonnes: 0, sites: new Set() };
    material.tonnes += tonnes;
    material.sites.add(site);
    wastes.set(waste, material);
    const from = sites.get(site) ?? { site, tonnes: 0, metres };
    from.tonnes += tonnes;
    sites.set(site, from);
  }
  const most = (a, b) => b.tonnes - a.tonnes;
  return { wastes: [...wastes.values()].sort(most), sites: [...sites.values()].sort(most) };
}

function materials(wastes, wasteName) {
  const text = words();
  const heads = [text.flow_material, text.flow_tonnes, text.flow_sites].map((head) => {
    const cell = el('th', '', head);
    cell.scope = 'col';
    return cell;
  });
  const rows = wastes.map(({ waste, tonnes, sites }) => {
    const name = el('th', '', foreign(wasteName(waste)));
    name.scope = 'row';
    return el('tr', '', name, el('td', '', quantity(tonnes, 't/a', language())), el('td', '', number(sites.size, language())));
  });
  return el('table', 'registry-fields registry-materials', el('thead', '', el('tr', '', ...heads)), el('tbody', '', ...rows));
}

function deliverers(sites, nameOf, open) {
  const list = el('ol', 'registry-nearest');
  for (const { site, tonnes, metres } of sites.slice(0, MOST_NAMED)) {
    const name = el('button', 'registry-link', foreign(nameOf(site)));
    name.type = 'button';
    name.addEventListener('click', () => open(site));
    list.append(el('li', '', name, ` – ${quantity(tonnes, 't/a', language())}, ${distance(metres, language())}`));
  }
  const more = sites.length - MOST_NAMED;
  const rest = more > 0 ? el('p', '', words().flow_more.replace('{n}', number(more, language()))) : null;
  return el('div', 'registry-more', el('h3', '', words().flow_from), list, rest);
}

/** The popup of a hub; `hub` holds what is known of it, `flows` what goes to it. */
export function hubCard(hub, flows, { wasteName, nameOf, open, draw }) {
  const text = words();
  const lang = language();
  const { wastes, sites } = received(flows);
  const tonnes = hub.annual_t ?? wastes.reduce((sum, material) => sum + material.tonnes, 0);
  const rows = [
    [text.flow_place, hub.place],
    [text.region, hub.region],
    [text.flow_modules, hub.modules === undefined ? undefined : number(hub.modules, lang)],
    [text.flow_received, quantity(tonnes, 't/a', lang)],
    [text.flow_capacity, hub.capacity === undefined ? undefined : quantity(hub.capacity, 't/a', lang)],
    [text.flow_load, hub.capacity ? `${number((tonnes / hub.capacity) * 100, lang, 0)} %` : undefined],
    [text.flow_cost, hub.cost === undefined ? undefined : quantity(hub.cost, 'yuan/t', lang)],
    [text.flow_sites, number(sites.length, lang)],
  ].filter(([, value]) => value !== undefined);
  const card = popupContent({ name: hub.name, kind: text.hub, draw, rows });
  if (wastes.length) card.append(materials(wastes, wasteName), deliverers(sites, nameOf, open));
  return card;
}
