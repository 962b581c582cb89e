"""Which plants are nearest to the stored sites: by straight line, by an estimate of the road, or by road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from registry.answers.lines import between
from registry.answers.notes import synthetic_note
from registry.errors import BadParameterError
from registry.road.matrix import RoadMatrix
from registry.road.nearest import nearest_plants as nearest_by_road
from registry.services import proximity as proximity_service
from registry.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from registry.answers.notes import Result
    from registry.registry import Registry
    from registry.road.nearest import NearestByRoad

MOST_CIRCUITY = 5.0
"""Road over straight line beyond which a factor is taken for a mistake; published means run from 1.2 to 1.44."""


@dataclass(frozen=True)
class RoadServer:
    """Whom to ask for distances by road; see `road.matrix.RoadMatrix` and `road.nearest.nearest_plants`."""

    url: str
    engine: str | None = None
    profile: str | None = None
    candidates: int = 64
    cache: Path | None = None


def proximity(
    reg: Registry, *, nearest: int = 1, same_material: bool = True, kind: str | None = None, level: int | None = None,
    province: str | None = None, circuity: float | None = None, road: RoadServer | None = None,
    say: Callable[[str], None],
) -> Result:  # fmt: skip
    """The nearest plants of the stored sites: table, totals, warnings.

    Parameters
    ----------
    circuity : road distance over straight line, from 1; adds the estimate ``road_m`` to the table
    road : who is asked for distances by road; ranks by ``road_m`` and adds ``road_m, road_s``

    Raises
    ------
    BadParameterError : a factor below 1 or above 5; a factor and a server.
    EmptyLayerError : the store has no plant.
    RoadServerError : the road server does not answer, refuses, or has no road near the sites.
    """
    if circuity is not None and not 1.0 <= circuity <= MOST_CIRCUITY:
        raise BadParameterError(
            f"--circuity {circuity:g}: give road distance over straight line, from 1 to {MOST_CIRCUITY:g}; "
            "published means run from 1.2 to 1.44."
        )
    if circuity is not None and road is not None:
        raise BadParameterError("--circuity and --road: choose one. A road server tells how long roads are.")
    say("reading")
    read = ("province_code", "waste_codes")
    sites, plants = reg.sites(kind, level=level, province=province, columns=read), reg.plants()
    say("computing")
    warnings: list[str] = []
    totals: dict[str, Any] = {}
    if road is None:
        table = proximity_service.nearest_plants(sites, plants, k=nearest, same_material=same_material)
    else:
        with RoadMatrix(road.url, engine=road.engine, profile=road.profile, cache=road.cache) as roads:
            found = nearest_by_road(
                sites, plants, roads, k=nearest, same_material=same_material, most_candidates=road.candidates, say=say
            )
            totals["road_calls"] = roads.calls
            warnings += [*_shortcomings(found, road, roads.offset_m), *roads.notes]
        table = found.table
    if circuity is not None:
        table = table.assign(road_m=table["distance_m"] * circuity)
        warnings.append(
            f"road_m is an estimate, {circuity:g} × the straight line, not a distance along roads. "
            "Published means: 1.2 urban, 1.26 Korea (1.22–1.44), 1.33 China (unconfirmed)."
        )
    alone = len(sites) - int((table["rank"] == 1).sum())
    if alone:
        led = "" if road is None else " and that a road leads to"
        warnings.insert(0, f"{alone} sites have no plant that accepts their waste{led}.")
    return table, {**_totals(len(sites), table), **totals}, [*warnings, *synthetic_note(reg)]


def _totals(sites: int, table: pd.DataFrame) -> dict[str, Any]:
    first = table[table["rank"] == 1]
    totals: dict[str, Any] = {"sites": sites, "sites_with_plant": len(first)}
    for column in ("distance_m", "road_m"):
        if column in first:
            totals[f"median_{column}"] = float(first[column].median()) if len(first) else None
            totals[f"max_{column}"] = float(first[column].max()) if len(first) else None
    return totals


def _shortcomings(found: NearestByRoad, road: RoadServer, offset_m: float) -> list[str]:
    """Where a search by road is not whole, one line each."""
    lines = []
    if any(found.off_road):
        lines.append(
            f"{found.off_road[0]} sites and {found.off_road[1]} plants lie farther than {offset_m:,.0f} m from any road of "
            "the server and are left out (REGISTRY_ROAD_SNAP_M)."
        )
    if found.unreachable:
        lines.append(f"{found.unreachable} pairs of a site and a plant have no way between them and are left out.")
    if found.open_sites:
        lines.append(
            f"{found.open_sites} sites: a plant that was not asked for may be nearer by road. "
            f"Ask for more than {road.candidates} with --road-candidates."
        )
    if found.cut_off:
        lines.append(
            f"{found.cut_off} sites: plants farther than {settings().road_most_km:g} km were not asked for "
            "(REGISTRY_ROAD_MOST_KM), and one may be nearer by road."
        )
    if found.too_short:
        lines.append(
            f"{found.too_short} ways are shorter than a straight line can be: the server does not tell metres, or another "
            "place than was asked for."
        )
    return lines


def as_lines(reg: Registry, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """A proximity table as lines from site to plant."""
    sites, plants = reg.sites(columns=()).geometry, reg.plants().geometry
    return between(table, sites.reindex(table["site_uid"]), plants.reindex(table["plant_uid"]))
