"""Regions into a store, and the region codes of the sites that lie in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import shapely
from sqlalchemy import delete

from registry.model.tables import Region, table_of
from registry.store.backend import backend_of

if TYPE_CHECKING:
    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry
    from sqlalchemy import Connection, Table

_COLUMNS = ["code", "level", "name", "name_en", "parent_code", "area_km2"]


def replace_level(connection: Connection, level: str, regions: gpd.GeoDataFrame, *, srid: int) -> None:
    """Make ``regions`` (valid polygons with code, name, area_km2 …) the regions of a level."""
    table = table_of(Region)
    connection.execute(delete(table).where(table.c.level == level))
    rows = pd.DataFrame(
        {name: regions.get(name) for name in _COLUMNS if name != "level"},
        index=regions.index,
    ).assign(level=level, geom=pd.Series(_multi(regions), index=regions.index, dtype=object))
    backend_of(connection).insert(connection, table, rows, srid=srid)


def set_region_codes(connection: Connection, table: Table, codes: pd.DataFrame, *, srid: int) -> None:
    """Set ``province_code, city_code, county_code, warnings`` (those given) in the rows with the same ``id``."""
    backend_of(connection).update(connection, table, codes, srid=srid)


def _multi(regions: gpd.GeoDataFrame) -> list[BaseGeometry]:
    return [g if g.geom_type == "MultiPolygon" else shapely.MultiPolygon([g]) for g in regions.geometry]
