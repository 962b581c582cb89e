"""Files that leave the registry: one writer a desktop format, and what travels with it.

``write`` takes layers and a path, ``write_table`` one result; the suffix decides the format. ``writer`` holds both doors and
the atomic replacement of a file. ``layers`` is the shape that every format shares, a stream of Arrow; ``frame_layers`` brings
frames into it and ``store_layers`` the streams of a store; ``crs`` and ``zones`` settle in which reference system. ``formats``
writes the files, ``styling`` says how they look and are edited in desktop programs, ``about`` what they say of themselves,
``beside`` what stands beside them, ``qgis_project`` opens all of it in QGIS. Styles, column titles and metadata are put into a plain
``sqlite3`` connection, so a store is described by the same lines as an export. What a format cannot hold is said through
the logger ``registry.export``.
"""

from registry.export.writer import SUFFIXES, TABLE_SUFFIXES, write, write_table

__all__ = ["SUFFIXES", "TABLE_SUFFIXES", "write", "write_table"]
