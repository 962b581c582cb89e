// The blocks of data in a page: script elements that no browser runs, found by their id.

import { decode, fromBase64, gunzip } from '../packed/pack.js';
import { learn, openIn } from './language.js';

async function unpackBlock(id) {
  return decode(await gunzip(fromBase64(document.getElementById(id).textContent)));
}

let learnt;

/** Decodes the block with this id in the page, after the page's words, which are a block of their own. */
export async function readBlock(id) {
  learnt ??= unpackBlock('registry_words').then(({ meta }) => learn(meta.says));
  await learnt;
  const block = await unpackBlock(id);
  openIn(block.meta.lang);
  return block;
}
