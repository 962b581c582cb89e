"""Prices under which the bound on haul plans comes down: the volume algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.hauling.haul_bound import Answer, PricedHubs

    IntArray = NDArray[np.intp]

_ITERATIONS = 1_500
_ASK_EVERY = 50
_FIRST_ASK = 10
_IMPROVE_AT = (50, 100, 200, 400, 800)
_PATIENCE = 100
_PROGRESS = 0.02
_AIM = 0.05
"""Share of all that is at stake by which the bound is hoped to come down as long as there is no plan."""

_LEAST_PROGRESS = 2e-5
"""The search ends when so many iterations improve the bound by less than this share of the gap, or of the bound.

A gap of more than the first share counts as one of that."""


class Relaxed(NamedTuple):
    """What prices prove.

    Attributes
    ----------
    bound : no plan is better
    if_open : (m,) no plan with modules at the candidate is better
    prices : that say so
    mixes : (m, w) what each hub would have at these prices, by what it counts for
    mix : (m,) what they have, −1 for none
    """

    bound: float
    if_open: FloatArray
    prices: FloatArray
    mixes: IntArray
    mix: IntArray


class _Volume:
    """The state of the algorithm: the best prices, a running mean of slopes, the length of a step."""

    def __init__(self, hubs: PricedHubs) -> None:
        self.hubs = hubs
        self.prices = np.zeros(hubs.size)
        self.best = hubs.ask(self.prices)
        self.if_open = hubs.if_open(self.best)
        self._mean = self.best.slope
        self._step, self.blend, self._poor = 0.1, 0.1, 0

    def step(self, known: float) -> Answer | None:
        """Ask at prices along the mean of the slopes; None where that is flat."""
        hubs, best, mean = self.hubs, self.best, self._mean
        # A price of 0 stays there where its row is not used up; such rows must not shorten the step of the others.
        way = np.where(hubs.free | (self.prices > 0) | (mean < 0), mean, 0.0)
        norm = float(way * way @ hubs.scale)
        if norm <= 0:
            return None
        aim = known if np.isfinite(known) else best.bound - _AIM * (abs(best.bound) + hubs.whole)
        length = self._step * max(best.bound - aim, 1e-4 * abs(best.bound)) / norm
        tried = self.prices - length * hubs.scale * way
        tried = np.where(hubs.free, tried, np.maximum(tried, 0.0))
        answer = hubs.ask(tried)
        ahead = float(answer.slope * mean @ hubs.scale)
        between = answer.slope - mean
        apart = float(between * between @ hubs.scale)
        part = self.blend
        if apart > 0:
            part = float(np.clip(-float(mean * between @ hubs.scale) / apart, self.blend / 10, self.blend))
        self._mean = part * answer.slope + (1.0 - part) * mean
        if answer.bound < best.bound:
            self.prices, self.best, self._poor = tried, answer, 0
            self.if_open = np.minimum(self.if_open, hubs.if_open(answer))
            if ahead > 0:
                self._step = min(self._step * 1.1, 2.0)
        else:
            self._poor += 1
            if self._poor >= 20:
                self._step, self._poor = max(self._step * 0.66, 1e-4), 0
        return answer


def relax(
    hubs: PricedHubs, effort: Effort, known: float, ask: Callable[[FloatArray, float], float], money: float = 1.0,
    improve: Callable[[Relaxed], float] | None = None,
) -> Relaxed:  # fmt: skip
    """Lower the bound by the volume algorithm (Barahona and Anbil 2000).

    Parameters
    ----------
    known : objective of the best plan so far
    ask : given the modules that prices lead to and the bound, looks for a plan with them and returns the best objective
    money : unit in which the effort is told
    improve : given what prices have proved so far, looks for a better plan more thoroughly and returns the best objective
    """
    volume = _Volume(hubs)
    mark = volume.best.bound
    for turn in range(1, _ITERATIONS + 1):
        bound = volume.best.bound
        if effort.over or _near(known, bound, effort.gap) or bound < hubs.worst:
            break
        answer = volume.step(known)
        if answer is None:
            break
        best = volume.best
        if turn % _ASK_EVERY == 0 or turn == _FIRST_ASK:
            good = answer.bound - best.bound < 0.01 * abs(best.bound)
            known = ask(hubs.modules(answer.mix if good else best.mix), best.bound)
            if improve is not None and turn in _IMPROVE_AT and not _near(known, best.bound, effort.gap):
                known = improve(_relaxed(volume))
            effort.tell(known * money, best.bound * money)
        if turn % _PATIENCE == 0:
            gained, apart = mark - best.bound, min(best.bound - known, _PROGRESS * abs(best.bound))
            if gained < max(_PROGRESS * apart, _LEAST_PROGRESS * abs(best.bound)):
                break
            if volume.blend > 1e-3 and gained < 0.01 * abs(best.bound):
                volume.blend *= 0.5
            mark = best.bound
    return _relaxed(volume)


def _relaxed(volume: _Volume) -> Relaxed:
    return Relaxed(volume.best.bound, volume.if_open, volume.prices, volume.best.mixes, volume.best.mix)


def _near(known: float, bound: float, gap: float) -> bool:
    return bool(np.isfinite(known)) and bound - known <= gap * abs(known) + 1e-9 * abs(bound)
