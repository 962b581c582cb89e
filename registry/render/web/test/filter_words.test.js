import assert from 'node:assert/strict';
import { test } from 'node:test';
import { figureOf, typedFigure } from '../src/tools/filter_words.js';
import { typedUnit } from '../src/page/format.js';
import { filled, fold } from '../src/page/text.js';

test('figures are typed in 万 in Chinese and in millions in English, where the table holds large ones', () => {
  assert.deepEqual(typedUnit('t', 'zh', 5e6), { factor: 1e4, text: '万吨' });
  assert.deepEqual(typedUnit('t', 'en', 5e6), { factor: 1e6, text: 'Mt' });
  assert.deepEqual(typedUnit('t', 'zh', 900), { factor: 1, text: '吨' });
  assert.deepEqual(typedUnit('t', 'en', 9e5), { factor: 1, text: 't' });
  assert.deepEqual(typedUnit('m3', 'zh', 5e6), { factor: 1e4, text: '万m³' });
  assert.deepEqual(typedUnit('m3', 'en', 5e6), { factor: 1e6, text: 'million m³' });
  assert.deepEqual(typedUnit(undefined, 'en', -Infinity), { factor: 1, text: '' });
});

test('a typed figure is the quantity that it says, and is written as it was typed', () => {
  for (const typed of ['0.1', '0.3', '1500', '0', '12.3456']) {
    for (const factor of [1e4, 1e6]) assert.equal(typedFigure(figureOf(typed, factor), factor), typed);
  }
  assert.equal(figureOf('0.3', 1e6), 300_000);
  for (const nothing of ['', '  ', '-', 'x', '1e999']) assert.equal(figureOf(nothing, 1e4), null);
  assert.equal(typedFigure(null, 1e4), '');
});

test('what stands in a name is never taken for a place to fill or a pattern', () => {
  assert.equal(filled('{name}: {n}', { name: '$& {n}', n: 3 }), '$& {n}: 3');
  assert.equal(filled('{unknown}', {}), '{unknown}');
  assert.equal(fold(' ＡＢ\n\tc '), 'ab c');
});
