"""Which of the stored sites an answer is about."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from registry.errors import BadParameterError, UnknownKindError
from registry.model.vocabulary import MINERALS
from registry.services import materials
from registry.services.kernels import sums

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from registry.registry import Registry

_TONNES = ("annual_t", "stock_t")
# What is read of the sites.
_OF_SITES = (
    "supervision_level", "mineral", "status", "operator", "province_code", "city_code", "county_code", "storage_m3",
    materials.COLUMN, *_TONNES,
)  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """What the sites must be; all that is None is left open.

    Attributes
    ----------
    kind, level, status : as in `Registry.sites`
    mineral : code of the main mineral; leaves ponds only
    waste_code : code or category that a site holds; its tonnes are then those of the streams that fit
    operator : part of the operator's name, in whatever case
    """

    kind: str | None = None
    level: int | None = None
    status: str | None = None
    mineral: str | None = None
    waste_code: str | None = None
    operator: str | None = None


def selected(reg: Registry, selection: Selection, as_of: str | None = None) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """The stored sites that fit, as they are or were at a moment, and their streams.

    Raises
    ------
    UnknownKindError, BadParameterError : the selection names what there cannot be.
    """
    if selection.mineral is not None and selection.mineral not in MINERALS:
        raise UnknownKindError(f"'{selection.mineral}' is not a mineral. Known: {', '.join(MINERALS)}.")
    sites = reg.sites(selection.kind, level=selection.level, status=selection.status, as_of=as_of, columns=_OF_SITES)
    if selection.mineral is not None:
        sites = sites[equal(sites, "mineral", selection.mineral)]
    if selection.operator is not None:
        sites = operated_by(sites, selection.operator)
    streams = reg.streams(as_of=as_of)
    streams = streams[streams["site_uid"].isin(sites.index)]
    return (sites, streams) if selection.waste_code is None else _holding(sites, streams, selection.waste_code)


def equal(sites: pd.DataFrame, column: str, value: object) -> pd.Series:
    """Which sites have a value; none where no kind of them has the column."""
    return (sites[column] == value).fillna(value=False) if column in sites else sites["kind"].isna()


def operated_by(sites: pd.DataFrame, operator: str) -> pd.DataFrame:
    """The sites whose operator's name holds a text, in whatever case."""
    wanted = operator.strip().casefold()
    if not wanted:
        raise BadParameterError("--operator: give a part of the operator's name.")
    return sites[sites["operator"].str.casefold().str.contains(wanted, regex=False, na=False)]


def _holding(sites: gpd.GeoDataFrame, streams: pd.DataFrame, waste_code: str) -> tuple[gpd.GeoDataFrame, pd.DataFrame]:
    """The sites that hold a waste, with what they hold of it."""
    wanted = materials.waste_codes(waste_code)
    if not wanted:
        raise BadParameterError("--waste-code: give a code or a category, for example SW05.")
    groups, held = materials.distinct(sites[materials.COLUMN])
    sites = sites[materials.accepted(held, [wanted])[groups, 0]].copy()
    groups, held = materials.distinct(streams["waste_code"])
    streams = streams[materials.accepted(held, [wanted])[groups, 0]]
    of = sites.index.get_indexer(streams["site_uid"])
    for column in _TONNES:
        tonnes = streams[column].to_numpy(dtype=np.float64, na_value=np.nan)
        known = np.bincount(of[~np.isnan(tonnes)], minlength=len(sites)) > 0
        sites[column] = np.where(known, sums.rounded(sums.by_group(of, tonnes, len(sites))), np.nan)
    return sites, streams
