"""What the stored plants reach, what they can take of it, and how far a haul to them pays."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from registry import export
from registry.answers.lines import between
from registry.answers.notes import synthetic_note
from registry.answers.own_radius import BREAK_EVEN, read_radii
from registry.errors import EmptyLayerError
from registry.services import break_even as break_even_service
from registry.services import capacity as capacity_service
from registry.services import coverage as coverage_service
from registry.services import covered_area

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import geopandas as gpd

    from registry.registry import Registry
    from registry.services.break_even import HaulCosts
    from registry.services.capacity import MissingCapacity
    from registry.services.coverage import CoverageResult

By = Literal["kind", "material", "province"]

_RESULTS = ("by_group", "per_material", "unreached_by_province", "per_plant", "per_site", "unreached")
# What is read of the sites.
_OF_SITES = ("name", "supervision_level", "province_code", "waste_codes", "annual_t", "stock_t")
# Materials that a warning names.
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is asked.

    Attributes
    ----------
    radius_km : radii that hold for all plants
    own_radius : instead, a table with a radius of its own for each plant, or ``break-even``
    by : what the tables that are shown tell apart; by province, areas are split too
    costs : what hauls cost, for the break-even radius
    break_even : whether to tell how far hauls pay
    missing_capacity : what a plant without a capacity can take; None does not ask what plants can take
    """

    radius_km: Sequence[float] = (50, 100, 150)
    own_radius: str | None = None
    by: By = "kind"
    same_material: bool = True
    kind: str | None = None
    level: int | None = None
    costs: HaulCosts
    break_even: bool = False
    missing_capacity: MissingCapacity | None = None


@dataclass
class Answer:
    """What was found.

    Attributes
    ----------
    tables : all tables by name, in the order of the sheets of a workbook
    shown : those that are shown to a person, by title
    layers : those with positions
    """

    tables: dict[str, pd.DataFrame]
    shown: dict[str, pd.DataFrame]
    layers: dict[str, gpd.GeoDataFrame]
    warnings: list[str] = field(default_factory=list)


class _Stored(NamedTuple):
    sites: gpd.GeoDataFrame
    plants: gpd.GeoDataFrame
    streams: pd.DataFrame


def coverage(
    reg: Registry, *, radius_km: Sequence[float], same_material: bool = True, kind: str | None = None,
    level: int | None = None, say: Callable[[str], None],
) -> tuple[CoverageResult, list[str]]:  # fmt: skip
    """What the stored plants reach within each radius, and warnings."""
    stored = _read(reg, kind, level, say)
    say("computing")
    return _reached(stored, radius_km, same_material=same_material), synthetic_note(reg)


def survey(reg: Registry, wishes: Wishes, say: Callable[[str], None]) -> Answer:
    """What the stored plants reach, and whatever else is wished.

    Raises
    ------
    EmptyLayerError : there is no plant; areas are to be split and the store has no provinces.
    BadParameterError, UnknownColumnError, UnreadableFileError : see `own_radius.read_radii` and the services.
    """
    stored = _read(reg, wishes.kind, wishes.level, say)
    provinces = provinces_of(reg, wishes)
    money = {
        "costs": wishes.costs, "streams": stored.streams, "intakes": reg.intakes(),
        "same_material": wishes.same_material,
    }  # fmt: skip
    radius_km, notes = _radii(stored, wishes, money)
    say("computing")
    result = _reached(stored, radius_km, same_material=wishes.same_material)
    answer = told(result, provinces, wishes, say)
    answer.warnings[:0] = notes
    if wishes.missing_capacity is not None:
        say("solving what plants can take")
        _add_capacity(answer, stored, result, wishes.missing_capacity, radius_km, money)
    if wishes.break_even:
        say("computing what pays")
        _add_break_even(answer, stored, money)
    answer.warnings += synthetic_note(reg)
    return answer


def provinces_of(reg: Registry, wishes: Wishes) -> gpd.GeoDataFrame:
    """The provinces of the store.

    Raises
    ------
    EmptyLayerError : they are wished for, and there is none.
    """
    provinces = reg.regions("province")
    if wishes.by == "province" and provinces.empty:
        raise EmptyLayerError("the store has no regions of level province. Load them with `registry regions load`.")
    return provinces


def told(result: CoverageResult, provinces: gpd.GeoDataFrame, wishes: Wishes, say: Callable[[str], None]) -> Answer:
    """What a result tells, and what of it is shown."""
    tables = tables_of(result)
    names = dict(zip(provinces["code"], provinces["name"], strict=True))
    unreached = result.unreached_by_province.copy()
    unreached.insert(1, "province_name", pd.Series(map(names.get, unreached["province_code"]), dtype=object))
    tables["unreached_by_province"] = unreached
    answer = Answer(tables, {"coverage": result.totals}, {"coverage": result.areas}, _warnings(result, wishes))
    if len(tables["increments"]) > 1:
        answer.shown["what each radius adds"] = tables["increments"]
    if wishes.by == "kind":
        answer.shown["coverage by kind"] = _by_kind(result.by_group)
    elif wishes.by == "material":
        answer.shown["coverage by material"] = result.per_material
    else:
        say("splitting areas")
        tables["area_by_province"] = covered_area.by_province(result.areas, provinces)
        answer.shown["provinces by unreached tonnes"] = unreached
        answer.shown["covered area by province"] = tables["area_by_province"]
    return answer


def tables_of(result: CoverageResult) -> dict[str, pd.DataFrame]:
    """All tables of a coverage result; ``increments`` has no row where every plant has a radius of its own."""
    shared = result.totals[result.totals["radius_km"].notna()]
    return {"totals": result.totals, "increments": capacity_service.increments(shared)} | {
        name: getattr(result, name) for name in _RESULTS
    }


def write_coverage(result: CoverageResult, out: Path) -> None:
    """Write a coverage result: see `write`."""
    write(tables_of(result), {"coverage": result.areas}, out)


def write(tables: Mapping[str, pd.DataFrame], layers: Mapping[str, gpd.GeoDataFrame], out: Path) -> None:
    """Write an answer: a table format gets the totals, xlsx every table, gpkg all layers, another layer format the areas."""
    name = out.name.lower()
    if name.endswith(".xlsx"):
        export.write(tables, out)
    elif name.endswith((".csv", ".parquet")):
        export.write_table(tables["totals"], out)
    elif name.endswith(".gpkg"):
        export.write(layers, out)
    else:
        export.write_table(layers["coverage"], out)


# ------------------------------------------------------------------------------------------------ inside


def _read(reg: Registry, kind: str | None, level: int | None, say: Callable[[str], None]) -> _Stored:
    say("reading")
    sites = reg.sites(kind, level=level, columns=_OF_SITES)
    return _Stored(sites, reg.plants(), all_streams(reg.streams(), sites))


def all_streams(streams: pd.DataFrame, sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """The streams of the sites; one with what its kind implies, and no tonnes, for a site without any."""
    at = sites.index.get_indexer(pd.Index(streams["site_uid"]))
    streams, at = (streams, at) if (at >= 0).all() else (streams[at >= 0], at[at >= 0])
    bare = sites[np.bincount(at, minlength=len(sites)) == 0]
    if bare.empty:
        return streams.reset_index(drop=True)
    implied = pd.DataFrame(
        {
            "site_uid": bare.index.astype("str"),
            "waste_code": bare["waste_codes"].to_numpy(),
            "annual_t": float("nan"),
            "stock_t": float("nan"),
        }
    )
    together: pd.DataFrame = pd.concat([streams, implied], ignore_index=True)
    return together


def _reached(stored: _Stored, radius_km: Sequence[float] | pd.Series[float], *, same_material: bool) -> CoverageResult:
    return coverage_service.within_radius(
        stored.sites, stored.plants, radius_km=radius_km, same_material=same_material, streams=stored.streams
    )


def _radii(
    stored: _Stored, wishes: Wishes, money: dict[str, Any]
) -> tuple[Sequence[float] | pd.Series[float], list[str]]:
    """The radii to compute, and a line on plants that have none of their own."""
    if wishes.own_radius is None:
        return wishes.radius_km, []
    plants = stored.plants
    if wishes.own_radius == BREAK_EVEN:
        own, where = break_even_service.radius_of_plants(stored.sites, plants, **money), "break even at no distance"
    else:
        own, where = read_radii(Path(wishes.own_radius), plants), f"have no radius in {Path(wishes.own_radius).name}"
    without = len(plants) - int((own > 0).sum())
    return own, [f"{without} of {len(plants)} plants {where}, so they reach nothing."] if without else []


def _by_kind(by_group: pd.DataFrame) -> pd.DataFrame:
    """Sum a table by kind, level and province over level and province."""
    keys = by_group[["radius_km", "kind"]].fillna({"radius_km": -1.0})
    of_kind = by_group[["sites", "sites_covered", "annual_t", "annual_t_covered"]].groupby(
        [keys["radius_km"], keys["kind"]], dropna=False
    )
    found = pd.DataFrame(of_kind.sum(min_count=1)).reset_index()
    found["radius_km"] = found["radius_km"].where(found["radius_km"] >= 0)
    found.insert(4, "share_sites", found["sites_covered"] / found["sites"])
    found["share_annual_t"] = found["annual_t_covered"] / found["annual_t"].where(found["annual_t"] > 0)
    return found


def _warnings(result: CoverageResult, wishes: Wishes) -> list[str]:
    lines = []
    first = result.per_material[: len(result.per_material) // max(len(result.totals), 1)]
    refused = first[first["plants_accepting"] == 0].sort_values("annual_t", ascending=False, kind="stable")
    if len(refused):
        most = refused.head(_MOST_NAMED)
        said = [
            f"{'waste without a code' if code is None else code} ({sites:,} sites, {annual:,.0f} t a year)"
            for code, sites, annual in zip(most["waste_code"], most["sites"], most["annual_t"].fillna(0.0), strict=True)
        ]
        more = f" and {len(refused) - _MOST_NAMED} more" if len(refused) > _MOST_NAMED else ""
        lines.append(f"No plant accepts {', '.join(said)}{more}.")
    unreached = result.unreached_by_province
    outside = unreached.loc[unreached["province_code"].isna(), "sites"]
    if wishes.by == "province" and len(outside):
        lines.append(f"{outside.iloc[0]} sites lie in no province of the store.")
    return lines


def _add_capacity(
    answer: Answer, stored: _Stored, result: CoverageResult, missing: MissingCapacity,
    radius_km: Sequence[float] | pd.Series[float], money: dict[str, Any],
) -> None:  # fmt: skip
    """Add what the plants can take: totals, hauls, and what one more tonne of capacity is worth where."""
    sites, plants, intakes = stored.sites, stored.plants, money["intakes"]
    found = capacity_service.within_capacity(
        sites, plants, radius_km, streams=stored.streams, intakes=intakes, same_material=money["same_material"],
        missing_capacity=missing,
    )  # fmt: skip
    order = ["radius_km", "annual_t"]
    flows = found.flows.sort_values(order, ascending=[True, False], kind="stable", ignore_index=True)
    flows = _named(_named(flows, "plant", plants), "site", sites)
    reach = result.per_plant[["plant_uid", "radius_km", "annual_t"]].rename(columns={"annual_t": "annual_t_reached"})
    by_plant = found.per_plant.merge(reach, on=["plant_uid", "radius_km"], validate="one_to_one")
    # Of equal duals the one first where the most is left within reach.
    by_plant["left_t"] = by_plant["annual_t_reached"] - by_plant["taken_t"]
    own = found.totals["radius_km"].isna().all()
    keys = ["dual", "left_t"] if own else ["radius_km", "dual", "left_t"]
    by_plant = by_plant.sort_values(keys, ascending=[key == "radius_km" for key in keys], kind="stable")
    tables = {
        "capacity": found.totals,
        "flows": flows,
        "capacity_per_plant": _named(by_plant.drop(columns="left_t").reset_index(drop=True), "plant", plants),
        "capacity_per_intake": found.per_intake,
    }
    tables = {name: table.replace(float("inf"), float("nan")) for name, table in tables.items()}
    answer.tables |= tables
    if not own:
        totals = result.totals.merge(found.totals[["radius_km", "annual_t_taken"]], on="radius_km")
        answer.tables["increments"] = capacity_service.increments(totals)
    if "what each radius adds" in answer.shown:
        answer.shown["what each radius adds"] = answer.tables["increments"]
    answer.shown["what plants can take (empty where nothing limits them)"] = tables["capacity"]
    answer.shown["where one more tonne of capacity takes one more tonne"] = tables["capacity_per_plant"]
    if intakes[capacity_service.CAPACITY].notna().any():
        answer.shown["the same by plant and material"] = tables["capacity_per_intake"]
    answer.shown["hauls, the largest first"] = flows
    answer.layers["flows"] = between(
        flows, sites.geometry.reindex(flows["site_uid"]), plants.geometry.reindex(flows["plant_uid"])
    )
    told = plants[capacity_service.CAPACITY].notna() | plants.index.isin(
        intakes.loc[intakes[capacity_service.CAPACITY].notna(), "plant_uid"]
    )
    if not told.all():
        then = "take whatever comes" if missing == "unlimited" else "take nothing (see --missing-capacity)"
        answer.warnings.append(f"{(~told).sum()} of {len(plants)} plants have no stated capacity and {then}.")


def _add_break_even(answer: Answer, stored: _Stored, money: dict[str, Any]) -> None:
    """Add how far hauls pay: a radius for each plant, and what freight and tax change of it."""
    radii = break_even_service.radius_of_plants(stored.sites, stored.plants, **money).rename("break_even_km")
    table = _named(radii.rename_axis("plant_uid").reset_index(), "plant", stored.plants)
    answer.tables["break_even"] = table.sort_values("break_even_km", ascending=False, kind="stable", ignore_index=True)
    answer.tables["sensitivity"] = break_even_service.sensitivity(stored.sites, stored.plants, **money)
    answer.shown["break-even radius by plant"] = answer.tables["break_even"]
    answer.shown["sensitivity of the break-even radius to freight and tax"] = answer.tables["sensitivity"]


def _named(table: pd.DataFrame, what: str, layer: pd.DataFrame) -> pd.DataFrame:
    """Add the names of sites or plants beside their uids."""
    uid = f"{what}_uid"
    columns = list(table.columns)
    columns.insert(columns.index(uid) + 1, f"{what}_name")
    return table.assign(**{f"{what}_name": layer["name"].reindex(table[uid]).to_numpy(object)})[columns]


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A table for a person: names instead of uids, which stand where there is no name."""
    shown = table.copy()
    for what in ("site", "plant"):
        if f"{what}_name" in shown.columns:
            shown[f"{what}_name"] = shown[f"{what}_name"].fillna(shown.pop(f"{what}_uid"))
    return shown
