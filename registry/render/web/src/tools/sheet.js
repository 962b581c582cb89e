// The measures of a printed sheet: paper, scale, date.

const INCH_MM = 25.4;
const CSS_DPI = 96;
const MARGIN_MM = 8;
const PAPERS = { A4: [210, 297], A3: [297, 420] }; // mm, width and height when upright
const MOST_PIXELS = 16_000_000; // of one canvas: phones refuse larger ones
const MOST_RATIO = 3; // canvas pixels a CSS pixel: 288 dpi

export const PAPER_NAMES = Object.keys(PAPERS);
export const ORIENTATIONS = ['landscape', 'portrait'];

const pixels = (mm) => Math.floor((mm / INCH_MM) * CSS_DPI);

/** The part of a sheet that is printed on, in CSS pixels, and the rule that asks the printer for that sheet. */
export function sheetOf(paper, orientation) {
  const [short, long] = PAPERS[paper];
  const [width, height] = orientation === 'landscape' ? [long, short] : [short, long];
  return {
    width: pixels(width - 2 * MARGIN_MM),
    height: pixels(height - 2 * MARGIN_MM) - 1, // a pixel less, so that rounding never makes a second page
    rule: `@page { size: ${width}mm ${height}mm; margin: ${MARGIN_MM}mm; }`,
  };
}

/** Canvas pixels a CSS pixel at which a map of this size is drawn for print. */
export function printRatio(width, height) {
  return Math.max(1, Math.min(MOST_RATIO, Math.sqrt(MOST_PIXELS / (width * height))));
}

/** The longest round distance that fits into `most` pixels: `{metres, pixels}`. */
export function scaleBar(metresPerPixel, most) {
  const longest = metresPerPixel * most;
  const power = 10 ** Math.floor(Math.log10(longest));
  const metres = power * [5, 2, 1].find((step) => step * power <= longest);
  return { metres, pixels: metres / metresPerPixel };
}

/** The scale as a fraction, rounded as far as paper can be read: `1:12,500,000`, in Chinese `1∶1250万`. */
export function scaleFraction(metresPerPixel, lang) {
  const exact = (metresPerPixel * CSS_DPI * 1000) / INCH_MM;
  const rounded = Number(exact.toPrecision(3));
  if (lang !== 'zh') return `1:${new Intl.NumberFormat('en').format(rounded)}`;
  if (rounded < 1e4) return `1∶${rounded}`;
  return `1∶${Number((rounded / 1e4).toPrecision(3))}万`;
}

/** A day as a reader of the language writes it. */
export function dayText(date, lang) {
  if (lang === 'zh') return `${date.getFullYear()}年${date.getMonth() + 1}月${date.getDate()}日`;
  return new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'long', year: 'numeric' }).format(date);
}

/** A latitude in whole degrees with its hemisphere. */
export function latitudeText(lat, lang) {
  const size = `${Math.abs(lat).toFixed(1)}°`;
  if (lang === 'zh') return `${lat < 0 ? '南' : '北'}纬 ${size}`;
  return `${size} ${lat < 0 ? 'S' : 'N'}`;
}
