"""Symbols of sites on paper, drawn from the table that pages and desktop styles share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PathCollection
from matplotlib.path import Path
from matplotlib.transforms import IdentityTransform

from registry.model.symbols import GROUP_INDEX, GROUPS, Shape, corners
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from numpy.typing import NDArray


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


def outline(shape: Shape) -> Path:
    """The closed outline of a shape, for a symbol of radius 1, y upwards."""
    if shape == "circle":
        return Path.unit_circle()
    points = corners(shape)
    return Path([*points, points[0]], closed=True)


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
