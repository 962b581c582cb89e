"""A table's columns as numbered values, ready to be laid out as attributes of features in any tile."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.render.tiles import wire

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Attributes(NamedTuple):
    """The columns of a table.

    Attributes
    ----------
    names : of the columns
    codes : (columns, n) number of the value in `framed`, −1 where there is none
    framed : the values of all columns, as they stand in a tile
    """

    names: list[str]
    codes: NDArray[np.int32]
    framed: wire.Values


def attributes(frame: pd.DataFrame) -> Attributes:
    """Number the values of every column of texts or numbers; infinite numbers are none."""
    columns = [_numbered(frame[name]) for name in frame]
    counts = [len(framed.start) - 1 for _, framed in columns]
    held = np.cumsum([0, *counts])
    size = np.cumsum([0, *(len(framed.data) for _, framed in columns)])
    codes = np.empty((len(columns), len(frame)), np.int32)
    for place, (column, _) in enumerate(columns):
        codes[place] = np.where(column < 0, -1, column + held[place])
    starts = [framed.start[:-1] + begin for (_, framed), begin in zip(columns, size, strict=False)]
    data = np.concatenate([np.empty(0, np.uint8), *(framed.data for _, framed in columns)])
    return Attributes([str(name) for name in frame], codes, wire.Values(data, np.concatenate([*starts, size[-1:]])))


def _numbered(series: pd.Series) -> tuple[NDArray[np.int64], wire.Values]:
    if pd.api.types.is_numeric_dtype(series.dtype):
        numbers = np.asarray(series.to_numpy(dtype=float, na_value=np.nan), np.float64)
        codes, distinct = pd.factorize(np.where(np.isfinite(numbers), numbers, np.nan), use_na_sentinel=True)
        return codes, wire.number_values(np.asarray(distinct, np.float64))
    codes, texts = pd.factorize(series, use_na_sentinel=True)
    return codes, wire.text_values(texts)
