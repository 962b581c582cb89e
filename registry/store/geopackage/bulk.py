"""Many rows at once into and out of one table of a GeoPackage; R-tree, contents and history kept right."""

from __future__ import annotations

import gc
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely
from sqlalchemy import Column, Date, Integer, MetaData, Table, func, select, text

from registry.errors import StoreError
from registry.model.columns import geometry_column
from registry.model.geometry import from_gpkg, points_to_gpkg, to_gpkg
from registry.model.types import Instant, instant_text
from registry.store import frames
from registry.store.changes import SUBJECTS, row_documents
from registry.store.geopackage import history, rtree, standard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from registry.model.fields import FieldType

_ON_INSERT = re.compile(r"\bINSERT\s+ON\b", re.IGNORECASE)

# Fewer new rows than this go through the triggers; more fill the R-tree and the history in one pass afterwards.
_BULK_ROWS = 500
# Rows that stand in memory as objects of Python at a time.
_PIECE = 100_000
# Where a connection keeps the statements that build indexes anew.
_AWAITED = "registry indexes"
# An index on up to so many times the new rows is built anew rather than grown: keys that come in no order are dear.
_REBUILT = 2
# A text column with fewer distinct values than this share of its rows is handed over as references to them.
_REPETITIVE = 0.5


def insert(connection: Connection, table: Table, rows: pd.DataFrame, *, srid: int, logged: bool = True) -> None:
    """Insert rows; ``geom`` holds shapely geometries. What is not ``logged`` leaves no history."""
    if rows.empty:
        return
    rows = _with_ids(connection, table, rows)
    bulk = (len(rows) >= _BULK_ROWS or not logged) and ("uid" in rows or "uid" not in table.columns)
    spatial = geometry_column(table) is not None
    with_history = table.name in SUBJECTS
    restore = []
    if bulk:
        if with_history:
            restore += history.pause_inserts(connection, table.name)
        if spatial:
            standard.drop_insert_trigger(connection, table.name)
        restore += _drop_indexes(connection, table, len(rows))
    with _uncollected():
        for start in range(0, len(rows), _PIECE):
            _insert_values(
                connection,
                table,
                _encoded(table, rows.iloc[start : start + _PIECE].dropna(axis="columns", how="all"), srid),
            )
    if bulk and spatial:
        ids = rows["id"].to_numpy(np.int64)
        rtree.fill(connection, standard.rtree_name(table.name), ids, shapely.bounds(rows["geom"].to_numpy()))
        standard.restore_insert_trigger(connection, table.name)
    for statement in restore:
        connection.exec_driver_sql(statement)
    if bulk and "extra" in rows and "extra" in table.columns:
        _check_extra(connection, table, rows["id"])
    if bulk and with_history and logged:
        _log_inserts(connection, table, rows)
    standard.touch(connection, table.name, spatial=spatial)


def restore_indexes(connection: Connection) -> None:
    """Build the indexes of the history that large inserts of this transaction took away."""
    for statement in connection.info.pop(_AWAITED, []):
        connection.exec_driver_sql(statement)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No search for garbage meanwhile: it would walk over every value on its way to the file, and find none."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _insert_values(connection: Connection, table: Table, values: Mapping[str, Sequence[Any]]) -> None:
    names = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join("?" * len(values))
    connection.exec_driver_sql(
        f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(zip(*values.values(), strict=True))
    )


def update(connection: Connection, table: Table, rows: pd.DataFrame, *, srid: int) -> None:
    """Set the columns of ``rows`` in the rows with the same ``id``."""
    if rows.empty:
        return
    values = _encoded(table, rows, srid)
    keys = values.pop("id")
    assignments = ", ".join(f'"{name}" = ?' for name in values)
    connection.exec_driver_sql(
        f'UPDATE "{table.name}" SET {assignments} WHERE id = ?', list(zip(*values.values(), keys, strict=True))
    )
    standard.touch(connection, table.name, spatial=geometry_column(table) is not None)


def fetch(connection: Connection, statement: Select[Any], types: Mapping[str, FieldType]) -> pd.DataFrame:
    """A statement's rows as a frame, each column built whole; geometries are shapely's."""
    names = [column.name for column in statement.selected_columns]
    readers = [column.type.dialect_impl(connection.dialect).result_processor(connection.dialect, None)
               for column in statement.selected_columns]  # fmt: skip
    cursor = connection.execute(statement).cursor
    pieces: list[list[Any]] = []
    # The driver's own tuples, in pieces: neither rows nor all values ever stand beside the columns made of them.
    with _uncollected():
        while cursor is not None and (fetched := cursor.fetchmany(_PIECE)):
            columns = zip(names, readers, zip(*fetched, strict=True), strict=True)
            pieces.append(
                [_column(map(read, values) if read else values, types[name]) for name, read, values in columns]
            )
    if not pieces:
        return pd.DataFrame({name: _column((), types[name]) for name in names})
    return pd.DataFrame({name: _joined([piece[at] for piece in pieces]) for at, name in enumerate(names)})


def _column(values: Iterable[Any], kind: FieldType) -> Any:
    return from_gpkg(list(values)) if kind == "geometry" else frames.column(list(values), kind)


def _joined(pieces: list[Any]) -> Any:
    if isinstance(pieces[0], np.ndarray):
        return np.concatenate(pieces)
    return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)


def inside(table: Table, bbox: tuple[float, float, float, float]) -> ColumnElement[bool]:
    """The condition that a row's box meets ``bbox``, answered by the R-tree."""
    found = text(
        f"SELECT id FROM {standard.rtree_name(table.name)} "
        "WHERE maxx >= :west AND minx <= :east AND maxy >= :south AND miny <= :north"
    ).bindparams(**dict(zip(("west", "south", "east", "north"), bbox, strict=True)))
    return table.c.id.in_(found.columns(table.c.id))


def extent(
    connection: Connection, table: Table, chosen: Sequence[ColumnElement[bool]]
) -> tuple[float, float, float, float] | None:
    """The box round the chosen rows, from the R-tree: its 32-bit bounds lie up to a metre outside."""
    if not chosen:
        return rtree.bounds(connection, standard.rtree_name(table.name))
    tree = Table(standard.rtree_name(table.name), MetaData(), *map(Column, ("id", "minx", "maxx", "miny", "maxy")))
    bounds = select(func.min(tree.c.minx), func.min(tree.c.miny), func.max(tree.c.maxx), func.max(tree.c.maxy))
    if chosen:
        bounds = bounds.where(tree.c.id.in_(select(table.c.id).where(*chosen)))
    west, south, east, north = connection.execute(bounds).one()
    return None if west is None else (west, south, east, north)


def row_id(document: ColumnElement[Any]) -> ColumnElement[int]:
    """The ``id`` that a JSON text of the history says."""
    return func.json_extract(document, "$.id", type_=Integer)


def _with_ids(connection: Connection, table: Table, rows: pd.DataFrame) -> pd.DataFrame:
    if "id" not in table.columns or "id" in rows.columns:
        return rows
    first = 1 + (connection.exec_driver_sql(f'SELECT max(id) FROM "{table.name}"').scalar() or 0)
    return rows.assign(id=np.arange(first, first + len(rows)))


def _drop_indexes(connection: Connection, table: Table, new: int) -> list[str]:
    """Take away the indexes that are cheaper to build anew than to grow by so many rows; what gives them back."""
    most = _REBUILT * new
    held = connection.exec_driver_sql(f'SELECT count(*) FROM (SELECT 1 FROM "{table.name}" LIMIT {most})').scalar_one()
    if held >= most:
        return []
    listed = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ?", (table.name,)
    ).fetchall()
    triggers = (
        connection.exec_driver_sql(
            "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", (table.name,)
        )
        .scalars()
        .all()
    )
    if any(_ON_INSERT.search(str(statement)) for statement in triggers):
        # With a trigger of somebody else's SQLite looks for the keys that foreign keys rest on, at every insert.
        listed = [row for row in listed if "UNIQUE" not in str(row.sql).upper()]
    for name, _ in listed:
        connection.exec_driver_sql(f'DROP INDEX "{name}"')
    return [str(statement) for _, statement in listed]


def _check_extra(connection: Connection, table: Table, ids: pd.Series[Any]) -> None:
    """Refuse what the paused trigger would have refused."""
    broken = connection.exec_driver_sql(
        f'SELECT name FROM "{table.name}" WHERE id BETWEEN ? AND ? AND extra IS NOT NULL AND NOT json_valid(extra)',
        (int(ids.min()), int(ids.max())),
    ).scalar()
    if broken is not None:
        raise StoreError(f"{table.name}: extra of '{broken}' is no JSON. Nothing was stored; correct the row.")


def _log_inserts(connection: Connection, table: Table, rows: pd.DataFrame) -> None:
    change = table.metadata.tables["change"]
    # The next table of this transaction may bring as many rows: the indexes are built when all of them have come.
    connection.info.setdefault(_AWAITED, []).extend(_drop_indexes(connection, change, len(rows)))
    # What is the same for all rows is quoted by SQLite itself and stands in the statement.
    at, by, run = connection.exec_driver_sql(
        "SELECT quote(at), quote(by), quote(import_run_id) FROM registry_session"
    ).one()
    documents = row_documents(table, rows)
    subjects = rows[SUBJECTS[table.name]]
    for start in range(0, len(rows), _PIECE):
        piece = slice(start, start + _PIECE)
        with _uncollected():
            connection.exec_driver_sql(
                "INSERT INTO change (at, by, table_name, uid, action, after, import_run_id) "
                f"VALUES ({at}, {by}, '{table.name}', ?, 'insert', ?, {run})",
                list(zip(_plain(subjects.iloc[piece]), documents[piece].to_pylist(), strict=True)),
            )
    standard.touch(connection, change.name, spatial=False)


def _encoded(table: Table, rows: pd.DataFrame, srid: int) -> dict[str, Sequence[Any]]:
    """The columns of the table that the rows have, as SQLite takes them."""
    spatial = geometry_column(table)
    values: dict[str, Sequence[Any]] = {}
    for column in table.columns:
        if column.name not in rows.columns:
            continue
        given = rows[column.name]
        if column.name == spatial:
            values[column.name] = _blobs(given, srid)
        elif isinstance(column.type, Instant):
            values[column.name] = [None if pd.isna(one) else instant_text(one) for one in given]
        elif isinstance(column.type, Date):
            values[column.name] = [None if pd.isna(one) else one.isoformat() for one in given]
        else:
            values[column.name] = _plain(given)
    return values


def _blobs(geometries: pd.Series[Any], srid: int) -> list[bytes]:
    shapes = geometries.to_numpy()
    if (shapely.get_type_id(shapes) == shapely.GeometryType.POINT).all():
        return points_to_gpkg(shapely.get_x(shapes), shapely.get_y(shapes), srid)
    return [to_gpkg(shape, srid) for shape in shapes]


def _plain(column: pd.Series[Any]) -> list[Any]:
    """Plain Python values, what is missing as None."""
    if column.dtype == "str":
        texts = pa.array(column, from_pandas=True)
        if isinstance(texts, pa.ChunkedArray):
            texts = texts.combine_chunks()
        coded = texts.dictionary_encode()
        if len(coded.dictionary) < _REPETITIVE * len(texts):
            # One object for each distinct text: its UTF-8 form is made once.
            distinct = np.array([*coded.dictionary.to_pylist(), None], dtype=object)
            shared: list[Any] = distinct[coded.indices.fill_null(len(distinct) - 1).to_numpy()].tolist()
            return shared
    missing = column.isna().to_numpy()
    values = column.to_numpy(dtype=object, copy=True) if missing.any() else column.to_numpy()
    if missing.any():
        values[missing] = None
    plain: list[Any] = values.tolist()
    return plain
