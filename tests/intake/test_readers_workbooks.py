"""Workbooks and what is taken for one: which sheet, formulas, errors, other formats, wrong suffixes."""

from __future__ import annotations

import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
import xlwt

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.cells.source_table import SourceTable
from registry.intake.files.readers import read_table
from registry.model.vocabulary import Kind

POND = Kind.TAILINGS_POND
ROWS: list[list[object]] = [["名称", "经度", "纬度"], ["红旗", 108.5, 35.2], ["东风", 108.6, 35.3]]


def workbook(path: Path, sheets: dict[str, list[list[object]]], *, hidden: tuple[str, ...] = ()) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
        sheet.sheet_state = "hidden" if name in hidden else "visible"
    book.save(path)
    return path


def read(path: Path, sheet: str | None = None) -> SourceTable:
    return read_table(path, POND, sheet=sheet, encoding=None)


def test_the_only_sheet_with_headers_of_the_kind_is_taken_and_told(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"填表说明": [["请如实填写"], ["一", "二"]], "数据": ROWS})
    table = read(path)
    assert (table.sheet, table.label) == ("数据", "t.xlsx, sheet '数据'")
    assert table.cells["名称"].tolist() == ["红旗", "东风"]
    assert "t.xlsx: of its sheets only '数据' has such headers; not read: 填表说明." in table.notes


def test_hidden_sheets_are_read_only_when_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"数据": ROWS, "旧": ROWS[:2]}, hidden=("旧",))
    assert len(read(path).rows) == 2
    assert len(read(path, "旧").rows) == 1


def test_a_workbook_whose_only_data_are_hidden_names_the_sheet(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"封面": [], "旧": ROWS}, hidden=("旧",))
    with pytest.raises(EmptyTableError, match=r"every visible sheet is empty\. Hidden: 旧\. Name one with --sheet"):
        read(path)


def test_a_formula_gives_the_value_that_was_computed(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    for at, row in enumerate([*ROWS, ["西岭", 0, 35.4]]):
        sheet.write_row(at, 0, row)
    sheet.write_formula("B4", "=108+0.7", None, 108.7)
    book.close()
    table = read(path)
    assert table.cells["经度"].tolist() == ["108.5", "108.6", "108.7"]
    assert not table.notes


def test_a_formula_that_was_never_computed_is_empty_and_told(tmp_path: Path) -> None:
    table = read(workbook(tmp_path / "t.xlsx", {"数据": [*ROWS, ["西岭", "=108+0.7", 35.4]]}))
    assert table.cells["经度"].tolist() == ["108.5", "108.6", ""]
    assert any("1 cell(s) (B4) hold a formula without its value and are empty" in note for note in table.notes)


def test_a_cell_with_an_error_is_empty_and_told(tmp_path: Path) -> None:
    path = workbook(tmp_path / "t.xlsx", {"数据": [*ROWS, ["西岭", "#REF!", 35.4]]})
    table = read(path)
    assert table.cells["经度"].tolist() == ["108.5", "108.6", ""]
    assert any("1 cell(s) (B4) hold an error" in note for note in table.notes)


def test_a_table_that_starts_off_the_corner_keeps_its_rows_and_merged_headers(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    for at, row in enumerate([["名称", "坐标", None], [None, "经度", "纬度"], ["红旗", 108.5, 35.2]]):
        for column, value in enumerate(row):
            sheet.cell(5 + at, 3 + column, value)
    sheet.merge_cells("C5:C6")
    sheet.merge_cells("D5:E5")
    book.save(tmp_path / "t.xlsx")
    table = read(tmp_path / "t.xlsx")
    assert list(table.headers) == ["名称", "经度", "纬度"]
    assert table.rows.tolist() == [7]


def test_an_old_workbook_is_read_with_its_merged_headers(tmp_path: Path) -> None:
    book = xlwt.Workbook()
    sheet = book.add_sheet("尾矿库")
    sheet.write_merge(0, 0, 0, 2, "河北省尾矿库")
    sheet.write_merge(1, 2, 0, 0, "名称")
    sheet.write_merge(1, 1, 1, 2, "坐标")
    for at, row in enumerate([["经度", "纬度"], [108.5, 35.2]]):
        for column, value in enumerate(row):
            sheet.write(2 + at, 1 + column, value)
    sheet.write(3, 0, "红旗")
    book.save(str(tmp_path / "t.xls"))
    table = read(tmp_path / "t.xls")
    assert table.cells.iloc[0].tolist() == ["红旗", "108.5", "35.2"]
    assert table.rows.tolist() == [4]


ODS = """<?xml version="1.0" encoding="UTF-8"?><office:document-content
 xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" office:version="1.2"><office:body><office:spreadsheet>
<table:table table:name="尾矿库">{}</table:table></office:spreadsheet></office:body></office:document-content>"""


def ods(path: Path, rows: list[list[object]], repeat: int = 1) -> Path:
    def cell(value: object) -> str:
        kind = "string" if isinstance(value, str) else "float"
        many = f' table:number-columns-repeated="{repeat}"' if value == "重" else ""
        number = "" if kind == "string" else f' office:value="{value}"'
        return f'<table:table-cell office:value-type="{kind}"{number}{many}><text:p>{value}</text:p></table:table-cell>'

    content = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    blank = '<table:table-row table:number-rows-repeated="1048573"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", ODS.format(content + blank))
        archive.writestr(
            "META-INF/manifest.xml",
            '<?xml version="1.0"?><!DOCTYPE manifest:manifest PUBLIC "-//OpenOffice.org//DTD Manifest 1.0//EN" "Manifest.dtd">'
            '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>',
        )
    return path


def test_an_opendocument_sheet_is_read(tmp_path: Path) -> None:
    table = read(ods(tmp_path / "t.ods", ROWS))
    assert table.cells["经度"].tolist() == ["108.5", "108.6"]


def test_an_opendocument_cell_that_stands_for_millions_is_refused(tmp_path: Path) -> None:
    path = ods(tmp_path / "t.ods", [[*ROWS[0], "重"], *ROWS[1:]], repeat=900_000_000)
    with pytest.raises(UnreadableFileError, match="repeated 900,000,000 times"):
        read(path)


PAGE = """<html><head><meta http-equiv="Content-Type" content="text/html; charset={0}"></head><body>
<table border=1><tr><td colspan=4>河北省尾矿库一览表</td></tr>
<tr><th rowspan=2>名称</th><th colspan=2>坐标</th><th rowspan=2>坝高（m）</th></tr><tr><th>经度<th>纬度</tr>
<tr><td>红旗<br>一库</td><td>118.5</td><td>39.6</td><td>45&nbsp;</td></tr>
<tr><td>东风&amp;西岭</td><td>118.6</td><td>39.7</td><td></td></tr></table></body></html>"""


@pytest.mark.parametrize("encoding", ["utf-8", "gb2312", "utf-16"])
def test_a_web_page_saved_as_xls_is_read(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "导出.xls"
    path.write_bytes(PAGE.format(encoding).encode(encoding))
    table = read(path)
    assert list(table.headers) == ["名称", "经度", "纬度", "坝高（m）"]
    assert table.cells.to_numpy().tolist() == [
        ["红旗\n一库", "118.5", "39.6", "45"],
        ["东风&西岭", "118.6", "39.7", ""],
    ]
    assert "导出.xls: in spite of its suffix it is a web page, and was read as that." in table.notes


def test_a_text_table_named_xls_and_a_workbook_named_csv_are_read_as_what_they_are(tmp_path: Path) -> None:
    text = tmp_path / "t.xls"
    text.write_bytes("名称\t经度\t纬度\n红旗\t108.5\t35.2\n".encode("gbk"))
    assert read(text).cells["名称"].tolist() == ["红旗"]
    book = workbook(tmp_path / "t.xlsx", {"数据": ROWS}).rename(tmp_path / "t.csv")
    assert read(book).cells["名称"].tolist() == ["红旗", "东风"]
    assert "t.csv: in spite of its suffix it is a workbook, and was read as that." in read(book).notes


def test_an_xml_spreadsheet_says_how_to_save_it(tmp_path: Path) -> None:
    path = tmp_path / "t.xls"
    path.write_text(
        '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"></Workbook>', "utf-8"
    )
    with pytest.raises(UnreadableFileError, match="Save it as xlsx"):
        read(path)
