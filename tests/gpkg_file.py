"""A GeoPackage opened by plain SQLite, and the requirements of the standard as checks that name what they find wrong."""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

# Table 1 of the standard and the types of annex G.1.
PLAIN_TYPES = {"BOOLEAN", "TINYINT", "SMALLINT", "MEDIUMINT", "INT", "INTEGER", "FLOAT", "DOUBLE", "REAL", "TEXT", "BLOB",
               "DATE", "DATETIME"}  # fmt: skip
GEOMETRY_TYPES = ("GEOMETRY", "POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON",
                  "GEOMETRYCOLLECTION")  # fmt: skip


class Column(NamedTuple):
    """One row of ``PRAGMA table_info`` without its number."""

    name: str
    type: str
    notnull: int
    default: str | None
    key: int


class Header(NamedTuple):
    """The head of one geometry (clause 2.1.3, tables 5 and 6) and what stands behind it."""

    magic: bytes
    version: int
    is_extended: bool
    is_empty: bool
    envelope: tuple[float, ...]
    envelope_code: int
    srs_id: int
    wkb_type: int
    wkb: bytes


def header(blob: bytes) -> Header:
    """The head of a geometry, read by the tables of the standard."""
    flags = blob[3]
    order = "<" if flags & 1 else ">"
    code = flags >> 1 & 7
    doubles = {0: 0, 1: 4, 2: 6, 3: 6, 4: 8}.get(code, 0)
    (srs_id,) = struct.unpack(f"{order}i", blob[4:8])
    envelope = struct.unpack(f"{order}{doubles}d", blob[8 : 8 + 8 * doubles])
    wkb = blob[8 + 8 * doubles :]
    (wkb_type,) = struct.unpack("<I" if wkb[0] else ">I", wkb[1:5])
    return Header(blob[:2], blob[2], bool(flags >> 5 & 1), bool(flags >> 4 & 1), envelope, code, srs_id, wkb_type, wkb)


@dataclass(frozen=True)
class File:
    """One file and its connection."""

    path: Path
    connection: sqlite3.Connection
    own_tables: frozenset[str] = frozenset()

    def rows(self, statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """What a statement finds."""
        return self.connection.execute(statement, parameters).fetchall()

    def values(self, statement: str, *parameters: Any) -> list[Any]:
        """The first column of what a statement finds."""
        return [row[0] for row in self.rows(statement, *parameters)]

    def columns(self, table: str) -> list[Column]:
        """The columns of a table; none where there is no such table."""
        return [Column(*row[1:]) for row in self.rows(f'PRAGMA table_info("{table}")')]

    def named(self, table: str) -> set[str]:
        """The names of a table's columns."""
        return {column.name for column in self.columns(table)}

    def has(self, table: str) -> bool:
        """Whether there is a table or view of that name."""
        return bool(self.rows("SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view') AND name = ?", table))

    def of_type(self, data_type: str) -> list[str]:
        """The tables that the contents list as ``features`` or ``attributes``."""
        return self.values("SELECT table_name FROM gpkg_contents WHERE data_type = ?", data_type)

    @cached_property
    def layers(self) -> list[tuple[str, str, str, int]]:
        """Table, geometry column, geometry type and reference system of every layer."""
        found = self.rows("SELECT table_name, column_name, geometry_type_name, srs_id FROM gpkg_geometry_columns")
        return [(table, column, kind, srs_id) for table, column, kind, srs_id in found]

    def geometries(self) -> Iterator[tuple[str, str, int, int, Header]]:
        """Every geometry: its table, the type and reference system said of it, its row and its head."""
        for table, column, kind, srs_id in self.layers:
            for row, blob in self.rows(f'SELECT rowid, "{column}" FROM "{table}" WHERE "{column}" IS NOT NULL'):
                yield table, kind, srs_id, row, header(blob)


@contextmanager
def opened(path: Path, own_tables: Iterable[str] = ()) -> Iterator[File]:
    """A file, read by SQLite alone.

    Parameters
    ----------
    own_tables : tables in it that are neither the standard's nor listed in its contents.
    """
    with closing(sqlite3.connect(path)) as connection:
        yield File(path, connection, frozenset(own_tables))


Check = Callable[[File], Iterator[str]]


@dataclass(frozen=True)
class Requirement:
    """One requirement of OGC 12-128: its number, what it asks in our words, and what finds it broken."""

    number: int
    asks: str
    faults: Check

    def __str__(self) -> str:
        """The number, as a test names it."""
        return f"R{self.number}"


REQUIREMENTS: list[Requirement] = []


def requirement(number: int, asks: str) -> Callable[[Check], Check]:
    """Add a check to the table of requirements."""

    def keep(check: Check) -> Check:
        REQUIREMENTS.append(Requirement(number, asks, check))
        return check

    return keep


def differences(file: File, table: str, definition: str) -> Iterator[str]:
    """How a table differs from a definition of the standard, made beside it: columns, keys and references."""
    if not file.has(table):
        yield f"there is no table {table}"
        return
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(definition)
        wanted, found = _described(File(Path(), connection), table), _described(file, table)
    yield from (f"{table} lacks {each}" for each in sorted(wanted - found))
    yield from (f"{table} has {each}" for each in sorted(found - wanted))


def _described(file: File, table: str) -> set[str]:
    # The key of a row is never null, whether or not the definition says so.
    columns = {
        f"column {each.name} {each.type} notnull={bool(each.notnull or (each.key and each.type == 'INTEGER'))} "
        f"default={each.default} key={each.key}"
        for each in file.columns(table)
    }
    references = {
        f"reference from {column} to {there}.{other}"
        for _, _, there, column, other, *_ in file.rows(f'PRAGMA foreign_key_list("{table}")')
    }
    unique = {
        "unique " + ", ".join(name for *_, name in file.rows(f'PRAGMA index_info("{index}")'))
        for _, index, is_unique, *_ in file.rows(f'PRAGMA index_list("{table}")')
        if is_unique
    }
    return columns | references | unique
