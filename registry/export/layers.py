"""Layers in the shape that every format shares: typed columns in pieces of Arrow, described fields, one CRS.

A layer is never whole in memory unless it came as a frame: ``batches`` begins it anew at every call, and a writer takes
one piece after the other. ``frame_layers`` makes layers of frames, ``store_layers`` of a store.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pyarrow as pa
import shapely

from registry.errors import BadParameterError, CrsError
from registry.model.fields import Field, fields, table_fields, written_word
from registry.model.symbols import REGION_TERM
from registry.model.tables import Base, PlantIntake, WasteStream
from registry.model.vocabulary import Kind, Term

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    import pyproj

    from registry.export.about.metadata import Metadata

log = logging.getLogger("registry.export")

LANGUAGES = ("zh", "en")
REGION = "region"
SITES = "sites"  # all kinds in one layer
GEOMETRY = "geometry"
# Rows of a piece: enough for the arrays to pay, few enough that a hundred columns of them are some megabytes.
PIECE_ROWS = 65_536

_SITES = Term("场地与企业", "Sites and plants")
_KIND = Field("kind", "text", "类型", "Kind", codes={kind.value: Term(kind.zh, kind.en) for kind in Kind})
# What a piece of Arrow becomes in a frame: a whole number or a yes that may be missing stays what it is.
PANDAS: dict[pa.DataType, Any] = {
    pa.bool_(): pd.BooleanDtype(),
    pa.string(): pd.StringDtype(na_value=float("nan")),
    pa.date32(): pd.ArrowDtype(pa.date32()),
    **{getattr(pa, f"{sign}int{bits}")(): getattr(pd, f"{sign.upper()}Int{bits}Dtype")()
       for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip


@dataclass(frozen=True)
class Words:
    """What a file says of itself, and how it says it.

    Attributes
    ----------
    lang : language of headings, titles and code labels, ``zh`` or ``en``.
    title, note : what stands over the file, and beside it (source, licence, synthetic or not).
    metadata : what a catalogue wants to know, where somebody gathered it.
    names : how layers and columns are called: ``code`` as in the store, or by their labels in ``zh`` or ``en``.
    encoding : of the texts of a Shapefile or a CSV, ``utf-8`` or ``gbk``.
    """

    lang: str = "zh"
    title: str | None = None
    note: str | None = None
    metadata: Metadata | None = None
    names: str = "code"
    encoding: str = "utf-8"


@dataclass(frozen=True)
class Layer:
    """One layer or table on its way out.

    Attributes
    ----------
    name : what it is called in the file.
    schema : its columns in order; the geometry (WKB) is the last, under the name ``GEOMETRY``.
    fields : the description of those of its columns that have one, by column.
    batches : its rows, from the start at every call.
    geometry_type : ``Point``, ``MultiPolygon``, ``Unknown`` for several …; None for a plain table.
    crs : of the geometry.
    rows : their number, where it is known beforehand.
    table : what it holds: a kind, ``region``, ``sites`` (all kinds), or the name of a result; ``name`` unless given.
    """

    name: str
    schema: pa.Schema
    fields: Mapping[str, Field]
    batches: Callable[[], Iterator[pa.RecordBatch]]
    geometry_type: str | None = None
    crs: pyproj.CRS | None = None
    rows: int | None = None
    table: str = ""

    def __post_init__(self) -> None:
        if not self.table:
            object.__setattr__(self, "table", self.name)

    @property
    def is_spatial(self) -> bool:
        """True where the layer has a geometry."""
        return self.geometry_type is not None

    @property
    def is_points(self) -> bool:
        """True where every geometry is a point."""
        return self.geometry_type in {"Point", "Point Z"}

    @property
    def columns(self) -> list[str]:
        """Names of all columns but the geometry."""
        names: list[str] = self.schema.names
        return names[:-1] if self.is_spatial else names

    @property
    def position_names(self) -> tuple[str, ...]:
        """What coordinates of points are called as columns: ``lon, lat``, or ``easting, northing`` where projected."""
        if not self.is_points or self.crs is None:
            return ()
        names = ("easting", "northing") if self.crs.is_projected else ("lon", "lat")
        return tuple(name for name in names if name not in self.columns)

    def title(self, lang: str) -> str:
        """What a person calls the layer."""
        if self.table in set(Kind):
            return str(getattr(Kind(self.table), lang))
        named = {REGION: REGION_TERM, SITES: _SITES}.get(self.table)
        return self.name if named is None else str(getattr(named, lang))

    def label(self, column: str, lang: str) -> str:
        """The heading of a column, with its unit; an undescribed column keeps its name."""
        field = self.fields.get(column)
        return field.label(lang) if field else column

    def codes(self, column: str) -> Mapping[str, Term] | None:
        """The code list of a text column."""
        field = self.fields.get(column)
        return field.codes if field and field.type == "text" else None

    def column_of(self, name: str) -> str | None:
        """The column that holds a field, however it is called here; None where there is none."""
        found = (column for column in self.columns if column in self.fields and self.fields[column].name == name)
        return next(found, name if name in self.columns and name not in self.fields else None)

    def named(self, names: str) -> Layer:
        """The layer under other names: ``code`` leaves it as it is, ``zh`` and ``en`` call it and its columns by labels.

        A name is a word to every program: what is neither letter nor digit becomes ``_``. Two columns of one label are
        told apart by a number.
        """
        if names == "code":
            return self
        words = unclashing(written_word(self.label(column, names)) for column in self.columns)
        renamed = dict(zip(self.columns, words, strict=True))
        described = {renamed[column]: field for column, field in self.fields.items() if column in renamed}
        return replace(self.renamed(words), name=written_word(self.title(names)), fields=described)

    def renamed(self, columns: Sequence[str]) -> Layer:
        """The layer with its columns but the geometry called so, in order; ``fields`` as they were."""
        names = [*columns, GEOMETRY] if self.is_spatial else list(columns)
        if names == self.schema.names:
            return self
        schema = pa.schema([field.with_name(name) for field, name in zip(self.schema, names, strict=True)])
        before = self.batches

        def batches() -> Iterator[pa.RecordBatch]:
            return (batch.rename_columns(names) for batch in before())

        return replace(self, schema=schema, batches=batches)

    def frames(self) -> Iterator[pd.DataFrame]:
        """The rows in pieces as frames, for formats that are written row by row; GeoDataFrames where there is a geometry."""
        for batch in self.batches():
            if not self.is_spatial:
                yield batch.to_pandas(types_mapper=PANDAS.get)
                continue
            frame = batch.drop_columns([GEOMETRY]).to_pandas(types_mapper=PANDAS.get)
            shapes = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
            frame.index = pd.RangeIndex(len(shapes))  # a layer of positions alone has rows as well
            yield gpd.GeoDataFrame(frame, geometry=gpd.GeoSeries(shapes, index=frame.index, crs=self.crs))

    def frame(self) -> pd.DataFrame:
        """All rows as one frame, for formats that cannot be written in pieces."""
        pieces = list(self.frames())
        if not pieces:
            pieces = list(replace(self, batches=lambda: iter([_no_rows(self.schema)])).frames())
        return pieces[0] if len(pieces) == 1 else pd.concat(pieces, ignore_index=True)


def single(layers: Sequence[Layer], suffix: str) -> Layer:
    """The one layer of a format that holds one: the only one, or all kinds below each other, told apart by ``kind``.

    Raises
    ------
    BadParameterError : there are several layers, and none is a kind.
    CrsError : the kinds have different reference systems.
    """
    if len(layers) == 1:
        return layers[0]
    kinds = [layer for layer in layers if layer.table in set(Kind) and layer.is_spatial]
    if not kinds:
        names = ", ".join(layer.name for layer in layers)
        raise BadParameterError(f"A {suffix} file holds one layer, not {names}. Choose one, or write .gpkg or .xlsx.")
    left_out = [layer.name for layer in layers if layer not in kinds]
    if left_out:
        log.warning("%s holds one layer; left out: %s.", suffix, ", ".join(left_out))
    if len(kinds) == 1:
        return kinds[0]
    if len({layer.crs.to_wkt() for layer in kinds if layer.crs}) > 1:
        raise CrsError("The layers have different coordinate reference systems. Name the one to write with crs.")
    return _below_each_other(kinds)


def _below_each_other(layers: Sequence[Layer]) -> Layer:
    """Layers as one stream; a column that one of them does not have is missing there."""
    described: dict[str, Field] = {}
    types: dict[str, pa.DataType] = {}
    for layer in layers:
        described = {**layer.fields, **described}
        for column in layer.columns:
            own = layer.schema.field(column).type
            types[column] = _common(types.get(column, own), own)
    schema = pa.schema([*types.items(), (GEOMETRY, pa.binary())])

    def batches() -> Iterator[pa.RecordBatch]:
        return (_fitted(batch, schema) for layer in layers for batch in layer.batches())

    kinds = {layer.geometry_type for layer in layers}
    known = [layer.rows for layer in layers if layer.rows is not None]
    return Layer(
        SITES, schema, described, batches,
        geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown", crs=layers[0].crs,
        rows=sum(known) if len(known) == len(layers) else None,
    )  # fmt: skip


def _common(one: pa.DataType, other: pa.DataType) -> pa.DataType:
    """A type that takes the values of both: numbers become numbers, anything else that differs becomes text."""
    if one == other:
        return one
    if all(pa.types.is_integer(each) for each in (one, other)):
        return pa.int64()
    if all(pa.types.is_integer(each) or pa.types.is_floating(each) for each in (one, other)):
        return pa.float64()
    if all(pa.types.is_timestamp(each) for each in (one, other)):
        return one
    return pa.string()


def _fitted(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        batch.column(field.name).cast(field.type)
        if field.name in batch.schema.names
        else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _no_rows(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([pa.nulls(0, field.type) for field in schema], schema=schema)


def positions(layer: Layer, frame: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """The coordinates of a piece of a layer of points as columns, under ``position_names``."""
    if not isinstance(frame, gpd.GeoDataFrame) or not layer.is_points:
        return {}
    values = {"lon": frame.geometry.x, "lat": frame.geometry.y}
    return {name: values["lon" if name in {"lon", "easting"} else "lat"] for name in layer.position_names}


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
