"""The cells of a workbook: a piece of a layer as values that a spreadsheet knows, and a sheet that takes them row by row."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import shapely

from registry.export.layers import GEOMETRY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from xlsxwriter.worksheet import Worksheet

    from registry.export.layers import Layer

MOST_CHARACTERS = 32_767  # of a cell, counted as Excel does, in units of UTF-16
MOST_EXACT = 2**53  # a spreadsheet counts in doubles: a whole number beyond is written as a text
_FIRST_YEAR = 1900  # an earlier date is a text in a spreadsheet
_SHOWN = 200  # rows that a column's width is taken from
_HIDDEN = "uid"
_EVERYWHERE = "A1:XFD1048576"


@dataclass(frozen=True)
class Cells:
    """A piece of a column: its values (None where there is none), the format of its kind, and how many texts were cut."""

    values: list[Any]
    kind: str
    shortened: int = 0

    def part(self, begin: int, end: int) -> Cells:
        """Some of the rows."""
        return Cells(self.values[begin:end], self.kind)


def cells(layer: Layer, batch: pa.RecordBatch, lang: str) -> list[Cells]:
    """Every column of a piece, then the coordinates of points; codes as their labels."""
    found = []
    for at, name in enumerate(layer.columns):
        codes = {code: getattr(term, lang) for code, term in (layer.codes(name) or {}).items()}
        found.append(_column(batch.column(at), codes, described=name in layer.fields))
    if not layer.position_names:
        return found
    shapes = shapely.from_wkb(batch.column(batch.schema.get_field_index(GEOMETRY)).to_numpy(zero_copy_only=False))
    kind = "angle" if layer.crs is not None and layer.crs.is_geographic else "real"
    for name in layer.position_names:
        values = (shapely.get_x if name in {"lon", "easting"} else shapely.get_y)(shapes)
        found.append(Cells([_number(value) for value in values.tolist()], kind))
    return found


def _column(values: pa.Array, codes: Mapping[str, str], *, described: bool) -> Cells:
    kind = values.type
    if pa.types.is_boolean(kind):
        return Cells(values.to_pylist(), "truth")
    if pa.types.is_integer(kind):
        whole = [value if value is None or abs(value) <= MOST_EXACT else str(value) for value in values.to_pylist()]
        return Cells(whole, "whole")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        # Of a result nobody knows which decimals matter.
        return Cells([_number(value) for value in values.cast(pa.float64()).to_pylist()], "real" if described else "")
    if pa.types.is_temporal(kind) and not pa.types.is_time(kind):
        # A spreadsheet knows no zones; Arrow keeps an instant in UTC.
        day = pa.types.is_date(kind)
        plain = values.cast(pa.date32() if day else pa.timestamp("us"), safe=False)
        return Cells([_day(value) for value in plain.to_pylist()], "date" if day else "time")
    return _texts(values.cast(pa.string()), codes)


def _texts(texts: pa.Array, codes: Mapping[str, str]) -> Cells:
    long = pc.greater(pc.utf8_length(texts), MOST_CHARACTERS // 2)
    words = [codes.get(text, text) for text in texts.to_pylist()] if codes else texts.to_pylist()
    if not pc.any(long).as_py():
        return Cells(words, "text")
    cut = [None if text is None else _cut(text) for text in words]
    return Cells(cut, "text", sum(one != other for one, other in zip(cut, words, strict=True)))


class _InFull(float):
    """A number that is written with all its digits; the library writes 16, and half of all doubles need 17."""

    def __format__(self, _: str) -> str:
        return float.__repr__(self)


def _number(value: float | None) -> Any:
    if value is None or math.isnan(value):
        return None
    if math.isinf(value):
        return str(value)
    return value if float(f"{value:.16G}") == value else _InFull(value)


def _day(value: date | None) -> Any:
    return value if value is None or value.year >= _FIRST_YEAR else str(value)


def _cut(text: str) -> str:
    return text.encode("utf-16-le")[: 2 * MOST_CHARACTERS].decode("utf-16-le", errors="ignore")


class Sheet:
    """A sheet that takes rows one after the other.

    Attributes
    ----------
    sheet : of the workbook.
    rows : how many are written, the heading included.
    """

    def __init__(
        self, sheet: Worksheet, layer: Layer, headings: Sequence[str], first: Sequence[Cells], formats: Mapping[str, Any]
    ) -> None:  # fmt: skip
        self.sheet = sheet
        self.rows = 1
        self._formats = formats
        self._columns = len(headings)
        hidden = layer.column_of(_HIDDEN) if layer.fields else None
        sheet.freeze_panes(1, 0)
        # A region's code is a text of digits; nobody needs to be warned of that.
        sheet.ignore_errors({"number_stored_as_text": _EVERYWHERE})
        for at, (heading, column) in enumerate(zip(headings, first, strict=True)):
            options = {"hidden": True} if hidden is not None and layer.columns[at : at + 1] == [hidden] else {}
            sheet.set_column(at, at, _width(heading, column.values), formats.get(column.kind), options)
            sheet.write_string(0, at, heading[:MOST_CHARACTERS], formats["heading"])

    def write(self, columns: Sequence[Cells]) -> None:
        """Write some rows below the others."""
        writers = [self._writer(column.kind) for column in columns]
        begin = self.rows
        for at, row in enumerate(zip(*(column.values for column in columns), strict=True), start=begin):
            for place, value in enumerate(row):
                if value is not None:
                    writers[place](at, place, value)
            self.rows = at + 1
        if columns:
            self.sheet.autofilter(0, 0, self.rows - 1, self._columns - 1)

    def _writer(self, kind: str) -> Callable[[int, int, Any], Any]:
        plain: dict[str, Callable[[int, int, Any], Any]] = {
            "text": self.sheet.write_string,
            "truth": self.sheet.write_boolean,
        }
        if kind in plain:
            return plain[kind]
        write = self.sheet.write_datetime if kind in {"date", "time"} else self.sheet.write_number
        form = self._formats.get(kind)

        def number_or_text(row: int, column: int, value: Any) -> None:
            if isinstance(value, str):
                self.sheet.write_string(row, column, value)
            else:
                write(row, column, value, form)

        return number_or_text


def _width(heading: str, values: Sequence[Any]) -> float:
    """A width in characters that shows the heading and most of the first values; a Chinese character counts twice."""

    def wide(text: str) -> int:
        return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)

    lengths = sorted(wide(_shown(value)) for value in values[:_SHOWN] if value is not None)
    usual = lengths[len(lengths) * 9 // 10] if lengths else 0
    return float(min(max(wide(heading) / 2, usual, 8) + 3, 48))


def _shown(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:,.2f}"
    return value.isoformat() if isinstance(value, datetime) else str(value)[:60]
