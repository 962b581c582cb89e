"""GeoPackage binary, the encoding of geometries in a file (OGC 12-128, clause 2.1.3)."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

_HEADER = struct.Struct("<2sBBi")
_LITTLE_ENDIAN = 0x01
_EMPTY = 0x10
_XY_ENVELOPE = 0x02
# Bytes of the envelope for each value of the three indicator bits; 5–7 are not defined.
_ENVELOPE_SIZE = {0: 0, 1: 32, 2: 48, 3: 48, 4: 64}

_POINT = np.dtype(
    [
        ("magic", "S2"), ("version", "u1"), ("flags", "u1"), ("srs_id", "<i4"),
        ("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8"),
    ]
)  # fmt: skip
# A point as well-known binary, and PostGIS's extension of it.
_WKB_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("x", "<f8"), ("y", "<f8")])
_EWKB_POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("srid", "<i4"), ("x", "<f8"), ("y", "<f8")])


def to_gpkg(geometry: BaseGeometry, srs_id: int) -> bytes:
    """One geometry as GeoPackage binary; all but points carry their envelope."""
    flags = _LITTLE_ENDIAN
    envelope = b""
    if geometry.is_empty:
        flags |= _EMPTY
    elif geometry.geom_type != "Point":
        flags |= _XY_ENVELOPE
        west, south, east, north = geometry.bounds
        envelope = struct.pack("<4d", west, east, south, north)
    wkb: bytes = shapely.to_wkb(geometry, byte_order=1, include_srid=False)
    return _HEADER.pack(b"GP", 0, flags, srs_id) + envelope + wkb


def points_to_gpkg(lon: NDArray[np.float64], lat: NDArray[np.float64], srs_id: int) -> list[bytes]:
    """Arrays (n,) of degrees as n GeoPackage binaries of 29 bytes each."""
    packed = np.zeros(len(lon), dtype=_POINT)
    packed["magic"], packed["flags"], packed["srs_id"] = b"GP", _LITTLE_ENDIAN, srs_id
    packed["order"], packed["type"], packed["x"], packed["y"] = 1, 1, lon, lat
    size, buffer = _POINT.itemsize, packed.tobytes()
    return [buffer[at : at + size] for at in range(0, len(buffer), size)]


def wkb_array(shapes: NDArray[np.object_]) -> pa.BinaryArray:
    """Geometries (n,) as well-known binary in the bytes of ISO; what is missing is null.

    Points of two dimensions, which is nearly all, are two columns of numbers put side by side.
    """
    x, y = shapely.get_x(shapes), shapely.get_y(shapes)
    if np.isnan(x).any() or shapely.has_z(shapes).any():
        return pa.array(shapely.to_wkb(shapes, byte_order=1, flavor="iso"), pa.binary())
    return points_to_wkb(x, y)


def points_to_wkb(x: NDArray[np.float64], y: NDArray[np.float64]) -> pa.BinaryArray:
    """Arrays (n,) of coordinates as n points of 21 bytes each."""
    packed = np.empty(len(x), dtype=_WKB_POINT)
    packed["order"], packed["type"], packed["x"], packed["y"] = 1, 1, x, y
    offsets = np.arange(len(x) + 1, dtype=np.int32) * _WKB_POINT.itemsize
    return pa.BinaryArray.from_buffers(pa.binary(), len(x), [None, pa.py_buffer(offsets), pa.py_buffer(packed)])


def points_of_wkb(wkb: pa.BinaryArray) -> NDArray[np.void] | None:
    """The points of a column of well-known binary, (n,) with ``x, y``; None where one is missing or is anything else."""
    _, offsets, content = wkb.buffers()
    starts = np.frombuffer(offsets, dtype=np.int32)[wkb.offset : wkb.offset + len(wkb) + 1]
    if wkb.null_count or content is None or not (np.diff(starts) == _WKB_POINT.itemsize).all():
        return None
    points = np.frombuffer(content, dtype=_WKB_POINT, offset=int(starts[0]), count=len(wkb))
    return points if (points["order"] == 1).all() and (points["type"] == 1).all() else None


def points_to_hex(lon: NDArray[np.float64], lat: NDArray[np.float64], srid: int | None = None) -> pa.LargeStringArray:
    """Arrays (n,) of degrees as n WKB points in hexadecimal digits, extended by the SRID where one is given."""
    packed = np.zeros(len(lon), dtype=_WKB_POINT if srid is None else _EWKB_POINT)
    packed["order"], packed["type"], packed["x"], packed["y"] = 1, 1, lon, lat
    if srid is not None:
        packed["type"], packed["srid"] = 0x20000001, srid
    offsets = np.arange(len(lon) + 1, dtype=np.int64) * (2 * packed.itemsize)
    digits = packed.tobytes().hex().upper().encode()
    return pa.Array.from_buffers(
        pa.large_string(), len(lon), [None, pa.py_buffer(offsets.tobytes()), pa.py_buffer(digits)]
    )


def wkb_of(blob: bytes) -> bytes:
    """The WKB inside a GeoPackage binary.

    Raises
    ------
    ValueError : the bytes are not a GeoPackage geometry.
    """
    if len(blob) < _HEADER.size or blob[:2] != b"GP":
        raise ValueError("not a GeoPackage geometry")
    indicator = (blob[3] >> 1) & 0b111
    if indicator not in _ENVELOPE_SIZE:
        raise ValueError("not a GeoPackage geometry")
    return blob[_HEADER.size + _ENVELOPE_SIZE[indicator] :]


def from_gpkg(blobs: Sequence[bytes | None]) -> NDArray[np.object_]:
    """GeoPackage binaries (n,) to shapely geometries (n,); None stays None."""
    found = _plain_points(blobs)
    if found is not None:
        return found
    bare = [None if blob is None else wkb_of(blob) for blob in blobs]
    geometries: NDArray[np.object_] = shapely.from_wkb(np.array(bare, dtype=object))
    return geometries


def _plain_points(blobs: Sequence[bytes | None]) -> NDArray[np.object_] | None:
    """The points in blobs that are all written as we write them, little-endian and with no envelope; else None."""
    plain = [blob for blob in blobs if isinstance(blob, bytes)]
    if not plain or len(plain) < len(blobs) or set(map(len, plain)) != {_POINT.itemsize}:
        return None
    packed = np.frombuffer(b"".join(plain), dtype=_POINT)
    ours = (packed["magic"] == b"GP") & (packed["flags"] == _LITTLE_ENDIAN)
    ours &= (packed["order"] == 1) & (packed["type"] == 1) & np.isfinite(packed["x"]) & np.isfinite(packed["y"])
    if not ours.all():
        return None
    return np.asarray(shapely.points(packed["x"], packed["y"]), dtype=object)
