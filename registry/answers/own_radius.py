"""A radius of its own for each plant, from a table or from the money."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from registry.errors import BadParameterError, UnknownColumnError
from registry.intake.files.readers import read_table
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from pathlib import Path

    from registry.intake.cells.source_table import SourceTable

BREAK_EVEN = "break-even"
RADIUS = "radius_km"
_KEYS = ("uid", "code")


def read_radii(path: Path, plants: pd.DataFrame) -> pd.Series[float]:
    """Read how far each plant reaches.

    Parameters
    ----------
    path : a table of any format that is imported, columns ``uid`` or ``code``, and ``radius_km``; an empty cell is none
    plants : (m,) index ``uid``, column ``code``

    Returns
    -------
    (≤ m,) km by uid, of the plants that have one.

    Raises
    ------
    UnreadableFileError, EmptyTableError : the file cannot be read, or has no row.
    UnknownColumnError : a column is missing.
    BadParameterError : a plant is not there or occurs twice; a radius is negative or not a number.
    """
    table = read_table(path, Kind.UTILIZATION_PLANT, sheet=None, encoding=None)
    named = {header.casefold(): column for column, header in reversed(table.headers.items())}
    key = next((name for name in _KEYS if name in named), None)
    if key is None or RADIUS not in named:
        found = ", ".join(table.headers.values())
        raise UnknownColumnError(f"{table.label}: needs a column uid or code, and one {RADIUS}. Found: {found}.")
    uid = _uids(table, named[key], key, plants)
    texts = table.cells[named[RADIUS]]
    radius = pd.to_numeric(texts.mask(texts == ""), errors="coerce")
    bad = ((texts != "") & ~((radius >= 0) & (radius < float("inf")))).to_numpy()
    if bad.any():
        raise BadParameterError(
            f"{table.label}, row {table.rows[bad][0]}: {RADIUS} = {texts[bad].iloc[0]}. Give km of 0 or more."
        )
    return pd.Series(radius.to_numpy(dtype=float), index=uid, name=RADIUS).dropna()


def _uids(table: SourceTable, column: str, key: str, plants: pd.DataFrame) -> pd.Index[str]:
    """Return the uid of the plant of every row, each once."""
    given = table.cells[column]
    known = pd.Series(plants.index, index=plants.index if key == "uid" else plants["code"])
    strange = ~given.isin(known.index).to_numpy() | (given == "").to_numpy()
    if strange.any():
        raise BadParameterError(
            f"{table.label}, row {table.rows[strange][0]}: the store has no plant with {key} "
            f"'{given[strange].iloc[0]}'. `registry plants` lists them."
        )
    twice = given.duplicated().to_numpy()
    if twice.any():
        raise BadParameterError(
            f"{table.label}, row {table.rows[twice][0]}: plant {given[twice].iloc[0]} occurs twice. Keep one row."
        )
    uids: pd.Series[str] = known[known.index.notna()].loc[given.tolist()]
    return pd.Index(uids, name="uid")
