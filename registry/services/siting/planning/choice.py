"""What a model chose, and the models without capacities asked over the network."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from registry.errors import NoPlanError
from registry.services.siting.covering.maximal import maximal_covering, set_covering, worst_case_covering
from registry.services.siting.medians.centre import p_center
from registry.services.siting.medians.median import p_median
from registry.services.siting.planning.money import UNITS, left_outside
from registry.services.siting.planning.network import Network, Pairs, distance_matrix, pairs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.limits import Limits
    from registry.services.siting.planning.question import Question
    from registry.services.siting.solution import Solution

    IntArray = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Choice:
    """Hubs and flows.

    Attributes
    ----------
    open : (p,) rows of the candidates with a hub, ascending
    pairs : hauls that are possible
    tonnes : (h,) of every haul
    modules, sizes, capital : (m, k) that the search decided on, (k,) tonnes a year and (k,) yuan of each; None where it did
        not
    objective, bound, unit : as a reader knows them
    outside : what of the objective stands for tonnes in reach that no hub takes
    sold : yuan a year that markets pay, and tonnes that they take
    """

    open: IntArray
    pairs: Pairs
    tonnes: FloatArray
    objective: float
    bound: float
    unit: str
    modules: NDArray[np.int64] | None = None
    sizes: FloatArray | None = None
    capital: FloatArray | None = None
    outside: float = 0.0
    sold: tuple[float, float] = field(default=(0.0, 0.0))


def covered(question: Question, network: Network, pairs: Pairs, effort: Effort) -> Choice:
    """Ask a covering model."""
    limits, takers = question.limits(), question.conditions.takers
    within = np.bincount(pairs.parcel, minlength=network.supply.size)
    rows = np.flatnonzero(within >= takers)
    if question.hubs is not None and question.hubs < takers:
        raise NoPlanError(
            f"infeasible because {takers} hubs are asked for within reach of a tonne, and {question.hubs} may be built."
        )
    if rows.size == 0:
        raise NoPlanError(
            f"infeasible because {takers} hubs are asked for within reach of a tonne, and no site has as many candidates."
        )
    reach, supply = _matrix(network, pairs, np.ones(pairs.parcel.size, np.bool_), rows), network.supply[rows]
    if question.model == "set_covering":
        found = _fewest(reach, supply, takers, limits, effort)
        unit = "hubs"
    elif question.conditions.survive == "source":
        found = worst_case_covering(
            reach, supply, _p(question), source=network.site[rows], limits=limits, effort=effort
        )
        unit = UNITS["covered"]
    else:
        found = maximal_covering(reach, supply, _p(question), times=takers, limits=limits, effort=effort)
        unit = UNITS["covered"]
    tonnes = _to_nearest(network, pairs, found.open, takers)
    return Choice(found.open, pairs, tonnes, found.objective, found.bound, unit)


def _fewest(reach: csr_array, supply: FloatArray, takers: int, limits: Limits, effort: Effort) -> Solution:
    try:
        return set_covering(reach, demand=supply, times=takers, limits=limits, effort=effort)
    except NoPlanError as error:
        if effort.over:
            raise
        raise NoPlanError(
            f"infeasible because no hubs{_under(limits.names)} reach every tonne that some candidate reaches. Ask for "
            "maximal_covering, which takes the most that they allow."
        ) from error


def median(question: Question, network: Network, pairs: Pairs | None, gain: FloatArray, effort: Effort) -> Choice:
    """Ask the p-median or the p-center model; over all distances where there is no radius."""
    outside = None
    if pairs is None:
        kilometres = distance_matrix(network)
        kilometres /= 1_000
        rows = np.flatnonzero(np.isfinite(kilometres).any(axis=1))
        distance = kilometres if rows.size == network.supply.size else kilometres[rows]
    else:
        rows = np.unique(pairs.parcel)
        distance = _matrix(network, pairs, pairs.distance_m / 1_000, rows)
        if question.radius_km is not None and question.model == "p_median":
            outside = np.full(rows.size, float(question.radius_km))
    supply = network.supply[rows]
    found = _asked(question, distance, supply, outside, effort)
    if pairs is None:
        to_open = distance[:, found.open]
        nearest = np.argmin(np.where(np.isnan(to_open), np.inf, to_open), axis=1)
        metres = to_open[np.arange(rows.size), nearest] * 1_000
        there = np.isfinite(metres)
        pairs = pairs_of(network, rows[there], found.open[nearest[there]], metres[there], gain)
    tonnes = _to_nearest(network, pairs, found.open, 1)
    if question.model == "p_center":
        return Choice(found.open, pairs, tonnes, found.objective, found.bound, "km")
    scale = left_outside("co2", network, question.terms, 1.0) if question.objective == "co2" else 1.0
    left = 0.0
    if outside is not None:
        served = np.bincount(pairs.parcel, tonnes, minlength=network.supply.size)[rows]
        left = float(outside @ np.maximum(supply - served, 0.0)) * scale
    unit = UNITS[question.objective]
    return Choice(found.open, pairs, tonnes, found.objective * scale, found.bound * scale, unit, outside=left)


def _asked(
    question: Question,
    distance: FloatArray | csr_array,
    supply: FloatArray,
    outside: FloatArray | None,
    effort: Effort,
) -> Solution:
    limits, p = question.limits(), _p(question)
    try:
        if question.model == "p_center":
            return p_center(distance, p, demand=supply, limits=limits, effort=effort)
        return p_median(distance, supply, p, outside=outside, limits=limits, effort=effort)
    except NoPlanError as error:
        if effort.over:
            raise
        radius = f" within {question.radius_km:g} km" if question.radius_km is not None else ""
        _, needed, least = str(error).partition(": it takes at least ")
        more = f", since it takes at least {least.rstrip('.')}" if needed else ""
        raise NoPlanError(
            f"infeasible because no {p} hubs{_under(limits.names)} reach every site that some candidate reaches{radius}{more}. "
            "Give more hubs, or ask for maximal_covering."
        ) from error


def _under(names: Sequence[str]) -> str:
    return f" under the conditions ({', '.join(names)})" if names else ""


def _p(question: Question) -> int:
    return question.hubs or len(question.candidates)


def _matrix(network: Network, pairs: Pairs, values: NDArray[np.generic], rows: IntArray) -> csr_array:
    """(r, m) values of the hauls of some parcels to candidates; a stored 0 stays."""
    whole = csr_array((values, (pairs.parcel, pairs.place)), shape=(network.supply.size, network.candidates))
    return whole[rows]


def _to_nearest(network: Network, pairs: Pairs, opened: IntArray, takers: int) -> FloatArray:
    """(h,) tonnes when every parcel with so many hubs in reach goes to the nearest, the whole of it."""
    is_open = np.zeros(network.places, np.bool_)
    is_open[opened] = True
    able = np.flatnonzero(is_open[pairs.place])
    parcel = pairs.parcel[able]
    enough = np.bincount(parcel, minlength=network.supply.size) >= takers
    first = np.ones(able.size, np.bool_)
    first[1:] = parcel[1:] != parcel[:-1]
    used = able[first & enough[parcel]]
    tonnes = np.zeros(pairs.parcel.size)
    tonnes[used] = network.supply[pairs.parcel[used]]
    return tonnes
