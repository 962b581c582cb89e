"""The union of many circles, of which few make its outline."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely
from scipy.spatial import cKDTree

from registry.services import geodesy
from registry.services.kernels import bands
from registry.services.kernels.bands import Bands, runs_near
from registry.services.kernels.circles import WORLD, circles, polygonal
from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

_DIRECTIONS = 360

_MARGIN = 2e-3
"""By how much of its radius a circle must hold another's outline to be sure of it: more than its polygon differs from the
circle (1.5 parts in 10,000, and what a straight line of longitude and latitude does to an edge), and a spherical triangle
from one on the ellipsoid."""

_REACHES = (0.4, 1.0)
"""How far, in radii, circles that may hide another are looked for: first the near ones."""

_WIDEST_M = 1_000_000.0
_HIGHEST_DEG = 85.0
"""Up to here the margin is enough; wider circles, and those that reach higher, are all drawn and hide nothing."""


def union_of_circles(
    geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, radius_m: float | FloatArray
) -> shapely.MultiPolygon:
    """Unite the polygons that `circles.circles` gives, without drawing those whose outline others hide.

    Parameters
    ----------
    geod : the ellipsoid
    lon, lat : (m,) centres, degrees
    radius_m : geodesic radius, metres, up to the half meridian; or (m,), one for each, where 0 is no circle

    Notes
    -----
    A circle whose whole outline lies inside others adds nothing to the outline of the union. Once all circles with any
    outline of their own are united, a part of the map outside this union meets no outline of the whole one, so it lies
    in it altogether or not at all, and one point of the part tells which.
    """
    radii = np.broadcast_to(np.asarray(radius_m, dtype=np.float64), lon.shape)
    there = radii > 0
    rows = np.column_stack([lon[there], lat[there], radii[there]])
    if not len(rows):
        return shapely.MultiPolygon()
    x, y, radii = (np.ascontiguousarray(column) for column in np.unique(rows, axis=0).T)
    hidden = _hidden(geod, x, y, radii)
    shown = polygonal(shapely.union_all(_drawn(geod, (x, y, radii), np.flatnonzero(~hidden))))
    if hidden.any():
        rest = shapely.get_parts(shapely.difference(WORLD, shown))
        gaps = shapely.MultiPolygon(list(rest[~_filled(geod, (x, y, radii), rest)]))
        shown = polygonal(shapely.difference(WORLD, gaps))
    return shapely.MultiPolygon(list(shapely.get_parts(shown)))


def _drawn(geod: pyproj.Geod, places: tuple[FloatArray, FloatArray, FloatArray], rows: IntArray) -> NDArray[np.object_]:
    x, y, radii = (values[rows] for values in places)
    polygons: NDArray[np.object_] = np.empty(rows.size, dtype=object)
    for radius in np.unique(radii):
        same = radii == radius
        polygons[same] = circles(geod, x[same], y[same], float(radius))
    return polygons


def _hidden(geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, radii: FloatArray) -> NDArray[np.bool_]:
    """Whether the outline of each circle surely lies inside others."""
    mean = (2.0 * geod.a + geod.b) / 3.0
    sound = (radii <= _WIDEST_M) & (np.abs(lat) + np.degrees(radii / geod.b) <= _HIGHEST_DEG)
    hidden = np.zeros(lon.size, np.bool_)
    if not sound.any():
        return hidden
    # Near ones hide most and are few; those further away than a radius hide less than 120° and are not asked.
    for share in _REACHES:
        index = bands.index(geod, lon, lat, share * float(radii[sound].max()))
        _look(index, (lon, lat), (radii / mean, sound), (mean, geod.es), hidden)
    return hidden


def _look(
    index: Bands, places: tuple[FloatArray, FloatArray], sizes: tuple[FloatArray, NDArray[np.bool_]],
    shape: tuple[float, float], hidden: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Search for circles that those of the index hide, on all cores."""
    order = index.order
    lon, lat = (values[order] for values in places)
    angle, sound = sizes[0][order], sizes[1][order]
    found = hidden[order]

    def kernel(part: slice) -> None:
        runs = np.empty((bands.most_runs(index), 2), np.intp)
        _search(part.start, part.stop, index, (lon, lat), (angle, sound), shape, runs, found)

    geodesy.in_chunks(kernel, lon.size, 1_024)
    hidden[order] = found


@compiled
def _half_angle(distance: float, low: float, high: float, reach: float) -> float:
    """Tell up to which angle from the direction of another circle the outline surely lies inside it; negative: nowhere.

    Triangles are spherical: cos reach = cos d cos r + sin d sin r cos θ, r any distance of the outline from low to high.
    """
    if distance + high <= reach:
        return np.pi
    if distance + reach <= high or distance >= reach + low:
        return -1.0
    # A circle is convex: what lies between two points of it lies in it.
    far = (np.cos(reach) - np.cos(distance) * np.cos(high)) / (np.sin(distance) * np.sin(high))
    near = (np.cos(reach) - np.cos(distance) * np.cos(low)) / (np.sin(distance) * np.sin(low))
    worst = max(far, near)
    return np.arccos(max(worst, -1.0)) if worst < 1.0 else -1.0


@compiled
def _mark(inside: NDArray[np.bool_], towards: float, half: float) -> int:
    """Mark the pieces of an outline that lie within half an angle of a direction; how many were not marked before."""
    piece = 2.0 * np.pi / inside.size
    first = int(np.ceil((towards - half) / piece))
    last = min(int(np.floor((towards + half) / piece)), first + inside.size)
    new = 0
    for step in range(first, last):
        if not inside[step % inside.size]:
            inside[step % inside.size] = True
            new += 1
    return new


@compiled
def _search(
    start: int, stop: int, index: Bands, places: tuple[FloatArray, FloatArray],
    sizes: tuple[FloatArray, NDArray[np.bool_]], shape: tuple[float, float], runs: IntArray, hidden: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Tell for the circles from start to stop whether every piece of their outline lies inside one other circle."""
    angle, sound = sizes
    mean, es = shape
    inside = np.empty(_DIRECTIONS, np.bool_)
    for row in range(start, stop):
        if hidden[row] or not sound[row]:
            continue
        inside[:] = False
        missing = _DIRECTIONS
        x, y, z = index.xyz[row]
        off_axis, up = np.hypot(x, y), z / (1.0 - es)
        low, high = angle[row] * (1.0 - _MARGIN), angle[row] * (1.0 + _MARGIN)
        found = runs_near(index, places[0][row], places[1][row], index.xyz[row], runs)
        for run in range(found):
            for other in range(runs[run, 0], runs[run, 1]):
                if missing == 0:
                    break
                if other == row or not sound[other]:
                    continue
                dx, dy, dz = index.xyz[other] - index.xyz[row]
                distance = 2.0 * np.arcsin(min(np.sqrt(dx * dx + dy * dy + dz * dz) / (2.0 * mean), 1.0))
                half = _half_angle(distance, low, high, angle[other] * (1.0 - _MARGIN))
                if half > 0.0:
                    east = (x * dy - y * dx) * np.hypot(off_axis, up)
                    towards = np.arctan2(east, off_axis * off_axis * dz - up * (x * dx + y * dy))
                    missing -= _mark(inside, towards, half)
        hidden[row] = missing == 0


def _filled(
    geod: pyproj.Geod, places: tuple[FloatArray, FloatArray, FloatArray], parts: NDArray[np.object_]
) -> NDArray[np.bool_]:
    """Whether a circle covers each part of the map, of which it covers all or nothing."""
    x, y, radii = places
    points = shapely.point_on_surface(parts)
    at = geodesy.geocentric(geod, shapely.get_x(points), shapely.get_y(points))
    tree = cKDTree(geodesy.geocentric(geod, x, y))
    filled = np.zeros(len(parts), np.bool_)
    for number, near in enumerate(tree.query_ball_point(at, float(radii.max()) * (1.0 + _MARGIN))):
        rows = np.asarray(near, dtype=np.intp)
        # The deeper in a circle the point lies, the likelier its polygon holds it: the first try is mostly the last.
        depth = radii[rows] * (1.0 + _MARGIN) - np.linalg.norm(tree.data[rows] - at[number], axis=1)
        candidates = rows[np.argsort(-depth)][: np.count_nonzero(depth >= 0)]
        filled[number] = any(
            shapely.intersects(_drawn(geod, places, row)[0], points[number]) for row in candidates[:, None]
        )
    return filled
