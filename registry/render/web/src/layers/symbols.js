// Colour, shape and order of every group of symbols: readable in colour, to a colour-blind reader and in grey.

/** Groups from the bottom of the drawing to its top. */
export const GROUPS = [
  { key: 'gangue_heap', shape: 'pentagon', fill: '#4d4d4d', stroke: '#ffffff', grow: 1.05 },
  { key: 'smelting_site', shape: 'cross', fill: '#6a3d9a', stroke: '#ffffff', grow: 1.15 },
  { key: 'level_none', shape: 'circle', fill: '#ffffff', stroke: '#4d4d4d', grow: 1, shade: '#b4b4b4' },
  { key: 'level_3', shape: 'circle', fill: '#3b8bc4', stroke: '#ffffff', grow: 1 },
  { key: 'level_2', shape: 'square', fill: '#fdae33', stroke: '#5e3c00', grow: 1 },
  { key: 'utilization_plant', shape: 'star', fill: '#00683b', stroke: '#ffffff', grow: 1.7 },
  { key: 'level_1', shape: 'triangle', fill: '#a50f24', stroke: '#ffffff', grow: 1.9 },
];
export const GROUP_INDEX = Object.fromEntries(GROUPS.map((group, index) => [group.key, index]));

/** Half the width of a plain symbol in CSS pixels at a zoom: small on a national view, larger as one comes near. */
export function radiusAt(zoom) {
  return Math.min(9, Math.max(1.9, 1.9 + (zoom - 4) * 0.85));
}

function corners(count, radius, turn, inner = 1) {
  const points = [];
  const steps = inner === 1 ? count : count * 2;
  for (let i = 0; i < steps; i += 1) {
    const length = i % 2 && inner !== 1 ? radius * inner : radius;
    const angle = turn + (2 * Math.PI * i) / steps;
    points.push([length * Math.sin(angle), -length * Math.cos(angle)]);
  }
  return points;
}

function outline(shape, radius) {
  if (shape === 'triangle') return corners(3, radius * 1.2, 0);
  if (shape === 'square') return corners(4, radius * 1.25, Math.PI / 4);
  if (shape === 'pentagon') return corners(5, radius * 1.15, Math.PI);
  if (shape === 'star') return corners(5, radius * 1.3, 0, 0.45);
  const arm = radius * 0.4;
  const end = radius * 1.1;
  return [
    [-arm, -end], [arm, -end], [arm, -arm], [end, -arm], [end, arm], [arm, arm],
    [arm, end], [-arm, end], [-arm, arm], [-end, arm], [-end, -arm], [-arm, -arm],
  ];
}

/** Draws one symbol with its middle at x, y. */
export function drawSymbol(ctx, group, x, y, radius) {
  const size = radius * group.grow;
  ctx.beginPath();
  if (group.shape === 'circle') ctx.arc(x, y, size, 0, 2 * Math.PI);
  else {
    outline(group.shape, size).forEach(([dx, dy], i) => (i ? ctx.lineTo(x + dx, y + dy) : ctx.moveTo(x + dx, y + dy)));
    ctx.closePath();
  }
  ctx.lineJoin = 'round';
  ctx.lineWidth = Math.max(0.5, Math.min(1.4, size / 4));
  ctx.fillStyle = group.fill;
  ctx.strokeStyle = group.stroke;
  ctx.fill();
  ctx.stroke();
}

/** Pictures of all symbols at one size, so that thousands are stamped instead of drawn. */
export function stamps(radius, ratio) {
  return GROUPS.map((group) => {
    const half = Math.ceil(radius * group.grow * 1.4 + 2);
    const canvas = document.createElement('canvas');
    canvas.width = 2 * half * ratio;
    canvas.height = 2 * half * ratio;
    const ctx = canvas.getContext('2d');
    ctx.scale(ratio, ratio);
    drawSymbol(ctx, group, half, half, radius);
    return { canvas, half };
  });
}
