"""Whether the dates of a site follow one another: approved, built, commissioned, idle, closed, deregistered.

The columns are known by their headers (``gis_data/milestone_words.csv``), whether a field takes them or they are kept
as extra. A date may be a year, a month or a day; only what is sure is told: 2015 is not before June 2015.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry import reference
from registry.intake.cells.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from registry.intake.cells.source_table import SourceTable
    from registry.intake.checks.findings import Findings

# What may stand around a milestone in a header: 尾矿库投产时间, 闭库日期（年月）, closure date.
_REMARK = re.compile(r"[(\[【〔].*[)\]】〕]\s*$")
_OF_WHAT = re.compile(r"^(尾矿库|堆场|场地|企业|项目|工程|主体工程|实际|dateof|datade|yearof|anode)+")
_WHEN = re.compile(r"(的)?(时间|日期|年份|年月|年度|年|date|year|time|data)+$")
_SAYS_DATE = re.compile(r"日期|时间|date|data|time")

_YEAR_FIRST = re.compile(
    r"^((?:19|20)\d\d)(?:[年./-](?:(\d{1,2})(?:[月./-](?:(\d{1,2})日?)?)?)?|(\d\d)(\d\d)?)?(?:[ T]?\d{1,2}:\d\d.*)?$"
)
_YEAR_LAST = re.compile(r"^(\d{1,2})[./-](\d{1,2})[./-]((?:19|20)\d\d)$")
_SERIAL = re.compile(r"^([3-5]\d{4}|60000)(?:\.0+)?$")
# Excel's day 0, so that serial numbers after February 1900 are right.
_EXCEL_EPOCH = dt.date(1899, 12, 30)

# Milestones that have happened when they are written down: their date is not in the future.
_HAPPENED = frozenset({"commissioned", "closed"})
_PLANNED = ("approved", "under_construction")

_ORDER = "The date of '{later}' is before that of '{earlier}'."
_FUTURE = "The date of '{column}' is in the future."


@dataclass(frozen=True)
class Dates:
    """A column of dates, each as the first and the last day (n,) that it can mean: 20150601; 0 where there is none."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]


@cache
def _words() -> dict[str, tuple[str, int]]:
    """Folded spelling to milestone and its place in the order."""
    table = reference.table("milestone_words")
    return {
        fold(str(spelling)): (str(stage), int(order))
        for spelling, stage, order in zip(table["spelling"], table["stage"], table["order"], strict=True)
    }


def milestone(header: str) -> tuple[str, int] | None:
    """The milestone whose date a header announces, and its place in the order; None where it announces none."""
    plain = fold(_REMARK.sub("", unicodedata.normalize("NFKC", header)))
    bare = _OF_WHAT.sub("", plain)
    for spelling in (plain, bare, _WHEN.sub("", plain), _WHEN.sub("", bare)):
        found = _words().get(spelling)
        if found is not None:
            return found
    return None


def read_dates(cells: pd.Series[str], *, serials: bool = False) -> Dates:
    """Text cells (n,) as dates; with ``serials``, a number from 30000 to 60000 is a day as Excel counts them.

    Notes
    -----
    ``01/06/2015`` may be the first of June or the sixth of January: it means the days from one to the other.
    """
    codes, uniques = pd.factorize(cells)
    spans = np.array([_span(text, serials=serials) for text in uniques], dtype=np.int64).reshape(-1, 2)
    return Dates(spans[codes, 0], spans[codes, 1])


def _span(text: str, *, serials: bool) -> tuple[int, int]:
    plain = re.sub(r"\s*([年月日./-])\s*", r"\1", unicodedata.normalize("NFKC", text)).strip()
    if match := _YEAR_FIRST.match(plain):
        month, day = match[2] or match[4], match[3] or match[5]
        return _days(int(match[1]), int(month) if month else None, int(day) if day else None)
    if match := _YEAR_LAST.match(plain):
        year, one, other = int(match[3]), int(match[1]), int(match[2])
        spans = [span for span in (_days(year, one, other), _days(year, other, one)) if span != (0, 0)]
        return (min(span[0] for span in spans), max(span[1] for span in spans)) if spans else (0, 0)
    if serials and (match := _SERIAL.match(plain)):
        day_ = _EXCEL_EPOCH + dt.timedelta(days=int(match[1]))
        return _days(day_.year, day_.month, day_.day)
    return 0, 0


def _days(year: int, month: int | None, day: int | None) -> tuple[int, int]:
    """First and last day of a year, a month or a day; zeros where the calendar has no such day."""
    try:
        dt.date(year, month or 1, day or 1)
    except ValueError:
        return 0, 0
    # 31 ends every month here: days are only compared.
    first, last = year * 10_000 + (month or 1) * 100 + (day or 1), year * 10_000 + (month or 12) * 100 + (day or 31)
    return first, last


def check_dates(
    table: SourceTable, columns: Iterable[str], status: pd.Series[str] | None, findings: Findings, today: dt.date
) -> None:
    """Warn of milestones that are out of order, and of those that are said to have happened but lie ahead.

    Parameters
    ----------
    columns : the table's columns that may hold dates.
    status : (n,) codes; what is approved or being built may have its commissioning ahead of it.
    """
    dated = []
    for column in columns:
        header = table.headers[column]
        found = milestone(header)
        if found is None:
            continue
        dates = read_dates(table.cells[column], serials=bool(_SAYS_DATE.search(header.lower())))
        if dates.first.any():
            dated.append((*found, column, dates))
    dated.sort(key=lambda each: each[1])
    planned = np.zeros(len(table.rows), dtype=bool) if status is None else status.isin(_PLANNED).to_numpy(dtype=bool)
    now = today.year * 10_000 + today.month * 100 + today.day
    for stage, order, column, dates in dated:
        if stage in _HAPPENED:
            ahead = np.flatnonzero((dates.first > now) & ~planned)
            findings.warn_rows(column, ahead, _FUTURE.format(column=column))
        for _, before, other, earlier in dated:
            if before < order:
                wrong = np.flatnonzero((dates.last < earlier.first) & (dates.last > 0))
                shown = _pairs(table, column, other, wrong)
                findings.warn_rows(column, wrong, _ORDER.format(later=column, earlier=other), shown)


def _pairs(table: SourceTable, column: str, other: str, at: NDArray[np.int64]) -> NDArray[np.object_]:
    later, earlier = (table.cells[name].to_numpy(dtype=object)[at] for name in (column, other))
    pairs: NDArray[np.object_] = later + " < " + earlier
    return pairs
