"""Covering models: most tonnes within reach of so many hubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack, identity

from registry.services.siting.effort import Effort
from registry.services.siting.programme import Programme
from registry.services.siting.solution import Solution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]


def maximal_covering(
    reach: csr_array, demand: FloatArray, p: int, *, standing: IntArray | None = None, times: int = 1,
    limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose p candidates that have the most demand within reach."""
    n, m = reach.shape
    reach = csr_array(reach, dtype=np.float64)
    stands = np.zeros(m) if standing is None else np.isin(np.arange(m), standing).astype(float)
    programme = Programme(
        np.concatenate([np.zeros(m), demand]), lower=np.concatenate([stands, np.zeros(n)]), upper=1.0,
        integer=np.arange(m + n) < m, maximise=True,
    )  # fmt: skip
    programme.add_rows(csr_array(hstack([reach, -times * identity(n)])), 0.0, np.inf)
    programme.add_rows(csr_array((np.ones(m), np.arange(m), [0, m]), shape=(1, m + n)), -np.inf, p + stands.sum())
    if limits is not None and len(limits.names):
        rows = csr_array(hstack([limits.weights, csr_array((len(limits.names), n))]))
        programme.add_rows(rows, -np.inf, limits.at_most)
    found = programme.solve(effort or Effort())
    chosen = found.x[:m] > 0.5
    nearest = np.where(np.diff(reach.indptr) > 0, -1, -1)
    for row in range(n):
        own = reach.indices[reach.indptr[row] : reach.indptr[row + 1]]
        own = own[chosen[own]]
        nearest[row] = own[0] if own.size >= times else -1
    return Solution(np.flatnonzero(chosen & (stands == 0)), nearest, found.objective, found.bound)
