"""CSV that a spreadsheet opens without running anything in it.

UTF-8 with a byte order mark, so that Excel reads Chinese, or GBK, as Excel in China takes a file without one; field names as
headings; ``lon, lat`` for points (``easting, northing`` in a projected CRS). A text that a spreadsheet would take for a
formula gets an apostrophe in front, and so does a text that begins with an apostrophe: taking one leading apostrophe away
restores every text exactly. Numbers are untouched. A missing value and an empty text are both an empty cell.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pandas as pd

from registry.export.formats.encodings import fitting, known_encoding, report
from registry.export.layers import Layer, positions

if TYPE_CHECKING:
    from pathlib import Path

    from registry.export.layers import Words

GUARD = "'"
# Full-width signs count as well: some spreadsheets fold them to the plain ones.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", GUARD)
_SIGNATURE = "\ufeff".encode()


def write(layer: Layer, path: Path, words: Words) -> None:
    """Write one layer with its coordinates, piece by piece.

    Raises
    ------
    BadParameterError : an encoding other than UTF-8 and GBK.
    """
    encoding = known_encoding(words.encoding, ".csv")
    missing: Counter[str] = Counter()
    with path.open("wb") as file:
        if encoding == "utf-8":
            file.write(_SIGNATURE)
        file.write(_lines(pd.DataFrame(columns=headings(layer)), encoding, missing, header=True))
        for piece in layer.frames():
            flat = pd.DataFrame(piece[layer.columns]).assign(**positions(layer, piece))
            file.write(_lines(flat, encoding, missing))
    report(layer.title(words.lang), encoding, missing)


def write_frame(frame: pd.DataFrame, path: Path) -> None:
    """Write a frame as it is, its texts guarded, in UTF-8."""
    with path.open("wb") as file:
        file.write(_SIGNATURE + _lines(frame, "utf-8", Counter(), header=True))


def headings(layer: Layer) -> list[str]:
    """The headings of a layer's file."""
    return [*layer.columns, *layer.position_names]


def guard(text: str) -> str:
    """The text, with an apostrophe in front where a spreadsheet would run it."""
    return GUARD + text if text.startswith(_DANGEROUS) else text


def _lines(frame: pd.DataFrame, encoding: str, missing: Counter[str], *, header: bool = False) -> bytes:
    guarded = pd.DataFrame({guard(str(name)): _guarded(frame[name]) for name in frame}, index=frame.index)
    text: str = guarded.to_csv(None, index=False, header=header, lineterminator="\r\n")
    return fitting(text, encoding, missing).encode(encoding)


def _guarded(values: pd.Series[Any]) -> pd.Series[Any]:
    if not pd.api.types.is_string_dtype(values.dtype):
        return values
    return values.mask(values.str.startswith(_DANGEROUS, na=False), GUARD + values)
