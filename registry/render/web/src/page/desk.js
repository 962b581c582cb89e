// One desk a map: it takes clicks and the pointer, and asks the layers on the map what lies there.

import { el, foreign } from './dom.js';
import { onLanguage } from './language.js';

const desks = new WeakMap();
const TOUCH = 8; // pixels around a symbol that still count as the symbol

/** The desk of a map, made at first use. */
export function deskOf(map) {
  if (!desks.has(map)) desks.set(map, new Desk(map));
  return desks.get(map);
}

class Desk {
  constructor(map) {
    this.map = map;
    this.layers = new Set();
    /** A tool that takes every click while it is set: `{click, move?, finish?, cancel?}`. */
    this.capture = null;
    this.tip = el('div', 'registry-tip');
    this.tip.hidden = true;
    map.getContainer().append(this.tip);
    map.on('click', (event) => this.click(event));
    map.on('dblclick', (event) => this.capture?.finish?.(event));
    map.on('mousemove', (event) => this.hover(event));
    map.on('mouseout movestart zoomstart', () => this.leave());
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape') return;
      if (this.capture) this.capture.cancel?.();
      else map.closePopup();
    });
    // A popup that is open says the same in the other language.
    onLanguage(() => this.popup?.isOpen() && this.popup.setContent(this.content()));
  }

  /** The best hit of all layers; points win over areas, nearer points over farther ones. */
  hit(event) {
    let best = null;
    for (const layer of this.layers) {
      const hit = layer.hit(event, TOUCH);
      if (hit && (!best || hit.rank < best.rank || (hit.rank === best.rank && hit.distance < best.distance))) best = hit;
    }
    return best;
  }

  click(event) {
    if (this.capture) {
      this.capture.click(event);
      return;
    }
    const hit = this.hit(event);
    if (!hit) return;
    this.leave();
    if (hit.act) hit.act();
    else this.open(hit.latlng ?? event.latlng, hit.content);
  }

  /** Opens a popup whose content `content()` makes; the map moves to show all of it unless `pan` is false. */
  open(latlng, content, { pan = true } = {}) {
    const size = this.map.getSize();
    const title = this.map.getContainer().querySelector('.registry-title');
    this.content = content;
    this.popup = L.popup({
      className: 'registry-popup',
      maxWidth: Math.min(360, size.x - 60),
      minWidth: Math.min(220, size.x - 60),
      maxHeight: Math.max(120, Math.min(420, size.y - 160)),
      autoPan: pan,
      // Clear of the title and of the tools.
      autoPanPaddingTopLeft: [size.x < 640 ? 5 : 60, (title?.offsetHeight ?? 0) + 20],
      autoPanPaddingBottomRight: [5, 5],
    });
    this.popup.setLatLng(latlng).setContent(content()).openOn(this.map);
    // What scrolls must be reached by the keyboard.
    this.popup.getElement().querySelector('.leaflet-popup-content').tabIndex = 0;
  }

  hover(event) {
    if (this.capture) {
      this.leave();
      this.capture.move?.(event);
      return;
    }
    if (this.map.dragging?.moving?.()) return;
    const hit = this.hit(event);
    this.map.getContainer().classList.toggle('registry-over', Boolean(hit && hit.rank === 0));
    if (!hit) {
      this.leave();
      return;
    }
    this.tip.replaceChildren(foreign(hit.tip()));
    this.tip.hidden = false;
    const { x, y } = event.containerPoint;
    const right = x > this.map.getSize().x / 2;
    this.tip.style.transform = `translate(${right ? `calc(${x - 12}px - 100%)` : `${x + 14}px`}, ${y + 12}px)`;
  }

  leave() {
    this.tip.hidden = true;
    this.map.getContainer().classList.remove('registry-over');
  }
}
