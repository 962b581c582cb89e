"""The point symbols as small PNG pictures, for formats that have no shapes of their own."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import affinity

from registry.model.symbols import REACH, corners

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from registry.model.symbols import Shape, Symbol

PIXELS = 48
_FINENESS = 4  # sub-pixels a side, for smooth edges
_RIM = 0.12  # width of the rim, in half pictures
_FILLED = 0.98  # how far the furthest corner reaches, in half pictures
_RADIUS_PX = 5.5  # of a plain symbol on the screen


def png(symbol: Symbol) -> bytes:
    """A symbol with its rim on a transparent ground, as large as it can be in ``PIXELS`` by ``PIXELS``."""
    size = _FILLED / REACH[symbol.shape]
    outer = affinity.scale(_outline(symbol.shape), size, size, origin=(0, 0))
    inner, whole = _share_inside(outer.buffer(-_RIM, join_style="mitre")), _share_inside(outer)
    fill, stroke = (np.frombuffer(bytes.fromhex(colour[1:]), dtype=np.uint8) for colour in (symbol.fill, symbol.stroke))
    picture = np.empty((PIXELS, PIXELS, 4), dtype=np.uint8)
    inside = (inner / np.maximum(whole, 1e-9))[..., None]
    picture[..., :3] = np.rint(inside * fill + (1 - inside) * stroke)
    picture[..., 3] = np.rint(whole * 255)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    header = struct.pack(">2I5B", PIXELS, PIXELS, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


def scale(symbol: Symbol) -> float:
    """The ``IconStyle`` scale at which the picture shows a symbol in its size beside the others.

    A picture at scale 1 is 32 screen pixels wide in Google Earth.
    """
    return _RADIUS_PX * symbol.grow * REACH[symbol.shape] / _FILLED / 16


def _chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def _share_inside(shape: BaseGeometry) -> NDArray[np.float64]:
    """What share of every pixel (rows from the top) lies inside a shape on the square from −1 to 1."""
    fine = PIXELS * _FINENESS
    centres = (np.arange(fine) + 0.5) / fine * 2 - 1
    inside = shapely.contains_xy(shape, *np.meshgrid(centres, -centres))
    share: NDArray[np.float64] = inside.reshape(PIXELS, _FINENESS, PIXELS, _FINENESS).mean(axis=(1, 3))
    return share


def _outline(shape: Shape) -> BaseGeometry:
    return shapely.Point(0, 0).buffer(1) if shape == "circle" else shapely.Polygon(corners(shape))
