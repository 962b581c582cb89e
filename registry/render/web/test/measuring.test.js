import assert from 'node:assert/strict';
import { test } from 'node:test';
import { radiusOf } from '../src/tools/circle.js';
import { distance } from '../src/tools/geodesic.js';
import { tally } from '../src/tools/inside.js';
import { areaText, lengthText, windText } from '../src/tools/lengths.js';
import { reasonOf } from '../src/tools/locate.js';
import { accepts, categoryOf, wasteCode, wasteCodes } from '../src/tools/materials.js';
import { measured } from '../src/tools/measure.js';
import { acceptedWastes, acceptsBy } from '../src/tools/nearest_point.js';
import { GROUP_INDEX } from '../src/layers/symbols.js';

const SQUARE = [[41, 117], [41, 117.01], [41.01, 117.01], [41.01, 117]].map(([lat, lng]) => ({ lat, lng }));

test('a path of two points has a length; from three on it has a perimeter and an area', () => {
  assert.deepEqual(measured([]), { legs: [], length: 0 });
  const two = measured(SQUARE.slice(0, 2));
  assert.deepEqual(two, { legs: [distance(SQUARE[0], SQUARE[1])], length: distance(SQUARE[0], SQUARE[1]) });
  const four = measured(SQUARE);
  assert.equal(four.legs.length, 3);
  assert.equal(four.perimeter, four.length + distance(SQUARE[3], SQUARE[0]));
  assert.ok(Math.abs(four.area - four.legs[0] * four.legs[1]) < 1e-3 * four.area);
});

test('a path that crosses itself has a length and no area', () => {
  const [a, b, c, d] = SQUARE;
  const crossed = measured([a, c, b, d]);
  assert.equal(crossed.crossed, true);
  assert.equal(crossed.area, undefined);
  assert.ok(crossed.perimeter > crossed.length);
});

test('lengths are said in metres, then in kilometres', () => {
  assert.equal(lengthText(12.345, 'zh'), '12.3 m');
  assert.equal(lengthText(999.96, 'en'), '1,000 m');
  assert.equal(lengthText(23_449.4, 'zh'), '23.449 km');
  assert.equal(lengthText(562_987, 'en'), '562.99 km');
  assert.equal(lengthText(5_551_759.4, 'en'), '5,551.8 km');
});

test('areas are said in the unit of their size, in hectares, and in Chinese in 亩', () => {
  assert.equal(areaText(2000, 'zh'), '2,000 m² = 3 亩');
  assert.equal(areaText(2000, 'en'), '2,000 m²');
  assert.equal(areaText(52_000, 'zh'), '5.2 公顷 = 78 亩');
  assert.equal(areaText(52_000, 'en'), '5.2 ha');
  assert.equal(areaText(3_400_000, 'zh'), '3.4 km² = 340 公顷 = 5,100 亩');
  assert.equal(areaText(3_400_000, 'en'), '3.4 km² = 340 ha');
  assert.equal(areaText(2e9, 'zh'), '2,000 km² = 20 万公顷 = 300 万亩');
});

test('directions are told by the winds of each language', () => {
  const winds = '北 东北 东 东南 南 西南 西 西北';
  assert.equal(windText(47.3, winds), '东北 47°');
  assert.equal(windText(359.7, winds), '北 0°');
  assert.equal(windText(NaN, winds), '');
  assert.equal(windText(231, 'N NE E SE S SW W NW'), 'SW 231°');
});

test('a radius is a number of km that a circle can have', () => {
  assert.equal(radiusOf('50'), 50);
  assert.equal(radiusOf(' 0.5 '), 0.5);
  for (const text of ['', '0', '-3', '3001', 'x', '1e9', 'NaN']) assert.equal(radiusOf(text), undefined, text);
});

test('a tally sums what is known, and tells of how many it is not', () => {
  const { level_1: one, gangue_heap: heap, utilization_plant: plant } = GROUP_INDEX;
  const groups = Uint8Array.of(one, one, heap, plant, plant);
  const number = (...numbers) => ({ type: 'number', numbers: Float64Array.from(numbers) });
  const columns = {
    annual_t: number(10, NaN, 5, 99, 99),
    capacity_t_per_year: number(NaN, NaN, NaN, 700, NaN),
  };
  const found = tally([0, 1, 2, 3, 4], groups, columns);
  assert.equal(found.sites, 3);
  assert.equal(found.plants, 2);
  assert.equal(found.groups[one], 2);
  assert.deepEqual(found.annual_t, { sum: 15, unknown: 1, known: 2 });
  assert.deepEqual(found.stock_t, { sum: 0, unknown: 3, known: 0 });
  assert.deepEqual(found.capacity_t, { sum: 700, unknown: 1, known: 1 });
  assert.deepEqual(tally([], groups, columns).annual_t, { sum: 0, unknown: 0, known: 0 });
});

test('all spellings of a waste code are one', () => {
  for (const text of ['091-001-S05', '091001S05', ' 091 001 sw05']) assert.equal(wasteCode(text), '091001S05');
  for (const text of ['SW05', 's05', 'SW-05']) assert.equal(wasteCode(text), 'S05');
  for (const text of ['321-002-48', '32100248HW48', 'HW48321-002-48']) assert.equal(wasteCode(text), '32100248');
  assert.deepEqual(['091001S05', 'S05', '32100248', 'HW48', 'SLAG'].map(categoryOf), ['S05', 'S05', 'HW48', 'HW48', undefined]);
  assert.deepEqual([...wasteCodes('SW05; 091-001-S05；SW04')], [['S05', 'SW05'], ['091001S05', '091-001-S05'], ['S04', 'SW04']]);
  assert.equal(wasteCodes(undefined).size, 0);
});

test('a plant accepts the codes it names, and all of a category it names, not the other way round', () => {
  assert.equal(accepts(wasteCodes('SW05'), '091001S05'), true);
  assert.equal(accepts(wasteCodes('091-001-S05'), '091001S05'), true);
  assert.equal(accepts(wasteCodes('091-001-S05'), 'S05'), false);
  assert.equal(accepts(wasteCodes('SW04'), '091001S05'), false);
  assert.equal(accepts(wasteCodes(''), 'S05'), false);
});

test('only wastes that some plant accepts are offered', () => {
  const { level_1: pond, utilization_plant: plant } = GROUP_INDEX;
  const column = { type: 'text', values: ['SW05', '091-001-S05', 'SW04;SW05', 'SW01'], codes: [1, 2, 3, 4, 0] };
  const groups = Uint8Array.of(pond, pond, plant, pond, plant);
  assert.deepEqual(acceptedWastes(column, groups), [['091001S05', '091-001-S05'], ['S04', 'SW04'], ['S05', 'SW05']]);
  assert.deepEqual([0, 1, 2, 3, 4].map(acceptsBy(column, '091001S05')), [true, true, true, false, false]);
});

test('every reason for which there is no position has its words', () => {
  assert.deepEqual([1, 2, 3, undefined].map(reasonOf), [
    'locate_refused', 'locate_unavailable', 'locate_late', 'locate_unavailable',
  ]);
});
