// Which plant accepts a waste, by the rules of registry/services/materials.py.

const SEPARATORS = /[;；,，、]/u;
const NOISE = /[\s\-‐-―_.]+/gu;
const CATEGORY = /^SW?(\d{2})$/u;
const GENERAL = /^([0-9A-Z]{3}\d{3})SW?(\d{2})$/u;
const HAZARDOUS = /^(?:HW\d{2})?(\d{6})(?:(\d{2})(?:HW\2)?|HW(\d{2}))$/u;

/** The one spelling of a waste code that all its spellings share: `091001S05`, `S05`, `32100248`, `HW48`. */
export function wasteCode(text) {
  const code = text.toUpperCase().replace(NOISE, '');
  let found = CATEGORY.exec(code);
  if (found) return `S${found[1]}`;
  found = GENERAL.exec(code);
  if (found) return `${found[1]}S${found[2]}`;
  found = HAZARDOUS.exec(code);
  return found ? found[1] + (found[2] ?? found[3]) : code;
}

/** The category of a code in that spelling: `S05`, `HW48`; undefined where it has none. */
export function categoryOf(code) {
  if (code.startsWith('HW') || CATEGORY.test(code)) return code;
  let found = GENERAL.exec(code);
  if (found) return `S${found[2]}`;
  found = HAZARDOUS.exec(code);
  return found ? `HW${found[2] ?? found[3]}` : undefined;
}

/** The codes in a text such as `091-001-S05;SW04`, by their one spelling: spelling → as written. */
export function wasteCodes(text) {
  const codes = new Map();
  for (const part of (text ?? '').split(SEPARATORS)) {
    const code = wasteCode(part);
    if (code && !codes.has(code)) codes.set(code, part.trim());
  }
  return codes;
}

/** Whether a plant that takes these codes accepts one: it names the code or the code's category. */
export function accepts(taken, code) {
  return taken.has(code) || taken.has(categoryOf(code));
}
