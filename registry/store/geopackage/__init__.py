"""The engine of a store in one file: what GeoPackage asks for beyond our tables, and plain SQLite underneath.

``standard`` writes the system tables and triggers of the OGC standard, ``rtree`` fills a spatial index in one pass,
``bulk`` moves frames, ``stream`` reads without making any, from ``copies``, ``history`` logs every change by triggers,
``file`` opens, ``health`` examines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.store.geopackage import history
from registry.store.geopackage.bulk import extent, fetch, insert, inside, restore_indexes, row_id, update
from registry.store.geopackage.file import open_engine, refusal
from registry.store.geopackage.health import facts, problems
from registry.store.geopackage.history import note_import, open_session, writer
from registry.store.geopackage.holder import announced, holder
from registry.store.geopackage.stream import snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Table

__all__ = [
    "after_restore",
    "announced",
    "close_session",
    "extent",
    "facts",
    "fetch",
    "holder",
    "insert",
    "inside",
    "lock",
    "note_import",
    "open_engine",
    "open_session",
    "own_provinces",
    "problems",
    "refusal",
    "row_id",
    "snapshot",
    "trust_location",
    "update",
    "writer",
]


def lock(connection: Connection, tables: Sequence[Table]) -> None:
    """Nothing to do: a writing transaction holds the whole file."""


def close_session(connection: Connection) -> None:
    """Finish what large inserts left to be done for all of them, and leave nobody at work."""
    restore_indexes(connection)
    history.close_session(connection)


def trust_location(connection: Connection) -> None:
    """Nothing to do: a file does not locate rows itself."""


def own_provinces(connection: Connection) -> None:
    """Who may write to a file may change everything in it."""


def after_restore(connection: Connection, tables: Sequence[Table]) -> None:
    """Nothing to do: the next id is the largest and one."""
