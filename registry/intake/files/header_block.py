"""The header of a sheet: which rows it is, and one name a column.

Above it may stand titles; it may take two or three rows with groups over sub-headers (``坐标`` over ``经度, 纬度``); below
it may follow a row of units or of column numbers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from registry.intake.cells.units import unit_factor
from registry.intake.columns.headers import recognise
from registry.model.fields import source_fields

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.model.vocabulary import Kind

Merged = tuple[tuple[int, int], tuple[int, int]]
Row = list[str]

# A header stands within the first rows.
TITLE_ROWS = 20
# Rows that are looked at to find it.
HEAD_ROWS = 40
# The most rows that a header takes.
_TALLEST = 4
# A row of titles fills less than this share of what the widest row fills.
_NARROW = 0.6

_UNIT_IN_HEADER = re.compile(r"^(.+?)\s*[(（\[【〔]\s*([^()（）]+?)\s*[)）\]】〕]$", re.DOTALL)
_ENCLOSED = re.compile(r"^[(（\[【]?\s*(?:单位\s*[:：]\s*)?(.*?)\s*[)）\]】]?$", re.DOTALL)
_OTHER_UNITS = frozenset(
    {"°", "度", "′", "″", "%", "％", "座", "个", "人", "年", "级", "等", "户", "deg", "degree", "degrees"}
)
_NO_UNIT = frozenset({"-", "—", "——", "–", "/", "无", "无量纲"})
_NUMBER = re.compile(r"[-+]?[\d.,]+%?")
# What the text columns are called in the row of column numbers of a statistical table.
_STEMS = "甲乙丙丁戊己庚辛壬癸"
_FEWEST_NUMBERS = 4
_LABEL = re.compile(r"[:：]\s*\S|[:：]\s*$")


@dataclass(frozen=True)
class Header:
    """The header of a grid.

    Attributes
    ----------
    top, bottom : its first and last row, from 0.
    body : the first row below it that can be a record.
    names : one text for each column, "" where there is none.
    below : what each row between ``bottom`` and ``body`` is.
    titles : how many filled rows stand above.
    """

    top: int
    bottom: int
    body: int
    names: list[str]
    below: tuple[str, ...]
    titles: int

    def notes(self, label: str) -> tuple[str, ...]:
        """What is to be told of it."""
        rows = f"row {self.top + 1}" if self.top == self.bottom else f"rows {self.top + 1}–{self.bottom + 1}"
        said = []
        if self.top:
            said.append(f"{label}: the header is {rows}; {self.top} row(s) above it were not read.")
        elif self.bottom > self.top:
            said.append(f"{label}: the header is {rows}.")
        said += [f"{label}: row {self.bottom + 2 + i} was read as {what}." for i, what in enumerate(self.below)]
        return tuple(said)


def find_header(head: list[Row], filled: NDArray[np.bool_], kind: Kind, merged: Sequence[Merged] = ()) -> Header | None:
    """The header of a grid; None when no cell is filled.

    Parameters
    ----------
    head : the first ``HEAD_ROWS`` rows.
    filled : (r, c) True where a cell of the grid holds text.

    Notes
    -----
    The header is the first row with at least two headers of the kind and half as many as any other; where there is
    none, the first row that fills most of what the widest row fills.
    """
    anchor = _anchor(head, filled, kind)
    if anchor is None:
        return None
    if anchor >= len(head):
        # Only far below is something written: one cell, which is no table.
        names = [""] * filled.shape[1]
        names[int(np.argmax(filled[anchor]))] = "column"
        return Header(anchor, anchor, anchor + 1, names, (), 0)
    top, bottom = _extent(head, anchor, merged)
    names = _names(head, top, bottom, kind, merged)
    at = bottom + 1
    below: list[str] = []
    while at < len(head) and len(below) < 2:
        if _is_units(head[at], kind):
            names = [_with_unit(name, text) for name, text in zip(names, head[at], strict=True)]
            below.append("the units of the columns")
        elif _is_numbering(head[at], names):
            below.append("the numbers of the columns")
        else:
            break
        at += 1
    return Header(top, bottom, at, names, tuple(below), int(filled[:top].any(axis=1).sum()))


def known_fields(row: Row, kind: Kind) -> set[str]:
    """The fields that the cells of a row name, if it is a header."""
    return {name for text in row if text and (name := recognise(text, kind))}


def _anchor(head: list[Row], filled: NDArray[np.bool_], kind: Kind) -> int | None:
    """Index of the row that is most surely a header."""
    counts = filled.sum(axis=1) if filled.size else np.zeros(0, dtype=int)
    some = np.flatnonzero(counts)
    if not len(some):
        return None
    known = {i: len(known_fields(head[i], kind)) for i in range(min(TITLE_ROWS, len(head)))}
    best = max(known.values())
    if best > 1:
        return next(i for i, count in known.items() if count > 1 and 2 * count >= best)
    widest = int(counts[:HEAD_ROWS].max())
    wide = [i for i in known if counts[i] > 1 and counts[i] >= widest * _NARROW]
    return wide[0] if wide else int(some[0])


def _extent(head: list[Row], anchor: int, merged: Sequence[Merged]) -> tuple[int, int]:
    """First and last row of the header that a row is part of."""
    top = bottom = anchor
    for (first, _), (last, _) in merged:
        if first <= anchor <= last and 0 < last - first < _TALLEST:
            top, bottom = min(top, first), max(bottom, min(last, len(head) - 1))
    while bottom + 1 < len(head) and bottom - top + 1 < _TALLEST and _stands_over(head, bottom, merged):
        bottom += 1
    while top and bottom - top + 1 < _TALLEST and _stands_over(head, top - 1, merged):
        top -= 1
    return top, bottom


def _stands_over(head: list[Row], at: int, merged: Sequence[Merged]) -> bool:
    """Whether a row holds groups, and the next one the headers under them.

    Under a group each column has a header, and under a header that is no group there is none; a row of records
    would fill those too.
    """
    upper, lower = head[at], head[at + 1]
    groups = {i for i, text in enumerate(upper) if text}
    under = {i for i, text in enumerate(lower) if text}
    if len(groups) < 2 or not under or any(_LABEL.search(upper[i]) for i in groups):
        return False
    if any(_NUMBER.fullmatch(lower[i]) for i in under):
        return False
    starts = {i for i in groups & under if i + 1 in under - groups}
    spans = {left for (first, left), (last, right) in merged if first == last == at and right > left}
    if spans & groups:
        reach = {i for (row, left), (_, right) in merged if row == at and left in spans for i in range(left, right + 1)}
        return bool(under & reach) and under - reach <= set(range(len(upper))) - groups
    extent = range(min(groups | under), max(groups | under) + 1)
    blank = {i for i in extent if i not in groups}
    return bool(starts) and blank <= under and under & groups == starts


def _names(head: list[Row], top: int, bottom: int, kind: Kind, merged: Sequence[Merged]) -> list[str]:
    """One text for each column: that of its cells from top to bottom, groups written over each of theirs."""
    rows = [[" ".join(text.split()) for text in row] for row in head[top : bottom + 1]]
    if len(rows) == 1:
        return list(head[top])
    for (first, left), (last, right) in merged:
        if top <= first and last <= bottom and right > left:
            text = rows[first - top][left]
            for row in range(first - top, last - top + 1):
                rows[row][left : right + 1] = [text] * len(rows[row][left : right + 1])
    for upper, lower in pairwise(rows):
        for i in range(1, len(upper)):
            if not upper[i] and lower[i] and lower[i - 1] and lower[i] != upper[i - 1]:
                upper[i] = upper[i - 1]
    stacks = [list(dict.fromkeys(row[i] for row in rows if row[i])) for i in range(len(rows[0]))]
    lowest = [stack[-1] for stack in stacks if stack]
    names = []
    for stack in stacks:
        name = stack[0] if stack else ""
        for sub in stack[1:]:
            name = _joined(name, sub, kind, alone=lowest.count(sub) == 1)
        names.append(name)
    return names


def _joined(group: str, sub: str, kind: Kind, *, alone: bool) -> str:
    """One header for a sub-header under a group: the spelling that is recognised, with the unit of either.

    ``坝高（m）`` over ``设计`` is ``设计坝高（m）``; ``坐标`` over ``经度`` is ``经度``, when no other group has one.
    """
    group_base, group_unit = _unit_apart(group, kind)
    sub_base, sub_unit = _unit_apart(sub, kind)
    unit = sub_unit or group_unit
    suffix = f"（{unit}）" if unit else ""
    gap = " " if group_base[-1:].isascii() and sub_base[:1].isascii() else ""
    by_itself = [sub_base + suffix, sub]
    own = next((recognise(text, kind) for text in by_itself if recognise(text, kind)), None)
    for text in (sub_base + gap + group_base + suffix, group_base + gap + sub_base + suffix):
        if recognise(text, kind) not in {None, own}:
            return text
    if own and alone:
        return next(text for text in by_itself if recognise(text, kind))
    return group_base + gap + sub_base + suffix


def _unit_apart(header: str, kind: Kind) -> tuple[str, str]:
    """A header and the unit that stands in brackets behind it, "" where there is none."""
    match = _UNIT_IN_HEADER.match(header)
    return (match[1], match[2]) if match and _is_unit(match[2], kind) else (header, "")


@cache
def _is_unit(text: str, kind: Kind) -> bool:
    return text in _OTHER_UNITS or any(unit_factor(text, field) is not None for field in source_fields(kind))


def _is_units(row: Row, kind: Kind) -> bool:
    """Whether a row holds nothing but units."""
    texts = [_enclosed(text) for text in row if text]
    return any(_is_unit(text, kind) for text in texts) and all(
        text in _NO_UNIT or _is_unit(text, kind) for text in texts
    )


def _enclosed(text: str) -> str:
    match = _ENCLOSED.match(text)
    return match[1] if match else text


def _with_unit(name: str, text: str) -> str:
    unit = _enclosed(text)
    if not name or not unit or unit in _NO_UNIT or _UNIT_IN_HEADER.match(name):
        return name
    return f"{name}（{unit}）"


def _is_numbering(row: Row, names: list[str]) -> bool:
    """Whether a row counts the columns: ``1 2 3 4``, ``甲 乙 1 2``, ``(1) (2) (3) (4)``."""
    under = [text for text, name in zip(row, names, strict=True) if name]
    texts = [_enclosed(text) for text in row if text]
    stems = "".join(text for text in texts if text in _STEMS)
    numbers = texts[len(stems) :]
    if len(texts) < _FEWEST_NUMBERS or sum(map(bool, under)) < 0.8 * len(under) or not _STEMS.startswith(stems):
        return False
    return numbers == [str(i + 1) for i in range(len(numbers))] or numbers == [
        str(i + 1 + len(stems)) for i in range(len(numbers))
    ]
