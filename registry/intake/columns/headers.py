"""Which column of a source table is which field.

Headers are recognised (``recognition``) and, where they are not or could be several, named in the mapping file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.errors import MappingError, UnknownColumnError
from registry.intake.cells.numbers import read_numbers
from registry.intake.cells.spelling import fold, fold_header
from registry.intake.cells.units import unit_factor
from registry.intake.columns.mapping import COORDINATES, GEOGRAPHIC, PROJECTED
from registry.intake.columns.recognition import Sureness, cut_name, header_unit, read_header, stated_crs
from registry.intake.columns.returned import returned_columns
from registry.intake.columns.vocabulary import PLANE, POSITIONS, vocabulary
from registry.intake.places.crs_names import AUTO
from registry.model.fields import Field, source_fields
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    import pandas as pd

    from registry.intake.cells.source_table import SourceTable
    from registry.intake.columns.mapping import Mapping

_LISTED = 40
# Rows by which it is judged what sort of numbers a column holds.
_SAMPLE = 2_000
# A table fits another kind better when its headers name at least so many more of the fields of that one.
_BETTER_BY = 2
# Systems that a header may name and that need no mapping file: they agree with a store's to centimetres.
_STORED = frozenset({"EPSG:4490", "EPSG:4326"})


@dataclass(frozen=True)
class Claim:
    """A column whose header means a field or a position, and how surely."""

    column: str
    sureness: Sureness


@dataclass
class Columns:
    """What each column of a source table is.

    Attributes
    ----------
    of_field : field name to column; positions are ``latitude, longitude`` or ``northing, easting``.
    factor : field name to how many of the field's unit one unit of the column is.
    extra : columns to keep as they are: those that no field takes, and those whose words were translated.
    by_geometry : the position is the layer's geometry, not columns.
    crs : the coordinate reference system that the headers of the position name, None where they name none.
    notes : what was decided, one line each.
    """

    of_field: dict[str, str]
    extra: list[str] = field(default_factory=list)
    factor: dict[str, float] = field(default_factory=dict)
    by_geometry: bool = False
    crs: str | None = None
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
    constants = mapping.constants if mapping else {}
    settled = set(columns.of_field) | set(constants) | (mapping.left_out if mapping else set())
    claims, numbering = read_headers(table, kind, taken=set(columns.of_field.values()))
    position = () if columns.by_geometry else _settle_position(table, columns, claims, mapping, kind)
    for name in claims:
        if name not in settled and name not in POSITIONS:
            columns.of_field[name] = _the_one(table, columns, name, claims[name], kind, mapping)
    for name in ("name", *position):
        if name not in columns.of_field and name not in constants:
            raise UnknownColumnError(
                f"{table.label}: no column for {name}. Found: {_found(table)}.{_other_kind(table, kind)} "
                f"{_advice('it', kind, mapping)}"
            )
    _settle_extra(table, columns, kind, numbering)
    _settle_units(table, columns, fields_, mapping, kind)
    # Where the mapping file puts our words for the source's, the source's are kept beside them.
    translated = mapping.meanings if mapping else ()
    columns.extra += [columns.of_field[name] for name in translated if name in columns.of_field]
    return columns


def recognise(header: str, kind: Kind) -> str | None:
    """The field or position that a header means, with or without a unit in it; None when it is none of them."""
    reading = read_header(header, kind)
    return None if reading is None or reading.sureness is Sureness.FOREIGN else reading.name


def read_headers(table: SourceTable, kind: Kind, taken: set[str]) -> tuple[dict[str, list[Claim]], list[str]]:
    """Field or position to the columns whose headers mean it, and the columns that only number the rows.

    Parameters
    ----------
    taken : columns that a mapping file has given to a field.
    """
    claims: dict[str, list[Claim]] = {}
    numbering = []
    serial = vocabulary(kind).serial
    for column, header in table.headers.items():
        if column in taken:
            continue
        reading = read_header(header, kind)
        weak_code = reading is not None and reading.name == "code" and reading.sureness is Sureness.WEAK
        numbers_rows = fold_header(header) in serial
        if (weak_code or numbers_rows) and _counts_rows(table.cells[column], gaps=numbers_rows):
            numbering.append(column)
        elif reading is not None:
            claims.setdefault(reading.name, []).append(Claim(column, reading.sureness))
        elif table.points is not None and (cut := cut_name(header, kind)) is not None:
            claims.setdefault(cut, []).append(Claim(column, Sureness.WEAK))
    _tell_languages_apart(table, claims)
    return claims, numbering


def choose(table: SourceTable, claims: list[Claim]) -> tuple[list[str], list[str]]:
    """The columns that claim a field most surely, and those that give way to them; an empty one to a filled one."""
    best = min(claim.sureness for claim in claims)
    surest = [claim.column for claim in claims if claim.sureness is best]
    filled = [column for column in surest if len(surest) > 1 and (table.cells[column] != "").any()]
    chosen = filled or surest
    return chosen, [claim.column for claim in claims if claim.column not in chosen]


def position_columns(table: SourceTable, claims: dict[str, list[Claim]], wanted: str | None) -> dict[str, list[Claim]]:
    """Claims on ``latitude, longitude`` or on ``northing, easting``, from whatever headers name a position.

    Parameters
    ----------
    wanted : ``angles`` or ``lengths`` where the mapping file leaves no choice.

    Notes
    -----
    In Chinese surveying X is the northing and Y the easting; of angles, x is the longitude. Both angles may stand in one
    column, which is then that of the latitude and of the longitude.
    """
    if wanted != "lengths" and claims.keys() >= set(GEOGRAPHIC):
        return {name: claims[name] for name in GEOGRAPHIC}
    for names, as_angles in ((PROJECTED, GEOGRAPHIC), (PLANE, ("longitude", "latitude"))):
        if not claims.keys() >= set(names):
            continue
        angles = wanted == "angles" or (
            wanted is None and all(_within_half_turn(table.cells[claims[name][0].column]) for name in names)
        )
        return dict(zip(as_angles if angles else PROJECTED, (claims[name] for name in names), strict=True))
    if wanted != "lengths" and COORDINATES in claims:
        return dict.fromkeys(GEOGRAPHIC, claims[COORDINATES])
    return {name: claims[name] for name in (GEOGRAPHIC if wanted != "lengths" else PROJECTED) if name in claims}


def _tell_languages_apart(table: SourceTable, claims: dict[str, list[Claim]]) -> None:
    """Of ``名称`` and ``Name`` in one table, the second is the English name when no Chinese stands in it."""
    latin = [claim for claim in claims.get("name", ()) if table.headers[claim.column].isascii()]
    if len(latin) != 1 or len(claims["name"]) == 1 or "name_en" in claims:
        return
    texts = pa.array(table.cells[latin[0].column].iloc[:_SAMPLE], type=pa.large_string())
    if not pc.any(pc.match_substring_regex(texts, r"\p{Han}")).as_py():
        claims["name_en"] = latin
        claims["name"] = [claim for claim in claims["name"] if claim not in latin]


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


def _settle_position(
    table: SourceTable, columns: Columns, claims: dict[str, list[Claim]], mapping: Mapping | None, kind: Kind
) -> tuple[str, ...]:
    """Assign the columns of the position; the names that the table needs."""
    named = columns.of_field.keys()
    crs = mapping.crs if mapping else None
    wanted = None
    if (mapping is not None and mapping.projected) or not named.isdisjoint(PROJECTED):
        wanted = "lengths"
    elif not named.isdisjoint(GEOGRAPHIC) or crs not in {None, AUTO}:
        wanted = "angles"
    found = position_columns(table, claims, wanted)
    for name, claimants in found.items():
        if name not in named:
            columns.of_field[name] = _the_one(table, columns, name, claimants, kind, mapping)
    position = PROJECTED if wanted == "lengths" or not found.keys().isdisjoint(PROJECTED) else GEOGRAPHIC
    columns.crs = next(
        (
            named_crs
            for name in position
            if name in columns.of_field and (named_crs := stated_crs(table.headers[columns.of_field[name]], kind))
        ),
        None,
    )
    if columns.crs is not None and columns.crs not in _STORED and crs is None:
        columns.notes.append(
            f"{table.label}: a header names {columns.crs}, and no mapping file does; "
            f'where the positions are in it, write crs = "{columns.crs}" in a mapping file.'
        )
    return position


def _the_one(
    table: SourceTable, columns: Columns, name: str, claims: list[Claim], kind: Kind, mapping: Mapping | None
) -> str:
    """The column that a field is read from; those that give way to it are noted."""
    chosen, others = choose(table, claims)
    if len(chosen) > 1:
        raise UnknownColumnError(
            f"{table.label}: columns {_quoted(chosen, ' and ')} could both be {name}. "
            f"{_advice('the one that is meant', kind, mapping)}"
        )
    if others:
        columns.notes.append(
            f"{table.label}: {name} was read from '{_line(chosen[0])}', which says it more clearly or is filled, "
            f"and not from {_quoted(others, ', ')}."
        )
    elif claims[0].sureness is Sureness.FOREIGN:
        columns.notes.append(
            f"{table.label}: '{_line(chosen[0])}' was read as {name} by its last words alone; "
            f'if it is not, write {name} = "" under [columns] of a mapping file.'
        )
    return chosen[0]


def _settle_extra(table: SourceTable, columns: Columns, kind: Kind, numbering: list[str]) -> None:
    """The columns that no field takes; those that only number the rows are left out."""
    used = {*columns.of_field.values(), *returned_columns(table, kind).values(), *numbering}
    columns.extra = [column for column in table.headers if column not in used]
    if columns.extra:
        kept = ", ".join(map(_line, columns.extra))
        columns.notes.append(f"{table.label}: kept as extra, no field takes them: {kept}.")
    if numbering:
        columns.notes.append(f"{table.label}: {_quoted(numbering, ', ')} only numbers the rows and is not kept.")


def _counts_rows(cells: pd.Series[str], *, gaps: bool) -> bool:
    """Whether cells (n,) count from 0 or 1, one by one; a single row shows no counting.

    With ``gaps`` any rising numbers will do: of a table of rejected rows some are missing.
    """
    try:
        numbers = pc.cast(pa.array(cells, type=pa.large_string()), pa.int64()).to_numpy()
    except pa.ArrowInvalid:
        return False
    if gaps:
        return bool((np.diff(numbers) > 0).all())
    return len(numbers) > 1 and numbers[0] in {0, 1} and bool((np.diff(numbers) == 1).all())


def _within_half_turn(cells: pd.Series[str]) -> bool:
    """Whether a column can hold degrees: what reads as a number there is within ±180."""
    numbers = read_numbers(cells.iloc[:_SAMPLE], Field("x", "real", "x", "x", unit="m")).floats
    return not bool((np.abs(numbers) > 180).any())


def _settle_units(
    table: SourceTable, columns: Columns, fields_: dict[str, Field], mapping: Mapping | None, kind: Kind
) -> None:
    """Factor of every measured column: from the mapping file, else from the header, else one."""
    for name, column in columns.of_field.items():
        field_ = fields_.get(name)
        if field_ is None or field_.unit is None:
            continue
        stated = mapping.units.get(name) if mapping else None
        if stated is not None:
            columns.factor[name] = _factor(stated, field_)
            continue
        header = table.headers[column]
        known = unit_in_header(header, field_, kind)
        columns.factor[name] = 1.0 if known is None else _factor(known, field_)
        if known is None and fold(header) != fold(field_.name) and not _cells_name_units(table.cells[column]):
            columns.notes.append(
                f"{table.label}: '{_line(header)}' says no unit; its numbers were read as {field_.unit}."
            )


def _cells_name_units(cells: pd.Series[str]) -> bool:
    """Whether something stands behind the number in every filled cell."""
    filled = cells[cells != ""]
    return len(filled) > 0 and bool(filled.str.contains(r"\d.*[^\d.,\s]\s*$", regex=True).all())


def unit_in_header(header: str, field_: Field, kind: Kind) -> str | None:
    """The unit of a field that a header states; None where it states none."""
    reading = read_header(header, kind)
    if reading is not None and reading.name == field_.name and reading.unit is not None:
        return reading.unit
    return header_unit(header, field_)


def _factor(unit: str, field_: Field) -> float:
    factor = unit_factor(unit, field_)
    if factor is None:
        raise MappingError(f"'{unit}' is not a unit of {field_.name}, which is stored in {field_.unit}.")
    return factor


def likely_kind(table: SourceTable) -> Kind:
    """The kind whose fields the headers name most of; of two that are alike the first in the list of kinds."""
    named = _named_clearly(table)
    return max(Kind, key=lambda kind: len(named[kind]) + ("name" in named[kind]))


def _named_clearly(table: SourceTable) -> dict[Kind, set[str]]:
    """The fields of every kind that the headers name and do not merely hint at."""
    return {
        kind: {
            reading.name
            for header in table.headers.values()
            if (reading := read_header(header, kind)) is not None and reading.sureness is Sureness.CLEAR
        }
        for kind in Kind
    }


def _other_kind(table: SourceTable, kind: Kind) -> str:
    """A hint at the kind that the headers fit better, "" where they fit this one."""
    named = _named_clearly(table)
    best = max(Kind, key=lambda other: len(named[other]))
    if "name" not in named[best] or len(named[best]) < len(named[kind]) + _BETTER_BY - ("name" not in named[kind]):
        return ""
    return f" The headers are rather those of a table of {best}: --kind {best}."


def _advice(what: str, kind: Kind, mapping: Mapping | None) -> str:
    if mapping is not None:
        return f"Name {what} in the mapping file under [columns]."
    return (
        f"Name {what} under [columns] of a mapping file: "
        f"`registry import FILE --kind {kind} --suggest-mapping` writes one to edit."
    )


def _quoted(columns: list[str], between: str) -> str:
    return between.join(f"'{_line(column)}'" for column in columns)


def _line(text: str) -> str:
    return " ".join(text.split())


def _found(table: SourceTable) -> str:
    listed = ", ".join(map(_line, list(table.headers)[:_LISTED]))
    return listed + (", …" if len(table.headers) > _LISTED else "")
