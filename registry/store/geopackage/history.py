"""Triggers that write every insert, update and delete of a GeoPackage into ``change``, whoever makes them.

QGIS, GDAL and any other program run them with functions that SQLite itself has. Who is at work, since when and for
which import stands in ``registry_session`` while the registry writes; the table is empty at any other time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.model.types import UUID_EXPRESSIONS, instant_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

# Who made an edit that did not come through the registry: a file does not know its users.
UNKNOWN = "another program"

_INSERT = "INSERT INTO change (at, by, table_name, uid, action, before, after, import_run_id)"
_WHO = f"""coalesce((SELECT at FROM registry_session), strftime('%Y-%m-%dT%H:%M:%fZ', 'now')),
  coalesce((SELECT by FROM registry_session), '{UNKNOWN}')"""
_RUN = "(SELECT import_run_id FROM registry_session)"


def install(
    connection: Connection,
    table: str,
    subject: str,
    *,
    followers: tuple[str, str] | None = None,
    siblings: Iterable[str] = (),
) -> None:
    """Give a table its triggers; an older set is replaced.

    Parameters
    ----------
    subject : the column that holds the uid of the site or plant that a row belongs to.
    followers : a table, and its column, whose rows are deleted with the row that they belong to.
    siblings : the tables in which another row could own the followers.
    """
    listed = connection.exec_driver_sql(f'PRAGMA table_info("{table}")')
    # The bytes of an attachment are told by their checksum.
    columns = {row[1]: str(row[2]) for row in listed if row[2] != "BLOB"}
    new, old = _json("NEW", columns), _json("OLD", columns)
    differs = " OR ".join(f'OLD."{name}" IS NOT NEW."{name}"' for name in columns)
    # A row that came without a uid is told when it has one.
    named, was_named = ("WHEN NEW.uid <> ''", "OLD.uid <> '' AND ") if "uid" in columns else ("", "")
    logged = {
        "insert": (named, f"'insert', NULL, {new}", "NEW"),
        "update": (f"WHEN {was_named}({differs})", f"'update', {old}, {new}", "NEW"),
        "delete": ("", f"'delete', {old}, NULL", "OLD"),
    }
    if named:
        told = f"{_INSERT} VALUES ({_WHO}, '{table}', NEW.\"{subject}\", 'insert', NULL, {new}, {_RUN})"
        _trigger(connection, name_of(table, "name"), f"AFTER UPDATE OF uid ON \"{table}\" WHEN OLD.uid = ''", told)
        given = f'UPDATE "{table}" SET uid = {UUID_EXPRESSIONS["sqlite"]} WHERE id = NEW.id'
        _trigger(connection, f"{table}_uid", f"AFTER INSERT ON \"{table}\" WHEN NEW.uid = ''", given)
    for action, (condition, what, row) in logged.items():
        body = f"{_INSERT} VALUES ({_WHO}, '{table}', {row}.\"{subject}\", {what}, {_RUN})"
        if action == "update" and subject != "uid":
            # A row that is given to another site is in the history of both.
            body += f"; {_INSERT} SELECT {_WHO}, '{table}', OLD.\"{subject}\", {what}, {_RUN} "
            body += f'WHERE OLD."{subject}" <> NEW."{subject}"'
        _trigger(connection, name_of(table, action), f'AFTER {action} ON "{table}" {condition}', body)
    fixed, changed = "id", "OLD.id <> NEW.id"
    if named:
        fixed, changed = "id and uid", f"{changed} OR OLD.uid IS NOT NEW.uid AND OLD.uid <> ''"
    guarded = f'BEFORE UPDATE OF {fixed.replace(" and", ",")} ON "{table}" WHEN {changed}'
    _trigger(connection, f"{table}_identity", guarded, f"SELECT RAISE(ABORT, '{table}: {fixed} cannot change')")
    if "extra" in columns:
        broken = "NEW.extra IS NOT NULL AND NOT json_valid(NEW.extra)"
        refuse = f"SELECT RAISE(ABORT, '{table}: extra is no JSON')"
        _trigger(connection, f"{table}_extra_insert", f'BEFORE INSERT ON "{table}" WHEN {broken}', refuse)
        _trigger(connection, f"{table}_extra_update", f'BEFORE UPDATE OF extra ON "{table}" WHEN {broken}', refuse)
    if followers:
        there, column = followers
        elsewhere = " UNION ALL ".join(f'SELECT 1 FROM "{name}" WHERE uid = OLD."{subject}"' for name in siblings)
        body = f'DELETE FROM "{there}" WHERE "{column}" = OLD."{subject}" AND NOT EXISTS ({elsewhere})'
        _trigger(connection, f"{table}_followers", f'AFTER DELETE ON "{table}"', body)


def name_of(table: str, action: str) -> str:
    """The name of the trigger that logs one action on a table."""
    return f"{table}_history_{action}"


def pause_inserts(connection: Connection, table: str) -> list[str]:
    """Take the insert triggers away for a bulk load that does their work itself; what gives them back.

    Rows that bring no uid are not loaded in bulk.
    """
    found = connection.exec_driver_sql(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?, ?)",
        (name_of(table, "insert"), f"{table}_extra_insert", f"{table}_uid"),
    ).all()
    for name, _ in found:
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
    return [str(statement) for _, statement in found]


def open_session(connection: Connection, by: str, at: datetime) -> None:
    """Say who writes in this transaction."""
    connection.exec_driver_sql("INSERT INTO registry_session (by, at) VALUES (?, ?)", (by, instant_text(at)))


def note_import(connection: Connection, import_run_id: int) -> None:
    """Say for which import the rest of the transaction writes."""
    connection.exec_driver_sql("UPDATE registry_session SET import_run_id = ?", (import_run_id,))


def writer(connection: Connection) -> str:
    """Who the open session says is writing."""
    return str(connection.exec_driver_sql("SELECT by FROM registry_session").scalar_one())


def close_session(connection: Connection) -> None:
    """Leave nobody at work."""
    connection.exec_driver_sql("DELETE FROM registry_session")


def _trigger(connection: Connection, name: str, when: str, body: str) -> None:
    connection.exec_driver_sql(f'DROP TRIGGER IF EXISTS "{name}"')
    connection.exec_driver_sql(f'CREATE TRIGGER "{name}" {when} BEGIN {body}; END')


def _json(row: str, columns: dict[str, str]) -> str:
    members = ", ".join(f"'{name}', {_member(row, name, kind)}" for name, kind in columns.items())
    # A merge patch leaves out what is null.
    return f"json_patch('{{}}', json_object({members}))"


def _member(row: str, name: str, kind: str) -> str:
    value = f'{row}."{name}"'
    if kind == "DOUBLE":
        # json_object() itself keeps 15 digits; a double needs up to 17.
        short, exact = f"printf('%!.15g', {value})", f"printf('%!.17g', {value})"
        return (
            f"json(CASE WHEN {value} IS NULL THEN NULL WHEN CAST({short} AS REAL) = {value} THEN {short} "
            f"ELSE {exact} END)"
        )
    if kind == "BOOLEAN":
        return f"json(CASE WHEN {value} THEN 'true' WHEN NOT {value} THEN 'false' END)"
    if kind == "POINT":
        # WKB begins after the header of 8 bytes and the envelope, whose size bits 1 to 3 of the flags tell.
        flags = f"substr(hex(substr({value}, 4, 1)), 2, 1)"
        envelope = f"CASE WHEN {flags} IN ('2', '3') THEN 32 WHEN {flags} IN ('4', '5', '6', '7') THEN 48 ELSE 0 END"
        return f"hex(substr({value}, 9 + {envelope}))"
    return value
