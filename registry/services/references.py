"""Figures of regions from a table of the user's, such as population or coal, put to the regions that they are of."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, UnknownColumnError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

_LABELS = ("code", "name", "name_en")


def figures_of(provinces: pd.DataFrame, table: pd.DataFrame, column: str) -> FloatArray:
    """Return the figure of every region, NaN where the table has none.

    Parameters
    ----------
    provinces : (r,) regions with ``code`` and, where known, ``name`` and ``name_en``
    table : rows that name a region in one column, by code, name or the beginning of a name that no other has (河北);
        it is the column in which most regions are found. Rows of other places, such as a total, are left alone
    column : of the figures

    Raises
    ------
    UnknownColumnError : the table has no such column, or none that names a region.
    BadParameterError : a figure is no number, negative or infinite, or a region has two.
    """
    if column not in table.columns:
        raise UnknownColumnError(f"no column '{column}'. Found: {', '.join(map(str, table.columns))}.")
    exact, names = _labels(provinces)
    rows = {other: _rows(table[other], exact, names) for other in table.columns if other != column}
    found = max(rows.values(), key=lambda row: int((row >= 0).sum()), default=np.full(len(table), -1))
    if not (found >= 0).any():
        raise UnknownColumnError("no column holds the code or the name of a region. Add one beside the figures.")
    held = np.flatnonzero(found >= 0)
    numbers = _numbers(table[column].iloc[held], column)
    known = ~np.isnan(numbers)
    row = found[held[known]]
    twice = np.flatnonzero(np.bincount(row, minlength=len(provinces)) > 1)
    if twice.size:
        raise BadParameterError(f"region {provinces['code'].iloc[twice[0]]} has two figures in '{column}'. Keep one.")
    figures = np.full(len(provinces), np.nan)
    figures[row] = numbers[known]
    return figures


def rows_named(provinces: pd.DataFrame, texts: pd.Series) -> NDArray[np.intp]:
    """Return for (n,) texts the row of the region that each names, as in `figures_of`, −1 where none or several do."""
    return _rows(texts, *_labels(provinces))


def _labels(provinces: pd.DataFrame) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """Return the row of every code and name, −1 where several regions share it, and all names in order."""
    exact: dict[str, int] = {}
    names = []
    for label in _LABELS:
        if label not in provinces.columns:
            continue
        for row, text in enumerate(provinces[label]):
            if pd.isna(text):
                continue
            key = str(text).strip().casefold()
            exact[key] = row if exact.get(key, row) == row else -1
            if label != "code":
                names.append((key, row))
    return exact, sorted(names)


def _rows(cells: pd.Series, exact: dict[str, int], names: list[tuple[str, int]]) -> NDArray[np.intp]:
    """Return the row of the region that each cell names, −1 where it names none, or more than one."""
    which, distinct = pd.factorize(cells.astype(object))
    row = np.array([*(_row(_text(value), exact, names) for value in distinct), -1], dtype=np.intp)
    return row[which]


def _row(text: str, exact: dict[str, int], names: list[tuple[str, int]]) -> int:
    if text in exact:
        return exact[text]
    if len(text) < 2:
        return -1
    start = bisect_left(names, (text, -1))
    begun = set()
    while start < len(names) and names[start][0].startswith(text):
        begun.add(names[start][1])
        start += 1
    return begun.pop() if len(begun) == 1 else -1


def _text(value: object) -> str:
    """Return a cell as text; a spreadsheet holds codes as numbers with a fraction of nothing."""
    whole = isinstance(value, float) and value.is_integer()
    return str(int(value) if whole and isinstance(value, float) else value).strip().casefold()


def _numbers(cells: pd.Series, column: str) -> FloatArray:
    texts = cells.astype(object).map(lambda cell: cell.replace(",", "").strip() if isinstance(cell, str) else cell)
    texts = texts.mask(texts.isin(["", "-", "–", "—"]))
    numbers = pd.to_numeric(texts, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = (np.isnan(numbers) & texts.notna().to_numpy()) | (numbers < 0) | np.isinf(numbers)
    if wrong.any():
        cell = cells.iloc[int(np.argmax(wrong))]
        raise BadParameterError(f"'{cell}' in '{column}' is not a number of 0 or more. Mend it or leave it empty.")
    return np.asarray(numbers)
