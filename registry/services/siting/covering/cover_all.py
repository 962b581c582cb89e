"""All demand covered at the least cost, with proof: reductions to their end, search, and a tree over the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from registry.errors import NoPlanError
from registry.services.kernels import cover_classes, cover_search
from registry.services.kernels.cover_classes import FREE, STANDS
from registry.services.siting.covering.cover_exact import add_rules, unit_of
from registry.services.siting.covering.cover_model import narrowed, without_classes, without_dominated
from registry.services.siting.effort import Effort
from registry.services.siting.programme import Programme

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.kernels.cover_search import Rules
    from registry.services.siting.covering.cover_model import Reduced

IntArray = NDArray[np.intp]

_STEPS = 3_000
_WORK = 1e9
"""Steps of search at most, and entries that they may look at: some seconds."""

_AT_ONCE = 30_000_000


class Least(NamedTuple):
    """The cheapest choice found and what no choice can beat; rows of the whole problem."""

    rows: IntArray
    cost: float
    bound: float


def least_cover(model: Reduced, cost: FloatArray, effort: Effort, names: Sequence[str]) -> Least:
    """Cover every class at the least cost; ``cost`` (m,) of all candidates, ``names`` of the limits.

    Raises
    ------
    NoPlanError : the limits allow no cover.
    """
    less, forced = _to_the_end(model, cost)
    spent = float(cost[forced].sum())
    if not less.cover.need.size:
        return Least(forced, spent, spent)
    own = cost[less.rows]
    # In the search every class counts the same, and half a cover as half.
    alike = less.cover._replace(weight=np.ones(less.cover.need.size))
    best = _searched(alike, less.rules._replace(credit=1.0), own, effort)
    bound = _simple_bound(less.cover, own)
    if best is None or own[best].sum() > bound:
        programme = _programme(less.cover, less.rules, own)
        start = None if best is None else best.astype(np.float64)
        found = programme.solve(effort, start=start)
        if found.outcome == "infeasible":
            raise NoPlanError(_because(less, own, names))
        if found.x.size and (best is None or own[found.x > 0.5].sum() < own[best].sum()):
            best = found.x > 0.5
        bound = max(bound, found.bound)
    if best is None:
        raise NoPlanError("infeasible because no plan was found in the time that was given; give more time.")
    least = float(own[best].sum())
    unit = unit_of(own)
    if unit:
        bound = np.ceil(bound / unit - 1e-6) * unit
    return Least(np.sort(np.concatenate([forced, less.rows[best]])), spent + least, spent + min(bound, least))


def _to_the_end(model: Reduced, cost: FloatArray) -> tuple[Reduced, IntArray]:
    """Leave out dominated classes and candidates, and take the only ones that reach a class, until nothing changes."""
    forced = np.empty(0, np.intp)
    while model.cover.need.size:
        before = model.cover.need.size, model.rows.size
        model = without_classes(model, cover_classes.dominated_classes(model.cover))
        only = np.diff(model.cover.start) == model.cover.need
        roles = np.full(model.rows.size, FREE, np.int8)
        entries = np.repeat(only, np.diff(model.cover.start))
        roles[model.cover.candidate[entries]] = STANDS
        taken = roles == STANDS
        if taken.any() and _fit(model.rules, taken):
            forced = np.concatenate([forced, model.rows[taken]])
            model = narrowed(model, roles)
        model = without_dominated(model, cost[model.rows])
        if before == (model.cover.need.size, model.rows.size):
            break
    return model, np.sort(forced)


def _fit(rules: Rules, taken: NDArray[np.bool_]) -> bool:
    used = rules.weights[:, taken].sum(axis=1)
    return bool((used <= rules.at_most + 1e-9 * np.maximum(rules.at_most, 1.0)).all())


def _searched(cover: Cover, rules: Rules, cost: FloatArray, effort: Effort) -> NDArray[np.bool_] | None:
    choice = cover_search.nothing_chosen(cover, rules, effort.seed)
    dear_first = np.argsort(-cost, kind="stable")
    work = cover.candidate.size * (cover.candidate.size / cover.need.size + 2.0)
    steps, chunk = int(min(_WORK / work, _STEPS)) + 1, max(int(_AT_ONCE / work), 1)
    least = np.inf
    while steps > 0:
        least = cover_search.cheaper(cover, rules, choice, cost, dear_first, least, min(chunk, steps))
        steps -= chunk
        if effort.over:
            break
    return choice.best.copy() if np.isfinite(least) else None


def _simple_bound(cover: Cover, cost: FloatArray) -> float:
    """Share the cost of every candidate among the classes that it reaches; each class pays its least share."""
    share = cost / np.maximum(np.diff(cover.begin), 1)
    least = np.minimum.reduceat(share[cover.candidate], cover.start[:-1])
    return float((least * cover.need).sum()) * (1.0 - 1e-9)


def _programme(cover: Cover, rules: Rules, cost: FloatArray) -> Programme:
    programme = Programme(cost, upper=1.0, integer=np.ones(cost.size, np.bool_))
    reach = csr_array((np.ones(cover.candidate.size), cover.candidate, cover.start), shape=(cover.need.size, cost.size))
    programme.add_rows(reach, cover.need.astype(np.float64), np.inf)
    add_rules(programme, rules, cost.size)
    return programme


_SECONDS = 10.0
"""That are spent on saying which limit stands in the way."""


def _because(model: Reduced, cost: FloatArray, names: Sequence[str]) -> str:
    """Say which limit alone stands in the way, or that they do so together."""
    rules = model.rules
    effort = Effort(_SECONDS)
    for limit, name in enumerate(names):
        others = np.arange(rules.at_most.size) != limit
        freed = rules._replace(weights=rules.weights[others], at_most=rules.at_most[others])
        if _programme(model.cover, freed, np.zeros_like(cost)).solve(effort).outcome == "optimal":
            return f"infeasible because of {name}: with it, some demand is out of reach."
        if effort.over:
            break
    return f"infeasible because the limits together leave some demand out of reach: {', '.join(names)}."
