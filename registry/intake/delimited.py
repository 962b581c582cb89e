"""Text tables: which encoding, which delimiter, and the cells as they are written."""

from __future__ import annotations

import csv
import io
import re
import warnings
from typing import TYPE_CHECKING

import pandas as pd
from charset_normalizer import from_bytes

from registry.errors import UnreadableFileError
from registry.intake.source_table import SourceTable, from_grid, one_line

if TYPE_CHECKING:
    from pathlib import Path

_BOMS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# What tables that are not UTF-8 come in, in China and elsewhere.
_LEGACY = ["gb18030", "big5", "cp1252"]
_DELIMITERS = ",;\t|"
# Bytes and lines that are looked at to tell encoding and delimiter.
_SAMPLE_BYTES = 65_536
_SAMPLE_LINES = 30
_MOST_COLUMNS = 4_096


def read_delimited(path: Path, encoding: str | None) -> SourceTable:
    """A CSV or TSV file, with any usual encoding and any of ``, ; tab |`` between its cells.

    Raises
    ------
    UnreadableFileError : the bytes are no text in that encoding, or the quotes in it do not close.
    """
    text, used = _decoded(path, path.read_bytes(), encoding)
    notes = () if used in {"utf-8", "utf-8-sig"} else (f"{path.name}: read as {used}.",)
    if "\0" in text:
        raise UnreadableFileError(f"{path.name}: not a text table; it holds zero bytes.")
    delimiter = _delimiter(text)
    if not text.strip():
        return from_grid(path.name, pd.DataFrame())
    try:
        grid = _grid(text, delimiter)
    except (
        pd.errors.ParserError,
        pd.errors.EmptyDataError,
        pd.errors.ParserWarning,
        csv.Error,
        ValueError,
    ) as error:
        raise UnreadableFileError(f"{path.name}: not a readable table: {one_line(error)}.") from error
    grid = grid.apply(_unguarded)
    # A table that was taken for another encoding shows it in its headers; the message then names the encoding.
    return from_grid(f"{path.name} (read as {used})" if notes else path.name, grid, notes=notes)


def _grid(text: str, delimiter: str) -> pd.DataFrame:
    """All cells of a text, blank lines included, so that row numbers are those of the file."""
    # Rows may be longer than the header: room for the longest, told apart later as overflow.
    if '"' in text:
        width = max(map(len, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)), default=0)
    else:
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        width = max(line.count(delimiter) for line in lines) + 1
    if width > _MOST_COLUMNS:
        raise ValueError(f"a row has {width} cells, more than {_MOST_COLUMNS}")
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # it would lose cells
        return pd.read_csv(
            io.StringIO(text), sep=delimiter, header=None, names=range(width), dtype="str", index_col=False,
            na_filter=False, keep_default_na=False, skip_blank_lines=False, low_memory=False,
        )  # fmt: skip


def _unguarded(cells: pd.Series) -> pd.Series:
    """Cells without the apostrophe that keeps a spreadsheet from running a text as a formula."""
    if not cells.str.startswith("'").any():
        return cells
    return cells.str.replace(r"^'(?=['=+\-@＝＋－＠\t\r\n])", "", regex=True)


def _decoded(path: Path, raw: bytes, encoding: str | None) -> tuple[str, str]:
    """The text and the encoding that it was read in."""
    chosen = encoding or likely_encoding(raw)
    try:
        return raw.decode(chosen), chosen
    except LookupError:
        raise UnreadableFileError(f"{path.name}: '{encoding}' is no encoding that is known here.") from None
    except UnicodeError as error:
        if encoding is None and chosen != "latin-1":
            return raw.decode("latin-1"), "latin-1"
        where = getattr(error, "start", 0)
        raise UnreadableFileError(
            f"{path.name}: byte {where + 1} is not {chosen}. Name the right one with --encoding."
        ) from error


def likely_encoding(raw: bytes) -> str:
    """The encoding of a text: its byte order mark, else UTF-8 when the bytes are that, else the likeliest."""
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return name
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        telling = b"\n".join(line for line in raw.splitlines() if not line.isascii())[:_SAMPLE_BYTES]
        best = from_bytes(telling, cp_isolation=_LEGACY).best()
        return best.encoding if best else "latin-1"
    return "utf-8"


def _delimiter(text: str) -> str:
    """The delimiter that cuts the most lines of the sample into the same number of cells as the header."""
    lines = [line for line in text[:_SAMPLE_BYTES].splitlines() if line.strip()][:_SAMPLE_LINES]

    def score(delimiter: str) -> tuple[float, int]:
        outside_quotes = [re.sub(r'"[^"]*"', "", line).count(delimiter) for line in lines]
        widest = max(outside_quotes, default=0)
        share = sum(count == widest for count in outside_quotes) / max(len(outside_quotes), 1)
        return (share * min(widest, 1), widest)

    best = max(_DELIMITERS, key=score)
    return best if score(best)[1] else ","
