// Rows of a map as files: CSV that a spreadsheet opens without running anything in it, and GeoJSON.
//
// Both are made as the registry's own exports are (registry/export/delimited.py, workbook.py, vector.py).

import { el } from '../page/dom.js';
import { language, said, words } from '../page/language.js';
import { valueAt } from '../packed/pack.js';

// Full-width signs count as well: some spreadsheets fold them to the plain ones. An apostrophe in front of a text is
// what a reading registry takes away, so a text that begins with one gets another.
const DANGEROUS = /^[=+\-@\t\r\n＝＋－＠']/;
// Codes that a reading registry wants back as codes; a label would be a name that several places bear.
const AS_CODES = new Set(['province_code', 'city_code', 'county_code', 'waste_codes', 'waste_code']);
const NOT_FIELDS = new Set(['lng', 'lat']);
const BATCH = 5000; // rows in one part of a file

/** The text, with an apostrophe in front where a spreadsheet would run it. */
export function guard(text) {
  return DANGEROUS.test(text) ? `'${text}` : text;
}

/** One cell by RFC 4180: numbers as they are, texts guarded, and quoted where they must be. */
export function cell(value) {
  if (value === undefined || value === null) return '';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  const text = guard(String(value));
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Lines of CSV, in parts of some thousand rows; the first begins with the byte order mark that Excel looks for. */
export function csvParts(headings, rows, valuesOf) {
  const line = (values) => `${values.map(cell).join(',')}\r\n`;
  const parts = [`\ufeff${line(headings)}`];
  for (let begin = 0; begin < rows.length; begin += BATCH) {
    parts.push(rows.slice(begin, begin + BATCH).map((row) => line(valuesOf(row))).join(''));
  }
  return parts;
}

/** A feature collection by RFC 7946 in parts; `members` are its foreign members, such as the note on its data. */
export function geojsonParts(members, rows, featureOf) {
  const head = JSON.stringify({ type: 'FeatureCollection', ...members }).slice(0, -1);
  const parts = [`${head},"features":[`];
  for (let begin = 0; begin < rows.length; begin += BATCH) {
    const features = rows.slice(begin, begin + BATCH).map((row) => JSON.stringify(featureOf(row)));
    parts.push(`${begin ? ',\n' : '\n'}${features.join(',\n')}`);
  }
  parts.push('\n]}\n');
  return parts;
}

/** A point as a GeoJSON feature; coordinates to a millionth of a degree, which is what the page carries. */
export function pointFeature(id, properties, lng, lat) {
  const rounded = [lng, lat].map((degrees) => Number(degrees.toFixed(6)));
  return { type: 'Feature', id, properties, geometry: { type: 'Point', coordinates: rounded } };
}

/** True where a note says that the data is synthetic. */
export function isSynthetic(note) {
  return /synthetic|合成/i.test(note ?? '');
}

/** The name of a file that says what it holds, when it was made, and the note that its data bears. */
export function fileName(what, note, suffix, date = new Date()) {
  const day = [date.getFullYear(), date.getMonth() + 1, date.getDate()].map((part) => String(part).padStart(2, '0'));
  const plain = (text) =>
    text
      .replace(/[\p{C}\\/:*?"<>|·.,;，。；、（）()\s]+/gu, '_')
      .replace(/^_+|_+$/g, '');
  const parts = [plain(what), day.join('-'), plain([...(note ?? '')].slice(0, 60).join(''))];
  return `${parts.filter(Boolean).join('_')}.${suffix}`;
}

/** The field of the page that describes a column, as the first of the kinds knows it. */
function describedBy(fields, name) {
  for (const entries of Object.values(fields)) {
    const found = entries.find((field) => field.name === name);
    if (found) return found;
  }
  return undefined;
}

/** A truth is packed as 1 and 0. */
function isTruth(labels) {
  const codes = Object.keys(labels ?? {});
  return codes.length > 0 && codes.every((code) => code === '0' || code === '1');
}

/** Every field that the page has of its rows: `{name, heading, raw(row), text(row)}`, in the order of the columns. */
export function fieldsOf(sites) {
  const { fields = {}, terms = {}, kinds = {} } = said(sites.meta);
  const own = words();
  return Object.keys(sites.columns)
    .filter((name) => !NOT_FIELDS.has(name))
    .map((name) => {
      const field = describedBy(fields, name);
      const heading = field ? (field.unit ? `${field.label} (${field.unit})` : field.label) : own[`field_${name}`];
      const labels = name === 'kind' ? kinds : AS_CODES.has(name) ? undefined : terms[name];
      const truth = isTruth(labels);
      const column = sites.columns[name];
      const raw = (row) => {
        const value = valueAt(column, row);
        return truth && value !== undefined ? value === 1 || value === '1' : value;
      };
      const text = (row) => {
        const value = raw(row);
        return typeof value === 'string' ? (labels?.[value] ?? value) : value;
      };
      return { name, heading: heading ?? name, raw, text };
    });
}

/** The parts of a CSV file of these rows: headings and labels in the page's language, longitude and latitude last. */
export function csvOf(sites, rows, note) {
  const fields = fieldsOf(sites);
  const { field_lon: lon, field_lat: lat, field_note: noteHeading } = words();
  const noted = note ? [noteHeading] : [];
  const headings = [...fields.map(({ heading }) => heading), ...noted, lon, lat];
  return csvParts(headings, rows, (row) => [
    ...fields.map(({ text }) => text(row)),
    // In every row, since rows are copied from one table into another.
    ...(note ? [note] : []),
    sites.lng[row],
    sites.lat[row],
  ]);
}

/** The parts of a GeoJSON file of these rows: field names and codes as the registry has them. */
export function geojsonOf(sites, rows, note) {
  const fields = fieldsOf(sites);
  const members = note ? { description: note, synthetic: isSynthetic(note) } : {};
  return geojsonParts(members, rows, (row) => {
    const properties = Object.fromEntries(fields.map(({ name, raw }) => [name, raw(row) ?? null]));
    return pointFeature(properties.uid ?? undefined, properties, sites.lng[row], sites.lat[row]);
  });
}

/** Hands a file to the browser's downloads. */
export function saveAs(name, parts, type) {
  const link = el('a');
  link.href = URL.createObjectURL(new Blob(parts, { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** Downloads these rows as `csv` or `geojson`, in the page's language. */
export function download(sites, rows, suffix, note) {
  const name = fileName(words().list_file, note, suffix);
  if (suffix === 'csv') saveAs(name, csvOf(sites, rows, note), 'text/csv;charset=utf-8');
  else saveAs(name, geojsonOf(sites, rows, note), 'application/geo+json');
  return { name, lang: language() };
}
