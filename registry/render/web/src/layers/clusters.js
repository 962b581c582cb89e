// Many sites in one place drawn as one ring: supercluster joins them, the ring shows what they are.

import Supercluster from 'supercluster';
import { GROUPS } from './symbols.js';

const RADIUS = 46; // pixels within which sites are joined
const DEEPEST = 14; // the last zoom at which they are

/** Sites joined by zoom: an index over the rows for which `keep(row)` is true. */
export function clusterIndex({ lng, lat, groups }, rows, keep) {
  const index = new Supercluster({
    radius: RADIUS,
    extent: 256,
    maxZoom: DEEPEST,
    map: ({ group }) => ({ counts: GROUPS.map((_, at) => Number(at === group)) }),
    // A new list each time: supercluster hands the same one to a ring and to the wider ring that takes it in.
    reduce: (sum, { counts }) => {
      sum.counts = sum.counts.map((count, at) => count + counts[at]);
    },
  });
  const features = [];
  for (let row = 0; row < rows; row += 1) {
    if (keep(row)) {
      features.push({
        type: 'Feature',
        properties: { row, group: groups[row] },
        geometry: { type: 'Point', coordinates: [lng[row], lat[row]] },
      });
    }
  }
  return index.load(features);
}

/** Half the width in pixels of the ring of `count` sites. */
export function ringRadius(count) {
  return Math.min(30, 9 + 4.2 * Math.log10(count) ** 1.15);
}

/** A count in as few characters as a ring has room for: 87, 1.2k, 12k; in Chinese 1.2万. */
export function shortCount(count, lang) {
  if (lang === 'zh') return count < 10_000 ? String(count) : `${Number((count / 10_000).toFixed(count < 1e5 ? 1 : 0))}万`;
  if (count < 1000) return String(count);
  if (count < 1e6) return `${Number((count / 1000).toFixed(count < 10_000 ? 1 : 0))}k`;
  return `${Number((count / 1e6).toFixed(1))}M`;
}

/** Draws the ring of these counts (one for every group) with its middle at x, y: arcs by share, the sum inside. */
export function drawRing(ctx, counts, x, y, lang) {
  let sum = 0;
  for (const count of counts) sum += count;
  const radius = ringRadius(sum);
  const width = Math.max(3.5, radius * 0.28);
  ctx.beginPath();
  ctx.arc(x, y, radius + 0.5, 0, 2 * Math.PI);
  ctx.fillStyle = 'rgba(255, 255, 255, 0.92)';
  ctx.fill();
  let angle = -Math.PI / 2;
  // The highest group first, clockwise from the top: level 1 is always found at the same place.
  for (let group = GROUPS.length - 1; group >= 0; group -= 1) {
    if (!counts[group]) continue;
    const end = angle + (counts[group] / sum) * 2 * Math.PI;
    ctx.beginPath();
    ctx.arc(x, y, radius - width / 2, angle, end);
    ctx.lineWidth = width;
    ctx.strokeStyle = GROUPS[group].shade ?? GROUPS[group].fill;
    ctx.stroke();
    angle = end;
  }
  ctx.beginPath();
  ctx.arc(x, y, radius, 0, 2 * Math.PI);
  ctx.lineWidth = 0.8;
  ctx.strokeStyle = 'rgba(40, 40, 40, 0.75)';
  ctx.stroke();
  ctx.font = `600 ${Math.round(Math.max(9, radius * 0.55))}px system-ui, "Noto Sans CJK SC", "Microsoft YaHei", sans-serif`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  ctx.fillStyle = '#1c1c1c';
  ctx.fillText(shortCount(sum, lang), x, y + 0.5);
}
