"""Which sites lie within the radii of which plants: the pairs, and what they add up to."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import geodesy, materials
from registry.services.amounts import amount_column
from registry.services.kernels import bands, sums
from registry.services.kernels import reach as reach_kernel

if TYPE_CHECKING:
    import pyproj
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

TONNES = ("annual_t", "stock_t")

_OPEN_PAIRS = 1 << 18
"""Pairs that one thread gathers before it asks for their geodesics."""

_FEWEST_SITES = 1 << 12
_BLOCK = 1 << 20
_CHUNKS_A_THREAD = 4


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
            return cls(match, _tonnes(sites, "sites"), _known(sites))
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
        tonnes = _tonnes(streams, "streams")
        by_site = [sums.rounded(sums.by_group(site, column, len(sites))) for column in tonnes.T]
        site_tonnes = np.column_stack(by_site)
        if not same_material:
            everything = materials.matching(sites, plants, same_material=False)
            return cls(everything, site_tonnes, _known(streams))
        texts = streams["waste_code"].astype(object).where(streams["waste_code"].notna(), "")
        group, codes = materials.distinct(texts)
        own = sites[materials.COLUMN] if materials.COLUMN in sites.columns else np.full(len(sites), None)
        site_group, held = _held(site, (group, codes), materials.distinct(own))
        plant_group, taken = materials.distinct(_column(plants))
        match = materials.Matching(site_group, plant_group, materials.accepted(held, taken))
        accepts = materials.accepted(codes, taken)
        parts = Streams(site, tonnes, group, accepts)
        return cls(match, site_tonnes, _known(streams), parts)


def _column(plants: pd.DataFrame) -> pd.Series:
    if materials.COLUMN not in plants.columns:
        raise UnknownColumnError(
            f"plants: no column {materials.COLUMN}, while the streams tell theirs. Add it, or ask for any material."
        )
    return plants[materials.COLUMN]


def _held(
    site: IntArray, streams: tuple[IntArray, list[frozenset[str]]], own: tuple[IntArray, list[frozenset[str]]]
) -> tuple[IntArray, list[frozenset[str]]]:
    """Return for every site its group of equal materials, and what each group holds: streams and own codes together.

    Parameters
    ----------
    site : (s,) site of every stream, ascending
    streams, own : group of every stream and of every site's own codes, and the codes of every group
    """
    (of_stream, stream_codes), (group, own_codes) = streams, own
    held = list(own_codes)
    first = np.searchsorted(site, np.arange(group.size))
    counts = np.bincount(site, minlength=group.size)
    rest = np.flatnonzero(counts)
    # A round takes the next stream of every site that has one more: pairs of what was held and what comes are few.
    for number in range(int(counts.max(initial=0))):
        rest = rest[counts[rest] > number]
        comes = of_stream[first[rest] + number]
        pairs, at = np.unique(group[rest] * len(stream_codes) + comes, return_inverse=True)
        group = group.copy()
        group[rest] = len(held) + at.ravel()
        held += [held[pair // len(stream_codes)] | stream_codes[pair % len(stream_codes)] for pair in pairs.tolist()]
    kinds = {codes: number for number, codes in enumerate(dict.fromkeys(held))}
    return np.array([kinds[codes] for codes in held], dtype=np.intp)[group], list(kinds)


def _known(frame: pd.DataFrame) -> tuple[bool, bool]:
    return TONNES[0] in frame.columns, TONNES[1] in frame.columns


def _tonnes(frame: pd.DataFrame, what: str) -> FloatArray:
    return np.column_stack([amount_column(frame, what, column) for column in TONNES])


class Reach(NamedTuple):
    """What is within reach, by radius.

    Attributes
    ----------
    plants_of_site : (radii, n) matching plants that reach a site
    covered : (radii, parts) whether a plant within reach accepts the part: a stream of ``holdings.streams``, or a whole
        site where there are none
    sites_of_plant : (radii, m) matching sites that a plant reaches
    units_of_plant : (radii, m, 2, 2) annual and stocked tonnes that it reaches and accepts, as exact sums (`sums`)
    """

    plants_of_site: NDArray[np.int32]
    covered: NDArray[np.bool_]
    sites_of_plant: NDArray[np.int64]
    units_of_plant: sums.Units


def measure(
    geod: pyproj.Geod,
    sites: tuple[FloatArray, FloatArray],
    plants: tuple[FloatArray, FloatArray],
    radii_m: FloatArray,
    holdings: Holdings,
) -> Reach:
    """Add up what lies within each of the radii of each plant.

    Parameters
    ----------
    sites, plants : longitudes and latitudes, (n,) and (m,) each, at least one plant
    radii_m : (r,) metres, ascending; or (r, m), ascending radii of each plant's own, of which one of 0 reaches nothing
    holdings : who holds and takes what

    Notes
    -----
    Chords in geocentric coordinates settle nearly all pairs (`geodesy.chord_bounds`); of the few between the bounds
    Karney's geodesic is asked. Sums are of whole units, so the result depends on neither threads nor order.
    """
    n, m, r = sites[0].size, plants[0].size, len(radii_m)
    by_plant = np.broadcast_to(radii_m.reshape(r, -1), (r, m))
    inside2, outside2 = _squared_bounds(geod, radii_m.reshape(r, -1))
    index = bands.index(geod, *plants, float(np.sqrt(outside2.max(initial=0.0))))
    if inside2.shape[1] > 1:
        inside2, outside2 = inside2[:, index.order], outside2[:, index.order]
    parts = holdings.streams
    accepts = holdings.match.accepts if parts is None else parts.accepts
    to = reach_kernel.Plants(
        index, holdings.match.plant_group[index.order], holdings.match.accepts, accepts,
        np.ascontiguousarray(inside2), np.ascontiguousarray(outside2),
    )  # fmt: skip
    parts_held = n if parts is None else parts.site.size
    reach = Reach(
        np.empty((r, n), np.int32), np.empty((r, parts_held), np.bool_),
        np.zeros((r, m), np.int64), np.zeros((r, m, 2, 2), np.int64),
    )  # fmt: skip
    # A block of sites at a time: what is laid out anew stays small enough to be read and written quickly.
    for start in range(0, n, _BLOCK):
        some = slice(start, min(start + _BLOCK, n))
        held = some if parts is None else slice(*np.searchsorted(parts.site, [some.start, some.stop]).tolist())
        own = _searched(geod, sites, holdings, index, (some, held))
        tally = _scanned(geod, own, to, (plants, by_plant))
        reach.plants_of_site[:, some][:, own.order] = np.cumsum(tally.plants_of_site, axis=0)
        reach.covered[:, held][:, own.part_order] = tally.nearest_ring <= np.arange(r)[:, None]
        reach.sites_of_plant[:, index.order] += np.cumsum(tally.sites_of_plant, axis=0)
        units = sums.carried(np.cumsum(tally.tonnes_of_plant, axis=0))
        reach.units_of_plant[:, index.order] = sums.together(reach.units_of_plant[:, index.order], units)
    return reach


def _squared_bounds(geod: pyproj.Geod, radii_m: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return squared chords that are surely within each radius, and the greatest that may be; −1 where nothing is."""
    found = [geodesy.chord_bounds(geod, radius) for radius in radii_m.ravel().tolist()]
    inside, outside = np.array(found).reshape(*radii_m.shape, 2).transpose(2, 0, 1)
    return (
        np.where(inside > 0, inside**2, -1.0),
        np.where(radii_m > 0, outside**2, -1.0),
    )


def _scanned(
    geod: pyproj.Geod,
    own: reach_kernel.Sites,
    to: reach_kernel.Plants,
    plants: tuple[tuple[FloatArray, FloatArray], FloatArray],
) -> reach_kernel.Tally:
    """Scan all sites on all cores."""
    n, m, r = own.lon.size, to.group.size, len(to.inside2)
    order = to.bands.order
    to_lon, to_lat, radii = plants[0][0][order], plants[0][1][order], plants[1][:, order]
    tally = reach_kernel.Tally(
        np.zeros((r, n), np.int32), np.full(own.part_group.size, r, np.int16),
        np.zeros((r, m), np.int64), np.zeros((r, m, 2, 2), np.int64),
    )  # fmt: skip
    lock = Lock()

    def kernel(part: slice) -> None:
        mine = tally._replace(
            sites_of_plant=np.zeros_like(tally.sites_of_plant), tonnes_of_plant=np.zeros_like(tally.tonnes_of_plant)
        )
        runs = np.empty((bands.most_runs(to.bands), 2), np.intp)
        open_pairs = np.empty((max(_OPEN_PAIRS, m), 2), np.intp)
        at = part.start
        while at < part.stop:
            at, left = reach_kernel.scan(at, part.stop, own, to, mine, runs, open_pairs)
            site, plant = open_pairs[:left].T.copy()
            distance = geodesy.inverse_chunk(
                geod, own.lon[site], own.lat[site], to_lon[plant], to_lat[plant]
            ).distance_m
            ring = (distance > radii[:, plant]).sum(axis=0)
            reach_kernel.count_pairs(site, plant, ring, own, to, mine)
        with lock:
            tally.sites_of_plant[:] += mine.sites_of_plant
            tally.tonnes_of_plant[:] = sums.together(tally.tonnes_of_plant, mine.tonnes_of_plant)

    geodesy.in_chunks(kernel, n, max(_FEWEST_SITES, -(-n // (_CHUNKS_A_THREAD * geodesy.threads()))))
    return tally


def _searched(
    geod: pyproj.Geod,
    sites: tuple[FloatArray, FloatArray],
    holdings: Holdings,
    index: bands.Bands,
    block: tuple[slice, slice],
) -> reach_kernel.Sites:
    """Lay a block of sites, and of what they hold, out so that those near each other follow each other: they meet the same plants."""
    some, held = block
    lon, lat = (values[some] for values in sites)
    band = bands.band_of(lat, index.height_deg, index.least_rho.size)
    order = np.argsort(band * 4_096 + (np.mod(lon + 180.0, 360.0) * (4_095 / 360.0)).astype(np.intp), kind="stable")
    lon, lat = lon[order], lat[order]
    parts = holdings.streams
    if parts is None:
        part_order, part_group = order, holdings.match.site_group[held]
        first_part, tonnes = np.arange(order.size + 1), holdings.site_tonnes[held]
    else:
        site, part_group, tonnes = parts.site[held] - some.start, parts.group[held], parts.tonnes[held]
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        part_order = np.argsort(place[site], kind="stable")
        counts = np.bincount(site, minlength=order.size)[order]
        first_part = np.concatenate([[0], np.cumsum(counts)])
    return reach_kernel.Sites(
        order, part_order, lon, lat, geodesy.geocentric(geod, lon, lat), holdings.match.site_group[some][order],
        first_part, part_group[part_order], sums.units(tonnes[part_order]),
    )  # fmt: skip
