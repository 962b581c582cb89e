// What the rows of a table can be filtered by: for every facet a number a row, so that a filter compares no text.

import { fold } from '../page/text.js';

/** What a facet's state calls a row without a value. */
export const NONE = '';

/** Facets whose values are ticked one by one, in the panel's order; `plants` tells those that plants answer to. */
export const CHOICES = [
  { key: 'status' },
  { key: 'mineral' },
  { key: 'province_code', plants: true },
  { key: 'waste_codes', plants: true, split: wasteCategories },
];
/** Facets with a least and a greatest figure. */
export const RANGES = ['annual_t', 'stock_t', 'storage_m3'];
/** The facet that is a text to type, found in any part of the value. */
export const TEXT = 'operator';

const GENERAL = /^(?:[0-9A-Z]{3}\d{3})?SW?(\d{2})$/;
const HAZARDOUS = /^(?:(?:HW\d{2})?\d{6}(?:HW)?|HW)(\d{2})(?:HW\1)?$/;

/** The category of a waste code as its label has it (`SW05`, `HW48`); a text that is no code stands for itself. */
export function wasteCategory(code) {
  const bare = code.toUpperCase().replace(/[\s\-‐-―_.]+/g, '');
  const general = GENERAL.exec(bare);
  if (general) return `SW${general[1]}`;
  const hazardous = HAZARDOUS.exec(bare);
  return hazardous ? `HW${hazardous[1]}` : bare;
}

function wasteCategories(text) {
  return [...new Set(text.split(/[;；,，、]/).map(wasteCategory).filter(Boolean))];
}

// Codes by row, 0 where there is no value, and the text of code n at n − 1.
function coded(column) {
  if (column.type === 'text') return { codes: column.codes, texts: column.values };
  const places = new Map();
  const codes = Int32Array.from(column.numbers, (number) => {
    if (Number.isNaN(number)) return 0;
    if (!places.has(number)) places.set(number, places.size + 1);
    return places.get(number);
  });
  return { codes, texts: [...places.keys()].map(String) };
}

/** A facet of ticked values; a value of the column may stand for several (`SW04;SW05`) or, when empty, for none. */
function choiceFacet({ key, plants = false, split = (text) => [text] }, column) {
  const { codes, texts } = coded(column);
  const held = texts.map((text) => (text.trim() === '' ? [] : split(text)));
  const values = [...new Set(held.flat())].sort();
  const place = new Map(values.map((value, i) => [value, i + 1]));
  // Places of the values of every code; 0 is the place of a row without one.
  const members = [[0], ...held.map((parts) => (parts.length ? parts.map((part) => place.get(part)) : [0]))];
  return { key, plants, type: 'choice', codes, members, values: [NONE, ...values] };
}

function rangeFacet(key, column) {
  let least = Infinity;
  let greatest = -Infinity;
  for (const number of column.numbers) {
    if (number < least) least = number;
    if (number > greatest) greatest = number;
  }
  return { key, plants: false, type: 'range', numbers: column.numbers, least, greatest };
}

function textFacet(key, column) {
  const { codes, texts } = coded(column);
  return { key, plants: true, type: 'text', codes, texts: texts.map(fold) };
}

/** Whether a facet in this state lets every row pass. */
export function isIdle(facet, state) {
  if (state === undefined) return true;
  return facet.type === 'range' ? state.min === null && state.max === null : state.length === 0;
}

// By code of a facet of choices or text: 1 where the rows with this code pass.
function passesOf(facet, state) {
  if (facet.type === 'text') {
    const wanted = fold(state);
    return Uint8Array.from([NONE, ...facet.texts], (text) => (text.includes(wanted) ? 1 : 0));
  }
  const chosen = new Set(state.map((value) => facet.values.indexOf(value)));
  return Uint8Array.from(facet.members, (places) => (places.some((place) => chosen.has(place)) ? 1 : 0));
}

/** Calls `failed(row)` for every row that a facet in this state, not idle, does not let pass. */
export function eachFailing(facet, state, failed) {
  if (facet.type === 'range') {
    const { numbers } = facet;
    const min = state.min ?? -Infinity;
    const max = state.max ?? Infinity;
    for (let row = 0; row < numbers.length; row += 1) {
      const number = numbers[row];
      if (!(number >= min && number <= max) && !(state.none && Number.isNaN(number))) failed(row);
    }
    return;
  }
  const { codes } = facet;
  const passes = passesOf(facet, state);
  for (let row = 0; row < codes.length; row += 1) if (passes[codes[row]] === 0) failed(row);
}

/**
 * The facets that a table of sites has.
 *
 * A facet that plants lack does not take them away: it is about what lies on a site (status of operation, mineral,
 * tonnes), and who asks for iron tailings still wants to see the plants. Province and operator are facts of a plant
 * too, and so are waste codes – what it accepts – where any plant has one; `isPlant(row)` tells plants. `none` of a
 * facet tells whether any row that answers to it has no value.
 */
export function facetsOf(columns, isPlant) {
  const facets = CHOICES.filter(({ key }) => columns[key]).map((choice) => choiceFacet(choice, columns[choice.key]));
  if (columns[TEXT]) facets.push(textFacet(TEXT, columns[TEXT]));
  facets.push(...RANGES.filter((key) => columns[key]?.numbers).map((key) => rangeFacet(key, columns[key])));
  for (const facet of facets) {
    facet.plants &&= facet.codes.some((code, row) => code > 0 && isPlant(row));
    const asked = (row) => facet.plants || !isPlant(row);
    if (facet.type === 'choice') facet.none = facet.codes.some((code, row) => facet.members[code][0] === 0 && asked(row));
    if (facet.type === 'range') facet.none = facet.numbers.some((number, row) => Number.isNaN(number) && asked(row));
  }
  return facets;
}
