"""The geometries of a layer as one point each, or what is wrong with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from registry.intake.cells.source_table import Points

if TYPE_CHECKING:
    from numpy.typing import NDArray


def points_of(geometries: Any, crs: str | None) -> Points:
    """Coordinates of the points (n,); a multipoint of one is a point."""
    geometries = np.asarray(geometries, dtype=object)
    missing = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    types = shapely.get_type_id(geometries)
    lone = np.isin(types, (shapely.GeometryType.MULTIPOINT, shapely.GeometryType.GEOMETRYCOLLECTION))
    single = lone & (shapely.get_num_geometries(geometries) == 1)
    geometries = np.where(single, shapely.get_geometry(geometries, 0), geometries)
    point = ~missing & (shapely.get_type_id(geometries) == shapely.GeometryType.POINT)
    problem: NDArray[np.object_] = np.full(len(geometries), "", dtype=object)
    problem[missing] = "The feature has no geometry; a site is a point."
    for at in np.flatnonzero(~missing & ~point):
        problem[at] = f"The geometry is a {geometries[at].geom_type}; a site is a point."
    geometries = np.where(point, geometries, None)
    return Points(shapely.get_x(geometries), shapely.get_y(geometries), problem, crs)
