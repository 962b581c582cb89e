"""Vector tiles as bytes: points with attributes, as the Mapbox Vector Tile specification 2.1 lays them out.

https://github.com/mapbox/vector-tile-spec/tree/master/2.1 – protobuf: a tile has layers; a layer has its features, the
names of attributes (keys), the different values of all attributes, and its extent; a feature has pairs of numbers of
a key and a value, and a geometry. Only points are written here, one a feature.

Values stand column by column in the order of their first use: what is alike then stands together for gzip, and the
columns that come first, with the fewest values, have the shortest numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_VERSION = 2
_TEXT, _REAL, _WHOLE, _SIGNED = 0x0A, 0x19, 0x28, 0x30  # fields of a Value with their wire types


class Values(NamedTuple):
    """Values as they stand in a layer, each with its tag and length.

    Attributes
    ----------
    data : (bytes,) all of them, one after the other
    start : (n + 1,) where each begins
    """

    data: NDArray[np.uint8]
    start: NDArray[np.int64]


def varint(number: int) -> bytes:
    """A whole number ≥ 0 in groups of seven bits, the lowest first."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def clean_texts(values: Any) -> pa.Array:
    """Whatever the values are as texts; a character that UTF-8 cannot carry becomes a question mark."""
    if isinstance(getattr(values, "dtype", None), pd.StringDtype):
        return pa.chunked_array([pa.array(values, pa.large_string())]).combine_chunks()
    return pa.array([str(value).encode("utf-8", "replace").decode() for value in values], pa.large_string())


def text_values(values: Any) -> Values:
    """Texts as values."""
    held = clean_texts(values)
    if not len(held):
        return Values(np.empty(0, np.uint8), np.zeros(1, np.int64))
    _, offsets, data = held.buffers()
    start = np.frombuffer(offsets, np.int64)[held.offset : held.offset + len(held) + 1]
    return Values(*_framed_texts(np.frombuffer(data or b"", np.uint8), start))


def number_values(numbers: NDArray[np.float64]) -> Values:
    """Numbers as values: whole numbers as such, which is shorter, all others as doubles."""
    whole = (numbers == np.rint(numbers)) & (np.abs(numbers) < 2.0**53)
    return Values(*_framed_numbers(numbers, numbers.view(np.uint64), whole))


def layer_bytes(name: str, keys: Sequence[str], extent: int, features: bytes, values: bytes) -> bytes:
    """A tile of one layer."""
    held = name.encode()
    head = b"\x78" + varint(_VERSION) + b"\x0a" + varint(len(held)) + held
    head += b"".join(b"\x1a" + varint(len(key)) + key for key in (key.encode() for key in keys))
    head += b"\x28" + varint(extent)
    return field_bytes(3, head + features + values)


def field_bytes(number: int, data: bytes) -> bytes:
    """A field of a message that holds bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


@compiled
def _put(out: NDArray[np.uint8], at: int, number: int) -> int:
    while number >= 0x80:
        out[at] = number & 0x7F | 0x80
        number >>= 7
        at += 1
    out[at] = number
    return at + 1


@compiled
def _length(number: int) -> int:
    length = 1
    while number >= 0x80:
        number >>= 7
        length += 1
    return length


@compiled
def _framed_texts(data: NDArray[np.uint8], start: NDArray[np.int64]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    count = len(start) - 1
    out = np.empty(start[count] - start[0] + 12 * count, np.uint8)
    begins = np.empty(count + 1, np.int64)
    at = 0
    for i in range(count):
        begins[i] = at
        size = start[i + 1] - start[i]
        out[at] = 0x22
        at = _put(out, at + 1, 1 + _length(size) + size)
        out[at] = _TEXT
        at = _put(out, at + 1, size)
        for byte in range(start[i], start[i + 1]):
            out[at] = data[byte]
            at += 1
    begins[count] = at
    return out[:at].copy(), begins


@compiled
def _framed_numbers(
    numbers: NDArray[np.float64], bits: NDArray[np.uint64], whole: NDArray[np.bool_]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    count = len(numbers)
    out = np.empty(13 * count, np.uint8)
    begins = np.empty(count + 1, np.int64)
    at = 0
    for i in range(count):
        begins[i] = at
        out[at] = 0x22
        if whole[i]:
            number = int(numbers[i])
            tag = _WHOLE
            if number < 0:  # zigzag
                number = -2 * number - 1
                tag = _SIGNED
            out[at + 1] = 1 + _length(number)
            out[at + 2] = tag
            at = _put(out, at + 3, number)
        else:
            out[at + 1] = 9
            out[at + 2] = _REAL
            for byte in range(8):
                out[at + 3 + byte] = (bits[i] >> np.uint64(8 * byte)) & np.uint64(0xFF)
            at += 11
    begins[count] = at
    return out[:at].copy(), begins


@compiled
def encode_points(
    rows: NDArray[np.int64],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    codes: NDArray[np.int32],
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    seen: NDArray[np.int32],
    place: NDArray[np.int32],
    mark: int,
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Features and values of a layer of points.

    Parameters
    ----------
    rows : (m,) the rows that the tile holds, in their order there
    x, y : (n,) position in the tile, in units of its extent, by row
    codes : (columns, n) number of the value in `data`, −1 where there is none
    data, start : the values, as in `Values`
    seen, place : (values,) scratch, kept between calls; `seen` holds no `mark`
    mark : the number of this call
    """
    values = _numbered_values(rows, codes, data, start, seen, place, mark)
    return _features(rows, x, y, codes, place), values


@compiled
def _numbered_values(
    rows: NDArray[np.int64],
    codes: NDArray[np.int32],
    data: NDArray[np.uint8],
    start: NDArray[np.int64],
    seen: NDArray[np.int32],
    place: NDArray[np.int32],
    mark: int,
) -> NDArray[np.uint8]:
    """The values that the rows use, one after the other; `place` gets the number of each."""
    columns = len(codes)
    used = 0
    size = 0
    order = np.empty(columns * len(rows), np.int32)
    for column in range(columns):
        for row in rows:
            code = codes[column, row]
            if code >= 0 and seen[code] != mark:
                seen[code] = mark
                place[code] = used
                order[used] = code
                used += 1
                size += start[code + 1] - start[code]
    values = np.empty(size, np.uint8)
    at = 0
    for i in range(used):
        for byte in range(start[order[i]], start[order[i] + 1]):
            values[at] = data[byte]
            at += 1
    return values


@compiled
def _features(
    rows: NDArray[np.int64],
    x: NDArray[np.int64],
    y: NDArray[np.int64],
    codes: NDArray[np.int32],
    place: NDArray[np.int32],
) -> NDArray[np.uint8]:
    columns = len(codes)
    out = np.empty(len(rows) * (columns * 7 + 40), np.uint8)
    at = 0
    for row in rows:
        tags = 0
        for column in range(columns):
            code = codes[column, row]
            if code >= 0:
                tags += _length(column) + _length(place[code])
        # Zigzag of positions, which may lie outside the tile.
        across = 2 * x[row] if x[row] >= 0 else -2 * x[row] - 1
        down = 2 * y[row] if y[row] >= 0 else -2 * y[row] - 1
        shape = 1 + _length(across) + _length(down)
        out[at] = 0x12
        at = _put(out, at + 1, 1 + _length(tags) + tags + 2 + 1 + _length(shape) + shape)
        out[at] = 0x12
        at = _put(out, at + 1, tags)
        for column in range(columns):
            code = codes[column, row]
            if code >= 0:
                at = _put(out, at, column)
                at = _put(out, at, place[code])
        out[at] = 0x18
        out[at + 1] = 1
        out[at + 2] = 0x22
        at = _put(out, at + 3, shape)
        out[at] = 9  # move to, once
        at = _put(out, at + 1, across)
        at = _put(out, at, down)
    return out[:at].copy()
