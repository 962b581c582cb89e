"""The description of every field, read from the tables: what intake, export and maps ask."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Boolean, Date, Double, Integer, LargeBinary, Text

from registry.model.tables import FEATURES, PlantIntake, WasteStream, table_of
from registry.model.types import Geometry, Instant
from registry.model.vocabulary import Kind, Term

if TYPE_CHECKING:
    from sqlalchemy import Column, Table

FieldType = Literal["text", "integer", "real", "boolean", "date", "datetime", "geometry", "binary"]

_TYPES: tuple[tuple[type[Any], FieldType], ...] = (
    (Geometry, "geometry"),
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Double, "real"),
    (Instant, "datetime"),
    (Date, "date"),
    (LargeBinary, "binary"),
    (Text, "text"),
)

# Columns that the store fills in; a source table cannot set them.
DERIVED = frozenset(
    {"id", "uid", "province_code", "city_code", "county_code", "warnings", "extra", "source_id", "geom"}
)


@dataclass(frozen=True)
class Field:
    """One field: its name, type, unit, labels, code list, inclusive range, whether it must be given and is unique."""

    name: str
    type: FieldType
    zh: str
    en: str
    unit: str | None = None
    codes: dict[str, Term] | None = None
    minimum: float | None = None
    maximum: float | None = None
    required: bool = False
    unique: bool = False

    def label(self, lang: str) -> str:
        """The label in ``zh`` or ``en``, with the unit where there is one."""
        words = self.zh if lang == "zh" else self.en
        return f"{words} ({self.unit})" if self.unit else words


def written_word(label: str) -> str:
    """A label as a name of a column that is one word to every program: what is neither letter nor digit is ``_``."""
    return re.sub(r"\W+", "_", label).strip("_") or "_"


def _field(column: Column[Any]) -> Field:
    kind = next(name for type_, name in _TYPES if isinstance(column.type, type_))
    info = {key: value for key, value in column.info.items() if value is not None}
    return Field(name=column.name, type=kind, required=not column.nullable, unique=bool(column.unique), **info)


@cache
def table_fields(table: Table) -> tuple[Field, ...]:
    """The described columns of any table, in column order."""
    return tuple(_field(column) for column in table.columns if column.info)


def fields(kind: str) -> tuple[Field, ...]:
    """The fields of one kind's own table, in column order."""
    return table_fields(feature_table(Kind(kind)))


def feature_table(kind: Kind) -> Table:
    """The table that holds a kind of feature."""
    return table_of(FEATURES[kind])


@cache
def source_fields(kind: Kind) -> tuple[Field, ...]:
    """The fields that a source table of this kind can bring, the waste it holds or accepts included."""
    own = tuple(field for field in fields(kind) if field.name not in DERIVED)
    side = WasteStream if kind.is_site else PlantIntake
    taken = {field.name for field in own} | {"site_uid", "plant_uid"}
    return own + tuple(field for field in table_fields(table_of(side)) if field.name not in taken)
