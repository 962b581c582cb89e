"""Text tables: which encoding, which delimiter, and the cells as they are written.

A file is read in pieces, never as a whole, so that a table takes little more memory than its cells. Where every line is
as regular as a program writes it, Arrow reads it; any other file goes through Python's ``csv``, slower and patient.
"""

from __future__ import annotations

import codecs
import csv
import re
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from registry.errors import UnreadableFileError
from registry.intake.cells.source_table import SourceTable, one_line
from registry.intake.files.encodings import PIECE, UNICODE, file_encoding, likely_encoding, pieces
from registry.intake.files.layout import table_from_grid

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator
    from pathlib import Path

    from registry.intake.files.layout import Grid
    from registry.model.vocabulary import Kind

_DELIMITERS = ",;\t|"
# Bytes and lines that are looked at to tell encoding and delimiter.
_SAMPLE_BYTES = 65_536
_SAMPLE_LINES = 30
_MOST_COLUMNS = 4_096
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f]")
_ROWS_AT_ONCE = 50_000
# A quote that never closes makes one cell of the rest of the file.
_LONGEST_CELL = 1 << 20


def read_delimited(path: Path, kind: Kind, encoding: str | None, *, notes: tuple[str, ...] = ()) -> SourceTable:
    """A CSV or TSV file, with any usual encoding and any of ``, ; tab |`` between its cells.

    Raises
    ------
    UnreadableFileError : the bytes are no text in that encoding, or the quotes in it do not close.
    """
    used = _checked(path, encoding) if encoding else ""
    try:
        used = used or file_encoding(path)
        sample = _sample(path, used)
        delimiter = _delimiter(sample)
        grid = _regular(path, used, delimiter, sample) or _patient(path, used, delimiter)
    except UnicodeError as error:
        raise _undecodable(path, used) from error
    except (csv.Error, ValueError) as error:
        raise UnreadableFileError(f"{path.name}: not a readable table: {one_line(error)}.") from error
    grid[:] = [_unguarded(grid.pop(0)) for _ in range(len(grid))]
    notes += () if used in UNICODE else (f"{path.name}: read as {used}.",)
    # A table that was taken for another encoding shows it in its headers; the message then names the encoding.
    return table_from_grid(
        f"{path.name} (read as {used})" if used not in UNICODE else path.name, grid, kind, notes=notes
    )


def looks_like_a_table(raw: bytes) -> bool:
    """Whether the start of a file is text of which two lines have a delimiter."""
    text = codecs.getincrementaldecoder(likely_encoding(raw, whole=False))("replace").decode(raw)
    lines = text.splitlines()
    return not _CONTROL.search(text) and any(sum(mark in line for line in lines) > 1 for mark in _DELIMITERS)


def _checked(path: Path, encoding: str) -> str:
    try:
        known = codecs.getincrementaldecoder(encoding) is not None and isinstance(b"".decode(encoding), str)
    except (LookupError, UnicodeError):
        known = False
    if not known:
        raise UnreadableFileError(f"{path.name}: '{encoding}' is no encoding that is known here.")
    return encoding


def _sample(path: Path, encoding: str) -> str:
    """The first characters of a file."""
    with path.open("rb") as file:
        raw = file.read(_SAMPLE_BYTES)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(raw)
    if "\0" in text:
        raise ValueError("it holds zero bytes")
    return text


def _undecodable(path: Path, encoding: str) -> UnreadableFileError:
    """What to say of a file that does not decode: the first byte that is wrong."""
    decoder = codecs.getincrementaldecoder(encoding)()
    seen = 0
    where = ""
    try:
        for piece in pieces(path):
            held = len(decoder.getstate()[0])
            decoder.decode(piece)
            seen += len(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        where = f"byte {seen - held + error.start + 1} is not {encoding}"
    except UnicodeError as error:
        where = one_line(error)
    return UnreadableFileError(f"{path.name}: {where}. Name the right one with --encoding.")


def _delimiter(sample: str) -> str:
    """The delimiter that cuts the most lines of the sample into the same number of cells as the header."""
    lines = [line for line in sample.splitlines() if line.strip()][:_SAMPLE_LINES]

    def score(delimiter: str) -> tuple[float, int]:
        outside_quotes = [re.sub(r'"[^"]*"', "", line).count(delimiter) for line in lines]
        widest = max(outside_quotes, default=0)
        share = sum(count == widest for count in outside_quotes) / max(len(outside_quotes), 1)
        return (share * min(widest, 1), widest)

    best = max(_DELIMITERS, key=score)
    return best if score(best)[1] else ","


def _regular(path: Path, encoding: str, delimiter: str, sample: str) -> Grid | None:
    """The cells of a file that is regular throughout, read by Arrow; None when it is not.

    Regular is: quotes only around whole cells, and in every line that is not blank, titles apart, the same number of
    cells.
    """
    above, width = _rows_above(sample, delimiter)
    if encoding.startswith(("utf-16", "utf-32")) or not 1 < width <= _MOST_COLUMNS:
        return None
    quoted = any(b'"' in piece for piece in pieces(path))
    if quoted and not _quotes_are_regular(path, delimiter.encode()):
        return None
    names = [str(i) for i in range(width)]
    try:
        table = pacsv.read_csv(
            path,
            read_options=pacsv.ReadOptions(
                column_names=names,
                encoding="utf8" if encoding in UNICODE else encoding,
                block_size=PIECE,
                skip_rows=len(above),
            ),
            parse_options=pacsv.ParseOptions(
                delimiter=delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=quoted,
                ignore_empty_lines=False,
            ),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    columns = [table.column(i) for i in range(width)]
    del table
    pa.default_memory_pool().release_unused()
    first = [[row[i] if i < len(row) else "" for row in above] for i in range(width)]
    return [pa.chunked_array([pa.array(first[i], type=pa.string()), *columns.pop(0).chunks]) for i in range(width)]


def _rows_above(sample: str, delimiter: str) -> tuple[list[list[str]], int]:
    """The titles above a table, which have fewer cells than its rows, and how many those have."""
    lines = re.split(r"\r\n|\r|\n", sample)[:_SAMPLE_LINES]
    rows = [next(csv.reader([line], delimiter=delimiter), []) for line in lines]
    width = max(map(len, rows), default=0)
    count = next((i for i, row in enumerate(rows) if len(row) == width), 0)
    if any('"' in line for line in lines[:count]):
        return [], width
    return rows[:count], width


def _quotes_are_regular(path: Path, delimiter: bytes) -> bool:
    """Whether each cell with quotes is in them as a whole, a quote in it being doubled.

    Every other quote opens: before it stands a delimiter, a line end or the quote that it doubles; after a closing one
    likewise. In no encoding that is read so is the byte of a quote part of another character.
    """
    edges = np.zeros(256, dtype=bool)
    edges[list(b'\r\n"' + delimiter)] = True
    before = ord("\n")
    inside = 0
    pending = b""
    for i, part in enumerate(pieces(path)):
        piece = part.removeprefix(codecs.BOM_UTF8) if i == 0 else part
        raw = np.frombuffer(pending + piece, dtype=np.uint8)
        # The last byte waits for the one after it.
        at = np.flatnonzero(raw[:-1] == ord('"'))
        opens = (np.arange(len(at)) + inside) % 2 == 0
        left = np.concatenate(([before], raw[:-1]))[at[opens]]
        if not edges[left].all() or not edges[raw[at[~opens] + 1]].all():
            return False
        inside = (inside + len(at)) % 2
        before = int(raw[-2]) if len(raw) > 1 else before
        pending = bytes(raw[-1:])
    return inside == (pending == b'"')


def _patient(path: Path, encoding: str, delimiter: str) -> Grid:
    """The cells of any file, line by line; a row that is too short has empty cells."""
    parts: list[list[Any]] = []
    sizes: list[int] = []
    for rows in _batches(path, encoding, delimiter):
        columns = list(zip_longest(*rows, fillvalue=""))
        parts.append([pa.array(column, type=pa.large_string()) for column in columns])
        sizes.append(len(rows))
    width = max(map(len, parts), default=0)
    if width > _MOST_COLUMNS:
        raise ValueError(f"a row has {width} cells, more than {_MOST_COLUMNS}")
    return [
        pa.chunked_array(
            [
                part[i] if i < len(part) else pa.array([""] * size, type=pa.large_string())
                for part, size in zip(parts, sizes, strict=True)
            ],
            type=pa.large_string(),
        )
        for i in range(width)
    ]


def _batches(path: Path, encoding: str, delimiter: str) -> Iterator[list[list[str]]]:
    """The rows of a file, some at a time.

    Raises
    ------
    ValueError : a quote opens and does not close, or text follows where it does; zero bytes.
    """
    csv.field_size_limit(_LONGEST_CELL)
    with path.open(encoding=encoding, newline="") as file:
        rows: list[list[str]] = []
        for count, row in enumerate(_rows(file, delimiter), start=1):
            rows.append(row)
            if count % _ROWS_AT_ONCE == 0:
                yield rows
                rows = []
        yield rows


def _rows(file: io.TextIOWrapper, delimiter: str) -> Iterator[list[str]]:
    """The rows of a text; their quotes are seen to where a row is longer than a line, and in the last one."""
    read: list[str] = []

    def lines() -> Iterator[str]:
        for line in file:
            if "\0" in line:
                raise ValueError("it holds zero bytes")
            read.append(line)
            yield line

    reader = csv.reader(lines(), delimiter=delimiter)
    last: list[str] = []
    count = 0
    try:
        for row in reader:
            if len(read) > 1:
                list(csv.reader(read, delimiter=delimiter, strict=True))
            yield row
            count += 1
            last = read.copy()
            read.clear()
        count -= 1
        list(csv.reader(last, delimiter=delimiter, strict=True))
    except csv.Error as error:
        # In the last row only a quote that is open is wrong: others are taken as they are, as in any row.
        if count < 0 or read or "end of data" in str(error):
            raise ValueError(f'the quote (") that opens in row {count + 1} does not close') from None


def _unguarded(column: Any) -> Any:
    """Cells without the apostrophe that keeps a spreadsheet from running a text as a formula."""
    if not pc.any(pc.starts_with(column, "'")).as_py():
        return column
    return pc.replace_substring_regex(column, r"^'(['=+\-@＝＋－＠\t\r\n])", r"\1")
