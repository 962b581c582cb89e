"""Sites in partitions: the command that writes them, and how other commands come to work on them."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.answers import partition as answers
from registry.commands import console
from registry.commands.options import open_registry
from registry.errors import BadParameterError, MissingPackageError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from types import ModuleType

_PANEL = "Beyond one machine"
_DASK = ("dask", "distributed", "dask_geopandas")

DaskAt = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="local|tcp://HOST:PORT",
        rich_help_panel=_PANEL,
        help="Share the work out among Dask workers: of this machine, or of the scheduler at an address.",
    ),
]
SitesIn = Annotated[
    Path | None,
    typer.Option(
        "--sites",
        metavar="FOLDER",
        rich_help_panel=_PANEL,
        help="The sites of a dataset (see `registry partition`) instead of the store's; all workers must see it.",
    ),
]


def partition(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="A new or an empty folder.")],
    partitions: Annotated[
        int | None,
        typer.Option("--partitions", min=1, help="How many; one for every 250,000 sites unless given, and at least 4."),
    ] = None,
) -> None:
    """Write the sites as a dataset of Parquet partitions, near ones together, for `--dask`."""
    with open_registry(ctx) as reg, console.progress("partition") as say:
        rows = answers.partition(reg, folder, partitions=partitions, say=say)
    console.message(f"{folder}: {sum(rows)} sites in {len(rows)} partitions")


def present_written(out: Path, *, as_json: bool, totals: Mapping[str, Any], warnings: list[str]) -> None:
    """Tell of rows that the workers wrote to a folder."""
    console.message(f"{out}: {totals['rows']} rows")
    if as_json:
        console.print_json({"rows": [], "totals": dict(totals), "warnings": warnings})
        return
    for line in [*(f"{name}: {value}" for name, value in totals.items()), *warnings]:
        console.message(line)


def answers_of_workers(
    ctx: typer.Context, dask: str | None, sites: Path | None, works_with: Collection[str]
) -> ModuleType | None:
    """The answers that workers give; None where the command does its work itself.

    Parameters
    ----------
    works_with : parameters of the command that these answers know; any other one must be left out

    Raises
    ------
    BadParameterError : ``--sites`` without ``--dask``; an option that needs all sites on one machine.
    MissingPackageError : Dask is not installed.
    """
    if dask is None:
        if sites is not None:
            raise BadParameterError("--sites: it needs --dask, for example --dask local.")
        return None
    known = {"ctx", "dask", "sites", "as_json", "out", *works_with}
    for option in ctx.command.params:
        source = ctx.get_parameter_source(str(option.name))
        if option.name not in known and source is not None and source.name == "COMMANDLINE":
            raise BadParameterError(f"{option.opts[0]} and --dask: it needs all sites on one machine. Leave one out.")
    try:
        return importlib.import_module("registry.answers.partitioned")
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _DASK:
            raise
        raise MissingPackageError(
            f"--dask {dask}: {error.name} is not installed. Install it with `pip install 'tailings-registry[dask]'`."
        ) from error
