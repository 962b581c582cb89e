"""Coordinates, distances, areas and circles on the ellipsoid."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from math import pi
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import ProjError

from registry.errors import BadParameterError, CrsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from geopandas import GeoDataFrame
    from shapely.geometry.base import BaseGeometry

FloatArray = NDArray[np.float64]

CHUNK = 1 << 16
"""Points that one thread takes at a time: their arrays fit into the cache of a core."""

CIRCLE_VERTICES = 180
"""Vertices of a circle polygon, one every two degrees of azimuth."""


class Inverse(NamedTuple):
    """Geodesics between pairs of points: ``distance_m`` and ``azimuth_deg`` at the start, [0, 360)."""

    distance_m: FloatArray
    azimuth_deg: FloatArray


class ChordBounds(NamedTuple):
    """Largest chord that is surely within a geodesic distance, and the smallest that is surely beyond it."""

    inside_m: float
    outside_m: float


_MOST_THREADS: ContextVar[int | None] = ContextVar("most_threads", default=None)


@contextmanager
def at_most(most: int) -> Iterator[None]:
    """Run the kernels called in here on so many threads at most, for a caller that shares the cores out itself."""
    token = _MOST_THREADS.set(most)
    try:
        yield
    finally:
        _MOST_THREADS.reset(token)


def threads() -> int:
    """Return the number of threads that this process may run at once, or fewer within `at_most`."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_THREADS.get() or cores)


def in_chunks(kernel: Callable[[slice], None], n: int, chunk: int = CHUNK) -> None:
    """Call ``kernel`` with slices that cover ``range(n)``, on all cores.

    The kernels here spend their time in PROJ, GEOS, SciPy and NumPy, all of which release the interpreter's lock.
    """
    slices = [slice(start, min(start + chunk, n)) for start in range(0, n, chunk)]
    if len(slices) < 2 or threads() == 1:
        for part in slices:
            kernel(part)
        return
    with ThreadPoolExecutor(threads()) as pool:
        for _ in pool.map(kernel, slices):
            pass


def batches(counts: NDArray[np.intp], *, most_pairs: int, most_rows: int) -> list[int]:
    """Cuts between rows (n,) with so many pairs each, so that no batch has too many pairs or rows; 0 and n with them.

    A row that has too many pairs by itself is a batch of its own.
    """
    total = np.cumsum(counts)
    cuts = [0]
    while cuts[-1] < counts.size:
        before = total[cuts[-1] - 1] if cuts[-1] else 0
        stop = int(np.searchsorted(total, before + most_pairs, side="right"))
        cuts.append(min(max(stop, cuts[-1] + 1), cuts[-1] + most_rows, counts.size))
    return cuts


# ---------------------------------------------------------------------------------------------- layers


@lru_cache(maxsize=32)
def geodetic_crs(crs: CRS) -> CRS:
    """Return the geographic CRS in degrees from Greenwich that positions in ``crs`` are measured in.

    A geographic CRS in degrees is its own; a projected one has the geographic CRS it was projected from; one
    with another angle unit or prime meridian is measured in EPSG:4326.

    Raises
    ------
    CrsError : the CRS is neither geographic nor projected (an engineering or vertical one).
    """
    # Of a compound CRS the first part is the horizontal one (ISO 19111); heights are not looked at.
    flat = crs.sub_crs_list[0] if crs.is_compound else crs
    base = flat.to_2d().geodetic_crs
    if base is not None and base.is_geocentric:
        base = CRS.from_epsg(4326)
    if base is None or flat.is_engineering or flat.is_vertical:
        raise CrsError(f"{crs.name} is not a geographic or projected CRS. Give the layer one that is on the earth.")
    if base.axis_info[0].unit_name != "degree" or (base.prime_meridian and base.prime_meridian.longitude != 0):
        return CRS.from_epsg(4326)
    return base


@lru_cache(maxsize=32)
def ellipsoid(crs: CRS) -> pyproj.Geod:
    """Return the ellipsoid of a CRS, ready for geodesics."""
    geod = geodetic_crs(crs).get_geod()
    if geod is None:
        raise CrsError(f"{crs.name} names no ellipsoid. Give the layer a CRS that does.")
    return geod


def layer_crs(layer: GeoDataFrame, what: str) -> CRS:
    """Return the geographic CRS that a layer is measured in (see `geodetic_crs`).

    Raises
    ------
    CrsError : the layer has no geometry, no CRS, or none on the earth.
    """
    try:
        crs = layer.crs
    except AttributeError as error:
        raise CrsError(f"{what}: the table has no geometry column. Give a GeoDataFrame (set_geometry).") from error
    if crs is None:
        raise CrsError(f"{what}: the layer has no CRS. Set it with set_crs, for instance EPSG:4490.")
    return geodetic_crs(crs)


def in_geodetic_crs(layer: GeoDataFrame, what: str, crs: CRS | None = None) -> GeoDataFrame:
    """Return the layer in ``crs``, or in the geographic CRS of its own; the layer itself where it already is.

    Raises
    ------
    CrsError : the layer has no CRS, or none that leads to ``crs`` (one of another celestial body).
    """
    own = layer_crs(layer, what)
    target = own if crs is None else crs
    if layer.crs == target:
        return layer
    try:
        return layer.to_crs(target)
    except ProjError as error:
        raise CrsError(
            f"{what}: nothing leads from {layer.crs.name} to {target.name}. Give all layers a CRS on the same body."
        ) from error


def lonlat(layer: GeoDataFrame, what: str, crs: CRS | None = None) -> tuple[FloatArray, FloatArray]:
    """Longitudes and latitudes of a layer of points, checked.

    Parameters
    ----------
    layer : (n,) points, index ``uid``; a projected layer is brought to its geographic CRS
    what : how an error names the layer
    crs : geographic CRS to bring the points to, by default the layer's own

    Returns
    -------
    Two (n,) arrays in degrees.

    Raises
    ------
    CrsError : the layer has no CRS, or none on the earth.
    BadParameterError : a uid occurs twice; a geometry is missing, empty, not a point or not on the earth.
    """
    points = in_geodetic_crs(layer, what, crs)
    check_index(layer, what)
    geometries = points.geometry.to_numpy()
    lon, lat = np.empty(geometries.size), np.empty(geometries.size)

    def kernel(part: slice) -> None:
        some = geometries[part]
        lon[part], lat[part] = shapely.get_x(some), shapely.get_y(some)

    try:
        in_chunks(kernel, geometries.size)
    except shapely.errors.GEOSException:  # an empty point has no coordinate to ask for
        there = np.where(shapely.is_empty(geometries), None, geometries)
        lon, lat = shapely.get_x(there), shapely.get_y(there)
    # Comparisons with NaN are false, so missing, empty and non-point geometries fail here too.
    sound = (np.abs(lat) <= 90.0) & (np.abs(lon) <= 540.0)
    if not sound.all():
        row = int(np.argmin(sound))
        raise BadParameterError(f"{what}: {layer.index[row]} {_unsound(geometries[row])}. Mend or drop it.")
    return lon, lat


def check_index(layer: GeoDataFrame, what: str) -> None:
    """Raise BadParameterError where two rows of a layer have the same index."""
    if not layer.index.is_unique:
        twice = layer.index[layer.index.duplicated()][0]
        raise BadParameterError(f"{what}: uid {twice} occurs more than once. Each row needs its own.")


def _unsound(geometry: BaseGeometry | None) -> str:
    if geometry is None:
        return "has no geometry"
    if geometry.is_empty:
        return f"has an empty {geometry.geom_type}"
    if not isinstance(geometry, shapely.Point):
        return f"is a {geometry.geom_type}, not a point"
    return f"has the position ({geometry.x}, {geometry.y}), which is not a longitude and a latitude"


# ------------------------------------------------------------------------------------------- distances


def inverse(geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, to_lon: FloatArray, to_lat: FloatArray) -> Inverse:
    """Geodesic distance in metres and starting azimuth between (n,) pairs of points, on all cores.

    The method is Karney's (2013, doi:10.1007/s00190-012-0578-z), exact to about 15 nanometres. Where both
    points are the same there is no direction and the azimuth is NaN.
    """
    distance, azimuth = np.empty(lon.size), np.empty(lon.size)

    def kernel(part: slice) -> None:
        distance[part], azimuth[part] = inverse_chunk(geod, lon[part], lat[part], to_lon[part], to_lat[part])

    in_chunks(kernel, lon.size)
    return Inverse(distance, azimuth)


def inverse_chunk(
    geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, to_lon: FloatArray, to_lat: FloatArray
) -> Inverse:
    """Do the work of `inverse` on one thread."""
    azimuth, _, distance = geod.inv(lon, lat, to_lon, to_lat)
    azimuth[azimuth < 0] += 360.0
    azimuth[azimuth >= 360.0] = 0.0
    azimuth[distance == 0] = np.nan
    return Inverse(distance, azimuth)


SHORT_M = 40_000.0
"""Chord up to which `short_inverse` is used."""

_SHORT_LATITUDE = 80.0


def short_inverse(
    geod: pyproj.Geod,
    points: tuple[FloatArray, FloatArray, FloatArray],
    to: tuple[FloatArray, FloatArray, FloatArray],
    chord: FloatArray,
) -> Inverse:
    """Do the work of `inverse_chunk` where chords are known, several times as fast for short ones.

    Parameters
    ----------
    points, to : (n,) longitudes, (n,) latitudes, (n, 3) geocentric coordinates
    chord : (n,) metres between them

    Notes
    -----
    An arc with curvature κ at its middle is c + κ²c³/24 + 3κ⁴c⁵/640 + … long (Taylor series of chord and arc). The
    curvature of a geodesic is that of the normal section, cos²α/M + sin²α/N (Euler), α its azimuth at the middle
    latitude. For chords up to 40 km and latitudes up to 80° this is within 10 nanometres of Karney's result, which is
    what either owes to rounding, and the azimuth of the normal section, taken for that of the geodesic, is within
    10⁻⁵ degrees. All other pairs, and those on both sides of the antimeridian, are given to Karney's method.
    """
    (lon, lat, xyz), (to_lon, to_lat, to_xyz) = points, to
    d_lon, d_lat = to_lon - lon, to_lat - lat
    middle = np.radians(lat + 0.5 * d_lat)
    sin_middle = np.sin(middle)
    w = 1.0 - geod.es * sin_middle * sin_middle
    normal = geod.a / np.sqrt(w)
    meridian = normal * (1.0 - geod.es) / w
    north2 = (meridian * d_lat) ** 2
    east2 = (normal * np.cos(middle) * d_lon) ** 2
    curvature = (north2 / meridian + east2 / normal) / np.maximum(north2 + east2, 1e-300)
    bend = (curvature * chord) ** 2
    distance = chord * (1.0 + bend * (1.0 / 24.0 + bend * (3.0 / 640.0)))

    step = to_xyz - xyz
    x, y, z = xyz.T
    off_axis = np.hypot(x, y)
    # The tangent plane at the start: its normal is (x, y, z / (1 − e²)), so no angle is needed.
    up = z / (1.0 - geod.es)
    east = x * step[:, 1] - y * step[:, 0]
    out = x * step[:, 0] + y * step[:, 1]
    azimuth = np.degrees(np.arctan2(east * np.hypot(off_axis, up), off_axis**2 * step[:, 2] - up * out))
    azimuth[azimuth < 0] += 360.0
    azimuth[azimuth >= 360.0] = 0.0

    far = np.flatnonzero((chord > SHORT_M) | (chord < 1.0) | (np.abs(lat) > _SHORT_LATITUDE) | (np.abs(d_lon) > 90.0))
    if far.size:
        distance[far], azimuth[far] = inverse_chunk(geod, lon[far], lat[far], to_lon[far], to_lat[far])
    return Inverse(distance, azimuth)


def geocentric(geod: pyproj.Geod, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Geocentric coordinates in metres, (n, 3), of points on the ellipsoid."""
    xyz = np.empty((lon.size, 3))
    phi, lam = np.radians(lat), np.radians(lon)
    sin_phi, cos_phi = np.sin(phi), np.cos(phi)
    normal = geod.a / np.sqrt(1.0 - geod.es * sin_phi * sin_phi)
    in_plane = normal * cos_phi
    xyz[:, 0] = in_plane * np.cos(lam)
    xyz[:, 1] = in_plane * np.sin(lam)
    xyz[:, 2] = normal * (1.0 - geod.es) * sin_phi
    return xyz


CHORD_NOISE_M = 1e-6
"""More than the rounding of a chord between two points in float64 geocentric coordinates."""

_CONVEX_CHORD_M = 1.2e7


def _curvature_radii(geod: pyproj.Geod) -> tuple[float, float]:
    """Smallest and largest radius of curvature of the ellipsoid, metres."""
    radii = (geod.b**2 / geod.a, geod.a**2 / geod.b, geod.a)
    return min(radii), max(radii)


def half_meridian_m(geod: pyproj.Geod) -> float:
    """Geodesic distance between the poles in metres; no two points of an oblate ellipsoid are further apart."""
    return float(geod.inv(0.0, 90.0, 0.0, -90.0)[2])


def geodesic_bounds(geod: pyproj.Geod, chord: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Least and greatest geodesic distance that two points with a given chord can have, metres.

    Notes
    -----
    With r ≤ R the extreme radii of curvature, 2R·asin(c/2R) ≤ s ≤ 2r·asin(c/2r).

    Left: the ellipsoid lies inside the ball of radius R that touches it at any of its points (Blaschke), so the
    chord from the start of a geodesic makes an angle with the surface whose sine is at least c/2R; thus
    dc/ds ≤ √(1 − (c/2R)²), which integrates to the bound. Right: Schur's comparison theorem, since a geodesic is
    nowhere more curved than 1/r; it needs s ≤ πr, so for chords over 12,000 km the half meridian stands in.
    """
    least, most = _curvature_radii(geod)
    near = np.maximum(chord - CHORD_NOISE_M, 0.0)
    far = chord + CHORD_NOISE_M
    lower = 2.0 * most * np.arcsin(np.minimum(near / (2.0 * most), 1.0))
    upper = 2.0 * least * np.arcsin(np.minimum(far / (2.0 * least), 1.0))
    return lower, np.where(far <= _CONVEX_CHORD_M, upper, half_meridian_m(geod) + 1.0)


def chord_bounds(geod: pyproj.Geod, distance_m: float) -> ChordBounds:
    """Chords that decide by themselves whether a geodesic distance is kept (`geodesic_bounds`, inverted)."""
    least, _ = _curvature_radii(geod)
    inside = min(2.0 * least * np.sin(min(distance_m / (2.0 * least), pi / 2)), _CONVEX_CHORD_M)
    return ChordBounds(float(inside) - CHORD_NOISE_M, float(longest_chord(geod, np.array([distance_m]))[0]))


def longest_chord(geod: pyproj.Geod, distance_m: FloatArray) -> FloatArray:
    """Longest chord that points at (n,) geodesic distances can have, metres; the left bound of `geodesic_bounds`."""
    _, most = _curvature_radii(geod)
    return np.asarray(2.0 * most * np.sin(np.minimum(distance_m / (2.0 * most), pi / 2)) + CHORD_NOISE_M)


# ----------------------------------------------------------------------------------------------- areas


def area_km2(geod: pyproj.Geod, geometries: NDArray[np.object_]) -> FloatArray:
    """Geodesic area of polygons in lon, lat, in km²; (n,) in, (n,) out.

    Edges are geodesics between the vertices. The area of a geometry that is missing or empty is 0, whatever
    way its rings run. Rings that span more than 90° of longitude are cut at multiples of 90° first, so that
    a polygon may enclose a pole or cover the earth, provided that it stays within ±180°.
    """
    parts, owner = shapely.get_parts(geometries, return_index=True)
    west, _, east, _ = shapely.bounds(parts).T
    wide = np.flatnonzero(east - west > 90.0)
    for part in wide:
        edges = np.arange(np.floor(west[part] / 90.0), np.ceil(east[part] / 90.0)) * 90.0
        strips = shapely.intersection(
            parts[part],
            shapely.box(edges, np.full(edges.size, -90.0), edges + 90.0, np.full(edges.size, 90.0)),
        )
        parts = np.append(parts, shapely.get_parts(strips))
        owner = np.append(owner, np.full(parts.size - owner.size, owner[part]))
    keep = np.ones(parts.size, dtype=bool)
    keep[wide] = False
    keep &= shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    parts, owner = parts[keep], owner[keep]

    areas = np.zeros(len(geometries))
    rings, of_part = shapely.get_rings(parts, return_index=True)
    first = np.ones(of_part.size, dtype=bool)
    first[1:] = of_part[1:] != of_part[:-1]
    coordinates, of_ring = shapely.get_coordinates(rings, return_index=True)
    ends = np.searchsorted(of_ring, np.arange(rings.size + 1))
    for ring in range(rings.size):
        lon, lat = coordinates[ends[ring] : ends[ring + 1]].T
        area = abs(geod.polygon_area_perimeter(lon, lat)[0])
        areas[owner[of_part[ring]]] += area if first[ring] else -area
    return areas / 1e6
