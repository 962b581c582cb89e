"""Whether what a row says in one field fits what it says in another, and what other rows of its table say.

All of it is warned of, never corrected: the row is stored as its source wrote it.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.intake.cells.spelling import NO_VALUE, fold
from registry.intake.checks.milestones import check_dates
from registry.model.dam_class import dam_class
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.intake.cells.source_table import SourceTable
    from registry.intake.checks.findings import Findings
    from registry.intake.columns.headers import Columns
    from registry.intake.columns.mapping import Mapping

# So many rows on one position are told; two may be a pond and its neighbour, or a pond and its extension.
MANY_ON_ONE_POINT = 3
# Positions are the same when they agree to this part of a degree, about a centimetre.
_PER_DEGREE = 1e7

_LEVEL_HEADER = re.compile(r"监管(等级|级别)|监督管理(等级|级别)|supervisionlevel")

# A dam of 10 m holds far more than this; a table in 10⁴ m³ that was read as m³ stays below.
_TALL_M, _TINY_M3 = 10.0, 1_000.0
# The largest tailings ponds of the world hold a few 10⁹ m³; half of a table above this is in m³ under 万m³.
_HUGE_M3 = 1e9
# No table of ponds has only dams so low: heights in kilometres.
_LOW_M = 0.3
_UNIT_SHOWN = re.compile(r"[万亿方]|m3|10\^?\d|hm|km|1e\d|立方")

_NO_POND = "Only tailings ponds have a supervision level; it is kept among the other source columns."
_TOO_LOW = "The dam class is lower than height and storage give (GB 39496-2020)."
_TOO_HIGH = "The dam class is more than one class above the one that height and storage give (GB 39496-2020)."
_ONE_POINT = (
    f"{MANY_ON_ONE_POINT} or more rows of the table have exactly this position: "
    "is it that of each site, or of its county or operator?"
)
_OPERATORS = "The table gives this credit code to different operators."


@dataclass(frozen=True)
class Rows:
    """A table whose fields were read: what is checked here.

    Attributes
    ----------
    fields : field name to values (n,).
    lon, lat : (n,) degrees, NaN where there is no position.
    """

    table: SourceTable
    columns: Columns
    kind: Kind
    mapping: Mapping | None
    fields: dict[str, Any]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A measure (n,); NaN where it is unknown, and where it is 0, which stands for unknown in many tables."""
        if name not in self.fields:
            return np.full(len(self.table.rows), np.nan)
        values = pd.Series(self.fields[name]).astype("Float64").to_numpy(dtype=float, na_value=np.nan)
        return np.where(values > 0, values, np.nan)

    def cells(self, at: NDArray[np.int64], *names: str) -> NDArray[np.object_]:
        """The cells of fields that have a column, at some rows (k,), as they are written: ``100 < 120``."""
        written: NDArray[np.object_] = np.full(len(at), "", dtype=object)
        for name in filter(self.column, names):
            texts = self.table.cells[self.column(name)].to_numpy(dtype=object)[at]
            written = np.where(written == "", texts, written + " < " + texts)
        return written

    def column(self, *names: str) -> str:
        """The source column of the first of these fields that has one, "" where none has."""
        return next((self.columns.of_field[name] for name in names if name in self.columns.of_field), "")


def check_consistency(rows: Rows, findings: Findings, *, today: dt.date | None = None) -> None:
    """Warn of fields that contradict one another, and note what is odd in a whole column.

    Parameters
    ----------
    today : the day after which a date lies in the future; the present one unless given.
    """
    if rows.kind is Kind.TAILINGS_POND:
        _check_dam_class(rows, findings)
        _check_design(rows, findings)
        _note_unlikely_units(rows, findings)
    else:
        _check_levels(rows, findings)
    _check_positions(rows, findings)
    _check_operators(rows, findings)
    status = pd.Series(rows.fields["status"], dtype="str") if "status" in rows.fields else None
    check_dates(rows.table, rows.table.headers, status, findings, today or dt.datetime.now().astimezone().date())


def _check_levels(rows: Rows, findings: Findings) -> None:
    for column in rows.columns.extra:
        if _LEVEL_HEADER.search(fold(rows.table.headers[column])):
            filled = ~rows.table.cells[column].str.lower().isin(NO_VALUE).to_numpy(dtype=bool)
            findings.warn_rows(column, np.flatnonzero(filled), _NO_POND)


def _check_dam_class(rows: Rows, findings: Findings) -> None:
    """A class that neither the design values nor the present ones give.

    Notes
    -----
    The standard classes each stage of a pond by the whole storage and the height of that stage, and registers give
    the class of the design, of today or of a stage between: what lies between the two is right. One class above is no
    disagreement, since an authority may raise a pond by one class.
    """
    if "dam_class" not in rows.fields:
        return
    stated = rows.numbers("dam_class")
    by_design = dam_class(rows.numbers("design_height_m"), rows.numbers("design_storage_m3"))
    by_present = dam_class(rows.numbers("dam_height_m"), rows.numbers("storage_m3"))
    # Class 1 is the highest; a comparison with NaN is False.
    lowest, highest = np.fmax(by_design, by_present), np.fmin(by_design, by_present)
    due = np.where(np.isnan(by_design), by_present, by_design)
    for reason, wrong in ((_TOO_LOW, stated > lowest), (_TOO_HIGH, stated < highest - 1)):
        at = np.flatnonzero(wrong)
        codes, pairs = pd.factorize(stated[at] * 10 + due[at])
        words = np.array([f"{pair // 10:.0f}, by the rule {pair % 10:.0f}" for pair in pairs], dtype=object)
        findings.warn_rows(rows.column("dam_class"), at, reason, words[codes])


def _check_design(rows: Rows, findings: Findings) -> None:
    for design, present, what in (
        ("design_height_m", "dam_height_m", "height"),
        ("design_storage_m3", "storage_m3", "storage"),
    ):
        planned, now = rows.numbers(design), rows.numbers(present)
        # Two spellings of one number may differ by rounding once their units are turned.
        at = np.flatnonzero(planned < now * (1 - 1e-9))
        blamed = rows.column(design, present)
        # With no column at all both numbers are constants of the mapping file.
        if len(at) and blamed:
            reason = f"The design {what} is smaller than the present {what}."
            findings.warn_rows(blamed, at, reason, rows.cells(at, design, present))


def _check_positions(rows: Rows, findings: Findings) -> None:
    placed = np.flatnonzero(np.isfinite(rows.lon) & np.isfinite(rows.lat))
    # Both angles in one whole number: |lon| < 2^31 and |lat| < 2^30 in parts of a degree.
    lon = np.rint(rows.lon[placed] * _PER_DEGREE).astype(np.int64)
    lat = np.rint(rows.lat[placed] * _PER_DEGREE).astype(np.int64)
    points, _ = pd.factorize((lon << 32) + lat)
    times = np.bincount(points)[points] if len(points) else np.zeros(0, dtype=np.int64)
    many = placed[times >= MANY_ON_ONE_POINT]
    codes, _ = pd.factorize(points[times >= MANY_ON_ONE_POINT])
    # One text a point, from the first row on it.
    first = many[np.unique(codes, return_index=True)[1]]
    words = np.array([f"{rows.lon[i]:.10g}, {rows.lat[i]:.10g}" for i in first], dtype=object)
    findings.warn_rows(rows.column("latitude", "northing") or "geometry", many, _ONE_POINT, words[codes])


def _check_operators(rows: Rows, findings: Findings) -> None:
    if "credit_code" not in rows.fields or "operator" not in rows.fields:
        return
    codes, _ = pd.factorize(pd.Series(rows.fields["credit_code"], dtype="str"))
    names, spellings = pd.factorize(pd.Series(rows.fields["operator"], dtype="str"))
    folded, _ = pd.factorize(np.array([fold(name) for name in spellings], dtype=object))
    both = (codes >= 0) & (names >= 0)
    pairs = pd.DataFrame({"code": codes[both], "operator": folded[names[both]]}).drop_duplicates()
    several = pairs.loc[pairs["code"].duplicated(), "code"].unique()
    at = np.flatnonzero(np.isin(codes, several) & both)
    findings.warn_rows(rows.column("credit_code"), at, _OPERATORS)


def _note_unlikely_units(rows: Rows, findings: Findings) -> None:
    """A whole column that is 10⁴ or 10³ times too small or too large: told, never converted."""
    label = rows.table.label
    height = np.fmax(rows.numbers("dam_height_m"), rows.numbers("design_height_m"))
    for name in ("dam_height_m", "design_height_m"):
        values = rows.numbers(name)
        if (values <= _LOW_M).sum() > 1 and not (values > _LOW_M).any():
            findings.notes.append(
                f"{label}: '{rows.column(name)}' has no dam higher than {_LOW_M} m. If its numbers are kilometres, "
                f'write {name} = "km" under [units] in the mapping file.'
            )
    for name in ("storage_m3", "design_storage_m3"):
        values, column = rows.numbers(name), rows.column(name)
        tall = values[(height >= _TALL_M) & (values > 0)]
        if len(tall) and np.median(tall) < _TINY_M3 and not _says_unit(rows, name, column):
            findings.notes.append(
                f"{label}: '{column}' says no unit and was read as m3, but half of its ponds behind dams of 10 m and "
                f"more would hold less than 1,000 m3. If its numbers are in 万m³ (1e4 m3), write "
                f'{name} = "1e4 m3" under [units] in the mapping file.'
            )
        if (values > 0).any() and np.nanmedian(values) > _HUGE_M3:
            findings.notes.append(
                f"{label}: half of the ponds in '{column}' would hold more than 1e9 m3, as few on earth do. If its "
                f'numbers are in m3, write {name} = "m3" under [units] in the mapping file.'
            )


def _says_unit(rows: Rows, name: str, column: str) -> bool:
    if rows.mapping is not None and name in rows.mapping.units:
        return True
    header = rows.table.headers.get(column, "").replace("³", "3")
    return bool(_UNIT_SHOWN.search(unicodedata.normalize("NFKC", header).lower()))
