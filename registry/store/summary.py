"""What a store holds of one kind, added up in the database: no row is read for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, select

from registry.model.fields import feature_table
from registry.model.tables import Change, Region, Source, table_of
from registry.store.backend import BBox, backend_of
from registry.store.read import province_codes

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Table

    from registry.model.vocabulary import Kind


class Held(NamedTuple):
    """What there is of a kind.

    Attributes
    ----------
    kind : the kind.
    rows : how many features.
    sources : name, licence and number of rows of every source that they came from, in the order of the sources; a name
        of None stands for rows that name no source.
    extent : west, south, east, north in degrees, which holds every position; None where there is no row.
    """

    kind: Kind
    rows: int
    sources: tuple[tuple[str | None, str | None, int], ...]
    extent: BBox | None


def held(connection: Connection, kind: Kind, *, province: str | None = None, status: str | None = None) -> Held:
    """What a store holds of a kind, in a province and of a status where they are given (see ``read.sites``)."""
    table, source = feature_table(kind), table_of(Source)
    chosen = _chosen(connection, table, province, status)
    counted = (
        select(table.c.source_id, func.count().label("rows")).where(*chosen).group_by(table.c.source_id).subquery()
    )
    statement = (
        select(source.c.name, source.c.licence, counted.c.rows)
        .select_from(counted.outerjoin(source, source.c.id == counted.c.source_id))
        .order_by(source.c.id)
    )
    found = tuple((name, licence, rows) for name, licence, rows in connection.execute(statement))
    rows = sum(each[2] for each in found)
    return Held(kind, rows, found, backend_of(connection).extent(connection, table, chosen) if rows else None)


def last_change(connection: Connection) -> datetime | None:
    """When the newest change was made that the history knows; None where it knows none."""
    change = table_of(Change)
    return connection.scalar(select(change.c.at).order_by(change.c.id.desc()).limit(1))


def province_name(connection: Connection, province: str, lang: str) -> str:
    """The name of a province that is given by its code or a name, in ``zh`` or ``en`` where it has one."""
    region = table_of(Region)
    codes = province_codes(connection, province)
    found = connection.execute(
        select(region.c.name, region.c.name_en).where(region.c.level == "province", region.c.code.in_(codes))
    ).first()
    if found is None:
        return province
    return str(found.name_en or found.name) if lang == "en" else str(found.name)


def _chosen(
    connection: Connection, table: Table, province: str | None, status: str | None
) -> list[ColumnElement[bool]]:
    chosen: list[ColumnElement[bool]] = []
    if province is not None:
        chosen.append(table.c.province_code.in_(province_codes(connection, province)))
    if status is not None:
        chosen.append(table.c.status == status)
    return chosen
