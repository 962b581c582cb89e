"""The cheapest full cover of a problem that is reduced: search, a bound by prices, and a tree over what they leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from registry.services.kernels import cover_weights
from registry.services.kernels.cover_classes import BEYOND, FREE, LEFT_OUT, STANDS
from registry.services.siting.covering.cover_bounds import SAFE
from registry.services.siting.covering.cover_exact import add_rules, covered_by, unit_of
from registry.services.siting.covering.cover_model import fits, narrowed, to_the_end
from registry.services.siting.programme import Programme
from registry.services.siting.solution import relative_gap

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.kernels.cover_search import Rules
    from registry.services.siting.covering.cover_model import Reduced
    from registry.services.siting.effort import Effort

IntArray = NDArray[np.intp]

_STEPS, _WORK = 3_000, 3e8
"""Steps of search before the bound by prices is known, and entries that they may look at: some tenths of a second."""

_MORE_STEPS, _MORE_WORK = 50_000, 5e9
"""The same where that bound does not show that the best is found: some seconds."""

_LAST_STEPS, _LAST_WORK = 600, 1e10
"""The same before a tree that is to tell whether there is a cover that will do; these steps are for every class."""

_AT_ONCE = 30_000_000
"""Entries looked at between two looks at the clock."""


class Found(NamedTuple):
    """A full cover and what none costs less than.

    Attributes
    ----------
    rows : rows of the whole problem that are chosen; None where no cover was found
    cost : of these, infinite without any
    bound : infinite where there is no cover, or none that costs less than what was asked for
    """

    rows: IntArray | None
    cost: float
    bound: float


class Priced(NamedTuple):
    """A bound by prices, and the (c,) cost of every candidate less what it is worth at them."""

    bound: float
    reduced_cost: FloatArray


def cheapest(
    model: Reduced, cost: FloatArray, effort: Effort, *, under: float = np.inf, enough: float = -np.inf,
    tree: bool = True,
) -> Found:  # fmt: skip
    """Find a full cover of the least cost.

    Parameters
    ----------
    model : to which nothing more can be done by `to_the_end`
    cost : (m,) of all candidates of the whole problem
    effort : time limit, gap, seed
    under : only a cover that costs less is looked for
    enough : a cover that costs no more will do, and so will the proof that there is none
    tree : whether branch and cut is gone through where search and prices tell not enough
    """
    cover, own = model.cover, cost[model.rows]
    if not cover.need.size:
        return Found(np.empty(0, np.intp), 0.0, 0.0) if under > 0.0 else Found(None, np.inf, np.inf)
    unit = unit_of(own)
    best = _Best(model, own, effort, under)
    best.search(_STEPS, _WORK, max(enough, _simple_bound(cover, own)))
    priced = price(cover, model.rules, own, effort)
    bound = _rounded(max(priced.bound, _simple_bound(cover, own)), unit)
    if not best.done(bound, enough):
        best.search(_MORE_STEPS, _MORE_WORK, max(enough, bound))
    if best.done(bound, enough) or not tree:
        return best.told(bound)
    if enough > -np.inf:
        # Where there is such a cover, this finds it sooner than a tree.
        best.search(_LAST_STEPS * cover.need.size, _LAST_WORK, enough)
        if best.done(bound, enough):
            return best.told(bound)
    # A cover that costs as much as the best one is of no use.
    less_than = min(best.cost, _next(enough, unit))
    bound = max(bound, min(_branched(model, cost, best, effort, priced, (less_than, unit, enough)), less_than))
    return best.told(_rounded(bound, unit))


class _Best:
    """The best cover so far, and the search for better ones."""

    def __init__(self, model: Reduced, own: FloatArray, effort: Effort, under: float) -> None:
        self.model, self.own, self.effort, self.under = model, own, effort, under
        # In a search every class weighs the same at first.
        self.walk = cover_weights.nothing_taken(model.cover, model.rules, effort.seed, under)
        self.taken: NDArray[np.bool_] | None = None
        self.cost = under

    def search(self, steps: int, work: float, enough: float) -> None:
        """Walk so many steps, or until a cover costs no more than ``enough``."""
        cover = self.model.cover
        columns = self.own.size
        each = cover.candidate.size * 2.0 * cover.candidate.size / (columns * cover.need.size) + columns
        left, chunk = int(min(work / each, steps)) + 1, max(int(_AT_ONCE / each), 1)
        # At least some steps, so that there is an answer even where the time is up.
        while left > 0 and self.walk.numbers[2] > enough:
            cover_weights.search(cover, self.model.rules, self.walk, self.own, enough, min(chunk, left))
            left -= chunk
            self.effort.tell(float(self.walk.numbers[2]), enough)
            if self.effort.over:
                break
        if self.walk.numbers[2] < self.under:
            self.offer(self.walk.best)

    def offer(self, taken: NDArray[np.bool_]) -> None:
        """Keep what is cheaper."""
        cost = float(self.own[taken].sum())
        if cost < self.cost:
            self.taken, self.cost = taken.copy(), cost

    def done(self, bound: float, enough: float) -> bool:
        """Whether nothing is left to find."""
        if self.effort.over or self.cost <= max(bound, enough) or bound > enough > -np.inf:
            return True
        return self.taken is not None and relative_gap(self.cost, bound) <= self.effort.gap

    def told(self, bound: float) -> Found:
        """Return the best and its bound."""
        if self.taken is None:
            return Found(None, np.inf, np.inf if bound >= self.under else bound)
        return Found(self.model.rows[self.taken], self.cost, min(bound, self.cost))


def _rounded(bound: float, unit: float) -> float:
    """Raise a bound to the next multiple of the unit."""
    return float(np.ceil(bound / unit - 1e-6)) * unit if unit and np.isfinite(bound) else bound


def _next(enough: float, unit: float) -> float:
    """Return the least that a cover can cost which costs more than enough."""
    if enough == -np.inf:
        return np.inf
    return float(np.floor(enough / unit + 1e-6) + 1.0) * unit if unit else float(np.nextafter(enough, np.inf))


def _simple_bound(cover: Cover, cost: FloatArray) -> float:
    """Share the cost of every candidate among the classes that it reaches; each class pays its least share."""
    share = cost / np.maximum(np.diff(cover.begin), 1)
    least = np.minimum.reduceat(share[cover.candidate], cover.start[:-1])
    return float((least * cover.need).sum()) * (1.0 - SAFE)


def price(cover: Cover, rules: Rules, cost: FloatArray, effort: Effort) -> Priced:
    """Bound the cost of a full cover by the prices of the linear programme; any prices bound it, whether best or not."""
    found = programme_of(cover, rules, cost, whole=False).solve(effort)
    if found.outcome == "infeasible":
        return Priced(np.inf, np.zeros(cost.size))
    if found.row_dual.size != cover.need.size + rules.at_most.size:
        return Priced(0.0, cost)
    paid, toll = np.split(found.row_dual, [cover.need.size])
    paid, toll = np.maximum(paid, 0.0), np.maximum(-toll, 0.0)
    rows = np.repeat(paid, np.diff(cover.start))
    left = cost - np.bincount(cover.candidate, rows, minlength=cost.size) + toll @ rules.weights
    if not np.isfinite(left).all():
        return Priced(0.0, cost)
    given, lost = float(paid @ cover.need), float(toll @ rules.at_most) - float(np.minimum(left, 0.0).sum())
    return Priced(given - lost - SAFE * (given + lost), left)


def programme_of(cover: Cover, rules: Rules, cost: FloatArray, *, whole: bool = True) -> Programme:
    """Return the set covering model as a programme, a column for every candidate."""
    programme = Programme(cost, upper=1.0, integer=np.full(cost.size, whole))
    reach = csr_array((np.ones(cover.candidate.size), cover.candidate, cover.start), shape=(cover.need.size, cost.size))
    programme.add_rows(reach, cover.need.astype(np.float64), np.inf)
    add_rules(programme, rules, cost.size)
    return programme


def _branched(
    model: Reduced, cost: FloatArray, best: _Best, effort: Effort, priced: Priced, asked: tuple[float, float, float]
) -> float:
    """Go through all covers that cost less than a limit, leave the best with ``best``, and return a bound of them all."""
    less_than, unit, enough = asked
    # What a candidate of a cover that is cheap enough, with this one in it or without it, costs at least.
    limit = less_than - unit * (1.0 - 1e-6) if np.isfinite(less_than) else np.inf
    roles = np.full(best.own.size, FREE, np.int8)
    roles[priced.bound + priced.reduced_cost > limit * (1.0 + SAFE)] = LEFT_OUT
    roles[priced.bound - priced.reduced_cost > limit * (1.0 + SAFE)] = STANDS
    stands = roles == STANDS
    if not fits(model.rules, stands):
        return np.inf
    if (roles == FREE).all():
        less, forced = model, np.empty(0, np.intp)
    else:
        less, forced = to_the_end(narrowed(model, roles), cost)
        forced = np.concatenate([forced, model.rows[stands]])
    if (less.class_of == BEYOND).any():
        return np.inf
    spent = float(cost[forced].sum())
    rest, bound = _on_what_is_left(less, cost, effort, best, enough - spent)
    if rest is not None:
        best.offer(np.isin(model.rows, np.concatenate([forced, rest])))
    return spent + bound


def _on_what_is_left(
    less: Reduced, cost: FloatArray, effort: Effort, best: _Best, enough: float
) -> tuple[IntArray | None, float]:
    """Go through what prices leave by branch and cut; rows and a bound."""
    if not less.cover.need.size:
        return np.empty(0, np.intp), 0.0
    own = cost[less.rows]
    start = None
    if best.taken is not None:
        # Prices may have left out some of the best cover, which then is no start.
        held = np.isin(less.rows, best.model.rows[best.taken])
        start = held.astype(np.float64) if covered_by(less.cover, held).all() else None
    programme = programme_of(less.cover, less.rules, own)
    if enough > -np.inf:
        # Then a proof ends where the bound passes it, and a gap that is allowed leaves nothing open.
        programme.add_rows(csr_array(own[None]), -np.inf, enough)
        start = None
    found = programme.solve(effort, start=start, target=None if enough == -np.inf else enough)
    if found.outcome == "infeasible":
        return None, np.inf
    return (less.rows[found.x > 0.5] if found.x.size else None), found.bound
