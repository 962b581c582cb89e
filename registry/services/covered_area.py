"""The area that plants cover, split by province, each place once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import shapely

from registry.services import geodesy, regions, tallies
from registry.services.kernels.circles import polygonal

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray


def by_province(areas: GeoDataFrame, provinces: GeoDataFrame) -> pd.DataFrame:
    """Split covered areas by province.

    Parameters
    ----------
    areas : (r,) polygons, column ``radius_km``; those of `coverage.CoverageResult`. Unions, so nothing counts twice
    provinces : (p,) polygons of any level, columns ``code`` and, where it is known, ``name``; invalid ones are made valid
        first, and brought to the CRS of ``areas``. What two of them share belongs to the one that comes first, as in
        `regions.locate`

    Returns
    -------
    ``province_code, province_name, radius_km, area_km2, share_of_province``, a block of rows an area: the provinces in
    their order, then what lies in none of them, with None. Areas are geodesic and add up to that of the whole;
    ``share_of_province`` is of the province's own, NaN where it has none.

    Raises
    ------
    UnknownColumnError : the provinces have no column ``code``.
    BadParameterError : a province is not a polygon.
    CrsError : a layer has no CRS.

    Notes
    -----
    Only provinces through which the edge of an area runs are cut (OverlayNG in GEOS); one that lies inside counts whole.
    Edges are straight in degrees, and their geodesic area is that between the vertices (`geodesy.area_km2`).
    """
    crs = geodesy.layer_crs(areas, "areas")
    geod = geodesy.ellipsoid(crs)
    covered = geodesy.in_geodetic_crs(areas, "areas", crs).geometry.to_numpy()
    polygons = regions.region_polygons(provinces, crs)
    own = geodesy.area_km2(geod, polygons)
    apart = _apart(polygons)
    whole = own if apart is polygons else geodesy.area_km2(geod, apart)
    found = np.zeros((len(covered), len(apart)))
    cut: list[tuple[int, int]] = []
    for number, area in enumerate(covered):
        shapely.prepare(area)
        inside = shapely.covers(area, apart)
        found[number, inside] = whole[inside]
        cut += [(number, int(at)) for at in np.flatnonzero(~inside & shapely.intersects(area, apart))]
        shapely.destroy_prepared(area)

    def kernel(part: slice) -> None:
        for number, at in cut[part]:
            piece = polygonal(shapely.intersection(apart[at], covered[number]))
            found[number, at] = geodesy.area_km2(geod, np.array([piece]))[0]

    geodesy.in_chunks(kernel, len(cut), 1)
    outside = np.maximum(geodesy.area_km2(geod, covered) - found.sum(axis=1), 0.0)
    names = provinces["name"] if "name" in provinces.columns else [None] * len(provinces)
    r = len(covered)
    return pd.DataFrame(
        {
            "province_code": pd.Series([*provinces["code"], None] * r, dtype=object),
            "province_name": pd.Series([*names, None] * r, dtype=object),
            "radius_km": np.repeat(areas["radius_km"].to_numpy(dtype=np.float64), len(provinces) + 1),
            "area_km2": np.column_stack([found, outside]).ravel(),
            "share_of_province": np.column_stack([tallies.share(found, own), np.full(r, np.nan)]).ravel(),
        }
    )


def _apart(polygons: NDArray[np.object_]) -> NDArray[np.object_]:
    """Take from every polygon what those before it have; the array itself where no two overlap."""
    there = np.flatnonzero(~(shapely.is_missing(polygons) | shapely.is_empty(polygons)))
    if shapely.coverage_is_valid(polygons[there]):
        return polygons
    apart = polygons.copy()
    first, second = shapely.STRtree(polygons).query(polygons, predicate="intersects")
    for at in there:
        before = polygons[first[(second == at) & (first < at)]]
        if before.size:
            apart[at] = polygonal(shapely.difference(polygons[at], shapely.union_all(before)))
    return apart
