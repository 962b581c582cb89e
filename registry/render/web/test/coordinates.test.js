import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePosition, positionText, windOf } from '../src/tools/coordinates.js';

const CHENGDE = { lng: 117 + 56 / 60, lat: 40 + 58 / 60 };

function reads(text, { lng, lat }) {
  const found = parsePosition(text);
  assert.ok(found, text);
  assert.ok(Math.abs(found.lng - lng) < 1e-12 && Math.abs(found.lat - lat) < 1e-12, `${text}: ${found.lng}, ${found.lat}`);
}

test('longitude comes first in decimal degrees, however the two are parted', () => {
  for (const text of ['117.93, 40.97', '117.93 40.97', ' 117.93，40.97 ', '117.93;40.97', '１１７．９３，４０．９７', '117.93° 40.97°']) {
    reads(text, { lng: 117.93, lat: 40.97 });
  }
  reads('-73.8, 40.6', { lng: -73.8, lat: 40.6 });
  reads('−73.8 −40.6', { lng: -73.8, lat: -40.6 });
  reads('12, 41', { lng: 12, lat: 41 });
});

test('a number that can only be a longitude is one, in whichever place', () => {
  reads('40.97, 117.93', { lng: 117.93, lat: 40.97 });
});

test('degrees, minutes and seconds are read with letters or words on either side', () => {
  for (const text of [
    '117°56′E 40°58′N',
    "117°56'E, 40°58'N",
    'E117°56′ N40°58′',
    '40°58′N 117°56′E',
    '东经117°56′，北纬40°58′',
    '北纬40度58分 东经117度56分',
    '117° 56′ 0″ E, 40° 58′ 0″ N',
    '117º56’E 40º58’N',
    '117°56′, 40°58′',
    '117° 56′ 40° 58′',
    `117°56'0"E40°58'0''N`,
  ]) {
    reads(text, CHENGDE);
  }
  reads('117°56′30.6″E 40°58′12″N', { lng: 117 + 56 / 60 + 30.6 / 3600, lat: 40.97 });
  reads('西经73.8度 南纬40.6度', { lng: -73.8, lat: -40.6 });
});

test('what names no place on earth is refused', () => {
  for (const text of [
    '', 'x', '117.93', '117.93, ', '117.93, 40.97, 3', '200, 40', '117, 91', '117°60′E 40°N', '117E 40E', '117N 40N',
    '-117E 40N', '91N 117E', '117°56′E 40°58′N x', '1e3, 4', '--1, 2', 'NaN, NaN',
  ]) {
    assert.equal(parsePosition(text), null, text);
  }
});

test('a position is written so that it can be typed again', () => {
  assert.equal(positionText({ lng: 190, lat: 50 }), '-170.000000, 50.000000');
  reads(positionText({ lng: 117.93, lat: 40.97 }), { lng: 117.93, lat: 40.97 });
});

test('directions are told by eight winds', () => {
  assert.deepEqual([0, 22.4, 22.6, 45, 90, 180, 270, 337.4, 337.6, 359.9].map((azimuth) => windOf(azimuth)), [
    0, 0, 1, 1, 2, 4, 6, 7, 0, 0,
  ]);
});
