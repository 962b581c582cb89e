from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from registry.errors import BadParameterError, CrsError, UnknownColumnError
from registry.services import geodesy, regions
from registry.services.kernels.region_grid import UNDECIDED, build_grid, edges_of, look_up

Points = Callable[..., gpd.GeoDataFrame]


def truth(polygons: np.ndarray, lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    """Return the first polygon that shapely says a point is in or on, −1 for none."""
    rows = np.full(lon.size, -1)
    for number in reversed(range(len(polygons))):
        shapely.prepare(polygons[number])
        rows[shapely.intersects_xy(polygons[number], lon, lat)] = number
    return rows


def by_grid(polygons: np.ndarray, lon: np.ndarray, lat: np.ndarray, cells: int) -> np.ndarray:
    ends, owner = edges_of(polygons)
    grid = build_grid(ends, owner, cells)
    assert grid is not None
    return look_up(grid, lon, lat)


def test_a_million_sites_get_the_province_that_shapely_gives_them(
    provinces: gpd.GeoDataFrame, rng: Generator, points: Points
) -> None:
    lon, lat = rng.uniform(72, 137, 1_000_000), rng.uniform(2, 55, 1_000_000)
    sites = points(lon, lat)
    codes = np.append(provinces["code"].to_numpy(object), None)
    expected = codes[truth(provinces.geometry.to_numpy().copy(), lon, lat)]
    found = regions.locate(sites, provinces)
    assert found.index is sites.index or found.index.equals(sites.index)
    assert found.dtype == object
    assert (found.to_numpy() == expected).all()


def test_sites_on_vertices_and_edges_of_provinces_get_the_first_that_shapely_names(
    provinces: gpd.GeoDataFrame, rng: Generator
) -> None:
    polygons = provinces.geometry.to_numpy().copy()
    ends, _ = edges_of(polygons)
    some = ends[:, rng.choice(ends.shape[1], 60_000, replace=False)]
    share = rng.uniform(0, 1, 60_000)
    lon = np.concatenate([some[0], (some[0] + some[2]) / 2, some[0] + share * (some[2] - some[0])])
    lat = np.concatenate([some[1], (some[1] + some[3]) / 2, some[1] + share * (some[3] - some[1])])
    assert (regions.rows_of_points(polygons, lon, lat) == truth(polygons, lon, lat)).all()


@pytest.mark.parametrize("cells", [1, 7, 100, 5_000])
def test_the_grid_never_guesses_on_polygons_that_overlap_and_share_lines(cells: int, rng: Generator) -> None:
    polygons = np.array(
        [
            shapely.box(0, 0, 4, 4),
            shapely.box(4, 0, 8, 4),
            shapely.box(2, 2, 6, 6),
            shapely.Point(5, 5).buffer(3),
            shapely.box(-1, -1, 9, 9).difference(shapely.box(0, 0, 8, 8)),
            shapely.Polygon([(0, 8), (8, 8), (4, 4)]),
        ],
        dtype=object,
    )
    whole = np.arange(-2, 10, 0.5)
    x, y = (axis.ravel() for axis in np.meshgrid(whole, whole))
    x, y = np.append(x, rng.uniform(-2, 10, 20_000)), np.append(y, rng.uniform(-2, 10, 20_000))
    found, expected = by_grid(polygons, x, y, cells), truth(polygons, x, y)
    sure = found != UNDECIDED
    assert (found[sure] == expected[sure]).all()
    assert sure.mean() > 0.9 or cells <= 100


@settings(max_examples=60, deadline=None)
@given(
    rings=st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=3, max_size=9),
        min_size=1,
        max_size=4,
    ),
    cells=st.integers(1, 300),
)
def test_the_grid_agrees_with_shapely_on_any_polygons(rings: list, cells: int) -> None:
    drawn = [shapely.make_valid(shapely.Polygon(ring)) for ring in rings]
    kept = [part for shape in drawn for part in shapely.get_parts(shape) if part.geom_type == "Polygon"]
    if not kept:
        return
    polygons = np.array(kept, dtype=object)
    x, y = (axis.ravel() for axis in np.meshgrid(np.arange(-1, 13.1, 0.25), np.arange(-1, 13.1, 0.25)))
    found, expected = by_grid(polygons, x, y, cells), truth(polygons, x, y)
    sure = found != UNDECIDED
    assert (found[sure] == expected[sure]).all()


def test_invalid_polygons_are_made_valid_first(points: Points, rng: Generator) -> None:
    bow_tie = shapely.Polygon([(0, 0), (4, 4), (4, 0), (0, 4)])
    layer = gpd.GeoDataFrame({"code": ["tie"]}, geometry=[bow_tie], crs=4490)
    lon, lat = rng.uniform(-1, 5, 3_000), rng.uniform(-1, 5, 3_000)
    expected = shapely.intersects_xy(shapely.make_valid(bow_tie), lon, lat)
    assert (regions.locate(points(lon, lat), layer).notna().to_numpy() == expected).all()
    assert not layer.geometry.is_valid.any()


@pytest.fixture
def squares() -> gpd.GeoDataFrame:
    shapes = [shapely.box(110, 30, 120, 40), shapely.box(100, 30, 110, 40)]
    return gpd.GeoDataFrame({"code": ["east", "west"]}, geometry=shapes, crs=4490)


def test_a_site_on_a_shared_boundary_gets_the_first_region_only(points: Points, squares: gpd.GeoDataFrame) -> None:
    sites = points([110, 105, 115, 125, 110], [35, 35, 35, 35, 30])
    assert regions.locate(sites, squares).tolist() == ["east", "west", "east", None, "east"]
    assert regions.locate(sites, squares[::-1]).tolist() == ["west", "west", "east", None, "west"]


def test_a_site_out_at_sea_gets_the_nearest_region_within_the_tolerance(
    points: Points, squares: gpd.GeoDataFrame
) -> None:
    east, north = geodesy.ellipsoid(squares.crs).fwd([120, 110], [35, 40], [90, 0], [99, 99])[:2]
    sites = points([*east, 130], [*north, 35])
    assert regions.locate(sites, squares).tolist() == [None, None, None]
    assert regions.locate(sites, squares, tolerance_m=100).tolist() == ["east", "east", None]
    assert regions.locate(sites, squares, tolerance_m=98).tolist() == [None, None, None]


def test_the_distance_to_a_region_is_the_least_over_all_its_boundary(points: Points, rng: Generator) -> None:
    ring = shapely.Polygon([(100, 60), (108, 61), (107, 66), (103, 64), (101, 67)])
    layer = gpd.GeoDataFrame({"code": ["north"]}, geometry=[ring], crs=4490)
    dense = shapely.get_coordinates(shapely.segmentize(ring, 0.001))
    geod = geodesy.ellipsoid(layer.crs)
    sites = points(rng.uniform(99, 109, 60), rng.uniform(59.5, 67.5, 60))
    for uid, point in sites.geometry.items():
        if ring.intersects(point):
            continue
        x, y = np.full(len(dense), point.x), np.full(len(dense), point.y)
        least = geod.inv(x, y, *dense.T)[2].min()
        if least < 90_000:
            one = sites.loc[[uid]]
            assert regions.locate(one, layer, tolerance_m=least + 1).tolist() == ["north"]
            assert regions.locate(one, layer, tolerance_m=least - 5).tolist() == [None]


def test_the_tolerance_reaches_across_the_antimeridian(points: Points) -> None:
    layer = gpd.GeoDataFrame({"code": ["chukotka"]}, geometry=[shapely.box(170, 60, 180, 70)], crs=4490)
    assert regions.locate(points(-179.999, 65), layer, tolerance_m=100).tolist() == ["chukotka"]


def test_a_layer_of_sites_without_rows_has_no_regions(points: Points, squares: gpd.GeoDataFrame) -> None:
    assert regions.locate(points([], []), squares).empty


def test_regions_in_another_crs_are_brought_to_that_of_the_sites(points: Points, squares: gpd.GeoDataFrame) -> None:
    assert regions.locate(points(115, 35), squares.to_crs(3857)).tolist() == ["east"]


def test_areas_of_provinces_are_near_the_official_ones(provinces: gpd.GeoDataFrame) -> None:
    areas = pd.Series(regions.areas_km2(provinces).to_numpy(), index=provinces["code"])
    # km²; the official figure of Inner Mongolia is known to be a round one
    for code, official in {
        "130000": 188_800,
        "140000": 156_700,
        "150000": 1_183_000,
        "650000": 1_660_000,
    }.items():
        assert areas[code] == pytest.approx(official, rel=0.04)


def test_the_area_of_a_square_is_that_of_geographiclib(squares: gpd.GeoDataFrame) -> None:
    assert regions.areas_km2(squares).tolist() == pytest.approx([1_006_571.9] * 2, rel=5e-3)


def test_bad_input_is_refused_in_one_sentence(points: Points, squares: gpd.GeoDataFrame) -> None:
    sites = points(115, 35)
    with pytest.raises(BadParameterError, match="tolerance_m = -1"):
        regions.locate(sites, squares, tolerance_m=-1)
    with pytest.raises(BadParameterError, match="tolerance_m = nan"):
        regions.locate(sites, squares, tolerance_m=float("nan"))
    with pytest.raises(UnknownColumnError, match="no column code"):
        regions.locate(sites, squares.drop(columns="code"))
    with pytest.raises(CrsError, match="regions"):
        regions.locate(sites, squares.set_crs(None, allow_override=True))
    with pytest.raises(BadParameterError, match="not a polygon"):
        regions.locate(sites, squares.set_geometry(squares.boundary))


def test_a_layer_that_was_changed_is_not_taken_for_what_it_was(points: Points) -> None:
    sites = points([100.5, 102.5], [30.5, 30.5])
    layer = gpd.GeoDataFrame({"code": ["A"]}, geometry=[shapely.box(100, 30, 101, 31)], crs=4490)
    assert regions.locate(sites, layer).tolist() == ["A", None]
    layer.geometry.array[0] = shapely.box(102, 30, 103, 31)
    assert regions.locate(sites, layer).tolist() == [None, "A"]
    many = points(np.tile([100.5, 102.5], 60_000), np.full(120_000, 30.5))
    assert regions.locate(many, layer).tolist() == [None, "A"] * 60_000
    assert regions.locate(many.iloc[:110_000], layer.iloc[::-1]).tolist() == [None, "A"] * 55_000
    for west in range(100, 110):
        # More layers than are remembered, and the first one again.
        other = gpd.GeoDataFrame({"code": ["B"]}, geometry=[shapely.box(west, 30, west + 1, 31)], crs=4490)
        assert (
            regions.locate(many, other).tolist()
            == ["B" if west == 100 else None, "B" if west == 102 else None] * 60_000
        )
    assert regions.locate(many, layer).tolist() == [None, "A"] * 60_000
