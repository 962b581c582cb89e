import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decode, fromBase64, gunzip, valueAt } from '../src/pack.js';

function packed(header, ...planes) {
  const head = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(head.length);
  return gzipSync(Buffer.concat([length, head, ...planes.map((plane) => Buffer.from(plane))])).toString('base64');
}

const table = (rows, ...columns) => ({ meta: { lang: 'zh' }, tables: [{ name: 'sites', rows, columns }] });
const read = async (text) => decode(await gunzip(fromBase64(text)));

test('steps of integers in byte planes add up to the numbers', async () => {
  const spec = { name: 'lng', type: 'int', width: 2, decimals: 2, delta: true };
  // 300, −200, 5 as two planes: low bytes, then high bytes
  const { tables } = await read(packed(table(3, spec), [300 & 255, -200 & 255, 5], [1, 255, 0]));
  assert.deepEqual([...tables.sites.columns.lng.numbers], [3, 1, 1.05]);
});

test('four-byte integers keep their sign', async () => {
  const spec = { name: 'x', type: 'int', width: 4, decimals: 0, delta: false };
  const { tables } = await read(packed(table(1, spec), [254, 255, 255, 255]));
  assert.equal(valueAt(tables.sites.columns.x, 0), -2);
});

test('a missing number and a missing text are undefined', async () => {
  const number = { name: 'n', type: 'int', width: 1, decimals: 0, delta: false, missing: true };
  const text = { name: 't', type: 'text', width: 1, values: ['金', '<b>'] };
  const { tables, meta } = await read(packed(table(2, number, text), [7, 0], [0, 1], [2, 0]));
  const { n, t } = tables.sites.columns;
  assert.equal(meta.lang, 'zh');
  assert.deepEqual([valueAt(n, 0), valueAt(n, 1)], [7, undefined]);
  assert.deepEqual([valueAt(t, 0), valueAt(t, 1)], ['<b>', undefined]);
  assert.equal(valueAt(undefined, 0), undefined);
});

test('sixteen planes are a UUID', async () => {
  const planes = Array.from({ length: 16 }, (_, i) => [i]);
  const { tables } = await read(packed(table(1, { name: 'uid', type: 'uuid' }), ...planes));
  assert.equal(valueAt(tables.sites.columns.uid, 0), '00010203-0405-0607-0809-0a0b0c0d0e0f');
});

test('data that is cut off is said to be, not read as zeros', async () => {
  const spec = { name: 'x', type: 'int', width: 4, decimals: 0, delta: false };
  await assert.rejects(read(packed(table(9, spec), [1, 2])), /cut off/);
});

test('pictures come out as the bytes that they were', async () => {
  const spec = { name: 'picture', type: 'bytes', lengths: [2, 0, 3] };
  const { tables } = await read(packed(table(3, spec), [1, 2], [], [255, 0, 7]));
  assert.deepEqual(tables.sites.columns.picture.parts.map((part) => [...part]), [[1, 2], [], [255, 0, 7]]);
});
