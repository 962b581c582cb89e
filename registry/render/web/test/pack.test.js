import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decode, fromBase64, gunzip, valueAt } from '../src/packed/pack.js';
import { fromHex, madeUuid, sha1 } from '../src/packed/uuid5.js';

function packed(header, ...parts) {
  const head = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return gzipSync(Buffer.concat([length, head, ...parts.map((part) => Buffer.from(part))])).toString('base64');
}

const table = (rows, ...columns) => ({ meta: { lang: 'zh' }, tables: [{ name: 'sites', rows, columns }] });
const read = async (text) => decode(await gunzip(fromBase64(text)));

/** All values of a table of these columns. */
async function values(rows, columns, ...parts) {
  const { tables } = await read(packed(table(rows, ...columns), ...parts));
  const all = (column) => Array.from({ length: rows }, (_, row) => valueAt(column, row));
  return Object.fromEntries(Object.entries(tables.sites.columns).map(([name, column]) => [name, all(column)]));
}

const number = (integers, more = {}) => ({ name: 'n', type: 'number', decimals: 0, integers, ...more });

test('integers in byte planes stand above their base, in steps of their divisor', async () => {
  const { n } = await values(2, [number({ width: 2, base: -5, step: 10 })], [1, 2], [1, 0]);
  assert.deepEqual(n, [-5 + 10 * 257, 15]);
});

test('steps of both signs add up to the numbers', async () => {
  const spec = number({ width: 1, steps: true, base: 300 }, { decimals: 2 });
  // 0, −100 and 3 as 0, 199 and 6
  assert.deepEqual((await values(3, [spec], [0, 199, 6])).n, [3, 2, 2.03]);
});

test('six bytes are more than a 32-bit integer holds', async () => {
  assert.deepEqual((await values(1, [number({ width: 6 })], [1], [0], [0], [0], [1], [0])).n, [2 ** 32 + 1]);
});

test('numbers below three go five in a byte', async () => {
  const digits = [2, 0, 1, 1, 2, 1];
  const byte = digits.slice(0, 5).reduce((sum, digit, at) => sum + digit * 3 ** at, 0);
  assert.deepEqual((await values(6, [number({ states: 3 })], [byte, 1])).n, digits);
});

test('a list of the different numbers comes before the places in it', async () => {
  const spec = number({ width: 1, listed: 2, list: { width: 1, steps: true, base: 7 } });
  assert.deepEqual((await values(3, [spec], [0, 10], [1, 0, 1])).n, [12, 7, 12]);
});

test('a row has no number, the usual one or the next of the integers', async () => {
  const spec = number({ width: 1 }, { decimals: 1, usual: 5, states: { states: 3 } });
  assert.deepEqual((await values(4, [spec], [2 + 3 * 0 + 9 * 1 + 27 * 2], [42, 43])).n, [4.2, undefined, 0.5, 4.3]);
});

test('a number may be told as what it is above another column’s', async () => {
  const first = { ...number({ width: 1 }), name: 'storage' };
  const spec = number({ width: 1, base: -1 }, { like: { column: 'storage', ratio: 1.5 } });
  assert.deepEqual((await values(2, [first, spec], [10, 3], [1, 3])).n, [15, 7]);
});

test('doubles come as they are', async () => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(-Infinity);
  assert.deepEqual((await values(1, [{ name: 'n', type: 'number', real: true }], bytes)).n, [-Infinity]);
});

test('a list of texts has codes from 1, and 0 for none', async () => {
  const spec = { name: 't', type: 'text', values: ['金', '<b>'], codes: { width: 1 } };
  assert.deepEqual((await values(3, [spec], [2, 0, 1])).t, ['<b>', undefined, '金']);
  assert.equal(valueAt(undefined, 0), undefined);
});

test('numbers stand in the slots of patterns, and may be those of another column', async () => {
  const code = {
    name: 'code',
    type: 'text',
    patterns: [['TP-', 6, '-', 4, ''], ['无编号'], ['第', 0, '号']],
    which: { width: 1 },
    slots: [{ width: 1 }, { width: 1 }],
  };
  const name = { name: 'name', type: 'text', patterns: [['库', 0, '']], which: { width: 1 }, slots: [{ same: ['code', 0] }] };
  const parts = [[1, 2, 0, 3, 1], [13, 120, 14], [1, 2], [1, 0, 0, 1, 1]];
  const all = await values(5, [code, name], ...parts);
  assert.deepEqual(all.code, ['TP-000013-0001', '无编号', undefined, '第120号', 'TP-000014-0002']);
  assert.deepEqual(all.name, ['库13', undefined, undefined, '库120', '库14']);
});

test('patterned texts can be read as a list with codes too', async () => {
  const spec = { name: 't', type: 'text', patterns: [['矿', 2, '']], which: { width: 1 }, slots: [{ width: 1 }] };
  const { tables } = await read(packed(table(4, spec), [1, 0, 1, 1], [7, 8, 7]));
  const { t } = tables.sites.columns;
  assert.deepEqual([t.values, [...t.codes]], [['矿07', '矿08'], [1, 0, 2, 1]]);
});

test('a list of texts may itself be patterned', async () => {
  const list = { count: 2, patterns: [['矿', 2, '']], which: { base: 1, width: 0 }, slots: [{ width: 1, steps: true, base: 1 }] };
  const spec = { name: 't', type: 'text', ...list, codes: { width: 1 } };
  const { tables } = await read(packed(table(2, spec), [0, 2], [2, 1]));
  assert.deepEqual(tables.sites.columns.t.values, ['矿01', '矿02']);
});

test('sixteen planes are a UUID', async () => {
  const planes = Array.from({ length: 16 }, (_, i) => [i]);
  const { uid } = await values(1, [{ name: 'uid', type: 'uuid' }], ...planes);
  assert.deepEqual(uid, ['00010203-0405-0607-0809-0a0b0c0d0e0f']);
});

test('a UUID that follows from kind and code is made of them', async () => {
  const space = '6ba7b8109dad11d180b400c04fd430c8';
  const text = (name, value) => ({ name, type: 'text', values: [value], codes: { base: 1, width: 0 } });
  const uid = { name: 'uid', type: 'uuid', made: { space, kind: 'kind', code: 'code' }, brought: { states: 2 } };
  const planes = Array.from({ length: 16 }, () => [255]);
  const all = await values(2, [uid, text('kind', 'tailings_pond'), text('code', '尾-1')], [1], ...planes);
  assert.equal(all.uid[0], 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  assert.equal(all.uid[1], madeUuid(fromHex(space), 'tailings_pond|code:尾-1'));
});

test('UUIDs of version 5 are those of RFC 9562', () => {
  assert.equal(madeUuid(fromHex('6ba7b8109dad11d180b400c04fd430c8'), 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
});

test('SHA-1 is that of Node for every length around a block', () => {
  for (const length of [0, 1, 54, 55, 56, 63, 64, 65, 119, 120, 1000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7) % 256);
    const words = createHash('sha1').update(bytes).digest();
    assert.deepEqual([...sha1(bytes)], [0, 4, 8, 12, 16].map((at) => words.readInt32BE(at)), `${length} bytes`);
  }
});

test('data that is cut off is said to be, not read as zeros', async () => {
  await assert.rejects(values(9, [number({ width: 4 })], [1, 2]), /cut off/);
});

test('pictures come out as the bytes that they were', async () => {
  const spec = { name: 'picture', type: 'bytes', lengths: [2, 0, 3] };
  const { tables } = await read(packed(table(3, spec), [1, 2], [], [255, 0, 7]));
  assert.deepEqual(tables.sites.columns.picture.parts.map((part) => [...part]), [[1, 2], [], [255, 0, 7]]);
});
