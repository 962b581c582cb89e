"""Hubs with capacity: which modules where, and how many tonnes of what go to which, as one mixed-integer programme."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array, hstack

from registry.errors import BadParameterError, NoPlanError, TimeUpError
from registry.services.siting.effort import Effort
from registry.services.siting.hauling.haul_check import begun, checked, no_plan, sure_of_capacity
from registry.services.siting.hauling.haul_core import reduced
from registry.services.siting.hauling.haul_problem import HaulPlan, HaulProblem
from registry.services.siting.hauling.haul_search import HaulSearch
from registry.services.siting.solution import Solution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.hauling.haul_core import Reduction
    from registry.services.siting.hauling.haul_programme import Found
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]


def plan_hauls(
    problem: HaulProblem, effort: Effort | None = None, *, start: NDArray[np.int64] | HaulPlan | None = None
) -> HaulPlan:
    """Choose modules and hauls of the greatest value.

    Parameters
    ----------
    problem : what may be built and hauled
    effort : what the search may cost
    start : (m, k) modules of a known plan, or the plan itself, from which the search begins. It need not meet the conditions:
        what cannot be built is passed over, hubs beyond a limit are left out, and what then allows no plan is of no use

    Returns
    -------
    The best plan that was found, with its bound; it is no worse than a start that meets all conditions.

    Raises
    ------
    BadParameterError : an array has the wrong shape, is negative where it must not be, or is no number.
    NoPlanError : nothing meets all conditions, and which of them stands in the way.
    TimeUpError : the search was stopped before there was any plan, and nothing proves that there is none.

    Notes
    -----
    With x_h tonnes of a haul from parcel i to candidate j, z_jk modules of size k, o_j whether a candidate has any, and
    w_jq tonnes sold to a market::

        maximise   Σ_h v_h x_h − Σ_jk f_jk z_jk + Σ_jq g_jq w_jq
        such that  Σ_(h of i) x_h ≤ s_i                          every parcel, = with ``serve_all``
                   Σ_(h to j) x_h ≤ standing_j + Σ_k size_k z_jk every candidate
                   o_j ≤ Σ_k z_jk ≤ most_modules · o_j
                   Σ_(h from i to j) x_h ≤ s_i o_j,  ≤ Σ_k min(s_i, size_k) z_jk
                   Σ_j o_j ≤ hubs,  Σ z ≤ modules,  Σ f z ≤ budget,  limits on o
                   Σ_(h to j) x_h ≥ least_load · o_j             with ``survive_source`` also without any one source
                   Σ_q w_jq ≤ Σ_(h to j) x_h,  Σ_j w_jq ≤ demand_q
                   Σ_h v²_h x_h − Σ_jk f²_jk z_jk ≥ at_least     the second objective
                   x, w ≥ 0,  z whole,  o in {0, 1}

    and with ``single`` one candidate for each parcel. It is the capacitated facility location problem (Balinski 1965,
    Integer programming: methods, uses, computation; Sridharan 1995, The capacitated plant location problem) with modules
    of capacity (Correia and Captivo 2003, A Lagrangean heuristic for a modular capacitated location problem).

    Where a second objective must be reached, a first plan is looked for by that objective alone. Small problems go to HiGHS
    whole. Of large ones the rows of parcels are priced (`haul_bound`, `haul_prices`), which
    gives a bound, plans, and for every candidate a bound of plans that use it; hubs are exchanged (`haul_start`); and HiGHS
    solves the programme of the candidates that could still matter, a few of them first (`haul_search`). The rows of
    x ≤ s o are added as far as the linear relaxation needs them.
    """
    effort = effort or Effort()
    problem = checked(problem)
    sure_of_capacity(problem)
    reduction = reduced(problem)
    search = HaulSearch(reduction.core, effort, reduction.money)
    search.run(None if start is None else begun(problem, reduction, start))
    if search.impossible:
        raise no_plan(problem, effort)
    if search.best is None:
        raise TimeUpError(
            "no plan was found within the time limit, nor is it proven that there is none: give more time or a gap."
        )
    return _told(problem, reduction, search.best._replace(bound=search.bound))


def _told(problem: HaulProblem, reduction: Reduction, found: Found) -> HaulPlan:
    """Bring what was found back into the units and hauls of the problem."""
    core = reduction.core
    modules = np.zeros(problem.fixed.shape, np.int64)
    modules[core.option_at, core.option_column] = found.modules.astype(np.int64)
    tonnes = reduction.tonnes(found.flow, problem.value.size)
    sold = np.zeros(0 if problem.markets is None else problem.markets.margin.size)
    sold[reduction.sales] = np.maximum(found.sold, 0.0) * reduction.tonne
    objective = float(problem.value @ tonnes)
    objective -= float(problem.fixed[modules > 0] @ modules[modules > 0])
    if problem.markets is not None:
        objective += float(problem.markets.margin @ sold)
    bound = min(found.bound * reduction.money, _at_best(problem))
    return HaulPlan(modules, tonnes, objective, max(bound, objective), sold)


def _at_best(problem: HaulProblem) -> float:
    """What it would be worth if every parcel went whole where it is worth most, and hubs cost nothing."""
    if problem.markets is not None:
        return np.inf
    best = np.full(problem.supply.size, -np.inf if problem.serve_all else 0.0)
    np.maximum.at(best, problem.parcel, problem.value)
    some = problem.supply > 0
    return float(problem.supply[some] @ best[some])


def capacitated_p_median(
    distance: FloatArray | csr_array, demand: FloatArray, capacity: FloatArray, p: int, *, single: bool = True,
    outside: FloatArray | None = None, limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose at most p candidates, none beyond its capacity, to which the demand has the least way.

    Parameters
    ----------
    distance : (n, m) of every demand to every candidate; where it is NaN or infinite the candidate is beyond reach. In a
        CSR array what is not stored is beyond reach, and a stored 0 is no way at all
    demand : (n,) 0 or more
    capacity : (m,) 0 or more, in the unit of the demand, infinite where nothing limits it
    p : candidates that may open
    single : a demand goes to one candidate whole; otherwise it may be split
    outside : (n,) cost of a unit of demand that is left to nobody; infinite or NaN where it must be served
    limits : conditions on the candidates that are chosen
    effort : what the search may cost

    Returns
    -------
    Candidates that open, and of every demand the candidate that takes it, or the most of it. The objective is
    Σ demand · distance, with what is left outside at its own cost.

    Raises
    ------
    BadParameterError : an array has the wrong shape, is negative or no number; p is not between 1 and m.
    NoPlanError : a demand that no candidate reaches, or more demand than p candidates can take.

    Notes
    -----
    With y_j whether a candidate is open and x_ij the share of a demand d_i that goes to it::

        minimise   Σ_ij d_i c_ij x_ij
        such that  Σ_j x_ij = 1                  for every demand
                   Σ_i d_i x_ij ≤ Q_j y_j        for every candidate
                   Σ_j y_j ≤ p,  x_ij ≤ y_j,  y_j in {0, 1},  x_ij in {0, 1} with single sourcing

    (Mulvey and Beck 1984, Solving capacitated clustering problems, European Journal of Operational Research 18).
    Opening costs nothing, so that at most p is as good as p.
    """
    n, m, row, column, way = _pairs(distance)
    weight, room = np.asarray(demand, np.float64), np.asarray(capacity, np.float64)
    if weight.shape != (n,) or room.shape != (m,):
        raise BadParameterError(
            f"capacitated p-median: distance is {n} × {m}, so demand is ({n},) and capacity ({m},); "
            f"found {weight.shape} and {room.shape}."
        )
    if np.isnan(room).any() or (room < 0).any() or not (np.isfinite(weight).all() and (weight >= 0).all()):
        raise BadParameterError("capacitated p-median: demand and capacity must be numbers of 0 or more.")
    if (way < 0).any():
        raise BadParameterError("capacitated p-median: a distance is negative.")
    if not 1 <= p <= m:
        raise BadParameterError(f"p = {p}: give a number from 1 to {m}, the number of candidates.")
    lost = np.full(n, np.inf) if outside is None else np.asarray(outside, np.float64)
    if lost.shape != (n,):
        raise BadParameterError(f"capacitated p-median: outside has the shape {lost.shape}, expected ({n},).")
    free = np.flatnonzero(np.isfinite(lost))
    alone = np.flatnonzero((np.bincount(row, minlength=n) == 0) & ~np.isfinite(lost) & (weight > 0))
    if alone.size:
        raise NoPlanError(f"infeasible because no candidate is within reach of demand {alone[0]}.")
    sizes, own = np.unique(room, return_inverse=True)
    # What is left outside goes to a plant that stands and takes whatever comes.
    fixed = np.full((m + 1, sizes.size), np.inf)
    fixed[np.arange(m), own] = 0.0
    if limits is not None:
        limits = limits._replace(weights=csr_array(hstack([limits.weights, csr_array((len(limits.names), 1))])))
    plan = plan_hauls(
        HaulProblem(
            supply=weight, parcel=np.concatenate([row, free]), candidate=np.concatenate([column, np.full(free.size, m)]),
            value=-np.concatenate([way, lost[free]]), candidates=m + 1, sizes=sizes, fixed=fixed, hubs=p,
            standing=np.append(np.zeros(m), np.inf), limits=limits, serve_all=True, single=single,
        ),
        effort,
    )  # fmt: skip
    open_ = np.flatnonzero(plan.modules.any(axis=1))
    return Solution(open_, _assigned((row, column, way), plan.tonnes, open_, weight), -plan.objective, -plan.bound)


def _pairs(distance: FloatArray | csr_array) -> tuple[int, int, IntArray, IntArray, FloatArray]:
    """Return the shape of a matrix, and the row, column and distance of the pairs within reach."""
    if isinstance(distance, csr_array):
        n, m = distance.shape
        row, column, way = np.repeat(np.arange(n), np.diff(distance.indptr)), distance.indices, distance.data
        there = np.isfinite(way)
        return n, m, row[there], column[there].astype(np.intp), way[there].astype(np.float64)
    dense = np.asarray(distance, np.float64)
    if dense.ndim != 2:
        raise BadParameterError(
            f"capacitated p-median: distance has {dense.ndim} dimensions, expected demand × candidates."
        )
    there = np.isfinite(dense)
    row, column = np.nonzero(there)
    return *dense.shape, row, column, dense[there]


def _assigned(
    pairs: tuple[IntArray, IntArray, FloatArray], tonnes: FloatArray, open_: IntArray, demand: FloatArray
) -> IntArray:
    """Return the candidate that takes the most of a demand; where there is no demand, the nearest that is open."""
    row, column, way = pairs
    assignment = np.full(demand.size, -1)
    inside = tonnes[: row.size]
    outside = np.bincount(row, inside, minlength=demand.size) < 0.5 * demand
    use = np.flatnonzero((inside > 0) | ((demand[row] == 0) & np.isin(column, open_)))
    order = use[np.lexsort((column[use], way[use], -inside[use], row[use]))]
    first = order[np.diff(row[order], prepend=-1) != 0]
    assignment[row[first]] = column[first]
    assignment[outside] = -1
    return assignment
