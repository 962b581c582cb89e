"""GeoParquet 1.1.0 (geoparquet.org), streamed: WKB, a bounding box a row, and the reference system as PROJJSON.

A reader that wants a part of the country skips the row groups whose boxes lie elsewhere. Coordinates stand easting (or
longitude) first, whatever order of axes the reference system defines: the specification, "Coordinate axis order", says so.
"""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from registry.export.about.metadata import packed
from registry.export.layers import GEOMETRY, PANDAS, Layer, unclashing
from registry.model.geometry import points_of_wkb
from registry.store.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from registry.export.layers import Words

VERSION = "1.1.0"
_UNLIKE = frozenset({"uid", "code", "name", "name_en", "address", "extra"})
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_BOX = pa.struct([(corner, pa.float64()) for corner in _CORNERS])
# Fast to write, and smaller than what most writers leave; the digits of uids and boxes take long to become hardly fewer.
_COMPRESSION, _LEVEL = "zstd", 1


def write(layer: Layer, path: Path, words: Words) -> None:
    """Write a layer's rows in row groups, one a piece; plain Parquet for a table without positions.

    What the file says of itself stands among its pairs of key and value, under ``registry``.
    """
    schema = layer.schema
    boxes = unclashing(["bbox"], layer.schema.names)[0]
    if layer.is_spatial:
        schema = schema.append(pa.field(boxes, _BOX))
    # A dictionary pays where texts repeat: not among identifiers and names, nor among numbers. A copy of the schema in the
    # words of Arrow would hide from its readers what is said of the file at its end.
    unlike = _UNLIKE | {layer.column_of(name) for name in _UNLIKE}
    repeating = [field.name for field in schema if pa.types.is_string(field.type) and field.name not in unlike]
    random = {layer.column_of("uid"), *(f"{boxes}.{corner}" for corner in _CORNERS)}
    compression = {column: "none" if column in random else _COMPRESSION for column in _leaves(schema)}
    levels = {column: _LEVEL for column, codec in compression.items() if codec == _COMPRESSION}
    with pq.ParquetWriter(
        path, schema, use_dictionary=repeating, store_schema=False, compression=compression, compression_level=levels
    ) as file:
        seen = _Seen()
        with closing(relayed(_boxed(layer, schema, seen))) as batches:
            for batch in batches:
                file.write_batch(batch.replace_schema_metadata(None))
        said = _pandas_metadata(layer) | packed(words.metadata)
        if layer.is_spatial:
            said["geo"] = json.dumps(_geo(layer, seen, boxes), ensure_ascii=False)
        file.add_key_value_metadata(said)


class _Seen:
    """What the metadata say of all geometries: their types and their extent."""

    def __init__(self) -> None:
        self.types: set[str] = set()
        self.extent = np.array([np.inf, np.inf, -np.inf, -np.inf])

    def note(self, corners: Sequence[NDArray[np.float64]]) -> None:
        """Widen the extent by boxes, given as four arrays (n,); NaN where there is none."""
        west, south, east, north = corners
        if not np.isnan(west).all():
            self.extent = np.array([
                *np.fmin(self.extent[:2], [np.nanmin(west), np.nanmin(south)]),
                *np.fmax(self.extent[2:], [np.nanmax(east), np.nanmax(north)]),
            ])  # fmt: skip


def _leaves(schema: pa.Schema) -> list[str]:
    """What Parquet calls the columns: a part of a struct has its name behind that of the struct."""
    return [
        f"{field.name}.{part.name}" if part is not field else field.name
        for field in schema
        for part in (field.type if pa.types.is_struct(field.type) else [field])
    ]


def _boxed(layer: Layer, schema: pa.Schema, seen: _Seen) -> Generator[pa.RecordBatch]:
    """The pieces of a layer with a box for each row; those of a plain table as they are."""
    if not layer.is_spatial:
        yield from layer.batches()
        return
    for batch in layer.batches():
        wkb = batch.column(GEOMETRY)
        points = points_of_wkb(wkb)
        if points is not None:
            seen.types.add("Point")
            low = [np.ascontiguousarray(points[axis]) for axis in "xy"]
            corners = [*low, *low]
        else:
            shapes = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
            corners = list(np.ascontiguousarray(shapely.bounds(shapes).T))
            seen.types |= _types(shapes)
        seen.note(corners)
        nowhere = np.isnan(corners[0])
        box = pa.StructArray.from_arrays(
            [pa.array(corner, mask=nowhere) for corner in corners], fields=list(_BOX), mask=pa.array(nowhere)
        )
        yield pa.RecordBatch.from_arrays([*batch.columns, box], schema=schema)


def _types(shapes: NDArray[np.object_]) -> set[str]:
    present = shapes[~shapely.is_missing(shapes)]
    depth = np.where(shapely.has_z(present), " Z", "")
    named = {number: kind.name for kind in shapely.GeometryType if (number := kind.value) >= 0}
    spelled = {
        "POINT": "Point", "LINESTRING": "LineString", "LINEARRING": "LineString", "POLYGON": "Polygon",
        "MULTIPOINT": "MultiPoint", "MULTILINESTRING": "MultiLineString", "MULTIPOLYGON": "MultiPolygon",
        "GEOMETRYCOLLECTION": "GeometryCollection",
    }  # fmt: skip
    pairs = set(zip(shapely.get_type_id(present).tolist(), depth.tolist(), strict=True))
    return {spelled[named[number]] + ending for number, ending in pairs}


def _geo(layer: Layer, seen: _Seen, boxes: str) -> dict[str, Any]:
    """The ``geo`` metadata (GeoParquet 1.1.0, "File metadata" and "Column metadata")."""
    column: dict[str, Any] = {
        "encoding": "WKB",
        "geometry_types": sorted(seen.types),
        "crs": None if layer.crs is None else layer.crs.to_json_dict(),
        "covering": {"bbox": {corner: [boxes, corner] for corner in _CORNERS}},
    }
    if np.isfinite(seen.extent).all():
        column["bbox"] = seen.extent.tolist()
    return {"version": VERSION, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}


def _pandas_metadata(layer: Layer) -> dict[str, str]:
    """What lets pandas read whole numbers and yes or no that are missing as what they are."""
    empty = pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in layer.schema], schema=layer.schema)
    frame: pd.DataFrame = empty.to_pandas(types_mapper=PANDAS.get)
    metadata = pa.Schema.from_pandas(frame, preserve_index=False).metadata or {}
    return {key.decode(): text.decode() for key, text in metadata.items()}
