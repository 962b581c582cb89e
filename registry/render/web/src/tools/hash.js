// What the map shows as the hash of its address: `map=zoom/lat/lng`, language, switches, filter, open site.
//
// A hash that is ours survives a mail: letters, digits and `-_=&/,%` alone. What is not ours is not read at all.

const LANGUAGES = /^(zh|en)$/;
const NUMBER = String.raw`-?\d{1,3}(?:\.\d{1,9})?`;
const VIEW = new RegExp(`^(\\d{1,2}(?:\\.\\d{1,3})?)/(${NUMBER})/(${NUMBER})$`);
const LONGEST = 16_000; // characters; a longer one is nobody's link

/** JSON with the names of every object in order, so that the same state is the same text. */
export function stableJson(value) {
  return JSON.stringify(value, (_, part) => {
    if (!part || typeof part !== 'object' || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** A text in the letters that an address keeps as they are: base64url of its UTF-8. */
export function toAddress(text) {
  const binary = Array.from(new TextEncoder().encode(text), (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The text that `toAddress` was given; throws where it is none. */
export function fromAddress(text) {
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (sign) => sign.charCodeAt(0));
  return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
}

/** Degrees with as many decimals as tell one pixel of a zoom from the next. */
function degrees(value, zoom) {
  const decimals = Math.max(2, Math.ceil(Math.log10((256 * 2 ** zoom) / 360)) + 1);
  return String(Number(value.toFixed(decimals)));
}

// Everything but letters and digits, so that no list is broken by what stands in it.
const escaped = (text) => encodeURIComponent(text).replace(/[!'()*~.]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);

/**
 * The hash of a state, without its `#`.
 *
 * `{view: {zoom, lat, lng}, lang, on, off, filter, site}`: `on` and `off` are the switches of the legend that stand
 * otherwise than in the page as it opens; all but the view may be missing.
 */
export function encodeState({ view, lang, on = [], off = [], filter, site }) {
  const parts = [];
  if (view) parts.push(`map=${Number(view.zoom.toFixed(2))}/${degrees(view.lat, view.zoom)}/${degrees(view.lng, view.zoom)}`);
  if (lang) parts.push(`lang=${lang}`);
  if (on.length) parts.push(`on=${[...on].sort().map(escaped).join(',')}`);
  if (off.length) parts.push(`off=${[...off].sort().map(escaped).join(',')}`);
  if (filter !== undefined) parts.push(`filter=${toAddress(stableJson(filter))}`);
  if (site !== undefined) parts.push(`site=${escaped(site)}`);
  return parts.join('&');
}

const READERS = {
  map(text) {
    const [, zoom, lat, lng] = (VIEW.exec(text) ?? []).map(Number);
    if (!(zoom <= 30 && Math.abs(lat) <= 90 && Math.abs(lng) <= 360)) return undefined;
    return { view: { zoom, lat, lng } };
  },
  lang: (text) => (LANGUAGES.test(text) ? { lang: text } : undefined),
  on: (text) => ({ on: text.split(',').filter(Boolean).map(decodeURIComponent) }),
  off: (text) => ({ off: text.split(',').filter(Boolean).map(decodeURIComponent) }),
  filter(text) {
    const filter = JSON.parse(fromAddress(text));
    return filter && typeof filter === 'object' && !Array.isArray(filter) ? { filter } : undefined;
  },
  site: (text) => (text ? { site: decodeURIComponent(text) } : undefined),
};

/** The state that a hash or a whole address tells; null where it is not one of ours. What of it is damaged is left out. */
export function decodeState(text) {
  const from = text.indexOf('#');
  const hash = text.slice(from + 1);
  if (!hash || hash.length > LONGEST) return null;
  const state = {};
  for (const part of hash.split('&')) {
    const [name, value] = part.split(/=(.*)/s);
    if (value === undefined || !Object.hasOwn(READERS, name)) continue;
    try {
      Object.assign(state, READERS[name](value));
    } catch {
      // Damaged on its way: the rest may still be good.
    }
  }
  return Object.keys(state).length ? state : null;
}
