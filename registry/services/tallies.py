"""What is covered, counted by group: of sites by their columns, and of what they hold by material."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.services import materials
from registry.services.kernels import sums

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.kernels.sums import Units

    IntArray = NDArray[np.intp]


class Covered(NamedTuple):
    """Which of r ascending radii is the first to cover a site, and a part of what it holds; r where none does.

    A part is a stream, or a whole site where nothing tells its streams. What a radius covers, wider ones cover too.

    Attributes
    ----------
    site_first : (n,) first radius at which a matching plant reaches the site
    part_site : (p,) row of the site of every part, ascending
    part_first : (p,) first radius at which a plant accepts the part
    annual_t : (p,) tonnes a year
    radii : r
    """

    site_first: IntArray
    part_site: IntArray
    part_first: IntArray
    annual_t: FloatArray
    radii: int


class Groups(NamedTuple):
    """Which group every row is in: (rows,) numbers of groups, and a row of ``keys`` for every group."""

    number: IntArray
    keys: pd.DataFrame


class Tally(NamedTuple):
    """Numbers and tonnes by group and first radius; tallies of parts of the sites add up, whatever their order.

    Column k of r + 1 is what radius k is the first to cover, the last one what none does.

    Attributes
    ----------
    sites : (groups, r + 1)
    annual_t : (groups, r + 1, 2) tonnes a year in the whole units of `sums`
    """

    sites: NDArray[np.int64]
    annual_t: Units

    def within(self) -> tuple[NDArray[np.int64], FloatArray]:
        """Sites and tonnes that each radius covers, (r, groups) each."""
        tonnes = sums.carried(np.cumsum(self.annual_t[:, :-1], axis=1))
        return np.cumsum(self.sites[:, :-1], axis=1).T, sums.rounded(tonnes).T

    def beyond(self) -> tuple[NDArray[np.int64], FloatArray]:
        """Sites and tonnes that each radius leaves, (r, groups) each."""
        tonnes = sums.carried(np.cumsum(self.annual_t[:, :0:-1], axis=1)[:, ::-1])
        return np.cumsum(self.sites[:, :0:-1], axis=1)[:, ::-1].T, sums.rounded(tonnes).T

    def whole(self) -> tuple[NDArray[np.int64], FloatArray]:
        """Sites and tonnes, covered or not, (groups,) each."""
        return self.sites.sum(axis=1), sums.rounded(sums.carried(self.annual_t.sum(axis=1)))


def groups_of(sites: pd.DataFrame, columns: Mapping[str, str]) -> Groups:
    """Group sites by every combination of values that occurs.

    Parameters
    ----------
    columns : name of a key, and the column of ``sites`` that holds it; where there is no such column it is None

    Returns
    -------
    Groups in the order of their keys. Keys are Python objects, None where a value is missing, which comes last.
    """
    number = np.zeros(len(sites), dtype=np.int64)
    values: list[list[object]] = []
    for column in columns.values():
        column_there = sites[column] if column in sites.columns else pd.Series(np.nan, sites.index)
        own, found = pd.factorize(column_there)
        listed: list[object] = list(found)
        order = sorted(range(len(listed)), key=lambda at: _place(listed[at]))
        place = np.full(len(listed) + 1, len(listed))
        place[order] = np.arange(len(listed))
        number = number * place.size + place[own]
        values.append([*(listed[at] for at in order), None])
    occurring, number = _compacted(number, int(np.prod([len(some) for some in values], dtype=float)))
    keys: dict[str, object] = {}
    for name, some in reversed(list(zip(columns, values, strict=True))):
        occurring, at = np.divmod(occurring, len(some))
        keys[name] = pd.Series(some, dtype=object).take(at).reset_index(drop=True)
    return Groups(number, pd.DataFrame(keys, columns=list(columns)))


def _place(value: object) -> tuple[bool, object]:
    """Numbers by size, then everything else by its text."""
    number = isinstance(value, int | float)
    return not number, value if number else str(value)


def _compacted(number: IntArray, cells: int) -> tuple[IntArray, IntArray]:
    """Return the numbers that occur, ascending, and for every row the place of its own among them."""
    if cells > max(4 * number.size, 1 << 16):
        occurring, place = np.unique(number, return_inverse=True)
        return occurring, place
    occurring = np.flatnonzero(np.bincount(number, minlength=cells))
    place = np.zeros(cells, np.intp)
    place[occurring] = np.arange(occurring.size)
    return occurring, place[number]


def materials_of(spelling: IntArray, texts: Sequence[object]) -> Groups:
    """Group parts by what they hold; keys ``waste_code, category``.

    Parameters
    ----------
    spelling : (p,) which of the texts says what a part holds
    texts : waste codes, joined by ``;``. Spellings of the same codes are one material, shown in the one that sorts first

    Returns
    -------
    Groups in the order of ``waste_code``; one that is missing or blank is None and comes last. ``category`` is that of
    the catalogue, ``SW05`` or ``HW48``, several joined by ``;``, None where there is none.
    """
    shown: dict[frozenset[str], str | None] = {}
    sets = [materials.waste_codes(text) for text in texts]
    for codes, text in zip(sets, texts, strict=True):
        shown[codes] = min(shown.get(codes) or str(text), str(text)) if codes else None
    order = sorted(shown, key=lambda codes: (shown[codes] is None, shown[codes] or ""))
    place = {codes: at for at, codes in enumerate(order)}
    keys = pd.DataFrame(
        {"waste_code": [shown[codes] for codes in order], "category": [_categories(codes) for codes in order]},
        dtype=object,
    )
    return Groups(np.array([place[codes] for codes in sets], dtype=np.intp)[spelling], keys)


def _categories(codes: frozenset[str]) -> str | None:
    found = sorted({group for code in codes if (group := materials.category(code))})
    return ";".join(group if group.startswith("HW") else f"SW{group[1:]}" for group in found) or None


def of_sites(groups: Groups, covered: Covered) -> Tally:
    """Count sites, and add up what they hold, by groups of sites."""
    cells = (len(groups.keys), covered.radii + 1)
    flat = cells[0] * cells[1]
    sites = np.bincount(groups.number * cells[1] + covered.site_first, minlength=flat)
    held = groups.number[covered.part_site] * cells[1] + covered.part_first
    return Tally(sites.reshape(cells), sums.by_group(held, covered.annual_t, flat).reshape(*cells, 2))


def of_parts(groups: Groups, covered: Covered) -> Tally:
    """Add up what sites hold by groups of parts; a site counts once in every group that it holds a part of."""
    cells = (len(groups.keys), covered.radii + 1)
    flat = cells[0] * cells[1]
    site, group, first = covered.part_site, groups.number, covered.part_first
    if (np.diff(site) == 0).any():
        # The part that is covered first speaks for all of this material that the site holds.
        pair, at = np.unique(site * cells[0] + group, return_inverse=True)
        group, first = pair % cells[0], np.full(pair.size, covered.radii)
        np.minimum.at(first, at, covered.part_first)
    sites = np.bincount(group * cells[1] + first, minlength=flat)
    held = groups.number * cells[1] + covered.part_first
    return Tally(sites.reshape(cells), sums.by_group(held, covered.annual_t, flat).reshape(*cells, 2))


def share_table(groups: Groups, tally: Tally, radii_km: Sequence[float] | FloatArray, *, known: bool) -> pd.DataFrame:
    """Tell what each radius covers of every group.

    Returns
    -------
    The keys, then ``radius_km, sites, sites_covered, share_sites, annual_t, annual_t_covered, share_annual_t``, a block
    of rows a radius. Tonnes are NaN unless they are ``known``; shares of nothing are NaN.
    """
    (covered, tonnes), (sites, annual) = tally.within(), tally.whole()
    r, g = covered.shape
    table = groups.keys.iloc[np.tile(np.arange(g), r)].reset_index(drop=True)
    table["radius_km"] = np.repeat(np.asarray(radii_km, dtype=np.float64), g)
    table["sites"] = np.tile(sites, r)
    table["sites_covered"] = covered.ravel()
    table["share_sites"] = share(covered, sites).ravel()
    table["annual_t"] = np.tile(annual, r) if known else np.nan
    table["annual_t_covered"] = tonnes.ravel() if known else np.nan
    table["share_annual_t"] = share(tonnes, annual).ravel() if known else np.nan
    return table


def share(part: NDArray[np.generic], whole: NDArray[np.generic]) -> FloatArray:
    """Part of the whole; NaN where there is nothing."""
    of = np.asarray(whole, dtype=np.float64)
    return np.asarray(part / np.where(of > 0, of, np.nan))


def unreached_table(groups: Groups, tally: Tally, radii_km: FloatArray, *, known: bool) -> pd.DataFrame:
    """Rank provinces by the tonnes that no radius covers.

    Returns
    -------
    ``province_code, radius_km, sites, sites_unreached, annual_t, annual_t_unreached, share_unreached, rank``, a block of
    rows a radius, by rank. See `coverage.CoverageResult`.
    """
    (left, tonnes), (sites, annual) = tally.beyond(), tally.whole()
    code = groups.keys["province_code"]
    nowhere = code.isna().to_numpy()
    blocks = []
    for number, radius in enumerate(radii_km):
        block = pd.DataFrame({"province_code": code, "radius_km": radius, "sites": sites})
        block["sites_unreached"] = left[number]
        block["annual_t"] = annual if known else np.nan
        block["annual_t_unreached"] = tonnes[number] if known else np.nan
        block["share_unreached"] = share(tonnes[number], annual) if known else np.nan
        amount = tonnes[number] if known else left[number]
        block["rank"] = pd.Series(amount).mask(nowhere).rank(method="min", ascending=False).astype("Int64")
        order = np.lexsort((np.arange(code.size), -left[number], -amount, nowhere))
        blocks.append(block.iloc[order])
    return pd.concat(blocks, ignore_index=True)
