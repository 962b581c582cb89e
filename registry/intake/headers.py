"""Which column of a source table is which field.

Headers are recognised from the descriptions of the fields (name, Chinese and English label, synonyms) and,
where they are not, named in the mapping file. A header may carry the unit: ``坝高（m）``, ``库容(万m³)``,
``年产量/万吨``.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from registry.errors import MappingError, UnknownColumnError
from registry.intake.mapping import GEOGRAPHIC, PROJECTED
from registry.intake.returned import returned_columns
from registry.intake.spelling import fold
from registry.intake.units import unit_factor
from registry.model.fields import Field, source_fields

if TYPE_CHECKING:
    from registry.intake.mapping import Mapping
    from registry.intake.source_table import SourceTable
    from registry.model.vocabulary import Kind

_POSITION_HEADERS: dict[str, tuple[str, ...]] = {
    "latitude": ("latitude", "lat", "纬度", "緯度", "中心纬度", "中心点纬度", "库区中心纬度",
                 "坐标纬度", "纬度坐标", "北纬", "地理纬度"),
    "longitude": (
        "longitude", "lon", "long", "lng", "经度", "經度", "中心经度", "中心点经度",
        "库区中心经度", "坐标经度", "经度坐标", "东经", "地理经度",
    ),
}  # fmt: skip
# Names that are a position only where nothing clearer is there.
_WEAK_POSITION_HEADERS = {"latitude": ("y",), "longitude": ("x",)}

_BRACKETED = re.compile(r"^(.+?)\s*[(\[【〔](.*?)[)\]】〕]\s*$", re.DOTALL)
_SEPARATED = re.compile(r"^(.+?)\s*[/,、:_\s]\s*([^/,、:_\s]+(?:/[^/,、:_\s]+)?)\s*$", re.DOTALL)
_LISTED = 40


@dataclass
class Columns:
    """What each column of a source table is.

    Attributes
    ----------
    of_field : field name to column; positions are ``latitude, longitude`` or ``northing, easting``.
    factor : field name to how many of the field's unit one unit of the column is.
    extra : columns to keep as they are: those that no field takes, and those whose words were translated.
    by_geometry : the position is the layer's geometry, not columns.
    notes : what was decided, one line each.
    """

    of_field: dict[str, str]
    extra: list[str] = field(default_factory=list)
    factor: dict[str, float] = field(default_factory=dict)
    by_geometry: bool = False
    notes: list[str] = field(default_factory=list)


def assign_columns(table: SourceTable, kind: Kind, mapping: Mapping | None) -> Columns:
    """Find the columns of the fields of a kind.

    Raises
    ------
    UnknownColumnError : a needed field has no column, two columns claim one field, or the mapping names a
        column that is not there.
    """
    fields_ = {field_.name: field_ for field_ in source_fields(kind)}
    columns = Columns(_mapped(table, mapping))
    columns.by_geometry = table.points is not None and columns.of_field.keys().isdisjoint(GEOGRAPHIC + PROJECTED)
    projected = mapping is not None and mapping.projected
    position = () if columns.by_geometry else PROJECTED if projected else GEOGRAPHIC
    constants = mapping.constants if mapping else {}
    settled = set(columns.of_field) | set(constants) | (mapping.left_out if mapping else set())
    claims = _claims(table, kind, taken=set(columns.of_field.values()))
    if columns.by_geometry or projected:
        settled.update(GEOGRAPHIC)
    for name, claimants in claims.items():
        if name in settled:
            continue
        if len(claimants) > 1:
            quoted = " and ".join(f"'{column}'" for column in claimants)
            raise UnknownColumnError(
                f"{table.label}: columns {quoted} could both be {name}. "
                f"Name the one that is meant in the mapping file under [columns]."
            )
        columns.of_field[name] = claimants[0]
    for name in ("name", *position):
        if name not in columns.of_field and name not in constants:
            raise UnknownColumnError(
                f"{table.label}: no column for {name}. Found: {_found(table)}. "
                f"Name it in the mapping file under [columns]."
            )
    used = set(columns.of_field.values())
    known_again = set(returned_columns(table, kind).values())
    columns.extra = [column for column in table.headers if column not in used | known_again]
    _settle_units(table, columns, fields_, mapping)
    if columns.extra:
        columns.notes.append(f"{table.label}: kept as extra, no field takes them: {', '.join(columns.extra)}.")
    # Where the mapping file puts our words for the source's, the source's are kept beside them.
    translated = mapping.meanings if mapping else ()
    columns.extra += [columns.of_field[name] for name in translated if name in columns.of_field]
    return columns


def _mapped(table: SourceTable, mapping: Mapping | None) -> dict[str, str]:
    """The columns that a mapping file names, found in the table by exact header, else by folded spelling."""
    if mapping is None:
        return {}
    folded = {fold(column): column for column in reversed(table.headers)}
    named = {}
    for name, header in mapping.columns.items():
        column = header if header in table.headers else folded.get(fold(header))
        if column is None:
            raise UnknownColumnError(
                f"{table.label}: the mapping file names '{header}' for {name}, and there is no such column. "
                f"Found: {_found(table)}."
            )
        named[name] = column
    return named


def _claims(table: SourceTable, kind: Kind, taken: set[str]) -> dict[str, list[str]]:
    """Field name to the columns whose headers mean it."""
    claims: dict[str, list[str]] = {}
    weak: dict[str, list[str]] = {}
    fields_ = {field_.name: field_ for field_ in source_fields(kind)}
    for column, header in table.headers.items():
        if column in taken:
            continue
        name = recognise(header, kind)
        if name is not None:
            claims.setdefault(name, []).append(column)
        for position, spellings in _WEAK_POSITION_HEADERS.items():
            if name is None and fold(header) in spellings and position not in fields_:
                weak.setdefault(position, []).append(column)
    return weak | claims


def recognise(header: str, kind: Kind) -> str | None:
    """The field that a header means, with or without a unit in it; None when it is none of them."""
    words = vocabulary(kind)
    whole = words.get(fold(header))
    if whole is not None:
        return whole
    for base, inside in _splits(header):
        name = words.get(fold(base))
        if name is None:
            continue
        if name in GEOGRAPHIC:
            return name
        field_ = next(field_ for field_ in source_fields(kind) if field_.name == name)
        # A measure in an unknown unit must not be taken for one in ours; a remark on a text is only that.
        if unit_factor(inside, field_) is not None:
            return name
        if field_.unit is None and _BRACKETED.match(unicodedata.normalize("NFKC", header)):
            return name
    return None


@cache
def vocabulary(kind: Kind) -> dict[str, str]:
    """Folded header to field name, for every header that a table of this kind may use."""
    words: dict[str, str] = {}
    for field_ in source_fields(kind):
        for spelling in (field_.name, field_.zh, field_.en, *field_.synonyms):
            words.setdefault(fold(spelling), field_.name)
    for name, spellings in _POSITION_HEADERS.items():
        words |= {fold(spelling): name for spelling in spellings}
    return words


def _splits(header: str) -> list[tuple[str, str]]:
    """The ways to see a header as words and a unit."""
    plain = unicodedata.normalize("NFKC", header.replace("²", "2").replace("³", "3"))
    return [(match[1], match[2]) for match in (_BRACKETED.match(plain), _SEPARATED.match(plain)) if match]


def _settle_units(table: SourceTable, columns: Columns, fields_: dict[str, Field], mapping: Mapping | None) -> None:
    """Factor of every measured column: from the mapping file, else from the header, else one."""
    for name, column in columns.of_field.items():
        field_ = fields_.get(name)
        if field_ is None or field_.unit is None:
            continue
        header = table.headers[column]
        stated = mapping.units.get(name) if mapping else None
        if stated is not None:
            columns.factor[name] = _factor(stated, field_)
            continue
        factors = [unit_factor(inside, field_) for _, inside in _splits(header)]
        known = next((factor for factor in factors if factor is not None), None)
        if (
            known is None
            and fold(header) != fold(field_.name)
            and unit_factor(header.rsplit("_", 1)[-1], field_) is None
        ):
            columns.notes.append(f"{table.label}: '{header}' says no unit; its numbers were read as {field_.unit}.")
        columns.factor[name] = 1.0 if known is None else known


def _factor(unit: str, field_: Field) -> float:
    factor = unit_factor(unit, field_)
    if factor is None:
        raise MappingError(f"'{unit}' is not a unit of {field_.name}, which is stored in {field_.unit}.")
    return factor


def _found(table: SourceTable) -> str:
    listed = ", ".join(" ".join(header.split()) for header in list(table.headers)[:_LISTED])
    return listed + (", …" if len(table.headers) > _LISTED else "")
