// Measured lengths, areas and directions as a reader of each language says them.

import { windOf } from './coordinates.js';
import { number } from '../page/format.js';
import { language, words } from '../page/language.js';

const MU = 2000 / 3; // square metres of one 亩

/** A measured length: metres up to one kilometre, then kilometres down to the metre while that is of use. */
export function lengthText(metres, lang = language()) {
  if (metres < 1000) return `${number(metres, lang, 1)} m`;
  const km = metres / 1000;
  return `${number(km, lang, km < 100 ? 3 : km < 1000 ? 2 : 1)} km`;
}

const digits = (value) => (value < 10 ? 3 : value < 100 ? 2 : value < 1e4 ? 1 : 0);

/** A measured area in the unit of its size, then what people of the country reckon land in: hectares, and 亩 in Chinese. */
export function areaText(squareMetres, lang = language()) {
  const said = (value, unit) => `${number(value, lang, digits(value))} ${unit}`;
  const inTenThousands = (value, unit) => (value >= 1e4 ? said(value / 1e4, `万${unit}`) : said(value, unit));
  const hectares = lang === 'zh' ? inTenThousands(squareMetres / 1e4, '公顷') : said(squareMetres / 1e4, 'ha');
  const units = [];
  if (squareMetres >= 1e6) units.push(said(squareMetres / 1e6, 'km²'), hectares);
  else if (squareMetres >= 1e4) units.push(hectares);
  else units.push(said(squareMetres, 'm²'));
  if (lang === 'zh') units.push(inTenThousands(squareMetres / MU, '亩'));
  return units.join(' = ');
}

/** A direction in words and degrees: 东北 47°, NE 47°; nothing where there is none. */
export function windText(azimuth, winds = words().winds) {
  if (Number.isNaN(azimuth)) return '';
  return `${winds.split(' ')[windOf(azimuth)]} ${Math.round(azimuth) % 360}°`;
}
