"""What was said of the rows of a table, collected while it is checked: errors, warnings, notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from registry.intake.cells.numbers import arrow_text
from registry.model.records import findings

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.intake.cells.source_table import SourceTable

# A finding on a column: the column, the rows (k,) it is about, their reasons (k,), and what to show of them (k,)
# where that is not the cell.
_Said = tuple[str, "NDArray[np.int64]", "NDArray[np.object_]", "NDArray[np.object_] | None"]


_TEXT = pa.large_string()


class Findings:
    """What was said of the rows of a table so far.

    Attributes
    ----------
    rejected : (n,) True for the rows that have an error.
    notes : what was decided for the table as a whole.
    """

    def __init__(self, table: SourceTable) -> None:
        self._table = table
        self._errors: list[_Said] = []
        self._warned: list[_Said] = []
        self.rejected: NDArray[np.bool_] = np.zeros(len(table.rows), dtype=bool)
        self.notes: list[str] = []

    def error(self, column: str, reasons: NDArray[np.object_], shown: NDArray[np.object_] | None = None) -> None:
        """Turn rows back that have a reason (n,); "" is none. ``shown`` (n,) are their values where not the cells."""
        at = np.flatnonzero(reasons != "")
        if len(at):
            self.rejected[at] = True
            self._errors.append((column, at, reasons[at], None if shown is None else shown[at]))

    def warn(self, column: str, reasons: NDArray[np.object_], shown: NDArray[np.object_] | None = None) -> None:
        """Keep a warning (n,) with its row; "" is none."""
        at = np.flatnonzero(reasons != "")
        if len(at):
            self._warned.append((column, at, reasons[at], None if shown is None else shown[at]))

    def warn_rows(
        self, column: str, at: NDArray[np.int64], reason: str, shown: NDArray[np.object_] | None = None
    ) -> None:
        """Keep one warning with the rows ``at`` (k,)."""
        if len(at):
            reasons = np.full(len(at), reason, dtype=object)
            self._warned.append((column, at, reasons, shown))

    def warnings_of_rows(self) -> Any:
        """All warnings of each row (n,) in one text, None where there are none."""
        n = len(self._table.rows)
        if not self._warned:
            return np.full(n, None, dtype=object)
        # Rows share few combinations of warnings: each is a number until all are known, then a text once.
        combination = np.zeros(n, dtype=np.int64)
        texts = [""]
        for _, at, reasons, _ in self._warned:
            codes, words = pd.factorize(reasons)
            both, pairs = pd.factorize(combination[at] * len(words) + codes)
            old, new = np.divmod(pairs, len(words))
            more = [f"{texts[i]} {words[j]}".lstrip() for i, j in zip(old.tolist(), new.tolist(), strict=True)]
            combination[at] = both + len(texts)
            texts += more
        distinct = pa.array([None, *texts[1:]], type=pa.large_string())
        return pd.Series(distinct.take(pa.array(combination)), dtype="str").array

    def rejects(self) -> pd.DataFrame:
        """The errors, in the order of the file."""
        return self._listed(self._errors, np.ones(len(self._table.rows), dtype=bool))

    def warnings(self) -> pd.DataFrame:
        """The warnings on accepted rows, in the order of the file."""
        return self._listed(self._warned, ~self.rejected)

    def _listed(self, said: list[_Said], rows: NDArray[np.bool_]) -> pd.DataFrame:
        if not said:
            return findings()
        of, columns, reasons, values = [], [], [], []
        for column, at, why, shown in said:
            kept = rows[at]
            of.append(at[kept])
            columns.append(_repeated(np.array([column], dtype=object), np.zeros(int(kept.sum()), dtype=np.int64)))
            codes, words = pd.factorize(why[kept])
            reasons.append(_repeated(words, codes))
            values.append(arrow_text(self._values(column, at[kept]) if shown is None else shown[kept]))
        order = np.argsort(self._table.rows[np.concatenate(of)], kind="stable")
        listed = pd.DataFrame({"row": self._table.rows[np.concatenate(of)[order]]})
        # Each column is put in order and let go before the next is: there may be more findings than rows.
        for name, parts in (("column", columns), ("value", values), ("reason", reasons)):
            whole = pa.chunked_array(parts).combine_chunks() if len(parts) > 1 else parts[0]
            parts.clear()
            ordered = whole.take(pa.array(order))
            del whole
            plain = ordered.cast(_TEXT) if pa.types.is_dictionary(ordered.type) else ordered
            listed[name] = pd.Series(plain, dtype="str")
        return listed.astype({"row": "int64"})

    def _values(self, column: str, at: NDArray[np.int64]) -> Any:
        """What stands in a column at some rows; for a geometry its coordinates."""
        if column in self._table.cells:
            return self._table.cells[column].array.take(at)
        points = self._table.points
        if points is None:
            return [""] * len(at)
        pairs = zip(points.x[at], points.y[at], strict=True)
        return [f"{x:.12g}, {y:.12g}" if np.isfinite((x, y)).all() else "" for x, y in pairs]


def _repeated(words: Any, codes: NDArray[np.int64]) -> Any:
    """Texts (k,) as an arrow dictionary, so that a sentence is kept once for all its rows."""
    return pa.DictionaryArray.from_arrays(pa.array(codes, type=pa.int32()), pa.array(words, type=_TEXT))
