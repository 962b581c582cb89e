"""What the doctor asks of a server: its versions, and whether triggers and policies are in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import text

from registry.model.tables import Base
from registry.model.vocabulary import Kind
from registry.store.changes import SUBJECTS
from registry.store.postgis import desk_edits, history, layer_styles, location, views
from registry.store.postgis.access import POLICIES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

_FACTS = {
    "postgresql": "SELECT current_setting('server_version')",
    "postgis": "SELECT postgis_lib_version()",
    "server's geos": "SELECT postgis_geos_version()",
    "server's proj": "SELECT postgis_proj_version()",
    "login": "SELECT session_user",
    "roles": "SELECT coalesce(string_agg(rolname, ', ' ORDER BY rolname), 'none') FROM pg_roles "
    "WHERE rolname IN ('registry_reader', 'registry_inspector', 'registry_admin') AND pg_has_role(oid, 'MEMBER')",
}


def facts(connection: Connection) -> dict[str, str]:
    """Versions of the server, PostGIS, and the libraries under it; who is connected and as what."""
    return {name: str(connection.scalar(text(statement))) for name, statement in _FACTS.items()}


def problems(connection: Connection) -> Iterator[str]:
    """Triggers that are missing or off, tables without row-level security, what a GIS desk does not find."""
    triggers = {
        (table, name)
        for table, name in connection.execute(
            text(
                "SELECT c.relname, t.tgname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid "
                "WHERE c.relnamespace = current_schema()::regnamespace AND t.tgenabled <> 'D'"
            )
        )
    }
    for table in SUBJECTS:
        for name in _logged_by(table):
            if (table, name) not in triggers:
                yield f"{table}: the trigger {name} is missing or off"
    for kind in Kind:
        for name in (location.TRIGGER, *(("registry_follow",) if kind.is_site else ())):
            if (kind.value, name) not in triggers:
                yield f"{kind.value}: the trigger {name} is missing or off"
    secured = set(
        connection.scalars(
            text("SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity")
        )
    )
    for table in SUBJECTS:
        if table not in secured:
            yield f"{table}: row-level security is off, so every inspector may change every row"
    yield from _policies(connection)
    yield from desk_edits.problems(connection)
    yield from views.problems(connection)
    yield from layer_styles.problems(connection)
    unstyled = layer_styles.unstyled(connection, [*Kind, *(view.name for view in views.VIEWS)])
    if unstyled:
        yield f"{', '.join(unstyled)}: QGIS finds no style in a database of this name; `registry init` puts one there"


def _logged_by(table: str) -> Iterator[str]:
    yield from map(history.name_of, ("insert", "update", "delete", "truncate"))
    yield "registry_identity"
    if "uid" in Base.metadata.tables[table].columns:
        yield "registry_uid"


def _policies(connection: Connection) -> Iterator[str]:
    found: dict[str, set[str]] = {}
    for table, name in connection.execute(
        text("SELECT tablename, policyname FROM pg_policies WHERE schemaname = current_schema()")
    ):
        found.setdefault(table, set()).add(name)
    for table in (*SUBJECTS, "import_run", "source_row"):
        there = found.get(table, set())
        for name in sorted(POLICIES - there):
            yield f"{table}: the policy {name} is missing, so a role may do less than it should"
        for name in sorted(there - POLICIES):
            yield f"{table}: the policy {name} is not the registry's; a role may do more than it should"
