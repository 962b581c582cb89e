"""What became of the spread of sites between two dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.services import concentration, regions

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.concentration import Measure, Tally


def between(
    earlier: GeoDataFrame,
    later: GeoDataFrame,
    provinces: GeoDataFrame,
    *,
    measure: Measure = "count",
    tolerance_m: float = 0,
    located: tuple[pd.Series, pd.Series] | None = None,
) -> pd.DataFrame:
    """Compare what regions held at two dates.

    Parameters
    ----------
    earlier, later : (n,), (m,) points as in `concentration.by_region`, the sites at either date; a site is the same
        where its uid is
    provinces, measure, tolerance_m : as in `concentration.by_region`
    located : region code of every site at the earlier and at the later date, where they are known already

    Returns
    -------
    (r,) rows ``region_code, region_name, sites_before, sites_after, came, went, before, after, difference,
    share_before, share_after, share_difference, rank_before, rank_after, rank_change``, the greatest difference either
    way first. ``came`` are the sites in the region later that were not in it earlier, new ones and those that moved
    into it; ``went`` the other way round. So sites_after = sites_before + came − went. ``before`` and ``after`` are of
    the measure; ``rank_change`` is how many places a region rose. ``attrs["totals"]``: ``sites_before, sites_after,
    came, went`` (new to all the regions together, and gone from them), ``moved`` (in another region than before),
    ``before, after, difference, hhi_before, hhi_after, gini_before, gini_after, outside_before, outside_after``.

    Raises
    ------
    UnknownColumnError, BadParameterError, CrsError : as in `concentration.by_region`.
    """
    codes = concentration.codes_of(provinces)
    if located is None:
        located = (regions.locate(earlier, provinces, tolerance_m), regions.locate(later, provinces, tolerance_m))
    rows = [concentration.rows_of(of, sites, codes) for of, sites in zip(located, (earlier, later), strict=True)]
    tallies = [
        concentration.tally(sites, provinces, located=of) for of, sites in zip(located, (earlier, later), strict=True)
    ]
    amounts = [concentration.amount_of(found, measure) for found in tallies]

    place = later.index.get_indexer(earlier.index)
    then = np.append(rows[1], -1)[place]  # the region later on of those that were there earlier
    stayed = (rows[0] >= 0) & (rows[0] == then)
    kept = np.bincount(rows[0][stayed], minlength=codes.size)
    totals = [found.counts[:, 0] for found in tallies]
    shares = [_shares(amount) for amount in amounts]
    ranks = [concentration.ranks(amount) for amount in amounts]
    table = pd.DataFrame(
        {
            "region_code": codes,
            "region_name": concentration.names_of(provinces),
            "sites_before": totals[0],
            "sites_after": totals[1],
            "came": totals[1] - kept,
            "went": totals[0] - kept,
            "before": amounts[0],
            "after": amounts[1],
            "difference": amounts[1] - amounts[0],
            "share_before": shares[0],
            "share_after": shares[1],
            "share_difference": shares[1] - shares[0],
            "rank_before": ranks[0],
            "rank_after": ranks[1],
            "rank_change": ranks[0] - ranks[1],
        }
    )
    order = np.lexsort((table["rank_after"], -table["difference"].abs()))
    table = table.iloc[order].reset_index(drop=True)
    both = int(((rows[0] >= 0) & (then >= 0)).sum())
    table.attrs["totals"] = {
        "sites_before": int(totals[0].sum()),
        "sites_after": int(totals[1].sum()),
        "came": int(totals[1].sum()) - both,
        "went": int(totals[0].sum()) - both,
        "moved": both - int(stayed.sum()),
        **_measures(amounts, tallies),
    }
    return table


def _shares(amount: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(amount / amount.sum())


def _measures(amounts: list[NDArray[np.float64]], tallies: list[Tally]) -> dict[str, float]:
    found: dict[str, float] = {
        "before": float(amounts[0].sum()),
        "after": float(amounts[1].sum()),
        "difference": float(amounts[1].sum() - amounts[0].sum()),
    }
    for name, index in (("hhi", concentration.hhi), ("gini", concentration.gini)):
        found |= {f"{name}_before": index(amounts[0]), f"{name}_after": index(amounts[1])}
    return found | {"outside_before": tallies[0].outside, "outside_after": tallies[1].outside}
