"""Which stored sites lie close to each other, and the groups that they form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from registry import export
from registry.answers.lines import between
from registry.answers.notes import synthetic_note
from registry.errors import BadParameterError
from registry.model.vocabulary import SITE_KINDS, Kind, kind_of
from registry.services import geodesy
from registry.services import neighbours as neighbours_service

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import geopandas as gpd

    from registry.registry import Registry

_OF_THE_SITE = ("code", "name", "kind", "supervision_level")
_LEVELS = (1, 2, 3)


class Neighbours(NamedTuple):
    """Pairs and groups of sites.

    Attributes
    ----------
    pairs : ``uid, code, name, kind, supervision_level, other_uid, other_code, other_name, other_kind,
        other_supervision_level, distance_m, cluster``, by cluster and distance
    clusters : ``cluster, sites, pairs, tailings_ponds, level_1, level_2, level_3, gangue_heaps, smelting_sites,
        longest_pair_m``, the largest first; a site in no pair is in none
    """

    pairs: pd.DataFrame
    clusters: pd.DataFrame
    totals: dict[str, Any]
    warnings: list[str]


def neighbours(
    reg: Registry, *, within_m: float, of: str | None = None, to: str | None = None, level: int | None = None,
    province: str | None = None, status: str | None = None, say: Callable[[str], None],
) -> Neighbours:  # fmt: skip
    """The pairs of stored sites within a distance of each other, and the groups that pairs connect.

    Parameters
    ----------
    within_m : metres, from 0; a pair exactly at it counts
    of : kind of the sites; all kinds unless given
    to : kind of the other site of each pair; that of ``of`` unless given
    level : supervision level of the ponds among them; without ``of`` leaves ponds only

    Raises
    ------
    BadParameterError : a distance that cannot be; ``to`` without ``of``; a level where there is no pond; too many pairs.
    UnknownKindError : a kind that there is not.
    """
    most = geodesy.half_meridian_m(geodesy.ellipsoid(reg.crs))
    if not 0 <= within_m <= most:
        raise BadParameterError(f"--within-m {within_m:g}: give metres from 0 to {most:,.0f}, half round the earth.")
    if to is not None and of is None:
        raise BadParameterError(f"--to {to}: say with --of which kind of site the others are near to.")
    kinds = [kind_of(name) for name in (of, to) if name is not None]
    if level is not None and kinds and Kind.TAILINGS_POND not in kinds:
        raise BadParameterError(f"--level {level}: only tailings ponds have a supervision level.")
    say("reading")

    def chosen(kind: Kind | None) -> gpd.GeoDataFrame:
        own = level if kind in {None, Kind.TAILINGS_POND} else None
        return reg.sites(kind, level=own, province=province, status=status, columns=_OF_THE_SITE)

    sites = chosen(kinds[0] if kinds else None)
    others = chosen(kinds[1]) if len(set(kinds)) == 2 else None
    say("measuring")
    found = neighbours_service.pairs_within(sites, within_m, others)
    everyone = sites if others is None else pd.concat([sites, others])
    pairs, clusters = _tables(found, everyone)
    totals = {
        "pairs": len(pairs),
        "clusters": len(clusters),
        "sites_in_clusters": int(clusters["sites"].sum()),
        "sites": len(everyone),
        "largest_cluster": int(clusters["sites"].max()) if len(clusters) else 0,
    }
    return Neighbours(pairs, clusters, totals, synthetic_note(reg))


def _tables(found: pd.DataFrame, sites: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pairs with what their sites are, and the clusters; numbered by size."""
    group = neighbours_service.clusters(found, sites.index).to_numpy()
    sizes = np.bincount(group)
    by_size = np.argsort(-sizes, kind="stable")
    number = np.empty_like(by_size)
    number[by_size] = np.arange(1, sizes.size + 1)
    member_of = number[group]
    ends = [sites.index.get_indexer(pd.Index(found[column])) for column in ("uid", "other_uid")]
    columns: dict[str, Any] = {}
    for prefix, rows in zip(("", "other_"), ends, strict=True):
        columns[f"{prefix}uid"] = sites.index.take(rows)
        for name in _OF_THE_SITE:
            columns[prefix + name] = sites[name].take(rows).to_numpy() if name in sites else None
    pairs = pd.DataFrame(columns).assign(distance_m=found["distance_m"].to_numpy(), cluster=member_of[ends[0]])
    pairs = pairs.sort_values(["cluster", "distance_m"], kind="stable", ignore_index=True)

    within = sizes[group] > 1
    count = int((sizes > 1).sum())

    def counted(which: Any) -> Any:
        return np.bincount(member_of[within & which], minlength=count + 1)[1:]

    kind = sites["kind"].to_numpy()
    level = (
        sites["supervision_level"].to_numpy(dtype=float, na_value=np.nan) if "supervision_level" in sites else np.nan
    )
    named = dict(zip(SITE_KINDS, ("tailings_ponds", "gangue_heaps", "smelting_sites"), strict=True))
    by_kind = {column: counted(kind == each.value) for each, column in named.items()}
    clusters = pd.DataFrame(
        {
            "cluster": np.arange(1, count + 1),
            "sites": counted(within),
            "pairs": np.bincount(pairs["cluster"], minlength=count + 1)[1:],
            "tailings_ponds": by_kind["tailings_ponds"],
            **{f"level_{each}": counted(level == each) for each in _LEVELS},
            "gangue_heaps": by_kind["gangue_heaps"],
            "smelting_sites": by_kind["smelting_sites"],
            "longest_pair_m": pairs.groupby("cluster")["distance_m"].max().to_numpy(),
        }
    )
    return pairs, clusters


def write_neighbours(reg: Registry, found: Neighbours, out: Path) -> None:
    """Write pairs: as lines into a layer format, with the clusters on a sheet of their own into xlsx."""
    suffix = out.suffix.lower()
    if suffix == ".xlsx":
        export.write({"pairs": found.pairs, "clusters": found.clusters}, out)
        return
    export.write_table(as_lines(reg, found.pairs) if suffix in {".gpkg", ".geojson", ".fgb"} else found.pairs, out)


def as_lines(reg: Registry, pairs: pd.DataFrame) -> gpd.GeoDataFrame:
    """The pairs as lines from site to site."""
    places = reg.sites(columns=()).geometry
    return between(pairs, places.reindex(pairs["uid"]), places.reindex(pairs["other_uid"]))
