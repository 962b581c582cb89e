"""The hexagons of the H3 grid in place of provinces, where administrative borders say too little.

H3 (https://h3geo.org) divides the earth into hexagons, twelve pentagons among them, at sixteen resolutions of which each
has cells a seventh the size of those before. It works on WGS 84; CGCS2000 is taken as
the same, from which it differs by centimetres, less than the place of any site is known to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import h3
import numpy as np
import pandas as pd
import shapely
from h3.api import basic_int
from pyproj import CRS

from registry.errors import BadParameterError, EmptyLayerError
from registry.services import geodesy
from registry.services.kernels.circles import wrapped

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from registry.services.geodesy import FloatArray

MOST_CELLS = 500
"""Cells that cover the extent of the sites at most, where the resolution is left to us."""

FINEST_CHOSEN = 8
"""The finest resolution that is chosen for a user (0.7 km²): a pond with its dam is as large as a smaller cell."""

_FINEST = 15
_SPHERE_KM = 6_371.007180918475
"""Radius of the sphere on which H3 states its areas."""

_SAME_DATUM = (4490, 4326)
_STEP_DEG = 0.25
_STRIP_DEG = 30.0


def hexagons(sites: GeoDataFrame, *, resolution: int | None = None, cover: bool = False) -> GeoDataFrame:
    """Return the H3 cells that hold sites, ready to stand in for provinces in `concentration.by_region`.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    resolution : 0 (4,400,000 km² a cell) to 15 (0.9 m²); by default `resolution_for` the extent of the sites
    cover : every cell that meets the box of longitude and latitude round the sites, not only those that hold one;
        `spatial_statistics` needs the empty ones too

    Returns
    -------
    (c,) rows ``code`` (the H3 index), ``name`` (the same) and ``geometry``, by code, in the CRS of the sites (the
    geographic one that they are measured in where they are projected). ``attrs["resolution"]`` is the resolution.
    A cell across the antimeridian is cut there, one that holds a pole runs along the edge of the map, so all
    polygons are valid within ±180° and ±90°.

    Raises
    ------
    EmptyLayerError : there is no site.
    BadParameterError : the resolution is out of range; a geometry is missing, empty or no point; the cover would take
        more than 1,000,000 cells.
    CrsError : the layer has no CRS.

    Notes
    -----
    The edges of a cell are great circles. They are drawn with a vertex at least every quarter of a degree, so that in
    straight lines of longitude and latitude they are off by some metres. A site that close to an edge can therefore
    lie in the polygon next to its cell: give `cells_of` to ``by_region(..., located=...)`` for H3's own answer, which
    also needs no point-in-polygon test.
    """
    if len(sites) == 0:
        raise EmptyLayerError("sites: there is none, so there is no extent to lay hexagons over. Import sites first.")
    crs, lon, lat = _wgs84(sites)
    chosen = _chosen(lon, lat) if resolution is None else _checked(resolution)
    numbers = np.unique(_cells(lon, lat, chosen))
    codes = {h3.int_to_str(int(number)) for number in numbers}
    if cover:
        codes |= _covering(lon, lat, chosen)
    ordered = sorted(codes)
    shapes = np.array([_polygon(h3.cell_to_boundary(code), h3.cell_to_latlng(code)) for code in ordered], dtype=object)
    layer = gpd.GeoDataFrame({"code": ordered, "name": ordered}, geometry=shapes, crs=crs)
    layer.attrs["resolution"] = chosen
    return layer


def cells_of(sites: GeoDataFrame, resolution: int) -> pd.Series:
    """Return the H3 cell of every site.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    resolution : 0 to 15

    Returns
    -------
    (n,) Series of objects ``region_code``, index of ``sites``, as ``located`` of `concentration.by_region` takes it.

    Raises
    ------
    BadParameterError : the resolution is out of range; a geometry is missing, empty or no point; a uid occurs twice.
    CrsError : the layer has no CRS.
    """
    _, lon, lat = _wgs84(sites)
    numbers, which = np.unique(_cells(lon, lat, _checked(resolution)), return_inverse=True)
    codes = np.array([h3.int_to_str(int(number)) for number in numbers], dtype=object)
    return pd.Series(codes[which], index=sites.index, dtype=object, name="region_code")


def resolution_for(sites: GeoDataFrame) -> int:
    """Return the finest resolution, up to 8, at which some 500 cells or fewer cover the sites' extent.

    The extent is the smallest box of longitude and latitude that holds the sites, across the antimeridian where that
    is smaller; its area is divided by the mean area of a cell. As each resolution has seven times the cells of the
    one before, an extent of more than 53 km² takes 70 to 500. China gets 2 (edges of 180 km), a province 3 or 4, the
    whole earth 0.

    Raises
    ------
    EmptyLayerError : there is no site.
    BadParameterError, CrsError : as in `cells_of`.
    """
    if len(sites) == 0:
        raise EmptyLayerError("sites: there is none, so there is no extent to choose from. Import sites first.")
    _, lon, lat = _wgs84(sites)
    return _chosen(lon, lat)


def _wgs84(sites: GeoDataFrame) -> tuple[CRS, FloatArray, FloatArray]:
    """Return the geographic CRS of the result, and longitudes and latitudes that H3 can take."""
    crs = geodesy.layer_crs(sites, "sites")
    if crs.to_epsg() not in _SAME_DATUM:
        crs = CRS.from_epsg(4326)
    return crs, *geodesy.lonlat(sites, "sites", crs)


def _checked(resolution: int) -> int:
    if not 0 <= resolution <= _FINEST or int(resolution) != resolution:
        raise BadParameterError(f"resolution = {resolution}: give a whole number from 0 (coarse) to {_FINEST} (fine).")
    return int(resolution)


def _cells(lon: FloatArray, lat: FloatArray, resolution: int) -> NDArray[np.uint64]:
    cell = basic_int.latlng_to_cell
    found = (cell(y, x, resolution) for y, x in zip(lat.tolist(), lon.tolist(), strict=True))
    return np.fromiter(found, dtype=np.uint64, count=lon.size)


def box_of(lon: FloatArray, lat: FloatArray) -> tuple[float, float, float, float]:
    """West, south, east and north of the smallest box that holds (n,) points; east may exceed 180."""
    around = np.unique(np.mod(lon + 180.0, 360.0) - 180.0)
    gaps = np.diff(around, append=around[0] + 360.0)
    widest = int(np.argmax(gaps))
    west = float(around[(widest + 1) % around.size])
    return west, float(lat.min()), west + 360.0 - float(gaps[widest]), float(lat.max())


def _box_km2(west: float, south: float, east: float, north: float) -> float:
    """Area of a box on the sphere; a zone between two parallels by Archimedes."""
    height = np.sin(np.radians(north)) - np.sin(np.radians(south))
    return float(_SPHERE_KM**2 * np.radians(east - west) * height)


def _chosen(lon: FloatArray, lat: FloatArray) -> int:
    extent = _box_km2(*box_of(lon, lat))
    fitting = [n for n in range(FINEST_CHOSEN + 1) if extent <= MOST_CELLS * h3.average_hexagon_area(n, "km^2")]
    return max(fitting, default=0)


def _covering(lon: FloatArray, lat: FloatArray, resolution: int) -> set[str]:
    """Return all cells that meet the box round the sites."""
    west, south, east, north = box_of(lon, lat)
    cells = _box_km2(west, south, east, north) / h3.average_hexagon_area(resolution, "km^2")
    if cells > 1_000_000:
        raise BadParameterError(
            f"resolution = {resolution}: {cells:,.0f} cells would cover the sites. Choose a coarser one, or no cover."
        )
    # H3 takes the shorter way between two vertices, so a box goes to it in strips narrower than half the earth.
    edges = np.append(np.arange(west, east, _STRIP_DEG), east) if east > west else np.array([west, west])
    # A box without width or height has no interior for H3 to overlap with.
    low, high = max(south - 1e-9, -90.0), min(north + 1e-9, 90.0)
    found: set[str] = set()
    for left, right in zip(edges[:-1] - 1e-9, edges[1:] + 1e-9, strict=True):
        corners = [
            (y, (x + 180.0) % 360.0 - 180.0) for y, x in ((low, left), (low, right), (high, right), (high, left))
        ]
        found.update(h3.h3shape_to_cells_experimental(h3.LatLngPoly(corners), resolution, contain="overlap"))
    return found


def _polygon(boundary: tuple[tuple[float, float], ...], centre: tuple[float, float]) -> BaseGeometry:
    """Return a cell as a valid polygon of longitude and latitude, its edges along great circles."""
    corners = np.asarray(boundary)
    ring = np.concatenate([_edge(start, end) for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True)])
    step = np.diff(ring[:, 0], append=ring[0, 0])
    step -= 360.0 * np.round(step / 360.0)
    ring[1:, 0] = ring[0, 0] + np.cumsum(step[:-1])
    turn = float(step.sum())
    if abs(turn) > 180.0:  # it winds round a pole
        pole = float(np.copysign(90.0, centre[0]))
        end = ring[0] + (np.copysign(360.0, turn), 0.0)
        ring = np.vstack([ring, end, [end[0], pole], [ring[0, 0], pole]])
    shape = shapely.Polygon(ring)
    west, _, east, _ = shape.bounds
    return shape if west >= -180.0 and east <= 180.0 else wrapped(shapely.make_valid(shape))


def _edge(start: FloatArray, end: FloatArray) -> FloatArray:
    """Longitudes and latitudes along a great circle between two (lat, lon), the end left out."""
    phi, lam = np.radians([start[0], end[0]]), np.radians([start[1], end[1]])
    ends = np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])
    angle = 2.0 * np.arcsin(np.linalg.norm(ends[1] - ends[0]) / 2.0)
    across = abs((end[1] - start[1] + 180.0) % 360.0 - 180.0)
    pieces = int(np.ceil(max(np.degrees(angle), across / 2.0) / _STEP_DEG))
    at = np.arange(1, pieces)[:, None] / max(pieces, 1)
    between = (np.sin((1.0 - at) * angle) * ends[0] + np.sin(at * angle) * ends[1]) / np.sin(angle)
    lon, lat = np.arctan2(between[:, 1], between[:, 0]), np.arctan2(between[:, 2], np.hypot(*between[:, :2].T))
    # The corner itself as H3 states it, so that cells that share it have the same one.
    return np.vstack([start[::-1], np.degrees(np.column_stack([lon, lat]))])
