"""A store as the rooms above see it: opened or created by URL, read and written in transactions."""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyproj
from sqlalchemy import insert, inspect, select

from registry.errors import CrsError, NotARegistryError, StoreError, StoreMissingError, StoreVersionError
from registry.model.tables import Base, StoreProperty
from registry.store import geopackage
from registry.store.engine import geopackage_engine, geopackage_path, reading, refusals, writing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Engine

# Version of the tables. A store of a newer version is refused; an older one would be upgraded here.
SCHEMA_VERSION = 1

DEFAULT_CRS = "EPSG:4490"


@dataclass(frozen=True)
class Store:
    """One opened GeoPackage with the registry's tables."""

    path: Path
    engine: Engine
    crs: pyproj.CRS
    properties: dict[str, str]

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One state of the store, however long the reading takes."""
        with reading(self.engine, self.path) as connection:
            yield connection

    @contextmanager
    def write(self, *, keep: bool = True) -> Iterator[Connection]:
        """One transaction: everything done inside is stored, or nothing is; a rehearsal with ``keep=False``."""
        with writing(self.engine, self.path, keep=keep) as connection:
            yield connection

    def close(self) -> None:
        """Release the file."""
        self.engine.dispose()


def open_store(url: str | os.PathLike[str], *, busy_timeout_s: float) -> Store:
    """Open a store that exists.

    Raises
    ------
    StoreMissingError : there is no file.
    NotARegistryError : the file is not a GeoPackage, or one without the registry's tables.
    StoreVersionError : it was made by a newer version.
    """
    path = geopackage_path(url)
    if path.is_dir():
        raise NotARegistryError(f"{path}: this is a folder. A store is one file; name another path.")
    if not path.is_file():
        raise StoreMissingError(f"{path}: there is no store. Create one with `registry --store {path} init`.")
    engine = geopackage_engine(path, busy_timeout_s=busy_timeout_s)
    with reading(engine, path) as connection:
        if not inspect(connection).has_table(StoreProperty.__tablename__):
            raise NotARegistryError(
                f"{path}: this GeoPackage is not a registry store. Import its layers into one with `registry import`."
            )
        found = dict(connection.execute(select(StoreProperty.key, StoreProperty.value)).all())
    version = int(found.get("schema_version", 0))
    if version > SCHEMA_VERSION:
        raise StoreVersionError(
            f"{path}: the store has version {version}, this program knows {SCHEMA_VERSION}. Update the program."
        )
    return Store(path, engine, pyproj.CRS.from_user_input(found["crs"]), found)


def create_store(url: str | os.PathLike[str], crs: str | None, *, busy_timeout_s: float) -> Store:
    """Create a store, or open the one that is there.

    The file appears under its name only when it is complete.

    Raises
    ------
    CrsError : the CRS is not geographic, or the store that is there has another one.
    StoreError : the folder cannot be written.
    """
    path = geopackage_path(url)
    if path.exists():
        store = open_store(path, busy_timeout_s=busy_timeout_s)
        if crs is not None and geographic_crs(crs) != store.crs:
            raise CrsError(
                f"{path}: the store has {store.crs.to_string()}; a store's CRS cannot change. Create another file."
            )
        return store
    wanted = geographic_crs(crs or DEFAULT_CRS)
    draft = path.with_name(f".{path.stem}.{os.getpid()}.gpkg")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # An empty file is a valid, empty SQLite database.
        draft.touch()
        engine = geopackage_engine(draft, busy_timeout_s=busy_timeout_s)
        with writing(engine, path) as connection:
            geopackage.create_schema(connection, wanted)
            values = {"schema_version": str(SCHEMA_VERSION), "crs": wanted.to_string()}
            connection.execute(insert(StoreProperty), [{"key": k, "value": v} for k, v in values.items()])
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
    return open_store(path, busy_timeout_s=busy_timeout_s)


def geographic_crs(name: str) -> pyproj.CRS:
    """The CRS of that name, if a store can have it.

    Raises
    ------
    CrsError : unknown, projected, or without an EPSG number.
    """
    try:
        crs = pyproj.CRS.from_user_input(name)
    except pyproj.exceptions.CRSError:
        raise CrsError(f"'{name}' is not a known coordinate reference system. Use EPSG:4490 or EPSG:4326.") from None
    if not crs.is_geographic or crs.to_epsg() is None:
        raise CrsError(f"'{name}' is not a geographic system with an EPSG number. Use EPSG:4490 or EPSG:4326.")
    return crs


def problems(store: Store) -> list[str]:
    """What is wrong with a store's file, one line each; empty when all is well."""
    found: list[str] = []
    with (
        refusals(store.path),
        sqlite3.connect(f"{store.path.absolute().as_uri()}?mode=ro", uri=True) as connection,
    ):
        for (line,) in connection.execute("PRAGMA integrity_check(20)"):
            if line != "ok":
                found.append(f"integrity: {line}")
        for table, rowid, parent, _ in connection.execute("PRAGMA foreign_key_check"):
            found.append(f"{table} row {rowid}: refers to a row of {parent} that is not there")
        names = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table in Base.metadata.sorted_tables:
            if table.name not in names:
                found.append(f"{table.name}: the table is missing")
                continue
            present = {row[1] for row in connection.execute(f'PRAGMA table_info("{table.name}")')}
            found.extend(f"{table.name}: column {c.name} is missing" for c in table.columns if c.name not in present)
            if geopackage.geometry_column(table):
                found.extend(_rtree_problems(connection, table.name))
    connection.close()
    return found


def _rtree_problems(connection: sqlite3.Connection, table: str) -> Iterator[str]:
    rows = connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]
    boxes = connection.execute(f'SELECT count(*) FROM "rtree_{table}_geom"').fetchone()[0]
    if rows != boxes:
        yield f"{table}: {rows} rows, but {boxes} in the spatial index"
    check = connection.execute("SELECT rtreecheck(?)", (f"rtree_{table}_geom",)).fetchone()[0]
    if check != "ok":
        yield f"{table}: spatial index: {check}"
