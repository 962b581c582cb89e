// What a popup says, made when it is opened.

import { el, foreign, swatch } from './dom.js';
import { position, quantity } from './format.js';
import { language, words } from './language.js';
import { valueAt } from '../packed/pack.js';

/** A value as a reader wants it: the label of a code, a number with its unit, a text as it stands. */
export function valueText(value, field, terms, lang) {
  const labels = terms[field.name];
  if (labels) {
    return String(value)
      .split(';')
      .map((code) => labels[code] ?? code)
      .join(lang === 'zh' ? '、' : ', ');
  }
  if (typeof value !== 'number') return String(value);
  return field.plain ? String(value) : quantity(value, field.unit, lang);
}

/** Label and text of every field that the row has. */
export function rowTexts(columns, row, fields, terms = {}) {
  const out = [];
  for (const field of fields) {
    const value = valueAt(columns[field.name], row);
    if (value !== undefined && value !== '') out.push([field.label, valueText(value, field, terms, language())]);
  }
  return out;
}

/** A table of labels and texts. */
export function textTable(rows) {
  const body = el('tbody');
  for (const [label, text] of rows) {
    const head = el('th', '', label);
    head.scope = 'row';
    body.append(el('tr', '', head, el('td', '', foreign(text))));
  }
  return el('table', 'registry-fields', body);
}

/** A popup's content: heading, what it is, what other layers know of it, and its fields. */
export function popupContent({ name, kind, draw, rows, more = [] }) {
  const title = el('h2', 'registry-name', foreign(name));
  const under = el('p', 'registry-kind', draw ? swatch(16, 16, draw) : null, kind);
  return el('section', 'registry-card', title, under, ...more, textTable(rows));
}

/** The last line of a site's table. */
export function positionRow(lng, lat) {
  return [words().position, position(lng, lat)];
}
