"""An index of points on the ellipsoid for compiled searches: bands of latitude, cut into cells of longitude.

The points of a band lie one after the other by cell, so what is near a place is a few runs of consecutive rows, also
across the antimeridian and round a pole.
"""

from __future__ import annotations

from math import asin, degrees, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.services import geodesy
from registry.services.kernels.compiled import compiled

if TYPE_CHECKING:
    import pyproj

    from registry.services.geodesy import FloatArray

IntArray = NDArray[np.intp]

_MARGIN_DEG = 1e-9
_CELLS_A_POINT = 16
_FEWEST_CELLS = 10_000
_SPHERE_DEG2 = 41_253.0


class Bands(NamedTuple):
    """Points by band and cell.

    Attributes
    ----------
    order : (m,) rows of the points as the index has them
    xyz : (m, 3) geocentric metres, in that order
    height_deg : of a band
    reach_m : longest chord that may be searched
    up_deg : latitude that a chord of this length spans at most
    edge_z : (bands + 1,) geocentric z of the parallels between bands
    least_rho : (bands,) smallest distance from the axis within a band
    first_cell : (bands + 1,) where the cells of a band begin
    start : (cells + 1,) where the points of a cell begin
    """

    order: IntArray
    xyz: FloatArray
    height_deg: float
    reach_m: float
    up_deg: float
    edge_z: FloatArray
    least_rho: FloatArray
    first_cell: IntArray
    start: IntArray


def index(geod: pyproj.Geod, lon: FloatArray, lat: FloatArray, reach_m: float, *, steps: float = 6.0) -> Bands:
    """Index (m,) points in degrees for searches within a chord of ``reach_m`` metres, in ``steps`` bands or fewer."""
    # A chord spans most latitude along a meridian, which is nowhere more curved than this.
    least = geod.b**2 / geod.a
    up = degrees(2.0 * asin(min(reach_m / (2.0 * least), 1.0))) + _MARGIN_DEG
    height = max(up / steps, sqrt(_SPHERE_DEG2 / (_CELLS_A_POINT * lon.size + _FEWEST_CELLS)))
    bands = int(np.ceil(180.0 / height))
    edges = np.minimum(np.arange(bands + 1) * height - 90.0, 90.0)
    edge_xyz = geodesy.geocentric(geod, np.zeros(edges.size), edges)
    rho = np.abs(edge_xyz[:, 0])
    widest = np.cos(
        np.radians(np.where(edges[:-1] * edges[1:] <= 0, 0.0, np.minimum(*np.abs((edges[:-1], edges[1:])))))
    )
    cells = np.maximum(1, (360.0 * widest / height).astype(np.intp))
    first_cell = np.concatenate([[0], np.cumsum(cells)])
    band = band_of(lat, height, bands)
    turned = np.mod(lon + 180.0, 360.0)
    cell = first_cell[band] + np.minimum((turned / 360.0 * cells[band]).astype(np.intp), cells[band] - 1)
    order = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=first_cell[-1]))])
    xyz = geodesy.geocentric(geod, lon[order], lat[order])
    least_rho = np.minimum(rho[:-1], rho[1:])
    return Bands(order, xyz, height, reach_m, up, edge_xyz[:, 2].copy(), least_rho, first_cell, start)


def band_of(lat: FloatArray, height_deg: float, bands: int) -> IntArray:
    """Return the band of (n,) latitudes."""
    return np.clip(((lat + 90.0) / height_deg).astype(np.intp), 0, bands - 1)


@compiled
def runs_near(bands: Bands, lon: float, lat: float, xyz: FloatArray, runs: IntArray) -> int:
    """Write the runs of rows that may hold points within reach of a place; how many there are.

    Parameters
    ----------
    lon, lat, xyz : the place, degrees and (3,) geocentric metres
    runs : (k, 2) first row and row after the last; k is 3 · `most_bands`, enough for all
    """
    last = bands.least_rho.size - 1
    low = max(int((lat - bands.up_deg + 90.0) / bands.height_deg), 0)
    high = min(int((lat + bands.up_deg + 90.0) / bands.height_deg), last)
    rho = np.sqrt(xyz[0] * xyz[0] + xyz[1] * xyz[1])
    turned = (lon + 180.0) % 360.0
    found = 0
    for band in range(low, high + 1):
        apart = max(bands.edge_z[band] - xyz[2], xyz[2] - bands.edge_z[band + 1], 0.0)
        left = bands.reach_m * bands.reach_m - apart * apart
        if left < 0.0:
            continue
        first, cells = bands.first_cell[band], bands.first_cell[band + 1] - bands.first_cell[band]
        # Chord² = (ρ₁ − ρ₂)² + (z₁ − z₂)² + 4 ρ₁ ρ₂ sin²(Δλ/2), the first term left out.
        share = left / (4.0 * rho * bands.least_rho[band]) if rho * bands.least_rho[band] > 1.0 else 2.0
        begin, end = 0, cells - 1
        if share < 1.0:
            half = np.degrees(2.0 * np.arcsin(np.sqrt(share))) + _MARGIN_DEG
            begin = int(np.floor((turned - half) / 360.0 * cells))
            end = int(np.floor((turned + half) / 360.0 * cells))
            if end - begin + 1 >= cells:
                begin, end = 0, cells - 1
        if begin < 0:
            found = _run(bands.start, first + begin + cells, first + cells - 1, runs, found)
            begin = 0
        if end >= cells:
            found = _run(bands.start, first, first + end - cells, runs, found)
            end = cells - 1
        found = _run(bands.start, first + begin, first + end, runs, found)
    return found


@compiled
def _run(start: IntArray, first: int, last: int, runs: IntArray, found: int) -> int:
    """Add the rows of the cells from first to last, if there are any."""
    if start[last + 1] > start[first]:
        runs[found, 0] = start[first]
        runs[found, 1] = start[last + 1]
        return found + 1
    return found


def most_runs(bands: Bands) -> int:
    """Return how many runs `runs_near` may write."""
    return 3 * (int(2.0 * bands.up_deg / bands.height_deg) + 3)
