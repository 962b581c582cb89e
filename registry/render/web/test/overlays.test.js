import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arcWidth, bendPoint, hubRadius, tonnageClass, wasteColour } from '../src/layers/arcs.js';
import { legendUnit, rangeText, shadeOn } from '../src/layers/areas.js';
import { LINES } from '../src/layers/boundary.js';
import { traceLine } from '../src/packed/rings.js';
import { fieldText, markRadius, SIGNS } from '../src/layers/changes.js';
import { HEAT_RAMP, kernel, rampTable, spread, stepOf } from '../src/layers/heat.js';
import { HEXAGON_SHADES } from '../src/layers/hexagons.js';
import { received } from '../src/layers/hub_card.js';
import { SHADES } from '../src/layers/regions.js';

/** CIE L* of a colour: what is left of it in grey. */
function lightness(hex) {
  const [r, g, b] = [1, 3, 5]
    .map((at) => parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 116 * Math.cbrt(0.2126 * r + 0.7152 * g + 0.0722 * b) - 16;
}

test('classes of every number from two to seven can be told apart in grey', () => {
  for (const ramp of [SHADES, HEXAGON_SHADES]) {
    for (let count = 2; count <= 7; count += 1) {
      const greys = Array.from({ length: count }, (_, index) => lightness(shadeOn(ramp, index, count)));
      for (let i = 1; i < count; i += 1) {
        assert.ok(greys[i - 1] - greys[i] > 4.5, `${count} classes of ${ramp[0]}: ${greys.map(Math.round)}`);
      }
    }
  }
});

test('the ramp of heat darkens all the way, in equal steps within a third', () => {
  const greys = HEAT_RAMP.map(lightness);
  const steps = greys.slice(1).map((value, i) => greys[i] - value);
  const mean = (greys[0] - greys.at(-1)) / steps.length;
  assert.ok(steps.every((step) => step > mean * 0.6 && step < mean * 1.4), steps.join(' '));
});

test('a legend says large tonnes in 万 or 亿 in Chinese, in millions in English', () => {
  assert.deepEqual(legendUnit(5e6, 't', 'zh'), { divisor: 1e4, text: '万吨' });
  assert.deepEqual(legendUnit(5e9, 't', 'zh'), { divisor: 1e8, text: '亿吨' });
  assert.deepEqual(legendUnit(5e6, 't/a', 'en'), { divisor: 1e6, text: 'Mt/a' });
  assert.deepEqual(legendUnit(900, 't', 'zh'), { divisor: 1, text: '吨' });
  assert.deepEqual(legendUnit(40, '%', 'en'), { divisor: 1, text: '%' });
  assert.deepEqual(legendUnit(40, null, 'zh'), { divisor: 1, text: '' });
});

test('a class is said in the unit of its legend: counts in full, quantities to three digits', () => {
  const none = { divisor: 1, text: '' };
  assert.equal(rangeText([1, 1675], none, 'en'), '1 – 1,675');
  assert.equal(rangeText([3, 3], none, 'en'), '3');
  assert.equal(rangeText([0.2081, 1.2345], none, 'en'), '0.208 – 1.23');
  assert.equal(rangeText([51_508_321, 196_045_600], { divisor: 1e4, text: '万吨' }, 'zh'), '5,151 – 19,605');
  assert.equal(rangeText([0, 1.4077e9], { divisor: 1e8, text: '亿吨' }, 'zh'), '0 – 14.1');
});

test('heat adds up exactly: all that sites weigh is on the grid', () => {
  const points = [{ x: 20.5, y: 20.5, weight: 3 }, { x: 20.1, y: 20.9, weight: 2 }, { x: 30, y: 25, weight: 1e6 }];
  const field = spread(points, 60, 50, 6);
  const sum = field.reduce((total, value) => total + value, 0);
  assert.ok(Math.abs(sum - 1_000_005) < 1e-3, sum);
  assert.equal(field.indexOf(Math.max(...field)), 25 * 60 + 30);
});

test('heat is that of the biweight kernel at every cell', () => {
  const radius = 4;
  const field = spread([{ x: 10, y: 10, weight: 1 }], 21, 21, radius);
  const raw = (i, j) => Math.max(0, 1 - ((i - 10) ** 2 + (j - 10) ** 2) / radius ** 2) ** 2;
  let all = 0;
  for (let j = 0; j < 21; j += 1) for (let i = 0; i < 21; i += 1) all += raw(i, j);
  for (let j = 0; j < 21; j += 1) {
    for (let i = 0; i < 21; i += 1) assert.ok(Math.abs(field[j * 21 + i] - raw(i, j) / all) < 1e-12);
  }
});

test('a site beside the window warms its edge, one far away does not', () => {
  const near = spread([{ x: -2, y: 5, weight: 1 }], 10, 10, 5);
  assert.ok(near[5 * 10] > 0 && near[5 * 10 + 9] === 0);
  assert.ok(spread([{ x: -40, y: 5, weight: 1 }, { x: 5, y: 900, weight: 1 }], 10, 10, 5).every((value) => value === 0));
});

test('a kernel sums to one, and the table of colours starts with nothing', () => {
  assert.ok(Math.abs(kernel(7.5).weights.reduce((a, b) => a + b) - 1) < 1e-12);
  const table = rampTable();
  assert.equal(table[3], 0);
  assert.equal(table[255 * 4 + 3], 225);
  assert.deepEqual([stepOf(0, 10), stepOf(10, 10), stepOf(2.5, 10), stepOf(0, 0)], [0, 255, 128, 0]);
});

test('flows that go both ways are two arcs', () => {
  const [a, b] = [{ x: 0, y: 0 }, { x: 100, y: 0 }];
  assert.deepEqual(bendPoint(a, b), { x: 50, y: -16 });
  assert.deepEqual(bendPoint(b, a), { x: 50, y: 16 });
});

test('an arc is as wide as its class, which a limit itself still belongs to', () => {
  assert.deepEqual([5, 10, 11, 1e9].map((tonnes) => tonnageClass(tonnes, [10, 100])), [0, 0, 1, 2]);
  const widths = [0, 1, 2, 3].map((index) => arcWidth(index, 4));
  assert.ok(widths.every((width, i) => i === 0 || width > widths[i - 1] + 1));
  assert.equal(arcWidth(0, 1), 1.8);
});

test('hubs grow with their modules, within limits; wastes that are not known share a colour', () => {
  assert.ok(hubRadius({ modules: 1 }) < hubRadius({ modules: 4 }) && hubRadius({ modules: 900 }) === 22);
  assert.ok(hubRadius({ share: 0 }) < hubRadius({ share: 1 }));
  assert.notEqual(wasteColour('SW05'), wasteColour('SW04'));
  assert.equal(wasteColour('HW48'), wasteColour('anything'));
});

test('what a hub gets adds up by material and by site, the most first', () => {
  const flow = (site, waste, tonnes) => ({ site, waste, tonnes, metres: 1000 });
  const { wastes, sites } = received([flow(1, 'SW05', 10), flow(1, 'SW04', 5), flow(2, 'SW05', 30), flow(2, 'SW05', 2)]);
  assert.deepEqual(wastes.map(({ waste, tonnes, sites: from }) => [waste, tonnes, from.size]), [['SW05', 42, 2], ['SW04', 5, 1]]);
  assert.deepEqual(sites.map(({ site, tonnes }) => [site, tonnes]), [[2, 32], [1, 15]]);
});

test('every change has a sign of its own', () => {
  const signs = Object.values(SIGNS).map(({ sign }) => sign);
  assert.equal(new Set(signs).size, 7);
  assert.ok(markRadius(4, 5000) < markRadius(4, 50) && markRadius(18, 5000) === 9);
});

test('a field is told in the words of the model, what was empty as empty', () => {
  const terms = { supervision_level: { 1: '一级' } };
  const number = { name: 'storage_m3', unit: 'm3', number: true };
  assert.equal(fieldText('1', { name: 'supervision_level' }, terms, 'zh', '（空）'), '一级');
  assert.equal(fieldText('2500000', number, {}, 'zh', '（空）'), '250 万m³');
  assert.equal(fieldText(undefined, number, {}, 'zh', '（空）'), '（空）');
  assert.equal(fieldText('0012', { name: 'code' }, {}, 'en', '(none)'), '0012');
});

test('an open line is drawn from end to end and not closed', () => {
  const drawn = [];
  const ctx = { moveTo: (x, y) => drawn.push(['M', x, y]), lineTo: (x, y) => drawn.push(['L', x, y]) };
  const plane = { x: [0, 0.1, 5, 9], y: [0, 0, 0, 0] };
  traceLine(ctx, plane, { start: 0, end: 4 }, { scale: 1, dx: 0, dy: 0 });
  assert.deepEqual(drawn, [['M', 0, 0], ['L', 5, 0], ['L', 9, 0]]);
  assert.deepEqual(Object.keys(LINES).sort(), ['national', 'regional', 'sea', 'unsettled']);
});
