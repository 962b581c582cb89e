"""Where rows lie: exchanged and signless angles, pairs, metres of every sort, offset coordinates, accuracy."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from outcome import outcome
from pyproj import CRS, Geod, Transformer

from registry.errors import CrsError
from registry.intake.cells.source_table import SourceTable
from registry.intake.columns.headers import Columns
from registry.intake.columns.mapping import Mapping
from registry.intake.positions import Positions, read_positions
from registry.intake.region_layers import china_regions
from registry.model.vocabulary import Kind

STORE = "EPSG:4490"
GEOD = Geod(ellps="GRS80")


def boxes(**of_name: tuple[float, float, float, float]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"code": list(of_name), "name": list(of_name), "name_en": None},
        geometry=[shapely.box(*bounds) for bounds in of_name.values()], crs=STORE,
    )  # fmt: skip


@pytest.fixture(scope="module")
def china() -> gpd.GeoDataFrame:
    return china_regions(CRS(STORE), ["province"], say=lambda _: None)["province"]


def positions(
    columns: dict[str, list[str]],
    crs: str | None = None,
    *,
    declared: list[str | None] | None = None,
    provinces: gpd.GeoDataFrame | None = None,
    of_field: dict[str, str] | None = None,
) -> Positions:
    """Read positions of a table with these columns, each named for its field unless ``of_field`` says otherwise."""
    cells = pd.DataFrame(columns, dtype="str")
    n = len(cells)
    table = SourceTable(
        "t.csv", cells, {name: name for name in columns}, np.arange(2, n + 2), np.full(n, "", dtype=object)
    )
    names = of_field or {name: name for name in columns}
    mapping = None if crs is None else Mapping(Kind.TAILINGS_POND, crs=crs)
    said = None if declared is None else np.array(declared, dtype=object)
    asked: Any = None if provinces is None else lambda: provinces
    return read_positions(table, Columns(names), mapping, STORE, declared=said, provinces=asked)


def angles(lat: list[float], lon: list[float], **options: Any) -> Positions:
    return positions({"latitude": list(map(str, lat)), "longitude": list(map(str, lon))}, **options)


def in_metres(north: Any, east: Any, crs: str | None = None, **options: Any) -> Positions:
    columns = {"northing": [f"{value:.3f}" for value in north], "easting": [f"{value:.3f}" for value in east]}
    return positions(columns, crs, **options)


def metres(lon: list[float], lat: list[float], crs: int) -> tuple[np.ndarray, np.ndarray]:
    """Northing and easting by PROJ, on the datum of the CRS itself."""
    east, north = Transformer.from_crs(CRS.from_epsg(crs).geodetic_crs, crs, always_xy=True).transform(lon, lat)
    return np.array(north), np.array(east)


def places(read: Positions) -> list[tuple[float, float]]:
    return [(round(lon, 7), round(lat, 7)) for lon, lat in zip(read.lon, read.lat, strict=True)]


def reasons(said: list[tuple[str, Any]], row: int) -> str:
    return " ".join(reason[row] for _, reason in said if reason[row])


HEBEI = boxes(河北省=(113.5, 36.0, 119.8, 42.6))
BRAZIL = boxes(Goiás=(-53.0, -19.5, -46.0, -12.5), Bahia=(-46.0, -18.0, -37.5, -8.5))


# ------------------------------------------------------------------------------------- exchanged angles


def test_a_table_with_every_latitude_beyond_90_is_swapped_and_says_so() -> None:
    read = angles([112.7, 112.6, 112.5], [25.7, 25.9, 25.8])
    assert places(read) == [(112.7, 25.7), (112.6, 25.9), (112.5, 25.8)]
    assert any("swapped" in note for note in read.notes)
    assert not reasons(read.warnings, 0)


def test_without_provinces_a_single_swapped_row_stays_an_error() -> None:
    read = angles([25.7, 112.6, 25.8], [112.7, 25.9, 112.5])
    assert np.isnan(read.lon).tolist() == [False, True, False]
    assert "look swapped" in reasons(read.errors, 1)


def test_a_single_swapped_row_is_put_right_and_warned_of_where_its_province_proves_it() -> None:
    read = angles([40.4, 118.9, 40.5], [119.0, 40.2, 119.1], declared=["河北", "河北", "河北"], provinces=HEBEI)
    assert places(read) == [(119.0, 40.4), (118.9, 40.2), (119.1, 40.5)]
    assert [bool(reasons(read.warnings, row)) for row in range(3)] == [False, True, False]
    assert "swapped" in reasons(read.warnings, 1)


def test_a_swapped_row_that_declares_nothing_is_put_right_into_a_loaded_province() -> None:
    read = angles([40.4, 118.9, 118.9], [119.0, 40.2, 20.2], provinces=HEBEI)
    assert places(read)[:2] == [(119.0, 40.4), (118.9, 40.2)]
    assert "look swapped" in reasons(read.errors, 2)


def test_a_table_swapped_within_90_degrees_is_put_right_by_its_provinces() -> None:
    read = angles([-47.0, -48.0, -40.0], [-15.0, -16.0, -12.0], provinces=BRAZIL)
    assert places(read) == [(-47.0, -15.0), (-48.0, -16.0), (-40.0, -12.0)]
    assert any("swapped" in note for note in read.notes)


def test_letters_of_the_other_axis_in_both_whole_columns_swap_them() -> None:
    read = positions({"latitude": ["E108°30′", "E109°"], "longitude": ["N35°12′", "N36°"]})
    assert places(read) == [(108.5, 35.2), (109.0, 36.0)]
    assert any("swapped" in note for note in read.notes)
    one = positions({"latitude": ["E108°30′", "36", "36"], "longitude": ["N35°12′", "109", "109"]})
    assert "hemisphere letter" in reasons(one.errors, 0)


def test_a_right_table_is_left_alone() -> None:
    read = angles([40.4, 40.2], [119.0, 118.9], declared=["河北省", None], provinces=HEBEI)
    assert places(read) == [(119.0, 40.4), (118.9, 40.2)]
    assert read.notes == []
    assert not any(reasons(read.warnings, row) for row in range(2))


def test_a_site_in_another_province_than_it_declares_is_left_where_it_says() -> None:
    read = angles([37.4, 40.4], [120.4, 119.0], declared=["河北省", "河北省"], provinces=HEBEI)
    assert places(read) == [(120.4, 37.4), (119.0, 40.4)]
    assert not reasons(read.warnings, 0)


# ------------------------------------------------------------------------------------------ lost signs


@pytest.mark.parametrize(("lat_sign", "lon_sign"), [(1, 1), (-1, 1), (1, -1)])
def test_a_table_that_lost_a_sign_gets_it_back_where_only_that_fits(lat_sign: int, lon_sign: int) -> None:
    read = angles(
        [lat_sign * value for value in (15.0, 16.0, 12.0)], [lon_sign * value for value in (47.0, 48.0, 40.0)],
        provinces=BRAZIL,
    )  # fmt: skip
    assert places(read) == [(-47.0, -15.0), (-48.0, -16.0), (-40.0, -12.0)]
    assert any("sign" in note for note in read.notes)


def test_a_single_lost_sign_is_put_back_only_where_the_declared_province_proves_it() -> None:
    lat, lon = [-15.0, 16.0, -12.0], [-47.0, -48.0, -40.0]
    proven = angles(lat, lon, declared=["Goiás", "Goias", "Bahia"], provinces=BRAZIL)
    assert proven.lat[1] == 16.0
    proven = angles(lat, lon, declared=["Goiás", "Goiás", "Bahia"], provinces=BRAZIL)
    assert proven.lat[1] == -16.0
    assert "sign" in reasons(proven.warnings, 1)
    assert angles(lat, lon, provinces=BRAZIL).lat[1] == 16.0


def test_no_sign_is_changed_without_provinces() -> None:
    assert places(angles([15.0, 16.0, 12.0], [47.0, 48.0, 40.0])) == [(47.0, 15.0), (48.0, 16.0), (40.0, 12.0)]


def test_where_two_mistakes_explain_a_table_nothing_is_done_and_it_is_said() -> None:
    both = boxes(甲=(-20.0, 8.0, -10.0, 22.0), 乙=(8.0, -22.0, 22.0, -8.0))
    read = angles([15.0, 16.0, 14.0], [15.0, 14.0, 16.0], provinces=both)
    assert places(read) == [(15.0, 15.0), (14.0, 16.0), (16.0, 14.0)]
    assert any("nothing was done" in note for note in read.notes)


# ------------------------------------------------------------------------------------------------ pairs


def pairs(header: str, cells: list[str], **options: Any) -> Positions:
    return positions({header: cells}, of_field={"latitude": header, "longitude": header}, **options)


def test_one_column_may_hold_both_angles() -> None:
    read = pairs("坐标", ["108°30′E, 35°12′N", "35.2, 108.5", "108.5；35.2", "", "no"])
    assert places(read)[:3] == [(108.5, 35.2)] * 3
    assert "empty" in reasons(read.errors, 3)
    assert "does not hold" in reasons(read.errors, 4)


def test_pairs_that_nothing_orders_are_ordered_by_the_header_by_the_provinces_or_not_at_all() -> None:
    cells = ["-47.0,-15.0", "-48.0,-16.0", "-40.0,-12.0"]
    right = [(-47.0, -15.0), (-48.0, -16.0), (-40.0, -12.0)]
    assert places(pairs("经纬度", cells)) == right
    assert places(pairs("坐标", cells, provinces=BRAZIL)) == right
    untold = pairs("坐标", cells)
    assert np.isnan(untold.lon).all()
    assert "which number is the latitude" in reasons(untold.errors, 0)


# ----------------------------------------------------------------------------------------------- metres

LON, LAT = [117.2, 117.5, 116.9], [40.0, 40.5, 41.0]


@pytest.mark.parametrize("code", [4527, 4548, 4509, 32650, 4498 + 0])
def test_metres_of_a_stated_grid_are_turned_to_a_millimetre(code: int) -> None:
    lon = LON if code != 4498 else [114.2, 114.5, 113.9]
    north, east = metres(lon, LAT, code)
    read = in_metres(north, east, f"EPSG:{code}")
    _, _, apart = GEOD.inv(lon, LAT, read.lon, read.lat)
    assert np.max(apart) < 0.002


def test_northing_and_easting_in_each_others_column_are_swapped_with_a_note() -> None:
    north, east = metres(LON, LAT, 4548)
    read = in_metres(east, north, "EPSG:4548")
    assert read.lon == pytest.approx(LON, abs=1e-7)
    assert any("swapped" in note for note in read.notes)


def test_one_row_with_northing_and_easting_exchanged_is_swapped_with_a_warning() -> None:
    north, east = metres(LON, LAT, 4548)
    north[1], east[1] = east[1], north[1]
    read = in_metres(north, east, "EPSG:4548")
    assert read.lon == pytest.approx(LON, abs=1e-7)
    assert [bool(reasons(read.warnings, row)) for row in range(3)] == [False, True, False]


@pytest.mark.parametrize(("numbers", "stated"), [(4527, 4548), (4548, 4527), (4527, 4509), (32650, 32650)])
def test_a_zone_number_too_many_or_too_few_is_reconciled(numbers: int, stated: int) -> None:
    north, east = metres(LON, LAT, numbers)
    if numbers == 32650:
        east += 50_000_000
    read = in_metres(north, east, f"EPSG:{stated}")
    assert read.lon == pytest.approx(LON, abs=1e-7)
    assert any("zone" in note for note in read.notes)


def test_a_zone_number_that_contradicts_the_stated_grid_is_refused_and_a_single_one_is_rejected() -> None:
    north, east = metres(LON, LAT, 4527)
    with pytest.raises(CrsError, match=r'zone number 39, and crs EPSG:4526 .* "EPSG:4527"'):
        in_metres(north, east, "EPSG:4526")
    east[1] += 1_000_000
    read = in_metres(north, east, "EPSG:4527")
    assert np.isnan(read.lon).tolist() == [False, True, False]
    assert "zone number" in reasons(read.errors, 1)


def test_zone_numbers_say_the_zone_of_each_row() -> None:
    north, east = metres(LON, LAT, 4527)
    north_2, east_2 = metres([119.5], [40.3], 4528)
    for crs in (None, "auto"):
        read = in_metres(np.append(north, north_2), np.append(east, east_2), crs)
        assert read.lon == pytest.approx([*LON, 119.5], abs=1e-7)
        assert any("EPSG:4527" in note for note in read.notes)
        assert any("CGCS2000, the legal one" in note for note in read.notes)
        assert read.accuracy_m is not None
        assert read.accuracy_m.tolist() == [200] * 4


def test_auto_says_how_many_of_the_rows_with_zone_numbers_lie_where_they_declare() -> None:
    north, east = metres([*LON, 121.5], [*LAT, 40.0], 4527)
    read = in_metres(north, east, "auto", declared=["河北省"] * 4, provinces=HEBEI)
    assert any("75% of the positions lie in the province that they declare" in note for note in read.notes)


def test_a_column_of_zones_says_the_zone_of_each_row() -> None:
    (north, east), (north_2, east_2) = metres([-44.0], [-18.1], 32723), metres([-50.1], [-16.4], 32722)
    read = positions(
        {"E": [f"{east[0]:.3f}", f"{east_2[0]:.3f}", "1"], "N": [f"{north[0]:.3f}", f"{north_2[0]:.3f}", "1"],
         "UTM zone": ["23S", "22K", "?"]},
        of_field={"northing": "N", "easting": "E"},
    )  # fmt: skip
    assert read.lon[:2] == pytest.approx([-44.0, -50.1], abs=1e-7)
    assert read.lat[:2] == pytest.approx([-18.1, -16.4], abs=1e-7)
    assert "does not name a zone" in reasons(read.errors, 2)


def test_metres_of_no_system_are_refused_with_the_proposals(china: gpd.GeoDataFrame) -> None:
    north, east = metres(LON, LAT, 4548)
    with pytest.raises(CrsError, match=r'mapping file.*crs = "auto"') as refused:
        in_metres(north, east)
    assert "\n" not in str(refused.value)
    with pytest.raises(CrsError, match="EPSG:4548"):
        in_metres(north, east, declared=["河北省", "北京市", "河北省"], provinces=china)


def test_auto_settles_a_grid_that_alone_fits_and_says_how_sure_it_is(china: gpd.GeoDataFrame) -> None:
    lon, lat = [116.77, 117.11, 116.5], [40.58, 40.6, 40.8]
    north, east = metres(lon, lat, 4548)
    columns = {"X": [f"{value:.3f}" for value in north], "Y": [f"{value:.3f}" for value in east]}
    read = positions(
        columns, "auto", declared=["北京市"] * 3, provinces=china, of_field={"northing": "X", "easting": "Y"}
    )
    assert read.lon == pytest.approx(lon, abs=1e-7)
    assert any("EPSG:4548" in note and "100%" in note for note in read.notes)
    assert any("UTM zone 50N" in note for note in read.notes)
    # Under headers that UTM has too, both fit.
    with pytest.raises(CrsError, match=r"EPSG:4548.*EPSG:32650"):
        in_metres(north, east, "auto", declared=["北京市"] * 3, provinces=china)


def test_auto_never_chooses_between_two_zones_that_fit(china: gpd.GeoDataFrame) -> None:
    north, east = metres([117.38, 117.65, 117.62], [40.42, 40.3, 40.52], 4548)
    columns = {"X": [f"{value:.3f}" for value in north], "Y": [f"{value:.3f}" for value in east]}
    of_field = {"northing": "X", "easting": "Y"}
    for declared in (["河北省"] * 3, None):
        with pytest.raises(CrsError, match=r"auto.*cannot be settled"):
            positions(columns, "auto", declared=declared, provinces=china, of_field=of_field)
    with pytest.raises(CrsError, match="no provinces are loaded"):
        positions(columns, "auto", of_field=of_field)


def test_auto_takes_angles_in_the_stores_system_and_says_what_cannot_be_seen() -> None:
    read = angles([35.2], [108.5], crs="auto")
    assert places(read) == [(108.5, 35.2)]
    assert any("GCJ-02" in note for note in read.notes)


def test_metres_under_a_geographic_system_are_refused() -> None:
    with pytest.raises(CrsError, match="has latitude and longitude"):
        in_metres([4_400_000.0], [500_000.0], "EPSG:4490")


def test_a_number_far_outside_its_grid_is_no_place() -> None:
    read = in_metres([4_400_000.0, 4_400_000.0], [500_000.0, 3_000_000.0], "EPSG:4548")
    assert np.isnan(read.lon).tolist() == [False, True]
    assert "outside the area" in reasons(read.errors, 1)


# ------------------------------------------------------------------------------------------- the datums


def test_gcj_02_is_turned_back_and_said() -> None:
    read = angles([39.90245, -12.8], [116.42703, 28.2], crs="GCJ-02")
    assert (read.lon[0], read.lat[0]) == (pytest.approx(116.42079, abs=1.5e-5), pytest.approx(39.90105, abs=1.5e-5))
    assert (read.lon[1], read.lat[1]) == (28.2, -12.8)
    assert any("GCJ-02" in note for note in read.notes)


def test_an_unknown_datum_shift_leaves_the_accuracy_unknown() -> None:
    north, east = metres([105.98], [34.07], 2359)
    read = in_metres(north, east, "EPSG:2359")
    assert any("no datum shift is known" in note for note in read.notes)
    assert read.accuracy_m is not None
    assert np.isnan(read.accuracy_m).all()


def test_a_published_datum_shift_bounds_the_accuracy_where_it_is_published() -> None:
    read = angles([36.123456, 34.023456], [108.123456, 106.123456], crs="EPSG:4214")
    assert read.accuracy_m is not None
    # EPSG: Beijing 1954 to WGS 84 (3) for the Ordos basin, 1 m; none for Fengxian.
    assert read.accuracy_m[0] == 1.0
    assert np.isnan(read.accuracy_m[1])
    assert any("no datum shift is published" in note for note in read.notes)


# ------------------------------------------------------------------------------------------- the digits


@pytest.mark.parametrize(
    ("lat", "lon", "metres_"),
    [
        ("35.2", "108.5", 5600), ("35.20", "108.5", 560), ("35.2041", "108.5", 5.6), ("35°12′04″", "108°30′15″", 15),
        ("35°12′", "108°30′", 930), ("35°12′04.2″", "108°30′15.1″", 1.5), ("35", "108", 56000),
        ("35.20412345678", "108.504123456789", 0.5),
    ],
)  # fmt: skip
def test_the_accuracy_of_angles_is_half_a_unit_of_their_last_digit(lat: str, lon: str, metres_: float) -> None:
    read = positions({"latitude": [lat], "longitude": [lon]})
    assert read.accuracy_m is not None
    assert read.accuracy_m[0] == pytest.approx(metres_)


def test_the_accuracy_of_metres_is_half_a_unit_and_never_better_than_half_a_metre() -> None:
    north, east = metres(LON, LAT, 4548)
    read = in_metres(north, east, "EPSG:4548")
    assert read.accuracy_m is not None
    assert read.accuracy_m.tolist() == [0.5] * 3


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.text(max_size=12), st.floats().map(str), st.floats(-200, 2e6).map(str)),
            st.one_of(st.text(max_size=12), st.floats().map(str), st.floats(0, 5e7).map(str)),
            st.one_of(st.none(), st.sampled_from(["Goiás", "Bahia", "x"])),
        ),
        min_size=1,
    ),
    st.sampled_from([None, "auto", "GCJ-02", "EPSG:4527", "EPSG:32723", "EPSG:4326"]),
)
def test_anything_is_a_place_on_the_globe_or_an_error_of_its_row(
    rows: list[tuple[str, str, str | None]], crs: str | None
) -> None:
    one, two = [row[0] for row in rows], [row[1] for row in rows]
    declared = [row[2] for row in rows]
    projected = crs is not None and crs.startswith(("EPSG:45", "EPSG:32"))
    sorts = [("northing", "easting")] if projected else [("latitude", "longitude"), ("northing", "easting")]
    for names in sorts:
        if not projected and names[0] == "northing" and crs not in {None, "auto"}:
            continue
        columns = dict(zip(names, (one, two), strict=True))
        read, refusal = outcome(CrsError, positions, columns, crs, declared=declared, provinces=BRAZIL)
        if refusal:
            assert "\n" not in str(refusal)
            continue
        wrong = np.array([bool(reasons(read.errors, row)) for row in range(len(rows))])
        assert (np.isnan(read.lon) == wrong).all()
        assert (np.abs(read.lat[~wrong]) <= 90).all()
        assert (np.abs(read.lon[~wrong]) <= 180).all()
