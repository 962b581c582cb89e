"""A web page that was saved as a workbook: office systems write an HTML table and name it ``.xls``."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pyarrow as pa

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.cells.source_table import one_line
from registry.intake.files.encodings import likely_encoding
from registry.intake.files.layout import table_from_grid

if TYPE_CHECKING:
    from pathlib import Path

    from registry.intake.cells.source_table import SourceTable
    from registry.intake.files.header_block import Merged
    from registry.model.vocabulary import Kind

# A cell may span at most so many rows or columns; browsers have the same limit.
_WIDEST_SPAN = 1_000
_MOST_CELLS = 5_000_000


def read_webpage(path: Path, kind: Kind, encoding: str | None, *, notes: tuple[str, ...] = ()) -> SourceTable:
    """The largest table of an HTML file.

    Raises
    ------
    EmptyTableError : there is no table in it.
    UnreadableFileError : the bytes are no text in that encoding.
    """
    raw = path.read_bytes()
    used = encoding or likely_encoding(raw)
    try:
        text = raw.decode(used)
    except (UnicodeError, LookupError) as error:
        raise UnreadableFileError(f"{path.name}: not text in {used}. Name the encoding with --encoding.") from error
    parser = _Tables()
    try:
        parser.feed(text)
        parser.close()
    except (ValueError, AssertionError) as error:
        raise UnreadableFileError(f"{path.name}: not a readable web page: {one_line(error)}.") from error
    if not parser.tables:
        raise EmptyTableError(f"{path.name}: a web page without a table.")
    table = max(parser.tables, key=lambda each: sum(bool(cell) for row in each.rows for cell in row))
    width = max(map(len, table.rows), default=0)
    if width * len(table.rows) > _MOST_CELLS:
        raise UnreadableFileError(f"{path.name}: a web page of too many cells. Save it as xlsx.")
    grid = [
        pa.array([row[i] if i < len(row) else "" for row in table.rows], type=pa.large_string()) for i in range(width)
    ]
    return table_from_grid(path.name, grid, kind, merged=table.merged, notes=notes)


class _Table:
    """The cells of one table as they are met; a cell stands in the first place that no span takes."""

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.merged: list[Merged] = []
        self.taken: set[tuple[int, int]] = set()

    def place(self, height: int, width: int) -> tuple[int, int]:
        """The place of the next cell of the last row, and its span kept for the rows below."""
        at = len(self.rows) - 1
        row = self.rows[at]
        while (at, len(row)) in self.taken:
            row.append("")
        place = (at, len(row))
        row.extend([""] * width)
        if height > 1 or width > 1:
            self.merged.append((place, (at + height - 1, place[1] + width - 1)))
            if len(self.taken) + height * width > _MOST_CELLS:
                raise ValueError("its cells span too many others")
            self.taken.update((at + i, place[1] + j) for i in range(1, height) for j in range(width))
        return place


class _Tables(HTMLParser):
    """The tables of a page, those inside others apart."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self._open: list[_Table] = []
        self._cell: tuple[int, int] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A table, a row, a cell, or a line break in one."""
        if tag == "table":
            self._open.append(_Table())
            self.tables.append(self._open[-1])
        if not self._open:
            return
        if tag == "tr":
            self._open[-1].rows.append([])
            self._cell = None
        elif tag in {"td", "th"} and self._open[-1].rows:
            spans = dict(attrs)
            self._cell = self._open[-1].place(_span(spans.get("rowspan")), _span(spans.get("colspan")))
        elif tag == "br":
            self.handle_data("\n")

    def handle_endtag(self, tag: str) -> None:
        """The end of a table or of a cell."""
        if tag in {"td", "th", "table"}:
            self._cell = None
        if tag == "table" and self._open:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        """Text: of the cell that is open."""
        if self._open and self._cell:
            row, column = self._cell
            self._open[-1].rows[row][column] += data


def _span(text: str | None) -> int:
    return min(int(text), _WIDEST_SPAN) if text and text.isdecimal() and int(text) else 1
