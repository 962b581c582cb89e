"""What the history says of rows that a bulk load brings: the same JSON that the triggers write, for whole columns."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import shapely
from sqlalchemy import LargeBinary

from registry.model.geometry import points_to_hex
from registry.model.tables import (
    FEATURES,
    Attachment,
    Inspection,
    PlantIntake,
    SupervisionDecision,
    WasteStream,
    table_of,
)

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import Table

# The column that holds the uid of the site or plant that a row belongs to, for every table whose changes are kept.
SUBJECTS: dict[str, str] = {
    **{kind.value: "uid" for kind in FEATURES},
    table_of(WasteStream).name: "site_uid",
    table_of(PlantIntake).name: "plant_uid",
    table_of(SupervisionDecision).name: "pond_uid",
    table_of(Inspection).name: "site_uid",
    table_of(Attachment).name: "site_uid",
}

# A load of this many rows or more writes only each row's id into the history: the row itself, or what the next change
# says of ``before``, holds the rest, and a million rows would be stored twice over.
REFERENCED_ROWS = 50_000

# What JSON cannot hold as it is.
_SPECIAL = r'["\\\x00-\x1f]'


def row_documents(table: Table, rows: pd.DataFrame) -> pa.Array:
    """Rows (n, with ``id``) as JSON texts (n,), without what is missing in them; of very many rows only the ids.

    The bytes of an attachment are left out: its checksum tells them.
    """
    if len(rows) >= REFERENCED_ROWS:
        rows = rows[["id"]]
    # One pass over all columns: what separates them stands between their values, and goes with a value that is missing.
    pieces: list[pa.Array | str] = ["{"]
    told = [c for c in table.columns if c.name in rows.columns and not isinstance(c.type, LargeBinary)]
    for number, column in enumerate(told):
        lead = f'{"," if number else ""}"{column.name}":'
        values, quote = _values(rows[column.name])
        if values.null_count:
            pieces.append(_joined(lead + quote, values, quote).fill_null(""))
        else:
            pieces += [lead + quote, values, quote]
    return _joined(*pieces, "}")


def is_reference(document: dict[str, Any]) -> bool:
    """Whether a document of the history only refers to its row."""
    return document.keys() == {"id"}


def _joined(*pieces: pa.Array | str) -> pa.Array:
    """Pieces one after the other, row by row; null where one of them is."""
    scalars = [pa.scalar(piece, pa.large_string()) if isinstance(piece, str) else piece for piece in (*pieces, "")]
    return pc.binary_join_element_wise(*scalars, null_handling="emit_null")


def _values(column: pd.Series[Any]) -> tuple[pa.Array, str]:
    """A column as the texts of JSON values (n,), null where there is none, and the sign that stands around them."""
    if column.dtype == object and len(column) and isinstance(column.iloc[0], shapely.Geometry):
        shapes = column.to_numpy()
        return points_to_hex(shapely.get_x(shapes), shapely.get_y(shapes)), '"'
    values = pa.array(column, from_pandas=True)
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    text = values.cast(pa.large_string())
    if pa.types.is_boolean(values.type) or pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        return text, ""
    return _escaped(text), '"'


def _escaped(texts: pa.Array) -> pa.Array:
    special = pc.match_substring_regex(texts, _SPECIAL)
    if not pc.any(special).as_py():
        return texts
    escaped = [json.dumps(text, ensure_ascii=False)[1:-1] for text in texts.filter(special).to_pylist()]
    return pc.replace_with_mask(texts, special.fill_null(False), pa.array(escaped, pa.large_string()))
