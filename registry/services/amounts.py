"""Amounts out of the columns of a table, checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.errors import BadParameterError
from registry.services.kernels import sums

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray


def number_column(frame: pd.DataFrame, what: str, column: str) -> FloatArray:
    """Return a column as floats (n,), NaN where it is missing.

    Raises
    ------
    BadParameterError : one is a text.
    """
    found = pd.to_numeric(frame[column], errors="coerce")
    texts = np.flatnonzero(found.isna() & frame[column].notna())
    if texts.size:
        row = texts[0]
        raise BadParameterError(
            f"{what}: {column} of row {frame.index[row]} is {frame[column].iloc[row]!r}, no number. Mend it."
        )
    return found.to_numpy(dtype=np.float64, na_value=np.nan)


def amount_column(frame: pd.DataFrame, what: str, column: str) -> FloatArray:
    """Return tonnes or cubic metres (n,); missing ones, and where there is no such column, 0.

    Raises
    ------
    BadParameterError : one is a text, negative, or too large to be added up.
    """
    if column not in frame.columns:
        return np.zeros(len(frame))
    amount = np.nan_to_num(number_column(frame, what, column), posinf=np.inf, neginf=-np.inf)
    bad = np.flatnonzero(~((amount >= 0) & (amount < sums.MOST_T)))
    if bad.size:
        row = bad[0]
        raise BadParameterError(
            f"{what}: {column} of row {frame.index[row]} is {amount[row]:g}. Give amounts of 0 or more, or none."
        )
    return amount
