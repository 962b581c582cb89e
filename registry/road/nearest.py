"""The plants nearest by road."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj import CRS

from registry.errors import BadParameterError, RoadServerError
from registry.road.matrix import micro_degrees
from registry.services import geodesy, proximity

if TYPE_CHECKING:
    from collections.abc import Callable

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.road.matrix import RoadMatrix
    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.int64]

LEAST_RATIO = 0.99
"""Least ratio of a server's metres to those of the ellipsoid: Valhalla and OSRM measure edges on spheres of 6,378 and
6,373 km, at most 0.5 % short of the ellipsoid's longest radius of curvature (6,400 km), and round each edge."""

ROUNDED_M = 2.0
"""What a whole distance may lose by rounding: Valhalla tells kilometres with three decimals."""


@dataclass(frozen=True)
class NearestByRoad:
    """Plants nearest by road, and where the search is not whole.

    Attributes
    ----------
    table : rows ``site_uid, rank, plant_uid, distance_m, azimuth_deg, same_province, road_m, road_s`` in the order of
        sites and rank; the columns of `proximity.nearest_plants`, but ranked by ``road_m``
    unreachable : pairs of a site and a plant that were asked for and have no way between them
    off_road : (sites, plants) that have no road of the server near them, and are left out
    open_sites : sites whose nearest plants by road may be among those that were not asked for
    cut_off : sites whose nearest plants by road may be among those too far for the server to be asked
    too_short : ways that are shorter than the straight line allows, so that the server's metres cannot be metres
    """

    table: pd.DataFrame
    unreachable: int
    off_road: tuple[int, int]
    open_sites: int
    cut_off: int
    too_short: int


def nearest_plants(
    sites: GeoDataFrame, plants: GeoDataFrame, roads: RoadMatrix, *, k: int = 1, same_material: bool = True,
    most_candidates: int = 64, say: Callable[[str], None],
) -> NearestByRoad:  # fmt: skip
    """Find the k plants nearest to every site by road.

    Parameters
    ----------
    sites, plants, k, same_material : as in `proximity.nearest_plants`
    roads : who is asked; distances are those of the fastest way
    most_candidates : of how many plants, the nearest by straight line, the ways from one site are asked for at most
    say : told what goes on

    Returns
    -------
    A site without a plant that a road leads to has no row. Ways of equal length stand in the order of straight lines.

    Raises
    ------
    EmptyLayerError, BadParameterError, CrsError, UnknownColumnError : as in `proximity.nearest_plants`.
    BadParameterError : there are fewer candidates than plants to be found.
    RoadServerError : the server does not answer or refuses; it has no road near any site, or near any plant.

    Notes
    -----
    No way is shorter than the straight line between the places on the road that a site and a plant are put on, which is
    no shorter than that between site and plant, less the metres that either is away from its road. So once the k-th way
    is no longer than the straight line to the next plant that was not asked for, less these metres, the k nearest are
    found. Until then the candidates are doubled.
    """
    if most_candidates < k:
        raise BadParameterError(
            f"--road-candidates {most_candidates}: give at least as many as plants are asked for, {k}."
        )
    # What the sites lie in is settled before anybody is asked.
    proximity.nearest_plants(sites.iloc[:0], plants, k=k, same_material=same_material)
    if sites.empty:
        empty = proximity.nearest_plants(sites, plants, same_material=same_material)
        return NearestByRoad(empty.assign(road_m=np.empty(0), road_s=np.empty(0)), 0, (0, 0), 0, 0, 0)
    at_site, at_plant = _places(sites, "sites"), _places(plants, "plants")
    offset = roads.offsets(np.vstack([at_site, at_plant]), say)
    site_off, plant_off = offset[: len(sites)], offset[len(sites) :]
    on_road = np.isfinite(site_off), np.isfinite(plant_off)
    for near, what in zip(on_road, ("sites", "plants"), strict=True):
        if not near.any():
            raise RoadServerError(
                f"{roads.called}: it has no road within {roads.offset_m:,.0f} m of any of the {near.size} {what}. "
                "Does it hold the map of this region? Another distance: REGISTRY_ROAD_SNAP_M."
            )
    reachable = plants[on_road[1]]
    farthest_off = float(plant_off[on_road[1]].max())
    pieces: list[pd.DataFrame] = []
    open_rows, count = np.flatnonzero(on_road[0]), min(max(4, 2 * k), most_candidates)
    unreachable = cut_off = unsettled = too_short = 0
    while open_rows.size:
        say(f"candidates: the {count} nearest of {open_rows.size} sites")
        some = sites.iloc[open_rows]
        found = proximity.nearest_plants(some, reachable, k=count + 1, same_material=same_material)
        row = some.index.get_indexer(found["site_uid"])
        distance = found["distance_m"].to_numpy()
        asked = (found["rank"].to_numpy() <= count) & (distance <= roads.reach_m)
        # The straight line to the next plant that is not asked for.
        beyond = np.full(open_rows.size, np.inf)
        np.minimum.at(beyond, row[~asked], distance[~asked])
        found, row = found[asked], row[asked]
        ways = roads.between(at_site[open_rows[row]], at_plant[plants.index.get_indexer(found["plant_uid"])], say)
        found = found.assign(road_m=ways.metres, road_s=ways.seconds)
        there = found["road_m"].notna().to_numpy()
        ranked, kth = _ranked(found[there], row[there], open_rows.size, k)
        bound = (beyond - site_off[open_rows] - farthest_off) * LEAST_RATIO - ROUNDED_M
        exact = kth <= bound
        final = exact | (beyond > roads.reach_m) | (count >= most_candidates)
        cut_off += int((~exact & (beyond > roads.reach_m) & np.isfinite(beyond)).sum())
        unsettled += int((final & ~exact & (beyond <= roads.reach_m)).sum())
        least = (distance[asked] - 2.0 * roads.offset_m) * LEAST_RATIO - ROUNDED_M
        too_short += int((final[row] & (found["road_m"].to_numpy() < least)).sum())
        unreachable += int((~there & final[row]).sum())
        pieces.append(ranked[final[some.index.get_indexer(ranked["site_uid"])]])
        open_rows, count = open_rows[~final], min(2 * count, most_candidates)
    table = pd.concat(pieces, ignore_index=True)
    order = np.argsort(sites.index.get_indexer(table["site_uid"]), kind="stable")
    off_road = int((~on_road[0]).sum()), int((~on_road[1]).sum())
    return NearestByRoad(table.iloc[order].reset_index(drop=True), unreachable, off_road, unsettled, cut_off, too_short)


def _places(layer: GeoDataFrame, what: str) -> IntArray:
    return micro_degrees(*geodesy.lonlat(layer, what, CRS.from_epsg(4326)))


def _ranked(found: pd.DataFrame, row: IntArray, sites: int, k: int) -> tuple[pd.DataFrame, FloatArray]:
    """The k shortest ways of each site, and the k-th, infinite where there are fewer."""
    order = np.lexsort((found["rank"].to_numpy(), found["road_m"].to_numpy(), row))
    starts = np.flatnonzero(np.diff(row[order], prepend=-1))
    rank = np.arange(1, order.size + 1) - np.repeat(starts, np.diff(np.append(starts, order.size)))
    best = order[rank <= k]
    ranked = found.iloc[best].assign(rank=rank[rank <= k])
    kth = np.full(sites, np.inf)
    last = ranked["rank"].to_numpy() == k
    kth[row[best][last]] = ranked["road_m"].to_numpy()[last]
    return ranked, kth
