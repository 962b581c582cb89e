"""Text cells taken apart into runs of digits and the shape that is left: ``108°30′15.2″`` is ``0°0′0.0″``.

A column of a million cells has few shapes. What a cell means is decided once a shape, and its numbers are
picked by array operations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from numpy.typing import NDArray

RUN = "0"
"""Stands for a run of digits in a shape."""

# Digits that count; a longer run keeps its length, and its first digits as value.
_MOST_DIGITS = 18
_FULL_WIDTH_ZERO = 0xFF10


@dataclass(frozen=True)
class DigitRuns:
    """Cells (n,) as runs of digits.

    Attributes
    ----------
    shapes : the distinct shapes.
    shape : (n,) which shape a cell has.
    first : (n,) number of the cell's first run.
    value, digits : (runs,) value of a run as a whole number, and how many digits it has.
    """

    shapes: list[str]
    shape: NDArray[np.int32]
    first: NDArray[np.int64]
    value: NDArray[np.float64]
    digits: NDArray[np.int64]


def digit_runs(text: Any) -> DigitRuns:
    """Take text cells (n,) apart, an Arrow array of large strings without nulls."""
    n = len(text)
    _, offsets_buffer, content = text.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[text.offset : text.offset + n + 1]
    everything = np.frombuffer(content, dtype=np.uint8) if content else np.zeros(0, dtype=np.uint8)
    letters = everything[offsets[0] : offsets[-1]] if n else everything[:0]
    offsets = offsets - offsets[0] if n else np.zeros(1, dtype=np.int64)
    is_digit = (letters - np.uint8(48)) < 10
    is_first, is_last = is_digit.copy(), is_digit.copy()
    is_first[1:] &= ~is_digit[:-1]
    is_last[:-1] &= ~is_digit[1:]
    # Runs do not go over the border of two cells.
    inner = offsets[1:-1]
    inner = inner[inner < len(letters)]
    is_first[inner] = is_digit[inner]
    before = inner[inner > 0] - 1
    is_last[before] = is_digit[before]
    start = np.flatnonzero(is_first)
    digits = np.flatnonzero(is_last) - start + 1

    value = np.zeros(len(start))
    at, place = np.arange(len(start)), start.copy()
    for step in range(int(min(digits.max(initial=0), _MOST_DIGITS))):
        if step:
            longer = digits[at] > step
            at, place = at[longer], place[longer] + 1
        value[at] = value[at] * 10 + (letters[place] - 48)

    kept = is_first | ~is_digit
    shape_letters = np.where(is_first, np.uint8(ord(RUN)), letters)[kept]
    shape_offsets = np.concatenate([[0], np.cumsum(kept)])[offsets].astype(np.int64)
    shapes = pa.LargeStringArray.from_buffers(n, pa.py_buffer(shape_offsets), pa.py_buffer(shape_letters))
    encoded = shapes.dictionary_encode()
    first = np.searchsorted(start, offsets[:-1]).astype(np.int64)
    return DigitRuns(encoded.dictionary.to_pylist(), encoded.indices.to_numpy(), first, value, digits)


def half_width(text: Any) -> Any:
    """Text cells (n,), an Arrow array, with ０–９ written as 0–9."""
    wide = pc.match_substring_regex(text, "[０-９]")
    if not pc.any(wide).as_py():
        return text
    narrow = text
    for digit in range(10):
        narrow = pc.replace_substring(narrow, chr(_FULL_WIDTH_ZERO + digit), str(digit))
    return narrow
