"""The most demand that stays covered when the source fails that brings most of it, with proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from registry.services.kernels.cover_classes import SETTLED
from registry.services.siting.covering import cover_start
from registry.services.siting.covering.cover_exact import Most, covered_by, covering_columns, unit_of

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.siting.covering.cover_model import Reduced
    from registry.services.siting.effort import Effort
    from registry.services.siting.programme import Programme

IntArray = NDArray[np.intp]

_STEPS = 3_000
_WORK = 5e8
_ROUNDS = 6
"""Searches for a start, each with the demand of the source that would be lost counted less."""

_AT_FIRST = 20
"""Sources that the programme knows of at first: those that could bring most."""

_AT_ONCE = 20
"""Sources that it learns of at once."""


class Sources(NamedTuple):
    """What each source brings.

    Attributes
    ----------
    by_class : (s, k) CSR demand of every source in every class
    settled : (s,) its demand that is covered whatever is chosen
    """

    by_class: csr_array
    settled: FloatArray


def sources_of(model: Reduced, demand: FloatArray, source: IntArray) -> Sources:
    """Add up (n,) demand by source and class."""
    count = int(source.max()) + 1 if source.size else 0
    free = model.class_of >= 0
    by_class = csr_array((demand[free], (source[free], model.class_of[free])), shape=(count, model.cover.need.size))
    by_class.sum_duplicates()
    done = model.class_of == SETTLED
    return Sources(by_class, np.bincount(source[done], demand[done], minlength=count).astype(np.float64))


def most_after_a_loss(model: Reduced, sources: Sources, effort: Effort) -> Most:
    """Choose so that most demand is covered beside the largest source's.

    The programme knows of some sources only, which bounds the answer from above; what its answer would lose that it does
    not know of is added until there is none.
    """
    cover, rules = model.cover, model.rules
    taken, best = _started(model, sources, effort)
    bound = float(cover.weight.sum()) + model.settled
    unit = unit_of(sources.by_class.data) if not sources.settled.any() else 0.0
    columns = model.rows.size
    programme = covering_columns(cover, rules, loss=True)
    could = np.asarray(sources.by_class.sum(axis=1)).ravel() + sources.settled
    known = np.zeros(could.size, np.bool_)
    new = np.argsort(-could, kind="stable")[:_AT_FIRST]
    while new.size and not effort.over and bound > best:
        _add_sources(programme, sources, new, columns)
        known[new] = True
        # Whole: see the same in `cover_exact`.
        loss = worst_of(model, sources, taken)[1].max(initial=0.0)
        start = np.concatenate([taken, covered_by(cover, taken), [loss]]).astype(np.float64)
        found = programme.solve(effort, start=start)
        bound = min(bound, found.bound + model.settled)
        if unit:
            bound = np.floor(bound / unit + 1e-6) * unit
        if not found.x.size:
            break
        chosen = found.x[:columns] > 0.5
        value, brought = worst_of(model, sources, chosen)
        if value > best:
            taken, best = chosen, value
        effort.tell(best, bound)
        if bound - best <= effort.gap * abs(best):
            break
        lost = float(found.x[-1])
        worse = np.flatnonzero((brought > lost + 1e-6 * max(lost, 1.0)) & ~known)
        new = worse[np.argsort(-brought[worse], kind="stable")][:_AT_ONCE]
        if not new.size and found.outcome == "optimal":
            break
    return Most(model.rows[taken], best, max(bound, best))


def worst_of(model: Reduced, sources: Sources, taken: NDArray[np.bool_]) -> tuple[float, FloatArray]:
    """Return what a (c,) choice still covers without the source that brings most, and what each source brings."""
    cover = model.cover
    covered = covered_by(cover, taken).astype(np.float64)
    brought = np.asarray(sources.by_class @ covered) + sources.settled
    return float(cover.weight @ covered) + model.settled - float(brought.max(initial=0.0)), brought


def _started(model: Reduced, sources: Sources, effort: Effort) -> tuple[NDArray[np.bool_], float]:
    """Search for the most demand, then again with what would be lost counted half, and so on; the best choice of all."""
    cover = model.cover
    best, most = np.zeros(model.rows.size, np.bool_), -np.inf
    share = np.ones(sources.settled.size)
    for _ in range(_ROUNDS):
        weight = np.asarray(sources.by_class.T @ share)
        lighter: Cover = cover._replace(weight=weight)
        choice = cover_start.begun(lighter, model.rules, effort.seed)
        steps = int(min(_STEPS, _WORK / cover_start.work_of_step(cover, model.rules.most)))
        cover_start.exchange(lighter, model.rules, choice, effort, steps=steps, bound=np.inf)
        value, brought = worst_of(model, sources, choice.best)
        if value > most:
            best, most = choice.best.copy(), value
        if effort.over or not brought.size:
            break
        share[int(brought.argmax())] *= 0.5
    return best, most


def _add_sources(programme: Programme, sources: Sources, which: IntArray, columns: int) -> None:
    """Let the last column, the loss, be no less than what these sources bring."""
    own = sources.by_class[which]
    rows = csr_array(hstack([csr_array((which.size, columns)), own, csr_array(-np.ones((which.size, 1)))]))
    programme.add_rows(rows, -np.inf, -sources.settled[which])
