"""Names beside points, placed so that none covers another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from registry.render.plates.sheet import Rectangle

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Where a name may stand beside its point, the best first: right, left, above and below, then between.
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
_GAPS_MM = (1.6, 4.0, 7.0, 11.0)
# From this gap on a line leads from the name to its point.
LEADER_FROM_MM = 3.0


@dataclass(frozen=True)
class Placed:
    """A name's lower left corner and size in mm, and whether a line leads to its point."""

    row: int
    box: Rectangle
    leader: bool


class Occupied:
    """The parts of a map that are taken, in mm; a name finds its place among them."""

    def __init__(self, frame: Rectangle) -> None:
        self._frame = frame
        self._taken: list[tuple[float, float, float, float]] = []

    def take(self, x: float, y: float, width: float, height: float) -> None:
        """Keep a rectangle free of names."""
        self._taken.append((x, y, x + width, y + height))

    def is_free(self, x: float, y: float, width: float, height: float) -> bool:
        """Whether a rectangle lies in the frame and touches nothing that is taken."""
        left, bottom, wide, high = self._frame
        if x < left or y < bottom or x + width > left + wide or y + height > bottom + high:
            return False
        if not self._taken:
            return True
        taken = np.array(self._taken)
        apart = (taken[:, 0] >= x + width) | (taken[:, 2] <= x) | (taken[:, 1] >= y + height) | (taken[:, 3] <= y)
        return bool(apart.all())


def place_names(
    points: NDArray[np.float64], widths: list[float], height: float, occupied: Occupied, *, radius: float
) -> list[Placed]:
    """Place a name beside each point where there is room; what found none is left out.

    Parameters
    ----------
    points : (n, 2) in mm of the sheet
    widths : of each name, mm
    radius : of the symbol at each point, mm; kept free
    """
    for x, y in points:
        occupied.take(x - radius, y - radius, 2 * radius, 2 * radius)
    placed = []
    for row in np.lexsort((points[:, 0], -points[:, 1])):
        x, y = points[row]
        width = widths[row]
        for gap in _GAPS_MM:
            spots = [_beside(x, y, width, height, side, gap) for side in _SIDES]
            spot = next((spot for spot in spots if occupied.is_free(*spot, width, height)), None)
            if spot is not None:
                occupied.take(*spot, width, height)
                placed.append(Placed(int(row), Rectangle(*spot, width, height), gap >= LEADER_FROM_MM))
                break
    return placed


def _beside(x: float, y: float, width: float, height: float, side: tuple[int, int], gap: float) -> tuple[float, float]:
    """The lower left corner of a name on one side of its point."""
    across, up = side
    reach = gap / 2**0.5 if across and up else gap
    left = x + reach if across > 0 else x - reach - width if across < 0 else x - width / 2
    bottom = y + reach if up > 0 else y - reach - height if up < 0 else y - height / 2
    return left, bottom
