"""Results drawn over the ground: what plants reach, and lines to the nearest plant; coloured as on the page."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
from matplotlib.collections import LineCollection

from registry.render.layers.frames import lonlat_geometry
from registry.render.layers.nearest import LINE_BREAKS_KM
from registry.render.plates.ground import draw_areas
from registry.render.plates.symbols import RASTER_FROM

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.render.plates.content import Content
    from registry.render.plates.sheet import Panel

REACH_FILLS = ("#006d2c", "#41ae76", "#a6dbb8", "#d3efdc")
LINE_COLOURS = ("#c9a227", "#e0602a", "#a3195b", "#2a1a5e")


def keys(content: Content) -> list[tuple[str, list[tuple[str, str]]]]:
    """What the legend says of the results on a plate: heading, and colour and text of each row."""
    words = content.words
    found = []
    if content.coverage is not None:
        radii = sorted(float(radius) for radius in content.coverage.areas["radius_km"])
        rows = [(_reach_fill(i), words["plate_nearer"].format(last=f"{radius:g}")) for i, radius in enumerate(radii)]
        found.append((words["within"], rows))
    if content.nearest is not None:
        breaks = [f"{limit:g}" for limit in LINE_BREAKS_KM]
        texts = [
            words["plate_nearer"].format(last=breaks[0]),
            *(f"{low}–{high} km" for low, high in pairwise(breaks)),
            words["plate_farther"].format(first=breaks[-1]),
        ]
        found.append((words["plate_lines"], list(zip(LINE_COLOURS, texts, strict=False))))
    return found


def draw(panel: Panel, content: Content, points: NDArray[np.float64], *, weight: float = 1.0) -> None:
    """Draw the results of the content; ``points`` are its places on the panel's plane, row by row."""
    if content.coverage is not None:
        areas = content.coverage.areas.sort_values("radius_km")
        shapes = lonlat_geometry(areas)
        for index in range(len(shapes) - 1, -1, -1):
            ring = shapes[index] if index == 0 else shapely.difference(shapes[index], shapes[index - 1])
            draw_areas(
                panel,
                np.array([ring], dtype=object),
                facecolor=_reach_fill(index),
                alpha=0.55,
                edgecolor="none",
                zorder=4,
            )
    if content.nearest is not None:
        _draw_lines(panel, content, points, weight)


def _draw_lines(panel: Panel, content: Content, points: NDArray[np.float64], weight: float) -> None:
    found = content.nearest
    if found is None:
        return
    links = found[found["rank"] == 1]
    row_of = {uid: row for row, uid in enumerate(content.places.uids)}
    site = links["site_uid"].astype(str).map(row_of)
    plant = links["plant_uid"].astype(str).map(row_of)
    known = (site.notna() & plant.notna()).to_numpy()
    ends = np.stack([points[column[known].to_numpy(np.int64)] for column in (site, plant)], axis=1)
    classes = np.searchsorted(np.array(LINE_BREAKS_KM) * 1000.0, links["distance_m"].to_numpy(float)[known])
    for index, colour in enumerate(LINE_COLOURS):
        lines = LineCollection(
            list(ends[classes == index]), colors=colour, linewidths=panel.sheet.points(0.35 * weight), alpha=0.75, zorder=7,
            rasterized=len(ends) >= RASTER_FROM,
        )  # fmt: skip
        panel.ax.add_collection(lines, autolim=False)


def _reach_fill(index: int) -> str:
    return REACH_FILLS[min(index, len(REACH_FILLS) - 1)]
