"""Regions into a store, and the region codes of the sites that lie in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import shapely
from sqlalchemy import delete

from registry.model.geometry import to_gpkg
from registry.model.tables import Region, table_of
from registry.store import bulk, geopackage

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry
    from sqlalchemy import Connection, Table

_COLUMNS = ["code", "level", "name", "name_en", "parent_code", "area_km2"]


def replace_level(connection: Connection, level: str, regions: gpd.GeoDataFrame, *, srs_id: int) -> None:
    """Make ``regions`` (valid polygons with code, name, area_km2 …) the regions of a level."""
    table = table_of(Region)
    connection.execute(delete(table).where(table.c.level == level))
    boxes = regions.geometry.bounds.to_numpy(float)
    rows = pd.DataFrame(
        {name: regions.get(name) for name in _COLUMNS if name != "level"},
        index=regions.index,
    ).assign(level=level)
    blobs = [to_gpkg(geometry, srs_id) for geometry in _multi(regions)]
    rows = rows.assign(
        geom=pd.Series(blobs, index=rows.index, dtype=object),
        west=boxes[:, 0], south=boxes[:, 1], east=boxes[:, 2], north=boxes[:, 3],
    )  # fmt: skip
    bulk.insert(connection, table, rows)
    geopackage.touch(connection, table)


def set_region_codes(connection: Connection, table: Table, codes: pd.DataFrame) -> None:
    """Set ``province_code, city_code, county_code, warnings`` (those given) in the rows with the same ``id``."""
    bulk.update(connection, table, codes)


def _multi(regions: gpd.GeoDataFrame) -> list[BaseGeometry]:
    return [g if g.geom_type == "MultiPolygon" else shapely.MultiPolygon([g]) for g in regions.geometry]
