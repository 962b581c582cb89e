"""What the stored plants reach, and how far a haul to them pays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from registry import export
from registry.answers.notes import synthetic_note
from registry.services import break_even as break_even_service
from registry.services import coverage as coverage_service

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import geopandas as gpd

    from registry.registry import Registry
    from registry.services.break_even import HaulCosts
    from registry.services.coverage import CoverageResult


def coverage(
    reg: Registry, *, radius_km: Sequence[float], same_material: bool = True, kind: str | None = None,
    level: int | None = None, say: Callable[[str], None],
) -> tuple[CoverageResult, list[str]]:  # fmt: skip
    """What the stored plants reach within each radius, and warnings."""
    say("reading")
    sites, plants = reg.sites(kind, level=level), reg.plants()
    streams = _all_streams(reg, sites)
    say("computing")
    result = coverage_service.within_radius(
        sites, plants, radius_km=radius_km, same_material=same_material, streams=streams
    )
    return result, synthetic_note(reg)


def break_even(
    reg: Registry, costs: HaulCosts, *, same_material: bool = True, kind: str | None = None, level: int | None = None,
    say: Callable[[str], None],
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """How far hauls to the stored plants pay: a radius for each plant, and what freight and tax change of it."""
    say("reading")
    sites, plants, intakes = reg.sites(kind, level=level), reg.plants(), reg.intakes()
    streams = _all_streams(reg, sites)
    say("computing what pays")
    given: dict[str, Any] = {
        "costs": costs, "streams": streams, "intakes": intakes, "same_material": same_material
    }  # fmt: skip
    radii = break_even_service.radius_of_plants(sites, plants, **given).rename("break_even_km")
    named = plants[["name"]].rename(columns={"name": "plant_name"}).join(radii)
    table = pd.DataFrame(named).rename_axis("plant_uid").reset_index()
    return table.sort_values("break_even_km", ascending=False, kind="stable", ignore_index=True), (
        break_even_service.sensitivity(sites, plants, **given)
    )


def write_coverage(result: CoverageResult, out: Path) -> None:
    """Write a coverage result: a table format gets the totals, xlsx every table, a layer format the areas."""
    if out.suffix.lower() == ".xlsx":
        names = ("totals", "by_group", "per_plant", "per_site", "unreached")
        export.write({name: getattr(result, name) for name in names}, out)
    elif out.suffix.lower() in {".csv", ".parquet"}:
        export.write_table(result.totals, out)
    else:
        export.write_table(result.areas, out)


def _all_streams(reg: Registry, sites: gpd.GeoDataFrame) -> pd.DataFrame:
    """The streams of the sites; one with what its kind implies, and no tonnes, for a site without any."""
    streams = reg.streams()
    streams = streams[streams["site_uid"].isin(sites.index)]
    bare = sites[~sites.index.isin(streams["site_uid"])]
    implied = pd.DataFrame(
        {
            "site_uid": bare.index.astype("str"),
            "waste_code": bare["waste_codes"].to_numpy(),
            "annual_t": float("nan"),
            "stock_t": float("nan"),
        }
    )
    return pd.concat([streams, implied], ignore_index=True)
