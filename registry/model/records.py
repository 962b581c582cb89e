"""What intake hands to the store: a batch of validated rows, and what was said of the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from registry.model.vocabulary import Kind

FINDING_COLUMNS = ("row", "column", "value", "reason")
# What a file of rejects has at the right of the source's columns.
REJECT_COLUMNS = (*FINDING_COLUMNS, "file")
SUMMARY_COLUMNS = ("severity", "reason", "column", "rows", "share", "example_rows", "example_value")

# What differs from row to row in a reason, and what stands for it where reasons are counted.
_OF_ONE_ROW = (
    (r"\brow \d+", "row …"),
    (r"^says .+, but the position lies in .+$", "says another province than it lies in"),
)
_EXAMPLES = 3


def findings(rows: list[tuple[int, str, str, str]] | None = None) -> pd.DataFrame:
    """A table of findings on source rows: ``row`` (1-based, as the file counts), ``column, value, reason``."""
    return pd.DataFrame(rows or [], columns=list(FINDING_COLUMNS)).astype(
        {"row": "int64", "column": "str", "value": "str", "reason": "str"}
    )


def summarise(read: int, rejects: pd.DataFrame, warnings: pd.DataFrame) -> pd.DataFrame:
    """Findings counted by reason, worst first: what to send back to whoever wrote the table.

    Parameters
    ----------
    read : number of source rows, of which ``share`` is a part.
    rejects, warnings : findings.

    Returns
    -------
    One row for each reason in each column: ``severity`` (error, warning), ``reason``, ``column``, ``rows``
    (how many have it), ``share`` (of all rows, 0 to 1), ``example_rows`` (the first ones), ``example_value``
    (the commonest). Errors stand before warnings, then the reason with most rows first.
    """
    parts = [_counted(found, severity) for severity, found in (("error", rejects), ("warning", warnings))]
    counted = pd.concat(parts, ignore_index=True)
    counted["share"] = counted["rows"] / max(read, 1)
    return counted[list(SUMMARY_COLUMNS)]


def _counted(found: pd.DataFrame, severity: str) -> pd.DataFrame:
    reasons: Any = pa.array(found["reason"], type=pa.large_string())
    for pattern, form in _OF_ONE_ROW:
        reasons = pc.replace_substring_regex(reasons, pattern=pattern, replacement=form)
    plain = found[["row", "column", "value"]].assign(reason=pd.Series(reasons, index=found.index, dtype="str"))
    keys = ["reason", "column"]
    plain = plain.drop_duplicates([*keys, "row"]).sort_values("row", kind="stable")
    grouped = plain.groupby(keys, sort=False)
    firsts = plain[grouped.cumcount() < _EXAMPLES]
    examples = firsts["row"].astype("str").groupby([firsts[key] for key in keys], sort=False).agg(", ".join)
    # The commonest value of each group: values are counted, and the first of the largest count is kept.
    values = plain.groupby([*keys, "value"], sort=False).size().rename("times").reset_index()
    commonest = values.sort_values("times", ascending=False, kind="stable").drop_duplicates(keys).set_index(keys)
    counted = pd.DataFrame({"rows": grouped.size(), "example_rows": examples}).join(commonest["value"])
    counted = counted.rename(columns={"value": "example_value"}).reset_index()
    more = counted["rows"] > _EXAMPLES
    counted["example_rows"] = counted["example_rows"].where(~more, counted["example_rows"] + ", …")
    counted.insert(0, "severity", severity)
    return counted.sort_values("rows", ascending=False, kind="stable", ignore_index=True)


@dataclass(frozen=True)
class Batch:
    """The rows of one source table, checked.

    Attributes
    ----------
    kind : what the rows are.
    records : (n,) accepted rows; columns are names of ``fields.source_fields(kind)`` that the table brought, with
        ``lon, lat`` in degrees in the store's CRS, ``position_accuracy_m``, ``extra`` (JSON text), ``warnings``
        (text or None), ``row``.
    rejects, warnings : findings, one row each; a rejected source row appears at least once in ``rejects``. Their
        ``column`` is the header, with a number behind it where the table has it more than once.
    read : number of source rows; equals accepted rows + distinct rejected rows.
    file_name, sha256, sheet : the source file, and the sheet or layer in it ("" where a file is one table).
    supplement : the table is a file of rejects, so it holds only some rows of its source's edition.
    returned : the table is an export of a registry that came back, through a format that may have cut or rounded values.
    rejected_rows : (r, headers) the rejected source rows as they are written, index ``row``, in the file's order;
        its columns are the headers as they are written, so that one may occur twice.
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
    supplement: bool = False
    returned: bool = False
    rejected_rows: pd.DataFrame = field(default_factory=pd.DataFrame)

    def summary(self) -> pd.DataFrame:
        """Findings counted by reason, worst first; see ``summarise``."""
        return summarise(self.read, self.rejects, self.warnings)


@dataclass(frozen=True)
class ImportReport:
    """What an import did; ``rejects`` and ``warnings`` are findings.

    ``rejected_rows`` are the rejected source rows as they are written, index ``row``; ``kind`` is what they are.
    ``changes`` are the fields that changed: ``row, uid, name, field, before, after``. ``vanished`` are sites that the
    edition before spoke of and this one does not: ``uid, code, name, status, row`` (in that edition). ``matches`` are
    pairs that may be one site: ``uid, name, row``, ``other_uid, other_name``, ``distance_m, score``; ``merged`` is how
    many rows were taken for another site's because their score was above the limit that the user set.
    """

    read: int
    new: int
    changed: int
    unchanged: int
    rejects: pd.DataFrame
    warnings: pd.DataFrame = field(default_factory=findings)
    notes: tuple[str, ...] = ()
    rejected_rows: pd.DataFrame = field(default_factory=pd.DataFrame)
    kind: Kind | None = None
    changes: pd.DataFrame = field(default_factory=pd.DataFrame)
    vanished: pd.DataFrame = field(default_factory=pd.DataFrame)
    matches: pd.DataFrame = field(default_factory=pd.DataFrame)
    merged: int = 0

    @property
    def rejected(self) -> int:
        """Number of source rows that were not stored."""
        return int(self.rejects["row"].nunique())

    def summary(self) -> pd.DataFrame:
        """Findings counted by reason, worst first; see ``summarise``."""
        return summarise(self.read, self.rejects, self.warnings)
