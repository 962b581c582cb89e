"""What is near the sites: the command."""

from __future__ import annotations

from typing import Annotated

import typer

from registry.answers import proximity as answers
from registry.commands import console
from registry.commands.options import (
    AsJson,
    KindOption,
    LevelOption,
    Out,
    Province,
    Road,
    RoadCache,
    RoadEngine,
    RoadProfile,
    SameMaterial,
    is_layer,
    open_registry,
)
from registry.commands.partition import DaskAt, SitesIn, answers_of_workers, present_written


def proximity(
    ctx: typer.Context,
    nearest: Annotated[int, typer.Option("--nearest", min=1, help="How many plants for each site.")] = 1,
    any_material: SameMaterial = False,
    kind: KindOption = None,
    level: LevelOption = None,
    province: Province = None,
    circuity: Annotated[
        float | None,
        typer.Option(
            "--circuity",
            metavar="F",
            help="Also estimate the road: straight line × F. Published: 1.2 urban, 1.26 Korea; 1.33 China, unconfirmed.",
        ),
    ] = None,
    road: Road = None,
    road_engine: RoadEngine = None,
    road_profile: RoadProfile = None,
    road_candidates: Annotated[
        int,
        typer.Option(
            "--road-candidates", min=1, help="Of how many plants the road is asked for at most, for each site."
        ),
    ] = 64,
    road_cache: RoadCache = None,
    dask: DaskAt = None,
    sites: SitesIn = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Find the nearest plants that accept each site's waste, by geodesic distance or by road."""
    server = None
    if road is not None:
        server = answers.RoadServer(road, road_engine, road_profile, road_candidates, road_cache)
    workers = answers_of_workers(ctx, dask, sites, ("nearest", "any_material", "kind", "level", "province"))
    if workers is not None:
        with open_registry(ctx) as reg, console.progress("proximity") as say:
            table, totals, warnings = workers.proximity(
                reg, workers.Place(dask, sites), say, nearest=nearest, same_material=not any_material, kind=kind,
                level=level, province=province, out=out,
            )  # fmt: skip
        if out is not None and workers.is_folder(out):
            present_written(out, as_json=as_json, totals=totals, warnings=warnings)
        else:
            console.present(table, as_json=as_json, out=out, title="nearest plants", totals=totals, warnings=warnings)
        return
    with open_registry(ctx) as reg, console.progress("proximity") as say:
        table, totals, warnings = answers.proximity(
            reg,
            nearest=nearest,
            same_material=not any_material,
            kind=kind,
            level=level,
            province=province,
            circuity=circuity,
            road=server,
            say=say,
        )
        if is_layer(out):
            table = answers.as_lines(reg, table)
    title = "nearest plants" if road is None else "nearest plants by road"
    console.present(table, as_json=as_json, out=out, title=title, totals=totals, warnings=warnings)
