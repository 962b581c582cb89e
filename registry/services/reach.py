"""Which sites lie within the radii of which plants: the pairs, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.spatial import cKDTree

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import geodesy, materials

if TYPE_CHECKING:
    import pyproj
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

TONNES = ("annual_t", "stock_t")

_MOST_PAIRS = 1 << 21
"""Pairs that one thread holds in memory at once."""

_MOST_SITES = 1 << 14


class Streams(NamedTuple):
    """Tonnes by waste code.

    Attributes
    ----------
    site : (s,) site of every stream, ascending
    tonnes : (s, 2) annual and stocked
    group : (s,) row of ``accepts`` of every stream
    accepts : (codes, plant groups) whether the plants accept the code
    """

    site: IntArray
    tonnes: FloatArray
    group: IntArray
    accepts: NDArray[np.bool_]


@dataclass(frozen=True)
class Holdings:
    """What the sites hold and which plants take it.

    Attributes
    ----------
    match : who matches whom
    site_tonnes : (n, 2) annual and stocked tonnes of every site, missing ones as 0
    known : whether anything says annual and stocked tonnes
    streams : the parts that the tonnes come in; None where a plant takes whole sites
    """

    match: materials.Matching
    site_tonnes: FloatArray
    known: tuple[bool, bool]
    streams: Streams | None = None

    @classmethod
    def of(
        cls, sites: GeoDataFrame, plants: GeoDataFrame, streams: pd.DataFrame | None, *, same_material: bool
    ) -> Self:
        """Read the holdings of sites from their own columns or from their streams."""
        if streams is None:
            match = materials.matching(sites, plants, same_material=same_material)
            return cls(match, _tonnes(sites), _known(sites))
        for column in ("site_uid", "waste_code"):
            if column not in streams.columns:
                raise UnknownColumnError(f"streams: no column {column}. Found: {', '.join(map(str, streams.columns))}.")
        site = sites.index.get_indexer(pd.Index(streams["site_uid"]))
        if (site < 0).any():
            stranger = streams["site_uid"].iloc[int(np.argmin(site))]
            raise BadParameterError(
                f"streams: site_uid {stranger} is not among the sites. Give streams of these sites."
            )
        order = np.argsort(site, kind="stable")
        streams, site = streams.iloc[order], site[order]
        tonnes = _tonnes(streams)
        site_tonnes = np.zeros((len(sites), 2))
        np.add.at(site_tonnes, site, tonnes)
        if not same_material:
            everything = materials.matching(sites, plants, same_material=False)
            return cls(everything, site_tonnes, _known(streams))
        texts = streams["waste_code"].astype(object).where(streams["waste_code"].notna(), "")
        held = texts.groupby(site).agg(";".join).reindex(range(len(sites))).fillna("")
        if materials.COLUMN in sites.columns:
            held = held.str.cat(sites[materials.COLUMN].fillna("").astype(str).to_numpy(), sep=";")
        match = materials.matching(pd.DataFrame({materials.COLUMN: held.to_numpy()}), plants)
        group, codes = materials.distinct(texts)
        by_plant, taken = materials.distinct(plants[materials.COLUMN])
        # Both read the same column, so groups of plants are numbered alike.
        accepts = materials.accepted(codes, taken)
        parts = Streams(site, tonnes, group, accepts)
        return cls(match._replace(plant_group=by_plant), site_tonnes, _known(streams), parts)


def _known(frame: pd.DataFrame) -> tuple[bool, bool]:
    return TONNES[0] in frame.columns, TONNES[1] in frame.columns


def _tonnes(frame: pd.DataFrame) -> FloatArray:
    columns = [
        np.nan_to_num(pd.to_numeric(frame[column]).to_numpy(dtype=np.float64, na_value=np.nan))
        if column in frame.columns
        else np.zeros(len(frame))
        for column in TONNES
    ]
    return np.column_stack(columns)


class Reach(NamedTuple):
    """What is within reach, by radius.

    Attributes
    ----------
    plants_of_site : (radii, n) matching plants that reach a site
    annual_of_site : (radii, n) tonnes a year of a site that a plant within reach accepts
    sites_of_plant : (radii, m) matching sites that a plant reaches
    tonnes_of_plant : (2, radii, m) annual and stocked tonnes that it reaches and accepts
    """

    plants_of_site: NDArray[np.int64]
    annual_of_site: FloatArray
    sites_of_plant: NDArray[np.int64]
    tonnes_of_plant: FloatArray


def measure(
    geod: pyproj.Geod,
    sites: tuple[FloatArray, FloatArray],
    plants: tuple[FloatArray, FloatArray],
    radii_m: FloatArray,
    holdings: Holdings,
) -> Reach:
    """Add up what lies within each of the radii, metres ascending, of each plant.

    Memory is bounded: sites are taken in batches with at most about two million pairs a thread. The sums are added in
    the order of batches, so that the result does not depend on the threads.
    """
    n, m, r = sites[0].size, plants[0].size, radii_m.size
    reach = Reach(np.zeros((r, n), np.int64), np.zeros((r, n)), np.zeros((r, m), np.int64), np.zeros((2, r, m)))
    if n == 0:
        return reach
    site_xyz, plant_xyz = geodesy.geocentric(geod, *sites), geodesy.geocentric(geod, *plants)
    tree = cKDTree(plant_xyz)
    bounds = [geodesy.chord_bounds(geod, radius) for radius in radii_m]
    widest = bounds[-1].outside_m
    counts = tree.query_ball_point(site_xyz, widest, return_length=True, workers=-1)
    batches = geodesy.batches(counts, most_pairs=_MOST_PAIRS, most_rows=_MOST_SITES)
    lock = Lock()
    pending: dict[int, tuple[NDArray[np.int64], FloatArray]] = {}
    settled = [0]

    def kernel(numbers: slice) -> None:
        for number in range(numbers.start, numbers.stop):
            part = slice(batches[number], batches[number + 1])
            own = _add_batch(
                geod,
                (sites, plants),
                (site_xyz[part], tree, widest),
                (radii_m, bounds),
                holdings,
                part,
                reach,
            )
            with lock:
                pending[number] = own
                while settled[0] in pending:
                    counted, tonnes = pending.pop(settled[0])
                    reach.sites_of_plant[:] += counted
                    reach.tonnes_of_plant[:] += tonnes
                    settled[0] += 1

    geodesy.in_chunks(kernel, len(batches) - 1, 1)
    return reach


def _add_batch(
    geod: pyproj.Geod,
    layers: tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    search: tuple[FloatArray, cKDTree, float],
    limits: tuple[FloatArray, list[geodesy.ChordBounds]],
    holdings: Holdings,
    part: slice,
    reach: Reach,
) -> tuple[NDArray[np.int64], FloatArray]:
    """Fill in a batch of sites; return what it adds to the plants."""
    (site_lon, site_lat), (plant_lon, plant_lat) = layers
    xyz, tree, widest = search
    pairs = cKDTree(xyz).sparse_distance_matrix(tree, widest, output_type="ndarray")
    site, plant, chord = pairs["i"], pairs["j"], pairs["v"]
    match = holdings.match
    if not match.accepts.all():
        keep = match.accepts[match.site_group[part][site], match.plant_group[plant]]
        site, plant, chord = site[keep], plant[keep], chord[keep]
    n, m = len(xyz), plant_lon.size
    counted = np.zeros((len(limits[0]), m), np.int64)
    tonnes = np.zeros((2, len(limits[0]), m))
    for number in range(len(limits[0]) - 1, -1, -1):
        inside, outside = limits[1][number]
        within = chord <= inside
        band = np.flatnonzero(~within & (chord <= outside))
        if band.size:
            at, to = site[band] + part.start, plant[band]
            distance = geodesy.inverse_chunk(geod, site_lon[at], site_lat[at], plant_lon[to], plant_lat[to]).distance_m
            within[band] = distance <= limits[0][number]
        # Pairs beyond this radius are beyond the smaller ones too.
        site, plant, chord = site[within], plant[within], chord[within]
        reach.plants_of_site[number, part] = np.bincount(site, minlength=n)
        counted[number] = np.bincount(plant, minlength=m)
        if holdings.streams is None:
            for which in (0, 1):
                weights = holdings.site_tonnes[part, which][site]
                tonnes[which, number] = np.bincount(plant, weights, minlength=m)
            reached = reach.plants_of_site[number, part] > 0
            reach.annual_of_site[number, part] = np.where(reached, holdings.site_tonnes[part, 0], 0.0)
        else:
            tonnes[:, number], reach.annual_of_site[number, part] = _streams_within(
                holdings.streams, match.plant_group, part, (site, plant)
            )
    return counted, tonnes


def _streams_within(
    streams: Streams, group_of_plant: IntArray, part: slice, pairs: tuple[IntArray, IntArray]
) -> tuple[FloatArray, FloatArray]:
    """Return tonnes (2, m) that plants accept of a batch's streams, and each site's annual tonnes that any accepts."""
    site, plant = pairs
    n, m, groups = part.stop - part.start, group_of_plant.size, streams.accepts.shape[1]
    first, last = np.searchsorted(streams.site, [part.start, part.stop])
    at = streams.site[first:last] - part.start
    accepts, tonnes = streams.accepts[streams.group[first:last]], streams.tonnes[first:last]
    pair_group = group_of_plant[plant]
    adds = np.zeros((2, m))
    of_site = csr_array((np.ones(at.size), (at, np.arange(at.size))), shape=(n, at.size))
    for which in (0, 1):
        taken = of_site @ (accepts * tonnes[:, which, None])
        adds[which] = np.bincount(plant, taken[site, pair_group], minlength=m)
    reached = np.zeros((n, groups), np.bool_)
    reached[site, pair_group] = True
    covered = (reached[at] & accepts).any(axis=1)
    return adds, np.bincount(at, tonnes[:, 0] * covered, minlength=n).astype(np.float64)
