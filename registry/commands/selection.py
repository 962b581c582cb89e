"""Options by which a command chooses sites."""

from __future__ import annotations

from typing import Annotated

import typer

WHICH = "Which sites"

Kind = Annotated[
    str | None,
    typer.Option(
        "--kind", rich_help_panel=WHICH, help="tailings_pond, gangue_heap or smelting_site; all three unless given."
    ),
]
Level = Annotated[int | None, typer.Option("--level", rich_help_panel=WHICH, help="Supervision level 1, 2 or 3.")]
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
