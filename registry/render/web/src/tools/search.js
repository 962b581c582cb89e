// Finding sites by name, code or operator: a keystroke over a hundred thousand rows is one walk over long texts.

import { eachSpelled, isSpelling, readingIndex } from './pinyin.js';
import { fold } from '../page/text.js';

export const MOST_SHOWN = 50;

/** How well a row answers, from best to worst. */
export const RANKS = [
  'code',
  'name_start',
  'name_part',
  'code_part',
  'spelled_start',
  'spelled_part',
  'operator',
];
const [CODE, NAME_START, NAME_PART, CODE_PART, SPELLED_START, SPELLED_PART, OPERATOR] = RANKS.keys();
const UNRANKED = 255;
const BREAK = '\n'; // stands between values; no folded text holds it

// The values of a column as one text, with the place where each begins; rows of every value.
function heap(column, rows) {
  if (!column) return null;
  const texts = column.type === 'text' ? column.values.map(fold) : Array.from(column.numbers, (n) => (Number.isNaN(n) ? '' : String(n)));
  const starts = new Uint32Array(texts.length + 1);
  let length = 0;
  texts.forEach((text, i) => {
    starts[i] = length;
    length += text.length + 1;
  });
  starts[texts.length] = length;
  const codeOf = column.type === 'text' ? (row) => column.codes[row] - 1 : (row) => row;
  return { text: texts.join(BREAK) + (texts.length ? BREAK : ''), texts, starts, rowsOf: rowsByCode(codeOf, texts.length, rows) };
}

// Rows sorted by code, as in a sparse matrix: those of code c are order[ends[c]] … order[ends[c + 1] − 1].
function rowsByCode(codeOf, codes, rows) {
  const ends = new Uint32Array(codes + 2);
  for (let row = 0; row < rows; row += 1) {
    const code = codeOf(row);
    if (code >= 0) ends[code + 2] += 1;
  }
  for (let code = 2; code < ends.length; code += 1) ends[code] += ends[code - 1];
  const order = new Uint32Array(rows);
  for (let row = 0; row < rows; row += 1) {
    const code = codeOf(row);
    if (code < 0) continue;
    order[ends[code + 1]] = row;
    ends[code + 1] += 1;
  }
  return { order, ends };
}

// Calls found(value, inside) for every value that holds the query; `inside` is where in the value it begins.
function eachHolding({ text, starts }, query, found) {
  let value = 0;
  for (let at = text.indexOf(query); at >= 0; ) {
    while (starts[value + 1] <= at) value += 1;
    found(value, at - starts[value]);
    at = text.indexOf(query, starts[value + 1]);
  }
}

/** What searching the rows of a table needs; `syllables` as in `readingIndex`. */
export function searchIndex({ columns, rows, syllables }) {
  const names = heap(columns.name, rows);
  return {
    rows,
    names,
    english: heap(columns.name_en, rows),
    codes: heap(columns.code, rows),
    operators: heap(columns.operator, rows),
    standing: standings(names, rows),
    readings: names && readingIndex(names.text, syllables),
  };
}

function rankRows(index, query) {
  const ranks = new Uint8Array(index.rows).fill(UNRANKED);
  const give = ({ rowsOf: { order, ends } }, value, rank) => {
    for (let i = ends[value]; i < ends[value + 1]; i += 1) {
      if (ranks[order[i]] > rank) ranks[order[i]] = rank;
    }
  };
  const { names, english, codes, operators, readings } = index;
  if (codes) {
    eachHolding(codes, query, (value) => give(codes, value, codes.texts[value] === query ? CODE : CODE_PART));
  }
  for (const held of [names, english]) {
    if (held) eachHolding(held, query, (value, inside) => give(held, value, inside === 0 ? NAME_START : NAME_PART));
  }
  if (operators) eachHolding(operators, query, (value) => give(operators, value, OPERATOR));
  const spelling = query.replace(/[ '’]/g, '');
  if (readings && isSpelling(spelling)) {
    let value = 0;
    eachSpelled(readings, spelling, (at) => {
      while (names.starts[value + 1] <= at) value += 1;
      give(names, value, at === names.starts[value] ? SPELLED_START : SPELLED_PART);
    });
  }
  return ranks;
}

/**
 * The rows that answer a text, best first.
 *
 * Returns `{rows, total}`: at most `most` rows, and how many there are. Among equals the shorter name comes first, for
 * more of it was typed; then the names' own order, then that of the rows.
 */
export function search(index, text, most = MOST_SHOWN) {
  const query = fold(text);
  if (!query) return { rows: [], total: 0 };
  const ranks = rankRows(index, query);
  const { rows, standing } = index;
  const best = [];
  let total = 0;
  for (let row = 0; row < rows; row += 1) {
    if (ranks[row] === UNRANKED) continue;
    total += 1;
    const key = (ranks[row] * (rows + 1) + standing[row]) * rows + row;
    if (best.length === most && key > best[most - 1]) continue;
    let at = best.length;
    while (at > 0 && best[at - 1] > key) at -= 1;
    best.splice(at, 0, key);
    if (best.length > most) best.pop();
  }
  return { rows: best.map((key) => key % rows), total };
}

// The place of every row's name among all names, shorter ones first; rows without a name last.
function standings(names, rows) {
  const standing = new Uint32Array(rows).fill(rows);
  if (!names) return standing;
  const { texts } = names;
  const { order, ends } = names.rowsOf;
  const sorted = Uint32Array.from(texts.keys()).sort(
    (a, b) => texts[a].length - texts[b].length || (texts[a] < texts[b] ? -1 : Number(texts[a] > texts[b])),
  );
  sorted.forEach((value, place) => {
    for (let i = ends[value]; i < ends[value + 1]; i += 1) standing[order[i]] = place;
  });
  return standing;
}
