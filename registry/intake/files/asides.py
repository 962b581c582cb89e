"""Rows of a sheet that are no record: totals, remarks below the table, headers repeated on each printed page."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.intake.cells.source_table import listed_rows
from registry.intake.columns.headers import recognise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.intake.files.header_block import Header, Row
    from registry.model.vocabulary import Kind

# A cell that says that its row sums up others; a place may stand in front of it: 唐山市小计.
_TOTAL = (
    r"^(?i:[^\s\d]{0,8}?(?:合\s*计|总\s*计|小\s*计|共\s*计|合\s*計|總\s*計|小\s*計|共\s*計)\s*[:：]?\s*\d*\s*[座个家处项個處項]?"
    r"|(?:grand\s+|sub-?\s?)?totals?(?:\s+geral)?\s*:?|sum\s*:?|summe\s*:?)$"
)
# What a remark below a table begins with.
_REMARK = re.compile(
    r"^[(（【\[]?\s*(?:[备附]\s*[注註]|備\s*[注註]|[注註]|注释|说明|說明|填表说明|填报说明|(?:填表|制表|填报|填報|审核|审批|复核|校核|报送|统计|编制)人?"
    r"|(?:填报|填表|报送|编制|制表)(?:单位|日期|时间)|单位负责人|负责人|联系人|联系电话|电话|日期|数据来源|资料来源|来源|截至|截止"
    r"|notes?|sources?|remarks?|footnotes?|prepared\s+by|compiled\s+by|date)"
    r"\s*\d*\s*(?:[:：.、）)】\]]|$)",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"[-+]?[\d.,\s]+%?")
_POSITION = (("latitude", "longitude"), ("northing", "easting"))


@dataclass
class Asides:
    """Rows (indices from 0) that are no record, by what they are."""

    totals: list[int] = field(default_factory=list)
    remarks: list[int] = field(default_factory=list)
    headers: list[int] = field(default_factory=list)

    @property
    def rows(self) -> list[int]:
        """All of them."""
        return [*self.totals, *self.remarks, *self.headers]

    def notes(self, label: str) -> tuple[str, ...]:
        """One line for each sort."""
        sorts = (
            ("a total, not a site", self.totals),
            ("a remark below the table", self.remarks),
            ("the header or title again", self.headers),
        )
        return tuple(
            f"{label}: not read as records, being {what}: row(s) {listed_rows([row + 1 for row in rows])}."
            for what, rows in sorts
            if rows
        )


def find_asides(columns: list[Any], filled: NDArray[np.bool_], header: Header, head: list[Row], kind: Kind) -> Asides:
    """The rows below a header that are no record.

    Parameters
    ----------
    columns : trimmed text columns of the grid.
    filled : (r, c) True where a cell holds text.
    head : the first rows of the grid.

    Notes
    -----
    A row that holds both coordinates is a record, whatever it is called.
    """
    fields: dict[str, int] = {}
    for i, name in enumerate(header.names):
        known = recognise(name, kind) if name else None
        if known:
            fields.setdefault(known, i)
    found = Asides()
    if header.body >= len(filled):
        return found
    found.headers = _repeated(columns, filled, header, head)
    found.remarks = _remarks(columns, filled, header.body)
    apart = {*found.headers, *found.remarks}
    found.totals = [
        row
        for row in _total_candidates(columns, filled, header.body, fields.get("name"))
        if row not in apart and _sums_up(columns, filled, row, fields)
    ]
    return found


def _total_candidates(columns: list[Any], filled: NDArray[np.bool_], first: int, name: int | None) -> list[int]:
    """Rows whose first filled cell, or name, says total."""
    body = filled[first:]
    found: set[int] = set()
    unseen = np.ones(len(body), dtype=bool)
    for i, column in enumerate(columns):
        rows = np.flatnonzero(body[:, i] if i == name else unseen & body[:, i])
        unseen &= ~body[:, i]
        if len(rows):
            texts = column.slice(first) if len(rows) == len(body) else column.take(pa.array(rows + first))
            said = pc.match_substring_regex(texts, _TOTAL).to_numpy()
            found.update((rows[said] + first).tolist())
        if not unseen.any() and (name is None or i >= name):
            break
    return sorted(found)


def _sums_up(columns: list[Any], filled: NDArray[np.bool_], row: int, fields: dict[str, int]) -> bool:
    """Whether a row that says total is one: besides words for it, mostly numbers, and no position."""
    for pair in _POSITION:
        if all(name in fields and filled[row, fields[name]] for name in pair):
            return False
    texts = [columns[i][row].as_py() for i in np.flatnonzero(filled[row])]
    others = [text for text in texts if not re.match(_TOTAL, text)]
    numbers = sum(bool(_NUMBER.fullmatch(text)) for text in others)
    return 2 * numbers >= len(others)


def _remarks(columns: list[Any], filled: NDArray[np.bool_], first: int) -> list[int]:
    """Rows at the bottom that begin as a remark does, and rows of one cell below such a row."""
    counts = filled[first:].sum(axis=1)
    found: list[int] = []
    pending: list[int] = []
    for at in range(len(counts) - 1, -1, -1):
        if not counts[at]:
            continue
        row = first + at
        texts = [columns[i][row].as_py() for i in np.flatnonzero(filled[row])]
        if _REMARK.match(texts[0]) and (len(texts) == 1 or _labels(texts)):
            found += [*pending, row]
            pending = []
        elif len(texts) == 1 and not _is_total(texts[0]):
            pending.append(row)
        elif not _is_total(texts[0]):
            break
    return sorted(found)


def _labels(texts: list[str]) -> bool:
    """Whether cells are labels and what was filled in: ``填表人：张三 | 审核人： | 李四``."""
    return sum(bool(re.search(r"[:：]", text)) for text in texts) * 2 >= len(texts)


def _is_total(text: str) -> bool:
    return bool(re.match(_TOTAL, text))


def _repeated(columns: list[Any], filled: NDArray[np.bool_], header: Header, head: list[Row]) -> list[int]:
    """Rows below the header that are one of its rows again, and titles that stand in front of those."""
    wide = len(columns)
    again: set[int] = set()
    above = {i for i in range(header.top) if any(head[i])}
    titles: set[int] = set()
    for i in range(header.body):
        texts = head[i]
        key = next((at for at in range(wide) if texts[at]), None)
        if key is None:
            continue
        same = pc.equal(columns[key].slice(header.body), texts[key]).to_numpy()
        for at in np.flatnonzero(same) + header.body:
            row = int(at)
            if [column[row].as_py() for column in columns] == texts:
                (titles if i in above else again).add(row)
    # A title that is written again stands close above a header that is.
    titles = {row for row in titles if again & set(range(row + 1, row + header.top + 2))}
    # One filled cell is not enough to be a header.
    again = {row for row in again if filled[row].sum() > 1}
    return sorted(again | titles)
