// Reads the table beside the features of a tile, as registry/render/tiles/table.py describes it, into columns that
// `valueAt` of pack.js understands.

class Bytes {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  take(length) {
    const part = this.bytes.subarray(this.at, this.at + length);
    if (part.length < length) throw new Error('a tile of this map is cut off');
    this.at += length;
    return part;
  }

  whole(count, width) {
    const planes = this.take(count * width);
    const out = new Float64Array(count);
    for (let byte = width - 1; byte >= 0; byte -= 1) {
      for (let i = 0; i < count; i += 1) out[i] = out[i] * 256 + planes[byte * count + i];
    }
    return out;
  }

  numbers(count, { base, step, width }) {
    return this.whole(count, width).map((above) => base + above * step);
  }
}

const READ = {
  text(bytes, rows, { values, width }) {
    return { type: 'text', values, codes: bytes.whole(rows, width) };
  },

  number(bytes, rows, spec) {
    const bits = spec.bits ? bytes.take(Math.ceil(rows / 8)) : null;
    const missing = (row) => bits !== null && (bits[row >> 3] >> (7 - (row & 7))) & 1;
    let held = 0;
    for (let row = 0; row < rows; row += 1) if (!missing(row)) held += 1;
    const numbers = bytes.numbers(held, spec);
    const out = new Float64Array(rows);
    let next = 0;
    for (let row = 0; row < rows; row += 1) {
      out[row] = missing(row) ? NaN : numbers[next] / 10 ** spec.decimals;
      if (!missing(row)) next += 1;
    }
    return { type: 'number', numbers: out };
  },

  real(bytes, rows) {
    const part = bytes.take(rows * 8);
    const view = new DataView(part.buffer, part.byteOffset, part.byteLength);
    return { type: 'number', numbers: Float64Array.from({ length: rows }, (_, row) => view.getFloat64(row * 8, true)) };
  },

  numbered(bytes, rows, { heads, width, numbers, same }, known, name) {
    const codes = bytes.whole(rows, width);
    const held = same ? known[same] : bytes.numbers(rows, numbers);
    known[name] = held;
    const text = (row) => {
      const [before, digits, after] = heads[codes[row] - 1];
      return digits ? `${before}${String(held[row]).padStart(digits, '0')}${after}` : `${before}${after}`;
    };
    const values = Array.from({ length: rows }, (_, row) => (codes[row] ? text(row) : undefined));
    return { type: 'text', values, codes: codes.map((code, row) => (code ? row + 1 : 0)) };
  },

  uuid(bytes, rows) {
    return { type: 'uuid', bytes: bytes.take(rows * 16), count: rows };
  },
};

/** Columns by name. */
export function readTable(part) {
  const length = new DataView(part.buffer, part.byteOffset, 4).getUint32(0, true);
  const { rows, columns } = JSON.parse(new TextDecoder().decode(part.subarray(4, 4 + length)));
  const bytes = new Bytes(part);
  bytes.take(4 + length);
  const known = {};
  return Object.fromEntries(columns.map((spec) => [spec.name, READ[spec.type](bytes, rows, spec, known, spec.name)]));
}
