"""What the GeoPackage standard (OGC 12-128) asks of a file beyond our own tables.

Files are of version 1.3 (12-128r17, corrected by 1.3.1, r18), the newest that GDAL before 3.7 and QGIS before 3.30 open
without a warning. Version 1.4 (r19) differs for tables of features only in the triggers of the R-tree, which bear an
``INSERT … ON CONFLICT DO UPDATE`` there; nobody edits features that way.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyproj

from registry.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

APPLICATION_ID = 0x47504B47  # "GPKG"
USER_VERSION = 10300

_SYSTEM_TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT,
  definition_12_063 TEXT NOT NULL);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE, description TEXT DEFAULT '',
  last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL,
  z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (
  table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name))
"""

# The trigger set of annex F.3; update3 is the one that version 1.2.1 corrected.
_RTREE_TRIGGERS = {
    "insert": """AFTER INSERT ON "{t}" WHEN (NEW."{g}" NOT NULL AND NOT ST_IsEmpty(NEW."{g}")) BEGIN
      INSERT OR REPLACE INTO "{r}" VALUES (NEW."{i}", ST_MinX(NEW."{g}"), ST_MaxX(NEW."{g}"),
        ST_MinY(NEW."{g}"), ST_MaxY(NEW."{g}")); END""",
    "update1": """AFTER UPDATE OF "{g}" ON "{t}" WHEN OLD."{i}" = NEW."{i}" AND
      (NEW."{g}" NOTNULL AND NOT ST_IsEmpty(NEW."{g}")) BEGIN
      INSERT OR REPLACE INTO "{r}" VALUES (NEW."{i}", ST_MinX(NEW."{g}"), ST_MaxX(NEW."{g}"),
        ST_MinY(NEW."{g}"), ST_MaxY(NEW."{g}")); END""",
    "update2": """AFTER UPDATE OF "{g}" ON "{t}" WHEN OLD."{i}" = NEW."{i}" AND
      (NEW."{g}" ISNULL OR ST_IsEmpty(NEW."{g}")) BEGIN DELETE FROM "{r}" WHERE id = OLD."{i}"; END""",
    "update3": """AFTER UPDATE ON "{t}" WHEN OLD."{i}" != NEW."{i}" AND
      (NEW."{g}" NOTNULL AND NOT ST_IsEmpty(NEW."{g}")) BEGIN DELETE FROM "{r}" WHERE id = OLD."{i}";
      INSERT OR REPLACE INTO "{r}" VALUES (NEW."{i}", ST_MinX(NEW."{g}"), ST_MaxX(NEW."{g}"),
        ST_MinY(NEW."{g}"), ST_MaxY(NEW."{g}")); END""",
    "update4": """AFTER UPDATE ON "{t}" WHEN OLD."{i}" != NEW."{i}" AND
      (NEW."{g}" ISNULL OR ST_IsEmpty(NEW."{g}")) BEGIN
      DELETE FROM "{r}" WHERE id IN (OLD."{i}", NEW."{i}"); END""",
    "delete": """AFTER DELETE ON "{t}" WHEN OLD."{g}" NOT NULL BEGIN
      DELETE FROM "{r}" WHERE id = OLD."{i}"; END""",
}

# What versions 1.2.1 and 1.4 call their own.
_TRIGGERS_OF_1_4 = ("update5", "update6", "update7")


def create_system_tables(connection: Connection, srid: int) -> None:
    """What the standard asks of an empty file: its marks, its system tables, the reference systems."""
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.exec_driver_sql(f"PRAGMA user_version = {USER_VERSION}")
    for statement in _SYSTEM_TABLES.split(";\n"):
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql(
        "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?, ?)", list(_reference_systems(srid))
    )
    connection.exec_driver_sql(
        "INSERT INTO gpkg_extensions VALUES ('gpkg_spatial_ref_sys', 'definition_12_063', 'gpkg_crs_wkt', "
        "'http://www.geopackage.org/spec/#extension_crs_wkt', 'read-write')"
    )


def renew(connection: Connection) -> None:
    """Bring a file that was made with version 1.4 of the standard to what ``create_system_tables`` makes."""
    connection.exec_driver_sql(f"PRAGMA user_version = {USER_VERSION}")
    spatial = connection.exec_driver_sql("SELECT table_name FROM gpkg_geometry_columns").scalars().all()
    for table in spatial:
        for name in {*_RTREE_TRIGGERS, *_TRIGGERS_OF_1_4}:
            connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{rtree_name(table)}_{name}"')
        for name in _RTREE_TRIGGERS:
            connection.exec_driver_sql(_trigger(table, name))
    listed = connection.exec_driver_sql("SELECT table_name FROM gpkg_contents WHERE data_type = 'attributes'").scalars()
    for table in listed.all():
        if not _has_integer_key(connection, table):
            connection.exec_driver_sql("DELETE FROM gpkg_contents WHERE table_name = ?", (table,))
    _redefine(connection, "gpkg_spatial_ref_sys", r"(definition_12_063 TEXT NOT NULL) DEFAULT 'undefined'", r"\1")


def register_table(connection: Connection, table: str) -> None:
    """List a plain table in the contents, if it has the integer key that requirement 119 asks of one that is listed."""
    if not _has_integer_key(connection, table):
        return
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)", (table, table)
    )


def register_layer(connection: Connection, table: str, geometry_type: str, srid: int) -> None:
    """List a table with a geometry column ``geom`` in the contents, and give it its R-tree."""
    connection.exec_driver_sql(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier, srs_id) VALUES (?, 'features', ?, ?)",
        (table, table, srid),
    )
    connection.exec_driver_sql(
        "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", (table, geometry_type, srid)
    )
    connection.exec_driver_sql(
        "INSERT INTO gpkg_extensions VALUES (?, 'geom', 'gpkg_rtree_index', "
        "'http://www.geopackage.org/spec/#extension_rtree', 'write-only')",
        (table,),
    )
    connection.exec_driver_sql(f'CREATE VIRTUAL TABLE "{rtree_name(table)}" USING rtree(id, minx, maxx, miny, maxy)')
    for name in _RTREE_TRIGGERS:
        connection.exec_driver_sql(_trigger(table, name))


def let_uid_be_filled(connection: Connection, table: str) -> None:
    """Take a row that brings no uid, be it left out or null, with an empty one, which a trigger of the history fills."""
    column = "uid"
    wanted = f"{column} TEXT DEFAULT '' NOT NULL ON CONFLICT REPLACE"
    if not _redefine(connection, table, rf"\"?\b{column}\b\"? TEXT( DEFAULT '')?( NOT NULL)?", wanted):
        raise StoreError(
            f"{table}: the column {column} is not as the registry made it. Restore the store from a backup."
        )


def drop_insert_trigger(connection: Connection, table: str) -> None:
    """Let a bulk insert fill the R-tree itself; ``restore_insert_trigger`` belongs to the same transaction."""
    connection.exec_driver_sql(f'DROP TRIGGER "{rtree_name(table)}_insert"')


def restore_insert_trigger(connection: Connection, table: str) -> None:
    """Give the table back the trigger that keeps the R-tree right."""
    connection.exec_driver_sql(_trigger(table, "insert"))


def trigger_names(table: str) -> list[str]:
    """The triggers that keep a table's R-tree right."""
    return [f"{rtree_name(table)}_{name}" for name in _RTREE_TRIGGERS]


def rtree_name(table: str) -> str:
    """The name of a spatial table's R-tree."""
    return f"rtree_{table}_geom"


def touch(connection: Connection, table: str, *, spatial: bool) -> None:
    """Bring a table's row in ``gpkg_contents`` up to date: time of change and extent."""
    extent: tuple[float | None, ...] = (None,) * 4
    if spatial:
        found = connection.exec_driver_sql(
            f'SELECT min(minx), min(miny), max(maxx), max(maxy) FROM "{rtree_name(table)}"'
        ).one()
        extent = tuple(found)
    connection.exec_driver_sql(
        "UPDATE gpkg_contents SET last_change = strftime('%Y-%m-%dT%H:%M:%fZ','now'), "
        "min_x = ?, min_y = ?, max_x = ?, max_y = ? WHERE table_name = ?",
        (*extent, table),
    )


def _redefine(connection: Connection, table: str, pattern: str, wanted: str) -> bool:
    """Write the first match of a pattern in a table's definition anew; whether there was one.

    SQLite alters no default. Its documentation of ALTER TABLE gives this way for changes that leave the rows as they
    are on the disk: the text of the definition is written anew.
    """
    find = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?"
    before = str(connection.exec_driver_sql(find, (table,)).scalar_one())
    after, found = re.subn(pattern, wanted, before, count=1)
    if found:
        version = connection.exec_driver_sql("PRAGMA schema_version").scalar_one()
        connection.exec_driver_sql("PRAGMA writable_schema = ON")
        connection.exec_driver_sql("UPDATE sqlite_master SET sql = ? WHERE type = 'table' AND name = ?", (after, table))
        connection.exec_driver_sql(f"PRAGMA schema_version = {version + 1}")
        connection.exec_driver_sql("PRAGMA writable_schema = RESET")
    return bool(found)


def _has_integer_key(connection: Connection, table: str) -> bool:
    listed = connection.exec_driver_sql(f'PRAGMA table_info("{table}")').all()
    return [row[2] for row in listed if row[5]] == ["INTEGER"]


def _trigger(table: str, name: str) -> str:
    body = _RTREE_TRIGGERS[name].format(t=table, g="geom", i="id", r=rtree_name(table))
    return f'CREATE TRIGGER "{rtree_name(table)}_{name}" {body}'


def _reference_systems(srid: int) -> Iterator[tuple[str, int, str, int, str, str, str]]:
    """The store's CRS and the three rows that the standard requires of every file."""
    yield (
        "Undefined cartesian SRS",
        -1,
        "NONE",
        -1,
        "undefined",
        "undefined cartesian coordinate reference system",
        "undefined",
    )
    yield (
        "Undefined geographic SRS",
        0,
        "NONE",
        0,
        "undefined",
        "undefined geographic coordinate reference system",
        "undefined",
    )
    for number in dict.fromkeys((4326, srid)):
        each = pyproj.CRS.from_epsg(number)
        yield each.name, number, "EPSG", number, each.to_wkt("WKT1_GDAL"), each.name, each.to_wkt("WKT2_2019")
