"""Why waste goes to no hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from registry.services import geodesy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.planning.choice import Choice
    from registry.services.siting.planning.network import Network, Pairs
    from registry.services.siting.planning.question import Question

    IntArray = NDArray[np.intp]

NO_AMOUNT = "no amount"
TOO_FAR = "no candidate within the radius"
NO_ROAD = "no candidate that a road leads to within the radius"
OTHER_MATERIAL = "no candidate that accepts the material within the radius"
ACROSS_THE_BORDER = "across the border only"
WOULD_NOT_PAY = "would not pay"
TOO_FEW_TAKERS = "too few hubs within the radius to survive the loss of one"
TOO_LARGE = "more than any hub can take whole"
FULL = "capacity is full"
PLANTS_FULL = "existing plants are full, and no hub was chosen within the radius"
NOT_CHOSEN = "not chosen: hubs ran out"
NOT_ALLOWED = "not chosen: the conditions allow no more"
NOT_WORTH_IT = "not chosen: another hub would not pay"

REASONS = (
    NO_AMOUNT, TOO_FAR, NO_ROAD, OTHER_MATERIAL, ACROSS_THE_BORDER, WOULD_NOT_PAY, TOO_FEW_TAKERS, TOO_LARGE, FULL, PLANTS_FULL, NOT_CHOSEN, NOT_ALLOWED,
    NOT_WORTH_IT,
)  # fmt: skip
"""All of them, in the order in which they are looked for."""

_WHOLE = 1e-9
"""Share of a parcel that counts as nothing."""


def unreached(
    question: Question,
    network: Network,
    choice: Choice,
    *,
    before_borders: Pairs | None,
    value: FloatArray,
    uids: pd.Index[str],
) -> pd.DataFrame:
    """Return what goes to no hub and no plant, and why.

    Parameters
    ----------
    before_borders : hauls that would be possible if borders did not count, None where they do not
    value : (h,) yuan that a tonne of every haul brings, for objective cost

    Returns
    -------
    ``site_uid, waste_code, annual_t, reason`` by site, every parcel once; several codes of one parcel joined by ``;``.
    """
    s, pairs = network.supply.size, choice.pairs
    left = network.supply - np.bincount(pairs.parcel, choice.tonnes, minlength=s)
    lost = np.flatnonzero(left > _WHOLE * network.supply)
    reason = np.full(s, TOO_FAR, dtype=object)
    has_pair = _flags(pairs.parcel, s)
    orphans = lost[~has_pair[lost]]
    reason[orphans] = _without_pairs(question, network, orphans, before_borders)
    reason[lost[has_pair[lost]]] = _with_pairs(question, network, choice, value)[lost[has_pair[lost]]]
    nothing = _without_tonnes(network)
    site = np.concatenate([network.site[lost], network.lots.site[nothing]])
    codes = _codes(network)
    table = pd.DataFrame(
        {
            "site_uid": uids.take(site),
            "waste_code": [*codes[lost], *network.lots.texts[network.lots.group[nothing]]],
            "annual_t": np.concatenate([left[lost], np.zeros(nothing.size)]),
            "reason": [*reason[lost], *[NO_AMOUNT] * nothing.size],
        }
    )
    return table.iloc[np.argsort(site, kind="stable")].reset_index(drop=True)


def _without_pairs(
    question: Question, network: Network, orphans: IntArray, before_borders: Pairs | None
) -> NDArray[np.object_]:
    """Tell apart why parcels have no haul at all."""
    found = np.full(orphans.size, TOO_FAR, dtype=object)
    if orphans.size == 0:
        return found
    m = network.candidates
    accepted = np.zeros(network.supply.size, np.bool_)
    lot = np.flatnonzero(network.of_lot >= 0)
    np.logical_or.at(accepted, network.of_lot[lot], network.lots.accepts[network.lots.group[lot]].any(axis=1))
    if question.radius_km is None:
        otherwise = WOULD_NOT_PAY if question.objective == "cost" else NO_ROAD
        found[:] = np.where(accepted[orphans], otherwise, OTHER_MATERIAL)
    else:
        sites, places = network.place.sites, tuple(values[:m] for values in network.place.plants)
        at = network.site[orphans]
        geod = network.place.geod
        tree = cKDTree(geodesy.geocentric(geod, *places))
        lon, lat = (values[at] for values in sites)
        _, nearest = tree.query(geodesy.geocentric(geod, lon, lat))
        metres = geodesy.inverse(geod, lon, lat, places[0][nearest], places[1][nearest]).distance_m
        near = metres <= question.radius_km * 1_000
        if network.by_road:
            found[near] = NO_ROAD
        elif question.objective == "cost":
            found[near] = WOULD_NOT_PAY
        else:
            found[near] = OTHER_MATERIAL
        found[~accepted[orphans] & near] = OTHER_MATERIAL
    if before_borders is not None:
        found[_flags(before_borders.parcel, network.supply.size)[orphans]] = ACROSS_THE_BORDER
    return found


def _with_pairs(question: Question, network: Network, choice: Choice, value: FloatArray) -> NDArray[np.object_]:
    """Tell of every parcel that could be hauled why it was not, or not all of it."""
    s, pairs = network.supply.size, choice.pairs
    is_open = np.zeros(network.places, np.bool_)
    is_open[choice.open] = True
    takes = is_open | (np.arange(network.places) >= network.candidates)
    reached = np.bincount(pairs.parcel, is_open[pairs.place], minlength=s)
    by_plant = np.bincount(pairs.parcel, takes[pairs.place], minlength=s) > reached
    ran_out = question.hubs is not None and choice.open.size >= question.hubs
    found = np.full(s, NOT_CHOSEN if ran_out else NOT_ALLOWED, dtype=object)
    if question.objective == "cost":
        best = np.full(s, -np.inf)
        np.maximum.at(best, pairs.parcel, value)
        best_open = np.full(s, -np.inf)
        able = takes[pairs.place]
        np.maximum.at(best_open, pairs.parcel[able], value[able])
        if not ran_out:
            found[:] = NOT_WORTH_IT
        found[by_plant & (reached == 0) & (best_open > 0)] = PLANTS_FULL
        found[(reached > 0) & (best_open > 0)] = FULL
        found[best <= 0] = WOULD_NOT_PAY
        return found
    if question.conditions.takers > 1:
        found[(reached > 0) & (reached < question.conditions.takers)] = TOO_FEW_TAKERS
        within = np.bincount(pairs.parcel, minlength=s)
        found[within < question.conditions.takers] = TOO_FEW_TAKERS
        return found
    found[by_plant] = PLANTS_FULL
    found[reached > 0] = FULL
    if question.model == "capacitated_p_median" and choice.sizes is not None:
        most = choice.sizes.max() * (question.conditions.most_modules or 1)
        found[network.supply > most] = TOO_LARGE
    return found


def _without_tonnes(network: Network) -> IntArray:
    """First lot of every parcel without tonnes."""
    none = np.flatnonzero(network.of_lot < 0)
    return none[np.unique(network.lots.parcel[none], return_index=True)[1]]


def _codes(network: Network) -> NDArray[np.object_]:
    """(s,) the codes of every parcel as they were given."""
    lot = np.flatnonzero(network.of_lot >= 0)
    texts = pd.Series(network.lots.texts[network.lots.group[lot]])
    parcel = network.of_lot[lot]
    if lot.size == network.supply.size:
        codes = np.empty(lot.size, dtype=object)
        codes[parcel] = texts.to_numpy(dtype=object)
        return codes
    known = texts.notna().to_numpy()
    joined = texts[known].groupby(parcel[known]).agg(";".join).reindex(np.arange(network.supply.size))
    return joined.astype(object).where(joined.notna(), None).to_numpy(dtype=object)


def _flags(rows: IntArray, size: int) -> NDArray[np.bool_]:
    found = np.zeros(size, np.bool_)
    found[rows] = True
    return found
