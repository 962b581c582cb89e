"""No place is better than a Weber point, and hubs that move there never make a plan worse."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import Geod
from scipy.optimize import minimize

from registry.errors import BadParameterError, NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.places import candidates
from registry.services.siting.places.exclusions import Exclusion
from registry.services.siting.places.weber import alternate, improved, weber_point
from registry.services.siting.planning.plan import SitingPlan, choose_hubs

Points = Callable[..., gpd.GeoDataFrame]
GRS80 = Geod(ellps="GRS80")
EARTH = Geodesic(GRS80.a, GRS80.f)


def mean_distance(lon: float, lat: float, points: tuple[np.ndarray, np.ndarray, np.ndarray]) -> float:
    """Weighted mean of geodesics by GeographicLib."""
    apart = [EARTH.Inverse(lat, lon, y, x, Geodesic.DISTANCE)["s12"] for x, y in zip(points[0], points[1], strict=True)]
    return float(np.average(apart, weights=points[2]))


def assert_best(points: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    found = weber_point(GRS80, *points)
    here = mean_distance(found.lon, found.lat, points)
    assert found.metres == pytest.approx(here, abs=1e-6)
    # A metre away the sum differs by less than its rounding where the points are far.
    for step in (30.0, 3_000.0):
        for azimuth in range(0, 360, 30):
            there = EARTH.Direct(found.lat, found.lon, azimuth, step)
            assert mean_distance(there["lon2"], there["lat2"], points) >= here - 1e-6


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.floats(95, 125), st.floats(20, 50), st.floats(0.01, 1e7)), min_size=1, max_size=12),
)
def test_no_place_near_a_weber_point_is_better(rows: list[tuple[float, float, float]]) -> None:
    assert_best(tuple(np.array(column) for column in zip(*rows, strict=True)))


@pytest.mark.parametrize(("west", "south", "width"), [(110, 35, 4), (110, 35, 0.01), (178, -10, 4), (-30, 70, 25)])
def test_a_weber_point_is_where_scipy_finds_it(west: float, south: float, width: float, rng: Generator) -> None:
    for _ in range(4):
        n = int(rng.integers(3, 15))
        lon, lat, weight = west + rng.uniform(0, width, n), south + rng.uniform(0, width / 2, n), rng.gamma(1, 1e5, n)
        found = weber_point(GRS80, (lon + 180) % 360 - 180, lat, weight)

        def cost(at: np.ndarray, points: tuple[np.ndarray, np.ndarray, np.ndarray] = (lon, lat, weight)) -> float:
            return mean_distance(west + at[0] * width, south + at[1] * width, points)

        truth = minimize(
            cost, [0.5, 0.25], method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-9, "maxiter": 2_000}
        )
        assert found.metres <= truth.fun + 1e-6
        x, y = west + truth.x[0] * width, south + truth.x[1] * width
        assert EARTH.Inverse(found.lat, found.lon, y, x)["s12"] < 1.0


def test_of_four_places_it_is_where_the_diagonals_cross() -> None:
    """Each pair of opposite corners is nearest from the geodesic between them (Fagnano)."""
    lon, lat = np.array([100.0, 112.0, 115.0, 98.0]), np.array([30.0, 28.0, 41.0, 38.0])
    found = weber_point(GRS80, lon, lat, np.ones(4))
    diagonals = sum(EARTH.Inverse(lat[a], lon[a], lat[b], lon[b])["s12"] for a, b in ((0, 2), (1, 3)))
    assert found.metres * 4 == pytest.approx(diagonals, abs=1e-6)


def test_round_a_pole_it_is_the_pole() -> None:
    found = weber_point(GRS80, np.array([0.0, 120.0, -120.0]), np.array([80.0, 80.0, 80.0]), np.ones(3))
    assert found.lat == pytest.approx(90.0, abs=1e-6)


def test_a_place_that_outweighs_the_others_is_the_weber_point_itself(rng: Generator) -> None:
    lon, lat = rng.uniform(110, 115, 9), rng.uniform(30, 35, 9)
    weight = np.append(np.ones(8), 8.0)
    found = weber_point(GRS80, lon, lat, weight)
    assert (found.lon, found.lat) == (lon[8], lat[8])


def test_the_search_leaves_a_place_that_it_begins_at(rng: Generator) -> None:
    """The mean is a given point of little weight, where the sum has a corner but no minimum."""
    lon, lat = np.array([0.0, 1.0, -1.0, 0.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 3.0, -1.5, -1.5])
    assert_best((lon, lat, np.array([1e-3, 1.0, 1.0, 1.0, 1.0, 1.0])))
    lon, lat = rng.normal(0, 1, 30), rng.normal(0, 1, 30)
    for row in range(30):
        weight = np.ones(30)
        weight[row] = 1e3 if row % 2 else 1e-9
        assert_best((lon, lat, weight))


@pytest.mark.parametrize("weight", [[1, 1], [1, 2], [1, 0]])
def test_between_two_places_it_is_on_the_way(weight: list[float]) -> None:
    found = weber_point(GRS80, np.array([100.0, 101.0]), np.array([30.0, 30.5]), np.array(weight, float))
    way = EARTH.Inverse(30.0, 100.0, 30.5, 101.0)["s12"]
    assert found.metres == pytest.approx(way * min(weight) / sum(weight), abs=1e-6)


def test_one_place_and_the_same_place_several_times() -> None:
    assert weber_point(GRS80, np.array([5.0]), np.array([6.0]), np.array([7.0])) == (5.0, 6.0, 0.0)
    found = weber_point(GRS80, np.array([5.0, 5.0, 7.0]), np.array([6.0, 6.0, 6.0]), np.array([1.0, 1.0, 1.9]))
    assert (found.lon, found.lat) == (5.0, 6.0), "together they outweigh the third"


def test_on_a_line_where_the_slope_is_next_to_nothing_the_right_corner_is_found() -> None:
    """Left of 111.7° lie 49.97 % of the weight: steps from there towards it are two metres long."""
    lon = np.array([105.6, 107.7, 111.2, 111.7, 112.6, 113.3])
    weight = np.array([0.1421, 0.1054, 0.2522, 0.1277, 0.2359, 0.1367])
    found = weber_point(GRS80, lon, np.zeros(6), weight)
    assert (found.lon, found.lat) == (111.7, 0.0)


def test_places_a_hair_apart_do_not_hold_the_search() -> None:
    """Two of little weight next to each other, where the search begins, and steps near them would be tiny."""
    lon, lat = np.array([0.0, 1e-8, 1.0, -1.0, 0.0, 0.0]), np.array([0.0, 0.0, 0.0, 0.0, 3.0, -1.4])
    for light in (1e-6, 0.1, 0.4):
        assert_best((lon, lat, np.array([light, light, 1.0, 1.0, 2.0, 1.0])))
    lon, lat = np.array([180.0, -180.0, 179.0]), np.array([6.0, 6.0, 6.0])
    found = weber_point(GRS80, lon, lat, np.array([1.0, 1.0, 1.9]))
    assert (abs(found.lon), found.lat) == (180.0, 6.0), "one place under two longitudes outweighs the other"
    assert weber_point(GRS80, np.array([481.0]), np.array([6.0]), np.ones(1)).lon == 121.0


def test_what_cannot_be_weighed_is_refused() -> None:
    at = np.array([5.0, 6.0])
    with pytest.raises(BadParameterError, match="no point has a weight of more than 0"):
        weber_point(GRS80, at, at, np.zeros(2))
    with pytest.raises(BadParameterError, match="no point has a weight of more than 0"):
        weber_point(GRS80, at[:0], at[:0], at[:0])
    for weight in (-1.0, np.nan, np.inf):
        with pytest.raises(BadParameterError, match="point 1: weight"):
            weber_point(GRS80, at, at, np.array([1.0, weight]))
    with pytest.raises(BadParameterError, match=r"point 0: weight 1 at \(nan, 5\)"):
        weber_point(GRS80, np.array([np.nan, 6.0]), at, np.ones(2))
    with pytest.raises(BadParameterError, match="tolerance = 0 m"):
        weber_point(GRS80, at, at, np.ones(2), tolerance_m=0.0)


# ---------------------------------------------------------------------------- alternating location and allocation


@pytest.fixture
def sites(points: Points, rng: Generator) -> gpd.GeoDataFrame:
    lon, lat = rng.uniform(112, 114, 60), rng.uniform(37, 39, 60)
    return points(lon, lat, annual_t=rng.gamma(0.7, 1e5, 60), name=[f"N{row}" for row in range(60)])


@pytest.fixture
def planner(sites: gpd.GeoDataFrame) -> Callable[[gpd.GeoDataFrame], SitingPlan]:
    return lambda some: choose_hubs(sites, some, hubs=3, objective="tonne_km")


def haulage(plan: SitingPlan) -> float:
    return float(plan.totals["tonne_km"])


def test_hubs_move_to_where_their_flows_have_the_least_way(
    sites: gpd.GeoDataFrame, planner: Callable[[gpd.GeoDataFrame], SitingPlan]
) -> None:
    before = candidates.from_sites(sites, resolution=4)
    plan = planner(before)
    after = improved(sites, plan, before)
    assert len(after) == len(before)
    moved = after.index.str.endswith("·moved")
    assert set(before.index[moved]) == set(plan.hubs["candidate"])
    assert after.index.str.removesuffix("·moved").tolist() == before.index.tolist()
    assert after.geometry[~moved].geom_equals(before.geometry[~moved]).all()
    assert after["name"][moved].tolist() == [f"{name} (moved)" for name in before["name"][moved]]
    for hub, candidate in zip(plan.hubs["hub"], plan.hubs["candidate"], strict=True):
        own = plan.flows[plan.flows["hub"] == hub]
        at = sites.geometry.loc[own["site_uid"]]
        place = after.geometry[f"{candidate}·moved"]
        here = mean_distance(place.x, place.y, (at.x, at.y, own["annual_t"]))
        assert here < (own["annual_t"] * own["distance_m"]).sum() / own["annual_t"].sum()
        for azimuth in range(0, 360, 45):
            there = EARTH.Direct(place.y, place.x, azimuth, 100.0)
            assert mean_distance(there["lon2"], there["lat2"], (at.x, at.y, own["annual_t"])) >= here
    again = planner(after)
    assert haulage(again) < haulage(plan)
    twice = improved(sites, again, after)
    assert not twice.index.str.contains("·moved·moved").any()
    assert not twice["name"].str.contains(r"\(moved\) \(moved\)").any()


def test_hubs_that_stand_right_stay(points: Points) -> None:
    heavy = points([112, 112.1], [37, 37], annual_t=[5.0, 1.0])
    place = candidates.checked(points(112, 37, "c"))
    plan = choose_hubs(heavy, place, hubs=1, radius_km=50, objective="tonne_km")
    assert improved(heavy, plan, place) is place


def test_a_hub_does_not_move_to_where_none_may_stand(
    sites: gpd.GeoDataFrame, planner: Callable[[gpd.GeoDataFrame], SitingPlan]
) -> None:
    before = candidates.from_sites(sites, resolution=4)
    plan = planner(before)
    goal = improved(sites, plan, before)
    moved = goal[goal.index.str.endswith("·moved")]
    park = gpd.GeoDataFrame(geometry=[moved.geometry.iloc[0].buffer(0.001)], crs=4490)
    kept = improved(sites, plan, before, exclusions=[Exclusion(park)])
    assert kept.index.str.endswith("·moved").sum() == len(moved) - 1
    assert moved.index[0].removesuffix("·moved") in kept.index


def test_a_moved_hub_lies_in_the_region_where_it_is_now(points: Points) -> None:
    east = points([112.9, 113.1, 113.2], [37.5, 37.5, 37.5], annual_t=[1.0, 1.0, 1.0])
    halves = gpd.GeoDataFrame(
        {"code": ["a", "b"], "name": ["A", "B"]},
        geometry=[shapely.box(112, 37, 113, 38), shapely.box(113, 37, 114, 38)],
        crs=4490,
    )
    place = candidates.checked(points(112.95, 37.5, "c", name=["Yard"]), regions=halves)
    plan = choose_hubs(east, place, hubs=1, radius_km=50, objective="tonne_km")
    after = improved(east, plan, place, regions=halves)
    assert after.geometry.iloc[0].x == pytest.approx(113.1)
    assert (after.index[0], after["region_code"].iloc[0], after["name"].iloc[0]) == (
        "c0·moved",
        "b",
        "Yard (moved to B)",
    )
    unlocated = improved(east, plan, place)
    assert (unlocated["region_code"].iloc[0], unlocated["name"].iloc[0]) == ("a", "Yard (moved)")


def test_candidates_keep_their_crs_and_ids_of_their_own(points: Points) -> None:
    east = points([113.0, 113.1, 113.2], [37.5, 37.5, 37.5], annual_t=[1.0, 1.0, 1.0])
    place = points([112.95, 119], [37.5, 37.5], "c").to_crs(4547).set_axis(["c0", "c0·moved"])
    plan = choose_hubs(east, place, hubs=1, radius_km=50, objective="tonne_km")
    after = improved(east, plan, place)
    assert after.crs == 4547
    assert after.index.tolist() == ["c0·moved·moved", "c0·moved"]
    assert after.to_crs(4490).geometry.iloc[0].x == pytest.approx(113.1)


def test_a_plan_of_other_candidates_or_sites_is_refused(
    sites: gpd.GeoDataFrame, planner: Callable[[gpd.GeoDataFrame], SitingPlan]
) -> None:
    places = candidates.from_sites(sites, resolution=4)
    plan = planner(places)
    with pytest.raises(BadParameterError, match=r"plan: its hub \w+ is not among the candidates"):
        improved(sites, plan, places.add_prefix("x", axis=0))
    with pytest.raises(BadParameterError, match=r"plan: s\d+, from which it hauls, is not among the sites"):
        improved(sites.add_prefix("x", axis=0), plan, places)


def test_rounds_of_moves_never_make_a_plan_worse(
    sites: gpd.GeoDataFrame, planner: Callable[[gpd.GeoDataFrame], SitingPlan]
) -> None:
    places = candidates.from_sites(sites, resolution=3)
    first = planner(places)
    seen: list[float] = []

    def choose(some: gpd.GeoDataFrame) -> SitingPlan:
        plan = planner(some)
        seen.append(plan.objective)
        return plan

    best, chosen = alternate(choose, sites, places)
    assert haulage(best) < haulage(first)
    assert best.objective == min(seen)
    assert set(best.hubs["candidate"]) <= set(chosen.index)
    assert planner(chosen).objective == pytest.approx(best.objective)
    assert 2 < len(seen) < 12
    gained = -np.diff(seen) / seen[:-1]
    assert gained[:-1].min() > 1e-4
    once_more = planner(improved(sites, best, chosen)).objective
    assert once_more > best.objective * (1 - 1e-4), "it ends when a round brings nothing more"
    none, same = alternate(planner, sites, places, rounds=0)
    assert none.objective == first.objective
    assert same is places
    over = Effort()
    over.interrupted = True
    assert alternate(planner, sites, places, effort=over)[1] is places


def test_a_move_that_loses_tonnes_is_not_made(points: Points) -> None:
    """The middle of the tonnes is the heavy site, from which the light one is out of reach."""
    two = points([112.0, 113.6], [37.0, 37.0], annual_t=[9.0, 1.0])
    place = points(112.8, 37.0, "c")
    best, chosen = alternate(lambda some: choose_hubs(two, some, hubs=1, radius_km=100), two, place)
    assert best.totals["annual_t_served"] == 10.0
    assert chosen is place


def test_a_round_without_a_plan_ends_the_rounds(points: Points) -> None:
    two = points([112.0, 113.6], [37.0, 37.0], annual_t=[9.0, 1.0])
    place = points(112.8, 37.0, "c")

    def whole_or_nothing(some: gpd.GeoDataFrame) -> SitingPlan:
        plan = choose_hubs(two, some, hubs=1, radius_km=100)
        if len(plan.unreached):
            raise NoPlanError("infeasible because not all can be served.")
        return plan

    assert alternate(whole_or_nothing, two, place)[1] is place
