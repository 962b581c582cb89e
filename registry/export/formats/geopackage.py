"""GeoPackage: one table a layer, with its R-tree, column titles, code lists, styles and metadata inside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from registry.export.about.gpkg_metadata import write_metadata
from registry.export.about.metadata import Metadata
from registry.export.beside import layer_style
from registry.export.formats.gdal import configured, write_layer
from registry.export.formats.gpkg_schema import describe_columns
from registry.export.layers import Layer, Words, unclashing
from registry.export.styling.styles import write_layer_styles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GEOMETRY = "geom"
_KEY = "fid"
# The newest version of the standard that GDAL before 3.7 and QGIS before 3.30 open without a warning.
_EDITION = {"VERSION": "1.3"}
# The file has no name yet, and is thrown away if anything fails: it needs to reach the disk at its end alone.
_UNGUARDED = {"OGR_SQLITE_SYNCHRONOUS": "OFF"}


def write(layers: Sequence[Layer], path: Path, words: Words) -> None:
    """Write every layer under its own name; its title is the identifier that programs show."""
    with configured(**_UNGUARDED):
        _write_rows(layers, path, words)
    with closing(sqlite3.connect(path)) as connection, connection:
        for layer in layers:
            described = [replace(field, name=column) for column, field in layer.fields.items()]
            if described:
                describe_columns(connection, layer.name, described, words.lang)
        styles = [layer_style(layer, words.lang) for layer in layers]
        if any(styles):
            write_layer_styles(connection, [style for style in styles if style is not None])
        metadata = words.metadata or _said(words)
        if metadata is not None:
            write_metadata(connection, metadata, {layer.name: layer.table for layer in layers})


def _said(words: Words) -> Metadata | None:
    """Title and note as metadata, where nothing more is known.

    In GDAL's own form they would make newer versions of it write a file beside the package whenever it is opened.
    """
    title, note = words.title or words.note, words.note or words.title
    if title is None or note is None:
        return None
    return Metadata(title, note, sources=(), date=datetime.now(UTC), synthetic=False, language=words.lang)


def _write_rows(layers: Sequence[Layer], path: Path, words: Words) -> None:
    for number, layer in enumerate(layers):
        options = {"IDENTIFIER": layer.title(words.lang), "DESCRIPTION": words.note or "", "FID": _KEY}
        spatial = {"GEOMETRY_NAME": GEOMETRY, "SPATIAL_INDEX": "YES"} if layer.is_spatial else {}
        write_layer(
            layer.renamed(unclashing(layer.columns, (_KEY, GEOMETRY))),
            path,
            "GPKG",
            options=options | spatial,
            dataset_options=_EDITION if number == 0 else None,
        )
