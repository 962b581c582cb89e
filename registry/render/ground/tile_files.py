"""The tiles of a local file that go into a page: a page opened from a file can fetch nothing from beside it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from registry.errors import BadParameterError
from registry.intake.places.china_offset import from_wgs84
from registry.render.ground.tile_sources import Box, Tile, damaged, opened, vector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from registry.render.ground.tile_sources import Source

_MERCATOR_DEG = 85.0511287798066
# Round what is shown, so much more of its width and height, and on small zooms at least a window full of tiles.
_MARGIN = 0.1
_LEAST_ACROSS, _LEAST_UP = 6, 4
# Bytes of base64 for one of the file, and of the index for one tile.
_BASE64, _INDEX_BYTES = 4 / 3, 8
# More tiles than this at one zoom fit in no page, however small they are.
_MOST_TILES = 100_000
_PICTURES = ((b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"))


@dataclass
class Inlined:
    """The tiles that go into a page.

    Attributes
    ----------
    zooms : of which all tiles are there that the file has round the sites
    left_out : zooms of the file that would have made the page larger than was allowed
    index : ``zoom, x, y`` and the number of the picture
    pictures : each once, however many tiles show it
    attribution : what the file says of its origin, text
    """

    attribution: str
    zooms: list[int] = field(default_factory=list)
    left_out: list[int] = field(default_factory=list)
    index: list[tuple[int, int, int, int]] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)

    @property
    def page_bytes(self) -> int:
        """How much of a page they take, about."""
        return _in_page(sum(map(len, self.pictures)), len(self.index))


def inlined(path: Path, corners: Sequence[Sequence[float]], *, megabytes: float = 20.0, gcj02: bool = False) -> Inlined:
    """The tiles of a file round what a map shows, from its first zoom to the last that fits.

    Parameters
    ----------
    path : of an MBTiles or PMTiles file of pictures
    corners : south-west and north-east of what is shown, latitude first, degrees in WGS 84
    megabytes : how much larger the tiles may make the page, 10⁶ bytes
    gcj02 : whether the tiles are in GCJ-02

    Raises
    ------
    UnreadableFileError : there is no such file, it is damaged or empty, or holds vector tiles.
    BadParameterError : it has no tile there, or not even its first zoom fits.
    """
    if not (0 < megabytes < math.inf):
        raise BadParameterError(f"--basemap-mb {megabytes:g}: give a size above 0.")
    with opened(path) as source:
        found = Inlined(source.attribution)
        number: dict[bytes, int] = {}
        for zoom in source.zooms:
            tiles = _fitting(source, box_of(corners, zoom, gcj02=gcj02), number, found, megabytes * 1e6)
            if tiles is None:
                found.left_out = [left for left in source.zooms if left >= zoom]
                break
            for tile in tiles:
                _check_picture(path, tile.picture)
                found.index.append((zoom, tile.x, tile.y, number.setdefault(tile.picture, len(number))))
            if tiles:
                found.zooms.append(zoom)
        found.pictures = list(number)
    if not found.zooms and found.left_out:
        raise BadParameterError(
            f"{path}: not even zoom {found.left_out[0]} fits into {megabytes:g} MB. Allow more with --basemap-mb, or take "
            "a file that begins farther out."
        )
    if not found.zooms:
        raise BadParameterError(f"{path}: the file has no tile where the sites lie. Take one that covers them.")
    return found


def box_of(corners: Sequence[Sequence[float]], zoom: int, *, gcj02: bool = False) -> Box:
    """The tiles of a zoom that show what lies between two corners, and some round it."""
    lat, lng = np.array(corners, dtype=float).T
    if gcj02:
        lng, lat = from_wgs84("GCJ-02", lng, lat)
    count = 2**zoom
    x = (lng + 180.0) / 360.0 * count
    y = (1.0 - np.arcsinh(np.tan(np.radians(np.clip(lat, -_MERCATOR_DEG, _MERCATOR_DEG)))) / np.pi) / 2.0 * count
    left, right = _span(x.min(), x.max(), _LEAST_ACROSS, count)
    top, bottom = _span(y.min(), y.max(), _LEAST_UP, count)
    return Box(zoom, left, top, right, bottom)


def _span(first: float, last: float, least: int, count: int) -> tuple[int, int]:
    middle, half = (first + last) / 2.0, max((last - first) * (0.5 + _MARGIN), least / 2.0)
    inside = [min(max(math.floor(end), 0), count - 1) for end in (middle - half, middle + half)]
    return inside[0], inside[1]


def picture_type(picture: bytes) -> str | None:
    """The media type of a picture by its first bytes; None where it is no PNG, JPEG or WebP."""
    return next((kind for start, kind in _PICTURES if picture.startswith(start)), None)


def _in_page(picture_bytes: int, tiles: int) -> int:
    return round(picture_bytes * _BASE64 + tiles * _INDEX_BYTES)


def _fitting(source: Source, box: Box, known: dict[bytes, int], found: Inlined, most: float) -> list[Tile] | None:
    """The tiles of a box, or None as soon as they are more than a page may still take."""
    if box.tiles > _MOST_TILES:
        return None
    new: set[bytes] = set()
    size, tiles = sum(map(len, known)), []
    for tile in source.tiles(box):
        tiles.append(tile)
        if tile.picture not in known and tile.picture not in new:
            new.add(tile.picture)
            size += len(tile.picture)
        if _in_page(size, len(found.index) + len(tiles)) > most:
            return None
    return tiles


def _check_picture(path: Path, picture: bytes) -> None:
    if picture_type(picture) is None:
        if picture.startswith(b"\x1f\x8b"):
            raise vector(path)
        raise damaged(path, "a tile is no PNG, JPEG or WebP picture")
