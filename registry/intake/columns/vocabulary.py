"""The words of headers: labels of the fields, and the spellings of ``gis_data/header_words.csv``.

Beside the names of fields the file says which words are positions, row numbers, titles over several columns, remarks,
coordinate reference systems, and which are known to be nothing that a field takes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from registry import reference
from registry.intake.cells.spelling import fold_header
from registry.intake.columns.mapping import COORDINATES, GEOGRAPHIC, PROJECTED
from registry.model.fields import Field, source_fields

if TYPE_CHECKING:
    from registry.model.vocabulary import Kind

# Words of ``header_words.csv`` that are positions and no field: two angles, two lengths, an X and a Y of whatever
# sort, or both numbers in one cell.
PLANE = ("x", "y")
POSITIONS = (*GEOGRAPHIC, *PROJECTED, *PLANE, COORDINATES)
_CRS = "crs "


@dataclass(frozen=True)
class Vocabulary:
    """What a header of a table of one kind may say; all spellings are folded by ``fold_header``.

    Attributes
    ----------
    fields : name to field, of those that a source table can bring.
    words : spelling to the fields or positions that it may be, likeliest first. A spelling has several only where
        their units tell them apart.
    weak : (spelling, field) pairs that hold only where no column says the field more clearly.
    none : spellings that are known and that no field takes.
    serial : row numbers.
    groups : titles over several columns that say nothing of their own: 基本情况, 地理坐标.
    subjects : what the table is about, as it stands before a field: 尾矿库坝高.
    marks : remarks for whoever fills the table in: 必填.
    crs : spelling to coordinate reference system.
    """

    fields: dict[str, Field]
    words: dict[str, tuple[str, ...]]
    weak: frozenset[tuple[str, str]]
    none: frozenset[str]
    serial: frozenset[str]
    groups: frozenset[str]
    subjects: tuple[str, ...]
    marks: tuple[str, ...]
    crs: dict[str, str]

    def unit_of(self, name: str) -> str | None:
        """The unit that a field is stored in; None where it has none, and for positions."""
        return self.fields[name].unit if name in self.fields else None


@cache
def vocabulary(kind: Kind) -> Vocabulary:
    """The words for tables of one kind."""
    fields = {field.name: field for field in source_fields(kind)}
    rows = _rows(kind)
    words: dict[str, list[str]] = {}
    labels = [(field.name, label) for field in fields.values() for label in (field.name, field.zh, field.en)]
    spelled = [(name, spelling) for name, spelling, _ in rows if name in fields or name in POSITIONS]
    for name, spelling in labels + spelled:
        meant = words.setdefault(fold_header(spelling), [])
        if name not in meant:
            meant.append(name)

    def folded(name: str) -> list[str]:
        return [fold_header(spelling) for field, spelling, _ in rows if field == name]

    labelled = {(fold_header(label), name) for name, label in labels}
    weak = {(fold_header(spelling), name) for name, spelling, strength in rows if strength == "weak"}
    return Vocabulary(
        fields=fields,
        words={spelling: tuple(meant) for spelling, meant in words.items()},
        weak=frozenset(weak - labelled),
        none=frozenset(folded("none")) - words.keys(),
        serial=frozenset(folded("serial")) - words.keys(),
        groups=frozenset(folded("group")),
        subjects=tuple(sorted(set(folded("subject")), key=lambda word: (-len(word), word))),
        marks=tuple(folded("mark")),
        crs={fold_header(spelling): field.removeprefix(_CRS) for field, spelling, _ in rows if field.startswith(_CRS)},
    )


def _rows(kind: Kind) -> list[tuple[str, str, str]]:
    """Field, spelling and strength of the words for one kind, those for all kinds first."""
    table = reference.table("header_words")
    own = table[table["kind"] == kind.value]
    common = table[table["kind"].isna()]
    return [
        (str(row.field), str(row.spelling), str(row.strength))
        for part in (common, own)
        for row in part.itertuples(index=False)
    ]
