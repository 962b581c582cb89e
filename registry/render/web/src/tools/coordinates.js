// Positions as people type them: decimal degrees, or degrees, minutes and seconds with a letter or a word.

const DEGREE_SIGNS = /[°º˚度d]/giu;
const MINUTE_SIGNS = /[′’‘'´分]/gu;
const SECOND_SIGNS = /(?:[″”“"秒]|''|′′)/gu;
const SIDES = { E: 1, W: -1, N: 1, S: -1 };
const WORDS = [
  [/东经/gu, 'E'],
  [/西经/gu, 'W'],
  [/北纬/gu, 'N'],
  [/南纬/gu, 'S'],
];
const NUMBER = String.raw`\d+(?:\.\d+)?`;
const ANGLE = new RegExp(
  String.raw`^([+-]?)(${NUMBER})(?:D\s*(?:(${NUMBER})(?:M\s*(?:(${NUMBER})(?:Z)?)?)?)?)?$`,
  'u',
);

/** Degrees of one angle in normal spelling (D, M and Z for the signs); undefined where it is none. */
function degreesOf(text) {
  const found = ANGLE.exec(text.trim().replace(/−/gu, '-'));
  if (!found) return undefined;
  const [minutes, seconds] = [Number(found[3] ?? 0), Number(found[4] ?? 0)];
  if (minutes >= 60 || seconds >= 60) return undefined;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) + minutes / 60 + seconds / 3600);
}

function normal(text) {
  // Full-width digits, letters and signs, as a Chinese keyboard types them. NFKC would take degree signs apart.
  let plain = text.replace(/[！-～]/gu, (sign) => String.fromCharCode(sign.charCodeAt(0) - 0xfee0)).trim();
  for (const [word, letter] of WORDS) plain = plain.replace(word, letter);
  return plain
    .replace(SECOND_SIGNS, 'Z')
    .replace(DEGREE_SIGNS, 'D')
    .replace(MINUTE_SIGNS, 'M')
    .replace(/[,、;]/gu, ' ')
    .toUpperCase();
}

/** The two angles of a text with the side of the earth that each names, if it names one. */
function angles(plain) {
  const letters = [...plain.matchAll(/[EWNS]/gu)];
  if (letters.length === 2) {
    const [first, second] = letters;
    const leading = first.index === 0;
    const parts = leading
      ? [plain.slice(1, second.index), plain.slice(second.index + 1)]
      : [plain.slice(0, first.index), plain.slice(first.index + 1, second.index)];
    if (!leading && plain.slice(second.index + 1).trim()) return undefined;
    return parts.map((part, i) => ({ degrees: degreesOf(part), side: letters[i][0] }));
  }
  if (letters.length) return undefined;
  // Without letters a space parts the two, unless it stands within an angle: after a degree or minute sign.
  const parts = plain.replace(/([DM])\s+(?=\d+(?:\.\d+)?\s*[MZ])/gu, '$1').split(/\s+/u);
  return parts.length === 2 ? parts.map((part) => ({ degrees: degreesOf(part) })) : undefined;
}

/**
 * `{lng, lat}` in degrees of a text, or null where it names no place on earth.
 *
 * Longitude comes first, as in "117.93, 40.97", unless letters or words say otherwise, as in "40°58′N 117°56′E" and
 * "北纬40度58分 东经117度56分", or the second number can only be a longitude.
 */
export function parsePosition(text) {
  const found = angles(normal(text));
  if (!found || found.some(({ degrees }) => degrees === undefined)) return null;
  let [first, second] = found;
  if (first.side) {
    if (found.some(({ degrees }) => degrees < 0)) return null;
    if ('NS'.includes(first.side)) [first, second] = [second, first];
    if (!'EW'.includes(first.side) || !'NS'.includes(second.side)) return null;
    first.degrees *= SIDES[first.side];
    second.degrees *= SIDES[second.side];
  } else if (Math.abs(second.degrees) > 90 && Math.abs(first.degrees) <= 90) {
    [first, second] = [second, first];
  }
  if (Math.abs(first.degrees) > 180 || Math.abs(second.degrees) > 90) return null;
  return { lng: first.degrees, lat: second.degrees };
}

/** A position as it can be typed again: longitude and latitude with six decimals, longitude within ±180°. */
export function positionText({ lng, lat }) {
  const east = lng - 360 * Math.round(lng / 360);
  return `${east.toFixed(6)}, ${lat.toFixed(6)}`;
}

/** Which of `count` equal winds a direction in degrees belongs to, 0 being north, clockwise. */
export function windOf(azimuth, count = 8) {
  return Math.round((azimuth * count) / 360) % count;
}
