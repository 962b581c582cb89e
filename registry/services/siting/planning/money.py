"""What a plan costs and saves in a year, haul by haul and hub by hub."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from registry.services.amounts import number_column
from registry.services.break_even import MARGIN

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.planning.network import Network, Pairs
    from registry.services.siting.planning.terms import Terms

    IntArray = NDArray[np.intp]

Objective = Literal["covered", "tonne_km", "cost", "co2"]

UNITS = {"covered": "t/a", "tonne_km": "t·km/a", "cost": "yuan/a", "co2": "t CO2/a"}


class Worth(NamedTuple):
    """An objective as what is to be maximised: Σ value · tonnes, less what modules cost where it is money.

    Attributes
    ----------
    value : (h,) of a tonne of every haul
    sign : by which the objective as a reader knows it is the maximised one: 1, or −1 where less is better
    """

    value: FloatArray
    sign: float


@dataclass(frozen=True, eq=False)
class Money:
    """Yuan a tonne, before freight.

    Attributes
    ----------
    tax, disposal : (groups,) that a haul avoids
    margin : (places,) that a product earns; 0 at candidates where markets say it
    operating : (places,) that a hub spends; 0 at plants, whose margin has taken it into account

    Notes
    -----
    The view is that of holders, hauliers, hubs and plants together: gate fees go from one to another and cancel.
    """

    tax: FloatArray
    disposal: FloatArray
    margin: FloatArray
    operating: FloatArray

    @property
    def gain(self) -> FloatArray:
        """(groups, places) yuan a tonne that freight is paid from."""
        return (self.tax + self.disposal)[:, None] + self.margin - self.operating


def money_of(
    network: Network, terms: Terms, candidates: pd.DataFrame, plants: pd.DataFrame | None, *, markets: bool
) -> Money:
    """Return what a tonne of every group saves and earns at every place.

    Raises
    ------
    BadParameterError : a margin is a text.
    """
    only = [next(iter(codes), None) for codes in network.lots.codes]
    m, gate = network.candidates, network.gates.plant
    own = np.zeros(m) if markets else _margins(candidates, "candidates", terms)
    if plants is not None and gate.size:
        own = np.append(own, _margins(plants, "plants", terms)[gate])
    return Money(
        np.array([terms.costs.tax_of(code) for code in only], dtype=np.float64),
        np.array([terms.costs.disposal_of(code) for code in only], dtype=np.float64),
        own,
        np.where(np.arange(network.places) < m, terms.operating_yuan_per_t, 0.0),
    )


def _margins(frame: pd.DataFrame, what: str, terms: Terms) -> FloatArray:
    if MARGIN not in frame.columns:
        return np.full(len(frame), terms.costs.margin_yuan_per_t)
    told = number_column(frame, what, MARGIN)
    return np.where(np.isnan(told), terms.costs.margin_yuan_per_t, told)


def road_km(network: Network, terms: Terms, metres: FloatArray) -> FloatArray:
    """Kilometres by road of (h,) distances: geodesic ones are ``circuity`` times as long."""
    return metres / 1_000 * (1.0 if network.by_road else terms.costs.circuity)


def paying_radius_m(network: Network, terms: Terms, gain: FloatArray) -> FloatArray:
    """(groups, places) metres at which a haul no longer pays, in the network's distances; negative where none does."""
    factor = 1.0 if network.by_road else terms.costs.circuity
    reach = terms.reach_km(gain)
    # A haul of exactly that length pays, whatever the last digit says.
    return np.where(reach < 0, -1.0, reach * (1_000 / factor) * (1 + 1e-12))


def worth(objective: Objective, network: Network, pairs: Pairs, terms: Terms, gain: FloatArray) -> Worth:
    """Return an objective over the hauls, as what is to be maximised."""
    if objective == "covered":
        return Worth(np.ones(pairs.parcel.size), 1.0)
    if objective == "tonne_km":
        return Worth(-pairs.distance_m / 1_000, -1.0)
    by_road = road_km(network, terms, pairs.distance_m)
    if objective == "co2":
        return Worth(by_road * (-terms.co2_kg_per_t_km / 1_000), -1.0)
    value = gain[network.lots.group[pairs.lot], pairs.place] - terms.freight(by_road)
    return Worth(value, -1.0)


def left_outside(objective: Objective, network: Network, terms: Terms, radius_km: float) -> float:
    """What a tonne that no hub reaches counts in tonne-kilometres or CO₂: a haul as long as the radius."""
    if objective == "tonne_km":
        return radius_km
    return float(road_km(network, terms, np.array([radius_km * 1_000]))[0]) * terms.co2_kg_per_t_km / 1_000
