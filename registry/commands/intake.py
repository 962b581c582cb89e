"""Commands by which tables come in: import, and the settling of sites that may be one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from registry.commands import console
from registry.commands.options import AsJson, Out, open_registry
from registry.errors import BadParameterError, StoreMissingError, UnwritableFileError
from registry.imports import VANISHED, Vanished
from registry.intake.checks.rejects import check_rejects, write_rejects
from registry.intake.columns.mapping import load_mapping
from registry.intake.suggestion.file import suggest_for_file
from registry.matches import read_decisions
from registry.model.vocabulary import Kind, kind_of

if TYPE_CHECKING:
    import pandas as pd

    from registry.model.records import ImportReport

# Exit code of a command that stored something but not every row.
SOME_REJECTED = 3


def import_(
    ctx: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(help="Table to import: xlsx, xls, csv, tsv, geojson, gpkg, shp, zip, kml, kmz, fgb or parquet."),
    ],
    kind: Annotated[
        str | None,
        typer.Option("--kind", help="What its rows are: " + ", ".join(Kind) + "; a mapping file says it too."),
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option("--mapping", help="Mapping file (TOML), when headers are not recognised.")
    ] = None,
    suggest_mapping: Annotated[
        bool,
        typer.Option(
            "--suggest-mapping",
            help="Import nothing: write a mapping file for this table, ready to edit, to --out or to stdout.",
        ),
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="The mapping file that --suggest-mapping writes.")
    ] = None,
    crs: Annotated[
        str | None,
        typer.Option("--crs", help="What the coordinates are in: EPSG:4527, GCJ-02, BD-09 …, or auto to find out."),
    ] = None,
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="Sheet or layer to read, where several hold data.")
    ] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="Text encoding, when it is not detected.")] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Name of the source; the file name unless given.")
    ] = None,
    licence: Annotated[str | None, typer.Option("--licence", help="Licence of the source.")] = None,
    vanished: Annotated[
        Vanished,
        typer.Option(
            "--vanished",
            help="Sites that the last edition of this source had and this one has not: report, close or keep.",
        ),
    ] = VANISHED[0],
    merge_above: Annotated[
        float | None,
        typer.Option(
            "--merge-above",
            help="Take a new row for the stored site that it resembles, from this score (0 to 1) on.",
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option("--rejects", help="Write the rejected rows here (csv or xlsx), to be corrected and imported."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check and count, store nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Import a table in one transaction. Rows that are wrong are listed with their reasons; the others are stored."""
    if suggest_mapping:
        _write_mapping(_suggested(ctx, file, kind, sheet, encoding), out)
        return
    with open_registry(ctx) as reg, console.progress(f"import {file.name}") as say:
        read = None if mapping is None else load_mapping(mapping)
        wanted = kind or (read.kind.value if read else None)
        if wanted is None:
            raise BadParameterError(
                f"Missing option --kind: what are the rows of {file.name}? One of {', '.join(Kind)}."
            )
        if rejects is not None:
            check_rejects(rejects, [path for path in (file, reg.store.path, mapping) if path is not None])
        report = reg.import_file(
            file, wanted, mapping=read, crs=crs, sheet=sheet, encoding=encoding, source=source, licence=licence,
            vanished=vanished, merge_above=merge_above, dry_run=dry_run, say=say,
        )  # fmt: skip
    if rejects is not None and report.rejected:
        write_rejects(report, file, rejects)
        console.message(f"{rejects}: {report.rejected} rejected rows")
    counts = {
        "read": report.read, "new": report.new, "changed": report.changed,
        "unchanged": report.unchanged, "rejected": report.rejected,
    }  # fmt: skip
    if as_json:
        _print_json(report, counts)
    else:
        _print_report(report, counts, dry_run=dry_run, rejects=rejects)
    if report.rejected:
        raise typer.Exit(SOME_REJECTED)


def matches(
    ctx: typer.Context,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Compare only this kind: " + ", ".join(Kind) + "; all unless given.")
    ] = None,
    min_score: Annotated[
        float | None, typer.Option("--min-score", help="List pairs from this score (0 to 1) on.")
    ] = None,
    merge_above: Annotated[
        float | None,
        typer.Option("--merge-above", help="Join the pairs from this score (0 to 1) on that have no rival."),
    ] = None,
    decisions: Annotated[
        Path | None,
        typer.Option("--decisions", help="Settle pairs by a file that --out wrote, its column decision filled in."),
    ] = None,
    settled: Annotated[bool, typer.Option("--settled", help="List what was settled so far instead.")] = False,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """List sites and plants that may be one and the same; join those that are, remember those that are not."""
    with open_registry(ctx) as reg, console.progress("matches") as say:
        if settled:
            rows, totals = reg.match_decisions(), {}
        else:
            totals = {"joined": 0, "told_apart": 0}
            if decisions is not None:
                done = reg.settle_matches(read_decisions(decisions))
                totals = {"joined": done.joined, "told_apart": done.told_apart}
            if merge_above is not None:
                totals["joined"] += reg.merge_matches(merge_above, kind, say=say).joined
            rows = reg.matches(kind, min_score=min_score, say=say)
            totals |= {"open": len(rows)}
    console.present(rows, as_json=as_json, out=out, title="settled" if settled else "may be one", totals=totals)


def _suggested(ctx: typer.Context, file: Path, kind: str | None, sheet: str | None, encoding: str | None) -> str:
    try:
        with open_registry(ctx) as reg:
            return reg.suggest_mapping(file, kind, sheet=sheet, encoding=encoding)
    except StoreMissingError:
        # A mapping file can be made before there is a store; it only cannot say which grid the metres are in.
        return suggest_for_file(file, kind_of(kind) if kind else None, sheet=sheet, encoding=encoding)


def _write_mapping(text: str, out: Path | None) -> None:
    if out is None:
        console.OUT.print(text, markup=False, highlight=False, soft_wrap=True, end="")
        return
    if out.exists():
        raise BadParameterError(
            f"{out}: the file is there already. Name another one with --out; a suggestion overwrites nothing."
        )
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UnwritableFileError(f"{out}: cannot be written: {error.strerror or error}.") from None
    console.message(f"{out}: look it through, then import with --mapping {out}")


def _print_json(report: ImportReport, counts: dict[str, int]) -> None:
    tables = {
        "warnings": report.warnings, "rejects": report.rejects, "summary": report.summary(),
        "changes": report.changes, "vanished": report.vanished, "matches": report.matches,
    }  # fmt: skip
    document: dict[str, Any] = {name: console.records(table) for name, table in tables.items()}
    console.print_json({**counts, "merged": report.merged, "notes": list(report.notes), **document})


def _print_report(report: ImportReport, counts: dict[str, int], *, dry_run: bool, rejects: Path | None) -> None:
    console.OUT.print(
        ", ".join(f"{name} {count}" for name, count in counts.items()) + (" (dry run)" if dry_run else "")
    )
    for note in report.notes:
        console.message(note)
    tables: list[tuple[str, pd.DataFrame]] = [
        ("findings by reason, worst first", report.summary()),
        ("rejected", report.rejects),
        ("warnings", report.warnings),
        ("changed", report.changes.drop(columns="uid", errors="ignore")),
        ("in the last edition of the source, not in this one", report.vanished),
        ("may be sites that are there already; settle them with `registry matches`", report.matches),
    ]
    for title, found in tables:
        if len(found):
            console.show_table(found, title)
    if report.merged:
        console.message(f"{report.merged} rows were taken for sites that they resemble; `registry matches --settled`.")
    if report.rejected and rejects is None:
        console.message("--rejects FILE.xlsx writes the rejected rows in the layout of the source, to be corrected.")
