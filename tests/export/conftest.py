from __future__ import annotations

import uuid
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

HOSTILE = [
    "=cmd|' /C calc'!A0",
    "<script>alert(1)</script>",
    '逗号,"引号"\n第二行',
    "+86 电话",
    "-5",
    "@SUM(A1)",
    "\t制表符",
    "'已有撇号",
    "尾矿库" * 100,
    "普通名称",
    "＝全角",
    "A & B ]]> <b>",
]


def _uids(count: int, seed: int) -> pd.Index[Any]:
    bits = np.random.default_rng(seed)
    return pd.Index([str(uuid.UUID(bytes=bits.bytes(16), version=4)) for _ in range(count)], name="uid")


def _points(count: int, seed: int) -> gpd.GeoSeries:
    random = np.random.default_rng(seed)
    return gpd.GeoSeries.from_xy(random.uniform(75, 130, count), random.uniform(20, 50, count), crs="EPSG:4490")


@pytest.fixture
def ponds() -> gpd.GeoDataFrame:
    count = len(HOSTILE)
    uids = _uids(count, 1)
    return gpd.GeoDataFrame(
        {
            "kind": "tailings_pond",
            "code": pd.Series([f"WK{at:03d}" for at in range(count)], dtype="str"),
            "name": pd.Series(HOSTILE, dtype="str"),
            "status": pd.Series(["in_use", None, *["closed"] * (count - 2)], dtype="str"),
            "ownerless": pd.array([True, None, *[False] * (count - 2)], dtype="boolean"),
            "supervision_level": pd.array([1, 2, 3, None, *[3] * (count - 4)], dtype="Int64"),
            "dam_height_m": [31.25, np.nan, *np.linspace(1, 99, count - 2)],
            "storage_m3": [1 / 3, *np.linspace(1e4, 1e8, count - 1)],
            "design_storage_m3": np.linspace(1e5, 1e9, count),
            "design_height_m": np.linspace(10, 100, count),
            "extra": pd.Series(['{"坝型": "上游式", "n": [1, 2]}', *[None] * (count - 1)], dtype="str"),
            "annual_t": np.linspace(0, 1e6, count),
            "stock_t": np.linspace(0, 1e8, count),
            "waste_codes": pd.Series(["SW05;SW59"] * count, dtype="str"),
        },
        geometry=_points(count, 1).to_numpy(),
        crs="EPSG:4490",
    ).set_index(uids)


@pytest.fixture
def heaps() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "kind": "gangue_heap",
            "name": pd.Series(["一号矸石山", "二号矸石山", "三号矸石山"], dtype="str"),
            "area_m2": [1.5, 2.5, np.nan],
            "burning": pd.Series(["none", "burning", None], dtype="str"),
            "waste_codes": pd.Series(["SW04"] * 3, dtype="str"),
        },
        geometry=_points(3, 2).to_numpy(),
        crs="EPSG:4490",
    ).set_index(_uids(3, 2))


@pytest.fixture
def plants() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "kind": "utilization_plant",
            "name": pd.Series(["制砖厂", "水泥厂"], dtype="str"),
            "opened_year": pd.array([1999, None], dtype="Int64"),
            "capacity_t_per_year": [1e6, 2.5e6],
            "waste_codes": pd.Series(["SW04;SW05", "SW05"], dtype="str"),
        },
        geometry=_points(2, 3).to_numpy(),
        crs="EPSG:4490",
    ).set_index(_uids(2, 3))


@pytest.fixture
def regions() -> gpd.GeoDataFrame:
    square = shapely.box(100, 30, 101, 31)
    return gpd.GeoDataFrame(
        {
            "code": ["130000", "140000"],
            "level": "province",
            "name": ["河北省", "山西省"],
            "area_km2": [1.0, 2.0],
        },
        geometry=[
            square,
            shapely.MultiPolygon([shapely.box(110, 30, 111, 31), shapely.box(112, 30, 113, 31)]),
        ],
        crs="EPSG:4490",
    )


@pytest.fixture
def layers(ponds: Any, heaps: Any, plants: Any, regions: Any) -> dict[str, Any]:
    return {"tailings_pond": ponds, "gangue_heap": heaps, "utilization_plant": plants, "region": regions}


@pytest.fixture
def concentration() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "region_code": ["130000", "140000"],
            "region_name": ["=河北", "山西"],
            "sites": [5, 7],
            "share": [0.4, 0.6],
        }
    )


@pytest.fixture
def named_ponds() -> gpd.GeoDataFrame:
    """A pond of every level and one of none, far enough apart for their names to find room."""
    return gpd.GeoDataFrame(
        {
            "uid": [f"0000000{at}-0000-4000-8000-000000000000" for at in range(4)],
            "kind": "tailings_pond",
            "code": ["A-1", "A-2", None, None],
            "name": ["甲", "乙", "丙", "丁"],
            "name_en": ["First", "Second", "Third", None],
            "status": ["in_use", None, "closed", "in_use"],
            "ownerless": pd.array([None, True, False, None], dtype="boolean"),
            "supervision_level": pd.array([1, 2, 3, None], dtype="Int64"),
            "dam_class": pd.array([None, 4, 5, 1], dtype="Int64"),
            "dam_height_m": [31.25, 1 / 3, None, 35.2],
            "storage_m3": [1e11 / 3, None, 1e-7, 1589600.1234567],
        },
        geometry=shapely.points([(110, 30), (110.02, 30), (110.04, 30), (110.06, 30)]),
        crs="EPSG:4490",
    ).set_index("uid")
