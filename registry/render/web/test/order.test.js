import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sortKeys, sortRows } from '../src/tools/order.js';

const sorted = (values, lang, descending) => {
  const rows = [...values.keys()];
  return sortRows(rows, sortKeys(rows, (row) => values[row], lang), descending).map((row) => values[row]);
};

test('Chinese names stand in the order of pinyin, numbers in them by their size', () => {
  assert.deepEqual(sorted(['重庆', '山西', '安徽', '北京'], 'zh').slice(0, 2), ['安徽', '北京']);
  assert.deepEqual(sorted(['库10', '库9', '库1'], 'zh'), ['库1', '库9', '库10']);
});

test('numbers stand by their size and what is missing last, both ways', () => {
  assert.deepEqual(sorted([10, undefined, 9, -1], 'zh'), [-1, 9, 10, undefined]);
  assert.deepEqual(sorted([10, undefined, 9, -1], 'zh', true), [10, 9, -1, undefined]);
  assert.deepEqual(sorted(['b', '', 'a'], 'en', true), ['b', 'a', '']);
});

test('equal rows keep their order', () => {
  const values = ['b', 'a', 'b', 'a'];
  const rows = [3, 2, 1, 0];
  const keys = sortKeys(rows, (row) => values[row], 'en');
  assert.deepEqual(sortRows(rows, keys), [3, 1, 2, 0]);
  assert.deepEqual(sortRows(rows, keys, true), [2, 0, 3, 1]);
});
