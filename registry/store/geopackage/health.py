"""What the doctor asks of a GeoPackage file: is it whole, are its indexes and triggers right."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import numpy as np
import shapely

from registry.model.columns import geometry_column
from registry.model.geometry import from_gpkg
from registry.model.tables import FEATURES, Base
from registry.store.changes import SUBJECTS
from registry.store.geopackage import history, standard

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

# What one step of a 32-bit number is at 180 degrees, twice: how far a box of the index may be from its geometry.
_ROUNDING = 4e-5


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
    present = {(kind, name) for kind, name in connection.exec_driver_sql("SELECT type, name FROM sqlite_master").all()}
    for each in Base.metadata.sorted_tables:
        if ("table", each.name) not in present:
            continue
        if geometry_column(each):
            yield from _rtree_problems(connection, each.name)
        for trigger in _triggers(each.name):
            if ("trigger", trigger) not in present:
                yield f"{each.name}: trigger {trigger} is missing"


def _triggers(table: str) -> Iterator[str]:
    """The triggers that a table of the store has."""
    if geometry_column(Base.metadata.tables[table]):
        yield from standard.trigger_names(table)
    if table in SUBJECTS:
        yield from (history.name_of(table, action) for action in ("insert", "update", "delete"))
        yield f"{table}_identity"
        if "uid" in Base.metadata.tables[table].columns:
            yield from (f"{table}_uid", history.name_of(table, "name"))
    for kind in FEATURES:
        if table == kind:
            yield from (f"{table}_extra_insert", f"{table}_extra_update")
            if kind.is_site:
                yield f"{table}_followers"


def _rtree_problems(connection: Connection, table: str) -> Iterator[str]:
    tree = standard.rtree_name(table)
    check = connection.exec_driver_sql("SELECT rtreecheck(?)", (tree,)).scalar_one()
    if check != "ok":
        yield f"{table}: spatial index: {check}"
    boxes = connection.exec_driver_sql(f'SELECT id, minx, miny, maxx, maxy FROM "{tree}" ORDER BY id').all()
    rows = connection.exec_driver_sql(f'SELECT id, geom FROM "{table}" ORDER BY id').all()
    if [row[0] for row in rows] != [box[0] for box in boxes]:
        yield f"{table}: {len(rows)} rows, but {len(boxes)} in the spatial index, or not of the same rows"
    elif rows:
        there = np.array([box[1:] for box in boxes], dtype=float)
        wanted = shapely.bounds(from_gpkg([row[1] for row in rows]))
        wrong = int((np.abs(there - wanted) > _ROUNDING).any(axis=1).sum())
        if wrong:
            yield f"{table}: {wrong} rows lie elsewhere than the spatial index says"
