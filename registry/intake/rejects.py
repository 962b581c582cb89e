"""The rows that were turned back, as a file that can be sent to whoever wrote the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.errors import BadParameterError, UnwritableFileError
from registry.model.records import FINDING_COLUMNS, Batch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

# A spreadsheet takes a cell that starts so for a formula.
_FORMULA = r"^[=+\-@\t\r]"
_NUMBER = r"^[+-]?\d+([.,]\d+)*$"


def check_rejects(out: Path, taken: Sequence[Path]) -> None:
    """See before an import that its rejects can be written, and make their folder.

    Raises
    ------
    BadParameterError : the file is one of those that the import reads or writes.
    UnwritableFileError : the place cannot be written.
    """
    if any(out.resolve() == other.resolve() for other in taken):
        raise BadParameterError(
            f"{out}: the rejects would replace a file of this import. Name another file with --rejects."
        )
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with out.open("ab"):
            pass
        if out.stat().st_size == 0:
            out.unlink()
    except OSError as error:
        raise UnwritableFileError(f"{out}: cannot be written: {error.strerror or error}.") from None


def write_rejects(batch_or_findings: Batch | pd.DataFrame, source_path: Path, out: Path) -> None:
    """Write findings as CSV that Excel opens as it is: ``row, column, value, reason, file``.

    Notes
    -----
    A cell that a spreadsheet would run as a formula gets an apostrophe in front.

    Raises
    ------
    UnwritableFileError : the file cannot be written.
    """
    findings = batch_or_findings.rejects if isinstance(batch_or_findings, Batch) else batch_or_findings
    table = findings[list(FINDING_COLUMNS)].assign(file=source_path.name)
    for name in ("column", "value", "reason", "file"):
        text = table[name].astype("str")
        dangerous = text.str.contains(_FORMULA, regex=True) & ~text.str.fullmatch(_NUMBER.strip("^$"))
        table[name] = text.where(~dangerous, "'" + text)
    try:
        table.to_csv(out, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    except OSError as error:
        raise UnwritableFileError(f"{out}: cannot be written: {error.strerror or error}.") from error
