"""Gauss–Krüger and UTM: codes, zone numbers, and what is proposed from the numbers; truth comes from PROJ."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS, Transformer

from registry.intake.places.auto_crs import propose_crs
from registry.intake.places.grids import exchanged, gauss_kruger, grid_of, reconcile, zone_numbers

CODES = [
    *range(4491, 4555), *range(2327, 2391), *range(2401, 2443), *range(21413, 21424), *range(21453, 21464),
    *range(32601, 32661), *range(32701, 32761),
]  # fmt: skip


def metres(lon: list[float], lat: list[float], crs: int) -> tuple[np.ndarray, np.ndarray]:
    """Northing and easting by PROJ."""
    east, north = Transformer.from_crs(CRS.from_epsg(crs).geodetic_crs, crs, always_xy=True).transform(lon, lat)
    return np.array(north), np.array(east)


@pytest.mark.parametrize("code", CODES)
def test_a_grid_is_what_the_epsg_registry_says(code: int) -> None:
    grid, parameters = grid_of(code), CRS.from_epsg(code).coordinate_operation.params
    assert grid is not None
    assert grid.epsg == code
    values = {parameter.name: parameter.value for parameter in parameters}
    assert values["Longitude of natural origin"] == grid.central_meridian
    assert values["False easting"] == 500_000 + (grid.zone * 1_000_000 if grid.prefixed else 0)
    assert values["Scale factor at natural origin"] == (0.9996 if grid.is_utm else 1)


def test_a_code_of_another_system_is_no_grid_of_these() -> None:
    assert [grid_of(code) for code in (4490, 4490, 3857, 4555, 31983, None)] == [None] * 6


def test_the_zone_number_in_front_of_an_easting_says_the_zone_and_its_width() -> None:
    assert zone_numbers(np.array([39_500_123.4, 20_252_914.1, 500_123.4, np.nan, 4_489_191.9])).tolist() == [
        39, 20, 0, 0, 0,
    ]  # fmt: skip
    named = {zone: gauss_kruger(zone) for zone in (13, 20, 23, 24, 25, 39, 45, 46)}
    assert {zone: grid and (grid.epsg, grid.width) for zone, grid in named.items()} == {
        13: (4491, 6), 20: (4498, 6), 23: (4501, 6), 24: None,
        25: (4513, 3), 39: (4527, 3), 45: (4533, 3), 46: None,
    }  # fmt: skip


@pytest.mark.parametrize("code", [4527, 4548, 4509, 4498, 32650])
def test_northing_and_easting_in_each_others_column_are_seen(code: int) -> None:
    zone = grid_of(code)
    assert zone is not None
    north, east = metres([zone.central_meridian + 0.4] * 3, [20.0, 40.0, 50.0], code)
    assert exchanged(east, north).all()
    assert not exchanged(north, east).any()


def test_a_zone_number_is_added_or_taken_off_as_the_stated_grid_has_it() -> None:
    _, with_zone = metres([117.2, 117.5], [40.0, 40.5], 4527)
    _, without = metres([117.2, 117.5], [40.0, 40.5], 4548)
    three, plain, six = grid_of(4527), grid_of(4548), grid_of(4509)
    assert three
    assert plain
    assert six
    added, taken, same_meridian = reconcile(without, three), reconcile(with_zone, plain), reconcile(with_zone, six)
    assert added.easting == pytest.approx(with_zone, abs=1e-6)
    assert taken.easting == pytest.approx(without, abs=1e-6)
    assert same_meridian.easting == pytest.approx(without, abs=1e-6)
    assert added.note
    assert taken.note
    assert reconcile(with_zone, three).note == ""
    other = reconcile(np.array([38_500_123.0, with_zone[0]]), three)
    assert [bool(problem) for problem in other.problem] == [True, False]
    assert other.contradicting == (38,)


def boxes(**of_name: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": list(of_name), "name": list(of_name), "name_en": None},
        geometry=[shapely.box(*bounds) for bounds in of_name.values()], crs="EPSG:4490",
    )  # fmt: skip


def test_zone_numbers_alone_propose_their_zones() -> None:
    north, east = metres([117.2, 117.5, 116.9], [40.0, 40.5, 41.0], 4527)
    north_2, east_2 = metres([114.2], [40.0], 4526)
    proposals = propose_crs(np.append(north, north_2), np.append(east, east_2))
    assert [(proposal.crs, proposal.share) for proposal in proposals] == [("EPSG:4527", 0.75), ("EPSG:4526", 0.25)]


def test_without_zone_numbers_the_provinces_propose_and_without_them_nothing_does() -> None:
    north, east = metres([108.2, 108.6], [35.0, 35.5], 4545)
    assert propose_crs(north, east) == []
    narrow = boxes(甲省=(107.5, 34.0, 109.5, 36.5))
    assert [(one.crs, one.share) for one in propose_crs(north, east, provinces=narrow)] == [("EPSG:4545", 1.0)]
    # Exchanged, they are the same numbers.
    assert [one.crs for one in propose_crs(east, north, provinces=narrow)] == ["EPSG:4545"]


def test_the_declared_province_tells_between_zones_that_both_lie_in_the_country() -> None:
    north, east = metres([108.2, 108.6], [35.0, 35.5], 4545)
    two = boxes(甲省=(107.5, 34.0, 109.5, 36.5), 乙省=(110.5, 34.0, 112.5, 36.5))
    assert {one.crs for one in propose_crs(north, east, provinces=two) if one.share == 1} >= {"EPSG:4545", "EPSG:4546"}
    declared = np.array(["乙省", "乙省"], dtype=object)
    assert [one.crs for one in propose_crs(north, east, declared=declared, provinces=two)] == [
        "EPSG:4546",
        "EPSG:32649",
    ]


def test_a_three_and_a_six_degree_zone_of_one_meridian_are_one_proposal() -> None:
    narrow, wide = metres([117.2, 117.5], [40.0, 40.5], 4548), metres([119.4, 119.6], [40.0, 40.5], 4509)
    province = boxes(甲省=(116.0, 39.0, 119.9, 41.5))
    gauss = [
        [p.crs for p in propose_crs(*numbers, provinces=province) if not p.grid.is_utm] for numbers in (narrow, wide)
    ]
    assert "EPSG:4548" in gauss[0]
    assert "EPSG:4509" in gauss[1]
    assert "EPSG:4509" not in gauss[0]
    assert "EPSG:4548" not in gauss[1]


def test_utm_is_proposed_on_both_sides_of_the_equator() -> None:
    north, east = metres([-44.03, -44.68], [-18.1, -19.2], 32723)
    state = boxes(MG=(-46.0, -20.0, -43.0, -17.0))
    assert [one.crs for one in propose_crs(north, east, provinces=state)] == ["EPSG:32723"]
