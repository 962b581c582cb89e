"""The requirements of the GeoPackage standard on the file, its contents, features and attributes (OGC 12-128, clauses 1 and 2).

Numbers are those of versions 1.3 and 1.4 (12-128r17 to r19); the words are ours. Requirements that the standard has struck
out (9, 17, 78, 94), those on tiles (34 to 57, 147) and those on views (150, 151), of which a registry makes none, are left out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import pyproj
import shapely
from gpkg_file import GEOMETRY_TYPES, PLAIN_TYPES, File, differences, requirement

# Annex C.
SYSTEM_TABLES = {
    "gpkg_spatial_ref_sys": """CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY,
      organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT)""",
    "gpkg_contents": """CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL,
      identifier TEXT UNIQUE, description TEXT DEFAULT '',
      last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
      min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
      FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id))""",
    "gpkg_geometry_columns": """CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
      geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
      PRIMARY KEY (table_name, column_name), UNIQUE (table_name),
      FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
      FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id))""",
    "gpkg_extensions": """CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
      definition TEXT NOT NULL, scope TEXT NOT NULL, UNIQUE (table_name, column_name, extension_name))""",
}
_TILE_TABLES = {"gpkg_tile_matrix", "gpkg_tile_matrix_set"}
# How Table 1 has values of a type stored; a value that does not fit is counted by the condition.
_MISFITS = {
    "BOOLEAN": "typeof({c}) <> 'integer' OR {c} NOT IN (0, 1)",
    "INTEGER": "typeof({c}) <> 'integer'",
    "MEDIUMINT": "typeof({c}) <> 'integer' OR {c} NOT BETWEEN -2147483648 AND 2147483647",
    "DOUBLE": "typeof({c}) <> 'real'",
    "REAL": "typeof({c}) <> 'real'",
    "TEXT": "typeof({c}) <> 'text'",
    "BLOB": "typeof({c}) <> 'blob'",
    "DATE": "{c} NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]'",
    "DATETIME": "{c} NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]*Z'",
}


@requirement(1, "The file begins as SQLite's files of version 3 do.")
def _(file: File) -> Iterator[str]:
    with file.path.open("rb") as content:
        beginning = content.read(16)
    if beginning != b"SQLite format 3\0":
        yield f"it begins with {beginning!r}"


@requirement(2, "The header of the file says GPKG and the version of the standard.")
def _(file: File) -> Iterator[str]:
    # Offsets 68 and 60 of the header, big-endian (SQLite's file format, clause 1.3).
    file.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.path.open("rb") as content:
        head = content.read(100)
    if head[68:72] != b"GPKG":
        yield f"application_id is {head[68:72]!r}"
    if int.from_bytes(head[60:64]) not in (10300, 10301):
        yield f"user_version is {int.from_bytes(head[60:64])}"


@requirement(3, "The name of the file ends in .gpkg.")
def _(file: File) -> Iterator[str]:
    if file.path.suffix != ".gpkg":
        yield file.path.name


@requirement(4, "Every table is the standard's, listed in the contents, an extension's, or SQLite's own.")
def _(file: File) -> Iterator[str]:
    listed = {*file.values("SELECT table_name FROM gpkg_contents")}
    registered = {*file.values("SELECT table_name FROM gpkg_extensions WHERE table_name IS NOT NULL")}
    trees = {
        f"rtree_{table}_{column}{part}"
        for table, column, *_ in file.layers
        for part in ("", "_node", "_parent", "_rowid")
    }
    known = listed | registered | trees | set(SYSTEM_TABLES) | _TILE_TABLES | file.own_tables
    for table in file.values(
        "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'"
    ):
        if table not in known:
            yield f"table {table} is nobody's"


@requirement(5, "Columns have the types of table 1, and values are stored as it says.")
def _(file: File) -> Iterator[str]:
    for table in file.of_type("features") + file.of_type("attributes"):
        for column in file.columns(table):
            kind = re.sub(r"\(\d+\)", "", column.type)
            if kind not in PLAIN_TYPES | set(GEOMETRY_TYPES):
                yield f"{table}.{column.name} is of type {column.type}"
            elif kind in _MISFITS:
                misfit = _MISFITS[kind].format(c=f'"{column.name}"')
                for (value,) in file.rows(
                    f'SELECT "{column.name}" FROM "{table}" WHERE "{column.name}" IS NOT NULL AND ({misfit}) LIMIT 1'
                ):
                    yield f"{table}.{column.name}, {kind}, holds {value!r}"


@requirement(6, "SQLite finds the file whole.")
def _(file: File) -> Iterator[str]:
    yield from (line for line in file.values("PRAGMA integrity_check") if line != "ok")


@requirement(7, "Every reference finds its row.")
def _(file: File) -> Iterator[str]:
    yield from (str(row) for row in file.rows("PRAGMA foreign_key_check"))


@requirement(8, "SQL reads the contents.")
def _(file: File) -> Iterator[str]:
    if not file.rows("SELECT * FROM sqlite_master"):
        yield "there is nothing in it"


@requirement(10, "gpkg_spatial_ref_sys is as annex C.1 defines it.")
def _(file: File) -> Iterator[str]:
    for fault in differences(file, "gpkg_spatial_ref_sys", SYSTEM_TABLES["gpkg_spatial_ref_sys"]):
        # The one column that an extension adds (requirement 115).
        if "column definition_12_063 " not in fault:
            yield fault


@requirement(11, "It has WGS 84 and the two undefined systems.")
def _(file: File) -> Iterator[str]:
    find = "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?"
    for number in (-1, 0):
        if file.rows(find, number) != [("NONE", number, "undefined")]:
            yield f"system {number} is {file.rows(find, number)}"
    if [(name.upper(), number) for name, number, _ in file.rows(find, 4326)] != [("EPSG", 4326)]:
        yield f"system 4326 is {file.rows(find, 4326)}"
    elif not pyproj.CRS.from_wkt(file.rows(find, 4326)[0][2]).equals(pyproj.CRS(4326), ignore_axis_order=True):
        yield "system 4326 is not WGS 84"


@requirement(12, "It has every system that a layer uses, defined as its organization does.")
def _(file: File) -> Iterator[str]:
    for table, _, _, srs_id in file.layers:
        find = "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys WHERE srs_id = ?"
        found = file.rows(find, srs_id)
        if not found:
            yield f"{table}: system {srs_id} is not defined"
            continue
        organization, number, definition = found[0]
        crs = pyproj.CRS.from_wkt(definition)
        if organization.upper() == "EPSG" and not crs.equals(pyproj.CRS.from_epsg(number), ignore_axis_order=True):
            yield f"{table}: system {srs_id} is not EPSG:{number} but {crs.name}"


@requirement(13, "gpkg_contents is as annex C.2 defines it.")
def _(file: File) -> Iterator[str]:
    yield from differences(file, "gpkg_contents", SYSTEM_TABLES["gpkg_contents"])


@requirement(14, "Every table that the contents list is there.")
def _(file: File) -> Iterator[str]:
    yield from (table for table in file.values("SELECT table_name FROM gpkg_contents") if not file.has(table))


@requirement(15, "The time of the last change of a table is in ISO 8601 and UTC, to the second or finer.")
def _(file: File) -> Iterator[str]:
    for table, moment in file.rows("SELECT table_name, last_change FROM gpkg_contents"):
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", str(moment)):
            yield f"{table}: {moment}"


@requirement(16, "The contents name only systems that are defined.")
def _(file: File) -> Iterator[str]:
    defined = "SELECT srs_id FROM gpkg_spatial_ref_sys"
    yield from file.values(f"SELECT table_name FROM gpkg_contents WHERE srs_id NOT IN ({defined})")


@requirement(18, "Every table of features is listed as such, and no other is.")
def _(file: File) -> Iterator[str]:
    described = {table for table, *_ in file.layers}
    yield from (f"{table}: one of the two only" for table in described ^ set(file.of_type("features")))


@requirement(19, "A geometry is a standard GeoPackageBinary with the envelope that its head promises.")
def _(file: File) -> Iterator[str]:
    for table, _, _, row, head in file.geometries():
        if (head.magic, head.version, head.is_extended) != (b"GP", 0, False) or head.envelope_code > 4:
            yield f"{table} row {row}: {head}"
        elif head.envelope and not head.is_empty:
            west, south, east, north = shapely.from_wkb(head.wkb).bounds
            if head.envelope[:4] != (west, east, south, north):
                yield f"{table} row {row}: envelope {head.envelope}"


@requirement(20, "The body of a geometry is ISO well-known binary of one of the core types.")
def _(file: File) -> Iterator[str]:
    for table, _, _, row, head in file.geometries():
        if head.wkb_type % 1000 not in range(1, 8) or head.wkb_type > 3999:
            yield f"{table} row {row}: type {head.wkb_type}"
        elif shapely.to_wkb(shapely.from_wkb(head.wkb), byte_order=head.wkb[0], flavor="iso") != head.wkb:
            yield f"{table} row {row}: not the binary of its geometry"


@requirement(21, "gpkg_geometry_columns is as annex C.3 defines it.")
def _(file: File) -> Iterator[str]:
    yield from differences(file, "gpkg_geometry_columns", SYSTEM_TABLES["gpkg_geometry_columns"])


@requirement(22, "Every table of features has its row in gpkg_geometry_columns.")
def _(file: File) -> Iterator[str]:
    described = {table for table, *_ in file.layers}
    yield from (table for table in file.of_type("features") if table not in described)


@requirement(23, "gpkg_geometry_columns names only tables of the contents.")
def _(file: File) -> Iterator[str]:
    listed = {*file.values("SELECT table_name FROM gpkg_contents")}
    yield from (table for table, *_ in file.layers if table not in listed)


@requirement(24, "The geometry column is there.")
def _(file: File) -> Iterator[str]:
    yield from (f"{table}.{column}" for table, column, *_ in file.layers if column not in file.named(table))


@requirement(25, "The type of a geometry column is one of annex G.1, in capitals.")
def _(file: File) -> Iterator[str]:
    yield from (f"{table}: {kind}" for table, _, kind, _ in file.layers if kind not in GEOMETRY_TYPES)


@requirement(26, "The system of a geometry column is defined.")
def _(file: File) -> Iterator[str]:
    defined = set(file.values("SELECT srs_id FROM gpkg_spatial_ref_sys"))
    yield from (f"{table}: {srs_id}" for table, _, _, srs_id in file.layers if srs_id not in defined)


@requirement(27, "z says prohibited, mandatory or optional.")
def _(file: File) -> Iterator[str]:
    yield from file.values("SELECT table_name FROM gpkg_geometry_columns WHERE z NOT IN (0, 1, 2)")


@requirement(28, "m says prohibited, mandatory or optional.")
def _(file: File) -> Iterator[str]:
    yield from file.values("SELECT table_name FROM gpkg_geometry_columns WHERE m NOT IN (0, 1, 2)")


@requirement(29, "A table of features has one integer key, which numbers its rows.")
def _(file: File) -> Iterator[str]:
    yield from _without_integer_key(file, "features")


@requirement(30, "A table of features has one geometry column.")
def _(file: File) -> Iterator[str]:
    for table in file.of_type("features"):
        found = [column.name for column in file.columns(table) if column.type in GEOMETRY_TYPES]
        if len(found) != 1:
            yield f"{table}: {found}"


@requirement(31, "The geometry column is declared with the type that gpkg_geometry_columns says.")
def _(file: File) -> Iterator[str]:
    for table, column, kind, _ in file.layers:
        declared = {each.name: each.type for each in file.columns(table)}.get(column)
        if declared != kind:
            yield f"{table}: {declared}, not {kind}"


@requirement(32, "Geometries are of the type that is said of them.")
def _(file: File) -> Iterator[str]:
    found = Counter(
        (table, kind, GEOMETRY_TYPES[head.wkb_type % 1000 % 8]) for table, kind, _, _, head in file.geometries()
    )
    yield from (
        f"{table}: {rows} of {own}" for (table, kind, own), rows in found.items() if kind not in ("GEOMETRY", own)
    )


@requirement(33, "Geometries are in the system that is said of them.")
def _(file: File) -> Iterator[str]:
    found = Counter((table, srs_id, head.srs_id) for table, _, srs_id, _, head in file.geometries())
    yield from (f"{table}: {rows} in {own}" for (table, srs_id, own), rows in found.items() if srs_id != own)


@requirement(118, "Every plain table that is listed is listed as attributes.")
def _(file: File) -> Iterator[str]:
    yield from file.values("SELECT table_name FROM gpkg_contents WHERE data_type NOT IN ('features', 'attributes')")


@requirement(119, "A table of attributes has one integer key, which numbers its rows.")
def _(file: File) -> Iterator[str]:
    yield from _without_integer_key(file, "attributes")


@requirement(146, "Contents and gpkg_geometry_columns name the same system.")
def _(file: File) -> Iterator[str]:
    listed = dict(file.rows("SELECT table_name, srs_id FROM gpkg_contents"))
    yield from (
        f"{table}: {srs_id}, {listed.get(table)}" for table, _, _, srs_id in file.layers if listed.get(table) != srs_id
    )


@requirement(152, "A geometry that is marked empty is, no other is, and it has no envelope.")
def _(file: File) -> Iterator[str]:
    for table, _, _, row, head in file.geometries():
        if head.is_empty != shapely.from_wkb(head.wkb).is_empty or (head.is_empty and head.envelope):
            yield f"{table} row {row}: {head}"


def _without_integer_key(file: File, data_type: str) -> Iterator[str]:
    for table in file.of_type(data_type):
        keys = [column for column in file.columns(table) if column.key]
        if [column.type for column in keys] != ["INTEGER"]:
            yield f"{table}: the key is {keys}"
        elif file.rows(f'SELECT 1 FROM "{table}" WHERE "{keys[0].name}" IS NOT rowid LIMIT 1'):
            yield f"{table}: {keys[0].name} is not the number of the row"
