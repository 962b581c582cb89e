from __future__ import annotations

import re
import zipfile
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import openpyxl
import pandas as pd
import pytest
from desktop import soffice_convert
from metadata_made import READABLE, made

from registry.export import write, write_table
from registry.export.formats import workbook
from registry.export.frame_layers import prepared
from registry.export.layers import Words
from registry.model.fields import fields
from registry.model.vocabulary import BURNING, STATUSES, Term

from .conftest import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

LABEL = {field.name: field.label("zh") for field in fields("tailings_pond")}
OFFICE = {
    "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "meta": "urn:oasis:names:tc:opendocument:xmlns:meta:1.0",
}


def part(path: Path, name: str) -> ET.Element:
    with zipfile.ZipFile(path) as archive:
        return ET.fromstring(archive.read(name))


def key(name: str) -> str:
    space, _, local = name.partition(":")
    return f"{{{OFFICE[space]}}}{local}"


def rule_of(book: Any, sheet: str, heading: str) -> Any:
    """The rule of a column."""
    headings = [cell.value for cell in book[sheet][1]]
    letter = openpyxl.utils.get_column_letter(headings.index(heading) + 1)
    return next((rule for rule in book[sheet].data_validations.dataValidation if f"{letter}2" in rule.sqref), None)


def test_xlsx_has_a_sheet_a_kind_with_typed_cells_headings_and_filters(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.xlsx", title="台账", note="合成数据")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["尾矿库", "煤矸石堆场", "综合利用企业", "行政区划", "说明"]
    sheet, ponds = book["尾矿库"], layers["tailings_pond"]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == sheet.dimensions
    headings = [cell.value for cell in sheet[1]]
    column = {name: headings.index(label) for name, label in LABEL.items() if label in headings}
    rows = list(sheet.iter_rows(min_row=2))
    assert len(rows) == len(ponds)
    assert headings[-2:] == ["经度", "纬度"]
    for row, (_, pond) in zip(rows, ponds.iterrows(), strict=True):
        name = row[column["name"]]
        assert (name.value, name.data_type) == (pond["name"], "s")
        assert row[column["storage_m3"]].value == pytest.approx(pond["storage_m3"], rel=1e-15)
        level = row[column["supervision_level"]].value
        assert level == (None if pd.isna(pond["supervision_level"]) else pond["supervision_level"])
        status = row[column["status"]].value
        assert status == (None if pd.isna(pond["status"]) else STATUSES[pond["status"]].zh)
        assert row[-2].value == pytest.approx(pond.geometry.x, rel=1e-15)
    assert rows[0][column["ownerless"]].value is True
    assert rows[1][column["ownerless"]].value is None
    assert book.properties.description == "合成数据"
    about = [row[0] for row in book["说明"].iter_rows(values_only=True)]
    assert about[:2] == ["台账", "合成数据"]


def test_xlsx_in_english(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.xlsx", lang="en")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True)
    assert book.sheetnames[:2] == ["Tailings pond", "Coal gangue heap"]
    rows = list(book["Tailings pond"].iter_rows(values_only=True))
    assert rows[1][rows[0].index("Status")] == "In use"
    book.close()


def test_xlsx_dates_times_and_numbers_too_long_for_a_double(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "day": [date(2024, 2, 29), date(1850, 1, 1)],
            "at": pd.to_datetime(["2024-01-02T03:04:05+08:00", None]),
            "big": [2**60, -(2**53)],
            "infinite": [float("inf"), 1.0],
        }
    )
    write_table(frame, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [cell.value for cell in sheet[2]] == [
        datetime(2024, 2, 29),
        datetime(2024, 1, 1, 19, 4, 5),
        str(2**60),
        "inf",
    ]
    assert [cell.value for cell in sheet[3]] == ["1850-01-01", None, -(2**53), 1]


def test_more_rows_than_a_sheet_holds_go_on_in_the_next(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    write_table(pd.DataFrame({"n": range(7)}), tmp_path / "a.xlsx", name="per/site")
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    assert book.sheetnames == ["per site", "per site (2)", "per site (3)"]
    assert [cell.value for cell in book["per site (3)"]["A"]] == ["n", 6]


def test_a_text_longer_than_a_cell_is_cut_and_said_so(tmp_path: Path, caplog: Any) -> None:
    write_table(pd.DataFrame({"t": ["长" * 40_000]}), tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").active["A2"].value == "长" * 32_767
    assert "1 texts are longer" in caplog.text


def test_coded_columns_have_lists_and_numbers_their_limits(layers: Any, tmp_path: Path) -> None:
    for lang, sheets in {
        "zh": ("尾矿库", "煤矸石堆场", "综合利用企业"),
        "en": ("Tailings pond", "Coal gangue heap", "Utilization plant"),
    }.items():
        write(layers, tmp_path / "a.xlsx", lang=lang)
        book = openpyxl.load_workbook(tmp_path / "a.xlsx")
        described = {
            field.name: field
            for kind in ("tailings_pond", "gangue_heap", "utilization_plant")
            for field in fields(kind)
        }

        def rule(sheet: str, name: str, book: Any = book, lang: str = lang, described: Any = described) -> Any:
            return rule_of(book, sheet, described[name].label(lang))

        status = rule(sheets[0], "status")
        assert (status.type, status.errorStyle, status.allowBlank) == ("list", None, True)
        assert status.formula1.strip('"').split(",") == [getattr(term, lang) for term in STATUSES.values()]
        assert str(status.sqref).endswith("1048576")  # rows that are added are checked as well
        assert rule(sheets[1], "burning").formula1.strip('"').split(",") == [
            getattr(term, lang) for term in BURNING.values()
        ]
        assert rule(sheets[0], "supervision_level").formula1 == '"1,2,3"'
        assert rule(sheets[0], "ownerless").formula1 == '"TRUE,FALSE"'
        height = rule(sheets[0], "dam_height_m")
        assert (height.type, float(height.formula1), float(height.formula2)) == ("decimal", 0, 500)
        year = rule(sheets[2], "opened_year")
        assert (year.type, int(year.formula1), int(year.formula2)) == ("whole", 1800, 2100)
        assert rule(sheets[0], "name") is None


def test_a_list_too_long_for_its_rule_stands_on_a_hidden_sheet(ponds: Any, tmp_path: Path) -> None:
    (layer,) = prepared({"tailings_pond": ponds}, crs=None, lang="zh")
    codes = {f"c{at}": Term(f"第{at}类，很长的名称", f'Class {at}, "quoted"') for at in range(40)}
    described = {**layer.fields, "status": replace(layer.fields["status"], codes=codes)}
    for lang, name in {"zh": "选项", "en": "Lists"}.items():
        workbook.write([replace(layer, fields=described)], tmp_path / f"{lang}.xlsx", Words(lang))
        book = openpyxl.load_workbook(tmp_path / f"{lang}.xlsx")
        rule = rule_of(book, layer.title(lang), layer.label("status", lang))
        assert rule.formula1 == f"'{name}'!$A$1:$A$40"
        assert book[name].sheet_state == "hidden"
        assert [cell.value for cell in book[name]["A"]] == [getattr(term, lang) for term in codes.values()]
        converted = soffice_convert(tmp_path / f"{lang}.xlsx", "ods", tmp_path)
        conditions = {
            rule.get(key("table:condition"))
            for rule in part(converted, "content.xml").iter(key("table:content-validation"))
        }
        assert any(
            name in str(condition) and "A$1" in str(condition).replace("[$", "[").replace("$A$1", "A$1")
            for condition in conditions
        )


def test_the_uid_is_there_but_hidden_and_numbers_look_as_their_units_ask(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["尾矿库"]
    headings = {cell.value: cell.column_letter for cell in sheet[1]}
    assert sheet.column_dimensions[headings["统一标识"]].hidden
    assert not sheet.column_dimensions[headings["名称"]].hidden
    assert [cell.value for cell in sheet[headings["统一标识"]]][1:] == list(layers["tailings_pond"].index)
    assert sheet[f"{headings['现状库容 (m3)']}2"].number_format == "#,##0.00"
    assert sheet[f"{headings['环境监管等级']}2"].number_format == "0"
    assert sheet[f"{headings['经度']}2"].number_format == "0.000000"
    assert sheet.column_dimensions[headings["名称"]].width > sheet.column_dimensions[headings["无主"]].width


def test_no_cell_is_a_formula_or_a_link_whatever_it_says(ponds: Any, tmp_path: Path) -> None:
    names = [*HOSTILE[:10], "http://example.org", "_x0041_ \x07"]
    write({"tailings_pond": ponds.assign(name=names)}, tmp_path / "a.xlsx", metadata=made(title="=1+1"))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/"):
                content = archive.read(name)
                assert b"<f>" not in content
                assert b"hyperlink" not in content
    converted = soffice_convert(tmp_path / "a.xlsx", "ods", tmp_path)
    content = part(converted, "content.xml")
    formulas = {cell.get(key("table:formula")) for cell in content.iter()} - {None}
    assert formulas <= {"of:=TRUE()", "of:=FALSE()"}  # how LibreOffice writes a truth value
    texts = {"".join(paragraph.itertext()) for paragraph in content.iter(key("text:p"))}
    assert {"=cmd|' /C calc'!A0", "+86 电话", "@SUM(A1)", "=1+1"} <= texts


def test_libreoffice_keeps_values_lists_filters_and_properties(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.xlsx", title="台账", metadata=made())
    converted = soffice_convert(tmp_path / "a.xlsx", "ods", tmp_path)
    content = part(converted, "content.xml")
    conditions = [str(rule.get(key("table:condition"))) for rule in content.iter(key("table:content-validation"))]
    listed = ";".join(f'"{term.zh}"' for term in STATUSES.values())
    assert f"of:cell-content-is-in-list({listed})" in conditions
    assert "of:cell-content-is-decimal-number() and cell-content-is-between(0,500)" in conditions
    ranges = {area.get(key("table:target-range-address")) for area in content.iter(key("table:database-range"))}
    assert any(re.fullmatch(r"'?尾矿库'?\.A1:'?尾矿库'?\.[A-Z]+13", str(area)) for area in ranges)
    hidden = [
        column
        for column in content.iter(key("table:table-column"))
        if column.get(key("table:visibility")) == "collapse"
    ]
    assert len(hidden) == 3  # the uid of each kind; a region has none
    facts = {
        fact.get(key("meta:name")): fact.text for fact in part(converted, "meta.xml").iter(key("meta:user-defined"))
    }
    assert facts["synthetic"] == "true"
    assert str(facts["date"]).startswith("2026-11-26")
    assert f"甲 2025 {READABLE}" in str(facts["source"])
    assert "CC-BY-4.0" in str(facts["licence"])
    soffice_convert(
        tmp_path / "a.xlsx", "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,false,false,false,-1", tmp_path
    )
    found = pd.read_csv(tmp_path / "a-煤矸石堆场.csv")
    heaps = layers["gangue_heap"]
    assert found["统一标识"].tolist() == list(heaps.index)
    assert found["名称"].tolist() == heaps["name"].tolist()
    assert found["自燃情况"].fillna("").tolist() == [
        BURNING[code].zh if isinstance(code, str) else "" for code in heaps["burning"]
    ]
    assert found["经度"].tolist() == pytest.approx(heaps.geometry.x.tolist(), abs=1e-6)
    assert soffice_convert(tmp_path / "a.xlsx", "pdf", tmp_path).read_bytes().startswith(b"%PDF")


def test_the_last_sheet_explains_columns_and_origin(layers: Any, tmp_path: Path) -> None:
    write(layers, tmp_path / "a.xlsx", metadata=made())
    rows = list(openpyxl.load_workbook(tmp_path / "a.xlsx")["说明"].iter_rows(values_only=True))
    told = [str(row[0]) for row in rows]
    assert any("CC-BY-4.0" in line for line in told)
    assert any("合成示范数据" in line for line in told)
    height = next(row for row in rows if row[2] == "dam_height_m")
    assert height[:2] == ("尾矿库", "现状坝高 (m)")
    assert height[3:] == ("m", None, 0, 500)
    status = next(row for row in rows if row[2] == "status")
    assert str(status[4]).startswith("approved = 已批待建")


def test_numbers_are_written_with_all_their_digits(tmp_path: Path) -> None:
    numbers = [0.1 + 0.2, 1 / 3, 1e9 + 1 / 7, -5e-324, 1.7976931348623157e308, 0.5]
    write_table(pd.DataFrame({"x": numbers}), tmp_path / "a.xlsx")
    assert [cell.value for cell in openpyxl.load_workbook(tmp_path / "a.xlsx").active["A"]][1:] == numbers
