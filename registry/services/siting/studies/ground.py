"""Whose tonnes lie within reach of which candidate, read once for many searches."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.network import network_of, pairs_by_road, pairs_within, within_province
from registry.services.siting.planning.terms import Terms

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.planning.money import Objective
    from registry.services.siting.studies.asked import Given

    IntArray = NDArray[np.intp]

HAULAGE = frozenset({"tonne_km", "co2"})
"""Objectives in which a tonne in reach that nobody takes counts as hauled the radius."""


class Ground(NamedTuple):
    """Parcels of waste and the places near them: the candidates, then the gates of plants that exist.

    Attributes
    ----------
    supply : (s,) tonnes a year of every parcel
    parcel, place, distance_m : (h,) of every pair within the longest radius
    places : number m of places
    """

    supply: FloatArray
    parcel: IntArray
    place: IntArray
    distance_m: FloatArray
    places: int

    def reach(self, radius_m: float) -> csr_array:
        """(s, m) whether a place lies within a radius of a parcel."""
        near = self.distance_m <= radius_m
        shape = (self.supply.size, self.places)
        return csr_array((np.ones(int(near.sum()), np.bool_), (self.parcel[near], self.place[near])), shape=shape)

    @property
    def reached_t(self) -> float:
        """Tonnes a year within the longest radius of any place."""
        return float(self.supply[np.unique(self.parcel)].sum())


def ground_of(sites: GeoDataFrame, candidates: GeoDataFrame, radius_km: float, given: Given) -> Ground:
    """Read who is near whom, as `plan.choose_hubs` does.

    Raises
    ------
    As of `network.network_of`, `network.pairs_within` and `network.within_province`.
    """
    distances, conditions = given.get("distances"), given.get("conditions") or Conditions()
    plants = given.get("plants")
    network = network_of(
        sites,
        candidates,
        streams=given.get("streams"),
        same_material=given.get("same_material", True),
        plants=plants,
        intakes=given.get("intakes"),
        by_road=distances is not None,
    )
    radius, alike = np.full((1, 1), radius_km * 1_000), np.zeros((1, 1))
    if distances is None:
        pairs = pairs_within(network, radius, alike)
    else:
        places = candidates.index if plants is None else candidates.index.append(plants.index[network.gates.plant])
        pairs = pairs_by_road(network, distances, (sites.index, places), radius, alike)
    if conditions.within_province:
        pairs = within_province(network, pairs, (sites, candidates, plants))
    return Ground(network.supply, pairs.parcel, pairs.place, pairs.distance_m, network.places)


def left_behind(objective: Objective, tonnes: float, given: Given, radius_km: float | None) -> float:
    """What tonnes a year in reach that nobody takes count in an objective: in haulage, as if they were hauled the radius."""
    if objective not in HAULAGE or radius_km is None:
        return 0.0
    return tonnes * radius_km * per_tonne_km(objective, given)


def per_tonne_km(objective: Objective, given: Given) -> float:
    """Tonne-kilometres, or tonnes of CO₂, of a tonne over a kilometre of the distances that a plan is made with."""
    if objective == "tonne_km":
        return 1.0
    terms = given.get("terms") or Terms()
    return terms.co2_kg_per_t_km / 1_000 * (1.0 if given.get("distances") is not None else terms.costs.circuity)
