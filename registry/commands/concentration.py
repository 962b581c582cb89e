"""How sites and tonnes are spread: the command."""

from __future__ import annotations

from typing import Annotated

import typer

from registry.answers import concentration as answers
from registry.commands import console
from registry.commands.options import AsJson, KindOption, LevelOption, Out, is_layer, open_registry
from registry.services.concentration import Measure


def concentration(
    ctx: typer.Context,
    by: Annotated[str, typer.Option("--by", help="province, city, county, or hex (H3 cells).")] = "province",
    measure: Annotated[
        Measure, typer.Option("--measure", help="count, annual_t or stock_t: what is shared out and ranked.")
    ] = "count",
    kind: KindOption = None,
    level: LevelOption = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Count sites and tonnes by region: share, density, rank, location quotient, and how concentrated they are."""
    with open_registry(ctx) as reg, console.progress("concentration") as say:
        table, totals, warnings = answers.concentration(reg, by=by, measure=measure, kind=kind, level=level, say=say)
        if is_layer(out):
            table = answers.on_regions(reg, table, by, totals.get("h3_resolution"))
    console.present(table, as_json=as_json, out=out, title=f"concentration by {by}", totals=totals, warnings=warnings)
