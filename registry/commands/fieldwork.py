"""Commands that say what was edited in a package, and take it back."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from registry.answers import fieldwork
from registry.commands import console
from registry.commands.options import AsJson, Out, open_registry
from registry.errors import BadParameterError, UnsettledError
from registry.fieldwork.problems import Side
from registry.settings import settings

Package = Annotated[
    Path, typer.Argument(metavar="PACKAGE", help="A file that `registry export --editable` wrote, edited since.")
]
Lang = Annotated[str | None, typer.Option("--lang", help="Language of field names and code labels: zh or en.")]


def diff(ctx: typer.Context, package: Package, lang: Lang = None, as_json: AsJson = False, out: Out = None) -> None:
    """Show what was edited in a package and is not merged yet, field by field.

    Where the store is not at hand, it shows everything that was edited since the export.
    """
    with console.progress("diff"):
        told = fieldwork.difference(ctx.obj["store"], package)
    rows = told.rows if as_json else fieldwork.readable(told.rows, lang or settings().lang)
    console.present(rows, as_json=as_json, out=out, title=told.title, totals=told.totals, warnings=told.notes)


def merge(
    ctx: typer.Context,
    package: Package,
    ours: Annotated[
        bool, typer.Option("--ours", help="Where both sides changed a field, keep the registry's value.")
    ] = False,
    theirs: Annotated[
        bool, typer.Option("--theirs", help="Where both sides changed a field, take the file's value.")
    ] = False,
    decisions: Annotated[
        Path | None,
        typer.Option(
            "--decisions",
            metavar="FILE",
            help="Settle single fields by a list that --out wrote, its column decision filled in: ours, theirs or a value.",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, store nothing.")] = False,
    lang: Lang = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Take back what was edited in a package, all of it in one transaction.

    A field that both sides changed is a conflict, and a value or row that the registry cannot take is refused: then
    nothing is stored and all of them are listed (exit code 4). Merging the same file again changes nothing.
    """
    if ours and theirs:
        raise BadParameterError("--ours and --theirs: choose one of them.")
    side: Side | None = "ours" if ours else "theirs" if theirs else None
    words = lang or settings().lang
    try:
        with open_registry(ctx) as reg, console.progress(f"merge {package.name}") as say:
            report = reg.merge(package, side=side, decisions=decisions, dry_run=dry_run, lang=words, say=say)
    except UnsettledError as error:
        console.present(error.problems, as_json=as_json, out=out, title="to be settled; nothing was stored")
        raise
    rows = report.edits if as_json else fieldwork.readable(report.edits, words)
    notes = [*report.notes, *(["dry run: nothing was stored"] if dry_run else [])]
    console.present(rows, as_json=as_json, out=out, title="merged", totals=report.counts, warnings=notes)
    if len(report.warnings) and not as_json:
        console.show_table(report.warnings, "taken with a doubt")
