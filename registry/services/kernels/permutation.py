"""How likely chance alone would give what neighbours hold, found by drawing.

The draws are our own and not esda's: its come from NumPy's global state, depend on whether Numba is installed, and
its p-values count one tail, the one that happens to be smaller.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.errors import BadParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from registry.services.geodesy import FloatArray


def of_neighbours(
    weights: csr_array, x: FloatArray, drawing: tuple[int, int, float]
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Return the p-value of what every region's neighbours hold, and which of them are significant.

    Parameters
    ----------
    weights : (n, n) row-standardised, all neighbours of a region weighing the same
    x : (n,) values
    drawing : permutations, seed and the share of false discoveries that is accepted

    Returns
    -------
    (n,) p-values, two-sided, NaN where there is no neighbour; (n,) whether they are significant.

    Notes
    -----
    A region's own value stays, its neighbours' are drawn from the others without putting back (Anselin 1995). False
    discovery rate: Benjamini and Hochberg (1995, doi:10.1111/j.2517-6161.1995.tb02031.x).

    All neighbours weigh the same, so whether their mean or their sum is drawn, with or without the region's own value
    added or multiplied, is the same question.
    """
    permutations, seed, alpha = drawing
    if not 0 < alpha < 1:
        raise BadParameterError(f"alpha = {alpha}: give a share of false discoveries between 0 and 1.")
    n = x.size
    neighbours = np.diff(weights.indptr)
    rng = np.random.default_rng(seed)
    # One set of draws serves all regions: each numbers the n − 1 others of whichever region it is asked for.
    most = int(neighbours.max())
    drawn = np.array([rng.choice(n - 1, most, replace=False) for _ in range(permutations)])
    p_value = np.full(n, np.nan)
    for row in np.flatnonzero(neighbours):
        others = np.delete(x, row)
        sums = others[drawn[:, : neighbours[row]]].sum(axis=1)
        own = x[weights.indices[weights.indptr[row] : weights.indptr[row + 1]]].sum()
        p_value[row] = two_sided(np.array([own]), sums[None])[0]
    significant = np.zeros(n, np.bool_)
    known = ~np.isnan(p_value)
    from scipy.stats import false_discovery_control

    significant[known] = false_discovery_control(p_value[known]) <= alpha
    return p_value, significant


def two_sided(observed: FloatArray, drawn: FloatArray) -> FloatArray:
    """Return the p-values of (m,) observed values among (m, p) drawn ones; equal to rounding counts as equal.

    p = min(1, 2 (1 + the smaller of the two tails) / (1 + number of draws)), so it is never 0.
    """
    noise = 1e-9 * np.maximum(np.abs(drawn).max(axis=1, keepdims=True), np.abs(observed)[:, None])
    difference = drawn - observed[:, None]
    tail = np.minimum((difference >= -noise).sum(axis=1), (difference <= noise).sum(axis=1))
    return np.asarray(np.minimum(2.0 * (tail + 1.0) / (drawn.shape[1] + 1.0), 1.0))
