"""What of a store goes into a package, how its rows are told, and which of their fields can be edited there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from registry.model.fields import Field, feature_table, table_fields
from registry.model.tables import (
    Attachment,
    Base,
    Inspection,
    PlantIntake,
    SupervisionDecision,
    WasteStream,
    table_of,
)
from registry.model.vocabulary import Kind, Term

if TYPE_CHECKING:
    from sqlalchemy import Table

# Fields that follow from others: where a site lies, where its row came from. What an attachment's bytes are its checksum
# says, which is computed from them.
FOLLOWING = frozenset({"id", "uid", "province_code", "city_code", "county_code", "warnings", "source_id", "content"})
POSITION = "geom"
ATTACHMENT = table_of(Attachment).name


@dataclass(frozen=True)
class Part:
    """One table of a package.

    Attributes
    ----------
    table : as the store has it.
    key : the columns that tell a row in every copy; its ``id`` is another one in each.
    owner : the column with the uid of the site or plant that a row belongs to; for a site its own.
    """

    table: Table
    key: tuple[str, ...]
    owner: str
    title: Term

    @property
    def name(self) -> str:
        """The table's name."""
        return self.table.name

    @property
    def kind(self) -> Kind | None:
        """The kind of feature that the table holds; None for what belongs to features."""
        return Kind(self.name) if self.owner == "uid" else None

    @property
    def has_uid(self) -> bool:
        """Whether its rows are told by a uid of their own."""
        return self.key == ("uid",)

    @property
    def columns(self) -> tuple[Field, ...]:
        """The described columns."""
        return table_fields(self.table)

    @property
    def editable(self) -> tuple[Field, ...]:
        """The fields that an edit can change; of what belongs to a site its key and owner cannot."""
        return tuple(field for field in self.columns if field.name not in FOLLOWING and field.name not in self.key)

    def field(self, name: str) -> Field:
        """One of its fields."""
        return next(field for field in self.columns if field.name == name)


def key_text(parts: tuple[str, ...]) -> str:
    """The key of a row as one text."""
    return " ".join(parts)


@cache
def parts() -> dict[str, Part]:
    """The tables of a package by name, features before what belongs to them."""
    features = [Part(feature_table(kind), ("uid",), "uid", Term(kind.zh, kind.en)) for kind in Kind]
    others = [Part(table_of(model), key, owner, title) for model, key, owner, title in _BELONGING]
    return {part.name: part for part in (*features, *others)}


_BELONGING: tuple[tuple[type[Base], tuple[str, ...], str, Term], ...] = (
    (WasteStream, ("site_uid", "waste_code"), "site_uid", Term("固体废物", "Waste stream")),
    (PlantIntake, ("plant_uid", "waste_code"), "plant_uid", Term("可接收废物", "Plant intake")),
    (Inspection, ("uid",), "site_uid", Term("检查记录", "Inspection")),
    (SupervisionDecision, ("uid",), "pond_uid", Term("等级认定", "Supervision decision")),
    (Attachment, ("uid",), "site_uid", Term("附件", "Attachment")),
)

# The kinds that a row of a table can belong to.
OWNERS: dict[str, tuple[Kind, ...]] = {
    "waste_stream": tuple(kind for kind in Kind if kind.is_site),
    "plant_intake": (Kind.UTILIZATION_PLANT,),
    "inspection": tuple(Kind),
    "supervision_decision": (Kind.TAILINGS_POND,),
    "attachment": tuple(Kind),
}
