"""A source file once it is open: text cells under headers, with the row numbers that its reader sees."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from registry.intake.cells.spelling import BLANKS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

_AT_AN_END = f"^[{BLANKS}]|[{BLANKS}]$"
_LISTED_ROWS = 20


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
    return pd.Series(trimmed_array(text), dtype="str")


def trimmed_array(text: Any) -> Any:
    """An Arrow column of text without blanks at the ends; missing cells become ""."""
    array = text if isinstance(text, pa.ChunkedArray) else pa.array(text, type=pa.large_string(), from_pandas=True)
    if isinstance(array, pa.Array):
        array = pa.chunked_array([array])
    if pc.any(pc.match_substring_regex(array, _AT_AN_END)).as_py():
        array = pc.utf8_trim(array, characters=BLANKS)
    return pc.fill_null(array, "") if array.null_count else array


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


def listed_rows(rows: Sequence[int]) -> str:
    """Row numbers for a message, in order: the first ones, and how many more."""
    shown = ", ".join(map(str, sorted(rows)[:_LISTED_ROWS]))
    return shown if len(rows) <= _LISTED_ROWS else f"{shown} and {len(rows) - _LISTED_ROWS} more"
