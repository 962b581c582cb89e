"""Distances, nearest plants and radii against GeographicLib for Python, pair by pair."""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import karney
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import CRS, Transformer

from registry.services import geodesy
from registry.services.coverage import within_radius
from registry.services.neighbours import pairs_within
from registry.services.proximity import nearest_plants
from registry.services.receptors import nearest_feature, nearest_sites

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[..., tuple[np.ndarray, np.ndarray]]

EXACT_M = 1e-3
ARRIVES_M = 0.01
GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))
FURTHEST_KM = geodesy.half_meridian_m(GRS80) / 1_000

on_both_ellipsoids = pytest.mark.parametrize("crs", list(karney.ELLIPSOIDS))
of_every_kind = pytest.mark.parametrize("kind", karney.KINDS)


def own_plant(n: int) -> dict[str, list[str]]:
    """Waste codes by which the n-th site can use the n-th plant alone."""
    return {"waste_codes": [f"material {row}" for row in range(n)]}


def assert_arrives(crs: int, places: karney.Pairs, azimuth: np.ndarray, distance: np.ndarray) -> None:
    """Whoever sets out in the direction that is told, as far as is told, gets there."""
    lon, lat, to_lon, to_lat = places
    assert (np.isnan(azimuth) == (distance == 0)).all()
    assert ((azimuth[distance > 0] >= 0) & (azimuth[distance > 0] < 360)).all()
    gone = distance > 0
    earth = karney.ELLIPSOIDS[crs]
    x, y = karney.arrival(earth, (lon[gone], lat[gone]), azimuth[gone], distance[gone])
    assert karney.metres(earth, x, y, to_lon[gone], to_lat[gone]) == pytest.approx(0, abs=ARRIVES_M)


# ------------------------------------------------------------------------------------------- distances


@on_both_ellipsoids
@of_every_kind
def test_a_geodesic_is_that_of_karney(kind: str, crs: int, rng: Generator) -> None:
    places = karney.pairs(kind, rng, 250, karney.ELLIPSOIDS[crs])
    found = geodesy.inverse(geodesy.ellipsoid(CRS.from_epsg(crs)), *places)
    assert found.distance_m == pytest.approx(karney.metres(karney.ELLIPSOIDS[crs], *places), abs=EXACT_M)
    assert_arrives(crs, places, found.azimuth_deg, found.distance_m)


@on_both_ellipsoids
@of_every_kind
def test_the_nearest_plant_is_as_far_and_in_the_direction_as_karney_says(
    kind: str, crs: int, points: Points, rng: Generator
) -> None:
    places = karney.pairs(kind, rng, 120, karney.ELLIPSOIDS[crs])
    truth = karney.metres(karney.ELLIPSOIDS[crs], *places)
    sites = points(*places[:2], crs=crs, **own_plant(120))
    plants = points(*places[2:], "p", crs=crs, **own_plant(120))
    found = nearest_plants(sites, plants)
    assert found["plant_uid"].tolist() == plants.index.tolist()
    assert found["distance_m"].to_numpy() == pytest.approx(truth, abs=EXACT_M)
    assert_arrives(crs, places, found["azimuth_deg"].to_numpy(), found["distance_m"].to_numpy())


@on_both_ellipsoids
@of_every_kind
def test_ranks_of_all_plants_pairs_and_receptors_have_the_distances_of_karney(
    kind: str, crs: int, points: Points, rng: Generator
) -> None:
    lon, lat, to_lon, to_lat = karney.pairs(kind, rng, 16, karney.ELLIPSOIDS[crs])
    sites, plants = points(lon, lat, crs=crs), points(to_lon, to_lat, "p", crs=crs)
    truth = karney.matrix(karney.ELLIPSOIDS[crs], sites, plants)
    column = {uid: number for number, uid in enumerate(plants.index)}

    ranked = nearest_plants(sites, plants, k=16)
    by_rank = truth[np.repeat(np.arange(16), 16), ranked["plant_uid"].map(column)]
    assert ranked["distance_m"].to_numpy() == pytest.approx(by_rank, abs=EXACT_M)
    assert ranked["distance_m"].to_numpy() == pytest.approx(np.sort(truth, axis=1).ravel(), abs=EXACT_M)
    at, to = np.repeat(np.arange(16), 16), ranked["plant_uid"].map(column).to_numpy()
    places = (lon[at], lat[at], to_lon[to], to_lat[to])
    assert_arrives(crs, places, ranked["azimuth_deg"].to_numpy(), ranked["distance_m"].to_numpy())

    furthest = geodesy.half_meridian_m(geodesy.ellipsoid(CRS.from_epsg(crs)))
    paired = pairs_within(sites, furthest, plants)
    assert len(paired) == 256
    assert paired["distance_m"].to_numpy() == pytest.approx(truth.ravel(), abs=EXACT_M)

    received = nearest_feature(sites, plants, k=16)
    assert received["distance_m"].to_numpy() == pytest.approx(np.sort(truth, axis=1).ravel(), abs=EXACT_M)
    to_one = nearest_sites(plants.iloc[[0]], sites, k=16)
    assert to_one["distance_m"].to_numpy() == pytest.approx(np.sort(truth[:, 0]), abs=EXACT_M)


# --------------------------------------------------------------------------------------------- nearest


def assert_nearest(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, k: int, truth: np.ndarray) -> None:
    """The ranks are those of ``truth``, (n, m) metres; plants equally far to 1 µm may stand in any order."""
    found = nearest_plants(sites, plants, k=k)
    kept = min(k, len(plants))
    assert found["site_uid"].tolist() == np.repeat(sites.index, kept).tolist()
    assert found["rank"].tolist() == np.tile(np.arange(1, kept + 1), len(sites)).tolist()
    assert not found[["site_uid", "plant_uid"]].duplicated().any()
    plant = plants.index.get_indexer(found["plant_uid"]).reshape(-1, kept)
    order = np.sort(truth, axis=1)[:, :kept]
    assert np.take_along_axis(truth, plant, axis=1) == pytest.approx(order, abs=1e-6)
    assert found["distance_m"].to_numpy().reshape(-1, kept) == pytest.approx(order, abs=EXACT_M)


@pytest.mark.parametrize("k", [1, 2, 3, 4, 5, 200])
def test_nearest_is_the_least_of_all_geodesics_with_poles_and_antimeridian(
    k: int, points: Points, rng: Generator, anywhere: Anywhere
) -> None:
    lon, lat = anywhere(rng, 110)
    lat[:10], lat[10:20] = rng.uniform(89.99, 90, 10), rng.uniform(-90, -89, 10)
    lat[0], lat[10] = 90, -90
    lon[20:40] = 180 + rng.normal(0, 0.5, 20)
    mixed = rng.permutation(110)
    sites, plants = points(lon[mixed[:50]], lat[mixed[:50]]), points(lon[mixed[50:]], lat[mixed[50:]], "p")
    assert_nearest(sites, plants, k, karney.matrix(karney.CGCS2000, sites, plants))


def two_plants(points: Points, rng: Generator, reach: float, longer: float, n: int) -> tuple[Any, Any]:
    """Sites, and for each a plant at a distance and one that is so many metres nearer, in other directions."""
    lon, lat = rng.uniform(-180, 180, n), rng.uniform(-85, 85, n)
    codes = [f"material {row}" for row in range(n)]
    near = karney.arrival(karney.CGCS2000, (lon, lat), rng.uniform(0, 360, n), np.full(n, reach - longer))
    far = karney.arrival(karney.CGCS2000, (lon, lat), rng.uniform(0, 360, n), np.full(n, reach))
    both = [np.concatenate(pair) for pair in zip(far, near, strict=True)]
    return points(lon, lat, waste_codes=codes), points(*both, "p", waste_codes=codes * 2)


@pytest.mark.parametrize(
    ("reach", "longer"), [(20e3, 2e-5), (39.9e3, 1e-4), (1e5, 1e-3), (1e6, 1.0), (8e6, 500.0), (1.6e7, 5_000.0)]
)
def test_where_chords_would_name_the_other_plant_the_geodesic_decides(
    reach: float, longer: float, points: Points, rng: Generator
) -> None:
    sites, plants = two_plants(points, rng, reach, longer, 300)
    at = geodesy.geocentric(GRS80, sites.geometry.x.to_numpy(), sites.geometry.y.to_numpy())
    to = geodesy.geocentric(GRS80, plants.geometry.x.to_numpy(), plants.geometry.y.to_numpy())
    chord = np.linalg.norm(np.vstack([at, at]) - to, axis=1).reshape(2, -1)
    misleading = np.flatnonzero(chord[0] < chord[1])
    assert misleading.size > 20
    plants = plants.iloc[np.concatenate([misleading, misleading + 300])]
    sites = sites.iloc[misleading]
    found = nearest_plants(sites, plants, k=2)
    a, b = sites.geometry, plants.geometry
    truth = karney.metres(karney.CGCS2000, [*a.x, *a.x], [*a.y, *a.y], b.x, b.y).reshape(2, -1)
    assert (truth[0] > truth[1]).all()
    number = {uid: row for row, uid in enumerate(plants.index)}
    assert found["plant_uid"][::2].map(number).tolist() == list(range(len(sites), 2 * len(sites)))
    assert found["plant_uid"][1::2].map(number).tolist() == list(range(len(sites)))
    assert found["distance_m"].to_numpy() == pytest.approx(truth[::-1].T.ravel(), abs=EXACT_M)


@pytest.mark.parametrize("projection", [3857, "+proj=aea +lat_1=25 +lat_2=47 +lon_0=105 +ellps=GRS80", 4549])
def test_where_a_map_projection_would_name_the_other_plant_the_geodesic_decides(
    projection: int | str, points: Points, rng: Generator
) -> None:
    sites = points(rng.uniform(75, 130, 60), rng.uniform(20, 52, 60))
    plants = points(rng.uniform(75, 130, 60), rng.uniform(20, 52, 60), "p")
    truth = karney.matrix(karney.CGCS2000, sites, plants)
    flat = Transformer.from_crs(4490, projection, always_xy=True)
    at = np.column_stack(flat.transform(sites.geometry.x, sites.geometry.y))
    to = np.column_stack(flat.transform(plants.geometry.x, plants.geometry.y))
    planar = np.linalg.norm(at[:, None] - to[None], axis=2)
    assert (np.argsort(planar, axis=1)[:, :5] != np.argsort(truth, axis=1)[:, :5]).any()
    assert_nearest(sites, plants, 5, truth)


def test_near_the_antipode_the_geodesic_decides_by_kilometres(points: Points, rng: Generator) -> None:
    lat = np.concatenate([rng.uniform(-60, 60, 20), np.zeros(5), [90, -90]])
    sites = points(rng.uniform(-180, 180, 27), lat)
    here = sites.geometry.iloc[rng.integers(0, 27, 40)]
    plants = points(here.x + 180 + rng.normal(0, 0.5, 40), np.clip(-here.y + rng.normal(0, 0.5, 40), -90, 90), "p")
    plants = plants.set_geometry(gpd.points_from_xy((plants.geometry.x + 180) % 360 - 180, plants.geometry.y, crs=4490))
    assert_nearest(sites, plants, 40, karney.matrix(karney.CGCS2000, sites, plants))


# ------------------------------------------------------------------------------------------------ ties


@pytest.mark.parametrize("lat", [0.0, 35.0, -89.0])
def test_plants_mirrored_at_the_meridian_tie_and_stand_in_their_own_order(lat: float, points: Points) -> None:
    plants = points([100.3, 99.7, 101, 99, 100.3], [lat + 0.2] * 5, "p")
    order = ["p0", "p1", "p4", "p2", "p3"]
    for rows in ([0, 1, 2, 3, 4], [4, 3, 2, 1, 0], [1, 0, 4, 3, 2]):
        mixed = plants.iloc[rows]
        found = nearest_plants(points(100, lat), mixed, k=5)
        near, far = (sorted(some, key=mixed.index.get_loc) for some in (order[:3], order[3:]))
        assert found["plant_uid"].tolist() == near + far
        assert len(set(found["distance_m"])) == 2


def test_plants_mirrored_at_the_equator_and_the_antimeridian_tie(points: Points) -> None:
    plants = points([179.5, -179.5, 179.5, -179.5, -180], [-0.5, 0.5, 0.5, -0.5, 0], "p")
    found = nearest_plants(points([180, -180], [0, 0]), plants, k=5)
    assert found["plant_uid"].tolist() == ["p4", "p0", "p1", "p2", "p3"] * 2
    assert found["distance_m"][0] == 0
    assert len(set(found["distance_m"])) == 2


def test_from_a_pole_all_plants_of_a_parallel_tie(points: Points, rng: Generator) -> None:
    plants = points(rng.uniform(-180, 180, 40), [60.0] * 40, "p")
    found = nearest_plants(points([0, 77, 0], [90, 90, -90]), plants, k=40)
    assert found["plant_uid"].tolist() == plants.index.tolist() * 3
    assert found["distance_m"].to_numpy() == pytest.approx(
        np.repeat(karney.metres(karney.CGCS2000, [0, 0], [90, -90], [0, 0], [60, 60]), [80, 40]), abs=EXACT_M
    )


def test_any_number_of_plants_at_one_place_fill_the_ranks_in_their_own_order(points: Points) -> None:
    plants = points([100.5, 100.2, 100.5, 100.2, 100.5, 103], [30] * 6, "p")
    for k in (1, 2, 3, 4, 5, 6, 7, 1_000):
        found = nearest_plants(points(100, 30), plants, k=k)
        assert found["plant_uid"].tolist() == ["p1", "p3", "p0", "p2", "p4", "p5"][:k]


def test_the_antipode_of_a_plant_ties_with_every_way_there(points: Points) -> None:
    plants = points([-80, -80, 100], [0, 0, 0], "p")
    found = nearest_plants(points(100, 0), plants, k=3)
    assert found["plant_uid"].tolist() == ["p2", "p0", "p1"]
    assert found["distance_m"].to_numpy() == pytest.approx([0, FURTHEST_KM * 1_000, FURTHEST_KM * 1_000], abs=EXACT_M)


def test_materials_leave_the_nearest_of_those_that_match(points: Points, rng: Generator, anywhere: Anywhere) -> None:
    kinds = np.array(["SW04", "SW05", "SW09"])
    holds, takes = rng.integers(1, 8, 60), rng.integers(0, 8, 50)
    texts = [";".join(kinds[[bool(bits >> bit & 1) for bit in range(3)]]) or None for bits in (*holds, *takes)]
    sites = points(*anywhere(rng, 60), waste_codes=texts[:60])
    plants = points(*anywhere(rng, 50), "p", waste_codes=texts[60:])
    truth = np.where(holds[:, None] & takes[None], karney.matrix(karney.CGCS2000, sites, plants), np.inf)
    for k in (1, 3, 5):
        found = nearest_plants(sites, plants, k=k)
        expected = np.sort(truth, axis=1)[:, :k].ravel()
        assert found["distance_m"].to_numpy() == pytest.approx(expected[np.isfinite(expected)], abs=EXACT_M)
        order = np.argsort(truth, axis=1, kind="stable")[:, :k].ravel()
        assert found["plant_uid"].tolist() == plants.index.take(order[np.isfinite(expected)]).tolist()


# ------------------------------------------------------------------------------------------- the radius


def in_kilometres(distance_m: float) -> tuple[float, float]:
    """The least radius that is, times 1,000, no less than a distance, and the greatest that is less."""
    radius = distance_m / 1_000
    while radius * 1_000 >= distance_m:
        radius = np.nextafter(radius, 0)
    return float(np.nextafter(radius, np.inf)), float(radius)


@pytest.fixture
def rims(rng: Generator) -> karney.Pairs:
    """Plants, and sites in all directions from them at 1 m to 15,000 km; some at poles, some past the antimeridian."""
    n = 160
    lon, lat = rng.uniform(-180, 180, n), rng.uniform(-88, 88, n)
    lon[:20], lat[20:30] = 179.99, rng.choice([90.0, -90.0], 10)
    reach = rng.choice([1.0, 500.0, 39_999.99, 40_000.5, 50e3, 100e3, 150e3, 1e6, 9e6, 1.5e7], n)
    return (lon, lat, *karney.arrival(karney.CGCS2000, (lon, lat), rng.uniform(0, 360, n), reach))


def test_a_site_exactly_at_the_radius_is_inside_in_every_direction(rims: karney.Pairs, points: Points) -> None:
    exact = GRS80.inv(rims[2], rims[3], rims[0], rims[1])[2]
    assert exact == pytest.approx(karney.metres(karney.CGCS2000, *rims), abs=1e-6)
    for row, distance in enumerate(exact):
        plant, site = (points(x[row], y[row], prefix) for x, y, prefix in ((*rims[:2], "p"), (*rims[2:], "s")))
        inside, outside = in_kilometres(distance)
        found = within_radius(site, plant, [outside, inside], areas=False)
        assert found.per_site["plants"].tolist() == [0, 1]
        assert found.per_plant["sites"].tolist() == [0, 1]
        assert found.totals["sites_covered"].tolist() == [0, 1]


def test_pairs_and_receptors_exactly_at_the_distance_are_inside(rims: karney.Pairs, points: Points) -> None:
    exact = GRS80.inv(rims[2], rims[3], rims[0], rims[1])[2]
    for row, distance in enumerate(exact):
        plant, site = (points(x[row], y[row], prefix) for x, y, prefix in ((*rims[:2], "p"), (*rims[2:], "s")))
        short = np.nextafter(distance, 0)
        assert [len(pairs_within(site, limit, plant)) for limit in (short, distance)] == [0, 1]
        assert [len(nearest_feature(site, plant, within_m=limit)) for limit in (short, distance)] == [0, 1]
        assert [len(nearest_sites(plant, site, within_m=limit)) for limit in (short, distance)] == [0, 1]


@pytest.mark.parametrize("radius_km", [0.001, 0.5, 39.999, 40, 50, 100, 150, 1_000, 5_000, 12_000, 19_000])
def test_a_micrometre_within_the_radius_is_inside_and_one_beyond_is_not(
    radius_km: float, points: Points, rng: Generator
) -> None:
    for lon, lat in ((105.0, 35.0), (179.999, -10.0), (0.0, 90.0), (33.0, -89.99)):
        azimuth = np.concatenate([np.arange(0, 360, 15), rng.uniform(0, 360, 16)])
        n = azimuth.size
        start = np.full(n, lon), np.full(n, lat)
        reach = np.full(n, radius_km * 1_000)
        near, far = (karney.arrival(karney.CGCS2000, start, azimuth, reach + step) for step in (-1e-6, 1e-6))
        sites = points(*(np.concatenate(pair) for pair in zip(near, far, strict=True)))
        found = within_radius(sites, points(lon, lat, "p"), radius_km, areas=False)
        truth = karney.metres(karney.CGCS2000, *np.repeat([start], 2, axis=2)[0], sites.geometry.x, sites.geometry.y)
        sure = np.abs(truth - radius_km * 1_000) > 1e-7
        assert sure.mean() > 0.9
        assert (found.per_site["plants"].to_numpy() == (truth <= radius_km * 1_000))[sure].all()


# -------------------------------------------------------------------------------------------- coverage


def assert_covered(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, radii: list[float], truth: np.ndarray) -> None:
    """Counts and tonnes are those of ``truth``, (n, m) metres, pair by pair."""
    found = within_radius(sites, plants, radii, areas=False)
    annual, stock = (sites[column].to_numpy() for column in ("annual_t", "stock_t"))
    for radius, total in zip(radii, found.totals.itertuples(), strict=True):
        within = truth <= radius * 1_000
        plant = found.per_plant[found.per_plant["radius_km"] == radius]
        site = found.per_site[found.per_site["radius_km"] == radius]
        reached = within.any(axis=1)
        assert plant["plant_uid"].tolist() == plants.index.tolist()
        assert plant["sites"].tolist() == within.sum(axis=0).tolist()
        # Whole tonnes, of which any sum is exact.
        assert plant["annual_t"].tolist() == (annual @ within).tolist()
        assert plant["stock_t"].tolist() == (stock @ within).tolist()
        assert site["site_uid"].tolist() == sites.index.tolist()
        assert site["plants"].tolist() == within.sum(axis=1).tolist()
        assert total.sites_covered == reached.sum()
        assert total.annual_t_covered == annual[reached].sum()
        unreached = found.unreached[found.unreached["radius_km"] == radius]
        assert unreached["site_uid"].tolist() == sites.index[~reached].tolist()


def with_tonnes(points: Points, rng: Generator, lon: np.ndarray, lat: np.ndarray) -> gpd.GeoDataFrame:
    annual, stock = (rng.integers(0, most, len(lon)).astype(float) for most in (1_000_000, 10**9))
    return points(lon, lat, annual_t=annual, stock_t=stock)


@pytest.mark.parametrize("world", ["anywhere", "poles", "antimeridian", "a province"])
def test_counts_and_tonnes_are_those_of_every_pair(
    world: str, points: Points, rng: Generator, anywhere: Anywhere
) -> None:
    lon, lat = anywhere(rng, 190)
    if world == "poles":
        lat = np.clip(rng.choice([90, -90], 190) + rng.normal(0, 0.7, 190) * (rng.random(190) > 0.1), -90, 90)
    elif world == "antimeridian":
        lon, lat = (180 + rng.normal(0, 1.5, 190) + 180) % 360 - 180, rng.normal(0, 2, 190)
        lon[:10] = rng.choice([180, -180], 10)
    elif world == "a province":
        lon, lat = rng.uniform(105, 109, 190), rng.uniform(33, 36, 190)
    sites, plants = with_tonnes(points, rng, lon[:140], lat[:140]), points(lon[140:], lat[140:], "p")
    truth = karney.matrix(karney.CGCS2000, sites, plants)
    radii = [10.0, 50.0, 100.0, 150.0, 1_000.0, 9_999.0, 18_000.0, FURTHEST_KM]
    assert np.abs(truth[..., None] - np.array(radii[:-1]) * 1_000).min() > 1e-6
    assert_covered(sites, plants, radii[:-1], truth)
    everything = within_radius(sites, plants, FURTHEST_KM, areas=False).per_site["plants"]
    assert (everything == len(plants)).all()


coordinate = st.tuples(st.integers(-18, 18).map(lambda v: 10.0 * v), st.integers(-9, 9).map(lambda v: 10.0 * v))


@settings(max_examples=40, deadline=None)
@given(
    at=st.lists(coordinate, min_size=1, max_size=7),
    to=st.lists(coordinate, min_size=1, max_size=5),
    tonnes=st.lists(st.integers(0, 2**40), min_size=14, max_size=14),
    radii=st.sets(st.sampled_from([1.0, 700.0, 1_100.0, 5_000.0, 9_000.0, 15_000.0, 19_990.0]), min_size=1, max_size=3),
)
def test_counts_and_tonnes_are_exact_on_any_layout(
    points: Points, at: list, to: list, tonnes: list, radii: set
) -> None:
    n = len(at)
    sites = points(*np.array(at).T, annual_t=np.array(tonnes[:n], float), stock_t=np.array(tonnes[7 : 7 + n], float))
    plants = points(*np.array(to).T, "p")
    assert_covered(sites, plants, sorted(radii), karney.matrix(karney.CGCS2000, sites, plants))


def test_coverage_and_proximity_agree_on_who_is_within_reach(
    points: Points, rng: Generator, anywhere: Anywhere
) -> None:
    sites, plants = points(*anywhere(rng, 3_000)), points(*anywhere(rng, 200), "p")
    nearest = nearest_plants(sites, plants)
    radius = float(nearest["distance_m"].median()) / 1_000
    reached = within_radius(sites, plants, radius, areas=False).per_site["plants"] > 0
    pd.testing.assert_series_equal(nearest["distance_m"] <= radius * 1_000, reached, check_names=False)
