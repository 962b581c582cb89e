"""From frames to layers: every column in the type that its field, or failing that its content, asks for."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import shapely
from shapely import MultiLineString, MultiPoint, MultiPolygon

from registry.errors import BadParameterError, CrsError, EmptyTableError
from registry.export.crs import chosen_crs, placed
from registry.export.layers import GEOMETRY, LANGUAGES, PIECE_ROWS, Layer, described_fields, unclashing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from registry.model.fields import Field

_DATE = pd.ArrowDtype(pa.date32())
_DTYPES: dict[str, Any] = {"integer": "Int64", "real": "float64", "boolean": "boolean"}
# What an undescribed column of Python objects holds, by pandas' name for it.
_INFERRED: dict[str, Any] = {
    "boolean": "boolean", "integer": "Int64", "floating": "float64", "mixed-integer-float": "float64", "decimal": "float64",
    "date": _DATE,
}  # fmt: skip


def prepared(
    layers: Mapping[str, pd.DataFrame | Layer], *, crs: str | None, lang: str, described: bool = True
) -> list[Layer]:
    """The layers that have rows, typed and in the CRS asked for; ``described`` by the model where their name is its.

    Raises
    ------
    EmptyTableError : no layer has a row.
    BadParameterError : the language or the CRS is unknown.
    CrsError : a layer has no CRS.
    """
    if lang not in LANGUAGES:
        raise BadParameterError(f"There is no export in language '{lang}'. Known: {', '.join(LANGUAGES)}.")
    filled = [
        given if isinstance(given, Layer) else frame_layer(name, given, described_fields(name) if described else {})
        for name, given in layers.items()
        if (given.rows if isinstance(given, Layer) else len(given)) != 0
    ]
    if not filled:
        raise EmptyTableError(
            "There is no row to write. Choose another kind, province or status, or import a table first."
        )
    target = None if crs is None else chosen_crs(crs, filled)
    return [layer if target is None else placed(layer, target) for layer in filled]


def frame_layer(name: str, frame: pd.DataFrame, described: Mapping[str, Field]) -> Layer:
    """A frame as a layer; its index, where it has a name, becomes a column."""
    flat = frame.reset_index() if any(part is not None for part in frame.index.names) else frame.reset_index(drop=True)
    geometry = flat.geometry if isinstance(flat, gpd.GeoDataFrame) else None
    plain = pd.DataFrame(flat if geometry is None else flat.drop(columns=geometry.name))
    plain.columns = list(unclashing((str(column) for column in plain.columns), () if geometry is None else (GEOMETRY,)))
    if "kind" in described and "kind" not in plain:
        plain.insert(0, "kind", name)
    typed = pd.DataFrame(
        {str(column): _typed(plain[column], described.get(str(column))) for column in plain}, index=flat.index
    )
    schema = pa.schema([pa.field(field.name, _written(field.type)) for field in pa.Schema.from_pandas(typed, False)])
    if geometry is None:
        return Layer(name, schema, described, lambda: _sliced(typed, schema, None), rows=len(typed))
    if geometry.crs is None:
        raise CrsError(f"Layer '{name}' has no coordinate reference system. Set one before writing it.")
    shapes = _of_one_type(geometry)
    whole = schema.append(pa.field(GEOMETRY, pa.binary()))
    return Layer(
        name, whole, described, lambda: _sliced(typed, whole, shapes),
        geometry_type=_geometry_type(shapes), crs=geometry.crs, rows=len(typed),
    )  # fmt: skip


def _sliced(typed: pd.DataFrame, schema: pa.Schema, shapes: gpd.GeoSeries | None) -> Iterator[pa.RecordBatch]:
    for start in range(0, len(typed), PIECE_ROWS):
        piece = typed.iloc[start : start + PIECE_ROWS]
        columns = [pa.array(piece[column], from_pandas=True) for column in piece]
        if shapes is not None:
            wkb = shapely.to_wkb(shapes.iloc[start : start + PIECE_ROWS].to_numpy(), byte_order=1, flavor="iso")
            columns.append(pa.array(wkb, pa.binary()))
        yield pa.RecordBatch.from_arrays([_cast(one, field.type) for one, field in zip(columns, schema, strict=True)],
                                         schema=schema)  # fmt: skip


def _cast(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return whole.cast(kind)


def _written(kind: pa.DataType) -> pa.DataType:
    """The type of a column in every format: texts are of one kind, and a column of nothing is one of texts."""
    return pa.string() if pa.types.is_large_string(kind) or pa.types.is_null(kind) else kind


def _geometry_type(shapes: gpd.GeoSeries) -> str:
    """The one type of all geometries as GDAL calls it, or ``Unknown``."""
    types = set(shapes.geom_type.dropna().replace("LinearRing", "LineString"))
    if len(types) != 1:
        return "Unknown"
    return f"{types.pop()} Z" if shapes.has_z.any() else str(types.pop())


def _of_one_type(geometry: gpd.GeoSeries) -> gpd.GeoSeries:
    """Single geometries beside multiple ones become multiple: most formats hold one type a layer."""
    types = set(geometry.geom_type.dropna())
    for single_type, multiple in (
        ("Point", MultiPoint),
        ("LineString", MultiLineString),
        ("Polygon", MultiPolygon),
    ):
        if types == {single_type, multiple.__name__}:
            parts = [multiple([one]) if one is not None and one.geom_type == single_type else one for one in geometry]
            return gpd.GeoSeries(parts, index=geometry.index, crs=geometry.crs)
    return gpd.GeoSeries(geometry.to_numpy(), index=geometry.index, crs=geometry.crs)


def _typed(values: pd.Series[Any], field: Field | None) -> pd.Series[Any]:
    """A column in the dtype that its field, or failing that its content, asks for."""
    if field is not None and field.type in _DTYPES:
        with suppress(TypeError, ValueError):
            return values.astype(_DTYPES[field.type])
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if isinstance(values.dtype, gpd.array.GeometryDtype):
        values = gpd.GeoSeries(values).to_wkt()
    elif pd.api.types.is_timedelta64_dtype(values.dtype):
        values = values.dt.total_seconds()
    if pd.api.types.is_object_dtype(values.dtype):
        values = _inferred(values, field)
    # Most formats know no zone but an offset from Greenwich.
    return values.dt.tz_convert("UTC") if isinstance(values.dtype, pd.DatetimeTZDtype) else values


def _inferred(values: pd.Series[Any], field: Field | None) -> pd.Series[Any]:
    """A column of Python objects in the dtype of what it holds; what has none becomes text."""
    content = pd.api.types.infer_dtype(values, skipna=True)
    if content in {"datetime", "datetime64"}:
        return pd.Series(pd.to_datetime(values))
    if content in _INFERRED and (field is None or field.type != "text"):
        return values.astype(_INFERRED[content])
    return pd.Series([_text(value) for value in values], index=values.index, dtype="str")


def _text(value: object) -> str | None:
    """A Python object as text: a list of words joined as the store joins them, anything else nested as JSON."""
    if isinstance(value, str):
        return value
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, (list, tuple)) and all(isinstance(part, str) for part in value):
        return ";".join(value)
    if isinstance(value, (list, tuple, dict)):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)
