"""Plans under other circumstances: by hand, and against all subsets of candidates."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from numpy.random import Generator
from pyproj import CRS

from registry.errors import BadParameterError, NoPlanError
from registry.services import geodesy
from registry.services.break_even import HaulCosts
from registry.services.siting.effort import Effort
from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.terms import Terms
from registry.services.siting.studies import sensitivity

Points = Callable[..., gpd.GeoDataFrame]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))
NONE = {f"{name}_factors": () for name in ("freight", "tax", "capacity", "demand")}


def terms(
    freight: float = 0.2, margin: float = 10.0, module_t: float = 1_000.0, capital: float = 0.0, **costs: Any
) -> Terms:
    """One rate of freight on straight lines, one size of module."""
    money = HaulCosts(freight_yuan_per_t_km=freight, circuity=1, margin_yuan_per_t=margin, **costs)
    return Terms(costs=money, freight_bands=(), modules_t=(module_t,), module_capital_yuan=(capital,))


@pytest.fixture
def rivals(points: Points) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """100 t at one candidate; 90 t at the other, with 20 t some 19 km from it."""
    sites = points([105.0, 110.0, 110.2], [30.0, 30.0, 30.0], annual_t=[100.0, 90.0, 20.0])
    return sites, points([105.0, 110.0], [30.0, 30.0], "c", name=["one", "two"])


def test_hubs_come_and_go_as_reckoned_by_hand(rivals: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]) -> None:
    """At 0.2 yuan the 20 t pay, and the second place is better; at 0.4 it is not: 20 · (10 − 0.4 · 19.3) < 100."""
    km = GRS80.inv(110.0, 30.0, 110.2, 30.0)[2] / 1_000
    found = sensitivity(
        *rivals, objective="cost", hubs=1, terms=terms(), freight_factors=(0.5, 2), tax_factors=(), capacity_factors=(0.1,),
        conditions=Conditions(most_modules=1),
        demand_factors=(10,),
    )  # fmt: skip
    table = found.scenarios.set_index("scenario")
    assert table.index.tolist() == ["base", "freight × 0.5", "freight × 2", "capacity × 0.1", "demand × 10"]
    best = {
        "base": 900 + 20 * (10 - 0.2 * km),
        "freight × 0.5": 900 + 20 * (10 - 0.1 * km),
        "freight × 2": 1_000,
        "capacity × 0.1": 1_000,
        "demand × 10": 10_000,
    }
    kept = {
        "freight × 2": 900 + 20 * (10 - 0.4 * km),
        "capacity × 0.1": 900 + 10 * (10 - 0.2 * km),
        "demand × 10": 9_000 + 100 * (10 - 0.2 * km),
    }
    for name, gain in best.items():
        assert table.loc[name, "objective"] == pytest.approx(-gain)
        assert table.loc[name, "regret"] == pytest.approx(gain - kept.get(name, gain), abs=1e-6)
    assert table.loc["freight × 2", ["freight_factor", "tax_factor", "capacity_factor", "demand_factor"]].tolist() == [
        2,
        1,
        1,
        1,
    ]
    assert table.loc["demand × 10", ["annual_t", "share_annual_t"]].tolist() == pytest.approx([1_000, 1_000 / 2_100])
    assert set(table["status"]) == {"optimal"}
    assert found.stability.to_dict("list") == {
        "candidate": ["c0", "c1"],
        "place": ["one", "two"],
        "scenarios_open": [3, 2],
        "share_open": [0.6, 0.4],
        "always": [False, False],
    }
    assert found.unit == "yuan/a"


def test_a_hub_that_stays_in_all_scenarios_is_said_to(rivals: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]) -> None:
    found = sensitivity(*rivals, objective="cost", hubs=2, terms=terms(), demand_factors=())
    assert found.stability["always"].tolist() == [True, True]
    assert found.stability["scenarios_open"].tolist() == [len(found.scenarios)] * 2
    assert (found.scenarios["regret"] == 0).all()


def best_gain(gain: np.ndarray, tonnes: np.ndarray, capital: float, hubs: int, only: list[int]) -> float:
    """Most yuan a year with at most so many hubs without capacity limits, all subsets tried; 0 for none."""
    return max(
        [0.0]
        + [
            float(tonnes @ np.maximum(gain[:, some].max(axis=1), 0.0)) - capital * len(some)
            for size in range(1, hubs + 1)
            for some in map(list, itertools.combinations(only, size))
        ]
    )


def test_every_scenario_and_regret_is_that_of_all_subsets(points: Points, rng: Generator) -> None:
    n, m = 25, 6
    sites = points(
        rng.uniform(105, 107, n), rng.uniform(30, 32, n), annual_t=rng.integers(1, 900, n).astype(float),
        waste_codes=rng.choice(["SW04", "SW05", "SW01"], n),
    )  # fmt: skip
    candidates = points(rng.uniform(105, 107, m), rng.uniform(30, 32, m), "c")
    km = np.array([[GRS80.inv(a.x, a.y, b.x, b.y)[2] for b in candidates.geometry] for a in sites.geometry]) / 1_000
    rate = sites["waste_codes"].map({"SW04": 5.0, "SW05": 15.0, "SW01": 25.0}).to_numpy()[:, None]
    own = terms(0.2, 3.0, 1e6, 6_000.0)
    found = sensitivity(
        sites, candidates, objective="cost", hubs=3, terms=own, combined=True, freight_factors=(0.5, 2), tax_factors=(0, 2),
        capacity_factors=(), demand_factors=(0.5,),
    )  # fmt: skip
    assert len(found.scenarios) == 18
    assert not found.scenarios.duplicated(["freight_factor", "tax_factor", "demand_factor"]).any()
    base = [candidates.index.get_loc(uid) for uid in _open_in(found.stability, found.scenarios, sites, candidates, own)]
    planned = 0
    for row in found.scenarios.itertuples():
        gain = 3.0 + row.tax_factor * rate - row.freight_factor * 0.2 * km
        tonnes, capital = sites["annual_t"].to_numpy() * row.demand_factor, 6_000 * own.annuity
        best = best_gain(gain, tonnes, capital, 3, list(range(m)))
        if best == 0:
            assert np.isnan(row.objective)
            assert "infeasible because" in row.status
            continue
        planned += 1
        assert row.objective == pytest.approx(-best)
        regret = best - best_gain(gain, tonnes, capital, 3, base)
        assert row.regret == pytest.approx(regret, abs=1e-6 * best) or np.isnan(row.regret)
    assert planned > 9
    assert (found.scenarios["regret"] > 1).any()
    assert found.stability["scenarios_open"].max() <= planned
    assert found.stability["scenarios_open"].sum() == found.scenarios["hubs"].sum()
    assert found.stability["always"].tolist() == (found.stability["scenarios_open"] == planned).tolist()


def _open_in(stability: pd.DataFrame, scenarios: pd.DataFrame, sites: Any, candidates: Any, own: Terms) -> list[str]:
    """Hubs of the base, planned by itself."""
    alone = sensitivity(sites, candidates, objective="cost", hubs=3, terms=own, **NONE)
    assert alone.scenarios["scenario"].tolist() == ["base"]
    assert alone.scenarios["objective"][0] == scenarios["objective"][0]
    assert set(alone.stability["candidate"]) <= set(stability["candidate"])
    assert alone.stability["always"].all()
    return alone.stability["candidate"].tolist()


def test_what_can_change_nothing_is_left_out_and_said(points: Points, rng: Generator) -> None:
    sites = points(rng.uniform(105, 107, 20), rng.uniform(30, 32, 20), annual_t=rng.integers(1, 900, 20).astype(float))
    candidates = points(rng.uniform(105, 107, 5), rng.uniform(30, 32, 5), "c")
    found = sensitivity(sites, candidates, hubs=2, radius_km=50)
    assert found.scenarios["scenario"].tolist() == ["base"]
    said = " ".join(found.notes)
    for name in ("freight", "tax", "capacity", "demand"):
        assert f"{name} was not varied" in said
    assert "no bearing on tonnes covered" in said
    silent = sensitivity(sites, candidates, hubs=2, radius_km=50, **NONE)
    assert not any("was not varied" in note for note in silent.notes)
    limited = sensitivity(
        sites, candidates, hubs=2, radius_km=50, model="facility_location", terms=terms(module_t=400), tax_factors=(),
        conditions=Conditions(most_modules=1),
    )  # fmt: skip
    assert len(limited.scenarios) == 9
    assert limited.scenarios["annual_t"].max() == pytest.approx(1_600)
    assert {note.split(" was")[0] for note in limited.notes if "was not varied" in note} == {"freight"}


def test_capacities_of_plants_that_exist_vary_with_those_of_modules(points: Points) -> None:
    """A plant of 10 t beside 100 t, and a hub of 30 t beside it: 40 t are taken, 80 t at twice the capacity."""
    sites = points([105.0], [30.0], annual_t=[100.0])
    place = {"lon": [105.0], "lat": [30.0]}
    found = sensitivity(
        sites, points(**place, prefix="c"), hubs=1, radius_km=5, plants=points(**place, prefix="p", capacity_t_per_year=[10.0]),
        model="facility_location", terms=terms(module_t=30), conditions=Conditions(most_modules=1), capacity_factors=(2, 5),
        demand_factors=(0.2,),
    )  # fmt: skip
    assert found.scenarios["annual_t"].tolist() == pytest.approx([40, 80, 100, 20])


def test_regret_counts_what_the_base_cannot_reach_as_hauled_the_radius(points: Points) -> None:
    """100 t a kilometre from one place, 60 t at another; radius 10 km, so that what stays counts 10 t·km a tonne.

    With 100 t of room: 100 · 1 + 60 · 10 = 700 here, 0 + 100 · 10 = 1,000 there. With 50 t: 50 + 50 · 10 + 600 = 1,150 here,
    10 · 10 + 1,000 = 1,100 there.
    """
    sites = points([105.0, 115.0], [30.0, 30.0], annual_t=[100.0, 60.0])
    roads = pd.DataFrame({"site_uid": ["s0", "s1"], "candidate": ["c0", "c1"], "distance_m": [1_000.0, 0.0]})
    found = sensitivity(
        sites, points([105.0, 115.0], [30.0, 30.0], "c"), objective="tonne_km", model="facility_location", hubs=1, radius_km=10,
        terms=terms(module_t=100), conditions=Conditions(most_modules=1), distances=roads, capacity_factors=(0.5,),
        demand_factors=(),
    )  # fmt: skip
    assert found.scenarios["scenario"].tolist() == ["base", "capacity × 0.5"]
    assert found.scenarios["objective"].tolist() == pytest.approx([700, 1_100])
    assert found.scenarios["regret"].tolist() == pytest.approx([0, 50])
    assert found.stability["candidate"].tolist() == ["c0", "c1"]


def test_roads_and_capacities_of_candidates_go_along(points: Points) -> None:
    """Each parcel whole to one hub: 60 and 40 t into two of three hubs of 60 t; of 42 t, no hub takes the 60 t."""
    sites = points([105.0, 105.0], [30.0, 30.1], annual_t=[60.0, 40.0])
    candidates = points([105.0, 105.0, 105.0], [30.0, 30.1, 30.2], "c", capacity_t_per_year=[60.0] * 3)
    pairs = itertools.product(enumerate(sites.index), enumerate(candidates.index))
    roads = pd.DataFrame(
        [(site, hub, 1_000.0 * (1 + abs(i - j))) for (i, site), (j, hub) in pairs],
        columns=["site_uid", "candidate", "distance_m"],
    )
    found = sensitivity(
        sites, candidates, objective="tonne_km", model="capacitated_p_median", hubs=2, distances=roads,
        capacity_factors=(0.7, 2), demand_factors=(0.5,),
    )  # fmt: skip
    table = found.scenarios.set_index("scenario")
    assert table["objective"].drop("capacity × 0.7").tolist() == pytest.approx([100, 100, 50])
    assert "infeasible because" in table.loc["capacity × 0.7", "status"]
    assert table["regret"].drop("capacity × 0.7").tolist() == pytest.approx([0, 0, 0])
    assert found.stability["candidate"].tolist() == ["c0", "c1"]
    assert found.stability["always"].all()


def test_a_scenario_without_a_plan_says_why(rivals: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]) -> None:
    """Tonnes must weigh 100 t at a hub at least; half of them do not."""
    found = sensitivity(
        *rivals, objective="cost", hubs=1, terms=terms(), conditions=Conditions(least_load_t=100), radius_km=50,
        demand_factors=(0.5, 0.95), freight_factors=(), tax_factors=(), capacity_factors=(),
    )  # fmt: skip
    half, less = found.scenarios.iloc[1], found.scenarios.iloc[2]
    assert "infeasible because" in half["status"]
    assert half[["hubs"]].tolist() == [0]
    assert half[["annual_t", "objective", "bound", "gap", "regret"]].isna().all()
    assert less["annual_t"] == pytest.approx(0.95 * 110)
    assert found.stability.to_dict("list") == {
        "candidate": ["c1"], "place": ["two"], "scenarios_open": [2], "share_open": [1.0], "always": [True],
    }  # fmt: skip


def test_a_base_without_a_plan_is_an_error(rivals: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]) -> None:
    with pytest.raises(NoPlanError, match="infeasible because"):
        sensitivity(*rivals, objective="cost", terms=terms(capital=1e9))


class Looked(Effort):
    """Over when a study looks for the third time, between two plans."""

    looks = 0

    @property
    def over(self) -> bool:
        self.looks += 1
        return self.looks >= 3


def test_an_interrupted_study_keeps_what_it_has(rivals: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]) -> None:
    found = sensitivity(*rivals, objective="cost", hubs=1, terms=terms(), effort=Looked())
    assert found.scenarios["scenario"].tolist() == ["base", "freight × 0.5", "freight × 0.75"]
    assert found.stability["share_open"].tolist() == [1]
    assert "stopped after 3 of 17 scenarios." in found.notes


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"freight_factors": (0.5, 0)}, "freight_factors: 0 is none. Give factors of more than 0"),
        ({"tax_factors": (-1,)}, "tax_factors: -1 is none. Give factors of 0 or more"),
        ({"capacity_factors": (float("nan"),)}, "capacity_factors: nan is none"),
        ({"demand_factors": (float("inf"),)}, "demand_factors: inf is none"),
        ({"hubs": 3}, "hubs = 3: give a whole number from 1 to 2"),
    ],
)
def test_bad_input_of_a_sensitivity(
    rivals: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], asked: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadParameterError, match=says):
        sensitivity(*rivals, objective="cost", terms=terms(), **asked)
