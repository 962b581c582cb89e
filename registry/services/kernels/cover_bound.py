"""Bounds of covering by prices on demand, found by a primal-dual hybrid gradient method.

Covered demand is Σ w min(1, (A y) / need), the least over prices 0 ≤ u ≤ w of Σ (w − u) + Σ u (A y) / need. With prices
held, the best choice takes the candidates with the dearest demand within reach, so any prices give a bound, whether the
method has come to an end or not (Chambolle and Pock 2011, doi:10.1007/s10851-010-0251-1; steps by row and column: Pock
and Chambolle 2011, doi:10.1109/ICCV.2011.6126441).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.kernels.cover_search import Rules


class Duals(NamedTuple):
    """Where the method is.

    Attributes
    ----------
    chosen : (m,) share of every candidate that is chosen
    paid, toll : (k,) price of a class, (l,) of a limit
    """

    chosen: FloatArray
    paid: FloatArray
    toll: FloatArray


@compiled
def worth_of(cover: Cover, rules: Rules, prices: Duals, worth: FloatArray) -> None:
    """Write what every candidate is worth at these prices."""
    for one in range(worth.size):
        sum_ = 0.0
        for at in range(cover.begin[one], cover.begin[one + 1]):
            row = cover.member[at]
            sum_ += prices.paid[row] / cover.need[row]
        for limit in range(rules.at_most.size):
            sum_ -= prices.toll[limit] * rules.weights[limit, one]
        worth[one] = sum_


@compiled
def bound_of(cover: Cover, rules: Rules, prices: Duals, worth: FloatArray) -> float:
    """Return the most that any choice can cover by these prices, and write what every candidate is worth at them."""
    worth_of(cover, rules, prices, worth)
    bound = 0.0
    for row in range(cover.weight.size):
        bound += cover.weight[row] - prices.paid[row]
    for limit in range(rules.at_most.size):
        bound += prices.toll[limit] * rules.at_most[limit]
    ranked = np.sort(worth)
    for place in range(min(rules.most, worth.size)):
        bound += max(ranked[worth.size - 1 - place], 0.0)
    return float(bound)


@compiled
def _kept(moved: FloatArray, step: FloatArray, price: float) -> float:
    sum_ = 0.0
    for one in range(moved.size):
        sum_ += min(max(moved[one] - price * step[one], 0.0), 1.0)
    return sum_


@compiled
def _project(moved: FloatArray, step: FloatArray, most: float) -> None:
    """Bring shares back between 0 and 1, and their sum to no more than ``most``, nearest in the steps' own measure."""
    high = 0.0
    if _kept(moved, step, 0.0) > most:
        low = 0.0
        for one in range(moved.size):
            high = max(high, moved[one] / step[one])
        for _ in range(60):
            middle = 0.5 * (low + high)
            if _kept(moved, step, middle) > most:
                low = middle
            else:
                high = middle
    for one in range(moved.size):
        moved[one] = min(max(moved[one] - high * step[one], 0.0), 1.0)


@compiled
def relaxed(cover: Cover, chosen: FloatArray) -> float:
    """Return the demand that shares of candidates cover, in the relaxation."""
    sum_ = 0.0
    for row in range(cover.need.size):
        reached = 0.0
        for at in range(cover.start[row], cover.start[row + 1]):
            reached += chosen[cover.candidate[at]]
        sum_ += cover.weight[row] * min(reached / cover.need[row], 1.0)
    return sum_


@compiled
def _lengths(cover: Cover, rules: Rules) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return how far a step may go in every share, price and toll."""
    columns, rows, limits = cover.begin.size - 1, cover.need.size, rules.at_most.size
    long, wide, heavy = np.empty(columns), np.empty(rows), np.full(limits, 1e-9)
    for row in range(rows):
        wide[row] = cover.need[row] / max(cover.start[row + 1] - cover.start[row], 1)
    for one in range(columns):
        sum_ = 1e-9
        for at in range(cover.begin[one], cover.begin[one + 1]):
            sum_ += 1.0 / cover.need[cover.member[at]]
        for limit in range(limits):
            sum_ += rules.weights[limit, one]
            heavy[limit] += rules.weights[limit, one]
        long[one] = 1.0 / sum_
    return long, wide, 1.0 / heavy


@compiled
def _pay(
    cover: Cover, now: Duals, mean: Duals, shares: FloatArray, wide: FloatArray, ratio: float, part: float
) -> None:
    """Lower the prices of what shares of candidates reach more than enough, raise the others."""
    for row in range(cover.need.size):
        sum_ = 0.0
        for at in range(cover.start[row], cover.start[row + 1]):
            sum_ += shares[cover.candidate[at]]
        paid = now.paid[row] - ratio * wide[row] * (sum_ / cover.need[row] - 1.0)
        now.paid[row] = min(max(paid, 0.0), cover.weight[row])
        mean.paid[row] += (now.paid[row] - mean.paid[row]) * part


@compiled
def step_on(cover: Cover, rules: Rules, now: Duals, mean: Duals, ratio: float, gone: int, steps: int) -> None:
    """Go so many steps on from ``now``, and bring ``mean`` up to date, the mean of the steps gone so far and these.

    ``ratio`` is the length of the steps in prices against those in shares.
    """
    columns = now.chosen.size
    worth, before = np.empty(columns), np.empty(columns)
    long, wide, light = _lengths(cover, rules)
    for step in range(steps):
        worth_of(cover, rules, now, worth)
        before[:] = now.chosen
        for one in range(columns):
            now.chosen[one] += long[one] / ratio * worth[one]
        _project(now.chosen, long, float(rules.most))
        part = 1.0 / (gone + step + 1.0)
        for one in range(columns):
            before[one] = 2.0 * now.chosen[one] - before[one]
            mean.chosen[one] += (now.chosen[one] - mean.chosen[one]) * part
        _pay(cover, now, mean, before, wide, ratio, part)
        for limit in range(light.size):
            sum_ = -rules.at_most[limit]
            for one in range(columns):
                sum_ += rules.weights[limit, one] * before[one]
            now.toll[limit] = max(now.toll[limit] + ratio * sum_ * light[limit], 0.0)
            mean.toll[limit] += (now.toll[limit] - mean.toll[limit]) * part
