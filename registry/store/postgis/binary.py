"""PostgreSQL's binary COPY stream, read column by column.

A row is a 16-bit number of fields, then for each field a 32-bit length (-1 for NULL) and its bytes, all big-endian
(PostgreSQL documentation, COPY, "Binary Format"). The server sends every row as a message of its own, so the starts of
all rows are known without looking into them, and one column of a whole block is a handful of array operations.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
import shapely

from registry.model.geometry import points_to_wkb, wkb_array
from registry.store.frames import DTYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from registry.model.fields import FieldType

    Message: TypeAlias = bytes | bytearray | memoryview
    Bytes: TypeAlias = NDArray[np.uint8]
    Ints: TypeAlias = NDArray[np.int64]

_SIGNATURE = b"PGCOPY\n\xff\r\n\x00"
# Signature, 32 bits of flags, 32 bits of the length of an extension that no server writes.
_HEADER = len(_SIGNATURE) + 8
# What ends the stream has the size of a row without fields.
_TRAILER = b"\xff\xff"
# Rows decoded together: enough for the arrays to pay, few enough to stay in the cache.
_BLOCK = 65_536

_TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)
_EPOCH = date(2000, 1, 1)
_EPOCH_TIME = np.datetime64("2000-01-01T00:00:00", "us")


def read_columns(messages: Iterable[Message], kinds: Sequence[FieldType]) -> list[pd.Series[Any]]:
    """The columns of a COPY stream, one for each kind, in order."""
    parts: list[list[Any]] = [[] for _ in kinds]
    for rows in _blocks(messages):
        for part, piece in zip(parts, _decode(rows, kinds), strict=True):
            part.append(piece)
    return [_joined(part, kind) for part, kind in zip(parts, kinds, strict=True)]


def read_blocks(messages: Iterable[Message], kinds: Sequence[FieldType]) -> Iterator[list[pa.Array]]:
    """A COPY stream block by block, each a list of Arrow columns, one for each kind; geometries are WKB."""
    for rows in _blocks(messages):
        yield [_arrow(piece, kind) for piece, kind in zip(_decode(rows, kinds, shaped=False), kinds, strict=True)]


def _arrow(piece: Any, kind: FieldType) -> pa.Array:
    """One decoded column as Arrow has it; what is missing is null."""
    if kind == "datetime":
        return pa.array(piece).cast(pa.timestamp("ms", "UTC"))
    types = {
        "text": pa.string(),
        "real": pa.float64(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
    }
    made = pa.array(piece, from_pandas=True)
    return made.cast(types.get(kind, made.type))


def _blocks(messages: Iterable[Message]) -> Iterator[list[Message]]:
    stream = iter(messages)
    first = next(stream, b"")
    if bytes(first[: len(_SIGNATURE)]) != _SIGNATURE:
        raise ValueError("the server's answer is no binary COPY stream")
    block = [first[_HEADER:]]
    while block:
        if len(block[-1]) == len(_TRAILER):
            block.pop()
        if block:
            yield block
        block = list(islice(stream, _BLOCK))


def _decode(rows: list[Message], kinds: Sequence[FieldType], *, shaped: bool = True) -> Iterator[Any]:
    """The columns of one block of rows; geometries are shapely's, or Arrow's column of WKB where not ``shaped``."""
    # Eight bytes more, so that a fixed-width read of the last field stays inside.
    data = np.frombuffer(b"".join([*rows, b"\0" * 8]), dtype=np.uint8)
    sizes = np.fromiter(map(len, rows), dtype=np.int64, count=len(rows))
    at = np.cumsum(sizes) - sizes
    if (_big_endian(data, at, ">i2") != len(kinds)).any():
        raise ValueError("the server's answer has other columns than were asked for")
    at = at + 2
    for kind in kinds:
        length = _big_endian(data, at, ">i4").astype(np.int64)
        start = at + 4
        null = length < 0
        length[null] = 0
        decode = _DECODERS[kind] if shaped or kind != "geometry" else _wkb
        yield decode(data, start, length, null)
        at = start + length


def _big_endian(data: Bytes, at: Ints, dtype: str) -> NDArray[Any]:
    """Numbers of a fixed width at the given places."""
    width = np.dtype(dtype).itemsize
    # A number at every byte: the places are not aligned.
    everywhere: NDArray[Any] = np.ndarray((len(data) - width + 1,), dtype=dtype, buffer=data, strides=(1,))
    return everywhere[at]


def _text(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> pa.Array:
    ends = np.cumsum(length)
    offsets = np.concatenate([[0], ends]).astype(np.int64)
    # Place in the block of every byte of every text, in order.
    places = np.repeat(start - (ends - length), length) + np.arange(ends[-1] if len(ends) else 0)
    valid = pa.py_buffer(np.packbits(~null, bitorder="little").tobytes()) if null.any() else None
    buffers = [valid, pa.py_buffer(offsets.tobytes()), pa.py_buffer(data[places].tobytes())]
    return pa.Array.from_buffers(pa.large_string(), len(start), buffers)


def _real(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> NDArray[np.float64]:
    del length
    values = _big_endian(data, start, ">f8").astype(np.float64)
    values[null] = np.nan
    return values


def _integer(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> pd.arrays.IntegerArray:
    # An integer has 4 bytes, a count 8; a column has one width.
    wide = bool((length == 8).any())
    values = _big_endian(data, start, ">i8" if wide else ">i4").astype(np.int64)
    return pd.arrays.IntegerArray(np.where(null, 0, values), null)


def _boolean(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> pd.arrays.BooleanArray:
    del length
    return pd.arrays.BooleanArray((data[start] == 1) & ~null, null)


def _date(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> NDArray[np.object_]:
    del length
    days = _big_endian(data, start, ">i4").tolist()
    return _objects([None if gone else _EPOCH + timedelta(days=day) for day, gone in zip(days, null, strict=True)])


def _datetime(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> NDArray[np.datetime64]:
    del length
    times = _EPOCH_TIME + _big_endian(data, start, ">i8").astype("timedelta64[us]")
    times[null] = np.datetime64("NaT")
    return times.astype("datetime64[ms]")


def _geometry(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> NDArray[np.object_]:
    """Extended WKB; points of one system, which is nearly all, are read as two columns of numbers."""
    points = _points(data, start, length)
    if points is not None:
        return np.asarray(shapely.points(*points), dtype=object)
    raw = data.tobytes()
    pieces = [
        None if gone else raw[a : a + n] for a, n, gone in zip(start.tolist(), length.tolist(), null, strict=True)
    ]
    return np.asarray(shapely.set_srid(shapely.from_wkb(np.array(pieces, dtype=object)), 0), dtype=object)


def _wkb(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> pa.BinaryArray:
    points = _points(data, start, length)
    if points is None or any(np.isnan(axis).any() for axis in points):
        return wkb_array(_geometry(data, start, length, null))
    return points_to_wkb(*points)


def _points(data: Bytes, start: Ints, length: Ints) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Two columns of coordinates (n,) of extended WKB; None unless all of it are points of two dimensions."""
    # Byte order, type with the SRID flag, SRID, x, y.
    if len(start) and (length == 25).all() and (data[start] == 1).all():
        kind = _big_endian(data, start + 1, "<u4")
        if (kind == 0x20000001).all():
            return _big_endian(data, start + 9, "<f8"), _big_endian(data, start + 17, "<f8")
    return None


def _binary(data: Bytes, start: Ints, length: Ints, null: NDArray[np.bool_]) -> NDArray[np.object_]:
    raw = memoryview(data.tobytes())
    places = zip(start.tolist(), length.tolist(), null, strict=True)
    return _objects([None if gone else bytes(raw[at : at + size]) for at, size, gone in places])


def _objects(values: list[Any]) -> NDArray[np.object_]:
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column


_DECODERS: dict[FieldType, Callable[[Any, Any, Any, Any], Any]] = {
    "text": _text,
    "real": _real,
    "integer": _integer,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "geometry": _geometry,
    "binary": _binary,
}


def _joined(parts: list[Any], kind: FieldType) -> pd.Series[Any]:
    """The pieces of one column below each other, with the dtype of its kind."""
    column: pd.Series[Any]
    if not parts:
        column = pd.Series([], dtype=DTYPES.get(kind, object))
    elif kind == "text":
        column = pd.Series(pa.chunked_array(parts).to_pandas(types_mapper={pa.large_string(): _TEXT}.get))
    elif kind in {"integer", "boolean"}:
        column = pd.concat([pd.Series(part) for part in parts], ignore_index=True)
    elif kind == "datetime":
        column = pd.Series(np.concatenate(parts)).dt.tz_localize("UTC")
    else:
        column = pd.Series(np.concatenate(parts), dtype=DTYPES.get(kind, object))
    return column
