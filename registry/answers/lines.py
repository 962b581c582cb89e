"""Results as lines from one place to another, for a layer format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

if TYPE_CHECKING:
    import pandas as pd


def between(table: pd.DataFrame, start: gpd.GeoSeries, end: gpd.GeoSeries) -> gpd.GeoDataFrame:
    """Rows as straight lines; their ends say where, not the course.

    Parameters
    ----------
    start, end : (n,) points in the order of the rows, in one CRS

    Notes
    -----
    Lines take the short way round: one over the antimeridian goes beyond ±180°.
    """
    (lon, lat), (to_lon, to_lat) = ((ends.x.to_numpy(float), ends.y.to_numpy(float)) for ends in (start, end))
    to_lon = to_lon + 360.0 * np.round((lon - to_lon) / 360.0)
    shape = np.stack([np.column_stack([lon, lat]), np.column_stack([to_lon, to_lat])], axis=1)
    return gpd.GeoDataFrame(table, geometry=shapely.linestrings(shape), crs=start.crs)
