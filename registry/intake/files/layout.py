"""Where the table is in a sheet: titles above the header, headers of several rows, what stands below.

A grid is a list of text columns of one length (Arrow, in any number of chunks); row ``i`` of it is row ``i + 1`` of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from registry.errors import EmptyTableError
from registry.intake.cells.source_table import SourceTable, trimmed_array, unique_headers
from registry.intake.files.asides import find_asides
from registry.intake.files.header_block import HEAD_ROWS, Merged, find_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.model.vocabulary import Kind

Grid = list[Any]


def table_from_grid(
    label: str,
    grid: Grid,
    kind: Kind,
    *,
    merged: Sequence[Merged] = (),
    sheet: str = "",
    notes: tuple[str, ...] = (),
) -> SourceTable:
    """Split a grid of text cells, as a sheet shows it, into header and rows.

    Parameters
    ----------
    grid : columns of text; it is emptied, so that two copies of a large table are never held.
    kind : what the rows should be; its headers are known when the header row is looked for.
    merged : ranges of merged cells, ``((first row, first column), (last row, last column))`` from 0.

    Notes
    -----
    Rows that are no record (a total, a remark below the table, a header repeated on each printed page, a
    wholly blank row) are not rows; all but the blank ones are told in a note.

    Raises
    ------
    EmptyTableError : there is no header, or no row below it.
    """
    columns = [trimmed_array(grid.pop(0)) for _ in range(len(grid))]
    columns = _spread(columns, merged)
    filled = _filled(columns)
    head = [list(row) for row in zip(*(column.slice(0, HEAD_ROWS).to_pylist() for column in columns), strict=True)]
    header = find_header(head, filled, kind, merged)
    if header is None:
        raise EmptyTableError(f"{label}: the table is empty. It needs a row of headers and rows below it.")
    notes += header.notes(label)
    first = header.body
    apart = find_asides(columns, filled, header, head, kind)
    notes += apart.notes(label)
    rows: NDArray[np.bool_] = np.asarray(filled[first:].any(axis=1))
    rows[[at - first for at in apart.rows]] = False
    kept = np.flatnonzero(rows)
    if not len(kept):
        raise EmptyTableError(f"{label}: there is a header in row {header.top + 1} and no row below it.")
    named = [i for i, name in enumerate(header.names) if name]
    last = named[-1]
    used = [i for i in range(last + 1) if header.names[i] or filled[first:, i][kept].any()]
    overflow = _joined([_picked(column, first, kept) for column in columns[last + 1 :]], len(kept))
    names = [header.names[i] or f"column {i + 1}" for i in used]
    del columns[last + 1 :]
    del filled
    cells: list[Any] = []
    for i in range(last + 1):
        column = columns.pop(0)
        if i in used:
            cells.append(_picked(column, first, kept))
        del column
        # What the parts of the column took goes back, so that the next one does not come on top of it.
        pa.default_memory_pool().release_unused()
    names, cells, twice = _without_copies(names, cells)
    if twice:
        notes += (f"{label}: these columns stand there twice with the same cells, read once: {', '.join(twice)}.",)
    headers = unique_headers(names)
    frame = pd.DataFrame({name: pd.Series(cell, dtype="str") for name, cell in zip(headers, cells, strict=True)})
    return SourceTable(label, frame, headers, kept.astype("int64") + first + 1, overflow, notes=notes, sheet=sheet)


def _filled(columns: Grid) -> NDArray[np.bool_]:
    """(r, c) True where a cell holds text."""
    if not columns:
        return np.zeros((0, 0), dtype=bool)
    filled = np.empty((len(columns[0]), len(columns)), dtype=bool, order="F")
    for i, column in enumerate(columns):
        filled[:, i] = pc.not_equal(column, "").to_numpy()
    return filled


def _picked(column: Any, first: int, kept: NDArray[np.int64]) -> Any:
    """The kept rows of a column as one Arrow array."""
    whole = kept[-1] - kept[0] + 1 == len(kept)
    rows = column.slice(first + int(kept[0]), len(kept)) if whole else column.take(pa.array(kept + first))
    return pa.concat_arrays(rows.cast(pa.large_string()).chunks)


def _spread(columns: Grid, merged: Sequence[Merged]) -> Grid:
    """Columns in which each cell of a range that is merged downwards holds its text.

    Ranges that also go over several columns are titles, headers or totals; those stay as they are.
    """
    tall: dict[int, list[tuple[int, int]]] = {}
    for (top, left), (bottom, right) in merged:
        if left == right < len(columns) and bottom > top:
            tall.setdefault(left, []).append((top, bottom))
    for at, ranges in tall.items():
        texts = columns[at].to_pylist()
        for top, bottom in ranges:
            if top < len(texts) and texts[top]:
                texts[top : bottom + 1] = [texts[top]] * (min(bottom + 1, len(texts)) - top)
        columns[at] = pa.chunked_array([pa.array(texts, type=pa.large_string())])
    return columns


def _joined(columns: Grid, n: int) -> NDArray[np.object_]:
    """The text (n,) of several columns row by row, joined by a blank."""
    joined: NDArray[np.object_] = np.full(n, "", dtype=object)
    for column in columns:
        at = np.flatnonzero(pc.not_equal(column, "").to_numpy(zero_copy_only=False))
        for row, text in zip(at, column.take(pa.array(at)).to_pylist(), strict=True):
            joined[row] = f"{joined[row]} {text}".lstrip()
    return joined


def _without_copies(names: list[str], cells: Grid) -> tuple[list[str], Grid, list[str]]:
    """Columns of which none is the copy of another one of the same name, and the names of those left out."""
    first: dict[str, list[int]] = {}
    copies = []
    for i, name in enumerate(names):
        if any(cells[i].equals(cells[j]) for j in first.get(name, [])):
            copies.append(i)
        else:
            first.setdefault(name, []).append(i)
    kept = [i for i in range(len(names)) if i not in copies]
    return [names[i] for i in kept], [cells[i] for i in kept], [names[i] for i in copies]
