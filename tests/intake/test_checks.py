"""Cells of one column: ranks as people write them, what is not decided yet, credit codes."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.intake.checks.fields import Column, credit_code_fault, read_column
from registry.model.fields import Field, source_fields
from registry.model.vocabulary import Kind

FIELDS = {field.name: field for kind in Kind for field in source_fields(kind)}
CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
# GB 32100-2015 has the first in its annex; the others are on the business licences that the companies publish.
CREDIT_CODES = [
    "91350100M000100Y43", "9144030071526726XG", "91330100799655058B", "914403001922038216", "91100000100003962T",
    "91110000802100433B",
]  # fmt: skip


def column(name: str, *texts: str) -> Column:
    return read_column(FIELDS[name], pd.Series([*texts], dtype="str"))


@pytest.mark.parametrize(
    "text",
    [
        "2",
        "2.0",
        "二级",
        "2级",
        "2 级",
        "Ⅱ级",
        "Ⅱ",
        "II",
        "ii级",
        "第二级",
        "贰级",
        "②",
        "二",
        "Level 2",
        "二级（重点）",
        "二级尾矿库",
        "等级二",
    ],
)
def test_a_level_is_read_however_it_is_written(text: str) -> None:
    read = column("supervision_level", text)
    assert (read.content[0], read.error[0], read.warning[0]) == (2, "", "")


@pytest.mark.parametrize("text", ["四级", "0", "22", "2.5", "二三级", "一级或二级", "重大", "IV", "-2", "2级以上"])
def test_what_is_none_of_the_levels_is_an_error_that_lists_them(text: str) -> None:
    read = column("supervision_level", text)
    assert pd.isna(read.content[0])
    assert "known: 1 一级, 2 二级, 3 三级" in read.error[0]


@pytest.mark.parametrize("text", ["四等", "4", "四等库", "Ⅳ", "IV等", "四级", "四等（现状）", "四等尾矿库"])
def test_a_dam_class_is_read_however_it_is_written(text: str) -> None:
    assert column("dam_class", text).content.tolist() == [4]


@pytest.mark.parametrize("text", ["未定级", "待定", "未分级"])
def test_a_level_that_is_not_decided_yet_is_no_value_with_a_warning(text: str) -> None:
    read = column("supervision_level", text)
    assert (pd.isna(read.content[0]), read.error[0]) == (True, "")
    assert "not decided yet" in read.warning[0]


def test_an_approximate_number_is_taken_with_a_warning() -> None:
    read = column("dam_height_m", "约30", "30", "30余米", "<30", "约600")
    assert read.content[:3].tolist() == [30, 30, 30]
    assert [bool(text) for text in read.warning] == [True, False, True, False, False]
    assert [bool(text) for text in read.error] == [False, False, False, True, True]


@pytest.mark.parametrize("code", CREDIT_CODES)
def test_a_published_credit_code_has_no_fault(code: str) -> None:
    assert credit_code_fault(code) == ""


@given(st.sampled_from(CREDIT_CODES), st.integers(0, 17), st.sampled_from(CREDIT_CHARACTERS))
def test_one_wrong_character_of_a_credit_code_is_always_seen(code: str, at: int, character: str) -> None:
    # A check over a prime, here 31, with weights that are no multiple of it sees every single substitution.
    wrong = code[:at] + character + code[at + 1 :]
    assert (credit_code_fault(wrong) == "") == (wrong == code)


@given(st.sampled_from(CREDIT_CODES), st.integers(0, 16))
def test_two_characters_that_changed_places_are_always_seen(code: str, at: int) -> None:
    wrong = code[:at] + code[at + 1] + code[at] + code[at + 2 :]
    assert (credit_code_fault(wrong) == "") == (wrong == code)


ANYTHING = st.text(max_size=10) | st.from_regex(
    r"[约≈<>≥~+-]?\d{1,4}([.,]\d{1,3})?([-~至]\d{1,3})?(余|多|%|万|m|m3|吨|年|级|等)?", fullmatch=True
)


@given(st.sampled_from(sorted(FIELDS)), st.lists(ANYTHING, min_size=1, max_size=6))
def test_any_cell_of_any_field_is_a_value_of_its_type_or_an_error(name: str, cells: list[str]) -> None:
    field: Field = FIELDS[name]
    read = column(name, *(cell.strip() for cell in cells))
    contents: Any = pd.Series(read.content, dtype=object)
    assert len(contents) == len(read.error) == len(read.warning) == len(cells)
    for content, error in zip(contents, read.error, strict=True):
        if error and field.type != "text":
            assert pd.isna(content)
        if pd.isna(content):
            continue
        match field.type:
            case "boolean":
                assert content in (True, False)
            case "integer" | "real":
                assert (field.minimum is None) or field.minimum <= content
                assert (field.maximum is None) or content <= field.maximum
                assert field.type == "real" or content == int(content)
            case _:
                assert isinstance(content, str)
                assert content
        if field.codes and field.type != "boolean":
            assert str(content) in field.codes
