"""Good solutions of median problems: greedy starts from samples, swaps, and what the bound suggests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from registry.services.kernels import interchange, median_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.medians.median_problem import MedianProblem

    IntArray = NDArray[np.intp]

_STARTS = 4
_SWAPS_AT_ONCE = 100
_LARGEST_TABLE = 50_000_000
_DRAWN = 20
_NOTHING = 1e-12


@dataclass
class Incumbent:
    """The best solution so far: rows of the candidates that were opened, in the matrix that was asked about."""

    cost: float = np.inf
    opened: IntArray = field(default_factory=lambda: np.empty(0, np.intp))

    def offer(self, problem: MedianProblem, chosen: IntArray) -> float:
        """Take (≤ p,) candidates of a problem if they are better than what there is; what they cost."""
        is_open = np.zeros(problem.candidates.size, np.bool_)
        is_open[chosen] = True
        least = median_rows.cheapest(problem.start, problem.near, problem.cost, problem.cap, is_open)[1]
        cost = float(least.sum())
        if cost < self.cost:
            self.cost = cost
            self.opened = np.concatenate([problem.opened, problem.candidates[chosen]])
        return cost


def fallback(problem: MedianProblem) -> FloatArray:
    """Return (n,) what a row costs without a candidate, where it must have one more than all others together."""
    unserved = np.isinf(problem.cap)
    if not unserved.any():
        return problem.cap
    last = problem.start[1:] - 1
    dearest = np.where(last >= problem.start[:-1], problem.cost[last], 0.0)
    return np.where(unserved, 1.0 + dearest.sum() + problem.cap[~unserved].sum(), problem.cap)


def improve(problem: MedianProblem, chosen: IntArray, effort: Effort) -> IntArray:
    """Swap until no swap saves; conditions are met all the while if they were at first."""
    if problem.p * problem.candidates.size > _LARGEST_TABLE:
        return chosen
    caps = fallback(problem)
    slots = np.full(problem.p, -1, np.intp)
    slots[: chosen.size] = chosen
    used = chosen.size
    least = _NOTHING * float(caps.max(initial=0.0))
    while True:
        swaps, used = interchange.interchange(
            problem.start, problem.near, problem.cost, caps, problem.weights, problem.room, slots, used,
            _SWAPS_AT_ONCE, least,
        )  # fmt: skip
        if swaps < _SWAPS_AT_ONCE or effort.over:
            return slots[:used].copy()


def start(problem: MedianProblem, incumbent: Incumbent, effort: Effort) -> None:
    """Offer some solutions that no swap improves."""
    rng = np.random.default_rng(effort.seed)
    m, caps = problem.candidates.size, fallback(problem)
    if problem.p == 0 or m == 0:
        incumbent.offer(problem, np.empty(0, np.intp))
        return
    # Resende and Werneck's sample: large enough to hold one of the m/p best candidates with some certainty.
    sample = max(2, int(np.ceil(np.log2(m / problem.p))))
    for count in range(_STARTS):
        if count and effort.over:
            return
        order = rng.integers(0, m, size=(problem.p, _DRAWN * sample))
        chosen = interchange.construct(
            problem.start, problem.near, problem.cost, caps, problem.weights, problem.room, order, sample, problem.p
        )
        incumbent.offer(problem, improve(problem, chosen, effort))


def rounded(problem: MedianProblem, share: FloatArray) -> IntArray:
    """Return the candidates of the largest (m,) shares, as many as p and the conditions let open."""
    order = np.argsort(-share, kind="stable")
    if not problem.room.size:
        return order[: problem.p]
    left = problem.room.copy()
    chosen = []
    for candidate in order:
        if (problem.weights[candidate] <= left).all():
            chosen.append(candidate)
            left -= problem.weights[candidate]
            if len(chosen) == problem.p:
                break
    return np.array(chosen, np.intp)
