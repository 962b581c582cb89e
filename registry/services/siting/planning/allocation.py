"""Hubs with modules, beside plants that exist: the network as one problem of hauls, and back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, hstack

from registry.errors import NoPlanError, TimeUpError
from registry.services.kernels import transport
from registry.services.siting.hauling.haul_plan import plan_hauls
from registry.services.siting.hauling.haul_problem import HaulProblem, Markets, Second
from registry.services.siting.limits import Limits
from registry.services.siting.planning import modules as module_sets
from registry.services.siting.planning.choice import Choice
from registry.services.siting.planning.money import UNITS, left_outside, worth
from registry.services.siting.planning.standing import capacities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.hauling.haul_problem import HaulPlan
    from registry.services.siting.planning.money import Objective
    from registry.services.siting.planning.network import Network, Pairs
    from registry.services.siting.planning.question import Question
    from registry.services.siting.planning.siting_plan import SitingPlan

_NOTHING_T = 1e-6


def allocated(
    question: Question, network: Network, pairs: Pairs, gain: FloatArray, markets: Markets | None, effort: Effort,
    start: SitingPlan | None = None,
) -> Choice:  # fmt: skip
    """Choose modules and hauls.

    Parameters
    ----------
    gain : (groups, places) yuan a tonne before freight
    start : a plan from which the search begins

    Raises
    ------
    NoPlanError : nothing meets the conditions.
    """
    sizes, capital, allowed = _sizes(question, network)
    first = worth(question.objective, network, pairs, question.terms, gain)
    fixed = capital * question.terms.annuity if question.objective == "cost" else np.zeros(sizes.size)
    lost = _lost(question.objective, question, network)
    rows, parcel = np.unique(pairs.parcel, return_inverse=True)
    problem = HaulProblem(
        supply=network.supply[rows],
        parcel=parcel,
        candidate=pairs.place,
        value=first.value + lost,
        candidates=network.places,
        sizes=sizes,
        fixed=np.where(allowed, fixed, np.inf),
        most_modules=_most_modules(question, network, pairs, sizes, capital),
        hubs=question.hubs,
        modules=question.conditions.modules_in_all,
        standing=_standing(network),
        limits=_limits(question, network),
        budget=_budget(question),
        serve_all=question.objective in {"tonne_km", "co2"} and question.radius_km is None,
        single=question.model == "capacitated_p_median",
        least_load=question.conditions.least_load_t,
        survive_source=question.conditions.survive == "source",
        source=network.site[rows],
        second=_second(question, network, pairs, gain, capital),
        markets=markets,
    )
    _sure_of_room(problem, network)
    if problem.single and not problem.serve_all:
        problem = _or_outside(problem)
    plan = _planned(question, problem, effort, None if start is None else _begun(question, problem, capital, start))
    counts, tonnes = plan.modules[: network.candidates], plan.tonnes[: pairs.parcel.size]
    capacity = np.concatenate([_capacity(counts, sizes), network.gates.capacity])
    if _free_to_reroute(question):
        tonnes = _shortest(network, pairs, capacity)
    tonnes = np.where(tonnes > _NOTHING_T, tonnes, 0.0)
    whole = float(network.supply[rows].sum())
    outside = lost * max(whole - float(tonnes.sum()), 0.0)
    # What is maximised counts a tonne in reach as spared the radius; a reader counts the way.
    objective, bound = (first.sign * value + lost * whole for value in (plan.objective, plan.bound))
    if question.objective == "covered":
        objective = max(objective, float(tonnes.sum()))
        bound = max(bound, objective)
    taken = np.bincount(pairs.place, tonnes, minlength=network.places)[: network.candidates]
    opened = np.flatnonzero((counts.sum(axis=1) > 0) & (taken > 0))
    if not question.modular:
        return Choice(opened, pairs, tonnes, objective, bound, UNITS[question.objective], outside=outside)
    if question.objective != "cost" and question.model != "capacitated_p_median":
        counts = counts.copy()
        for row in opened:
            counts[row] = module_sets.trimmed(counts[row], float(taken[row]), sizes, capital)
    sold = (float(markets.margin @ plan.sold), float(plan.sold.sum())) if markets is not None else (0.0, 0.0)
    return Choice(
        opened, pairs, tonnes, objective, bound, UNITS[question.objective], counts, sizes, capital, outside, sold
    )  # fmt: skip


def _sizes(question: Question, network: Network) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """(k,) tonnes a year and capital of the modules that the search may choose, and (places, k) which of them where."""
    terms, everywhere = question.terms, np.ones((network.places, 1), np.bool_)
    if not question.modular:
        return np.array([np.inf]), np.zeros(1), everywhere
    if question.model != "capacitated_p_median":
        return terms.sizes, terms.capital, np.repeat(everywhere, terms.sizes.size, axis=1)
    own = capacities(question.candidates)
    if own is None:
        return terms.sizes[-1:], terms.capital[-1:], everywhere
    sizes = np.unique(own[own > 0])
    allowed = np.vstack([own[:, None] == sizes, np.zeros((network.gates.plant.size, sizes.size), np.bool_)])
    return sizes, terms.capital_of(sizes), allowed


def _most_modules(question: Question, network: Network, pairs: Pairs, sizes: FloatArray, capital: FloatArray) -> int:
    if question.conditions.most_modules is not None:
        return question.conditions.most_modules
    if not question.modular or question.model == "capacitated_p_median":
        return 1
    to_candidates = pairs.place < network.candidates
    reached = np.bincount(pairs.place[to_candidates], network.supply[pairs.parcel[to_candidates]])
    return max(module_sets.at_most(float(reached.max(initial=0.0)), sizes, capital), 1)


def _standing(network: Network) -> FloatArray | None:
    if network.gates.plant.size == 0:
        return None
    whole = float(network.supply.sum())
    return np.concatenate([np.zeros(network.candidates), np.minimum(network.gates.capacity, whole)])


def _limits(question: Question, network: Network) -> Limits | None:
    own = question.limits()
    if not len(own.names):
        return None
    gates = csr_array((len(own.names), network.gates.plant.size))
    return Limits(csr_array(hstack([own.weights, gates])), own.at_most, own.names)


def _budget(question: Question) -> float | None:
    if question.conditions.budget_yuan is None or question.objective != "cost":
        return None
    # Modules stand in the objective with what they cost a year.
    return question.conditions.budget_yuan * question.terms.annuity


def _lost(objective: Objective, question: Question, network: Network) -> float:
    """What a tonne in reach that nobody takes counts in an objective."""
    if objective not in {"tonne_km", "co2"} or question.radius_km is None:
        return 0.0
    return left_outside(objective, network, question.terms, question.radius_km)


def _second(question: Question, network: Network, pairs: Pairs, gain: FloatArray, capital: FloatArray) -> Second | None:
    """Return the second objective, or a budget where the first does not count capital."""
    if question.beside is not None:
        name, limit = question.beside
        other = worth(name, network, pairs, question.terms, gain)
        fixed = capital * question.terms.annuity if name == "cost" else np.zeros(capital.size)
        # As in the first objective, a tonne in reach is spared the radius when it is hauled.
        lost = _lost(name, question, network)
        spared = lost * float(network.supply[np.unique(pairs.parcel)].sum())
        return Second(
            value=other.value + lost, fixed=np.tile(fixed, (network.places, 1)), at_least=other.sign * limit + spared
        )
    budget = question.conditions.budget_yuan
    if budget is None or question.objective == "cost" or not question.modular:
        return None
    return Second(value=np.zeros(pairs.parcel.size), fixed=np.tile(capital, (network.places, 1)), at_least=-budget)


def _or_outside(problem: HaulProblem) -> HaulProblem:
    """Add a place with room for everything, where a tonne is worth nothing, so that a parcel goes whole or not at all."""
    m, s, k = problem.candidates, problem.supply.size, problem.sizes.size
    second, standing, limits = problem.second, problem.standing, problem.limits
    if second is not None:
        fixed = np.vstack([second.fixed, np.zeros((1, k))])
        second = replace(second, value=np.append(second.value, np.zeros(s)), fixed=fixed)
    if limits is not None:
        weights = csr_array(hstack([limits.weights, csr_array((limits.weights.shape[0], 1))]))
        limits = limits._replace(weights=weights)
    return replace(
        problem,
        candidates=m + 1,
        parcel=np.append(problem.parcel, np.arange(s)),
        candidate=np.append(problem.candidate, np.full(s, m)),
        value=np.append(problem.value, np.zeros(s)),
        fixed=np.vstack([problem.fixed, np.zeros((1, k))]),
        standing=np.append(np.zeros(m) if standing is None else standing, problem.supply.sum()),
        limits=limits,
        second=second,
        serve_all=True,
    )


def _sure_of_room(problem: HaulProblem, network: Network) -> None:
    """Refuse a parcel that must go to one hub and fits into none, by the name of its site."""
    if not (problem.single and problem.serve_all):
        return
    room = float(np.where(np.isfinite(problem.fixed), problem.sizes, 0.0).max(initial=0.0)) * problem.most_modules
    if problem.standing is not None:
        room = max(room, float(problem.standing.max()))
    largest = int(np.argmax(problem.supply))
    if problem.supply[largest] > room:
        site = network.names[problem.source[largest]] if problem.source is not None else largest
        raise NoPlanError(
            f"infeasible because {site} adds {problem.supply[largest]:,.0f} t/a that must go to one place, and none takes more than "
            f"{room:,.0f} t/a. Give larger modules or capacities, or ask for facility_location, which may split it."
        )


def _begun(question: Question, problem: HaulProblem, capital: FloatArray, start: SitingPlan) -> NDArray[np.int64]:
    """(m, k) modules that take at the candidates what the hubs of a plan take; hubs elsewhere are passed over."""
    found = np.zeros(problem.fixed.shape, np.int64)
    names = question.candidates.index.astype(str)
    rows = names.get_indexer(pd.Index(start.hubs["candidate"].astype(str)))
    for row, tonnes in zip(rows, start.hubs["annual_t"].to_numpy(np.float64), strict=True):
        possible = np.isfinite(problem.fixed[row])
        if row < 0 or not possible.any():
            continue
        if not question.modular or question.model == "capacitated_p_median":
            found[row, np.argmax(possible)] = 1
        else:
            found[row] = module_sets.cheapest(float(tonnes), problem.sizes, capital)
    return found


def _planned(
    question: Question, problem: HaulProblem, effort: Effort, start: NDArray[np.int64] | None
) -> HaulPlan:  # fmt: skip
    """Solve it, and say what is infeasible in the words of the question."""
    try:
        return plan_hauls(problem, effort, start=start)
    except TimeUpError:
        # Whether there is a plan is not known, so that nothing stands in its way.
        raise
    except NoPlanError as error:
        if question.beside is not None:
            name, limit = question.beside
            most = "at least" if name == "covered" else "at most"
            raise NoPlanError(
                f"infeasible because no plan has {name} of {most} {limit:,.6g} {UNITS[name]} under these conditions."
            ) from error
        if problem.serve_all:
            raise NoPlanError(f"{_cause(question, error)} Give a radius_km where tonnes may stay.") from error
        raise


def _cause(question: Question, error: NoPlanError) -> str:
    budget = question.conditions.budget_yuan
    if budget is not None and "second objective" in str(error):
        return f"infeasible because a budget of {budget:,.0f} yuan does not build what takes every tonne."
    return str(error)


def _free_to_reroute(question: Question) -> bool:
    """Whether only tonnes counted, so that among plans of equal tonnes the shortest hauls can be taken."""
    return (
        question.objective == "covered"
        and question.beside is None
        and question.conditions.least_load_t == 0
        and question.model != "capacitated_p_median"
    )


def _capacity(counts: NDArray[np.int64], sizes: FloatArray) -> FloatArray:
    """(m,) tonnes a year that modules take."""
    endless = ((counts > 0) & np.isinf(sizes)).any(axis=1)
    return np.where(endless, np.inf, counts @ np.where(np.isinf(sizes), 0.0, sizes))


def _shortest(network: Network, pairs: Pairs, capacity: FloatArray) -> FloatArray:
    """(h,) tonnes of the shortest hauls that carry as much as capacities allow."""
    able = np.flatnonzero(capacity[pairs.place] > 0)
    rows, lot = np.unique(pairs.parcel[able], return_inverse=True)
    shipped = transport.ship(
        transport.Network(
            supply=network.supply[rows],
            capacity=np.minimum(capacity, float(network.supply.sum())),
            gate_capacity=np.empty(0),
            lot=lot,
            plant=pairs.place[able],
            gate=np.full(able.size, -1, np.intp),
            cost=pairs.distance_m[able],
            plant_of_gate=np.empty(0, np.intp),
        )
    )
    tonnes = np.zeros(pairs.parcel.size)
    tonnes[able] = shipped.tonnes
    return tonnes
