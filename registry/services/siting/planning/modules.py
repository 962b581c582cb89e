"""Modules of a hub: which would take its tonnes at least capital."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    Counts = NDArray[np.int64]

_SLACK = 1e-9
"""Share by which tonnes may exceed a capacity: what adding up in floating point owes."""


def cheapest(tonnes: float, sizes: FloatArray, capital: FloatArray) -> Counts:
    """Return the (k,) modules of the least capital that take so many tonnes, filled from the largest size down.

    Of every size, from the largest, as many as are full are taken; then either one more takes what is left, or smaller
    ones do. Of equal capital, fewer modules.

    Parameters
    ----------
    tonnes : a year, 0 or more
    sizes : (k,) tonnes a year, rising
    capital : (k,) yuan
    """

    def fill(left: float, at: int) -> tuple[float, int, tuple[int, ...]]:
        if left <= tonnes * _SLACK:
            return 0.0, 0, (0,) * (at + 1)
        full = int(left / sizes[at] * (1 + _SLACK))
        more = [full + 1] if left - full * sizes[at] > tonnes * _SLACK else [full]
        if at == 0:
            return more[0] * capital[0], more[0], (more[0],)
        found = []
        for count in {full, *more}:
            rest = fill(max(left - count * sizes[at], 0.0), at - 1)
            found.append((rest[0] + count * capital[at], rest[1] + count, (*rest[2], count)))
        return min(found)

    return np.array(fill(tonnes, sizes.size - 1)[2], dtype=np.int64)


def trimmed(counts: Counts, tonnes: float, sizes: FloatArray, capital: FloatArray) -> Counts:
    """Return what a hub needs of the (k,) modules that a search gave it where modules cost it nothing.

    Needless modules go, the largest first; or all are changed for the `cheapest` set, where that has no more modules and
    no more capital.
    """
    least = cheapest(tonnes, sizes, capital)
    kept = counts.copy()
    for at in range(sizes.size - 1, -1, -1):
        spare = float(kept @ sizes) - tonnes * (1 - _SLACK)
        kept[at] -= min(kept[at], max(int(spare / sizes[at]), 0))
    if least.sum() <= counts.sum() and least @ capital <= kept @ capital:
        return least
    return kept


def at_most(tonnes: float, sizes: FloatArray, capital: FloatArray) -> int:
    """Modules that a hub of the least capital for so many tonnes never exceeds.

    Where the smaller modules that a larger one replaces cost no less than it, a hub has fewer of every size than make up the
    next; otherwise the smallest alone could be cheapest.
    """
    steps = np.ceil(sizes[1:] / sizes[:-1]).astype(int)
    if (capital[1:] <= steps * capital[:-1]).all():
        return int(np.ceil(tonnes / sizes[-1])) + int((steps - 1).sum())
    return int(np.ceil(tonnes / sizes[0]))


def said(counts: Counts, sizes: FloatArray) -> str:
    """Name modules by number and size, the largest first: ``10 Mt + 2 × 0.1 Mt``; an empty text for none."""
    parts = [
        f"{count} × {size / 1e6:.10g} Mt" if count > 1 else f"{size / 1e6:.10g} Mt"
        for count, size in zip(counts[::-1], sizes[::-1], strict=True)
        if count
    ]
    return " + ".join(parts)
