"""The loops that lay a grid of cells over the edges of polygons (see `region_grid`), compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

OUTSIDE = -1

SLACK = 1e-6
"""How far beyond its own cell an edge is still listed, in cells: more than any rounding of a cell's number."""

MOST_LOCAL = 62
"""Regions of one cell that fit into the bits of a number."""

DEGENERATE = -1
"""The bits of a cell whose centre cannot be told, or which has too many regions."""


@compiled
def whole_cell(value: float, most: int) -> int:
    """Return the cell of a coordinate, in cells, along one axis."""
    return int(min(max(np.floor(value), 0.0), most - 1.0))


@compiled
def _rows_of_edge(edge: FloatArray, rows: int) -> tuple[int, int]:
    """First and last row that an edge may touch."""
    return whole_cell(min(edge[1], edge[3]) - SLACK, rows), whole_cell(max(edge[1], edge[3]) + SLACK, rows)


@compiled
def _columns_of_edge(edge: FloatArray, row: int, columns: int) -> tuple[int, int]:
    """First and last column that an edge may touch within a row."""
    dx, dy = edge[2] - edge[0], edge[3] - edge[1]
    start, stop = 0.0, 1.0
    # A level edge is taken whole.
    if abs(dy) > 1e-9:
        bottom, top = (row - SLACK - edge[1]) / dy, (row + 1 + SLACK - edge[1]) / dy
        start = min(max(min(bottom, top), 0.0), 1.0)
        stop = min(max(bottom, top, 0.0), 1.0)
    xa, xb = edge[0] + start * dx, edge[0] + stop * dx
    return whole_cell(min(xa, xb) - SLACK, columns), whole_cell(max(xa, xb) + SLACK, columns)


@compiled
def count_edges(scaled: FloatArray, columns: int, rows: int, counts: NDArray[np.int32]) -> None:
    """Count the edges that touch each cell; ends in units of cells."""
    for edge in scaled:
        low, high = _rows_of_edge(edge, rows)
        for row in range(low, high + 1):
            left, right = _columns_of_edge(edge, row, columns)
            for column in range(left, right + 1):
                counts[row * columns + column] += 1


@compiled
def list_edges(
    scaled: FloatArray, columns: int, rows: int, label: NDArray[np.int32], following: IntArray, listed: IntArray
) -> None:
    """List the edges of each edge cell, ascending, from ``following`` on."""
    for number in range(len(scaled)):
        low, high = _rows_of_edge(scaled[number], rows)
        for row in range(low, high + 1):
            left, right = _columns_of_edge(scaled[number], row, columns)
            for column in range(left, right + 1):
                slot = -3 - label[row * columns + column]
                listed[following[slot]] = number
                following[slot] += 1


@compiled
def regions_of_cells(first: IntArray, edge: IntArray, owner: IntArray) -> tuple[IntArray, IntArray]:
    """Return the distinct regions of the edges of each cell, ascending, and where those of each cell begin."""
    begins = np.zeros(first.size, np.intp)
    found = np.empty(edge.size, np.intp)
    number = 0
    for slot in range(first.size - 1):
        before = -1
        for at in range(first[slot], first[slot + 1]):
            region = owner[edge[at]]
            if region != before:
                found[number] = region
                number += 1
                before = region
        begins[slot + 1] = number
    return begins, found[:number].copy()


@compiled
def list_crossings(scaled: FloatArray, owner: IntArray, columns: int, rows: int, found: NDArray[np.int64]) -> int:
    """Count the places where edges cross the middle lines of rows, and write down as many as there is room for.

    A crossing is one number that sorts by region, row and the first column whose centre is not west of it.
    """
    number = 0
    for which in range(len(scaled)):
        ax, ay, bx, by = scaled[which]
        # Half open: a middle line through a vertex meets the edge above it, not the one below.
        low = max(int(np.ceil(min(ay, by) - 0.5)), 0)
        high = min(int(np.ceil(max(ay, by) - 0.5)) - 1, rows - 1)
        for row in range(low, high + 1):
            if number < found.size:
                x = ax + (row + 0.5 - ay) / (by - ay) * (bx - ax)
                column = int(min(max(np.ceil(x - 0.5), 0.0), columns * 1.0))
                found[number] = (owner[which] * rows + row) * (columns + 1) + column
            number += 1
    return number


@compiled
def fill_spans(
    crossings: NDArray[np.int64],
    columns: int,
    rows: int,
    label: NDArray[np.int32],
    pair_first: IntArray,
    pair_region: IntArray,
    holds: NDArray[np.bool_],
    constant: IntArray,
) -> None:
    """Say by even and odd which regions hold the centres of cells.

    Parameters
    ----------
    crossings : sorted
    label : (cells,) cells without edges get the lowest region that holds them
    holds : (pairs,) becomes true where the region of a pair (edge cell, region) holds the cell's centre
    constant : (edge cells,) becomes the lowest region without an edge in the cell that holds it
    """
    # A ring is closed, so it crosses a line an even number of times.
    for at in range(0, crossings.size - 1, 2):
        line, start = divmod(crossings[at], columns + 1)
        stop = crossings[at + 1] - line * (columns + 1)
        region, row = divmod(line, rows)
        for cell in range(row * columns + start, row * columns + stop):
            if label[cell] == OUTSIDE:
                label[cell] = region
            elif label[cell] <= -3:
                slot = -3 - label[cell]
                own = False
                for pair in range(pair_first[slot], pair_first[slot + 1]):
                    if pair_region[pair] == region:
                        holds[pair] = own = True
                if not own and constant[slot] < 0:
                    constant[slot] = region


@compiled
def _touches(edge: FloatArray, x: float, y: float) -> bool:
    """Whether an edge is so near a point that rounding could have put it on the other side; units of cells."""
    dx, dy = edge[2] - edge[0], edge[3] - edge[1]
    return bool(
        abs(dx * (y - edge[1]) - dy * (x - edge[0])) <= SLACK * (abs(dx) + abs(dy))
        and min(edge[0], edge[2]) - SLACK <= x <= max(edge[0], edge[2]) + SLACK
        and min(edge[1], edge[3]) - SLACK <= y <= max(edge[1], edge[3]) + SLACK
    )


@compiled
def assemble(
    edges: tuple[FloatArray, IntArray, IntArray, int],
    of_edges: tuple[IntArray, IntArray, NDArray[np.int64]],
    pairs: tuple[IntArray, IntArray, NDArray[np.bool_], IntArray],
    of_cells: tuple[IntArray, IntArray, NDArray[np.int64]],
) -> None:
    """Number the regions of each edge cell, and fill in the bits of its edges and of its centre."""
    scaled, owner, edge_cells, columns = edges
    first, edge, bit = of_edges
    pair_first, pair_region, holds, constant = pairs
    regions_first, regions, centre = of_cells
    for slot in range(edge_cells.size):
        row, column = divmod(edge_cells[slot], columns)
        state, place = 0, regions_first[slot]
        listed, whole = first[slot], constant[slot]
        degenerate = regions_first[slot + 1] - regions_first[slot] > MOST_LOCAL
        for pair in range(pair_first[slot], pair_first[slot + 1]):
            if 0 <= whole < pair_region[pair]:
                regions[place] = whole
                state |= 1 << min(place - regions_first[slot], MOST_LOCAL)
                place += 1
                whole = -1
            regions[place] = pair_region[pair]
            own = 1 << min(place - regions_first[slot], MOST_LOCAL)
            place += 1
            if holds[pair]:
                state |= own
            while listed < first[slot + 1] and owner[edge[listed]] == pair_region[pair]:
                degenerate |= _touches(scaled[edge[listed]], column + 0.5, row + 0.5)
                bit[listed] = own
                listed += 1
        if whole >= 0:
            regions[place] = whole
            state |= 1 << min(place - regions_first[slot], MOST_LOCAL)
        centre[slot] = DEGENERATE if degenerate else state
