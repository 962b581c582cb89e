// Says on the map why its sites cannot be shown, in every language of the page: nobody has chosen one yet.

import { el } from '../page/dom.js';
import { eachWords } from '../page/language.js';

const SERVE = 'python -m http.server';

/** A panel that says why; `url` is the file of tiles. */
export function problemPanel(reason, url) {
  const panel = el('section', 'registry-panel registry-tiles-problem');
  panel.setAttribute('role', 'alert');
  for (const [lang, words] of eachWords()) {
    const text = el('p', '', words[`tiles_${reason}`]);
    text.lang = lang === 'zh' ? 'zh-CN' : 'en';
    panel.append(text);
  }
  if (reason === 'file') {
    const page = decodeURIComponent(location.pathname.split('/').pop());
    panel.append(el('pre', '', el('code', '', SERVE)));
    panel.append(el('pre', '', el('code', '', `http://localhost:8000/${encodeURIComponent(page)}`)));
  } else panel.append(el('pre', '', el('code', '', decodeURIComponent(url))));
  return panel;
}
