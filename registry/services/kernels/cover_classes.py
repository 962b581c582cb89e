"""Demand that is reached alike, joined; candidates and classes that cannot matter, found.

Nothing here is likely, all of it is proven: rows that a hash brings together are compared number by number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from registry.services.geodesy import FloatArray

IntArray = NDArray[np.intp]
Index = NDArray[np.int32]
Flags = NDArray[np.bool_]

FREE, STANDS, LEFT_OUT = 0, 1, 2
"""Roles of a candidate: may be chosen, stands already, is left out."""

NO_WEIGHT, SETTLED, BEYOND = -1, -2, -3
"""What stands for the class of demand that weighs nothing, that what stands covers, and that nothing can cover."""

_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(32)


class Cover(NamedTuple):
    """Classes of demand and the candidates that reach them, by class and by candidate.

    Attributes
    ----------
    weight : (k,) demand of every class
    need : (k,) how many of its candidates must be chosen for it to be covered
    start, candidate : (k + 1,) and (h,) candidates that reach a class, ascending
    begin, member : (m + 1,) and (h,) classes that a candidate reaches, ascending
    """

    weight: FloatArray
    need: IntArray
    start: IntArray
    candidate: Index
    begin: IntArray
    member: Index


@compiled
def _alike(one: int, other: int, start: IntArray, candidate: Index, role: NDArray[np.int8]) -> bool:
    """Whether two rows name the same free candidates, which ascend."""
    at, end, there, last = start[one], start[one + 1], start[other], start[other + 1]
    while True:
        while at < end and role[candidate[at]] != FREE:
            at += 1
        while there < last and role[candidate[there]] != FREE:
            there += 1
        if at == end or there == last:
            return bool(at == end and there == last)
        if candidate[at] != candidate[there]:
            return False
        at += 1
        there += 1


@compiled
def _read(
    begin: int, end: int, candidate: Index, role: NDArray[np.int8], random: NDArray[np.uint64]
) -> tuple[int, int, np.uint64]:
    """Return how many candidates of a row are free, how many stand, and the sum of the random numbers of the free."""
    there, stand, mixed = 0, 0, np.uint64(0)
    for at in range(begin, end):
        which = candidate[at]
        if role[which] == FREE:
            mixed += random[which]
            there += 1
        elif role[which] == STANDS:
            stand += 1
    return there, stand, mixed


@compiled
def classify(
    start: IntArray, candidate: Index, weight: FloatArray, needed: IntArray,
    role: NDArray[np.int8], random: NDArray[np.uint64], class_of: Index,
) -> tuple[IntArray, IntArray, FloatArray]:  # fmt: skip
    """Join rows that the same free candidates reach and that need as many of them.

    Parameters
    ----------
    start, candidate : (n + 1,) and (h,) CSR rows without doubles, ascending
    weight : (n,) or (1,) for all alike
    needed : (n,) or (1,) how many candidates a row needs, those that stand counted
    role, random : (m,) what every candidate is, and a random number of each
    class_of : (n,) written: the class of every row, or what stands in its place

    Returns
    -------
    first row, need and weight of every class
    """
    rows = start.size - 1
    size = 4096
    table = np.full(size, -1, np.int32)
    first, need = np.empty(size, np.intp), np.empty(size, np.intp)
    total, hashed = np.empty(size), np.empty(size, np.uint64)
    found = 0
    for row in range(rows):
        own = weight[row] if weight.size > 1 else weight[0]
        if own == 0.0:
            class_of[row] = NO_WEIGHT
            continue
        left = needed[row] if needed.size > 1 else needed[0]
        there, stand, mixed = _read(start[row], start[row + 1], candidate, role, random)
        left -= stand
        if left <= 0 or there < left:
            class_of[row] = SETTLED if left <= 0 else BEYOND
            continue
        mixed = (mixed + np.uint64(left)) * _MULTIPLIER
        mixed = (mixed ^ (mixed >> _SHIFT)) * _MULTIPLIER
        slot = np.intp((mixed >> _SHIFT) & np.uint64(size - 1))
        while table[slot] >= 0:
            one = table[slot]
            if hashed[one] == mixed and need[one] == left and _alike(row, first[one], start, candidate, role):
                break
            slot = (slot + 1) & (size - 1)
        if table[slot] >= 0:
            one = table[slot]
            total[one] += own
        else:
            one = found
            found += 1
            table[slot] = one
            first[one], need[one], total[one], hashed[one] = row, left, own, mixed
            if 2 * found >= size:
                size *= 2
                first, need = _longer(first, size), _longer(need, size)
                total, hashed = _longer(total, size), _longer(hashed, size)
                table = _refilled(hashed, found, size)
        class_of[row] = one
    return first[:found].copy(), need[:found].copy(), total[:found].copy()


@compiled
def _longer(array: Any, size: int) -> Any:
    longer = np.empty(size, array.dtype)
    longer[: array.size] = array
    return longer


@compiled
def _refilled(hashed: NDArray[np.uint64], found: int, size: int) -> Index:
    table = np.full(size, -1, np.int32)
    for one in range(found):
        slot = np.intp((hashed[one] >> _SHIFT) & np.uint64(size - 1))
        while table[slot] >= 0:
            slot = (slot + 1) & (size - 1)
        table[slot] = one
    return table


@compiled
def rows_of(start: IntArray, candidate: Index, rows: IntArray, number: Index) -> tuple[IntArray, Index]:
    """Return some rows of a CSR matrix with the columns under new numbers, those below 0 left out."""
    begin = np.zeros(rows.size + 1, np.intp)
    for at in range(rows.size):
        kept = 0
        for entry in range(start[rows[at]], start[rows[at] + 1]):
            kept += number[candidate[entry]] >= 0
        begin[at + 1] = begin[at] + kept
    found = np.empty(begin[rows.size], np.int32)
    into = 0
    for row in rows:
        for entry in range(start[row], start[row + 1]):
            if number[candidate[entry]] >= 0:
                found[into] = number[candidate[entry]]
                into += 1
    return begin, found


@compiled
def transposed(start: IntArray, candidate: Index, columns: int) -> tuple[IntArray, Index]:
    """Return the rows of every column, ascending."""
    begin = np.zeros(columns + 1, np.intp)
    for which in candidate:
        begin[which + 1] += 1
    for column in range(columns):
        begin[column + 1] += begin[column]
    into = begin[:-1].copy()
    member = np.empty(candidate.size, np.int32)
    for row in range(start.size - 1):
        for at in range(start[row], start[row + 1]):
            member[into[candidate[at]]] = row
            into[candidate[at]] += 1
    return begin, member


@compiled
def holders(one: int, begin: IntArray, member: Index, start: IntArray, candidate: Index, room: Index) -> int:
    """Write the candidates that reach all that one reaches, itself included; how many there are.

    It works for classes just as well, with the two halves of the matrix exchanged.
    """
    if begin[one] == begin[one + 1]:
        return 0
    least = member[begin[one]]
    for at in range(begin[one], begin[one + 1]):
        if start[member[at] + 1] - start[member[at]] < start[least + 1] - start[least]:
            least = member[at]
    found = int(start[least + 1] - start[least])
    room[:found] = candidate[start[least] : start[least + 1]]
    for at in range(begin[one], begin[one + 1]):
        if found == 1:
            break
        row, kept, there = member[at], 0, start[member[at]]
        for each in range(found):
            while there < start[row + 1] and candidate[there] < room[each]:
                there += 1
            if there == start[row + 1]:
                break
            if candidate[there] == room[each]:
                room[kept] = room[each]
                kept += 1
        found = kept
    return found


@compiled
def dominated_candidates(cover: Cover, cost: FloatArray, weights: FloatArray) -> Flags:
    """Find the candidates that another can always stand for.

    It reaches all that they reach, costs no more, (m,), and takes no more of any limit, (l, m). What a candidate reaches
    must need but one: the second of two cannot be stood for by the first.
    """
    columns = cover.begin.size - 1
    gone = np.zeros(columns, np.bool_)
    room = np.empty(columns, np.int32)
    for one in range(columns):
        if cover.begin[one] == cover.begin[one + 1]:
            gone[one] = True
            continue
        alone = True
        for at in range(cover.begin[one], cover.begin[one + 1]):
            if cover.need[cover.member[at]] > 1:
                alone = False
                break
        if not alone:
            continue
        found = holders(one, cover.begin, cover.member, cover.start, cover.candidate, room)
        size = cover.begin[one + 1] - cover.begin[one]
        for each in range(found):
            other = room[each]
            # Transitive, so it does not matter whether the other one goes as well; of equals the first one stays.
            if other == one or cost[other] > cost[one]:
                continue
            lighter, same = True, cost[other] == cost[one]
            for limit in range(weights.shape[0]):
                lighter = lighter and weights[limit, other] <= weights[limit, one]
                same = same and weights[limit, other] == weights[limit, one]
            same = same and cover.begin[other + 1] - cover.begin[other] == size
            if lighter and (not same or other < one):
                gone[one] = True
                break
    return gone


@compiled
def dominated_classes(cover: Cover) -> Flags:
    """Find the classes that are covered whenever another one is: it has fewer candidates and needs as many."""
    rows = cover.need.size
    gone = np.zeros(rows, np.bool_)
    room = np.empty(rows, np.int32)
    for one in range(rows):
        if gone[one]:
            continue
        found = holders(one, cover.start, cover.candidate, cover.begin, cover.member, room)
        size = cover.start[one + 1] - cover.start[one]
        for each in range(found):
            other = room[each]
            if other == one or cover.need[other] > cover.need[one]:
                continue
            same = cover.start[other + 1] - cover.start[other] == size and cover.need[other] == cover.need[one]
            if not same or other > one:
                gone[other] = True
    return gone


@compiled
def first_open(start: IntArray, candidate: Index, taken: Flags, times: int, first: IntArray) -> None:
    """Write the first candidate of every row that is taken, −1 where fewer than ``times`` are."""
    for row in range(first.size):
        found, first[row] = 0, -1
        for at in range(start[row], start[row + 1]):
            if taken[candidate[at]]:
                if found == 0:
                    first[row] = candidate[at]
                found += 1
                if found == times:
                    break
        if found < times:
            first[row] = -1
