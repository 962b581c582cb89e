"""The median model: the least way, weighted by demand, to so many hubs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from registry.errors import NoPlanError, TimeUpError
from registry.services.siting.effort import Effort
from registry.services.siting.medians.median_problem import Asked, MedianProblem, ask, build, nearest
from registry.services.siting.medians.median_search import Incumbent, start
from registry.services.siting.medians.median_tree import Tree
from registry.services.siting.programme import Programme
from registry.services.siting.solution import Solution

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits

    IntArray = NDArray[np.intp]


def p_median(
    distance: FloatArray | csr_array, demand: FloatArray, p: int, *, standing: IntArray | None = None,
    outside: FloatArray | None = None, limits: Limits | None = None, effort: Effort | None = None,
) -> Solution:  # fmt: skip
    """Choose p candidates to which the demand has the least way.

    Parameters
    ----------
    distance : (n, m) of demand to candidate, in any unit, 0 or more; dense, where NaN or infinite is impossible, or
        CSR, where what is not stored is impossible too and a stored 0 is no way at all
    demand : (n,) 0 or more; a demand of 0 asks for nothing and need not be within reach of anything
    p : hubs to choose; fewer where limits let no more open
    standing : rows of candidates that are open already; they count neither to p nor to the limits
    outside : (n,) what it costs to leave a unit of demand unserved, in the unit of distance, infinite where it must be
        served; by default all must
    limits : conditions on the candidates that are chosen
    effort : how long to search, and how near is near enough; by default until proven

    Returns
    -------
    objective and bound in demand · distance; every demand is assigned to its nearest hub, of equally near ones the
    first, and to none (−1) where leaving it unserved is cheaper

    Raises
    ------
    BadParameterError : a shape does not fit, a number is negative or none, p is more than there are candidates.
    NoPlanError : a demand has no candidate within reach, or no p candidates reach all demand.

    Notes
    -----
    Hakimi (1964); as a programme ReVelle and Swain (1970): with y open and x assigned,

        min Σᵢⱼ wᵢ dᵢⱼ xᵢⱼ + Σᵢ wᵢ oᵢ (1 − Σⱼ xᵢⱼ),  Σⱼ xᵢⱼ ≤ 1 (= 1 without o),  xᵢⱼ ≤ yⱼ,  Σⱼ yⱼ ≤ p,  A y ≤ b,  y ∈ {0, 1}.

    First solutions are greedy ones from samples, improved by the fast interchange of Resende and Werneck (2007). The
    bound is Lagrangean, Σⱼ xᵢⱼ = 1 and A y ≤ b being priced (Narula, Ogbu and Samuelsson 1977; Beasley 1985), and its
    prices rise by the volume algorithm of Barahona and Anbil (2000), whose primal side suggests further solutions.
    Candidates whose reduced cost is more than the gap are settled; the rest is branched on. Where all demand · distance
    are multiples of one whole number, the bound is rounded up to the next multiple.
    """
    effort = effort or Effort()
    asked = ask(distance, demand, p, standing=standing, outside=outside, limits=limits)
    opened, bound = solve(asked, effort)
    assignment, way = served(asked, opened)
    objective = float((asked.demand[asked.demand > 0] * way[asked.demand > 0]).sum())
    return Solution(opened, assignment, objective, min(bound, objective))


def solve(asked: Asked, effort: Effort, *, total: float | None = None) -> tuple[IntArray, float]:
    """Return the candidates to open, ascending, and what no choice costs less than.

    ``total`` is what the objective is left of, if it is the rest of a total (`median_tree.Tree`).

    Raises
    ------
    NoPlanError : as of `p_median`.
    """
    problem = build(asked)
    incumbent = Incumbent()
    start(problem, incumbent, effort)
    if not np.isfinite(incumbent.cost):
        incumbent.offer(problem, reaching_all(problem, effort))
    tree = Tree(problem, incumbent, effort, total=total)
    tree.search()
    return filled(asked, incumbent.opened), tree.bound


def served(asked: Asked, opened: IntArray) -> tuple[IntArray, FloatArray]:
    """Return for every demand its nearest hub, −1 where staying outside is cheaper or all there is, and the way."""
    assignment, way = nearest(asked.distance, np.concatenate([asked.standing, opened]))
    stays = asked.outside < way
    return np.where(stays, -1, assignment), np.where(stays, asked.outside, way)


def filled(asked: Asked, opened: IntArray) -> IntArray:
    """Return what is open, ascending, with the first candidates that limits allow as long as there are fewer than p.

    What is added saves nothing, but p hubs were asked for.
    """
    chosen = list(opened)
    left = asked.room - asked.weights[opened].sum(axis=0)
    taken = np.zeros(asked.weights.shape[0], np.bool_)
    taken[opened] = taken[asked.standing] = True
    for candidate in np.flatnonzero(~taken):
        if len(chosen) == asked.p:
            break
        if (asked.weights[candidate] <= left).all():
            chosen.append(candidate)
            left = left - asked.weights[candidate]
    return np.sort(np.array(chosen, np.intp))


def reaching_all(problem: MedianProblem, effort: Effort) -> IntArray:
    """Return at most p candidates that reach every row that must be served: a set covering problem.

    Raises
    ------
    NoPlanError : there are none, or none was found before the effort was over.
    """
    m = problem.candidates.size
    must = np.flatnonzero(np.isinf(problem.cap))
    length = np.diff(problem.start)
    held = np.repeat(np.isinf(problem.cap), length)
    rows = csr_array(
        (np.ones(int(held.sum())), problem.near[held], np.concatenate([[0], np.cumsum(length[must])])),
        shape=(must.size, m),
    )
    programme = Programme(np.ones(m), upper=1.0, integer=np.ones(m, np.bool_))
    programme.add_rows(rows, 1.0, np.inf)
    programme.add_rows(csr_array(problem.weights.T), -np.inf, problem.room)
    found = programme.solve(effort)
    if found.outcome == "infeasible":
        raise NoPlanError("infeasible because within the limits no candidates reach all demand.")
    needed = int(np.ceil(found.bound - 1e-6))
    if needed > problem.p:
        within = " within the limits" if problem.room.size else ""
        raise NoPlanError(
            f"infeasible because {problem.p} hubs cannot reach all demand: it takes at least {needed}{within}."
        )
    if found.outcome == "optimal" and found.x.sum() > problem.p + 0.5:
        # Near enough was not near enough: some gap was allowed.
        programme.add_rows(csr_array(np.ones((1, m))), -np.inf, float(problem.p))
        found = programme.solve(effort)
        if found.outcome == "infeasible":
            raise NoPlanError(f"infeasible because {problem.p} hubs cannot reach all demand: it takes more.")
    chosen = np.flatnonzero(found.x > 0.5)
    if not found.x.size or chosen.size > problem.p:
        raise TimeUpError(
            f"no {problem.p} hubs that reach all demand were found within the time limit, nor is it proven that there are none: "
            "give more time."
        )
    return chosen
