"""What every siting model answers: which candidates, who is assigned to which, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    IntArray = NDArray[np.intp]

PROVEN = 1e-6
"""Relative gap up to which an answer counts as proven: a tenth of a gram in 100 kg, the tolerance of HiGHS."""


class Proven:
    """An answer with an objective, and a bound that no answer can beat."""

    objective: float
    bound: float

    @property
    def gap(self) -> float:
        """How much better an answer could be at most, as a share of this one's objective; 0 where none can."""
        return relative_gap(self.objective, self.bound)

    @property
    def status(self) -> str:
        """``optimal``, ``within x %``, or ``not proven`` where there is no bound."""
        return status_of(self.gap)


@dataclass(frozen=True)
class Solution(Proven):
    """An answer of a siting model.

    Attributes
    ----------
    open : (p,) rows of the candidates that are chosen, ascending; those that stood before are not among them
    assignment : (n,) candidate of every demand, one that stood before included, −1 where it has none
    objective : what the model adds up, in the unit of its input
    bound : what no answer can beat: at most this where the model maximises, at least this where it minimises
    """

    open: IntArray
    assignment: IntArray
    objective: float
    bound: float


def relative_gap(objective: float, bound: float) -> float:
    """Distance between an objective and its bound, as a share of the objective; infinite where nothing is known."""
    apart = abs(objective - bound)
    if apart == 0.0:
        return 0.0
    return apart / abs(objective) if objective else float("inf")


def status_of(gap: float) -> str:
    """Say what a relative gap means: ``optimal``, ``within x %``, or ``not proven`` where there is no bound.

    The share has three digits and is rounded up, since it is a promise.
    """
    if gap <= PROVEN:
        return "optimal"
    if not np.isfinite(gap):
        return "not proven"
    percent = 100.0 * gap
    step = 10.0 ** (np.floor(np.log10(percent)) - 2.0)
    return f"within {np.ceil(percent / step - 1e-9) * step:.3g} %"
