"""Northing and easting in the grids that Chinese tables use: Gauss–Krüger zones of 3° and 6°, and UTM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    IntArray = NDArray[np.int64]

Series = Literal["CGCS2000", "Xian 1980", "Beijing 1954", "UTM north", "UTM south"]

# Series, width of a zone in degrees, zone number in the easting or not: EPSG code of the first zone, its number, and
# how many there are (EPSG registry).
_CODES: dict[tuple[Series, int, bool], tuple[int, int, int]] = {
    ("CGCS2000", 6, True): (4491, 13, 11), ("CGCS2000", 6, False): (4502, 13, 11),
    ("CGCS2000", 3, True): (4513, 25, 21), ("CGCS2000", 3, False): (4534, 25, 21),
    ("Xian 1980", 6, True): (2327, 13, 11), ("Xian 1980", 6, False): (2338, 13, 11),
    ("Xian 1980", 3, True): (2349, 25, 21), ("Xian 1980", 3, False): (2370, 25, 21),
    ("Beijing 1954", 3, True): (2401, 25, 21), ("Beijing 1954", 3, False): (2422, 25, 21),
    ("Beijing 1954", 6, True): (21413, 13, 11), ("Beijing 1954", 6, False): (21453, 13, 11),
    ("UTM north", 6, False): (32601, 1, 60), ("UTM south", 6, False): (32701, 1, 60),
}  # fmt: skip

_ZONE_M = 1_000_000.0
# An easting without its zone number: 500 km at the central meridian, and no grid reaches further from it.
_LEAST_EASTING_M, _MOST_EASTING_M = 100_000.0, 900_000.0
_MOST_NORTHING_M = 10_000_000.0
# Zone numbers that are written in front of eastings: Gauss–Krüger's in China, and UTM's there and further east.
_ZONES = 13, 60

NO_ZONE = 0


@dataclass(frozen=True)
class Grid:
    """One zone of a grid."""

    series: Series
    width: int
    zone: int
    prefixed: bool

    @property
    def epsg(self) -> int:
        """EPSG code."""
        code, first, _ = _CODES[self.series, self.width, self.prefixed]
        return code + self.zone - first

    @property
    def crs(self) -> str:
        """How the code is written."""
        return f"EPSG:{self.epsg}"

    @property
    def is_utm(self) -> bool:
        """True for a zone of UTM."""
        return self.series.startswith("UTM")

    @property
    def central_meridian(self) -> int:
        """Degrees east."""
        if self.is_utm:
            return 6 * self.zone - 183
        return 6 * self.zone - 3 if self.width == 6 else 3 * self.zone

    @property
    def name(self) -> str:
        """The grid in words."""
        if self.is_utm:
            return f"WGS 84 / UTM zone {self.zone}{'N' if self.series == 'UTM north' else 'S'}"
        where = f"zone {self.zone}" if self.prefixed else f"CM {self.central_meridian}E"
        return f"{self.series} / {self.width}-degree Gauss-Kruger {where}"


def grid_of(epsg: int | None) -> Grid | None:
    """The grid zone of an EPSG code; None where it is none of these."""
    for (series, width, prefixed), (code, first, count) in _CODES.items():
        if epsg is not None and code <= epsg < code + count:
            return Grid(series, width, first + epsg - code, prefixed)
    return None


def gauss_kruger(zone: int) -> Grid | None:
    """The CGCS2000 zone that a zone number in front of an easting names: 13–23 are of 6°, 25–45 of 3°."""
    for width in (6, 3):
        _, first, count = _CODES["CGCS2000", width, True]
        if first <= zone < first + count:
            return Grid("CGCS2000", width, zone, prefixed=True)
    return None


def zone_numbers(easting: FloatArray) -> IntArray:
    """The zone number in front of each easting (n,), or `NO_ZONE`: 39500123 is 500,123 m in zone 39."""
    whole = np.where(np.abs(easting) < (_ZONES[1] + 1) * _ZONE_M, easting, 0.0)
    zone = np.floor(whole / _ZONE_M)
    without = whole - zone * _ZONE_M
    has = (zone >= _ZONES[0]) & (zone <= _ZONES[1]) & _is_easting(without)
    return np.where(has, zone, NO_ZONE).astype(np.int64)


def exchanged(northing: FloatArray, easting: FloatArray) -> BoolArray:
    """(n,) True where the number under northing can only be an easting, and the one under easting a northing.

    A northing of less than 900 km, within 8° of the equator, is never told from an easting.
    """
    under_northing = _is_easting(northing) | (zone_numbers(northing) > NO_ZONE)
    turned: BoolArray = under_northing & (easting > _MOST_EASTING_M) & (easting <= _MOST_NORTHING_M)
    return turned


def _is_easting(value: FloatArray) -> BoolArray:
    within: BoolArray = (value >= _LEAST_EASTING_M) & (value <= _MOST_EASTING_M)
    return within


@dataclass
class Reconciled:
    """Eastings (n,) as the grid has them, why a row contradicts it (n,), or "", and what was done with the others."""

    easting: FloatArray
    problem: NDArray[np.object_]
    note: str = ""
    contradicting: tuple[int, ...] = ()


def reconcile(easting: FloatArray, grid: Grid) -> Reconciled:
    """Give eastings the zone number that the grid has in them, or take off the one that it has not.

    A zone number fits a grid when its zone has the grid's central meridian, of whatever width.
    """
    zones = zone_numbers(easting)
    numbers = np.unique(zones[zones > NO_ZONE])
    own = np.isin(zones, [number for number in numbers if _same_meridian(int(number), grid)])
    foreign = (zones > NO_ZONE) & ~own
    problem: NDArray[np.object_] = np.where(
        foreign, f"The zone number in front of the easting is not that of {grid.name}.", ""
    ).astype(object)
    bare = np.where(own, easting - zones * _ZONE_M, easting)
    result = Reconciled(easting, problem, contradicting=tuple(int(zone) for zone in np.unique(zones[foreign])))
    if not grid.prefixed:
        result.easting = bare
        if own.any():
            result.note = f"the zone number was taken off {own.sum():,} eastings, since {grid.name} has none"
        return result
    lacking = (zones == NO_ZONE) & _is_easting(easting)
    result.easting = np.where(own | lacking, bare + grid.zone * _ZONE_M, easting)
    if lacking.any():
        result.note = f"{lacking.sum():,} eastings had no zone number; they were taken to be in zone {grid.zone}"
    return result


def _same_meridian(zone: int, grid: Grid) -> bool:
    if grid.is_utm:
        return zone == grid.zone
    named = gauss_kruger(zone)
    return named is not None and named.central_meridian == grid.central_meridian
