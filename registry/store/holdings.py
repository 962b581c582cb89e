"""What belongs to a site or plant, brought together: one row an owner out of several streams or intakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CODES = "waste_codes"


def of_owners(parts: pd.DataFrame, key: str, owners: pd.Index, sums: Sequence[str] = ()) -> pd.DataFrame:
    """Waste codes and sums of every owner.

    Parameters
    ----------
    parts : rows with the owner's uid as ``key``, ``waste_code`` and the columns of ``sums``
    owners : (n,) uids; parts of others are left out
    sums : columns to add up; missing where no part of an owner has a value

    Returns
    -------
    (n,) rows on ``owners``: ``waste_codes``, the codes in order joined by ';', missing where there is none, and the sums.
    """
    owner = owners.get_indexer(pd.Index(parts[key]))
    known = np.flatnonzero(owner >= 0)
    number, codes = pd.factorize(parts["waste_code"].to_numpy(dtype=object)[known], sort=True)
    values = {name: parts[name].to_numpy(dtype=np.float64, na_value=np.nan)[known] for name in sums}
    return brought_together(owner[known], number, list(codes), values, len(owners)).set_index(owners)


def brought_together(
    owner: NDArray[np.intp],
    number: NDArray[Any],
    codes: list[str],
    sums: Mapping[str, NDArray[np.float64]],
    owners: int,
) -> pd.DataFrame:
    """Waste codes and sums by the number of their owner.

    Parameters
    ----------
    owner : (k,) the owner of each part, 0 to ``owners`` - 1
    number : (k,) the place of each part's waste code in ``codes``
    codes : waste codes in order
    sums : (k,) values to add up, NaN where there is none

    Returns
    -------
    (owners,) rows as of `of_owners`.
    """
    order = np.lexsort((number, owner))
    owner, number = owner[order], number[order]
    frame: dict[str, pd.Series[Any]] = {CODES: _joined(owner, number, codes, owners)}
    for name, given in sums.items():
        values = given[order]
        told = ~np.isnan(values)
        total = np.bincount(owner[told], values[told], minlength=owners)
        frame[name] = pd.Series(np.where(np.bincount(owner[told], minlength=owners) > 0, total, np.nan))
    return pd.DataFrame(frame)


def _joined(owner: np.ndarray, number: np.ndarray, codes: list[str], owners: int) -> pd.Series[str]:
    """Codes of every owner joined by ';'; the combinations that occur are few, so each text is made once."""
    counts = np.bincount(owner, minlength=owners)
    first = np.cumsum(counts) - counts
    texts: list[str | None] = [None]
    text = np.zeros(owners, np.intp)
    rest = np.flatnonzero(counts)
    for turn in range(int(counts.max(initial=0))):
        rest = rest[counts[rest] > turn]
        pairs, at = np.unique(text[rest] * len(codes) + number[first[rest] + turn], return_inverse=True)
        text[rest] = len(texts) + at.ravel()
        for pair in pairs.tolist():
            before, code = texts[pair // len(codes)], codes[pair % len(codes)]
            texts.append(code if before is None else f"{before};{code}")
    made: pd.Series[str] = pd.Series(texts, dtype="str").take(text)
    return made.reset_index(drop=True)
