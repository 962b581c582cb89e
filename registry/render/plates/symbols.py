"""Symbols of sites on paper: colour, shape and order of every group, as the page draws them.

The page's table stands in ``registry/render/web/src/layers/symbols.js``; a test holds both to be the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform

from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Symbol:
    """How one group of sites is drawn; ``grow`` is its size beside a plain symbol's."""

    key: str
    shape: str
    fill: str
    stroke: str
    grow: float


# From the bottom of the drawing to its top.
GROUPS = (
    Symbol("gangue_heap", "pentagon", "#4d4d4d", "#ffffff", 1.05),
    Symbol("smelting_site", "cross", "#6a3d9a", "#ffffff", 1.15),
    Symbol("level_none", "circle", "#ffffff", "#4d4d4d", 1),
    Symbol("level_3", "circle", "#3b8bc4", "#ffffff", 1),
    Symbol("level_2", "square", "#fdae33", "#5e3c00", 1),
    Symbol("utilization_plant", "star", "#00683b", "#ffffff", 1.7),
    Symbol("level_1", "triangle", "#a50f24", "#ffffff", 1.9),
)
GROUP_INDEX = {symbol.key: index for index, symbol in enumerate(GROUPS)}
# The order of a legend: what is graver stands first.
LEGEND_ORDER = tuple(
    GROUP_INDEX[key]
    for key in ("level_1", "level_2", "level_3", "level_none", "gangue_heap", "smelting_site", "utilization_plant")
)
# From so many symbols on, a vector file carries them as a picture: it stays small and opens at once.
RASTER_FROM = 30_000


def groups_of(frame: pd.DataFrame) -> NDArray[np.uint8]:
    """(n,) index into ``GROUPS`` of every row, by ``kind`` and ``supervision_level``."""
    kinds = frame["kind"].astype(str)
    groups: NDArray[np.uint8] = np.asarray(kinds.map(GROUP_INDEX).fillna(GROUP_INDEX["level_none"]), dtype=np.uint8)
    if "supervision_level" in frame:
        ponds = (kinds == Kind.TAILINGS_POND.value).to_numpy()
        levels = frame["supervision_level"].to_numpy(dtype=float, na_value=np.nan)
        for level in (1, 2, 3):
            groups[ponds & (levels == level)] = GROUP_INDEX[f"level_{level}"]
    return groups


def outline(shape: str) -> Path:
    """The closed outline of a shape, for a symbol of radius 1, y upwards."""
    if shape == "circle":
        return Path.unit_circle()
    if shape == "cross":
        arm, end = 0.4, 1.1
        corners = [
            (-arm, -end), (arm, -end), (arm, -arm), (end, -arm), (end, arm), (arm, arm),
            (arm, end), (-arm, end), (-arm, arm), (-end, arm), (-end, -arm), (-arm, -arm),
        ]  # fmt: skip
    else:
        corners = {
            "triangle": _corners(3, 1.2, 0),
            "square": _corners(4, 1.25, np.pi / 4),
            "pentagon": _corners(5, 1.15, np.pi),
            "star": _corners(5, 1.3, 0, inner=0.45),
        }[shape]
    return Path([*corners, corners[0]], closed=True)


def _corners(count: int, radius: float, turn: float, *, inner: float = 1.0) -> list[tuple[float, float]]:
    steps = count if inner == 1 else 2 * count
    corners = []
    for step in range(steps):
        length = radius * (inner if step % 2 and inner != 1 else 1)
        angle = turn + 2 * np.pi * step / steps
        corners.append((length * float(np.sin(angle)), length * float(np.cos(angle))))
    return corners


def draw_symbols(
    ax: Axes, points: NDArray[np.float64], groups: NDArray[np.uint8], radius_pt: float, *, zorder: float = 10
) -> None:
    """Draw symbols at points of the axes, group by group, level 1 on top.

    Parameters
    ----------
    points : (n, 2) in the axes' own coordinates
    groups : (n,) index into ``GROUPS``
    radius_pt : of a plain symbol, in points of 1/72 inch
    """
    raster = len(points) >= RASTER_FROM
    for index, symbol in enumerate(GROUPS):
        members = points[groups == index]
        if not len(members):
            continue
        size = radius_pt * symbol.grow
        drawn = PathCollection(
            [outline(symbol.shape)], sizes=[size**2], offsets=members, offset_transform=ax.transData,
            facecolors=symbol.fill, edgecolors=symbol.stroke, linewidths=max(0.18, min(0.8, size / 6)),
            joinstyle="round", zorder=zorder + index / 10, rasterized=raster,
        )  # fmt: skip
        drawn.set_transform(IdentityTransform())  # a symbol's size is one of paper, not of the land
        ax.add_collection(drawn, autolim=False)
