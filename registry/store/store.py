"""A store as the rooms above see it: opened or created by URL, read and written in transactions."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import TYPE_CHECKING, TypeVar

import psycopg
import pyproj
from sqlalchemy import insert, inspect, make_url, select, text
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from registry.errors import (
    BadParameterError,
    CrsError,
    NotARegistryError,
    StoreBusyError,
    StoreConflictError,
    StoreError,
    StoreMissingError,
)
from registry.model.tables import StoreProperty
from registry.store import geopackage, postgis, schema
from registry.store.backend import backend_of
from registry.store.crs import DEFAULT_CRS, geographic_crs, srid_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import URL, Connection, Engine, Transaction

T = TypeVar("T")

_SERVER = "postgresql+psycopg"
# How often a transaction that lost against another one is tried, and how long it waits in between.
_ATTEMPTS = 4
_PAUSE_S = (0.05, 0.5)


@dataclass(frozen=True)
class Address:
    """Where a store is: a file, or a database on a server."""

    place: str
    path: Path | None = None
    url: URL | None = None

    def engine(self, *, busy_timeout_s: float) -> Engine:
        """An engine on it; a file must exist."""
        if self.url is not None:
            try:
                return postgis.open_engine(self.url, busy_timeout_s=busy_timeout_s)
            except ArgumentError as error:
                raise BadParameterError(f"{self.place}: {error}. Correct the URL.") from None
        return geopackage.open_engine(Path(self.place), busy_timeout_s=busy_timeout_s)


@dataclass(frozen=True)
class Store:
    """One opened store, in a file or on a server."""

    address: Address
    engine: Engine
    crs: pyproj.CRS
    user: str

    @property
    def place(self) -> str:
        """Where the store is, as a message names it: never with a password."""
        return self.address.place

    @property
    def path(self) -> Path | None:
        """The file; None for a store on a server."""
        return self.address.path

    @property
    def srid(self) -> int:
        """The EPSG number of every geometry."""
        return srid_of(self.crs)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One state of the store, however long the reading takes."""
        with _refusals(self.place), self.engine.connect() as opened:
            connection = opened
            if opened.dialect.name == "postgresql":
                connection = opened.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin():
                yield connection

    @contextmanager
    def write(self, *, keep: bool = True) -> Iterator[Connection]:
        """One transaction: everything done inside is stored, or nothing is; a rehearsal with ``keep=False``."""
        with self._naming_the_holder(), _transaction(self.engine, self.place, keep=keep) as connection:
            backend = backend_of(connection)
            backend.open_session(connection, self.user, datetime.now(UTC))
            with nullcontext() if self.path is None else geopackage.announced(self.path, self.user):
                yield connection
                backend.close_session(connection)

    @contextmanager
    def _naming_the_holder(self) -> Iterator[None]:
        """Say who is writing, where it can be found out, to one who waited in vain."""
        try:
            yield
        except StoreConflictError:
            raise
        except StoreBusyError as error:
            by = postgis.holder(self.engine) if self.path is None else geopackage.holder(self.path)
            if by is None:
                raise
            raise StoreBusyError(
                f"{self.place}: {by} is writing to it. Nothing was stored; try again when that is done."
            ) from error

    def retried(self, work: Callable[[], T]) -> T:
        """Do one transaction's work; again, some times, where it got in the way of another writer's."""
        for _ in range(_ATTEMPTS - 1):
            try:
                return work()
            except StoreConflictError:
                time.sleep(SystemRandom().uniform(*_PAUSE_S))  # so that two do not meet again
        return work()

    def close(self) -> None:
        """Release the file or the connections."""
        self.engine.dispose()


def address_of(url: str | os.PathLike[str]) -> Address:
    """What a store's URL names.

    Raises
    ------
    BadParameterError : neither a path ending in ``.gpkg`` nor a PostgreSQL URL.
    """
    written = os.fspath(url)
    if "://" not in written:
        path = Path(written)
        if path.suffix.lower() != ".gpkg":
            shown = "…" if "@" in written or "password" in written.lower() else written
            raise BadParameterError(
                f"{shown}: a store is a file whose name ends in .gpkg, for example sites.gpkg, "
                f"or a database: {_SERVER}://user@host/database."
            )
        return Address(str(path), path=path)
    scheme = written.split("://", 1)[0]
    if scheme not in {_SERVER, "postgresql", "postgres"}:
        raise BadParameterError(
            f"{scheme}://…: stores of this kind are not known. Use a path ending in .gpkg or {_SERVER}://user@host/database."
        )
    try:
        parsed = make_url(written).set(drivername=_SERVER)
    except (SQLAlchemyError, ValueError):
        raise BadParameterError(
            f"{scheme}://…: this is no URL of a database. Write {_SERVER}://user@host:5432/database."
        ) from None
    if "@" in (parsed.host or ""):
        raise BadParameterError(
            f"{scheme}://…: the URL has more than one @. Write %40 for one in a password, or better leave the password "
            "to PGPASSWORD or a password file."
        )
    return Address(_without_secrets(parsed), url=_secrets_inside(parsed))


def _without_secrets(url: URL) -> str:
    """The URL as a message may show it: who, where, which database."""
    return url.set(password=None, query={}).render_as_string(hide_password=True)


def _secrets_inside(url: URL) -> URL:
    """The URL with a password that stands among its parameters where no message shows it."""
    password = url.query.get("password")
    if password is None:
        return url
    return url.difference_update_query(["password"]).set(
        password=password if isinstance(password, str) else password[-1]
    )


def open_store(url: str | os.PathLike[str], *, busy_timeout_s: float, user: str, stated_user: str = "") -> Store:
    """Open a store that exists.

    Parameters
    ----------
    user : who the history of a file names; a server knows the login.
    stated_user : who works through a login that several people share; empty where nobody is named.

    Raises
    ------
    StoreMissingError : there is no such file or database.
    NotARegistryError : it is there, but without the registry's tables.
    StoreVersionError : it was made by a newer version, or by an older one and is to be upgraded.
    """
    address = address_of(url)
    place = address.place
    if address.path is not None:
        if address.path.is_dir():
            raise NotARegistryError(f"{place}: this is a folder. A store is one file; name another path.")
        if not address.path.is_file():
            raise StoreMissingError(f"{place}: there is no store. Create one with `registry --store {place} init`.")
    engine = address.engine(busy_timeout_s=busy_timeout_s)
    try:
        with _refusals(place), engine.connect() as connection, connection.begin():
            on_server = address.url is not None
            if not inspect(connection).has_table(StoreProperty.__tablename__) or (
                on_server and not _has_postgis(connection)
            ):
                _refuse_foreign(connection, place)
            schema.check(connection, place)
            crs = _crs(connection, place)
    except BaseException:
        engine.dispose()
        raise
    return Store(address, engine, crs, user if address.path is not None else stated_user)


def create_store(
    url: str | os.PathLike[str], crs: str | None, *, busy_timeout_s: float, dress: Callable[[Connection, str], None]
) -> None:
    """Create a store, or bring the one that is there to the newest schema.

    A file appears under its name only when it is complete; on a server all of it is one transaction.

    Parameters
    ----------
    dress : gives a store, in the same transaction, what the programs of a GIS desk look for in it.

    Raises
    ------
    CrsError : the CRS is not geographic, or the store that is there has another one.
    StoreError : the folder cannot be written, or the login has too few rights.
    """
    address = address_of(url)
    if address.path is None or address.path.exists():
        _upgrade(address, crs, busy_timeout_s=busy_timeout_s, dress=dress)
    else:
        _create_file(address.path, geographic_crs(crs or DEFAULT_CRS), busy_timeout_s=busy_timeout_s, dress=dress)


def _upgrade(
    address: Address, crs: str | None, *, busy_timeout_s: float, dress: Callable[[Connection, str], None]
) -> None:
    if address.path is not None and address.path.is_dir():
        raise NotARegistryError(f"{address.place}: this is a folder. A store is one file; name another path.")
    engine = address.engine(busy_timeout_s=busy_timeout_s)
    try:
        with _transaction(engine, address.place, serial=True) as connection:
            if schema.revision(connection) is None:
                if address.path is not None or not _has_postgis(connection):
                    _refuse_foreign(connection, address.place)
                wanted = geographic_crs(crs or DEFAULT_CRS)
                schema.upgrade(connection, address.place, srid=srid_of(wanted))
                _set_crs(connection, wanted)
            else:
                found = _crs(connection, address.place)
                if crs is not None and geographic_crs(crs) != found:
                    raise CrsError(
                        f"{address.place}: the store has {found.to_string()}; a store's CRS cannot change. "
                        "Create another one."
                    )
                schema.upgrade(connection, address.place, srid=srid_of(found))
            dress(connection, address.place)
    finally:
        engine.dispose()


def _create_file(
    path: Path, crs: pyproj.CRS, *, busy_timeout_s: float, dress: Callable[[Connection, str], None]
) -> None:
    draft = path.with_name(f".{path.stem}.{os.getpid()}.gpkg")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # An empty file is a valid, empty SQLite database.
        draft.touch()
        engine = geopackage.open_engine(draft, busy_timeout_s=busy_timeout_s)
        with _transaction(engine, str(path)) as connection:
            schema.upgrade(connection, str(path), srid=srid_of(crs))
            _set_crs(connection, crs)
            dress(connection, str(path))
        engine.dispose()
        draft.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path}: the store cannot be created here ({error.strerror}). Choose a folder you may write to."
        ) from error
    finally:
        for leftover in (draft, draft.with_name(draft.name + "-wal"), draft.with_name(draft.name + "-shm")):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)


def _refuse_foreign(connection: Connection, place: str) -> None:
    """Say why a file or a database that is there is no store."""
    if connection.dialect.name == "sqlite":
        raise NotARegistryError(
            f"{place}: this GeoPackage is not a registry store. Import its layers into one with `registry import`."
        )
    if not _has_postgis(connection):
        raise NotARegistryError(
            f"{place}: the database has no PostGIS on its search path. Have its owner run CREATE EXTENSION postgis; "
            "in it, or put the extension's schema on the path (ALTER DATABASE … SET search_path), then `registry init`."
        )
    raise NotARegistryError(f"{place}: the database holds no registry yet. Create one in it with `registry init`.")


def _has_postgis(connection: Connection) -> bool:
    return connection.scalar(text("SELECT to_regtype('geometry')")) is not None


def _crs(connection: Connection, place: str) -> pyproj.CRS:
    found = connection.scalar(select(StoreProperty.value).where(StoreProperty.key == "crs"))
    if found is None:
        raise NotARegistryError(f"{place}: the store does not say its reference system. Restore it from a backup.")
    return pyproj.CRS.from_user_input(found)


def _set_crs(connection: Connection, crs: pyproj.CRS) -> None:
    connection.execute(insert(StoreProperty).values(key="crs", value=crs.to_string()))


@contextmanager
def _transaction(engine: Engine, place: str, *, keep: bool = True, serial: bool = False) -> Iterator[Connection]:
    """One transaction: all of what is done inside, or nothing; ``serial`` ones come one after the other."""
    with _refusals(place), engine.connect() as opened:
        connection = opened.execution_options(writes=True)
        with connection.begin() as transaction:
            if serial and connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('tailings-registry'))"))
            try:
                yield connection
            except KeyboardInterrupt:
                # In the middle of a stream there is nothing to be said to the server any more but goodbye.
                opened.invalidate()
                raise
            if keep:
                _confirm(transaction, place)
            else:
                transaction.rollback()


def _confirm(transaction: Transaction, place: str) -> None:
    """Commit; an interrupt that comes meanwhile comes too late, and a line that falls leaves the outcome open."""
    main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        transaction.commit()
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.OperationalError) and (error.orig.sqlstate or "08")[:2] in {"08", "57"}:
            raise StoreError(
                f"{place}: the connection to the server was lost while the change was being confirmed, so it may be "
                "stored or not. Look, or try again: what is stored already counts as unchanged."
            ) from error
        raise
    finally:
        if main:
            signal.signal(signal.SIGINT, before)


@contextmanager
def _refusals(place: str) -> Iterator[None]:
    """Turn the database's errors into the registry's: what was refused, where, and what to do."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise BadParameterError(
            f"{place}: a text holds characters that are none ({error.object[error.start : error.end]!a}). "
            "Correct its encoding; nothing was stored."
        ) from error
    except (DBAPIError, sqlite3.Error, psycopg.Error) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        if isinstance(cause, sqlite3.Error):
            raise geopackage.refusal(cause, place) from error
        if isinstance(cause, psycopg.Error):
            raise postgis.refusal(cause, place) from error
        raise
