"""SedonaDB as a contender: its geometry is planar, its geography a sphere."""

from __future__ import annotations

import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contest import Contender, Prepared
from peers_duckdb import unfolded
from scene import ALBERS, RADII_KM, Scene, numbered, provinces

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

_GEOGRAPHY = "ST_GeogFromWKB(ST_AsBinary(geometry))"


def _connect(**layers: gpd.GeoDataFrame) -> Any:
    """A context with the layers as views in memory, in parts so that both cores read them."""
    context = import_module("sedonadb").connect()
    with tempfile.TemporaryDirectory() as folder:
        for name, layer in layers.items():
            file = Path(folder) / f"{name}.parquet"
            layer.to_parquet(file, row_group_size=100_000)
            context.read_parquet(str(file)).to_memtable().to_view(name)
    return context


def _table(given: Any) -> pd.DataFrame:
    return given.to_pandas()


def province(scene: Scene) -> Prepared:
    context = _connect(sites=numbered(scene.site_layer(), "site"), provinces=provinces())
    query = "SELECT s.site, p.code FROM sites s JOIN provinces p ON ST_Contains(p.geometry, s.geometry)"
    return Prepared(lambda: context.sql(query).to_arrow_table(), lambda given: {"province": _table(given)})


def nearest_planar(scene: Scene) -> Prepared:
    layers = numbered(scene.site_layer(), "site"), numbered(scene.plant_layer(), "plant")
    return _nearest(*(layer.to_crs(ALBERS) for layer in layers), sphere="FALSE", point="{}.geometry")


def nearest_sphere(scene: Scene) -> Prepared:
    layers = numbered(scene.site_layer(), "site"), numbered(scene.plant_layer(), "plant")
    return _nearest(*layers, sphere="TRUE", point=_GEOGRAPHY.replace("geometry", "{}.geometry"))


def _nearest(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, *, sphere: str, point: str) -> Prepared:
    context = _connect(sites=sites, plants=plants)
    query = (
        f"SELECT s.site, p.plant, ST_Distance({point.format('s')}, {point.format('p')}) AS distance_m "
        f"FROM sites s JOIN plants p ON ST_KNN(s.geometry, p.geometry, 1, {sphere})"
    )
    return Prepared(lambda: context.sql(query).to_arrow_table(), lambda given: {"nearest": _table(given)})


def covered(scene: Scene) -> Prepared:
    context = _connect(sites=numbered(scene.site_layer(), "site"), plants=numbered(scene.plant_layer(), "plant"))
    context.sql(f"SELECT site, annual_t, {_GEOGRAPHY} AS geog FROM sites").to_memtable().to_view("site_points")
    context.sql(f"SELECT plant, {_GEOGRAPHY} AS geog FROM plants").to_memtable().to_view("plant_points")
    within = ", ".join(
        f"count(*) FILTER (WHERE d <= {r * 1_000}) AS n_{r}, sum(annual_t) FILTER (WHERE d <= {r * 1_000}) AS t_{r}"
        for r in RADII_KM
    )
    query = (
        f"SELECT plant, site, {within} FROM ("
        "SELECT s.site, p.plant, s.annual_t, ST_Distance(s.geog, p.geog) AS d FROM site_points s "
        f"JOIN plant_points p ON ST_DWithin(s.geog, p.geog, {max(RADII_KM) * 1_000}.0)"
        ") AS pairs GROUP BY GROUPING SETS ((plant), (site))"
    )
    return Prepared(lambda: context.sql(query).to_arrow_table(), lambda given: unfolded(_table(given)))


_WHO = "sedonadb"
CONTENDERS = (
    Contender("province", _WHO, "SedonaDB `ST_Contains` join", province, needs=_WHO),
    Contender("nearest", _WHO, "SedonaDB `ST_KNN`, planar, projected beforehand", nearest_planar, needs=_WHO),
    Contender("nearest", _WHO, "SedonaDB `ST_KNN`, sphere", nearest_sphere, slow="sites", needs=_WHO),
    Contender("coverage", _WHO, "SedonaDB `ST_DWithin` on geography, sphere", covered, needs=_WHO),
)
