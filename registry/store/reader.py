"""What streams the rows of a store's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from sqlalchemy import ColumnElement, Table


class Reader(Protocol):
    """What streams a table."""

    def __call__(
        self, table: Table, columns: Sequence[str], chosen: Sequence[ColumnElement[bool]] = ()
    ) -> Iterator[pa.RecordBatch]:
        """Some columns of the rows that meet the conditions, in order of ``id``, piece by piece; geometries are WKB."""
