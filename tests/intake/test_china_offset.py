"""GCJ-02 and BD-09 turned back, against the public formulas written down here once more, one position at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.intake.places.china_offset import OffsetSystem, from_wgs84, to_wgs84

WEST, EAST, SOUTH, NORTH = 72.004, 137.8347, 0.8293, 55.8271


def gcj02(lon: float, lat: float) -> tuple[float, float]:
    """Eviltransform's formula (Krasovsky 1940)."""
    if not (WEST <= lon <= EAST and SOUTH <= lat <= NORTH):
        return lon, lat
    x, y = lon - 105, lat - 35
    pi, root = math.pi, math.sqrt(abs(x))
    common = (20 * math.sin(6 * x * pi) + 20 * math.sin(2 * x * pi)) * 2 / 3
    d_lat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    d_lat += (20 * math.sin(y * pi) + 40 * math.sin(y / 3 * pi)) * 2 / 3
    d_lat += (160 * math.sin(y / 12 * pi) + 320 * math.sin(y * pi / 30)) * 2 / 3
    d_lon = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    d_lon += (20 * math.sin(x * pi) + 40 * math.sin(x / 3 * pi)) * 2 / 3
    d_lon += (150 * math.sin(x / 12 * pi) + 300 * math.sin(x / 30 * pi)) * 2 / 3
    a, ee = 6378245.0, 0.00669342162296594323
    magic = 1 - ee * math.sin(lat / 180 * pi) ** 2
    d_lat = d_lat * 180 / ((a * (1 - ee)) / (magic * math.sqrt(magic)) * pi)
    d_lon = d_lon * 180 / (a / math.sqrt(magic) * math.cos(lat / 180 * pi) * pi)
    return lon + d_lon, lat + d_lat


def bd09(lon: float, lat: float) -> tuple[float, float]:
    if not (WEST <= lon <= EAST and SOUTH <= lat <= NORTH):
        return lon, lat
    x, y = gcj02(lon, lat)
    x_pi = math.pi * 3000 / 180
    z = math.sqrt(x * x + y * y) + 0.00002 * math.sin(y * x_pi)
    theta = math.atan2(y, x) + 0.000003 * math.cos(x * x_pi)
    return z * math.cos(theta) + 0.0065, z * math.sin(theta) + 0.006


FORWARD = {"GCJ-02": gcj02, "BD-09": bd09}
systems = pytest.mark.parametrize("system", ["GCJ-02", "BD-09"])


def back(system: OffsetSystem, lon: float, lat: float) -> tuple[float, float]:
    w_lon, w_lat = to_wgs84(system, np.array([lon]), np.array([lat]))
    return float(w_lon[0]), float(w_lat[0])


def test_the_published_point_is_met() -> None:
    lon, lat = back("GCJ-02", 116.42703, 39.90245)
    # Published to five decimals, about a metre.
    assert (lon, lat) == (pytest.approx(116.42079, abs=1.5e-5), pytest.approx(39.90105, abs=1.5e-5))


@systems
@given(lon=st.floats(WEST, EAST), lat=st.floats(SOUTH, NORTH))
def test_a_shifted_position_comes_back_to_a_billionth_of_a_degree(system: OffsetSystem, lon: float, lat: float) -> None:
    assert back(system, *FORWARD[system](lon, lat)) == (pytest.approx(lon, abs=1e-9), pytest.approx(lat, abs=1e-9))


@systems
@pytest.mark.parametrize("lon", [WEST, WEST + 1e-9, 104.9999999, 105.0, 105.0000001, EAST - 1e-6])
@pytest.mark.parametrize("lat", [SOUTH + 1e-9, 35.0, NORTH - 1e-9])
def test_the_edges_and_the_meridian_where_the_formula_has_a_kink_come_back_too(
    system: OffsetSystem, lon: float, lat: float
) -> None:
    assert back(system, *FORWARD[system](lon, lat)) == (pytest.approx(lon, abs=1e-9), pytest.approx(lat, abs=1e-9))


@systems
@given(
    lon=st.floats(-180, 180).filter(lambda x: not WEST - 0.1 < x < EAST + 0.1), lat=st.floats(-90, 90)
)  # fmt: skip
def test_positions_outside_china_are_untouched(system: OffsetSystem, lon: float, lat: float) -> None:
    assert back(system, lon, lat) == (lon, lat)
    assert back(system, 116.0, -abs(lat)) == (116.0, -abs(lat))


@systems
@given(lon=st.floats(WEST, EAST), lat=st.floats(SOUTH, NORTH))
def test_the_way_there_is_the_published_one(system: OffsetSystem, lon: float, lat: float) -> None:
    there = from_wgs84(system, np.array([lon]), np.array([lat]))
    assert (there[0][0], there[1][0]) == pytest.approx(FORWARD[system](lon, lat), abs=1e-12)


@systems
def test_rows_without_a_position_stay_without_one_and_hurt_no_other(system: OffsetSystem) -> None:
    lon, lat = np.array([np.nan, 116.4, 1e300, 116.4]), np.array([39.9, 39.9, 39.9, np.nan])
    w_lon, w_lat = to_wgs84(system, lon, lat)
    assert np.isnan(w_lon[0])
    assert np.isnan(w_lat[3])
    assert w_lon[2] == 1e300
    assert FORWARD[system](w_lon[1], w_lat[1]) == pytest.approx((116.4, 39.9), abs=1e-9)


def test_the_offset_is_taken_off_in_tables_of_any_length() -> None:
    generator = np.random.default_rng(2)
    lon, lat = generator.uniform(73, 135, 70_000), generator.uniform(18, 53, 70_000)
    w_lon, w_lat = to_wgs84("GCJ-02", *from_wgs84("GCJ-02", lon, lat))
    assert np.abs(w_lon - lon).max() < 1e-9
    assert np.abs(w_lat - lat).max() < 1e-9
