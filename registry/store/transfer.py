"""A whole store from one place to another, history included, between the two engines in either direction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import LargeBinary, delete, func, insert, select

from registry.errors import CrsError, StoreError
from registry.model.tables import Base, StoreProperty
from registry.store import read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd
    from sqlalchemy import Connection, Table

    from registry.store.store import Store

# Rows that are in memory at a time.
_PIECE = 250_000
# Attachments, of some megabytes each.
_FILES = 20


def copy(source: Store, target: Store, *, say: Callable[[str], None]) -> dict[str, int]:
    """Copy every row of every table, ids and history as they are, into an empty store; number of rows by table.

    Raises
    ------
    StoreError : the target holds rows already.
    CrsError : the two stores have different systems.
    """
    if source.crs != target.crs:
        raise CrsError(
            f"{target.place}: the store has {target.crs.to_string()}, {source.place} has {source.crs.to_string()}. "
            f"Create an empty store with `registry init --crs {source.crs.to_string()}`."
        )
    tables = [table for table in Base.metadata.sorted_tables if table.name != StoreProperty.__tablename__]
    copied = {}
    with source.read() as giving, target.write() as taking:
        _refuse_rows(taking, target.place, tables)
        backend = backend_of(taking)
        for table in tables:
            copied[table.name] = 0
            for rows in _pieces(giving, table):
                backend.insert(taking, table, rows, srid=target.srid, logged=False)
                copied[table.name] += len(rows)
                say(f"{table.name}: {copied[table.name]} rows")
        backend.after_restore(taking, tables)
        properties = select(StoreProperty.key, StoreProperty.value).where(StoreProperty.key != "crs")
        for key, value in giving.execute(properties).all():
            # A copy is the same store: what was taken out of one comes back into the other.
            taking.execute(delete(StoreProperty).where(StoreProperty.key == key))
            taking.execute(insert(StoreProperty).values(key=key, value=value))
    return copied


def _pieces(connection: Connection, table: Table) -> Iterator[pd.DataFrame]:
    """The rows of a table in order of their ids, some at a time."""
    last = 0
    piece = _FILES if any(isinstance(column.type, LargeBinary) for column in table.columns) else _PIECE
    while True:
        rows = read.everything(connection, table, table.c.id > last, limit=piece)
        if not rows.empty:
            yield rows
        if len(rows) < piece:
            return
        last = int(rows["id"].iloc[-1])


def _refuse_rows(connection: Connection, place: str, tables: list[Table]) -> None:
    for table in tables:
        count = connection.scalar(select(func.count()).select_from(table))
        if count:
            raise StoreError(
                f"{place}: the store holds rows already ({count} in {table.name}). Nothing was changed; "
                "restore into an empty store."
            )
