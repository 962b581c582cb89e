"""Bounds of median problems: prices on being served, and what follows from them for candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.services.kernels import median_lagrange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.medians.median_problem import MedianProblem

    BoolArray = NDArray[np.bool_]

_WEIGHT = 0.1


class Prices(NamedTuple):
    """Multipliers of a median problem, and the running means of the volume algorithm.

    Attributes
    ----------
    price, toll : (n,) what rows pay, (k,) what conditions cost
    short, over : (n,), (k,) running means of how far both are violated
    share : (m,) running mean of what is opened, near the solution of the linear relaxation
    control : step factor, weight of the newest point, steps without success, best bound, mean cost of what is opened
    """

    price: FloatArray
    toll: FloatArray
    short: FloatArray
    over: FloatArray
    share: FloatArray
    control: FloatArray

    @property
    def bound(self) -> float:
        """No solution of the problem costs less."""
        return float(self.control[3])

    @property
    def hope(self) -> float:
        """About how high the bound can rise: what the mean of the relaxed solutions costs, its violations paid for."""
        paid = float(self.control[4])
        return paid + max(0.0, float(self.price @ self.short + self.toll @ self.over))


class Relaxed(NamedTuple):
    """The relaxed problem at some prices.

    Attributes
    ----------
    bound : no solution costs less
    if_changed : (m,) the bound once a candidate is closed that the relaxed solution opens, or opened that it does not
    taken : (m,) what the relaxed solution opens
    """

    bound: float
    if_changed: FloatArray
    taken: BoolArray


def relaxed(problem: MedianProblem, price: FloatArray, toll: FloatArray) -> Relaxed:
    """Solve the relaxed problem at (n,) prices of rows and (k,) tolls of conditions."""
    rho = median_lagrange.reduced_costs(problem.start, problem.near, problem.cost, price, problem.weights, toll)
    taken = np.zeros(rho.size, np.bool_)
    total, dearest, cheapest = median_lagrange.pick(rho, problem.p, taken)
    bound = float(total + price.sum() - toll @ problem.room)
    return Relaxed(bound, bound + np.where(taken, cheapest - rho, rho - dearest), taken)


def begin(problem: MedianProblem, price: FloatArray, toll: FloatArray, *, step: float) -> Prices:
    """Start from (n,) prices and (k,) tolls, with a first step factor."""
    price = np.minimum(price, problem.cap)
    first = relaxed(problem, price, toll)
    short = np.empty(price.size)
    median_lagrange.excess(problem.start, problem.near, problem.cost, price, first.taken, short)
    over = problem.weights[first.taken].sum(axis=0) - problem.room
    control = np.array([step, _WEIGHT, 0.0, first.bound, first.bound - price @ short - toll @ over])
    return Prices(price, toll.copy(), short, over, first.taken.astype(np.float64), control)


def climb(problem: MedianProblem, prices: Prices, target: float, steps: int) -> float:
    """Raise the bound towards a target by some steps; the best bound."""
    return median_lagrange.volume(
        problem.start, problem.near, problem.cost, problem.cap, problem.weights, problem.room, problem.p,
        prices.price, prices.toll, prices.short, prices.over, prices.share, prices.control, target, steps,
    )  # fmt: skip


class Settled(NamedTuple):
    """What prices settle.

    Attributes
    ----------
    opens, closes : (m,) what every solution below the target opens, and what none does
    otherwise : no solution that does not keep to this costs less; infinite where nothing is settled
    """

    opens: BoolArray
    closes: BoolArray
    otherwise: float

    @property
    def candidates(self) -> int:
        """How many candidates are settled."""
        return int((self.opens | self.closes).sum())


def settled(problem: MedianProblem, prices: Prices, target: float) -> Settled:
    """Return which candidates are settled, if only solutions below the target are of interest."""
    at = relaxed(problem, prices.price, prices.toll)
    decided = at.if_changed >= target
    return Settled(decided & at.taken, decided & ~at.taken, float(at.if_changed[decided].min(initial=np.inf)))
