"""A mapping file that is proposed for a table loads as it is, and says what is sure and what is not."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.intake import load_mapping, read_batch
from registry.intake.cells.source_table import Points, SourceTable, unique_headers
from registry.intake.columns.headers import assign_columns
from registry.intake.files.readers import read_table
from registry.intake.suggestion.suggest import suggest_mapping
from registry.intake.suggestion.toml_text import quoted
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from registry.intake.columns.mapping import Mapping

POND = Kind.TAILINGS_POND
MAPPING = Path(__file__).parents[2] / "gis_data" / "mappings" / "brazil_anm_sigbm.toml"


def table_of(columns: dict[str, list[str]], points: Points | None = None) -> SourceTable:
    headers = unique_headers(list(columns))
    n = len(next(iter(columns.values())))
    cells = pd.DataFrame(dict(zip(headers, columns.values(), strict=True)), dtype="str")
    return SourceTable("t.csv", cells, headers, np.arange(2, n + 2), np.full(n, "", dtype=object), points)


def suggested(register: Path) -> str:
    return suggest_mapping(read_table(register, POND, sheet=None, encoding=None), POND)


def loaded(text: str, folder: Path) -> Mapping:
    path = folder / "suggested.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


PLACE = {"经度": ["108.51", "109.27"], "纬度": ["35.23", "36.18"]}


def test_the_anm_register_is_imported_by_what_is_suggested_for_it(shared_data: Path, tmp_path: Path) -> None:
    """As it is proposed: no line of it was changed."""
    register = shared_data / "anm_sigbm_2019-01-23.csv"
    mapping = loaded(suggested(register), tmp_path)
    batch = read_batch(register, POND, mapping=mapping)
    by_hand = read_batch(register, POND, mapping=load_mapping(MAPPING))
    assert (batch.read, len(batch.records), len(batch.rejects)) == (714, 714, 0)
    for field in ("lon", "lat", "dam_height_m", "storage_m3"):
        np.testing.assert_array_equal(batch.records[field], by_hand.records[field])
    for field in ("name", "operator", "declared_province", "address", "mineral", "hazard_class"):
        pd.testing.assert_series_equal(batch.records[field], by_hand.records[field])


def test_the_official_positions_of_the_anm_register_are_preferred_to_the_volunteers(shared_data: Path) -> None:
    text = suggested(shared_data / "anm_sigbm_2019-01-23.csv")
    assert '\nlatitude = "LATITUDE"  #' in text
    assert '\nlongitude = "LONGITUDE"  #' in text
    assert '\n# latitude = "Lat_decimal"  # or this one' in text
    assert '\n# longitude = "Long_decimal"  # or this one' in text
    assert "# unsure" not in text
    # Of the 58 ores, those whose name does not say which mineral they hold are left to fill in.
    assert tomllib.loads(text)["values"] == {"mineral": {"Sedimentos": "", "Xisto": "", "Pegmatito": ""}}


def test_two_columns_for_one_field_become_a_guess_and_its_rival(tmp_path: Path) -> None:
    table = table_of({"名称": ["红旗", "东风"], **PLACE, "坝高": ["45", ""], "现状坝高": ["46", "31"]})
    text = suggest_mapping(table, POND)
    assert 'dam_height_m = "现状坝高"  # unsure (0.90): "46", "31"' in text
    assert '# dam_height_m = "坝高"  # or this one (0.90): "45"' in text
    columns = assign_columns(table, POND, loaded(text, tmp_path))
    assert columns.of_field["dam_height_m"] == "现状坝高"


def test_headers_that_say_nothing_are_guessed_from_the_cells(tmp_path: Path) -> None:
    table = table_of(
        {
            "甲": ["红旗尾矿库", "东风尾矿库", "卫东尾矿库"],
            "乙": ["108°30′15″E", "109°16′12″E", "109°18′00″E"],
            "丙": ["35°12′04″N", "36°10′48″N", "36°11′00″N"],
            "丁": ["91130000109530137C", "91110000100017643K", "91130000109530137C"],
            "戊": ["河北省", "山西", "内蒙古自治区"],
            "己": ["在用", "已闭库", "停用"],
            "庚": ["湿排", "干排", "湿排"],
        }
    )
    text = suggest_mapping(table, POND)
    mapping = loaded(text, tmp_path)
    assert mapping.columns == {
        "name": "甲", "longitude": "乙", "latitude": "丙", "credit_code": "丁", "declared_province": "戊",
        "status": "己", "storage_form": "庚",
    }  # fmt: skip
    assert text.count("# unsure (") == 7


def test_headers_that_are_nearly_known_are_guessed_with_how_near_they_are(tmp_path: Path) -> None:
    table = table_of(
        {
            "尾矿库的名称": ["红旗", "东风"],
            **PLACE,
            "坝的高度（m）": ["45", "31"],
            "目前库存容量（万m³）": ["120", "80"],
        }
    )
    text = suggest_mapping(table, POND)
    mapping = loaded(text, tmp_path)
    assert mapping.columns["name"] == "尾矿库的名称"
    assert mapping.columns["dam_height_m"] == "坝的高度（m）"
    assert re.search(r'\nname = "尾矿库的名称"  # unsure \(0\.\d\d\): "红旗", "东风"', text)


def test_what_is_known_to_be_no_field_is_not_guessed_to_be_one() -> None:
    table = table_of(
        {"名称": ["红旗", "东风"], **PLACE, "初期坝高度(m)": ["12", "13"], "调洪库容量（万m³）": ["3", "4"]}
    )
    text = suggest_mapping(table, POND)
    assert '#   初期坝高度(m): "12", "13"' in text
    assert "dam_height_m" not in text
    assert '= "调洪库容量' not in text


def test_a_needed_field_that_nothing_looks_like_is_left_to_fill_in(tmp_path: Path) -> None:
    table = table_of({"坝高(m)": ["45"], "备注": ["无"]})
    text = suggest_mapping(table, POND)
    for field in ("name", "latitude", "longitude"):
        assert f'# {field} = ""  # NEEDED' in text
    assert loaded(text, tmp_path).columns == {"dam_height_m": "坝高(m)"}


def test_words_that_no_code_list_knows_are_listed_with_a_guess_and_their_count(tmp_path: Path) -> None:
    words = ["正常运行使用", "正常运行使用", "铁精粉", "不明所以"]
    table = table_of(
        {
            "名称": list("甲乙丙丁"),
            "经度": ["108.51"] * 4,
            "纬度": ["35.23"] * 4,
            "状态": words,
            "矿种": [*words[2:], "铁", "-"],
        }
    )
    text = suggest_mapping(table, POND)
    assert '"正常运行使用" = "in_use"  # unsure, 2 row(s)' in text
    assert '"铁精粉" = "iron"  # unsure, 1 row(s)' in text
    assert '"不明所以" = ""  # fill in, 1 row(s)' in text
    assert loaded(text, tmp_path).meanings["mineral"] == {"不明所以": "", "铁精粉": "iron"}


def test_a_negation_is_not_guessed_to_be_its_opposite() -> None:
    table = table_of({"名称": ["甲"], "经度": ["108.51"], "纬度": ["35.23"], "状态": ["未正式运行使用"]})
    assert '"未正式运行使用" = ""  # fill in' in suggest_mapping(table, POND)


def test_a_unit_that_no_header_says_is_asked_for(tmp_path: Path) -> None:
    table = table_of({"名称": ["红旗", "东风"], **PLACE, "库容": ["120", "80"], "坝高（m）": ["45", "31"]})
    text = suggest_mapping(table, POND)
    assert 'storage_m3 = "m3"  # unsure: the header says no unit; the middle one of its numbers is 100' in text
    assert '# storage_m3 = "1e4 m3"  # or this' in text
    assert loaded(text, tmp_path).units == {"storage_m3": "m3"}


@pytest.mark.parametrize(
    ("numbers", "sign"),
    [
        (["1.234,5", "12,75"], ","),
        (["27,700,000.00", "924,000.00"], "."),
        (["12.5", "3.25"], None),
        (["1,5", "1.5"], None),
    ],
)
def test_the_decimal_sign_is_written_where_the_numbers_show_it(
    numbers: list[str], sign: str | None, tmp_path: Path
) -> None:
    table = table_of({"名称": ["红旗", "东风"], **PLACE, "库容（m³）": numbers})
    assert loaded(suggest_mapping(table, POND), tmp_path).decimal == sign


def test_metres_with_zone_numbers_come_with_their_grid(tmp_path: Path) -> None:
    table = table_of({"名称": ["红旗", "东风"], "X": ["3897123.4", "3897125.1"], "Y": ["36512345.6", "36512399.0"]})
    mapping = loaded(suggest_mapping(table, POND), tmp_path)
    assert mapping.columns == {"name": "名称", "northing": "X", "easting": "Y"}
    # EPSG:4524 is CGCS2000 / 3-degree Gauss-Kruger zone 36.
    assert mapping.crs == "EPSG:4524"


def test_metres_of_which_nothing_says_the_grid_are_asked_for(tmp_path: Path) -> None:
    table = table_of({"名称": ["红旗", "东风"], "X": ["3897123.4", "3897125.1"], "Y": ["512345.6", "512399.0"]})
    text = suggest_mapping(table, POND)
    assert '# crs = "auto"  # NEEDED' in text
    assert loaded(text, tmp_path).crs is None


def test_a_header_that_names_its_coordinate_system_is_believed(tmp_path: Path) -> None:
    table = table_of({"名称": ["红旗"], "经度（火星坐标）": ["108.5"], "纬度（火星坐标）": ["35.2"]})
    assert loaded(suggest_mapping(table, POND), tmp_path).crs == "GCJ-02"


def test_both_angles_in_one_column_are_written_as_coordinates(tmp_path: Path) -> None:
    text = suggest_mapping(table_of({"名称": ["红旗"], "经纬度": ["108.5,35.2"]}), POND)
    assert '\ncoordinates = "经纬度"  #' in text
    assert loaded(text, tmp_path).columns["latitude"] == "经纬度"


def test_a_layer_needs_no_columns_for_its_position(tmp_path: Path) -> None:
    points = Points(np.array([108.5]), np.array([35.2]), np.array([""], dtype=object), None)
    text = suggest_mapping(table_of({"库名": ["红旗"], "坝高": ["45"]}, points), POND)
    assert "latitude" not in text
    assert "NEEDED: the layer does not say its coordinate reference system" in text
    assert loaded(text, tmp_path).columns == {"name": "库名", "dam_height_m": "坝高"}


def test_the_same_table_gives_the_same_text(shared_data: Path) -> None:
    register = shared_data / "anm_sigbm_2019-01-23.csv"
    assert suggested(register) == suggested(register)


NASTY = st.text(
    st.one_of(
        st.sampled_from(list("\"'\\#=[]\n\r\t,;名称经度纬度坝高（m）🏔\x00\x1b\x7f\u2028\u202e\ufeff\u3000 ")),
        st.characters(codec="utf-8"),
    ),
    min_size=1,
    max_size=12,
)


@given(
    headers=st.lists(NASTY, min_size=1, max_size=6),
    cells=st.lists(NASTY, min_size=1, max_size=4),
    kind=st.sampled_from(Kind),
)
@settings(max_examples=200, deadline=None)
def test_whatever_a_table_holds_its_suggestion_loads_and_fits_it(
    headers: list[str], cells: list[str], kind: Kind, tmp_path_factory: pytest.TempPathFactory
) -> None:
    names = list(unique_headers([header.strip() or "column" for header in headers]))
    table = table_of(dict.fromkeys(names, cells))
    text = suggest_mapping(table, kind)
    mapping = loaded(text, tmp_path_factory.mktemp("nasty"))
    for field, header in mapping.columns.items():
        assert header in table.headers, field
    assert not any(sign < " " or sign == "\x7f" for line in text.split("\n") for sign in line), (
        "a control character stands in the file"
    )


@given(text=st.text(st.characters(codec="utf-8")))
def test_any_text_comes_back_from_toml_as_it_was(text: str) -> None:
    assert tomllib.loads(f"{quoted(text)} = {quoted(text)}") == {text: text}
