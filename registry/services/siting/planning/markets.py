"""Markets in which the products of hubs are sold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy
from registry.services.amounts import number_column
from registry.services.break_even import MARGIN
from registry.services.siting.hauling.haul_problem import Markets

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.planning.network import Network
    from registry.services.siting.planning.terms import Terms

DEMAND = "demand_t_per_year"
RADIUS = "radius_km"


def markets_of(markets: GeoDataFrame, sites: GeoDataFrame, network: Network, terms: Terms) -> Markets:
    """Return which candidates sell to which markets, and what a tonne of waste earns there.

    Parameters
    ----------
    markets : (q,) points; ``demand_t_per_year`` tonnes of waste whose product they take, ``margin_yuan_per_t`` and ``radius_km``
        where they are known, else those of the terms

    Raises
    ------
    EmptyLayerError : there is no market.
    UnknownColumnError : nothing says the demand.
    BadParameterError : a demand is negative or missing, a radius is not more than 0.
    """
    if len(markets) == 0:
        raise EmptyLayerError("markets: there is none. Leave the layer out where any amount can be sold.")
    if DEMAND not in markets.columns:
        found = ", ".join(map(str, markets.columns))
        raise UnknownColumnError(f"markets: no column {DEMAND}. Found: {found}. Add it.")
    demand = number_column(markets, "markets", DEMAND)
    _refuse(markets, DEMAND, demand, np.isfinite(demand) & (demand >= 0), "tonnes a year of 0 or more")
    margin = _column(markets, MARGIN, terms.costs.margin_yuan_per_t)
    radius = _column(markets, RADIUS, terms.market_radius_km)
    _refuse(markets, RADIUS, radius, np.isfinite(radius) & (radius > 0), "km of more than 0")
    lon, lat = geodesy.lonlat(markets, "markets", geodesy.layer_crs(sites, "sites"))
    geod, m = network.place.geod, network.candidates
    own_lon, own_lat = (values[:m] for values in network.place.plants)
    half = geodesy.half_meridian_m(geod)
    widest = float(geodesy.longest_chord(geod, np.array([min(float(radius.max()) * 1_000, half)]))[0])
    tree = cKDTree(geodesy.geocentric(geod, own_lon, own_lat))
    pairs = tree.sparse_distance_matrix(cKDTree(geodesy.geocentric(geod, lon, lat)), widest, output_type="ndarray")
    order = np.lexsort((pairs["j"], pairs["i"]))
    hub, market = pairs["i"][order].astype(np.intp), pairs["j"][order].astype(np.intp)
    metres = geodesy.inverse(geod, own_lon[hub], own_lat[hub], lon[market], lat[market]).distance_m
    keep = metres <= radius[market] * 1_000
    hub, market = hub[keep], market[keep]
    return Markets(demand=demand, hub=hub, market=market, margin=margin[market])


def _column(markets: GeoDataFrame, column: str, otherwise: float) -> FloatArray:
    if column not in markets.columns:
        return np.full(len(markets), otherwise)
    told = number_column(markets, "markets", column)
    return np.where(np.isnan(told), otherwise, told)


def _refuse(markets: GeoDataFrame, column: str, values: FloatArray, sound: NDArray[np.bool_], wanted: str) -> None:
    if not sound.all():
        row = int(np.argmin(sound))
        raise BadParameterError(f"markets: {column} of {markets.index[row]} is {values[row]:g}. Give {wanted}.")
