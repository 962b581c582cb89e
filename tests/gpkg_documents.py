"""The requirements of the GeoPackage standard on metadata (OGC 12-128, annex F.8) and on the schema of columns (F.9)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpkg_file import File, differences, requirement

_MOMENT = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d+Z"
_METADATA_TABLES = {
    "gpkg_metadata": """CREATE TABLE gpkg_metadata (id INTEGER PRIMARY KEY AUTOINCREMENT,
      md_scope TEXT NOT NULL DEFAULT 'dataset', md_standard_uri TEXT NOT NULL, mime_type TEXT NOT NULL DEFAULT 'text/xml',
      metadata TEXT NOT NULL DEFAULT '')""",
    "gpkg_metadata_reference": """CREATE TABLE gpkg_metadata_reference (reference_scope TEXT NOT NULL, table_name TEXT,
      column_name TEXT, row_id_value INTEGER, timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
      md_file_id INTEGER NOT NULL, md_parent_id INTEGER, FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
      FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id))""",
}
_SCHEMA_TABLES = {
    "gpkg_data_columns": """CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT,
      title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT, PRIMARY KEY (table_name, column_name),
      UNIQUE (table_name, name))""",
    "gpkg_data_column_constraints": """CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL,
      constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC,
      max_is_inclusive BOOLEAN, description TEXT, UNIQUE (constraint_name, constraint_type, value))""",
}


@requirement(93, "gpkg_metadata is as annex F.8 defines it.")
def _(file: File) -> Iterator[str]:
    if file.has("gpkg_metadata"):
        yield from differences(file, "gpkg_metadata", _METADATA_TABLES["gpkg_metadata"])


@requirement(95, "Beside it is gpkg_metadata_reference, as annex F.8 defines it.")
def _(file: File) -> Iterator[str]:
    if file.has("gpkg_metadata"):
        yield from differences(file, "gpkg_metadata_reference", _METADATA_TABLES["gpkg_metadata_reference"])


@requirement(96, "Metadata are said of the file, a table, a column, a row or a cell.")
def _(file: File) -> Iterator[str]:
    scopes = ("geopackage", "table", "column", "row", "row/col")
    yield from (str(row) for row in _references(file) if row[0] not in scopes)


@requirement(97, "What is said of the file names no table, all else one of the contents.")
def _(file: File) -> Iterator[str]:
    listed = {*file.values("SELECT table_name FROM gpkg_contents")}
    for row in _references(file):
        if row[1] is not None if row[0] == "geopackage" else row[1] not in listed:
            yield str(row)


@requirement(98, "What is said of the file, a table or a row names no column, all else one of the table.")
def _(file: File) -> Iterator[str]:
    for row in _references(file):
        whole = row[0] in ("geopackage", "table", "row")
        if row[2] is not None if whole else row[2] not in file.named(row[1]):
            yield str(row)


@requirement(99, "What is said of the file, a table or a column names no row, all else one of the table.")
def _(file: File) -> Iterator[str]:
    for row in _references(file):
        whole = row[0] in ("geopackage", "table", "column")
        if row[3] is not None if whole else not file.rows(f'SELECT 1 FROM "{row[1]}" WHERE rowid = ?', row[3]):
            yield str(row)


@requirement(100, "It says since when, in ISO 8601 and UTC, to a fraction of a second.")
def _(file: File) -> Iterator[str]:
    yield from (str(row) for row in _references(file) if not re.fullmatch(_MOMENT, row[4]))


@requirement(101, "It refers to metadata that are there.")
def _(file: File) -> Iterator[str]:
    known = file.values("SELECT id FROM gpkg_metadata") if file.has("gpkg_metadata") else []
    yield from (str(row) for row in _references(file) if row[5] not in known)


@requirement(102, "Metadata above are there, and are not the same.")
def _(file: File) -> Iterator[str]:
    known = file.values("SELECT id FROM gpkg_metadata") if file.has("gpkg_metadata") else []
    for row in _references(file):
        if row[6] is not None and (row[6] == row[5] or row[6] not in known):
            yield str(row)


@requirement(140, "The metadata extension is registered for both of its tables.")
def _(file: File) -> Iterator[str]:
    yield from _registered(file, "gpkg_metadata", list(_METADATA_TABLES))


@requirement(103, "gpkg_data_columns is as annex F.9 defines it.")
def _(file: File) -> Iterator[str]:
    yield from differences(file, "gpkg_data_columns", _SCHEMA_TABLES["gpkg_data_columns"])


@requirement(104, "It names tables that are there.")
def _(file: File) -> Iterator[str]:
    listed = {*file.values("SELECT table_name FROM gpkg_contents UNION SELECT table_name FROM gpkg_extensions")}
    yield from (
        table for table in file.values("SELECT DISTINCT table_name FROM gpkg_data_columns") if table not in listed
    )


@requirement(105, "It names columns that are there.")
def _(file: File) -> Iterator[str]:
    for table, column in file.rows("SELECT table_name, column_name FROM gpkg_data_columns"):
        if column not in file.named(table):
            yield f"{table}.{column}"


@requirement(106, "It names constraints that are there, in lower case.")
def _(file: File) -> Iterator[str]:
    known = {*file.values("SELECT constraint_name FROM gpkg_data_column_constraints")}
    for name in file.values("SELECT constraint_name FROM gpkg_data_columns WHERE constraint_name IS NOT NULL"):
        if name not in known or name != name.lower():
            yield name


@requirement(107, "gpkg_data_column_constraints is as annex F.9 defines it.")
def _(file: File) -> Iterator[str]:
    yield from differences(file, "gpkg_data_column_constraints", _SCHEMA_TABLES["gpkg_data_column_constraints"])


@requirement(108, "A constraint is a range, an enum or a glob.")
def _(file: File) -> Iterator[str]:
    yield from _constraints(file, "constraint_type NOT IN ('range', 'enum', 'glob')")


@requirement(109, "A range or a glob has a name of its own.")
def _(file: File) -> Iterator[str]:
    shared = "SELECT constraint_name FROM gpkg_data_column_constraints GROUP BY constraint_name HAVING count(*) > 1"
    yield from _constraints(file, f"constraint_type IN ('range', 'glob') AND constraint_name IN ({shared})")


@requirement(110, "A range has no value.")
def _(file: File) -> Iterator[str]:
    yield from _constraints(file, "constraint_type = 'range' AND value IS NOT NULL")


@requirement(111, "A range has a least and a larger greatest value.")
def _(file: File) -> Iterator[str]:
    yield from _constraints(file, "constraint_type = 'range' AND (min < max) IS NOT 1")


@requirement(112, "A range says whether its ends belong to it.")
def _(file: File) -> Iterator[str]:
    told = "coalesce(min_is_inclusive IN (0, 1) AND max_is_inclusive IN (0, 1), 0)"
    yield from _constraints(file, f"constraint_type = 'range' AND NOT {told}")


@requirement(113, "A list or a pattern has no ends.")
def _(file: File) -> Iterator[str]:
    ends = "coalesce(min, max, min_is_inclusive, max_is_inclusive)"
    yield from _constraints(file, f"constraint_type IN ('enum', 'glob') AND {ends} IS NOT NULL")


@requirement(114, "A list or a pattern has values.")
def _(file: File) -> Iterator[str]:
    yield from _constraints(file, "constraint_type IN ('enum', 'glob') AND value IS NULL")


@requirement(141, "The schema extension is registered for both of its tables.")
def _(file: File) -> Iterator[str]:
    yield from _registered(file, "gpkg_schema", list(_SCHEMA_TABLES))


def _references(file: File) -> list[tuple[str, str, str, int, str, int, int]]:
    if not file.has("gpkg_metadata_reference"):
        return []
    return file.rows(
        "SELECT reference_scope, table_name, column_name, row_id_value, timestamp, md_file_id, md_parent_id "
        "FROM gpkg_metadata_reference"
    )


def _registered(file: File, extension: str, tables: list[str]) -> Iterator[str]:
    find = "SELECT table_name, column_name, scope FROM gpkg_extensions WHERE extension_name = ? ORDER BY table_name"
    wanted = [(table, None, "read-write") for table in sorted(tables) if file.has(table)]
    if file.rows(find, extension) != wanted:
        yield str(file.rows(find, extension))


def _constraints(file: File, broken: str) -> Iterator[str]:
    yield from map(str, file.rows(f"SELECT * FROM gpkg_data_column_constraints WHERE {broken}"))
