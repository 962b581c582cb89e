"""Rows of a PostGIS store as streams of Arrow: a binary COPY, decoded block by block."""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlalchemy import LargeBinary, func, select, type_coerce

from registry.model.columns import geometry_column
from registry.model.fields import table_fields
from registry.store.parts import Rows
from registry.store.postgis import binary
from registry.store.postgis.bulk import copied

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection

    from registry.model.fields import FieldType
    from registry.store.parts import Part


@contextmanager
def snapshot(connection: Connection, parts: Sequence[Part]) -> Iterator[list[Rows]]:
    """Parts of the state that the transaction of a connection sees; to be read one after the other."""
    yield [
        Rows(
            connection.scalar(select(func.count()).select_from(part.table).where(*part.chosen)) or 0,
            partial(_batches, connection, part),
        )
        for part in parts
    ]


def _batches(connection: Connection, part: Part) -> Iterator[pa.RecordBatch]:
    spatial = geometry_column(part.table)
    wanted = [type_coerce(part.table.c[name], LargeBinary).label(name) if name == spatial else part.table.c[name]
              for name in part.columns]  # fmt: skip
    types: dict[str, FieldType] = {field.name: field.type for field in table_fields(part.table)}
    if spatial is not None:
        types[spatial] = "geometry"
    statement = select(*wanted).where(*part.chosen).order_by(part.table.c.id)
    with copied(connection, statement) as messages:
        for arrays in binary.read_blocks(messages, [types[name] for name in part.columns]):
            yield pa.RecordBatch.from_arrays(arrays, names=list(part.columns))
