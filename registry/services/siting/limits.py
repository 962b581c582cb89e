"""Conditions on which candidates are chosen: at most so many in a province, a budget."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
from scipy.sparse import csr_array

from registry.errors import BadParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]


class Limits(NamedTuple):
    """Linear conditions: the weights of the chosen candidates add up to no more than a limit.

    Attributes
    ----------
    weights : (k, m) CSR, 0 or more
    at_most : (k,)
    names : k texts that an error names a condition by, such as ``at most 2 in 河北省``
    """

    weights: csr_array
    at_most: FloatArray
    names: Sequence[str]

    @classmethod
    def none(cls, candidates: int) -> Self:
        """No condition on so many candidates."""
        return cls(csr_array((0, candidates)), np.empty(0), ())

    @classmethod
    def of(cls, weights: csr_array, at_most: FloatArray, names: Sequence[str]) -> Self:
        """Check and return conditions.

        Raises
        ------
        BadParameterError : a weight or a limit is negative or no number.
        """
        if not (np.isfinite(weights.data).all() and (weights.data >= 0).all() and (at_most >= 0).all()):
            raise BadParameterError("limits: weights and limits must be numbers of 0 or more.")
        return cls(csr_array(weights), np.asarray(at_most, dtype=np.float64), tuple(names))

    def allow(self, chosen: IntArray) -> bool:
        """Whether (p,) chosen candidates meet every condition."""
        if not len(self.names):
            return True
        taken = np.zeros(self.weights.shape[1])
        taken[chosen] = 1.0
        return bool((self.weights @ taken <= self.at_most + 1e-9 * np.maximum(self.at_most, 1.0)).all())
