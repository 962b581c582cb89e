"""Blurred positions: what is promised of them holds for every place on Earth, measured by Karney's geodesic."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import example, given
from hypothesis import strategies as st
from pyproj import Geod

from registry.errors import BadParameterError, CrsError
from registry.services.coarsening import Grid, coarsened

GEOD = Geod(ellps="GRS80")
longitudes = st.floats(-180, 180)
latitudes = st.floats(-90, 90)
sizes = st.floats(1, 100_000)
everywhere = [
    (0.0, 90.0),
    (0.0, -90.0),
    (180.0, 0.0),
    (-180.0, 0.0),
    (179.999999, 89.999),
    (116.4, 39.9),
    (-1e-17, -1e-17),
]


def at(grid: Grid, lon: float, lat: float) -> tuple[float, float, float]:
    found = grid.coarsen(np.array([lon]), np.array([lat]))
    return float(found.lon[0]), float(found.lat[0]), float(found.bound_m[0])


@given(lon=longitudes, lat=latitudes, size=sizes)
@example(*everywhere[0], 1000)
@example(*everywhere[1], 100_000)
@example(*everywhere[2], 50)
@example(*everywhere[3], 50)
@example(*everywhere[4], 10_000)
@example(*everywhere[6], 1)
def test_no_position_is_moved_farther_than_is_said(lon: float, lat: float, size: float) -> None:
    there_lon, there_lat, bound = at(Grid.of(size), lon, lat)
    assert -180 <= there_lon <= 180
    assert -90 <= there_lat <= 90
    assert GEOD.inv(lon, lat, there_lon, there_lat)[2] <= bound


@given(lon=longitudes, lat=latitudes, size=sizes)
def test_what_is_published_says_no_more_when_it_is_coarsened_again(lon: float, lat: float, size: float) -> None:
    grid = Grid.of(size)
    once = at(grid, lon, lat)
    assert at(grid, once[0], once[1]) == once


@given(lon=longitudes, lat=latitudes, fine=sizes, coarse=sizes)
@example(116.4, 89.99, 1000, 4000)
@example(116.4, -89.99, 1, 100_000)
def test_a_coarse_position_follows_from_every_finer_one(lon: float, lat: float, fine: float, coarse: float) -> None:
    fine, coarse = sorted((fine, coarse))
    published = at(Grid.of(fine), lon, lat)
    assert at(Grid.of(coarse), published[0], published[1]) == at(Grid.of(coarse), lon, lat)


@given(lat=st.floats(-89, 89), lon=longitudes, size=st.floats(1, 30_000))
def test_a_cell_is_as_high_and_as_wide_as_was_asked(lon: float, lat: float, size: float) -> None:
    """From a centre, positions half a size away to each side are still in the cell."""
    grid = Grid.of(size)
    lon, lat, _ = at(grid, lon, lat)
    for azimuth in (0, 90, 180, 270):
        # A great circle to the east leaves the parallel towards the equator, where the cell is wider still.
        there = GEOD.fwd(lon, lat, azimuth, size / 2 * 0.999)
        assert at(grid, there[0], there[1])[:2] == (lon, lat)


@given(st.lists(st.tuples(longitudes, latitudes), min_size=1, max_size=30))
def test_a_position_does_not_depend_on_its_company(places: list[tuple[float, float]]) -> None:
    grid = Grid.of(1000)
    lon, lat = np.array(places).T
    whole = grid.coarsen(lon, lat)
    alone = [at(grid, *place)[:2] for place in places]
    assert list(zip(whole.lon.tolist(), whole.lat.tolist(), strict=True)) == alone


@given(lon=longitudes, lat=st.floats(-89.9, 89.9))
def test_a_longitude_counts_round_the_earth(lon: float, lat: float) -> None:
    grid = Grid.of(5000)
    found, turned = at(grid, lon, lat), at(grid, lon + 360.0, lat)
    # Adding a turn costs the last digits, which can carry a position on a border over it.
    assert turned[1:] == found[1:]
    assert abs(((turned[0] - found[0] + 180) % 360) - 180) * 111_320 * np.cos(np.radians(lat)) <= 2 * found[2]


def test_at_the_latitude_of_a_site_in_china_a_kilometre_is_blurred_by_less_than_two() -> None:
    grid = Grid.of(1000)
    assert 1000 <= grid.height_m < 2000
    assert 700 <= grid.bound_m(37.1) <= 2000


def test_the_largest_displacement_is_come_near_to() -> None:
    chance = np.random.default_rng(3)
    lon, lat = chance.uniform(75, 135, 20_000), chance.uniform(18, 53, 20_000)
    found = Grid.of(1000).coarsen(lon, lat)
    moved = GEOD.inv(lon, lat, found.lon, found.lat)[2]
    assert 0.95 <= (moved / found.bound_m).max() <= 1.0
    assert len(np.unique(np.column_stack([found.lon, found.lat]), axis=0)) > 19_000


@pytest.mark.parametrize("size", [0, 0.5, -1, 100_001, float("nan"), float("inf")])
def test_a_size_that_blurs_nothing_or_everything_is_refused(size: float) -> None:
    with pytest.raises(BadParameterError, match="coarsen-m"):
        Grid.of(size)


def layer(**changes: object) -> gpd.GeoDataFrame:
    columns = {
        "name": ["甲", "乙", "丙"],
        "position_accuracy_m": [np.nan, 5.0, 90_000.0],
        "extra": ['{"经度": "111.123456"}', None, None],
        "warnings": ["latitude 37.123456 was turned round", None, None],
        "province_code": ["140000"] * 3,
    }
    return gpd.GeoDataFrame(
        {**columns, **changes},
        geometry=[shapely.Point(111.123456, 37.123456), shapely.Point(111.2, 37.1), None],
        index=pd.Index(["a", "b", "c"], name="uid"),
        crs="EPSG:4490",
    )


def test_a_layer_keeps_its_rows_and_loses_what_tells_its_true_positions() -> None:
    given, grid = layer(), Grid.of(1000)
    out = coarsened(given, grid)
    assert list(out.columns) == ["name", "position_accuracy_m", "province_code", "geometry"]
    assert out.index.equals(given.index)
    assert out.crs == given.crs
    assert out.geometry.isna().tolist() == [False, False, True]
    assert not out.geometry.iloc[0].equals(given.geometry.iloc[0])
    assert "37.123456" not in out.to_csv()
    assert given.geometry.x.iloc[0] == 111.123456  # the caller's own layer is untouched


def test_the_stated_accuracy_is_no_better_than_the_blur() -> None:
    out = coarsened(layer(), grid := Grid.of(1000))
    accuracy = out["position_accuracy_m"].tolist()
    for stated, lat in zip(accuracy, (37.123456, 37.1), strict=False):
        assert grid.bound_m(lat) <= stated <= grid.bound_m(lat) + 1
    assert accuracy[2] == 90_000.0
    unstated = coarsened(layer().drop(columns="position_accuracy_m"), grid)
    assert unstated["position_accuracy_m"].iloc[0] == accuracy[0]


def test_a_layer_in_metres_or_of_no_crs_is_refused() -> None:
    for other in (layer().to_crs("EPSG:4527"), layer().set_crs(None, allow_override=True)):
        with pytest.raises(CrsError, match="to_crs"):
            coarsened(other, Grid.of(1000))
