import assert from 'node:assert/strict';
import { test } from 'node:test';
import { area, distance, number, position, quantity } from '../src/page/format.js';
import { valueText } from '../src/page/popup.js';

test('large quantities are said in each language’s own habit', () => {
  assert.equal(quantity(3_341_000, 'm3', 'zh'), '334.1 万m³');
  assert.equal(quantity(138_600, 't/a', 'zh'), '13.86 万吨/年');
  assert.equal(quantity(28_662_712_500, 't', 'zh'), '286.63 亿吨');
  assert.equal(quantity(5_000_000, 't', 'en'), '5 Mt');
  assert.equal(quantity(46.9, 'm', 'zh'), '46.9 m');
  assert.equal(number(2109, 'en'), '2,109');
});

test('distances are metres below a kilometre and km above', () => {
  assert.equal(distance(812.4, 'en'), '812 m');
  assert.equal(distance(23_449, 'zh'), '23.4 km');
  assert.equal(distance(155_600, 'zh'), '156 km');
});

test('areas are rounded, and said in 万km² in Chinese', () => {
  assert.equal(area(2_331_456, 'en'), '2,331,000 km²');
  assert.equal(area(2_331_456, 'zh'), '233 万km²');
  assert.equal(area(7853.98, 'zh'), '7,854 km²');
});

test('a position is written with a millionth of a degree', () => {
  assert.equal(position(116.39, -7.5), '116.390000, -7.500000');
});

test('codes are told by their labels, joined codes one by one', () => {
  const terms = { waste_codes: { SW05: 'SW05 尾矿' }, supervision_level: { 1: '一级' } };
  assert.equal(valueText('SW05;900-099-S59', { name: 'waste_codes' }, terms, 'zh'), 'SW05 尾矿、900-099-S59');
  assert.equal(valueText(1, { name: 'supervision_level' }, terms, 'zh'), '一级');
  assert.equal(valueText(1998, { name: 'opened_year', plain: true }, terms, 'en'), '1998');
});
