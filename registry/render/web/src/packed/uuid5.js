// UUIDs of version 5 (RFC 9562): SHA-1 of a namespace and a text. The browser's own digest is asynchronous, and is missing
// from pages that are opened from a file in some browsers; what asks for a site's uid wants it at once.

const words = new Int32Array(80); // one block's, used again for the next

function mixBlock(hash, view, offset) {
  for (let i = 0; i < 16; i += 1) words[i] = view.getInt32(offset + i * 4);
  for (let i = 16; i < 80; i += 1) {
    const word = words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16];
    words[i] = (word << 1) | (word >>> 31);
  }
  let [a, b, c, d, e] = hash;
  for (let i = 0; i < 80; i += 1) {
    let mixed;
    if (i < 20) mixed = ((b & c) | (~b & d)) + 0x5a827999;
    else if (i < 40) mixed = (b ^ c ^ d) + 0x6ed9eba1;
    else if (i < 60) mixed = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
    else mixed = (b ^ c ^ d) + 0xca62c1d6;
    const next = (((a << 5) | (a >>> 27)) + mixed + e + words[i]) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = next;
  }
  hash[0] += a;
  hash[1] += b;
  hash[2] += c;
  hash[3] += d;
  hash[4] += e;
}

/** The five words of the SHA-1 of bytes (FIPS 180-4). */
export function sha1(bytes) {
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(blocks * 64 - 8, Math.floor(bytes.length / 2 ** 29));
  view.setUint32(blocks * 64 - 4, bytes.length << 3);
  const hash = new Int32Array([0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0]);
  for (let block = 0; block < blocks; block += 1) mixBlock(hash, view, block * 64);
  return hash;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/** A UUID as it is written, of sixteen bytes from `first` on, `gap` apart. */
export function uuidText(bytes, first = 0, gap = 1) {
  let text = '';
  for (let byte = 0; byte < 16; byte += 1) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) text += '-';
    text += HEX[bytes[first + byte * gap]];
  }
  return text;
}

/** The bytes of so many hexadecimal digits. */
export function fromHex(digits) {
  return Uint8Array.from({ length: digits.length / 2 }, (_, i) => Number.parseInt(digits.slice(2 * i, 2 * i + 2), 16));
}

const encoder = new TextEncoder();
const octets = new DataView(new ArrayBuffer(20));
const view = new Uint8Array(octets.buffer);

/** The UUID of a text in a namespace (sixteen bytes). */
export function madeUuid(space, text) {
  const name = encoder.encode(text);
  const bytes = new Uint8Array(16 + name.length);
  bytes.set(space);
  bytes.set(name, 16);
  const hash = sha1(bytes);
  for (let i = 0; i < 4; i += 1) octets.setInt32(i * 4, hash[i]);
  view[6] = (view[6] & 0x0f) | 0x50;
  view[8] = (view[8] & 0x3f) | 0x80;
  return uuidText(view);
}
