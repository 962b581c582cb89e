"""Covering problems made small by what is proven: demand reached alike is joined, and what cannot matter is left out.

Joining demand that the same candidates reach is isomorphic aggregation; leaving out candidates that reach no more than
another, and demand that is covered whenever other demand is, are the reductions of Toregas and ReVelle (1973).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from registry.errors import BadParameterError
from registry.services.kernels import cover_classes
from registry.services.kernels.cover_classes import FREE, LEFT_OUT, STANDS, Cover
from registry.services.kernels.cover_search import Rules
from registry.services.siting.limits import Limits

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray

IntArray = NDArray[np.intp]

_HALF = 0.5
"""Credit for half a cover where demand needs several candidates: without it a search would see nothing to gain at first."""


class Reduced(NamedTuple):
    """A covering problem that is left when what is settled is taken out of it.

    Attributes
    ----------
    cover, rules : what is left, over c candidates
    rows : (c,) which candidates of the whole problem these are
    class_of : (n,) class of every demand, or what stands in its place
    settled : demand that is covered whatever is chosen
    """

    cover: Cover
    rules: Rules
    rows: IntArray
    class_of: NDArray[np.int32]
    settled: float


class Problem(NamedTuple):
    """A covering problem as it was asked, checked.

    Attributes
    ----------
    reach : (n, m) CSR, sorted, every entry true
    demand : (n,)
    standing : (s,) rows of candidates that stand already
    times : how many must reach demand for it to be covered
    limits : conditions on what is chosen
    """

    reach: csr_array
    demand: FloatArray
    standing: IntArray
    times: int
    limits: Limits

    @property
    def roles(self) -> NDArray[np.int8]:
        """What every candidate is, (m,)."""
        roles = np.full(self.reach.shape[1], FREE, np.int8)
        roles[self.standing] = STANDS
        return roles


def checked(
    reach: csr_array | NDArray[np.bool_], demand: FloatArray | None, standing: IntArray | None, times: int,
    limits: Limits | None,
) -> Problem:  # fmt: skip
    """Check a covering problem; demand of 1 everywhere where none is given.

    Raises
    ------
    BadParameterError : shapes that do not fit, demand that is negative or no number, candidates that are not there.
    """
    matrix = _reach(reach)
    n, m = matrix.shape
    weights = np.ones(n) if demand is None else np.require(demand, np.float64, ["C", "W"])
    if weights.shape != (n,):
        raise BadParameterError(
            f"demand: {weights.shape} does not fit reach {(n, m)}; give one number for each of {n}."
        )
    wrong = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0.0)))
    if wrong.size:
        raise BadParameterError(f"demand {wrong[0]} is {weights[wrong[0]]:g}: give numbers of 0 or more.")
    named = np.atleast_1d(np.asarray([] if standing is None else standing))
    if named.size and (named.dtype.kind not in "iu" or named.min() < 0 or named.max() >= m):
        raise BadParameterError(f"standing: give rows of candidates, whole numbers from 0 to {m - 1}.")
    if not isinstance(times, (int, np.integer)) or times < 1:
        raise BadParameterError(f"times = {times}: give a whole number of 1 or more.")
    conditions = Limits.none(m) if limits is None else limits
    if conditions.weights.shape != (len(conditions.names), m) or np.shape(conditions.at_most) != (
        len(conditions.names),
    ):
        raise BadParameterError(f"limits: weights {conditions.weights.shape} do not fit {m} candidates.")
    return Problem(matrix, weights, np.unique(named).astype(np.intp), int(times), conditions)


def checked_p(p: int, problem: Problem) -> int:
    """Check a number of candidates to choose.

    Raises
    ------
    BadParameterError : less than 1, or more than there are.
    """
    free = problem.reach.shape[1] - problem.standing.size
    if not isinstance(p, (int, np.integer)) or not 0 < p <= free:
        raise BadParameterError(
            f"p = {p}: give a whole number from 1 to {free}, the number of candidates to choose from."
        )
    return int(p)


def _reach(reach: csr_array | NDArray[np.bool_]) -> csr_array:
    if not issparse(reach) and np.ndim(reach) != 2:
        raise BadParameterError(f"reach: has {np.ndim(reach)} dimensions; give a matrix, demand by candidates.")
    matrix = csr_array(reach if issparse(reach) else np.asarray(reach, dtype=np.bool_))
    if not matrix.has_canonical_format:
        matrix = csr_array((matrix.data.astype(np.bool_), matrix.indices, matrix.indptr), shape=matrix.shape, copy=True)
        matrix.sum_duplicates()
    # Neither an index of 4 B nor a flag of 1 B an entry is made any wider: ten million demands have 10⁸ of them.
    if not matrix.data.all():
        kept = matrix.data != 0
        indptr = np.concatenate([[0], np.cumsum(kept)])[matrix.indptr]
        matrix = csr_array((kept[kept], matrix.indices[kept], indptr), shape=matrix.shape)
    return matrix


def rules_of(problem: Problem, p: int) -> Rules:
    """Rules over all candidates; ``p`` of them at most."""
    weights = problem.limits.weights.toarray().astype(np.float64)
    return Rules(p, weights, np.array(problem.limits.at_most, dtype=np.float64), _HALF if problem.times > 1 else 0.0)


def reduced(problem: Problem, rules: Rules, *, cost: FloatArray | None = None) -> Reduced:
    """Join demand that is reached alike, and leave out candidates that cannot matter.

    Of candidates that cost (m,) no more, take no more of a limit and reach all that another one reaches, it is enough to
    look at these.
    """
    matrix = problem.reach
    class_of = np.empty(matrix.shape[0], np.int32)
    roles = problem.roles
    heavy = (rules.weights > rules.at_most[:, None] * (1.0 + 1e-9) + 1e-9).any(axis=0)
    roles[heavy & (roles == FREE)] = LEFT_OUT
    numbers = _numbers(matrix.shape[1])
    first, need, weight = cover_classes.classify(
        matrix.indptr, matrix.indices, problem.demand, np.full(1, problem.times), roles, numbers, class_of
    )
    rows = np.flatnonzero(roles == FREE)
    start, candidate = cover_classes.rows_of(matrix.indptr, matrix.indices, first, _renumbered(matrix.shape[1], rows))
    settled = float(problem.demand[class_of == cover_classes.SETTLED].sum())
    whole = Reduced(_cover(weight, need, start, candidate, rows.size), _rules_for(rules, rows), rows, class_of, settled)
    return without_dominated(whole, np.zeros(rows.size) if cost is None else cost[rows])


def without_dominated(before: Reduced, cost: FloatArray) -> Reduced:
    """Leave out the candidates for which another can always stand; ``cost`` (c,) may not rise by it."""
    gone = cover_classes.dominated_candidates(before.cover, cost, before.rules.weights)
    return before if not gone.any() else narrowed(before, np.where(gone, LEFT_OUT, FREE).astype(np.int8))


def narrowed(before: Reduced, roles: NDArray[np.int8]) -> Reduced:
    """Leave candidates out, or take them as standing, by their (c,) roles."""
    cover, rules = before.cover, before.rules
    rows = np.flatnonzero(roles == FREE)
    class_of = np.empty(cover.need.size, np.int32)
    first, need, weight = cover_classes.classify(
        cover.start, cover.candidate, cover.weight, cover.need, roles, _numbers(roles.size), class_of
    )
    start, candidate = cover_classes.rows_of(cover.start, cover.candidate, first, _renumbered(roles.size, rows))
    settled = before.settled + float(cover.weight[class_of == cover_classes.SETTLED].sum())
    chosen = roles == STANDS
    left = rules._replace(
        most=rules.most - int(chosen.sum()),
        at_most=np.maximum(rules.at_most - rules.weights[:, chosen].sum(axis=1), 0.0),
    )
    return Reduced(
        _cover(weight, need, start, candidate, rows.size), _rules_for(left, rows), before.rows[rows],
        _renamed(class_of, before.class_of), settled,
    )  # fmt: skip


def without_classes(before: Reduced, gone: NDArray[np.bool_]) -> Reduced:
    """Leave (k,) classes out; their demand then counts as settled."""
    cover = before.cover
    kept = np.flatnonzero(~gone)
    renamed = np.full(gone.size, cover_classes.SETTLED, np.int32)
    renamed[kept] = np.arange(kept.size)
    columns = before.rows.size
    start, candidate = cover_classes.rows_of(cover.start, cover.candidate, kept, np.arange(columns, dtype=np.int32))
    smaller = _cover(cover.weight[kept], cover.need[kept], start, candidate, columns)
    return before._replace(
        cover=smaller, class_of=_renamed(renamed, before.class_of),
        settled=before.settled + float(cover.weight[gone].sum()),
    )  # fmt: skip


def to_the_end(model: Reduced, cost: FloatArray) -> tuple[Reduced, IntArray]:
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
        if taken.any() and fits(model.rules, taken):
            forced = np.concatenate([forced, model.rows[taken]])
            model = narrowed(model, roles)
        model = without_dominated(model, cost[model.rows])
        if before == (model.cover.need.size, model.rows.size):
            break
    return model, np.sort(forced)


def fits(rules: Rules, taken: NDArray[np.bool_]) -> bool:
    """Whether what is (c,) taken meets the limits."""
    used = rules.weights[:, taken].sum(axis=1)
    return bool((used <= rules.at_most + 1e-9 * np.maximum(rules.at_most, 1.0)).all())


def _renamed(new: NDArray[np.int32], class_of: NDArray[np.int32]) -> NDArray[np.int32]:
    # What stands in the place of a class is −1 to −3, so it is found from the end.
    return np.concatenate([new, np.array([-3, -2, -1], np.int32)])[class_of]


def _rules_for(rules: Rules, rows: IntArray) -> Rules:
    return rules._replace(most=min(rules.most, rows.size), weights=np.ascontiguousarray(rules.weights[:, rows]))


def _numbers(columns: int) -> NDArray[np.uint64]:
    # Which numbers they are changes no answer: rows that they bring together are compared.
    return np.random.default_rng(0).integers(0, 2**64, columns, dtype=np.uint64)


def _renumbered(columns: int, rows: IntArray) -> NDArray[np.int32]:
    number = np.full(columns, -1, np.int32)
    number[rows] = np.arange(rows.size)
    return number


def _cover(weight: FloatArray, need: IntArray, start: IntArray, candidate: NDArray[np.int32], columns: int) -> Cover:
    return Cover(weight, need, start, candidate, *cover_classes.transposed(start, candidate, columns))


def assigned(problem: Problem, chosen: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Return the first candidate that is open and reaches each demand, −1 where it is not covered, and what is covered."""
    taken = np.zeros(problem.reach.shape[1], np.bool_)
    taken[chosen] = taken[problem.standing] = True
    first = np.empty(problem.reach.shape[0], np.intp)
    cover_classes.first_open(problem.reach.indptr, problem.reach.indices, taken, problem.times, first)
    return first, first >= 0
