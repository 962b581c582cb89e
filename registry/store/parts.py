"""Parts of a store's tables, and their rows on the way out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pyarrow as pa
    from sqlalchemy import ColumnElement, Table


@dataclass(frozen=True)
class Part:
    """Some columns of those rows of a table that meet all conditions."""

    table: Table
    columns: Sequence[str]
    chosen: Sequence[ColumnElement[bool]] = ()


@dataclass(frozen=True)
class Rows:
    """The rows of a part.

    Attributes
    ----------
    number : how many there are.
    batches : their columns in order of ``id``, piece by piece, from the start at every call; geometries are WKB.
    """

    number: int
    batches: Callable[[], Iterator[pa.RecordBatch]]
