from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.intake.cells.numbers import Numbers, read_numbers
from registry.intake.cells.units import unit_factor
from registry.model.fields import source_fields
from registry.model.vocabulary import Kind

FIELDS = {field.name: field for kind in Kind for field in source_fields(kind)}


def numbers(*texts: str, field: str = "storage_m3", **options: float | str) -> Numbers:
    return read_numbers(pd.Series([*texts], dtype="str"), FIELDS[field], **options)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("27,700,000.00", 27_700_000), ("27 700 000", 27_700_000), ("27'700'000", 27_700_000), ("27.700.000,5", 27_700_000.5),
        ("1.234,5", 1234.5), ("12,5", 12.5), ("0,123", 0.123), ("１２０．５", 120.5), ("-5", -5), ("+5", 5), ("1.2e3", 1200),
        ("120万m³", 1_200_000), ("3.5 万方", 35_000), ("120万", 1_200_000), ("5亿立方米", 5e8), ("1,200.5万立方米", 12_005_000),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(text: str, value: float) -> None:
    read = numbers(text)
    assert read.problem[0] == ""
    assert read.floats[0] == pytest.approx(value, rel=1e-15)


@pytest.mark.parametrize("text", ["", "-", "—", "——", "/", "无", "N/A", "暂无", "#N/A"])
def test_a_sign_for_nothing_is_no_value_and_no_error(text: str) -> None:
    read = numbers(text)
    assert math.isnan(read.floats[0])
    assert read.problem[0] == ""


@pytest.mark.parametrize(
    "text",
    ["abc", "约", "12-15", "12 5", "1,23,4", "120ft", "120吨", "约120吨", "inf", "1e400", "0x10", "1_000", "余3"],
)
def test_what_is_no_number_is_told_not_guessed(text: str) -> None:
    read = numbers(text)
    assert math.isnan(read.floats[0])
    assert read.problem[0] != ""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("约30", 30), ("約 30", 30), ("大约1,200", 1200), ("≈30", 30), ("～30", 30), ("近30", 30), ("30左右", 30), ("30余", 30),
        ("30多m³", 30), ("10余万m³", 100_000), ("120万余立方米", 1_200_000), ("about 30", 30), ("ca. 30", 30), ("cerca de 30", 30),
    ],
)  # fmt: skip
def test_an_approximate_number_is_read_and_known_as_such(text: str, value: float) -> None:
    read = numbers(text, "30")
    assert read.problem.tolist() == ["", ""]
    assert read.floats[0] == pytest.approx(value, rel=1e-15)
    assert read.approximate.tolist() == [True, False]


@pytest.mark.parametrize(
    "text",
    [
        "＞30",
        ">=30",
        "≤30",
        "<5",
        "大于30",
        "不足30",
        "超过30",
        "30以上",
        "30m³以下",
        "30万以内",
        "至少30",
        "30+",
        "more than 30",
    ],
)
def test_a_bound_is_no_number_and_is_told_as_a_bound(text: str) -> None:
    read = numbers(text)
    assert math.isnan(read.floats[0])
    assert "bound" in read.problem[0]


@pytest.mark.parametrize(
    "text", ["30-40", "30～40", "30—40m³", "30至40", "30万-40万", "30m³～40m³", "30±2", "约30-40", "12.5 to 13"]
)
def test_a_range_is_no_number_and_is_told_as_a_range(text: str) -> None:
    read = numbers(text)
    assert math.isnan(read.floats[0])
    assert "range" in read.problem[0]


def test_a_comma_that_could_be_either_is_decided_by_its_column() -> None:
    assert numbers("1,234", "12,5").floats.tolist() == [1.234, 12.5]
    assert numbers("1,234", "12.5").floats.tolist() == [1234, 12.5]
    assert numbers("1.234", "12,5").floats.tolist() == [1234, 12.5]
    assert numbers("1.234.567", "850.000").floats.tolist() == [1_234_567, 850_000]


def test_a_column_that_was_read_in_pieces_is_one_column() -> None:
    pieces = pd.concat(
        [pd.Series(["1,234", "约5"], dtype="str"), pd.Series(["12,5", "万"], dtype="str")], ignore_index=True
    )
    read = read_numbers(pieces, FIELDS["storage_m3"])
    assert read.floats[:3].tolist() == [1.234, 5, 12.5]
    assert read.problem[3] != ""


def test_a_comma_that_nothing_decides_is_a_thousands_sign_and_is_counted() -> None:
    read = numbers("1,234", "12")
    assert read.floats.tolist() == [1234, 12]
    assert read.guessed == 1


def test_a_comma_in_a_column_that_uses_both_ways_is_not_read() -> None:
    read = numbers("1,234", "12,5", "13.5")
    assert math.isnan(read.floats[0])
    assert "both" in read.problem[0]
    assert read.floats[1:].tolist() == [12.5, 13.5]


def test_the_mapping_file_can_say_the_decimal_sign() -> None:
    assert numbers("1,234", "1.234", decimal=",").floats.tolist() == [1.234, 1234]
    assert numbers("1,234", "1.234", decimal=".").floats.tolist() == [1234, 1.234]
    assert numbers("12,5", decimal=".").problem[0] != ""


def test_a_unit_in_the_cell_overrules_that_of_the_column() -> None:
    assert numbers("120", "120万m³", "120m3", factor=1e4).floats.tolist() == [1_200_000, 1_200_000, 120]


@pytest.mark.parametrize(
    ("unit", "field", "factor"),
    [
        ("万m³", "storage_m3", 1e4), ("10⁴m³", "storage_m3", 1e4), ("×10⁴ m³", "storage_m3", 1e4), ("1e4 m3", "storage_m3", 1e4),
        ("万立方米", "storage_m3", 1e4), ("Mm³", "storage_m3", 1e6), ("万", "storage_m3", 1e4), ("亿方", "storage_m3", 1e8),
        ("万吨", "stock_t", 1e4), ("亿吨", "stock_t", 1e8), ("Mt", "stock_t", 1e6), ("万吨/年", "annual_t", 1e4),
        ("万t/a", "capacity_t_per_year", 1e4), ("吨", "capacity_t_per_year", 1), ("㎡", "area_m2", 1), ("公顷", "area_m2", 1e4),
        ("亩", "area_m2", 10_000 / 15), ("万㎡", "area_m2", 1e4), ("km²", "area_m2", 1e6), ("米", "dam_height_m", 1),
    ],
)  # fmt: skip
def test_units_are_turned_into_the_stored_ones(unit: str, field: str, factor: float) -> None:
    assert unit_factor(unit, FIELDS[field]) == pytest.approx(factor, rel=1e-15)


@pytest.mark.parametrize(
    ("unit", "field"),
    [("m3", "dam_height_m"), ("吨", "storage_m3"), ("万吨/年", "stock_t"), ("mt", "stock_t"), ("m", "name")],
)
def test_a_unit_of_something_else_is_none(unit: str, field: str) -> None:
    assert unit_factor(unit, FIELDS[field]) is None


@given(st.integers(-(10**12), 10**12), st.integers(0, 99))
def test_a_number_with_thousands_signs_is_the_number(whole: int, cents: int) -> None:
    sign = "-" if whole < 0 else ""
    text = f"{sign}{abs(whole):,}.{cents:02d}"
    assert numbers(text).floats[0] == float(text.replace(",", ""))
    continental = text.translate(str.maketrans(",.", ".,"))
    assert numbers(continental).floats[0] == float(text.replace(",", ""))
