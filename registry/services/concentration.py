"""How sites and their tonnes are spread over regions."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy, regions
from registry.services.amounts import amount_column, number_column
from registry.services.kernels import sums

if TYPE_CHECKING:
    from collections.abc import Iterable

    from geopandas import GeoDataFrame
    from numpy.typing import ArrayLike, NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.kernels.sums import Units

Measure = Literal["count", "annual_t", "stock_t", "storage_m3"]
AMOUNTS: tuple[Measure, ...] = ("annual_t", "stock_t", "storage_m3")
"""What sites are measured by beside their number: tonnes added a year, tonnes stocked, m³ stored (ponds)."""

_KINDS = ("tailings_pond", "gangue_heap", "smelting_site")
_LEVELS = (1, 2, 3)
COUNTED = ("sites", "tailings_ponds", "level_1", "level_2", "level_3", "gangue_heaps", "smelting_sites")
_COLUMNS = (
    "region_code", "region_name", *COUNTED, "annual_t", "stock_t", "share", "density_per_1000_km2", "rank",
    "location_quotient", "storage_m3",
)  # fmt: skip


class Tally(NamedTuple):
    """What r regions hold of some sites; tallies of parts of the sites add up to that of all (`merge`).

    Attributes
    ----------
    counts : (r, 7) whole numbers, columns `COUNTED`
    amounts : (r, 3, 2) `AMOUNTS` in the whole units of `sums`
    known : (3,) which of the amounts the sites had a column for
    outside : sites in no region
    total : sites, those outside with them
    """

    counts: NDArray[np.int64]
    amounts: Units
    known: NDArray[np.bool_]
    outside: int
    total: int

    def of(self, measure: Measure) -> FloatArray:
        """Return what the regions (r,) have of a measure; NaN where the sites had no such column."""
        if measure == "count":
            return self.counts[:, 0].astype(np.float64)
        column = AMOUNTS.index(measure)
        held = sums.rounded(self.amounts[:, column])
        return held if self.known[column] else np.full(held.shape, np.nan)


def by_region(
    sites: GeoDataFrame,
    provinces: GeoDataFrame,
    *,
    measure: Measure = "count",
    reference: str | None = None,
    tolerance_m: float = 0,
    located: pd.Series | None = None,
) -> pd.DataFrame:
    """Count sites and tonnes by region, and measure how concentrated they are.

    Parameters
    ----------
    sites : (n,) points, index ``uid``; columns ``kind``, ``supervision_level``, ``annual_t``, ``stock_t``,
        ``storage_m3`` are used where they are. A missing value counts as none
    provinces : (r,) polygons of any level, columns ``code`` and, where known, ``name``
    measure : what share, density, rank, location quotient and totals are of: the number of sites, the tonnes added a
        year, the tonnes stocked, or the cubic metres that ponds store
    reference : numeric column of ``provinces`` that the location quotient compares with; by default the area
    tolerance_m : as in `regions.locate`
    located : region code of every site on the index of ``sites``, where it is known already

    Returns
    -------
    (r,) rows ``region_code, region_name, sites, tailings_ponds, level_1, level_2, level_3, gangue_heaps,
    smelting_sites, annual_t, stock_t, share, density_per_1000_km2, rank, location_quotient, storage_m3``, by rank; a
    region without a site has a row too. Amounts are NaN where the sites have no such column. ``share`` is of all that
    was located, so it sums to 1; equal regions share a rank, and stand in the order of ``provinces``.
    ``attrs["totals"]`` holds ``sites`` (all that were given), ``hhi, gini, cr3, cr4`` and ``outside`` (sites in no
    region).

    Raises
    ------
    UnknownColumnError : the regions have no ``code`` or no ``reference``, the sites no column of the measure.
    BadParameterError : the measure is unknown, a code or a uid occurs twice, the reference is negative or no number,
        an amount is negative or infinite, or ``located`` does not fit.
    CrsError : a layer has no CRS.

    Notes
    -----
    It is `table_of` the `tally`: both are described there.
    """
    check_measure(measure, sites)
    _check_regions(provinces, reference)
    found = tally(sites, provinces, tolerance_m=tolerance_m, located=located)
    return table_of(found, provinces, measure=measure, reference=reference)


def tally(
    sites: pd.DataFrame,
    provinces: GeoDataFrame | ArrayLike,
    *,
    tolerance_m: float = 0,
    located: pd.Series | NDArray[np.object_] | None = None,
) -> Tally:
    """Count sites and add up what they hold by region: the part of `by_region` that can be done in parts.

    Parameters
    ----------
    sites : (n,) as in `by_region`; with ``located`` a table without geometry will do
    provinces : (r,) polygons as in `by_region`; with ``located`` their codes will do
    tolerance_m : as in `regions.locate`
    located : region code of every site, missing or unknown where it is in none: a Series by uid, or an array in the
        order of ``sites``, which looks at no uid

    Raises
    ------
    BadParameterError, UnknownColumnError, CrsError : as in `by_region`.

    Notes
    -----
    Sums are exact (`sums`), so they are the same in whatever parts and order the sites are taken.
    """
    codes = codes_of(provinces)
    if located is None:
        if not isinstance(sites, gpd.GeoDataFrame) or not isinstance(provinces, gpd.GeoDataFrame):
            raise BadParameterError("located: without it, both sites and regions need a geometry.")
        located = regions.locate(sites, provinces, tolerance_m)
    row = rows_of(located, sites, codes)
    held, r = np.flatnonzero(row >= 0), codes.size
    at = row[held]
    by_kind = np.bincount(at * 4 + _which(sites, "kind", _KINDS)[held], minlength=4 * r).reshape(r, 4)
    by_level = np.bincount(at * 4 + _which(sites, "supervision_level", _LEVELS)[held], minlength=4 * r).reshape(r, 4)
    counts = np.column_stack(
        [
            by_kind.sum(axis=1),
            by_kind[:, 0],
            by_level[:, 0],
            by_level[:, 1],
            by_level[:, 2],
            by_kind[:, 1],
            by_kind[:, 2],
        ]
    )
    known = np.array([column in sites.columns for column in AMOUNTS])
    amounts = np.zeros((r, len(AMOUNTS), 2), np.int64)
    for number in np.flatnonzero(known):
        amounts[:, number] = sums.by_group(row, amount_column(sites, "sites", AMOUNTS[number]), r)
    return Tally(counts.astype(np.int64), amounts, known, len(sites) - held.size, len(sites))


def merge(tallies: Iterable[Tally]) -> Tally:
    """Put the tallies of parts of the sites together; the order does not matter.

    Raises
    ------
    EmptyLayerError : there is none.
    BadParameterError : they are not of the same regions.
    """
    parts = list(tallies)
    if not parts:
        raise EmptyLayerError("tallies: there is none to put together. Tally at least one part of the sites.")
    if len({part.counts.shape for part in parts}) > 1:
        raise BadParameterError("tallies: they are of different regions. Tally every part over the same ones.")
    return reduce(_together, parts)


def table_of(
    found: Tally, provinces: GeoDataFrame, *, measure: Measure = "count", reference: str | None = None
) -> pd.DataFrame:
    """Shares, densities, ranks, location quotients and totals of a tally: the part of `by_region` that comes last.

    Parameters
    ----------
    found : of the same regions in the same order
    provinces, measure, reference : as in `by_region`

    Returns
    -------
    (r,) rows as in `by_region`.

    Raises
    ------
    UnknownColumnError, BadParameterError, CrsError : as in `by_region`; the tally is of other regions.

    Notes
    -----
    Location quotient of region i: (xᵢ / Σx) / (rᵢ / Σr), x the measure and r the reference (Florence 1939; Isard
    1960); NaN where the reference is 0 or missing. Both sums are over the regions that have a reference. Density: the
    measure for 1,000 km² of geodesic area. The totals are described at `hhi`, `gini` and `concentration_ratio`.
    """
    _check_regions(provinces, reference)
    amount = amount_of(found, measure)
    if amount.size != len(provinces):
        raise BadParameterError(f"tally: of {amount.size} regions, but {len(provinces)} are given. Give the same.")
    area = regions.areas_km2(provinces).to_numpy()
    base = area if reference is None else number_column(provinces, "regions", reference)
    table: dict[str, object] = {"region_code": codes_of(provinces), "region_name": names_of(provinces)}
    table |= dict(zip(COUNTED, found.counts.T, strict=True))
    table |= {column: found.of(column) for column in AMOUNTS}
    with np.errstate(divide="ignore", invalid="ignore"):
        table["share"] = amount / amount.sum()
        table["density_per_1000_km2"] = np.where(area > 0, amount / area * 1_000, np.nan)
    table["location_quotient"] = location_quotient(amount, base)
    table["rank"] = ranks(amount)
    result = pd.DataFrame(table)[list(_COLUMNS)].sort_values("rank", kind="stable", ignore_index=True)
    result.attrs["totals"] = {
        "sites": found.total,
        "hhi": hhi(amount),
        "gini": gini(amount),
        "cr3": concentration_ratio(amount, 3),
        "cr4": concentration_ratio(amount, 4),
        "outside": found.outside,
    }
    return result


def hhi(amounts: ArrayLike) -> float:
    """Herfindahl–Hirschman index Σ sᵢ² of the shares, from 1/n (even) to 1 (all in one); NaN where all is 0.

    Source: Hirschman (1964), The paternity of an index, American Economic Review 54, 761–762.
    """
    x = np.asarray(amounts, dtype=np.float64)
    return float(np.square(x / x.sum()).sum()) if x.sum() > 0 else float("nan")


def gini(amounts: ArrayLike) -> float:
    """Gini coefficient of n amounts, from 0 (even) to (n − 1)/n (all in one); NaN where all is 0.

    G = 2 Σ i·x₍ᵢ₎ / (n Σ x) − (n + 1)/n with x₍ᵢ₎ in ascending order, which is half the mean absolute difference
    divided by the mean. Source: Gini (1912), Variabilità e mutabilità; formula of Sen (1973), On Economic Inequality.
    Regions without a site count; they are not weighted by size.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64))
    if x.sum() <= 0:
        return float("nan")
    n = x.size
    return float(2.0 * (np.arange(1, n + 1) * x).sum() / (n * x.sum()) - (n + 1) / n)


def concentration_ratio(amounts: ArrayLike, largest: int) -> float:
    """Share of the ``largest`` greatest amounts in all (CR3, CR4); NaN where all is 0.

    Source: Bain (1951), Quarterly Journal of Economics 65, 293–324.
    """
    x = np.sort(np.asarray(amounts, dtype=np.float64))[::-1]
    return float(x[:largest].sum() / x.sum()) if x.sum() > 0 else float("nan")


def location_quotient(amount: FloatArray, base: FloatArray) -> FloatArray:
    """Location quotients (r,) of amounts against a reference, as in `table_of`; a missing reference is NaN."""
    there = ~np.isnan(base)
    with np.errstate(divide="ignore", invalid="ignore"):
        quotient = (amount / amount[there].sum()) / (base / base[there].sum())
    return np.where(base > 0, quotient, np.nan)


def ranks(amount: FloatArray) -> NDArray[np.int64]:
    """Ranks (r,) from 1, the greatest first; equal amounts share the better one."""
    ascending = np.sort(amount)
    return (amount.size - np.searchsorted(ascending, amount, side="right") + 1).astype(np.int64)


def names_of(provinces: pd.DataFrame) -> NDArray[np.object_]:
    """Return the names of regions, or their codes where they have none."""
    return provinces["name" if "name" in provinces.columns else "code"].to_numpy(dtype=object)


def amount_of(found: Tally, measure: Measure) -> FloatArray:
    """Return what the regions (r,) of a tally have of a measure.

    Raises
    ------
    BadParameterError : there is no such measure.
    UnknownColumnError : the sites had no such column.
    """
    _check_name(measure)
    amount = found.of(measure)
    if measure != "count" and not found.known[AMOUNTS.index(measure)]:
        raise UnknownColumnError(f"sites: no column {measure}, so nothing to measure. Add it, or measure count.")
    return amount


def check_measure(measure: str, sites: pd.DataFrame) -> None:
    """Refuse a measure that is unknown, or that the sites have no column for."""
    _check_name(measure)
    if measure != "count" and measure not in sites.columns:
        raise UnknownColumnError(f"sites: no column {measure}, so nothing to measure. Add it, or measure count.")


def codes_of(provinces: pd.DataFrame | ArrayLike) -> NDArray[np.object_]:
    """Return the codes of regions (r,), given by themselves or as a layer, each of which occurs once."""
    if isinstance(provinces, pd.DataFrame):
        if "code" not in provinces.columns:
            raise UnknownColumnError(f"regions: no column code. Found: {', '.join(map(str, provinces.columns))}.")
        codes = provinces["code"]
    else:
        codes = pd.Series(provinces)
    twice = codes[codes.duplicated()]
    if len(twice):
        raise BadParameterError(f"regions: code {twice.iloc[0]} occurs more than once. Give regions of one level.")
    return codes.to_numpy(dtype=object)


def rows_of(
    located: pd.Series | NDArray[np.object_], sites: pd.DataFrame, codes: NDArray[np.object_]
) -> NDArray[np.intp]:
    """Return the row of every site's region among (r,) codes, (n,), −1 where it is in none; ``located`` as in `tally`."""
    if isinstance(located, pd.Series):
        geodesy.check_index(sites, "sites")
        if not located.index.equals(sites.index):
            if not (located.index.is_unique and sites.index.isin(located.index).all()):
                raise BadParameterError("located: a site is missing. Give one region code for every site, by uid.")
            located = located.reindex(sites.index)
    elif len(located) != len(sites):
        raise BadParameterError(f"located: {len(located)} codes for {len(sites)} sites. Give one for every site.")
    # A million codes are looked up once each, not once a site.
    which, distinct = pd.factorize(located)
    row = pd.Index(codes, dtype=object).get_indexer(pd.Index(distinct, dtype=object))
    return np.append(row, -1)[which]


# ------------------------------------------------------------------------------------------------ inside


def _together(one: Tally, other: Tally) -> Tally:
    return Tally(
        one.counts + other.counts,
        sums.together(one.amounts, other.amounts),
        one.known | other.known,
        one.outside + other.outside,
        one.total + other.total,
    )


def _check_name(measure: str) -> None:
    if measure not in get_args(Measure):
        raise BadParameterError(f"measure {measure!r} is unknown. Choose one of {', '.join(get_args(Measure))}.")


def _check_regions(provinces: pd.DataFrame, reference: str | None) -> None:
    codes_of(provinces)
    if reference is None:
        return
    if reference not in provinces.columns:
        raise UnknownColumnError(
            f"regions: no column {reference} to compare with. Found: {', '.join(map(str, provinces.columns))}."
        )
    if not pd.api.types.is_numeric_dtype(provinces[reference]) or (provinces[reference] < 0).any():
        raise BadParameterError(f"regions: column {reference} must hold numbers, none negative.")


def _which(sites: pd.DataFrame, column: str, values: tuple[object, ...]) -> NDArray[np.intp]:
    """Return the number of every site's value among some, and how many they are where it is none of them."""
    if column not in sites.columns:
        return np.full(len(sites), len(values), np.intp)
    which, distinct = pd.factorize(sites[column])
    number = pd.Index(values, dtype=object).get_indexer(pd.Index(distinct, dtype=object))
    return np.append(np.where(number < 0, len(values), number), len(values))[which]
