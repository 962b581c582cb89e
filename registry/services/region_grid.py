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

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

OUTSIDE, UNDECIDED = -1, -2

_ORIENTATION_ERROR = 4.0e-16
"""Bound on the relative error of a 2 × 2 orientation determinant (Shewchuk 1997, (3 + 16ε)ε with ε = 2⁻⁵³)."""

_SLACK = 1e-6
"""How far beyond its own cell an edge is still listed, in cells: more than any rounding of a cell's number."""

_MOST_LOCAL = 62
"""Regions of one cell that fit into the bits of a number."""


class RegionGrid(NamedTuple):
    """The grid; built by `build_grid`, asked by `look_up`.

    Attributes
    ----------
    west, south : origin, degrees
    per_degree : cells per degree of longitude and of latitude
    columns, rows : size
    label : (cells,) region of a cell without edges, `OUTSIDE`, or −3 − number of an edge cell
    first : (edge cells + 1,) where the edges of each begin in ``edge`` and ``bit``
    edge : (listed,) edge numbers
    bit : (listed,) bit of the edge's region in its cell
    centre : (edge cells,) bits of the regions that hold the centre; an undecidable cell has `_DEGENERATE`
    regions_first, regions : regions of each edge cell in the order of their bits, which is the order of rows
    ends : (4, edges) ax, ay, bx, by
    """

    west: float
    south: float
    per_degree: tuple[float, float]
    columns: int
    rows: int
    label: NDArray[np.int32]
    first: IntArray
    edge: IntArray
    bit: NDArray[np.int64]
    centre: NDArray[np.int64]
    regions_first: IntArray
    regions: IntArray
    ends: FloatArray


_DEGENERATE = -1


def edges_of(polygons: NDArray[np.object_]) -> tuple[FloatArray, IntArray]:
    """Return the edges of polygons, (4, e) ``ax, ay, bx, by``, and the row of the polygon of each."""
    parts, of_polygon = shapely.get_parts(polygons, return_index=True)
    rings, of_part = shapely.get_rings(parts, return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    same = of_ring[1:] == of_ring[:-1]
    ends = np.ascontiguousarray(np.hstack([xy[:-1], xy[1:]])[same].T)
    return ends, of_polygon[of_part[of_ring[:-1][same]]]


def _ranges(first: IntArray, last: IntArray) -> tuple[IntArray, IntArray]:
    """Expand inclusive ranges: for every member the number of its range, and itself."""
    counts = np.maximum(last - first + 1, 0)
    owner = np.repeat(np.arange(counts.size), counts)
    starts = np.cumsum(counts) - counts
    return owner, np.arange(owner.size) - starts[owner] + first[owner]


def build_grid(ends: FloatArray, owner: IntArray, regions: int, cells: int) -> RegionGrid | None:
    """Build the grid over edges.

    Parameters
    ----------
    ends, owner : the edges, from `edges_of`
    regions : number of polygons
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
    ax, bx = (ends[0] - west) * scale[0], (ends[2] - west) * scale[0]
    ay, by = (ends[1] - south) * scale[1], (ends[3] - south) * scale[1]

    cell, edge = _cells_of_edges(ax, ay, bx, by, columns, rows)
    order = np.argsort(cell, kind="stable")
    cell, edge = cell[order], edge[order]
    starts = np.flatnonzero(np.diff(cell, prepend=-1))
    edge_cells = cell[starts]
    first = np.append(starts, cell.size)

    # The distinct regions of each edge cell, ordered by row.
    slot = np.repeat(np.arange(edge_cells.size), np.diff(first))
    key = slot * (regions + 1) + owner[edge]
    pairs, place = np.unique(key, return_inverse=True)

    crossings = _crossings(ax, ay, bx, by, rows)
    label, holds, constant = _statuses(crossings, owner, (columns, rows, regions), edge_cells, pairs)
    # A region that holds a whole edge cell, beside those whose edges run through it, is listed with them.
    with_constant = np.flatnonzero(constant >= 0)
    all_pairs = np.union1d(pairs, with_constant * (regions + 1) + constant[with_constant])
    regions_first = np.searchsorted(all_pairs, np.arange(edge_cells.size + 1) * (regions + 1))
    local = np.arange(all_pairs.size) - regions_first[all_pairs // (regions + 1)]
    centre_x, centre_y = (np.asarray(c + 0.5, dtype=np.float64) for c in (edge_cells % columns, edge_cells // columns))
    touching = _touching(ax[edge], ay[edge], bx[edge], by[edge], centre_x[slot], centre_y[slot])
    degenerate = np.logical_or.reduceat(touching, starts) | (np.diff(regions_first) > _MOST_LOCAL)
    bits = np.left_shift(np.int64(1), np.minimum(local, _MOST_LOCAL))
    held = np.ones(all_pairs.size, dtype=bool)
    of_pairs = np.searchsorted(all_pairs, pairs)
    held[of_pairs] = holds
    centre = np.bitwise_or.reduceat(np.where(held, bits, 0), regions_first[:-1])
    centre[degenerate] = _DEGENERATE
    label[edge_cells] = -3 - np.arange(edge_cells.size)
    return RegionGrid(
        float(west), float(south), scale, columns, rows, label, first, edge,
        bits[of_pairs][place.ravel()], centre, regions_first, all_pairs % (regions + 1), ends,
    )  # fmt: skip


def _cells_of_edges(
    ax: FloatArray, ay: FloatArray, bx: FloatArray, by: FloatArray, columns: int, rows: int
) -> tuple[IntArray, IntArray]:
    """List (cell, edge) such that every cell that an edge touches is there; ends in units of cells."""

    def whole(value: FloatArray, most: int) -> IntArray:
        return np.clip(np.floor(value), 0, most - 1).astype(np.intp)

    low, high = np.minimum(ay, by), np.maximum(ay, by)
    edge, row = _ranges(whole(low - _SLACK, rows), whole(high + _SLACK, rows))
    x0, y0 = ax[edge], ay[edge]
    dx, dy = bx[edge] - x0, by[edge] - y0
    # The stretch of the edge within the row; a level edge, or one with both ends there, is taken whole.
    steep = np.abs(dy) > 1e-9
    safe = np.where(steep, dy, 1.0)
    at_bottom = np.where(steep, (row - _SLACK - y0) / safe, 0.0)
    at_top = np.where(steep, (row + 1 + _SLACK - y0) / safe, 1.0)
    start = np.clip(np.minimum(at_bottom, at_top), 0.0, 1.0)
    stop = np.clip(np.maximum(at_bottom, at_top), 0.0, 1.0)
    xa, xb = x0 + start * dx, x0 + stop * dx
    left = whole(np.minimum(xa, xb) - _SLACK, columns)
    right = whole(np.maximum(xa, xb) + _SLACK, columns)
    stretch, column = _ranges(left, right)
    return row[stretch] * columns + column, edge[stretch]


def _touching(
    ax: FloatArray, ay: FloatArray, bx: FloatArray, by: FloatArray, x: FloatArray, y: FloatArray
) -> NDArray[np.bool_]:
    """Whether an edge is so near a point that rounding could have put it on the other side; units of cells."""
    dx, dy = bx - ax, by - ay
    in_line = np.abs(dx * (y - ay) - dy * (x - ax)) <= _SLACK * (np.abs(dx) + np.abs(dy))
    beside = (x >= np.minimum(ax, bx) - _SLACK) & (x <= np.maximum(ax, bx) + _SLACK)
    level = (y >= np.minimum(ay, by) - _SLACK) & (y <= np.maximum(ay, by) + _SLACK)
    return np.asarray(in_line & beside & level)


class _Crossings(NamedTuple):
    """Where edges cross the middle lines of rows: edge, row, and x in cells."""

    edge: IntArray
    row: IntArray
    x: FloatArray


def _crossings(ax: FloatArray, ay: FloatArray, bx: FloatArray, by: FloatArray, rows: int) -> _Crossings:
    low, high = np.minimum(ay, by), np.maximum(ay, by)
    # Half open: a middle line through a vertex meets the edge above it, not the one below.
    first = np.maximum(np.ceil(low - 0.5), 0).astype(np.intp)
    last = np.minimum(np.ceil(high - 0.5) - 1, rows - 1).astype(np.intp)
    edge, row = _ranges(first, last)
    part = (row + 0.5 - ay[edge]) / (by[edge] - ay[edge])
    return _Crossings(edge, row, ax[edge] + part * (bx[edge] - ax[edge]))


def _statuses(
    crossings: _Crossings, owner: IntArray, size: tuple[int, int, int], edge_cells: IntArray, pairs: IntArray
) -> tuple[NDArray[np.int32], NDArray[np.bool_], IntArray]:
    """Say by even and odd which regions hold the centres of cells.

    Returns
    -------
    label : (cells,) lowest region that holds the centre
    holds : (pairs,) whether the region of (edge cell, region) holds the cell's centre
    constant : (edge cells,) lowest region without an edge in the cell that holds it, or −1
    """
    columns, rows, regions = size
    label = np.full((rows, columns), OUTSIDE, dtype=np.int32)
    holds = np.zeros(pairs.size, dtype=bool)
    constant = np.full(edge_cells.size, -1, dtype=np.intp)
    slot_of = np.full(rows * columns, -1, dtype=np.int32)
    slot_of[edge_cells] = np.arange(edge_cells.size)

    toggled = np.clip(np.ceil(crossings.x - 0.5), 0, columns).astype(np.intp)

    region = owner[crossings.edge]
    order = np.argsort(region, kind="stable")
    bounds = np.searchsorted(region[order], np.arange(regions + 1))
    pair_order = np.argsort(pairs % (regions + 1), kind="stable")
    pair_bounds = np.searchsorted((pairs % (regions + 1))[pair_order], np.arange(regions + 1))
    for number in range(regions):
        mine = order[bounds[number] : bounds[number + 1]]
        if mine.size == 0:
            continue
        row, start = crossings.row[mine], toggled[mine]
        south, north = row.min(), row.max() + 1
        west, east = start.min(), start.max()
        flips = np.bincount(
            (row - south) * (east - west + 1) + start - west, minlength=(north - south) * (east - west + 1)
        )
        inside = (np.cumsum(flips.reshape(north - south, -1), axis=1)[:, :-1] & 1).astype(bool)
        window = label[south:north, west:east]
        window[inside & (window == OUTSIDE)] = number

        own = pair_order[pair_bounds[number] : pair_bounds[number + 1]]
        slots = pairs[own] // (regions + 1)
        y, x = edge_cells[slots] // columns - south, edge_cells[slots] % columns - west
        within = (y >= 0) & (y < north - south) & (x >= 0) & (x < east - west)
        holds[own[within]] = inside[y[within], x[within]]
        inside[y[within], x[within]] = False
        held = slot_of.reshape(rows, columns)[south:north, west:east][inside]
        held = held[held >= 0]
        constant[held] = np.where(constant[held] < 0, number, constant[held])
    return label.ravel(), holds, constant


def look_up(grid: RegionGrid, x: FloatArray, y: FloatArray) -> IntArray:
    """Return the region of (n,) points, `OUTSIDE`, or `UNDECIDED` where only the exact test can tell."""
    found = np.empty(x.size, dtype=np.intp)

    def kernel(part: slice) -> None:
        found[part] = _look_up_chunk(grid, x[part], y[part])

    in_chunks(kernel, x.size)
    return found


def _look_up_chunk(grid: RegionGrid, x: FloatArray, y: FloatArray) -> IntArray:
    across = (x - grid.west) * grid.per_degree[0]
    up = (y - grid.south) * grid.per_degree[1]
    on = (across >= -_SLACK) & (across <= grid.columns + _SLACK) & (up >= -_SLACK) & (up <= grid.rows + _SLACK)
    column = np.clip(across, 0, grid.columns - 1).astype(np.intp)
    row = np.clip(up, 0, grid.rows - 1).astype(np.intp)
    found = np.where(on, grid.label[row * grid.columns + column], OUTSIDE).astype(np.intp)
    near = np.flatnonzero(found <= -3)
    if near.size:
        centre = (
            np.asarray(grid.west + (column[near] + 0.5) / grid.per_degree[0], dtype=np.float64),
            np.asarray(grid.south + (row[near] + 0.5) / grid.per_degree[1], dtype=np.float64),
        )
        found[near] = _by_crossings(grid, -3 - found[near], (x[near], y[near]), centre)
    return found


def _by_crossings(
    grid: RegionGrid,
    slot: IntArray,
    point: tuple[FloatArray, FloatArray],
    centre: tuple[FloatArray, FloatArray],
) -> IntArray:
    """Decide points of edge cells by the edges between them and the centres of their cells."""
    first = grid.first[slot]
    counts = grid.first[slot + 1] - first
    starts = np.cumsum(counts) - counts
    of_point = np.repeat(np.arange(slot.size), counts)
    listed = np.arange(of_point.size) + (first - starts)[of_point]
    ax, ay, bx, by = grid.ends[:, grid.edge[listed]]
    px, py, cx, cy = (values[of_point] for values in (*point, *centre))
    a, b = _side(px, py, cx, cy, ax, ay), _side(px, py, cx, cy, bx, by)
    p, c = _side(ax, ay, bx, by, px, py), _side(ax, ay, bx, by, cx, cy)
    apart = (a * b > 0) | (p * c > 0)
    crosses = (a * b < 0) & (p * c < 0)
    unsure = np.logical_or.reduceat(~(apart | crosses), starts)
    flips = np.bitwise_xor.reduceat(np.where(crosses, grid.bit[listed], 0), starts)
    state = grid.centre[slot] ^ flips
    lowest = state & -state
    # The exponent of a power of two below 2⁶³ is exact in float64.
    place = np.frexp(lowest.astype(np.float64))[1] - 1
    inside = grid.regions[np.minimum(grid.regions_first[slot] + np.maximum(place, 0), grid.regions.size - 1)]
    found = np.where(state == 0, OUTSIDE, inside)
    found[unsure | (grid.centre[slot] == _DEGENERATE)] = UNDECIDED
    return found


def _side(
    ax: FloatArray, ay: FloatArray, bx: FloatArray, by: FloatArray, x: FloatArray, y: FloatArray
) -> NDArray[np.int8]:
    """Return on which side of the line a–b a point is: ±1, or 0 where rounding could have turned it."""
    left = (ax - x) * (by - y)
    right = (ay - y) * (bx - x)
    cross = left - right
    unsure = np.abs(cross) <= _ORIENTATION_ERROR * (np.abs(left) + np.abs(right))
    return np.where(unsure, 0, np.sign(cross)).astype(np.int8)
