// A Leaflet layer that is one canvas over the view and a margin round it. It moves with the map's pane, as tiles do,
// and is drawn anew when a movement ends or leaves the margin: dragging costs no drawing.

import { deskOf } from '../page/desk.js';

const MARGIN = 0.3; // of the view's width and height, on each side

/** Coordinates of lon/lat columns in the map's plane at zoom 0; a zoom is then one multiplication. */
export function toPlane(map, lng, lat) {
  const { crs } = map.options;
  const x = new Float64Array(lng.length);
  const y = new Float64Array(lng.length);
  for (let i = 0; i < lng.length; i += 1) {
    const point = crs.latLngToPoint({ lng: lng[i], lat: lat[i] }, 0);
    x[i] = point.x;
    y[i] = point.y;
  }
  return { x, y };
}

/** What is in the window, `{scale, dx, dy, width, height, zoom}`: pixel = plane · scale − d. */
export function viewOf(map) {
  const { crs } = map.options;
  const zoom = map.getZoom();
  const size = map.getSize();
  const corner = map.getPixelBounds().min;
  return { scale: crs.scale(zoom) / crs.scale(0), dx: corner.x, dy: corner.y, width: size.x, height: size.y, zoom };
}

/** The view with a margin of `x`, `y` pixels on each side. */
export function widened(view, x, y) {
  return { ...view, dx: view.dx - x, dy: view.dy - y, width: view.width + 2 * x, height: view.height + 2 * y };
}

/**
 * Base class; made when Leaflet is there, so that the modules can be tested without a page. A layer that says
 * `hit(event, touch)` takes clicks while it is on the map.
 */
export function canvasLayerClass() {
  return L.Layer.extend({
    initialize(options) {
      L.setOptions(this, options);
    },

    onAdd(map) {
      const pane = map.getPane(this.options.pane) ?? map.createPane(this.options.pane);
      pane.style.zIndex = this.options.zIndex;
      pane.style.pointerEvents = 'none';
      this._canvas = L.DomUtil.create('canvas', 'leaflet-zoom-animated', pane);
      this._canvas.setAttribute('aria-hidden', 'true');
      if (this.hit) deskOf(map).layers.add(this);
      this.redraw();
    },

    onRemove(map) {
      if (this.hit) deskOf(map).layers.delete(this);
      cancelAnimationFrame(this._frame);
      this._frame = undefined;
      this._canvas.remove();
      this._canvas = undefined;
    },

    getEvents() {
      const events = { move: this._moved, moveend: this.redraw, resize: this.redraw, viewreset: this.redraw };
      if (this._map.options.zoomAnimation && L.Browser.any3d) {
        events.zoomanim = (event) => this._follow(event.center, event.zoom);
      }
      return events;
    },

    /** Draws at the next frame. */
    redraw() {
      if (this._frame === undefined && this._canvas) {
        this._frame = requestAnimationFrame(() => {
          this._frame = undefined;
          // A layer that waits for its data has nothing to draw yet; it is asked again when it is there.
          if (this._canvas && !this._map._animatingZoom && !this.waiting) this._draw();
        });
      }
    },

    /** Draws at once, where no further frame comes: before a page is printed. */
    drawNow() {
      if (!this._canvas) return;
      this._canvas.width = 0;
      this._draw();
    },

    // While the map is dragged within the margin, what is drawn still covers the window.
    _moved() {
      const corner = this._map.containerPointToLayerPoint([0, 0]);
      const away = this._corner?.subtract(corner);
      const inside = away && Math.abs(away.x) <= this._margin.x && Math.abs(away.y) <= this._margin.y;
      if (!inside || this._map.getZoom() !== this._zoom) this.redraw();
    },

    _draw() {
      const seen = viewOf(this._map);
      // On paper the map is drawn finer, and nobody drags it.
      const { registryRatio } = this._map.options;
      const margin = registryRatio ? 0 : MARGIN;
      this._margin = L.point(Math.round(seen.width * margin), Math.round(seen.height * margin));
      const view = widened(seen, this._margin.x, this._margin.y);
      const ratio = registryRatio ?? (window.devicePixelRatio || 1);
      const canvas = this._canvas;
      const width = Math.round(view.width * ratio);
      const height = Math.round(view.height * ratio);
      const resized = canvas.width !== width || canvas.height !== height;
      if (resized) {
        canvas.width = width;
        canvas.height = height;
        canvas.style.width = `${view.width}px`;
        canvas.style.height = `${view.height}px`;
      }
      this._center = this._map.getCenter();
      this._zoom = this._map.getZoom();
      this._corner = this._map.containerPointToLayerPoint([0, 0]);
      L.DomUtil.setTransform(canvas, this._corner.subtract(this._margin), 1);
      const ctx = canvas.getContext('2d');
      ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
      // A canvas with a new size is empty. Chromium prints the drawing itself, and in it a clearing as a white sheet
      // over all layers below.
      if (!resized) ctx.clearRect(0, 0, view.width, view.height);
      this.paint(ctx, view, ratio);
    },

    // While Leaflet animates a zoom, the picture at hand is stretched along with it.
    _follow(center, zoom) {
      if (!this._center) return;
      const map = this._map;
      const scale = map.getZoomScale(zoom, this._zoom);
      const half = map.getSize().multiplyBy(0.5).add(this._margin);
      const offset = half
        .multiplyBy(-scale)
        .add(map.project(this._center, zoom))
        .subtract(map._getNewPixelOrigin(center, zoom));
      L.DomUtil.setTransform(this._canvas, offset, scale);
    },
  });
}
