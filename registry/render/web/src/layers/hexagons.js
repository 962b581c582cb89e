// Hexagons of the H3 grid, shaded by what they hold.

import { areasLayerClass, filled } from './areas.js';
import { words } from '../page/language.js';
import { valueAt } from '../packed/pack.js';

// From yellow to brown: another colour than that of the regions beneath, so that the two are never taken for one.
export const HEXAGON_SHADES = ['#fff3b8', '#fee08b', '#fdc04f', '#f89a2b', '#e0701b', '#b84a0d', '#742a08'];

/** The hexagons layer of the block `id`. */
export function hexagons(id) {
  const Areas = areasLayerClass({
    ramp: HEXAGON_SHADES, land: null, line: '#ffffff', hatch: '#b9ad97', alpha: 1, deepest: 12,
    width: (zoom) => (zoom < 6 ? 0.7 : 1.2),
  });
  const Layer = Areas.extend({
    onAdd(map) {
      Areas.prototype.onAdd.call(this, map);
      // Outlines and whatever else lies beneath stay legible through the colours.
      map.getPane(this.options.pane).style.mixBlendMode = 'multiply';
    },

    nameOf(row) {
      return valueAt(this.columns.code, row);
    },

    kindText() {
      return words().hexagon;
    },

    legend() {
      const row = {
        key: 'hexagons',
        label: words().hexagons,
        shown: true,
        layer: this,
        draw: (ctx, width, height) => {
          ctx.beginPath();
          for (let i = 0; i < 6; i += 1) {
            const angle = (Math.PI / 3) * i;
            ctx.lineTo(width / 2 + 7 * Math.cos(angle), height / 2 + 7 * Math.sin(angle));
          }
          ctx.closePath();
          ctx.fillStyle = HEXAGON_SHADES[2];
          ctx.strokeStyle = '#8a5a12';
          ctx.fill();
          ctx.stroke();
        },
      };
      return [{ heading: `${words().hexagons} – ${this.measure()}`, rows: [row], scale: this.scale() }];
    },

    counts() {
      return { hexagons: this._map ? this.rows : 0 };
    },
  });
  return filled(new Layer({ pane: 'registry-hexagons', zIndex: 355 }), id, 'cells');
}
