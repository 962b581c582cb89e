"""GeoPackage: one table a layer, with its R-tree, column titles, code lists and styles inside."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pyogrio

from registry.export.gpkg_schema import describe_columns
from registry.export.layers import Layer, Words, unclashing
from registry.export.styles import layer_styles, write_layer_styles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

GEOMETRY = "geom"
_KEY = "fid"


def write(layers: Sequence[Layer], path: Path, words: Words) -> None:
    """Write every layer under its own name; its title is the identifier that programs show."""
    about = {key: value for key, value in {"TITLE": words.title, "NOTE": words.note}.items() if value}
    for number, layer in enumerate(layers):
        options = {"IDENTIFIER": layer.title(words.lang), "DESCRIPTION": words.note or "", "FID": _KEY}
        names = dict(zip(layer.columns, unclashing(layer.columns, (_KEY, GEOMETRY)), strict=True))
        pyogrio.write_dataframe(
            layer.frame.rename(columns=names),
            path,
            layer=layer.name,
            driver="GPKG",
            use_arrow=True,
            layer_options=options | ({"GEOMETRY_NAME": GEOMETRY, "SPATIAL_INDEX": "YES"} if layer.is_spatial else {}),
            dataset_metadata=about if number == 0 and about else None,
        )
    with closing(sqlite3.connect(path)) as connection, connection:
        for layer in layers:
            if layer.fields:
                describe_columns(connection, layer.name, list(layer.fields.values()), words.lang)
        spatial = {layer.name for layer in layers if layer.is_spatial}
        styles = [style for style in layer_styles(words.lang) if style.f_table_name in spatial]
        if styles:
            write_layer_styles(connection, styles)
