"""Which sites are near a place: the command."""

from __future__ import annotations

from typing import Annotated

import typer

from registry.answers import receptors as answers
from registry.commands import console
from registry.commands.options import AsJson, KindOption, LevelOption, Out, Province, Status, is_layer, open_registry


def receptors(
    ctx: typer.Context,
    place: Annotated[
        str,
        typer.Argument(
            metavar="PLACE",
            help="LON,LAT, or a file of points, lines or polygons: a river, drinking-water sources.",
        ),
    ],
    nearest: Annotated[
        int | None,
        typer.Option("--nearest", metavar="K", help=f"How many sites; {answers.NEAREST}, or all within --within-km."),
    ] = None,
    within_km: Annotated[
        float | None, typer.Option("--within-km", metavar="D", help="Only sites at most so many km away.")
    ] = None,
    kind: KindOption = None,
    level: LevelOption = None,
    province: Province = None,
    status: Status = None,
    name_field: Annotated[
        str | None, typer.Option("--name-field", help="Field that names a feature; the first text field unless given.")
    ] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Layer of the file, where it has several.")] = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List the sites nearest to a place, a river or a drinking-water source, by geodesic distance."""
    with open_registry(ctx) as reg, console.progress("receptors") as say:
        table, totals, warnings = answers.receptors(
            reg, place, nearest=nearest, within_km=within_km, kind=kind, level=level, province=province, status=status,
            name_field=name_field, sheet=sheet, say=say,
        )  # fmt: skip
        if is_layer(out):
            table = answers.as_lines(reg, table)
    # On a terminal the code and the name tell which site it is.
    shown = table if as_json or out is not None else table.drop(columns="site_uid")
    console.present(shown, as_json=as_json, out=out, title="nearest sites", totals=totals, warnings=warnings)
