"""Hubs that come, go, or change their modules, with hauls by the simplest rule: the most valuable one first."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]


class Ground(NamedTuple):
    """What does not change while hubs do.

    Attributes
    ----------
    start : (m + 1,) where the hauls of a hub begin, its most valuable first
    parcel, value : (h,)
    supply : (s,)
    capacity, cost : (m, c) of a mix of modules, the cost infinite where it is not possible
    taken : (r, m, c) what a mix takes of what is limited
    room : (r,) and how much of it there is
    standing : (m,) tonnes that are taken without any modules
    least : tonnes that a hub with modules needs
    penalty : for every tonne that it lacks
    second : (h,) what a tonne counts in a second objective, which stands in ``value`` and ``cost`` at its price
    second_cost : (m, c) of a mix in the second objective
    second_least : what the second objective must reach
    second_price : of a unit of it in ``value`` and ``cost``
    second_penalty : for every unit that it lacks, 0 where there is no second objective
    """

    start: IntArray
    parcel: IntArray
    value: FloatArray
    supply: FloatArray
    capacity: FloatArray
    cost: FloatArray
    taken: FloatArray
    room: FloatArray
    standing: FloatArray
    least: float
    penalty: float
    second: FloatArray
    second_cost: FloatArray
    second_least: float
    second_price: float
    second_penalty: float


@compiled
def open_hauls(ground: Ground, mix: IntArray) -> tuple[IntArray, IntArray]:
    """Return the hauls to what is open and the hub of each, the most valuable first."""
    count = 0
    for hub in range(mix.size):
        if mix[hub] >= 0 or ground.standing[hub] > 0:
            count += ground.start[hub + 1] - ground.start[hub]
    rows, hubs = np.empty(count, np.intp), np.empty(count, np.intp)
    count = 0
    for hub in range(mix.size):
        if mix[hub] >= 0 or ground.standing[hub] > 0:
            for row in range(ground.start[hub], ground.start[hub + 1]):
                rows[count] = row
                hubs[count] = hub
                count += 1
    order = np.argsort(-ground.value[rows], kind="mergesort")
    return rows[order], hubs[order]


@compiled
def worth(
    ground: Ground, mix: IntArray, rows: IntArray, hubs: IntArray, extra: int, left: FloatArray, space: FloatArray
) -> float:
    """Return what hauls to what is open are worth less the cost of modules, and less penalties for what is lacking.

    Parameters
    ----------
    mix : (m,) of every hub, −1 for none
    rows, hubs : hauls to look at, as of `open_hauls`; those of a hub that is closed now are passed over
    extra : a hub whose hauls are not among them, −1 for none
    left, space : (s,) and (m,) written over
    """
    left[:] = ground.supply
    total = second = 0.0
    for hub in range(mix.size):
        space[hub] = ground.standing[hub]
        if mix[hub] >= 0:
            space[hub] = ground.capacity[hub, mix[hub]]
            total -= ground.cost[hub, mix[hub]]
            second -= ground.second_cost[hub, mix[hub]]
    at = end = 0
    if extra >= 0:
        at, end = ground.start[extra], ground.start[extra + 1]
    turn = 0
    while turn < rows.size or at < end:
        if at < end and (turn == rows.size or ground.value[at] > ground.value[rows[turn]]):
            row, hub = at, extra
            at += 1
        else:
            row, hub = rows[turn], hubs[turn]
            turn += 1
        if space[hub] <= 0.0 or left[ground.parcel[row]] <= 0.0:
            continue
        if ground.value[row] <= 0.0:
            break
        amount = min(space[hub], left[ground.parcel[row]])
        space[hub] -= amount
        left[ground.parcel[row]] -= amount
        total += amount * ground.value[row]
        second += amount * ground.second[row]
    if ground.second_penalty > 0.0:
        # The price decided what is hauled; what counts is the first objective alone, once the second one is reached.
        total -= ground.second_price * second + ground.second_penalty * max(0.0, ground.second_least - second)
    return total - _lacking(ground, mix, space) if ground.least > 0.0 else total


@compiled
def _lacking(ground: Ground, mix: IntArray, space: FloatArray) -> float:
    """Return the penalty for what hubs lack of the least load."""
    lacking = 0.0
    for hub in range(mix.size):
        if mix[hub] >= 0:
            lacking += max(0.0, ground.least - (ground.capacity[hub, mix[hub]] - space[hub]))
    return ground.penalty * lacking


@compiled
def losses(ground: Ground, mix: IntArray, rows: IntArray, hubs: IntArray, open_: IntArray) -> FloatArray:
    """Return what is left where each of some open hubs closes."""
    left, space = np.empty(ground.supply.size), np.empty(mix.size)
    found = np.empty(open_.size)
    for turn in range(open_.size):
        before = mix[open_[turn]]
        mix[open_[turn]] = -1
        found[turn] = worth(ground, mix, rows, hubs, -1, left, space)
        mix[open_[turn]] = before
    return found


@compiled
def fits(ground: Ground, used: FloatArray, hub: int, new: int, old: int, other: int, others: int) -> bool:
    """Whether there is room for a hub with a new mix in place of its old one, and of another hub's."""
    for row in range(used.size):
        amount = used[row]
        if new >= 0:
            amount += ground.taken[row, hub, new]
        if old >= 0:
            amount -= ground.taken[row, hub, old]
        if other >= 0:
            amount -= ground.taken[row, other, others]
        if amount > ground.room[row] * (1.0 + 1e-9) + 1e-9:
            return False
    return True


@compiled
def best_change(
    ground: Ground,
    mix: IntArray,
    used: FloatArray,
    rows: IntArray,
    hubs: IntArray,
    hub: int,
    rivals: IntArray,
    alone: IntArray,
    mixes: IntArray,
    now: float,
) -> tuple[float, int, int]:
    """Return the best that one hub can bring: the worth, its new mix, and the hub that closes for it, −1 for none.

    Parameters
    ----------
    mix, rows, hubs : as of `worth`
    used : (r,) what is taken of what is limited
    rivals : open hubs that may close for it
    alone : the mixes to try while no other hub closes, −1 to close it
    mixes : those to try while another one closes
    now : what must be beaten
    """
    left, space = np.empty(ground.supply.size), np.empty(mix.size)
    old = mix[hub]
    extra = hub if old < 0 else -1
    best, best_mix, best_other = now, -2, -1
    for which in range(-1, rivals.size):
        other = rivals[which] if which >= 0 else -1
        if other == hub:
            continue
        others = mix[other] if other >= 0 else -1
        tried = alone if other < 0 else mixes
        for turn in range(tried.size + (other >= 0)):
            # The modules of the one that closes may move as they are.
            new = tried[turn] if turn < tried.size else others
            if new == old or (new >= 0 and np.isinf(ground.cost[hub, new])):
                continue
            if not fits(ground, used, hub, new, old, other, others):
                continue
            mix[hub] = new
            if other >= 0:
                mix[other] = -1
            found = worth(ground, mix, rows, hubs, extra, left, space)
            mix[hub] = old
            if other >= 0:
                mix[other] = others
            if found > best:
                best, best_mix, best_other = found, new, other
    return best, best_mix, best_other
