"""Median models: least tonne-kilometres to so many hubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from registry.errors import NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.programme import Programme
from registry.services.siting.solution import Solution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]


def p_median(
    distance: FloatArray | csr_array, demand: FloatArray, p: int, *, standing: IntArray | None = None,
    outside: FloatArray | None = None, limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose p candidates to which the demand has the least way."""
    if not isinstance(distance, csr_array):
        there = np.isfinite(distance)
        row, column = np.nonzero(there)
        way = distance[there]
        n, m = distance.shape
    else:
        n, m = distance.shape
        row, column, way = np.repeat(np.arange(n), np.diff(distance.indptr)), distance.indices, distance.data
    stands = np.zeros(m) if standing is None else np.isin(np.arange(m), standing).astype(float)
    h = way.size
    lost = np.full(n, np.inf) if outside is None else outside
    free = np.isfinite(lost)
    cost = np.concatenate([np.zeros(m), demand[row] * way, np.where(free, demand * np.where(free, lost, 0.0), 0.0)])
    programme = Programme(
        cost, lower=np.concatenate([stands, np.zeros(h + n)]),
        upper=np.concatenate([np.ones(m + h), free.astype(float)]), integer=np.arange(m + h + n) < m,
    )  # fmt: skip
    own = np.arange(h)
    rows = csr_array(
        (np.ones(h + n), (np.concatenate([row, np.arange(n)]), np.concatenate([m + own, m + h + np.arange(n)]))),
        shape=(n, m + h + n),
    )
    programme.add_rows(rows, 1.0, 1.0)
    open_ = csr_array(
        (np.concatenate([np.ones(h), -np.ones(h)]), (np.tile(own, 2), np.concatenate([m + own, column]))),
        shape=(h, m + h + n),
    )
    programme.add_rows(open_, -np.inf, 0.0)
    programme.add_rows(csr_array((np.ones(m), np.arange(m), [0, m]), shape=(1, m + h + n)), -np.inf, p + stands.sum())
    if limits is not None and len(limits.names):
        wide = csr_array(
            (limits.weights.data, limits.weights.indices, limits.weights.indptr), shape=(len(limits.names), m + h + n)
        )
        programme.add_rows(wide, -np.inf, limits.at_most)
    found = programme.solve(effort or Effort())
    if not found.x.size:
        raise NoPlanError(f"infeasible because no {p} candidates reach all demand.")
    assignment = np.full(n, -1)
    used = found.x[m : m + h] > 0.5
    assignment[row[used]] = column[used]
    return Solution(np.flatnonzero((found.x[:m] > 0.5) & (stands == 0)), assignment, found.objective, found.bound)
