from collections.abc import Callable

import geopandas as gpd
import h3
import numpy as np
import pytest
import shapely
from numpy.random import Generator

from registry.errors import BadParameterError, CrsError, EmptyLayerError
from registry.services import concentration, hexagons, regions

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[[Generator, int], tuple[np.ndarray, np.ndarray]]


@pytest.mark.parametrize("resolution", [0, 2, 5, 9, 15])
def test_every_site_lies_in_the_cell_that_h3_gives_it(
    resolution: int, points: Points, anywhere: Anywhere, rng: Generator
) -> None:
    lon, lat = anywhere(rng, 2_000)
    codes = hexagons.cells_of(points(lon, lat), resolution)
    assert codes.tolist() == [h3.latlng_to_cell(y, x, resolution) for x, y in zip(lon, lat, strict=True)]
    assert codes.index[0] == "s0"
    assert codes.name == "region_code"


@pytest.mark.parametrize("resolution", [0, 1, 2])
def test_polygons_over_poles_and_antimeridian_hold_what_h3_puts_in_the_cell(
    resolution: int, points: Points, anywhere: Anywhere, rng: Generator
) -> None:
    lon, lat = anywhere(rng, 20_000)
    lat[:100], lon[100:200], lat[200:210] = 90 - rng.exponential(1, 100), 180, [-90.0] * 10
    sites = points(lon, lat)
    cells = hexagons.hexagons(sites, resolution=resolution)
    assert cells.is_valid.all()
    by_polygon = regions.locate(sites, cells)
    by_h3 = hexagons.cells_of(sites, resolution)
    differ = np.flatnonzero(by_polygon.to_numpy() != by_h3.to_numpy())
    assert differ.size < 10  # within metres of an edge
    shapes = cells.set_index("code").geometry
    for row in differ:
        assert shapes[by_h3.iloc[row]].distance(shapely.Point(lon[row], lat[row])) < 1e-3


@pytest.mark.parametrize("resolution", [0, 1])
def test_cells_cover_the_earth_once(resolution: int, points: Points) -> None:
    cells = hexagons.hexagons(
        points(np.arange(-180.0, 180), np.linspace(-90, 90, 360)), resolution=resolution, cover=True
    )
    assert len(cells) == h3.get_num_cells(resolution)
    assert regions.areas_km2(cells).sum() == pytest.approx(510_065_621.724, rel=1e-8)  # the ellipsoid GRS 80
    assert shapely.area(cells.geometry.to_numpy()).sum() == pytest.approx(360 * 180)
    assert shapely.area(shapely.union_all(cells.geometry.to_numpy())) == pytest.approx(360 * 180)
    west, south, east, north = cells.total_bounds
    assert (west, south, east, north) == (-180, -90, 180, 90)


def test_cells_stand_in_for_provinces_and_totals_are_equal(points: Points, rng: Generator) -> None:
    lon, lat = rng.normal(114, 2, 3_000), rng.normal(37, 2, 3_000)
    sites = points(lon, lat, annual_t=rng.pareto(1.2, 3_000), kind=["tailings_pond"] * 3_000)
    cells = hexagons.hexagons(sites)
    located = hexagons.cells_of(sites, cells.attrs["resolution"])
    table = concentration.by_region(sites, cells, measure="annual_t", located=located)
    assert table["sites"].sum() == table["tailings_ponds"].sum() == 3_000
    assert table["annual_t"].sum() == pytest.approx(sites["annual_t"].sum())
    assert table.attrs["totals"]["outside"] == 0
    assert (table["sites"] > 0).all()
    assert table["share"].sum() == pytest.approx(1)
    counts = located.value_counts()
    assert table.set_index("region_code")["sites"].to_dict() == counts.to_dict()
    by_polygon = concentration.by_region(sites, cells)
    assert by_polygon.attrs["totals"]["outside"] <= 3


@pytest.mark.parametrize(
    ("box", "resolution"),
    [
        ((73, 18, 135, 54), 2),
        ((110, 34.5, 114.5, 40.7), 4),
        ((-180, -90, 180, 90), 0),
        ((178, -18, -178, -14), 4),
        ((105, 30, 105, 30), 8),
    ],
)
def test_the_extent_decides_the_resolution(points: Points, box: tuple[float, ...], resolution: int) -> None:
    west, south, east, north = box
    lon = np.arange(-180.0, 180) if east - west == 360 else [west, east]
    sites = points(lon, np.where(np.arange(len(lon)) % 2, north, south))
    assert hexagons.resolution_for(sites) == resolution
    cells = hexagons.hexagons(sites, cover=True)
    assert cells.attrs["resolution"] == resolution
    if west != east:
        assert 50 <= len(cells) <= 620  # 70 to 500 by area, and those that the edge of the box cuts


def test_a_cover_leaves_no_hole_and_holds_the_empty_cells(points: Points, rng: Generator) -> None:
    sites = points([178.0, -178, 179], [-18.0, -14, -16])
    cells = hexagons.hexagons(sites, cover=True)
    assert set(hexagons.hexagons(sites)["code"]) < set(cells["code"])
    lon, lat = rng.uniform(178, 182, 2_000), rng.uniform(-18, -14, 2_000)
    inside = hexagons.cells_of(points(np.where(lon > 180, lon - 360, lon), lat), cells.attrs["resolution"])
    assert set(inside) <= set(cells["code"])
    west, _, east, _ = shapely.bounds(cells.geometry.to_numpy()).T
    assert (east - west < 1).sum() > 0.9 * len(cells)  # those that are cut reach from one edge of the map to the other


def test_cells_come_in_the_crs_that_the_sites_are_measured_in(points: Points) -> None:
    sites = points([116.4, 117.0], [39.9, 40.2])
    cells = hexagons.hexagons(sites, resolution=5)
    assert cells.crs == sites.crs
    assert cells.columns.tolist() == ["code", "name", "geometry"]
    projected = hexagons.hexagons(sites.to_crs(4527), resolution=5)
    assert projected.crs == sites.crs
    assert projected["code"].tolist() == cells["code"].tolist()
    beijing54 = hexagons.hexagons(sites.to_crs(4214), resolution=5)
    assert beijing54.crs == 4326


def test_a_longitude_past_180_is_the_same_place(points: Points) -> None:
    a, b = (hexagons.cells_of(points([x], [10.0]), 7) for x in (190.0, -170.0))
    assert a.tolist() == b.tolist()


def test_what_cannot_be_gridded_gives_one_clear_error(points: Points) -> None:
    sites = points([116.0, 100.0], [39.0, 30.0])
    for resolution in (-1, 16, 2.5):
        with pytest.raises(BadParameterError, match="resolution"):
            hexagons.hexagons(sites, resolution=resolution)
        with pytest.raises(BadParameterError, match="resolution"):
            hexagons.cells_of(sites, resolution)
    with pytest.raises(BadParameterError, match="coarser"):
        hexagons.hexagons(sites, resolution=12, cover=True)
    for service in (hexagons.hexagons, hexagons.resolution_for):
        with pytest.raises(EmptyLayerError, match="there is none"):
            service(points([], []))
    assert hexagons.cells_of(points([], []), 3).empty
    with pytest.raises(CrsError):
        hexagons.hexagons(sites.set_crs(None, allow_override=True))
