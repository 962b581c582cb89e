"""Where sites lie thickest: the command."""

from __future__ import annotations

from typing import Annotated

import typer

from registry.answers import density as answers
from registry.answers.selection import Selection
from registry.commands import console
from registry.commands.options import (
    AsJson,
    AsOf,
    KindOption,
    LevelOption,
    Mineral,
    Operator,
    Out,
    Status,
    WasteCode,
    is_layer,
    open_registry,
)
from registry.export import write_table
from registry.services.concentration import Measure


def density(
    ctx: typer.Context,
    bandwidth_km: Annotated[
        float, typer.Option("--bandwidth-km", help="Distance at which the influence of a site ends, km.")
    ],
    step_km: Annotated[
        float | None,
        typer.Option(
            "--step-km", help="Distance of the points of the grid, km; a fifth of the bandwidth unless given."
        ),
    ] = None,
    measure: Annotated[
        Measure,
        typer.Option("--measure", help="count, annual_t, stock_t or storage_m3: what the density is of."),
    ] = "count",
    kind: KindOption = None,
    level: LevelOption = None,
    status: Status = None,
    mineral: Mineral = None,
    waste_code: WasteCode = None,
    operator: Operator = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Measure how thickly sites or tonnes lie about every point, whatever the borders: kernel density on the sphere."""
    chosen = Selection(kind=kind, level=level, status=status, mineral=mineral, waste_code=waste_code, operator=operator)
    with open_registry(ctx) as reg, console.progress("density") as say:
        found = answers.density(
            reg, bandwidth_km=bandwidth_km, step_km=step_km, measure=measure, selection=chosen, as_of=as_of, say=say
        )
        if out is not None:
            # A layer has its points; a table says where they are in two columns.
            shaped = found.grid.drop(columns=["lon", "lat"])
            write_table(shaped if is_layer(out) else found.grid.drop(columns="geometry"), out, name="density")
            console.message(f"{out}: {len(found.grid)} rows")
    if as_json:
        console.print_json(
            {
                "rows": console.records(found.grid),
                "totals": found.totals,
                "warnings": found.warnings,
                "places": console.records(found.places),
            }
        )
        return
    console.present(
        found.places,
        as_json=False,
        out=None,
        title=f"the densest places, {bandwidth_km:g} km apart or more",
        totals=found.totals,
        warnings=found.warnings,
    )
