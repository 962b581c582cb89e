// What the filter's facets and values are called, by the model's labels.

import { NONE } from './facets.js';
import { number, typedUnit } from '../page/format.js';
import { language, said, words } from '../page/language.js';
import { filled } from '../page/text.js';

/** The field of a facet: `{label, unit}`, as the model describes it unless the page has a word of its own. */
export function fieldOf(meta, key) {
  // A kind that does not know the field lists it under its bare name.
  const fields = Object.values(said(meta).fields ?? {}).flat().filter(({ name }) => name === key);
  const field = fields.find(({ label }) => label !== key) ?? fields[0];
  return { label: words()[`facet_${key}`] ?? field?.label ?? key, unit: field?.unit };
}

/** The heading of a facet; of a range with the unit in which its figures are typed. */
export function facetLabel(meta, facet) {
  const { label, unit } = fieldOf(meta, facet.key);
  if (facet.type !== 'range') return label;
  const { text } = typedUnit(unit, language(), facet.greatest);
  return text ? filled(words().filter_unit, { label, unit: text }) : label;
}

/** The label of a facet's value. */
export function valueLabel(meta, key, value) {
  return value === NONE ? words().filter_none : (said(meta).terms?.[key]?.[value] ?? value);
}

/** A figure of a range as it is typed, and back. */
export function typedFigure(figure, factor) {
  return figure === null ? '' : String(Number((figure / factor).toPrecision(12)));
}

/** The figure of what was typed in units of `factor`, to a thousandth; null when nothing was. */
export function figureOf(typed, factor) {
  const text = typed.trim();
  const figure = Number(text);
  return text === '' || !Number.isFinite(figure) ? null : Math.round(figure * factor * 1000) / 1000;
}

/** What is asked of a facet, in words; empty when nothing is. */
function askedText(meta, facet, asked) {
  if (facet.type === 'choice') return asked.map((value) => valueLabel(meta, facet.key, value)).join(words().filter_join);
  if (facet.type === 'text') return `“${asked}”`;
  const { factor } = typedUnit(fieldOf(meta, facet.key).unit, language(), facet.greatest);
  const side = (figure, sign) => (figure === null ? null : `${sign} ${number(figure / factor, language())}`);
  const parts = [side(asked.min, '≥'), side(asked.max, '≤'), asked.none ? words().filter_none : null];
  return parts.filter((part) => part !== null).join(words().filter_join);
}

/** Every condition of a filter as a line of text, for a list or a print of what passes. */
export function filterLines(filters, meta) {
  return filters.facets
    .filter(({ key }) => filters.asked[key] !== undefined)
    .map((facet) =>
      filled(words().filter_pair, {
        label: facetLabel(meta, facet),
        value: askedText(meta, facet, filters.asked[facet.key]),
      }),
    );
}

/** `已选 123 / 共 7,820 处`, and the plants where the map has any. */
export function totalText(counts) {
  const of = (word, n, all) => filled(words()[word], { n: number(n, language()), all: number(all, language()) });
  const lines = [];
  if (counts.of.sites || !counts.of.plants) lines.push(of('filter_of_sites', counts.sites, counts.of.sites));
  if (counts.of.plants) lines.push(of('filter_of_plants', counts.plants, counts.of.plants));
  return lines;
}
