"""The file of rejects: in the layout of its source, with the reasons beside, and taken again once it is corrected."""

from __future__ import annotations

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pyogrio
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.errors import BadParameterError, UnwritableFileError
from registry.intake import Mapping, read_batch, write_rejects
from registry.intake.checks.rejects import check_rejects
from registry.model.records import Batch, findings
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    Read = Callable[..., Batch]

OURS = ["row", "column", "value", "reason", "file"]

HEADER = "批次,编码,尾矿库名称,经度,纬度,监管等级,坝高(m),库容(万m³),备注\n"
WRONG = (
    '1,001,甲库,108°30′15.2″E,35°00′00″N,一级,45.50,"1,200.5",=1+1\n'
    "2,002,乙库,108.25,35.5,五级,abc,120,'引号\n"
    '3,003,,109.5,36.25,3,30,20,"两行\n字,与逗号"\n'
    "4,004,丁库,110.125,37.0,二级,20,-5,-7\n"
)
CORRECTED = {
    ("002", "监管等级"): "二级",
    ("002", "坝高(m)"): "31.5",
    ("003", "尾矿库名称"): "丙库",
    ("004", "库容(万m³)"): "5",
}


def read_csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def as_it_should_be(read: Read) -> pd.DataFrame:
    """Records of a table in which the wrong cells are right from the start."""
    right = (
        WRONG.replace("五级,abc", "二级,31.5").replace("3,003,,", "3,003,丙库,").replace("20,-5,", "20,5,")
    )  # fmt: skip
    batch = read(HEADER + right)
    assert batch.rejects.empty
    return batch.records.set_index("code").loc[["002", "003", "004"]].drop(columns="row")


def test_the_rejected_rows_stand_in_the_layout_of_their_source_with_the_reasons_beside(
    read: Read, tmp_path: Path
) -> None:
    batch = read(HEADER + WRONG)
    write_rejects(batch, Path("2024 台账.xlsx"), tmp_path / "r.csv")
    raw = (tmp_path / "r.csv").read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    assert b"\r\n" in raw
    header, *rows = read_csv(tmp_path / "r.csv")
    assert header == [*HEADER.strip().split(","), *OURS]
    assert rows[0][:9] == ["2", "002", "乙库", "108.25", "35.5", "五级", "abc", "120", "'引号"]
    assert rows[0][9:12] == ["3", "监管等级; 坝高(m)", "五级; abc"]
    assert rows[0][12].count("; ") >= 1
    assert rows[0][12].endswith("The cell is not a number.")
    assert [row[13] for row in rows] == ["2024 台账.xlsx"] * 3
    assert rows[2][8] == "-7"


def test_a_corrected_csv_gives_the_records_of_a_table_that_was_right(read: Read, tmp_path: Path) -> None:
    write_rejects(read(HEADER + WRONG), Path("t.csv"), tmp_path / "r.csv")
    header, *rows = read_csv(tmp_path / "r.csv")
    for row in rows:
        for (code, column), text in CORRECTED.items():
            if row[1] == code:
                row[header.index(column)] = text
    with (tmp_path / "corrected.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    again = read_batch(tmp_path / "corrected.csv", Kind.TAILINGS_POND)
    assert again.rejects.empty
    assert not any("reason" in note for note in again.notes)
    pd.testing.assert_frame_equal(again.records.set_index("code").drop(columns="row"), as_it_should_be(read))


def test_a_corrected_workbook_gives_the_records_of_a_table_that_was_right(read: Read, tmp_path: Path) -> None:
    write_rejects(read(HEADER + WRONG), Path("t.csv"), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    assert book.sheetnames == ["尾矿库", "汇总 Summary"]
    sheet = book["尾矿库"]
    headers = [cell.value for cell in sheet[1]]
    assert headers == [*HEADER.strip().split(","), *OURS]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:N4"
    marked = {
        (row[1].value, headers[i]): cell
        for row in sheet.iter_rows(min_row=2)
        for i, cell in enumerate(row[:9])
        if cell.fill.fgColor.rgb == "FFFFC7CE"
    }
    assert set(marked) == set(CORRECTED)
    assert "not a number" in marked["002", "坝高(m)"].comment.text
    for place, text in CORRECTED.items():
        marked[place].value = float(text) if text[0].isdigit() else text
    assert sheet["H3"].value == 20  # a number is a number
    assert sheet["B2"].value == "002"  # and a code keeps its zeros
    book.save(tmp_path / "corrected.xlsx")
    again = read_batch(tmp_path / "corrected.xlsx", Kind.TAILINGS_POND)
    assert again.rejects.empty
    pd.testing.assert_frame_equal(again.records.set_index("code").drop(columns="row"), as_it_should_be(read))


def test_rejects_that_nobody_corrected_are_rejected_again_for_the_same_reasons(read: Read, tmp_path: Path) -> None:
    batch = read(HEADER + WRONG)
    for suffix in (".csv", ".xlsx"):
        write_rejects(batch, Path("t.csv"), tmp_path / f"r{suffix}")
        again = read_batch(tmp_path / f"r{suffix}", Kind.TAILINGS_POND)
        assert again.records.empty
        same = ["column", "value", "reason"]
        pd.testing.assert_frame_equal(again.rejects[same], batch.rejects[same])
        assert again.rejected_rows.columns.tolist() == HEADER.strip().split(",")


def test_the_summary_of_a_workbook_counts_the_reasons(read: Read, tmp_path: Path) -> None:
    batch = read(HEADER + WRONG)
    write_rejects(batch, Path("t.csv"), tmp_path / "r.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "r.xlsx")["汇总 Summary"].values)
    assert rows[0][:4] == ("级别 severity", "原因 reason", "列 column", "行数 rows")
    assert len(rows) == 1 + len(batch.summary())
    assert {row[0] for row in rows[1:]} == {"error"}


def test_a_column_that_stands_twice_keeps_both_headers_and_the_right_one_is_marked(read: Read, tmp_path: Path) -> None:
    options: dict[str, Any] = {"mapping": {"columns": {"dam_height_m": "坝高(m) (2)"}}}
    batch = read("名称,经度,纬度,坝高(m),坝高(m)\n甲,108,35,1,abc\n", **options)
    write_rejects(batch, Path("t.csv"), tmp_path / "r.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["尾矿库"]
    assert [cell.value for cell in sheet[1]][:5] == ["名称", "经度", "纬度", "坝高(m)", "坝高(m)"]
    assert (sheet["D2"].comment, sheet["E2"].comment is None) == (None, False)
    mapping = Mapping(Kind.TAILINGS_POND, columns={"dam_height_m": "坝高(m) (2)"})
    again = read_batch(tmp_path / "r.xlsx", Kind.TAILINGS_POND, mapping=mapping)
    assert again.rejects["column"].tolist() == ["坝高(m) (2)"]


def test_cells_beyond_the_header_are_shown_as_the_value(read: Read, tmp_path: Path) -> None:
    write_rejects(read("名称,经度,纬度\n甲,108,35,多,余\n"), Path("t.csv"), tmp_path / "r.csv")
    header, row = read_csv(tmp_path / "r.csv")
    assert header == ["名称", "经度", "纬度", *OURS]
    assert row[:6] == ["甲", "108", "35", "2", "", "多 余"]


def test_a_rejected_feature_of_a_layer_comes_with_its_point(tmp_path: Path) -> None:
    layer = gpd.GeoDataFrame(
        {"name": ["甲", "乙", "丙"], "supervision_level": ["一级", "九级", "二级"]},
        geometry=[shapely.Point(116, 39), shapely.Point(117.0625, 40.5), None],
        crs=4326,
    ).to_crs(4527)
    pyogrio.write_dataframe(layer, tmp_path / "ponds.gpkg")
    write_rejects(read_batch(tmp_path / "ponds.gpkg", Kind.TAILINGS_POND), Path("ponds.gpkg"), tmp_path / "r.xlsx")
    book = openpyxl.load_workbook(tmp_path / "r.xlsx")
    sheet = book["尾矿库"]
    assert [cell.value for cell in sheet[1]][:4] == ["name", "supervision_level", "latitude", "longitude"]
    assert [cell.comment is None for cell in sheet[3]][:4] == [True, True, False, False]
    sheet["B2"], sheet["C3"], sheet["D3"] = "三级", 41, 118
    book.save(tmp_path / "r.xlsx")
    again = read_batch(tmp_path / "r.xlsx", Kind.TAILINGS_POND)
    assert again.rejects.empty
    assert again.records["lon"].tolist() == pytest.approx([117.0625, 118], abs=1e-9)
    assert again.records["lat"].tolist() == pytest.approx([40.5, 41], abs=1e-9)
    assert again.records["extra"].isna().all()


def test_columns_of_those_names_in_a_table_of_ones_own_are_kept_as_extra(read: Read) -> None:
    batch = read("名称,经度,纬度,row,column,value,reason,file,备注\n甲,108,35,1,a,b,c,d,e\n")
    assert '"reason": "c"' in batch.records["extra"][0]


def test_no_cell_of_a_csv_of_rejects_runs_as_a_formula_and_reading_takes_the_apostrophe_away(tmp_path: Path) -> None:
    values = ["=1+1", "+cmd|'/C calc'!A0", "@SUM(A1)", "-2+3", "-108.5", "＝1", "名称", "", "'=1", "''", "'abc"]
    rows = pd.DataFrame({"=列": values}, index=pd.Index(range(2, len(values) + 2), name="row"), dtype="str")
    found = findings([(i, "=列", value, "reason") for i, value in enumerate(values, start=2)])
    batch = Batch(Kind.TAILINGS_POND, pd.DataFrame(), found, findings(), len(values), "t.csv", "", rejected_rows=rows)
    write_rejects(batch, Path("t.csv"), tmp_path / "r.csv")
    header, *lines = read_csv(tmp_path / "r.csv")
    guarded = [
        "'=1+1", "'+cmd|'/C calc'!A0", "'@SUM(A1)", "'-2+3", "-108.5", "'＝1", "名称", "", "''=1", "'''", "'abc",
    ]  # fmt: skip
    assert header[0] == "'=列"
    assert [line[0] for line in lines] == guarded
    assert [line[3] for line in lines] == guarded


CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Cn"]), max_size=8) | st.sampled_from(
    ["=1", "'=1", "''", "1.50", "007", "-3", "1e5", "0.1", "123456789012345678", "１２", "TRUE", "2015-06-01", " x"]
)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5), st.sampled_from([".csv", ".xlsx"]))
def test_every_cell_of_a_rejected_row_comes_back_as_it_was(cells: list[tuple[str, str]], suffix: str) -> None:
    with TemporaryDirectory() as folder:
        first, second = Path(folder) / "a.csv", Path(folder) / f"r{suffix}"
        with first.open("w", encoding="utf-8", newline="") as file:
            # Guarded as the registry guards, or the first reading takes an apostrophe away.
            csv.writer(file).writerows(
                [["名称", "经度", "纬度", "备注一", "备注二"], *(["甲", "x", "35", *row] for row in cells)]
            )
        batch = read_batch(first, Kind.TAILINGS_POND, encoding="utf-8")
        write_rejects(batch, first, second)
        again = read_batch(second, Kind.TAILINGS_POND)
    assert again.rejected_rows.reset_index(drop=True).equals(batch.rejected_rows.reset_index(drop=True))


def test_more_rejects_than_a_sheet_takes_are_for_csv(tmp_path: Path) -> None:
    n = 1_048_576
    rows = pd.DataFrame({"名称": ""}, index=pd.RangeIndex(2, n + 2, name="row"), dtype="str")
    found = pd.DataFrame({"row": rows.index, "column": "名称", "value": "", "reason": "The name is empty."})
    batch = Batch(Kind.TAILINGS_POND, pd.DataFrame(), found, findings(), n, "t.csv", "", rejected_rows=rows)
    with pytest.raises(UnwritableFileError, match=r"1,048,576 rejected rows .* \.csv"):
        write_rejects(batch, Path("t.csv"), tmp_path / "r.xlsx")
    write_rejects(batch, Path("t.csv"), tmp_path / "r.csv")
    with (tmp_path / "r.csv").open("rb") as file:
        assert sum(1 for _ in file) == n + 1


def test_a_place_that_cannot_be_written_is_one_clear_line(read: Read, tmp_path: Path) -> None:
    batch = read("名称,经度,纬度\n甲,108,95\n")
    for name in ("r.csv", "r.xlsx"):
        with pytest.raises(UnwritableFileError, match=name):
            write_rejects(batch, Path("t.csv"), tmp_path / "missing" / name)


def test_another_suffix_is_refused_before_the_import(tmp_path: Path) -> None:
    with pytest.raises(BadParameterError, match=r"\.csv or \.xlsx"):
        check_rejects(tmp_path / "rejects.docx", [])
    check_rejects(tmp_path / "new" / "rejects.XLSX", [])
    assert not (tmp_path / "new" / "rejects.XLSX").exists()
