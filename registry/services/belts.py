"""What lies in belts of regions, such as an economic belt or a river basin, and in all of them together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.errors import BadParameterError
from registry.services import concentration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


TOGETHER = "together"
"""The row of all belts, each site once."""


def totals_of(sites: pd.DataFrame, members: Mapping[str, NDArray[np.bool_]]) -> pd.DataFrame:
    """Count sites and what they hold in every belt, and in all belts together without double counting.

    Parameters
    ----------
    sites : (n,) as in `concentration.by_region`; no geometry is needed
    members : which sites (n,) each belt holds, by its name; belts may overlap

    Returns
    -------
    Rows ``belt, sites, share_sites, tailings_ponds, level_1, level_2, level_3, gangue_heaps, smelting_sites, annual_t,
    share_annual_t, stock_t, share_stock_t, storage_m3, share_storage_m3``, a belt each in the order given and, of
    several, the row ``together``, which counts a site in two belts once. Shares are of all sites, those in no belt
    with them; what the sites have no column of is NaN.

    Raises
    ------
    BadParameterError : a belt is called ``together``; a mask does not fit the sites; an amount is negative.
    """
    masks = dict(members)
    if TOGETHER in masks:
        raise BadParameterError(f"belt {TOGETHER}: this is the row of all belts. Name it otherwise.")
    for belt, mask in masks.items():
        if mask.shape != (len(sites),):
            raise BadParameterError(f"belt {belt}: {mask.size} members for {len(sites)} sites. Give one for each.")
    if len(masks) > 1:
        masks[TOGETHER] = np.logical_or.reduce(list(masks.values()))
    whole = _row(sites, np.ones(len(sites), np.bool_))
    rows = [{"belt": belt} | _with_shares(_row(sites, mask), whole) for belt, mask in masks.items()]
    return pd.DataFrame(rows, columns=["belt", *_with_shares(whole, whole)])


def _row(sites: pd.DataFrame, mask: NDArray[np.bool_]) -> dict[str, float]:
    located: NDArray[np.object_] = np.full(mask.size, None, dtype=object)
    located[mask] = TOGETHER
    found = concentration.tally(sites, [TOGETHER], located=located)
    row: dict[str, float] = dict(zip(concentration.COUNTED, found.counts[0].tolist(), strict=True))
    return row | {column: float(found.of(column)[0]) for column in concentration.AMOUNTS}


def _with_shares(row: dict[str, float], whole: dict[str, float]) -> dict[str, float]:
    """Return what a belt has, beside numbers and amounts their shares of all; NaN of nothing."""
    shared = ("sites", *concentration.AMOUNTS)
    table: dict[str, float] = {}
    for column, value in row.items():
        table[column] = value
        if column in shared:
            table[f"share_{column}"] = value / whole[column] if whole[column] else float("nan")
    return table
