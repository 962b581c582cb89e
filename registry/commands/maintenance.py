"""Commands of whoever looks after a store: create, examine, ask its history, back up, restore."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import registry
from registry.answers.history import changed_fields
from registry.commands import console
from registry.commands.options import AsJson, Out, open_registry
from registry.diagnosis import examine

# Exit code of the doctor when something is wrong with the store.
_UNSOUND = 4


def init(
    ctx: typer.Context,
    crs: Annotated[
        str | None,
        typer.Option("--crs", help="Geographic CRS of the store: EPSG:4490 (default) or EPSG:4326."),
    ] = None,
) -> None:
    """Create a store, or bring the one that is there to the schema of this version."""
    with registry.open(ctx.obj["store"], create=True, crs=crs) as reg:
        console.message(f"{reg.store.place}: ready, {reg.crs.name} ({reg.crs.to_string()})")


def doctor(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Examine the store and the installation; exit code 4 when something is wrong."""
    with open_registry(ctx) as reg:
        found, problems = examine(reg)
    if as_json:
        console.print_json(
            {
                "rows": [{"what": name, "value": value} for name, value in found.items()],
                "totals": {},
                "warnings": problems,
            }
        )
    else:
        for name, value in found.items():
            console.OUT.print(f"{name}: {value}", markup=False, highlight=False)
        for line in problems:
            console.message(f"problem: {line}")
    if problems:
        raise typer.Exit(_UNSOUND)


def history(
    ctx: typer.Context,
    uid: Annotated[str, typer.Argument(help="UID or code of a site or plant; the UID of a deleted one is known too.")],
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Show who changed what of one site or plant, and when, and which rows of which files spoke of it."""
    with open_registry(ctx) as reg:
        changes, sources = reg.history(uid), reg.provenance(uid)
    if as_json:
        if out is not None:
            console.present(changed_fields(changes), as_json=False, out=out, title="")
        console.print_json(
            {
                "rows": console.records(changes),
                "sources": console.records(sources),
                "totals": {"changes": len(changes), "sources": len(sources)},
                "warnings": [],
            }
        )
        return
    console.present(
        changed_fields(changes), as_json=False, out=out, title=f"history of {uid}",
        totals={"changes": len(changes)},
    )  # fmt: skip
    if len(sources):
        shown = sources.assign(sha256=sources["sha256"].str[:12])
        console.show_table(shown.drop(columns="uid"), f"rows that spoke of {uid}")


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="File to write; its name ends in .gpkg, and it must not be there yet.")],
) -> None:
    """Copy the whole store, history included, into a GeoPackage file that is itself a store."""
    with open_registry(ctx) as reg, console.progress(f"backup {file.name}") as say:
        copied = reg.backup(file, say=say)
    console.message(f"{file}: {sum(copied.values())} rows of {len(copied)} tables")


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A backup, or any store in a file.")],
) -> None:
    """Fill an empty store from a backup, history included; the store is created if there is none."""
    with registry.open(file) as kept:
        crs = kept.crs.to_string()
    with registry.open(ctx.obj["store"], create=True, crs=crs) as reg, console.progress(f"restore {file.name}") as say:
        copied = reg.restore(file, say=say)
        console.message(f"{reg.store.place}: {sum(copied.values())} rows of {len(copied)} tables")
