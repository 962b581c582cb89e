"""What the doctor asks of a GeoPackage file: is it whole, are its indexes right."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from registry.model.columns import geometry_column
from registry.model.tables import Base
from registry.store.changes import SUBJECTS
from registry.store.geopackage import history, standard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection


def facts(connection: Connection) -> dict[str, str]:
    """The version of SQLite."""
    del connection
    return {"sqlite": sqlite3.sqlite_version}


def problems(connection: Connection) -> Iterator[str]:
    """Damage of the file, broken references, spatial indexes and triggers that are missing or wrong."""
    for (line,) in connection.exec_driver_sql("PRAGMA integrity_check(20)"):
        if line != "ok":
            yield f"integrity: {line}"
    for table, rowid, parent, _ in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"{table} row {rowid}: refers to a row of {parent} that is not there"
    present = {(kind, name) for kind, name in connection.exec_driver_sql("SELECT type, name FROM sqlite_master")}
    for each in Base.metadata.sorted_tables:
        if ("table", each.name) in present and geometry_column(each):
            yield from _rtree_problems(connection, each.name)
    for table in SUBJECTS:
        for action in ("insert", "update", "delete"):
            name = history.name_of(table, action)
            if ("trigger", name) not in present:
                yield f"{table}: trigger {name} is missing, so an {action} leaves no history"


def _rtree_problems(connection: Connection, table: str) -> Iterator[str]:
    tree = standard.rtree_name(table)
    rows = connection.exec_driver_sql(f'SELECT count(*) FROM "{table}"').scalar_one()
    boxes = connection.exec_driver_sql(f'SELECT count(*) FROM "{tree}"').scalar_one()
    if rows != boxes:
        yield f"{table}: {rows} rows, but {boxes} in the spatial index"
    check = connection.exec_driver_sql("SELECT rtreecheck(?)", (tree,)).scalar_one()
    if check != "ok":
        yield f"{table}: spatial index: {check}"
