"""An edited package opened again, whatever program wrote to it, and refused in one line where it cannot be taken back."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pyarrow as pa

from registry.errors import PackageError, StoreBusyError, UnreadableFileError
from registry.fieldwork import attachments, columns, snapshot
from registry.fieldwork.contents import Package, Properties
from registry.fieldwork.layout import parts
from registry.settings import settings
from registry.store import schema

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd


# What may lie beside a database while it is open, or after a program that had it open fell over.
_COMPANIONS = ("-wal", "-journal")
# How every database of SQLite begins.
_MAGIC = b"SQLite format 3"


@contextmanager
def opened(path: Path) -> Iterator[Package]:
    """A package, read whole and in one state.

    Raises
    ------
    UnreadableFileError : there is no such file, it cannot be read, or it is damaged.
    PackageError : it is no package, it is of another edition, or its tables are not as they went out.
    StoreBusyError : another program is in the middle of writing to it.
    """
    if path.is_dir():
        raise UnreadableFileError(f"{path}: this is a folder. Name the package, a file that ends in .gpkg.")
    if not path.is_file():
        raise UnreadableFileError(f"{path}: there is no such file. `registry export {path} --editable` writes one.")
    with _connected(path) as connection, _refusals(path):
        _examine(connection, path)
        package = Package(path, connection, _properties(connection, path))
        for name in parts():
            package.base[name] = _as_it_was(connection, path, name)
        package.tables = columns.read_tables(connection, path, package.properties.crs)
        attachments.identify(package)
        package.sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        yield package


def is_package(path: Path) -> bool | None:
    """Whether a file that is there is a package; None where it is too damaged to tell."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            return _has(connection, snapshot.TABLE)
    except sqlite3.Error:
        with path.open("rb") as file:
            return None if file.read(len(_MAGIC)) == _MAGIC else False


@contextmanager
def _connected(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that reads one state, edits included that an open program has not yet brought into the file.

    Those stand in a file beside it, and to read them SQLite needs to write there. Where it may not, a copy is read.
    """
    with TemporaryDirectory(prefix="registry-") as folder:
        try:
            connection = _begun(path, "ro")
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                raise StoreBusyError(
                    f"{path}: another program is writing to it. Save the edits there and try again."
                ) from error
            try:
                connection = _begun(_copied(path, Path(folder)), "rw")
            except (sqlite3.Error, OSError) as second:
                raise UnreadableFileError(
                    f"{path}: it cannot be read ({second}). Check the rights of the file."
                ) from second
        except sqlite3.DatabaseError as error:
            raise _damaged(path, error) from error
        with closing(connection):
            yield connection


def _begun(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={mode}"
    connection = sqlite3.connect(uri, uri=True, timeout=settings().busy_timeout_s, isolation_level=None)
    try:
        # A text that is no UTF-8 is told with its row.
        connection.text_factory = _decoded
        connection.execute("BEGIN")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "surrogateescape")


def _copied(path: Path, folder: Path) -> Path:
    for end in ("", *_COMPANIONS):
        with suppress(FileNotFoundError):
            shutil.copyfile(path.with_name(path.name + end), folder / f"{path.name}{end}")
    return folder / path.name


def _as_it_was(connection: sqlite3.Connection, path: Path, name: str) -> pd.DataFrame:
    try:
        return snapshot.read(connection, name)
    except OSError as error:  # what a page says of itself is not what it holds
        raise _damaged(path, error) from error


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.DatabaseError, pa.ArrowException) as error:
        if "locked" in str(error):
            raise StoreBusyError(
                f"{path}: another program is writing to it. Save the edits there and try again."
            ) from error
        raise _damaged(path, error) from error


def _damaged(path: Path, error: Exception) -> UnreadableFileError:
    if "not a database" in str(error):
        return UnreadableFileError(f"{path}: this is not a GeoPackage. Name the file that was edited.")
    said = " ".join(str(error).split())
    return UnreadableFileError(
        f"{path}: the file is damaged ({said}). Nothing was stored; take the edits from a copy of it."
    )


def _examine(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse a file that is damaged or no package."""
    found = [str(row[0]) for row in connection.execute("PRAGMA quick_check")]
    damage = [line for line in found if line != "ok" and not line.startswith(_BROKEN_RULE)]
    if damage:
        raise _damaged(path, sqlite3.DatabaseError(damage[0][:120]))
    if _has(connection, snapshot.TABLE):
        return
    if _has(connection, "registry_property"):
        if connection.execute("SELECT 1 FROM registry_property WHERE key = 'package_uid'").fetchone():
            raise PackageError(
                f"{path}: the table {snapshot.TABLE} is gone, so what was edited cannot be told. Export it anew and "
                "repeat the edits there."
            )
        raise PackageError(
            f"{path}: this is a store, not a part of one that went out to be edited. "
            "`registry export FILE.gpkg --editable` writes such a part."
        )
    raise PackageError(
        f"{path}: this file did not go out to be edited, so what was edited in it cannot be told. "
        "Import its layers with `registry import`, or edit one that `registry export FILE.gpkg --editable` wrote."
    )


# Of a row that breaks a CHECK or a NOT NULL the checks of values speak, with its name.
_BROKEN_RULE = ("NULL value in", "CHECK constraint failed in", "NUMERIC value in", "TEXT value in", "non-unique")


def _properties(connection: sqlite3.Connection, path: Path) -> Properties:
    said = dict(
        connection.execute(
            "SELECT substr(key, 9), value FROM registry_property WHERE key LIKE 'package\\_%' ESCAPE '\\'"
        ).fetchall()
    )
    missing = [one.name for one in fields(Properties) if one.name not in said]
    if missing:
        raise PackageError(
            f"{path}: the package does not say its {', '.join(missing)} any more. Export it anew and repeat the edits there."
        )
    properties = Properties(**{one.name: said[one.name] for one in fields(Properties)})
    newest = schema.newest()
    if properties.schema > newest:
        raise PackageError(
            f"{path}: the package has schema {properties.schema}, this program knows {newest}. Update the program."
        )
    if properties.schema < newest:
        raise PackageError(
            f"{path}: the package has schema {properties.schema}, this program works with {newest}. "
            "Merge it with the version that wrote it, or export it anew and repeat the edits there."
        )
    return properties


def _has(connection: sqlite3.Connection, table: str) -> bool:
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone() is not None
