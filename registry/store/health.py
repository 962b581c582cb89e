"""What is wrong with a store, whichever engine keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, inspect, select

from registry.model.fields import feature_table
from registry.model.tables import Base, Change, Inspection, WasteStream, table_of
from registry.model.vocabulary import Kind
from registry.store.backend import backend_of
from registry.store.drift import drift

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from registry.store.store import Store


def problems(store: Store) -> list[str]:
    """What is wrong, one line each; empty when all is well."""
    with store.read() as connection:
        return [*drift(connection), *backend_of(connection).problems(connection), *_orphans(connection)]


def _orphans(connection: Connection) -> Iterator[str]:
    """Rows that name a site which never was there; no foreign key can refer to one of three tables."""
    uids = [select(feature_table(kind).c.uid) for kind in Kind]
    sites = [select(feature_table(kind).c.uid) for kind in Kind if kind.is_site]
    present = set(inspect(connection).get_table_names())
    if not present.issuperset(table.name for table in Base.metadata.sorted_tables):
        return
    change = table_of(Change)
    for table, known in ((table_of(WasteStream), sites), (table_of(Inspection), uids)):
        # A site that was deleted may leave inspections: they took place.
        gone = select(change.c.uid).where(change.c.action == "delete")
        missing = and_(table.c.site_uid.not_in(known[0].union_all(*known[1:])), table.c.site_uid.not_in(gone))
        count = connection.scalar(select(func.count()).select_from(table).where(missing))
        if count:
            yield f"{table.name}: {count} rows belong to no site"
