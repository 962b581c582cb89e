"""The network of a plan: parcels of waste, places that could take them, and the hauls between."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError, NoPlanError, UnknownColumnError
from registry.services import geodesy, hauls, materials
from registry.services.siting.planning.conditions import provinces
from registry.services.siting.planning.standing import Gates, gates_of

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

MOST_PAIRS = 1 << 25
"""Distances that are held in a matrix at once, a quarter of a gigabyte."""


class Pairs(NamedTuple):
    """Hauls that are possible, (h,) each, one between every parcel and place, by parcel, distance and place.

    Attributes
    ----------
    parcel, place : where it begins and ends
    lot : which of the parcel's codes is hauled
    distance_m : geodesic, or by road where the roads were given
    """

    parcel: IntArray
    place: IntArray
    lot: IntArray
    distance_m: FloatArray


@dataclass(frozen=True, eq=False)
class Network:
    """Who could haul what to where. Places are the candidates, then the gates of the plants that exist.

    Attributes
    ----------
    place : positions of sites and places
    lots : with ``accepts`` (groups, m + q); those without tonnes are among them, but in no parcel
    of_lot : (l,) parcel of every lot, −1 without tonnes
    supply, site : (s,) tonnes a year of every parcel, and the row of its site
    candidates : how many places are candidates
    gates : what the other places are
    names : (n,) of the sites, as an error calls them
    by_road : whether distances are those of the road
    """

    place: hauls.Setting
    lots: hauls.Lots
    of_lot: IntArray
    supply: FloatArray
    site: IntArray
    candidates: int
    gates: Gates
    names: NDArray[np.object_]
    by_road: bool = False

    @property
    def places(self) -> int:
        """Number of candidates and gates."""
        return self.candidates + self.gates.plant.size


def network_of(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    streams: pd.DataFrame | None,
    same_material: bool,
    plants: GeoDataFrame | None,
    intakes: pd.DataFrame | None,
    by_road: bool,
) -> Network:
    """Read the frames.

    Raises
    ------
    EmptyLayerError : there is no site or no candidate.
    NoPlanError : no site has tonnes.
    BadParameterError, UnknownColumnError, CrsError : as of `hauls.lots_of` and `geodesy.lonlat`.
    """
    if len(candidates) == 0:
        raise EmptyLayerError("candidates: there is none. Give places where a hub could stand.")
    if len(sites) == 0:
        raise EmptyLayerError("sites: there is none, so there is nothing to haul. Import sites first.")
    if streams is None and "annual_t" not in sites.columns:
        raise UnknownColumnError(
            "sites: no column annual_t, so nothing says what hubs could take. Add it, or give streams."
        )
    crs = geodesy.layer_crs(sites, "sites")
    at_sites = geodesy.lonlat(sites, "sites", crs)
    lon, lat = geodesy.lonlat(candidates, "candidates", crs)
    by_material = same_material and materials.COLUMN in candidates.columns
    lots = hauls.lots_of(sites, candidates, streams, same_material=by_material, code_by_code=True)
    gates = Gates.none(len(lots.codes))
    if plants is not None and len(plants):
        geodesy.check_index(plants, "plants")
        taken = hauls.lots_of(sites, plants, streams, same_material=same_material, intakes=intakes, code_by_code=True)
        gates = gates_of(plants, intakes, lots.codes, taken.accepts)
        at_plants = geodesy.lonlat(plants, "plants", crs)
        lon, lat = (np.append(own, more[gates.plant]) for own, more in zip((lon, lat), at_plants, strict=True))
    lots = lots._replace(accepts=np.hstack([lots.accepts, gates.accepts]))
    given = lots.annual_t > 0
    if not given.any():
        raise NoPlanError("infeasible because no site adds any tonnes: annual_t is 0 or missing everywhere.")
    _, first, number = np.unique(lots.parcel[given], return_index=True, return_inverse=True)
    of_lot = np.full(lots.site.size, -1, np.intp)
    of_lot[given] = number
    rows = np.flatnonzero(given)[first]
    setting = hauls.Setting(geodesy.ellipsoid(crs), at_sites, (lon, lat))
    return Network(
        setting, lots, of_lot, lots.annual_t[rows], lots.site[rows], len(candidates), gates, _names(sites), by_road
    )


def _names(sites: pd.DataFrame) -> NDArray[np.object_]:
    uids = sites.index.astype(str).to_numpy(dtype=object)
    if "name" not in sites.columns:
        return uids
    called = sites["name"].astype(object)
    full = uids + " (" + called.where(called.notna(), "").astype(str).to_numpy(dtype=object) + ")"
    return np.where(called.isna(), uids, full)


def pairs_within(network: Network, radius_m: FloatArray, gain: FloatArray) -> Pairs:
    """All hauls up to a length of their own.

    Parameters
    ----------
    radius_m : (groups, places) metres, or what broadcasts to it; negative where there is no haul
    gain : (groups, places) by which the code is chosen where a parcel may go as one of several

    Raises
    ------
    BadParameterError : there are more than some thirty million pairs.
    """
    lots, used = network.lots, np.flatnonzero(network.of_lot >= 0)
    own = lots._replace(
        site=lots.site[used], parcel=lots.parcel[used], annual_t=lots.annual_t[used], group=lots.group[used]
    )
    found = hauls.within(network.place, own, radius_m)
    return _best(network, used[found.lot], found.plant, found.distance_m, gain)


def pairs_by_road(
    network: Network,
    distances: pd.DataFrame,
    names: tuple[pd.Index[str], pd.Index[str]],
    radius_m: FloatArray,
    gain: FloatArray,
    *,
    known: pd.Index[str] | None = None,
) -> Pairs:
    """All hauls of a table of road distances up to a length of their own.

    Parameters
    ----------
    distances : ``site_uid, candidate, distance_m``; pairs that are not in it cannot be hauled. ``candidate`` may be a plant
    names : uids of the sites and of the places, of which several may have the same
    known : uids that may stand in the table beside them, of plants without room
    radius_m, gain : as in `pairs_within`

    Raises
    ------
    UnknownColumnError : a column is missing.
    BadParameterError : a site or place is not there, a pair occurs twice, a distance is negative or no number.
    """
    site, place, metres = _read_roads(distances, *names, known)
    order = np.argsort(site, kind="stable")
    site, place, metres = site[order], place[order], metres[order]
    start = np.searchsorted(site, np.arange(len(names[0]) + 1))
    lots, used = network.lots, np.flatnonzero(network.of_lot >= 0)
    many = np.diff(start)[lots.site[used]]
    lot = np.repeat(used, many)
    row = np.arange(lot.size) - np.repeat(np.cumsum(many) - many, many) + np.repeat(start[lots.site[used]], many)
    group, place, metres = lots.group[lot], place[row], metres[row]
    radius = np.broadcast_to(radius_m, lots.accepts.shape)
    keep = lots.accepts[group, place] & (metres <= radius[group, place])
    return _best(network, lot[keep], place[keep], metres[keep], gain)


def _read_roads(
    distances: pd.DataFrame, sites: pd.Index[str], places: pd.Index[str], known: pd.Index[str] | None
) -> tuple[IntArray, IntArray, FloatArray]:
    for column in ("site_uid", "candidate", "distance_m"):
        if column not in distances.columns:
            found = ", ".join(map(str, distances.columns))
            raise UnknownColumnError(f"distances: no column {column}. Found: {found}.")
    twice = distances.duplicated(["site_uid", "candidate"])
    if twice.any():
        row = distances[twice].iloc[0]
        raise BadParameterError(
            f"distances: {row['site_uid']} to {row['candidate']} occurs more than once. Keep one row."
        )
    named = pd.Index(places.unique()) if known is None else places.union(known, sort=False).unique()
    rows = []
    for column, uids, layer in (("site_uid", sites, "sites"), ("candidate", named, "candidates")):
        at = uids.get_indexer(pd.Index(distances[column]))
        if (at < 0).any():
            stranger = distances[column].iloc[int(np.argmin(at))]
            raise BadParameterError(
                f"distances: {column} {stranger} is not among the {layer}. Give distances of these."
            )
        rows.append(at)
    metres = pd.to_numeric(distances["distance_m"], errors="coerce").to_numpy(dtype=np.float64)
    wrong = ~(np.isfinite(metres) & (metres >= 0))
    if wrong.any():
        row = distances.iloc[int(np.argmax(wrong))]
        raise BadParameterError(
            f"distances: {row['site_uid']} to {row['candidate']} is {row['distance_m']}. Give metres of 0 or more, and no row "
            "where there is no road."
        )
    # A candidate and a plant may be one place, and a plant may have several gates.
    of_name = named.get_indexer(places)
    order = np.argsort(of_name, kind="stable")
    start = np.searchsorted(of_name[order], np.arange(len(named) + 1))
    many = np.diff(start)[rows[1]]
    line = np.repeat(np.arange(many.size), many)
    step = np.arange(line.size) - np.repeat(np.cumsum(many) - many, many)
    return rows[0][line], order[start[rows[1][line]] + step], metres[line]


def _best(network: Network, lot: IntArray, place: IntArray, metres: FloatArray, gain: FloatArray) -> Pairs:
    """Keep one haul between a parcel and a place, under the code that gains most."""
    parcel = network.of_lot[lot]
    if network.supply.size < np.count_nonzero(network.of_lot >= 0):
        worth = np.broadcast_to(gain, network.lots.accepts.shape)[network.lots.group[lot], place]
        order = np.lexsort((lot, -worth, place, parcel))
        lot, place, metres, parcel = lot[order], place[order], metres[order], parcel[order]
        first = np.ones(lot.size, np.bool_)
        first[1:] = (parcel[1:] != parcel[:-1]) | (place[1:] != place[:-1])
        lot, place, metres, parcel = lot[first], place[first], metres[first], parcel[first]
    order = np.lexsort((place, metres, parcel))
    return Pairs(parcel[order], place[order], lot[order], metres[order])


def distance_matrix(network: Network) -> FloatArray:
    """(s, m) geodesic metres between all parcels and candidates, NaN where the candidate does not accept the parcel.

    Raises
    ------
    BadParameterError : there are more than some thirty million of them.
    """
    s, m = network.supply.size, network.candidates
    if s * m > MOST_PAIRS:
        raise BadParameterError(
            f"{s:,} lots of waste and {m:,} candidates: more than {MOST_PAIRS:,} distances. Give radius_km, or fewer candidates."
        )
    metres = np.empty((s, m))
    rows = max(geodesy.CHUNK // max(m, 1), 1)
    place = network.place
    lon, lat = (values[:m] for values in place.plants)

    def kernel(part: slice) -> None:
        from_lon, from_lat = (np.repeat(values[network.site[part]], m) for values in place.sites)
        many = from_lon.size // m
        found = geodesy.inverse_chunk(place.geod, from_lon, from_lat, np.tile(lon, many), np.tile(lat, many))
        metres[part] = found.distance_m.reshape(many, m)

    geodesy.in_chunks(kernel, s, rows)
    accepts = network.lots.accepts[:, :m]
    if not accepts.all():
        lot = np.flatnonzero(network.of_lot >= 0)
        taken = np.zeros((s, m), np.bool_)
        np.logical_or.at(taken, network.of_lot[lot], accepts[network.lots.group[lot]])
        metres[~taken] = np.nan
    return metres


def pairs_of(network: Network, parcel: IntArray, place: IntArray, metres: FloatArray, gain: FloatArray) -> Pairs:
    """Return the hauls between (h,) parcels and places whose lengths are known."""
    order = np.argsort(network.of_lot, kind="stable")
    start = np.searchsorted(network.of_lot[order], np.arange(network.supply.size + 1))
    many = np.diff(start)[parcel]
    at = np.repeat(np.arange(parcel.size), many)
    lot = order[np.arange(at.size) - np.repeat(np.cumsum(many) - many, many) + np.repeat(start[parcel], many)]
    keep = network.lots.accepts[network.lots.group[lot], place[at]]
    at, lot = at[keep], lot[keep]
    return _best(network, lot, place[at], metres[at], gain)


def within_province(
    network: Network, pairs: Pairs, layers: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame | None]
) -> Pairs:
    """Leave out hauls across the border of a province.

    Raises
    ------
    UnknownColumnError : a layer does not say its province.
    """
    sites, candidates, plants = layers
    at_site = provinces(sites, "sites", "province_code", "within_province")
    at_place = provinces(candidates, "candidates", "region_code", "within_province")
    if plants is not None and network.gates.plant.size:
        at_plant = provinces(plants, "plants", "province_code", "within_province")
        at_place = np.append(at_place, at_plant[network.gates.plant])
    keep = at_site[network.site[pairs.parcel]] == at_place[pairs.place]
    return Pairs(*(values[keep] for values in pairs))
