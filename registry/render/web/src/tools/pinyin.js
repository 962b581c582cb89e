// Chinese names found by what is typed on a Latin keyboard: initials, syllables, or both mixed.

const DIGIT = 1 << 26;
const LETTER_A = 97;

/** The bit of a Latin letter in lower case, one bit for all digits, 0 for anything else. */
function bitOf(unit) {
  if (unit >= LETTER_A && unit < LETTER_A + 26) return 1 << (unit - LETTER_A);
  return unit >= 48 && unit <= 57 ? DIGIT : 0;
}

/**
 * What a query in Latin letters needs of a text in which names stand one after another.
 *
 * `syllables` is syllable → the characters that can be read so; a character with several readings stands in several.
 * `firsts` holds for every unit of `text` the letters with which its readings begin, as bits: most places where no
 * match can start are passed over by one comparison. `seconds` holds by unit the letters that stand second in them.
 */
export function readingIndex(text, syllables) {
  const readings = new Map();
  const bits = new Uint32Array(0x10000);
  const seconds = new Uint32Array(0x10000);
  for (let unit = 0; unit < 128; unit += 1) bits[unit] = bitOf(unit);
  for (const [syllable, characters] of Object.entries(syllables ?? {})) {
    for (const character of characters) {
      const unit = character.charCodeAt(0);
      if (!readings.has(unit)) readings.set(unit, []);
      readings.get(unit).push(syllable);
      bits[unit] |= bitOf(syllable.charCodeAt(0));
      if (syllable.length > 1) seconds[unit] |= bitOf(syllable.charCodeAt(1));
    }
  }
  const firsts = new Uint32Array(text.length);
  for (let i = 0; i < text.length; i += 1) firsts[i] = bits[text.charCodeAt(i)];
  return { text, firsts, seconds, readings };
}

/** Whether a text can be read aloud: letters and digits that a keyboard without Chinese has. */
export function isSpelling(query) {
  return /^[a-z0-9]{2,}$/.test(query);
}

// Whether the query from `from` on spells the names' text from `at` on: every character by its first letter or by a
// whole syllable, the last one by any beginning of a syllable. A letter or digit in the text stands for itself.
function spells(index, query, wanted, at, from) {
  if (from === query.length) return true;
  if ((index.firsts[at] & wanted[from]) === 0) return false;
  const unit = index.text.charCodeAt(at);
  if (unit < 128) return unit === query.charCodeAt(from) && spells(index, query, wanted, at + 1, from + 1);
  const left = query.length - from;
  for (const syllable of index.readings.get(unit)) {
    if (syllable.charCodeAt(0) !== query.charCodeAt(from)) continue;
    if (left <= syllable.length && syllable.startsWith(query.slice(from))) return true;
    const whole = left > syllable.length && query.startsWith(syllable, from);
    if (whole && spells(index, query, wanted, at + 1, from + syllable.length)) return true;
    if (spells(index, query, wanted, at + 1, from + 1)) return true;
  }
  return false;
}

// The common case of `spells`, by bits alone: every letter begins a reading of one character.
function initials({ text, firsts }, query, wanted, at) {
  for (let i = 0; i < wanted.length; i += 1) {
    if ((firsts[at + i] & wanted[i]) === 0) return false;
    const unit = text.charCodeAt(at + i);
    if (unit < 128 && unit !== query.charCodeAt(i)) return false;
  }
  return true;
}

/** Calls `found(place)` for every place of the text where the query, a spelling in lower case, begins to match. */
export function eachSpelled(index, query, found) {
  const wanted = Uint32Array.from(query, (letter) => bitOf(letter.charCodeAt(0)));
  const { text, firsts, seconds } = index;
  const [first, second] = wanted;
  for (let at = 0; at < firsts.length; at += 1) {
    // The second letter either belongs to the first character's syllable or begins the next one.
    if ((firsts[at] & first) === 0) continue;
    if (((firsts[at + 1] | seconds[text.charCodeAt(at)]) & second) === 0) continue;
    if (initials(index, query, wanted, at) || spells(index, query, wanted, at, 0)) found(at);
  }
}
