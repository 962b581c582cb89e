// The order of rows by a column: texts as the reader's language sorts them, numbers as numbers, what is missing last.

/** How texts of a language are compared: Chinese by pinyin, digits by their number. */
export function collatorOf(lang) {
  return new Intl.Collator(lang === 'zh' ? 'zh-CN-u-co-pinyin' : 'en', { numeric: true });
}

/**
 * A number for every row of `rows` that sorts as `valueOf(row)` does; NaN where there is no value. Every different text
 * is compared once, so that a hundred thousand rows of a few texts cost no more than a few comparisons.
 */
export function sortKeys(rows, valueOf, lang) {
  const keys = new Float64Array(rows.length);
  const texts = new Map();
  const places = new Int32Array(rows.length).fill(-1);
  for (let i = 0; i < rows.length; i += 1) {
    const value = valueOf(rows[i]);
    if (typeof value === 'number') keys[i] = value;
    else if (value === undefined || value === '') keys[i] = NaN;
    else {
      if (!texts.has(value)) texts.set(value, texts.size);
      places[i] = texts.get(value);
    }
  }
  if (!texts.size) return keys;
  const ranks = ranksOf([...texts.keys()], collatorOf(lang));
  for (let i = 0; i < rows.length; i += 1) if (places[i] >= 0) keys[i] = ranks[places[i]];
  return keys;
}

function ranksOf(texts, collator) {
  const order = Uint32Array.from(texts.keys()).sort((a, b) => collator.compare(texts[a], texts[b]));
  const ranks = new Float64Array(texts.length);
  let rank = 0;
  order.forEach((place, i) => {
    if (i && collator.compare(texts[order[i - 1]], texts[place]) !== 0) rank += 1;
    ranks[place] = rank;
  });
  return ranks;
}

/** The rows in the order of their keys; equal ones stay as they are, those without a key stand last both ways. */
export function sortRows(rows, keys, descending = false) {
  const sign = descending ? -1 : 1;
  const order = Uint32Array.from(rows.keys()).sort((a, b) => {
    const missing = Number.isNaN(keys[a]) - Number.isNaN(keys[b]);
    if (missing) return missing;
    return sign * (keys[a] - keys[b]) || a - b;
  });
  return Array.from(order, (place) => rows[place]);
}
