"""Local search for covering: candidates are exchanged, and what each would add is kept up to date all the while."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

_SLACK = 1e-9
"""Share by which a limit may be passed: what floats lose."""

_EVEN = 1e-12
"""Share of an amount that is no progress."""

_PATIENCE = 400
"""Steps without a better choice, after which a quarter of the choice is thrown away."""


class Rules(NamedTuple):
    """How many may be chosen, which together, and what half a cover is worth.

    Attributes
    ----------
    most : candidates that may be chosen
    weights, at_most : (l, m) and (l,) limits
    credit : share of its part that a candidate gets for reaching a class that still needs others
    """

    most: int
    weights: FloatArray
    at_most: FloatArray
    credit: float


class Choice(NamedTuple):
    """Where a search is.

    Attributes
    ----------
    taken : (m,) whether a candidate is chosen
    reached : (k,) chosen candidates that reach a class
    gain : (m,) score that a candidate adds, or added if it was not there
    used : (l,) what the chosen ones take of every limit
    free_at : (m,) step from which a candidate may move again
    best : (m,) the best choice
    numbers : (5,) score; demand covered; the same of the best choice; steps; steps since the best choice
    random : (1,) state of the random numbers, not 0
    """

    taken: Flags
    reached: IntArray
    gain: FloatArray
    used: FloatArray
    free_at: IntArray
    best: Flags
    numbers: FloatArray
    random: NDArray[np.uint64]


def nothing_chosen(cover: Cover, rules: Rules, seed: int) -> Choice:
    """Return a choice of nothing."""
    columns = cover.begin.size - 1
    choice = Choice(
        np.zeros(columns, np.bool_), np.zeros(cover.need.size, np.intp), np.zeros(columns), np.zeros(rules.at_most.size),
        np.zeros(columns, np.intp), np.zeros(columns, np.bool_), np.zeros(5),
        np.random.default_rng(seed).integers(1, 2**63, 1, dtype=np.uint64),
    )  # fmt: skip
    start_afresh(cover, rules, choice)
    return choice


@compiled
def _next(cover: Cover, rules: Rules, row: int, count: int) -> float:
    """Return the score that one more candidate adds to a class that so many reach."""
    need = cover.need[row]
    if count >= need:
        return 0.0
    part = rules.credit / need
    return float(cover.weight[row] * (part if count < need - 1 else 1.0 - part * (need - 1)))


@compiled
def start_afresh(cover: Cover, rules: Rules, choice: Choice) -> None:
    """Work out everything from what is taken."""
    choice.reached[:] = 0
    choice.gain[:] = 0.0
    choice.used[:] = 0.0
    for one in range(choice.taken.size):
        if choice.taken[one]:
            for limit in range(choice.used.size):
                choice.used[limit] += rules.weights[limit, one]
            for at in range(cover.begin[one], cover.begin[one + 1]):
                choice.reached[cover.member[at]] += 1
    score, covered = 0.0, 0.0
    for row in range(cover.need.size):
        for count in range(min(choice.reached[row], cover.need[row])):
            score += _next(cover, rules, row, count)
        if choice.reached[row] >= cover.need[row]:
            covered += cover.weight[row]
        _spread(cover, row, _next(cover, rules, row, choice.reached[row]), choice.gain)
    choice.numbers[0], choice.numbers[1] = score, covered


@compiled
def _spread(cover: Cover, row: int, amount: float, gain: FloatArray) -> None:
    if amount != 0.0:
        for at in range(cover.start[row], cover.start[row + 1]):
            gain[cover.candidate[at]] += amount


@compiled
def take(cover: Cover, rules: Rules, choice: Choice, one: int) -> None:
    """Choose one more."""
    choice.taken[one] = True
    for limit in range(choice.used.size):
        choice.used[limit] += rules.weights[limit, one]
    for at in range(cover.begin[one], cover.begin[one + 1]):
        row = cover.member[at]
        count = choice.reached[row]
        if count < cover.need[row]:
            added = _next(cover, rules, row, count)
            _spread(cover, row, _next(cover, rules, row, count + 1) - added, choice.gain)
            choice.numbers[0] += added
            if count + 1 == cover.need[row]:
                choice.numbers[1] += cover.weight[row]
        choice.reached[row] = count + 1


@compiled
def drop(cover: Cover, rules: Rules, choice: Choice, one: int) -> None:
    """Choose one less."""
    choice.taken[one] = False
    for limit in range(choice.used.size):
        choice.used[limit] -= rules.weights[limit, one]
    for at in range(cover.begin[one], cover.begin[one + 1]):
        row = cover.member[at]
        count = choice.reached[row] - 1
        if count < cover.need[row]:
            lost = _next(cover, rules, row, count)
            _spread(cover, row, lost - _next(cover, rules, row, count + 1), choice.gain)
            choice.numbers[0] -= lost
            if count + 1 == cover.need[row]:
                choice.numbers[1] -= cover.weight[row]
        choice.reached[row] = count


@compiled
def _fits(rules: Rules, choice: Choice, one: int) -> bool:
    for limit in range(choice.used.size):
        most = rules.at_most[limit]
        if choice.used[limit] + rules.weights[limit, one] > most + _SLACK * max(most, 1.0):
            return False
    return True


@compiled
def fill(cover: Cover, rules: Rules, choice: Choice, price: FloatArray, step: int) -> None:
    """Choose greedily, what adds most for its price (m,), as long as anything is added; none that may not move yet."""
    chosen = int(choice.taken.sum())
    least = _EVEN * max(choice.numbers[0], 1.0)
    while chosen < rules.most:
        best, most = -1, 0.0
        for one in range(choice.taken.size):
            if choice.gain[one] <= least or choice.taken[one] or choice.free_at[one] > step:
                continue
            value = choice.gain[one] / max(price[one], 1e-30)
            if value > most and _fits(rules, choice, one):
                best, most = one, value
        if best < 0:
            break
        take(cover, rules, choice, best)
        chosen += 1


@compiled
def below(random: NDArray[np.uint64], most: int) -> int:
    """Return a random whole number from 0 to below ``most``: xorshift64*."""
    x = random[0]
    x ^= x >> np.uint64(12)
    x ^= x << np.uint64(25)
    x ^= x >> np.uint64(27)
    random[0] = x
    return int(((x * np.uint64(2685821657736338717)) >> np.uint64(33)) % np.uint64(most))


@compiled
def _exchange(cover: Cover, rules: Rules, choice: Choice, step: int, tries: int) -> tuple[int, int]:
    """Find the best exchange of some chosen ones whose parts may move, or that leads beyond all that was found."""
    out, into, best = -1, -1, -np.inf
    record = choice.numbers[2] * (1.0 + _EVEN)
    chosen = np.flatnonzero(choice.taken)
    for place in range(min(tries, chosen.size)):
        other = place + below(choice.random, chosen.size - place)
        chosen[place], chosen[other] = chosen[other], chosen[place]
        one = int(chosen[place])
        drop(cover, rules, choice, one)
        score = choice.numbers[0]
        for other in range(choice.taken.size):
            value = score + choice.gain[other]
            if value <= best or choice.taken[other] or other == one or not _fits(rules, choice, other):
                continue
            if (choice.free_at[one] <= step and choice.free_at[other] <= step) or value > record:
                out, into, best = one, other, value
        take(cover, rules, choice, one)
    return out, into


@compiled
def remember(choice: Choice) -> None:
    """Keep the choice if it is the best."""
    if choice.numbers[1] > choice.numbers[2] * (1.0 + _EVEN):
        choice.numbers[2] = choice.numbers[1]
        choice.numbers[4] = 0.0
        choice.best[:] = choice.taken


@compiled
def search(cover: Cover, rules: Rules, choice: Choice, even: FloatArray, tries: int, steps: int) -> None:
    """Go so many steps of a tabu search by exchange (Glover 1989, doi:10.1287/ijoc.1.3.190), from a choice that `fill` made.

    ``even`` are m ones; ``tries`` is how many of the chosen ones a step looks at.
    """
    columns = choice.taken.size
    total = cover.weight.sum()
    for _ in range(steps):
        if choice.numbers[2] >= total:
            return
        step = int(choice.numbers[3])
        choice.numbers[3] += 1.0
        choice.numbers[4] += 1.0
        out, into = (-1, -1) if choice.numbers[4] > _PATIENCE else _exchange(cover, rules, choice, step, tries)
        if out < 0:
            chosen = np.flatnonzero(choice.taken)
            if chosen.size == 0:
                return
            choice.numbers[4] = 0.0
            for _ in range(1 + chosen.size // 4):
                one = chosen[below(choice.random, chosen.size)]
                choice.taken[one] = False
                choice.free_at[one] = step + 10 + below(choice.random, 10)
            # So that what floats lose does not add up.
            start_afresh(cover, rules, choice)
        else:
            drop(cover, rules, choice, out)
            take(cover, rules, choice, into)
            choice.free_at[out] = step + 6 + below(choice.random, 10)
            choice.free_at[into] = step + 1 + below(choice.random, 1 + rules.most // 3)
        fill(cover, rules, choice, even, step)
        if int(choice.taken.sum()) < min(rules.most, columns):
            fill(cover, rules, choice, even, step + columns + 20)
        remember(choice)
