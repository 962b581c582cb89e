// What is known of one site of a tile: the attributes of its feature and its row of the table beside the features.

import { language } from '../page/language.js';
import { valueAt } from '../packed/pack.js';
import { attributesOf } from './tile_reader.js';
import { readTable } from './tile_table.js';

/** The table beside a tile's features, read at first use. */
export function tableOf(tile) {
  tile.columns ??= readTable(tile.table);
  return tile.columns;
}

/** All columns of a tile as `valueAt` understands them; those of its features for this row alone. */
export function columnsOf(tile, row) {
  const own = {};
  for (const [name, value] of Object.entries(attributesOf(tile, row))) {
    own[name] =
      typeof value === 'string'
        ? { type: 'text', values: [value], codes: { [row]: 1 } }
        : { type: 'number', numbers: { [row]: Number(value) } };
  }
  return { ...tableOf(tile), ...own };
}

/** What a site is called in the page's language. */
export function nameIn({ name, name_en: english, code, uid }, row) {
  const inEnglish = language() === 'en' ? valueAt(english, row) : undefined;
  return inEnglish ?? valueAt(name, row) ?? valueAt(code, row) ?? valueAt(uid, row);
}

/** Every value of a site by column; null where there is none. */
export function valuesOf(tile, row) {
  const columns = columnsOf(tile, row);
  return Object.fromEntries(Object.keys(columns).map((name) => [name, valueAt(columns[name], row) ?? null]));
}
