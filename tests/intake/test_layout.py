"""Sheets as people lay them out: titles, headers of two rows, units, totals, remarks, printed pages."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from registry.errors import EmptyTableError
from registry.intake import read_batch
from registry.intake.cells.source_table import SourceTable
from registry.intake.files.readers import read_table
from registry.model.vocabulary import Kind

POND = Kind.TAILINGS_POND


def of_text(tmp_path: Path, text: str, kind: Kind = POND) -> SourceTable:
    path = tmp_path / "t.csv"
    path.write_text(text, encoding="utf-8")
    return read_table(path, kind, sheet=None, encoding=None)


def of_sheet(tmp_path: Path, rows: list[list[object]], *merged: str) -> SourceTable:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for area in merged:
        book.active.merge_cells(area)
    path = tmp_path / "t.xlsx"
    book.save(path)
    return read_table(path, POND, sheet=None, encoding=None)


def test_titles_and_a_line_of_units_and_date_stand_above_the_header(tmp_path: Path) -> None:
    table = of_sheet(
        tmp_path,
        [
            ["河北省尾矿库基本情况一览表"],
            ["填报单位：河北省应急管理厅", None, "单位：万m³", None, "填报日期：2024年6月"],
            [],
            ["序号", "尾矿库名称", "经度", "纬度", "库容（万m³）"],
            [1, "红旗", 118.5, 39.6, 120],
        ],
        "A1:E1",
    )
    assert list(table.headers) == ["序号", "尾矿库名称", "经度", "纬度", "库容（万m³）"]
    assert table.rows.tolist() == [5]
    assert any("the header is row 4; 3 row(s) above it were not read" in note for note in table.notes)


def test_merged_headers_of_two_rows_become_one_header_a_column(tmp_path: Path) -> None:
    table = of_sheet(
        tmp_path,
        [
            ["尾矿库一览表"],
            ["尾矿库名称", "坐标", None, "坝高（m）", None, "库容（万m³）", None, "备注"],
            [None, "经度", "纬度", "设计", "现状", "设计", "现状", None],
            ["红旗", 118.5, 39.6, 60, 45, 200, 120, "好"],
        ],
        "A1:H1", "A2:A3", "B2:C2", "D2:E2", "F2:G2", "H2:H3",
    )  # fmt: skip
    assert list(table.headers) == [
        "尾矿库名称", "经度", "纬度", "设计坝高（m）", "现状坝高（m）", "设计库容（万m³）", "现状库容（万m³）", "备注",
    ]  # fmt: skip
    assert table.rows.tolist() == [4]


def test_a_header_of_two_rows_is_seen_in_a_text_table_too(tmp_path: Path) -> None:
    table = of_text(
        tmp_path,
        "名称,坐标,,坝高（m）,,所属企业\n,经度,纬度,设计,现状,\n红旗,118.5,39.6,60,45,甲公司\n",
    )
    assert list(table.headers) == ["名称", "经度", "纬度", "设计坝高（m）", "现状坝高（m）", "所属企业"]
    assert table.cells.iloc[0].tolist() == ["红旗", "118.5", "39.6", "60", "45", "甲公司"]


def test_groups_that_hold_the_same_headers_are_told_apart(tmp_path: Path) -> None:
    table = of_text(
        tmp_path,
        "名称,经度,纬度,设计,,现状,\n,,,坝高（m）,库容（万m³）,坝高（m）,库容（万m³）\n红旗,118.5,39.6,60,200,45,120\n",
    )
    assert list(table.headers)[3:] == ["设计坝高（m）", "设计库容（万m³）", "现状坝高（m）", "现状库容（万m³）"]


def test_a_group_that_means_nothing_here_is_joined_with_its_headers(tmp_path: Path) -> None:
    table = of_text(tmp_path, "名称,经度,纬度,下游情况,\n,,,人数,距离\n红旗,118.5,39.6,30,800\n")
    assert list(table.headers)[3:] == ["下游情况人数", "下游情况距离"]


def test_a_first_record_with_gaps_is_no_second_header(tmp_path: Path) -> None:
    table = of_text(tmp_path, "名称,经度,纬度,备注\n红旗,118.5,39.6,\n,118.6,39.7,无名\n")
    assert list(table.headers) == ["名称", "经度", "纬度", "备注"]
    assert table.rows.tolist() == [2, 3]


def test_a_row_of_units_and_one_of_column_numbers_belong_to_the_header(tmp_path: Path) -> None:
    table = of_text(
        tmp_path, "名称,经度,纬度,坝高,库容\n,°,°,m,万m³\n甲,1,2,3,4\n红旗,118.5,39.6,45,120\n东风,118.6,39.7,30,80\n"
    )
    assert list(table.headers) == ["名称", "经度（°）", "纬度（°）", "坝高（m）", "库容（万m³）"]
    assert table.rows.tolist() == [4, 5]
    assert "t.csv: row 2 was read as the units of the columns." in table.notes
    assert "t.csv: row 3 was read as the numbers of the columns." in table.notes


def test_units_of_their_own_row_are_applied(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("名称,经度,纬度,库容\n,度,度,万m³\n红旗,118.5,39.6,120\n", encoding="utf-8")
    assert read_batch(path, POND).records["storage_m3"].tolist() == [1_200_000]


@pytest.mark.parametrize(
    "total",
    [
        "合计,,,75",
        "合 计,,,75",
        ",总计,,75",
        "小计：,,,75",
        "Total,,,75",
        "SUBTOTAL,,,75",
        "唐山市小计,,,75",
        "合计2座,,,75",
    ],
)
def test_a_total_is_no_site_and_is_told(tmp_path: Path, total: str) -> None:
    table = of_text(tmp_path, f"名称,经度,纬度,坝高（m）\n红旗,118.5,39.6,45\n{total}\n东风,118.6,39.7,30\n")
    assert table.rows.tolist() == [2, 4]
    assert "t.csv: not read as records, being a total, not a site: row(s) 3." in table.notes


def test_a_total_in_the_column_of_names_is_no_site(tmp_path: Path) -> None:
    table = of_text(tmp_path, "序号,名称,经度,纬度,坝高（m）\n1,红旗,118.5,39.6,45\n2,合计,,,45\n")
    assert table.rows.tolist() == [2]


@pytest.mark.parametrize(
    "row", ["合计,118.6,39.7,30", "Total,118.6,39.7,", "总计,甲,乙,丙", "合计沟,,,30", "totalizer,,,1"]
)
def test_a_row_that_only_looks_like_a_total_stays(tmp_path: Path, row: str) -> None:
    table = of_text(tmp_path, f"名称,经度,纬度,坝高（m）\n红旗,118.5,39.6,45\n{row}\n")
    assert table.rows.tolist() == [2, 3]


def test_remarks_below_the_table_are_no_sites_and_are_told(tmp_path: Path) -> None:
    table = of_text(
        tmp_path,
        "名称,经度,纬度,坝高（m）\n红旗,118.5,39.6,45\n合计,,,45\n\n备注：坝高为现状坝高\n2、经纬度为库区中心\n填表人：张三,,审核人：李四,\n",
    )
    assert table.rows.tolist() == [2]
    assert "t.csv: not read as records, being a remark below the table: row(s) 5, 6, 7." in table.notes
    assert "t.csv: not read as records, being a total, not a site: row(s) 3." in table.notes


def test_a_last_row_with_nothing_but_a_name_is_turned_back_not_dropped(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("名称,经度,纬度\n红旗,118.5,39.6\n东风,,\n", encoding="utf-8")
    batch = read_batch(path, POND)
    assert (batch.read, batch.rejects["row"].unique().tolist()) == (2, [3])


def test_the_header_of_the_next_printed_page_is_skipped(tmp_path: Path) -> None:
    page = "尾矿库一览表,,\n名称,经度,纬度\n"
    table = of_text(tmp_path, page + "红旗,118.5,39.6\n" + page + "东风,118.6,39.7\n")
    assert table.rows.tolist() == [3, 6]
    assert "t.csv: not read as records, being the header or title again: row(s) 4, 5." in table.notes


def test_a_column_that_stands_twice_with_the_same_cells_is_read_once(tmp_path: Path) -> None:
    table = of_text(tmp_path, "名称,经度,纬度,坝高,坝高,等别,等别\n红旗,118.5,39.6,45,45,四等,五等\n")
    assert list(table.headers) == ["名称", "经度", "纬度", "坝高", "等别", "等别 (2)"]
    assert any("twice with the same cells, read once: 坝高." in note for note in table.notes)


def test_a_cell_merged_over_several_sites_holds_for_each(tmp_path: Path) -> None:
    table = of_sheet(
        tmp_path,
        [
            ["省份", "名称", "经度", "纬度"],
            ["河北省", "红旗", 118.5, 39.6],
            [None, "东风", 118.6, 39.7],
            [None, "西岭", 118.7, 39.8],
            ["山西省", "北山", 112.5, 37.9],
        ],
        "A2:A4",
    )
    assert table.cells["省份"].tolist() == ["河北省", "河北省", "河北省", "山西省"]


def test_blank_rows_anywhere_are_no_rows(tmp_path: Path) -> None:
    table = of_text(tmp_path, "\n名称,经度,纬度\n\n红旗,118.5,39.6\n,,\n \n东风,118.6,39.7\n\n\n")
    assert table.rows.tolist() == [4, 7]


def test_a_table_of_nothing_but_a_total_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptyTableError, match="no row below it"):
        of_text(tmp_path, "名称,经度,纬度,坝高\n合计,,,0\n")


def test_headers_that_nobody_knows_are_found_below_titles(tmp_path: Path) -> None:
    table = of_text(tmp_path, "Cadastro;;;\nEmitido em;2019;;\nNOME;ALT;VOL;OBS\nA;1;2;x\nB;2;3;y\n")
    assert list(table.headers) == ["NOME", "ALT", "VOL", "OBS"]


def test_dates_and_whole_numbers_look_as_they_were_typed(tmp_path: Path) -> None:
    table = of_sheet(
        tmp_path,
        [["名称", "经度", "纬度", "建成", "编号"], ["红旗", 118.5, 39.0, dt.date(2015, 6, 1), 20240001]],
    )
    assert table.cells.iloc[0].tolist() == ["红旗", "118.5", "39", "2015-06-01", "20240001"]


WORDS = [
    "",
    "",
    "名称",
    "红旗",
    "合计",
    "小计：",
    "备注：无",
    "填表人：张三",
    "108.5",
    "35",
    "m",
    "1",
    "2",
    "3",
    "4",
    "经度",
    "坐标",
    "一览表",
]
GRIDS = st.lists(st.lists(st.sampled_from(WORDS), min_size=4, max_size=4), min_size=1, max_size=9)


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(GRIDS)
def test_no_filled_row_below_the_header_is_left_out_without_a_word(tmp_path: Path, grid: list[list[str]]) -> None:
    lines = [["名称", "经度", "纬度", "坝高"], *grid, ["红旗", "108.5", "35.2", "45"]]
    table = of_text(tmp_path, "\n".join(map(",".join, lines)) + "\n")
    header = next(
        (match for note in table.notes if (match := re.search(r"the header is rows? (?:\d+–)?(\d+)", note))), None
    )
    below = int(header[1]) if header else 1
    for number, cells in enumerate(lines, start=1):
        if number > below and any(cells) and number not in table.rows:
            assert any(re.search(rf"\brow.*\b{number}\b", note) for note in table.notes), (number, table.notes)
