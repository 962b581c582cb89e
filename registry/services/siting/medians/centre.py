"""The centre model: the longest way to so many hubs is as short as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from registry.services.kernels import median_rows
from registry.services.kernels.cover_classes import BEYOND
from registry.services.siting.covering.cover_cheapest import Found, cheapest
from registry.services.siting.covering.cover_model import Problem, reduced, rules_of, to_the_end
from registry.services.siting.effort import Effort
from registry.services.siting.limits import Limits
from registry.services.siting.medians.median import filled, reaching_all, served
from registry.services.siting.medians.median_problem import Asked, MedianProblem, ask, build
from registry.services.siting.solution import Solution, relative_gap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]


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
    Iori and Kramer 2019). A radius that is too short for some demands is too short for all. A first bisection goes as
    far as a search for p hubs shows that a radius is long enough, and the linear programme that it is too short; only
    the radii between are left to branch and cut.
    """
    effort = effort or Effort()
    n = distance.shape[0]
    counts = np.ones(n) if demand is None else demand
    asked = ask(distance, counts, p, standing=standing, outside=None, limits=limits)
    asked = asked._replace(demand=(asked.demand > 0).astype(np.float64))
    return _Centre(asked, effort).solve()


_LAST_EVERY = 4
"""Of so many radii that a tree decides, one is the last below the best: where that is best of all, this ends the search."""


class _Centre:
    """The search: the best solution and its longest way, and the longest way that every solution has at least."""

    def __init__(self, asked: Asked, effort: Effort) -> None:
        self.effort = effort
        self.asked = asked
        self.problem = build(asked)
        problem = self.problem
        m = problem.candidates.size
        self.cost = np.ones(m)
        names = tuple(str(limit) for limit in range(problem.room.size))
        # Rules grant once more the slack that the room has already.
        self.limits = Limits(csr_array(problem.weights.T), problem.room - 1e-9 * np.maximum(problem.room, 1.0), names)
        self.chosen = _spread(problem)
        self.longest = self._served(self.chosen)[1].max(initial=0.0)
        if not np.isfinite(self.longest):
            self.chosen = reaching_all(problem, effort)
            self.longest = self._served(self.chosen)[1].max(initial=0.0)
        first = np.minimum(problem.start[:-1], max(problem.cost.size - 1, 0))
        own = np.where(np.diff(problem.start) > 0, problem.cost[first], np.inf) if problem.cost.size else problem.cap
        own = np.minimum(own, problem.cap)
        self.least = min(float(own.max(initial=0.0)), self.longest)
        self.deciding = own.argsort(kind="stable")[-1:]

    def solve(self) -> Solution:
        """Bring the two together until they meet."""
        for tree in (False, True):
            self._narrow(tree=tree)
        opened = filled(self.asked, self.problem.candidates[self.chosen])
        assignment, way = served(self.asked, opened)
        objective = float(way[self.asked.demand > 0].max(initial=0.0))
        return Solution(opened, assignment, objective, min(self.least, objective))

    def _narrow(self, *, tree: bool) -> None:
        """Halve the distances between the two; without a tree, those on both sides of what only a tree can decide."""
        doubtful: tuple[float, float] | None = None
        decided = 1
        while not self.effort.over and relative_gap(self.longest, self.least) > self.effort.gap:
            radius = self._between(doubtful, middle=decided % _LAST_EVERY > 0)
            if radius is None:
                break
            enough = self._enough(radius, tree=tree)
            decided += tree
            if enough is None:
                doubtful = (
                    (radius, radius) if doubtful is None else (min(doubtful[0], radius), max(doubtful[1], radius))
                )
            if doubtful and (self.longest <= doubtful[0] or self.least > doubtful[1]):
                doubtful = None
            self.effort.tell(self.longest, self.least)

    def _between(self, doubtful: tuple[float, float] | None, *, middle: bool) -> float | None:
        """Return the middle or the last one of the deciding distances that are left, those beyond the doubtful ones first."""
        ways = self._ways()
        if doubtful is not None:
            beyond, below = ways[ways > doubtful[1]], ways[ways < doubtful[0]]
            ways = beyond if beyond.size else below
            return float(ways[(ways.size - 1) // 2]) if ways.size else None
        if self.least == self.longest:
            return None
        # All radii from the least to the next deciding distance are alike to the demands that decide.
        return float(ways[(ways.size - 1) // 2 if middle else -1]) if ways.size else self.least

    def _ways(self) -> FloatArray:
        """Return the distances of deciding rows from the least on, below the longest."""
        problem = self.problem
        parts = [problem.cost[problem.start[row] : problem.start[row + 1]] for row in self.deciding]
        ranges = [part[np.searchsorted(part, self.least) : np.searchsorted(part, self.longest)] for part in parts]
        caps = problem.cap[self.deciding]
        return np.unique(np.concatenate([*ranges, caps[(caps >= self.least) & (caps < self.longest)]]))

    def _served(self, chosen: IntArray) -> tuple[IntArray, FloatArray]:
        """Return the nearest hub of every row, −1 for one that stands, and how far it is."""
        problem = self.problem
        is_open = np.zeros(problem.candidates.size, np.bool_)
        is_open[chosen] = True
        return median_rows.cheapest(problem.start, problem.near, problem.cost, problem.cap, is_open)

    def _enough(self, radius: float, *, tree: bool) -> bool | None:
        """Whether p hubs reach all rows within a radius; None if only a tree could tell, or the effort is over."""
        while True:
            found = self._cover(radius, tree=tree)
            if found.rows is None:
                if found.bound <= self.problem.p:
                    return None
                # Nor do they within any radius up to the next deciding distance.
                longer = self._ways()
                longer = longer[longer > radius]
                self.least = float(longer[0]) if longer.size else self.longest
                return False
            hubs, ways = self._served(found.rows)
            if ways.max() < self.longest:
                self.chosen, self.longest = found.rows, float(ways.max())
            if ways.max() <= radius:
                return True
            if self.effort.over:
                return None
            # The farthest of every hub: neighbours of the farthest of all would say the same once more.
            far = np.flatnonzero(ways > radius)
            far = far[np.argsort(-ways[far], kind="stable")]
            self.deciding = np.append(self.deciding, far[np.unique(hubs[far], return_index=True)[1]])

    def _cover(self, radius: float, *, tree: bool) -> Found:
        """Look for at most p candidates that reach the deciding rows within a radius."""
        problem = self.problem
        rows = self.deciding[problem.cap[self.deciding] > radius]
        m = problem.candidates.size
        start, near = median_rows.within(problem.start, problem.near, problem.cost, rows, radius)
        reach = csr_array((np.ones(near.size, np.bool_), near, start), shape=(rows.size, m))
        cover = Problem(reach, np.ones(rows.size), np.empty(0, np.intp), 1, self.limits)
        model = reduced(cover, rules_of(cover, m), cost=self.cost)
        if (model.class_of == BEYOND).any():
            return Found(None, np.inf, np.inf)
        less, forced = to_the_end(model, self.cost)
        left = float(problem.p - forced.size)
        found = cheapest(less, self.cost, self.effort, under=left + 1.0, enough=left, tree=tree)
        if found.rows is None:
            return found._replace(bound=found.bound + forced.size)
        return found._replace(rows=np.sort(np.concatenate([forced, found.rows])))


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
