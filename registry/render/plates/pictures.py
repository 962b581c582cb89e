"""Small pictures of maps, for the gallery: the country, its results and its sites, and no word."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from registry.render.plates import output
from registry.render.plates.content import Content, content_of
from registry.render.plates.flows import draw_flows, flows_of
from registry.render.plates.fonts import typeface
from registry.render.plates.ground import SEA, Ground, fills_of, ground_of
from registry.render.plates.national import INSET_MIDDLE, INSET_SIZE_M, MIDDLE, SIZE_M, draw_places, extent_of
from registry.render.plates.projection import CHINA
from registry.render.plates.sheet import HEIGHT_MM, WIDTH_MM, Rectangle, Sheet, fitting

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from registry.render.plates.flows import Flows
    from registry.render.plates.projection import Projection

WIDTH_PX = 480
_WHOLE = Rectangle(0, 0, WIDTH_MM, HEIGHT_MM)
# As wide as leaves Taiwan and the islands beside it in sight.
_INSET = Rectangle(WIDTH_MM - 38, 0, 38, 50)
# Drawn at twice the size and made smaller, which is smoother than drawing it small.
_FINER = 2
_RADIUS_PT, _WEIGHT = 2.2, 2.5
_QUALITY = 72


class Pictures:
    """Draws small pictures of maps over the same regions; their ground is made once.

    Parameters
    ----------
    regions : polygons with ``code, name``, and ``level`` where there are several
    """

    def __init__(self, regions: GeoDataFrame | None) -> None:
        self._regions = regions
        self._grounds: dict[bool, Ground] = {}
        self.taken: dict[str, bytes] = {}

    def take(self, name: str, sites: GeoDataFrame | None, plants: GeoDataFrame | None = None, **options: Any) -> None:
        """Draw a picture and keep it in ``taken`` under a name."""
        self.taken[name] = self.picture(sites, plants, **options)

    def picture(self, sites: GeoDataFrame | None, plants: GeoDataFrame | None = None, **options: Any) -> bytes:
        """A picture of a map, as WebP, 480 pixels wide.

        Parameters
        ----------
        sites, plants : as for ``write_plates``
        options : ``concentration, measure, coverage, nearest, symbols, lang`` as for ``write_plates``; ``plan`` of hubs, with
            ``hubs, flows, unreached``

        Raises
        ------
        EmptyLayerError : there is nothing to draw.
        """
        plan = options.pop("plan", None)
        content = content_of(sites, plants, self._regions, **options)
        flows = None if plan is None or sites is None else flows_of(sites, plan.hubs, plan.flows, plan.unreached)
        # No letter is drawn, but a sheet has a typeface.
        with output.settings(), typeface("") as face:
            sheet = Sheet(face)
            if content.of_china:
                self._draw(sheet, content, _WHOLE, CHINA, MIDDLE, fitting(_WHOLE, *SIZE_M, margin_mm=4), flows)
                self._draw(sheet, content, _INSET, CHINA, INSET_MIDDLE, fitting(_INSET, *INSET_SIZE_M), inset=True)
            else:
                projection, middle, size = extent_of(content)
                self._draw(sheet, content, _WHOLE, projection, middle, fitting(_WHOLE, *size, margin_mm=8), flows)
            return _webp(sheet)

    def _draw(
        self, sheet: Sheet, content: Content, place: Rectangle, projection: Projection, middle: tuple[float, float],
        scale: float, flows: Flows | None = None, *, inset: bool = False,
    ) -> None:  # fmt: skip
        panel = sheet.panel(place, projection, middle, scale, zorder=4 if inset else 1, ground=SEA)
        if inset not in self._grounds:
            # A pixel is coarser than a pen.
            self._grounds[inset] = ground_of(content, projection, scale * 4, panel.extent)
        self._grounds[inset].draw(panel.ax, sheet, fills_of(content), weight=1.0 if inset else 1.8)
        draw_places(panel, content, _RADIUS_PT, weight=_WEIGHT)
        if flows is not None:
            draw_flows(panel, flows, grown=_WEIGHT, named=False)


def _webp(sheet: Sheet) -> bytes:
    canvas = FigureCanvasAgg(sheet.figure)
    sheet.figure.set_dpi(_FINER * WIDTH_PX * 25.4 / WIDTH_MM)
    canvas.draw()
    drawn = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    small = drawn.resize((WIDTH_PX, round(WIDTH_PX * HEIGHT_MM / WIDTH_MM)), Image.Resampling.LANCZOS)
    packed = io.BytesIO()
    small.save(packed, format="WEBP", quality=_QUALITY, method=6)
    return packed.getvalue()
