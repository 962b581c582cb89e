// Numbers and units as a reader of each language expects them.

const UNITS = {
  zh: { t: '吨', 't/a': '吨/年', m3: 'm³', m2: 'm²', km2: 'km²', 'yuan/t': '元/吨' },
  en: { t: 't', 't/a': 't/a', m3: 'm³', m2: 'm²', km2: 'km²', 'yuan/t': 'yuan/t' },
};
const IN_TEN_THOUSANDS = new Set(['t', 't/a', 'm3']);

/** A grouped number with at most `digits` decimals. */
export function number(value, lang, digits = 3) {
  return new Intl.NumberFormat(lang === 'zh' ? 'zh-CN' : 'en', { maximumFractionDigits: digits }).format(value);
}

/** A quantity with its unit: 万吨 and 万m³ (亿 for sums) in Chinese, Mt in English, where the number is large. */
export function quantity(value, unit, lang) {
  if (!unit) return number(value, lang);
  const words = UNITS[lang]?.[unit] ?? unit;
  if (lang === 'zh' && IN_TEN_THOUSANDS.has(unit) && Math.abs(value) >= 1e9) {
    return `${number(value / 1e8, lang, 2)} 亿${words}`;
  }
  if (lang === 'zh' && IN_TEN_THOUSANDS.has(unit) && Math.abs(value) >= 1e4) {
    return `${number(value / 1e4, lang, 2)} 万${words}`;
  }
  if (lang === 'en' && unit.startsWith('t') && Math.abs(value) >= 1e6) {
    return `${number(value / 1e6, lang, 2)} M${words}`;
  }
  return `${number(value, lang)} ${words}`;
}

/** The unit in which a reader types figures up to `greatest`: `{factor, text}`, the quantity = typed figure · factor. */
export function typedUnit(unit, lang, greatest) {
  const text = UNITS[lang]?.[unit] ?? unit ?? '';
  if (lang === 'zh' && IN_TEN_THOUSANDS.has(unit) && greatest >= 1e4) return { factor: 1e4, text: `万${text}` };
  if (lang === 'en' && IN_TEN_THOUSANDS.has(unit) && greatest >= 1e6) {
    return { factor: 1e6, text: unit === 'm3' ? `million ${text}` : `M${text}` };
  }
  return { factor: 1, text };
}

/** A distance in metres, said in km from one kilometre on. */
export function distance(metres, lang) {
  if (metres < 1000) return `${number(metres, lang, 0)} m`;
  return `${number(metres / 1000, lang, metres < 1e5 ? 1 : 0)} km`;
}

/** An area in km², rounded to a few digits: in 万km² where Chinese says it so. */
export function area(km2, lang) {
  if (lang === 'zh' && km2 >= 1e4) return `${number(km2 / 1e4, lang, km2 < 1e5 ? 1 : 0)} 万km²`;
  return `${number(km2 >= 1e5 ? Math.round(km2 / 1e3) * 1e3 : Math.round(km2), lang)} km²`;
}

/** Longitude and latitude in degrees, as an inspector would type them. */
export function position(lng, lat) {
  return `${lng.toFixed(6)}, ${lat.toFixed(6)}`;
}
