"""The registry's services as contenders."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely
from contest import Contender, Prepared
from scene import CIRCLE_M, RADII_KM, Scene, provinces

from registry.services import coverage, geodesy, proximity, regions
from registry.services.kernels import circle_union

if TYPE_CHECKING:
    import geopandas as gpd


def province(scene: Scene) -> Prepared:
    sites, layer = scene.site_layer(), provinces()

    def answer(codes: Any) -> dict[str, pd.DataFrame]:
        held = codes.notna().to_numpy()
        return {"province": pd.DataFrame({"site": np.flatnonzero(held), "code": codes[held].astype("str").to_numpy()})}

    return Prepared(lambda: regions.locate(sites, layer), answer)


def nearest(scene: Scene) -> Prepared:
    sites, plants = scene.site_layer(), scene.plant_layer()

    def answer(table: Any) -> dict[str, pd.DataFrame]:
        return {
            "nearest": pd.DataFrame(
                {
                    "site": sites.index.get_indexer(table["site_uid"]),
                    "plant": plants.index.get_indexer(table["plant_uid"]),
                    "distance_m": table["distance_m"].to_numpy(),
                }
            )
        }

    return Prepared(lambda: proximity.nearest_plants(sites, plants, same_material=False), answer)


def covered(scene: Scene) -> Prepared:
    sites, plants = scene.site_layer(), scene.plant_layer()

    def answer(result: Any) -> dict[str, pd.DataFrame]:
        return {
            "per_plant": _rows(result.per_plant, "plant", plants, ["radius_km", "sites", "annual_t"]),
            "per_site": _rows(result.per_site, "site", sites, ["radius_km", "plants"]),
        }

    def ask() -> object:
        return coverage.within_radius(sites, plants, RADII_KM, same_material=False, areas=False)

    return Prepared(ask, answer)


def union(scene: Scene) -> Prepared:
    plants = scene.plant_layer()
    geod = geodesy.ellipsoid(plants.crs)
    lon, lat = plants.geometry.x.to_numpy(), plants.geometry.y.to_numpy()

    def answer(shape: Any) -> dict[str, pd.DataFrame]:
        area = geodesy.area_km2(geod, np.array([shape], dtype=object))
        return {"union": pd.DataFrame({"area_km2": area, "vertices": shapely.get_num_coordinates(shape)})}

    return Prepared(lambda: circle_union.union_of_circles(geod, lon, lat, CIRCLE_M), answer)


def _rows(table: pd.DataFrame, name: str, layer: gpd.GeoDataFrame, columns: list[str]) -> pd.DataFrame:
    """The table with row numbers for uids."""
    return table[columns].assign(**{name: layer.index.get_indexer(table[f"{name}_uid"])})


CONTENDERS = (
    Contender("province", "ours", "`regions.locate`", province),
    Contender("nearest", "ours", "`proximity.nearest_plants`", nearest),
    Contender("coverage", "ours", "`coverage.within_radius`", covered),
    Contender("union", "ours", "`circle_union.union_of_circles`", union),
)
