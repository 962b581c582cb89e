// Areas as columns: rings of all features one after another, filled even-odd, so that a hole needs no word of its own.

/** Start and end of every ring, and the rings of every feature, from the packed tables. */
export function readRings(tables) {
  const { rings, points } = tables;
  const lng = points.columns.lng.numbers;
  const lat = points.columns.lat.numbers;
  const features = [];
  let start = 0;
  for (let i = 0; i < rings.rows; i += 1) {
    const end = start + rings.columns.length.numbers[i];
    const feature = rings.columns.feature.numbers[i];
    features[feature] ??= [];
    features[feature].push({ start, end });
    start = end;
  }
  return { lng, lat, features };
}

/** True when the point lies inside the feature, by the even-odd rule. */
export function inside({ lng, lat, features }, feature, x, y) {
  let odd = false;
  for (const { start, end } of features[feature] ?? []) {
    for (let i = start, j = end - 1; i < end; j = i, i += 1) {
      if (lat[i] > y !== lat[j] > y && x < ((lng[j] - lng[i]) * (y - lat[i])) / (lat[j] - lat[i]) + lng[i]) odd = !odd;
    }
  }
  return odd;
}

/** Puts an open line on the path, leaving out points that fall on the pixel before. */
export function traceLine(ctx, plane, { start, end }, { scale, dx, dy }) {
  let lastX = Infinity;
  let lastY = Infinity;
  for (let i = start; i < end; i += 1) {
    const x = plane.x[i] * scale - dx;
    const y = plane.y[i] * scale - dy;
    if (i === start) ctx.moveTo(x, y);
    else if (i === end - 1 || Math.abs(x - lastX) + Math.abs(y - lastY) > 0.8) ctx.lineTo(x, y);
    else continue;
    lastX = x;
    lastY = y;
  }
}

/** Puts the rings of a feature on the path. */
export function trace(ctx, plane, rings, view) {
  for (const ring of rings) {
    traceLine(ctx, plane, ring, view);
    ctx.closePath();
  }
}
