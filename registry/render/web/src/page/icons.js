// Icons of the buttons, drawn on a grid of 24 × 24 in strokes.

const PATHS = {
  filter: 'M4 5h16l-6.2 7.5V18l-3.6 2v-7.5z',
  search: 'M10.5 4a6.5 6.5 0 1 1 0 13a6.5 6.5 0 1 1 0-13M15.4 15.4L20.5 20.5',
  language: 'M3 5h10M8 3v2M5 5c1 4 4 7 7 8M11 5c-1 4-4 7-8 8M12 21l4-10 4 10M13.5 17.5h5',
  tiles: 'M4 5h16l-6 7v7l-4-2v-5z',
  close: 'M6 6l12 12M18 6L6 18',
  measure: 'M3 16.5L16.5 3 21 7.5 7.5 21zM6.5 13l2 2M9.5 10l3 3M12.5 7l2 2',
  circle: 'M12 3a9 9 0 1 0 0 18 9 9 0 1 0 0-18M12 12h9M12 11.2v1.6M11.2 12h1.6',
  nearest: 'M5 5m-2 0a2 2 0 1 0 4 0a2 2 0 1 0-4 0M6.5 6.5L17 17M17 11v6h-6M19 5h2M14 5h2M5 19v2M5 14v2',
  locate: 'M12 5a7 7 0 1 0 0 14 7 7 0 1 0 0-14M12 2v3M12 19v3M2 12h3M19 12h3M12 11a1 1 0 1 0 0 2 1 1 0 1 0 0-2',
  list: 'M4 5h16M4 12h16M4 19h16M9 5v14',
  link: 'M10 14a4 4 0 0 0 5.7 0l3.6-3.6a4 4 0 0 0-5.7-5.7L12.2 6.1M14 10a4 4 0 0 0-5.7 0l-3.6 3.6a4 4 0 0 0 5.7 5.7l1.4-1.4',
  print: 'M7 9V3h10v6M7 17H4V9h16v8h-3M7 14h10v7H7z',
  fullscreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
  download: 'M12 3v12M7 11l5 5 5-5M4 20h16',
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
