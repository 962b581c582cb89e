"""What is near the sites: the commands."""

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
    SameMaterial,
    is_layer,
    open_registry,
)


def proximity(
    ctx: typer.Context,
    nearest: Annotated[int, typer.Option("--nearest", min=1, help="How many plants for each site.")] = 1,
    any_material: SameMaterial = False,
    kind: KindOption = None,
    level: LevelOption = None,
    province: Province = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Find the nearest plants that accept each site's waste, by geodesic distance."""
    with open_registry(ctx) as reg, console.progress("proximity") as say:
        table, totals, warnings = answers.proximity(
            reg,
            nearest=nearest,
            same_material=not any_material,
            kind=kind,
            level=level,
            province=province,
            say=say,
        )
        if is_layer(out):
            table = answers.as_lines(reg, table)
    console.present(table, as_json=as_json, out=out, title="nearest plants", totals=totals, warnings=warnings)
