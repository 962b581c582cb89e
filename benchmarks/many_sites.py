"""As many sites as one likes, with all attributes, in the likeness of the demo's: for maps that must carry a million."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPREAD_DEG = 0.12
_AMOUNTS = {"storage_m3": 100, "design_storage_m3": 100, "annual_t": 1, "stock_t": 100, "area_m2": 10}
_HEIGHTS = ("dam_height_m", "design_height_m", "height_m")
_DRAWN = ("status", "supervision_level", "mineral")
_NOT_SHOWN = ("extra", "source_id", "warnings")


def many_sites(sites: gpd.GeoDataFrame, count: int, *, seed: int = 1) -> gpd.GeoDataFrame:
    """Copies of a demo's sites around the originals, each with a uid, a code, names and amounts of its own.

    Parameters
    ----------
    sites : the demo's sites as ``Registry.sites`` gives them
    count : sites wanted
    """
    chance = np.random.default_rng(seed)
    taken = chance.integers(len(sites), size=count)
    made = pd.DataFrame(sites.drop(columns=["geometry", *_NOT_SHOWN])).iloc[taken].reset_index(drop=True)
    # As registers number them: one after the other within a province.
    number = made.groupby(["kind", "province_code"], sort=False).cumcount().add(1).astype(str).str.zfill(6)
    for column in ("code", "name", "name_en"):
        made[column] = made[column].str.replace(r"\d+$", "", regex=True) + number
    made["operator"] = made["operator"] + chance.integers(10, size=count).astype(str)
    # Copies of one site need not share its state: drawn anew within a province, so that every combination occurs.
    groups = made.groupby(["kind", "province_code"], sort=False)
    for column in _DRAWN:
        made[column] = groups[column].transform(lambda held: held.to_numpy()[chance.permutation(len(held))])
    for column, step in _AMOUNTS.items():
        made[column] = (made[column] * chance.lognormal(0.0, 0.5, size=count) / step).round() * step
    for column in _HEIGHTS:
        made[column] = (made[column] * chance.uniform(0.8, 1.2, size=count)).round(1)
    lng = sites.geometry.x.to_numpy()[taken] + chance.normal(0.0, _SPREAD_DEG, size=count)
    lat = sites.geometry.y.to_numpy()[taken] + chance.normal(0.0, _SPREAD_DEG, size=count)
    made.index = pd.Index(_uids(chance, count), name="uid")
    return gpd.GeoDataFrame(made, geometry=gpd.points_from_xy(lng, lat), crs=sites.crs)


def _uids(chance: np.random.Generator, count: int) -> list[str]:
    drawn: NDArray[np.uint8] = chance.integers(256, size=(count, 16), dtype=np.uint8)
    return [str(uuid.UUID(bytes=row.tobytes(), version=4)) for row in drawn]
