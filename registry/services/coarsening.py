"""Positions blurred for the public: each put at the centre of its cell of one fixed grid over the Earth.

Which cell it is depends on the true position and the size of the cells, on nothing else: no chance, no other site, no
edition. Two editions at one size therefore say the same, and an average of many says no more than one. Grids of
different sizes are *nested* – every cell lies wholly in one cell of each coarser grid – so that the position published
at a coarse size follows from the one at a fine size: editions at several sizes tell together no more than the finest.

The grid. Rows are of equal height in degrees, 90° / 2ʲ. Round a row lies a power of two of cells of equal width, as
many as leave each at least as wide as the row is high at its edge towards the pole, where it is narrowest. Both counts
halve, or stay, from one size to the next, which is what nests the cells. Round a pole the row is one cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from registry.errors import BadParameterError, CrsError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

LEAST_M, MOST_M = 1.0, 100_000.0
# Metres of a degree of latitude where it is shortest (equator) and longest (poles) on the ellipsoids of GRS 80 and
# WGS 84, and of a degree of longitude at the equator, all rounded to the safe side.
_SHORTEST_DEG_M, _LONGEST_DEG_M, _EQUATOR_DEG_M = 110_574.0, 111_695.0, 111_319.0
# A parallel is longer than cos φ of the equator, by at most the ellipsoid's a / b; and an arc longer than its chord.
_SLACK = 1.005
# Columns that may say in words or numbers where a site lies: what intake kept of the source table, what it found.
RAW_COLUMNS = ("extra", "warnings")


class Coarsened(NamedTuple):
    """Blurred positions.

    Attributes
    ----------
    lon, lat : (n,) degrees, the centres of the cells
    bound_m : (n,) metres; no position of the cell is farther from its centre by geodesic
    """

    lon: FloatArray
    lat: FloatArray
    bound_m: FloatArray


@dataclass(frozen=True)
class Grid:
    """The grid of one size.

    Attributes
    ----------
    level : j of the height of a row, 90° / 2ʲ
    """

    level: int

    @classmethod
    def of(cls, least_m: float) -> Grid:
        """The finest grid whose cells are at least so many metres high and wide.

        Raises
        ------
        BadParameterError : the size is not from 1 to 100,000 m.
        """
        if not LEAST_M <= least_m <= MOST_M:
            raise BadParameterError(
                f"--coarsen-m {least_m:g}: give the least size of a cell in metres, from {LEAST_M:g} to {MOST_M:,.0f}."
            )
        return cls(math.floor(math.log2(90.0 * _SHORTEST_DEG_M / least_m)))

    @property
    def height_m(self) -> float:
        """The height of a row, metres, where it is greatest."""
        return 90.0 * _LONGEST_DEG_M / 2.0**self.level

    def coarsen(self, lon: FloatArray, lat: FloatArray) -> Coarsened:
        """The centres of the cells that positions lie in.

        Parameters
        ----------
        lon, lat : (n,) degrees on any geodetic datum; a longitude counts round the Earth, NaN stays NaN.

        Notes
        -----
        On a sphere chord² = chord(Δφ)² + cos φ₁ cos φ₂ chord(Δλ)², so half a cell's diagonal, measured on its widest
        edge, bounds the distance to its centre. In the cell round a pole it is the way over the pole.
        """
        known = np.isfinite(lon) & np.isfinite(lat)
        rows = 2.0 ** (self.level + 1)
        up = (np.where(known, lat, 0.0) + 90.0) / 180.0
        row = np.clip(np.floor(up * rows), 0.0, rows - 1.0)
        narrow, wide = self._edges(row, rows)
        across = self._across(narrow)
        # The remainder of a tiny negative number is the whole turn itself.
        turn = np.mod((np.where(known, lon, 0.0) + 180.0) / 360.0, 1.0)
        column = np.minimum(np.floor(turn * across), across - 1.0)
        half_height = self.height_m / 2.0
        half_width = 180.0 / across * _EQUATOR_DEG_M * wide
        bound = _SLACK * np.where(across == 1.0, 3.0 * half_height, np.hypot(half_height, half_width))
        return Coarsened(
            np.where(known, (column + 0.5) / across * 360.0 - 180.0, np.nan),
            np.where(known, (row + 0.5) / rows * 180.0 - 90.0, np.nan),
            np.where(known, bound, np.nan),
        )

    def around(self, west: float, south: float, east: float, north: float) -> tuple[float, float, float, float]:
        """The box of whole cells round a box, degrees: it tells no more than the cells of what lies inside it.

        Cells nest along a parallel, so the edges of the widest ones within the box are edges of all.
        """
        rows = 2.0 ** (self.level + 1)
        row = np.clip(np.floor((np.array([south, north]) + 90.0) / 180.0 * rows), 0.0, rows - 1.0)
        across = float(self._across(self._edges(row, rows)[0]).min())
        column = (np.array([west, east]) + 180.0) / 360.0 * across
        bottom, top = row[0] / rows * 180.0 - 90.0, (row[1] + 1.0) / rows * 180.0 - 90.0
        left, right = np.floor(column[0]), min(np.floor(column[1]) + 1.0, across)
        return float(left / across * 360.0 - 180.0), float(bottom), float(right / across * 360.0 - 180.0), float(top)

    def bound_m(self, lat: float) -> float:
        """The largest displacement at a latitude, metres."""
        return float(self.coarsen(np.array([0.0]), np.array([lat])).bound_m[0])

    @staticmethod
    def _edges(row: FloatArray, rows: float) -> tuple[FloatArray, FloatArray]:
        """The cosines of a row's latitude on its edges towards the pole and towards the equator."""
        below = np.abs(row / rows * 180.0 - 90.0)
        above = np.abs((row + 1.0) / rows * 180.0 - 90.0)
        towards_pole = np.maximum(below, above)
        # cos 90° is not quite zero in floating point.
        narrow = np.where(towards_pole == 90.0, 0.0, np.cos(np.radians(towards_pole)))
        return narrow, np.cos(np.radians(np.minimum(below, above)))

    def _across(self, narrow: FloatArray) -> FloatArray:
        """How many cells lie round a row: the largest power of two that leaves them as wide as they are high."""
        # cos φ · a is shorter than the parallel, so a cell is a little wider still than it is said to be here.
        fitting = narrow * 360.0 * _EQUATOR_DEG_M / self.height_m
        # frexp is exact: fitting = m · 2ᵉ with ½ ≤ m < 1, so the power is e − 1, and doubling the size takes one off it.
        _, exponent = np.frexp(fitting)
        across: FloatArray = np.ldexp(1.0, np.maximum(exponent - 1, 0))
        return across


def coarsened(layer: gpd.GeoDataFrame, grid: Grid) -> gpd.GeoDataFrame:
    """A layer of points blurred for the public.

    Parameters
    ----------
    layer : points in a geographic CRS, columns of the feature tables
    grid : the size of the cells

    Returns
    -------
    The layer with its points at the centres of their cells, ``position_accuracy_m`` at least the largest displacement
    there, and without the columns that may say the true position (``extra``, ``warnings``). All other columns are as
    they were: codes of province, city and county are those of the true position, and ``address`` is what the source
    says.

    Raises
    ------
    CrsError : the layer has no geographic CRS; a grid in metres would not be the same one everywhere.
    """
    if layer.crs is None or not layer.crs.is_geographic:
        raise CrsError(
            "Only positions in longitude and latitude can be coarsened. Convert the layer with to_crs first."
        )
    kept = layer.drop(columns=[name for name in RAW_COLUMNS if name in layer])
    placed = kept.geometry
    missing = (placed.isna() | placed.is_empty).to_numpy()
    found = grid.coarsen(placed.x.to_numpy(float), placed.y.to_numpy(float))
    points = np.array(shapely.points(found.lon, found.lat), dtype=object)
    points[missing] = None
    out = kept.set_geometry(gpd.GeoSeries(points, index=kept.index, crs=kept.crs))
    stated = pd.Series(np.nan, index=out.index)
    if "position_accuracy_m" in out:
        stated = out["position_accuracy_m"].astype("float64")
    return out.assign(position_accuracy_m=np.fmax(stated.to_numpy(), np.ceil(found.bound_m)))
