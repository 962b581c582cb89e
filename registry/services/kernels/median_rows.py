"""Rows of candidates that begin with the cheapest, which median problems are solved on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]
    Near = NDArray[np.int32]


@compiled
def count_dense(distance: FloatArray, rows: IntArray, most: FloatArray, number: NDArray[np.int32]) -> IntArray:
    """Return where each of (r,) rows of a matrix would begin, if only what is nearer than ``most`` were kept.

    ``number`` is the new number of every column, −1 where it is left out; what is no number is left out.
    """
    start = np.zeros(rows.size + 1, np.intp)
    for at in range(rows.size):
        held = 0
        for column in range(distance.shape[1]):
            if number[column] >= 0 and distance[rows[at], column] < most[at]:
                held += 1
        start[at + 1] = start[at] + held
    return start


@compiled
def fill_dense(
    distance: FloatArray, rows: IntArray, weight: FloatArray, most: FloatArray, number: NDArray[np.int32],
    start: IntArray, near: Near, cost: FloatArray,
) -> None:  # fmt: skip
    """Write the rows that `count_dense` has counted, the nearest first, cost = weight · distance."""
    way = np.empty(distance.shape[1])
    own = np.empty(distance.shape[1], np.int32)
    for at in range(rows.size):
        held = 0
        for column in range(distance.shape[1]):
            if number[column] >= 0 and distance[rows[at], column] < most[at]:
                way[held] = distance[rows[at], column]
                own[held] = number[column]
                held += 1
        order = np.argsort(way[:held], kind="mergesort")
        begin = start[at]
        for place in range(held):
            near[begin + place] = own[order[place]]
            cost[begin + place] = weight[at] * way[order[place]]


@compiled
def count_sparse(
    indptr: IntArray, indices: IntArray, data: FloatArray, rows: IntArray, most: FloatArray, number: NDArray[np.int32]
) -> IntArray:
    """Do what `count_dense` does on the arrays of a CSR matrix."""
    start = np.zeros(rows.size + 1, np.intp)
    for at in range(rows.size):
        held = 0
        for entry in range(indptr[rows[at]], indptr[rows[at] + 1]):
            if number[indices[entry]] >= 0 and data[entry] < most[at]:
                held += 1
        start[at + 1] = start[at] + held
    return start


@compiled
def fill_sparse(
    indptr: IntArray, indices: IntArray, data: FloatArray, rows: IntArray, weight: FloatArray, most: FloatArray,
    number: NDArray[np.int32], start: IntArray, near: Near, cost: FloatArray,
) -> None:  # fmt: skip
    """Do what `fill_dense` does on the arrays of a CSR matrix."""
    longest = 0
    for at in range(rows.size):
        longest = max(longest, start[at + 1] - start[at])
    way, own = np.empty(longest), np.empty(longest, np.int32)
    for at in range(rows.size):
        held = 0
        for entry in range(indptr[rows[at]], indptr[rows[at] + 1]):
            if number[indices[entry]] >= 0 and data[entry] < most[at]:
                way[held] = data[entry]
                own[held] = number[indices[entry]]
                held += 1
        order = np.argsort(way[:held], kind="mergesort")
        begin = start[at]
        for place in range(held):
            near[begin + place] = own[order[place]]
            cost[begin + place] = weight[at] * way[order[place]]


@compiled
def keep(
    start: IntArray, near: Near, cost: FloatArray, most: FloatArray, number: NDArray[np.int32]
) -> tuple[IntArray, Near, FloatArray]:
    """Return the rows without what costs ``most`` or more, and without candidates whose new number is −1."""
    n = start.size - 1
    begin = np.zeros(n + 1, np.intp)
    for row in range(n):
        held = 0
        for at in range(start[row], start[row + 1]):
            if cost[at] >= most[row]:
                break
            held += number[near[at]] >= 0
        begin[row + 1] = begin[row] + held
    kept, paid = np.empty(begin[n], np.int32), np.empty(begin[n])
    for row in range(n):
        place = begin[row]
        for at in range(start[row], start[row + 1]):
            if cost[at] >= most[row]:
                break
            if number[near[at]] >= 0:
                kept[place] = number[near[at]]
                paid[place] = cost[at]
                place += 1
    return begin, kept, paid


@compiled
def cheapest(
    start: IntArray, near: Near, cost: FloatArray, cap: FloatArray, is_open: NDArray[np.bool_]
) -> tuple[IntArray, FloatArray]:
    """Return the cheapest open candidate of every row, −1 where none is cheaper than ``cap``, and what the row costs."""
    n = start.size - 1
    which, least = np.full(n, -1, np.intp), cap.copy()
    for row in range(n):
        for at in range(start[row], start[row + 1]):
            if cost[at] >= cap[row]:
                break
            if is_open[near[at]]:
                which[row] = near[at]
                least[row] = cost[at]
                break
    return which, least


@compiled
def within(start: IntArray, near: Near, cost: FloatArray, rows: IntArray, most: float) -> tuple[IntArray, Near]:
    """Return some rows as far as they cost no more than ``most``, their candidates ascending."""
    begin = np.zeros(rows.size + 1, np.intp)
    for at in range(rows.size):
        own = cost[start[rows[at]] : start[rows[at] + 1]]
        begin[at + 1] = begin[at] + np.searchsorted(own, most, side="right")
    found = np.empty(begin[rows.size], np.int32)
    for at in range(rows.size):
        first = start[rows[at]]
        found[begin[at] : begin[at + 1]] = np.sort(near[first : first + begin[at + 1] - begin[at]])
    return begin, found


@compiled
def common_unit(values: FloatArray, unit: float) -> float:
    """Return the greatest common divisor of whole numbers and a unit, −1 where one of them is not whole."""
    if unit < 0.0:
        return unit
    for value in values:
        if value != np.rint(value):
            return -1.0
        rest = value
        while rest > 0.0:
            unit, rest = rest, unit % rest
    return unit
