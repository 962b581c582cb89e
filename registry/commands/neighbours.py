"""Which sites lie close to each other: the command."""

from __future__ import annotations

from typing import Annotated

import typer

from registry.answers import neighbours as answers
from registry.commands import console
from registry.commands.options import AsJson, Out, Province, Status, open_registry


def neighbours(
    ctx: typer.Context,
    within_m: Annotated[
        float, typer.Option("--within-m", metavar="D", help="How far two sites are apart at most, metres.")
    ],
    of: Annotated[
        str | None,
        typer.Option("--of", metavar="KIND", help="tailings_pond, gangue_heap or smelting_site; all unless given."),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="KIND", help="Kind of the other site of each pair; as --of unless given."),
    ] = None,
    level: Annotated[int | None, typer.Option("--level", help="Supervision level 1, 2 or 3 of the ponds.")] = None,
    province: Province = None,
    status: Status = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List pairs of sites that lie close to each other, and the clusters that they form: chains of ponds."""
    with open_registry(ctx) as reg, console.progress("neighbours") as say:
        found = answers.neighbours(
            reg, within_m=within_m, of=of, to=to, level=level, province=province, status=status, say=say
        )
        if out is not None:
            answers.write_neighbours(reg, found, out)
            console.message(f"{out}: {len(found.pairs)} pairs")
    if as_json:
        console.print_json(
            {
                "rows": console.records(found.pairs),
                "clusters": console.records(found.clusters),
                "totals": found.totals,
                "warnings": found.warnings,
            }
        )
    elif out is None:
        # On a terminal the code and the name tell which site it is.
        console.show_table(found.pairs.drop(columns=["uid", "other_uid"]), "pairs of sites")
        console.show_table(found.clusters, "clusters")
        for name, value in found.totals.items():
            console.OUT.print(f"{name}: {value}", markup=False, highlight=False)
    if not as_json:
        for line in found.warnings:
            console.message(line)
