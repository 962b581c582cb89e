"""Covering models: all demand within reach of the cheapest hubs, or most demand within reach of so many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.errors import BadParameterError, NoPlanError
from registry.services.kernels.cover_classes import BEYOND
from registry.services.siting.covering.cover_all import least_cover
from registry.services.siting.covering.cover_exact import most_covered
from registry.services.siting.covering.cover_model import assigned, checked, checked_p, reduced, rules_of
from registry.services.siting.covering.cover_worst import most_after_a_loss, sources_of
from registry.services.siting.effort import Effort
from registry.services.siting.solution import Solution

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from registry.services.geodesy import FloatArray
    from registry.services.siting.covering.cover_model import Problem, Reduced
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]


def maximal_covering(
    reach: csr_array | NDArray[np.bool_], demand: FloatArray, p: int, *, standing: IntArray | None = None,
    times: int = 1, limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose p candidates that have the most demand within reach.

    .. code-block:: text

        maximise  Σ_i w_i z_i
        so that   times · z_i ≤ Σ_{j reaches i} y_j
                  Σ_j y_j ≤ p,   W y ≤ limits,   y_j = 1 for what stands,   0 ≤ z ≤ 1, whole where times > 1,   y ∈ {0, 1}

    The maximal covering location problem of Church and ReVelle (1974, doi:10.1007/BF01942293).

    Parameters
    ----------
    reach : (n, m) which candidate reaches which demand: CSR of any kind of number, or a dense boolean array
    demand : (n,) 0 or more
    p : how many candidates to choose, those that stand not counted
    standing : rows of candidates that are open already; they take of no limit
    times : how many hubs must reach a demand for it to count; with 2 it stays covered when any one hub is lost
    limits : conditions on the candidates that are chosen
    effort : time limit, gap, seed

    Returns
    -------
    The chosen candidates: p of them, with such that add nothing if need be, or as many as the limits allow. The assignment
    of a demand is the first open candidate that reaches it, −1 where it is not covered. The objective is the demand
    covered, which the bound never falls below.

    Raises
    ------
    BadParameterError : shapes that do not fit; demand that is negative or no number; p below 1 or above the number of
        candidates to choose from.
    NoPlanError : there is no demand, or no candidate that may be chosen reaches any.

    Notes
    -----
    Demand that the same candidates reach is joined, candidates that reach no more than another are left out. A search by
    exchange finds a choice, a first-order method prices demand and so bounds every choice, and what these prices do not
    settle goes through branch and cut.
    """
    problem = checked(reach, demand, standing, times, limits)
    number = checked_p(p, problem)
    some_demand(problem)
    model = reduced(problem, rules_of(problem, number))
    _some_reach(model)
    found = most_covered(model, effort or Effort())
    chosen = filled_up(problem, found.rows, number)
    first, covered = assigned(problem, chosen)
    objective = float(problem.demand[covered].sum())
    return Solution(chosen, first, objective, max(found.bound, objective))


def set_covering(
    reach: csr_array | NDArray[np.bool_], *, demand: FloatArray | None = None, cost: FloatArray | None = None,
    standing: IntArray | None = None, times: int = 1, limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose the fewest or cheapest candidates that have all demand within reach.

    .. code-block:: text

        minimise  Σ_j c_j y_j
        so that   Σ_{j reaches i} y_j ≥ times     for every demand i of more than 0
                  W y ≤ limits,   y_j = 1 for what stands,   y ∈ {0, 1}

    The location set covering problem of Toregas, Swain, ReVelle and Bergman (1971, doi:10.1287/opre.19.6.1363).

    Parameters
    ----------
    reach : (n, m) which candidate reaches which demand: CSR of any kind of number, or a dense boolean array
    demand : (n,) demand of 0 need not be reached; all must be where it is left out
    cost : (m,) of a candidate, 0 or more; 1 where it is left out, so that candidates are counted
    standing : rows of candidates that are open already; they cost nothing and take of no limit
    times : how many must reach a demand; with 2 it stays within reach when any one hub is lost
    limits : conditions on the candidates that are chosen
    effort : time limit, gap, seed

    Returns
    -------
    The chosen candidates; the assignment of a demand is the first open candidate that reaches it; the objective is the
    cost, which the bound never exceeds.

    Raises
    ------
    BadParameterError : shapes that do not fit; demand or cost that is negative or no number.
    NoPlanError : no candidate reaches some demand, or the limits do not let all be reached; nothing is demanded.
    """
    problem = checked(reach, demand, standing, times, limits)
    m = problem.reach.shape[1]
    price = np.ones(m) if cost is None else np.require(cost, np.float64, ["C", "W"])
    if price.shape != (m,) or not (np.isfinite(price) & (price >= 0.0)).all():
        raise BadParameterError(f"cost: give one number of 0 or more for each of {m} candidates.")
    some_demand(problem)
    lost = np.flatnonzero(_out_of_reach(problem))
    if lost.size:
        raise NoPlanError(_beyond(lost, times))
    model = reduced(problem, rules_of(problem, m), cost=price)
    lost = np.flatnonzero(model.class_of == BEYOND)
    if lost.size:
        raise NoPlanError(f"{_beyond(lost, times)[:-1]} that the limits allow ({', '.join(problem.limits.names)}).")
    found = least_cover(model, price, effort or Effort(), problem.limits.names)
    first, _ = assigned(problem, found.rows)
    return Solution(found.rows, first, found.cost, found.bound)


def unreachable(reach: csr_array | NDArray[np.bool_], *, demand: FloatArray | None = None, times: int = 1) -> IntArray:
    """Return the rows of demand of more than 0 that fewer than ``times`` candidates reach, for which no set covers all."""
    return np.flatnonzero(_out_of_reach(checked(reach, demand, None, times, None)))


def _out_of_reach(problem: Problem) -> NDArray[np.bool_]:
    return np.asarray((np.diff(problem.reach.indptr) < problem.times) & (problem.demand > 0.0))


def _beyond(lost: IntArray, times: int) -> str:
    who = "no candidate reaches" if times == 1 else f"fewer than {times} candidates reach"
    others = f" and {lost.size - 1} others" if lost.size > 1 else ""
    return f"infeasible because {who} demand {lost[0]}{others}."


def worst_case_covering(
    reach: csr_array | NDArray[np.bool_], demand: FloatArray, p: int, *, source: IntArray | None = None,
    standing: IntArray | None = None, limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose p candidates that have the most demand within reach after any one source has failed.

    .. code-block:: text

        maximise  Σ_i w_i z_i − t
        so that   t ≥ Σ_{i of source s} w_i z_i   for every source s
                  z_i ≤ Σ_{j reaches i} y_j,   Σ_j y_j ≤ p,   W y ≤ limits,   0 ≤ z ≤ 1,   y ∈ {0, 1}

    A maximal covering problem (Church and ReVelle 1974) whose objective is the least over all sources of what is
    covered without it; t is what the source brings that brings most.

    Parameters
    ----------
    reach, p, standing, limits, effort : as in `maximal_covering`
    demand : (n,) 0 or more
    source : (n,) whole numbers, the same for demand that fails together; every demand on its own where it is left out

    Returns
    -------
    As `maximal_covering`; the objective is what is covered less what the largest source brings.

    Raises
    ------
    BadParameterError, NoPlanError : as `maximal_covering`.
    """
    problem = checked(reach, demand, standing, 1, limits)
    number = checked_p(p, problem)
    some_demand(problem)
    n = problem.demand.size
    own = np.arange(n) if source is None else np.asarray(source)
    if own.shape != (n,) or own.dtype.kind not in "iu":
        raise BadParameterError(f"source: give one whole number for each of {n} demands.")
    model = reduced(problem, rules_of(problem, number))
    _some_reach(model)
    group = np.unique(own, return_inverse=True)[1]
    found = most_after_a_loss(model, sources_of(model, problem.demand, group), effort or Effort())
    chosen = filled_up(problem, found.rows, number)
    first, covered = assigned(problem, chosen)
    brought = np.bincount(group[covered], problem.demand[covered], minlength=1)
    objective = float(problem.demand[covered].sum() - brought.max())
    return Solution(chosen, first, objective, max(found.bound, objective))


def some_demand(problem: Problem) -> None:
    """Refuse a problem in which nothing is demanded.

    Raises
    ------
    NoPlanError : all demand is 0.
    """
    if not (problem.demand > 0.0).any():
        raise NoPlanError("infeasible because there is no demand: every weight is 0.")


def _some_reach(model: Reduced) -> None:
    if not model.settled and not model.cover.need.size:
        raise NoPlanError("infeasible because no candidate that may be chosen reaches any demand.")


def filled_up(problem: Problem, rows: IntArray, p: int) -> IntArray:
    """Add candidates that change nothing until there are p, as far as the limits allow; the lowest rows first."""
    if rows.size == p:
        return np.sort(rows)
    rules = rules_of(problem, p)
    taken = np.zeros(problem.reach.shape[1], np.bool_)
    taken[rows] = True
    barred = taken.copy()
    barred[problem.standing] = True
    used = rules.weights[:, taken].sum(axis=1)
    count = rows.size
    for one in np.flatnonzero(~barred):
        if count == p:
            break
        more = used + rules.weights[:, one]
        if (more <= rules.at_most + 1e-9 * np.maximum(rules.at_most, 1.0)).all():
            taken[one], used, count = True, more, count + 1
    return np.flatnonzero(taken)
