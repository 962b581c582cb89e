"""Better modules by exchanging hubs, with hauls by a simple rule; what is found is then hauled to exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.services.kernels import hub_exchange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.hauling.haul_bound import PricedHubs

    IntArray = NDArray[np.intp]

_ROUNDS = 20
_LITTLE = 1e-7
_DEAR = 10.0
"""How much more what the second objective lacks costs than it can bring."""

_RIVALS = 30
"""Hubs that may close for another."""


class Exchange:
    """Add, drop, change, and interchange (Teitz and Bart 1968; Kuehn and Hamburger 1963), one candidate after the other.

    What a plan is worth is estimated: the most valuable haul first, as long as there is tonnage and room. Where all must
    be served each tonne earns so much on top that none is left for the sake of the rest. What the second objective lacks
    costs more than it can bring.

    Parameters
    ----------
    extra : price of a unit of the second objective, by which hauls are chosen
    """

    def __init__(self, hubs: PricedHubs, extra: float) -> None:
        core = hubs.core
        value = core.value + extra * core.second_value
        reward = 0.0
        if core.option_at.size:
            dearest = float((core.option_fixed / np.maximum(core.option_size, 1e-12)).max())
            reward = float(np.ptp(core.value)) + dearest
        if core.serve_all:
            value = value + reward - min(float(core.value.min(initial=0.0)), 0.0)
        rate, enough = 0.0, core.second_least
        if enough is not None:
            most = float(np.abs(core.second_value).max(initial=0.0))
            rate = _DEAR * max(extra, (float(np.abs(core.value).max(initial=0.0)) + reward) / max(most, 1e-12))
        order = np.lexsort((core.parcel, -value, core.candidate))
        start = np.concatenate([[0], np.cumsum(np.bincount(core.candidate, minlength=core.candidates))])
        self.hubs = hubs
        self.taken, self.room = hubs.resources()
        self.ground = hub_exchange.Ground(
            start, core.parcel[order], value[order], core.supply, hubs.hubs.capacity, hubs.cost + extra * hubs.second_cost,
            self.taken, self.room, core.standing, core.least, reward + float(np.abs(core.value).max(initial=0.0)),
            core.second_value[order], hubs.second_cost, enough or 0.0, extra, rate,
        )  # fmt: skip

    def improved(self, mix: IntArray, candidates: IntArray, mixes: IntArray, effort: Effort) -> IntArray:
        """Return (m,) mixes that are worth more.

        Parameters
        ----------
        mix : (m,) that it begins with, −1 for none
        candidates : that are tried, in this order
        mixes : (m, w) that each of them is tried with, −1 for none
        """
        ground, mix = self.ground, mix.copy()
        left, space = np.empty(ground.supply.size), np.empty(mix.size)
        rows, hubs = hub_exchange.open_hauls(ground, mix)
        now = hub_exchange.worth(ground, mix, rows, hubs, -1, left, space)
        rivals = self._rivals(mix, rows, hubs)
        every = np.arange(-1, ground.cost.shape[1])
        since, turn = 0, 0
        while since < candidates.size and turn < _ROUNDS * candidates.size and not effort.over:
            hub = int(candidates[turn % candidates.size])
            turn, since = turn + 1, since + 1
            some = np.unique(mixes[hub][mixes[hub] >= 0])
            found, new, other = hub_exchange.best_change(
                ground, mix, self._used(mix), rows, hubs, hub, rivals, every if mix[hub] >= 0 else some, some,
                now + _LITTLE * abs(now),
            )  # fmt: skip
            if new == -2:
                continue
            mix[hub] = new
            if other >= 0:
                mix[other] = -1
            now, since = found, 0
            rows, hubs = hub_exchange.open_hauls(ground, mix)
            rivals = self._rivals(mix, rows, hubs)
        return mix

    def _rivals(self, mix: IntArray, rows: IntArray, hubs: IntArray) -> IntArray:
        """Return the open hubs that would be missed the least."""
        open_ = np.flatnonzero(mix >= 0)
        kept = hub_exchange.losses(self.ground, mix, rows, hubs, open_)
        return open_[np.argsort(-kept, kind="stable")[:_RIVALS]]

    def _used(self, mix: IntArray) -> FloatArray:
        some = np.flatnonzero(mix >= 0)
        used: FloatArray = self.taken[:, some, mix[some]].sum(axis=1)
        return used
