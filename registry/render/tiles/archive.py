"""Sites as one PMTiles file (https://docs.protomaps.com/pmtiles/): vector tiles that a browser reads piece by piece."""

from __future__ import annotations

import os
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from pmtiles.tile import Compression, TileType, zxy_to_tileid
from pmtiles.writer import Writer

from registry.errors import BadParameterError, EmptyLayerError
from registry.model.vocabulary import Kind
from registry.render.layers.frames import lonlat_frame
from registry.render.replacing import replacing
from registry.render.tiles import pyramid, table, wire
from registry.render.tiles.attributes import Attributes, attributes
from registry.render.tiles.description import description, vector_layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

SITES, CELLS = "sites", "cells"
# Units of a tile's side: of cells as usual, of sites such that one is half a metre at the latitude of Beijing.
_CELL_EXTENT = 4096
_FINEST_BITS = 26
# What another viewer of the file sees of a site beside its facets.
_TOLD = ("name",)
_AT_ONCE = 64


def write_tiles(
    path: str | os.PathLike[str],
    sites: GeoDataFrame | None,
    plants: GeoDataFrame | None = None,
    *,
    regions: pd.DataFrame | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Path:
    """Write sites and plants as vector tiles, for maps of more sites than one page can hold.

    Parameters
    ----------
    path : the file, ending in .pmtiles; its folder is made when it is not there; a file of that name is replaced in one
        step
    sites : points in any CRS, index ``uid``, columns of the feature tables and ``kind``
    plants : the same, of utilization plants
    regions : ``code, name, name_en``, to write names for the codes in popups
    say : told what is going on

    Raises
    ------
    BadParameterError : the name does not end in .pmtiles.
    EmptyLayerError : there is no site and no plant.
    CrsError, UnknownColumnError : as of ``SitesLayer``.
    UnwritableFileError : the file or its folder cannot be written.

    Notes
    -----
    Up to the zoom before the last a layer ``cells`` has one point for each cell of a grid and combination of kind,
    level, status, mineral and province, with ``sites``, ``annual_t`` and ``stock_t``; sums over them are exact. The last
    zoom has a layer ``sites`` with one point a site, its facets and its name, and beside it a table of everything else
    (see ``table``). Positions are exact to half a metre.
    """
    target = Path(path)
    if target.suffix.lower() != ".pmtiles":
        raise BadParameterError(f"{target}: give a file of tiles a name that ends in .pmtiles.")
    say("preparing tiles")
    rows = _rows(sites, plants)
    place = pyramid.mercator(rows.pop("lng").to_numpy(float), rows.pop("lat").to_numpy(float))
    last = pyramid.last_zoom(place)
    facets = pyramid.facets(rows)
    with replacing(target) as part, part.open("wb") as file:
        writer = Writer(file)
        for zoom in range(last):
            say(f"tiles of zoom {zoom}")
            _write(writer, _cell_tiles(pyramid.cells(facets, place, zoom), zoom))
        say(f"tiles of zoom {last}")
        _write(writer, _site_tiles(rows, place, last))
        writer.finalize(_header(place, last), {
            "name": target.stem,
            "type": "overlay",
            "vector_layers": vector_layers(rows, last),
            "registry": description(rows, facets, regions, last),
        })  # fmt: skip
    return target


def _rows(sites: GeoDataFrame | None, plants: GeoDataFrame | None) -> pd.DataFrame:
    frames = [
        lonlat_frame(frame, default_kind)
        for frame, default_kind in ((sites, None), (plants, Kind.UTILIZATION_PLANT.value))
        if frame is not None and len(frame)
    ]
    if not frames:
        raise EmptyLayerError("There is nothing to write tiles of: no site and no plant.")
    rows = pd.concat(frames) if len(frames) > 1 else frames[0]
    uid = rows.index.astype(str)
    rows = rows.reset_index(drop=True)
    rows.insert(0, "uid", uid)
    return rows


class _Tile(NamedTuple):
    number: int
    data: bytes


def _cell_tiles(cells: pyramid.Cells, zoom: int) -> Iterator[_Tile]:
    held = attributes(cells.frame)
    return _tiles(CELLS, held, cells.place, zoom, _CELL_EXTENT, cells.tile, np.arange(len(cells.tile)))


def _site_tiles(rows: pd.DataFrame, place: pyramid.Place, zoom: int) -> Iterator[_Tile]:
    told = [name for name in (*pyramid.FACETS, *_TOLD) if name in rows]
    held = attributes(rows[told])
    columns = {str(name): table.column(rows[name]) for name in rows if name not in told}
    tile = pyramid.tile_numbers(place, zoom)
    along = rows["code" if "code" in rows else "uid"]
    # By kind, then by code: what follows is then like what went before.
    order = np.lexsort((pd.factorize(along, sort=True)[0], pd.factorize(rows["kind"])[0], tile))
    extent = 2 ** max(12, _FINEST_BITS - zoom)
    return _tiles(SITES, held, place, zoom, extent, tile[order], order, columns)


def _tiles(
    layer: str,
    held: Attributes,
    place: pyramid.Place,
    zoom: int,
    extent: int,
    tile: NDArray[np.int64],
    order: NDArray[np.int64],
    columns: dict[str, table.Column] | None = None,
) -> Iterator[_Tile]:
    """The tiles of one zoom, `tile` and `order` sorted by tile, as PMTiles wants them: along Hilbert's curve."""
    side = 2**zoom
    x, y = (np.minimum((axis * side % 1.0 * extent).astype(np.int64), extent - 1) for axis in (place.x, place.y))
    seen = np.full(len(held.framed.start), -1, np.int32)
    number = np.zeros(len(held.framed.start), np.int32)
    runs = [(zxy_to_tileid(zoom, held % side, held // side), *rows) for held, *rows in pyramid.runs(tile)]
    for mark, (tileid, first, after) in enumerate(sorted(runs)):
        rows = order[first:after]
        features, values = wire.encode_points(
            rows, x, y, held.codes, held.framed.data, held.framed.start, seen, number, mark
        )
        data = wire.layer_bytes(layer, held.names, extent, features.tobytes(), values.tobytes())
        if columns is not None:
            data += wire.field_bytes(table.FIELD, table.table_bytes(columns, rows))
        yield _Tile(tileid, data)


def _write(writer: Writer, tiles: Iterator[_Tile]) -> None:
    """Squeeze tiles on all cores and write them in their order; few are held at once."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = []
        for tile in tiles:
            waiting.append((tile.number, pool.submit(_gzip, tile.data)))
            if len(waiting) >= _AT_ONCE:
                number, squeezed = waiting.pop(0)
                writer.write_tile(number, squeezed.result())
        for number, squeezed in waiting:
            writer.write_tile(number, squeezed.result())


def _gzip(data: bytes) -> bytes:
    squeezer = zlib.compressobj(9, zlib.DEFLATED, 31, 9)
    return squeezer.compress(data) + squeezer.flush()


def _header(place: pyramid.Place, last: int) -> dict[str, Any]:
    west, east = (float(edge) * 360.0 - 180.0 for edge in (place.x.min(), place.x.max()))
    north, south = (
        float(np.degrees(np.arctan(np.sinh(np.pi * (1.0 - 2.0 * edge))))) for edge in (place.y.min(), place.y.max())
    )
    degrees = {
        "min_lon_e7": np.floor(west * 1e7), "min_lat_e7": np.floor(south * 1e7),
        "max_lon_e7": np.ceil(east * 1e7), "max_lat_e7": np.ceil(north * 1e7),
        "center_lon_e7": np.rint((west + east) * 5e6), "center_lat_e7": np.rint((south + north) * 5e6),
    }  # fmt: skip
    return {
        "tile_type": TileType.MVT,
        "tile_compression": Compression.GZIP,
        "center_zoom": min(3, last),
        **{name: int(value) for name, value in degrees.items()},
    }
