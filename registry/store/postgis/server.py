"""Connecting to a PostGIS database, and saying in one line why it refuses."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import DBAPIError

from registry.errors import StoreBusyError, StoreConflictError, StoreError, StoreMissingError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

# A server that does not answer within this time is said to be away.
_CONNECT_TIMEOUT_S = 10


def open_engine(url: URL, *, busy_timeout_s: float) -> Engine:
    """An engine on a PostGIS database; a connection that was cut is replaced when it is next used."""
    settings = {"connect_timeout": _CONNECT_TIMEOUT_S, "application_name": "registry"}
    engine = create_engine(url, pool_pre_ping=True, connect_args=settings)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A reader waits for as long as it takes; a writer says after a while that somebody else is at it.
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SET LOCAL lock_timeout = {int(busy_timeout_s * 1000)}")

    return engine


def refusal(error: psycopg.Error, place: str) -> StoreError | StoreMissingError:
    """What to tell the user when the server refuses."""
    said = " ".join(str(error).split())
    state = error.sqlstate or ""
    for code, kind, advice in _STATES:
        if f"{state}: {said}".startswith(code):
            return kind(f"{place}: {advice.format(said=said)}")
    if not state:
        # Only what the driver or the connection says has none; the texts of rows are never looked at.
        for phrase, kind, advice in _PHRASES:
            if phrase in said:
                return kind(f"{place}: {advice.format(said=said)}")
    if isinstance(error, psycopg.IntegrityError):
        return StoreError(f"{place}: the store refused a row ({said}). Nothing was stored; correct the row.")
    return StoreError(f"{place}: the store refused ({said}). Nothing was stored; `registry doctor` examines it.")


_LOST = "the connection to the server was lost. Nothing was stored; try again when the server is back."
_STARTING = "the server is starting up. Nothing was stored; try again in a moment."
_BUSY = "another program is writing to it. Nothing was stored; try again when it is done."

# By the beginning of the SQLSTATE (PostgreSQL documentation, appendix A), the longer first.
_STATES: tuple[tuple[str, type[StoreError | StoreMissingError], str], ...] = (
    (
        "42501: new row violates row-level security",
        StoreError,
        (
            "a row lies outside the provinces that this login may change ({said}). Nothing was stored; leave it out, or "
            "ask an administrator."
        ),
    ),
    (
        "42501",
        StoreError,
        "this login may not do that ({said}). Nothing was changed; ask an administrator for the role it needs.",
    ),
    ("55P03", StoreBusyError, _BUSY),
    ("40", StoreConflictError, _BUSY),
    ("53100", StoreError, "the server's disk is full. Nothing was stored; free some space and try again."),
    ("53300", StoreBusyError, "the server has no connection to spare. Nothing was stored; try again later."),
    ("53", StoreError, "the server is out of resources ({said}). Nothing was stored; try again later."),
    ("57", StoreError, _LOST),
    ("08", StoreError, _LOST),
    ("25006", StoreError, "the server only allows reading. Nothing was stored; connect to the primary server."),
)

# An attempt to connect that failed has no SQLSTATE, and a cut connection has none either.
_PHRASES: tuple[tuple[str, type[StoreError | StoreMissingError], str], ...] = (
    (
        "no password supplied",
        StoreError,
        "the server asks for a password. Put it into PGPASSWORD or a password file (~/.pgpass).",
    ),
    (
        "password authentication failed",
        StoreError,
        "wrong user or password. Correct it in the URL, in PGPASSWORD or in the password file.",
    ),
    ("no pg_hba.conf entry", StoreError, "the server does not accept this user from here ({said})."),
    ("is not permitted to log in", StoreError, "this role cannot log in; connect with a login that is a member of it."),
    (
        "does not exist",
        StoreMissingError,
        "there is no such database or role ({said}). Create it, or correct the URL.",
    ),
    (
        "onnection refused",
        StoreMissingError,
        "no server answers there. Start it, or correct host and port in the URL.",
    ),
    ("resolve host", StoreMissingError, "the host is not known. Correct it in the URL."),
    ("translate host name", StoreMissingError, "the host is not known. Correct it in the URL."),
    ("No such file or directory", StoreMissingError, "no server answers there. Start it, or name a host in the URL."),
    ("timeout expired", StoreMissingError, "the server does not answer. Check host, port and network."),
    ("starting up", StoreBusyError, _STARTING),
    ("in recovery mode", StoreBusyError, _STARTING),
    ("not yet accepting connections", StoreBusyError, _STARTING),
    ("shutting down", StoreBusyError, _LOST),
    ("too many clients", StoreBusyError, "the server has no connection to spare. Try again later."),
    ("connection failed", StoreMissingError, "no connection to the server ({said})."),
    ("invalid ", StoreMissingError, "the URL does not say where the server is ({said}). Correct it."),
    ("onnection", StoreError, _LOST),
)


def holder(engine: Engine) -> str | None:
    """Who has held a lock on one of the store's tables for the longest time; None where nobody does any more."""
    with suppress(DBAPIError), engine.connect() as connection:
        found = connection.execute(text(_HOLDER)).one_or_none()
        if found is not None:
            program = f"{found.application_name}, " if found.application_name else ""
            since = f", since {found.xact_start:%Y-%m-%d %H:%M:%S%z}" if found.xact_start else ""
            return f"{found.usename} ({program}process {found.pid}{since})"
    return None


_HOLDER = """
SELECT a.usename, a.application_name, a.pid, a.xact_start
FROM pg_locks l JOIN pg_stat_activity a USING (pid) JOIN pg_class c ON c.oid = l.relation
WHERE l.granted AND l.mode NOT IN ('AccessShareLock', 'RowShareLock') AND l.pid <> pg_backend_pid()
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
ORDER BY a.xact_start LIMIT 1
"""
