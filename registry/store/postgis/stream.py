"""Rows of one table of a PostGIS store as a stream of Arrow: a binary COPY, decoded block by block."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import LargeBinary, select, type_coerce

from registry.model.columns import geometry_column
from registry.model.fields import table_fields
from registry.store.postgis import binary
from registry.store.postgis.bulk import copied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Engine, Table

    from registry.model.fields import FieldType
    from registry.store.reader import Reader


def reader(connection: Connection) -> Reader:
    """What streams tables within the transaction of a connection; one stream after the other."""

    def read(
        table: Table, columns: Sequence[str], chosen: Sequence[ColumnElement[bool]] = ()
    ) -> Iterator[pa.RecordBatch]:
        return _stream(connection, table, columns, chosen)

    return read


def _stream(
    connection: Connection, table: Table, columns: Sequence[str], chosen: Sequence[ColumnElement[bool]]
) -> Iterator[pa.RecordBatch]:
    spatial = geometry_column(table)
    wanted = [type_coerce(table.c[name], LargeBinary).label(name) if name == spatial else table.c[name]
              for name in columns]  # fmt: skip
    types: dict[str, FieldType] = {field.name: field.type for field in table_fields(table)}
    if spatial is not None:
        types[spatial] = "geometry"
    statement = select(*wanted).where(*chosen).order_by(table.c.id)
    with copied(connection, statement) as messages:
        for arrays in binary.read_blocks(messages, [types[name] for name in columns]):
            yield pa.RecordBatch.from_arrays(arrays, names=list(columns))


@contextmanager
def watched(engine: Engine) -> Iterator[Callable[[], bool]]:
    """Nothing to watch: a reading transaction sees one state, whatever is committed beside it."""
    del engine
    yield lambda: True
