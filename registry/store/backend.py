"""What the two engines do differently, and which of them a connection belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from registry.store import geopackage, postgis

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import ColumnElement, Connection, Select, Table

    from registry.model.fields import FieldType
    from registry.store.parts import Part, Rows

BBox = tuple[float, float, float, float]


class Backend(Protocol):
    """One engine. Frames come and go with shapely geometries in their geometry column."""

    def insert(
        self, connection: Connection, table: Table, rows: pd.DataFrame, *, srid: int, logged: bool = True
    ) -> None:
        """Insert many rows; with ``logged=False`` they leave no history (a store that is restored has its own)."""

    def update(self, connection: Connection, table: Table, rows: pd.DataFrame, *, srid: int) -> None:
        """Set the columns of ``rows`` in the rows with the same ``id``."""

    def fetch(self, connection: Connection, statement: Select[Any], types: Mapping[str, FieldType]) -> pd.DataFrame:
        """A statement's rows as a frame, each column with the dtype of its field."""

    def snapshot(self, connection: Connection, parts: Sequence[Part]) -> AbstractContextManager[list[Rows]]:
        """The rows of parts, all of one state of the store; any thread may read them, one part after the other."""

    def inside(self, table: Table, bbox: BBox) -> ColumnElement[bool]:
        """The condition that a row's box meets ``bbox`` (west, south, east, north), answered by the spatial index."""

    def extent(self, connection: Connection, table: Table, chosen: Sequence[ColumnElement[bool]]) -> BBox | None:
        """The box (west, south, east, north) round the chosen rows, all where nothing is chosen; None without a row."""

    def lock(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Keep other writers off these tables to the end of the transaction."""

    def open_session(self, connection: Connection, by: str, at: datetime) -> None:
        """Say to the history who writes in this transaction, and when it began."""

    def note_import(self, connection: Connection, import_run_id: int) -> None:
        """Say to the history for which import the rest of the transaction writes."""

    def close_session(self, connection: Connection) -> None:
        """Leave nobody at work."""

    def trust_location(self, connection: Connection) -> None:
        """Say that the rows written in this transaction have been located by the registry."""

    def own_provinces(self, connection: Connection) -> set[str] | None:
        """The codes of the provinces that whoever is at work may change; None where that is all."""

    def row_id(self, document: ColumnElement[Any]) -> ColumnElement[int]:
        """The ``id`` that a JSON text of the history says."""

    def writer(self, connection: Connection) -> str:
        """Who the history says is writing."""

    def after_restore(self, connection: Connection, tables: Sequence[Table]) -> None:
        """Put right what rows with given ids leave behind."""

    def facts(self, connection: Connection) -> dict[str, str]:
        """Versions of the engine and what it is built with."""

    def problems(self, connection: Connection) -> Iterator[str]:
        """What is wrong with the engine's part of the store, one line each."""


def backend_of(connection: Connection) -> Backend:
    """The engine that a connection belongs to."""
    return _BACKENDS[connection.dialect.name]


_BACKENDS: dict[str, Backend] = {"sqlite": geopackage, "postgresql": postgis}
