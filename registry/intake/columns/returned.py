"""A table that the registry itself wrote: columns that it filled in are known again, not kept as extra.

A file of rejects has its reasons beside the source's columns; they are dropped. In an export the ``uid`` of a row names the stored site; its kind must be the one that is imported; what an earlier import kept as
``extra`` stays what it was. Region codes and warnings are found anew.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from registry.intake.cells.spelling import fold
from registry.model.fields import DERIVED, fields, source_fields, written_word
from registry.model.records import REJECT_COLUMNS
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.intake.cells.source_table import SourceTable

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def returned_columns(table: SourceTable, kind: Kind) -> dict[str, str]:
    """Name of a column that the store fills in, to the table's column; none where there is no ``uid``."""
    words = {"kind": "kind", "类型": "kind"}
    for field in fields(kind):
        if field.name in DERIVED:
            labels = (field.name, field.zh, field.en, written_word(field.zh), written_word(field.en))
            words |= dict.fromkeys(map(fold, labels), field.name)
    found = {words[fold(header)]: column for column, header in table.headers.items() if fold(header) in words}
    return found if "uid" in found else {}


def known_again(table: SourceTable, kind: Kind) -> SourceTable:
    """An export under the names of its fields, whatever they are called in it; any other table as it is.

    Only a name that the registry itself writes is taken for a field, so that a person's own column is recognised as in
    every other table. Of an export of all kinds, columns that are another kind's are left out where this kind's rows
    have nothing in them.
    """
    returned = returned_columns(table, kind)
    if "uid" not in returned:
        return table
    own = _written_names(kind)
    others = {word for other in Kind for word in _written_names(other)} - own.keys()
    mine = np.ones(len(table.rows), dtype=bool)
    if "kind" in returned:
        mine = wrong_kind(table.cells[returned["kind"]], kind) == ""
    kept = [
        column
        for column, header in table.headers.items()
        if header not in others or (table.cells[column] != "").to_numpy(dtype=bool)[mine].any()
    ]
    headers = {column: own.get(table.headers[column], table.headers[column]) for column in kept}
    return replace(table, cells=table.cells[kept], headers=headers)


def _written_names(kind: Kind) -> dict[str, str]:
    """How an export calls the fields of a kind: by name, or by label and unit as a heading or as one word."""
    names = {"waste_codes": "waste_code"}
    for field in (*fields(kind), *source_fields(kind)):
        for label in (field.name, field.label("zh"), field.label("en")):
            names |= dict.fromkeys((label, written_word(label)), field.name)
    return names


def without_reasons(table: SourceTable) -> SourceTable:
    """The table without the columns that a file of rejects has at its right end; any other table as it is."""
    own = len(REJECT_COLUMNS)
    written = tuple(fold(header) for header in list(table.headers.values())[-own:])
    if written != REJECT_COLUMNS or len(table.headers) == own:
        return table
    kept = list(table.headers)[:-own]
    headers = {column: table.headers[column] for column in kept}
    filled = np.zeros(len(table.rows), dtype=bool)
    for column in kept:
        filled |= (table.cells[column] != "").to_numpy(dtype=bool)
    rows = np.flatnonzero(filled)
    return replace(
        table,
        cells=table.cells[kept] if filled.all() else table.cells[kept].iloc[rows].reset_index(drop=True),
        headers=headers, rows=table.rows[rows], overflow=table.overflow[rows],
    )  # fmt: skip


def uids(cells: Any) -> NDArray[np.object_]:
    """The uids (n,) of a column; None where a cell is no UUID."""
    texts = [text.strip().lower() for text in cells.tolist()]
    return np.array([text if _UUID.fullmatch(text) else None for text in texts], dtype=object)


def kept_extra(cells: Any) -> NDArray[np.object_]:
    """The JSON objects (n,) of a column of ``extra``; None where a cell is none."""
    return np.array([text if _is_object(text) else None for text in cells.tolist()], dtype=object)


def wrong_kind(cells: Any, kind: Kind) -> NDArray[np.object_]:
    """Why rows (n,) are turned back: their kind is another; "" where it is not."""
    names = {fold(word): each for each in Kind for word in (each.value, each.zh, each.en)}
    reasons: NDArray[np.object_] = np.full(len(cells), "", dtype=object)
    for at, text in enumerate(cells.tolist()):
        other = names.get(fold(text))
        if other is not None and other is not kind:
            reasons[at] = f"The row is a {other}; import it with --kind {other}."
    return reasons


def _is_object(text: str) -> bool:
    if not text.startswith("{"):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
