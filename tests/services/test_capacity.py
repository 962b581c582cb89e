"""Capacity-limited coverage against maximum flow, dense programmes and brute force."""

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
from scipy.optimize import linprog
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy, hauls
from registry.services.capacity import increments, within_capacity
from registry.services.coverage import within_radius

Points = Callable[..., gpd.GeoDataFrame]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))


def world(points: Points, rng: Generator, n: int, m: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Whole tonnes, so that maximum flow on integers is exact."""
    sites = points(
        rng.uniform(105, 108, n),
        rng.uniform(30, 33, n),
        annual_t=rng.integers(0, 1_000, n).astype(float),
        waste_codes=rng.choice(["SW05", "SW04", "SW05;SW04", "SW01"], n),
    )
    plants = points(
        rng.uniform(105, 108, m),
        rng.uniform(30, 33, m),
        "p",
        capacity_t_per_year=rng.integers(0, 4_000, m).astype(float),
        waste_codes=rng.choice(["SW05", "SW04", "SW04;SW05"], m),
    )
    return sites, plants


def reachable(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, radius: float) -> tuple[np.ndarray, np.ndarray]:
    """(n, m) whether a site may go to a plant, and metres, pair by pair."""
    may = np.zeros((len(sites), len(plants)), bool)
    metres = np.zeros(may.shape)
    for (i, site), (j, plant) in itertools.product(enumerate(sites.itertuples()), enumerate(plants.itertuples())):
        metres[i, j] = GRS80.inv(site.geometry.x, site.geometry.y, plant.geometry.x, plant.geometry.y)[2]
        common = set(site.waste_codes.split(";")) & set(plant.waste_codes.split(";"))
        may[i, j] = bool(common) and metres[i, j] <= radius * 1_000
    return may, metres


def greatest(may: np.ndarray, supply: np.ndarray, capacity: np.ndarray) -> int:
    """Greatest flow in whole tonnes, by SciPy's maximum flow."""
    n, m = may.shape
    i, j = np.nonzero(may)
    tail = np.concatenate([np.zeros(n, int), 1 + i, 1 + n + np.arange(m)])
    head = np.concatenate([1 + np.arange(n), 1 + n + j, np.full(m, n + m + 1)])
    size = np.concatenate([supply, supply[i], capacity]).astype(np.int32)
    graph = csr_array((size, (tail, head)), shape=(n + m + 2, n + m + 2))
    return int(maximum_flow(graph.tocsr(), 0, n + m + 1).flow_value)


def test_taken_tonnes_are_the_maximum_flow_at_every_radius(points: Points, rng: Generator) -> None:
    sites, plants = world(points, rng, 120, 25)
    found = within_capacity(sites, plants, [80, 20, 40])
    supply, capacity = sites["annual_t"].to_numpy(), plants["capacity_t_per_year"].to_numpy()
    assert found.totals.columns.tolist() == [
        "radius_km",
        "annual_t_reached",
        "annual_t_taken",
        "share_annual_t",
        "capacity_t_per_year",
    ]
    assert found.totals["radius_km"].tolist() == [20, 40, 80]
    for row in found.totals.itertuples():
        may, _ = reachable(sites, plants, row.radius_km)
        assert row.annual_t_taken == pytest.approx(greatest(may, supply, capacity), rel=1e-9)
        assert row.annual_t_reached == pytest.approx(supply[may.any(axis=1)].sum())
        assert row.share_annual_t == pytest.approx(row.annual_t_taken / supply.sum())
        assert row.capacity_t_per_year == capacity.sum()


def test_a_dual_is_what_one_more_tonne_of_capacity_takes_more(points: Points, rng: Generator) -> None:
    sites, plants = world(points, rng, 80, 20)
    supply, capacity = sites["annual_t"].to_numpy(), plants["capacity_t_per_year"].to_numpy()
    found = within_capacity(sites, plants, 45).per_plant
    may, _ = reachable(sites, plants, 45)
    for j in range(len(plants)):
        more = greatest(may, supply, capacity + (np.arange(len(plants)) == j))
        assert found["dual"][j] == more - greatest(may, supply, capacity)
    assert 0 < found["dual"].sum() < len(plants)


def test_hauls_are_the_shortest_that_take_the_most(points: Points, rng: Generator) -> None:
    """Two stages on the dense problem: the most tonnes, then, with these held, the least tonne-metres."""
    for n, m, radius in ((40, 12, 60), (25, 6, 150), (60, 20, 400)):
        sites, plants = world(points, rng, n, m)
        supply, capacity = sites["annual_t"].to_numpy(), plants["capacity_t_per_year"].to_numpy()
        may, metres = reachable(sites, plants, radius)
        i, j = np.nonzero(may)
        use = np.vstack([i == site for site in range(n)] + [j == plant for plant in range(m)]).astype(float)
        most = greatest(may, supply, capacity)
        least = linprog(
            metres[i, j] / 1e5,
            A_ub=use,
            b_ub=np.concatenate([supply, capacity]),
            A_eq=np.ones((1, i.size)),
            b_eq=[most],
        )
        flows = within_capacity(sites, plants, radius).flows
        assert flows["annual_t"].sum() == pytest.approx(most)
        assert (flows["annual_t"] * flows["distance_m"]).sum() == pytest.approx(least.fun * 1e5, rel=1e-7)


def test_flows_keep_within_tonnes_and_capacities_and_reach(points: Points, rng: Generator) -> None:
    sites, plants = world(points, rng, 200, 30)
    found = within_capacity(sites, plants, [30, 90])
    assert found.flows.columns.tolist() == [
        "site_uid",
        "plant_uid",
        "radius_km",
        "waste_code",
        "annual_t",
        "distance_m",
    ]
    assert (found.flows["distance_m"] <= found.flows["radius_km"] * 1_000).all()
    assert (found.flows["annual_t"] > 0).all()
    sent = found.flows.groupby(["site_uid", "radius_km"])["annual_t"].sum()
    assert (sent <= sites["annual_t"].reindex(sent.index.get_level_values(0)).to_numpy() + 1e-6).all()
    for radius in (30, 90):
        own = found.per_plant[found.per_plant["radius_km"] == radius].set_index("plant_uid")
        assert own.index.tolist() == plants.index.tolist()
        arrived = found.flows[found.flows["radius_km"] == radius].groupby("plant_uid")["annual_t"].sum()
        assert np.allclose(own["taken_t"], arrived.reindex(own.index, fill_value=0))
        assert (own["taken_t"] <= own["capacity_t_per_year"]).all()
        assert np.allclose(own["spare_t"], own["capacity_t_per_year"] - own["taken_t"])
        assert (own.loc[own["spare_t"] > 1e-6, "dual"] == 0).all()


def test_unlimited_plants_take_all_that_coverage_says_is_covered(points: Points, rng: Generator) -> None:
    sites, plants = world(points, rng, 150, 10)
    found = within_capacity(sites, plants.drop(columns="capacity_t_per_year"), [25, 60], missing_capacity="unlimited")
    covered = within_radius(sites, plants, [25, 60], areas=False).totals["annual_t_covered"]
    assert np.allclose(found.totals["annual_t_taken"], covered)
    assert np.allclose(found.totals["annual_t_reached"], covered)
    assert np.isinf(found.per_plant["spare_t"]).all()
    # With no limit, every tonne goes to its nearest plant.
    nearest = found.flows.groupby(["site_uid", "radius_km"]).size()
    assert (nearest == 1).all()


@pytest.mark.parametrize(("missing", "taken"), [("zero", 70.0), ("unlimited", 100.0)])
def test_a_plant_without_a_capacity_takes_nothing_or_everything(missing: Any, taken: float, points: Points) -> None:
    sites = points([105.0], [30.0], annual_t=[100.0])
    plants = points([105.1, 105.2], [30.0, 30.0], "p", capacity_t_per_year=[np.nan, 70.0])
    assert within_capacity(sites, plants, 50, missing_capacity=missing).totals["annual_t_taken"].item() == taken


def test_a_plant_without_a_capacity_is_an_error_where_that_is_asked_for(points: Points) -> None:
    sites = points([105.0], [30.0], annual_t=[100.0])
    plants = points([105.1, 105.2], [30.0, 30.0], "p", capacity_t_per_year=[70.0, np.nan])
    with pytest.raises(BadParameterError, match="p1 has no capacity_t_per_year"):
        within_capacity(sites, plants, 50, missing_capacity="error")


def test_capacities_by_code_limit_each_code_and_the_plant_both(points: Points) -> None:
    sites = points([105.0, 105.05], [30.0, 30.0])
    plants = points([105.1, 105.3], [30.0, 30.0], "p", capacity_t_per_year=[100.0, np.nan])
    streams = pd.DataFrame(
        {
            "site_uid": ["s0", "s0", "s1", "s1"],
            "waste_code": ["SW05", "SW04", "081-001-S05", "SW01"],
            "annual_t": [80.0, 60.0, 50.0, 10.0],
        }
    )
    intakes = pd.DataFrame(
        {
            "plant_uid": ["p0", "p0", "p1"],
            "waste_code": ["S05", "SW04", "SW05"],
            "capacity_t_per_year": [70.0, 40.0, 25.0],
        }
    )
    found = within_capacity(sites, plants, 50, streams=streams, intakes=intakes)
    # p0 has room for 100, for 70 of tailings and 40 of gangue; p1 for its intake's 25 of tailings; no one takes slag.
    assert found.totals["annual_t_taken"].item() == pytest.approx(125)
    assert found.totals["annual_t_reached"].item() == 190
    assert found.per_plant["taken_t"].tolist() == pytest.approx([100, 25])
    assert found.per_plant["capacity_t_per_year"].tolist() == [100, 25]
    by_code = found.per_intake.set_index(["plant_uid", "waste_code"])
    assert (by_code["taken_t"] <= by_code["capacity_t_per_year"]).all()
    assert by_code["taken_t"].sum() == pytest.approx(125)
    # More of a code does not help where the plant is full; both of p1's limits would have to give way together.
    assert found.per_plant["dual"].tolist() == [1, 0]
    assert by_code["dual"].tolist() == [0, 0, 0]
    lone = within_capacity(
        sites, plants.assign(capacity_t_per_year=[500.0, 500.0]), 50, streams=streams, intakes=intakes
    )
    assert lone.totals["annual_t_taken"].item() == pytest.approx(70 + 40 + 25)
    assert lone.per_intake["dual"].tolist() == [1, 1, 1]
    assert lone.per_plant["dual"].tolist() == [0, 0]
    assert sorted(lone.flows["waste_code"].unique()) == ["081-001-S05", "SW04", "SW05"]


def test_an_intake_that_names_the_code_goes_before_its_category(points: Points) -> None:
    sites = points([105.0], [30.0])
    plants = points([105.1], [30.0], "p", capacity_t_per_year=[1_000.0])
    streams = pd.DataFrame(
        {"site_uid": ["s0", "s0"], "waste_code": ["081-001-S05", "SW05"], "annual_t": [100.0, 200.0]}
    )
    intakes = pd.DataFrame(
        {
            "plant_uid": ["p0", "p0"],
            "waste_code": ["SW05", "081-001-S05"],
            "capacity_t_per_year": [150.0, 30.0],
        }
    )
    found = within_capacity(sites, plants, 50, streams=streams, intakes=intakes)
    assert found.per_intake["taken_t"].tolist() == pytest.approx([150, 30])


def test_equal_codes_of_a_site_are_one_lot(points: Points) -> None:
    sites = points([105.0], [30.0])
    plants = points([105.1], [30.0], "p", capacity_t_per_year=[1_000.0], waste_codes=["SW05"])
    streams = pd.DataFrame({"site_uid": ["s0", "s0"], "waste_code": ["SW05", "S05"], "annual_t": [1.0, 2.0]})
    flows = within_capacity(sites, plants, 50, streams=streams).flows
    assert flows[["waste_code", "annual_t"]].to_numpy().tolist() == [["SW05", 3.0]]


def test_a_site_exactly_at_the_radius_is_inside(points: Points) -> None:
    sites = points([105.0], [30.0], annual_t=[5.0])
    plants = points([105.6], [30.3], "p", capacity_t_per_year=[9.0])
    radius = GRS80.inv(105.0, 30.0, 105.6, 30.3)[2] / 1_000
    found = within_capacity(sites, plants, [np.nextafter(radius, 0), radius])
    assert found.totals["annual_t_taken"].tolist() == [0, 5]


def test_sites_at_a_plant_and_sites_without_tonnes_do_no_harm(points: Points) -> None:
    sites = points([105.0, 105.0, 105.0], [30.0, 30.0, 30.0], annual_t=[5.0, np.nan, 0.0])
    plants = points([105.0], [30.0], "p", capacity_t_per_year=[4.0])
    found = within_capacity(sites, plants, 1)
    assert found.totals["annual_t_taken"].tolist() == [4]
    assert found.flows[["site_uid", "distance_m"]].to_numpy().tolist() == [["s0", 0.0]]


@pytest.mark.parametrize("empty", ["sites", "tonnes", "match"])
def test_where_nothing_can_be_taken_the_tables_still_stand(empty: str, points: Points) -> None:
    sites = points([105.0], [30.0], annual_t=[0.0 if empty == "tonnes" else 5.0], waste_codes=["SW01"])
    plants = points(
        [105.1], [30.0], "p", capacity_t_per_year=[9.0], waste_codes=["SW05" if empty == "match" else "SW01"]
    )
    found = within_capacity(sites[:0] if empty == "sites" else sites, plants, [50, 100])
    assert found.totals["annual_t_taken"].tolist() == [0, 0]
    assert len(found.flows) == 0
    assert found.per_plant["spare_t"].tolist() == [9, 9]
    assert found.per_plant["dual"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"radius_km": 0}, BadParameterError, "radius_km = 0"),
        ({"radius_km": -5}, BadParameterError, "radius_km = -5"),
        ({"radius_km": 30_000}, BadParameterError, "radius_km = 30000"),
        ({"radius_km": []}, BadParameterError, "none is given"),
        ({"missing_capacity": "some"}, BadParameterError, "missing_capacity = some"),
        ({"plants": "none"}, EmptyLayerError, "plants: there is none"),
        ({"plants": "negative"}, BadParameterError, "capacity_t_per_year of row p0 is -1"),
        ({"plants": "silent"}, UnknownColumnError, "plants: no column capacity_t_per_year"),
        ({"plants": "twice"}, BadParameterError, "p0 occurs more than once"),
        ({"plants": "wordless"}, UnknownColumnError, "plants: no column waste_codes"),
        ({"sites": "silent"}, UnknownColumnError, "sites: no column annual_t"),
        ({"sites": "negative"}, BadParameterError, "sites: annual_t of row s0 is -3"),
        ({"intakes": [("p0", "SW05", 5), ("p0", "S05", 5)]}, BadParameterError, "p0 has more than one row for S05"),
        ({"intakes": [("p9", "SW05", 5)]}, BadParameterError, "plant_uid p9 is not among the plants"),
        ({"intakes": [("p0", "SW05", -5)]}, BadParameterError, "intakes: capacity_t_per_year of row 0 is -5"),
        ({"intakes": [("p0", "SW04", 5)]}, BadParameterError, "SW05;SW04 are several codes"),
    ],
)
def test_bad_input_is_one_clear_error(
    change: dict[str, Any], error: type[Exception], words: str, points: Points
) -> None:
    sites = points([105.0], [30.0], annual_t=[3.0], waste_codes=["SW05;SW04"])
    plants = points([105.1], [30.0], "p", capacity_t_per_year=[9.0], waste_codes=["SW05;SW04"])
    bad = {
        "none": plants[:0],
        "twice": pd.concat([plants, plants]),
        "wordless": plants.drop(columns="waste_codes"),
    }
    if kind := change.get("sites"):
        sites = sites.drop(columns="annual_t") if kind == "silent" else sites.assign(annual_t=-3.0)
    if kind := change.get("plants"):
        silent = plants.drop(columns="capacity_t_per_year")
        plants = bad.get(kind, silent if kind == "silent" else plants.assign(capacity_t_per_year=-1.0))
    options = {key: value for key, value in change.items() if key not in {"sites", "plants", "intakes"}}
    if rows := change.get("intakes"):
        options["intakes"] = pd.DataFrame(rows, columns=["plant_uid", "waste_code", "capacity_t_per_year"])
    with pytest.raises(error, match=words):
        within_capacity(sites, plants, **{"radius_km": 50, **options})


def test_too_many_pairs_are_one_clear_error(points: Points, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hauls, "_MOST_HAULS", 3)
    sites = points([105.0, 105.1], [30.0, 30.0], annual_t=[1.0, 1.0])
    plants = points([105.0, 105.1], [30.1, 30.1], "p", capacity_t_per_year=[1.0, 1.0])
    with pytest.raises(BadParameterError, match="more than 3 pairs are within reach"):
        within_capacity(sites, plants, 50)


def test_what_each_radius_adds_sums_to_what_the_last_one_covers(points: Points, rng: Generator) -> None:
    sites, plants = world(points, rng, 100, 6)
    totals = within_radius(sites, plants, [10, 25, 60]).totals
    added = increments(totals.sample(frac=1, random_state=1))
    assert added["from_km"].tolist() == [0, 10, 25]
    assert added["radius_km"].tolist() == [10, 25, 60]
    last = totals.iloc[-1]
    for name, whole in (("sites", "sites_covered"), ("annual_t", "annual_t_covered"), ("area_km2", "area_km2")):
        column = f"{name}_added"
        assert added[column].sum() == pytest.approx(last[whole])
        assert added[column][1] == pytest.approx(totals[whole][1] - totals[whole][0])
    taken = within_capacity(sites, plants, [10, 60])
    assert increments(taken.totals)["annual_t_taken_added"].sum() == pytest.approx(taken.totals["annual_t_taken"][1])


def test_increments_of_something_else_are_one_clear_error() -> None:
    with pytest.raises(UnknownColumnError, match="no radius_km with sites"):
        increments(pd.DataFrame({"radius_km": [1.0]}))
    with pytest.raises(BadParameterError, match="radius_km 5 occurs more than once"):
        increments(pd.DataFrame({"radius_km": [5.0, 5.0], "area_km2": [1.0, 2.0]}))
