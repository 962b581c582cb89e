"""The rows that were turned back, as a file that can be sent to whoever wrote the table, corrected and imported again.

The columns are those of the source in their order, under its own headers, a line for each rejected row; ``row,
column, value, reason, file`` stand at their right and are dropped again by the next import. A workbook has the wrong
cells marked, and a second sheet with the reasons counted. Reasons are given in Chinese and English.
"""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import XlsxWriterException

from registry.errors import BadParameterError, UnwritableFileError
from registry.intake.cells.source_table import unique_headers
from registry.intake.checks.reasons import in_both
from registry.model.records import FINDING_COLUMNS, REJECT_COLUMNS, Batch, ImportReport

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

SUFFIXES = (".csv", ".xlsx")

# A spreadsheet takes a cell that starts so for a formula, some take a full-width sign for the plain one. An apostrophe
# in front of one of them is doubled: reading a table takes one away.
_FORMULA = r"^'?[=+\-@＝＋－＠\t\r\n]|^''"
_NUMBER = r"[+-]?\d+([.,]\d+)*"
_SEPARATOR = "; "

# What a workbook's sheet holds, the header included, and the digits that its numbers keep.
_SHEET_ROWS = 1_048_576
_EXACT_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{0,14}[1-9])?")
_EXACT_DIGITS = 15
_SUMMARY_SHEET = "汇总 Summary"
_SUMMARY_HEADERS = {
    "severity": "级别 severity", "reason": "原因 reason", "column": "列 column", "rows": "行数 rows",
    "share": "占比 share", "example_rows": "例行 example rows", "example_value": "例值 example value",
}  # fmt: skip
# Findings on these are findings on the point of a layer.
_POINT_COLUMNS = ("latitude", "longitude", "northing", "easting")


def check_rejects(out: Path, taken: Sequence[Path]) -> None:
    """See before an import that its rejects can be written, and make their folder.

    Raises
    ------
    BadParameterError : the file is one of those that the import reads or writes, or neither CSV nor XLSX.
    UnwritableFileError : the place cannot be written.
    """
    if any(out.resolve() == other.resolve() for other in taken):
        raise BadParameterError(
            f"{out}: the rejects would replace a file of this import. Name another file with --rejects."
        )
    if out.suffix.lower() not in SUFFIXES:
        raise BadParameterError(f"{out}: rejects are written as {' or '.join(SUFFIXES)}; give the file such a name.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("ab"):
            pass
        if out.stat().st_size == 0:
            out.unlink()
    except OSError as error:
        raise UnwritableFileError(f"{out}: cannot be written: {error.strerror or error}.") from None


def write_rejects(report: Batch | ImportReport, source_path: Path, out: Path) -> None:
    """Write the rejected rows in the layout of their source, with the reasons beside, as CSV or XLSX by suffix.

    Parameters
    ----------
    source_path : the file that they came from; its name stands in the last column.

    Notes
    -----
    In CSV a cell that a spreadsheet would run as a formula gets an apostrophe in front, which reading a table takes
    away again. Numbers are cells of numbers in a workbook where they are read back as they were written.

    Raises
    ------
    BadParameterError : the suffix is neither ``.csv`` nor ``.xlsx``.
    UnwritableFileError : the file cannot be written, or the rows are more than a sheet takes.
    """
    rows = report.rejected_rows
    found = report.rejects.assign(reason=in_both(report.rejects["reason"]))
    beside = _beside(found, rows.index, source_path.name)
    try:
        match out.suffix.lower():
            case ".csv":
                _write_csv(rows, beside, out)
            case ".xlsx":
                if len(rows) >= _SHEET_ROWS:
                    raise UnwritableFileError(
                        f"{out}: {len(rows):,} rejected rows are more than a sheet takes; name a .csv file instead."
                    )
                _write_xlsx(report, found, beside, out)
            case _:
                raise BadParameterError(
                    f"{out}: rejects are written as {' or '.join(SUFFIXES)}; give the file such a name."
                )
    except (OSError, XlsxWriterException) as error:
        raise UnwritableFileError(f"{out}: cannot be written: {getattr(error, 'strerror', None) or error}.") from error


def _beside(found: pd.DataFrame, index: pd.Index[Any], file: str) -> pd.DataFrame:
    """The findings of each rejected row (k,) in one line: ``row, column, value, reason, file``."""
    at = index.get_indexer(pd.Index(found["row"]))
    rank = found.groupby("row").cumcount().to_numpy()
    beside = pd.DataFrame({"row": index.to_numpy()})
    for name in FINDING_COLUMNS[1:]:
        texts: Any = found[name].to_numpy(dtype=object)
        joined: Any = np.full(len(index), "", dtype=object)
        # The first finding of every row, then the second of those that have one, and so on.
        for turn in range(int(rank.max(initial=-1)) + 1):
            of = rank == turn
            joined[at[of]] += texts[of] if turn == 0 else _SEPARATOR + texts[of]
        beside[name] = pd.Series(joined, dtype="str")
    return beside.assign(file=pd.Series([file] * len(index), dtype="str"))


def _write_csv(rows: pd.DataFrame, beside: pd.DataFrame, out: Path) -> None:
    table = pd.concat([rows.reset_index(drop=True), beside], axis=1)
    guarded = [
        _guarded(table.iloc[:, i]) if pd.api.types.is_string_dtype(table.dtypes.iloc[i]) else table.iloc[:, i]
        for i in range(table.shape[1])
    ]
    headers = _guarded(pd.Series([*table.columns], dtype="str")).tolist()
    whole = pd.concat(guarded, axis=1).set_axis(headers, axis=1)
    whole.to_csv(out, index=False, encoding="utf-8-sig", lineterminator="\r\n")


def _guarded(texts: pd.Series[str]) -> pd.Series[str]:
    dangerous = texts.str.contains(_FORMULA, regex=True) & ~texts.str.fullmatch(_NUMBER)
    return texts.mask(dangerous, "'" + texts)


def _write_xlsx(report: Batch | ImportReport, found: pd.DataFrame, beside: pd.DataFrame, out: Path) -> None:
    rows = report.rejected_rows
    name = "Rejects" if report.kind is None else report.kind.zh
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    # The file is opened first: a workbook that cannot be written in the end leaves its passing files behind.
    with (
        out.open("wb") as file,
        tempfile.TemporaryDirectory(dir=out.parent, prefix=f"{out.stem}_") as folder,
        xlsxwriter.Workbook(file, options | {"tmpdir": folder}) as book,
    ):
        bold = book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        text = book.add_format({"num_format": "@"})
        plain, marked = (book.add_format({"bg_color": colour} if colour else {}) for colour in ("", "#FFC7CE"))
        marked_text = book.add_format({"num_format": "@", "bg_color": "#FFC7CE"})
        sheet = book.add_worksheet(name)
        headers = [*map(str, rows.columns), *beside.columns]
        # A code that is typed into a text cell keeps its zeros.
        sheet.set_column(0, len(rows.columns) - 1, 14, text)
        sheet.set_column(len(rows.columns), len(headers) - 1, 20)
        for i, header in enumerate(headers):
            sheet.write_string(0, i, header, bold)
        sheet.freeze_panes(1, 0)
        sheet.autofilter(0, 0, len(rows), len(headers) - 1)
        reasons = _marks(found, rows)
        formats = {(False, False): text, (False, True): marked_text, (True, False): plain, (True, True): marked}
        columns = [rows.iloc[:, i].tolist() for i in range(rows.shape[1])]
        said = [beside[name].tolist() for name in REJECT_COLUMNS]
        for at in range(len(rows)):
            for i, column in enumerate(columns):
                reason = reasons.get((at, i))
                _write_cell(sheet, at + 1, i, column[at], formats, marked=reason is not None)
                if reason is not None:
                    sheet.write_comment(at + 1, i, reason, {"x_scale": 2})
            sheet.write_number(at + 1, len(columns), said[0][at])
            for i, column in enumerate(said[1:], start=len(columns) + 1):
                sheet.write_string(at + 1, i, column[at])
        _write_summary(book.add_worksheet(_SUMMARY_SHEET), report, bold, book.add_format({"num_format": "0.0%"}))


def _marks(found: pd.DataFrame, rows: pd.DataFrame) -> dict[tuple[int, int], str]:
    """Row and column (both from 0) of each wrong cell, to what is wrong with it."""
    places = {name: [i] for i, name in enumerate(unique_headers([*map(str, rows.columns)]))}
    point = [places[name][0] for name in _POINT_COLUMNS if name in places]
    marks: dict[tuple[int, int], str] = {}
    at = rows.index.get_indexer(pd.Index(found["row"]))
    for row, column, reason in zip(at.tolist(), found["column"], found["reason"], strict=True):
        for i in point if column == "geometry" else places.get(column, []):
            before = marks.get((row, i))
            marks[row, i] = reason if before is None else f"{before}\n{reason}"
    return marks


def _write_cell(
    sheet: Worksheet, row: int, column: int, text: str, formats: dict[tuple[bool, bool], Format], *, marked: bool
) -> None:
    digits = sum(map(str.isdigit, text)) if len(text) <= _EXACT_DIGITS + 2 else _EXACT_DIGITS + 1
    number = digits <= _EXACT_DIGITS and _EXACT_NUMBER.fullmatch(text) is not None and _written(float(text)) == text
    if number:
        sheet.write_number(row, column, float(text), formats[True, marked])
    elif text:
        sheet.write_string(row, column, text, formats[False, marked])
    elif marked:
        sheet.write_blank(row, column, None, formats[False, marked])


def _written(number: float) -> str:
    """A number as it is read back from a workbook."""
    return str(int(number)) if number.is_integer() else repr(number)


def _write_summary(sheet: Worksheet, report: Batch | ImportReport, bold: Format, percent: Format) -> None:
    summary = report.summary()
    summary["reason"] = in_both(summary["reason"])
    sheet.set_column(0, 0, 10)
    sheet.set_column(1, 1, 80)
    sheet.set_column(2, summary.shape[1] - 1, 18)
    sheet.freeze_panes(1, 0)
    for i, name in enumerate(summary.columns):
        sheet.write_string(0, i, _SUMMARY_HEADERS[name], bold)
    for at, row in enumerate(summary.itertuples(index=False), start=1):
        for i, value in enumerate(row):
            if isinstance(value, str):
                sheet.write_string(at, i, value)
            else:
                sheet.write_number(at, i, value, percent if summary.columns[i] == "share" else None)
