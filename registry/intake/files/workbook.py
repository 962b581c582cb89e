"""Workbooks: the one sheet that is meant, its cells as text."""

from __future__ import annotations

import datetime as dt
import zipfile
from dataclasses import dataclass, field
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.cells.source_table import SourceTable, one_line
from registry.intake.files.header_block import HEAD_ROWS, known_fields
from registry.intake.files.layout import Grid, table_from_grid
from registry.intake.files.sheet_xml import check_counts, look_through
from registry.intake.files.trial import try_workbook

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from python_calamine import CalamineSheet

    from registry.intake.files.header_block import Merged
    from registry.intake.files.sheet_xml import Looked
    from registry.model.vocabulary import Kind

_ROWS_AT_ONCE = 20_000
_SHOWN_CELLS = 5
_FAILURES = (CalamineError, OSError, ValueError)


def read_workbook(path: Path, kind: Kind, sheet: str | None, *, notes: tuple[str, ...] = ()) -> SourceTable:
    """One sheet of an XLSX, XLSM, XLS, XLSB or ODS workbook.

    Notes
    -----
    Hidden sheets are read only when they are named. A formula gives the value that the program which saved the
    workbook computed.

    Raises
    ------
    UnreadableFileError : no workbook, no such sheet, or several sheets that could be meant and none named.
    EmptyTableError : there is no filled cell.
    """
    is_xml = _is_xml(path)
    if is_xml:
        check_counts(path)
    else:
        try_workbook(path)
    try:
        with path.open("rb") as file:
            book = _Book(path, CalamineWorkbook.from_filelike(file), is_xml)
        name, said = _chosen(book, kind, sheet)
        chosen, looked = book.sheet(name)
        grid, merged = _grid(chosen), _merged(chosen)
        del chosen, book
    except PasswordError as error:
        raise UnreadableFileError(
            f"{path.name}: the workbook is locked with a password. Save it without one."
        ) from error
    except _FAILURES as error:
        raise UnreadableFileError(f"{path.name}: not a readable workbook: {one_line(error)}.") from error
    label = f"{path.name}, sheet '{name}'"
    if not grid:
        raise EmptyTableError(f"{path.name}: sheet '{name}' is empty.")
    notes += said
    if looked and looked.not_computed:
        said_of_formulas = (
            f"{label}: {_cells(looked.not_computed)} hold a formula without its value and are empty here. "
            f"Open the workbook in a spreadsheet program and save it, to have them computed."
        )
        notes += (said_of_formulas,)
    if looked and looked.errors:
        notes += (f"{label}: {_cells(looked.errors)} hold an error (such as #REF!) and are empty here.",)
    return table_from_grid(label, grid, kind, merged=merged, sheet=name, notes=notes)


def chosen_layer(path: Path, names: list[str], kind: Kind, what: str) -> str:
    """The sheet or layer that is meant: the only one, or the one named after the kind.

    Raises
    ------
    UnreadableFileError : there are several, and none is named after the kind.
    """
    if len(names) == 1:
        return names[0]
    alike = [name for name in names if name in {kind.value, kind.zh, kind.en}]
    if len(alike) == 1:
        return alike[0]
    raise UnreadableFileError(
        f"{path.name}: it has {len(names)} {what}s with data ({', '.join(names)}). Say which one with --sheet."
    )


def as_text(values: Any) -> pd.Series[str]:
    """Cells of mixed types as the text that a person would type: ``12`` not ``12.0``, dates as ISO."""
    return pd.Series(_texts(values), dtype="str")


def cell_text(value: Any) -> str:  # noqa: PLR0911  one return for each type of cell
    """A cell as the text that a person would type."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool() | np.bool_():
            return "TRUE" if value else "FALSE"
        case float() | np.floating():
            if np.isnan(value):
                return ""
            number = float(value)
            return str(int(number)) if abs(number) < 1e15 and number.is_integer() else repr(number)
        case dt.datetime():
            midnight = value.time() == dt.time()
            return value.date().isoformat() if midnight else value.isoformat(sep=" ")
        case dt.date():
            return value.isoformat()
        case _:
            return str(value)


def _texts(values: Any) -> Any:
    """Arrow text array (n,) of cells of mixed types."""
    # 1, 1.0 and True are equal, hence one value to factorize: types that differ are told apart one by one.
    kinds = {type(value) for value in values}
    if kinds == {str}:
        return pa.array(values, type=pa.large_string())
    if bool in kinds and len(kinds) > 1:
        return pa.array([cell_text(value) for value in values], type=pa.large_string())
    codes, uniques = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=True)
    words = pa.array([*(cell_text(value) for value in uniques), ""], type=pa.large_string())
    return words.take(pa.array(np.where(codes < 0, len(uniques), codes)))


def _is_xml(path: Path) -> bool:
    """Whether a workbook is XML in an archive (xlsx, xlsm, ods), not binary (xls, xlsb)."""
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return "xl/workbook.bin" not in archive.namelist()


def _cells(names: list[str]) -> str:
    shown = ", ".join(names[:_SHOWN_CELLS])
    return f"{len(names)} cell(s) ({shown}{', …' if len(names) > _SHOWN_CELLS else ''})"


@dataclass
class _Book:
    """A workbook whose sheets are looked through before they are opened, and opened once."""

    path: Path
    workbook: CalamineWorkbook
    is_xml: bool
    opened: dict[str, tuple[CalamineSheet, Looked | None]] = field(default_factory=dict)

    def sheet(self, name: str) -> tuple[CalamineSheet, Looked | None]:
        """A sheet and what its XML tells of it."""
        if name not in self.opened:
            looked = look_through(self.path, name) if self.is_xml else None
            self.opened[name] = self.workbook.get_sheet_by_name(name), looked
        return self.opened[name]

    def beginning(self, name: str) -> list[list[Any]]:
        """The first rows of a sheet, which may be blank; none when the whole sheet is."""
        sheet, _ = self.sheet(name)
        return list(islice(sheet.iter_rows(), HEAD_ROWS)) if sheet.height else []


def _chosen(book: _Book, kind: Kind, sheet: str | None) -> tuple[str, tuple[str, ...]]:
    """The sheet that is meant, and what is to be told of the choice."""
    path, workbook = book.path, book.workbook
    if sheet is not None:
        if sheet not in workbook.sheet_names:
            raise UnreadableFileError(f"{path.name}: no sheet '{sheet}'. It has: {', '.join(workbook.sheet_names)}.")
        return sheet, ()
    tables = [each for each in workbook.sheets_metadata if each.typ == SheetTypeEnum.WorkSheet]
    visible = [each.name for each in tables if each.visible == SheetVisibleEnum.Visible]
    hidden = [each.name for each in tables if each.visible != SheetVisibleEnum.Visible]
    beginnings = {name: book.beginning(name) for name in visible}
    filled = [name for name, rows in beginnings.items() if rows]
    if not filled and hidden:
        raise EmptyTableError(
            f"{path.name}: every visible sheet is empty. Hidden: {', '.join(hidden)}. Name one with --sheet."
        )
    if not filled:
        raise EmptyTableError(f"{path.name}: every sheet is empty.")
    known = [name for name in filled if _is_of_kind(beginnings[name], kind)]
    named = {kind.value, kind.zh, kind.en}.intersection(filled)
    if len(filled) > 1 and len(known) == 1 and not named:
        others = ", ".join(name for name in filled if name != known[0])
        return known[0], (f"{path.name}: of its sheets only '{known[0]}' has such headers; not read: {others}.",)
    return chosen_layer(path, filled, kind, "sheet"), ()


def _is_of_kind(rows: list[list[Any]], kind: Kind) -> bool:
    """Whether a row, or two that follow each other, name a site and two more fields of the kind."""
    known = [known_fields([value.strip() for value in row if isinstance(value, str)], kind) for row in rows]
    return any("name" in fields and len(fields) > 2 for fields in (a | b for a, b in pairwise([set(), *known])))


def _grid(sheet: CalamineSheet) -> Grid:
    """The cells of a sheet from its first row and its first filled column on."""
    rows = sheet.iter_rows()
    parts = []
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        parts.append([_texts(column) for column in zip(*batch, strict=True)])
    if not parts:
        return []
    return [pa.chunked_array([part[i] for part in parts]) for i in range(len(parts[0]))]


def _merged(sheet: CalamineSheet) -> Sequence[Merged]:
    """The merged ranges of a sheet in the rows and columns of its grid."""
    left = sheet.start[1] if sheet.start else 0
    ranges = sheet.merged_cell_ranges or []
    return [((top, first - left), (bottom, last - left)) for (top, first), (bottom, last) in ranges if first >= left]
