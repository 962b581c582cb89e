"""What became of each site between two dates: new, gone, moved, or with other values."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.errors import BadParameterError
from registry.services import geodesy

if TYPE_CHECKING:
    from collections.abc import Collection

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

CHANGES = ("new", "gone", "level_raised", "level_lowered", "status", "moved", "other")
"""What can become of a site, the most telling first: a site is counted under the first that is true of it."""

MOVED_M = 1.0
"""A position that differs by less has not moved: stores and formats round coordinates to centimetres."""

UNTOLD = frozenset({"warnings", "extra", "source_id", "id"})
"""Columns that say how a row came into the store, not what the site is."""

_LEVEL, _STATUS = "supervision_level", "status"
_NEAR = 1e-9


class SiteChanges(NamedTuple):
    """What `between` found.

    Attributes
    ----------
    sites : a row a site that changed: ``uid, change`` (of `CHANGES`), ``moved_m`` (NaN where it has not moved),
        ``fields`` (how many fields differ)
    fields : a row for every field that differs of a site that was there at both dates: ``uid, field, before, after``
        as objects, None where there was no value; by uid, then in the order of the columns
    """

    sites: pd.DataFrame
    fields: pd.DataFrame


def between(
    before: GeoDataFrame,
    after: GeoDataFrame,
    *,
    moved_m: float = MOVED_M,
    untold: Collection[str] = UNTOLD,
) -> SiteChanges:
    """Compare sites at two dates, site by site.

    Parameters
    ----------
    before, after : (n,), (m,) points, index ``uid``; a site is the same where its uid is. A column that only one of
        them has is missing in the other
    moved_m : geodesic metres from which a site has moved
    untold : columns that are not compared

    Returns
    -------
    The sites that changed, those of ``before`` in their order and then the new ones, and the fields that differ.
    A level is raised when its number falls, level 1 being the strictest; one that is assigned is raised, one that is
    taken away lowered. Numbers are the same within a billionth; a missing value is equal to a missing one only.

    Raises
    ------
    BadParameterError : a uid occurs twice, a geometry is no point, or ``moved_m`` is negative.
    CrsError : a layer has no CRS.
    """
    if not moved_m >= 0:
        raise BadParameterError(f"moved_m = {moved_m}: give metres of 0 or more.")
    for layer, what in ((before, "sites before"), (after, "sites after")):
        geodesy.check_index(layer, what)
    both = before.index[before.index.isin(after.index)]
    earlier, later = before.loc[both], after.loc[both]
    names = [name for name in dict.fromkeys([*before.columns, *after.columns]) if name not in untold]
    shapes = {before.geometry.name, after.geometry.name}
    pairs = {name: (_column(earlier, name), _column(later, name)) for name in names if name not in shapes}
    differs = {name: ~_same(*pair) for name, pair in pairs.items()}
    distance = _distances(earlier, later)
    moved = distance > moved_m
    count = np.sum([*differs.values(), np.zeros(len(both), np.bool_)], axis=0)

    change = np.full(len(both), "", dtype=object)
    raised, lowered = _levels(pairs.get(_LEVEL), len(both))
    status = differs.get(_STATUS, np.zeros(len(both), np.bool_))
    # The last word is the most telling one.
    for mask, name in (
        (count > 0, "other"), (moved, "moved"), (status, "status"), (lowered, "level_lowered"), (raised, "level_raised"),
    ):  # fmt: skip
        change[mask] = name
    stayed = pd.DataFrame(
        {"uid": both, "change": change, "moved_m": np.where(moved, distance, np.nan), "fields": count.astype(np.int64)}
    )
    gone = _bare(before.index.difference(after.index, sort=False), "gone")
    new = _bare(after.index.difference(before.index, sort=False), "new")
    told = pd.concat([stayed[change != ""], gone], ignore_index=True)
    told = told.iloc[np.argsort(before.index.get_indexer(pd.Index(told["uid"])), kind="stable")]
    return SiteChanges(pd.concat([told, new], ignore_index=True), _fields(both, pairs, differs))


# ------------------------------------------------------------------------------------------------ inside


def _bare(uids: pd.Index, change: str) -> pd.DataFrame:
    fields = np.zeros(len(uids), np.int64)
    return pd.DataFrame({"uid": uids, "change": change, "moved_m": np.nan, "fields": fields})


def _column(sites: pd.DataFrame, name: str) -> pd.Series:
    return sites[name] if name in sites else pd.Series(None, index=sites.index, dtype=object)


def _same(one: pd.Series, other: pd.Series) -> NDArray[np.bool_]:
    """Whether the values of two columns (n,) are the same."""
    missing, lacking = one.isna().to_numpy(), other.isna().to_numpy()
    if all(pd.api.types.is_numeric_dtype(column) or column.isna().all() for column in (one, other)):
        x, y = (pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.nan) for column in (one, other))
        with np.errstate(invalid="ignore"):
            alike = np.abs(x - y) <= _NEAR * np.maximum(np.abs(x), np.abs(y))
    else:
        alike = np.fromiter(
            (a == b if not (p or q) else False for a, b, p, q in zip(one, other, missing, lacking, strict=True)),
            dtype=np.bool_,
            count=len(one),
        )
    return np.where(missing | lacking, missing & lacking, alike)


def _distances(before: GeoDataFrame, after: GeoDataFrame) -> FloatArray:
    """Geodesic metres between the positions (n,) of the same sites."""
    crs = geodesy.layer_crs(after, "sites after")
    start, end = geodesy.lonlat(before, "sites before", crs), geodesy.lonlat(after, "sites after", crs)
    return geodesy.inverse(geodesy.ellipsoid(crs), *start, *end).distance_m


def _levels(pair: tuple[pd.Series, pd.Series] | None, count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whose level was raised, and whose lowered (n,); none at all is the lowest."""
    if pair is None:
        none = np.zeros(count, np.bool_)
        return none, none
    before, after = (pd.to_numeric(column).to_numpy(dtype=np.float64, na_value=np.inf) for column in pair)
    return after < before, after > before


def _fields(
    uids: pd.Index, pairs: dict[str, tuple[pd.Series, pd.Series]], differs: dict[str, NDArray[np.bool_]]
) -> pd.DataFrame:
    """The fields that differ, a row each."""
    parts = []
    for name, mask in differs.items():
        row = np.flatnonzero(mask)
        before, after = (_objects(column.iloc[row]) for column in pairs[name])
        parts.append(pd.DataFrame({"row": row, "uid": uids[row], "field": name, "before": before, "after": after}))
    columns = ["uid", "field", "before", "after"]
    if not parts:
        return pd.DataFrame({name: np.array([], dtype=object) for name in columns})
    found = pd.concat(parts, ignore_index=True)
    return found.sort_values("row", kind="stable")[columns].reset_index(drop=True)


def _objects(column: pd.Series) -> NDArray[np.object_]:
    values = np.empty(len(column), dtype=object)
    values[:] = [None if pd.isna(value) else value for value in column]
    return values
