"""Sites near each other: chains of ponds, heaps above smelters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import geodesy

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

MOST_PAIRS = 50_000_000
"""Pairs that are listed unless the caller asks for more: about 2 GB of result."""

_BATCH_PAIRS = 1 << 20
_BATCH_SITES = 1 << 13


def pairs_within(
    sites: GeoDataFrame,
    distance_m: float,
    others: GeoDataFrame | None = None,
    *,
    most_pairs: int = MOST_PAIRS,
) -> pd.DataFrame:
    """Find the pairs of sites that lie within a geodesic distance of each other.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    distance_m : metres, from 0 (the same place) to half a meridian; a pair exactly at it is inside
    others : (m,) points, index ``uid``, in any CRS: then pairs of one site and one of the others
    most_pairs : how many pairs there may be

    Returns
    -------
    Rows ``uid, other_uid, distance_m`` in the order of both layers. Within one layer each pair comes once, the one
    that stands first in the layer as ``uid``, and none with itself; between two layers all pairs come, also those of
    one uid that is in both.

    Raises
    ------
    BadParameterError : the distance is negative, no number or more than half a meridian; there are more than
        ``most_pairs``; a geometry is missing, empty or no point; a uid occurs twice.
    CrsError : a layer has no CRS.

    Notes
    -----
    A k-d tree on geocentric coordinates finds the pairs within the longest chord that the distance can have
    (`geodesy.chord_bounds`); where the chord alone does not settle it, Karney's geodesic (2013,
    doi:10.1007/s00190-012-0578-z) does. Distances of settled pairs up to 40 km come from the chord
    (`geodesy.short_inverse`), equal to Karney's to 10 nanometres, all others are Karney's. Batches follow the order
    of the tree, so that each is compact, and hold about a million pairs a thread.
    """
    crs = geodesy.layer_crs(sites, "sites")
    geod = geodesy.ellipsoid(crs)
    longest = geodesy.half_meridian_m(geod)
    if not 0 <= distance_m <= longest:
        raise BadParameterError(f"distance_m = {distance_m}: give metres from 0 to {longest:,.0f}.")
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    to_lon, to_lat = (lon, lat) if others is None else geodesy.lonlat(others, "others", crs)
    xyz = geodesy.geocentric(geod, lon, lat)
    to_xyz = xyz if others is None else geodesy.geocentric(geod, to_lon, to_lat)
    bounds = geodesy.chord_bounds(geod, distance_m)
    tree = cKDTree(xyz)
    to_tree = tree if others is None else cKDTree(to_xyz)
    # Chords that are surely inside are counted first, so that a hopeless request fails before any work.
    if bounds.inside_m > 0 and lon.size and to_lon.size:
        sure = int(tree.count_neighbors(to_tree, bounds.inside_m))
        _check_number((sure - lon.size) // 2 if others is None else sure, distance_m, most_pairs)

    order = tree.indices
    counts = to_tree.query_ball_point(xyz[order], bounds.outside_m, return_length=True, workers=-1)
    batches = geodesy.batches(counts, most_pairs=_BATCH_PAIRS, most_rows=_BATCH_SITES)
    pieces: list[tuple[IntArray, IntArray, FloatArray]] = []

    def kernel(numbers: slice) -> None:
        for number in range(numbers.start, numbers.stop):
            rows = order[batches[number] : batches[number + 1]]
            found = cKDTree(xyz[rows]).sparse_distance_matrix(to_tree, bounds.outside_m, output_type="ndarray")
            site, other, chord = rows[found["i"]], found["j"], found["v"]
            if others is None:
                once = other > site
                site, other, chord = site[once], other[once], chord[once]
            distance = geodesy.short_inverse(
                geod, (lon[site], lat[site], xyz[site]), (to_lon[other], to_lat[other], to_xyz[other]), chord
            ).distance_m
            band = np.flatnonzero(chord > bounds.inside_m)
            if band.size:
                at, to = site[band], other[band]
                exact = geodesy.inverse_chunk(geod, lon[at], lat[at], to_lon[to], to_lat[to])
                distance[band] = exact.distance_m
                keep = np.ones(chord.size, np.bool_)
                keep[band] = exact.distance_m <= distance_m
                site, other, distance = site[keep], other[keep], distance[keep]
            pieces.append((site, other, distance))

    geodesy.in_chunks(kernel, len(batches) - 1, 1)
    site = np.concatenate([np.empty(0, np.intp), *(piece[0] for piece in pieces)])
    other = np.concatenate([np.empty(0, np.intp), *(piece[1] for piece in pieces)])
    distance = np.concatenate([np.empty(0), *(piece[2] for piece in pieces)])
    _check_number(site.size, distance_m, most_pairs)
    by_row = np.lexsort((other, site))
    return pd.DataFrame(
        {
            "uid": sites.index.take(site[by_row]),
            "other_uid": (sites if others is None else others).index.take(other[by_row]),
            "distance_m": distance[by_row],
        }
    )


def clusters(pairs: pd.DataFrame, uids: Iterable[Hashable]) -> pd.Series:
    """Number the groups of sites that pairs connect, directly or through others: the chains of ponds.

    Parameters
    ----------
    pairs : rows with ``uid`` and ``other_uid``, as from `pairs_within` on one layer
    uids : (n,) all sites, each once; for pairs between two layers, those of both

    Returns
    -------
    (n,) Series of integers ``cluster``, index ``uids``, from 1 in the order in which groups first occur in ``uids``.
    A site in no pair is a group of its own.

    Raises
    ------
    UnknownColumnError : a column is missing.
    BadParameterError : a pair has a uid that is not among ``uids``, or ``uids`` has one twice.
    """
    index = uids if isinstance(uids, pd.Index) else pd.Index(list(uids))
    if not index.is_unique:
        twice = index[index.duplicated()][0]
        raise BadParameterError(f"uids: {twice} occurs more than once. Give each site once.")
    for column in ("uid", "other_uid"):
        if column not in pairs.columns:
            raise UnknownColumnError(f"pairs: no column {column}. Found: {', '.join(map(str, pairs.columns))}.")
    ends = [index.get_indexer(pd.Index(pairs[column])) for column in ("uid", "other_uid")]
    for column, rows in zip(("uid", "other_uid"), ends, strict=True):
        if (rows < 0).any():
            stranger = pairs[column].iloc[int(np.argmin(rows))]
            raise BadParameterError(f"pairs: {column} {stranger} is not among the uids. Give all sites of the pairs.")
    links = csr_array((np.ones(len(pairs), np.int8), (ends[0], ends[1])), shape=(len(index), len(index)))
    label = connected_components(links, directed=False)[1] if len(index) else np.empty(0, np.intp)
    number = pd.factorize(label)[0].astype(np.int64) + 1
    return pd.Series(number, index=index, name="cluster")


def _check_number(pairs: int, distance_m: float, most_pairs: int) -> None:
    if pairs > most_pairs:
        raise BadParameterError(
            f"{pairs:,} pairs lie within {distance_m:,.0f} m, more than most_pairs = {most_pairs:,}. "
            "Ask for a shorter distance or fewer sites, or raise most_pairs."
        )
