// What a published map has to say of itself in its corner: approval number, source, date, base map.

import './imprint.css';
import { el, foreign, keepFromMap } from './dom.js';
import { onLanguage, said, words } from './language.js';
import { readBlock } from './block.js';

/** The lines of the block `id`, as a Leaflet control. */
export function imprint(id) {
  const Imprint = L.Control.extend({
    onAdd(map) {
      const box = el('section', 'registry-imprint');
      keepFromMap(box);
      this.ready = readBlock(id).then(({ meta }) => {
        const write = () => {
          box.setAttribute('aria-label', words().imprint);
          box.replaceChildren(...said(meta).lines.map((line) => el('p', '', foreign(line))));
          box.hidden = !box.childElementCount;
        };
        map.imprint = () => said(meta).lines; // a printed sheet bears them too
        write();
        onLanguage(write);
      });
      return box;
    },
  });
  return new Imprint({ position: 'bottomleft' });
}
