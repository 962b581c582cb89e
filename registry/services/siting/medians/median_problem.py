"""What median models are solved on: rows of candidates that begin with the cheapest, and what a row costs without them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array, issparse

from registry.errors import BadParameterError, NoPlanError
from registry.services.kernels import median_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]
    BoolArray = NDArray[np.bool_]
    Near = NDArray[np.int32]

_ROWS_AT_ONCE = 1_000
_WHOLE = 2.0**52


class MedianProblem(NamedTuple):
    """Rows of demand, candidates that may be opened, and at most p of them to open.

    What stands already, or was found to be part of every better answer, is in ``cap``; what cannot be part of one is
    left out. So a part of a search tree is a problem like the whole.

    Attributes
    ----------
    start, near, cost : (n + 1,), (h,), (h,) rows of candidates that cost less than ``cap``, the cheapest first
    cap : (n,) what a row costs without them, infinite where it must have one
    weights, room : (m, k), (k,) conditions on the candidates that are opened
    p : how many may be opened at most
    candidates : (m,) their rows in the matrix that was asked about
    opened : rows in that matrix of those that are part of every better answer
    """

    start: IntArray
    near: Near
    cost: FloatArray
    cap: FloatArray
    weights: FloatArray
    room: FloatArray
    p: int
    candidates: IntArray
    opened: IntArray

    @property
    def hopeless(self) -> bool:
        """Whether a row must have a candidate and has none, or what is open already is too many or breaks a condition."""
        stranded = np.isinf(self.cap) & (np.diff(self.start) == 0)
        return self.p < 0 or bool((self.room < 0.0).any() or stranded.any())


class Asked(NamedTuple):
    """A median model as it was asked, checked.

    Attributes
    ----------
    distance : (n, m) matrix of floats, dense (what is not finite is impossible) or canonical CSR (as is what is not stored)
    demand : (n,)
    p : candidates to choose
    standing : (s,) rows of candidates that are open already
    outside : (n,) what a unit of demand costs where it is not served, infinite where it must be
    weights, room : (m, k), (k,) conditions on those chosen
    """

    distance: FloatArray | csr_array
    demand: FloatArray
    p: int
    standing: IntArray
    outside: FloatArray
    weights: FloatArray
    room: FloatArray


def ask(
    distance: FloatArray | csr_array, demand: FloatArray, p: int, *, standing: IntArray | None,
    outside: FloatArray | None, limits: Limits | None,
) -> Asked:  # fmt: skip
    """Check what a median model is asked with.

    Raises
    ------
    BadParameterError : a shape does not fit, a number is negative or none, p is less than 0 or more than the candidates.
    """
    matrix = checked_distance(distance)
    n, m = matrix.shape
    amount = _numbers(demand, n, "demand")
    if not np.isfinite(amount).all():
        row = int(np.flatnonzero(~np.isfinite(amount))[0])
        raise BadParameterError(f"demand {row} is {amount[row]:g}: give a number of 0 or more.")
    lost = np.full(n, np.inf) if outside is None else _numbers(outside, n, "outside")
    stands = checked_standing(standing, m)
    check_hubs(p, m - stands.size)
    weights, room = dense_limits(limits, m)
    return Asked(matrix, amount, int(p), stands, lost, weights, room)


def checked_distance(distance: FloatArray | csr_array) -> FloatArray | csr_array:
    """Return an (n, m) matrix of floats, a sparse one as canonical CSR.

    Raises
    ------
    BadParameterError : it has not two dimensions, no candidate, or a negative distance.
    """
    if issparse(distance):
        matrix = csr_array(distance)
        if not matrix.has_canonical_format:
            matrix = matrix.copy()
            matrix.sum_duplicates()
        values = matrix.data
    else:
        matrix = values = np.asarray(distance, np.float64)
    if len(matrix.shape) != 2 or matrix.shape[1] == 0:
        raise BadParameterError(
            f"distance has the shape {matrix.shape}: give a row per demand, a column per candidate."
        )
    if not issparse(distance):
        for begin in range(0, matrix.shape[0], _ROWS_AT_ONCE):
            part = matrix[begin : begin + _ROWS_AT_ONCE]
            if (part < 0).any():
                row, column = (int(found[0]) for found in np.nonzero(part < 0))
                raise _negative(begin + row, column, float(part[row, column]))
    elif (values < 0).any():
        at = int(np.flatnonzero(values < 0)[0])
        row = int(np.searchsorted(matrix.indptr, at, side="right")) - 1
        raise _negative(row, int(matrix.indices[at]), float(values[at]))
    return matrix


def _negative(row: int, column: int, value: float) -> BadParameterError:
    return BadParameterError(f"distance of demand {row} to candidate {column} is {value:g}: give 0 or more.")


def _numbers(values: FloatArray, n: int, name: str) -> FloatArray:
    array = np.asarray(values, np.float64)
    if array.shape != (n,):
        raise BadParameterError(
            f"{name} has the shape {array.shape}, but distance has {n} rows: give a number for each."
        )
    wrong = np.flatnonzero(~(array >= 0))
    if wrong.size:
        raise BadParameterError(f"{name} {wrong[0]} is {array[wrong[0]]:g}: give a number of 0 or more.")
    return array


def checked_standing(standing: IntArray | None, candidates: int) -> IntArray:
    """Return the rows of candidates that stand, each once, ascending.

    Raises
    ------
    BadParameterError : there is no such candidate.
    """
    stands = np.unique(np.asarray([] if standing is None else standing, np.intp))
    wrong = stands[(stands < 0) | (stands >= candidates)]
    if wrong.size:
        raise BadParameterError(f"standing: there is no candidate {wrong[0]}; they are 0 to {candidates - 1}.")
    return stands


def check_hubs(p: int, free: int) -> None:
    """Check how many hubs are asked for.

    Raises
    ------
    BadParameterError : it is negative, no whole number, or more than there are candidates that do not stand.
    """
    if p != int(p) or p < 0:
        raise BadParameterError(f"p = {p}: give a whole number of hubs, 0 or more.")
    if p > free:
        raise BadParameterError(f"p = {p}: there are only {free} candidates to choose from; ask for fewer hubs.")


def dense_limits(limits: Limits | None, candidates: int) -> tuple[FloatArray, FloatArray]:
    """Return limits as (m, k) weights and (k,) room, scaled so that every condition's largest weight is 1.

    Raises
    ------
    BadParameterError : they are about another number of candidates.
    """
    if limits is None or not len(limits.names):
        return np.zeros((candidates, 0)), np.zeros(0)
    if limits.weights.shape[1] != candidates:
        raise BadParameterError(f"limits are about {limits.weights.shape[1]} candidates, distance has {candidates}.")
    weights = np.ascontiguousarray(limits.weights.toarray().T)
    largest = weights.max(axis=0, initial=0.0)
    largest[largest == 0.0] = 1.0
    # The same slack that `Limits.allow` grants to sums of floats.
    return weights / largest, (limits.at_most + 1e-9 * np.maximum(limits.at_most, 1.0)) / largest


def build(asked: Asked) -> MedianProblem:
    """Sort the candidates of every demand.

    Raises
    ------
    NoPlanError : a demand has no candidate that could serve it.
    """
    m = asked.distance.shape[1]
    rows = np.flatnonzero(asked.demand > 0)
    weight = asked.demand[rows]
    standing_way = nearest(asked.distance, asked.standing)[1]
    most = np.minimum(asked.outside, standing_way)[rows]
    number = np.full(m, -1, np.int32)
    # Without a hub to choose, nothing but what stands can serve.
    may = np.flatnonzero(
        (asked.p > 0) & (asked.weights <= asked.room).all(axis=1) & ~np.isin(np.arange(m), asked.standing)
    )
    number[may] = np.arange(may.size, dtype=np.int32)
    matrix = asked.distance
    if isinstance(matrix, csr_array):
        held = matrix.indptr.astype(np.intp), matrix.indices.astype(np.intp), matrix.data.astype(np.float64)
        start = median_rows.count_sparse(*held, rows, most, number)
        near, cost = np.empty(start[-1], np.int32), np.empty(start[-1])
        median_rows.fill_sparse(*held, rows, weight, most, number, start, near, cost)
    else:
        start = median_rows.count_dense(matrix, rows, most, number)
        near, cost = np.empty(start[-1], np.int32), np.empty(start[-1])
        median_rows.fill_dense(matrix, rows, weight, most, number, start, near, cost)
    alone = np.flatnonzero(np.isinf(most) & (np.diff(start) == 0))
    if alone.size:
        others = f" (nor have {alone.size - 1} others)" if alone.size > 1 else ""
        what = "candidate" if asked.p else "hub that stands"
        raise NoPlanError(f"infeasible because demand {rows[alone[0]]} has no {what} within reach{others}.")
    return MedianProblem(
        start, near, cost, weight * most, asked.weights[may], asked.room, min(asked.p, may.size), may,
        np.empty(0, np.intp),
    )  # fmt: skip


def nearest(distance: FloatArray | csr_array, chosen: IntArray) -> tuple[IntArray, FloatArray]:
    """Return for every demand the nearest of the chosen candidates, −1 where it has none, and the way to it."""
    n, m = distance.shape
    if isinstance(distance, csr_array):
        row = np.repeat(np.arange(n), np.diff(distance.indptr))
        held = np.isin(np.arange(m), chosen)[distance.indices] & np.isfinite(distance.data)
        row, column, way = row[held], distance.indices[held].astype(np.intp), distance.data[held]
        order = np.lexsort((column, way, row))
        row, first = np.unique(row[order], return_index=True)
        which, least = np.full(n, -1, np.intp), np.full(n, np.inf)
        which[row], least[row] = column[order][first], way[order][first]
        return which, least
    which, least = np.full(n, -1, np.intp), np.full(n, np.inf)
    for column in np.sort(chosen):
        way = distance[:, column]
        better = way < least
        which[better], least[better] = column, way[better]
    return which, least


def reduced(problem: MedianProblem, opens: BoolArray, closes: BoolArray) -> MedianProblem:
    """Return what is left of a problem once some of its (m,) candidates are open and others closed."""
    cap = problem.cap
    if opens.any():
        cap = median_rows.cheapest(problem.start, problem.near, problem.cost, cap, opens)[1]
    stays = ~(opens | closes)
    room = problem.room - problem.weights[opens].sum(axis=0)
    stays &= (problem.weights <= room).all(axis=1)
    p = problem.p - int(opens.sum())
    if p == 0:
        stays[:] = False
    number = np.where(stays, np.cumsum(stays) - 1, -1).astype(np.int32)
    start, near, cost = median_rows.keep(problem.start, problem.near, problem.cost, cap, number)
    return MedianProblem(
        start, near, cost, cap, problem.weights[stays], room, p, problem.candidates[stays],
        np.concatenate([problem.opened, problem.candidates[opens]]),
    )  # fmt: skip


def unit_of(problem: MedianProblem) -> float:
    """Return the largest number that every possible cost of a problem is a multiple of, 0 where none is known."""
    caps = problem.cap[np.isfinite(problem.cap)]
    unit = median_rows.common_unit(problem.cost, median_rows.common_unit(caps, 0.0))
    total = max(problem.cost.max(initial=0.0), caps.max(initial=0.0)) * problem.cap.size
    return unit if unit > 0.0 and total < _WHOLE else 0.0
