from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from registry.errors import BadParameterError, CrsError
from registry.services import density, geodesy

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[[Generator, int], tuple[np.ndarray, np.ndarray]]

RADIUS_KM = 6371.0088


def cap(distance_km: np.ndarray | float) -> np.ndarray:
    return np.asarray(2 * np.pi * RADIUS_KM**2 * (1 - np.cos(np.asarray(distance_km) / RADIUS_KM)))


@pytest.fixture(scope="module")
def earth() -> gpd.GeoDataFrame:
    return density.grid_points((-180, -90, 180, 90), 60)


@pytest.mark.parametrize("bandwidth", [700, 2_000])
@pytest.mark.parametrize(("lon", "lat"), [(100, 30), (180, 0), (-179.9, -60), (20, 89.5), (0, -90)])
def test_a_site_adds_up_to_one_over_the_earth_wherever_it_lies(
    points: Points, earth: gpd.GeoDataFrame, lon: float, lat: float, bandwidth: float
) -> None:
    found = density.kernel_density(points([lon], [lat]), earth, bandwidth_km=bandwidth)
    assert (found * earth["area_km2"]).sum() == pytest.approx(1, abs=2e-3)
    assert found.max() == pytest.approx(3 / cap(bandwidth), rel=0.02)


def test_a_site_adds_up_to_one_within_a_fine_grid(points: Points) -> None:
    grid = density.grid_points((98, 28, 102, 32), 1)
    found = density.kernel_density(points([100.0], [30.0]), grid, bandwidth_km=100)
    assert (found * grid["area_km2"]).sum() == pytest.approx(1, abs=1e-5)


def test_density_is_the_kernel_of_the_geodesic_distance(points: Points, anywhere: Anywhere, rng: Generator) -> None:
    lon, lat = anywhere(rng, 300)
    at_lon, at_lat = anywhere(rng, 30)
    tonnes = rng.pareto(1.5, 300)
    found = density.kernel_density(points(lon, lat), (at_lon, at_lat), bandwidth_km=1_500, weights=tonnes)
    globe = Geodesic(6378137.0, 1 / 298.257222101)
    expected = np.zeros(30)
    for row in range(30):
        apart = np.array([globe.Inverse(at_lat[row], at_lon[row], y, x)["s12"] for x, y in zip(lon, lat, strict=True)])
        kernel = np.where(apart < 1.5e6, 3 / cap(1_500) * (1 - cap(apart / 1_000) / cap(1_500)) ** 2, 0)
        expected[row] = (kernel * tonnes).sum()
    assert found == pytest.approx(expected, rel=2e-3, abs=expected.max() * 1e-4)


@pytest.mark.parametrize("bandwidth", [0.2, 40, 1_000])
def test_no_site_is_missed_at_a_pole_or_across_the_antimeridian(
    points: Points, rng: Generator, bandwidth: float
) -> None:
    spread = rng.exponential(bandwidth / 111, 400)
    lon = np.concatenate([rng.uniform(-180, 180, 200), 180 + np.where(rng.random(200) < 0.5, -1, 1) * spread[200:]])
    lat = np.concatenate([90 - spread[:100], spread[100:200] - 90, rng.normal(50, bandwidth / 111, 200)])
    lon, lat = (lon + 180) % 360 - 180, np.clip(lat, -90, 90)
    lon[-3:], lat[:2] = [180, -180, 180], 90
    found = density.kernel_density(points(lon, lat), (lon, lat), bandwidth_km=bandwidth)
    geod = geodesy.ellipsoid(points([0.0], [0.0]).crs)
    shape = (400, 400)
    apart = geod.inv(*(np.broadcast_to(a, shape) for a in (lon, lat, lon[:, None], lat[:, None])))[2] / 1_000
    kernel = 3 / cap(bandwidth) * (1 - cap(np.minimum(apart, bandwidth)) / cap(bandwidth)) ** 2
    assert found == pytest.approx(kernel.sum(axis=1), rel=2e-3 if bandwidth == 1_000 else 1e-5)


def test_near_by_the_kernel_is_the_quartic_one_of_the_plane(points: Points) -> None:
    globe = Geodesic(6378137.0, 1 / 298.257222101)
    there = [globe.Direct(30, 100, 77, d * 1_000) for d in (0, 10, 25, 49.99, 50.01)]
    at = ([p["lon2"] for p in there], [p["lat2"] for p in there])
    found = density.kernel_density(points([100.0], [30.0]), at, bandwidth_km=50)
    expected = [3 / (np.pi * 50**2) * max(1 - (d / 50) ** 2, 0) ** 2 for d in (0, 10, 25, 49.99, 50.01)]
    assert found == pytest.approx(expected, rel=1e-4)
    assert found[-1] == 0


def test_weights_count_as_so_many_sites(points: Points, rng: Generator) -> None:
    lon, lat = rng.uniform(100, 104, 50), rng.uniform(30, 33, 50)
    times = rng.integers(0, 4, 50)
    grid = density.grid_points((100, 30, 104, 33), 20)
    weighted = density.kernel_density(points(lon, lat), grid, bandwidth_km=80, weights=times)
    repeated = density.kernel_density(points(np.repeat(lon, times), np.repeat(lat, times)), grid, bandwidth_km=80)
    assert weighted == pytest.approx(repeated)
    by_uid = pd.Series(times.astype(float), index=[f"s{i}" for i in range(50)]).sample(frac=1, random_state=1)
    assert density.kernel_density(points(lon, lat), grid, bandwidth_km=80, weights=by_uid) == pytest.approx(weighted)
    missing = np.where(times == 0, np.nan, times)
    assert density.kernel_density(points(lon, lat), grid, bandwidth_km=80, weights=missing) == pytest.approx(weighted)


def test_many_sites_and_small_batches_give_the_same(
    points: Points, rng: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    sites = points(rng.uniform(100, 110, 20_000), rng.uniform(30, 38, 20_000))
    grid = density.grid_points((100, 30, 110, 38), 25)
    whole = density.kernel_density(sites, grid, bandwidth_km=100)
    monkeypatch.setattr(density, "_MOST_PAIRS", 5_000)
    monkeypatch.setattr(density, "_CHUNK", 64)
    assert density.kernel_density(sites, grid, bandwidth_km=100) == pytest.approx(whole)
    assert (whole * grid["area_km2"]).sum() == pytest.approx(20_000, rel=0.25)  # some of it lies outside the box


def test_a_grid_of_any_shape_and_crs_is_taken(points: Points) -> None:
    sites = points([100.0], [30.0])
    lon, lat = np.meshgrid(np.linspace(99, 101, 7), np.linspace(29, 31, 5))
    raster = density.kernel_density(sites, (lon, lat), bandwidth_km=90)
    assert raster.shape == (5, 7)
    layer = gpd.GeoDataFrame(geometry=gpd.points_from_xy(lon.ravel(), lat.ravel()), crs=4490)
    assert density.kernel_density(sites, layer, bandwidth_km=90) == pytest.approx(raster.ravel())
    assert density.kernel_density(sites, layer.to_crs(4527), bandwidth_km=90) == pytest.approx(raster.ravel(), rel=1e-6)
    assert density.kernel_density(points([], []), (lon, lat), bandwidth_km=90).tolist() == np.zeros((5, 7)).tolist()
    assert density.kernel_density(sites, ([], []), bandwidth_km=90).size == 0


@given(
    west=st.floats(-180, 180),
    width=st.floats(0.5, 360),
    south=st.floats(-90, 80),
    height=st.floats(0.5, 10),
    step=st.floats(20, 500),
)
@settings(deadline=None, max_examples=60)
def test_grid_points_share_the_area_of_their_box(
    west: float, width: float, south: float, height: float, step: float
) -> None:
    east = west + width
    if east > 180 and width < 359:
        east -= 360
    grid = density.grid_points((west, south, east, south + height), step)
    geod = geodesy.ellipsoid(grid.crs)
    wide = east - west if east >= west else east - west + 360
    fine = shapely.segmentize(shapely.box(0, south, wide, south + height), 0.02)
    lon, lat = shapely.get_coordinates(fine).T
    area = abs(geod.polygon_area_perimeter(lon, lat)[0]) / 1e6 if wide <= 170 else None
    if area is not None:
        assert grid["area_km2"].sum() == pytest.approx(area, rel=1e-5)
    assert (grid["area_km2"] <= step**2 * 1.02).all()
    assert grid.geometry.x.between(-180, 180).all()
    assert grid.geometry.y.between(south, south + height).all()


def test_the_whole_earth_has_its_area(earth: gpd.GeoDataFrame) -> None:
    assert earth["area_km2"].sum() == pytest.approx(510_065_621.724, rel=1e-9)
    assert earth.crs == 4490
    ball = density.grid_points((-180, -90, 180, 90), 300, crs="+proj=longlat +R=6371000 +type=crs")
    assert ball["area_km2"].sum() == pytest.approx(4 * np.pi * 6371**2)


@pytest.mark.parametrize("bandwidth", [0, -1, 2_001, np.nan, np.inf])
def test_a_bandwidth_out_of_range_is_refused(points: Points, bandwidth: float) -> None:
    with pytest.raises(BadParameterError, match="bandwidth_km"):
        density.kernel_density(points([100.0], [30.0]), ([100], [30]), bandwidth_km=bandwidth)


def test_weights_and_grids_that_do_not_fit_give_one_clear_error(points: Points) -> None:
    sites, at = points([100.0, 101], [30.0, 30]), ([100.0], [30.0])
    for weights in ([1.0], [1.0, -1], [1.0, np.inf], pd.Series([1.0], index=["s0"])):
        with pytest.raises(BadParameterError, match="weights"):
            density.kernel_density(sites, at, bandwidth_km=10, weights=weights)
    for bad in (([1, 2], [1]), ([0], [91]), ([np.nan], [0])):
        with pytest.raises(BadParameterError, match="grid"):
            density.kernel_density(sites, bad, bandwidth_km=10)
    with pytest.raises(CrsError):
        density.kernel_density(sites.set_crs(None, allow_override=True), at, bandwidth_km=10)
    for bounds, step in (((0, 10, 1, 0), 10), ((0, -91, 1, 0), 10), ((0, 0, 1, 1), 0), ((-180, -90, 180, 90), 1)):
        with pytest.raises(BadParameterError, match=r"bounds|step_km"):
            density.grid_points(bounds, step)


def test_the_densest_points_lie_apart_and_the_first_is_the_densest(rng: Generator, points: Points) -> None:
    grid = points(rng.uniform(100, 102, 300), rng.uniform(30, 32, 300))
    held = rng.uniform(0, 1, 300)
    held[:50] = 0
    rows = density.densest(grid, held, apart_km=30, most=10)
    assert rows[0] == np.argmax(held)
    assert (np.diff(held[rows]) <= 0).all()
    lon, lat = grid.geometry.x.to_numpy()[rows], grid.geometry.y.to_numpy()[rows]
    for one, other in zip(*np.triu_indices(len(rows), 1), strict=True):
        assert Geodesic.WGS84.Inverse(lat[one], lon[one], lat[other], lon[other])["s12"] >= 30_000
    everywhere = density.densest(grid, held, apart_km=0.0, most=1_000)
    assert len(everywhere) == 250, "where there is nothing is no dense place"
