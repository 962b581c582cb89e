// Icons of the buttons, drawn on a grid of 24 × 24 in strokes.

const PATHS = {
  language: 'M3 5h10M8 3v2M5 5c1 4 4 7 7 8M11 5c-1 4-4 7-8 8M12 21l4-10 4 10M13.5 17.5h5',
  close: 'M6 6l12 12M18 6L6 18',
};

/** An icon as an SVG element that a screen reader passes over; its button says what it does. */
export function icon(name) {
  const space = 'http://www.w3.org/2000/svg';
  const svg = document.createElementNS(space, 'svg');
  for (const [key, value] of Object.entries({ viewBox: '0 0 24 24', width: 20, height: 20, 'aria-hidden': 'true' })) {
    svg.setAttribute(key, value);
  }
  const path = document.createElementNS(space, 'path');
  path.setAttribute('d', PATHS[name] ?? '');
  for (const [key, value] of [
    ['fill', 'none'],
    ['stroke', 'currentColor'],
    ['stroke-width', '1.8'],
    ['stroke-linecap', 'round'],
    ['stroke-linejoin', 'round'],
  ]) {
    path.setAttribute(key, value);
  }
  svg.append(path);
  return svg;
}
