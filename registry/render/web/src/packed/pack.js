// Reads what registry/render/packing.py writes: gzip in base64, holding a JSON header and the bytes of columns.
//
// After gunzip: header length (uint32, little endian), header (UTF-8 JSON), then the columns of every table in the
// order of the header. Header: {meta, tables: [{name, rows, columns: [spec]}]}. In a spec, what takes bytes stands
// in the order in which it is read here; `I` is a spec of integers.
//
//   I        {base = 0, step = 1} and one of
//              {width}            byte planes: all lowest bytes, then all second bytes … (0: nothing)
//              {width, steps}     the same; each is the step from the number before, 0, −1, 1, −2 … as 0, 1, 2, 3 …
//              {states}           as many numbers below `states` in a byte as fit, the first as the lowest digit
//              {listed, list: I, width}  so many different numbers, then places in that list
//            a number is base + step · what is stored (or its running sum)
//   number   {decimals, usual?, states: I?, like?, integers: I}: by row 0 none, 1 the usual, 2 the next of the
//            integers; all rows are 2 without `states`; over 10^decimals. like {column, ratio}: an integer is what it is
//            above ⌊number of that column · ratio · 10^decimals + ½⌋
//            {real}: doubles in eight byte planes
//   text     {values | count with patterns, codes: I}: places in the list from 1, 0 is none
//            {patterns, which: I, slots: [I | {same: [column, slot]}]}, one text a row: number of its pattern from 1, 0 is
//            none; then for each slot the numbers of those rows whose pattern has it. A pattern is text, digits, text,
//            digits, … text: a number is filled up with zeros to so many digits. `same`: the numbers of another column
//   uuid     {}: sixteen byte planes
//            {made: {space, kind, code}, brought: I}: by row 1 for the next of the sixteen planes, 0 for the UUID of
//            version 5 of `kind|code:code` (columns) in that namespace
//   bytes    {lengths}: so many bytes a row

import { fromHex, madeUuid, uuidText } from './uuid5.js';

/** Bytes of a base64 text. */
export function fromBase64(text) {
  const trimmed = text.trim();
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(trimmed);
  const binary = atob(trimmed);
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

  /** So many numbers of an `I`, in a typed array. */
  integers(count, spec) {
    const { base = 0, step = 1 } = spec;
    if (spec.steps) return summed(this.planes(count, spec.width), base, step);
    const list = spec.list && this.integers(spec.listed, spec.list);
    const stored = spec.states ? this.digits(count, spec.states) : this.planes(count, spec.width);
    if (!list && base === 0 && step === 1) return stored;
    const out = new Float64Array(count);
    for (let i = 0; i < count; i += 1) out[i] = base + step * (list ? list[stored[i]] : stored[i]);
    return out;
  }

  planes(count, width) {
    const first = width ? this.take(count) : new Uint8Array(count);
    if (width < 2) return first;
    // Above 31 bits only doubles hold the numbers.
    const out = width < 4 ? new Int32Array(first) : new Float64Array(first);
    for (let byte = 1; byte < width; byte += 1) {
      const plane = this.take(count);
      const factor = 256 ** byte;
      for (let i = 0; i < count; i += 1) out[i] += factor * plane[i];
    }
    return out;
  }

  digits(count, states) {
    let each = 1;
    while (states ** (each + 1) <= 256) each += 1;
    const bytes = this.take(Math.ceil(count / each));
    const out = new Uint8Array(count);
    for (let i = 0, at = 0; i < count; at += 1) {
      let rest = bytes[at];
      for (let digit = 0; digit < each && i < count; digit += 1, i += 1) {
        out[i] = rest % states;
        rest = (rest / states) | 0;
      }
    }
    return out;
  }

  reals(count) {
    const planes = this.take(count * 8);
    const bytes = new Uint8Array(count * 8);
    for (let byte = 0; byte < 8; byte += 1) {
      for (let i = 0; i < count; i += 1) bytes[i * 8 + byte] = planes[byte * count + i];
    }
    const view = new DataView(bytes.buffer);
    return Float64Array.from({ length: count }, (_, i) => view.getFloat64(i * 8, true));
  }
}

function summed(steps, base, step) {
  const out = new Float64Array(steps.length);
  let sum = 0;
  for (let i = 0; i < steps.length; i += 1) {
    const half = Math.floor(steps[i] / 2);
    sum += steps[i] === 2 * half ? half : -half - 1;
    out[i] = base + step * sum;
  }
  return out;
}

function readNumbers(reader, rows, spec, columns) {
  if (spec.real) return { type: 'number', numbers: reader.reals(rows) };
  const scale = 10 ** spec.decimals;
  const states = spec.states && reader.integers(rows, spec.states);
  const own = states ? howMany(states, (state) => state === 2) : rows;
  const integers = reader.integers(own, spec.integers);
  const others = spec.like && columns[spec.like.column].numbers;
  const numbers = new Float64Array(rows);
  for (let row = 0, next = 0; row < rows; row += 1) {
    if (states && states[row] !== 2) {
      numbers[row] = states[row] ? spec.usual / scale : NaN;
    } else {
      let integer = integers[next];
      next += 1;
      if (others) integer += expected(others[row], spec.like.ratio, scale);
      numbers[row] = integer / scale;
    }
  }
  return { type: 'number', numbers };
}

function howMany(array, fits) {
  let sum = 0;
  for (let i = 0; i < array.length; i += 1) if (fits(array[i])) sum += 1;
  return sum;
}

function expected(other, ratio, scale) {
  const told = Math.floor(other * ratio * scale + 0.5);
  return Math.abs(told) < 2 ** 46 ? told : 0;
}

/** One text a row, made when it is asked for. */
class Patterned {
  constructor(patterns, which, slots) {
    Object.assign(this, { type: 'text', patterns, which, slots });
  }

  text(row) {
    const pattern = this.patterns[this.which[row] - 1];
    if (pattern === undefined) return undefined;
    let text = pattern[0];
    for (let at = 1; at < pattern.length; at += 2) {
      text += String(this.slots[(at - 1) / 2][row]).padStart(pattern[at], '0') + pattern[at + 1];
    }
    return text;
  }

  /** The different texts, as columns with a list have them. */
  get values() {
    this._list();
    return this._values;
  }

  /** Places in `values` from 1; 0 is none. */
  get codes() {
    this._list();
    return this._codes;
  }

  _list() {
    if (this._values) return;
    const places = new Map();
    this._codes = Int32Array.from(this.which, (_, row) => {
      const text = this.text(row);
      if (text === undefined) return 0;
      if (!places.has(text)) places.set(text, places.size + 1);
      return places.get(text);
    });
    this._values = [...places.keys()];
  }
}

function readPatterned(reader, rows, spec, columns) {
  const which = reader.integers(rows, spec.which);
  const slots = spec.slots.map((slot, at) => {
    if (slot.same) return columns[slot.same[0]].slots[slot.same[1]];
    const has = [false, ...spec.patterns.map((pattern) => pattern.length > 2 * at + 1)];
    const numbers = reader.integers(
      howMany(which, (pattern) => has[pattern]),
      slot,
    );
    const out = new Int32Array(rows);
    for (let row = 0, next = 0; row < rows; row += 1) {
      if (has[which[row]]) {
        out[row] = numbers[next];
        next += 1;
      }
    }
    return out;
  });
  return new Patterned(spec.patterns, which, slots);
}

function readTexts(reader, rows, spec, columns) {
  if (!spec.codes) return readPatterned(reader, rows, spec, columns);
  let { values } = spec;
  if (!values) {
    const list = readPatterned(reader, spec.count, spec, {});
    values = Array.from({ length: spec.count }, (_, at) => list.text(at));
  }
  return { type: 'text', values, codes: new Int32Array(reader.integers(rows, spec.codes)) };
}

function readUuids(reader, rows, spec, columns) {
  if (!spec.made) return { type: 'uuid', bytes: reader.take(rows * 16), count: rows };
  const brought = reader.integers(rows, spec.brought);
  const own = howMany(brought, (is) => is === 1);
  const places = new Int32Array(rows).fill(-1);
  for (let row = 0, next = 0; row < rows; row += 1) {
    if (brought[row]) {
      places[row] = next;
      next += 1;
    }
  }
  const { kind, code } = spec.made; // columns that may stand after this one
  const space = fromHex(spec.made.space);
  const made = (row) => madeUuid(space, `${valueAt(columns[kind], row)}|code:${valueAt(columns[code], row)}`);
  return { type: 'uuid', bytes: reader.take(own * 16), count: own, places, made };
}

const readBytes = (reader, rows, spec) => ({ type: 'bytes', parts: spec.lengths.map((length) => reader.take(length)) });

const READ = { number: readNumbers, text: readTexts, uuid: readUuids, bytes: readBytes };

/** `{meta, tables}` of unpacked bytes; a table is `{rows, columns}`. */
export function decode(bytes) {
  const length = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const reader = new Reader(bytes, 4 + length);
  const tables = {};
  for (const { name, rows, columns } of header.tables) {
    const read = {};
    for (const spec of columns) read[spec.name] = READ[spec.type](reader, rows, spec, read);
    tables[name] = { rows, columns: read };
  }
  return { meta: header.meta, tables };
}

function uuidAt(column, row) {
  const place = column.places ? column.places[row] : row;
  return place < 0 ? column.made(row) : uuidText(column.bytes, place, column.count);
}

/** The value in one row of a column; `undefined` where the source had none. */
export function valueAt(column, row) {
  if (column === undefined) return undefined;
  if (column.type === 'number') {
    const number = column.numbers[row];
    return Number.isNaN(number) ? undefined : number;
  }
  if (column.type === 'uuid') return uuidAt(column, row);
  if (column.patterns) return column.text(row);
  const code = column.codes[row];
  return code === 0 ? undefined : column.values[code - 1];
}
