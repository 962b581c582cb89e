import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dayText, latitudeText, printRatio, scaleBar, scaleFraction, sheetOf } from '../src/tools/sheet.js';

test('a sheet is the paper less its margins', () => {
  const upright = sheetOf('A4', 'portrait');
  assert.deepEqual([upright.width, upright.height], [733, 1061]);
  assert.match(upright.rule, /size: 210mm 297mm/);
  const wide = sheetOf('A3', 'landscape');
  assert.ok(wide.width > wide.height && /size: 420mm 297mm/.test(wide.rule));
});

test('the scale bar is the longest round distance that fits', () => {
  assert.deepEqual(scaleBar(1000, 120), { metres: 100_000, pixels: 100 });
  assert.deepEqual(scaleBar(10, 99), { metres: 500, pixels: 50 });
  assert.deepEqual(scaleBar(0.3, 100).metres, 20);
});

test('the scale is said as each language says it', () => {
  const metres = 12_500_000 * (0.0254 / 96); // of a pixel at 1 to 12.5 million
  assert.equal(scaleFraction(metres, 'en'), '1:12,500,000');
  assert.equal(scaleFraction(metres, 'zh'), '1∶1250万');
  assert.equal(scaleFraction(0.5, 'zh'), '1∶1890');
  assert.equal(latitudeText(35.24, 'zh'), '北纬 35.2°');
  assert.equal(latitudeText(-7.5, 'en'), '7.5° S');
  assert.equal(dayText(new Date(2026, 10, 6), 'zh'), '2026年11月6日');
  assert.equal(dayText(new Date(2026, 10, 6), 'en'), '6 November 2026');
});

test('a canvas for print is fine, but never larger than a phone can hold', () => {
  assert.equal(printRatio(1000, 700), 3);
  assert.ok(1600 * 1100 * printRatio(1600, 1100) ** 2 <= 16_000_001);
});
