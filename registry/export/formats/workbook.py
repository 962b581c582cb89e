"""XLSX: a sheet a layer, with typed cells, a frozen heading, filters, lists to choose from, and a sheet that explains it all.

Headings are the labels of the fields with their units, codes are written as their labels, both in the chosen language;
intake reads either back. Points have their longitude and latitude (easting and northing in a projected CRS) as the last
two columns. The ``uid``, by which a corrected row is known again, is a hidden column. Every text is written as a text, so
that none is run as a formula. Rows are streamed.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import xlsxwriter

from registry.export.formats.workbook_about import set_properties, write_about
from registry.export.formats.workbook_cells import MOST_CHARACTERS, Sheet, cells
from registry.export.formats.workbook_lists import Lists
from registry.export.layers import log, unclashing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from registry.export.layers import Layer, Words

MOST_ROWS = 1_048_576  # of a sheet, the heading included

_POSITION_LABELS = {
    "zh": {"lon": "经度", "lat": "纬度", "easting": "东坐标 (m)", "northing": "北坐标 (m)"},
    "en": {"lon": "Longitude", "lat": "Latitude", "easting": "Easting (m)", "northing": "Northing (m)"},
}
_FORMATS = {
    "heading": {"bold": True, "bg_color": "#e8eef4", "bottom": 1, "text_wrap": True, "valign": "vcenter"},
    "date": {"num_format": "yyyy-mm-dd"},
    "time": {"num_format": "yyyy-mm-dd hh:mm:ss"},
    "whole": {"num_format": "0"},
    "real": {"num_format": "#,##0.00"},
    "angle": {"num_format": "0.000000"},
    "text": {"num_format": "@"},
}


def write(layers: Sequence[Layer], path: Path, words: Words) -> None:
    """Write the layers in order, each continued on a further sheet where it has more rows than one can hold."""
    with _workbook(path) as book:
        set_properties(book, words)
        formats = {name: book.add_format(properties) for name, properties in _FORMATS.items()}
        # Rules name the sheet of lists before it is there.
        names = [sheet_name(Lists.title(words.lang), [])]
        lists = Lists(words.lang, names[0], MOST_ROWS)
        for layer in layers:
            _write_layer(book, layer, words.lang, formats, lists, names)
        write_about(book, layers, words, formats["heading"], lambda title: sheet_name(title, names))
        lists.write(book)


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


def _write_layer(
    book: xlsxwriter.Workbook, layer: Layer, lang: str, formats: Mapping[str, Any], lists: Lists, names: list[str]
) -> None:  # fmt: skip
    headings = _headings(layer, lang)
    shortened = [0] * len(headings)
    sheet: Sheet | None = None
    for batch in layer.batches():
        columns = cells(layer, batch, lang)
        begin = 0
        while begin < batch.num_rows:
            if sheet is None or sheet.rows == MOST_ROWS:
                names.append(sheet_name(layer.title(lang), names))
                sheet = Sheet(book.add_worksheet(names[-1]), layer, headings, columns, formats)
                lists.validate(sheet.sheet, layer)
            end = min(batch.num_rows, begin + MOST_ROWS - sheet.rows)
            sheet.write([column.part(begin, end) for column in columns])
            begin = end
        shortened = [total + column.shortened for total, column in zip(shortened, columns, strict=True)]
    for heading, count in zip(headings, shortened, strict=True):
        if count:
            log.warning(
                "%s, %s: %d texts are longer than the %d characters of a cell and were cut.",
                layer.title(lang), heading, count, MOST_CHARACTERS,
            )  # fmt: skip


def _headings(layer: Layer, lang: str) -> list[str]:
    given = _POSITION_LABELS[lang] if layer.fields else {}
    labels = [layer.label(column, lang) for column in layer.columns]
    return unclashing([*labels, *(given.get(name, name) for name in layer.position_names)])


def sheet_name(title: str, taken: Sequence[str]) -> str:
    r"""A name that a sheet may have: at most 31 characters, none of ``[]:*?/\``, unlike any other."""
    plain = re.sub(r"[\[\]:*?/\\]", " ", title).strip("' ")[:31] or "Sheet"
    used = {name.casefold() for name in taken} | {"history"}  # Excel keeps that one to itself
    name, number = plain, 1
    while name.casefold() in used:
        number += 1
        ending = f" ({number})"
        name = plain[: 31 - len(ending)] + ending
    return name
