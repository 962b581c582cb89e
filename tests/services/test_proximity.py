from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator
from pyproj import CRS

from registry.errors import BadParameterError, CrsError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy
from registry.services.proximity import nearest_plants

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[..., tuple[np.ndarray, np.ndarray]]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))
COLUMNS = ["site_uid", "rank", "plant_uid", "distance_m", "azimuth_deg", "same_province"]


def brute_force(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Return plant rows (n, k) and distances by all geodesics; ties in the order of rows."""
    lon, lat = sites.geometry.x.to_numpy(), sites.geometry.y.to_numpy()
    to_lon, to_lat = plants.geometry.x.to_numpy(), plants.geometry.y.to_numpy()
    n, m = len(lon), len(to_lon)
    every = GRS80.inv(np.repeat(lon, m), np.repeat(lat, m), np.tile(to_lon, n), np.tile(to_lat, n))[2].reshape(n, m)
    order = np.argsort(every, axis=1, kind="stable")[:, :k]
    return order, np.take_along_axis(every, order, axis=1)


def assert_nearest(found: pd.DataFrame, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, k: int) -> None:
    rows, distance = brute_force(sites, plants, k)
    assert found.columns.tolist() == COLUMNS
    assert found["site_uid"].tolist() == np.repeat(sites.index, rows.shape[1]).tolist()
    assert found["rank"].tolist() == np.tile(np.arange(1, rows.shape[1] + 1), len(sites)).tolist()
    assert found["distance_m"].to_numpy() == pytest.approx(distance.ravel(), abs=1e-6)
    assert found["plant_uid"].tolist() == plants.index.take(rows.ravel()).tolist()


@pytest.mark.parametrize("k", [1, 3, 50])
def test_nearest_is_nearest_by_geodesic_all_over_the_world(
    k: int, points: Points, rng: Generator, anywhere: Anywhere
) -> None:
    sites, plants = points(*anywhere(rng, 1_500)), points(*anywhere(rng, 200), "p")
    assert_nearest(nearest_plants(sites, plants, k=k), sites, plants, k)


def test_nearest_holds_at_the_poles_and_across_the_antimeridian(points: Points, rng: Generator) -> None:
    lon = np.concatenate([rng.uniform(-180, 180, 150), [179.999, -180, 180, 0, 90]])
    lat = np.concatenate([rng.uniform(89.9, 90, 75), rng.uniform(-90, -89.9, 75), [0, 0, 0, 90, -90]])
    sites = points(lon, lat)
    plants = points(rng.permutation(lon), rng.permutation(lat), "p")
    assert_nearest(nearest_plants(sites, plants, k=4), sites, plants, 4)


def test_near_the_antipode_geodesic_order_stands_where_chords_would_say_otherwise(
    points: Points, rng: Generator
) -> None:
    sites = points(rng.uniform(-1, 1, 100), rng.uniform(-1, 1, 100))
    plants = points(180 + rng.uniform(-1.5, 1.5, 60), rng.uniform(-1.5, 1.5, 60), "p")
    assert_nearest(nearest_plants(sites, plants, k=60), sites, plants, 60)
    rows, _ = brute_force(sites, plants, 60)
    chords = np.linalg.norm(
        geodesy.geocentric(GRS80, sites.geometry.x.to_numpy(), sites.geometry.y.to_numpy())[:, None]
        - geodesy.geocentric(GRS80, plants.geometry.x.to_numpy(), plants.geometry.y.to_numpy())[None],
        axis=2,
    )
    assert (np.argsort(chords, axis=1) != rows).any()


def test_equally_distant_plants_stand_in_their_own_order(points: Points) -> None:
    plants = points([101, 99, 99, 101, 100], [10, 10, 10, 10, 12], "p")
    found = nearest_plants(points(100, 10), plants, k=4)
    assert found["plant_uid"].tolist() == ["p0", "p1", "p2", "p3"]
    assert len(set(found["distance_m"])) == 1
    turned = nearest_plants(points(100, 10), plants.iloc[[2, 1, 0, 4, 3]], k=3)
    assert turned["plant_uid"].tolist() == ["p2", "p1", "p0"]


@settings(max_examples=60, deadline=None)
@given(
    sites=st.lists(st.tuples(st.integers(-18, 18), st.integers(-9, 9)), min_size=1, max_size=8),
    plants=st.lists(st.tuples(st.integers(-18, 18), st.integers(-9, 9)), min_size=1, max_size=12),
    k=st.integers(1, 13),
)
def test_nearest_is_exact_on_any_layout_with_ties(points: Points, sites: list, plants: list, k: int) -> None:
    sites, plants = points(*(10.0 * np.array(sites).T)), points(*(10.0 * np.array(plants).T), "p")
    assert_nearest(nearest_plants(sites, plants, k=k), sites, plants, k)


def test_a_plant_at_the_site_is_at_distance_zero_with_no_azimuth(points: Points) -> None:
    found = nearest_plants(points(100, 30), points([100, 101], [30, 30], "p"))
    assert found["distance_m"].tolist() == [0]
    assert found["azimuth_deg"].isna().all()


def test_a_site_is_sent_to_the_nearest_plant_that_accepts_its_waste(points: Points) -> None:
    sites = points([100] * 4, [30] * 4, waste_codes=["091-001-S05", "SW04", "321-002-48;SW04", "SW09"])
    plants = points([100.1, 100.2, 100.3], [30] * 3, "p", waste_codes=["SW04", "SW05", "HW48"])
    found = nearest_plants(sites, plants, k=3)
    assert found[["site_uid", "rank", "plant_uid"]].to_numpy().tolist() == [
        ["s0", 1, "p1"],
        ["s1", 1, "p0"],
        ["s2", 1, "p0"],
        ["s2", 2, "p2"],
    ]
    anyhow = nearest_plants(sites, plants, same_material=False)
    assert anyhow["plant_uid"].tolist() == ["p0"] * 4


def test_material_groups_are_exact_too(points: Points, rng: Generator, anywhere: Anywhere) -> None:
    codes = np.array(["SW04", "SW05", "SW04;SW05", "091-001-S05", None], dtype=object)
    sites = points(*anywhere(rng, 400), waste_codes=rng.choice(codes, 400))
    plants = points(*anywhere(rng, 90), "p", waste_codes=rng.choice(codes, 90))
    found = nearest_plants(sites, plants, k=2).set_index(["site_uid", "rank"])["distance_m"]
    takes = {"SW04": {"SW04"}, "SW05": {"SW05", "091-001-S05"}, "091-001-S05": {"091-001-S05"}}
    for uid, site in sites.iterrows():
        held = set(str(site["waste_codes"]).split(";"))
        matching = [
            bool(held & set().union(*(takes.get(code, set()) for code in str(plant).split(";"))))
            for plant in plants["waste_codes"]
        ]
        if not any(matching):
            assert uid not in found.index.get_level_values(0)
            continue
        _, distance = brute_force(sites.loc[[uid]], plants[matching], 2)
        assert found[uid].to_numpy() == pytest.approx(distance[0], abs=1e-6)


def test_whether_both_are_in_one_province_is_missing_where_either_is_unknown(points: Points) -> None:
    sites = points([100] * 3, [30] * 3, province_code=["110000", "120000", None])
    plants = points([100], [31], "p", province_code=["110000"])
    assert nearest_plants(sites, plants)["same_province"].tolist() == [True, False, pd.NA]
    without = nearest_plants(sites.drop(columns="province_code"), plants)
    assert without["same_province"].isna().all()


def test_layers_in_different_crs_are_measured_in_that_of_the_sites(points: Points) -> None:
    sites, plants = points([100, 110], [30, 31]), points([101, 111], [30, 31], "p", crs=4326)
    expected = nearest_plants(sites, plants)
    found = nearest_plants(sites.to_crs(4543), plants.to_crs(3857))
    assert found["plant_uid"].tolist() == expected["plant_uid"].tolist()
    assert found["distance_m"].to_numpy() == pytest.approx(expected["distance_m"].to_numpy(), abs=1e-5)


def test_no_site_has_no_row(points: Points) -> None:
    assert nearest_plants(points([], []), points(1, 1, "p")).columns.tolist() == COLUMNS


def test_bad_input_is_refused_in_one_sentence(points: Points) -> None:
    sites, plants = points(100, 30), points(101, 30, "p")
    with pytest.raises(EmptyLayerError, match="plants"):
        nearest_plants(sites, plants.iloc[:0])
    with pytest.raises(BadParameterError, match="k = 0"):
        nearest_plants(sites, plants, k=0)
    with pytest.raises(CrsError, match="plants"):
        nearest_plants(sites, plants.set_crs(None, allow_override=True))
    with pytest.raises(UnknownColumnError, match="plants: no column waste_codes"):
        nearest_plants(sites.assign(waste_codes="SW05"), plants)
    with pytest.raises(BadParameterError, match="uid p0 occurs more than once"):
        nearest_plants(sites, pd.concat([plants, plants]))


@pytest.mark.parametrize("world", ["even", "clustered", "around a pole", "across the antimeridian"])
@pytest.mark.parametrize("k", [1, 3])
def test_many_sites_at_once_get_the_nearest_wherever_plants_lie(
    world: str, k: int, points: Points, rng: Generator
) -> None:
    n, m = 4_000, 700
    lon, lat = rng.uniform(95, 125, n + m), rng.uniform(20, 45, n + m)
    if world == "clustered":
        lon, lat = 110 + rng.standard_cauchy(n + m).clip(-60, 60) / 4, 30 + rng.standard_cauchy(n + m).clip(-50, 50) / 4
    if world == "around a pole":
        lon, lat = rng.uniform(-180, 180, n + m), 90 - rng.exponential(3, n + m).clip(0, 100)
    if world == "across the antimeridian":
        lon = np.mod(lon - 110 + 360, 360) - 180
    sites, plants = points(lon[:n], lat[:n]), points(lon[n:], lat[n:], "p")
    found = nearest_plants(sites, plants, k=k)
    order, distance = brute_force(sites, plants, k)
    assert found["plant_uid"].tolist() == plants.index[order.ravel()].tolist()
    assert np.allclose(found["distance_m"], distance.ravel(), rtol=0, atol=1e-6)
