"""The search behind `receptors`: which features are nearest to which places, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import shapely
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from registry.services import geodesy
from registry.services.kernels import edges

if TYPE_CHECKING:
    import pyproj
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

_MOST_PAIRS = 1 << 19
"""Pairs of a site and a piece of an edge that one thread holds in memory at once."""

_MOST_PIECES = 32
"""Pieces that are asked before features are asked one by one."""

_MOST_ROWS = 1 << 16


class Target(NamedTuple):
    """What is measured against.

    Attributes
    ----------
    pieces : its edges; ``owner`` is the row of the feature
    tree : k-d tree of their middles
    reach_m : metres that a piece extends at most from its middle
    polygons, polygon_owner : its areas, and the feature of each
    """

    geod: pyproj.Geod
    features: int
    pieces: edges.Pieces
    tree: cKDTree
    reach_m: float
    polygons: NDArray[np.object_]
    polygon_owner: IntArray

    @classmethod
    def of(cls, geod: pyproj.Geod, geometries: NDArray[np.object_], *, one: bool = False) -> Self:
        """Index checked geometries; with ``one`` they are a single feature."""
        parts, owner = edges.simple_parts(shapely.force_2d(geometries))
        if one:
            owner = np.zeros_like(owner)
        pieces = edges.pieces_of(geod, parts, owner)
        areal = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
        reach = float(pieces.length_m.max()) / 2.0 + geodesy.CHORD_NOISE_M
        count = 1 if one else len(geometries)
        return cls(geod, count, pieces, cKDTree(pieces.middle), reach, parts[areal], owner[areal])

    def inside(self, lon: FloatArray, lat: FloatArray) -> tuple[IntArray, IntArray]:
        """Pairs of a point and a feature whose area or boundary holds it."""
        if self.polygons.size == 0 or lon.size == 0:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        x = np.where(np.abs(lon) > 180.0, lon - 360.0 * np.round(lon / 360.0), lon)
        west, east = shapely.bounds(self.polygons)[:, [0, 2]].T
        point, owner = [], []
        for turn in (-360.0, 0.0, 360.0):
            some = np.flatnonzero((west <= x.max() + turn) & (east >= x.min() + turn))
            if some.size:
                # The geometries that ask are prepared, so many points in one large polygon cost little.
                polygon, at = shapely.STRtree(np.asarray(shapely.points(x + turn, lat))).query(
                    self.polygons[some], predicate="intersects"
                )
                point.append(at)
                owner.append(self.polygon_owner[some][polygon])
        if not point:
            return np.empty(0, np.intp), np.empty(0, np.intp)
        pairs = np.unique(np.column_stack([np.concatenate(point), np.concatenate(owner)]), axis=0)
        return pairs[:, 0], pairs[:, 1]


class Found(NamedTuple):
    """Rows of sites and of features, and the nearest place on each."""

    site: IntArray
    feature: IntArray
    place: edges.Nearest


def ranks(site: IntArray) -> IntArray:
    """Number the rows of each site from 1; equal sites stand together."""
    starts = np.flatnonzero(np.diff(site, prepend=-1))
    return np.arange(1, site.size + 1) - np.repeat(starts, np.diff(np.append(starts, site.size)))


def near_enough(target: Target, sites: tuple[FloatArray, FloatArray], k: int) -> IntArray:
    """Rows of the sites that could be among the k nearest to a target of one feature."""
    n = sites[0].size
    if k >= n:
        return np.arange(n)
    chord = np.empty(n)

    def kernel(part: slice) -> None:
        chord[part] = target.tree.query(geodesy.geocentric(target.geod, sites[0][part], sites[1][part]))[0]

    geodesy.in_chunks(kernel, n)
    low, high = geodesy.geodesic_bounds(target.geod, np.maximum(chord - target.reach_m, 0.0))[0], chord
    high = geodesy.geodesic_bounds(target.geod, chord)[1]
    held = target.inside(*sites)[0]
    low[held] = high[held] = 0.0
    return np.flatnonzero(low <= np.partition(high, k - 1)[k - 1])


def nearest(target: Target, sites: tuple[FloatArray, FloatArray], k: int, within_m: float | None) -> Found:
    """Return the k nearest features of every site, ordered by site, distance and feature.

    Parameters
    ----------
    sites : (n,) longitudes and latitudes, degrees
    k : how many, 1 or more
    within_m : only features at most so many geodesic metres away
    """
    lon, lat = sites
    xyz = geodesy.geocentric(target.geod, lon, lat)
    k = min(k, target.features)
    held, holder = target.inside(lon, lat)
    rows = np.arange(lon.size)
    if k == 1:
        rows = np.setdiff1d(rows, held, assume_unique=False)
    limit = np.inf
    if within_m is not None:
        limit = float(geodesy.longest_chord(target.geod, np.array([within_m]))[0]) + target.reach_m
    pieces = target.pieces.owner.size
    results: list[Found] = []
    near = min(4 * k + 4, pieces)
    while rows.size and near <= max(_MOST_PIECES, 4 * k + 4):
        rows = _by_pieces(target, sites, (xyz, rows), (k, near, limit), results)
        near = min(near * 4, pieces) if near < pieces else pieces + 1
    if rows.size:
        _by_features(target, sites, (xyz, rows), (k, limit), results)

    own = edges.Nearest(np.zeros(held.size), np.full(held.size, np.nan), lon[held], lat[held])
    results.append(Found(held, holder, own))
    site = np.concatenate([result.site for result in results])
    feature = np.concatenate([result.feature for result in results])
    place = edges.Nearest(*(np.concatenate(columns) for columns in zip(*(r.place for r in results), strict=True)))
    chosen = _k_nearest(site, feature, place.distance_m, k)
    if within_m is not None:
        chosen = chosen[place.distance_m[chosen] <= within_m]
    return Found(site[chosen], feature[chosen], edges.Nearest(*(values[chosen] for values in place)))


def _k_nearest(site: IntArray, feature: IntArray, distance: FloatArray, k: int) -> IntArray:
    """Return the least of each pair, of these the k first of each site; equal distances in the order of features."""
    order = np.lexsort((distance, feature, site))
    new = np.ones(order.size, np.bool_)
    new[1:] = (np.diff(site[order]) != 0) | (np.diff(feature[order]) != 0)
    order = order[new]
    order = order[np.lexsort((feature[order], distance[order], site[order]))]
    return order[ranks(site[order]) <= k]


def _by_pieces(
    target: Target,
    sites: tuple[FloatArray, FloatArray],
    places: tuple[FloatArray, IntArray],
    search: tuple[int, int, float],
    results: list[Found],
) -> IntArray:
    """Settle the sites whose k nearest features are surely among the ``near`` nearest pieces; return the others."""
    (xyz, rows), (k, near, limit) = places, search
    unsettled: list[IntArray] = []
    everything = near == target.pieces.owner.size

    def kernel(part: slice) -> None:
        some = rows[part]
        chord, piece = (
            found.reshape(-1, near) for found in target.tree.query(xyz[some], k=near, distance_upper_bound=limit)
        )
        there = chord < np.inf
        row, piece = np.nonzero(there)[0], piece[there]
        candidate = _Candidates.of(target, xyz[some], (row, piece), k)
        last = chord[:, -1]
        with np.errstate(invalid="ignore"):
            beyond = geodesy.geodesic_bounds(target.geod, np.where(last < np.inf, last - target.reach_m, 0.0))[0]
        settled = (beyond > candidate.farthest) | (last == np.inf) | everything
        unsettled.append(some[~settled])
        _measure(target, sites, some, candidate, settled, results)

    geodesy.in_chunks(kernel, rows.size, max(_MOST_PAIRS // near, 1))
    return np.sort(np.concatenate(unsettled))


class _Candidates(NamedTuple):
    """Pairs of a row and a piece, the row ascending, with the t nearest on its chord and the least distance possible.

    ``farthest`` is for each row the distance within which its k nearest features surely lie, infinite for fewer.
    """

    row: IntArray
    piece: IntArray
    t: FloatArray
    least: FloatArray
    farthest: FloatArray

    @classmethod
    def of(cls, target: Target, xyz: FloatArray, pairs: tuple[IntArray, IntArray], k: int) -> _Candidates:
        row, piece = pairs
        t, chord = edges.chord_foot(target.pieces, piece, xyz[row])
        bend = target.pieces.bend_m[piece]
        least = geodesy.geodesic_bounds(target.geod, np.maximum(chord - bend, 0.0))[0]
        most = geodesy.geodesic_bounds(target.geod, chord + bend)[1]
        farthest = np.full(len(xyz), np.inf)
        if k == 1:
            starts = np.flatnonzero(np.diff(row, prepend=-1))
            if starts.size:
                farthest[row[starts]] = np.minimum.reduceat(most, starts)
        else:
            chosen = _k_nearest(row, target.pieces.owner[piece], most, k)
            kth = chosen[ranks(row[chosen]) == k]
            farthest[row[kth]] = most[kth]
        return cls(row, piece, t, least, farthest)


def _measure(
    target: Target,
    sites: tuple[FloatArray, FloatArray],
    some: IntArray,
    candidate: _Candidates,
    settled: NDArray[np.bool_],
    results: list[Found],
) -> None:
    """Add the exact distances of the candidates that remain."""
    keep = np.flatnonzero(settled[candidate.row] & (candidate.least <= candidate.farthest[candidate.row]))
    site, piece = some[candidate.row[keep]], candidate.piece[keep]
    place = edges.nearest_on_pieces(
        target.geod, target.pieces, piece, (sites[0][site], sites[1][site]), candidate.t[keep]
    )
    results.append(Found(site, target.pieces.owner[piece], place))


def _by_features(
    target: Target,
    sites: tuple[FloatArray, FloatArray],
    places: tuple[FloatArray, IntArray],
    search: tuple[int, float],
    results: list[Found],
) -> None:
    """Settle sites to which very many pieces are about equally near, or that one feature of many pieces surrounds.

    Each feature has a tree of its own, which is asked for the sites whose k nearest could include it.
    """
    (xyz, rows), (k, limit) = places, search
    of_feature = np.argsort(target.pieces.owner, kind="stable")
    cuts = np.searchsorted(target.pieces.owner[of_feature], np.arange(1, target.features))
    members = np.split(of_feature, cuts)
    trees = [cKDTree(target.pieces.middle[of]) for of in members]
    centre = np.array([(tree.mins + tree.maxes) / 2.0 for tree in trees])
    round_m = np.array([np.linalg.norm(tree.maxes - tree.mins) / 2.0 for tree in trees])
    # One piece of each feature gives a first bound for the distance to the k-th.
    first = cKDTree(np.array([target.pieces.middle[of[of.size // 2]] for of in members]))
    for block in np.array_split(rows, np.arange(_MOST_ROWS, rows.size, _MOST_ROWS)):
        here = xyz[block]
        kth_chord = first.query(here, k=[k], workers=-1)[0][:, 0]
        kth = geodesy.geodesic_bounds(target.geod, kth_chord)[1]
        reach = np.minimum(geodesy.longest_chord(target.geod, kth) + target.reach_m, limit)
        row, feature = _within_spheres(here, reach, centre, round_m)
        bounds = np.cumsum(np.bincount(feature, minlength=target.features))[:-1]
        groups = np.split(np.arange(row.size), bounds)
        chord = np.full(row.size, np.inf)

        def ask(
            part: slice,
            groups: list[IntArray] = groups,
            here: FloatArray = here,
            row: IntArray = row,
            chord: FloatArray = chord,
        ) -> None:
            for number in range(part.start, part.stop):
                of = groups[number]
                chord[of] = trees[number].query(here[row[of]], distance_upper_bound=limit)[0]

        geodesy.in_chunks(ask, target.features, max(target.features // 64, 1))
        there = chord < np.inf
        known = np.where(there, chord, 0.0)
        most = np.where(there, geodesy.geodesic_bounds(target.geod, known)[1], np.inf)
        least = geodesy.geodesic_bounds(target.geod, np.maximum(known - target.reach_m, 0.0))[0]
        nearest = _k_nearest(row, feature, most, k)
        last = nearest[ranks(row[nearest]) == k]
        kth[row[last]] = np.minimum(kth[row[last]], most[last])
        asked = there & (least <= kth[row])
        radius = geodesy.longest_chord(target.geod, np.where(asked, np.minimum(most, kth[row]), 0.0)) + target.reach_m

        def measure(
            part: slice,
            groups: list[IntArray] = groups,
            here: FloatArray = here,
            block: IntArray = block,
            pairs: tuple[IntArray, NDArray[np.bool_], FloatArray] = (row, asked, radius),
        ) -> None:
            for number in range(part.start, part.stop):
                of = groups[number][pairs[1][groups[number]]]
                if of.size == 0:
                    continue
                some, radii = pairs[0][of], pairs[2][of]
                counts = trees[number].query_ball_point(here[some], radii, return_length=True)
                batch = np.cumsum(counts) // _MOST_PAIRS
                for which in np.unique(batch):
                    at, wide = some[batch == which], radii[batch == which]
                    near = trees[number].query_ball_point(here[at], wide)
                    owner = np.repeat(np.arange(at.size), [len(found) for found in near])
                    piece = members[number][np.concatenate([np.asarray(found, dtype=np.intp) for found in near])]
                    candidate = _Candidates.of(target, here[at], (owner, piece), 1)
                    _measure(target, sites, block[at], candidate, np.ones(at.size, np.bool_), results)

        geodesy.in_chunks(measure, target.features, max(target.features // 64, 1))


def _within_spheres(
    xyz: FloatArray, reach: FloatArray, centre: FloatArray, round_m: FloatArray
) -> tuple[IntArray, IntArray]:
    """Pairs of (n, 3) places and spheres that come within reach of each other, by sphere."""
    rows, spheres = [np.empty(0, np.intp)], [np.empty(0, np.intp)]
    for start in range(0, len(xyz), step := max(_MOST_PAIRS // len(centre), 1)):
        part = slice(start, start + step)
        row, sphere = np.nonzero(cdist(xyz[part], centre) <= reach[part, None] + round_m)
        rows.append(row + start)
        spheres.append(sphere)
    row, sphere = np.concatenate(rows), np.concatenate(spheres)
    order = np.argsort(sphere, kind="stable")
    return row[order], sphere[order]
