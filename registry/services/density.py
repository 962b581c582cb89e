"""Kernel density on the earth: how thickly sites or their tonnes lie about any point."""

from __future__ import annotations

from math import asin, ceil, pi, sin
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from pyproj import CRS

from registry.errors import BadParameterError
from registry.services import geodesy

if TYPE_CHECKING:
    import pyproj
    from geopandas import GeoDataFrame
    from numpy.typing import ArrayLike, NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

WIDEST_KM = 2_000.0
"""Up to this bandwidth the kernel's sum over the earth is 1 to some parts in 100,000."""

_MOST_PAIRS = 1 << 16
"""Pairs of grid point and site that one thread holds at once: their arrays fit into the cache of a core."""

_CHUNK = 1 << 10
_MARGIN_DEG = 1e-7
"""More than rounding does to the bounds of a search."""

_BAND_KEY = 1_000.0
"""Sites are sorted by this times the number of their band, plus their longitude."""

_THINNEST_BAND_DEG = 0.01
_MOST_POINTS = 4_000_000


def kernel_density(
    sites: GeoDataFrame,
    grid: GeoDataFrame | tuple[ArrayLike, ArrayLike],
    *,
    bandwidth_km: float,
    weights: ArrayLike | None = None,
) -> FloatArray:
    """Density of sites, or of what they hold, at the points of a grid.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    grid : (g,) points, brought to the CRS of ``sites``; or longitudes and latitudes in it, in degrees, two arrays of
        one shape
    bandwidth_km : geodesic distance at which the influence of a site ends, more than 0 and up to 2,000
    weights : (n,) amounts of the sites, such as tonnes, none negative; by default each counts 1. A missing value
        counts as none. A Series is taken by uid

    Returns
    -------
    Sites, or units of weight, for 1 km² at each point: (g,) floats, or the shape of the arrays.

    Raises
    ------
    BadParameterError : the bandwidth is out of range; a weight is negative or infinite, or one is missing from the
        array; a geometry is missing, empty or no point; a position of the grid is none.
    CrsError : a layer has no CRS.

    Notes
    -----
    f(x) = Σ wᵢ K(dᵢ), K(d) = 3/A(h) · (1 − A(d)/A(h))² for d < h and 0 beyond, A(d) = 2πR² (1 − cos(d/R)) the area of
    the cap of radius d. It is the quartic (biweight) kernel of Silverman (1986), Density Estimation for Statistics and
    Data Analysis, eq. 4.5, brought to the sphere as Hall, Watson and Cabrera (1987, doi:10.1093/biomet/74.4.751) do it,
    as a function of 1 − cos; in a plane A(d) = πd² and both are the same. A site adds up to 1 over the earth however
    wide the kernel is, and is worth 3/A(h), about 3/(πh²), at its own place.

    1 − cos(d/R) is c²/2R² with the chord c, taken on the ellipsoid with its mean radius. The distance is thereby within
    0.2 m of the geodesic at 150 km, within 0.5 km at 2,000 km.
    """
    if not 0 < bandwidth_km <= WIDEST_KM:
        raise BadParameterError(
            f"bandwidth_km = {bandwidth_km:g}: give km of more than 0 and at most {WIDEST_KM:,.0f}."
        )
    crs = geodesy.layer_crs(sites, "sites")
    geod = geodesy.ellipsoid(crs)
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    amounts = _amounts(weights, sites)
    at_lon, at_lat, shape = _positions(grid, crs)

    some = np.flatnonzero(amounts)
    if some.size == 0 or at_lon.size == 0:
        return np.zeros(shape)
    radius = _radius(geod)
    reach = 2.0 * radius * sin(bandwidth_km * 1_000.0 / (2.0 * radius))
    cap_km2 = pi * (reach / 1_000.0) ** 2  # Archimedes: a cap has the area of the circle with its chord as radius
    return np.asarray(
        3.0 / cap_km2 * _sums(geod, (lon[some], lat[some], amounts[some]), (at_lon, at_lat), reach)
    ).reshape(shape)


def grid_points(
    bounds: tuple[float, float, float, float], step_km: float, *, crs: str | int | CRS = "EPSG:4490"
) -> GeoDataFrame:
    """Lay points evenly over a box of longitude and latitude, each in the middle of an equal share of its row.

    Parameters
    ----------
    bounds : west, south, east, north in degrees, as ``total_bounds`` gives them; where west is more than east, the box
        runs across the antimeridian
    step_km : distance of rows, and of points within a row, at most
    crs : a geographic CRS

    Returns
    -------
    (g,) points, columns ``area_km2`` (what the point stands for, on the ellipsoid) and
    ``geometry``, from south to north and west to east. Σ density · area_km2 is the number of sites in the box.

    Raises
    ------
    BadParameterError : the step is not more than 0, the box is none, or it would take more than 4,000,000 points.
    """
    west, south, east, north = bounds
    if not (-90 <= south <= north <= 90 and abs(west) <= 360 and abs(east) <= 540):
        raise BadParameterError(f"bounds = {bounds}: give west, south, east, north in degrees, south below north.")
    if not step_km > 0:
        raise BadParameterError(f"step_km = {step_km:g}: give km of more than 0.")
    geod = geodesy.ellipsoid(CRS(crs))
    radius_km = _radius(geod) / 1_000
    width, step = (east - west) % 360.0 if west > east else min(east - west, 360.0), np.degrees(step_km / radius_km)
    if (north - south) / step > _MOST_POINTS or width / step > _MOST_POINTS:
        raise BadParameterError(f"step_km = {step_km:g}: too many points for this box. Give a longer step.")
    rows = max(ceil((north - south) / step - 1e-9), 1)
    edges = np.linspace(south, north, rows + 1)
    lat = (edges[:-1] + edges[1:]) / 2.0
    columns = np.maximum(np.ceil(width * np.cos(np.radians(lat)) / step - 1e-9).astype(np.intp), 1)
    if columns.sum() > _MOST_POINTS:
        raise BadParameterError(f"step_km = {step_km:g}: {columns.sum():,} points for this box. Give a longer step.")
    row = np.repeat(np.arange(rows), columns)
    within = np.arange(row.size) - np.repeat(np.cumsum(columns) - columns, columns)
    lon = west + (within + 0.5) * width / columns[row]
    lon = np.where(lon > 180.0, lon - 360.0, np.where(lon < -180.0, lon + 360.0, lon))
    zone = np.radians(width) * np.diff(_zone_km2(geod, edges))
    table = pd.DataFrame({"area_km2": (zone / columns)[row]})
    return gpd.GeoDataFrame(table, geometry=gpd.points_from_xy(lon, lat[row]), crs=crs)


def densest(points: GeoDataFrame, density: FloatArray, *, apart_km: float, most: int = 20) -> IntArray:
    """Rows of the densest points that lie apart, the densest first.

    Parameters
    ----------
    points, density : (g,) points and the density at each
    apart_km : chord between any two of them, at least: of two nearer ones the denser stands for both
    most : how many at most

    Returns
    -------
    (≤ most,) rows with a density of more than 0.

    Raises
    ------
    BadParameterError, CrsError : as in `kernel_density`.
    """
    crs = geodesy.layer_crs(points, "points")
    xyz = geodesy.geocentric(geodesy.ellipsoid(crs), *geodesy.lonlat(points, "points", crs))
    chosen: list[int] = []
    left = density > 0
    while left.any() and len(chosen) < most:
        row = int(np.argmax(np.where(left, density, -1.0)))
        chosen.append(row)
        left &= ((xyz - xyz[row]) ** 2).sum(axis=1) >= (apart_km * 1_000.0) ** 2
        left[row] = False
    return np.array(chosen, dtype=np.intp)


def _radius(geod: pyproj.Geod) -> float:
    """Mean radius of the ellipsoid, metres."""
    return float(2.0 * geod.a + geod.b) / 3.0


def _zone_km2(geod: pyproj.Geod, lat: FloatArray) -> FloatArray:
    """Area between the equator and parallels for one radian of longitude, km² (Snyder 1987, USGS PP 1395, eq. 3-12)."""
    e, s = np.sqrt(geod.es), np.sin(np.radians(lat))
    rest = np.arctanh(e * s) / e if e > 0.0 else s
    return np.asarray(geod.b**2 / 2.0 * (s / (1.0 - geod.es * s**2) + rest) / 1e6)


def _amounts(weights: ArrayLike | None, sites: GeoDataFrame) -> FloatArray:
    if weights is None:
        return np.ones(len(sites))
    if isinstance(weights, pd.Series):
        if not (weights.index.is_unique and sites.index.isin(weights.index).all()):
            raise BadParameterError("weights: a site is missing, or has two. Give one weight for every site, by uid.")
        weights = weights.reindex(sites.index).to_numpy(dtype=np.float64, na_value=np.nan)
    amounts = np.asarray(weights, dtype=np.float64)
    if amounts.shape != (len(sites),):
        raise BadParameterError(f"weights: {amounts.size} for {len(sites)} sites. Give one for every site.")
    if (amounts < 0).any() or np.isinf(amounts).any():
        raise BadParameterError("weights: one is negative or infinite. Give amounts of 0 or more.")
    return np.nan_to_num(amounts)


def _positions(
    grid: GeoDataFrame | tuple[ArrayLike, ArrayLike], crs: CRS
) -> tuple[FloatArray, FloatArray, tuple[int, ...]]:
    if isinstance(grid, gpd.GeoDataFrame):
        lon, lat = geodesy.lonlat(grid, "grid", crs)
        return lon, lat, lon.shape
    lon, lat = (np.asarray(values, dtype=np.float64) for values in grid)
    if lon.shape != lat.shape:
        raise BadParameterError(f"grid: longitudes {lon.shape} and latitudes {lat.shape}. Give two of one shape.")
    if not ((np.abs(lat) <= 90.0) & (np.abs(lon) <= 540.0)).all():
        raise BadParameterError("grid: a position is not a longitude and a latitude. Give degrees.")
    return lon.ravel(), lat.ravel(), lon.shape


def _sums(
    geod: pyproj.Geod,
    sites: tuple[FloatArray, FloatArray, FloatArray],
    at: tuple[FloatArray, FloatArray],
    reach: float,
) -> FloatArray:
    """Σ w (1 − (c/reach)²)² over the chords c up to ``reach`` metres from every point, on all cores.

    The sites are sorted by band of latitude and by longitude within it, so that those near a point are a few runs of
    consecutive rows: no list of neighbours is ever made, and memory is read in order.
    """
    least = geod.b**2 / geod.a
    # A chord spans at most so much latitude: between two parallels a meridian is shortest, nowhere more curved than this.
    up = float(np.degrees(2.0 * asin(min(reach / (2.0 * least), 1.0)))) + _MARGIN_DEG
    height = max(up / 6.0, _THINNEST_BAND_DEG)
    lon, lat, w = _within(sites[0]), sites[1], sites[2]
    band = np.floor((lat + 90.0) / height)
    order = np.lexsort((lon, band))
    key = band[order] * _BAND_KEY + lon[order]
    x, y, z = np.ascontiguousarray(geodesy.geocentric(geod, lon[order], lat[order]).T)
    w = w[order]
    edges = np.minimum(np.arange(ceil(180.0 / height) + 2) * height - 90.0, 90.0)
    edge_z = geodesy.geocentric(geod, np.zeros(edges.size), edges)[:, 2]
    offsets = np.arange(ceil(2.0 * up / height) + 1)
    point = np.ascontiguousarray(geodesy.geocentric(geod, *at).T)
    at_lon = _within(at[0])
    sums = np.zeros(at_lon.size)

    def kernel(part: slice) -> None:
        px, py, pz = point[:, part]
        near = np.floor((at[1][part] - up + 90.0) / height)[:, None] + offsets
        near = np.clip(near, 0, edges.size - 2).astype(np.intp)
        repeated = np.diff(near, axis=1, prepend=-1) == 0
        apart = np.maximum(np.maximum(edge_z[near] - pz[:, None], pz[:, None] - edge_z[near + 1]), 0.0)
        # What is left of the reach in the plane of a parallel; 90° of longitude away it is at least the point's radius.
        flat, radius = np.sqrt(np.maximum(reach**2 - apart**2, 0.0)), np.hypot(px, py)[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            half = np.where(flat < radius, np.degrees(np.arcsin(np.minimum(flat / radius, 1.0))) + _MARGIN_DEG, 360.0)
        half[repeated | (apart > reach)] = -1.0
        starts, counts = _runs(key, near, at_lon[part, None], half)
        owner = np.tile(np.repeat(np.arange(px.size), offsets.size), 3)
        some = np.flatnonzero(counts)
        batch = np.cumsum(counts[some]) // _MOST_PAIRS
        for runs in np.split(some, np.flatnonzero(np.diff(batch)) + 1):
            count = counts[runs]
            of = np.repeat(owner[runs], count)
            site = np.arange(of.size) + np.repeat(starts[runs] - (np.cumsum(count) - count), count)
            squared = (x[site] - px[of]) ** 2 + (y[site] - py[of]) ** 2 + (z[site] - pz[of]) ** 2
            share = np.square(np.maximum(1.0 - squared / reach**2, 0.0)) * w[site]
            sums[part] += np.bincount(of, share, minlength=px.size)

    geodesy.in_chunks(kernel, at_lon.size, _CHUNK)
    return sums


def _within(lon: FloatArray) -> FloatArray:
    """Bring longitudes into [−180, 180)."""
    return np.asarray(np.mod(lon + 180.0, 360.0) - 180.0)


def _runs(key: FloatArray, band: IntArray, lon: FloatArray, half: FloatArray) -> tuple[IntArray, IntArray]:
    """Return first row and length of the runs of sites within ``half`` degrees of longitude, also past ±180°.

    All of a band is one run where ``half`` is 360, none where it is negative. (p, b) in, (3·p·b,) out.
    """
    starts, counts = [], []
    whole = half > 180.0
    for turn in (0.0, -360.0, 360.0):
        low, high = np.maximum(lon + turn - half, -180.0), np.minimum(lon + turn + half, 180.0)
        if turn == 0.0:
            low, high = np.where(whole, -180.0, low), np.where(whole, 180.0, high)
        # A run past the edge of the map is none, and its bounds would fall into the next band.
        wanted = (low <= high) & (half >= 0.0) & ((turn == 0.0) | ~whole)
        start = np.searchsorted(key, np.where(wanted, band * _BAND_KEY + low, 0.0))
        stop = np.searchsorted(key, np.where(wanted, band * _BAND_KEY + high, 0.0), side="right")
        starts.append(start.ravel())
        counts.append(np.where(wanted, stop - start, 0).ravel())
    return np.concatenate(starts), np.concatenate(counts)
