"""The engine of a store on a server: PostgreSQL with PostGIS.

``bulk`` moves frames by COPY and ``binary`` reads its stream, ``history`` logs every change by triggers, ``location``
gives edited rows their region codes, ``access`` holds roles and row-level security, ``server`` connects, ``health``
examines.
"""

from registry.store.postgis.bulk import (
    after_restore,
    close_session,
    fetch,
    insert,
    inside,
    lock,
    note_import,
    open_session,
    row_id,
    trust_location,
    update,
    writer,
)
from registry.store.postgis.health import facts, problems
from registry.store.postgis.server import holder, open_engine, refusal

__all__ = [
    "after_restore",
    "close_session",
    "facts",
    "fetch",
    "holder",
    "insert",
    "inside",
    "lock",
    "note_import",
    "open_engine",
    "open_session",
    "problems",
    "refusal",
    "row_id",
    "trust_location",
    "update",
    "writer",
]
