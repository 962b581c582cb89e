"""Layers in the shape that every format shares: plain typed columns, described fields, one CRS."""

from __future__ import annotations

import json
import logging
import math
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import pyproj
from shapely import MultiLineString, MultiPoint, MultiPolygon

from registry.errors import BadParameterError, CrsError, EmptyTableError
from registry.export.symbols import REGION_TERM
from registry.model.fields import Field, fields, table_fields
from registry.model.tables import Base, PlantIntake, WasteStream
from registry.model.vocabulary import Kind, Term

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

log = logging.getLogger("registry.export")

LANGUAGES = ("zh", "en")
REGION = "region"
# CGCS2000 and WGS 84 coincide within decimetres, closer than a site's position is known, and no published
# transformation between them moves a point: a format that knows WGS 84 alone gets the same numbers.
_SAME_NUMBERS = frozenset({4326, 4490})
_DATE = pd.ArrowDtype(pa.date32())
_DTYPES: dict[str, Any] = {"integer": "Int64", "real": "float64", "boolean": "boolean"}
# What an undescribed column of Python objects holds, by pandas' name for it.
_INFERRED: dict[str, Any] = {
    "boolean": "boolean", "integer": "Int64", "floating": "float64", "mixed-integer-float": "float64", "decimal": "float64",
    "date": _DATE,
}  # fmt: skip

_KIND = Field("kind", "text", "类型", "Kind", codes={kind.value: Term(kind.zh, kind.en) for kind in Kind})


@dataclass(frozen=True)
class Words:
    """What a file says of itself: the language of its headings, a title, a note (source, licence, synthetic or not)."""

    lang: str = "zh"
    title: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Layer:
    """One layer or table on its way out.

    Attributes
    ----------
    name : the name of its table: a kind, ``region``, or that of a result.
    frame : rows with the identifier as an ordinary column; a GeoDataFrame's geometry is the last column.
    fields : the description of those of its columns that have one, by name.
    """

    name: str
    frame: pd.DataFrame
    fields: Mapping[str, Field]

    @property
    def is_spatial(self) -> bool:
        """True where the layer has a geometry."""
        return isinstance(self.frame, gpd.GeoDataFrame)

    @property
    def is_points(self) -> bool:
        """True where every geometry is a point."""
        return isinstance(self.frame, gpd.GeoDataFrame) and bool((self.frame.geom_type.dropna() == "Point").all())

    @property
    def columns(self) -> list[str]:
        """Names of all columns but the geometry."""
        names = [str(name) for name in self.frame.columns]
        return [name for name in names if name != self.frame.geometry.name] if self.is_spatial else names

    def title(self, lang: str) -> str:
        """What a person calls the layer."""
        if self.name in set(Kind):
            kind = Kind(self.name)
            return kind.zh if lang == "zh" else kind.en
        return str(getattr(REGION_TERM, lang)) if self.name == REGION else self.name

    def label(self, column: str, lang: str) -> str:
        """The heading of a column, with its unit; an undescribed column keeps its name."""
        field = self.fields.get(column)
        return field.label(lang) if field else column

    def codes(self, column: str) -> Mapping[str, Term] | None:
        """The code list of a text column."""
        field = self.fields.get(column)
        return field.codes if field and field.type == "text" else None


def prepared(layers: Mapping[str, pd.DataFrame], *, crs: str | None, lang: str, described: bool = True) -> list[Layer]:
    """The layers that have rows, typed and in the CRS asked for; ``described`` by the model where their name is its.

    Raises
    ------
    EmptyTableError : no layer has a row.
    BadParameterError : the language or the CRS is unknown.
    CrsError : a layer has no CRS, or positions for which the CRS is not defined.
    """
    if lang not in LANGUAGES:
        raise BadParameterError(f"There is no export in language '{lang}'. Known: {', '.join(LANGUAGES)}.")
    target = None if crs is None else _crs(crs)
    filled = [
        _layer(name, frame, described_fields(name) if described else {}, target)
        for name, frame in layers.items()
        if len(frame)
    ]
    if not filled:
        raise EmptyTableError(
            "There is no row to write. Choose another kind, province or status, or import a table first."
        )
    return filled


def single(layers: Sequence[Layer], suffix: str) -> Layer:
    """The one layer of a format that holds one: the only one, or all kinds below each other, told apart by ``kind``.

    Raises
    ------
    BadParameterError : there are several layers, and none is a kind.
    """
    if len(layers) == 1:
        return layers[0]
    kinds = [layer for layer in layers if layer.name in set(Kind) and layer.is_spatial]
    if not kinds:
        names = ", ".join(layer.name for layer in layers)
        raise BadParameterError(f"A {suffix} file holds one layer, not {names}. Choose one, or write .gpkg or .xlsx.")
    left_out = [layer.name for layer in layers if layer not in kinds]
    if left_out:
        log.warning("%s holds one layer; left out: %s.", suffix, ", ".join(left_out))
    if len(kinds) == 1:
        return kinds[0]
    systems = {layer.frame.crs.to_wkt() for layer in kinds}
    if len(systems) > 1:
        raise CrsError("The layers have different coordinate reference systems. Name the one to write with crs.")
    described: dict[str, Field] = {}
    for layer in kinds:
        described = {**layer.fields, **described}
    return Layer("sites", _stacked(kinds), described)


def in_wgs84(layer: Layer, asked: str | None, suffix: str) -> Layer:
    """The layer in longitude and latitude on WGS 84, for formats that know no other CRS.

    Raises
    ------
    BadParameterError : another CRS was asked for.
    """
    if asked is not None and _crs(asked).to_epsg() != 4326 and _crs(asked) != pyproj.CRS("OGC:CRS84"):
        raise BadParameterError(
            f"A {suffix} file is in WGS 84 (EPSG:4326) by its standard, not in {asked}. Leave the CRS away."
        )
    if not layer.is_spatial:
        raise BadParameterError(
            f"A {suffix} file holds positions, and '{layer.name}' has none. Write .csv, .xlsx or .parquet."
        )
    return replace(layer, frame=_transformed(layer.frame, pyproj.CRS.from_epsg(4326)))


def positions(layer: Layer) -> dict[str, pd.Series[float]]:
    """The coordinates of a layer of points as columns: ``lon, lat``, or ``easting, northing`` where it is projected."""
    if not layer.is_points:
        return {}
    geometry = layer.frame.geometry
    names = ("easting", "northing") if geometry.crs.is_projected else ("lon", "lat")
    return {
        name: values for name, values in zip(names, (geometry.x, geometry.y), strict=True) if name not in layer.columns
    }


def unclashing(names: Iterable[str], reserved: Iterable[str] = ()) -> list[str]:
    """The names, of which then no two are the same but for case, nor one a reserved one; a clash gets a number."""
    taken = {name.casefold() for name in reserved}
    chosen: list[str] = []
    for name in names:
        candidate, number = name, 1
        while candidate.casefold() in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate.casefold())
        chosen.append(candidate)
    return chosen


def described_fields(name: str) -> dict[str, Field]:
    """The description of a layer's columns by its name; empty for a result table."""
    if name in set(Kind):
        side = WasteStream if Kind(name).is_site else PlantIntake
        waste = {field.name: field for field in table_fields(Base.metadata.tables[side.__tablename__])}
        codes = replace(waste.pop("waste_code"), name="waste_codes", codes=None)
        own = {field.name: field for field in fields(name)}
        return {"kind": _KIND, **waste, **own, "waste_codes": codes}
    if name == REGION:
        return {field.name: field for field in table_fields(Base.metadata.tables[REGION])}
    return {}


def _layer(name: str, frame: pd.DataFrame, described: Mapping[str, Field], target: pyproj.CRS | None) -> Layer:
    flat = frame.reset_index() if any(part is not None for part in frame.index.names) else frame.reset_index(drop=True)
    geometry = flat.geometry if isinstance(flat, gpd.GeoDataFrame) else None
    plain = pd.DataFrame(flat if geometry is None else flat.drop(columns=geometry.name))
    plain.columns = list(unclashing(str(column) for column in plain.columns))
    if "kind" in described and "kind" not in plain:
        plain.insert(0, "kind", name)
    typed = pd.DataFrame(
        {str(column): _typed(plain[column], described.get(str(column))) for column in plain}, index=flat.index
    )
    if geometry is None:
        return Layer(name, typed, described)
    if geometry.crs is None:
        raise CrsError(f"Layer '{name}' has no coordinate reference system. Set one before writing it.")
    spatial = gpd.GeoDataFrame(typed, geometry=_of_one_type(geometry))
    return Layer(name, spatial if target is None else _transformed(spatial, target), described)


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
    return _inferred(values, field) if pd.api.types.is_object_dtype(values.dtype) else values


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


def _stacked(layers: Sequence[Layer]) -> gpd.GeoDataFrame:
    """The layers below each other; a column that a kind does not have is missing there, its dtype kept."""
    dtypes: dict[str, Any] = {}
    for layer in layers:
        for name in layer.columns:
            dtypes.setdefault(name, layer.frame[name].dtype)
    columns = {
        name: pd.concat([_column(layer.frame, name, dtype) for layer in layers], ignore_index=True)
        for name, dtype in dtypes.items()
    }
    geometry = pd.concat([layer.frame.geometry for layer in layers], ignore_index=True)
    return gpd.GeoDataFrame(columns, geometry=gpd.GeoSeries(geometry), crs=layers[0].frame.crs)


def _column(frame: pd.DataFrame, name: str, dtype: Any) -> pd.Series[Any]:
    if name in frame:
        return frame[name]
    # Only the nullable integers and booleans of pandas can be missing.
    return pd.Series(index=frame.index, dtype={"i": "Int64", "u": "Int64", "b": "boolean"}.get(dtype.kind, dtype))


def _transformed(frame: gpd.GeoDataFrame, target: pyproj.CRS) -> gpd.GeoDataFrame:
    if {frame.crs.to_epsg(), target.to_epsg()} <= _SAME_NUMBERS:
        return frame.set_crs(target, allow_override=True)
    moved = frame.to_crs(target)
    bounds = moved.total_bounds
    if not all(abs(bound) < float("inf") for bound in bounds):
        raise CrsError(f"Some positions lie where {target.name} is not defined. Choose a CRS that covers them.")
    return moved


def _crs(name: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(name)
    except pyproj.exceptions.CRSError:
        raise BadParameterError(
            f"'{name}' is not a coordinate reference system. Write it as EPSG:4490 or EPSG:4527."
        ) from None
