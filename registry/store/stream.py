"""Sites and plants as streams of Arrow, with the waste of each: what a file is written from.

The columns, their order and their values are those of the frames that ``read`` gives; only one piece of rows is in memory
at a time, and of the streams of waste a few bytes each.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import func, select

from registry.errors import StoreConflictError
from registry.model.fields import FieldType, feature_table
from registry.model.geometry import wkb_array
from registry.model.tables import PlantIntake, WasteStream, table_of
from registry.model.vocabulary import DEFAULT_WASTE, Kind
from registry.store import read
from registry.store.backend import backend_of, backend_under
from registry.store.gathered import Gathered
from registry.store.holdings import CODES
from registry.store.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import geopandas as gpd
    from sqlalchemy import ColumnElement, Connection, Table

    from registry.store.reader import Reader
    from registry.store.store import Store

GEOMETRY = "geometry"
ARROW: dict[FieldType, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "real": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "datetime": pa.timestamp("ms", "UTC"),
    "geometry": pa.binary(),
}
_PIECE = 65_536


@dataclass(frozen=True)
class FeatureStream:
    """The features of one kind on their way out.

    Attributes
    ----------
    kind : their kind.
    schema : ``uid``, ``kind``, the table's columns, ``waste_codes``, a site's ``annual_t`` and ``stock_t``, and
        ``geometry`` as well-known binary.
    rows : their number.
    batches : the rows, from the start at every call.
    """

    kind: Kind
    schema: pa.Schema
    rows: int
    batches: Callable[[], Iterator[pa.RecordBatch]]


@contextmanager
def opened(
    store: Store, kinds: Sequence[Kind], *, province: str | None = None, status: str | None = None
) -> Iterator[list[FeatureStream]]:
    """Streams of some kinds, all of one state of the store; they end with the context.

    Raises
    ------
    StoreConflictError : in the end of a stream, where a file was written to meanwhile, so that what has been read may be
        of two states. `Store.retried` begins anew.
    """
    with backend_under(store.engine).watched(store.engine) as unchanged, store.read() as connection:

        def steady(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            yield from batches
            if not unchanged():
                raise StoreConflictError(
                    f"{store.place}: it was written to while it was read. Nothing was written; try again when that is done."
                )

        waste: dict[str, Gathered] = {}
        reader = backend_of(connection).reader(connection)
        yield [
            _of_kind(connection, reader, kind, _chosen(connection, kind, province, status), waste, steady)
            for kind in kinds
        ]


def of_frame(kind: Kind, frame: gpd.GeoDataFrame) -> FeatureStream:
    """The features of one kind that are a frame already, index ``uid``, with those columns that it has."""
    names = [name for name in _schema(kind).names if name in {"uid", GEOMETRY, *frame.columns}]
    schema = pa.schema([_schema(kind).field(name) for name in names])

    def batches() -> Iterator[pa.RecordBatch]:
        for start in range(0, len(frame), _PIECE):
            piece = frame.iloc[start : start + _PIECE]
            columns = {"uid": piece.index.to_series(), GEOMETRY: wkb_array(piece.geometry.to_numpy())}
            arrays = [_array(columns.get(field.name, piece.get(field.name)), field.type) for field in schema]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return FeatureStream(kind, schema, len(frame), batches)


def _of_kind(
    connection: Connection, reader: Reader, kind: Kind, chosen: Sequence[ColumnElement[bool]], waste: dict[str, Gathered],
    steady: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]],
) -> FeatureStream:  # fmt: skip
    table = feature_table(kind)
    rows = connection.scalar(select(func.count()).select_from(table).where(*chosen)) or 0
    schema = _schema(kind)
    stored = ["uid", *_own_columns(table), "geom"]

    def batches() -> Iterator[pa.RecordBatch]:
        side, key, sums = _waste_of(kind)
        # Without a condition the three kinds of site share one reading of all streams of waste.
        name, owned = (kind.value, [side.c[key].in_(select(table.c.uid).where(*chosen))]) if chosen else (side.name, [])
        if name not in waste:
            waste[name] = Gathered(reader(side, [key, "waste_code", *sums], owned), key, sums)
        # The next piece is read while waste is looked up for this one.
        with closing(relayed(reader(table, stored, chosen))) as pieces:
            for batch in pieces:
                yield _with_waste(batch, kind, waste[name], schema)

    return FeatureStream(kind, schema, rows, lambda: steady(batches()))


def _chosen(connection: Connection, kind: Kind, province: str | None, status: str | None) -> list[ColumnElement[bool]]:
    table = feature_table(kind)
    chosen: list[ColumnElement[bool]] = []
    if province is not None:
        chosen.append(table.c.province_code.in_(read.province_codes(connection, province)))
    if status is not None:
        chosen.append(table.c.status == status)
    return chosen


def _with_waste(batch: pa.RecordBatch, kind: Kind, waste: Gathered, schema: pa.Schema) -> pa.RecordBatch:
    held = waste.of(batch.column("uid"))
    columns: dict[str, Any] = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns |= {str(name): _array(held[name], schema.field(name).type) for name in held}
    if kind in DEFAULT_WASTE:
        columns[CODES] = pc.fill_null(columns[CODES], DEFAULT_WASTE[kind])
    columns["kind"] = pa.repeat(pa.scalar(kind.value), batch.num_rows)
    columns[GEOMETRY] = columns.pop("geom")
    return pa.RecordBatch.from_arrays([columns[field.name].cast(field.type) for field in schema], schema=schema)


def _schema(kind: Kind) -> pa.Schema:
    table = feature_table(kind)
    types = read.types_of(table)
    return pa.schema([
        ("uid", pa.string()), ("kind", pa.string()), *((name, ARROW[types[name]]) for name in _own_columns(table)),
        (CODES, pa.string()), *((name, pa.float64()) for name in _waste_of(kind)[2]), (GEOMETRY, pa.binary()),
    ])  # fmt: skip


def _own_columns(table: Table) -> list[str]:
    return [column.name for column in table.columns if column.name not in {"id", "uid", "geom"}]


def _waste_of(kind: Kind) -> tuple[Table, str, tuple[str, ...]]:
    """The table of what a kind holds or accepts, the column of its owner, and what of it is added up."""
    if kind.is_site:
        return table_of(WasteStream), "site_uid", ("annual_t", "stock_t")
    return table_of(PlantIntake), "plant_uid", ()


def _array(values: Any, kind: pa.DataType) -> pa.Array:
    made = values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True)
    whole = made.combine_chunks() if isinstance(made, pa.ChunkedArray) else made
    return whole.cast(kind)
