"""What road servers have answered, kept in a small SQLite file, so that nothing is asked twice.

Answers belong to one server (its URL without credentials), engine, profile and farthest way to a road. Places are
millionths of a degree, as they were sent. A file that cannot be used never stops the work.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from registry.errors import BadParameterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.int64]

# "road" in ASCII, in the field that SQLite has for it (https://sqlite.org/fileformat2.html#application_id).
_OURS = 0x726F6164
_VERSION = 1
_BUSY_S = 10.0
_DAY_S = 86_400.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS server (id INTEGER PRIMARY KEY, url TEXT NOT NULL, engine TEXT NOT NULL, profile TEXT NOT NULL,
                     offset_m REAL NOT NULL, UNIQUE (url, engine, profile, offset_m));
CREATE TABLE IF NOT EXISTS kind (url TEXT PRIMARY KEY, engine TEXT NOT NULL, at REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (server INTEGER NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL, offset_m REAL, at REAL NOT NULL,
                    PRIMARY KEY (server, x, y)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS road (server INTEGER NOT NULL, x INTEGER NOT NULL, y INTEGER NOT NULL, to_x INTEGER NOT NULL,
                   to_y INTEGER NOT NULL, road_m REAL, road_s REAL, at REAL NOT NULL,
                   PRIMARY KEY (server, x, y, to_x, to_y)) WITHOUT ROWID;
"""


class Kept(NamedTuple):
    """Roads of (p,) pairs: whether each is known, metres and seconds; NaN where there is no way."""

    known: NDArray[np.bool_]
    metres: FloatArray
    seconds: FloatArray


class Cache:
    """The answers of one file, or of this run only where there is none.

    Attributes
    ----------
    notes : what went wrong with the file, one line each.
    """

    def __init__(self, path: Path | None, *, days: float) -> None:
        """Open a file; None is the cache folder of the user.

        Raises
        ------
        BadParameterError : the file is a database of another kind.
        """
        self.notes: list[str] = []
        self._server = 0
        self._oldest = time.time() - days * _DAY_S
        self._connection = self._opened(path)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def known_engine(self, url: str) -> str | None:
        """What kind of server was at a URL, if that is kept."""
        found = self._rows("SELECT engine FROM kind WHERE url = ? AND at >= ?", [(url, self._oldest)])
        return str(found[0][0]) if found else None

    def keep_engine(self, url: str, engine: str) -> None:
        """Keep what kind of server is at a URL."""
        self._write("INSERT OR REPLACE INTO kind VALUES (?, ?, ?)", [(url, engine, time.time())])

    def choose(self, url: str, engine: str, profile: str, offset_m: float) -> None:
        """Say whose answers are asked for and kept from now on."""
        key = (url, engine, profile, offset_m)
        self._write("INSERT OR IGNORE INTO server (url, engine, profile, offset_m) VALUES (?, ?, ?, ?)", [key])
        chosen = "SELECT id FROM server WHERE url = ? AND engine = ? AND profile = ? AND offset_m = ?"
        found = self._rows(chosen, [key])
        # A file that cannot be written to has no number for a new server, and nothing of it either.
        self._server = int(found[0][0]) if found else -1

    def offsets(self, places: IntArray) -> FloatArray:
        """Metres from places (n, 2) to the road; infinite where there is none near, NaN where it is not kept."""
        found = self._rows(
            "SELECT p.offset_m, p.offset_m IS NULL FROM place p WHERE p.server = ? AND p.x = ? AND p.y = ? AND p.at >= ?",
            [(self._server, x, y, self._oldest) for x, y in places.tolist()],
            each=True,
        )
        return np.array([np.nan if row is None else np.inf if row[1] else row[0] for row in found], dtype=np.float64)

    def keep_offsets(self, places: IntArray, offsets: FloatArray) -> None:
        """Keep what `offsets` of an engine told."""
        now = time.time()
        rows = zip(places.tolist(), offsets.tolist(), strict=True)
        self._write(
            "INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?)",
            [(self._server, x, y, offset if np.isfinite(offset) else None, now) for (x, y), offset in rows],
        )

    def roads(self, starts: IntArray, ends: IntArray) -> Kept:
        """The roads of pairs, starts (p, 2) and ends (p, 2), as far as they are kept."""
        pairs = np.hstack([starts, ends]).tolist()
        found = self._rows(
            "SELECT road_m, road_s FROM road WHERE server = ? AND x = ? AND y = ? AND to_x = ? AND to_y = ? AND at >= ?",
            [(self._server, *pair, self._oldest) for pair in pairs],
            each=True,
        )
        known = np.array([row is not None for row in found], dtype=np.bool_)
        values = np.array([row or (None, None) for row in found], dtype=np.float64).reshape(-1, 2)
        return Kept(known, values[:, 0], values[:, 1])

    def keep_roads(self, starts: IntArray, ends: IntArray, metres: FloatArray, seconds: FloatArray) -> None:
        """Keep a table of roads between starts (s, 2) and ends (e, 2), in a transaction of its own."""
        now = time.time()
        self._write(
            "INSERT OR REPLACE INTO road VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (self._server, *start, *end, _known(metres[i, j]), _known(seconds[i, j]), now)
                for i, start in enumerate(starts.tolist())
                for j, end in enumerate(ends.tolist())
            ],
        )

    # ------------------------------------------------------------------------------------------ the file

    def _opened(self, path: Path | None) -> sqlite3.Connection:
        try:
            file = _default_path() if path is None else path
            if path is None:
                file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        except (OSError, RuntimeError) as error:
            self.notes.append(
                f"There is no folder for the road cache ({error}); nothing is kept. Name a file: --road-cache."
            )
            return _made(":memory:")
        try:
            return _made(file)
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError):
                return self._anew(file)
            self.notes.append(f"{file}: the road cache cannot be used ({error}); nothing is kept.")
        except OSError as error:
            self.notes.append(f"{file}: the road cache cannot be used ({error.strerror}); nothing is kept.")
        return _made(":memory:")

    def _anew(self, file: Path) -> sqlite3.Connection:
        """A new file in the place of one that is damaged, which is kept beside it."""
        aside = file.with_name(f"{file.name}.damaged-{time.time_ns()}")
        try:
            file.replace(aside)
            made = _made(file)
        except (OSError, sqlite3.Error):
            self.notes.append(f"{file}: the road cache is damaged, and no new one can be made; nothing is kept.")
            return _made(":memory:")
        self.notes.append(f"{file}: the road cache is damaged. It is set aside as {aside.name}, and a new one begun.")
        return made

    def _rows(self, statement: str, keys: Sequence[tuple[Any, ...]], *, each: bool = False) -> list[Any]:
        """What is found for keys; with ``each`` one row or None for every key."""
        try:
            found = [self._connection.execute(statement, key).fetchone() for key in keys]
        except sqlite3.Error as error:
            self._give_up(error)
            found = [None for _ in keys]
        return found if each else [row for row in found if row is not None]

    def _write(self, statement: str, rows: list[tuple[Any, ...]]) -> None:
        try:
            with self._connection:
                self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        self.notes.append(f"The road cache cannot be used any more ({error}); from here on nothing is kept.")
        self._connection.close()
        self._connection = _made(":memory:")


def _made(file: Path | str) -> sqlite3.Connection:
    """A connection to a cache, whose tables are made where it is new.

    Raises
    ------
    sqlite3.DatabaseError : it is no database, or a damaged one.
    BadParameterError : it is a database of another kind.
    """
    if isinstance(file, Path):
        # Where sites lie may be nobody else's business.
        os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(file, timeout=_BUSY_S)
    try:
        _prepare(connection, file)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, file: Path | str) -> None:
    ours = connection.execute("PRAGMA application_id").fetchone()[0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if (ours, version) == (_OURS, _VERSION):
        if connection.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok":
            raise sqlite3.DatabaseError("damaged")
        return
    if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise BadParameterError(
            f"{file}: this is another database, not a road cache of this version. Name another file with --road-cache."
        )
    connection.executescript(
        f"BEGIN IMMEDIATE; {_SCHEMA} PRAGMA application_id = {_OURS}; PRAGMA user_version = {_VERSION}; COMMIT;"
    )


def _default_path() -> Path:
    """``roads.sqlite`` in the folder that the system has for caches."""
    home = Path.home()
    if sys.platform == "darwin":
        folder = home / "Library" / "Caches"
    elif sys.platform == "win32":
        folder = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    else:
        folder = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return folder / "tailings-registry" / "roads.sqlite"


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
