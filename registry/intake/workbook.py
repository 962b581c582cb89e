"""Excel workbooks: the one sheet that is meant, its cells as text."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from python_calamine import CalamineError, CalamineWorkbook

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.source_table import SourceTable, from_grid, one_line

if TYPE_CHECKING:
    from pathlib import Path

    from registry.model.vocabulary import Kind


def read_workbook(path: Path, kind: Kind, sheet: str | None) -> SourceTable:
    """One sheet of an XLSX, XLS, XLSB or ODS workbook.

    Raises
    ------
    UnreadableFileError : no workbook, no such sheet, or several sheets and none named.
    """
    try:
        workbook = CalamineWorkbook.from_path(path)
        sheets = {name: _rows(workbook, name) for name in workbook.sheet_names if sheet in {None, name}}
    except (CalamineError, OSError, ValueError) as error:
        raise UnreadableFileError(f"{path.name}: not a readable workbook: {one_line(error)}.") from error
    if sheet is not None and sheet not in sheets:
        raise UnreadableFileError(f"{path.name}: no sheet '{sheet}'. It has: {', '.join(workbook.sheet_names)}.")
    filled = {name: rows for name, rows in sheets.items() if rows}
    if not filled:
        raise EmptyTableError(
            f"{path.name}: every sheet is empty." if sheet is None else f"{path.name}: sheet '{sheet}' is empty."
        )
    name = chosen_layer(path, list(filled), kind, "sheet")
    columns = zip(*filled[name], strict=True)
    grid = pd.DataFrame({i: as_text(np.array([*column], dtype=object)) for i, column in enumerate(columns)})
    return from_grid(f"{path.name}, sheet '{name}'", grid)


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
    codes, uniques = pd.factorize(np.asarray(values, dtype=object), use_na_sentinel=True)
    # 1, 1.0 and True are equal, hence one value to factorize: types that differ are told apart one by one.
    kinds = {type(value) for value in values}
    if bool in kinds and len(kinds) > 1:
        return pd.Series([_cell(value) for value in values], dtype="str")
    words = np.array([*(_cell(value) for value in uniques), ""], dtype=object)
    return pd.Series(words[codes], dtype="str")


def _rows(workbook: CalamineWorkbook, name: str) -> list[list[Any]]:
    return workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)


def _cell(value: Any) -> str:  # noqa: PLR0911  one return for each type of cell
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
