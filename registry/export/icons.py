"""The point symbols as small PNG pictures, for formats that have no shapes of their own."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
import shapely
from shapely import affinity

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from registry.export.symbols import Shape, Symbol

PIXELS = 48
_FINENESS = 4  # sub-pixels a side, for smooth edges
_RIM = 0.12  # width of the white rim, in half pictures


def png(symbol: Symbol) -> bytes:
    """A symbol in its colour with a white rim on a transparent ground, ``PIXELS`` wide and high."""
    outer = affinity.rotate(_outline(symbol.shape), -symbol.rotation, origin=(0, 0))
    shape, rim = _share_inside(outer.buffer(-_RIM, join_style="mitre")), _share_inside(outer)
    fill = np.frombuffer(bytes.fromhex(symbol.colour.removeprefix("#")), dtype=np.uint8)
    picture = np.empty((PIXELS, PIXELS, 4), dtype=np.uint8)
    inside = (shape / np.maximum(rim, 1e-9))[..., None]
    picture[..., :3] = np.rint(inside * fill + (1 - inside) * 255)
    picture[..., 3] = np.rint(rim * 255)
    rows = b"".join(b"\0" + row.tobytes() for row in picture)
    header = struct.pack(">2I5B", PIXELS, PIXELS, 8, 6, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")
    )


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
    if shape == "circle":
        return shapely.Point(0, 0).buffer(0.9)
    if shape == "square":
        return shapely.box(-0.68, -0.68, 0.68, 0.68)
    if shape == "cross":
        return shapely.union(shapely.box(-0.9, -0.34, 0.9, 0.34), shapely.box(-0.34, -0.9, 0.34, 0.9))
    corners = {"triangle": (3, 1.0), "star": (10, 0.45)}[shape]
    turn = np.pi / 2 + np.arange(corners[0]) * 2 * np.pi / corners[0]
    radius = np.where(np.arange(corners[0]) % 2 if shape == "star" else False, corners[1], 1.0) * 0.98
    return shapely.Polygon(np.column_stack([radius * np.cos(turn), radius * np.sin(turn)]))
