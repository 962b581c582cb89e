"""How sites and tonnes are spread: the command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry.answers import concentration as answers
from registry.answers.selection import Selection
from registry.commands import console
from registry.commands.options import (
    AsJson,
    AsOf,
    KindOption,
    LevelOption,
    Mineral,
    Operator,
    Out,
    Status,
    WasteCode,
    open_registry,
)
from registry.commands.partition import DaskAt, SitesIn, answers_of_workers
from registry.errors import BadParameterError
from registry.services.concentration import Measure
from registry.services.groupings import Split

if TYPE_CHECKING:
    import pandas as pd

REGIONS, COMPARE, PATTERN = "By which regions", "Compared with what", "Pattern"
_WITH_DASK = (
    "by", "measure", "regions", "code_field", "name_field", "kind", "level", "status", "mineral", "operator", "reference",
    "ratios",
)  # fmt: skip
_TITLES = {
    "change": "change between the two dates",
    "groups": "by group and region",
    "group_totals": "groups",
    "belts": "belts; shares are of all sites",
}


def concentration(
    ctx: typer.Context,
    by: Annotated[
        str | None,
        typer.Option(
            "--by", rich_help_panel=REGIONS, help="province, city, county, or hex (H3 cells); province unless given."
        ),
    ] = None,
    measure: Annotated[
        Measure,
        typer.Option("--measure", help="count, annual_t, stock_t or storage_m3: what is shared out and ranked."),
    ] = "count",
    regions: Annotated[
        Path | None,
        typer.Option(
            "--regions", metavar="FILE", rich_help_panel=REGIONS, help="Polygons of a file instead, such as basins."
        ),
    ] = None,
    code_field: Annotated[
        str, typer.Option("--code-field", rich_help_panel=REGIONS, help="Field of the file that holds the code.")
    ] = "code",
    name_field: Annotated[
        str, typer.Option("--name-field", rich_help_panel=REGIONS, help="Field of the file that holds the name.")
    ] = "name",
    belt: Annotated[
        list[str] | None,
        typer.Option(
            "--belt",
            metavar="BELT",
            rich_help_panel=REGIONS,
            help="Also what lies in a belt: yangtze, yellow_river, NAME=CODE,CODE,… (codes or names of regions) or "
            "NAME=FILE (polygons). Give it again for more belts; a site in two counts once in the row together.",
        ),
    ] = None,
    kind: KindOption = None,
    level: LevelOption = None,
    status: Status = None,
    mineral: Mineral = None,
    waste_code: WasteCode = None,
    operator: Operator = None,
    as_of: AsOf = None,
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="TIME",
            rich_help_panel=COMPARE,
            help="Also what changed between this date and --as-of (now unless given), whichever is earlier.",
        ),
    ] = None,
    split: Annotated[
        Split | None,
        typer.Option(
            "--split",
            rich_help_panel=COMPARE,
            help="Also each group by itself: kind, level, mineral, waste_code, status or operator.",
        ),
    ] = None,
    reference: Annotated[
        str,
        typer.Option(
            "--reference",
            metavar="REFERENCE",
            rich_help_panel=COMPARE,
            help="What the location quotient compares with: area, population or raw_coal (provinces of China), or "
            "FILE.csv:COLUMN, matched by code or name of the region.",
        ),
    ] = "area",
    ratios: Annotated[
        str | None,
        typer.Option("--cr", metavar="N,N,…", rich_help_panel=PATTERN, help="Shares of the N largest beside CR3, CR4."),
    ] = None,
    statistics: Annotated[
        bool,
        typer.Option(
            "--statistics",
            rich_help_panel=PATTERN,
            help="Also nearest-neighbour index, Moran's I, local Moran and Getis-Ord Gi*, of the density.",
        ),
    ] = False,
    dask: DaskAt = None,
    sites: SitesIn = None,
    as_json: AsJson = False,
    out: Out = None,
) -> None:
    """Count sites and tonnes by region: share, density, rank, location quotient, and how concentrated they are."""
    asked = answers.Question(
        by=by, measure=measure, as_of=as_of, against=against, split=split, largest=_largest(ratios), reference=reference,
        statistics=statistics, regions=regions, code_field=code_field, name_field=name_field, belts=tuple(belt or ()),
        selection=Selection(
            kind=kind, level=level, status=status, mineral=mineral, waste_code=waste_code, operator=operator
        ),
    )  # fmt: skip
    workers = answers_of_workers(ctx, dask, sites, _WITH_DASK)
    with open_registry(ctx) as reg, console.progress("concentration") as say:
        if workers is None:
            found = answers.answer(reg, asked, say)
        else:
            found = workers.concentration(reg, asked, workers.Place(dask, sites), say)
        if out is not None:
            rows = answers.write(found, out)
            console.message(f"{out}: {rows} rows")
    if as_json:
        tables = {name: console.records(table) for name, table in found.further.items()}
        console.print_json(
            {"rows": console.records(found.table), "totals": found.totals, "warnings": found.warnings, **tables}
        )
        return
    if out is None:
        _show(found, f"concentration by {'polygon' if regions else by or 'province'}")
    else:
        for line in found.warnings:
            console.message(line)


def _show(found: answers.Answer, title: str) -> None:
    """The tables of an answer; the change or the groups, where they were asked for, in the place of the regions."""
    tested = _tested(found.table)
    shown = {title: found.table.drop(columns=tested)}
    if tested:
        marked = found.table["local_moran_significant"] | found.table["gi_star_significant"]
        shown["clusters"] = found.table.loc[marked, ["region_code", "region_name", "sites", *tested]]
    for name in ("change", "groups"):
        if name in found.further:
            del shown[title]
            title = _TITLES[name]
            shown[title] = found.further[name]
    shown |= {_TITLES[name]: found.further[name] for name in ("group_totals", "belts") if name in found.further}
    main = shown.pop(title)
    for other, table in shown.items():
        console.show_table(table, other)
    console.present(main, as_json=False, out=None, title=title, totals=found.totals, warnings=found.warnings)


def _tested(table: pd.DataFrame) -> list[str]:
    return [
        name for name in table.columns if name.startswith(("local_moran", "gi_star")) or name in {"quadrant", "spot"}
    ]


def _largest(text: str | None) -> tuple[int, ...]:
    """Whole numbers from a text such as ``3,4,8``."""
    if text is None:
        return ()
    try:
        return tuple(int(part) for part in text.replace("，", ",").split(","))
    except ValueError:
        raise BadParameterError(f"--cr {text}: give whole numbers separated by commas, for example 3,4,8.") from None
