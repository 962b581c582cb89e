from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from registry.errors import UnknownColumnError
from registry.intake import Mapping
from registry.intake.cells.source_table import Points, SourceTable
from registry.intake.columns.headers import assign_columns, recognise
from registry.model.fields import source_fields
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from registry.model.records import Batch


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
        ("1.尾矿库名称", "name"), ("（一）名称", "name"), ("①名称", "name"), ("*名称", "name"), ("一、坝高（m）", "dam_height_m"),
        ("坝高（单位：m）", "dam_height_m"), ("坝高（m，保留2位小数）", "dam_height_m"), ("库容万m³", "storage_m3"),
        ("是否“头顶库”", "above_people"), ("尾矿库坝高（m）", "dam_height_m"), ("库容（设计）", "design_storage_m3"),
        ("经度(°)", "longitude"), ("经度（度分秒）", "longitude"), ("坐标（经度）", "longitude"), ("中心纬度", "latitude"), ("LAT", "latitude"), ("lng", "longitude"),
    ],
)  # fmt: skip
def test_headers_are_recognised_with_units_and_marks(header: str, field: str) -> None:
    assert recognise(header, Kind.TAILINGS_POND) == field


@pytest.mark.parametrize(
    ("header", "field"),
    [
        ("坝高（m） 设计", "design_height_m"), ("坝高（m） 现状", "dam_height_m"), ("坐标 经度", "longitude"),
        ("中心坐标（CGCS2000） 纬度", "latitude"), ("库容（万m³）/设计", "design_storage_m3"), ("库容（万m3） 现状", "storage_m3"),
        ("基本情况 名称", "name"), ("所在地 省", "declared_province"), ("所在地 市", None), ("平面坐标 X（m）", "x"),
        ("初期坝 坝高（m）", None), ("联系人 名称", None), ("下游居民 名称", None),
    ],
)  # fmt: skip
def test_a_header_of_two_rows_is_read_with_its_title(header: str, field: str | None) -> None:
    assert recognise(header, Kind.TAILINGS_POND) == field


def test_a_measure_in_an_unknown_unit_is_not_taken_for_one_in_ours() -> None:
    for header in ("坝高(寸)", "坝高（t）", "坝高（最大）", "库容（万t）"):
        assert recognise(header, Kind.TAILINGS_POND) is None


def test_a_table_without_latitude_says_what_it_found_and_what_to_do(read: Callable[..., Batch]) -> None:
    with pytest.raises(UnknownColumnError) as caught:
        read("名称,坝高(m)\n红旗,45\n")
    assert str(caught.value) == (
        "table.csv: no column for latitude. Found: 名称, 坝高(m). Name it under [columns] of a mapping file: "
        "`registry import FILE --kind tailings_pond --suggest-mapping` writes one to edit."
    )


def test_a_table_of_another_kind_is_told_from_its_headers(read: Callable[..., Batch]) -> None:
    with pytest.raises(UnknownColumnError, match="rather those of a table of utilization_plant: --kind utilization_"):
        read("企业名称,经度,纬度,主要产品,年处理能力（万吨/年）,投产年份\n甲公司,108,35,砖,12,2015\n")


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


def test_an_empty_column_gives_way_to_a_filled_one(read: Callable[..., Batch]) -> None:
    batch = read("名称,经度,纬度,坝高,现状坝高\n红旗,108,35,,46\n")
    assert batch.records["dam_height_m"].tolist() == [46]
    assert any("dam_height_m was read from '现状坝高'" in note and "not from '坝高'" in note for note in batch.notes)


def test_a_word_that_may_be_many_things_gives_way_to_a_clear_one(read: Callable[..., Batch]) -> None:
    batch = read("编号,尾矿库编码,名称,经度,纬度\nA7,HB1,红旗,108,35\nA3,HB2,东风,109,36\n")
    assert batch.records["code"].tolist() == ["HB1", "HB2"]
    assert batch.records["extra"].tolist() == ['{"编号": "A7"}', '{"编号": "A3"}']
    assert read("编号,名称,经度,纬度\nA7,红旗,108,35\n").records["code"].tolist() == ["A7"]


def test_row_numbers_are_neither_a_code_nor_kept(read: Callable[..., Batch]) -> None:
    for header in ("序号", "No.", "编号", "ID"):
        batch = read(f"{header},名称,经度,纬度\n1,红旗,108,35\n2,东风,109,36\n")
        assert "code" not in batch.records
        assert batch.records["extra"].isna().all()
        assert any(f"'{header}' only numbers the rows" in note for note in batch.notes)
    gaps = read("序号,名称,经度,纬度\n1,红旗,108,35\n7,东风,109,36\n")
    assert gaps.records["extra"].isna().all()
    broken = read("序号,名称,经度,纬度\n7,红旗,108,35\n1,东风,109,36\n")
    assert broken.records["extra"].tolist() == ['{"序号": "7"}', '{"序号": "1"}']


def test_a_code_that_counts_is_still_a_code_where_the_header_says_so(read: Callable[..., Batch]) -> None:
    batch = read("尾矿库编码,名称,经度,纬度\n1,红旗,108,35\n2,东风,109,36\n")
    assert batch.records["code"].tolist() == ["1", "2"]


def test_a_second_name_without_chinese_is_the_english_one(read: Callable[..., Batch]) -> None:
    batch = read("名称,Name,经度,纬度\n红旗,Hongqi,108,35\n")
    assert batch.records[["name", "name_en"]].to_numpy().tolist() == [["红旗", "Hongqi"]]


def test_a_field_known_by_its_second_line_alone_is_noted(read: Callable[..., Batch]) -> None:
    batch = read("名称,经度,纬度,巡查 地址\n红旗,108,35,某村\n")
    assert batch.records["address"].tolist() == ["某村"]
    assert any("'巡查 地址' was read as address by its last words alone" in note for note in batch.notes)


def test_what_a_volume_and_a_mass_are_both_called_is_told_apart_by_the_unit(read: Callable[..., Batch]) -> None:
    batch = read("名称,经度,纬度,尾矿堆存量（万m³）,现有堆存量（万吨）\n红旗,108,35,12,34\n")
    assert batch.records[["storage_m3", "stock_t"]].to_numpy().tolist() == [[120_000, 340_000]]


def of_field(text: str, mapping: Mapping | None = None) -> dict[str, str]:
    """The columns of a small table, by field."""
    cells = pd.read_csv(io.StringIO(text), dtype="str", keep_default_na=False)
    table = from_columns(cells)
    return assign_columns(table, Kind.TAILINGS_POND, mapping).of_field


def from_columns(cells: pd.DataFrame, points: Points | None = None) -> SourceTable:
    n = len(cells)
    headers = {str(column): str(column) for column in cells.columns}
    return SourceTable("t", cells, headers, np.arange(2, n + 2), np.full(n, "", dtype=object), points)


def test_x_and_y_are_angles_or_metres_by_their_size() -> None:
    assert of_field("名称,X,Y\n红旗,108.5,35.2\n") == {"name": "名称", "longitude": "X", "latitude": "Y"}
    # X is the northing, as Chinese surveyors have it.
    metres = of_field("名称,X坐标（m）,Y坐标（m）\n红旗,3897123.4,36512345.6\n")
    assert metres == {"name": "名称", "northing": "X坐标（m）", "easting": "Y坐标（m）"}
    assert of_field("名称,纵坐标,横坐标\n红旗,3897123.4,36512345.6\n")["northing"] == "纵坐标"
    assert of_field("名称,纵坐标,横坐标\n红旗,35.2,108.5\n")["latitude"] == "纵坐标"


def test_x_and_y_are_a_position_only_where_nothing_clearer_is() -> None:
    both = of_field("名称,经度,纬度,x,y\n红旗,108,35,1,2\n")
    assert both == {"name": "名称", "longitude": "经度", "latitude": "纬度"}


def test_a_mapping_file_with_a_crs_in_metres_takes_the_columns_in_metres() -> None:
    text = "名称,经度,纬度,X,Y\n红旗,108,35,3897123,36512345\n"
    projected = of_field(text, Mapping(Kind.TAILINGS_POND, crs="EPSG:4524"))
    assert projected == {"name": "名称", "northing": "X", "easting": "Y"}
    assert of_field(text, Mapping(Kind.TAILINGS_POND, crs="GCJ-02"))["longitude"] == "经度"


def test_both_angles_in_one_column_are_that_column_twice() -> None:
    for header in ("坐标", "经纬度", "中心坐标", "coordinates"):
        found = of_field(f"名称,{header}\n红旗,108.5 35.2\n")
        assert found == {"name": "名称", "latitude": header, "longitude": header}


def test_the_coordinate_system_that_a_header_names_is_told() -> None:
    cells = pd.DataFrame({"名称": ["红旗"], "经度（GCJ-02）": ["108"], "纬度（GCJ-02）": ["35"]}, dtype="str")
    columns = assign_columns(from_columns(cells), Kind.TAILINGS_POND, None)
    assert columns.crs == "GCJ-02"
    assert any('write crs = "GCJ-02" in a mapping file' in note for note in columns.notes)


@pytest.mark.parametrize(
    ("cut", "field"),
    [
        ("supervisio", "supervision_level"), ("tailings_p", "name"), ("storage_fo", "storage_form"),
        ("环境监管等", "supervision_level"), ("环境监", "supervision_level"), ("统一社会信", "credit_code"),
        ("design_sto", "design_storage_m3"),
        # Too short, or never cut.
        ("尾矿", None), ("supervis", None), ("环境监管", None),
    ],
)  # fmt: skip
def test_names_that_a_shapefile_cut_are_known_in_a_layer_alone(cut: str, field: str | None) -> None:
    cells = pd.DataFrame({"库名": ["红旗"], cut: ["1"]}, dtype="str")
    points = Points(np.array([108.0]), np.array([35.0]), np.array([""], dtype=object), "EPSG:4490")
    if field == "name":
        cells = cells.drop(columns="库名")
    found = assign_columns(from_columns(cells, points), Kind.TAILINGS_POND, None).of_field
    assert {name for name, column in found.items() if column == cut} == ({field} if field else set())
    with_position = cells.assign(经度=["108"], 纬度=["35"], 名称=["红旗"])
    bare = assign_columns(from_columns(with_position.drop(columns="库名", errors="ignore")), Kind.TAILINGS_POND, None)
    assert cut not in bare.of_field.values()


def test_an_assumed_unit_is_noted(read: Callable[..., Batch]) -> None:
    batch = read("名称,经度,纬度,库容\n红旗,108,35,120\n")
    assert any("'库容' says no unit; its numbers were read as m3" in note for note in batch.notes)


def test_a_header_needs_no_unit_where_every_cell_has_one(read: Callable[..., Batch]) -> None:
    batch = read("名称,经度,纬度,库容\n红旗,108,35,12万m³\n东风,109,36,\n西岭,109,37,80万方\n")
    assert batch.records["storage_m3"].dropna().tolist() == [120_000, 800_000]
    assert not any("says no unit" in note for note in batch.notes)
