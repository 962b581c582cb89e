// How texts are made alike before they are compared.

/** Full width and half width, upper and lower case, and runs of white space no longer differ. */
export function fold(text) {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** A text of the page with its places in braces filled. */
export function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (place, key) => values[key] ?? place);
}
