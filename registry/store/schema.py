"""The schema of a store: which revision it has, how it is brought to the newest, and where it has drifted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from registry.errors import NotARegistryError, StoreVersionError
from registry.model.tables import Base, StoreProperty
from registry.store.postgis import views

if TYPE_CHECKING:
    from sqlalchemy import Connection

# Alembic's own table, under a name that no other application's Alembic uses.
VERSION_TABLE = "registry_version"
# Files made before there was a version table said their version here; their tables are those of the first revision.
_OLD_VERSION = "schema_version"
_FIRST = "0001"


def newest() -> str:
    """The revision that this program works with."""
    return str(_scripts().get_current_head())


def revision(connection: Connection) -> str | None:
    """The revision of a store; None where there is none of ours."""
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        found: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
        return found
    if StoreProperty.__tablename__ in tables:
        return _FIRST
    return None


def check(connection: Connection, place: str) -> None:
    """Make sure that this program can work with the store.

    Raises
    ------
    StoreVersionError : the store is newer than the program, or older and to be upgraded first.
    """
    found = revision(connection)
    if found == newest():
        return
    if found in _known():
        raise StoreVersionError(
            f"{place}: the store has schema {found}, this program works with {newest()}. "
            "Upgrade it with `registry init`; make a copy first."
        )
    if found is None:
        raise NotARegistryError(f"{place}: the store does not say its version. Restore it from a backup.")
    raise StoreVersionError(
        f"{place}: the store has schema {found}, this program knows {newest()}. Update the program."
    )


def upgrade(connection: Connection, place: str, *, srid: int) -> bool:
    """Bring a store, or an empty database, to the newest revision; whether anything was to be done.

    Raises
    ------
    StoreVersionError : the store is newer than the program.
    NotARegistryError : tables of ours names are there that belong to somebody else.
    """
    found = revision(connection)
    if found == newest():
        return False
    if found is not None and found not in _known():
        check(connection, place)
    config = _config()
    config.attributes.update(connection=connection, srid=srid)
    if connection.dialect.name == "postgresql":
        # No column that a view shows can be altered.
        views.drop(connection, place)
    if found is None:
        _refuse_strangers(connection, place)
    elif VERSION_TABLE not in inspect(connection).get_table_names():
        command.stamp(config, _FIRST)
        connection.execute(text("DELETE FROM registry_property WHERE key = :key"), {"key": _OLD_VERSION})
    command.upgrade(config, "head")
    return True


def _refuse_strangers(connection: Connection, place: str) -> None:
    taken = sorted(set(inspect(connection).get_table_names()) & set(Base.metadata.tables))
    if taken:
        raise NotARegistryError(
            f"{place}: there is a table {', '.join(taken)} that is not a registry's. Nothing was changed; "
            "use another database or schema for the registry."
        )


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "registry.store:migrations")
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def _known() -> set[str]:
    return {script.revision for script in _scripts().walk_revisions()}
