"""Curves of coverage against all subsets of candidates."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import CRS

from registry.errors import BadParameterError, EmptyLayerError, NoPlanError
from registry.services import geodesy
from registry.services.siting.effort import Effort
from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.plan import choose_hubs
from registry.services.siting.planning.terms import Terms
from registry.services.siting.studies import coverage_by_hubs, coverage_by_radius

Points = Callable[..., gpd.GeoDataFrame]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))


def world(points: Points, rng: Generator, n: int, m: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    sites = points(rng.uniform(105, 108, n), rng.uniform(30, 33, n), annual_t=rng.integers(0, 1_000, n).astype(float))
    return sites, points(rng.uniform(105, 108, m), rng.uniform(30, 33, m), "c")


def metres(sites: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame) -> np.ndarray:
    """(n, m) geodesic metres, pair by pair."""
    found = np.zeros((len(sites), len(candidates)))
    for (i, site), (j, hub) in itertools.product(enumerate(sites.geometry), enumerate(candidates.geometry)):
        found[i, j] = GRS80.inv(site.x, site.y, hub.x, hub.y)[2]
    return found


def most(near: np.ndarray, tonnes: np.ndarray, hubs: int) -> float:
    """Most tonnes within reach of any so many candidates, all subsets tried."""
    return max(
        float(tonnes[near[:, list(some)].any(axis=1)].sum())
        for some in itertools.combinations(range(near.shape[1]), hubs)
    )


def test_every_point_is_the_best_of_all_subsets(points: Points, rng: Generator) -> None:
    sites, candidates = world(points, rng, 60, 9)
    apart, tonnes = metres(sites, candidates), sites["annual_t"].to_numpy()
    curve = coverage_by_hubs(sites, candidates, most_hubs=9, radius_km=60)
    assert curve.columns.tolist() == ["hubs", "annual_t", "share_annual_t", "bound_t", "gap", "status", "added_t"]
    best = [most(apart <= 60_000, tonnes, hubs) for hubs in range(1, 10)]
    assert curve["hubs"].tolist() == list(range(1, 10))
    assert curve["annual_t"].to_numpy() == pytest.approx(best)
    assert curve["share_annual_t"].to_numpy() == pytest.approx(np.array(best) / tonnes.sum())
    assert curve["added_t"].to_numpy() == pytest.approx(np.diff(best, prepend=0))
    assert set(curve["status"]) == {"optimal"}
    assert curve.attrs["notes"] == []


def test_a_longer_reach_has_the_best_of_all_subsets_too(points: Points, rng: Generator) -> None:
    sites, candidates = world(points, rng, 60, 8)
    apart, tonnes = metres(sites, candidates), sites["annual_t"].to_numpy()
    curve = coverage_by_radius(sites, candidates, hubs=3, radii_km=[120, 30, 60, 30, 90])
    assert curve.columns.tolist()[:2] == ["radius_km", "hubs"]
    assert curve["radius_km"].tolist() == [30, 60, 90, 120]
    best = [most(apart <= radius * 1_000, tonnes, 3) for radius in (30, 60, 90, 120)]
    assert curve["annual_t"].to_numpy() == pytest.approx(best)
    assert curve["added_t"].to_numpy() == pytest.approx(np.diff(best, prepend=0))


def test_a_point_is_what_the_plan_of_so_many_hubs_says(points: Points, rng: Generator) -> None:
    sites, candidates = world(points, rng, 60, 12)
    curve = coverage_by_hubs(sites, candidates, most_hubs=[2, 5], radius_km=50)
    for row in curve.itertuples():
        plan = choose_hubs(sites, candidates, hubs=row.hubs, radius_km=50)
        assert row.annual_t == pytest.approx(plan.objective)
        assert row.share_annual_t == pytest.approx(plan.totals["share_annual_t"])


def test_only_matching_material_counts(points: Points) -> None:
    """Three tonnes of gangue at a place that only takes tailings, and the other way round."""
    sites = points([105.0, 105.0], [30.0, 30.0], annual_t=[3.0, 5.0], waste_codes=["SW04", "SW05"])
    candidates = points([105.1, 105.1], [30.0, 30.0], "c", waste_codes=["SW05", "SW04"])
    assert coverage_by_hubs(sites, candidates, most_hubs=2, radius_km=20)["annual_t"].tolist() == [5, 8]
    every = coverage_by_hubs(sites, candidates, most_hubs=2, radius_km=20, same_material=False)
    assert every["annual_t"].tolist() == [8, 8]
    streams = pd.DataFrame({"site_uid": ["s0", "s0"], "waste_code": ["SW04", "SW05"], "annual_t": [7.0, 1.0]})
    told = coverage_by_hubs(sites, candidates, most_hubs=2, radius_km=20, streams=streams)
    assert told["annual_t"].tolist() == [7, 8]
    assert told["share_annual_t"].tolist() == [7 / 8, 1]


@given(seed=st.integers(0, 2**32 - 1), m=st.integers(1, 12), radius=st.floats(1, 300))
@settings(max_examples=25, deadline=None)
def test_more_never_means_less(points: Points, seed: int, m: int, radius: float) -> None:
    sites, candidates = world(points, np.random.default_rng(seed), 40, m)
    tonnes, reached = sites["annual_t"].to_numpy(), (metres(sites, candidates) <= radius * 1_000).any(axis=1)
    if not tonnes[reached].any():
        with pytest.raises(NoPlanError, match="no site with tonnes has a candidate within"):
            coverage_by_hubs(sites, candidates, most_hubs=m, radius_km=radius)
        return
    by_hubs = coverage_by_hubs(sites, candidates, most_hubs=m, radius_km=radius)
    by_radius = coverage_by_radius(sites, candidates, hubs=1, radii_km=[radius, 2 * radius, 4 * radius])
    for curve in (by_hubs, by_radius):
        assert (np.diff(curve["annual_t"]) >= 0).all()
        assert (np.diff(curve["bound_t"]) >= 0).all()
        assert (curve["bound_t"] >= curve["annual_t"]).all()
    assert by_hubs["annual_t"].iloc[-1] == pytest.approx(tonnes[reached].sum())


def test_a_loose_gap_still_says_the_truth(points: Points, rng: Generator) -> None:
    sites, candidates = world(points, rng, 80, 10)
    near, tonnes = metres(sites, candidates) <= 50_000, sites["annual_t"].to_numpy()
    curve = coverage_by_hubs(sites, candidates, most_hubs=10, radius_km=50, effort=Effort(gap=0.5))
    for row in curve.itertuples():
        best = most(near, tonnes, row.hubs)
        assert row.annual_t <= best * (1 + 1e-12)
        assert row.bound_t >= best * (1 - 1e-12)
        assert row.gap == pytest.approx((row.bound_t - row.annual_t) / row.annual_t)
        assert row.gap <= 0.5
    assert (np.diff(curve["annual_t"]) >= 0).all()


class Pressed(Effort):
    """Ctrl-C is pressed when the third point of a curve asks for its share of the time."""

    asked = 0

    def left_s(self) -> float:
        # Between two points it is looked at twice: whether to go on, and how much is left.
        self.asked += 1
        if self.asked == 5:
            signal.raise_signal(signal.SIGINT)
        return super().left_s()


def test_ctrl_c_ends_a_curve_with_the_points_it_has(points: Points, rng: Generator) -> None:
    sites, candidates = world(points, rng, 30, 6)
    near, tonnes = metres(sites, candidates) <= 50_000, sites["annual_t"].to_numpy()
    curve = coverage_by_hubs(sites, candidates, most_hubs=6, radius_km=50, effort=Pressed())
    assert curve.attrs["notes"] == ["stopped after 3 of 6 points of the curve."]
    assert curve["hubs"].tolist() == [1, 2, 3]
    for row in curve.itertuples():
        assert row.annual_t <= most(near, tonnes, row.hubs) <= row.bound_t
    assert curve["status"].tolist()[:2] == ["optimal", "optimal"]
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)


def test_time_that_is_over_still_gives_a_first_point(points: Points, rng: Generator) -> None:
    sites, candidates = world(points, rng, 30, 6)
    curve = coverage_by_hubs(sites, candidates, most_hubs=6, radius_km=50, effort=Effort(time_limit_s=1e-9))
    assert curve["hubs"].tolist() == [1]
    assert curve["annual_t"][0] <= curve["bound_t"][0]
    assert curve.attrs["notes"] == ["stopped after 1 of 6 points of the curve."]


@pytest.mark.parametrize(
    "asked",
    [
        {"conditions": Conditions(most_by_province=1)},
        {"conditions": Conditions(times=2)},
        {"conditions": Conditions(survive="plant")},
        {"conditions": Conditions(survive="source")},
        {"conditions": Conditions(within_province=True)},
        {"conditions": Conditions(least_load_t=4_000)},
        {"conditions": Conditions(budget_yuan=25)},
        {
            "model": "facility_location",
            "terms": Terms(modules_t=(500, 1_500)),
            "conditions": Conditions(most_modules=1),
        },
        {"plants": 3},
    ],
    ids=["province", "times", "plant", "source", "border", "load", "budget", "modules", "plants"],
)
def test_a_curve_keeps_to_what_a_plan_keeps_to(points: Points, rng: Generator, asked: dict[str, Any]) -> None:
    sites, candidates = world(points, rng, 40, 7)
    sites["province_code"] = rng.choice(["130000", "140000"], len(sites))
    candidates["region_code"] = rng.choice(["130100", "140200"], len(candidates))
    if "budget" in str(asked):
        candidates["capital_yuan"] = rng.integers(5, 20, len(candidates)).astype(float)
    if "plants" in asked:
        columns = {"capacity_t_per_year": [700.0, 900.0, 100.0]}
        asked = {"plants": points(rng.uniform(105, 108, 3), rng.uniform(30, 33, 3), "p", **columns)}
    curve = coverage_by_hubs(sites, candidates, most_hubs=[1, 2, 3, 5], radius_km=90, **asked)
    for row in curve.itertuples():
        if row.hubs == 1 and "conditions" in asked and asked["conditions"].takers == 2:
            # Of a plan that is a contradiction; of a curve it is where it begins.
            assert row.annual_t == 0
            continue
        plan = choose_hubs(sites, candidates, hubs=row.hubs, radius_km=90, objective="covered", **asked)
        assert row.annual_t == pytest.approx(plan.objective)
        assert row.status == "optimal"
    assert (np.diff(curve["annual_t"]) >= 0).all()
    free = coverage_by_hubs(sites, candidates, most_hubs=[1, 2, 3, 5], radius_km=90)
    assert (curve["annual_t"] != free["annual_t"]).any()


def test_roads_stand_in_place_of_straight_lines(points: Points) -> None:
    """30 t are nearer by road than they look, 50 t have no road at all."""
    sites = points([105.0, 105.0], [30.0, 30.2], annual_t=[30.0, 50.0])
    candidates = points([105.1, 105.2], [30.0, 30.2], "c")
    roads = pd.DataFrame({"site_uid": ["s0"], "candidate": ["c1"], "distance_m": [9_000.0]})
    found = coverage_by_radius(sites, candidates, hubs=1, radii_km=[8, 9], distances=roads)
    assert found["annual_t"].tolist() == [0, 30]
    assert found["added_t"].tolist() == [0, 30]


def test_no_tonnes_or_nobody_near_is_no_plan(points: Points) -> None:
    place, far = points([105.0], [30.0], annual_t=[0.0]), points([115.0], [30.0], annual_t=[5.0])
    with pytest.raises(NoPlanError, match="no site adds any tonnes"):
        coverage_by_hubs(place, place, most_hubs=1, radius_km=10)
    with pytest.raises(NoPlanError, match="no site with tonnes has a candidate within 10 km"):
        coverage_by_hubs(far, place, most_hubs=1, radius_km=10)
    with pytest.raises(NoPlanError, match="infeasible because"):
        coverage_by_hubs(far, place, most_hubs=1, radius_km=10, conditions=Conditions(least_load_t=6))


@pytest.mark.parametrize(
    ("asked", "error", "says"),
    [
        ({"most_hubs": 4}, BadParameterError, "hubs = 4: give whole numbers from 1 to 3, the number of candidates"),
        ({"most_hubs": 10**12}, BadParameterError, "from 1 to 3"),
        ({"most_hubs": 1.5}, BadParameterError, "hubs = 1.5: give whole numbers"),
        ({"model": "p_median"}, BadParameterError, "p_median"),
        ({"most_hubs": 0}, BadParameterError, "hubs = 0: give whole numbers"),
        ({"most_hubs": [1, -2]}, BadParameterError, "hubs = -2: give whole numbers"),
        ({"most_hubs": []}, BadParameterError, "give whole numbers"),
        ({"radius_km": 0}, BadParameterError, "radius_km = 0: give km of more than 0"),
        ({"radius_km": float("nan")}, BadParameterError, "radius_km = nan"),
        ({"candidates": None}, EmptyLayerError, "candidates: there is none"),
    ],
)
def test_bad_input_of_a_curve_by_hubs(points: Points, asked: dict[str, Any], error: type, says: str) -> None:
    candidates = points([105.0, 106.0, 107.0], [30.0] * 3, "c")
    if "candidates" in asked:
        asked, candidates = {}, candidates.iloc[:0]
    with pytest.raises(error, match=says):
        coverage_by_hubs(
            points([105.0], [30.0], annual_t=[1.0]), candidates, **{"most_hubs": 2, "radius_km": 9} | asked
        )


@pytest.mark.parametrize(
    ("radii", "says"),
    [([], "none is given"), ([50, -1], "radius_km = -1"), ([9, float("nan"), 50], "nan"), ([float("inf")], "inf")],
)
def test_bad_radii_of_a_curve(points: Points, radii: list[float], says: str) -> None:
    place = points([105.0], [30.0], annual_t=[1.0])
    with pytest.raises(BadParameterError, match=says):
        coverage_by_radius(place, place, hubs=1, radii_km=radii)
