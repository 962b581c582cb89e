"""What intake hands to the store: a batch of validated rows, and what was said of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from registry.model.vocabulary import Kind

FINDING_COLUMNS = ("row", "column", "value", "reason")


def findings(rows: list[tuple[int, str, str, str]] | None = None) -> pd.DataFrame:
    """A table of findings on source rows: ``row`` (1-based, as the file counts), ``column, value, reason``."""
    return pd.DataFrame(rows or [], columns=list(FINDING_COLUMNS)).astype(
        {"row": "int64", "column": "str", "value": "str", "reason": "str"}
    )


@dataclass(frozen=True)
class Batch:
    """The rows of one source table, checked.

    Attributes
    ----------
    kind : what the rows are.
    records : (n,) accepted rows; columns are names of ``fields.source_fields(kind)`` that the table brought, with
        ``lon, lat`` in degrees in the store's CRS, ``extra`` (JSON text), ``warnings`` (text or None), ``row``.
    rejects, warnings : findings, one row each; a rejected source row appears at least once in ``rejects``.
    read : number of source rows; equals accepted rows + distinct rejected rows.
    file_name, sha256, sheet : the source file, and the sheet or layer in it ("" where a file is one table).
    rejected_rows : (r, headers) the rejected source rows as they are written, index ``row``, in the file's order.
    notes : what was decided for the table as a whole (columns kept as extra, units assumed, …), one line each.
    """

    kind: Kind
    records: pd.DataFrame
    rejects: pd.DataFrame
    warnings: pd.DataFrame
    read: int
    file_name: str
    sha256: str
    notes: tuple[str, ...] = ()
    sheet: str = ""
    rejected_rows: pd.DataFrame = field(default_factory=pd.DataFrame)


@dataclass(frozen=True)
class ImportReport:
    """What an import did; ``rejects`` and ``warnings`` are findings.

    ``rejected_rows`` are the rejected source rows as they are written, index ``row``.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    rejects: pd.DataFrame
    warnings: pd.DataFrame = field(default_factory=findings)
    notes: tuple[str, ...] = ()
    rejected_rows: pd.DataFrame = field(default_factory=pd.DataFrame)

    @property
    def rejected(self) -> int:
        """Number of source rows that were not stored."""
        return int(self.rejects["row"].nunique())
