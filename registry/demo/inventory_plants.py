"""The utilization plants of the demo inventory: invented ones near the waste, and those named in public."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj

from registry import reference
from registry.demo.inventory_places import scatter
from registry.demo.inventory_sites import basin_names, generator, identify, members
from registry.demo.inventory_tonnage import PLANTS, at_least_one
from registry.errors import BadParameterError
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    from registry.demo.inventory_places import Atlas

# Product, accepted waste, share among plants: assumptions of the project.
_LINES = (
    ("建筑骨料 aggregate", "SW05;SW04;SW01", 0.26),
    ("烧结砖 fired brick", "SW04;SW02", 0.22),
    ("加气混凝土 aerated concrete", "SW05;SW02", 0.14),
    ("水泥 cement", "SW05;SW01;SW02;SW06", 0.12),
    ("充填材料 mine backfill", "SW05;SW04", 0.1),
    ("矿渣微粉 ground slag", "SW01", 0.08),
    ("土壤改良剂 soil conditioner", "SW05;SW07", 0.04),
    ("有价金属 recovered metal", "SW05;SW01;HW48", 0.04),
)
_GRS80 = pyproj.Geod(ellps="GRS80")


def _counts(sites: pd.DataFrame, number: int) -> pd.Series[int]:
    """Plants by province: more where there is more waste, but less than in proportion."""
    tonnes = sites.groupby("province")["annual_t"].sum()
    return pd.Series(at_least_one(number, np.sqrt(tonnes.to_numpy())), index=tonnes.index)


def _lines(sites: pd.DataFrame, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) lines of a province's plants, those that take more of its waste being likelier."""
    tonnes = sites.groupby("waste_code")["annual_t"].sum()
    share = tonnes / tonnes.sum()
    local = np.array([sum(share.get(code, 0.0) for code in takes.split(";")) for _, takes, _ in _LINES])
    chance = np.array([weight for _, _, weight in _LINES]) * (0.05 + local)
    return rng.choice(len(_LINES), size=n, p=chance / chance.sum())


def plants(atlas: Atlas, sites: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Invented plants and, at the end, the three that are named in public.

    Parameters
    ----------
    sites : all sites with ``province, lon, lat, waste_code, annual_t``; a plant stands some
        tens of kilometres from one.
    """
    kind = Kind.UTILIZATION_PLANT
    rng = generator(seed, kind)
    named = _named(atlas)
    counts = _counts(sites, PLANTS - len(named))
    codes = np.repeat(counts.index.to_numpy(dtype=object), counts.to_numpy())
    frame = pd.DataFrame({"province": codes})
    frame["number"] = frame.groupby("province").cumcount() + 1
    frame = identify(frame, kind, atlas, rng)
    n = len(frame)
    lon_lat, line = np.empty((n, 2)), np.empty(n, dtype=np.int64)
    positions = sites[["lon", "lat"]].to_numpy()
    rows_of_sites = dict(members(sites, "province"))
    for code, rows in members(frame, "province"):
        own = generator(seed, kind, int(code))
        near = rows_of_sites[code]
        line[rows] = _lines(sites.take(near), len(rows), own)
        centres = positions[own.choice(near, size=len(rows))]
        lon_lat[rows] = scatter(own, atlas.grounds[code], centres, own.uniform(8, 45, len(rows)))
    frame = frame.assign(
        lon=lon_lat[:, 0],
        lat=lon_lat[:, 1],
        products=[_LINES[at][0] for at in line],
        waste_code=[_LINES[at][1] for at in line],
        capacity_t_per_year=np.clip(np.round(rng.lognormal(np.log(5e5), 0.9, n), -4), 3e4, 1.2e7),
        opened_year=rng.integers(2004, 2025, n),
        status=np.where(rng.random(n) < 0.92, "in_use", "idle"),
    )
    frame["address"] = atlas.addresses(frame).to_numpy() + "（合成位置）"
    together = pd.concat([frame, named], ignore_index=True)
    in_river = atlas.in_yellow_river(together["lon"].to_numpy(), together["lat"].to_numpy())
    return together.assign(
        basin=basin_names(in_river),
        opened_year=together["opened_year"].astype("Int64"),
        status=together["status"].astype("str"),
    )


def _region_of(atlas: Atlas, code: str) -> Any:
    """The polygon of a county, else of its city, else of its province: the smallest there is a layer for."""
    for layer, key in ((atlas.counties, code), (atlas.cities, code[:4] + "00")):
        if layer is not None and key in set(layer["code"]):
            return _polygon(layer, key)
    return atlas.grounds[code[:2] + "0000"].polygon


def _polygon(layer: gpd.GeoDataFrame, code: str) -> Any:
    return layer.geometry[layer["code"] == code].iloc[0]


def _named(atlas: Atlas) -> pd.DataFrame:
    """The plants of ``gis_data/named_plants.csv``: real names, at a point inside the published place.

    The accuracy of the position is the radius of a circle of the place's geodesic area, √(area / π).
    """
    rows = []
    for number, plant in enumerate(reference.table("named_plants").to_dict("records"), start=1):
        code = str(plant["place_code"])
        region = _region_of(atlas, code)
        ground = atlas.grounds[code[:2] + "0000"]
        point = region.representative_point()
        lon, lat = round(point.x, 6), round(point.y, 6)
        if not ground.holds(np.array([lon]), np.array([lat]))[0]:
            raise BadParameterError(f"{plant['place']}: its polygon does not lie inside {ground.name}.")
        ground.taken.add((lon, lat))
        area_m2 = abs(_GRS80.geometry_area_perimeter(region)[0])
        note = {
            "synthetic": False,
            "note": "公开报道的企业 named in public; its position is a point inside the published place",
            "place": plant["place"],
            "source": plant["source"],
            "place_source": plant["place_source"],
            "remark": plant["note"],
        }
        rows.append(
            {
                "province": ground.code,
                "code": f"PUBLIC-UP-{code}-{number:04d}",
                "name": plant["name"],
                "name_en": plant["name_en"],
                "operator": plant["name"],
                "status": None,
                "declared_province": ground.name,
                "address": plant["place"],
                "position_accuracy_m": float(np.round(np.sqrt(area_m2 / np.pi), -2)),
                "products": plant["products"],
                "capacity_t_per_year": plant["capacity_t_per_year"],
                "opened_year": None,
                "waste_code": plant["waste_code"],
                "extra": json.dumps(note, ensure_ascii=False),
                "lon": lon,
                "lat": lat,
            }
        )
    return pd.DataFrame(rows).astype({"opened_year": "Int64"})
