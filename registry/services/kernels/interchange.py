"""The fast interchange of Resende and Werneck for median problems, on rows of candidates that begin with the cheapest.

Whatever is asked of a demand (its two cheapest open candidates, what a closed one would save) is answered by the
beginning of its row, so nothing but these beginnings is read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]
    Near = NDArray[np.int32]


@compiled
def two_nearest(
    begin: int, end: int, near: Near, cost: FloatArray, fallback: float, slot: IntArray
) -> tuple[int, float, int, float]:
    """Return slot and cost of the cheapest open candidate of a row, and of the next; −1 stands for the fallback."""
    first, least = -1, fallback
    for at in range(begin, end):
        if cost[at] >= fallback:
            break
        own = slot[near[at]]
        if own >= 0:
            if first >= 0:
                return first, least, own, cost[at]
            first, least = own, cost[at]
    return first, least, -1, fallback


@compiled
def two_least(
    start: IntArray, near: Near, cost: FloatArray, fallback: FloatArray, slot: IntArray
) -> tuple[FloatArray, FloatArray]:
    """Return the two least costs of every row; those that are open have a slot of 0 or more."""
    n = start.size - 1
    least, following = np.empty(n), np.empty(n)
    for row in range(n):
        _, least[row], _, following[row] = two_nearest(start[row], start[row + 1], near, cost, fallback[row], slot)
    return least, following


@compiled
def save_by(begin: int, end: int, near: Near, cost: FloatArray, now: float, sign: float, gain: FloatArray) -> None:
    """Add to every candidate of a row what it would save against the cost of now."""
    for at in range(begin, end):
        if cost[at] >= now:
            break
        gain[near[at]] += sign * (now - cost[at])


@compiled
def _place_of(candidate: int, begin: int, end: int, near: Near, cost: FloatArray, most: float) -> int:
    """Return where a candidate stands among those of a row that cost less than ``most``, −1 where it does not."""
    for at in range(begin, end):
        if cost[at] >= most:
            break
        if near[at] == candidate:
            return at
    return -1


@compiled
def _best_drawn(
    drawn: IntArray, sample: int, is_open: NDArray[np.bool_], weights: FloatArray, left: FloatArray, gain: FloatArray
) -> int:
    """Return the best of the first few that may be opened, −1 if none may."""
    best, seen = -1, 0
    for candidate in drawn:
        if is_open[candidate] or (weights[candidate] > left).any():
            continue
        if best < 0 or gain[candidate] > gain[best]:
            best = candidate
        seen += 1
        if seen == sample:
            break
    return best


@compiled
def construct(
    start: IntArray, near: Near, cost: FloatArray, fallback: FloatArray, weights: FloatArray, room: FloatArray,
    order: IntArray, sample: int, p: int,
) -> IntArray:  # fmt: skip
    """Open p candidates, each time the best of a sample.

    Parameters
    ----------
    weights, room : (m, k) and (k,), conditions on what is open
    order : (p, d) candidates that are drawn for each step, one after the other
    sample : how many that may be opened are looked at

    Returns
    -------
    (≤ p,) candidates; fewer where none that was drawn may open
    """
    n, m = start.size - 1, weights.shape[0]
    now = fallback.copy()
    gain = np.zeros(m)
    for row in range(n):
        save_by(start[row], start[row + 1], near, cost, now[row], 1.0, gain)
    left = room.copy()
    is_open = np.zeros(m, np.bool_)
    chosen = np.empty(p, np.intp)
    for count in range(p):
        best = _best_drawn(order[count], sample, is_open, weights, left, gain)
        if best < 0:
            return chosen[:count]
        chosen[count] = best
        is_open[best] = True
        left -= weights[best]
        for row in range(n):
            at = _place_of(best, start[row], start[row + 1], near, cost, now[row])
            if at >= 0:
                save_by(start[row], start[row + 1], near, cost, now[row], -1.0, gain)
                now[row] = cost[at]
                save_by(start[row], start[row + 1], near, cost, now[row], 1.0, gain)
    return chosen


@compiled
def _count(
    begin: int, end: int, near: Near, cost: FloatArray, slot: IntArray, first: int, least: float, second: float,
    sign: float, gain: FloatArray, loss: FloatArray, extra: FloatArray,
) -> None:  # fmt: skip
    """Add what a row has to say to gain, loss and extra, or take it away."""
    if first >= 0:
        loss[first] += sign * (second - least)
    for at in range(begin, end):
        if cost[at] >= second:
            break
        candidate = near[at]
        if slot[candidate] >= 0:
            continue
        if cost[at] < least:
            gain[candidate] += sign * (least - cost[at])
            if first >= 0:
                extra[first, candidate] += sign * (second - least)
        elif first >= 0:
            extra[first, candidate] += sign * (second - cost[at])


@compiled
def _best_swap(
    slot: IntArray, chosen: IntArray, used: int, gain: FloatArray, loss: FloatArray, extra: FloatArray,
    weights: FloatArray, left: FloatArray,
) -> tuple[float, int, int]:  # fmt: skip
    """Return the saving, the candidate to open and the slot to empty; a slot that is empty loses nothing."""
    best, enters, leaves = 0.0, -1, -1
    bound = weights.shape[1] > 0
    for own in range(chosen.size):
        for candidate in range(slot.size):
            saving = gain[candidate] - loss[own] + extra[own, candidate]
            if saving > best and slot[candidate] < 0:
                if bound:
                    freed = left if own >= used else left + weights[chosen[own]]
                    if (weights[candidate] > freed).any():
                        continue
                best, enters, leaves = saving, candidate, own
        if own >= used:
            break
    return best, enters, leaves


@compiled
def interchange(
    start: IntArray, near: Near, cost: FloatArray, fallback: FloatArray, weights: FloatArray, room: FloatArray,
    chosen: IntArray, used: int, most: int, least_saving: float,
) -> tuple[int, int]:  # fmt: skip
    """Swap an open candidate for a closed one as long as that saves, the best swap first.

    Parameters
    ----------
    start, near, cost : rows of candidates, the cheapest first
    fallback : (n,) what a row costs where no candidate is cheaper
    weights, room : (m, k) and (k,), conditions on what is open
    chosen : (p,) what is open, changed in place
    used : how many of them are
    most : swaps, then it is left as it is
    least_saving : a swap that saves no more is none

    Returns
    -------
    how many swaps were made, and how many of ``chosen`` are open

    Notes
    -----
    Resende and Werneck (2007): with d₁ and d₂ the two least costs of a row, opening i and closing r saves
    gain(i) − loss(r) + extra(i, r), three sums that change only by the rows whose two least costs change.
    """
    n, m = start.size - 1, weights.shape[0]
    slot = np.full(m, -1, np.intp)
    left = room.copy()
    for own in range(used):
        slot[chosen[own]] = own
        left -= weights[chosen[own]]
    gain, loss, extra = np.zeros(m), np.zeros(chosen.size), np.zeros((chosen.size, m))
    first, second = np.empty(n, np.intp), np.empty(n, np.intp)
    least, next_least = np.empty(n), np.empty(n)
    for row in range(n):
        first[row], least[row], second[row], next_least[row] = two_nearest(
            start[row], start[row + 1], near, cost, fallback[row], slot
        )
        _count(
            start[row], start[row + 1], near, cost, slot, first[row], least[row], next_least[row], 1.0,
            gain, loss, extra,
        )  # fmt: skip
    touched = np.empty(n, np.intp)
    for swaps in range(most):
        saving, enters, leaves = _best_swap(slot, chosen, used, gain, loss, extra, weights, left)
        if saving <= least_saving:
            return swaps, used
        rows = 0
        for row in range(n):
            affected = first[row] == leaves or second[row] == leaves
            if not affected:
                affected = _place_of(enters, start[row], start[row + 1], near, cost, next_least[row]) >= 0
            if affected:
                touched[rows] = row
                rows += 1
                _count(
                    start[row], start[row + 1], near, cost, slot, first[row], least[row], next_least[row], -1.0,
                    gain, loss, extra,
                )  # fmt: skip
        if leaves >= used:
            used += 1
        else:
            slot[chosen[leaves]] = -1
            left += weights[chosen[leaves]]
            gain[chosen[leaves]] = 0.0
            extra[:, chosen[leaves]] = 0.0
        left -= weights[enters]
        chosen[leaves] = enters
        slot[enters] = leaves
        # What stays of differences that should cancel is not carried on.
        loss[leaves] = 0.0
        extra[leaves] = 0.0
        for at in range(rows):
            row = touched[at]
            first[row], least[row], second[row], next_least[row] = two_nearest(
                start[row], start[row + 1], near, cost, fallback[row], slot
            )
            _count(
                start[row], start[row + 1], near, cost, slot, first[row], least[row], next_least[row], 1.0,
                gain, loss, extra,
            )  # fmt: skip
    return most, used
