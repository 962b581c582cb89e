"""Pairs of places cut into few tables that a road server answers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.spatial import cKDTree

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.int64]


class Block(NamedTuple):
    """Numbers of the starts (s,) and of the ends (e,) of one table."""

    starts: IntArray
    ends: IntArray


def blocks(
    pairs: tuple[IntArray, IntArray],
    places: tuple[FloatArray, FloatArray],
    fits: Callable[[int, int], bool],
    reach_m: float,
) -> list[Block]:
    """Cover pairs by tables: neighbouring starts share one with the union of their ends.

    Parameters
    ----------
    pairs : (p,) numbers of starts and (p,) of ends
    places : (s, 3) starts and (e, 3) ends, geocentric metres
    fits : whether a table of so many starts and ends may be asked; true of one by one
    reach_m : no start and end of one table are farther apart, metres, unless they are a pair

    Returns
    -------
    Tables; each pair is in one of them at least.
    """
    start, end = pairs
    if start.size == 0:
        return []
    order = np.argsort(start, kind="stable")
    own, first = np.unique(start[order], return_index=True)
    ends_of = np.split(end[order], first[1:])
    made: list[Block] = []
    starts: list[int] = []
    joined: set[int] = set()
    # A k-d tree lists its points leaf by leaf, so that those that follow each other lie close.
    for row in cKDTree(places[0][own]).indices:
        for part in _parts(np.unique(ends_of[row]), fits):
            wider = joined | set(part.tolist())
            together = [*starts, int(own[row])]
            if starts and not (fits(len(together), len(wider)) and _close(places, together, wider, reach_m)):
                made.append(_block(starts, joined))
                starts, joined = [], set()
            starts.append(int(own[row]))
            joined |= set(part.tolist())
    return [*made, _block(starts, joined)]


def _block(starts: list[int], ends: set[int]) -> Block:
    return Block(np.unique(np.array(starts, dtype=np.int64)), np.array(sorted(ends), dtype=np.int64))


def _parts(ends: IntArray, fits: Callable[[int, int], bool]) -> Iterator[IntArray]:
    """The ends of one start, cut where they are too many for one table."""
    most = ends.size
    while most > 1 and not fits(1, most):
        most -= 1
    for at in range(0, ends.size, most):
        yield ends[at : at + most]


def _close(places: tuple[FloatArray, FloatArray], starts: list[int], ends: set[int], reach_m: float) -> bool:
    """Whether the start that came last is near enough to all ends, and all starts to each of these."""
    if not np.isfinite(reach_m):
        return True
    here, there = places[0][starts], places[1][sorted(ends)]
    # Chords are shorter than the way over ground, by one part in 6,000 at 400 km; the reach has a margin of 1 %.
    return bool((np.linalg.norm(here[:, None] - there[None], axis=2) <= reach_m).all())
