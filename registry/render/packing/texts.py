"""Texts made small: a list of the different ones, or what their digits leave and the numbers that the digits say.

``DEMO-TP-130000-00123`` is the pattern ``["DEMO-TP-", 6, "-", 5, ""]`` and the numbers 130000 and 123: six digits, then
five. A pattern's 0 stands for a number without leading zeros. Numbers that another column has row by row already, as
a name and a code often do, are not written again.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.render.packing.integers import Stored, store_integers
from registry.render.packing.stream import size_guess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_DIGITS = re.compile("([0-9]{1,9})")
_MOST_SLOTS = 4
# Patterns pay where each fits several texts.
_TEXTS_A_PATTERN = 4

Pattern = tuple[str | int, ...]


@dataclass(frozen=True, eq=False)
class Patterned:
    """Texts as patterns with numbers in their slots.

    Attributes
    ----------
    patterns : the different patterns: text, digits of a number (0: as it is), text … ending with a text
    codes : (n,) number of each text's pattern from 1; 0 for no text
    slots : one array (n,) a slot; 0 where a pattern has no such slot
    """

    patterns: list[Pattern]
    codes: NDArray[np.int64]
    slots: list[NDArray[np.int64]]

    def fills(self, slot: int) -> NDArray[np.bool_]:
        """(n,) true where a text's pattern has the slot."""
        has = np.array([False, *(len(pattern) > 2 * slot + 1 for pattern in self.patterns)])
        return has[self.codes]

    def taken(self, places: NDArray[np.int64]) -> Patterned:
        """The texts at these places from 1, no text at 0."""
        return Patterned(
            self.patterns,
            np.concatenate([[0], self.codes])[places],
            [np.concatenate([[0], numbers])[places] for numbers in self.slots],
        )


def patterned(texts: Sequence[str]) -> Patterned | None:
    """The texts as patterns, None where too few share one."""
    split = [_DIGITS.split(text) for text in texts]
    frames: dict[tuple[str, ...], list[int]] = {}
    for row, parts in enumerate(split):
        if len(parts) > 2 * _MOST_SLOTS + 1:
            parts[:] = ["".join(parts)]
        frames.setdefault(tuple(parts[::2]), []).append(row)
    codes = np.zeros(len(split), dtype=np.int64)
    slots = [np.zeros(len(split), dtype=np.int64) for _ in range(max(map(len, frames), default=1) - 1)]
    patterns: dict[Pattern, int] = {}
    for frame, rows in frames.items():
        widths = []
        for slot in range(len(frame) - 1):
            numbers = [split[row][2 * slot + 1] for row in rows]
            slots[slot][rows] = list(map(int, numbers))
            widths.append(_widths(numbers))
        for row, *fit in zip(rows, *widths, strict=True):
            codes[row] = patterns.setdefault((frame[0], *chain(*zip(fit, frame[1:], strict=True))), len(patterns) + 1)
        if len(patterns) * _TEXTS_A_PATTERN > len(split):
            return None
    return Patterned(list(patterns), codes, slots)


def _widths(numbers: list[str]) -> list[int]:
    """The digits that each number is filled up to with zeros: all as long as each other, or as they are, or each its own."""
    lengths = list(map(len, numbers))
    ragged = len(set(lengths)) > 1
    leading_zeros = ragged and any(number[0] == "0" and len(number) > 1 for number in numbers)
    return lengths if leading_zeros or not ragged else [0] * len(numbers)


def store_texts(
    values: Sequence[Any], slots_before: dict[str, list[NDArray[np.int64]]] | None = None, name: str = ""
) -> Stored:
    """The smaller of a list with codes and of patterns with numbers; NaN, None and NaT are missing values.

    Parameters
    ----------
    values : (n,) texts, or what ``str`` makes of others
    slots_before : column → its numbers by row, of the columns before; this one's are added under its name
    """
    given = pd.Series(list(values), dtype=object)
    # As texts before they are compared: 1 and True are equal, and not the same.
    said = [None if missing else str(value) for value, missing in zip(given, given.isna(), strict=True)]
    found, different = pd.factorize(pd.Series(said, dtype=object), use_na_sentinel=True)
    codes = found.astype(np.int64) + 1
    listed = list(different)
    texts = patterned(listed)
    order = np.array(sorted(range(len(listed)), key=listed.__getitem__), dtype=np.int64)
    place = np.zeros(len(listed) + 1, dtype=np.int64)
    place[order + 1] = np.arange(1, len(listed) + 1)
    choices = [
        _listed(listed, texts, codes),
        _listed([listed[at] for at in order], texts and texts.taken(order + 1), place[codes]),
    ]
    by_row = texts.taken(codes) if texts and 2 * len(listed) > len(codes) else None
    before = {} if slots_before is None else slots_before
    if by_row:
        choices.append(_patterns(by_row, before))
    best = min(choices, key=lambda stored: stored.size)
    if by_row and best is choices[-1]:
        before[name] = by_row.slots
    return best


def _listed(listed: list[str], texts: Patterned | None, codes: NDArray[np.int64]) -> Stored:
    coded = store_integers(codes)
    written = Stored({"values": listed}, [], _json_size(listed))
    if texts:
        short = _patterns(texts, {})
        if short.size < written.size:
            written = Stored({"count": len(listed), **short.spec}, short.parts, short.size)
    return Stored({**written.spec, "codes": coded.spec}, [*written.parts, *coded.parts], written.size + coded.size)


def _patterns(texts: Patterned, before: Mapping[str, list[NDArray[np.int64]]]) -> Stored:
    which = store_integers(texts.codes)
    parts, size = list(which.parts), which.size + _json_size(texts.patterns)
    slots = []
    for slot, numbers in enumerate(texts.slots):
        filled = texts.fills(slot)
        same = next(
            (
                [column, at]
                for column, others in before.items()
                for at, other in enumerate(others)
                if np.array_equal(numbers[filled], other[filled])
            ),
            None,
        )
        if same and filled.any():
            slots.append({"same": same})
            continue
        stored = store_integers(numbers[filled])
        slots.append(stored.spec)
        parts += stored.parts
        size += stored.size
    return Stored({"patterns": texts.patterns, "which": which.spec, "slots": slots}, parts, size)


def _json_size(value: object) -> float:
    return size_guess([json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")])
