import assert from 'node:assert/strict';
import { test } from 'node:test';
import { facetsOf, wasteCategory } from '../src/tools/facets.js';
import { evaluate, makeFilters } from '../src/tools/filter.js';
import { GROUP_INDEX, GROUPS } from '../src/layers/symbols.js';

const PLANT = GROUP_INDEX.utilization_plant;

function texts(values) {
  const distinct = [...new Set(values.filter((value) => value !== null))];
  return { type: 'text', values: distinct, codes: Int32Array.from(values, (value) => distinct.indexOf(value) + 1) };
}

const numbers = (values) => ({ type: 'number', numbers: Float64Array.from(values, (value) => value ?? NaN) });

// Reproducible draws, so that a failure can be looked at again (Park and Miller's generator).
function draws(seed) {
  let state = seed;
  return (list) => {
    state = (state * 48_271) % 2_147_483_647;
    return list[state % list.length];
  };
}

function randomTable(rows, seed) {
  const draw = draws(seed);
  const groups = Uint8Array.from({ length: rows }, () => draw([...GROUPS.keys()]));
  const made = (list) => Array.from({ length: rows }, () => draw(list));
  const siteOnly = (list) => Array.from(groups, (group) => (group === PLANT ? null : draw(list)));
  const values = {
    status: siteOnly(['in_use', 'closed', 'idle', null]),
    mineral: siteOnly(['iron', 'gold', null, null]),
    province_code: made(['140000', '130000', '150000', null]),
    waste_codes: made(['SW05', 'SW04;SW05', '091-001-S05', 'HW48', '', null]),
    operator: made(['示范矿业', 'Demo Mining', 'ＤＥＭＯ', null]),
    annual_t: siteOnly([0, 10, 20, 30, null]),
    stock_t: siteOnly([5, 500, null]),
  };
  const columns = Object.fromEntries(
    Object.entries(values).map(([key, list]) => [key, key.endsWith('_t') ? numbers(list) : texts(list)]),
  );
  return { rows, groups, values, columns, facets: facetsOf(columns, (row) => groups[row] === PLANT) };
}

// The truth by another way: every question asked of every row in words.
function passes(table, row, key, state) {
  const value = table.values[key][row];
  if (state === undefined) return true;
  if (table.groups[row] === PLANT && !['province_code', 'operator', 'waste_codes'].includes(key)) return true;
  if (key === 'operator') return value !== null && value.normalize('NFKC').toLowerCase().includes(state);
  if (key.endsWith('_t')) {
    if (value === null) return state.none;
    return (state.min === null || value >= state.min) && (state.max === null || value <= state.max);
  }
  if (key !== 'waste_codes') return state.includes(value ?? '');
  if (!value) return state.includes('');
  return value.split(';').some((code) => state.includes(code === '091-001-S05' ? 'SW05' : code));
}

const ASKED = [
  {},
  { status: ['in_use'] },
  { status: ['in_use', ''], province_code: ['140000'] },
  { waste_codes: ['SW05'], operator: 'demo' },
  { waste_codes: [''], mineral: ['iron', 'gold'] },
  { annual_t: { min: 10, max: 20, none: false }, stock_t: { min: null, max: 100, none: true } },
  { status: ['closed'], mineral: [''], province_code: ['130000', ''], annual_t: { min: 0, max: null, none: true } },
];

test('what passes, and the number beside every value, are those found by asking row after row', () => {
  for (const [i, asked] of ASKED.entries()) {
    const table = randomTable(400, 7 + i);
    const shown = GROUPS.map((_, group) => (i + group) % 3 > 0);
    const { columns } = table;
    const tonnes = { annual_t: columns.annual_t.numbers, stock_t: columns.stock_t.numbers };
    const found = evaluate({ ...table, shown, asked, tonnes });
    const keys = Object.keys(asked);
    const inAll = (row, but) => keys.every((key) => key === but || passes(table, row, key, asked[key]));
    const every = [...table.groups.keys()];
    const sites = every.filter((row) => inAll(row) && shown[table.groups[row]] && table.groups[row] !== PLANT);
    assert.deepEqual(
      [...(found.mask ?? every.map(() => 1))],
      every.map((row) => Number(inAll(row))),
    );
    assert.equal(found.sites, sites.length);
    assert.equal(found.annual_t, sites.reduce((sum, row) => sum + (table.values.annual_t[row] ?? 0), 0));
    GROUPS.forEach((_, group) => {
      assert.equal(found.groups[group], every.filter((row) => inAll(row) && table.groups[row] === group).length);
    });
    for (const facet of table.facets.filter(({ type }) => type === 'choice')) {
      facet.values.forEach((value, place) => {
        const others = every.filter((row) => inAll(row, facet.key) && shown[table.groups[row]] && table.groups[row] !== PLANT);
        const expected = others.filter((row) => passes(table, row, facet.key, [value])).length;
        assert.equal(found.facets[facet.key][place], expected, `${facet.key} ${value} in ${JSON.stringify(asked)}`);
      });
    }
    const without = every.filter(
      (row) =>
        inAll(row, 'annual_t') && shown[table.groups[row]] && table.groups[row] !== PLANT && table.values.annual_t[row] === null,
    );
    assert.deepEqual(found.facets.annual_t, [without.length]);
  }
});

test('plants stay when only facets of sites are asked, and go by province', () => {
  const groups = Uint8Array.from([GROUP_INDEX.level_1, PLANT, PLANT]);
  const columns = {
    mineral: texts(['iron', null, null]),
    province_code: texts(['140000', '140000', '130000']),
    annual_t: numbers([5, null, null]),
    waste_codes: texts(['SW05', null, null]),
  };
  const facets = facetsOf(columns, (row) => groups[row] === PLANT);
  const shown = GROUPS.map(() => true);
  const kept = (asked) => [...evaluate({ groups, shown, facets, asked }).mask];
  const asked = { mineral: ['gold'], annual_t: { min: 9, max: null, none: false }, waste_codes: ['SW04'] };
  assert.deepEqual(kept(asked), [0, 1, 1]);
  assert.deepEqual(kept({ province_code: ['130000'] }), [0, 0, 1]);
});

test('a map of plants alone counts plants beside the values', () => {
  const groups = Uint8Array.from([PLANT, PLANT]);
  const facets = facetsOf({ province_code: texts(['140000', null]) }, () => true);
  const found = evaluate({ groups, shown: GROUPS.map(() => true), facets, asked: {} });
  assert.deepEqual([...found.facets.province_code], [1, 1]);
});

test('all spellings of a waste code have one category', () => {
  for (const code of ['SW05', 's05', '091-001-S05', '091001SW05', ' SW-05 ']) assert.equal(wasteCategory(code), 'SW05');
  for (const code of ['HW48', '321-002-48', '32100248HW48', 'HW48321-002-48']) assert.equal(wasteCategory(code), 'HW48');
  assert.equal(wasteCategory('<img>'), '<IMG>');
});

// What a filter asks of a layer; the layer itself needs Leaflet and a page, and is tested there.
function layerOf(table, hidden = []) {
  const listeners = [];
  const layer = {
    ...table,
    shown: GROUPS.map(({ key }) => !hidden.includes(key)),
    totals: GROUPS.map((_, group) => table.groups.filter((own) => own === group).length),
    mask: null,
    ready: Promise.resolve(),
    on: (_, listener) => listeners.push(listener),
    setMask(mask) {
      layer.mask = mask;
      listeners.forEach((listener) => listener());
    },
    toggle(group, on) {
      layer.shown[group] = on;
      listeners.forEach((listener) => listener());
    },
  };
  return layer;
}

test('a state written as JSON brings back the same rows', async () => {
  const table = randomTable(300, 3);
  const layer = layerOf(table, ['gangue_heap']);
  const filters = makeFilters(layer);
  await filters.ready;
  assert.deepEqual(filters.state(), {});
  filters.choose('status', 'closed', true);
  filters.choose('status', '', true);
  filters.ask('operator', 'DEMO');
  filters.ask('annual_t', { min: 10, max: null, none: true });
  filters.toggle(GROUP_INDEX.level_3, false);
  const state = JSON.stringify(filters.state());
  const { mask, shown } = layer;
  assert.equal(
    state,
    '{"off":["gangue_heap","level_3"],"status":["closed",""],"operator":"DEMO","annual_t":[10,null,1]}',
  );
  filters.reset();
  assert.equal(layer.mask, null);
  assert.equal(layer.shown[GROUP_INDEX.level_3], true);
  assert.equal(layer.shown[GROUP_INDEX.gangue_heap], false);
  const other = layerOf(table);
  const elsewhere = makeFilters(other);
  elsewhere.restore(JSON.parse(state)); // before the data is there, as a link does
  await elsewhere.ready;
  assert.deepEqual(other.mask, mask);
  assert.deepEqual(other.shown, shown.map((on, group) => on && group !== GROUP_INDEX.level_3));
});

test('a state that nobody wrote is read as far as it makes sense', async () => {
  const layer = layerOf(randomTable(50, 5));
  const filters = makeFilters(layer);
  await filters.ready;
  for (const wrong of [null, 'x', [], { status: 'in_use', operator: ['a'], annual_t: { min: 1 }, off: 'all', __proto__: [] }]) {
    filters.restore(wrong);
    assert.deepEqual(filters.state(), {});
  }
  filters.restore({ status: ['molten', 7, 'molten'], annual_t: ['1', null], stock_t: [Infinity, 4] });
  assert.deepEqual(filters.state(), { status: ['molten'], stock_t: [null, 4] });
  const entry = filters.counts().facets.status.find(({ value }) => value === 'molten');
  assert.deepEqual(entry, { value: 'molten', count: 0, on: true });
});

test('to show one row, only what hides it is taken back', async () => {
  const table = randomTable(300, 11);
  const layer = layerOf(table);
  const filters = makeFilters(layer);
  await filters.ready;
  filters.restore({ status: ['in_use'], province_code: ['140000'], off: ['level_1'] });
  const row = table.values.status.findIndex(
    (status, i) => status === 'closed' && table.values.province_code[i] === '140000' && table.groups[i] === GROUP_INDEX.level_1,
  );
  assert.deepEqual(filters.hiding(row), ['groups', 'status']);
  assert.deepEqual(filters.admit(row), ['groups', 'status']);
  assert.deepEqual(filters.state(), { province_code: ['140000'] });
  assert.equal(layer.mask[row], 1);
  assert.deepEqual(filters.admit(row), []);
});

test('the legend’s switches are counted, and listeners hear of every change once', async () => {
  const table = randomTable(200, 13);
  const layer = layerOf(table);
  const filters = makeFilters(layer);
  await filters.ready;
  let heard = 0;
  const off = filters.onChange(() => {
    heard += 1;
  });
  const before = filters.counts().sites;
  layer.toggle(GROUP_INDEX.level_2, false);
  assert.equal(heard, 1);
  assert.equal(filters.counts().sites, before - layer.totals[GROUP_INDEX.level_2]);
  filters.choose('status', 'closed', true);
  assert.equal(heard, 2);
  off();
  filters.reset();
  assert.equal(heard, 2);
});
