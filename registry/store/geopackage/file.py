"""Opening one GeoPackage file, and saying in one line why it refuses."""

from __future__ import annotations

import os
import sqlite3
from typing import TYPE_CHECKING, Any

import shapely
from sqlalchemy import create_engine, event
from sqlalchemy.pool import NullPool

from registry.errors import NotARegistryError, StoreBusyError, StoreError
from registry.model.geometry import wkb_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shapely.geometry.base import BaseGeometry
    from sqlalchemy import Connection, Engine


def open_engine(path: Path, *, busy_timeout_s: float) -> Engine:
    """An engine on one GeoPackage file; the file must exist.

    Transactions of a connection with the execution option ``writes`` take the write lock when they begin
    (``BEGIN IMMEDIATE``), so that a second writer waits at its start and never fails half-way. A file in a folder
    that cannot be written is opened read-only.
    """
    read_only = not (os.access(path, os.W_OK) and os.access(path.parent, os.W_OK))
    mode = "ro&immutable=1" if read_only else "rw"
    uri = f"{path.absolute().as_uri()}?mode={mode}"

    def connect() -> sqlite3.Connection:
        # isolation_level None leaves BEGIN and COMMIT to the events below.
        connection = sqlite3.connect(uri, uri=True, timeout=busy_timeout_s, isolation_level=None)
        try:
            _register_functions(connection)
            if not read_only:
                connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA cache_size = -262144")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def refusal(error: sqlite3.Error, place: str) -> StoreError:
    """What to tell the user when SQLite refuses."""
    text = str(error)
    said = text.lower()
    for phrase, kind, advice in _REFUSALS:
        if phrase in said:
            return kind(f"{place}: {advice}")
    if isinstance(error, sqlite3.IntegrityError):
        return StoreError(f"{place}: the store refused a row ({text}). Nothing was stored; correct the row.")
    return StoreError(f"{place}: the store refused ({text}). Nothing was stored; `registry doctor` examines the file.")


_REFUSALS: tuple[tuple[str, type[StoreError], str], ...] = (
    (
        "is locked",
        StoreBusyError,
        "another program is writing to it. Nothing was stored; try again when it is done.",
    ),
    ("disk is full", StoreError, "the disk is full. Nothing was stored; free some space and try again."),
    (
        "disk i/o error",
        StoreError,
        "the disk reports an error. Nothing was stored; check the disk and try again.",
    ),
    (
        "readonly database",
        StoreError,
        "it cannot be written. Nothing was stored; check the rights of file and folder.",
    ),
    ("unable to open", StoreError, "it cannot be opened. Check the rights of the file and of its folder."),
    (
        "not a database",
        NotARegistryError,
        "this is not a GeoPackage. Name another file, or create one with `registry init`.",
    ),
    ("malformed", StoreError, "the file is damaged. Restore it from a copy; `registry doctor` examines it."),
)


def _register_functions(connection: sqlite3.Connection) -> None:
    """The geometry functions that the R-tree triggers of a GeoPackage call (OGC 12-128, annex F.3)."""
    connection.create_function("ST_IsEmpty", 1, _on_geometry(lambda g: int(shapely.is_empty(g))), deterministic=True)
    for at, name in enumerate(("ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY")):
        connection.create_function(name, 1, _on_geometry(_bound(at)), deterministic=True)


def _bound(at: int) -> Callable[[BaseGeometry], float | None]:
    return lambda geometry: None if shapely.is_empty(geometry) else float(shapely.bounds(geometry)[at])


def _on_geometry(measure: Callable[[BaseGeometry], Any]) -> Callable[[bytes | None], Any]:
    def function(blob: bytes | None) -> Any:
        return None if blob is None else measure(shapely.from_wkb(wkb_of(blob)))

    return function
