"""The most demand covered, with proof: search, bounds by prices, candidates settled by them, and a tree over the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from registry.services.kernels.cover_classes import FREE, STANDS
from registry.services.siting.covering import cover_bounds, cover_start
from registry.services.siting.covering.cover_model import narrowed, without_dominated
from registry.services.siting.programme import Programme

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.kernels.cover_search import Rules
    from registry.services.siting.covering.cover_model import Reduced
    from registry.services.siting.effort import Effort

IntArray = NDArray[np.intp]

_FIRST_STEPS, _FIRST_WORK = 5_000, 3e8
"""Steps of exchange before the bound is known, and entries that they may look at: some seconds at most."""

_STEPS, _WORK = 60_000, 2e9
"""The same where it turns out that the proof is hard."""

_HARD = 1e-3
"""Gap from which more exchange comes before the tree."""

_WHOLE = 2.0**53


class Most(NamedTuple):
    """The best choice and what no choice can beat.

    Attributes
    ----------
    rows : rows of the whole problem that are chosen
    objective, bound : demand covered, with what is settled
    """

    rows: IntArray
    objective: float
    bound: float


def unit_of(weight: FloatArray) -> float:
    """Greatest number that all weights are whole multiples of; 0 where they are not whole."""
    if not weight.size or weight.sum() >= _WHOLE or (weight != np.rint(weight)).any():
        return 0.0
    return float(np.gcd.reduce(weight.astype(np.int64)))


def most_covered(model: Reduced, effort: Effort) -> Most:
    """Cover the most demand."""
    cover, rules = model.cover, model.rules
    nothing = Most(np.empty(0, np.intp), model.settled, model.settled)
    if rules.most == 0 or not cover.need.size:
        return nothing
    unit = unit_of(cover.weight)
    choice = cover_start.begun(cover, rules, effort.seed)
    total = float(cover.weight.sum())
    work = cover_start.work_of_step(cover, rules.most)
    cover_start.exchange(cover, rules, choice, effort, steps=int(min(_FIRST_WORK / work, _FIRST_STEPS)), bound=total)
    if float(choice.numbers[2]) >= total:
        return _told(model, choice.best, total)
    best = float(choice.numbers[2])
    bounded = cover_bounds.price(
        cover, rules, effort, best=best, enough=max(_aim(best, unit), _enough(best, model.settled, effort.gap))
    )
    bound = min(bounded.bound, total)
    if bound - best > _HARD * best and not _near(best, bound, model.settled, effort.gap):
        cover_start.exchange(cover, rules, choice, effort, steps=int(min(_WORK / work, _STEPS)), bound=bound)
        best = float(choice.numbers[2])
    if _closed(best, bound, unit) or effort.over or _near(best, bound, model.settled, effort.gap):
        return _told(model, choice.best, _rounded(best, bound, unit))
    aim = _aim(best, unit)
    found = _tree(model, cover_bounds.settled_roles(bounded, rules.most, aim), choice.best, effort)
    # What the roles left out reaches no further than the aim.
    proven = min(bound, max(found.bound - model.settled, aim))
    if found.objective - model.settled > best:
        best = found.objective - model.settled
        return found._replace(bound=model.settled + _rounded(best, max(proven, best), unit))
    return _told(model, choice.best, _rounded(best, proven, unit))


def _aim(best: float, unit: float) -> float:
    """Below this, no choice is better than the best one: the next multiple of the unit, or what floats cannot tell apart."""
    return best + unit * (1.0 - 1e-6) if unit else best * (1.0 + 2.0 * cover_bounds.SAFE)


def _enough(best: float, settled: float, gap: float) -> float:
    return best + gap * (best + settled)


def _near(best: float, bound: float, settled: float, gap: float) -> bool:
    return gap > 0.0 and bound <= _enough(best, settled, gap)


def _closed(best: float, bound: float, unit: float) -> bool:
    return bound <= best or bound < _aim(best, unit)


def _rounded(best: float, bound: float, unit: float) -> float:
    """Lower a bound to the next multiple of the unit."""
    return max(float(np.floor(bound / unit + 1e-7)) * unit, best) if unit else bound


def _told(model: Reduced, taken: NDArray[np.bool_], bound: float) -> Most:
    best = float(model.cover.weight[covered_by(model.cover, taken)].sum())
    return Most(model.rows[taken], model.settled + best, model.settled + max(bound, best))


def covered_by(cover: Cover, taken: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which (k,) classes a (c,) choice covers."""
    reached = np.concatenate([[0], np.cumsum(taken[cover.candidate])])
    return np.asarray(np.diff(reached[cover.start]) >= cover.need)


def _tree(model: Reduced, roles: NDArray[np.int8], taken: NDArray[np.bool_], effort: Effort) -> Most:
    """Search all choices that are left, by branch and cut; its bound holds for choices that the roles allow."""
    less = without_dominated(narrowed(model, roles), np.zeros(int((roles == FREE).sum())))
    forced = model.rows[roles == STANDS]
    start = np.isin(less.rows, model.rows[taken])
    if less.rules.most == 0 or not less.cover.need.size:
        return Most(forced, less.settled, less.settled)
    programme = covering_columns(less.cover, less.rules)
    # Whole: where columns are left to it, HiGHS 1.16 may take the objective of its own completion for that of another.
    found = programme.solve(effort, start=np.concatenate([start, covered_by(less.cover, start)]).astype(np.float64))
    if not found.x.size:
        return Most(np.empty(0, np.intp), -np.inf, less.settled + found.bound)
    chosen = found.x[: less.rows.size] > 0.5
    objective = less.settled + float(less.cover.weight[covered_by(less.cover, chosen)].sum())
    rows = np.sort(np.concatenate([forced, less.rows[chosen]]))
    return Most(rows, objective, less.settled + found.bound)


def covering_columns(cover: Cover, rules: Rules, *, loss: bool = False) -> Programme:
    """Return the maximal covering model as a mixed-integer programme: columns of candidates, of classes, and a loss if wanted.

    The loss, 0 or more, is taken from what is covered; what it is at least, the caller adds. Classes that need several
    candidates are whole numbers too, since otherwise half of what they need would cover half of them.
    """
    classes, columns = cover.need.size, cover.begin.size - 1
    wide = columns + classes + loss
    programme = Programme(
        np.concatenate([np.zeros(columns), cover.weight, np.full(int(loss), -1.0)]),
        upper=np.where(np.arange(wide) < columns + classes, 1.0, np.inf),
        integer=np.concatenate([np.ones(columns, np.bool_), cover.need > 1, np.zeros(int(loss), np.bool_)]), maximise=True,
    )  # fmt: skip
    reach = csr_array((np.ones(cover.candidate.size), cover.candidate, cover.start), shape=(classes, columns))
    needed = csr_array(
        (-cover.need.astype(np.float64), np.arange(classes), np.arange(classes + 1)), shape=(classes,) * 2
    )
    programme.add_rows(csr_array(hstack([reach, needed, csr_array((classes, int(loss)))])), 0.0, np.inf)
    add_rules(programme, rules, columns)
    return programme


def add_rules(programme: Programme, rules: Rules, columns: int) -> None:
    """Add how many may be chosen, and the limits, to a programme that begins with the columns of the candidates."""
    wide = programme.columns
    if rules.most < columns:
        row = csr_array((np.ones(columns), np.arange(columns), [0, columns]), shape=(1, wide))
        programme.add_rows(row, -np.inf, float(rules.most))
    weights = csr_array(rules.weights)
    rows = csr_array((weights.data, weights.indices, weights.indptr), shape=(rules.at_most.size, wide))
    programme.add_rows(rows, -np.inf, rules.at_most)
