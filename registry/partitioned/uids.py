"""Whether a site occurs in two partitions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Sequence

Marks = NDArray[np.uint64]
"""(n,) 64 bits for every uid, the same on every machine; two different uids hardly ever share theirs."""

MOST_CHECKED = 100_000_000
"""Sites among which the client looks for one that occurs twice: it holds 8 bytes of each, and sorts them."""

_MOST_SUSPECTS = 16


def marks_of(uids: pd.Index) -> Marks:
    """Return the marks of uids (n,)."""
    return np.asarray(pd.util.hash_array(uids.to_numpy(dtype=object), categorize=False), dtype=np.uint64)


def suspects(marks: Sequence[Marks]) -> list[tuple[int, int]]:
    """Return where the first marks that occur more than once stand: pairs of partition and row."""
    everything = np.concatenate([np.empty(0, np.uint64), *marks])
    ascending = np.sort(everything)
    again = np.unique(ascending[1:][ascending[1:] == ascending[:-1]])[:_MOST_SUSPECTS]
    at = np.flatnonzero(np.isin(everything, again)) if again.size else np.empty(0, np.intp)
    ends = np.cumsum([len(some) for some in marks])
    part = np.searchsorted(ends, at, side="right")
    return [(int(p), int(row - (ends[p - 1] if p else 0))) for p, row in zip(part, at, strict=True)]


def first_twice(uids: Sequence[str]) -> str | None:
    """Return the first of some uids that occurs again; None where all differ, and only their marks agreed."""
    series = pd.Series(list(uids), dtype=object)
    twice = series[series.duplicated()]
    return None if twice.empty else str(twice.iloc[0])
