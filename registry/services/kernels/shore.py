"""The region that a point just outside every region belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from registry.services.geodesy import in_chunks, inverse_chunk
from registry.services.kernels.region_grid import OUTSIDE, edges_of

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

_RUN = 32
"""Edges that share one box in the tree."""

_CHUNK = 4_096
_SIFT = 1.3
"""How much longer than the shortest an edge's planar distance may be for the geodesic to be asked."""


_NEWTON_STEPS = 6


def nearest_region(
    geod: pyproj.Geod, polygons: NDArray[np.object_], lon: FloatArray, lat: FloatArray, tolerance_m: float
) -> IntArray:
    """Return for (n,) points outside all polygons the nearest one within a geodesic distance, or `OUTSIDE`.

    Equally near polygons (to 10 nanometres) go to the first in order, as on a shared boundary.

    Notes
    -----
    Edges near a point are sifted by distance in a plane about it; on those that remain, the point nearest to it is
    found by Newton's steps along the edge with the geodesic's own distance and azimuth.
    """
    ends, owner = edges_of(polygons)
    rows = np.full(lon.size, OUTSIDE, dtype=np.intp)
    if owner.size == 0 or lon.size == 0:
        return rows
    # Runs of consecutive edges, none across two polygons.
    change = np.flatnonzero(np.diff(owner, prepend=owner[0] - 1))
    starts = np.unique(np.concatenate([change, np.arange(0, owner.size, _RUN)]))
    stops = np.append(starts[1:], owner.size)
    low_x, low_y = (np.minimum.reduceat(np.minimum(ends[i], ends[i + 2]), starts) for i in (0, 1))
    high_x, high_y = (np.maximum.reduceat(np.maximum(ends[i], ends[i + 2]), starts) for i in (0, 1))
    tree = shapely.STRtree(shapely.box(low_x, low_y, high_x, high_y))
    up = np.degrees(tolerance_m / (geod.b**2 / geod.a)) * 1.001

    def kernel(part: slice) -> None:
        x, y = lon[part], lat[part]
        highest = np.minimum(np.abs(y) + up, 89.999)
        across = np.where(np.abs(y) + up >= 89.999, 360.0, up / np.cos(np.radians(highest)) * 1.001)
        boxes = [shapely.box(x + turn - across, y - up, x + turn + across, y + up) for turn in (-360.0, 0.0, 360.0)]
        found = [tree.query(box) for box in boxes]
        point = np.concatenate([pairs[0] for pairs in found])
        run = np.concatenate([pairs[1] for pairs in found])
        turn = np.repeat([-360.0, 0.0, 360.0], [pairs.shape[1] for pairs in found])
        counts = stops[run] - starts[run]
        offsets = np.cumsum(counts) - counts
        pair = np.repeat(np.arange(run.size), counts)
        edge = np.arange(pair.size) - offsets[pair] + starts[run][pair]
        rows[part] = _nearest_by_edges(geod, (x, y), (point[pair], turn[pair]), ends[:, edge], owner[edge], tolerance_m)

    in_chunks(kernel, lon.size, _CHUNK)
    return rows


def _nearest_by_edges(
    geod: pyproj.Geod,
    points: tuple[FloatArray, FloatArray],
    candidate: tuple[IntArray, FloatArray],
    ends: FloatArray,
    owner: IntArray,
    tolerance_m: float,
) -> IntArray:
    """Decide among (point, edge) candidates."""
    rows = np.full(points[0].size, OUTSIDE, dtype=np.intp)
    point, turn = candidate
    if point.size == 0:
        return rows
    x, y = points[0][point] + turn, points[1][point]
    shrink = np.cos(np.radians(y))
    ax, ay = (ends[0] - x) * shrink, ends[1] - y
    dx, dy = (ends[2] - ends[0]) * shrink, ends[3] - ends[1]
    length = dx * dx + dy * dy
    at = np.clip(-(ax * dx + ay * dy) / np.where(length > 0, length, 1.0), 0.0, 1.0)
    up = ay + at * dy
    # At the latitude halfway to the foot, a degree of longitude is what it is on the way there.
    planar = np.hypot((ax + at * dx) / shrink * np.cos(np.radians(y + up / 2.0)), up)
    best = np.full(rows.size, np.inf)
    np.minimum.at(best, point, planar)
    keep = planar <= best[point] * _SIFT + 1e-9
    x, y, at, point, owner = x[keep], y[keep], at[keep], point[keep], owner[keep]
    from_x, from_y, to_x, to_y = ends[:, keep]
    distance = np.full(x.size, np.inf)
    for _ in range(_NEWTON_STEPS):
        foot_x, foot_y = from_x + at * (to_x - from_x), from_y + at * (to_y - from_y)
        reach, azimuth = _inverse(geod, foot_x, foot_y, x, y)
        distance = np.minimum(distance, reach)
        length, heading = _course(geod, foot_y, to_x - from_x, to_y - from_y)
        along = reach * np.cos(np.radians(azimuth) - heading)
        at = np.clip(at + along / np.where(length > 0, length, np.inf), 0.0, 1.0)
    near = np.full(rows.size, np.inf)
    np.minimum.at(near, point, distance)
    wins = (distance <= near[point] + 1e-8) & (distance <= tolerance_m)
    first = np.full(rows.size, np.iinfo(np.intp).max)
    np.minimum.at(first, point[wins], owner[wins])
    found = first < np.iinfo(np.intp).max
    rows[found] = first[found]
    return rows


def _course(geod: pyproj.Geod, lat: FloatArray, d_lon: FloatArray, d_lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return metres for a step of degrees at a latitude, and its azimuth in radians."""
    w = 1.0 - geod.es * np.sin(np.radians(lat)) ** 2
    east = np.radians(d_lon) * np.cos(np.radians(lat)) * geod.a / np.sqrt(w)
    north = np.radians(d_lat) * geod.a * (1.0 - geod.es) / w**1.5
    return np.hypot(east, north), np.arctan2(east, north)


def _inverse(
    geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, to_lon: FloatArray, to_lat: FloatArray
) -> tuple[FloatArray, FloatArray]:
    distance, azimuth = inverse_chunk(geod, lon, lat, to_lon, to_lat)
    return distance, np.nan_to_num(azimuth)
