"""The centre model: the longest way to so many hubs is as short as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from registry.services.kernels import median_rows
from registry.services.siting.effort import Effort
from registry.services.siting.medians.median import filled, reaching_all, served
from registry.services.siting.medians.median_problem import Asked, MedianProblem, ask, build
from registry.services.siting.programme import Programme
from registry.services.siting.solution import Solution, relative_gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]

_ROUNDS = 20


def p_center(
    distance: FloatArray | csr_array, p: int, *, demand: FloatArray | None = None, standing: IntArray | None = None,
    limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose p candidates such that the farthest demand is as near as can be.

    Parameters
    ----------
    distance : (n, m) of demand to candidate, dense (NaN or infinite: impossible) or CSR (so is what is not stored)
    p : hubs to choose; fewer where limits let no more open
    demand : (n,) a demand of 0 asks for nothing, all others count alike; by default all count
    standing, limits, effort : as of `p_median`

    Returns
    -------
    objective: the longest distance of a demand that counts to its nearest hub; bound: none shorter is possible

    Raises
    ------
    BadParameterError : as of `p_median`.
    NoPlanError : a demand has no candidate within reach, or no p candidates reach all demand.

    Notes
    -----
    Hakimi (1964); min r such that Σⱼ [dᵢⱼ ≤ r] yⱼ ≥ 1 for all i, Σⱼ yⱼ ≤ p, y ∈ {0, 1}. After Minieka (1970) r is found
    by bisection over the distances that occur, each step a set covering problem. Few demands decide it: the covering
    problems begin with some, and take in those that their solutions leave farthest (Chen and Handler 1987; Contardo,
    Iori and Kramer 2019). A radius that is too short for some demands is too short for all.
    """
    effort = effort or Effort()
    n = distance.shape[0]
    counts = np.ones(n) if demand is None else demand
    asked = ask(distance, counts, p, standing=standing, outside=None, limits=limits)
    asked = asked._replace(demand=(asked.demand > 0).astype(np.float64))
    return _Centre(asked, effort).solve()


class _Centre:
    """The search: the best solution and its longest way, and the longest way that every solution has at least."""

    def __init__(self, asked: Asked, effort: Effort) -> None:
        self.effort = effort
        self.asked = asked
        self.problem = build(asked)
        problem = self.problem
        self.chosen = _spread(problem)
        self.longest = self._served(self.chosen)[1].max(initial=0.0)
        if not np.isfinite(self.longest):
            self.chosen = reaching_all(problem, effort)
            self.longest = self._served(self.chosen)[1].max(initial=0.0)
        first = np.minimum(problem.start[:-1], max(problem.cost.size - 1, 0))
        own = np.where(np.diff(problem.start) > 0, problem.cost[first], np.inf) if problem.cost.size else problem.cap
        self.least = min(float(np.minimum(own, problem.cap).max(initial=0.0)), self.longest)
        self.deciding = np.empty(0, np.intp)

    def solve(self) -> Solution:
        """Halve the distances between the two until they meet."""
        ways = np.concatenate([self.problem.cost, self.problem.cap])
        ways = np.unique(ways[(ways >= self.least) & (ways < self.longest)])
        part = 0.5
        while ways.size and not self.effort.over and relative_gap(self.longest, self.least) > self.effort.gap:
            radius = float(ways[int((ways.size - 1) * part)])
            enough = self._enough(radius)
            # Near the answer a radius takes long to decide; one that is clearly too short raises the bound meanwhile.
            part = part / 2 if enough is None else 0.5
            if enough is False:
                longer = ways[ways > radius]
                self.least = float(longer[0]) if longer.size else self.longest
            ways = ways[(ways >= self.least) & (ways < self.longest)]
            self.effort.tell(self.longest, self.least)
        opened = filled(self.asked, self.problem.candidates[self.chosen])
        assignment, way = served(self.asked, opened)
        objective = float(way[self.asked.demand > 0].max(initial=0.0))
        return Solution(opened, assignment, objective, min(self.least if ways.size else self.longest, objective))

    def _served(self, chosen: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the nearest hub of every row, −1 for one that stands, and how far it is."""
        problem = self.problem
        is_open = np.zeros(problem.candidates.size, np.bool_)
        is_open[chosen] = True
        return median_rows.cheapest(problem.start, problem.near, problem.cost, problem.cap, is_open)

    def _enough(self, radius: float) -> bool | None:
        """Whether p hubs reach all rows within a radius; None if some rounds have not told, or the effort is over."""
        for _ in range(_ROUNDS):
            chosen = self._cover(radius)
            if chosen is None or self.effort.over:
                return None
            if chosen.size == 0 and self.deciding.size:
                return False
            hubs, ways = self._served(chosen)
            if ways.max() < self.longest:
                self.chosen, self.longest = chosen, float(ways.max())
            if ways.max() <= radius:
                return True
            # The farthest of every hub: neighbours of the farthest of all would say the same once more.
            far = np.flatnonzero(ways > radius)
            far = far[np.argsort(-ways[far], kind="stable")]
            self.deciding = np.append(self.deciding, far[np.unique(hubs[far], return_index=True)[1]])
        return None

    def _cover(self, radius: float) -> IntArray | None:
        """Return at most p candidates that reach the deciding rows within a radius; empty if there are none."""
        problem = self.problem
        rows = self.deciding[problem.cap[self.deciding] > radius]
        if rows.size == 0:
            return np.empty(0, np.intp)
        m = problem.candidates.size
        parts = [slice(problem.start[row], problem.start[row + 1]) for row in rows]
        within = [problem.near[part][problem.cost[part] <= radius] for part in parts]
        start = np.concatenate([[0], np.cumsum([part.size for part in within])])
        reach = csr_array((np.ones(start[-1]), np.concatenate(within), start), shape=(rows.size, m))
        if not problem.room.size:
            quick = _greedy_cover(reach, problem.p)
            if quick is not None:
                return quick
        programme = Programme(np.ones(m), upper=1.0, integer=np.ones(m, np.bool_))
        programme.add_rows(reach, 1.0, np.inf)
        programme.add_rows(csr_array(np.ones((1, m))), -np.inf, float(problem.p))
        programme.add_rows(csr_array(problem.weights.T), -np.inf, problem.room)
        # Any cover of p or fewer will do.
        programme.highs.setOptionValue("objective_target", float(problem.p) + 0.5)
        found = programme.solve(self.effort)
        if found.outcome == "infeasible":
            return np.empty(0, np.intp)
        return np.flatnonzero(found.x > 0.5) if found.x.size else None


def _spread(problem: MedianProblem) -> IntArray:
    """Return p candidates, each the nearest of the row that is farthest from those before (Gonzalez 1985)."""
    is_open = np.zeros(problem.candidates.size, np.bool_)
    if problem.room.size:
        return np.empty(0, np.intp)
    for _ in range(problem.p):
        ways = median_rows.cheapest(problem.start, problem.near, problem.cost, problem.cap, is_open)[1]
        ways[np.diff(problem.start) == 0] = 0.0
        row = int(ways.argmax()) if ways.size else 0
        if not ways.size or ways[row] == 0.0:
            break
        is_open[problem.near[problem.start[row]]] = True
    return np.flatnonzero(is_open)


def _greedy_cover(reach: csr_array, most: int) -> IntArray | None:
    """Return at most so many candidates that reach all rows, each the one that reaches most of what is left."""
    by_candidate = reach.T.tocsr()
    open_rows = np.ones(reach.shape[0])
    chosen = []
    for _ in range(most):
        reached = by_candidate @ open_rows
        best = int(reached.argmax())
        if reached[best] == 0.0:
            return None
        chosen.append(best)
        open_rows[by_candidate.indices[by_candidate.indptr[best] : by_candidate.indptr[best + 1]]] = 0.0
        if not open_rows.any():
            return np.array(chosen, np.intp)
    return None
