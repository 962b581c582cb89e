import assert from 'node:assert/strict';
import { test } from 'node:test';
import { search, searchIndex } from '../src/tools/search.js';

const SYLLABLES = {
  da: '大', dai: '大', shi: '石', dan: '石', gou: '沟', wei: '尾', kuang: '矿', ku: '库', chong: '重', zhong: '重中',
  qing: '庆', bei: '北', po: '坡', xi: '西', an: '安', xian: '先', hao: '号',
};

function texts(values) {
  const distinct = [...new Set(values.filter((value) => value !== null))];
  return { type: 'text', values: distinct, codes: Int32Array.from(values, (value) => distinct.indexOf(value) + 1) };
}

function named(names, more = {}) {
  return searchIndex({ columns: { name: texts(names), ...more }, rows: names.length, syllables: SYLLABLES });
}

const NAMES = ['大石沟尾矿库', '重庆1号尾矿库', '北坡', null, '西安', '先', 'Dump 大石', '大石沟尾矿库'];
const INDEX = named(NAMES, {
  name_en: texts(['Dashigou Pond', null, 'North Slope', null, null, null, null, null]),
  code: texts(['S-1', 'S-10', 'S-2', 'S-3', 'DSG', null, null, 'S-8']),
  operator: texts(['大石矿业', null, '大石矿业', null, null, null, 'ＤＥＭＯ Mining', null]),
});
const rows = (text) => search(INDEX, text).rows;

test('a name is found by any part, in either language, whatever its case and width', () => {
  assert.deepEqual(rows('北坡'), [2]);
  assert.deepEqual(rows('NORTH'), [2]);
  assert.deepEqual(rows('ｓｌｏｐｅ'), [2]);
  assert.deepEqual(rows('demo'), [6]);
  assert.deepEqual(rows('  '), []);
  assert.deepEqual(rows('没有'), []);
});

test('the code itself, beginnings of names, parts, initials and operators come in this order', () => {
  assert.deepEqual(rows('s-1'), [0, 1]); // S-1 is the code itself, S-10 holds it
  assert.deepEqual(rows('大石'), [0, 7, 6, 2]); // names that begin so, one that holds it, an operator
  assert.deepEqual(rows('dsg'), [4, 0, 7]); // a code before initials
});

test('initials, syllables and both mixed find a Chinese name, from any of its characters on', () => {
  for (const typed of ['dsg', 'dashigou', 'dashig', 'dsgou', 'dasg', 'da shi gou', "da'shi'gou", 'DSGWKK', 'weikuangku', 'wkk']) {
    assert.ok(rows(typed).includes(0), typed);
  }
  for (const typed of ['dsk', 'dashgou', 'gousd', 'dashigouweikuangkux']) assert.ok(!rows(typed).includes(0), typed);
});

test('a character with several readings is found by each of them', () => {
  for (const typed of ['cq', 'zq', 'chongqing', 'zhongq', 'cq1h', 'chongqing1haoweikuangku']) assert.ok(rows(typed).includes(1), typed);
  assert.ok(!rows('cq2h').includes(1));
});

test('xian is both one syllable and two', () => {
  assert.deepEqual(rows('xian'), [5, 4]);
});

test('a spelling does not run from one name into the next', () => {
  assert.deepEqual(search(named(['大', '石']), 'ds').rows, []);
});

test('among equals the shorter name comes first, at most fifty are told, all are counted', () => {
  const many = named(Array.from({ length: 120 }, (_, i) => `大石沟${'尾'.repeat(120 - i)}`));
  const { rows: best, total } = search(many, '大石');
  assert.equal(total, 120);
  assert.deepEqual(best, Array.from({ length: 50 }, (_, i) => 119 - i));
});

test('names of one length stand in their own order, whatever the order of the rows', () => {
  assert.deepEqual(search(named(['库 3', '库 1', '库 2', '库 10', '库 1']), '库').rows, [1, 4, 2, 0, 3]);
});

test('names of any kind are texts to be found, not patterns', () => {
  const odd = ['<img src=x onerror=alert(1)>', '.*', '\u202eخلف\u202c 🏔️', 'a\nb', '长'.repeat(10_000), ''];
  const index = named(odd);
  assert.deepEqual(search(index, '<img').rows, [0]);
  assert.deepEqual(search(index, '.*').rows, [1]);
  assert.deepEqual(search(index, '🏔').rows, [2]);
  assert.deepEqual(search(index, 'a b').rows, [3]);
  assert.deepEqual(search(index, '长'.repeat(300)).rows, [4]);
});

test('a table without names is searched by what it has', () => {
  const index = searchIndex({ columns: { code: texts(['A-1', null]) }, rows: 2, syllables: undefined });
  assert.deepEqual(search(index, 'a-').rows, [0]);
  assert.deepEqual(search(index, 'zz').rows, []);
});
