"""Gradual covering: what is near counts whole, what is farther counts in part."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from registry.errors import BadParameterError
from registry.services.siting.effort import Effort
from registry.services.siting.medians.median import served, solve
from registry.services.siting.medians.median_problem import ask
from registry.services.siting.solution import Solution

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]


def gradual_covering(
    distance: FloatArray | csr_array, demand: FloatArray, p: int, *, radii: Sequence[float], shares: Sequence[float],
    standing: IntArray | None = None, limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose p candidates that cover the most, where demand within radii[k] of its nearest hub counts with shares[k].

    Parameters
    ----------
    distance : (n, m) of demand to candidate, dense (NaN or infinite: impossible) or CSR (so is what is not stored)
    demand : (n,) 0 or more
    p : hubs to choose; fewer where limits let no more open
    radii : (r,) in the unit of distance, rising; a distance equal to a radius is within it
    shares : (r,) of 0 to 1, falling; beyond the last radius nothing counts
    standing, limits, effort : as of `p_median`

    Returns
    -------
    objective and bound in units of demand that count; a demand is assigned to its nearest hub, to none (−1) where it
    does not count

    Raises
    ------
    BadParameterError : as of `p_median`; or radii do not rise, or shares do not fall from 1 or less to 0 or more.

    Notes
    -----
    The generalised maximal covering problem of Berman and Krass (2002). With the step function f(d) of radii and shares
    it is a p-median problem with 1 − f(d) for distance, in which staying outside costs 1: max Σᵢ wᵢ f(dᵢ).
    """
    effort = effort or Effort()
    reach, worth = _steps(radii, shares)
    way = ask(distance, demand, p, standing=standing, outside=None, limits=limits)
    lose = _lost(way.distance, reach, worth)
    # What can never count is left out, lest its tonnes drown what can in the rounding of sums.
    may = np.where(np.diff(lose.indptr) > 0, way.demand, 0.0)
    asked = way._replace(distance=lose, demand=may, outside=np.ones(may.size))
    total = float(may.sum())
    opened, lost = solve(asked, effort, total=total)
    hub, nearest = served(way, opened)
    band = np.searchsorted(reach, nearest, side="left")
    share = np.append(worth, 0.0)[band]
    objective = float((way.demand * share).sum())
    return Solution(opened, np.where(share > 0, hub, -1), objective, max(min(total - lost, total), objective))


def _steps(radii: Sequence[float], shares: Sequence[float]) -> tuple[FloatArray, FloatArray]:
    """Return radii and shares as arrays."""
    reach, worth = np.asarray(radii, np.float64), np.asarray(shares, np.float64)
    if reach.ndim != 1 or reach.shape != worth.shape or reach.size == 0:
        raise BadParameterError(
            f"{reach.size} radii and {worth.size} shares: give a share for each of one or more radii."
        )
    if not ((np.diff(reach) > 0).all() and reach[0] >= 0):
        raise BadParameterError(f"radii {reach.tolist()}: they must rise, from 0 or more.")
    if not ((np.diff(worth) <= 0).all() and worth[0] <= 1 and worth[-1] >= 0):
        raise BadParameterError(f"shares {worth.tolist()}: they must fall, from 1 or less to 0 or more.")
    return reach, worth


def _lost(distance: FloatArray | csr_array, reach: FloatArray, worth: FloatArray) -> csr_array:
    """Return what a unit of demand loses with every candidate; pairs in which nothing counts are not kept."""
    loses = np.append(1.0 - worth, np.inf)
    if isinstance(distance, csr_array):
        row = np.repeat(np.arange(distance.shape[0]), np.diff(distance.indptr))
        column, way = distance.indices, distance.data
    else:
        row, column = np.nonzero(distance <= reach[-1])
        way = distance[row, column]
    lost = loses[np.searchsorted(reach, way, side="left")]
    within = lost < 1.0
    start = np.concatenate([[0], np.cumsum(np.bincount(row[within], minlength=distance.shape[0]))])
    return csr_array((lost[within], column[within], start), shape=distance.shape)
