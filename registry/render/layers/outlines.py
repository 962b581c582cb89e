"""Areas made small for a page: fewer points, shared borders kept shared, and whole numbers for coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from registry.render.packing.block import Packed, coordinate_column, integer_column

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

REGION_TOLERANCE_DEG = 0.01
AREA_TOLERANCE_DEG = 0.01
_DECIMALS = 4  # of a degree: 11 m, below a pixel until zoom 14


def simplify_regions(geometry: NDArray[np.object_], tolerance_deg: float = REGION_TOLERANCE_DEG) -> NDArray[np.object_]:
    """Regions with fewer points whose common borders still meet; where they overlap, each for itself."""
    sound = np.where(shapely.is_valid(geometry), geometry, shapely.make_valid(geometry))
    polygons = np.array([_areas_of(shape) for shape in sound], dtype=object)
    if shapely.coverage_is_valid(polygons):
        return np.asarray(shapely.coverage_simplify(polygons, tolerance_deg), dtype=object)
    return simplify_areas(polygons, tolerance_deg)


def simplify_areas(geometry: NDArray[np.object_], tolerance_deg: float = AREA_TOLERANCE_DEG) -> NDArray[np.object_]:
    """Areas that share no borders, with fewer points."""
    return np.asarray(shapely.simplify(geometry, tolerance_deg), dtype=object)


def _areas_of(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygons of a geometry that `make_valid` may have mixed with lines."""
    if isinstance(shape, (shapely.Polygon, shapely.MultiPolygon)):
        return shape
    parts = [part for part in shapely.get_parts(shape) if isinstance(part, (shapely.Polygon, shapely.MultiPolygon))]
    return shapely.union_all(parts)


def ring_tables(geometry: Iterable[shapely.Geometry]) -> dict[str, tuple[int, list[Packed]]]:
    """The tables ``rings`` (feature, length in points) and ``points`` (lng, lat) of polygons in degrees."""
    polygons, polygon_feature = shapely.get_parts(np.asarray(list(geometry), dtype=object), return_index=True)
    rings, ring_polygon = shapely.get_rings(polygons, return_index=True)
    coordinates, point_ring = shapely.get_coordinates(rings, return_index=True)
    lengths = np.bincount(point_ring, minlength=len(rings)).astype(np.int64)
    features = polygon_feature[ring_polygon].astype(np.int64) if len(rings) else np.zeros(0, dtype=np.int64)
    return {
        "rings": (
            len(rings),
            [integer_column("feature", features, delta=True), integer_column("length", lengths)],
        ),
        "points": (
            len(coordinates),
            [
                coordinate_column("lng", coordinates[:, 0], _DECIMALS),
                coordinate_column("lat", coordinates[:, 1], _DECIMALS),
            ],
        ),
    }


def label_points(geometry: NDArray[np.object_], tolerance: float = 0.05) -> NDArray[np.float64]:
    """(n, 2) of a place well inside the largest part of every region, for its name; tolerance in its own units."""
    points = np.empty((len(geometry), 2))
    for row, shape in enumerate(geometry):
        parts = [part for part in shapely.get_parts(shape) if isinstance(part, shapely.Polygon)]
        if not parts:
            points[row] = (0.0, 0.0)
            continue
        largest = max(parts, key=lambda part: part.area)
        circle = shapely.maximum_inscribed_circle(largest, tolerance=tolerance)
        points[row] = shapely.get_coordinates(circle)[0]
    return points
