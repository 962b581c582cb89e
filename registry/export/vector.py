"""The formats that hold one layer: GeoJSON, FlatGeobuf and GeoParquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import pyogrio

from registry.errors import BadParameterError

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
    pyogrio.write_dataframe(
        layer.frame, path, layer=layer.name, driver="GeoJSON", use_arrow=True, layer_options=options
    )


def write_flatgeobuf(layer: Layer, path: Path, words: Words) -> None:
    """FlatGeobuf with its spatial index; the index puts the rows in an order of its own.

    Raises
    ------
    BadParameterError : the layer has no geometry.
    """
    if not layer.is_spatial:
        raise BadParameterError(
            f"A .fgb file holds positions, and '{layer.name}' has none. Write .csv, .xlsx or .parquet."
        )
    options = {"TITLE": words.title or layer.title(words.lang), "DESCRIPTION": words.note or ""}
    pyogrio.write_dataframe(
        layer.frame, path, layer=layer.name, driver="FlatGeobuf", use_arrow=True, layer_options=options
    )


def write_parquet(layer: Layer, path: Path) -> None:
    """GeoParquet 1.1 with a bounding box a row, so that a reader can take a part; plain Parquet for a table."""
    if isinstance(layer.frame, gpd.GeoDataFrame):
        covering = "bbox" not in layer.columns
        layer.frame.to_parquet(path, index=False, schema_version="1.1.0", write_covering_bbox=covering)
    else:
        layer.frame.to_parquet(path, index=False)
