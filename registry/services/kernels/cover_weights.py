"""Search for the cheapest full cover: what stays uncovered weighs more and more, until the search goes there.

Row weighting after Gao, Yao, Weise and Li (2015, European Journal of Operational Research 246, 750–761), here with
costs, with classes that need several candidates, and with limits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.services.kernels.compiled import compiled
from registry.services.kernels.cover_search import below

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray
    from registry.services.kernels.cover_classes import Cover
    from registry.services.kernels.cover_search import Rules

IntArray = NDArray[np.intp]
Flags = NDArray[np.bool_]

_SLACK = 1e-9
"""Share by which a limit may be passed: what floats lose."""

_EVEN = 1e-12
"""Share of a cost that is no progress."""


class Walk(NamedTuple):
    """Where a search is.

    Attributes
    ----------
    taken : (m,) whether a candidate is chosen
    reached : (k,) chosen candidates that reach a class
    weight : (k,) of a class; a whole number that grows while the class is not covered
    score : (m,) weight of the classes that a candidate would help, or that need it where it is chosen
    moved : (m,) step in which a candidate came or went
    stirred : (k,) step in which a candidate that reaches the class came or went
    lacking, place : (k,) the classes that are not covered, and where each of them stands there, −1 if it is covered
    used : (l,) what the chosen ones take of every limit
    best : (m,) the cheapest full cover
    numbers : (4,) steps; cost of what is chosen; that of the best, or what the first cover must cost less than; classes lacking
    random : (1,) state of the random numbers, not 0
    """

    taken: Flags
    reached: IntArray
    weight: FloatArray
    score: FloatArray
    moved: IntArray
    stirred: IntArray
    lacking: IntArray
    place: IntArray
    used: FloatArray
    best: Flags
    numbers: FloatArray
    random: NDArray[np.uint64]


def nothing_taken(cover: Cover, rules: Rules, seed: int, under: float) -> Walk:
    """Begin with nothing chosen; a cover counts if it costs less than ``under``."""
    classes, columns = cover.need.size, cover.begin.size - 1
    return Walk(
        np.zeros(columns, np.bool_), np.zeros(classes, np.intp), np.ones(classes), np.diff(cover.begin).astype(np.float64),
        np.full(columns, -1, np.intp), np.zeros(classes, np.intp), np.arange(classes), np.arange(classes),
        np.zeros(rules.at_most.size), np.zeros(columns, np.bool_), np.array([0.0, 0.0, under, float(classes)]),
        np.random.default_rng(seed).integers(1, 2**63, 1, dtype=np.uint64),
    )  # fmt: skip


@compiled
def come(cover: Cover, rules: Rules, walk: Walk, cost: FloatArray, one: int) -> None:
    """Choose one more."""
    step = int(walk.numbers[0])
    walk.taken[one] = True
    walk.moved[one] = step
    walk.numbers[1] += cost[one]
    for limit in range(walk.used.size):
        walk.used[limit] += rules.weights[limit, one]
    for at in range(cover.begin[one], cover.begin[one + 1]):
        row = cover.member[at]
        walk.stirred[row] = step
        count = walk.reached[row]
        walk.reached[row] = count + 1
        if count == cover.need[row] - 1:
            # Nobody else can help this class any more.
            _tell(cover, walk, row, 0, one, -walk.weight[row])
            last = walk.lacking[int(walk.numbers[3]) - 1]
            walk.lacking[walk.place[row]] = last
            walk.place[last] = walk.place[row]
            walk.place[row] = -1
            walk.numbers[3] -= 1.0
        elif count == cover.need[row]:
            # Any one of those that were there can go now.
            _tell(cover, walk, row, 1, one, -walk.weight[row])


@compiled
def go(cover: Cover, rules: Rules, walk: Walk, cost: FloatArray, one: int) -> None:
    """Choose one less."""
    step = int(walk.numbers[0])
    walk.taken[one] = False
    walk.moved[one] = step
    walk.numbers[1] -= cost[one]
    for limit in range(walk.used.size):
        walk.used[limit] -= rules.weights[limit, one]
    for at in range(cover.begin[one], cover.begin[one + 1]):
        row = cover.member[at]
        walk.stirred[row] = step
        count = walk.reached[row]
        walk.reached[row] = count - 1
        if count == cover.need[row]:
            _tell(cover, walk, row, 0, one, walk.weight[row])
            walk.place[row] = int(walk.numbers[3])
            walk.lacking[walk.place[row]] = row
            walk.numbers[3] += 1.0
        elif count == cover.need[row] + 1:
            _tell(cover, walk, row, 1, one, walk.weight[row])


@compiled
def _tell(cover: Cover, walk: Walk, row: int, side: int, except_one: int, amount: float) -> None:
    """Add to the scores of a class's candidates: of those that are chosen (side 1), or of the others (0)."""
    for at in range(cover.start[row], cover.start[row + 1]):
        other = cover.candidate[at]
        if int(walk.taken[other]) == side and other != except_one:
            walk.score[other] += amount


@compiled
def _least_needed(walk: Walk, cost: FloatArray, tabu: int) -> int:
    """Return the chosen candidate that is needed least for its cost, of several the one that came first; −1 for none."""
    found, least = -1, np.inf
    for one in range(cost.size):
        if not walk.taken[one] or one == tabu:
            continue
        value = walk.score[one] / max(cost[one], 1e-30)
        if value < least or (value == least and walk.moved[one] < walk.moved[found]):
            found, least = one, value
    return found


@compiled
def _most_helpful(cover: Cover, rules: Rules, walk: Walk, cost: FloatArray, row: int) -> int:
    """Return what helps most for its cost among the candidates that reach a class, −1 where none may come."""
    found, most = -1, 0.0
    room = walk.numbers[2] * (1.0 - _EVEN) - walk.numbers[1]
    for at in range(cover.start[row], cover.start[row + 1]):
        one = cover.candidate[at]
        value = walk.score[one] / max(cost[one], 1e-30)
        if walk.taken[one] or cost[one] >= room or value < most:
            continue
        if found >= 0 and value == most and walk.moved[one] >= walk.moved[found]:
            continue
        if _stirred(cover, walk, one) and _fits(rules, walk, one):
            found, most = one, value
    return found


@compiled
def _stirred(cover: Cover, walk: Walk, one: int) -> bool:
    """Whether anything has changed around a candidate since it went; it would come back to what it left otherwise."""
    if walk.moved[one] < 0:
        return True
    at, end = cover.begin[one], cover.begin[one + 1]
    while at < end and walk.stirred[cover.member[at]] <= walk.moved[one]:
        at += 1
    return bool(at < end)


@compiled
def _fits(rules: Rules, walk: Walk, one: int) -> bool:
    for limit in range(walk.used.size):
        most = rules.at_most[limit]
        if walk.used[limit] + rules.weights[limit, one] > most + _SLACK * max(most, 1.0):
            return False
    return True


@compiled
def _remember(cover: Cover, rules: Rules, walk: Walk, cost: FloatArray) -> None:
    """Keep a full cover, without what is not needed."""
    while True:
        idle = -1
        for one in range(cost.size):
            if walk.taken[one] and walk.score[one] == 0.0 and (idle < 0 or cost[one] > cost[idle]):
                idle = one
        if idle < 0:
            break
        go(cover, rules, walk, cost, idle)
    # Added up afresh: what floats lose does not add up.
    walk.used[:] = 0.0
    walk.numbers[1] = 0.0
    for one in range(cost.size):
        if walk.taken[one]:
            walk.numbers[1] += cost[one]
            for limit in range(walk.used.size):
                walk.used[limit] += rules.weights[limit, one]
    if walk.numbers[1] < walk.numbers[2]:
        walk.numbers[2] = walk.numbers[1]
        walk.best[:] = walk.taken


@compiled
def search(cover: Cover, rules: Rules, walk: Walk, cost: FloatArray, enough: float, steps: int) -> None:
    """Go so many steps, or until a full cover costs no more than ``enough``.

    ``walk.best`` is empty as long as no cover is found that costs less than what the walk began with.
    """
    for _ in range(steps):
        walk.numbers[0] += 1.0
        if walk.numbers[3] == 0.0:
            _remember(cover, rules, walk, cost)
            if walk.numbers[2] <= enough:
                return
        _leave(cover, rules, walk, cost)
        walk.numbers[0] += 1.0
        while walk.numbers[3] > 0.0:
            row = walk.lacking[below(walk.random, int(walk.numbers[3]))]
            into = _most_helpful(cover, rules, walk, cost, row)
            if into < 0:
                break
            come(cover, rules, walk, cost, into)
        for at in range(int(walk.numbers[3])):
            row = walk.lacking[at]
            walk.weight[row] += 1.0
            for entry in range(cover.start[row], cover.start[row + 1]):
                walk.score[cover.candidate[entry]] += 1.0
    if walk.numbers[3] == 0.0:
        _remember(cover, rules, walk, cost)


@compiled
def _leave(cover: Cover, rules: Rules, walk: Walk, cost: FloatArray) -> None:
    """Choose one less, not the one that came last if there are others, and more until less is paid than for the best."""
    came = -1
    for one in range(cost.size):
        if walk.taken[one] and walk.moved[one] == int(walk.numbers[0]) - 1:
            came = one
    while True:
        out = _least_needed(walk, cost, came)
        if out < 0:
            out = _least_needed(walk, cost, -1)
        if out < 0:
            break
        go(cover, rules, walk, cost, out)
        if walk.numbers[1] < walk.numbers[2] * (1.0 - _EVEN):
            break
