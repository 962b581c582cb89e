"""Distances by road between sites and the candidates within their reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj import CRS

from registry.errors import BadParameterError, EmptyLayerError, NoPlanError, RoadServerError
from registry.road.matrix import micro_degrees
from registry.road.nearest import LEAST_RATIO, ROUNDED_M
from registry.services import geodesy, hauls
from registry.services.siting.places.candidates import NOTES

if TYPE_CHECKING:
    from collections.abc import Callable

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.road.matrix import RoadMatrix
    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.int64]


def road_distances(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    roads: RoadMatrix,
    *,
    radius_km: float,
    say: Callable[[str], None],
) -> pd.DataFrame:
    """Return the metres by road between every site and the candidates within a radius of it.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    candidates : (m,) points, unique index
    roads : who is asked; distances are those of the fastest way from the site to the candidate
    radius_km : of straight lines, and of roads too: only pairs within it by straight line are asked for, and of these
        those are kept that are within it by road
    say : told what goes on

    Returns
    -------
    ``site_uid, candidate, distance_m`` in the order of sites and distance. ``attrs["notes"]`` tells what was left out:
    places without a road near them, pairs without a way, pairs farther apart than the server may be asked for.

    Raises
    ------
    EmptyLayerError : there is no candidate.
    BadParameterError : the radius is not more than 0; a geometry is missing, empty or no point; an index occurs twice;
        more than some thirty million pairs are within the radius.
    CrsError : a layer has no CRS.
    RoadServerError : the server does not answer or refuses; it has no road near any site, or near any candidate.
    NoPlanError : no candidate is within the radius of any site by straight line; no road leads from any site to any
        candidate within the radius; all such roads are longer than the radius; the server may be asked for none of them.
    """
    if not 0.0 < radius_km < np.inf:
        raise BadParameterError(f"radius = {radius_km:g} km: give kilometres of more than 0.")
    if len(candidates) == 0:
        raise EmptyLayerError("candidates: there is none. Give places where a hub could stand.")
    at_site, at_candidate = _places(sites, "sites"), _places(candidates, "candidates")
    site, candidate, straight = _near(sites, candidates, radius_km * 1_000.0)
    if site.size == 0:
        raise NoPlanError(f"infeasible because no candidate lies within {radius_km:g} km of any site by straight line.")
    own, asked = np.unique(site), np.unique(candidate)
    offset = roads.offsets(np.vstack([at_site[own], at_candidate[asked]]), say)
    on_road = np.zeros(len(sites), np.bool_), np.zeros(len(candidates), np.bool_)
    on_road[0][own], on_road[1][asked] = np.isfinite(offset[: own.size]), np.isfinite(offset[own.size :])
    for there, some, what in ((on_road[0], own, "sites"), (on_road[1], asked, "candidates")):
        if not there.any():
            raise RoadServerError(
                f"{roads.called}: it has no road within {roads.offset_m:,.0f} m of any of the {some.size:,} {what}. "
                "Does it hold the map of this region? Another distance: REGISTRY_ROAD_SNAP_M."
            )
    reached = straight <= roads.reach_m
    kept = on_road[0][site] & on_road[1][candidate] & reached
    notes = _left_out(roads, (int((~on_road[0][own]).sum()), int((~on_road[1][asked]).sum())), int((~reached).sum()))
    if not kept.any():
        raise NoPlanError(f"infeasible because no pair within {radius_km:g} km can be asked for: {' '.join(notes)}")
    site, candidate, straight = site[kept], candidate[kept], straight[kept]
    metres = roads.between(at_site[site], at_candidate[candidate], say).metres
    within = _within(roads, metres, radius_km)
    apart = int(np.isnan(metres).sum())
    if apart:
        notes.append(f"{apart:,} pairs of a site and a candidate have no way between them and are left out.")
    short = int((metres < (straight - 2.0 * roads.offset_m) * LEAST_RATIO - ROUNDED_M).sum())
    if short:
        notes.append(
            f"{short:,} ways are shorter than a straight line can be: the server does not tell metres, or another place "
            "than was asked for."
        )
    site, candidate, metres = site[within], candidate[within], metres[within]
    order = np.lexsort((candidate, metres, site))
    table = pd.DataFrame(
        {
            "site_uid": sites.index.take(site[order]),
            "candidate": candidates.index.take(candidate[order]),
            "distance_m": metres[order],
        }
    )
    table.attrs[NOTES] = notes
    return table


def _near(sites: GeoDataFrame, candidates: GeoDataFrame, radius_m: float) -> tuple[IntArray, IntArray, FloatArray]:
    """Return rows of sites and candidates within a radius by straight line, whatever the material, and their metres."""
    bare = sites[[sites.geometry.name]]
    lots = hauls.lots_of(bare, candidates, None, same_material=False)
    found = hauls.within(hauls.setting(bare, candidates), lots, np.full((1, 1), radius_m))
    return lots.site[found.lot], found.plant, found.distance_m


def _within(roads: RoadMatrix, metres: FloatArray, radius_km: float) -> NDArray[np.bool_]:
    """Whether ways are no longer than the radius.

    Raises
    ------
    NoPlanError : there is no way at all, or none so short.
    """
    if np.isnan(metres).all():
        raise NoPlanError(
            f"infeasible because {roads.called} knows no way from any site to any of the candidates within {radius_km:g} km, "
            f"{metres.size:,} pairs in all: its road network is not connected there."
        )
    within = metres <= radius_km * 1_000.0
    if not within.any():
        raise NoPlanError(
            f"infeasible because no candidate lies within {radius_km:g} km of any site by road: the shortest way is "
            f"{np.nanmin(metres) / 1_000:,.1f} km long."
        )
    return np.asarray(within)


def _left_out(roads: RoadMatrix, off_road: tuple[int, int], beyond: int) -> list[str]:
    """Return what the server is not asked about, one line each."""
    lines = []
    if any(off_road):
        lines.append(
            f"{off_road[0]:,} sites and {off_road[1]:,} candidates lie farther than {roads.offset_m:,.0f} m from any road of "
            "the server and are left out (REGISTRY_ROAD_SNAP_M)."
        )
    if beyond:
        lines.append(
            f"{beyond:,} pairs of a site and a candidate are farther apart than {roads.reach_m / 1_000:,.10g} km, for which "
            "the server may not be asked, and are left out (REGISTRY_ROAD_MOST_KM)."
        )
    return lines


def _places(layer: GeoDataFrame, what: str) -> IntArray:
    return micro_degrees(*geodesy.lonlat(layer, what, CRS.from_epsg(4326)))
