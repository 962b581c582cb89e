"""Sites and plants as streams of Arrow, with the waste of each: what a file is written from.

The columns, their order and their values are those of the frames that ``read`` gives; only one piece of rows is in memory
at a time, and of the streams of waste a few bytes each.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from sqlalchemy import select

from registry.model.fields import FieldType, feature_table
from registry.model.geometry import wkb_array
from registry.model.tables import PlantIntake, WasteStream, table_of
from registry.model.vocabulary import DEFAULT_WASTE, Kind
from registry.store import read
from registry.store.backend import backend_of
from registry.store.gathered import Gathered
from registry.store.holdings import CODES
from registry.store.parts import Part
from registry.store.relay import relayed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    import geopandas as gpd
    from sqlalchemy import ColumnElement, Connection, Table

    from registry.store.parts import Rows
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
    """Streams of some kinds, all of the state that the store is in now; they end with the context.

    Raises
    ------
    StoreBusyError : other programs never ceased to write to the file.
    """
    with store.read() as connection:
        features = {kind: _part_of(connection, kind, province, status) for kind in kinds}
        # Without a condition the three kinds of site share one reading of all streams of waste.
        names = {kind: kind.value if part.chosen else _waste_of(kind)[0].name for kind, part in features.items()}
        sides = {names[kind]: _side_of(kind, part) for kind, part in features.items()}
        with backend_of(connection).snapshot(connection, [*sides.values(), *features.values()]) as rows:
            waste, held = rows[: len(sides)], dict(zip(features, rows[len(sides) :], strict=True))
            # It is gathered while the caller prepares; who asks for the first rows waits for the rest of it.
            with ThreadPoolExecutor(1, thread_name_prefix="registry waste") as gatherer:
                gathered = gatherer.submit(_gathered, sides, waste)
                yield [_stream(kind, held[kind], gathered, names[kind]) for kind in kinds]


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


def _stream(kind: Kind, rows: Rows, gathered: Future[dict[str, Gathered]], name: str) -> FeatureStream:
    schema = _schema(kind)

    def batches() -> Iterator[pa.RecordBatch]:
        waste = gathered.result()[name]
        # The next piece is read while waste is looked up for this one.
        with closing(relayed(rows.batches())) as pieces:
            for batch in pieces:
                yield _with_waste(batch, kind, waste, schema)

    return FeatureStream(kind, schema, rows.number, batches)


def _part_of(connection: Connection, kind: Kind, province: str | None, status: str | None) -> Part:
    table = feature_table(kind)
    chosen: list[ColumnElement[bool]] = []
    if province is not None:
        chosen.append(table.c.province_code.in_(read.province_codes(connection, province)))
    if status is not None:
        chosen.append(table.c.status == status)
    return Part(table, ["uid", *_own_columns(table), "geom"], chosen)


def _side_of(kind: Kind, features: Part) -> Part:
    """The waste that belongs to chosen features of a kind."""
    side, key, sums = _waste_of(kind)
    owners = select(features.table.c.uid).where(*features.chosen)
    return Part(side, [key, "waste_code", *sums], [side.c[key].in_(owners)] if features.chosen else [])


def _gathered(sides: Mapping[str, Part], rows: Sequence[Rows]) -> dict[str, Gathered]:
    found = {}
    for (name, part), held in zip(sides.items(), rows, strict=True):
        key, _, *sums = part.columns
        with closing(relayed(held.batches())) as pieces:
            found[name] = Gathered(pieces, key, sums)
    return found


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
