"""Checked rows to import, and a store's tables as they are, for tests that look at a store from outside."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

import registry
from registry.model.columns import Base, table_of
from registry.model.records import Batch, findings
from registry.model.tables import Change, StoreProperty
from registry.model.vocabulary import Kind
from registry.store import read

# A store's times are in milliseconds: two steps this far apart have different ones.
TICK_S = 0.005


def batch_of(
    columns: Mapping[str, Any], kind: Kind = Kind.TAILINGS_POND, *, file_name: str = "made.csv", sha256: str = "0" * 64
) -> Batch:
    """A batch with these columns; a list of Python values becomes a column of the type that an import brings."""
    records = pd.DataFrame({name: _column(values) for name, values in columns.items()})
    records.insert(0, "row", np.arange(2, 2 + len(records)))
    return Batch(kind, records, findings(), findings(), len(records), file_name, sha256)


def ponds(count: int, kind: Kind = Kind.TAILINGS_POND, *, start: int = 0, **columns: Any) -> Batch:
    """A batch of sites with the codes T-0, T-1 …, each at a place of its own."""
    numbers = np.arange(start, start + count)
    made = {
        "code": [f"T-{number}" for number in numbers],
        "name": [f"库{number}" for number in numbers],
        "lon": 101 + numbers % 1900 / 100,
        "lat": 31 + numbers % 907 / 1000,
    }
    return batch_of(made | {name: _repeated(value, count) for name, value in columns.items()}, kind)


def rows_of(reg: registry.Registry, model: type[Base]) -> pd.DataFrame:
    """A whole table of the store, in order of its key."""
    with reg.store.read() as connection:
        return read.everything(connection, table_of(model))


def changes(reg: registry.Registry, after: int = 0) -> pd.DataFrame:
    """The rows of the history whose ids are larger, the oldest first."""
    found = rows_of(reg, Change)
    return found[found["id"] > after].reset_index(drop=True)


def last_change(reg: registry.Registry) -> int:
    """The largest id in the history."""
    found = rows_of(reg, Change)["id"]
    return 0 if found.empty else int(found.max())


def moment() -> datetime:
    """A moment of the wall clock that lies between what was done before and what is done next."""
    time.sleep(TICK_S)
    now = datetime.now(UTC)
    time.sleep(TICK_S)
    return now


def _repeated(value: Any, count: int) -> Any:
    return [value] * count if value is None or isinstance(value, str | bool | int | float) else value


def _column(values: Any) -> Any:
    if not isinstance(values, list):
        return values
    present = [value for value in values if value is not None]
    if present and all(isinstance(value, bool) for value in present):
        return pd.array(values, dtype="boolean")
    if present and all(isinstance(value, int) for value in present):
        return pd.array(values, dtype="Int64")
    if present and all(isinstance(value, float) for value in present):
        return np.array([np.nan if value is None else value for value in values])
    return np.array([*values, None], dtype=object)[:-1]


def state(reg: registry.Registry) -> dict[str, pd.DataFrame]:
    """Every table of the store as it is, history and imports included."""
    with reg.store.read() as connection:
        return {
            table.name: read.everything(connection, table)
            for table in Base.metadata.sorted_tables
            if table.name != StoreProperty.__tablename__
        }


def assert_same_state(reg: registry.Registry, before: Mapping[str, pd.DataFrame], *, but: Iterable[str] = ()) -> None:
    """No row of any table differs from what it was."""
    now = state(reg)
    for name in before.keys() - set(but):
        pd.testing.assert_frame_equal(before[name], now[name], obj=name)
