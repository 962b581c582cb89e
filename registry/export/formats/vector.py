"""The formats of GDAL that hold one layer: GeoJSON and FlatGeobuf."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from registry.errors import BadParameterError
from registry.export.about.metadata import as_json, packed
from registry.export.formats.gdal import write_layer

if TYPE_CHECKING:
    from pathlib import Path

    from registry.export.layers import Layer, Words

# 10⁻⁷ degree is a centimetre.
_DECIMALS = 7


def write_geojson(layer: Layer, path: Path, words: Words) -> None:
    """RFC 7946: longitude and latitude on WGS 84, right-handed rings; a text stays a text even where it looks like JSON."""
    options = {"RFC7946": "YES", "COORDINATE_PRECISION": str(_DECIMALS), "AUTODETECT_JSON_STRINGS": "NO"}
    if words.note:
        options["DESCRIPTION"] = words.note
    if words.metadata is not None:
        # A member that the standard leaves to others (RFC 7946, clause 6.1).
        told = {"type": "FeatureCollection", "metadata": as_json(words.metadata)}
        options |= {
            "NATIVE_MEDIA_TYPE": "application/vnd.geo+json",
            "NATIVE_DATA": json.dumps(told, ensure_ascii=False),
        }
    write_layer(layer, path, "GeoJSON", options=options)


def write_flatgeobuf(layer: Layer, path: Path, words: Words) -> None:
    """FlatGeobuf with its spatial index, which puts the rows in an order of its own; metadata stand in its header.

    Raises
    ------
    BadParameterError : the layer has no geometry.
    """
    if not layer.is_spatial:
        raise BadParameterError(
            f"A .fgb file holds positions, and '{layer.name}' has none. Write .csv, .xlsx or .parquet."
        )
    options = {"TITLE": words.title or layer.title(words.lang), "DESCRIPTION": words.note or ""}
    write_layer(layer, path, "FlatGeobuf", options=options, layer_metadata=packed(words.metadata))
