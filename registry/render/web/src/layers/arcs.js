// Flows as arcs: how they bend, how wide they are, and what colour a waste has.

// Colours of Okabe and Ito (2008), told apart by colour-blind readers; those of one waste are always the same.
const COLOURS = {
  SW01: '#d55e00', SW02: '#009e73', SW03: '#8c6d1f', SW04: '#333333', SW05: '#0072b2', SW06: '#56b4e9',
  SW07: '#7a5195', SW09: '#a3195b', SW10: '#cc79a7', SW11: '#e69f00', SW59: '#6b6b6b',
};
const OTHER = '#6b6b6b';
const BEND = 0.16; // of its length, that an arc leaves the straight line
const WIDEST = 6.5;

/** The colour of a category of waste. */
export function wasteColour(category) {
  return COLOURS[category] ?? OTHER;
}

/** The class of tonnes a year: how many of the breaks they lie beyond. */
export function tonnageClass(tonnes, breaks) {
  return breaks.filter((limit) => tonnes > limit).length;
}

/** The width in pixels of class `index` of `count`. */
export function arcWidth(index, count) {
  return count < 2 ? 1.8 : 0.8 + (index * (WIDEST - 0.8)) / (count - 1);
}

/** The point by which an arc from `a` to `b` bends: always to the left, so that flows both ways are two arcs. */
export function bendPoint(a, b) {
  return { x: (a.x + b.x) / 2 + (b.y - a.y) * BEND, y: (a.y + b.y) / 2 - (b.x - a.x) * BEND };
}

/** Half the diagonal of a hub's symbol: by its modules, by tonnes where they are not known. */
export function hubRadius({ modules, share }) {
  const size = modules === undefined ? 9 * Math.sqrt(share) : 3.2 * Math.sqrt(modules);
  return Math.min(22, 8 + size);
}

/** Draws a hub with its middle at x, y, and its number of modules where there is room. */
export function drawHub(ctx, x, y, radius, modules) {
  ctx.beginPath();
  ctx.moveTo(x, y - radius);
  ctx.lineTo(x + radius, y);
  ctx.lineTo(x, y + radius);
  ctx.lineTo(x - radius, y);
  ctx.closePath();
  ctx.fillStyle = '#161616';
  ctx.fill();
  ctx.lineWidth = 2;
  ctx.lineJoin = 'round';
  ctx.strokeStyle = '#ffffff';
  ctx.stroke();
  if (modules === undefined || radius < 9) return;
  ctx.font = `700 ${Math.round(Math.max(9, radius * 0.75))}px system-ui, "Noto Sans CJK SC", sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.fillStyle = '#ffffff';
  ctx.fillText(String(modules), x, y + 0.5);
}
