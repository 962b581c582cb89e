"""How sites and their tonnes are spread over regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import geodesy, regions

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import ArrayLike, NDArray

    from registry.services.geodesy import FloatArray

Measure = Literal["count", "annual_t", "stock_t"]

_KINDS = {"tailings_ponds": "tailings_pond", "gangue_heaps": "gangue_heap", "smelting_sites": "smelting_site"}
_TONNES = ("annual_t", "stock_t")
_COLUMNS = (
    "region_code", "region_name", "sites", "tailings_ponds", "level_1", "level_2", "level_3", "gangue_heaps",
    "smelting_sites", "annual_t", "stock_t", "share", "density_per_1000_km2", "rank", "location_quotient",
)  # fmt: skip


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
    sites : (n,) points, index ``uid``; columns ``kind``, ``supervision_level``, ``annual_t``, ``stock_t`` are used
        where they are. A missing value counts as none
    provinces : (r,) polygons of any level, columns ``code`` and, where known, ``name``
    measure : what share, density, rank, location quotient and totals are of: the number of sites, the tonnes added a
        year, or the tonnes stocked
    reference : numeric column of ``provinces`` that the location quotient compares with; by default the area
    tolerance_m : as in `regions.locate`
    located : region code of every site on the index of ``sites``, where it is known already

    Returns
    -------
    (r,) rows ``region_code, region_name, sites, tailings_ponds, level_1, level_2, level_3, gangue_heaps,
    smelting_sites, annual_t, stock_t, share, density_per_1000_km2, rank, location_quotient``, by rank; a region
    without a site has a row too. Tonnes are NaN where the sites have no such column. ``share`` is of all that was
    located, so it sums to 1; equal regions share a rank, and stand in the order of ``provinces``.
    ``attrs["totals"]`` holds ``sites`` (all that were given), ``hhi, gini, cr3, cr4`` and ``outside`` (sites in no
    region).

    Raises
    ------
    UnknownColumnError : the regions have no ``code`` or no ``reference``, the sites no column of the measure.
    BadParameterError : the measure is unknown, a code occurs twice, the reference is negative or no number, or
        ``located`` does not fit.
    CrsError : a layer has no CRS.

    Notes
    -----
    Location quotient of region i: (xᵢ / Σx) / (rᵢ / Σr), x the measure and r the reference (Florence 1939; Isard
    1960); NaN where the reference is 0. Density: the measure for 1,000 km² of geodesic area. The totals are described
    at `hhi`, `gini` and `concentration_ratio`.
    """
    _check(sites, provinces, measure, reference)
    codes = provinces["code"].to_numpy(dtype=object)
    if located is None:
        located = regions.locate(sites, provinces, tolerance_m)
    else:
        geodesy.check_index(sites, "sites")
        if not sites.index.isin(located.index).all():
            raise BadParameterError("located: a site is missing. Give one region code for every site, by uid.")
    known = pd.Series(np.arange(len(codes)), index=codes)
    row = known.reindex(located.reindex(sites.index).to_numpy(dtype=object)).to_numpy()
    inside = ~np.isnan(row.astype(np.float64))
    at = row[inside].astype(np.intp)

    def total(weights: ArrayLike) -> FloatArray:
        held = np.asarray(weights, dtype=np.float64)[inside]
        return np.bincount(at, held, minlength=len(codes)).astype(np.float64)

    def count(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        return total(mask).astype(np.int64)

    table = {"region_code": codes, "region_name": _names(provinces)}
    table["sites"] = count(np.ones(len(sites), np.bool_))
    for column, kind in _KINDS.items():
        table[column] = count(_equals(sites, "kind", kind))
    for level in (1, 2, 3):
        table[f"level_{level}"] = count(_equals(sites, "supervision_level", level))
    for column in _TONNES:
        table[column] = total(_numbers(sites[column])) if column in sites.columns else np.full(len(codes), np.nan)

    amount = np.asarray(table["sites" if measure == "count" else measure], dtype=np.float64)
    area = regions.areas_km2(provinces).to_numpy()
    base = area if reference is None else _numbers(provinces[reference])
    with np.errstate(divide="ignore", invalid="ignore"):
        table["share"] = amount / amount.sum()
        table["density_per_1000_km2"] = np.where(area > 0, amount / area * 1_000, np.nan)
        quotient = table["share"] / (base / base.sum())
    table["location_quotient"] = np.where(base > 0, quotient, np.nan)
    table["rank"] = pd.Series(amount).rank(method="min", ascending=False).to_numpy().astype(np.int64)
    result = pd.DataFrame(table)[list(_COLUMNS)].sort_values("rank", kind="stable", ignore_index=True)
    result.attrs["totals"] = {
        "sites": len(sites),
        "hhi": hhi(amount),
        "gini": gini(amount),
        "cr3": concentration_ratio(amount, 3),
        "cr4": concentration_ratio(amount, 4),
        "outside": int((~inside).sum()),
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


def _check(sites: GeoDataFrame, provinces: GeoDataFrame, measure: str, reference: str | None) -> None:
    if measure not in ("count", *_TONNES):
        raise BadParameterError(f"measure {measure!r} is unknown. Choose count, annual_t or stock_t.")
    if measure != "count" and measure not in sites.columns:
        raise UnknownColumnError(f"sites: no column {measure}, so nothing to measure. Add it, or measure count.")
    if "code" not in provinces.columns:
        raise UnknownColumnError(f"regions: no column code. Found: {', '.join(map(str, provinces.columns))}.")
    twice = provinces["code"][provinces["code"].duplicated()]
    if len(twice):
        raise BadParameterError(f"regions: code {twice.iloc[0]} occurs more than once. Give regions of one level.")
    if reference is None:
        return
    if reference not in provinces.columns:
        raise UnknownColumnError(
            f"regions: no column {reference} to compare with. Found: {', '.join(map(str, provinces.columns))}."
        )
    if not pd.api.types.is_numeric_dtype(provinces[reference]) or (provinces[reference] < 0).any():
        raise BadParameterError(f"regions: column {reference} must hold numbers, none negative.")


def _names(provinces: pd.DataFrame) -> NDArray[np.object_]:
    return provinces["name" if "name" in provinces.columns else "code"].to_numpy(dtype=object)


def _equals(sites: pd.DataFrame, column: str, value: object) -> NDArray[np.bool_]:
    if column not in sites.columns:
        return np.zeros(len(sites), np.bool_)
    return (sites[column] == value).fillna(value=False).to_numpy(dtype=np.bool_)


def _numbers(values: pd.Series) -> FloatArray:
    """Return the values as floats, missing ones as 0."""
    numbers: FloatArray = pd.to_numeric(values).to_numpy(dtype=np.float64, na_value=np.nan)
    return np.nan_to_num(numbers)
