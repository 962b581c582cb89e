"""The state of a package at export, inside it: one Parquet text a table, which no edit of a layer can reach.

Edits are the present state against this one. The history triggers of a file know who edited and when, and not every
program lets them run: a synchronisation takes triggers away while it applies what came from elsewhere, and a program
that writes a whole layer anew drops them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from registry.fieldwork.layout import Part, parts
from registry.store import frames

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from registry.model.fields import FieldType

TABLE = "registry_snapshot"

_CREATE = (
    f"CREATE TABLE {TABLE} (table_name TEXT NOT NULL PRIMARY KEY, row_count INTEGER NOT NULL, content BLOB NOT NULL)"
)

_ARROW: dict[FieldType, pa.DataType] = {
    "text": pa.large_string(),
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("ms", tz="UTC"),
}


def columns_of(part: Part) -> dict[str, FieldType]:
    """The columns in which the rows of a table are compared: its fields without bytes, a position as ``lon, lat``."""
    plain = {field.name: field.type for field in part.columns if field.type not in {"geometry", "binary"}}
    placed: dict[str, FieldType] = {"lon": "real", "lat": "real"} if part.kind else {}
    return {"id": "integer", **plain, **placed}


def write(connection: sqlite3.Connection, tables: Mapping[str, pd.DataFrame]) -> None:
    """Keep tables as they are; nothing is committed.

    Parameters
    ----------
    connection : an open GeoPackage.
    tables : by the name of their part, rows with the columns of ``columns_of``.
    """
    connection.execute(_CREATE)
    for name, rows in tables.items():
        connection.execute(
            "INSERT INTO registry_snapshot VALUES (?, ?, ?)", (name, len(rows), _packed(rows, parts()[name]))
        )


def read(connection: sqlite3.Connection, name: str) -> pd.DataFrame:
    """A table as it was at export; empty where there was no such table then.

    Raises
    ------
    pyarrow.ArrowException, OSError : what is kept is damaged.
    """
    part = parts()[name]
    found = connection.execute("SELECT content FROM registry_snapshot WHERE table_name = ?", (name,)).fetchone()
    columns = columns_of(part)
    if found is None:
        return pd.DataFrame({column: frames.column([], kind) for column, kind in columns.items()})
    table = pq.read_table(pa.BufferReader(found[0]), page_checksum_verification=True)
    return pd.DataFrame({column: _column(table[column], kind) for column, kind in columns.items()})


def _column(values: pa.ChunkedArray, kind: FieldType) -> pd.Series[Any]:
    return frames.column(values.to_pandas() if kind == "text" else values.to_pylist(), kind)


def _packed(rows: pd.DataFrame, part: Part) -> bytes:
    table = pa.table(
        {
            column: pa.array(rows[column], type=_ARROW[kind], from_pandas=True)
            for column, kind in columns_of(part).items()
        }
    )
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", write_page_checksum=True)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed
