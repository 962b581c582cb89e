"""The proof: a tree of median problems, each bounded by prices and made smaller by what they settle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.services.kernels import interchange
from registry.services.siting.medians import median_bound, median_search
from registry.services.siting.medians.median_problem import MedianProblem, reduced, unit_of
from registry.services.siting.solution import PROVEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.medians.median_bound import Prices, Settled
    from registry.services.siting.medians.median_search import Incumbent

    BoolArray = NDArray[np.bool_]

_STEPS, _PROBE_STEPS = 50, 20
_FEWEST_STEPS, _AT_ONCE = 5, 100_000_000
_CHUNKS = 100
_ROOT_STEP, _STEP = 0.5, 0.1
_ROOT_PATIENCE, _PATIENCE = 0.05, 0.5
_SETTLED = 0.1
_PROBED = 6
_CLOSE = 1.01
_ROUND_OFF = 1e-11


class Node(NamedTuple):
    """A part of the tree.

    Attributes
    ----------
    problem : that of its parent
    bound : no solution in it costs less
    price, toll : multipliers to start from
    candidate, opens : the one that is decided here, −1 where none is, and whether it opens
    """

    problem: MedianProblem
    bound: float
    price: FloatArray
    toll: FloatArray
    candidate: int = -1
    opens: bool = False

    def decided(self) -> MedianProblem:
        """Return its own problem."""
        if self.candidate < 0:
            return self.problem
        which = np.arange(self.problem.candidates.size) == self.candidate
        return reduced(self.problem, which & self.opens, which & (not self.opens))


class Tree:
    """Branch and bound over which candidates open, the deepest part first.

    Parameters
    ----------
    problem : the whole
    incumbent : a solution of it; better ones that are met are offered to it
    effort : how long
    total : where the objective is what is left of a total, this total: a gap is then a share of the difference
    """

    def __init__(
        self, problem: MedianProblem, incumbent: Incumbent, effort: Effort, *, total: float | None = None
    ) -> None:
        self.incumbent = incumbent
        self.effort = effort
        self.total = total
        self.unit = unit_of(problem)
        self.nodes = 0
        self._lowest = np.inf
        price, toll = np.minimum(_first_prices(problem, incumbent), problem.cap), np.zeros(problem.room.size)
        bound = max(median_bound.relaxed(problem, price, toll).bound, 0.0)
        self._stack = [Node(problem, bound, price, toll)]

    @property
    def target(self) -> float:
        """A part of the tree with a bound this high holds nothing that is worth finding."""
        best = self.incumbent.cost
        worth = best if self.total is None else max(self.total - best, 0.0)
        near = best - max(self.effort.gap, PROVEN / 10) * worth
        return min(near, best - self.unit + self._round_off) if self.unit else near

    @property
    def bound(self) -> float:
        """No solution costs less, as far as is known."""
        bound = min([self._lowest, *(node.bound for node in self._stack)])
        if self.unit and np.isfinite(bound):
            bound = np.ceil((bound - self._round_off) / self.unit) * self.unit
        return min(float(bound), self.incumbent.cost)

    @property
    def _round_off(self) -> float:
        return max(1e-6 * self.unit, _ROUND_OFF * self.incumbent.cost)

    def search(self) -> None:
        """Search until nothing worth finding is left, or the effort is over."""
        while self._stack and not self.effort.over:
            node = self._stack.pop()
            if node.bound >= self.target:
                self._lowest = min(self._lowest, node.bound)
                continue
            self.nodes += 1
            self._explore(node)

    def _explore(self, node: Node) -> None:
        """Bound a part, and put on the stack what is left to decide."""
        root = self.nodes == 1
        step, patience = (_ROOT_STEP, _ROOT_PATIENCE) if root else (_STEP, _PATIENCE)
        problem, bound, price, toll = node.decided(), node.bound, node.price, node.toll
        prices = None
        for chunk in range(_CHUNKS):
            if problem.hopeless:
                return
            if problem.candidates.size == 0:
                self.incumbent.offer(problem, np.empty(0, np.intp))
                self._lowest = min(self._lowest, max(bound, float(problem.cap.sum())))
                return
            if prices is None:
                prices = median_bound.begin(problem, price, toll, step=step)
            bound = max(bound, median_bound.climb(problem, prices, self.target, _steps(problem)))
            if bound < self.target and (root or chunk == 0):
                self._suggest(problem, prices.share, thorough=root)
            if bound >= self.target:
                self._lowest = min(self._lowest, bound)
                return
            self.effort.tell(self.incumbent.cost, min(self.bound, bound))
            if self.effort.over or prices.hope - prices.bound < patience * (self.target - bound):
                break
            settled = median_bound.settled(problem, prices, self.target)
            if settled.candidates >= max(1.0, _SETTLED * problem.candidates.size):
                problem = self._without(problem, settled)
                price, toll, step, prices = prices.price, prices.toll, float(prices.control[0]), None
        if self.effort.over or prices is None:
            price, toll = (price, toll) if prices is None else (prices.price, prices.toll)
            self._stack.append(Node(problem, bound, price, toll))
        else:
            self._branch(problem, bound, prices)

    def _suggest(self, problem: MedianProblem, share: FloatArray, *, thorough: bool) -> None:
        """Offer what the relaxation opens most, and what swaps make of it."""
        chosen = median_search.rounded(problem, share)
        if self.incumbent.offer(problem, chosen) < _CLOSE * self.incumbent.cost or thorough:
            self.incumbent.offer(problem, median_search.improve(problem, chosen, self.effort))

    def _branch(self, problem: MedianProblem, bound: float, prices: Prices) -> None:
        """Decide the candidate, of those that are most in doubt, that raises both bounds."""
        settled = median_bound.settled(problem, prices, self.target)
        share = prices.share
        if settled.candidates:
            left = self._without(problem, settled)
            share = share[np.isin(problem.candidates, left.candidates)]
            problem = left
        if problem.hopeless:
            return
        if problem.candidates.size == 0:
            self._stack.append(Node(problem, bound, prices.price, prices.toll))
            return
        best, least_rise = -1, -1.0
        for candidate in np.argsort(np.abs(share - 0.5), kind="stable")[:_PROBED]:
            both = [Node(problem, bound, prices.price, prices.toll, int(candidate), opens) for opens in (False, True)]
            rises = [self._rise(node) for node in both]
            together = rises[0] * rises[1]
            if together > least_rise:
                best, least_rise = int(candidate), together
        likely = bool(share[best] >= 0.5)
        for opens_it in (not likely, likely):
            self._stack.append(Node(problem, bound, prices.price, prices.toll, best, opens_it))

    def _without(self, problem: MedianProblem, settled: Settled) -> MedianProblem:
        """Return a problem without what is settled; what is given up with it counts for the bound."""
        self._lowest = min(self._lowest, settled.otherwise)
        return reduced(problem, settled.opens, settled.closes)

    def _rise(self, node: Node) -> float:
        """Return how far a few steps raise the bound of a part; a little, if not at all."""
        problem, most = node.decided(), self.target - node.bound
        if problem.hopeless or problem.candidates.size == 0:
            return most
        prices = median_bound.begin(problem, node.price, node.toll, step=_STEP)
        bound = median_bound.climb(problem, prices, self.target, _PROBE_STEPS)
        return float(np.clip(bound - node.bound, 1e-3 * most, most))


def _steps(problem: MedianProblem) -> int:
    """Return how many steps take about half a second at most: a row is read twice as far as its hub, or so."""
    read = max(2.0 * problem.cost.size / (problem.p + 1), float(problem.cap.size))
    return int(np.clip(_AT_ONCE / read, _FEWEST_STEPS, _STEPS))


def _first_prices(problem: MedianProblem, incumbent: Incumbent) -> FloatArray:
    """Return prices between the least and the next cost of every row."""
    slot = np.where(np.isin(problem.candidates, incumbent.opened), 0, -1)
    caps = median_search.fallback(problem)
    least, following = interchange.two_least(problem.start, problem.near, problem.cost, caps, slot)
    return (least + following) / 2.0
