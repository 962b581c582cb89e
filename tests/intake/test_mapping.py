from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from registry.errors import MappingError, UnreadableFileError
from registry.intake import Mapping, load_mapping
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """
kind = "tailings_pond"
crs = "EPSG:4326"
[columns]
name = "NOME"
latitude = "LAT"
code = ""
[units]
storage_m3 = "1e4 m3"
[values.status]
"在用" = "in_use"
"?" = ""
[constants]
hazard_scheme = "ANM DPA"
ownerless = false
"""


def load(tmp_path: Path, text: str) -> Mapping:
    path = tmp_path / "m.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


def test_a_mapping_file_says_columns_units_words_and_constants(tmp_path: Path) -> None:
    mapping = load(tmp_path, GOOD)
    assert mapping.kind is Kind.TAILINGS_POND
    assert mapping.columns == {"name": "NOME", "latitude": "LAT"}
    assert mapping.left_out == {"code"}
    assert mapping.units == {"storage_m3": "1e4 m3"}
    assert mapping.meanings == {"status": {"在用": "in_use", "?": ""}}
    assert mapping.constants == {"hazard_scheme": "ANM DPA", "ownerless": "0"}
    assert not mapping.projected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("kind = ", "not TOML"),
        ("crs = 'EPSG:4326'", "needs a line kind"),
        ("kind = 'pond'", "'pond' is not a kind"),
        ("kind = 'tailings_pond'\ncolour = 1", "'colour' is not a key of a mapping file"),
        ("kind = 'tailings_pond'\n[columns]\nhight = 'x'", "'hight' is not a field of tailings_pond"),
        ("kind = 'tailings_pond'\ncolumns = 1", "write it as [columns]"),
        ("kind = 'tailings_pond'\n[columns]\nname = ['x']", "[columns] name must be one text"),
        ("kind = 'tailings_pond'\n[units]\nstorage_m3 = 'pint'", "'pint' is not a unit of storage_m3"),
        ("kind = 'tailings_pond'\n[units]\nname = 'm'", "is stored in no unit"),
        ("kind = 'tailings_pond'\n[values.status]\nx = 'galloping'", "'galloping' is not a value of status"),
        ("kind = 'tailings_pond'\n[columns]\nname = 'x'\n[constants]\nname = 'y'", "can be one of them"),
        ("kind = 'tailings_pond'\ncrs = 'EPSG:1'", "not a coordinate reference system"),
        ("kind = 'tailings_pond'\ncrs = 4326", "crs must be a text"),
        ("kind = 'tailings_pond'\ncrs = 'BD-09MC'", "not a coordinate reference system"),
        ("kind = 'tailings_pond'\ncrs = 'UTM 50'", "says no hemisphere"),
        ("kind = 'tailings_pond'\ncrs = 'UTM 61N'", "not a coordinate reference system"),
        ("kind = 'tailings_pond'\ncrs = 'GCJ-02'\n[columns]\nnorthing = 'x'", "latitude and longitude"),
        ("kind = 'tailings_pond'\n[columns]\nlatitude = 'x'\nnorthing = 'y'", "cannot both be the position"),
        ("kind = 'tailings_pond'\n[columns]\ncoordinates = 'x'\nlatitude = 'y'", "holds the whole position"),
        ("kind = 'tailings_pond'\ncrs = 'EPSG:5773'", "neither geographic nor projected"),
        ("kind = 'tailings_pond'\ncrs = 'EPSG:4524'\n[columns]\nlatitude = 'x'", "northing and easting"),
        ("kind = 'tailings_pond'\ncrs = 'EPSG:4490'\n[columns]\neasting = 'x'", "latitude and longitude"),
        ("kind = 'tailings_pond'\ndecimal = ';'", "decimal must be"),
    ],
)
def test_what_a_mapping_file_cannot_say_is_one_clear_line(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MappingError) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("m.toml: ")
    assert "\n" not in str(caught.value)


def test_a_mapping_file_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match=r"none\.toml"):
        load_mapping(tmp_path / "none.toml")
    (tmp_path / "gbk.toml").write_bytes('kind = "在用"'.encode("gbk"))
    with pytest.raises(MappingError, match="UTF-8"):
        load_mapping(tmp_path / "gbk.toml")


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("GCJ-02", "GCJ-02"), ("gcj02", "GCJ-02"), ("火星坐标", "GCJ-02"),
        ("BD-09", "BD-09"), ("bd09ll", "BD-09"), ("百度坐标系", "BD-09"),
        ("WGS-84", "EPSG:4326"), ("WGS84", "EPSG:4326"), ("wgs 84", "EPSG:4326"),
        ("CGCS2000", "EPSG:4490"), ("cgcs 2000", "EPSG:4490"), ("西安80", "EPSG:4610"), ("北京54", "EPSG:4214"),
        ("UTM 50N", "EPSG:32650"), ("utm zone 23s", "EPSG:32723"), ("WGS 84 / UTM zone 5N", "EPSG:32605"),
        ("Auto", "auto"), ("EPSG:4527", "EPSG:4527"),
    ],
)  # fmt: skip
def test_a_coordinate_system_may_be_spelled_in_the_usual_ways(tmp_path: Path, written: str, name: str) -> None:
    assert load(tmp_path, f'kind = "tailings_pond"\ncrs = "{written}"').crs == name


def test_only_a_projected_system_has_northing_and_easting(tmp_path: Path) -> None:
    projected = {
        name: load(tmp_path, f'kind = "tailings_pond"\ncrs = "{name}"').projected
        for name in ("EPSG:4527", "UTM 50N", "EPSG:4490", "GCJ-02", "BD-09", "auto")
    }
    assert [name for name, is_projected in projected.items() if is_projected] == ["EPSG:4527", "UTM 50N"]


@pytest.mark.parametrize("crs", ["", 'crs = "auto"'])
def test_metres_need_no_stated_system_in_the_mapping_file(tmp_path: Path, crs: str) -> None:
    mapping = load(tmp_path, f"kind = 'tailings_pond'\n{crs}\n[columns]\nnorthing = 'X'\neasting = 'Y'")
    assert mapping.columns == {"northing": "X", "easting": "Y"}


def test_one_column_of_coordinates_is_that_of_both_angles(tmp_path: Path) -> None:
    mapping = load(tmp_path, "kind = 'tailings_pond'\n[columns]\nname = '名称'\ncoordinates = '坐标'")
    assert mapping.columns == {"name": "名称", "latitude": "坐标", "longitude": "坐标"}
