"""Options that several commands share, and how they open the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import registry
from registry.errors import BadParameterError

AsJson = Annotated[bool, typer.Option("--json", help="Machine-readable result on stdout.")]
Out = Annotated[
    Path | None,
    typer.Option(
        "--out",
        metavar="FILE",
        help="Write the rows to a file: csv, xlsx, parquet, gpkg or geojson by suffix.",
    ),
]
# The panel of a command's help that says which sites it is about.
WHICH = "Which sites"

KindOption = Annotated[
    str | None,
    typer.Option(
        "--kind", rich_help_panel=WHICH, help="tailings_pond, gangue_heap or smelting_site; all three unless given."
    ),
]
LevelOption = Annotated[int | None, typer.Option("--level", rich_help_panel=WHICH, help="Supervision level 1, 2 or 3.")]
Status = Annotated[
    str | None, typer.Option("--status", rich_help_panel=WHICH, help="Status code, for example in_use or closed.")
]
Mineral = Annotated[
    str | None,
    typer.Option("--mineral", rich_help_panel=WHICH, help="iron, copper, gold, other_metal or non_metal: ponds only."),
]
WasteCode = Annotated[
    str | None,
    typer.Option(
        "--waste-code", rich_help_panel=WHICH, help="Waste code or category, for example SW05; tonnes are those of it."
    ),
]
Operator = Annotated[str | None, typer.Option("--operator", rich_help_panel=WHICH, help="Part of the operator's name.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of", metavar="TIME", rich_help_panel=WHICH,
        help="As it was: a date (its end) or a time, for example 2026-01-31.",
    ),
]  # fmt: skip
Province = Annotated[
    str | None,
    typer.Option("--province", rich_help_panel=WHICH, help="Code or name of a province, for example 130000 or 河北省."),
]
SameMaterial = Annotated[bool, typer.Option("--any-material", help="Ignore waste codes: any plant serves any site.")]

MONEY, ROADS = "Money", "Roads"

Freight = Annotated[float, typer.Option("--freight", help="Freight by road, yuan/t km.", rich_help_panel=MONEY)]
Circuity = Annotated[float, typer.Option("--circuity", help="Road distance over straight line.", rich_help_panel=MONEY)]
Disposal = Annotated[
    float,
    typer.Option(
        "--disposal", rich_help_panel=MONEY, help="Disposal cost that a haul avoids, yuan/t; not published, so 0."
    ),
]
Margin = Annotated[
    float,
    typer.Option(
        "--margin",
        rich_help_panel=MONEY,
        help="What a plant or hub earns from a tonne before freight; not published, so 0.",
    ),
]
TaxedShare = Annotated[
    float,
    typer.Option(
        "--taxed-share",
        rich_help_panel=MONEY,
        help="Share of the waste that would be taxed; 1 is the upper bound.",
    ),
]

Road = Annotated[
    str | None,
    typer.Option(
        "--road",
        metavar="URL",
        rich_help_panel=ROADS,
        help="Go by road, asking a Valhalla or OSRM server at this address.",
    ),
]
RoadEngine = Annotated[
    str | None,
    typer.Option("--road-engine", rich_help_panel=ROADS, help="valhalla or osrm; the server is asked unless given."),
]
RoadProfile = Annotated[
    str | None,
    typer.Option(
        "--road-profile",
        rich_help_panel=ROADS,
        help="Who drives: for Valhalla auto (default) or truck, for OSRM its profile.",
    ),
]
RoadCache = Annotated[
    Path | None,
    typer.Option(
        "--road-cache",
        metavar="FILE",
        rich_help_panel=ROADS,
        help="Where road distances are kept; in your cache folder unless given.",
    ),
]


def open_registry(ctx: typer.Context) -> registry.Registry:
    """The store that the options before the command name."""
    return registry.open(ctx.obj["store"])


def is_layer(out: Path | None) -> bool:
    """Whether a result is asked for in a format that holds shapes."""
    return out is not None and out.suffix.lower() in {".gpkg", ".geojson", ".fgb"}


def radii(text: str) -> list[float]:
    """Radii in km from a text such as ``50,100,150``."""
    try:
        return [float(part) for part in text.replace("，", ",").split(",")]
    except ValueError:
        raise BadParameterError(
            f"--radius-km {text}: give numbers in km separated by commas, for example 50,100,150."
        ) from None


def numbers(text: str, option: str, example: str) -> list[float]:
    """The numbers of an option, separated by commas.

    Raises
    ------
    BadParameterError : one is none.
    """
    try:
        return [float(part) for part in text.replace("，", ",").split(",")]
    except ValueError:
        raise BadParameterError(f"{option} {text}: give numbers separated by commas, for example {example}.") from None


def limits(text: str | None) -> tuple[float, ...]:
    """Limits of classes from a text such as ``10,100,1000``; none where there is none."""
    if text is None:
        return ()
    try:
        return tuple(float(part) for part in text.replace("，", ",").split(","))
    except ValueError:
        raise BadParameterError(
            f"--breaks {text}: give numbers separated by commas, for example 10,100,1000."
        ) from None


CoarsenM = Annotated[
    float | None,
    typer.Option(
        "--coarsen-m",
        help="Blur positions to a fixed grid of cells at least so many metres wide, before anything is computed from them.",
    ),
]
