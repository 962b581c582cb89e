"""CSV that a spreadsheet opens without running anything in it.

UTF-8 with a byte order mark, so that Excel reads Chinese; field names as headings; ``lon, lat`` for points (``easting,
northing`` in a projected CRS). A text that a spreadsheet would take for a formula gets an apostrophe in front, and so does a
text that begins with an apostrophe: taking one leading apostrophe away restores every text exactly. Numbers are untouched.
A missing value and an empty text are both an empty cell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from registry.export.layers import Layer, positions

if TYPE_CHECKING:
    from pathlib import Path

GUARD = "'"
# Full-width signs count as well: some spreadsheets fold them to the plain ones.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", GUARD)


def write(layer: Layer, path: Path) -> None:
    """Write one layer with its coordinates."""
    write_frame(pd.DataFrame(layer.frame[layer.columns]).assign(**positions(layer)), path)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as it is, its texts guarded."""
    guarded = pd.DataFrame({guard(str(name)): _guarded(frame[name]) for name in frame}, index=frame.index)
    guarded.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def guard(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would run it."""
    return GUARD + text if text.startswith(_DANGEROUS) else text


def _guarded(values: pd.Series[Any]) -> pd.Series[Any]:
    if not pd.api.types.is_string_dtype(values.dtype):
        return values
    return values.mask(values.str.startswith(_DANGEROUS, na=False), GUARD + values)
