"""Titles and code lists of a GeoPackage's columns, by the standard's schema extension (OGC 12-128, annex F.9).

GDAL reads the titles as alternative names and the lists as field domains; QGIS shows them as aliases and value maps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.model.fields import fields as kind_fields

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from registry.model.fields import Field

_DEFINITION = "http://www.geopackage.org/spec121/#extension_schema"

_TABLES = (
    """CREATE TABLE IF NOT EXISTS gpkg_data_columns (
      table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT, title TEXT, description TEXT, mime_type TEXT,
      constraint_name TEXT,
      CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name), CONSTRAINT gdc_tn UNIQUE (table_name, name))""",
    """CREATE TABLE IF NOT EXISTS gpkg_data_column_constraints (
      constraint_name TEXT NOT NULL, constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN,
      max NUMERIC, max_is_inclusive BOOLEAN, description TEXT,
      CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value))""",
)


def describe_columns(
    connection: sqlite3.Connection, table: str, fields: Sequence[Field] | None = None, lang: str = "zh"
) -> None:
    """Give a table's columns their titles, descriptions and lists of values; nothing is committed.

    Columns that the table does not have are passed over, and a description given before is replaced.

    Parameters
    ----------
    connection : an open GeoPackage that holds the table.
    table : name of the table.
    fields : the description of its columns; the model's unless given, ``table`` then being a kind.
    lang : language of titles and code labels, ``zh`` or ``en``; the description bears the other one.
    """
    for statement in _TABLES:
        connection.execute(statement)
    for name in ("gpkg_data_columns", "gpkg_data_column_constraints"):
        connection.execute(
            "INSERT INTO gpkg_extensions SELECT ?, NULL, 'gpkg_schema', ?, 'read-write' "
            "WHERE NOT EXISTS (SELECT 1 FROM gpkg_extensions WHERE table_name = ? AND extension_name = 'gpkg_schema')",
            (name, _DEFINITION, name),
        )
    present = {row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')}
    described = [field for field in (kind_fields(table) if fields is None else fields) if field.name in present]
    connection.execute("DELETE FROM gpkg_data_columns WHERE table_name = ?", (table,))
    taken: set[str] = set()
    for field in described:
        label = field.label(lang)
        # The name must be unique within the table; a second field of the same label keeps its own name.
        name = field.name if label in taken else label
        taken.add(name)
        connection.execute(
            "INSERT INTO gpkg_data_columns VALUES (?, ?, ?, ?, ?, NULL, ?)",
            (
                table,
                field.name,
                name,
                label,
                field.label("en" if lang == "zh" else "zh"),
                _constraint(connection, table, field, lang),
            ),
        )


def _constraint(connection: sqlite3.Connection, table: str, field: Field, lang: str) -> str | None:
    """The name of the constraint that holds a field's code list or range, written here; None for a free field."""
    if field.type == "boolean":
        return None  # a boolean is a tick box everywhere; a list of two codes would turn it into a text
    # The standard asks for lower case.
    name = f"{table}_{field.name}".lower()
    connection.execute("DELETE FROM gpkg_data_column_constraints WHERE constraint_name = ?", (name,))
    insert = "INSERT INTO gpkg_data_column_constraints VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    if field.codes:
        connection.executemany(
            insert,
            [(name, "enum", code, None, None, None, None, getattr(term, lang)) for code, term in field.codes.items()],
        )
        return name
    if field.type in {"integer", "real"} and field.minimum is not None and field.maximum is not None:
        connection.execute(insert, (name, "range", None, field.minimum, 1, field.maximum, 1, field.label(lang)))
        return name
    return None
