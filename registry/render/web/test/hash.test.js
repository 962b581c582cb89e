import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeState, encodeState, fromAddress, stableJson, toAddress } from '../src/tools/hash.js';

const STATE = {
  view: { zoom: 6.25, lat: 37.1, lng: 111.512 },
  lang: 'en',
  on: ['joined'],
  off: ['level_1', 'within_50.5'],
  filter: { status: ['in_use'], text: '大石沟 & "x"', tonnes: [0, 1e6] },
  site: '00000000-0000-4000-8000-000000000001',
};

test('a state comes back from its hash as it was', () => {
  assert.deepEqual(decodeState(`#${encodeState(STATE)}`), STATE);
  assert.deepEqual(decodeState(`file:///C:/maps/map.html#${encodeState(STATE)}`), STATE);
});

test('a hash holds nothing that a mail program breaks, and ends in a letter or digit', () => {
  const wild = { ...STATE, site: "a b/c&d=e,f)g.'!~*\u202e", off: ['x,y', 'a&b'] };
  const hash = encodeState(wild);
  assert.match(hash, /^[\w\-=&/,%.]+$/);
  assert.match(hash, /\w$/);
  assert.equal(decodeState(hash).site, wild.site);
  assert.deepEqual(decodeState(hash).off, ['a&b', 'x,y']);
});

test('the same state is the same hash, however it was put together', () => {
  const turned = Object.fromEntries(Object.entries(STATE).reverse());
  const filter = Object.fromEntries(Object.entries(STATE.filter).reverse());
  assert.equal(encodeState({ ...turned, filter, off: [...STATE.off].reverse() }), encodeState(STATE));
  assert.equal(stableJson({ b: [{ d: 1, c: 2 }], a: null }), '{"a":null,"b":[{"c":2,"d":1}]}');
});

test('a view is written as closely as a pixel', () => {
  const hash = encodeState({ view: { zoom: 18, lat: 37.123456789, lng: 111.987654321 } });
  const { view } = decodeState(hash);
  const pixel = 360 / (256 * 2 ** 18);
  assert.ok(Math.abs(view.lat - 37.123456789) < pixel && Math.abs(view.lng - 111.987654321) < pixel);
});

test('what is not ours, or damaged, is no state', () => {
  for (const text of ['', '#', '#top', '#:~:text=x', '#a=b&c=d', '#map=', '#map=6/x/y', '#map=6/91/0', '#lang=fr', '#filter=%%',
    '#filter=W10', '#filter=bnVsbA', '#map=1e9/0/0', '#__proto__=1', '#constructor=1', '#site=%E0%A4%A', `#site=${'a'.repeat(20_000)}`]) {
    assert.equal(decodeState(text), null, text);
  }
  assert.deepEqual(decodeState('#map=6/37/111&lang=fr&filter=!!&site=%'), { view: { zoom: 6, lat: 37, lng: 111 } });
});

test('any text goes into an address and comes out', () => {
  for (const text of ['', 'a', '尾矿库', '😀\u0000"']) {
    assert.match(toAddress(text), /^[\w-]*$/);
    assert.equal(fromAddress(toAddress(text)), text);
  }
});
