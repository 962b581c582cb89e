"""The services applied to an opened registry: what the commands and the demo ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from registry import export, render
from registry.errors import BadParameterError, EmptyLayerError, EmptyTableError
from registry.model.vocabulary import REGION_LEVELS, SITE_KINDS, Kind
from registry.services import break_even as break_even_service
from registry.services import concentration as concentration_service
from registry.services import coverage as coverage_service
from registry.services import hexagons
from registry.services import proximity as proximity_service
from registry.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from registry.registry import Registry
    from registry.services.break_even import HaulCosts
    from registry.services.concentration import Measure
    from registry.services.coverage import CoverageResult

Result = tuple[pd.DataFrame, dict[str, Any], list[str]]

HEX = "hex"
MAP_LAYERS = ("sites", "plants", "concentration", "coverage", "nearest")


def concentration(
    reg: Registry, *, by: str = "province", measure: Measure = "count", kind: str | None = None, level: int | None = None,
    say: Callable[[str], None],
) -> Result:  # fmt: skip
    """Concentration of the stored sites by the stored regions: table, totals, warnings.

    Raises
    ------
    EmptyLayerError : the store has no regions of that level; no site to lay hexagons over.
    """
    if by not in REGION_LEVELS and by != HEX:
        raise BadParameterError(f"--by {by}: choose one of {', '.join([*REGION_LEVELS, HEX])}.")
    say("reading")
    sites = reg.sites(kind, level=level)
    if by == HEX:
        return _by_hexagon(reg, sites, measure, say)
    layer = reg.regions(by)
    if layer.empty:
        raise EmptyLayerError(f"the store has no regions of level {by}. Load them with `registry regions load`.")
    say("computing")
    table = concentration_service.by_region(
        sites, layer, measure=measure, located=sites[f"{by}_code"], tolerance_m=settings().locate_tolerance_m
    )
    totals = dict(table.attrs["totals"])
    warnings = [f"{totals['outside']} sites lie in no {by} of the store."] if totals["outside"] else []
    return table, totals, [*warnings, *synthetic_note(reg)]


def _by_hexagon(reg: Registry, sites: gpd.GeoDataFrame, measure: Measure, say: Callable[[str], None]) -> Result:
    if sites.empty:
        raise EmptyLayerError("there is no such site in the store, so there is nothing to lay hexagons over.")
    say("computing")
    layer = hexagons.hexagons(sites)
    resolution = layer.attrs["resolution"]
    cells = hexagons.cells_of(sites, resolution)
    table = concentration_service.by_region(sites, layer, measure=measure, located=cells)
    totals = dict(table.attrs["totals"]) | {"h3_resolution": resolution}
    return table, totals, synthetic_note(reg)


def on_regions(reg: Registry, table: pd.DataFrame, by: str, resolution: int | None = None) -> gpd.GeoDataFrame:
    """A concentration table on the polygons of its regions, or on hexagons of a resolution, for a layer format."""
    layer = hexagons.hexagons(reg.sites(), resolution=resolution) if by == HEX else reg.regions(by)
    shapes = layer.set_index("code").geometry
    geometry = shapes.reindex(table["region_code"]).to_numpy()
    return gpd.GeoDataFrame(table, geometry=geometry, crs=reg.crs)


def as_lines(reg: Registry, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """A proximity table as lines from site to plant, for a layer format; a line's ends say where, not its course."""
    ends = [
        places.reindex(table[column])
        for places, column in ((reg.sites().geometry, "site_uid"), (reg.plants().geometry, "plant_uid"))
    ]
    coordinates = np.stack([np.column_stack([end.x.to_numpy(float), end.y.to_numpy(float)]) for end in ends], axis=1)
    return gpd.GeoDataFrame(table, geometry=shapely.linestrings(coordinates), crs=reg.crs)


def proximity(
    reg: Registry, *, nearest: int = 1, same_material: bool = True, kind: str | None = None, level: int | None = None,
    province: str | None = None, say: Callable[[str], None],
) -> Result:  # fmt: skip
    """The nearest plants of the stored sites: table, totals, warnings."""
    say("reading")
    sites, plants = reg.sites(kind, level=level, province=province), reg.plants()
    say("computing")
    table = proximity_service.nearest_plants(sites, plants, k=nearest, same_material=same_material)
    first = table[table["rank"] == 1]
    alone = len(sites) - len(first)
    totals = {
        "sites": len(sites),
        "sites_with_plant": len(first),
        "median_distance_m": float(first["distance_m"].median()) if len(first) else None,
        "max_distance_m": float(first["distance_m"].max()) if len(first) else None,
    }
    warnings = [f"{alone} sites have no plant that accepts their waste."] if alone else []
    return table, totals, [*warnings, *synthetic_note(reg)]


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


def write_map(
    reg: Registry, out: Path, *, lang: str, basemap: str = "none", layers: Sequence[str] = MAP_LAYERS,
    measure: str = "sites", radius_km: Sequence[float] = (50, 100, 150), title: str | None = None,
    say: Callable[[str], None],
) -> None:  # fmt: skip
    """Render the stored sites, and the named layers over them, into one page."""
    wanted = {name.strip() for name in layers}
    unknown = wanted - set(MAP_LAYERS)
    if unknown:
        raise BadParameterError(f"--layers {', '.join(sorted(unknown))}: choose from {', '.join(MAP_LAYERS)}.")
    say("reading")
    sites, plants, provinces = reg.sites(), reg.plants(), reg.regions("province")
    if sites.empty and plants.empty:
        raise EmptyTableError(f"{reg.store.place}: there is nothing to map yet. Fill the store with `registry import`.")
    extras: dict[str, Any] = {}
    if "concentration" in wanted and len(provinces) and len(sites):
        extras["concentration"] = concentration(reg, say=say)[0]
    if "coverage" in wanted and len(plants):
        extras["coverage"] = coverage(reg, radius_km=radius_km, say=say)[0]
    if "nearest" in wanted and len(plants):
        extras["nearest"] = proximity(reg, say=say)[0]
    say("drawing")
    note = synthetic_note(reg)
    page = render.site_map(
        sites if "sites" in wanted else sites.iloc[:0],
        plants if "plants" in wanted or "coverage" in wanted or "nearest" in wanted else None,
        provinces if len(provinces) else None,
        title=title, lang=lang, basemap=basemap, measure=measure, note=note[0] if note else None,
        # Symbols would hide the shading they are counted in; the legend switches them on.
        symbols=wanted != {"sites", "concentration"}, **extras,
    )  # fmt: skip
    render.save(page, out, offline=basemap == "none")


def write_export(
    reg: Registry, out: Path, *, kinds: Sequence[Kind] = tuple(Kind), province: str | None = None,
    status: str | None = None, crs: str | None = None, lang: str = "zh", say: Callable[[str], None],
) -> dict[str, int]:  # fmt: skip
    """Write the stored features of some kinds to one file; the number of rows by kind."""
    say("reading")
    layers: dict[str, gpd.GeoDataFrame | pd.DataFrame] = {}
    for kind in kinds:
        frame = (
            reg.sites(kind, province=province, status=status)
            if kind in SITE_KINDS
            else reg.plants(province=province, status=status)
        )
        if len(frame):
            layers[kind.value] = frame
    if not layers:
        raise EmptyTableError(f"{reg.store.place}: no feature fits, so {out} is not written.")
    say("writing")
    note = synthetic_note(reg)
    for line in export.write(layers, out, crs=crs, lang=lang, note=note[0] if note else None):
        say(str(line))
    return {name: len(layer) for name, layer in layers.items()}


def synthetic_note(reg: Registry) -> list[str]:
    """A line that says so where any source of the store is synthetic."""
    sources = reg.sources()
    licences = sources["licence"].fillna("")
    if not licences.str.contains(SYNTHETIC, regex=False).any():
        return []
    return ["合成示范数据，非真实名录 · Synthetic demonstration data, not a real inventory"]


# The licence text by which a source says that its rows are made up.
SYNTHETIC = "synthetic"


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


def changed_fields(changes: pd.DataFrame) -> pd.DataFrame:
    """The history of a site with one row for every field that changed: ``at, by, action, table_name, field, before, after``.

    A row that came or went is one line, with its name or waste code as what it was.
    """
    rows: list[tuple[Any, ...]] = []
    for change in changes.to_dict("records"):
        at = change["at"].to_pydatetime().astimezone().isoformat(sep=" ", timespec="seconds")
        lead = (at, change["by"], change["action"], change["table_name"])
        before, after = change["before"] or {}, change["after"] or {}
        if change["action"] == "update":
            names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
            rows += [(*lead, name, _said(before.get(name)), _said(after.get(name))) for name in names]
        else:
            rows.append((*lead, "", _called(before), _called(after)))
    table = pd.DataFrame(rows, columns=["at", "by", "action", "table_name", "field", "before", "after"])
    return table.astype({"before": "str", "after": "str"})


def _said(value: Any) -> str | None:
    return None if value is None else str(value)


def _called(document: dict[str, Any]) -> str | None:
    names = ("name", "waste_code", "level", "inspected_on")
    return next((_said(document[name]) for name in names if name in document), None)
