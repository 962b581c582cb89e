"""Circles on the ellipsoid as polygons in lon, lat."""

from __future__ import annotations

from math import acos, cos, pi, sqrt, tan
from typing import TYPE_CHECKING

import numpy as np
import shapely

from registry.services.geodesy import CIRCLE_VERTICES, half_meridian_m, in_chunks

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from registry.services.geodesy import FloatArray

WORLD = shapely.box(-180.0, -90.0, 180.0, 90.0)
FINE_VERTICES = 3_600
"""Vertices of a circle that comes near a pole."""

_PLANAR_RADIUS_M = 10_000.0
_WIDE_STEP = 10.0


def vertex_radius(geod: pyproj.Geod, radius_m: float, vertices: int = CIRCLE_VERTICES) -> float:
    """Distance of a circle polygon's vertices from its centre such that its area is that of the circle, metres.

    A polygon inscribed in the circle would be too small, by 2 parts in 10,000 at 180 vertices. On a sphere the
    regular polygon with geodesic edges whose area equals that of the cap of angular radius ρ₀ has its vertices
    at ρ with cos ρ = tan(cos ρ₀ · π/V) / tan(π/V) (Girard's theorem on its V isosceles triangles). Vertices lie
    up to 1.5 parts in 10,000 of the radius outside the true circle and the middles of the edges as far inside it.
    """
    step = pi / vertices
    if radius_m < _PLANAR_RADIUS_M:
        return radius_m * sqrt(2.0 * step / np.sin(2.0 * step))
    mean = (2.0 * geod.a + geod.b) / 3.0
    return mean * acos(tan(cos(radius_m / mean) * step) / tan(step)) if radius_m < pi * mean else radius_m


def circles(
    geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, radius_m: float, vertices: int = CIRCLE_VERTICES
) -> NDArray[np.object_]:
    """Geodesic circles as valid polygons within ±180° and ±90°.

    Parameters
    ----------
    geod : the ellipsoid
    lon, lat : (n,) centres, degrees
    radius_m : geodesic radius, metres, up to the half meridian
    vertices : vertices of each polygon, at equal steps of azimuth, a multiple of 4

    Returns
    -------
    (n,) Polygon or MultiPolygon. One that crosses the antimeridian is cut there; one that holds a pole runs along
    the edge of the map; one that holds both is the map without the surroundings of the antipode.

    Notes
    -----
    The vertices lie at `vertex_radius`, so the geodesic area is that of the circle (better than 1 part in 10⁴
    for radii up to 1,000 km). Within about 100 km of the half meridian, geodesics cross before they end and the
    ring has no meaning of its own: there the circle is the whole earth.
    """
    azimuth = np.arange(vertices) * (360.0 / vertices)
    reach = vertex_radius(geod, radius_m, vertices)
    if reach > half_meridian_m(geod) - 101_000.0:
        return np.full(lon.size, WORLD, dtype=object)
    centre = np.where(np.abs(lon) > 180.0, np.mod(lon + 180.0, 360.0) - 180.0, lon)
    ring = np.empty((lon.size, vertices, 2))

    def kernel(part: slice) -> None:
        n = centre[part].size * vertices
        x, y, _ = geod.fwd(
            np.repeat(centre[part], vertices),
            np.repeat(lat[part], vertices),
            np.tile(azimuth, centre[part].size),
            np.full(n, reach),
        )
        ring[part, :, 0] = x.reshape(-1, vertices)
        ring[part, :, 1] = y.reshape(-1, vertices)

    in_chunks(kernel, lon.size, 256)

    # Longitudes made continuous along each ring; what is left over at the closing says whether it winds round a pole.
    step = np.diff(ring[:, :, 0], axis=1, append=ring[:, :1, 0])
    step -= 360.0 * np.round(step / 360.0)
    winding = np.abs(step.sum(axis=1)) > 180.0
    ring[:, 1:, 0] = ring[:, :1, 0] + np.cumsum(step[:, :-1], axis=1)
    # Near a pole a straight line of longitude and latitude is no shortest way: more vertices there.
    coarse = np.flatnonzero(np.abs(step).max(axis=1) > _WIDE_STEP) if vertices < FINE_VERTICES else np.empty(0, int)
    both_poles = ~winding & (reach > half_meridian_m(geod) / 2.0) & _holds_both_poles(geod, lat, reach)
    outside = (ring[:, :, 0].min(axis=1) < -180.0) | (ring[:, :, 0].max(axis=1) > 180.0)

    polygons: NDArray[np.object_] = np.empty(lon.size, dtype=object)
    plain = ~(winding | both_poles | outside)
    odd = ~plain
    odd[coarse] = False
    polygons[plain] = shapely.polygons(ring[plain])
    for row in np.flatnonzero(odd):
        if winding[row]:
            polygons[row] = _over_pole(ring[row], step[row].sum(), 90.0 if lat[row] >= 0 else -90.0)
        else:
            polygons[row] = wrapped(shapely.make_valid(shapely.Polygon(ring[row])))
            if both_poles[row]:
                polygons[row] = WORLD.difference(polygons[row])
    if coarse.size:
        polygons[coarse] = circles(geod, centre[coarse], lat[coarse], radius_m, FINE_VERTICES)
    bad = np.flatnonzero(~shapely.is_valid(polygons))
    polygons[bad] = shapely.buffer(shapely.make_valid(polygons[bad]), 0.0)
    return polygons


def _holds_both_poles(geod: pyproj.Geod, lat: FloatArray, reach: float) -> NDArray[np.bool_]:
    zero = np.zeros(lat.size)
    to_pole = geod.inv(zero, lat, zero, np.where(lat >= 0, -90.0, 90.0))[2]
    return np.asarray(to_pole < reach)


def _over_pole(ring: FloatArray, turn: float, pole: float) -> BaseGeometry:
    """Return the polygon of a ring that winds once round a pole, closed along the edge of the map."""
    end = ring[0] + (np.copysign(360.0, turn), 0.0)
    caps = np.array([[end[0], pole], [ring[0, 0], pole]])
    return wrapped(shapely.make_valid(shapely.Polygon(np.vstack([ring, end, caps]))))


def wrapped(geometry: BaseGeometry) -> BaseGeometry:
    """Bring a geometry whose longitudes run past ±180° back, cut at the antimeridian; polygons only."""
    west, _, east, _ = geometry.bounds
    turns = np.arange(np.floor((west + 180.0) / 360.0), np.ceil((east + 180.0) / 360.0))
    moved = [shapely.intersection(_shifted(geometry, -360.0 * turn), WORLD) for turn in turns]
    return polygonal(shapely.union_all(moved))


def _shifted(geometry: BaseGeometry, degrees: float) -> BaseGeometry:
    """Move a geometry along the parallels."""
    return shapely.transform(geometry, lambda lonlat: lonlat + np.array([degrees, 0.0]))


def polygonal(geometry: BaseGeometry) -> BaseGeometry:
    """Drop the points and lines of a geometry, which have no area."""
    if geometry.geom_type in {"Polygon", "MultiPolygon"}:
        return geometry
    parts = shapely.get_parts(shapely.get_parts(geometry))
    return shapely.union_all(parts[shapely.get_type_id(parts) == shapely.GeometryType.POLYGON])
