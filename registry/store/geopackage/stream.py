"""Rows of one table of a GeoPackage as a stream of Arrow, read by GDAL beside our own connection.

GDAL opens the file itself, with more than one connection where it reads ahead, so no transaction of ours holds its state
still. ``watched`` says afterwards whether anybody has committed meanwhile; what was read then is not used.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyogrio.errors
import pyogrio.raw
from sqlalchemy import and_, select

from registry.errors import StoreError
from registry.model.columns import geometry_column

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Dialect, Engine, Table

    from registry.store.reader import Reader


def reader(connection: Connection) -> Reader:
    """What streams the tables of the file that a connection has open."""
    path = Path(connection.exec_driver_sql("PRAGMA database_list").one()[2])
    dialect = connection.dialect

    def read(
        table: Table, columns: Sequence[str], chosen: Sequence[ColumnElement[bool]] = ()
    ) -> Iterator[pa.RecordBatch]:
        return _stream(path, table, columns, _where(dialect, table, chosen) if chosen else None)

    return read


def _stream(path: Path, table: Table, columns: Sequence[str], where: str | None) -> Iterator[pa.RecordBatch]:
    spatial = geometry_column(table)
    asked: dict[str, Any] = {
        "layer": table.name,
        "columns": [name for name in columns if name != spatial],
        "read_geometry": spatial in columns,
        "where": where,
    }
    if not _is_writable(path):
        asked["IMMUTABLE"] = "YES"
    try:
        with pyogrio.raw.open_arrow(path, use_pyarrow=True, **asked) as (_, reader):
            for batch in reader:
                # GDAL gives the columns in the order of the table.
                yield batch.select(list(columns))
    except (
        pyogrio.errors.DataSourceError,
        pyogrio.errors.DataLayerError,
        pa.ArrowException,
        OSError,
        KeyError,
    ) as error:
        said = " ".join(str(error).split()).rstrip(".")
        raise StoreError(
            f"{path}: {table.name} cannot be read ({said}). Nothing was written; `registry doctor` examines the file."
        ) from error


@contextmanager
def watched(engine: Engine) -> Iterator[Callable[[], bool]]:
    """Whether nobody has committed to the file since; asked of SQLite, on a connection that does nothing else."""
    with engine.connect() as connection:
        path = Path(connection.exec_driver_sql("PRAGMA database_list").one()[2])
    mode = "ro" if _is_writable(path) else "ro&immutable=1"
    # Whichever thread reads the stream asks.
    watching = sqlite3.connect(f"{path.as_uri()}?mode={mode}", uri=True, check_same_thread=False)
    with closing(watching):

        def version() -> Any:
            return watching.execute("PRAGMA data_version").fetchone()

        before = version()
        yield lambda: version() == before


def _where(dialect: Dialect, table: Table, chosen: Sequence[ColumnElement[bool]]) -> str:
    """The conditions as SQLite reads them, every value quoted by SQLAlchemy.

    Rows of an ``IN`` of keys come in the order of the keys, whatever index the conditions use.
    """
    keys = select(table.c.id).where(and_(*chosen))
    # Outside of it GDAL calls the table as it likes.
    return f'"id" IN ({keys.compile(dialect=dialect, compile_kwargs={"literal_binds": True})})'


def _is_writable(path: Path) -> bool:
    return os.access(path, os.W_OK) and os.access(path.parent, os.W_OK)
