"""What all tables are built from: their base, the description of a column, the integer key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Integer, MetaData, Table
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from registry.model.types import Geometry

if TYPE_CHECKING:
    from registry.model import vocabulary as v


class Base(DeclarativeBase):
    """Root of the store's tables; constraint names are fixed so that a later version can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def about(
    zh: str,
    en: str,
    *,
    unit: str | None = None,
    codes: dict[str, v.Term] | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
) -> dict[str, Any]:
    """What ``Column.info`` says of a field: labels, unit, code list, inclusive range."""
    return {
        "zh": zh,
        "en": en,
        "unit": unit,
        "codes": codes,
        "minimum": minimum,
        "maximum": maximum,
    }


def ranks(codes: dict[str, v.Term]) -> dict[str, Any]:
    """What ``Column.info`` says of a code list of whole numbers."""
    return {"codes": codes, "minimum": min(map(int, codes)), "maximum": max(map(int, codes))}


class Identified:
    """A row with the integer key that GeoPackage asks for."""

    id: Mapped[int] = mapped_column(Integer, primary_key=True, sort_order=-100)


def table_of(model: type[Base]) -> Table:
    """The table behind a model."""
    return cast("Table", model.__table__)


def geometry_column(table: Table) -> str | None:
    """The name of a table's geometry column, or None for a plain table."""
    return next((column.name for column in table.columns if isinstance(column.type, Geometry)), None)
