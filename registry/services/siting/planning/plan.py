"""Where to build recycling hubs: which places, which capacity, which waste from where."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from registry.errors import NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.planning.allocation import allocated
from registry.services.siting.planning.choice import Choice, covered, median
from registry.services.siting.planning.conditions import CAPITAL, Conditions
from registry.services.siting.planning.markets import markets_of
from registry.services.siting.planning.money import Objective, money_of, paying_radius_m, worth
from registry.services.siting.planning.network import Pairs, network_of, pairs_by_road, pairs_within, within_province
from registry.services.siting.planning.question import Model, Question, settled
from registry.services.siting.planning.reasons import unreached
from registry.services.siting.planning.siting_plan import SitingPlan
from registry.services.siting.planning.telling import flow_tables, hub_table, module_counts, totals_of
from registry.services.siting.planning.terms import Terms

if TYPE_CHECKING:
    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.services.geodesy import FloatArray
    from registry.services.siting.hauling.haul_problem import Markets
    from registry.services.siting.planning.money import Money
    from registry.services.siting.planning.network import Network

__all__ = ["Model", "Objective", "SitingPlan", "choose_hubs"]


def choose_hubs(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    hubs: int | None = None,
    radius_km: float | None = None,
    objective: Objective | None = None,
    model: Model | None = None,
    streams: pd.DataFrame | None = None,
    same_material: bool = True,
    plants: GeoDataFrame | None = None,
    intakes: pd.DataFrame | None = None,
    terms: Terms | None = None,
    conditions: Conditions | None = None,
    markets: GeoDataFrame | None = None,
    distances: pd.DataFrame | None = None,
    beside: tuple[Objective, float] | None = None,
    start: SitingPlan | None = None,
    or_nothing: bool = False,
    effort: Effort | None = None,
) -> SitingPlan:
    """Choose the places for hubs, and say which waste goes where.

    Parameters
    ----------
    sites : (n,) points, index ``uid``; ``annual_t`` and ``waste_codes`` are used where streams are not given
    candidates : (m,) points, unique index. ``waste_codes`` says what a hub there accepts, everything without it;
        ``name, region_code`` name it; ``capital_yuan`` is what a hub there costs whatever its size, for budgets;
        ``capacity_t_per_year`` limits it in the capacitated p-median; ``margin_yuan_per_t`` is what a tonne earns there
    hubs : how many may be built, at most; None where the model finds the number itself
    radius_km : a tonne is hauled so far at most, in the distances of ``flows``. None with objective ``cost`` for as far as a haul
        pays, with a median for any distance
    objective : ``covered``: most tonnes a year within reach. ``tonne_km``, ``co2``: least haulage or emissions of it; with a radius,
        a tonne that no hub takes counts as hauled the radius, so that every tonne in reach is worth taking; without, all
        must be hauled. ``cost``: least yearly cost, the negative of what is gained: freight, operation and capital less avoided tax and
        disposal and what products earn. By default that of the model, else ``covered``
    model : ``set_covering`` (as few hubs as reach every tonne that any candidate reaches; the default of ``covered`` without ``hubs``),
        ``maximal_covering``, ``p_median``, ``p_center`` (shortest longest haul), ``capacitated_p_median`` (each parcel to one hub, none
        beyond its capacity), ``facility_location`` (modules of capacity, the default of ``cost``)
    streams : ``site_uid, waste_code, annual_t``, what each site adds by code; a stream is a parcel of its own
    same_material : only candidates and plants that accept the code
    plants : (q,) plants that exist, which take waste jointly with hubs up to ``capacity_t_per_year``, less ``used_t_per_year`` where it
        is there; one without a capacity takes nothing
    intakes : ``plant_uid, waste_code, capacity_t_per_year`` of the plants
    terms : money, modules and emissions, by default `Terms()`; what of it is an assumption is told in ``notes``
    conditions : what the plan must keep to, by default nothing
    markets : points that take products: ``demand_t_per_year``, and ``margin_yuan_per_t, radius_km`` where they are known; for ``cost``
    distances : ``site_uid, candidate, distance_m`` by road, in place of geodesics; pairs that are not there cannot be hauled. A
        ``candidate`` may be the uid of a plant
    beside : a second objective and what it must reach: ``("covered", t)`` at least, the others at most
    start : a plan of these or other circumstances, from whose hubs the search begins where tonnes compete for room (see Notes);
        hubs that are no candidates here are passed over
    or_nothing : where no hub takes anything since none pays, give the plan that builds nothing in place of an error
    effort : time limit, gap, seed, who is told; Ctrl-C gives the best plan so far

    Returns
    -------
    A `SitingPlan`. The same seed gives the same plan, unless the time limit ended the search.

    Raises
    ------
    EmptyLayerError : there is no site, no candidate or no market.
    UnknownColumnError : a column that a condition, a layer or a table needs.
    BadParameterError : more hubs than candidates, a negative number, options that do not go together.
    NoPlanError : no candidate within reach, no tonnes at all, nothing that pays, conditions that cannot be met together.
    TimeUpError : the time was up before there was any plan.
    CrsError : a layer has no CRS.

    Notes
    -----
    What stands for what: a site's tonnes are a parcel, one for every stream; a parcel that may go as one of several codes goes as
    the one that gains most. Money is counted for holders, hauliers, hubs and plants together, so gate fees cancel. Each model's mathematics
    stands in its own function: `set_covering`, `maximal_covering`, `worst_case_covering`, `p_median`, `p_center`, `plan_hauls`.

    Plants that exist, modules, budgets without ``capital_yuan``, least loads and second objectives make tonnes compete for room; then
    the plan is found by `plan_hauls` whatever the model, with hubs of any size unless modules are asked for.
    """
    terms, conditions, effort = terms or Terms(), conditions or Conditions(), effort or Effort()
    network = network_of(
        sites, candidates, streams=streams, same_material=same_material, plants=plants, intakes=intakes,
        by_road=distances is not None,
    )  # fmt: skip
    question = settled(
        candidates, hubs=hubs, radius_km=radius_km, objective=objective, model=model, terms=terms, conditions=conditions,
        beside=beside, standing=plants is not None and len(plants) > 0, markets=markets is not None,
    )  # fmt: skip
    money = money_of(network, terms, candidates, plants, markets=markets is not None)
    shops = markets_of(markets, sites, network, terms) if markets is not None else None
    pairs, before = _pairs(question, network, (sites, candidates, plants), distances, money, shops)
    if not (or_nothing and objective == "cost"):
        _sure_of_reach(question, network, pairs)
    with effort.interruptible():
        if question.hauled and pairs is not None:
            choice = allocated(question, network, pairs, money.gain, shops, effort, start)
        elif question.objective == "covered" and pairs is not None:
            choice = covered(question, network, pairs, effort)
        else:
            choice = median(question, network, pairs, money.gain, effort)
    if not (or_nothing or choice.tonnes.any()):
        raise _nothing(question)
    return _plan(question, network, money, choice, (sites, plants), before)


def _pairs(
    question: Question,
    network: Network,
    layers: tuple[GeoDataFrame, GeoDataFrame, GeoDataFrame | None],
    distances: pd.DataFrame | None,
    money: Money,
    shops: Markets | None,
) -> tuple[Pairs | None, Pairs | None]:
    """Return the hauls, None where all distances are asked for; and what they were before borders, where these count."""
    inside = question.conditions.within_province
    radius = np.full((1, 1), np.inf if question.radius_km is None else question.radius_km * 1_000)
    if question.objective == "cost" and question.beside is None and question.conditions.least_load_t == 0:
        radius = np.minimum(radius, _paying_m(question, network, money, shops))
    elif question.radius_km is None and distances is None and not question.hauled and not inside:
        return None, None
    if distances is None:
        pairs = pairs_within(network, radius, money.gain)
    else:
        sites, candidates, plants = layers
        places = candidates.index if plants is None else candidates.index.append(plants.index[network.gates.plant])
        known = None if plants is None else plants.index
        pairs = pairs_by_road(network, distances, (sites.index, places), radius, money.gain, known=known)
    return (within_province(network, pairs, layers), pairs) if inside else (pairs, None)


def _paying_m(question: Question, network: Network, money: Money, shops: Markets | None) -> FloatArray:
    """Return how far a haul pays; at a candidate as if its product sold at the best price of any market."""
    gain = money.gain
    if shops is not None and shops.margin.size:
        best = np.zeros(network.places)
        np.maximum.at(best, shops.hub, shops.margin)
        gain = gain + best
    return paying_radius_m(network, question.terms, gain)


def _sure_of_reach(question: Question, network: Network, pairs: Pairs | None) -> None:
    # Where no hub pays, plants that exist may still be a plan.
    needed = network.places if question.objective == "cost" else network.candidates
    if pairs is not None and not (pairs.place < needed).any():
        if question.objective == "cost" and question.radius_km is None:
            raise NoPlanError(
                "infeasible because no haul pays: freight to every candidate costs more than the tax and disposal that it avoids and what "
                "its product earns. Give terms with a margin or a disposal cost, or candidates nearer to the sites."
            )
        within = f" within {question.radius_km:g} km" if question.radius_km is not None else ""
        border = " in its own province" if question.conditions.within_province else ""
        pays = " and a haul pays" if question.objective == "cost" else ""
        raise NoPlanError(
            f"infeasible because no site with tonnes has a candidate{within}{border} that accepts its waste{pays}. Give more candidates or a "
            "longer radius."
        )
    allowed = question.limits()
    if len(allowed.names):
        # A hub that breaks a condition by itself is never built.
        alone = (allowed.weights.toarray() > allowed.at_most[:, None]).any(axis=0)
        if alone.all():
            raise NoPlanError(
                f"infeasible because no candidate keeps to the conditions by itself: {', '.join(allowed.names)}."
            )
    budget = question.conditions.budget_yuan
    if budget is not None and question.modular and budget < question.terms.capital.min():
        raise NoPlanError(
            f"infeasible because a budget of {budget:,.0f} yuan builds nothing: the cheapest module costs "
            f"{question.terms.capital.min():,.0f} yuan."
        )


def _plan(
    question: Question,
    network: Network,
    money: Money,
    choice: Choice,
    layers: tuple[GeoDataFrame, GeoDataFrame | None],
    before: Pairs | None,
) -> SitingPlan:
    sites, plants = layers
    terms = question.terms
    pairs = choice.pairs
    to_hub = pairs.place < network.candidates
    taken = np.bincount(pairs.place[to_hub], choice.tonnes[to_hub], minlength=network.candidates).astype(np.float64)
    if question.conditions.takers == 1:
        # A hub to which nothing goes, since others are nearer, is not built.
        choice = _without_idle(choice, taken)
    counts = module_counts(question, choice, taken)
    table, names = hub_table(question, network, choice, counts, terms)
    flows, materials, plant_flows = flow_tables(
        network, choice, names, (sites.index, sites.index[:0] if plants is None else plants.index)
    )
    value = worth("cost", network, pairs, terms, money.gain).value if question.objective == "cost" else choice.tonnes
    return SitingPlan(
        hubs=table,
        flows=flows,
        unreached=unreached(question, network, choice, before_borders=before, value=value, uids=sites.index),
        objective=choice.objective,
        bound=choice.bound,
        unit=choice.unit,
        totals=totals_of(question, network, money, choice, counts, names, sites.index),
        notes=_notes(question, network, choice),
        materials=materials,
        plant_flows=plant_flows,
    )


def _nothing(question: Question) -> NoPlanError:
    if question.objective == "cost":
        return NoPlanError(
            "infeasible because no hub pays: what hauls save and products earn is less than freight, operation and capital "
            "wherever a hub could stand. Give terms with a margin, a disposal cost or less capital."
        )
    return NoPlanError("infeasible because under these conditions no hub takes anything.")


def _without_idle(choice: Choice, taken: FloatArray) -> Choice:
    busy = choice.open[taken[choice.open] > 0]
    return choice if busy.size == choice.open.size else replace(choice, open=busy)


def _notes(question: Question, network: Network, choice: Choice) -> list[str]:
    """Say what a reader must know."""
    notes = []
    assumed = question.terms.assumed()
    if assumed:
        said = ", ".join(f"{name} = {value:,.10g}" for name, value in assumed.items())
        notes.append(f"Money rests on assumptions that nobody has confirmed or replaced: {said}.")
    if question.hubs is not None and choice.open.size < question.hubs:
        notes.append(
            f"{choice.open.size} of {question.hubs} hubs are enough: more would add nothing, or the conditions allow no more."
        )
    if choice.open.size == 0:
        notes.append("No new hub pays; what is hauled goes to plants that exist.")
    if choice.outside:
        notes.append(
            f"The objective counts {choice.outside:,.6g} {choice.unit} for tonnes in reach that no hub takes, as if they were hauled the radius."
        )
    if network.gates.shared_out:
        notes.append(
            f"{network.gates.shared_out} plants accept more by material than as a whole; their capacity was shared out in proportion."
        )
    if question.standing and network.gates.plant.size == 0:
        notes.append("No plant has capacity left for what the sites hold.")
    if question.conditions.takers > 1:
        notes.append("Capacities are for what goes to the nearest hub; room for what a lost hub leaves is not in them.")
    if choice.modules is None:
        notes.append("The model looks at no capacity; modules are those that would take the tonnes at least capital.")
    if question.modular and CAPITAL in question.candidates.columns:
        notes.append(f"The candidates' {CAPITAL} was not used, since modules were chosen.")
    return notes
