from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from registry.errors import UnknownColumnError
from registry.intake.headers import recognise
from registry.intake.spelling import fold
from registry.model.fields import source_fields
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.model.records import Batch


@pytest.mark.parametrize("kind", Kind)
def test_no_header_means_two_fields(kind: Kind) -> None:
    meanings: dict[str, str] = {}
    for field in source_fields(kind):
        for spelling in (field.name, field.zh, field.en, *field.synonyms):
            assert meanings.setdefault(fold(spelling), field.name) == field.name, spelling


@pytest.mark.parametrize("kind", Kind)
def test_labels_of_all_fields_are_recognised(kind: Kind) -> None:
    for field in source_fields(kind):
        for header in (
            field.name,
            field.zh,
            field.en,
            field.label("zh"),
            field.label("en"),
            field.en.upper(),
        ):
            assert recognise(header, kind) == field.name


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("坝高（m）", "dam_height_m"), ("库容(万m³)", "storage_m3"), ("年产量/万吨", "annual_t"), ("坝高 m", "dam_height_m"),
        ("库容\n（万立方米）", "storage_m3"), ("Dam Height (m)", "dam_height_m"), ("尾矿库 名称*", "name"), ("名称（必填）", "name"),
        ("经度(°)", "longitude"), ("中心纬度", "latitude"), ("LAT", "latitude"), ("lng", "longitude"),
    ],
)  # fmt: skip
def test_headers_are_recognised_with_units_and_marks(header: str, field: str) -> None:
    assert recognise(header, Kind.TAILINGS_POND) == field


def test_a_measure_in_an_unknown_unit_is_not_taken_for_one_in_ours() -> None:
    assert recognise("坝高(寸)", Kind.TAILINGS_POND) is None


def test_a_table_without_latitude_says_what_it_found_and_what_to_do(read: Callable[..., Batch]) -> None:
    with pytest.raises(UnknownColumnError) as caught:
        read("名称,坝高(m)\n红旗,45\n")
    assert str(caught.value) == (
        "table.csv: no column for latitude. Found: 名称, 坝高(m). Name it in the mapping file under [columns]."
    )


def test_two_columns_for_one_field_ask_for_the_mapping_file(read: Callable[..., Batch]) -> None:
    table = "名称,经度,纬度,坝高,现状坝高\n红旗,108,35,45,46\n"
    with pytest.raises(UnknownColumnError, match="'坝高' and '现状坝高' could both be dam_height_m"):
        read(table)
    batch = read(table, mapping={"columns": {"dam_height_m": "现状坝高"}})
    assert batch.records["dam_height_m"].tolist() == [46]
    assert batch.records["extra"].tolist() == ['{"坝高": "45"}']


def test_the_same_header_twice_asks_too(read: Callable[..., Batch]) -> None:
    table = "名称,经度,纬度,坝高,坝高\n红旗,108,35,45,46\n"
    with pytest.raises(UnknownColumnError, match=r"'坝高' and '坝高 \(2\)'"):
        read(table)
    assert read(table, mapping={"columns": {"dam_height_m": "坝高 (2)"}}).records["dam_height_m"].tolist() == [46]


def test_a_mapping_that_names_a_missing_column_says_so(read: Callable[..., Batch]) -> None:
    with pytest.raises(UnknownColumnError, match="names 'Nome' for name, and there is no such column"):
        read("名称,经度,纬度\n红旗,108,35\n", mapping={"columns": {"name": "Nome"}})


def test_x_and_y_are_a_position_only_where_nothing_clearer_is(read: Callable[..., Batch]) -> None:
    assert read("名称,x,y\n红旗,108,35\n").records[["lon", "lat"]].to_numpy().tolist() == [[108, 35]]
    both = read("名称,经度,纬度,x,y\n红旗,108,35,1,2\n")
    assert both.records[["lon", "lat"]].to_numpy().tolist() == [[108, 35]]
    assert both.records["extra"].tolist() == ['{"x": "1", "y": "2"}']


def test_an_assumed_unit_is_noted(read: Callable[..., Batch]) -> None:
    batch = read("名称,经度,纬度,库容\n红旗,108,35,120\n")
    assert any("'库容' says no unit; its numbers were read as m3" in note for note in batch.notes)
