"""Files of tiles opened for reading: MBTiles 1.3 with ``sqlite3``, PMTiles 3 with the ``pmtiles`` package.

Tiles are pictures (PNG, JPEG, WebP) in Web Mercator, counted from the north-west.
"""

from __future__ import annotations

import gzip
import html
import json
import re
import sqlite3
import struct
import zlib
from contextlib import closing
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Self

from pmtiles import tile as pmtiles

from registry.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_DEEPEST = 30
_TAG = re.compile(r"<[^>]*>")


class Box(NamedTuple):
    """Columns and rows of tiles at one zoom, ends included, rows counted from the north."""

    zoom: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def tiles(self) -> int:
        """How many there are."""
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)


class Tile(NamedTuple):
    """One tile and its picture as it is in the file."""

    x: int
    y: int
    picture: bytes


class Source(NamedTuple):
    """An opened file of tiles.

    Attributes
    ----------
    zooms : from the outermost, of which it has tiles or may have
    attribution : what it says of its origin, text
    tiles : gives those of a box
    close : closes it
    """

    zooms: list[int]
    attribution: str
    tiles: Callable[[Box], Iterator[Tile]]
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def opened(path: Path) -> Source:
    """Open a file of tiles by its suffix; to be used in a ``with`` statement.

    Raises
    ------
    UnreadableFileError : there is no such file, it is damaged or empty, or holds vector tiles.
    """
    if not path.is_file():
        raise UnreadableFileError(f"{path}: there is no such file of tiles. Check the path.")
    return _mbtiles(path) if path.suffix.lower() == ".mbtiles" else _pmtiles(path)


def _mbtiles(path: Path) -> Source:
    # A file on a read-only medium gets no journal beside it.
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)
    try:
        zooms = [int(zoom) for (zoom,) in connection.execute("SELECT DISTINCT zoom_level FROM tiles ORDER BY 1")]
        about = {}
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'metadata'").fetchone():
            about = dict(connection.execute("SELECT name, value FROM metadata"))
        if str(about.get("format", "")).lower() in {"pbf", "mvt"}:
            raise vector(path)
        if not zooms:
            raise _empty(path)
    except (sqlite3.Error, ValueError, TypeError) as error:
        connection.close()
        raise damaged(path, error) from error
    except UnreadableFileError:
        connection.close()
        raise
    zooms = [zoom for zoom in zooms if 0 <= zoom <= _DEEPEST]

    def tiles(box: Box) -> Iterator[Tile]:
        last = 2**box.zoom - 1  # MBTiles count rows from the south
        asked = (box.zoom, box.left, box.right, last - box.bottom, last - box.top)
        try:
            with closing(connection.cursor()) as cursor:
                for x, row, picture in cursor.execute(
                    "SELECT tile_column, tile_row, tile_data FROM tiles WHERE zoom_level = ? AND tile_column "
                    "BETWEEN ? AND ? AND tile_row BETWEEN ? AND ? ORDER BY tile_column, tile_row",
                    asked,
                ):
                    yield Tile(int(x), last - int(row), bytes(picture))
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise damaged(path, error) from error

    return Source(zooms, _text(about.get("attribution")), tiles, connection.close)


_PMTILES_FAILURES = (
    OSError, EOFError, ValueError, KeyError, IndexError, OverflowError, TypeError, zlib.error, struct.error,
    pmtiles.MagicNumberNotFound, pmtiles.SpecVersionUnsupported,
)  # fmt: skip


def _pmtiles(path: Path) -> Source:
    file = path.open("rb")
    try:
        header = pmtiles.deserialize_header(_part(file, 0, 127))
        if header["tile_type"] == pmtiles.TileType.MVT:
            raise vector(path)
        directories = _Directories(file, header)
        if directories.is_empty:
            raise _empty(path)
        about = json.loads(gzip.decompress(_part(file, header["metadata_offset"], header["metadata_length"])))
        zooms = list(range(header["min_zoom"], min(header["max_zoom"], _DEEPEST) + 1))
    except UnreadableFileError:
        file.close()
        raise
    except _PMTILES_FAILURES as error:
        file.close()
        raise damaged(path, error) from error

    def tiles(box: Box) -> Iterator[Tile]:
        try:
            for x in range(box.left, box.right + 1):
                for y in range(box.top, box.bottom + 1):
                    picture = directories.picture(pmtiles.zxy_to_tileid(box.zoom, x, y))
                    if picture is not None:
                        yield Tile(x, y, picture)
        except _PMTILES_FAILURES as error:
            raise damaged(path, error) from error

    return Source(zooms, _text(about.get("attribution") if isinstance(about, dict) else None), tiles, file.close)


class _Directories:
    """The directories of a PMTiles file, each read once."""

    def __init__(self, file: BinaryIO, header: pmtiles.HeaderDict) -> None:
        self._file, self._header = file, header
        self._read: dict[int, Any] = {}
        self.is_empty = not self._entries(header["root_offset"], header["root_length"])

    def _entries(self, offset: int, length: int) -> Any:
        if offset not in self._read:
            self._read[offset] = pmtiles.deserialize_directory(_part(self._file, offset, length))
        return self._read[offset]

    def picture(self, tile_id: int) -> bytes | None:
        """The picture of a tile; None where there is none."""
        header = self._header
        offset, length = header["root_offset"], header["root_length"]
        for _ in range(4):  # the specification's deepest
            entry = pmtiles.find_tile(self._entries(offset, length), tile_id)
            if entry is None:
                return None
            if entry.run_length:
                picture = _part(self._file, header["tile_data_offset"] + entry.offset, entry.length)
                packed = header["tile_compression"] == pmtiles.Compression.GZIP
                return gzip.decompress(picture) if packed else picture
            offset, length = header["leaf_directory_offset"] + entry.offset, entry.length
        raise ValueError("its directories have no end")


def _part(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    part = file.read(length)
    if len(part) < length:
        raise EOFError("it is cut off")
    return part


def _text(attribution: object) -> str:
    """What a file says of its origin, without its markup."""
    return html.unescape(_TAG.sub("", attribution)).strip() if isinstance(attribution, str) else ""


def vector(path: Path) -> UnreadableFileError:
    """What is said of a file of vector tiles."""
    return UnreadableFileError(
        f"{path}: the file holds vector tiles (pbf), and a page shows pictures. Take a raster file (PNG, JPEG, WebP)."
    )


def damaged(path: Path, why: object) -> UnreadableFileError:
    """What is said of a file that is not what its name says."""
    return UnreadableFileError(f"{path}: cannot be read as a file of tiles ({why}). Take another copy of it.")


def _empty(path: Path) -> UnreadableFileError:
    return UnreadableFileError(f"{path}: the file holds no tile. Take one that covers the sites.")
