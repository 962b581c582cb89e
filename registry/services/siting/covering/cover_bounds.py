"""Upper bounds of covering by prices, and the candidates that these prices settle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.services.kernels import cover_bound
from registry.services.kernels.cover_bound import Duals
from registry.services.kernels.cover_classes import FREE, LEFT_OUT, STANDS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.kernels.cover_search import Rules
    from registry.services.siting.effort import Effort

_STEPS = 150
"""Steps from one new beginning to the next."""

_BEGINNINGS = 24
"""New beginnings at most."""

_AT_ONCE = 30_000_000
"""Entries looked at between two looks at the clock: some tenths of a second."""

_FLAT = 1e-6
"""Share of the bound between relaxation and bound at which nothing is left to gain."""

SAFE = 1e-9
"""Share by which a bound is raised against what floats lose."""


class Bounded(NamedTuple):
    """A bound and the (c,) worth of every candidate at the prices that give it."""

    bound: float
    worth: FloatArray


def price(cover: Cover, rules: Rules, effort: Effort, *, best: float, enough: float) -> Bounded:
    """Bound what ``rules`` let be covered from above; ``best`` is known, and a bound of ``enough`` is near enough."""
    columns, limits = cover.begin.size - 1, rules.at_most.size
    now = Duals(np.full(columns, rules.most / max(columns, 1)), 0.5 * cover.weight, np.zeros(limits))
    worth = np.empty(columns)
    least = Bounded(float(cover.weight.sum()), np.zeros(columns))
    most = best
    ratio = 3.0 * float(cover.weight.mean())
    chunk = int(np.clip(_AT_ONCE // max(cover.candidate.size, 1), 1, _STEPS))
    for _ in range(_BEGINNINGS):
        mean = Duals(*(each.copy() for each in now))
        before = Duals(*(each.copy() for each in now))
        for part in range(0, _STEPS, chunk):
            if effort.over:
                return least
            steps = min(chunk, _STEPS - part)
            cover_bound.step_on(cover, rules, now, mean, ratio, part, steps)
        gaps = []
        for each in (now, mean):
            bound = cover_bound.bound_of(cover, rules, each, worth) * (1.0 + SAFE)
            if bound < least.bound:
                least = Bounded(bound, worth.copy())
            # Shares of candidates pass the limits a little, so this says where to begin again, and bounds nothing.
            share = cover_bound.relaxed(cover, each.chosen)
            most = max(most, share)
            gaps.append(bound - share)
        effort.tell(best, least.bound)
        if least.bound <= enough or least.bound - most <= _FLAT * least.bound:
            break
        if gaps[1] < gaps[0]:
            now = mean
        ratio = _balanced(before, now, ratio)
    return least


def _balanced(before: Duals, now: Duals, ratio: float) -> float:
    """Weigh steps in prices against steps in shares by how far both went (Applegate et al. 2021, arXiv:2106.04756)."""
    shares = float(np.linalg.norm(now.chosen - before.chosen)) * np.sqrt(now.paid.size / max(now.chosen.size, 1))
    prices = float(np.linalg.norm(now.paid - before.paid))
    if shares <= 0.0 or prices <= 0.0:
        return ratio
    return float(np.clip(np.sqrt(prices / shares * ratio), ratio / 4.0, ratio * 4.0))


def settled_roles(bounded: Bounded, most: int, best: float) -> NDArray[np.int8]:
    """Say which (c,) candidates every choice better than ``best`` has, and which none has."""
    worth = bounded.worth
    roles = np.full(worth.size, FREE, np.int8)
    order = np.argsort(-worth, kind="stable")
    last = max(worth[order[most - 1]], 0.0) if most > 0 else 0.0
    following = max(worth[order[most]], 0.0) if most < worth.size else 0.0
    inside = np.zeros(worth.size, np.bool_)
    inside[order[:most]] = True
    with_it = bounded.bound - (last - worth)
    without_it = bounded.bound - (worth - following)
    roles[~inside & (with_it < best)] = LEFT_OUT
    roles[inside & (without_it < best)] = STANDS
    return roles
