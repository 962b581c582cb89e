"""What every hub could earn by itself once waste, markets and conditions have their prices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]


class Hubs(NamedTuple):
    """Hauls and sales by hub, and the mixes of modules that it can have.

    Attributes
    ----------
    start : (m + 1,) where the hauls of a hub begin; hauls of one parcel follow each other
    parcel : (h,)
    supply : (s,)
    sale_start : (m + 1,) where the sales of a hub begin
    market : (e,)
    demand : (q,)
    capacity : (m, c) tonnes that a mix of modules takes
    weight : (c,) what a mix counts for in the limit on all hubs, from 1
    standing : (m,) what it takes without any
    least : tonnes that a hub needs to have modules
    """

    start: IntArray
    parcel: IntArray
    supply: FloatArray
    sale_start: IntArray
    market: IntArray
    demand: FloatArray
    capacity: FloatArray
    weight: IntArray
    standing: FloatArray
    least: float


@compiled
def offers(hubs: Hubs, net: FloatArray, sale: FloatArray, cost: FloatArray, profit: FloatArray, mix: IntArray) -> None:
    """Write the greatest profit of every hub, and the mix of modules that makes it.

    Parameters
    ----------
    net : (h,) what a tonne earns less the price of its parcel
    sale : (e,) the same of a tonne sold less the price of its market
    cost : (m, c) of a mix, infinite where it is not possible
    profit : (m, w) written: the greatest with mixes that count for the column; column 0 is of what stands
    mix : (m, w) written: which mix, −1 for none
    """
    hauls = int((hubs.start[1:] - hubs.start[:-1]).max()) if hubs.start.size > 1 else 0
    sales = int((hubs.sale_start[1:] - hubs.sale_start[:-1]).max()) if hubs.start.size > 1 else 0
    tonnes, worth = np.empty(hauls + sales + 2), np.empty(hauls + sales + 2)
    rows, sold = np.empty(hauls + sales + 2, np.intp), np.empty(hauls + sales + 2, np.intp)
    for hub in range(hubs.standing.size):
        profit[hub] = -np.inf
        mix[hub] = -1
        profit[hub, 0] = 0.0
        stands = hubs.standing[hub] > 0
        last = _curve(hubs, hub, net, sale, 0.0 if stands else hubs.least, tonnes, worth, rows, sold)
        if stands:
            profit[hub, 0] = _worth_of(tonnes, worth, last, hubs.standing[hub], 0.0)
            continue
        for which in range(hubs.weight.size):
            if np.isinf(cost[hub, which]):
                continue
            earned = _worth_of(tonnes, worth, last, hubs.capacity[hub, which], hubs.least) - cost[hub, which]
            count = hubs.weight[which]
            if earned > profit[hub, count]:
                profit[hub, count] = earned
                mix[hub, count] = which


@compiled
def carry(
    hubs: Hubs, net: FloatArray, sale: FloatArray, mix: IntArray, flow: FloatArray, sold_flow: FloatArray
) -> None:
    """Write the (h,) tonnes hauled and the (e,) tonnes sold that make the profit of (m,) mixes, −1 where there is none."""
    hauls = int((hubs.start[1:] - hubs.start[:-1]).max()) if hubs.start.size > 1 else 0
    sales = int((hubs.sale_start[1:] - hubs.sale_start[:-1]).max()) if hubs.start.size > 1 else 0
    tonnes, worth = np.empty(hauls + sales + 2), np.empty(hauls + sales + 2)
    rows, sold = np.empty(hauls + sales + 2, np.intp), np.empty(hauls + sales + 2, np.intp)
    flow[:] = 0.0
    sold_flow[:] = 0.0
    for hub in range(hubs.standing.size):
        stands = hubs.standing[hub] > 0
        if not stands and mix[hub] < 0:
            continue
        limit = hubs.standing[hub] if stands else hubs.capacity[hub, mix[hub]]
        last = _curve(hubs, hub, net, sale, 0.0 if stands else hubs.least, tonnes, worth, rows, sold)
        for piece in range(last):
            amount = min(tonnes[piece + 1], limit) - tonnes[piece]
            if amount <= 0.0:
                break
            flow[rows[piece]] += amount
            if sold[piece] >= 0:
                sold_flow[sold[piece]] += amount


@compiled
def _worth_of(tonnes: FloatArray, worth: FloatArray, last: int, limit: float, least: float) -> float:
    """Return what the first tonnes up to a limit are worth, −inf where they are too few."""
    if limit < least or tonnes[last] < least * (1.0 - 1e-12):
        return -np.inf
    at = np.searchsorted(tonnes[: last + 1], limit)
    if at > last:
        return float(worth[last])
    if at == 0:
        return 0.0
    part = (limit - tonnes[at - 1]) / (tonnes[at] - tonnes[at - 1])
    return float(worth[at - 1] + part * (worth[at] - worth[at - 1]))


@compiled
def _curve(
    hubs: Hubs, hub: int, net: FloatArray, sale: FloatArray, least: float, tonnes: FloatArray, worth: FloatArray,
    rows: IntArray, sold: IntArray,
) -> int:  # fmt: skip
    """Write the most that so many tonnes can be worth, as a concave line; return its number of pieces.

    The best haul is taken first and sold at the best price. It ends where a tonne more is worth nothing, but not before
    the least load.
    """
    outlets = _best_sales(hubs, hub, sale)
    premium = sale[outlets[0]] if outlets.size else 0.0
    hauls = _best_hauls(hubs, hub, net, -premium if least <= 0.0 else -np.inf)
    tonnes[0] = 0.0
    worth[0] = 0.0
    pieces, outlet = 0, 0
    demand = hubs.demand[hubs.market[outlets[0]]] if outlets.size else 0.0
    for row in hauls:
        left = hubs.supply[hubs.parcel[row]]
        while left > 0.0:
            gain, amount, sells = net[row], left, -1
            if outlet < outlets.size:
                sells = outlets[outlet]
                gain += sale[sells]
                amount = min(left, demand)
            lacking = least - tonnes[pieces]
            if gain <= 0.0 and lacking <= 0.0:
                return pieces
            enough = gain <= 0.0 and amount >= lacking
            amount = lacking if enough else amount
            tonnes[pieces + 1] = least if enough else tonnes[pieces] + amount
            worth[pieces + 1] = worth[pieces] + amount * gain
            rows[pieces] = row
            sold[pieces] = sells
            pieces += 1
            if enough:
                return pieces
            left -= amount
            demand -= amount
            if sells >= 0 and demand <= 0.0:
                outlet += 1
                demand = hubs.demand[hubs.market[outlets[outlet]]] if outlet < outlets.size else 0.0
    return pieces


@compiled
def _best_sales(hubs: Hubs, hub: int, sale: FloatArray) -> IntArray:
    """Return the sales of a hub that earn anything, the best first."""
    found = np.empty(hubs.sale_start[hub + 1] - hubs.sale_start[hub], np.intp)
    count = 0
    for row in range(hubs.sale_start[hub], hubs.sale_start[hub + 1]):
        if sale[row] > 0.0 and hubs.demand[hubs.market[row]] > 0.0:
            found[count] = row
            count += 1
    return found[:count][np.argsort(-sale[found[:count]])]


@compiled
def _best_hauls(hubs: Hubs, hub: int, net: FloatArray, floor: float) -> IntArray:
    """Return the hauls to a hub that earn more than a floor, the best first; of those of a parcel only the best."""
    found = np.empty(hubs.start[hub + 1] - hubs.start[hub], np.intp)
    count, before = 0, -1
    for row in range(hubs.start[hub], hubs.start[hub + 1]):
        if net[row] <= floor:
            continue
        if hubs.parcel[row] != before:
            before = hubs.parcel[row]
            found[count] = row
            count += 1
        elif net[row] > net[found[count - 1]]:
            found[count - 1] = row
    return found[:count][np.argsort(-net[found[:count]])]


@compiled
def choose(profit: FloatArray, limit: int, taken: IntArray) -> float:
    """Write how much of a limit every hub takes, so that together they earn the most; return what they earn.

    A knapsack of classes: ``profit`` (m, w) of a hub that counts for so much.
    """
    hubs, most = profit.shape
    best = np.zeros(limit + 1)
    pick = np.zeros((hubs, limit + 1), np.int32)
    for hub in range(hubs):
        for room in range(limit, 0, -1):
            found = best[room]
            for count in range(1, min(most - 1, room) + 1):
                earned = best[room - count] + profit[hub, count]
                if earned > found:
                    found = earned
                    pick[hub, room] = count
            best[room] = found
    room = limit
    for hub in range(hubs - 1, -1, -1):
        taken[hub] = pick[hub, room]
        room -= taken[hub]
    return float(best[limit])
