"""What a command prints: tables for people on stdout, JSON for programs, progress and messages on stderr."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from registry.export import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

# A pipe or a file has no width: nothing is cut there.
OUT = Console(width=None if sys.stdout.isatty() else 1000)
ERR = Console(stderr=True)

# A terminal shows this many rows of a table; --json and --out give all.
SHOWN_ROWS = 40
# Work that is done sooner says nothing of itself where stderr is a file or a pipe.
QUIET_SECONDS = 2.0


@contextmanager
def progress(task: str) -> Iterator[Callable[[str], None]]:
    """What goes on, on stderr: a spinner with elapsed time on a terminal, elsewhere a line for each step of long work."""
    if not ERR.is_terminal:
        start = time.monotonic()

        def note(step: str) -> None:
            elapsed = time.monotonic() - start
            if elapsed > QUIET_SECONDS:
                message(f"{task}: {step} ({elapsed:.0f} s)")

        yield note
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=ERR, transient=True) as bar:
        shown = bar.add_task(task, total=None)
        yield lambda step: bar.update(shown, description=f"{task}: {escape(step)}")


@contextmanager
def said_by(name: str) -> Iterator[None]:
    """What a part of the program says through its logger, as lines for the person."""
    logger, lines = logging.getLogger(name), _Lines()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(lines)
    try:
        yield
    finally:
        logger.removeHandler(lines)
        logger.setLevel(level)


class _Lines(logging.Handler):
    """One line on stderr for each record."""

    def emit(self, record: logging.LogRecord) -> None:
        message(record.getMessage())


def message(text: str) -> None:
    """One line for the person, on stderr."""
    ERR.print(text, markup=False, highlight=False, soft_wrap=True)


def present(
    rows: pd.DataFrame,
    *,
    as_json: bool,
    out: Path | None,
    title: str,
    totals: Mapping[str, Any] | None = None,
    warnings: list[str] | None = None,
) -> None:
    """Show a result: as JSON, into a file, or as a table."""
    if out is not None:
        write_table(rows, out)
        message(f"{out}: {len(rows)} rows")
    if as_json:
        print_json({"rows": records(rows), "totals": dict(totals or {}), "warnings": warnings or []})
    elif out is None:
        show_table(rows, title)
        for name, value in (totals or {}).items():
            show_value(name, value)
    if not as_json:
        for line in warnings or []:
            message(line)


def records(rows: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as plain dictionaries; what is missing is None, a geometry is left out."""
    plain = pd.DataFrame(rows.drop(columns="geometry", errors="ignore"))
    if plain.index.name:
        plain = plain.reset_index()
    return [{str(key): plain_value(value) for key, value in row.items()} for row in plain.to_dict("records")]


def plain_value(value: Any) -> Any:
    """A value that JSON can carry."""
    if isinstance(value, dict):
        return {str(key): plain_value(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(each) for each in value]
    if value is None or pd.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def print_json(document: Mapping[str, Any]) -> None:
    """One JSON document on stdout."""
    json.dump(plain_value(dict(document)), sys.stdout, ensure_ascii=False, default=str)
    sys.stdout.write("\n")


def show_table(rows: pd.DataFrame, title: str) -> None:
    """The first rows as a table, with as many columns, from the left, as the terminal is wide."""
    plain = pd.DataFrame(rows.drop(columns="geometry", errors="ignore"))
    if plain.index.name:
        plain = plain.reset_index()
    cells = {str(name): [_cell(value) for value in plain[name].head(SHOWN_ROWS)] for name in plain.columns}
    widths = {name: max(map(cell_len, [name, *column])) + 3 for name, column in cells.items()}
    shown: list[str] = []
    room = OUT.width - 1 if OUT.is_terminal else None
    for name, width in widths.items():
        if room is not None and shown and width > room:
            break
        room = None if room is None else room - width
        shown.append(name)
    table = Table(title=escape(title), title_justify="left", header_style="bold")
    for name in shown:
        dtype = plain[name].dtype
        numeric = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
        table.add_column(name, justify="right" if numeric else "left")
    for row in zip(*(cells[name] for name in shown), strict=True):
        table.add_row(*map(escape, row))
    OUT.print(table)
    rest = [name for name in cells if name not in shown]
    if len(plain) > SHOWN_ROWS or rest:
        columns = f", columns left out: {', '.join(rest)}" if rest else ""
        said = f"{min(SHOWN_ROWS, len(plain))} of {len(plain)} rows{columns}. --out FILE or --json gives all."
        OUT.print(said, markup=False, highlight=False, soft_wrap=True)


def show_value(name: str, value: Any) -> None:
    """One named value on a line."""
    OUT.print(f"{name}: {_cell(value)}", markup=False, highlight=False)


def _cell(value: Any) -> str:
    if value is None or (not isinstance(value, list | tuple | dict) and pd.isna(value)):
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.6g}"
    return str(value)
