"""Many rows at once into and out of one table of a PostGIS store, by COPY."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any
from typing import cast as as_type

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv
import shapely
from psycopg import pq
from psycopg.copy import QueuedLibpqWriter
from sqlalchemy import Integer, LargeBinary, cast, func, select, text, type_coerce
from sqlalchemy.exc import DBAPIError

from registry.errors import StoreError
from registry.model.geometry import points_to_hex
from registry.store.changes import REFERENCED_ROWS, SUBJECTS
from registry.store.postgis import binary, history, location
from registry.store.postgis.access import administers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray
    from sqlalchemy import ColumnElement, Connection, Select, Table

    from registry.model.fields import FieldType

# Rows that become CSV at a time: the server works on one piece while the next is made.
_PIECE = 50_000
_CSV = pyarrow.csv.WriteOptions(include_header=False, quoting_style="all_valid")


def insert(connection: Connection, table: Table, rows: pd.DataFrame, *, srid: int, logged: bool = True) -> None:
    """Insert rows; ``geom`` holds shapely geometries. What is not ``logged`` leaves no history."""
    if rows.empty:
        return
    names = [column.name for column in table.columns if column.name in rows.columns]
    if not administers(connection):
        # Row-level security and COPY exclude each other: the rows are staged, and inserted as its policies allow.
        with _staged(connection, table, rows[names], srid):
            listed = _listed(names)
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({listed}) SELECT {listed} FROM staged")
        return
    large = len(rows) >= REFERENCED_ROWS or not logged
    if not large or _holds_rows(connection, table.name) or not _have_to_ourselves(connection, table):
        with nullcontext() if logged else _unhindered(connection, table):
            _copy(connection, table.name, rows[names], srid)
        return
    # An empty table that nobody is reading may be locked for as long as the load takes.
    with _unhindered(connection, table, keys=False):
        if "id" in table.columns and "id" not in names:
            rows, names = rows.assign(id=_reserved(connection, table.name, len(rows))), ["id", *names]
        _copy(connection, table.name, rows[names], srid)
    if logged and table.name in SUBJECTS:
        _log_inserts(connection, table, rows["id"].to_numpy(np.int64))


def update(connection: Connection, table: Table, rows: pd.DataFrame, *, srid: int) -> None:
    """Set the columns of ``rows`` in the rows with the same ``id``.

    Raises
    ------
    StoreError : row-level security does not let this login change all of them.
    """
    if rows.empty:
        return
    names = [column.name for column in table.columns if column.name in rows.columns and column.name != "id"]
    with _staged(connection, table, rows[["id", *names]], srid):
        assignments = ", ".join(f'"{name}" = s."{name}"' for name in names)
        done = connection.exec_driver_sql(f"UPDATE {table.name} t SET {assignments} FROM staged s WHERE t.id = s.id")
        if done.rowcount != len(rows):
            raise StoreError(
                f"{table.name}: {len(rows) - done.rowcount} of {len(rows)} rows lie outside the provinces that this "
                "login may change. Nothing was stored; leave them out, or ask an administrator."
            )


def fetch(connection: Connection, statement: Select[Any], types: Mapping[str, FieldType]) -> pd.DataFrame:
    """A statement's rows as a frame, streamed in binary; geometries are shapely's."""
    names = [column.name for column in statement.selected_columns]
    with copied(connection, statement) as messages:
        columns = binary.read_columns(messages, [types[name] for name in names])
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


@contextmanager
def copied(connection: Connection, statement: Select[Any]) -> Iterator[Iterator[bytes | bytearray | memoryview]]:
    """The messages of a binary COPY of a statement's rows."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    with (
        _driver(connection).cursor() as cursor,
        cursor.copy(f"COPY ({compiled}) TO STDOUT (FORMAT binary)", compiled.params) as stream,
    ):
        yield _messages(stream, cursor.connection.pgconn)


def lock(connection: Connection, tables: Sequence[Table]) -> None:
    """Keep other writers off these tables to the end of the transaction; readers go on."""
    connection.exec_driver_sql(f"LOCK TABLE {', '.join(table.name for table in tables)} IN SHARE ROW EXCLUSIVE MODE")


def _messages(stream: psycopg.Copy, connection: pq.abc.PGconn) -> Iterator[bytes | bytearray | memoryview]:
    """The messages of a COPY stream: those that have come without the driver's ado for each, which is most of the time."""
    while True:
        size, message = connection.get_copy_data(1)
        if size > 0:
            yield message
        elif size == 0:
            # Nothing has come yet: the driver waits, and hears an interrupt meanwhile.
            awaited = stream.read()
            if not awaited:
                return
            yield awaited
        else:
            result = connection.get_result()
            while connection.get_result() is not None:
                pass
            if result is not None and result.status != pq.ExecStatus.COMMAND_OK:
                raise psycopg.errors.error_from_result(result)
            return


def inside(table: Table, bbox: tuple[float, float, float, float]) -> ColumnElement[bool]:
    """The condition that a row's box meets ``bbox``, answered by the GiST index."""
    # Boxes are compared without regard to the system; the store has one.
    return type_coerce(table.c.geom, LargeBinary).bool_op("&&")(func.ST_MakeEnvelope(*bbox))


def extent(
    connection: Connection, table: Table, chosen: Sequence[ColumnElement[bool]]
) -> tuple[float, float, float, float] | None:
    """The box round the chosen rows."""
    box = func.ST_Extent(type_coerce(table.c.geom, LargeBinary)).label("box")
    found = select(box).where(*chosen).subquery()
    sides = (func.ST_XMin, func.ST_YMin, func.ST_XMax, func.ST_YMax)
    west, south, east, north = connection.execute(select(*(side(found.c.box) for side in sides))).one()
    return None if west is None else (west, south, east, north)


def row_id(document: ColumnElement[Any]) -> ColumnElement[int]:
    """The ``id`` that a JSON text of the history says."""
    return cast(func.json_extract_path_text(document, "id"), Integer)


def trust_location(connection: Connection) -> None:
    """Say that the rows of this transaction have been located by the registry."""
    _set(connection, location.LOCATED_SETTING, "on")


def note_import(connection: Connection, import_run_id: int) -> None:
    """Say for which import the rest of the transaction writes."""
    _set(connection, history.RUN_SETTING, str(import_run_id))


def open_session(connection: Connection, by: str, at: datetime) -> None:
    """Say who works, where several people share a login; the server knows the time."""
    del at
    _set(connection, history.USER_SETTING, by)


def close_session(connection: Connection) -> None:
    """Nothing to do: what was said holds for the transaction."""


def writer(connection: Connection) -> str:
    """The login, and who says to use it."""
    return str(connection.scalar(text("SELECT registry_who()")))


def after_restore(connection: Connection, tables: Sequence[Table]) -> None:
    """Let the next id follow the largest that was given."""
    for table in tables:
        if "id" in table.columns:
            connection.execute(
                text(
                    f"SELECT setval(pg_get_serial_sequence(:name, 'id'), max(id)) FROM {table.name} HAVING max(id) > 0"
                ),
                {"name": table.name},
            )
        connection.exec_driver_sql(f"ANALYZE {table.name}")


def _set(connection: Connection, name: str, value: str) -> None:
    connection.execute(text("SELECT set_config(:name, :value, true)"), {"name": name, "value": value})


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    return as_type("psycopg.Connection[Any]", connection.connection.driver_connection)


@contextmanager
def _staged(connection: Connection, table: Table, rows: pd.DataFrame, srid: int) -> Iterator[None]:
    """The rows in a temporary table ``staged`` with the columns of their own."""
    connection.exec_driver_sql(
        f"CREATE TEMPORARY TABLE staged ON COMMIT DROP AS SELECT {_listed(rows.columns)} FROM {table.name} WITH NO DATA"
    )
    _copy(connection, "staged", rows, srid)
    connection.exec_driver_sql("ANALYZE staged")
    yield
    connection.exec_driver_sql("DROP TABLE staged")


@contextmanager
def _unhindered(connection: Connection, table: Table, *, keys: bool = True) -> Iterator[None]:
    """None of our triggers; without ``keys`` nothing either that is cheaper to check or build for all rows at once."""
    name = table.name
    connection.exec_driver_sql(f"LOCK TABLE {name} IN {'SHARE ROW' if keys else 'ACCESS'} EXCLUSIVE MODE")
    connection.exec_driver_sql(f"ALTER TABLE {name} DISABLE TRIGGER USER")
    drop, restore = ([], []) if keys else _droppable(connection, name)
    for statement in drop:
        connection.exec_driver_sql(statement)
    yield
    connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '256MB'")
    for statement in restore:
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(f"ALTER TABLE {name} ENABLE TRIGGER USER")


def _have_to_ourselves(connection: Connection, table: Table) -> bool:
    """Lock a table, and those that its foreign keys tie to it, against everybody, if that can be had at once.

    Who waited for readers while they wait for what this transaction has locked already would be thrown back, or
    throw one of them back.
    """
    tied = {key.referred_table.name for key in table.foreign_key_constraints}
    tied |= {
        other.name
        for other in table.metadata.tables.values()
        if any(key.referred_table is table for key in other.foreign_key_constraints)
    }
    names = ", ".join(sorted({table.name, *tied}))
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE NOWAIT")
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.errors.LockNotAvailable):
            return False
        raise
    return True


def _holds_rows(connection: Connection, table: str) -> bool:
    return connection.exec_driver_sql(f"SELECT EXISTS (SELECT FROM {table})").scalar_one() is True


def _droppable(connection: Connection, table: str) -> tuple[list[str], list[str]]:
    """Statements that take away a table's keys and indexes, and those that give them back.

    Foreign keys of other tables rest on the unique indexes of this one; those tables are small.
    """
    constraints = connection.execute(
        text(
            "SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname), "
            "format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) "
            "FROM pg_constraint WHERE conrelid = to_regclass(:name) AND contype IN ('p', 'u', 'f') "
            "OR confrelid = to_regclass(:name) ORDER BY contype = 'f' DESC"
        ),
        {"name": table},
    ).all()
    indexes = connection.execute(
        text(
            "SELECT format('DROP INDEX %s', i.indexrelid::regclass), pg_get_indexdef(i.indexrelid) FROM pg_index i "
            "WHERE i.indrelid = to_regclass(:name) AND NOT EXISTS "
            "(SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype <> 'f')"
        ),
        {"name": table},
    ).all()
    pairs = [*constraints, *indexes]
    return [drop for drop, _ in pairs], [restore for _, restore in reversed(pairs)]


def _reserved(connection: Connection, table: str, count: int) -> NDArray[np.int64]:
    """Ids (count,) that no other row will get; the table is locked."""
    last = connection.scalar(
        text("SELECT setval(s, nextval(s) + :more) FROM pg_get_serial_sequence(:name, 'id') s"),
        {"name": table, "more": count - 1},
    )
    return np.arange(int(last or 0) - count + 1, int(last or 0) + 1)


def _log_inserts(connection: Connection, table: Table, ids: NDArray[np.int64]) -> None:
    """Write the history of rows that came while the triggers were off; their ids are one range."""
    change = table.metadata.tables["change"]
    with nullcontext() if _holds_rows(connection, change.name) else _unhindered(connection, change, keys=False):
        connection.execute(
            text(
                "INSERT INTO change (at, by, table_name, uid, action, after, import_run_id) "
                f"SELECT s.at, s.who, '{table.name}', {SUBJECTS[table.name]}, 'insert', "
                f"json_build_object('id', id), s.run FROM {table.name}, "
                # OFFSET 0: once for the statement, not once for every row.
                "(SELECT date_trunc('milliseconds', clock_timestamp()) AS at, registry_who() AS who, "
                "registry_run() AS run OFFSET 0) s "
                "WHERE id BETWEEN :first AND :last"
            ),
            {"first": int(ids.min()), "last": int(ids.max())},
        )


def _copy(connection: Connection, name: str, rows: pd.DataFrame, srid: int) -> None:
    columns = pa.table({str(column): _texts(rows[column], srid) for column in rows.columns})
    statement = f"COPY {name} ({_listed(rows.columns)}) FROM STDIN (FORMAT csv)"
    with (
        _driver(connection).cursor() as cursor,
        # A thread sends one piece while the next is made.
        cursor.copy(statement, writer=QueuedLibpqWriter(cursor)) as stream,
    ):
        for start in range(0, columns.num_rows, _PIECE):
            piece = pa.BufferOutputStream()
            pyarrow.csv.write_csv(columns.slice(start, _PIECE), piece, _CSV)
            stream.write(piece.getvalue().to_pybytes())


def _texts(column: pd.Series[Any], srid: int) -> pa.Array:
    """A column as Arrow writes it into CSV; geometries as extended WKB in hexadecimal digits."""
    if column.dtype == object and len(column) and isinstance(column.iloc[0], shapely.Geometry):
        return _hex(column.to_numpy(), srid)
    if column.dtype == object and column.map(lambda value: isinstance(value, bytes)).any():
        return pa.array([None if pd.isna(value) else f"\\x{value.hex()}" for value in column], pa.large_string())
    return pa.array(column, from_pandas=True)


def _hex(shapes: NDArray[np.object_], srid: int) -> pa.Array:
    if (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all():
        return points_to_hex(shapely.get_x(shapes), shapely.get_y(shapes), srid)
    return pa.array(shapely.to_wkb(shapely.set_srid(shapes, srid), hex=True, include_srid=True))


def _listed(names: Sequence[str] | pd.Index[Any]) -> str:
    return ", ".join(f'"{name}"' for name in names)
