import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cell, csvParts, fileName, geojsonParts, guard, isSynthetic, pointFeature } from '../src/tools/download.js';

test('a text that a spreadsheet would run gets an apostrophe, as in the registry’s own exports', () => {
  for (const text of ['=1+1', '+86', '-', '@SUM(A1)', '\tx', '\rx', '\nx', '＝1', '＋1', '－1', '＠a', "'quoted"]) {
    assert.equal(guard(text), `'${text}`);
  }
  for (const text of ['大石沟', 'a=b', ' =1', '1-2', '']) assert.equal(guard(text), text);
});

test('a cell is quoted where RFC 4180 wants it, and numbers are never guarded', () => {
  assert.equal(cell('a,b'), '"a,b"');
  assert.equal(cell('say "x"'), '"say ""x"""');
  assert.equal(cell('two\r\nlines'), '"two\r\nlines"');
  assert.equal(cell('=HYPERLINK("x")'), '"\'=HYPERLINK(""x"")"');
  assert.equal(cell(-1.5), '-1.5');
  assert.equal(cell(true), 'True');
  assert.equal(cell(undefined), '');
});

test('a table begins with the byte order mark and every line ends with CR LF', () => {
  const rows = Array.from({ length: 12_001 }, (_, i) => i);
  const text = csvParts(['名称', 'n'], rows, (row) => [`库${row}`, row]).join('');
  assert.equal(text.charCodeAt(0), 0xfeff);
  const lines = text.slice(1).split('\r\n');
  assert.equal(lines.length, 12_003);
  assert.deepEqual([lines[0], lines[1], lines.at(-2), lines.at(-1)], ['名称,n', '库0,0', '库12000,12000', '']);
});

test('a collection has no crs, its note as a foreign member, and longitude before latitude', () => {
  const rows = Array.from({ length: 5001 }, (_, i) => i);
  const feature = (row) => pointFeature(`u${row}`, { name: '</script>"\u2028', annual_t: null }, 111.12345649, -7.5);
  const read = JSON.parse(geojsonParts({ description: '合成', synthetic: true }, rows, feature).join(''));
  assert.deepEqual(Object.keys(read), ['type', 'description', 'synthetic', 'features']);
  assert.equal(read.features.length, 5001);
  assert.deepEqual(read.features[5000], {
    type: 'Feature',
    id: 'u5000',
    properties: { name: '</script>"\u2028', annual_t: null },
    geometry: { type: 'Point', coordinates: [111.123456, -7.5] },
  });
  assert.deepEqual(JSON.parse(geojsonParts({}, [], feature).join('')).features, []);
});

test('a file’s name says what it holds, its day and its note, and has nothing that a disk refuses', () => {
  const day = new Date(2026, 0, 5);
  assert.equal(
    fileName('堆场清单', '合成示范数据，非真实名录 · Synthetic data', 'csv', day),
    '堆场清单_2026-01-05_合成示范数据_非真实名录_Synthetic_data.csv',
  );
  assert.equal(fileName('sites', undefined, 'geojson', day), 'sites_2026-01-05.geojson');
  assert.equal(fileName('a/b', '..\\..\u202e<x>|"', 'csv', day), 'a_b_2026-01-05_x.csv');
  assert.equal(isSynthetic('合成示范数据'), true);
  assert.equal(isSynthetic('位置经 1 km 模糊处理'), false);
});
