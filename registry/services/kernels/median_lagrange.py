"""Lagrangean bounds of median problems by the volume algorithm, on rows of candidates that begin with the cheapest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]
    Near = NDArray[np.int32]


_NO_VIOLATION = 1e-18
_BEYOND = 1e-4
_UNSUCCESSFUL = 20.0


@compiled
def reduced_costs(
    start: IntArray, near: Near, cost: FloatArray, price: FloatArray, weights: FloatArray, toll: FloatArray
) -> FloatArray:
    """Return what opening each of the (m,) candidates costs net of the prices that its demand pays.

    Parameters
    ----------
    price : (n,) multiplier of every row, no more than its fallback
    weights, toll : (m, k) conditions and (k,) their multipliers
    """
    rho = np.zeros(weights.shape[0])
    for row in range(start.size - 1):
        paid = price[row]
        for at in range(start[row], start[row + 1]):
            if cost[at] >= paid:
                break
            rho[near[at]] += cost[at] - paid
    for condition in range(toll.size):
        if toll[condition] > 0.0:
            rho += toll[condition] * weights[:, condition]
    return rho


@compiled
def pick(rho: FloatArray, p: int, taken: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Take the p candidates of least cost, as far as their cost is negative; of equal ones the first.

    Returns
    -------
    the sum of what was taken; the cost of the dearest taken (0 where fewer than p pay); the cost of the cheapest left
    (0 where none pays)
    """
    taken[:] = rho < 0.0
    paying = rho[taken]
    if paying.size <= p:
        return paying.sum(), 0.0, 0.0
    ordered = np.partition(paying, p - 1)
    dearest, cheapest = ordered[p - 1], ordered[p:].min()
    equal = p - (paying < dearest).sum()
    total = 0.0
    for candidate in range(rho.size):
        if rho[candidate] > dearest or (rho[candidate] == dearest and equal == 0):
            taken[candidate] = False
        elif taken[candidate]:
            total += rho[candidate]
            if rho[candidate] == dearest:
                equal -= 1
    return total, dearest, cheapest


@compiled
def excess(
    start: IntArray, near: Near, cost: FloatArray, price: FloatArray, taken: NDArray[np.bool_], short: FloatArray
) -> None:
    """Write 1 − how many of the taken candidates serve each row at its price."""
    for row in range(start.size - 1):
        served = 0
        for at in range(start[row], start[row + 1]):
            if cost[at] >= price[row]:
                break
            served += taken[near[at]]
        short[row] = 1.0 - served


@compiled
def volume(
    start: IntArray, near: Near, cost: FloatArray, cap: FloatArray, weights: FloatArray, room: FloatArray,
    p: int, price: FloatArray, toll: FloatArray, short: FloatArray, over: FloatArray,
    share: FloatArray, control: FloatArray, target: float, steps: int,
) -> float:  # fmt: skip
    """Raise the Lagrangean bound by some steps of the volume algorithm.

    Parameters
    ----------
    cap : (n,) what a row costs without a candidate
    weights, room : (m, k) and (k,): conditions, scaled alike
    p : how many may open
    price, toll : (n,) and (k,) the best multipliers so far, changed in place
    short, over, share : (n,), (k,), (m,) running means of violation and of the opened candidates, changed in place
    control : step factor, its weight of the newest point, steps without success, the best bound, the running mean of
        what the relaxed solution costs; changed in place
    target : the bound that is aimed at; steps end where it is reached
    steps : how many

    Returns
    -------
    the best bound

    Notes
    -----
    Barahona and Anbil (2000). The relaxed problem is that of Narula, Ogbu and Samuelsson (1977): with prices u ≥ 0 on
    Σⱼ xᵢⱼ = 1 the rest falls apart by candidate, L(u) = Σ uᵢ + the p least of ρⱼ = Σᵢ min(0, cᵢⱼ − uᵢ), ρⱼ < 0.
    """
    taken = np.zeros(weights.shape[0], np.bool_)
    newest = np.empty(price.size)
    for _ in range(steps):
        norm = (short * short).sum() + (over * over).sum()
        if norm < _NO_VIOLATION or control[3] >= target:
            break
        # Aimed a little above what is hoped for, lest the steps die out before the bound is there.
        apart = max(target - control[3], 0.0) + _BEYOND * abs(target)
        step = control[0] * apart / norm
        tried = np.minimum(np.maximum(price + step * short, 0.0), cap)
        tried_toll = np.maximum(toll + step * over, 0.0)
        rho = reduced_costs(start, near, cost, tried, weights, tried_toll)
        total, _dearest, _cheapest = pick(rho, p, taken)
        total += tried.sum() - (tried_toll * room).sum()
        excess(start, near, cost, tried, taken, newest)
        newest_over = -room
        for condition in range(room.size):
            newest_over[condition] += weights[taken, condition].sum()
        # What a price at its cap leaves unserved is not served at all; what a toll of 0 leaves over is free.
        newest[(tried >= cap) & (newest > 0.0)] = 0.0
        newest_over[(tried_toll == 0.0) & (newest_over < 0.0)] = 0.0
        along = (newest * short).sum() + (newest_over * over).sum()
        paid = total - (tried * newest).sum() - (tried_toll * newest_over).sum()
        alpha = control[1]
        short += alpha * (newest - short)
        over += alpha * (newest_over - over)
        share += alpha * (taken - share)
        control[4] += alpha * (paid - control[4])
        if total > control[3]:
            price[:] = tried
            toll[:] = tried_toll
            control[2], control[3] = 0.0, total
            if along > 0.0:
                control[0] = min(control[0] * 1.1, 2.0)
            continue
        control[2] += 1.0
        if control[2] >= _UNSUCCESSFUL:
            control[2] = 0.0
            control[0] *= 0.66
            control[1] = max(control[1] * 0.9, 0.005)
    return float(control[3])
