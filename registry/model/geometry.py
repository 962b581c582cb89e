"""The one geometry type of the tables: shapely in Python, GeoPackage binary in SQLite.

A value is a shapely geometry whose SRID (``shapely.set_srid``) says its CRS; the encoding is that of the OGC
GeoPackage standard 1.3, clause 2.1.3.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from sqlalchemy.types import UserDefinedType

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry
    from sqlalchemy import Dialect

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


class Geometry(UserDefinedType[Any]):
    """A geometry column; ``geometry_type`` is POINT or MULTIPOLYGON."""

    cache_ok = True

    def __init__(self, geometry_type: str) -> None:
        self.geometry_type = geometry_type

    def get_col_spec(self, **_: Any) -> str:
        """The column type as GeoPackage wants it: the geometry type's name."""
        return self.geometry_type

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], bytes | None]:
        """Shapely to GeoPackage binary."""
        del dialect
        return lambda value: None if value is None else to_gpkg(value, shapely.get_srid(value))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """GeoPackage binary to shapely."""
        del dialect, coltype
        return lambda value: None if value is None else from_gpkg([value])[0]


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
    bare = [None if blob is None else wkb_of(blob) for blob in blobs]
    geometries: NDArray[np.object_] = shapely.from_wkb(np.array(bare, dtype=object))
    return geometries
