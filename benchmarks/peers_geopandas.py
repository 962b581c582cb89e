"""GeoPandas as a contender: planar, on copies in an Albers projection wherever there are metres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from contest import Contender, Prepared
from scene import ALBERS, CIRCLE_M, CIRCLE_VERTICES, CRS, RADII_KM, Scene, numbered, provinces

if TYPE_CHECKING:
    from collections.abc import Callable


def province(scene: Scene) -> Prepared:
    return _province(scene, "intersects")


def province_within(scene: Scene) -> Prepared:
    return _province(scene, "within")


def _province(scene: Scene, predicate: str) -> Prepared:
    sites, layer = scene.site_layer(), provinces()

    def answer(joined: Any) -> dict[str, pd.DataFrame]:
        held = joined[joined["code"].notna()]
        table = {"site": sites.index.get_indexer(held.index), "code": held["code"].astype("str").to_numpy()}
        return {"province": pd.DataFrame(table)}

    return Prepared(lambda: gpd.sjoin(sites, layer, how="left", predicate=predicate), answer)


def nearest(scene: Scene) -> Prepared:
    return _nearest(scene, counted=False)


def nearest_projection_counted(scene: Scene) -> Prepared:
    return _nearest(scene, counted=True)


def _nearest(scene: Scene, *, counted: bool) -> Prepared:
    layers = scene.site_layer(), scene.plant_layer()
    flat = tuple(layer.to_crs(ALBERS) for layer in layers)

    def ask() -> object:
        sites, plants = (layer.to_crs(ALBERS) for layer in layers) if counted else flat
        return gpd.sjoin_nearest(sites, plants, distance_col="distance_m")

    def answer(joined: Any) -> dict[str, pd.DataFrame]:
        table = {
            "site": layers[0].index.get_indexer(joined.index),
            "plant": layers[1].index.get_indexer(joined["uid_right" if "uid_right" in joined else "uid"]),
            "distance_m": joined["distance_m"].to_numpy(),
        }
        return {"nearest": pd.DataFrame(table)}

    return Prepared(ask, answer)


def covered(scene: Scene) -> Prepared:
    sites = numbered(scene.site_layer(), "site").to_crs(ALBERS)
    plants = numbered(scene.plant_layer(), "plant").to_crs(ALBERS)

    def ask() -> object:
        per_plant, per_site = [], []
        for radius in RADII_KM:
            pairs = gpd.sjoin(sites, plants, predicate="dwithin", distance=radius * 1_000.0)
            by_plant = pairs.groupby("plant")["annual_t"].agg(["size", "sum"]).reset_index()
            by_plant.columns = ["plant", "sites", "annual_t"]
            per_plant.append(by_plant.assign(radius_km=float(radius)))
            by_site = pairs.groupby("site").size().rename("plants").reset_index()
            per_site.append(by_site.assign(radius_km=float(radius)))
        return pd.concat(per_plant, ignore_index=True), pd.concat(per_site, ignore_index=True)

    return Prepared(ask, lambda given: dict(zip(("per_plant", "per_site"), given, strict=True)))


def union(scene: Scene) -> Prepared:
    return _union(scene, 16)


def union_fine(scene: Scene) -> Prepared:
    return _union(scene, CIRCLE_VERTICES // 4)


def _union(scene: Scene, segments: int) -> Prepared:
    plants = scene.plant_layer().to_crs(ALBERS).geometry

    def answer(shape: Any) -> dict[str, pd.DataFrame]:
        low, high = _true_radii(plants, segments)
        # The projection keeps areas, so the planar area of the union is that on the ellipsoid.
        table = {"area_km2": [shape.area / 1e6], "vertices": shapely.get_num_coordinates(shape)}
        return {"union": pd.DataFrame(table).assign(least_radius_m=low, most_radius_m=high)}

    return Prepared(lambda: plants.buffer(CIRCLE_M, quad_segs=segments).union_all(), answer)


def _true_radii(flat: gpd.GeoSeries, segments: int) -> tuple[float, float]:
    """The least and the greatest geodesic distance of the vertices of planar circles from their centres, metres."""
    rings = flat.buffer(CIRCLE_M, quad_segs=segments)
    x, y = shapely.get_coordinates(rings.to_numpy()).T
    back: Callable[..., tuple[Any, ...]] = pyproj.Transformer.from_crs(ALBERS, CRS, always_xy=True).transform
    lon, lat = back(x, y)
    from_lon, from_lat = back(flat.x.to_numpy(), flat.y.to_numpy())
    of = np.repeat(np.arange(len(flat)), shapely.get_num_coordinates(rings.to_numpy()))
    distance = pyproj.Geod(ellps="WGS84").inv(from_lon[of], from_lat[of], lon, lat)[2]
    return float(distance.min()), float(distance.max())


_WHO = "geopandas"
CONTENDERS = (
    Contender("province", _WHO, "GeoPandas `sjoin`, as it is by default", province, slow="sites"),
    Contender("province", _WHO, 'GeoPandas `sjoin(predicate="within")`', province_within),
    Contender("nearest", _WHO, "GeoPandas `sjoin_nearest`, planar, projected beforehand", nearest),
    Contender("nearest", _WHO, "GeoPandas `to_crs` and `sjoin_nearest`, planar", nearest_projection_counted),
    Contender(
        "coverage", _WHO, 'GeoPandas `sjoin(predicate="dwithin")`, planar, projected beforehand', covered, slow="plants"
    ),
    Contender("union", _WHO, "GeoPandas `buffer` (64 vertices, its default) and `union_all`, planar", union),
    Contender("union", _WHO, f"GeoPandas `buffer` ({CIRCLE_VERTICES} vertices) and `union_all`, planar", union_fine),
)
