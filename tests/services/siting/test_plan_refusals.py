"""What has no plan, and what makes no sense: one clear line each."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from plan_truth import layer

from registry.errors import BadParameterError, CrsError, EmptyLayerError, NoPlanError, UnknownColumnError
from registry.services.break_even import HaulCosts
from registry.services.siting import Conditions, Terms, choose_hubs

SITES = layer(np.array([0.0, 0.1, 0.5]), np.zeros(3), "s", annual_t=[100.0, 60.0, 50.0], name=["甲库", "乙库", None])
CANDIDATES = layer(np.array([0.0, 0.4]), np.zeros(2), "c")
PLANTS = layer(np.array([0.0]), np.zeros(1), "p", capacity_t_per_year=[10.0])
MARKETS = layer(np.array([0.0]), np.zeros(1), "m", demand_t_per_year=[10.0])
ROADS = pd.DataFrame({"site_uid": ["s0"], "candidate": ["c0"], "distance_m": [5.0]})


def fails(
    error: type[Exception], message: str, sites: gpd.GeoDataFrame = SITES, candidates: Any = CANDIDATES, **asked: Any
) -> None:
    with pytest.raises(error, match=message) as caught:
        choose_hubs(sites, candidates, **asked)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"hubs": 3, "radius_km": 5}, "hubs = 3: give a whole number from 1 to 2, the number of candidates"),
        ({"hubs": 0, "radius_km": 5}, "hubs = 0"),
        ({"hubs": 1.5, "radius_km": 5}, "hubs = 1.5"),
        ({"hubs": 1, "radius_km": -5}, "radius_km = -5: give km of more than 0"),
        ({"hubs": 1, "radius_km": float("nan")}, "radius_km = nan"),
        ({"hubs": 1, "radius_km": 30_000}, "give at most 20,004 km"),
        ({"hubs": 1}, "radius_km: nothing says how far a hub reaches"),
        ({"hubs": 1, "radius_km": 5, "objective": "beauty"}, "objective = beauty: give one of covered, tonne_km, cost, co2"),
        ({"hubs": 1, "radius_km": 5, "model": "magic"}, "model = magic: give one of set_covering"),
        ({"hubs": 1, "radius_km": 5, "model": "p_median", "objective": "covered"}, "p_median: it does not look at covered"),
        ({"hubs": 1, "radius_km": 5, "model": "set_covering"}, "set_covering finds the number itself"),
        ({"radius_km": 5, "model": "maximal_covering"}, "hubs: maximal_covering needs their number"),
        ({"objective": "tonne_km"}, "hubs: p_median needs their number"),
        ({"hubs": 1, "radius_km": 5, "markets": MARKETS}, "markets: they say what a product earns"),
        ({"hubs": 1, "radius_km": 5, "model": "p_center", "plants": PLANTS}, "p_center: it knows no capacities"),
        ({"hubs": 1, "radius_km": 5, "plants": PLANTS, "conditions": Conditions(survive="plant")}, "survive = plant, or times"),
        ({"hubs": 1, "objective": "cost", "conditions": Conditions(survive="source")}, "every hub keeps its least load"),
        ({"hubs": 1, "objective": "tonne_km", "conditions": Conditions(survive="source")}, "ask for maximal_covering"),
        ({"hubs": 1, "radius_km": 5, "conditions": Conditions(survive="source", times=2)}, "does not go with times"),
        ({"hubs": 1, "radius_km": 5, "conditions": Conditions(budget_by_province={"130000": 1.0})}, "column capital_yuan"),
        ({"hubs": 1, "radius_km": 5, "beside": ("beauty", 1)}, "beside = beauty"),
        ({"hubs": 1, "radius_km": 5, "beside": ("covered", 1)}, "that is the objective itself"),
        ({"hubs": 1, "radius_km": 5, "beside": ("cost", float("nan"))}, "give a number that it must reach"),
        ({"hubs": 1, "objective": "cost", "beside": ("covered", 1)}, "radius_km: a second objective needs it"),
        ({"hubs": 1, "radius_km": 5, "beside": ("cost", 1), "conditions": Conditions(budget_yuan=1.0)}, "budget_yuan: with a second"),
        ({"hubs": 1, "radius_km": 5, "plants": PLANTS.assign(capacity_t_per_year=-1.0)}, "capacity_t_per_year of row p0 is -1"),
        ({"hubs": 1, "radius_km": 5, "plants": PLANTS.assign(used_t_per_year=-1.0)}, "used_t_per_year of row p0 is -1"),
        ({"objective": "cost", "markets": MARKETS.assign(demand_t_per_year=-1.0)}, "markets: demand_t_per_year of m0 is -1"),
        ({"objective": "cost", "markets": MARKETS.assign(radius_km=0.0)}, "markets: radius_km of m0 is 0"),
        ({"hubs": 1, "radius_km": 5, "distances": ROADS.assign(distance_m=-5.0)}, "s0 to c0 is -5.0. Give metres of 0 or more"),
        ({"hubs": 1, "radius_km": 5, "distances": ROADS.assign(distance_m=np.nan)}, "s0 to c0 is nan"),
        ({"hubs": 1, "radius_km": 5, "distances": ROADS.assign(candidate="x")}, "distances: candidate x is not among"),
        ({"hubs": 1, "radius_km": 5, "distances": pd.concat([ROADS, ROADS])}, "s0 to c0 occurs more than once"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(asked: dict[str, Any], message: str) -> None:
    fails(BadParameterError, message, **asked)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"plants": PLANTS.drop(columns="capacity_t_per_year")}, "plants: no column capacity_t_per_year"),
        ({"distances": ROADS.drop(columns="distance_m")}, "distances: no column distance_m"),
        ({"conditions": Conditions(most_by_province=1)}, "candidates: no column region_code"),
        (
            {"conditions": Conditions(within_province=True)},
            "sites: no column province_code, which within_province needs",
        ),
        ({"streams": pd.DataFrame({"site_uid": ["s0"]})}, "streams: no column waste_code"),
    ],
)
def test_a_column_that_is_missing_is_named(asked: dict[str, Any], message: str) -> None:
    fails(UnknownColumnError, message, hubs=1, radius_km=50, **asked)


def test_markets_need_their_demand() -> None:
    fails(
        UnknownColumnError, "markets: no column demand_t_per_year", objective="cost",
        markets=MARKETS.drop(columns="demand_t_per_year"),
    )  # fmt: skip


def test_sites_need_tonnes() -> None:
    fails(UnknownColumnError, "sites: no column annual_t", SITES.drop(columns="annual_t"), hubs=1, radius_km=5)


def test_empty_layers() -> None:
    fails(EmptyLayerError, "candidates: there is none", SITES, CANDIDATES.iloc[:0], hubs=1, radius_km=5)
    fails(EmptyLayerError, "sites: there is none", SITES.iloc[:0], hubs=1, radius_km=5)
    fails(EmptyLayerError, "markets: there is none", objective="cost", markets=MARKETS.iloc[:0])


def test_layers_without_a_crs() -> None:
    fails(CrsError, "candidates", SITES, CANDIDATES.set_crs(None, allow_override=True), hubs=1, radius_km=5)


def test_a_place_that_occurs_twice() -> None:
    fails(
        BadParameterError,
        "candidates: uid c0 occurs more than once",
        SITES,
        pd.concat([CANDIDATES, CANDIDATES]),
        hubs=1,
        radius_km=5,
    )


# ------------------------------------------------------------------------------------------- no plan


def test_no_tonnes_at_all() -> None:
    fails(NoPlanError, "infeasible because no site adds any tonnes", SITES.assign(annual_t=0.0), hubs=1, radius_km=5)


@pytest.mark.parametrize("objective", ["covered", "tonne_km", "co2", "cost"])
def test_no_candidate_within_reach(objective: str) -> None:
    far = layer(np.array([60.0]), np.zeros(1), "c")
    fails(
        NoPlanError,
        "no site with tonnes has a candidate within 5 km",
        SITES,
        far,
        hubs=1,
        radius_km=5,
        objective=objective,
    )


def test_nothing_pays() -> None:
    fails(NoPlanError, "infeasible because no hub pays", objective="cost")
    away = layer(np.array([60.0]), np.zeros(1), "c")
    fails(NoPlanError, "infeasible because no haul pays", SITES, away, objective="cost")


def test_a_budget_that_builds_nothing() -> None:
    terms = Terms(costs=HaulCosts(margin_yuan_per_t=1e6))
    for objective in ("cost", "covered"):
        fails(
            NoPlanError, "a budget of 5 yuan builds nothing: the cheapest module costs 25,118,864 yuan",
            radius_km=50, objective=objective, terms=terms, conditions=Conditions(budget_yuan=5),
        )  # fmt: skip
    fails(
        NoPlanError, r"no candidate keeps to the conditions by itself: budget of 5 yuan", SITES, CANDIDATES.assign(capital_yuan=6.0),
        hubs=1, radius_km=50, conditions=Conditions(budget_yuan=5),
    )  # fmt: skip


def test_a_province_that_allows_none() -> None:
    fails(
        NoPlanError, "no candidate keeps to the conditions by itself: at most 0 in 130000", SITES,
        CANDIDATES.assign(region_code="130100"), hubs=1, radius_km=50, conditions=Conditions(most_by_province=0),
    )  # fmt: skip


def test_a_site_too_large_for_any_hub_is_named() -> None:
    fails(
        NoPlanError, r"infeasible because s0 \(甲库\) adds 100 t/a that must go to one place, and none takes more than 70 t/a",
        hubs=2, model="capacitated_p_median", terms=Terms(modules_t=[70]),
    )  # fmt: skip


def test_hubs_that_cannot_take_all() -> None:
    fails(
        NoPlanError,
        "infeasible because .* Give a radius_km",
        hubs=1,
        model="capacitated_p_median",
        terms=Terms(modules_t=[150]),
    )


def test_a_second_objective_out_of_reach() -> None:
    fails(
        NoPlanError, "infeasible because no plan has covered of at least 300 t/a", hubs=2, radius_km=50, objective="tonne_km",
        beside=("covered", 300.0),
    )  # fmt: skip


def test_more_takers_than_there_are() -> None:
    fails(
        NoPlanError, "3 hubs are asked for within reach of a tonne, and 2 may be built", hubs=2, radius_km=50,
        conditions=Conditions(times=3),
    )  # fmt: skip
    fails(
        NoPlanError, "2 hubs are asked for within reach of a tonne, and no site has as many", hubs=2, radius_km=5,
        conditions=Conditions(survive="plant"),
    )  # fmt: skip


def test_hubs_that_reach_not_every_site() -> None:
    fails(
        NoPlanError, "infeasible because no 1 hubs reach every site that some candidate reaches within 20 km, since it takes at least 2", hubs=1, radius_km=20,
        model="p_center",
    )  # fmt: skip


def test_a_set_cover_that_the_conditions_forbid() -> None:
    there = CANDIDATES.assign(region_code=["130000", "130000"])
    fails(
        NoPlanError, r"under the conditions \(at most 1 in 130000\) reach every tonne", SITES, there, radius_km=20,
        conditions=Conditions(most_by_province=1),
    )  # fmt: skip


def test_the_layers_are_left_as_they_were() -> None:
    here, there = SITES.copy(), CANDIDATES.copy()
    choose_hubs(here, there, hubs=1, radius_km=50)
    pd.testing.assert_frame_equal(pd.DataFrame(here), pd.DataFrame(SITES))
    pd.testing.assert_frame_equal(pd.DataFrame(there), pd.DataFrame(CANDIDATES))
