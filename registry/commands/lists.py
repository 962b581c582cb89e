"""Commands that list what a store holds, and load its regions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from registry.commands import console
from registry.commands.options import AsJson, AsOf, KindOption, Out, Province, Status, open_registry


def regions_load(
    ctx: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(help="Polygons to load; China's provinces, cities and counties without it."),
    ] = None,
    level: Annotated[str | None, typer.Option("--level", help="province, city or county.")] = None,
    code_field: Annotated[str, typer.Option("--code-field", help="Field that holds the region's code.")] = "code",
    name_field: Annotated[str, typer.Option("--name-field", help="Field that holds the region's name.")] = "name",
) -> None:
    """Load regions, and give every site the codes of the regions it lies in."""
    with open_registry(ctx) as reg, console.progress("regions") as say:
        loaded = reg.load_regions(file, level=level, code_field=code_field, name_field=name_field, say=say)
    console.message("loaded " + ", ".join(f"{count} of level {name}" for name, count in loaded.items()))


def sites(
    ctx: typer.Context,
    kind: KindOption = None,
    level: Annotated[
        int | None, typer.Option("--level", help="Supervision level 1, 2 or 3; leaves ponds only.")
    ] = None,
    province: Province = None,
    status: Status = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List tailings ponds, gangue heaps and smelting sites."""
    with open_registry(ctx) as reg:
        found = reg.sites(kind, level=level, province=province, status=status, as_of=as_of)
    _present_layer(
        found, as_json=as_json, out=out, title="sites", extra=["supervision_level", "annual_t", "waste_codes"]
    )


def plants(
    ctx: typer.Context,
    accepts: Annotated[str | None, typer.Option("--accepts", help="Waste code or category, for example SW05.")] = None,
    province: Province = None,
    status: Status = None,
    as_of: AsOf = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List utilization plants."""
    with open_registry(ctx) as reg:
        found = reg.plants(accepts, province=province, status=status, as_of=as_of)
    _present_layer(found, as_json=as_json, out=out, title="plants", extra=["capacity_t_per_year", "waste_codes"])


def _present_layer(found: Any, *, as_json: bool, out: Path | None, title: str, extra: list[str]) -> None:
    """A list of features: coordinates beside the fields; on a terminal only the columns that fit."""
    listed = found.assign(lon=found.geometry.x, lat=found.geometry.y) if as_json or out is None else found
    if not as_json and out is None:
        listed = listed[["kind", "code", "name", "province_code", *extra, "lon", "lat"]].reset_index(drop=True)
    totals = {str(kind): int(count) for kind, count in found["kind"].value_counts().items()}
    console.present(listed, as_json=as_json, out=out, title=title, totals={title: len(found), **totals})
