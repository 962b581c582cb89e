"""The region that every site lies in, and the areas of regions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import geodesy
from registry.services.circles import polygonal
from registry.services.region_grid import OUTSIDE, UNDECIDED, build_grid, edges_of, look_up
from registry.services.shore import nearest_region

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

MOST_TOLERANCE_M = 100_000.0
"""A tolerance is for positions that are a little off; beyond this it would be a guess."""

_FEW_POINTS = 100_000
"""Below this, building the grid costs more than asking GEOS."""


def locate(sites: GeoDataFrame, provinces: GeoDataFrame, tolerance_m: float = 0) -> pd.Series:
    """Locate every site in a region.

    A site is in a region when the region's polygon, in straight lines of longitude and latitude, contains it or its
    boundary runs through it, exactly as ``shapely.intersects`` says. On a shared boundary, and where regions overlap,
    the region that comes first in the layer has it, so no site is ever in two.

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
    BadParameterError : a site's geometry is missing, empty or no point, a uid occurs twice, or the tolerance is
        negative or too large.

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
    if tolerance_m > 0 and len(polygons):
        out = np.flatnonzero(rows == OUTSIDE)
        rows[out] = nearest_region(geodesy.ellipsoid(crs), polygons, lon[out], lat[out], tolerance_m)
    codes: NDArray[np.object_] = np.array([*provinces["code"], None], dtype=object)
    return pd.Series(codes[rows], index=sites.index, dtype=object, name="region_code")


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
    """
    if "code" not in regions.columns:
        raise UnknownColumnError(f"regions: no column code. Found: {', '.join(map(str, regions.columns))}.")
    return _valid(geodesy.in_geodetic_crs(regions, "regions", crs))


def _valid(regions: GeoDataFrame) -> NDArray[np.object_]:
    polygons: NDArray[np.object_] = regions.geometry.to_numpy().copy()
    for row in np.flatnonzero(~shapely.is_valid(polygons)):
        if polygons[row] is not None:
            polygons[row] = polygonal(shapely.make_valid(polygons[row]))
    kinds = set(np.unique(shapely.get_type_id(polygons))) - {-1, 3, 6}
    if kinds:
        raise BadParameterError("regions: a geometry is not a polygon. Give a layer of polygons.")
    return polygons


def rows_of_points(polygons: NDArray[np.object_], lon: FloatArray, lat: FloatArray) -> IntArray:
    """Return for (n,) points the number of the first polygon that holds each, or `OUTSIDE`."""
    ends, owner = edges_of(polygons)
    if lon.size < _FEW_POINTS or owner.size == 0:
        return _exact(polygons, lon, lat)
    cells = int(np.clip(lon.size + 2 * owner.size, 10_000, 4_000_000))
    grid = build_grid(ends, owner, len(polygons), cells)
    if grid is None:
        return _exact(polygons, lon, lat)
    rows = look_up(grid, lon, lat)
    left = np.flatnonzero(rows == UNDECIDED)
    rows[left] = _exact(polygons, lon[left], lat[left])
    return rows


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
