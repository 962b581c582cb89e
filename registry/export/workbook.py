"""XLSX: a sheet a layer, with typed cells, a frozen heading, filters, and a sheet that explains the fields.

Headings are the labels of the fields with their units, codes are written as their labels, both in the chosen language;
intake reads either back. Points have their longitude and latitude (easting and northing in a projected CRS) as the last
two columns. Every text is written as a text, so that none is run as a formula. Rows are streamed.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import xlsxwriter

from registry.export.layers import log, positions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from xlsxwriter.worksheet import Worksheet

    from registry.export.layers import Layer, Words

MOST_ROWS = 1_048_576  # of a sheet, the heading included
MOST_CHARACTERS = 32_767  # of a cell
MOST_EXACT = 2**53  # a spreadsheet counts in doubles: a whole number beyond is written as a text
_FIRST_YEAR = 1900  # an earlier date is a text in a spreadsheet

_POSITION_LABELS = {
    "zh": {"lon": "经度", "lat": "纬度", "easting": "东坐标 (m)", "northing": "北坐标 (m)"},
    "en": {"lon": "Longitude", "lat": "Latitude", "easting": "Easting (m)", "northing": "Northing (m)"},
}
_LEGEND = {
    "zh": ("说明", ("工作表", "列", "字段", "单位", "代码")),
    "en": ("About", ("Sheet", "Column", "Field", "Unit", "Codes")),
}
_FORMATS = {
    "heading": {"bold": True, "bg_color": "#e8eef4", "bottom": 1, "text_wrap": True, "valign": "vcenter"},
    "date": {"num_format": "yyyy-mm-dd"},
    "time": {"num_format": "yyyy-mm-dd hh:mm:ss"},
}


def write(layers: Sequence[Layer], path: Path, words: Words) -> None:
    """Write the layers in order, each continued on a further sheet where it has more rows than one can hold."""
    with _workbook(path) as book:
        book.set_properties({"title": words.title or "", "comments": words.note or ""})
        formats = {name: book.add_format(properties) for name, properties in _FORMATS.items()}
        names: list[str] = []
        for layer in layers:
            headings = _headings(layer, words.lang)
            columns = _cells(layer, words.lang)
            for begin in range(0, len(layer.frame), MOST_ROWS - 1):
                names.append(_sheet_name(layer.title(words.lang), names))
                part = [values[begin : begin + MOST_ROWS - 1] for values in columns]
                _write_sheet(book.add_worksheet(names[-1]), headings, part, formats)
        _write_legend(book, layers, words, formats, names)


@contextmanager
def _workbook(path: Path) -> Iterator[xlsxwriter.Workbook]:
    """A workbook that is closed at the end, and that leaves no passing file behind when writing fails."""
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.stem}_") as folder:
        # Each row is on disk before the next begins; a text beginning with = or http is a text all the same.
        options = {
            "constant_memory": True,
            "tmpdir": folder,
            "strings_to_formulas": False,
            "strings_to_urls": False,
        }
        book = xlsxwriter.Workbook(str(path), options)
        try:
            yield book
            book.close()
        finally:
            book.fileclosed = True  # its destructor would try to write once more
            for sheet in book.worksheets():
                with suppress(OSError):
                    sheet.row_data_fh.close()


def _write_legend(
    book: xlsxwriter.Workbook,
    layers: Sequence[Layer],
    words: Words,
    formats: Mapping[str, Any],
    names: Sequence[str],
) -> None:
    """The last sheet: title and note, and what each column of a described layer means."""
    legend = [row for layer in layers for row in _legend_rows(layer, words.lang)]
    about = [[text] for text in (words.title, words.note) if text]
    if not legend and not about:
        return
    title, header = _LEGEND[words.lang]
    sheet = book.add_worksheet(_sheet_name(title, names))
    sheet.set_column(0, 4, 24)
    for at, row in enumerate(about):
        _write_row(sheet, at, row, formats)
    if legend:
        _write_row(sheet, len(about), header, formats, heading=True)
        for at, cells in enumerate(legend, start=len(about) + 1):
            _write_row(sheet, at, cells, formats)


def _headings(layer: Layer, lang: str) -> list[str]:
    given = _POSITION_LABELS[lang] if layer.fields else {}
    return [layer.label(column, lang) for column in layer.columns] + [
        given.get(name, name) for name in positions(layer)
    ]


def _cells(layer: Layer, lang: str) -> list[list[Any]]:
    """Every column as Python values, None where there is none; codes as their labels."""
    columns = []
    for name in layer.columns:
        values = layer.frame[name]
        if isinstance(values.dtype, pd.DatetimeTZDtype):
            values = values.dt.tz_convert("UTC").dt.tz_localize(None)  # a spreadsheet knows no zones
        codes: dict[Any, str] = {code: getattr(term, lang) for code, term in (layer.codes(name) or {}).items()}
        listed = [None if missing else value for value, missing in zip(values.tolist(), values.isna(), strict=True)]
        columns.append([codes.get(value, value) for value in listed] if codes else listed)
    return columns + [values.tolist() for values in positions(layer).values()]


def _write_sheet(sheet: Worksheet, headings: list[str], columns: list[list[Any]], formats: Mapping[str, Any]) -> None:
    sheet.freeze_panes(1, 0)
    for at, (heading, values) in enumerate(zip(headings, columns, strict=True)):
        sheet.set_column(at, at, _width(heading, values))
    rows = len(columns[0]) if columns else 0
    if headings:
        sheet.autofilter(0, 0, rows, len(headings) - 1)
    _write_row(sheet, 0, headings, formats, heading=True)
    shortened = sum(_write_row(sheet, at, row, formats) for at, row in enumerate(zip(*columns, strict=True), start=1))
    if shortened:
        log.warning(
            "%s: %d texts are longer than the %d characters of a cell and were cut.",
            sheet.get_name(),
            shortened,
            MOST_CHARACTERS,
        )


def _write_row(
    sheet: Worksheet, at: int, row: Sequence[Any], formats: Mapping[str, Any], *, heading: bool = False
) -> int:
    """Write one row of cells by their types; the number of texts that had to be cut."""
    cut = 0
    for column, value in enumerate(row):
        if value is None:
            continue
        if isinstance(value, bool):
            sheet.write_boolean(at, column, value)
        elif isinstance(value, datetime) and value.year >= _FIRST_YEAR:
            sheet.write_datetime(at, column, value, formats["time"])
        elif isinstance(value, date) and not isinstance(value, datetime) and value.year >= _FIRST_YEAR:
            sheet.write_datetime(at, column, value, formats["date"])
        elif isinstance(value, (int, float)) and abs(value) <= MOST_EXACT:
            sheet.write_number(at, column, value)
        else:
            text = str(value)
            cut += len(text) > MOST_CHARACTERS
            sheet.write_string(at, column, text[:MOST_CHARACTERS], formats["heading"] if heading else None)
    return cut


def _width(heading: str, values: Sequence[Any]) -> float:
    """A width in characters that shows the heading and most of the first values; a Chinese character counts twice."""

    def wide(text: str) -> int:
        return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)

    lengths = sorted(wide(str(value)[:60]) for value in values[:200] if value is not None)
    usual = lengths[len(lengths) * 9 // 10] if lengths else 0
    return min(max(wide(heading) / 2, usual, 8) + 3, 48)


def _sheet_name(title: str, taken: Sequence[str]) -> str:
    r"""A name that a sheet may have: at most 31 characters, none of ``[]:*?/\``, unlike any other."""
    plain = re.sub(r"[\[\]:*?/\\]", " ", title).strip("' ")[:31] or "Sheet"
    used = {name.casefold() for name in taken} | {"history"}  # Excel keeps that one to itself
    name, number = plain, 1
    while name.casefold() in used:
        number += 1
        ending = f" ({number})"
        name = plain[: 31 - len(ending)] + ending
    return name


def _legend_rows(layer: Layer, lang: str) -> Iterator[list[str | None]]:
    for name in layer.columns:
        field = layer.fields.get(name)
        if field is not None:
            codes = "; ".join(f"{code} = {getattr(term, lang)}" for code, term in (field.codes or {}).items())
            yield [layer.title(lang), field.label(lang), name, field.unit, codes or None]
