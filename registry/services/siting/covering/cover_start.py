"""A good choice to begin with: greedy, then exchange."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from registry.services.kernels import cover_search

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.kernels.cover_search import Choice, Rules
    from registry.services.siting.effort import Effort

Flags = NDArray[np.bool_]

_AT_ONCE = 50_000_000
"""Entries looked at between two looks at the clock: some tenths of a second."""


_TRIES = 5
"""Chosen candidates that a step tries to exchange: more find the best step, and fewer leave time for more steps."""


def work_of_step(cover: Cover, most: int) -> float:
    """Estimate how many entries a step of exchange looks at."""
    columns = max(cover.begin.size - 1, 1)
    reach, row = cover.candidate.size / columns, cover.candidate.size / max(cover.need.size, 1)
    return min(_TRIES, most) * (2.0 * reach * row + columns) + 1.0


def greedy(cover: Cover, rules: Rules, seed: int, *, price: FloatArray | None = None) -> Choice:
    """Choose what adds most, again and again; what adds most for its (m,) price where there is one."""
    choice = cover_search.nothing_chosen(cover, rules, seed)
    even = np.ones(choice.taken.size)
    cover_search.fill(cover, rules, choice, even if price is None else price, 0)
    cover_search.fill(cover, rules, choice, even, 0)
    cover_search.remember(choice)
    return choice


def begun(cover: Cover, rules: Rules, seed: int) -> Choice:
    """Choose greedily by what is added, and by what is added for what a limit gives up; the better of both."""
    first = greedy(cover, rules, seed)
    if not rules.at_most.size:
        return first
    # A limit of 0 has left out already what takes of it.
    tight = (rules.weights / np.maximum(rules.at_most, 1e-30)[:, None]).max(axis=0)
    second = greedy(cover, rules, seed, price=np.maximum(tight, 1.0 / max(rules.most, 1)))
    return first if first.numbers[2] >= second.numbers[2] else second


def exchange(cover: Cover, rules: Rules, choice: Choice, effort: Effort, *, steps: int, bound: float) -> None:
    """Go so many steps of exchange, or until the bound is met, or the time is up."""
    even = np.ones(choice.taken.size)
    chunk = max(int(_AT_ONCE / work_of_step(cover, rules.most)), 1)
    left = steps
    while left > 0 and not effort.over and choice.numbers[2] < bound:
        cover_search.search(cover, rules, choice, even, _TRIES, min(chunk, left))
        left -= chunk
        effort.tell(float(choice.numbers[2]), bound)
