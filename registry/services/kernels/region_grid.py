"""A grid over polygons that says for most points which polygon they are in, without looking at an edge.

A cell that no edge touches lies wholly in one region or in none. In the other cells a point has the status of the
cell's centre, changed once for every edge of the cell that the line from the point to the centre crosses. Signs of
determinants decide a crossing; where one is within its rounding error the point is left to the caller, who asks
for the exact test. So the grid never guesses, and the answers are those of exact arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import shapely

from registry.services.geodesy import in_chunks
from registry.services.kernels.compiled import compiled
from registry.services.kernels.region_cells import (
    DEGENERATE,
    OUTSIDE,
    SLACK,
    assemble,
    count_edges,
    fill_spans,
    list_crossings,
    list_edges,
    regions_of_cells,
    whole_cell,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

__all__ = ["OUTSIDE", "UNDECIDED", "RegionGrid", "build_grid", "edges_of", "look_up"]

UNDECIDED = -2

_ORIENTATION_ERROR = 4.0e-16
"""Bound on the relative error of a 2 × 2 orientation determinant (Shewchuk 1997, (3 + 16ε)ε with ε = 2⁻⁵³)."""


class RegionGrid(NamedTuple):
    """The grid; built by `build_grid`, asked by `look_up`.

    Attributes
    ----------
    west, south : origin, degrees
    per_degree : cells per degree of longitude and of latitude
    columns, rows : size
    label : (cells,) region of a cell without edges, `OUTSIDE`, or −3 − number of an edge cell
    first : (edge cells + 1,) where the edges of each begin in ``listed`` and ``bit``
    listed : (listed, 4) ax, ay, bx, by of the edges of each cell
    bit : (listed,) bit of the edge's region in its cell
    centre : (edge cells,) bits of the regions that hold the centre; an undecidable cell has `DEGENERATE`
    regions_first, regions : regions of each edge cell in the order of their bits, which is the order of rows
    """

    west: float
    south: float
    per_degree: tuple[float, float]
    columns: int
    rows: int
    label: NDArray[np.int32]
    first: IntArray
    listed: FloatArray
    bit: NDArray[np.int64]
    centre: NDArray[np.int64]
    regions_first: IntArray
    regions: IntArray


def edges_of(polygons: NDArray[np.object_]) -> tuple[FloatArray, IntArray]:
    """Return the edges of polygons, (4, e) ``ax, ay, bx, by``, and the row of the polygon of each."""
    parts, of_polygon = shapely.get_parts(polygons, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    same = of_ring[1:] == of_ring[:-1]
    ends = np.ascontiguousarray(np.hstack([xy[:-1], xy[1:]])[same].T)
    return ends, of_polygon[of_part[of_ring[:-1][same]]]


def build_grid(ends: FloatArray, owner: IntArray, cells: int) -> RegionGrid | None:
    """Build the grid over edges.

    Parameters
    ----------
    ends, owner : the edges, from `edges_of`; ``owner`` ascends
    cells : how many cells there should be, about

    Returns
    -------
    The grid, or None where the edges span no area in which floating point could tell cells apart.
    """
    west, east = min(ends[0].min(), ends[2].min()), max(ends[0].max(), ends[2].max())
    south, north = min(ends[1].min(), ends[3].min()), max(ends[1].max(), ends[3].max())
    width, height = east - west, north - south
    if min(width, height) < 1e-3:
        return None
    side = np.sqrt(width * height / cells)
    columns, rows = max(int(width / side), 1), max(int(height / side), 1)
    if max(columns, rows) > 30_000:
        return None
    scale = (columns / width, rows / height)
    drawn = np.ascontiguousarray(ends.T)
    scaled = (drawn - (west, south, west, south)) * (*scale, *scale)

    counts = np.zeros(rows * columns, np.int32)
    count_edges(scaled, columns, rows, counts)
    edge_cells = np.flatnonzero(counts)
    first = np.zeros(edge_cells.size + 1, np.intp)
    np.cumsum(counts[edge_cells], out=first[1:])
    label = np.full(rows * columns, OUTSIDE, np.int32)
    label[edge_cells] = -3 - np.arange(edge_cells.size, dtype=np.int32)
    edge = np.empty(first[-1], np.intp)
    list_edges(scaled, columns, rows, label, first[:-1].copy(), edge)

    pair_first, pair_region = regions_of_cells(first, edge, owner)
    crossings = np.empty(list_crossings(scaled, owner, columns, rows, np.empty(0, np.int64)), np.int64)
    list_crossings(scaled, owner, columns, rows, crossings)
    crossings.sort()
    holds = np.zeros(pair_region.size, np.bool_)
    constant = np.full(edge_cells.size, -1, np.intp)
    fill_spans(crossings, columns, rows, label, pair_first, pair_region, holds, constant)

    # A region that holds a whole edge cell, beside those whose edges run through it, is listed with them.
    regions_first = pair_first.copy()
    regions_first[1:] += np.cumsum(constant >= 0)
    all_regions = np.empty(regions_first[-1], np.intp)
    bit = np.empty(edge.size, np.int64)
    centre = np.empty(edge_cells.size, np.int64)
    assemble(
        (scaled, owner, edge_cells, columns),
        (first, edge, bit),
        (pair_first, pair_region, holds, constant),
        (regions_first, all_regions, centre),
    )
    return RegionGrid(
        float(west),
        float(south),
        scale,
        columns,
        rows,
        label,
        first,
        drawn[edge],
        bit,
        centre,
        regions_first,
        all_regions,
    )


def look_up(grid: RegionGrid, x: FloatArray, y: FloatArray) -> IntArray:
    """Return the region of (n,) points, `OUTSIDE`, or `UNDECIDED` where only the exact test can tell."""
    found = np.empty(x.size, dtype=np.intp)
    # One kind of array, so that the loop is compiled once.
    x, y = (np.require(axis, np.float64, ["C", "W"]) for axis in (x, y))

    def kernel(part: slice) -> None:
        _look_up(
            (x[part], y[part], found[part]),
            (grid.west, grid.south, *grid.per_degree, grid.columns, grid.rows),
            (grid.label, grid.first, grid.listed, grid.bit),
            (grid.centre, grid.regions_first, grid.regions),
        )

    in_chunks(kernel, x.size)
    return found


@compiled
def _look_up(
    points: tuple[FloatArray, FloatArray, IntArray],
    frame: tuple[float, float, float, float, int, int],
    edges: tuple[NDArray[np.int32], IntArray, FloatArray, NDArray[np.int64]],
    cells: tuple[NDArray[np.int64], IntArray, IntArray],
) -> None:
    """Do the work of `look_up` on one thread."""
    x, y, found = points
    west, south, per_lon, per_lat, columns, rows = frame
    label, first, listed, bit = edges
    centre, regions_first, regions = cells
    for point in range(x.size):
        across, up = (x[point] - west) * per_lon, (y[point] - south) * per_lat
        found[point] = OUTSIDE
        if not (-SLACK <= across <= columns + SLACK and -SLACK <= up <= rows + SLACK):
            continue
        column, row = whole_cell(across, columns), whole_cell(up, rows)
        told = label[row * columns + column]
        if told > -3:
            found[point] = told
            continue
        slot = -3 - told
        state = centre[slot]
        if state == DEGENERATE:
            found[point] = UNDECIDED
            continue
        centre_x, centre_y = west + (column + 0.5) / per_lon, south + (row + 0.5) / per_lat
        cell = slice(first[slot], first[slot + 1])
        state = _turned(state, (x[point], y[point]), (centre_x, centre_y), listed[cell], bit[cell])
        if state == DEGENERATE:
            found[point] = UNDECIDED
        elif state != 0:
            place = 0
            while not state >> place & 1:
                place += 1
            found[point] = regions[regions_first[slot] + place]


@compiled
def _turned(
    state: int, point: tuple[float, float], centre: tuple[float, float], edges: FloatArray, bit: NDArray[np.int64]
) -> int:
    """Change the status of a cell's centre for every edge between it and a point: regions as bits, or `DEGENERATE`."""
    for number in range(bit.size):
        ax, ay, bx, by = edges[number]
        a = _side(point[0], point[1], centre[0], centre[1], ax, ay)
        b = _side(point[0], point[1], centre[0], centre[1], bx, by)
        if a * b > 0:
            continue
        p = _side(ax, ay, bx, by, point[0], point[1])
        c = _side(ax, ay, bx, by, centre[0], centre[1])
        if p * c > 0:
            continue
        if a * b * p * c == 0:
            return DEGENERATE
        state ^= bit[number]
    return state


@compiled
def _side(ax: float, ay: float, bx: float, by: float, x: float, y: float) -> int:
    """Return on which side of the line a–b a point is: ±1, or 0 where rounding could have turned it."""
    left = (ax - x) * (by - y)
    right = (ay - y) * (bx - x)
    cross = left - right
    if abs(cross) <= _ORIENTATION_ERROR * (abs(left) + abs(right)):
        return 0
    return 1 if cross > 0 else -1
