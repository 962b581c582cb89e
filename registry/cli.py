"""The command line, put together."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import registry
from registry.commands import (
    concentration,
    console,
    coverage,
    density,
    export,
    fieldwork,
    hubs,
    intake,
    lists,
    maintenance,
    neighbours,
    pages,
    partition,
    proximity,
    receptors,
)
from registry.demo.run import run_demo
from registry.errors import RegistryError
from registry.settings import settings

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Where bulk solid waste lies, who can use it, and how far apart they are.\n\n"
    "A store is one GeoPackage file or a PostGIS database: [bold]registry init[/bold] creates it, "
    "[bold]registry import[/bold] fills it, the other commands answer from it. [bold]registry demo[/bold] shows all of it on synthetic data.",
)
regions_app = typer.Typer(no_args_is_help=True, help="Administrative regions of the store.")
app.add_typer(regions_app, name="regions")

# What a shell gives a program that was stopped by Ctrl-C.
INTERRUPTED = 130
# Our own mistake, not the user's.
UNEXPECTED = 1


def _version(value: bool) -> None:
    if value:
        console.OUT.print(f"tailings-registry {registry.__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def main_options(
    ctx: typer.Context,
    store: Annotated[
        str | None,
        typer.Option(
            "--store",
            metavar="URL",
            help="The store: a file.gpkg or postgresql+psycopg://user@host/database; "
            "otherwise REGISTRY_STORE, or registry.gpkg here.",
        ),
    ] = None,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Show the version.")
    ] = False,
) -> None:
    """Options before the command."""
    del version
    ctx.obj = {"store": store, "debug": debug}


# In the order in which the help names them.
app.command()(maintenance.init)
app.command("import")(intake.import_)
app.command()(intake.matches)
regions_app.command("load")(lists.regions_load)
app.command()(lists.sites)
app.command()(lists.plants)
app.command()(concentration.concentration)
app.command()(density.density)
app.command()(proximity.proximity)
# A position in the west or south begins with a minus sign, and is no option.
app.command(context_settings={"ignore_unknown_options": True})(receptors.receptors)
app.command()(neighbours.neighbours)
app.command()(coverage.coverage)
app.command()(hubs.hubs)
app.command("map")(pages.map_)
app.command()(export.export)
app.command()(fieldwork.diff)
app.command()(fieldwork.merge)
app.command()(partition.partition)
for _command in (maintenance.history, maintenance.backup, maintenance.restore, maintenance.doctor):
    app.command()(_command)


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Folder for the store, maps, tables and exports.")
    ] = Path(),
    seed: Annotated[int, typer.Option("--seed", help="Seed of the synthetic inventory.")] = 2024,
    lang: Annotated[str | None, typer.Option("--lang", help="Language of the maps: zh or en.")] = None,
) -> None:
    """Run the whole job on a synthetic inventory: store, services, maps, exports."""
    with console.progress("demo") as say:
        made = run_demo(out, seed=seed, lang=lang or settings().lang, say=say)
    for line in made:
        console.OUT.print(line, markup=False, highlight=False, soft_wrap=True)


def main() -> None:
    """Run a command; an error is one line on stderr and an exit code."""
    try:
        code = app(standalone_mode=False) or 0
    except RegistryError as error:
        if "--debug" in sys.argv:
            raise
        console.message(f"registry: {' '.join(str(error).split())}")
        sys.exit(error.exit_code)
    except typer.TyperException as error:
        # Without a command the help is shown, and there is nothing to add.
        if text := error.format_message().strip():
            console.message(f"registry: {text.rstrip('.')}. `registry COMMAND --help` explains.")
        sys.exit(RegistryError.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    except Exception as error:
        if "--debug" in sys.argv:
            raise
        said = " ".join(str(error).split())[:300]
        console.message(
            f"registry: unexpected {type(error).__name__}: {said}. "
            "Run it with `registry --debug …` and report what it shows."
        )
        sys.exit(UNEXPECTED)
    if code == INTERRUPTED:
        console.message("registry: interrupted. What was not finished is not stored.")
    sys.exit(code)
