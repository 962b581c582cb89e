"""How each kind, level, mineral, waste, status or operator is spread over regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import concentration, materials, regions
from registry.services.amounts import amount_column
from registry.services.kernels import sums

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.concentration import Measure
    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

Split = Literal["kind", "level", "mineral", "waste_code", "status", "operator"]
WASTE_CODE = "waste_code"
_COLUMNS = {"level": "supervision_level"}
_LARGEST = 4


class Grouped(NamedTuple):
    """What `by_group` found.

    Attributes
    ----------
    regions : rows ``group, region_code, region_name, sites, amount, share, rank, location_quotient``
    totals : rows ``group, sites, outside, amount, share, hhi, gini, cr4``
    """

    regions: pd.DataFrame
    totals: pd.DataFrame


class _Held(NamedTuple):
    """What sites hold, by group: a row for each site and group of it.

    Attributes
    ----------
    site : (h,) row of the site
    group : (h,) number of the group
    amount : (h,) of the measure
    labels : (g,) of the groups, None for that of the sites which say nothing
    """

    site: IntArray
    group: IntArray
    amount: FloatArray
    labels: list[object]


def by_group(
    sites: GeoDataFrame,
    provinces: GeoDataFrame,
    *,
    split: Split,
    measure: Measure = "count",
    streams: pd.DataFrame | None = None,
    tolerance_m: float = 0,
    located: pd.Series | None = None,
) -> Grouped:
    """Share sites, or what they hold, out among groups, and every group among regions.

    Parameters
    ----------
    sites : (n,) points as in `concentration.by_region`, with the column of the split: ``kind``, ``supervision_level``
        for level, ``mineral``, ``status`` or ``operator``; for waste_code ``waste_codes``, joined by ``;``
    provinces, measure, tolerance_m, located : as in `concentration.by_region`
    split : what makes the groups. Sites that say nothing of it are the group None
    streams : rows ``site_uid, waste_code, annual_t, stock_t``; tonnes by waste code need them

    Returns
    -------
    ``regions``: a row for each group and region of it with a site. ``amount`` is of the measure, ``share`` and ``rank``
    are within the group, equal amounts sharing a rank. ``totals``: a row a group; ``sites`` are all of it, ``outside``
    those in no region, ``amount`` is what is in regions, ``share`` its share of all sites' amount, ``hhi, gini, cr4``
    are over all regions, those without a site too. Groups stand in order of their amounts, the greatest first, None
    last; their regions by rank.

    In a split by waste code a site with several codes counts under each, with its storage under each too, so that
    numbers and shares can add up to more than all; tonnes are those of its streams of that code, and add up. A site
    without a stream counts under the codes of its ``waste_codes``, with no tonnes.

    Raises
    ------
    UnknownColumnError : the sites have no column of the split or of the measure; the streams lack one.
    BadParameterError : the split or the measure is unknown; tonnes by waste code without streams; otherwise as in
        `concentration.by_region`.
    CrsError : a layer has no CRS.

    Notes
    -----
    Location quotient of group g in region i: (x_gi / x_g) / (x_i / x), x_i the amount of all sites in the region and x
    that in all regions: how much more of the group than of everything lies there (Florence 1939; Isard 1960).
    """
    if split not in get_args(Split):
        raise BadParameterError(f"split {split!r} is unknown. Choose one of {', '.join(get_args(Split))}.")
    concentration.check_measure(measure, sites)
    codes = concentration.codes_of(provinces)
    if located is None:
        located = regions.locate(sites, provinces, tolerance_m)
    row = concentration.rows_of(located, sites, codes)
    held = _by_code(sites, streams, measure) if split == WASTE_CODE else _by_column(sites, split, measure)
    r, groups = codes.size, len(held.labels)

    region = row[held.site]
    inside = np.flatnonzero(region >= 0)
    key, pair = np.unique(held.group[inside] * r + region[inside], return_inverse=True)
    group, at = key // max(r, 1), key % max(r, 1)
    each = sums.rounded(sums.by_group(pair, held.amount[inside], key.size))
    everything = _of_all(sites, held, row, r, measure, split)
    of_group = sums.rounded(sums.by_group(held.group[inside], held.amount[inside], groups))
    with np.errstate(divide="ignore", invalid="ignore"):
        share = each / of_group[group]
        quotient = share / (everything / everything.sum())[at]

    place = _places(of_group, held.labels)
    order = np.lexsort((at, -each, place[group]))
    group, at, each, share = group[order], at[order], each[order], share[order]
    within = _within(group)
    table = pd.DataFrame(
        {
            "group": _objects(held.labels)[group],
            "region_code": codes[at],
            "region_name": concentration.names_of(provinces)[at],
            "sites": _sites_of(pair, held.site[inside], key.size)[order],
            "amount": each,
            "share": share,
            "rank": _ranks(each, within),
            "location_quotient": quotient[order],
        }
    )
    totals = _totals(held, region, of_group, (group, share, within), r)
    with np.errstate(divide="ignore", invalid="ignore"):
        totals.insert(4, "share", of_group / everything.sum())
    return Grouped(table, totals.iloc[np.argsort(place)].reset_index(drop=True))


# ------------------------------------------------------------------------------------------------ inside


def _by_column(sites: pd.DataFrame, split: str, measure: Measure) -> _Held:
    column = _COLUMNS.get(split, split)
    if column not in sites.columns:
        raise UnknownColumnError(f"sites: no column {column}, so nothing to split by. Add it, or split by kind.")
    group, distinct = pd.factorize(sites[column])
    labels: list[object] = list(distinct)
    if (group < 0).any():
        labels.append(None)
    return _Held(np.arange(len(sites)), group % max(len(labels), 1), _measured(sites, measure), labels)


def _by_code(sites: pd.DataFrame, streams: pd.DataFrame | None, measure: Measure) -> _Held:
    of_streams = measure in {"annual_t", "stock_t"}
    if streams is None and of_streams:
        raise BadParameterError(f"streams: without them {measure} cannot be told apart by waste code. Give them.")
    if streams is None:
        streams = pd.DataFrame({"site_uid": [], WASTE_CODE: []})
    lacking = {"site_uid", WASTE_CODE, *({measure} if of_streams else ())} - set(streams.columns)
    if lacking:
        raise UnknownColumnError(f"streams: no column {', '.join(sorted(lacking))}. Give site_uid, waste_code, tonnes.")
    site = sites.index.get_indexer(pd.Index(streams["site_uid"]))
    streams, site = streams[site >= 0], site[site >= 0]
    bare = np.setdiff1d(np.arange(len(sites)), site)
    implied, codes = _implied(sites, bare)
    group, distinct = pd.factorize(pd.concat([streams[WASTE_CODE].astype(object), codes], ignore_index=True))
    labels: list[object] = list(distinct)
    if (group < 0).any():
        labels.append(None)
    group, holder = group % max(len(labels), 1), np.concatenate([site, bare[implied]])
    if of_streams:
        amount = np.concatenate([amount_column(streams, "streams", measure), np.zeros(implied.size)])
        return _Held(holder, group, amount, labels)
    # A code that a site has in two streams is one that it holds.
    once = np.unique(holder * len(labels) + group) if labels else np.zeros(0, np.intp)
    holder, group = once // max(len(labels), 1), once % max(len(labels), 1)
    return _Held(holder, group, _measured(sites, measure)[holder], labels)


def _implied(sites: pd.DataFrame, bare: IntArray) -> tuple[IntArray, pd.Series]:
    """Return the codes that sites without a stream are said to hold, and the place in ``bare`` of each."""
    if materials.COLUMN not in sites.columns:
        return np.arange(bare.size), pd.Series([None] * bare.size, dtype=object)
    texts = sites[materials.COLUMN].iloc[bare].astype(object).reset_index(drop=True)
    parts = texts.str.split(materials.SEPARATORS, regex=True).explode()
    return parts.index.to_numpy(np.intp), parts.str.strip()


def _measured(sites: pd.DataFrame, measure: Measure) -> FloatArray:
    return np.ones(len(sites)) if measure == "count" else amount_column(sites, "sites", measure)


def _of_all(sites: pd.DataFrame, held: _Held, row: IntArray, r: int, measure: Measure, split: str) -> FloatArray:
    """Return what all groups together have in every region, each site once."""
    if split == WASTE_CODE and measure in {"annual_t", "stock_t"}:
        return sums.rounded(sums.by_group(row[held.site], held.amount, r))
    return sums.rounded(sums.by_group(row, _measured(sites, measure), r))


def _sites_of(pair: IntArray, site: IntArray, pairs: int) -> NDArray[np.int64]:
    """Return how many sites each pair of group and region has; two streams of a code are one site."""
    n = int(site.max(initial=0)) + 1
    return np.bincount(np.unique(pair * n + site) // n, minlength=pairs).astype(np.int64)


def _places(amount: FloatArray, labels: list[object]) -> IntArray:
    """Return the place of each group: the greatest first, equal ones by name, the nameless last."""
    order = sorted(range(len(labels)), key=lambda g: (labels[g] is None, -amount[g], str(labels[g])))
    places = np.empty(len(labels), np.intp)
    places[order] = np.arange(len(labels))
    return places


def _within(group: IntArray) -> IntArray:
    """Return the place of every row within its group, from 0; the rows of a group stand together."""
    at = np.arange(group.size)
    return at - np.maximum.accumulate(np.where(np.diff(group, prepend=-1) != 0, at, 0)) if at.size else at


def _ranks(amount: FloatArray, within: IntArray) -> NDArray[np.int64]:
    """Return ranks within groups, of rows by group and falling amount; equal amounts share the better one."""
    if within.size == 0:
        return within
    fresh = (within == 0) | (np.diff(amount, prepend=np.nan) != 0)
    latest = np.maximum.accumulate(np.where(fresh, np.arange(within.size), 0))
    return within[latest] + 1


def _totals(
    held: _Held, region: IntArray, of_group: FloatArray, found: tuple[IntArray, FloatArray, IntArray], r: int
) -> pd.DataFrame:
    """Return a row a group, in the order of its labels; ``found`` are group, share and place in the group of pairs."""
    group, share, within = found
    groups = len(held.labels)
    n = int(held.site.max(initial=0)) + 1
    once, first = np.unique(held.group * n + held.site, return_index=True)
    member, beside = once // n, region[first] < 0
    # `concentration.gini` with the r − k regions that have nothing first: they add nothing, but the others come later.
    ascending = np.bincount(group, (r - within) * share, minlength=groups)
    result = pd.DataFrame(
        {
            "group": _objects(held.labels),
            "sites": np.bincount(member, minlength=groups),
            "outside": np.bincount(member[beside], minlength=groups),
            "amount": of_group,
            "hhi": np.bincount(group, share**2, minlength=groups),
            "gini": 2.0 * ascending / max(r, 1) - (r + 1) / max(r, 1),
            "cr4": np.bincount(group, np.where(within < _LARGEST, share, 0.0), minlength=groups),
        }
    )
    result.loc[~(of_group > 0), ["hhi", "gini", "cr4"]] = np.nan
    return result


def _objects(labels: list[object]) -> NDArray[np.object_]:
    """Return labels as an array that keeps whole numbers beside None."""
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array
