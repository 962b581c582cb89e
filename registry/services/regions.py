"""The region that every site lies in, and the areas of regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import geodesy
from registry.services.kernels.circles import polygonal
from registry.services.kernels.region_grid import OUTSIDE, UNDECIDED, RegionGrid, build_grid, edges_of, look_up
from registry.services.kernels.remembered import Remembered
from registry.services.kernels.shore import nearest_region

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

MOST_TOLERANCE_M = 100_000.0
"""A tolerance is for positions that are a little off; beyond this it would be a guess."""

_AREAL = (-1, int(shapely.GeometryType.POLYGON), int(shapely.GeometryType.MULTIPOLYGON))
"""Kinds of geometry that a region may be; −1 is none at all."""

_FEW_POINTS = 100_000
"""Below this, building the grid costs more than asking GEOS."""

_MOST_CELLS = 4_000_000


def locate(sites: GeoDataFrame, provinces: GeoDataFrame, tolerance_m: float = 0) -> pd.Series:
    """Locate every site in a region.

    A site is in a region when the region's polygon, in straight lines of longitude and latitude, contains it or its
    boundary runs through it, exactly as ``shapely.intersects`` says. On a shared boundary, and where regions overlap,
    the region that comes first in the layer has it, so no site is ever in two. Longitudes that are 360° apart are one.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    provinces : (r,) polygons of any level, column ``code``; invalid ones are made valid first
    tolerance_m : a site in no region gets the nearest one if that is at most so many geodesic metres away (of equally
        near ones the first), up to 100,000

    Returns
    -------
    (n,) Series of objects ``region_code``, index of ``sites``; None where a site is in no region.

    Raises
    ------
    CrsError : a layer has no CRS.
    UnknownColumnError : the regions have no column ``code``.
    BadParameterError : a site's geometry is missing, empty or no point, a uid occurs twice, a region has no code or is
        no polygon, or the tolerance is negative or too large.

    Notes
    -----
    Most points are settled by a grid of cells (`region_grid`), the few that rounding could have put on the other side
    of an edge by GEOS.
    """
    if not 0 <= tolerance_m <= MOST_TOLERANCE_M:
        raise BadParameterError(f"tolerance_m = {tolerance_m}: give metres from 0 to {MOST_TOLERANCE_M:,.0f}.")
    crs = geodesy.layer_crs(sites, "sites")
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    polygons = region_polygons(provinces, crs)
    rows = rows_of_points(polygons, lon, lat)
    _turn_round(polygons, lon, lat, rows)
    if tolerance_m > 0 and len(polygons):
        out = np.flatnonzero(rows == OUTSIDE)
        rows[out] = nearest_region(geodesy.ellipsoid(crs), polygons, lon[out], lat[out], tolerance_m)
    codes: NDArray[np.object_] = np.array([*provinces["code"], None], dtype=object)
    return pd.Series(codes[rows], index=sites.index, dtype=object, name="region_code", copy=False)


def areas_km2(regions: GeoDataFrame) -> pd.Series:
    """Geodesic area of every region in km², (r,) floats on the index of ``regions``.

    Edges are taken as geodesics between the vertices (Karney 2013); invalid polygons are made valid first.
    """
    crs = geodesy.layer_crs(regions, "regions")
    polygons = _valid(geodesy.in_geodetic_crs(regions, "regions", crs))
    return pd.Series(geodesy.area_km2(geodesy.ellipsoid(crs), polygons), index=regions.index, name="area_km2")


def region_polygons(regions: GeoDataFrame, crs: CRS | None = None) -> NDArray[np.object_]:
    """Return the valid polygons of a layer of regions, checked, in a geographic CRS.

    Raises
    ------
    UnknownColumnError : there is no column ``code``.
    BadParameterError : a region has no code, is no polygon, or has a vertex that is no longitude and latitude.
    """
    if "code" not in regions.columns:
        raise UnknownColumnError(f"regions: no column code. Found: {', '.join(map(str, regions.columns))}.")
    nameless = regions["code"].isna().to_numpy()
    if nameless.any():
        raise BadParameterError(f"regions: row {regions.index[int(np.argmax(nameless))]} has no code. Give it one.")
    return _valid(geodesy.in_geodetic_crs(regions, "regions", crs))


_VALID: Remembered[NDArray[np.object_]] = Remembered()
_GRIDS: Remembered[RegionGrid | None] = Remembered()


def _valid(regions: GeoDataFrame) -> NDArray[np.object_]:
    given: NDArray[np.object_] = regions.geometry.to_numpy()
    return _VALID.of(given, lambda: _made_valid(regions))


def _made_valid(regions: GeoDataFrame) -> NDArray[np.object_]:
    polygons: NDArray[np.object_] = regions.geometry.to_numpy().copy()
    strange = np.flatnonzero(~np.isin(shapely.get_type_id(polygons), _AREAL))
    if strange.size:
        row = strange[0]
        raise BadParameterError(
            f"regions: row {regions.index[row]} is a {polygons[row].geom_type}, not a polygon. "
            "Give a layer of polygons."
        )
    bounds = shapely.bounds(polygons)
    # Comparisons with NaN are false; a region without a geometry has no bounds, and no vertex to be wrong.
    sound = (np.abs(bounds) <= (540.0, 90.0, 540.0, 90.0)).all(axis=1) | shapely.is_empty(polygons)
    sound |= shapely.is_missing(polygons)
    if not sound.all():
        raise _bad_vertex(regions.index[int(np.argmin(sound))])
    valid = np.ones(polygons.size, np.bool_)

    def kernel(part: slice) -> None:
        valid[part] = shapely.is_valid(polygons[part])

    geodesy.in_chunks(kernel, polygons.size, polygons.size // 64 + 1)
    for row in np.flatnonzero(~valid & ~shapely.is_missing(polygons)):
        # Bounds skip a vertex that is NaN.
        if np.isnan(shapely.get_coordinates(polygons[row])).any():
            raise _bad_vertex(regions.index[row])
        polygons[row] = polygonal(shapely.make_valid(polygons[row]))
    # Others will be given the same array.
    polygons.flags.writeable = False
    return polygons


def _bad_vertex(region: object) -> BadParameterError:
    return BadParameterError(
        f"regions: row {region} has a vertex that is not a longitude and a latitude. "
        "Mend it or give the layer its right CRS."
    )


def _turn_round(polygons: NDArray[np.object_], lon: FloatArray, lat: FloatArray, rows: IntArray) -> None:
    """Give (n,) points, in ``rows``, also to regions that hold them 360° further east or west."""
    bounds = shapely.bounds(polygons)
    bounds = bounds[~np.isnan(bounds[:, 0])]
    if bounds.size == 0:
        return
    west, east = bounds[:, 0].min(), bounds[:, 2].max()
    # −1 as an unsigned number is beyond every row, so the least of two answers is the first region.
    answer = rows.view(np.uintp)
    for turn in (-360.0, 360.0):
        some = np.flatnonzero((lon >= west - turn) & (lon <= east - turn))
        if some.size:
            again = rows_of_points(polygons, lon[some] + turn, lat[some])
            answer[some] = np.minimum(answer[some], again.view(np.uintp))


def rows_of_points(polygons: NDArray[np.object_], lon: FloatArray, lat: FloatArray) -> IntArray:
    """Return for (n,) points the number of the first polygon that holds each, or `OUTSIDE`."""
    if lon.size < _FEW_POINTS:
        return _exact(polygons, lon, lat)
    # In steps, so that the grid can be used again for more points or fewer.
    size = min(4 ** int(np.ceil(np.log(lon.size) / np.log(4))), _MOST_CELLS)
    grid = _GRIDS.of(polygons, lambda: _grid(polygons, size), size=size)
    if grid is None:
        return _exact(polygons, lon, lat)
    rows = look_up(grid, lon, lat)
    left = np.flatnonzero(rows == UNDECIDED)
    rows[left] = _exact(polygons, lon[left], lat[left])
    return rows


def _grid(polygons: NDArray[np.object_], points: int) -> RegionGrid | None:
    ends, owner = edges_of(polygons)
    return build_grid(ends, owner, min(points + 2 * owner.size, _MOST_CELLS)) if owner.size else None


def _exact(polygons: NDArray[np.object_], lon: FloatArray, lat: FloatArray) -> IntArray:
    """Do the work of `rows_of_points` with GEOS alone."""
    rows = np.full(lon.size, len(polygons), dtype=np.intp)
    point, polygon = shapely.STRtree(polygons).query(shapely.points(lon, lat))
    # Only polygons that are asked often are worth the index, and those that had none get rid of it again.
    asked = np.bincount(polygon, minlength=len(polygons))
    fresh = polygons[(asked > 1) & ~shapely.is_prepared(polygons)]
    shapely.prepare(fresh)
    try:
        for number in np.flatnonzero(asked):
            points = point[polygon == number]
            held = points[shapely.intersects_xy(polygons[number], lon[points], lat[points])]
            rows[held] = np.minimum(rows[held], number)
    finally:
        shapely.destroy_prepared(fresh)
    rows[rows == len(polygons)] = OUTSIDE
    return rows
