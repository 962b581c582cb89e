"""The curves that points, lines and polygons of a layer draw on the ellipsoid, and the point on one nearest to a place.

An edge between two vertices is what GIS software and GeoJSON (RFC 7946, section 3.1.1) say it is: a straight segment
in longitude and latitude, λ(t) = λ₀ + t·(λ₁ − λ₀) and φ(t) likewise. That is neither a geodesic nor a rhumb line: a
parallel stays a parallel, and an edge from 179° to −179° runs 358° the long way round. What crosses the antimeridian
is therefore cut there (RFC 7946, section 3.1.9) or has longitudes beyond ±180°; both are understood.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from registry.errors import BadParameterError, EmptyLayerError
from registry.services import geodesy

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

_LONGEST_M = 10_000.0
_MOST_TURN = 0.02
"""Radians that a piece of an edge may turn in space, so that its chord is a good stand-in."""

_STEPS = 60
_CLOSE_M = 1e-7
"""A step along an edge that changes a distance by less than its rounding."""

_SPLIT = 16
_FAR_M = 5e6
"""Beyond this a distance along an edge need not have one minimum only."""

_FLAT_M = 1e-4


class Pieces(NamedTuple):
    """The edges of a layer, cut short enough to be nearly straight in space; a point is a piece of no length.

    Attributes
    ----------
    ends : (4, p) longitude and latitude of the start and of the end, degrees
    owner : (p,) row of the geometry that each piece belongs to
    start, step : (p, 3) geocentric start, and the chord from there to the end, metres
    middle : (p, 3) geocentric position at t = ½
    bend_m : (p,) metres that the piece is at most away from its chord
    turn : (p,) radians that it turns at most
    length_m : (p,) metres that it is at most long, at any speed of t
    """

    ends: FloatArray
    owner: IntArray
    start: FloatArray
    step: FloatArray
    middle: FloatArray
    bend_m: FloatArray
    turn: FloatArray
    length_m: FloatArray


class Nearest(NamedTuple):
    """Nearest points on pieces: geodesic metres, azimuth at the place towards it (NaN at no distance), and position."""

    distance_m: FloatArray
    azimuth_deg: FloatArray
    lon: FloatArray
    lat: FloatArray


# ---------------------------------------------------------------------------------------------- layers


def simple_parts(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], IntArray]:
    """Return the points, lines and polygons that geometries consist of, and the row of each; polygons are valid."""
    parts, owner = geometries, np.arange(len(geometries))
    for mend in (True, False):
        while (shapely.get_type_id(parts) > shapely.GeometryType.POLYGON).any():
            parts, of = shapely.get_parts(parts, return_index=True)
            owner = owner[of]
        if mend:
            parts = parts.copy()
            areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
            wrong = np.flatnonzero(areal & ~shapely.is_valid(parts))
            parts[wrong] = shapely.make_valid(parts[wrong])
    full = ~shapely.is_empty(parts)
    return parts[full], owner[full]


def check_geometries(geometries: NDArray[np.object_], names: object, what: str) -> None:
    """Check that there is something to measure against.

    Raises
    ------
    EmptyLayerError : there is no geometry at all.
    BadParameterError : one is missing or empty, or has a vertex that is no longitude and latitude.
    """
    if len(geometries) == 0:
        raise EmptyLayerError(f"{what}: there is none, so nothing can be near. Give a layer with at least one feature.")
    name = np.asarray(names, dtype=object)
    blank = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    if blank.any():
        raise BadParameterError(f"{what}: {name[int(np.argmax(blank))]} has no geometry or an empty one. Drop it.")
    xy, of = shapely.get_coordinates(geometries, return_index=True)
    sound = (np.abs(xy[:, 1]) <= 90.0) & (np.abs(xy[:, 0]) <= 540.0)
    if not sound.all():
        at = int(np.argmin(sound))
        raise BadParameterError(
            f"{what}: {name[of[at]]} has a vertex ({xy[at, 0]}, {xy[at, 1]}), which is not a longitude and a latitude. "
            "Mend it or give the layer its right CRS."
        )


def pieces_of(geod: pyproj.Geod, parts: NDArray[np.object_], owner: IntArray) -> Pieces:
    """Cut the edges of simple parts (see `simple_parts`) into pieces.

    Notes
    -----
    Pieces are at most as long as the mean edge, which at most doubles their number, and 10 km; they turn by at most
    0.02. The turn of a curve
    straight in λ and φ is at most that of the local frame, |Δλ| + |Δφ|, and that of its azimuth α within it,
    |sin 2α tan φ Δφ| / 2 ≤ |Δλ|, each but for the flattening. A curve of length l that turns by τ is never further
    from its chord than the isosceles triangle of that perimeter, l/2 · sin(τ/2) ≤ l·τ/4.
    """
    ends, owner = _edges(parts, owner)
    length, turn = _size(geod, ends)
    limit = min(float(length.mean()), _LONGEST_M) or _LONGEST_M
    count = np.maximum(np.ceil(np.maximum(length / limit, turn / _MOST_TURN)), 1.0).astype(np.intp)
    if (count > 1).any():
        edge = np.repeat(np.arange(owner.size), count)
        number = np.arange(edge.size) - (np.cumsum(count) - count)[edge]
        first, last = number / count[edge], (number + 1) / count[edge]
        ends = np.concatenate([_at(ends[:, edge], first), _at(ends[:, edge], last)])
        owner = owner[edge]
        length, turn = _size(geod, ends)
    half = np.full(owner.size, 0.5)
    start = geodesy.geocentric(geod, ends[0], ends[1])
    return Pieces(
        ends=ends,
        owner=owner,
        start=start,
        step=geodesy.geocentric(geod, ends[2], ends[3]) - start,
        middle=geodesy.geocentric(geod, *_at(ends, half)),
        bend_m=length * turn / 4.0 + geodesy.CHORD_NOISE_M,
        turn=turn,
        length_m=length,
    )


def _edges(parts: NDArray[np.object_], owner: IntArray) -> tuple[FloatArray, IntArray]:
    kind = shapely.get_type_id(parts)
    areal = kind == shapely.GeometryType.POLYGON
    rings, of_part = shapely.get_rings(parts[areal], return_index=True)
    linear = (kind == shapely.GeometryType.LINESTRING) | (kind == shapely.GeometryType.LINEARRING)
    lines = np.concatenate([parts[linear], rings])
    of_line = np.concatenate([owner[linear], owner[areal][of_part]])
    xy, line = shapely.get_coordinates(lines, return_index=True)
    same = line[1:] == line[:-1]
    single = kind == shapely.GeometryType.POINT
    at = shapely.get_coordinates(parts[single])
    ends = np.hstack([np.vstack([xy[:-1][same], at]), np.vstack([xy[1:][same], at])]).T
    return np.ascontiguousarray(ends), np.concatenate([of_line[line[:-1][same]], owner[single]])


def _at(ends: FloatArray, t: FloatArray) -> FloatArray:
    """Position at t, (2, n); in this form exactly the vertices at 0 and 1, so that features that share one tie."""
    return np.asarray((1.0 - t) * ends[:2] + t * ends[2:])


def _size(geod: pyproj.Geod, ends: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Bounds for the length in metres, at the greatest speed on the way, and for the turn in radians."""
    d_lon, d_lat = np.radians(np.abs(ends[2] - ends[0])), np.radians(np.abs(ends[3] - ends[1]))
    lowest = np.where(ends[1] * ends[3] <= 0, 0.0, np.minimum(np.abs(ends[1]), np.abs(ends[3])))
    radius = max(geod.a**2 / geod.b, geod.a)
    length = radius * np.hypot(np.cos(np.radians(lowest)) * d_lon, d_lat)
    return np.asarray(length), np.asarray(2.05 * d_lon + 1.05 * d_lat)


# ------------------------------------------------------------------------------------------- distances


def chord_foot(pieces: Pieces, piece: IntArray, xyz: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return for (n,) pieces and (n, 3) places the t nearest on the piece's chord, and the chord metres to there."""
    step, gap = pieces.step[piece], xyz - pieces.start[piece]
    square = np.einsum("ij,ij->i", step, step)
    along = np.einsum("ij,ij->i", step, gap)
    t = np.clip(np.divide(along, square, out=np.zeros_like(along), where=square > 0), 0.0, 1.0)
    gap -= t[:, None] * step
    return t, np.sqrt(np.einsum("ij,ij->i", gap, gap))


def nearest_on_pieces(
    geod: pyproj.Geod, pieces: Pieces, piece: IntArray, place: tuple[FloatArray, FloatArray], t: FloatArray
) -> Nearest:
    """Find the nearest point of (n,) pieces to (n,) places.

    Parameters
    ----------
    place : (n,) longitudes and (n,) latitudes
    t : (n,) where to start, from `chord_foot`

    Notes
    -----
    The least of d(t), Karney's geodesic (2013) to the point at t, is the zero of its derivative −v·cos θ, θ being the
    angle between the edge and the geodesic. Secant steps on R·sin(d/R)·cos θ, which in the plane is linear in t, kept
    within a bracket, end when they are shorter than 0.1 µm. Where d is beyond a quarter of a meridian's half, or not
    short against the radius of the edge's own curve, d(t) can have two minima: there each of 16 parts is asked.
    """
    best = _least(geod, pieces.ends[:, piece], place, t, (np.zeros(t.size), np.ones(t.size)))
    ends = pieces.ends[:, piece]
    highest = np.minimum(np.maximum(np.abs(ends[1]), np.abs(ends[3])), 90.0 - 1e-9)
    curved = best.distance_m * np.tan(np.radians(highest)) > 0.3 * geod.b
    curved &= pieces.turn[piece] ** 2 * pieces.length_m[piece] > _FLAT_M
    doubtful = np.flatnonzero((curved | (best.distance_m > _FAR_M)) & (pieces.length_m[piece] > 0))
    for number in range(_SPLIT if doubtful.size else 0):
        low = np.full(doubtful.size, number / _SPLIT)
        high = low + 1.0 / _SPLIT
        other = _least(geod, ends[:, doubtful], (place[0][doubtful], place[1][doubtful]), high, (low, high))
        wins = other.distance_m < best.distance_m[doubtful]
        for mine, new in zip(best, other, strict=True):
            mine[doubtful[wins]] = new[wins]
    azimuth = best.azimuth_deg
    azimuth[azimuth < 0] += 360.0
    azimuth[azimuth >= 360.0] = 0.0
    azimuth[best.distance_m == 0] = np.nan
    beyond = np.abs(best.lon) > 180.0
    best.lon[beyond] -= 360.0 * np.round(best.lon[beyond] / 360.0)
    return best


def _least(
    geod: pyproj.Geod,
    ends: FloatArray,
    place: tuple[FloatArray, FloatArray],
    t: FloatArray,
    within: tuple[FloatArray, FloatArray],
) -> Nearest:
    """Find a least distance on t within ``within``; see `nearest_on_pieces`."""
    n = t.size
    best = Nearest(np.full(n, np.inf), np.empty(n), np.empty(n), np.empty(n))
    # `low` and `high` close in on the zero; `known` says whether they have been asked.
    low, high = within[0].copy(), within[1].copy()
    low_known, high_known = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    before, before_slope = np.full(n, np.nan), np.full(n, np.nan)
    t = np.clip(t, low, high)
    left = np.arange(n)
    for _ in range(_STEPS):
        if left.size == 0:
            break
        here, edge = t[left], ends[:, left]
        lon, lat = _at(edge, here)
        ahead, back, distance = geod.inv(place[0][left], place[1][left], lon, lat)
        wins = distance < best.distance_m[left]
        for mine, new in zip(best, (distance, ahead, lon, lat), strict=True):
            mine[left[wins]] = new[wins]
        speed, heading = _course(geod, lat, edge[2] - edge[0], edge[3] - edge[1])
        arc = distance / geod.b
        slope = -geod.b * np.sin(np.minimum(arc, np.pi)) * np.cos(np.radians(back) - heading)
        falls = slope < 0
        low[left[falls]], low_known[left[falls]] = here[falls], True
        high[left[~falls]], high_known[left[~falls]] = here[~falls], True

        with np.errstate(divide="ignore", invalid="ignore"):
            secant = slope * (here - before[left]) / (slope - before_slope[left])
            first = slope / (speed * np.maximum(np.cos(np.minimum(arc, 1.2)), 0.1))
        first = np.nan_to_num(first, nan=0.0, posinf=2.0, neginf=-2.0)
        following = here - np.where(np.isfinite(secant), secant, first)
        below, above = following <= low[left], following >= high[left]
        middle = 0.5 * (low[left] + high[left])
        following = np.where(below, np.where(low_known[left], middle, low[left]), following)
        following = np.where(above, np.where(high_known[left], middle, high[left]), following)
        done = (distance == 0) | (np.abs(following - here) * speed < _CLOSE_M)
        done |= (high[left] - low[left]) * speed < _CLOSE_M
        before[left], before_slope[left] = here, slope
        t[left] = following
        left = left[~done]
    return best


def _course(geod: pyproj.Geod, lat: FloatArray, d_lon: FloatArray, d_lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return metres for the whole of t at a latitude, and the azimuth of an edge there in radians."""
    phi = np.radians(lat)
    w = 1.0 - geod.es * np.sin(phi) ** 2
    east = np.radians(d_lon) * np.cos(phi) * geod.a / np.sqrt(w)
    north = np.radians(d_lat) * geod.a * (1.0 - geod.es) / w**1.5
    return np.hypot(east, north), np.arctan2(east, north)
