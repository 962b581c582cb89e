"""Copies of tables of a GeoPackage, all of one state, each in a small GeoPackage of its own: what GDAL may read.

GDAL must not open the file of a store that this process has open. It brings an SQLite of its own, and two SQLites in one
process do not see each other's locks: when one closes the file, the system gives up the locks of both, and when one opens
it, it takes itself for the first and begins the shared memory of the log anew. What is written meanwhile can be lost
(sqlite.org, "How To Corrupt An SQLite Database File", 2.2 and 2.2.1). SQLite copies a whole table record by record, without
looking into it.
"""

from __future__ import annotations

import os
import re
import sqlite3
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal_column, select

from registry.errors import StoreBusyError, StoreError
from registry.store.geopackage.file import refusal
from registry.store.geopackage.standard import APPLICATION_ID, USER_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Dialect, Select

    from registry.store.parts import Part

_ATTEMPTS, _PAUSE_S = 50, 0.02
_PAGE = 65_536
# The copy is nobody else's, and nobody needs what is left of it after a crash.
_SETTINGS = (f"page_size = {_PAGE}", "journal_mode = OFF", "synchronous = OFF", f"application_id = {APPLICATION_ID}",
             f"user_version = {USER_VERSION}")  # fmt: skip
_SYSTEM = (
    "CREATE TABLE copy.gpkg_spatial_ref_sys AS SELECT * FROM main.gpkg_spatial_ref_sys",
    "CREATE TABLE copy.gpkg_contents AS SELECT * FROM main.gpkg_contents WHERE table_name = ?1",
    "CREATE TABLE copy.gpkg_geometry_columns AS SELECT * FROM main.gpkg_geometry_columns WHERE table_name = ?1",
)
_VALUE = re.compile(r"[+-]?[\w.]+|'(?:[^']|'')*'")


class Copy:
    """A copy of a part that has begun: which state it is of is settled, the rows are not written yet.

    Attributes
    ----------
    path : where it is once it is made.
    rows : the number of its rows.
    """

    def __init__(self, connection: sqlite3.Connection, dialect: Dialect, part: Part, path: Path) -> None:
        self.path = path
        self._connection, self._dialect, self._part = connection, dialect, part
        connection.execute("ATTACH ? AS copy", (f"{path.absolute().as_uri()}?mode=rwc",))
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA copy.{setting}")
        connection.execute("BEGIN")
        counted = select(func.count()).select_from(part.table).where(*part.chosen)
        self.rows = int(connection.execute(*self._said(counted)).fetchone()[0])

    def make(self) -> Path:
        """Write it, in whichever thread; the path.

        Raises
        ------
        StoreError : the store cannot be read, or there is no room for the copy.
        """
        name = self._part.table.name
        try:
            for statement in _SYSTEM:
                self._connection.execute(statement, (name,) if "?1" in statement else ())
            self._connection.execute(f'CREATE TABLE copy."{name}" ({self._columns()})')
            chosen, values = self._said(
                select(literal_column("*")).select_from(self._part.table).where(*self._part.chosen)
            )
            self._connection.execute(f'INSERT INTO copy."{name}" {chosen}', values)
            self._connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if "is full" in str(error):
                raise StoreError(
                    f"{self.path.parent.parent}: the disk is full. What is read of a store is copied there: free some "
                    "space, or name another folder for passing files in the variable TMPDIR. Nothing was written."
                ) from error
            raise
        finally:
            self._connection.close()
        return self.path

    def _columns(self) -> str:
        """The columns as they are in the file, without what they forbid: only so are whole records copied."""
        found = self._connection.execute("SELECT * FROM main.pragma_table_info(?)", (self._part.table.name,))
        declared = []
        for _, name, kind, _, default, key in found:
            quoted = name.replace('"', '""')
            given = ""
            if default is not None:
                # A formula needs brackets; a value in brackets would count as another.
                given = f" DEFAULT {default}" if _VALUE.fullmatch(default) else f" DEFAULT ({default})"
            declared.append(f'"{quoted}" {kind}' + (" PRIMARY KEY" if key else "") + given)
        return ", ".join(declared)

    def _said(self, statement: Select[Any]) -> tuple[str, list[Any]]:
        compiled = statement.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
        return str(compiled), [compiled.params[name] for name in compiled.positiontup or ()]


@contextmanager
def begun(path: Path, dialect: Dialect, parts: Sequence[Part], folder: Path) -> Iterator[list[Copy]]:
    """Copies of parts of a file, all of the state that it is in now; what was not made ends with the context.

    Raises
    ------
    StoreBusyError : other programs never ceased to write to the file.
    """
    mode = "ro" if os.access(path, os.W_OK) and os.access(path.parent, os.W_OK) else "ro&immutable=1"

    def connect() -> sqlite3.Connection:
        # Whichever thread makes a copy uses its connection, and no other meanwhile.
        return sqlite3.connect(
            f"{path.absolute().as_uri()}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False
        )

    with _refused(path), closing(connect()) as watching, ExitStack() as stack:
        for attempt in range(_ATTEMPTS):
            before = watching.execute("PRAGMA data_version").fetchone()
            copies = [
                Copy(
                    stack.enter_context(closing(connect())), dialect, part,
                    folder / f"{attempt}-{at}-{part.table.name}.gpkg",
                )
                for at, part in enumerate(parts)
            ]  # fmt: skip
            # Nobody has committed since: all begin with one state.
            if watching.execute("PRAGMA data_version").fetchone() == before:
                break
            stack.close()
            time.sleep(_PAUSE_S)
        else:
            raise StoreBusyError(
                f"{path}: it is written to all the time. Nothing was read; try again when that is done."
            )
        yield copies


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise refusal(error, str(path)) from error
