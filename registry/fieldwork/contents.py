"""What a package holds and says of itself."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

    import pandas as pd

    from registry.fieldwork.columns import Rows


@dataclass(frozen=True)
class Properties:
    """What a package says of itself; each stands in ``registry_property`` under its name with ``package_`` before it.

    Attributes
    ----------
    uid : of the package; every copy of it has the same.
    store_uid : of the store that it came from.
    at, by : when it was made, and by whom.
    provinces, kinds, status : which features were asked for; empty where all were.
    schema : revision of the tables.
    crs : of all positions.
    """

    uid: str
    store_uid: str
    at: str
    by: str
    provinces: str
    kinds: str
    status: str
    schema: str
    crs: str


@dataclass
class Package:
    """A package as it is now.

    Attributes
    ----------
    path : the file.
    connection : on the file, or on a copy of it, in one state.
    properties : what it says of itself.
    tables : by name, its rows as they are.
    base : by name, its rows as they were at export.
    contents : by attachment, the file with its bytes; None where they stand in its row.
    went_out : by the path of a file that went out beside the package, its checksum.
    sha256 : of the file.
    """

    path: Path
    connection: sqlite3.Connection
    properties: Properties
    tables: dict[str, Rows] = field(default_factory=dict)
    base: dict[str, pd.DataFrame] = field(default_factory=dict)
    contents: dict[int, Path | None] = field(default_factory=dict)
    went_out: dict[str, str | None] = field(default_factory=dict)
    sha256: str = ""

    def log_digest(self, count: int | None = None) -> tuple[int, str]:
        """How many entries the history of the file has, and a digest of the first ``count`` of them; of all unless given.

        Two copies of a package that are edited apart have different histories.
        """
        limit = -1 if count is None else count
        found = hashlib.sha256()
        number = 0
        for row in self.connection.execute(
            "SELECT at, by, table_name, uid, action, before, after FROM change ORDER BY id LIMIT ?", (limit,)
        ):
            found.update(repr(row).encode("utf-8", "surrogateescape"))
            number += 1
        return number, found.hexdigest()

    def embedded(self, row_id: int) -> bytes | None:
        """The bytes that stand in an attachment's row."""
        row = self.connection.execute("SELECT content FROM attachment WHERE rowid = ?", (row_id,)).fetchone()
        return None if row is None or row[0] is None else bytes(row[0])
