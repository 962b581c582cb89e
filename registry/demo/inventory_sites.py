"""The sites of the demo inventory: ponds, heaps and smelting sites, with plainly synthetic names.

Sizes are log-normal, ages uniform; every constant below that no published figure tells is an assumption
of the project, chosen so that a map looks like a country and not like noise.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.demo.inventory_places import clustered
from registry.demo.inventory_tonnage import at_least_one, largest_remainder
from registry.model.dam_class import dam_class
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.demo.inventory_places import Atlas
    from registry.demo.inventory_tonnage import Budget

SYNTHETIC_NOTE = "合成示范数据 synthetic demonstration data"
SYNTHETIC_EXTRA = json.dumps({"synthetic": True, "note": SYNTHETIC_NOTE}, ensure_ascii=False)
YELLOW_RIVER = "黄河流域"
STEEL = "钢铁 steel"

_PREFIX = {
    Kind.TAILINGS_POND: ("TP", "示范尾矿库", "Demo pond", "示范矿业"),
    Kind.GANGUE_HEAP: ("GH", "示范矸石堆场", "Demo gangue heap", "示范煤业"),
    Kind.SMELTING_SITE: ("SS", "示范冶炼场地", "Demo smelting site", "示范冶炼"),
    Kind.UTILIZATION_PLANT: ("UP", "示范综合利用企业", "Demo utilization plant", "示范环保建材"),
}

# Tonnes a year of a typical pond relative to an iron pond: copper mines are few and large, gold mines small.
_RELATIVE_SIZE = {"iron": 1.0, "copper": 3.0, "gold": 0.5, "other_metal": 0.4, "non_metal": 0.6}
_POND_STATUS = {"in_use": 0.44, "idle": 0.2, "to_be_closed": 0.06, "closed": 0.28, "reused": 0.02}
_HEAP_STATUS = {"in_use": 0.55, "idle": 0.15, "closed": 0.24, "reused": 0.06}
_SMELTER_STATUS = {"in_use": 0.75, "idle": 0.12, "closed": 0.13}
_BURNING = {"none": 0.86, "smouldering": 0.07, "burning": 0.02, "extinguished": 0.05}
# What makes a pond more likely to have a high level, beside its size.
_MINERAL_RISK = {"iron": 0.0, "copper": 0.3, "gold": 0.5, "other_metal": 0.6, "non_metal": 0.1}
_TAILINGS_T_PER_M3, _GANGUE_T_PER_M3 = 1.5, 1.8
_NONFERROUS = {
    "铜 copper": ("闪速熔炼 flash smelting", 0.35),
    "铅锌 lead and zinc": ("富氧底吹 bottom-blown smelting", 0.45),
    "镍 nickel": ("电炉熔炼 electric furnace smelting", 0.08),
    "锡锑 tin and antimony": ("反射炉 reverberatory furnace", 0.12),
}


def generator(seed: int, kind: Kind, province: int = 0) -> np.random.Generator:
    """The random numbers of one kind in one province: what is drawn elsewhere does not shift them."""
    return np.random.default_rng([seed, list(Kind).index(kind), province])


def _draw(rng: np.random.Generator, shares: dict[str, float], n: int) -> NDArray[np.object_]:
    """(n,) codes drawn with the given probabilities."""
    chances = np.array(list(shares.values()))
    return np.array(list(shares), dtype=object)[rng.choice(len(shares), size=n, p=chances / chances.sum())]


def members(frame: pd.DataFrame, keys: str | list[str]) -> list[tuple[Any, NDArray[np.int64]]]:
    """The row numbers of every group, by the group's key."""
    return [(key, np.asarray(rows, dtype=np.int64)) for key, rows in frame.groupby(keys).indices.items()]


def basin_names(in_river: NDArray[np.bool_]) -> NDArray[np.object_]:
    """(n,) name of the one basin that an outline is at hand for, else None."""
    names = np.full(len(in_river), None, dtype=object)
    names[in_river] = YELLOW_RIVER
    return names


def _rows(counts: pd.Series[int]) -> pd.DataFrame:
    """One row a site: its province's code and its number there, from 1."""
    codes = np.repeat(counts.index.to_numpy(dtype=object), counts.to_numpy())
    frame = pd.DataFrame({"province": codes})
    frame["number"] = frame.groupby("province").cumcount() + 1
    return frame


def identify(frame: pd.DataFrame, kind: Kind, atlas: Atlas, rng: np.random.Generator) -> pd.DataFrame:
    """Add code, names, operator, declared province and the synthetic mark to ``province, number``."""
    short, zh, en, company = _PREFIX[kind]
    letters = frame["province"].map({code: ground.letters for code, ground in atlas.grounds.items()})
    number = frame["number"].astype(str).str.zfill(4)
    operators = frame.groupby("province")["number"].transform("size") // 3 + 1
    operator = (rng.random(len(frame)) * operators).astype(int) + 1
    return frame.assign(
        code=f"DEMO-{short}-" + frame["province"] + "-" + number,
        name=f"{zh} " + letters + "-" + number,
        name_en=f"{en} " + letters + "-" + number,
        operator=f"{company}（合成数据）" + letters + "-" + operator.astype(str).str.zfill(3),
        declared_province=frame["province"].map({code: g.name for code, g in atlas.grounds.items()}),
        extra=SYNTHETIC_EXTRA,
    )


def _active_tonnes(frame: pd.DataFrame, budget: dict[Any, int], keys: list[str]) -> NDArray[np.float64]:
    """Whole tonnes a year of every site: each group's budget shared out by size among its sites in use."""
    annual = np.zeros(len(frame))
    size, in_use = frame["size"].to_numpy(), (frame["status"] == "in_use").to_numpy()
    for key, rows in members(frame, keys):
        working = rows[in_use[rows]]
        annual[working] = largest_remainder(budget[key], size[working])
    return annual


def _usual_tonnes(frame: pd.DataFrame, keys: list[str]) -> NDArray[np.float64]:
    """Tonnes a year that a site has, or had while it was worked: old sites were smaller."""
    worked = frame[frame["annual_t"] > 0].groupby(keys)[["annual_t", "size"]].sum()
    rate = (worked["annual_t"] / worked["size"]).rename("rate")
    usual = frame.join(rate, on=keys)["rate"].to_numpy() * frame["size"].to_numpy() * 0.35
    return np.where(frame["annual_t"] > 0, frame["annual_t"], usual)


def _first_in_use(frame: pd.DataFrame, keys: list[str]) -> pd.Series[str]:
    """The status, with the first site of every group in use: its tonnes need a site that takes them."""
    return frame["status"].mask(frame.groupby(keys).cumcount() == 0, "in_use")


def _locate(frame: pd.DataFrame, kind: Kind, atlas: Atlas, seed: int) -> pd.DataFrame:
    """Add ``lon, lat`` in clusters, ponds of the Yellow River basin inside its outline, then the address."""
    lon_lat = np.empty((len(frame), 2))
    basin = frame["in_basin"].to_numpy(dtype=bool)
    group = pd.factorize(frame["group"])[0].astype(np.int64)
    for code, rows in members(frame, "province"):
        rng = generator(seed, kind, int(code))
        ground = atlas.grounds[code]
        if kind is not Kind.TAILINGS_POND:
            lon_lat[rows] = clustered(rng, ground, group[rows])
            continue
        inside, outside = rows[basin[rows]], rows[~basin[rows]]
        lon_lat[inside] = clustered(rng, ground, group[inside], atlas.in_yellow_river)
        lon_lat[outside] = clustered(rng, ground, group[outside], lambda lon, lat: ~atlas.in_yellow_river(lon, lat))
    placed = frame.assign(lon=lon_lat[:, 0], lat=lon_lat[:, 1])
    in_river = atlas.in_yellow_river(lon_lat[:, 0], lon_lat[:, 1])
    return placed.assign(
        address=atlas.addresses(placed).to_numpy() + "（合成位置）",
        basin=basin_names(in_river),
    )


def _by_province_and_mineral(budget: Budget) -> dict[Any, int]:
    """Tonnes a year by pair of province and mineral."""
    return {
        (code, mineral): int(tonnes) for mineral, column in budget.tailings_t.items() for code, tonnes in column.items()
    }


def _minerals(budget: Budget) -> pd.DataFrame:
    """One row a pond with province, number and mineral; every mineral with tonnes has at least one pond."""
    frame = _rows(budget.ponds)
    mineral = np.empty(len(frame), dtype=object)
    names = budget.tailings_t.columns.to_numpy(dtype=object)
    relative = np.array([_RELATIVE_SIZE[name] for name in names])
    for code, rows in members(frame, "province"):
        counts = at_least_one(len(rows), budget.tailings_t.loc[code].to_numpy() / relative)
        mineral[rows] = np.repeat(names, counts)
    return frame.assign(mineral=mineral)


def _levels(frame: pd.DataFrame, levels: dict[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """Invented levels in the published numbers: large ponds, above people, with worse tailings, first."""
    risk = np.log(frame["storage_m3"].to_numpy()) + rng.normal(0, 0.6, len(frame))
    risk += frame["mineral"].map(_MINERAL_RISK).to_numpy(dtype=float)
    risk += 0.6 * frame["above_people"].to_numpy(dtype=float)
    level = np.empty(len(frame), dtype=np.int64)
    level[np.argsort(-risk, kind="stable")] = np.repeat(list(levels), list(levels.values()))
    return level


def ponds(atlas: Atlas, budget: Budget, seed: int) -> pd.DataFrame:
    """Tailings ponds: sizes and tonnes first, then the dam that fits them, then level and place.

    The supervision level is a drawn number. An official level is set by an authority and is never computed.
    """
    kind = Kind.TAILINGS_POND
    rng = generator(seed, kind)
    frame = identify(_minerals(budget), kind, atlas, rng)
    n, keys = len(frame), ["province", "mineral"]
    frame["status"] = _draw(rng, _POND_STATUS, n)
    frame["status"] = _first_in_use(frame, keys)
    frame["size"] = rng.lognormal(0, 1.1, n)
    frame["annual_t"] = _active_tonnes(frame, _by_province_and_mineral(budget), keys)
    volume = _usual_tonnes(frame, keys) * rng.uniform(2, 18, n) / _TAILINGS_T_PER_M3
    frame["storage_m3"] = np.maximum(np.round(volume, -2), 100.0)
    height = 30 * (frame["storage_m3"] / 1e6) ** 0.3 * rng.lognormal(0, 0.25, n)
    frame["dam_height_m"] = np.round(np.clip(height, 3, 300), 1)
    # A pond in use has room left; the others are as high as they were meant to be, or nearly.
    filled = np.where(frame["status"] == "in_use", rng.uniform(0.4, 0.97, n), rng.uniform(0.85, 1, n))
    frame["design_storage_m3"] = np.round(frame["storage_m3"] / filled, -2)
    frame["design_height_m"] = np.round(frame["dam_height_m"] / filled ** (1 / 3), 1)
    frame["dam_class"] = dam_class(frame["dam_height_m"], frame["storage_m3"]).astype(np.int64)
    frame["stock_t"] = np.round(frame["storage_m3"] * _TAILINGS_T_PER_M3)
    frame["waste_code"] = "SW05"
    frame["storage_form"] = _draw(rng, {"wet": 0.72, "dry": 0.28}, n)
    frame["above_people"] = rng.random(n) < 0.14
    frame["ownerless"] = (frame["status"] != "in_use") & (rng.random(n) < 0.06)
    frame["operator"] = frame["operator"].mask(frame["ownerless"])
    frame["supervision_level"] = _levels(frame, budget.levels, rng)
    draw = frame.assign(draw=rng.random(n)).groupby("province")["draw"].rank(method="first")
    frame["in_basin"] = draw <= frame["province"].map(budget.ponds_in_yellow_river)
    return _locate(frame.assign(group=frame["mineral"]), kind, atlas, seed)


def heaps(atlas: Atlas, budget: Budget, seed: int) -> pd.DataFrame:
    """Coal gangue heaps, cones whose height and area hold their tonnes."""
    kind = Kind.GANGUE_HEAP
    rng = generator(seed, kind)
    frame = identify(_rows(budget.heaps), kind, atlas, rng)
    n, keys = len(frame), ["province"]
    frame["status"] = _draw(rng, _HEAP_STATUS, n)
    frame["status"] = _first_in_use(frame, keys)
    frame["size"] = rng.lognormal(0, 1.0, n)
    frame["annual_t"] = _active_tonnes(frame, dict(budget.gangue_t), keys)
    frame["stock_t"] = np.maximum(np.round(_usual_tonnes(frame, keys) * rng.uniform(1, 12, n)), 1_000)
    volume = frame["stock_t"] / _GANGUE_T_PER_M3
    frame["height_m"] = np.round(np.clip(12 * (volume / 1e5) ** 0.25 * rng.lognormal(0, 0.2, n), 4, 120), 1)
    frame["area_m2"] = np.round(3 * volume / frame["height_m"])
    frame["burning"] = _draw(rng, _BURNING, n)
    frame["ownerless"] = (frame["status"] == "closed") & (rng.random(n) < 0.1)
    frame["mine_name"] = frame["operator"].str.replace("示范煤业", "示范煤矿", regex=False)
    frame["operator"] = frame["operator"].mask(frame["ownerless"])
    frame["waste_code"] = "SW04"
    return _locate(frame.assign(group=0, in_basin=False), kind, atlas, seed)


def smelting_sites(atlas: Atlas, budget: Budget, seed: int) -> pd.DataFrame:
    """Steelworks with the published slag of 2024, and non-ferrous smelters with hazardous slag (HW48).

    No yearly tonnage of non-ferrous slag is published, so theirs is unknown (missing), not invented.
    """
    kind = Kind.SMELTING_SITE
    rng = generator(seed, kind)
    frame = _rows(budget.steel_sites + budget.nonferrous_sites)
    steel = (frame["number"] <= frame["province"].map(budget.steel_sites)).to_numpy()
    frame = identify(frame, kind, atlas, rng)
    n = len(frame)
    metal = np.where(steel, STEEL, _draw(rng, {name: share for name, (_, share) in _NONFERROUS.items()}, n))
    process = {STEEL: "高炉转炉 blast furnace and converter"} | {m: p for m, (p, _) in _NONFERROUS.items()}
    frame = frame.assign(
        metal=metal, process=pd.Series(metal).map(process), hazardous=~steel, steel=steel, ownerless=False
    )
    frame["status"] = _draw(rng, _SMELTER_STATUS, n)
    frame["status"] = _first_in_use(frame, ["province", "steel"])
    frame["size"] = rng.lognormal(0, 0.8, n)
    frame["annual_t"] = np.nan
    steelworks = frame[steel].reset_index(drop=True)
    steelworks["annual_t"] = _active_tonnes(steelworks, dict(budget.slag_t), ["province"])
    frame.loc[steel, "annual_t"] = steelworks["annual_t"].to_numpy()
    frame["stock_t"] = np.round(frame["size"] * rng.uniform(20_000, 200_000, n))
    frame.loc[steel, "stock_t"] = np.round(
        _usual_tonnes(steelworks, ["province"]) * rng.uniform(0.1, 2, len(steelworks))
    )
    frame["waste_code"] = np.where(steel, "SW01", "HW48")
    return _locate(frame.assign(group=steel, in_basin=False), kind, atlas, seed)
