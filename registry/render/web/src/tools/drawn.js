// What the measuring tools draw on a map: geodesics with a light rim, rings, numbered points, handles to drag.

import { canvasLayerClass, toPlane } from '../layers/canvas.js';
import { el } from '../page/dom.js';
import { line, unrolled } from './geodesic.js';

const INK = '#17497a';
const RIM = 'rgba(255, 255, 255, 0.85)';
const FILL = 'rgba(23, 73, 122, 0.1)';
const RIM_WIDTH = 3.5; // pixels that the rim is wider than the line

/** Points along a path of geodesics. */
export function alongPath(points) {
  const path = unrolled(points);
  return path.flatMap((point, i) => (i ? line(path[i - 1], point).slice(1) : [point]));
}

const sheets = new WeakMap();

/** The canvas of a map on which all its tools draw, above the sites. */
function sheetOf(map) {
  if (!sheets.has(map)) {
    const Sheet = canvasLayerClass().extend({
      paint(ctx, view) {
        ctx.lineJoin = 'round';
        ctx.lineCap = 'round';
        for (const shape of [...this.drawings].flatMap(({ shapes }) => shapes)) paintShape(ctx, shape, this._map, view);
      },
    });
    const sheet = new Sheet({ pane: 'registry-drawn', zIndex: 470 });
    sheet.drawings = new Set();
    map.createPane('registry-handles').style.zIndex = 620; // above everything but labels and popups
    sheets.set(map, sheet.addTo(map));
  }
  return sheets.get(map);
}

function paintShape(ctx, { points, closed, dash = [], width = 2.5 }, map, view) {
  const { x, y } = toPlane(map, points.map(({ lng }) => lng), points.map(({ lat }) => lat));
  ctx.beginPath();
  for (let i = 0; i < points.length; i += 1) ctx.lineTo(x[i] * view.scale - view.dx, y[i] * view.scale - view.dy);
  if (closed) {
    ctx.closePath();
    ctx.fillStyle = FILL;
    ctx.fill();
  }
  ctx.setLineDash([]);
  ctx.lineWidth = width + RIM_WIDTH;
  ctx.strokeStyle = RIM;
  ctx.stroke();
  ctx.setLineDash(dash);
  ctx.lineWidth = width;
  ctx.strokeStyle = INK;
  ctx.stroke();
}

/** What one owner has drawn on a map: shapes `{points, closed?, dash?, width?}` and Leaflet's own layers. */
export class Drawing {
  constructor(map) {
    this.sheet = sheetOf(map);
    this.shapes = [];
    this.marks = L.layerGroup().addTo(map);
    this.sheet.drawings.add(this);
  }

  /** Draws these shapes instead of those before; the marks too, when given. */
  show(shapes, marks) {
    this.shapes = shapes;
    this.sheet.redraw();
    if (!marks) return;
    this.marks.clearLayers();
    for (const one of marks) this.marks.addLayer(one);
  }

  clear() {
    this.show([], []);
  }

  remove() {
    this.clear();
    this.marks.remove();
    this.sheet.drawings.delete(this);
  }
}

/** A small round mark with a short text, as that of a point of a path; draggable when `drag` says what to do. */
export function mark(point, text, { className = '', title, drag, done } = {}) {
  const marker = L.marker(point, {
    pane: 'registry-handles',
    icon: L.divIcon({ className: `registry-mark ${className}`, html: el('span', '', String(text)), iconSize: [24, 24] }),
    interactive: Boolean(drag),
    draggable: Boolean(drag),
    keyboard: false, // the panel has the same for the keyboard
    title,
  });
  if (drag) marker.on('drag', () => drag(marker.getLatLng()));
  if (done) marker.on('dragend', () => done());
  return marker;
}
