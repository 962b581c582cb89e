"""The engine of a store on a server: PostgreSQL with PostGIS.

``bulk`` moves frames by COPY, ``binary`` reads its stream, ``stream`` hands it on piece by piece, ``history`` logs every
change by triggers, ``location`` gives edited rows their region codes, ``access`` holds roles and row-level security,
``server`` connects, ``health`` examines. For a GIS desk: ``views`` in plain words, ``comments`` on tables and columns,
``layer_styles`` for QGIS, and ``desk_edits``, which lets it edit and hear of what it did not change.
"""

from registry.store.postgis.access import own_provinces
from registry.store.postgis.bulk import (
    after_restore,
    close_session,
    extent,
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
from registry.store.postgis.stream import snapshot

__all__ = [
    "after_restore",
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
