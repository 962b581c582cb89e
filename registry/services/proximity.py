"""The nearest plants of every site."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError
from registry.services import geodesy, materials
from registry.services.kernels.nearest_places import Places

if TYPE_CHECKING:
    import pyproj
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from scipy.spatial import cKDTree

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

_CHUNK = 1 << 15
_SAMPLE = 1_024
"""Sites that tell how far the nearest plants are."""

_MOST_CANDIDATES = 1 << 21
"""Candidates whose geodesics are held in memory at once, per thread."""


def nearest_plants(
    sites: GeoDataFrame, plants: GeoDataFrame, *, k: int = 1, same_material: bool = True
) -> pd.DataFrame:
    """Find the k nearest plants of every site, by geodesic distance.

    Parameters
    ----------
    sites : (n,) points, index ``uid``; columns ``waste_codes`` and ``province_code`` are used where they are
    plants : (m,) points, index ``uid``; the same columns. Brought to the CRS of ``sites``
    k : how many plants
    same_material : only plants that accept what the site holds (`materials.matching`); where neither layer has
        ``waste_codes``, all do

    Returns
    -------
    (≤ n·k,) rows ``site_uid, rank, plant_uid, distance_m, azimuth_deg, same_province`` in the order of sites and rank.
    ``rank`` runs from 1; ``azimuth_deg`` is the direction at the site, clockwise from north, [0, 360), NaN where the
    plant is at the site; ``same_province`` is missing where a province is unknown. A site with fewer matching plants
    has fewer rows. Equally distant plants stand in the order of ``plants``.

    Raises
    ------
    EmptyLayerError : there is no plant at all.
    BadParameterError : k is less than 1; a geometry is missing, empty or no point; a uid occurs twice.
    CrsError : a layer has no CRS.
    UnknownColumnError : one layer has ``waste_codes`` and the other has not.

    Notes
    -----
    Candidates come from a k-d tree on geocentric coordinates. Chord order and geodesic order can differ, so wherever
    the bounds that a chord sets (`geodesy.geodesic_bounds`) leave the order open, Karney's geodesic (2013,
    doi:10.1007/s00190-012-0578-z) of all candidates within them decides. Where they settle it, distances of up to
    40 km come from the chord itself (`geodesy.short_inverse`), equal to Karney's to 10 nanometres.
    """
    if not 1 <= k < np.inf or int(k) != k:
        raise BadParameterError(f"k = {k}: give a whole number of plants, 1 or more.")
    if len(plants) == 0:
        raise EmptyLayerError("plants: there is none, so no site has a nearest one. Import plants first.")
    crs = geodesy.layer_crs(sites, "sites")
    site_position = geodesy.lonlat(sites, "sites", crs)
    plant_position = geodesy.lonlat(plants, "plants", crs)
    match = materials.matching(sites, plants, same_material=same_material)

    pieces = [
        _nearest(geodesy.ellipsoid(crs), site_position, plant_position, (members, accepted), int(k))
        for members, accepted in _groups(match)
    ]
    if len(pieces) == 1:
        site, rank, plant, distance, azimuth = pieces[0]
    else:
        site = np.concatenate([np.empty(0, np.intp), *(piece[0] for piece in pieces)])
        rank = np.concatenate([np.empty(0, np.intp), *(piece[1] for piece in pieces)])
        plant = np.concatenate([np.empty(0, np.intp), *(piece[2] for piece in pieces)])
        distance = np.concatenate([np.empty(0), *(piece[3] for piece in pieces)])
        azimuth = np.concatenate([np.empty(0), *(piece[4] for piece in pieces)])
        order = np.lexsort((rank, site))
        site, rank, plant = site[order], rank[order], plant[order]
        distance, azimuth = distance[order], azimuth[order]
    whole = site.size == len(sites) and k == 1
    return pd.DataFrame(
        {
            "site_uid": sites.index if whole else sites.index.take(site),
            "rank": rank,
            "plant_uid": plants.index.take(plant),
            "distance_m": distance,
            "azimuth_deg": azimuth,
            "same_province": _same_province(sites, plants, site, plant),
        },
        copy=False,
    )


def _groups(match: materials.Matching) -> list[tuple[IntArray, IntArray]]:
    """Return the sites that accept the same plants together with these plants, by row."""
    kinds, kind_of_group = np.unique(match.accepts, axis=0, return_inverse=True)
    if len(kinds) == 1 and kinds.all():
        return [(np.arange(match.site_group.size), np.arange(match.plant_group.size))]
    kind_of_site = kind_of_group.ravel()[match.site_group]
    groups = []
    for kind, accepts in enumerate(kinds):
        accepted = np.flatnonzero(accepts[match.plant_group])
        if accepted.size:
            groups.append((np.flatnonzero(kind_of_site == kind), accepted))
    return groups


def _same_province(
    sites: pd.DataFrame, plants: pd.DataFrame, site: IntArray, plant: IntArray
) -> pd.arrays.BooleanArray:
    """Whether both lie in one province, missing where either is unknown."""
    column = "province_code"
    if column not in sites.columns or column not in plants.columns:
        return pd.arrays.BooleanArray(np.zeros(site.size, np.bool_), np.ones(site.size, np.bool_))
    both = pd.concat([sites[column].astype(object), plants[column].astype(object)], ignore_index=True)
    codes, _ = pd.factorize(both)
    of_site, of_plant = codes[: len(sites)][site], codes[len(sites) :][plant]
    return pd.arrays.BooleanArray(of_site == of_plant, (of_site < 0) | (of_plant < 0))


_Rows = tuple["IntArray", "IntArray", "IntArray", "FloatArray", "FloatArray"]


def _nearest(
    geod: pyproj.Geod,
    sites: tuple[FloatArray, FloatArray],
    plants: tuple[FloatArray, FloatArray],
    group: tuple[IntArray, IntArray],
    k: int,
) -> _Rows:
    """Return site, rank, plant, distance and azimuth for one group of sites and the plants it may use."""
    members, accepted = group
    lon, lat = (values[members] for values in sites) if members.size < sites[0].size else sites
    to_lon, to_lat = (values[accepted] for values in plants)
    places, place_of = np.unique(np.column_stack([to_lon, to_lat]), axis=0, return_inverse=True)
    # Plants at one place are one point of the tree; `crowd` lists them in the order of rows.
    crowd = np.argsort(place_of.ravel(), kind="stable")
    crowd_first = np.searchsorted(place_of.ravel()[crowd], np.arange(len(places) + 1))
    x, y = np.ascontiguousarray(places[:, 0]), np.ascontiguousarray(places[:, 1])
    place_xyz = geodesy.geocentric(geod, x, y)
    known = Places(geod, x, y, place_xyz)
    wanted, kept = min(k, len(places)), min(k, accepted.size)
    plant = np.empty((lon.size, kept), np.intp)
    distance, azimuth = np.empty((lon.size, kept)), np.empty((lon.size, kept))
    crowded = np.diff(crowd_first) > 1

    near = min(wanted + 1, len(places))
    sampled = slice(None, None, max(lon.size // _SAMPLE, 1))
    known.expect(geodesy.geocentric(geod, lon[sampled], lat[sampled]), near)

    def kernel(part: slice) -> None:
        xyz = geodesy.geocentric(geod, lon[part], lat[part])
        chord, place = known.nearest(lon[part], lat[part], xyz, near)
        # Plants at one place are equally distant, and their number may fill the ranks of others.
        unsettled = _unsettled(geod, chord) | crowded[place[:, :wanted]].any(axis=1)
        if not unsettled.all():
            settled = np.flatnonzero(~unsettled)
            flat = place[settled, :wanted].ravel()
            origin = np.repeat(settled + part.start, wanted)
            geodesics = geodesy.short_inverse(
                geod,
                (lon[origin], lat[origin], xyz[origin - part.start]),
                (x[flat], y[flat], place_xyz[flat]),
                chord[settled, :wanted].ravel(),
            )
            plant[settled + part.start] = crowd[crowd_first[flat]].reshape(-1, wanted)
            distance[settled + part.start] = geodesics.distance_m.reshape(-1, wanted)
            azimuth[settled + part.start] = geodesics.azimuth_deg.reshape(-1, wanted)
        rest = np.flatnonzero(unsettled)
        for some, candidates in _candidates(geod, known.tree, xyz, (rest, chord[rest, wanted - 1])):
            origin = some + part.start
            sizes = np.array([len(c) for c in candidates])
            at = np.concatenate(candidates)
            owner = np.repeat(np.arange(some.size), sizes)
            geodesics = geodesy.inverse_chunk(geod, lon[origin][owner], lat[origin][owner], x[at], y[at])
            row, pick = _by_distance(owner, at, geodesics.distance_m, (crowd, crowd_first), kept)
            plant[origin] = row.reshape(-1, kept)
            distance[origin] = geodesics.distance_m[pick].reshape(-1, kept)
            azimuth[origin] = geodesics.azimuth_deg[pick].reshape(-1, kept)

    geodesy.in_chunks(kernel, lon.size, _CHUNK)
    rank = np.tile(np.arange(1, kept + 1), lon.size)
    row = plant.ravel() if accepted.size == plants[0].size else accepted[plant.ravel()]
    site = members if kept == 1 else np.repeat(members, kept)
    return site, rank, row, distance.ravel(), azimuth.ravel()


def _unsettled(geod: pyproj.Geod, chord: FloatArray) -> NDArray[np.bool_]:
    """Whether the chords of the nearest places, (n, one more than wanted), leave it open which they are and in what order."""
    if chord.shape[1] == 1:
        return np.zeros(len(chord), np.bool_)
    lower, upper = geodesy.geodesic_bounds(geod, chord)
    return np.asarray((upper[:, :-1] >= lower[:, 1:]).any(axis=1))


def _candidates(
    geod: pyproj.Geod, tree: cKDTree, xyz: FloatArray, unsettled: tuple[IntArray, FloatArray]
) -> list[tuple[IntArray, list[IntArray]]]:
    """All places that could be among the nearest, by batches of sites whose candidates fit into memory."""
    rest, chord = unsettled
    if rest.size == 0:
        return []
    reach = geodesy.geodesic_bounds(geod, chord)[1]
    radius = geodesy.longest_chord(geod, reach)
    counts = tree.query_ball_point(xyz[rest], radius, return_length=True)
    batch = np.cumsum(counts) // _MOST_CANDIDATES
    found = []
    for number in np.unique(batch):
        some = batch == number
        lists = tree.query_ball_point(xyz[rest[some]], radius[some], return_sorted=False)
        found.append((rest[some], [np.asarray(places, dtype=np.intp) for places in lists]))
    return found


def _by_distance(
    owner: IntArray, at: IntArray, distance: FloatArray, crowd: tuple[IntArray, IntArray], kept: int
) -> tuple[IntArray, IntArray]:
    """Return the ``kept`` nearest plants of every owner, and the candidate each came with."""
    members, first = crowd
    counts = first[at + 1] - first[at]
    candidate = np.repeat(np.arange(at.size), counts)
    row = members[np.arange(candidate.size) - (np.cumsum(counts) - counts)[candidate] + first[at][candidate]]
    order = np.lexsort((row, distance[candidate], owner[candidate]))
    starts = np.flatnonzero(np.diff(owner[candidate][order], prepend=-1))
    place = np.arange(order.size) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    chosen = order[place < kept]
    return row[chosen], candidate[chosen]
