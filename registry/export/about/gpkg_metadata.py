"""Metadata inside a GeoPackage, by the standard's metadata extension (OGC 12-128r19, annex F.8).

The file has one ISO 19115 document and each layer one of its own below it; beside them stands what QGIS shows of a
layer, in the row that QGIS itself writes when metadata are saved into a GeoPackage. GDAL shows all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyproj

from registry.export.about.iso19139 import NAMESPACE, iso_xml
from registry.export.about.metadata import of_layer
from registry.export.about.qmd import STANDARD as QGIS
from registry.export.about.qmd import qmd

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from registry.export.about.metadata import Metadata

_DEFINITION = "http://www.geopackage.org/spec130/#extension_metadata"
# Table definitions of annex F.8.
_TABLES = {
    "gpkg_metadata": """(
      id INTEGER PRIMARY KEY AUTOINCREMENT, md_scope TEXT NOT NULL DEFAULT 'dataset', md_standard_uri TEXT NOT NULL,
      mime_type TEXT NOT NULL DEFAULT 'text/xml', metadata TEXT NOT NULL DEFAULT '')""",
    "gpkg_metadata_reference": """(
      reference_scope TEXT NOT NULL, table_name TEXT, column_name TEXT, row_id_value INTEGER,
      timestamp DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
      md_file_id INTEGER NOT NULL, md_parent_id INTEGER,
      CONSTRAINT crmr_mfi_fk FOREIGN KEY (md_file_id) REFERENCES gpkg_metadata(id),
      CONSTRAINT crmr_mpi_fk FOREIGN KEY (md_parent_id) REFERENCES gpkg_metadata(id))""",
}


def write_metadata(connection: sqlite3.Connection, metadata: Metadata, tables: Mapping[str, str]) -> None:
    """Put metadata into a GeoPackage, for the whole file and for each of its layers; nothing is committed.

    What stood there before for the file or for one of these layers, in ISO's or QGIS's form, is replaced.

    Parameters
    ----------
    connection : an open GeoPackage, whose ``gpkg_contents`` list the tables.
    metadata : those of the file.
    tables : names of the layers, and under which name the ``contents`` of the metadata speak of each.
    """
    for name, definition in _TABLES.items():
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} {definition}")
        connection.execute(
            "INSERT INTO gpkg_extensions SELECT ?, NULL, 'gpkg_metadata', ?, 'read-write' "
            "WHERE NOT EXISTS (SELECT 1 FROM gpkg_extensions WHERE table_name = ? AND extension_name = 'gpkg_metadata')",
            (name, _DEFINITION, name),
        )
    _forget(connection, [None, *tables])
    whole = _write(connection, NAMESPACE, iso_xml(metadata), None, None)
    for table, name in tables.items():
        part = of_layer(metadata, name, _crs(connection, table))
        _write(connection, NAMESPACE, iso_xml(part), table, whole)
        _write(connection, QGIS, qmd(part), table, whole)


def _crs(connection: sqlite3.Connection, table: str) -> pyproj.CRS | None:
    """The CRS that the file says of a layer; None for a plain table."""
    found = connection.execute(
        "SELECT organization, organization_coordsys_id, definition FROM gpkg_spatial_ref_sys "
        "JOIN gpkg_geometry_columns USING (srs_id) WHERE table_name = ?",
        (table,),
    ).fetchone()
    if found is None:
        return None
    organization, number, definition = found
    if str(organization).upper() == "EPSG":
        return pyproj.CRS.from_epsg(number)
    return pyproj.CRS.from_wkt(definition)


def _forget(connection: sqlite3.Connection, tables: Sequence[str | None]) -> None:
    """Take away what stands there for the file (None) or these tables in ISO's or QGIS's form."""
    for table in tables:
        found = connection.execute(
            "SELECT DISTINCT r.md_file_id FROM gpkg_metadata_reference r JOIN gpkg_metadata m ON m.id = r.md_file_id "
            "WHERE r.table_name IS ? AND r.reference_scope IN ('geopackage', 'table') AND m.md_standard_uri IN (?, ?)",
            (table, NAMESPACE, QGIS),
        ).fetchall()
        for row in found:
            connection.execute("UPDATE gpkg_metadata_reference SET md_parent_id = NULL WHERE md_parent_id = ?", row)
            connection.execute("DELETE FROM gpkg_metadata_reference WHERE md_file_id = ?", row)
            connection.execute("DELETE FROM gpkg_metadata WHERE id = ?", row)


def _write(connection: sqlite3.Connection, standard: str, document: str, table: str | None, parent: int | None) -> int:
    """Keep one document and say what it is about, the whole file where no table is named; its number."""
    connection.execute(
        "INSERT INTO gpkg_metadata (md_scope, md_standard_uri, mime_type, metadata) VALUES ('dataset', ?, 'text/xml', ?)",
        (standard, document),
    )
    number = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
    connection.execute(
        "INSERT INTO gpkg_metadata_reference (reference_scope, table_name, md_file_id, md_parent_id) VALUES (?, ?, ?, ?)",
        ("geopackage" if table is None else "table", table, number, parent),
    )
    return number
