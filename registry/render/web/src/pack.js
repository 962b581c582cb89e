// Reads what registry/render/packing.py writes: gzip in base64, holding a JSON header and byte planes.
//
// After gunzip: header length (uint32, little endian), header (UTF-8 JSON), then the columns of every table in the
// order of the header. An integer column is stored as byte planes (all lowest bytes, then all second bytes …), which
// gzip squeezes better than the numbers themselves.

import { learn, openIn } from './language.js';

/** Bytes of a base64 text. */
export function fromBase64(text) {
  const binary = atob(text.trim());
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i += 1) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** Unpacks a gzip stream with what the browser itself brings. */
export async function gunzip(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

class Reader {
  constructor(bytes, position) {
    this.bytes = bytes;
    this.position = position;
  }

  take(length) {
    const part = this.bytes.subarray(this.position, this.position + length);
    if (part.length < length) throw new Error('the packed data of this map is cut off');
    this.position += length;
    return part;
  }

  integers(rows, width) {
    const planes = this.take(rows * width);
    const out = new Int32Array(rows);
    for (let byte = 0; byte < width; byte += 1) {
      const offset = byte * rows;
      const shift = 8 * byte;
      for (let i = 0; i < rows; i += 1) out[i] |= planes[offset + i] << shift;
    }
    const fill = 32 - 8 * width;
    if (fill) for (let i = 0; i < rows; i += 1) out[i] = (out[i] << fill) >> fill;
    return out;
  }

  reals(rows) {
    const planes = this.take(rows * 8);
    const bytes = new Uint8Array(rows * 8);
    for (let byte = 0; byte < 8; byte += 1) {
      for (let i = 0; i < rows; i += 1) bytes[i * 8 + byte] = planes[byte * rows + i];
    }
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: rows }, (_, i) => view.getFloat64(i * 8, true));
  }
}

function readColumn(reader, rows, spec) {
  if (spec.type === 'text') {
    return { type: 'text', values: spec.values, codes: reader.integers(rows, spec.width) };
  }
  if (spec.type === 'uuid') return { type: 'uuid', bytes: reader.take(rows * 16), rows };
  if (spec.type === 'bytes') return { type: 'bytes', parts: spec.lengths.map((length) => reader.take(length)) };
  if (spec.type === 'real') return { type: 'number', numbers: reader.reals(rows) };
  const integers = reader.integers(rows, spec.width);
  const scale = 10 ** spec.decimals;
  const numbers = new Float64Array(rows);
  let sum = 0;
  for (let i = 0; i < rows; i += 1) {
    sum = spec.delta ? sum + integers[i] : integers[i];
    numbers[i] = sum / scale;
  }
  if (spec.missing) {
    const missing = reader.take(rows);
    for (let i = 0; i < rows; i += 1) if (missing[i]) numbers[i] = NaN;
  }
  return { type: 'number', numbers };
}

/** `{meta, tables}` of unpacked bytes; a table is `{rows, columns}`. */
export function decode(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const reader = new Reader(bytes, 4 + length);
  const tables = {};
  for (const { name, rows, columns } of header.tables) {
    const read = {};
    for (const spec of columns) read[spec.name] = readColumn(reader, rows, spec);
    tables[name] = { rows, columns: read };
  }
  return { meta: header.meta, tables };
}

const hex = (byte) => byte.toString(16).padStart(2, '0');

/** The value in one row of a column; `undefined` where the source had none. */
export function valueAt(column, row) {
  if (column === undefined) return undefined;
  if (column.type === 'number') {
    const number = column.numbers[row];
    return Number.isNaN(number) ? undefined : number;
  }
  if (column.type === 'text') {
    const code = column.codes[row];
    return code === 0 ? undefined : column.values[code - 1];
  }
  const digits = [];
  for (let byte = 0; byte < 16; byte += 1) digits.push(hex(column.bytes[byte * column.rows + row]));
  return digits.join('').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

async function unpackBlock(id) {
  return decode(await gunzip(fromBase64(document.getElementById(id).textContent)));
}

let learnt;

/** Decodes the block with this id in the page, after the page's words, which are a block of their own. */
export async function readBlock(id) {
  learnt ??= unpackBlock('registry_words').then(({ meta }) => learn(meta.says));
  await learnt;
  const block = await unpackBlock(id);
  openIn(block.meta.lang);
  return block;
}
