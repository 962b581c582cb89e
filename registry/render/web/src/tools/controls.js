// Parts that panels of tools are made of: buttons, a field to type a position in, a copy of a text.

import { parsePosition } from './coordinates.js';
import { el } from '../page/dom.js';
import { words } from '../page/language.js';

let fields = 0;

/** A button with a text. */
export function button(text, act, className = 'registry-button') {
  const made = el('button', className, text);
  made.type = 'button';
  made.addEventListener('click', act);
  return made;
}

/** An input or select with its label before it. */
export function labelled(text, input) {
  fields += 1;
  input.id = `registry-field-${fields}`;
  const label = el('label', 'registry-field-label', text);
  label.htmlFor = input.id;
  return el('div', 'registry-field', label, input);
}

/**
 * A form in which a position is typed: the way of the keyboard to what a click on the map does.
 *
 * `take({lat, lng})` is called with what was typed, and the field emptied; what is no position is said under it.
 * Where the reader has been located, a button takes that position.
 */
export function positionForm(bench, label, take) {
  const text = words();
  const input = el('input', 'registry-input');
  input.placeholder = text.position_example;
  input.autocomplete = 'off';
  const wrong = el('p', 'registry-wrong');
  wrong.setAttribute('role', 'alert');
  const field = labelled(text.position_typed, input);
  field.append(el('button', 'registry-button', label));
  const form = el('form', 'registry-position', field, wrong);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const point = parsePosition(input.value);
    wrong.textContent = point ? '' : text.position_wrong;
    input.setAttribute('aria-invalid', String(!point));
    if (!point) return;
    input.value = '';
    if (!bench.map.getBounds().contains(point)) bench.map.panTo(point);
    take(point);
  });
  if (bench.here) form.insertBefore(button(text.position_mine, () => take(bench.here)), wrong);
  return form;
}

/** Copies a text; settles with whether the browser let it. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // No clipboard for this page, as in a browser that does not trust files: the old way.
    const area = el('textarea', 'registry-spoken', text);
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

/** A button that copies what `text()` gives when it is pressed, and says so. */
export function copyButton(bench, text) {
  const said = words();
  const made = button(said.copy_result, async () => {
    const held = document.activeElement;
    const done = await copyText(text());
    held?.focus();
    bench.announce(done ? said.copied : said.not_copied);
    made.textContent = done ? said.copied : said.not_copied;
    setTimeout(() => {
      made.textContent = said.copy_result;
    }, 2000);
  });
  return made;
}
