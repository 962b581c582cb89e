"""What plants reach, and what they can take: the command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.answers import coverage as answers
from registry.commands import console
from registry.commands.options import AsJson, KindOption, LevelOption, SameMaterial, open_registry, radii
from registry.services.break_even import HaulCosts

if TYPE_CHECKING:
    import pandas as pd

# What a haul costs unless the user says otherwise.
COSTS = HaulCosts()


def coverage(
    ctx: typer.Context,
    radius_km: Annotated[str, typer.Option("--radius-km", help="Radii in km, separated by commas.")] = "50,100,150",
    any_material: SameMaterial = False,
    kind: KindOption = None,
    level: LevelOption = None,
    as_json: AsJson = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Write the results: csv and parquet the totals, xlsx all tables, gpkg and geojson the areas.",
        ),
    ] = None,
    break_even: Annotated[
        bool, typer.Option("--break-even", help="Also how far a haul pays: by plant, and by freight and tax.")
    ] = False,
    freight: Annotated[
        float, typer.Option("--freight", help="Freight by road, yuan/t km.")
    ] = COSTS.freight_yuan_per_t_km,
    circuity: Annotated[float, typer.Option("--circuity", help="Road distance over straight line.")] = COSTS.circuity,
    disposal: Annotated[
        float, typer.Option("--disposal", help="Disposal cost that a haul avoids, yuan/t; not published, so 0.")
    ] = 0.0,
    margin: Annotated[
        float, typer.Option("--margin", help="What a plant earns from a tonne before freight; not published, so 0.")
    ] = 0.0,
    taxed_share: Annotated[
        float, typer.Option("--taxed-share", help="Share of the waste that would be taxed; 1 is the upper bound.")
    ] = COSTS.taxed_share,
) -> None:
    """Measure which sites and tonnes the plants reach within each radius, and what they do not reach."""
    costs = HaulCosts(
        freight_yuan_per_t_km=freight, circuity=circuity, disposal_yuan_per_t=disposal, margin_yuan_per_t=margin,
        taxed_share=taxed_share,
    )  # fmt: skip
    paying: dict[str, pd.DataFrame] = {}
    with open_registry(ctx) as reg, console.progress("coverage") as say:
        result, warnings = answers.coverage(
            reg, radius_km=radii(radius_km), same_material=not any_material, kind=kind, level=level, say=say
        )
        if break_even:
            found = answers.break_even(reg, costs, same_material=not any_material, kind=kind, level=level, say=say)
            paying = dict(zip(("break_even", "sensitivity"), found, strict=True))
    if out is not None:
        answers.write_coverage(result, out)
        console.message(f"{out}: written")
    if as_json:
        tables = {
            name: console.records(getattr(result, name)) for name in ("per_plant", "per_site", "totals", "by_group")
        }
        tables |= {name: console.records(table) for name, table in paying.items()}
        console.print_json({**tables, "unreached": console.records(result.unreached), "warnings": warnings})
    elif out is None:
        console.show_table(result.totals, "coverage")
        console.show_table(result.by_group, "coverage by kind, level and province")
        for name, table in paying.items():
            console.show_table(table, name.replace("_", " "))
    if not as_json:
        for line in warnings:
            console.message(line)
