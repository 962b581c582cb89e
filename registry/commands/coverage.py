"""What plants reach, and what they can take: the command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.answers import coverage as answers
from registry.commands import console
from registry.commands.options import (
    MONEY,
    AsJson,
    Circuity,
    Disposal,
    Freight,
    KindOption,
    LevelOption,
    Margin,
    SameMaterial,
    TaxedShare,
    open_registry,
    radii,
)
from registry.commands.partition import DaskAt, SitesIn, answers_of_workers
from registry.errors import BadParameterError
from registry.services.break_even import HaulCosts
from registry.services.capacity import MissingCapacity

# What a haul costs unless the user says otherwise.
COSTS = HaulCosts()
RADII_KM = "50,100,150"

_REACH, _CAPACITY = "Reach", "Capacity"


def coverage(
    ctx: typer.Context,
    radius_km: Annotated[
        str | None,
        typer.Option(
            "--radius-km", help="Radii in km, separated by commas.", show_default=RADII_KM, rich_help_panel=_REACH
        ),
    ] = None,
    own_radius: Annotated[
        str | None,
        typer.Option(
            "--own-radius",
            metavar="FILE|break-even",
            help="A radius of its own for each plant: a table with uid or code and radius_km, or break-even, "
            "from the money below.",
            rich_help_panel=_REACH,
        ),
    ] = None,
    by: Annotated[
        answers.By,
        typer.Option("--by", help="What is shown apart: kind, material, or province.", rich_help_panel=_REACH),
    ] = "kind",
    any_material: SameMaterial = False,
    kind: KindOption = None,
    level: LevelOption = None,
    dask: DaskAt = None,
    sites: SitesIn = None,
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the results: csv and parquet the totals, xlsx all tables, geojson the areas, gpkg areas and hauls.",
        ),
    ] = None,
    capacity: Annotated[
        bool,
        typer.Option(
            "--capacity", help="Also what the plants can take, and where capacity is short.", rich_help_panel=_CAPACITY
        ),
    ] = False,
    missing_capacity: Annotated[
        MissingCapacity,
        typer.Option(
            "--missing-capacity", help="What a plant without a stated capacity takes.", rich_help_panel=_CAPACITY
        ),
    ] = "zero",
    break_even: Annotated[
        bool,
        typer.Option(
            "--break-even",
            help="Also how far a haul pays: by plant, and by freight and tax.",
            rich_help_panel=MONEY,
        ),
    ] = False,
    freight: Freight = COSTS.freight_yuan_per_t_km,
    circuity: Circuity = COSTS.circuity,
    disposal: Disposal = 0.0,
    margin: Margin = 0.0,
    gate_fee: Annotated[
        float,
        typer.Option(
            "--gate-fee",
            help="What the holder pays the plant where its intakes do not say, yuan/t; not published, so 0.",
            rich_help_panel=MONEY,
        ),
    ] = 0.0,
    taxed_share: TaxedShare = COSTS.taxed_share,
) -> None:
    """Measure which sites and tonnes the plants reach within each radius, and what they do not reach."""
    if radius_km is not None and own_radius is not None:
        raise BadParameterError("--radius-km and --own-radius: give one of them.")
    wishes = answers.Wishes(
        radius_km=radii(RADII_KM if radius_km is None else radius_km),
        own_radius=own_radius,
        by=by,
        same_material=not any_material,
        kind=kind,
        level=level,
        costs=HaulCosts(
            freight_yuan_per_t_km=freight, circuity=circuity, disposal_yuan_per_t=disposal, margin_yuan_per_t=margin,
            gate_fee_yuan_per_t=gate_fee, taxed_share=taxed_share,
        ),
        break_even=break_even,
        missing_capacity=missing_capacity if capacity else None,
    )  # fmt: skip
    workers = answers_of_workers(ctx, dask, sites, ("radius_km", "by", "any_material", "kind", "level"))
    with open_registry(ctx) as reg, console.progress("coverage") as say:
        if workers is None:
            found = answers.survey(reg, wishes, say)
        else:
            found = workers.coverage(reg, wishes, workers.Place(dask, sites), say, out=out, all_rows=as_json)
    if out is not None:
        if workers is None or not workers.is_folder(out):
            answers.write(found.tables, found.layers, out)
        console.message(f"{out}: written")
    if as_json:
        tables = {name: console.records(table) for name, table in found.tables.items()}
        console.print_json({**tables, "warnings": found.warnings})
    elif out is None:
        for title, table in found.shown.items():
            console.show_table(answers.readable(table), title)
    if not as_json:
        for line in found.warnings:
            console.message(line)
