"""Every change is written down; on a server, roles say who may change what."""

from __future__ import annotations

from alembic import op

from registry.store.geopackage import history as file_history
from registry.store.postgis import access, location
from registry.store.postgis import history as server_history

revision = "0002"
down_revision = "0001"

# The column that holds the uid of the site or plant that a row belongs to.
_SUBJECTS = {
    "tailings_pond": "uid",
    "gangue_heap": "uid",
    "smelting_site": "uid",
    "utilization_plant": "uid",
    "waste_stream": "site_uid",
    "plant_intake": "plant_uid",
    "supervision_decision": "pond_uid",
    "inspection": "site_uid",
}
_FEATURES = ("tailings_pond", "gangue_heap", "smelting_site", "utilization_plant")
# No foreign key can say that a stream's site is in one of three tables; a site takes its streams with it.
_FOLLOWERS = dict.fromkeys(("tailings_pond", "gangue_heap", "smelting_site"), ("waste_stream", "site_uid"))


def upgrade() -> None:
    """Install history on both engines, access and location on a server."""
    connection = op.get_bind()
    op.create_index("ix_change_at", "change", ["at"], postgresql_using="brin")
    if connection.dialect.name == "sqlite":
        # Files made before this revision wrote times without the T and the Z of the standard.
        op.execute("UPDATE import_run SET at = strftime('%Y-%m-%dT%H:%M:%fZ', at)")
        op.execute("CREATE TABLE registry_session (by TEXT NOT NULL, at DATETIME NOT NULL, import_run_id INTEGER)")
        for table, subject in _SUBJECTS.items():
            file_history.install(connection, table, subject, followers=_FOLLOWERS.get(table), siblings=_FOLLOWERS)
        return
    server_history.install_functions(connection)
    for table, subject in _SUBJECTS.items():
        server_history.install(connection, table, subject, followers=_FOLLOWERS.get(table), siblings=_FOLLOWERS)
    location.install(connection, _FEATURES)
    access.install(connection, features=_FEATURES, subjects=_SUBJECTS)
