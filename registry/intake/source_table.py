"""A source file once it is open: text cells under headers, with the row numbers that its reader sees."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from registry.errors import EmptyTableError
from registry.intake.spelling import BLANKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

# A header stands within the first rows, under titles that fill one cell each.
_TITLE_ROWS = 10


@dataclass(frozen=True)
class Points:
    """Positions that a vector file brings: ``x, y`` (n,) in ``crs``, and what is wrong with each, or ""."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    problem: NDArray[np.object_]
    crs: str | None


@dataclass(frozen=True)
class SourceTable:
    """One table of a source file.

    Attributes
    ----------
    label : how a message names it: ``ponds.xlsx, sheet 'Sheet1'``.
    sheet : name of the sheet or layer, "" where the file is one table.
    cells : (n, headers) trimmed text, "" where a cell is empty; columns are the headers, made unique.
    headers : column of ``cells`` to the header as it is written in the file.
    rows : (n,) row numbers as the file counts: lines of a table from 1, features of a layer from 1.
    overflow : (n,) text in cells beyond the last header, "" where there is none.
    points : positions, when the file is a layer with geometry.
    notes : what was decided while reading, one line each.
    """

    label: str
    cells: pd.DataFrame
    headers: dict[str, str]
    rows: NDArray[np.int64]
    overflow: NDArray[np.object_]
    points: Points | None = None
    notes: tuple[str, ...] = ()
    sheet: str = ""


def trimmed(text: Any) -> pd.Series[str]:
    """A text column without blanks at the ends; missing cells become ""."""
    array = pa.array(text, type=pa.large_string(), from_pandas=True)
    array = pc.fill_null(pc.utf8_trim(array, characters=BLANKS), "")
    return pd.Series(array, dtype="str")


def from_grid(label: str, grid: pd.DataFrame, *, notes: tuple[str, ...] = ()) -> SourceTable:
    """Split a grid of text cells, as a sheet shows it, into header and rows.

    Parameters
    ----------
    grid : (r, c) text; row ``i`` is the file's row ``i + 1``.

    Notes
    -----
    The header is the first row that fills more than one cell; rows above it are titles. A wholly blank row is
    no row.

    Raises
    ------
    EmptyTableError : there is no header, or no row below it.
    """
    grid = pd.DataFrame({i: trimmed(grid[column]) for i, column in enumerate(grid.columns)})
    filled = _filled(grid)
    at = _header_row(filled)
    if at is None:
        raise EmptyTableError(f"{label}: the table is empty. It needs a row of headers and rows below it.")
    if at:
        notes += (f"{label}: the header is row {at + 1}; {at} row(s) above it were not read.",)
    below = filled[at + 1 :]
    kept = np.flatnonzero(below.any(axis=1))
    if not len(kept):
        raise EmptyTableError(f"{label}: there is a header in row {at + 1} and no row below it.")
    named = [i for i in range(grid.shape[1]) if filled[at, i]]
    last = named[-1]
    used = [i for i in range(last + 1) if filled[at, i] or below[:, i].any()]
    body = grid.iloc[at + 1 :].iloc[kept].reset_index(drop=True)
    overflow = _joined(body.iloc[:, last + 1 :])
    originals = [str(grid.iloc[at, i]) or f"column {i + 1}" for i in used]
    headers = unique_headers(originals)
    cells = body.iloc[:, used].set_axis(list(headers), axis=1)
    return SourceTable(label, cells, headers, kept.astype("int64") + at + 2, overflow, notes=notes)


def unique_headers(originals: list[str]) -> dict[str, str]:
    """Unique column name to written header: the second ``坝高`` becomes ``坝高 (2)``."""
    seen: Counter[str] = Counter()
    taken = set(originals)
    headers: dict[str, str] = {}
    for header in originals:
        seen[header] += 1
        name = header
        while name in headers or (seen[header] > 1 and name in taken):
            name = f"{header} ({seen[header]})"
            if name in headers or name in taken:
                seen[header] += 1
        headers[name] = header
    return headers


def one_line(error: BaseException) -> str:
    """The message of a foreign error, on one line, without its full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _filled(grid: pd.DataFrame) -> NDArray[np.bool_]:
    """(r, c) True where a cell holds text."""
    columns = [(grid[column] != "").to_numpy(dtype=bool) for column in grid.columns]
    return np.column_stack(columns) if columns else np.zeros((0, 0), dtype=bool)


def _header_row(filled: NDArray[np.bool_]) -> int | None:
    """Index of the header: the first row that fills two cells, else the first that fills one."""
    counts = filled.sum(axis=1) if filled.size else np.zeros(0, dtype=int)
    wide = np.flatnonzero(counts[: _TITLE_ROWS + 1] > 1)
    some = np.flatnonzero(counts)
    if not len(some):
        return None
    return int(wide[0]) if len(wide) else int(some[0])


def _joined(columns: pd.DataFrame) -> NDArray[np.object_]:
    """The text of several columns row by row, joined by a blank."""
    joined: NDArray[np.object_] = np.full(len(columns), "", dtype=object)
    for name in columns.columns:
        text = columns[name].to_numpy(dtype=object)
        joined = np.where(text == "", joined, joined + np.where(joined == "", "", " ") + text)
    return joined
