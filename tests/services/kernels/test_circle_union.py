"""The quick union of circles is the union of all of them."""

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from registry.services.kernels.circle_union import _hidden, union_of_circles
from registry.services.kernels.circles import circles

GEOD = pyproj.Geod(ellps="GRS80")


def united(lon: np.ndarray, lat: np.ndarray, radii: np.ndarray) -> shapely.Geometry:
    drawn = [circles(GEOD, lon[[row]], lat[[row]], float(radii[row]))[0] for row in range(lon.size)]
    return shapely.union_all(drawn)


def assert_same(lon: np.ndarray, lat: np.ndarray, radii: np.ndarray) -> None:
    quick, whole = union_of_circles(GEOD, lon, lat, radii), united(lon, lat, radii)
    assert quick.is_valid
    assert shapely.area(shapely.symmetric_difference(quick, whole)) <= 1e-9 * whole.area


@pytest.mark.parametrize("radius_km", [30, 150, 700, 3_000])
def test_a_dense_field_of_circles_is_united_without_most_of_them(radius_km: float, rng: Generator) -> None:
    side = radius_km / 111.0 * 4
    lon, lat = 100 + rng.uniform(-side, side, 400), 20 + rng.uniform(-side, side, 400) / 2
    assert_same(lon, lat, np.full(400, radius_km * 1e3))
    assert _hidden(GEOD, lon, lat, np.full(400, radius_km * 1e3)).mean() > 0.5 or radius_km > 1_000


@pytest.mark.parametrize(("at", "spread"), [((180, 0), 8), ((-179, 70), 20), ((0, 88), 180), ((50, -84), 60)])
def test_unions_across_the_antimeridian_and_about_the_poles(
    at: tuple[float, float], spread: float, rng: Generator
) -> None:
    lon = np.mod(at[0] + rng.uniform(-spread, spread, 150) + 180, 360) - 180
    lat = np.clip(at[1] + rng.uniform(-6, 6, 150), -90, 90)
    assert_same(lon, lat, np.full(150, 200e3))


def test_a_ring_of_circles_keeps_its_hole_and_loses_it_to_one_circle_in_the_middle() -> None:
    turn = np.radians(np.arange(0, 360, 5))
    lon, lat = 110 + 3 * np.cos(turn), 30 + 3 * np.sin(turn)
    radii = np.full(lon.size, 60e3)
    assert_same(lon, lat, radii)
    ring = union_of_circles(GEOD, lon, lat, radii)
    assert [len(part.interiors) for part in ring.geoms] == [1]
    # Larger than the hole and smaller than the ring: nothing of its outline is seen.
    lon, lat, radii = np.append(lon, 110), np.append(lat, 30), np.append(radii, 330e3)
    assert _hidden(GEOD, lon, lat, radii)[-1]
    assert_same(lon, lat, radii)
    assert [len(part.interiors) for part in union_of_circles(GEOD, lon, lat, radii).geoms] == [0]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.floats(0.2, 12))
def test_circles_of_any_sizes_and_places_are_united_exactly(seed: int, n: int, spread: float) -> None:
    rng = np.random.default_rng(seed)
    lon = np.mod(rng.uniform(-180, 180) + rng.uniform(-spread, spread, n) + 180, 360) - 180
    lat = np.clip(rng.uniform(-90, 90) + rng.uniform(-spread, spread, n), -90, 90)
    radii = rng.choice([0.0, 5e3, 50e3, 150e3, 400e3], n)
    if radii.any():
        assert_same(lon[radii > 0], lat[radii > 0], radii[radii > 0])
    else:
        assert union_of_circles(GEOD, lon, lat, radii).is_empty
