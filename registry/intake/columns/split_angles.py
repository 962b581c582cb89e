"""Angles that a table holds in several columns: degrees, minutes and seconds, each under a header of its own."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from registry.intake.cells.spelling import fold
from registry.intake.columns.mapping import GEOGRAPHIC
from registry.intake.columns.recognition import read_header

if TYPE_CHECKING:
    from registry.intake.cells.source_table import SourceTable
    from registry.model.vocabulary import Kind

_PARTS = {
    "degrees": re.compile(r"(度|°|deg|degree|degrees)$"),
    "minutes": re.compile(r"(分|(?<!′)′|(?<!')'|min|minute|minutes)$"),
    # Folding makes two strokes of ″.
    "seconds": re.compile(r"(秒|′′|''|\"|sec|second|seconds)$"),
}
# What the column of a whole angle is called.
_WHOLE = {"latitude": "纬度", "longitude": "经度"}
_BRACKETS = re.compile(r"[()\[\]【】〔〕/|,、]")
_TEXT = pa.large_string()
_NOTHING = pa.scalar("", type=_TEXT)


def with_joined_angles(table: SourceTable, kind: Kind) -> SourceTable:
    """The table with each angle in one column, ``108°30′15.2″``, where degrees and minutes have columns of their own.

    Notes
    -----
    The column of the degrees becomes that of the angle, under the header 经度 or 纬度. A table without such columns, or
    with the whole angle in another one, is returned as it is.
    """
    parts = _parts(table, kind)
    if not parts:
        return table
    columns: dict[str, pd.Series[str]] = {column: table.cells[column] for column in table.headers}
    headers = dict(table.headers)
    notes = list(table.notes)
    for axis, of in parts.items():
        whole = _joined([columns[of[part]] for part in _PARTS if part in of])
        name = _WHOLE[axis]
        columns = {name if column == of["degrees"] else column: cells for column, cells in columns.items()}
        headers = {
            name if column == of["degrees"] else column: name if column == of["degrees"] else header
            for column, header in headers.items()
        }
        columns[name] = whole
        for part in ("minutes", "seconds"):
            if part in of:
                del columns[of[part]], headers[of[part]]
        listed = ", ".join(f"'{of[part]}'" for part in _PARTS if part in of)
        notes.append(f"{table.label}: {axis} was put together from {listed}.")
    return replace(table, cells=pd.DataFrame(columns, index=table.cells.index), headers=headers, notes=tuple(notes))


def _parts(table: SourceTable, kind: Kind) -> dict[str, dict[str, str]]:
    """Axis to part to column, for both axes or for none."""
    found: dict[str, dict[str, str]] = {axis: {} for axis in GEOGRAPHIC}
    whole = set()
    for column, header in table.headers.items():
        folded = _BRACKETS.sub("", fold(header))
        part = next((part for part, pattern in _PARTS.items() if pattern.search(folded)), None)
        base = _PARTS[part].sub("", folded) if part else ""
        axis = _axis(base, kind) if base else None
        if part and axis:
            found[axis].setdefault(part, column)
        elif _axis(header, kind):
            whole.add(column)
    return found if not whole and all({"degrees", "minutes"} <= of.keys() for of in found.values()) else {}


def _axis(header: str, kind: Kind) -> str | None:
    reading = read_header(header, kind)
    return reading.name if reading is not None and reading.name in GEOGRAPHIC else None


def _joined(parts: list[pd.Series[str]]) -> pd.Series[str]:
    """Degrees, minutes and perhaps seconds (n,) as one text; signs stand only behind what is there."""
    whole: Any = _NOTHING
    for cells, sign in zip(parts, "°′″", strict=False):
        text = pa.array(cells, type=_TEXT)
        written = pc.binary_join_element_wise(text, pa.scalar(sign, type=_TEXT), _NOTHING)
        whole = pc.binary_join_element_wise(whole, pc.if_else(pc.equal(text, ""), "", written), _NOTHING)
    return pd.Series(whole, dtype="str")
