from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from geographiclib.geodesic import Geodesic
from numpy.random import Generator
from pyproj import CRS

from registry.errors import BadParameterError, CrsError
from registry.services import geodesy
from registry.services.kernels.circles import circles

Points = Callable[..., gpd.GeoDataFrame]
Anywhere = Callable[..., tuple[np.ndarray, np.ndarray]]

GRS80 = geodesy.ellipsoid(CRS.from_epsg(4490))
TRUTH = Geodesic(6378137.0, 1 / 298.257222101)


def test_distances_and_azimuths_are_those_of_geographiclib(rng: Generator, anywhere: Anywhere) -> None:
    lon, lat = anywhere(rng, 2_000)
    to_lon, to_lat = anywhere(rng, 2_000)
    to_lon[:500], to_lat[:500] = lon[:500] + 180 + rng.normal(0, 0.3, 500), -lat[:500]  # near the antipode
    lat[500:600] = 90.0
    found = geodesy.inverse(GRS80, lon, lat, to_lon, to_lat)
    for row in range(2_000):
        line = TRUTH.Inverse(lat[row], lon[row], to_lat[row], to_lon[row])
        assert abs(line["s12"] - found.distance_m[row]) < 1e-6
        if not 500 <= row < 600 and row >= 500:
            turn = (line["azi1"] - found.azimuth_deg[row] + 180) % 360 - 180
            assert abs(turn) < 1e-6


def test_an_azimuth_is_from_0_to_360_and_missing_where_there_is_no_direction() -> None:
    zero = np.zeros(5)
    found = geodesy.inverse(GRS80, zero, zero, np.array([0, 1, 0, -1, 0.0]), np.array([1, 0, -1, 0, 0.0]))
    assert found.azimuth_deg[:4] == pytest.approx([0, 90, 180, 270])
    assert np.isnan(found.azimuth_deg[4])


def test_the_bounds_of_a_chord_hold_all_over_the_world(rng: Generator, anywhere: Anywhere) -> None:
    lon, lat = anywhere(rng, 200_000)
    to_lon, to_lat = anywhere(rng, 200_000)
    half = 100_000  # half of them near each other, at every scale
    scale = 10 ** rng.uniform(-7, 1.5, half)
    to_lon[:half] = lon[:half] + scale * rng.uniform(-1, 1, half)
    to_lat[:half] = np.clip(lat[:half] + scale * rng.uniform(-1, 1, half), -90, 90)
    chord = np.linalg.norm(geodesy.geocentric(GRS80, lon, lat) - geodesy.geocentric(GRS80, to_lon, to_lat), axis=1)
    distance = geodesy.inverse(GRS80, lon, lat, to_lon, to_lat).distance_m
    lower, upper = geodesy.geodesic_bounds(GRS80, chord)
    assert (lower <= distance).all()
    assert (distance <= upper).all()
    for radius in (10.0, 150_000.0, 5e6, 1.2e7, 1.9e7, 2.0003e7):
        inside, outside = geodesy.chord_bounds(GRS80, radius)
        assert (distance[chord <= inside] <= radius).all()
        assert (distance[chord > outside] > radius).all()


def test_short_distances_and_azimuths_from_chords_are_those_of_karney(rng: Generator) -> None:
    n = 100_000
    lon, lat = rng.uniform(-180, 180, n), rng.uniform(-90, 90, n)
    reach = 10 ** rng.uniform(-3, 5, n)
    reach[:100] = 0
    to_lon, to_lat, _ = GRS80.fwd(lon, lat, rng.uniform(0, 360, n), reach)
    xyz, to_xyz = geodesy.geocentric(GRS80, lon, lat), geodesy.geocentric(GRS80, to_lon, to_lat)
    chord = np.linalg.norm(xyz - to_xyz, axis=1)
    found = geodesy.short_inverse(GRS80, (lon, lat, xyz), (to_lon, to_lat, to_xyz), chord)
    truth = geodesy.inverse(GRS80, lon, lat, to_lon, to_lat)
    assert np.abs(found.distance_m - truth.distance_m).max() < 2e-8
    turn = (found.azimuth_deg - truth.azimuth_deg + 180) % 360 - 180
    assert np.nanmax(np.abs(turn)) < 1e-5
    assert (np.isnan(found.azimuth_deg) == np.isnan(truth.azimuth_deg)).all()


def test_a_point_stands_where_proj_puts_it_in_space(rng: Generator, anywhere: Anywhere) -> None:
    lon, lat = anywhere(rng, 500)
    to_space = pyproj.Transformer.from_crs(4979, 4978, always_xy=True)
    wgs84 = geodesy.ellipsoid(CRS.from_epsg(4326))
    expected = np.column_stack(to_space.transform(lon, lat, np.zeros(500)))
    np.testing.assert_allclose(geodesy.geocentric(wgs84, lon, lat), expected, atol=1e-6)


@pytest.mark.parametrize("radius", [1.0, 5e3, 1.5e5, 1e6])
@pytest.mark.parametrize("centre", [(105, 35), (179.99, 0), (-180, -60), (10, 89.9), (45, 90), (0, -90), (0, 0)])
def test_a_circle_has_the_area_of_the_cap(radius: float, centre: tuple[float, float]) -> None:
    polygon = circles(GRS80, np.array([float(centre[0])]), np.array([float(centre[1])]), radius)
    # A geodesic disk on a surface of Gaussian curvature K has πr²(1 − Kr²/12) to fourth order.
    w = 1 - GRS80.es * np.sin(np.radians(centre[1])) ** 2
    curvature = w**2 / (GRS80.a**2 * (1 - GRS80.es))
    expected = np.pi * radius**2 * (1 - curvature * radius**2 / 12 + (curvature * radius**2) ** 2 / 360) / 1e6
    tolerance = 0.05 if radius < 10 and abs(centre[1]) > 89 else 1e-4
    assert geodesy.area_km2(GRS80, polygon)[0] == pytest.approx(expected, rel=tolerance)
    assert polygon[0].is_valid


@pytest.mark.parametrize("radius", [2e3, 1.5e5, 3e6, 9e6, 1.1e7, 1.5e7, 1.9e7])
@pytest.mark.parametrize("centre", [(105, 35), (179.99, 0), (-180, -60), (10, 89.9), (45, 90), (20, -89.99), (77, -45)])
def test_a_circle_holds_the_points_that_are_nearer_than_its_radius(
    radius: float, centre: tuple[float, float], rng: Generator, anywhere: Anywhere
) -> None:
    polygon = circles(GRS80, np.array([float(centre[0])]), np.array([float(centre[1])]), radius)[0]
    lon, lat = anywhere(rng, 3_000)
    azimuth = np.tile(rng.uniform(0, 360, 500), 2)
    reach = np.repeat([radius * 0.998, radius * 1.002], 500)
    x, y, _ = GRS80.fwd(np.full(1_000, centre[0]), np.full(1_000, centre[1]), azimuth, reach)
    lon, lat = np.append(lon, x), np.append(lat, y)
    distance = geodesy.inverse(GRS80, np.full(4_000, centre[0]), np.full(4_000, centre[1]), lon, lat).distance_m
    clear = np.abs(distance - radius) > 1.5e-3 * radius
    assert polygon.is_valid
    assert polygon.bounds[0] >= -180
    assert polygon.bounds[2] <= 180
    assert (shapely.intersects_xy(polygon, lon, lat) == (distance < radius))[clear].all()


def test_the_area_of_the_whole_earth_is_that_of_the_ellipsoid() -> None:
    world = np.array([shapely.box(-180, -90, 180, 90)], dtype=object)
    assert geodesy.area_km2(GRS80, world)[0] == pytest.approx(510_065_621.7, abs=1)


def test_the_area_of_a_polygon_does_not_depend_on_the_way_its_rings_run() -> None:
    shell, hole = shapely.box(100, 30, 110, 40).exterior, shapely.box(103, 33, 104, 34).exterior
    polygons = np.array([shapely.Polygon(s, [h]) for s in (shell, shell.reverse()) for h in (hole, hole.reverse())])
    expected = [TRUTH.Polygon() for _ in range(2)]
    for ring, truth in zip((shell, hole), expected, strict=True):
        for x, y in ring.coords[:-1]:
            truth.AddPoint(y, x)
    outer, inner = (abs(truth.Compute()[2]) / 1e6 for truth in expected)
    assert geodesy.area_km2(GRS80, polygons) == pytest.approx([outer - inner] * 4)


def test_a_projected_layer_is_measured_in_the_geographic_crs_it_was_projected_from(points: Points) -> None:
    layer = points([105.0, 118.3], [30.0, 41.2])
    lon, lat = geodesy.lonlat(layer.to_crs(4543), "sites")
    assert lon == pytest.approx([105.0, 118.3], abs=1e-9)
    assert lat == pytest.approx([30.0, 41.2], abs=1e-9)
    assert geodesy.layer_crs(layer.to_crs(4543), "sites") == CRS.from_epsg(4490)


def test_a_layer_without_a_crs_is_refused(points: Points) -> None:
    with pytest.raises(CrsError, match="plants: the layer has no CRS"):
        geodesy.lonlat(points(1, 1, crs=None), "plants")


@pytest.mark.parametrize(
    ("geometry", "reason"),
    [
        (None, "has no geometry"),
        (shapely.Point(), "empty Point"),
        (shapely.box(0, 0, 1, 1), "is a Polygon"),
        (shapely.Point(float("nan"), 3), "position|empty"),
        (shapely.Point(39, 116), "not a longitude and a latitude"),
    ],
)
def test_a_bad_geometry_is_named_by_its_uid(geometry: shapely.Geometry | None, reason: str) -> None:
    layer = gpd.GeoDataFrame(geometry=[shapely.Point(1, 1), geometry], index=["first", "second"], crs=4490)
    with pytest.raises(BadParameterError, match=f"sites: second .*({reason})"):
        geodesy.lonlat(layer, "sites")


def test_a_uid_that_occurs_twice_is_named() -> None:
    layer = gpd.GeoDataFrame(geometry=[shapely.Point(1, 1)] * 2, index=["a", "a"], crs=4490)
    with pytest.raises(BadParameterError, match="uid a occurs more than once"):
        geodesy.lonlat(layer, "sites")
