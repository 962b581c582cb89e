"""Files that leave the registry: one writer per desktop format, and the styles that travel with them.

``write`` takes layers and a path, ``write_table`` one result; the suffix decides the format. ``writer`` holds both
doors and the atomic replacement of a file, ``layers`` brings frames into the shape that every format shares,
``geopackage``, ``vector`` (GeoJSON, FlatGeobuf, GeoParquet), ``shapefile``, ``kmz``, ``workbook`` and ``delimited`` write
one format each. ``symbols`` says what a kind and a level look like; ``styles`` (with ``qml`` and ``sld``) turns that into
the ``layer_styles`` table of a GeoPackage, ``icons`` into the pictures of a KMZ. ``gpkg_schema`` gives the columns of a
GeoPackage their titles and code lists. ``styles`` and ``gpkg_schema`` take a plain ``sqlite3`` connection, so a store is
described by the same lines as an export. What a format cannot hold is said through the logger ``registry.export``.
"""

from registry.export.writer import SUFFIXES, TABLE_SUFFIXES, write, write_table

__all__ = ["SUFFIXES", "TABLE_SUFFIXES", "write", "write_table"]
