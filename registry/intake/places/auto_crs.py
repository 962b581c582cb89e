"""Which coordinate system the numbers of a table are in, proposed from the numbers and from where the rows belong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import Transformer

from registry.intake.places.grids import NO_ZONE, Grid, exchanged, gauss_kruger, zone_numbers
from registry.intake.places.provinces import Provinces

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.int64]

# Rows that are looked at; they stand evenly over the table.
_SAMPLE = 2_000
# A grid with fewer rows in the right place is not worth a line.
_LEAST_SHARE = 0.05
# A grid fits when so many rows are in the right place, and is no rival with fewer than that.
FITS, RIVAL = 0.9, 0.5
# Most rows of a table with zone numbers have one.
WITH_ZONES = 0.5

_METRES_A_DEGREE = 111_320.0
_WIDE_SHARE = 0.05

DATUM_M = 200.0
"""Beijing 1954 and Xian 1980 put a place in China so far from where CGCS2000 has it, at most, as the offices say."""


@dataclass(frozen=True)
class Proposal:
    """A coordinate system that may be the table's.

    Attributes
    ----------
    crs : as it is written in a mapping file.
    share : of the rows that speak for it, 0 to 1.
    why : what speaks for it, in words.
    grid : the zone.
    """

    crs: str
    share: float
    why: str
    grid: Grid

    def __str__(self) -> str:
        """One entry of a list in a message."""
        return f"{self.crs} ({self.grid.name}: {self.why})"


def propose_crs(
    northing: FloatArray,
    easting: FloatArray,
    *,
    declared: NDArray[np.object_] | None = None,
    provinces: gpd.GeoDataFrame | None = None,
) -> list[Proposal]:
    """Propose the grids that numbers in metres may be in, best first.

    Parameters
    ----------
    northing, easting : (n,) metres, NaN where a row has none; in each other's place is seen and does not matter.
    declared : (n,) the province that a row says it is in, None where it says none.
    provinces : (r,) ``code, name, name_en, geometry`` in a geographic CRS.

    Returns
    -------
    Grids with a share of at least 5 %. Where the eastings carry zone numbers, those say the zones and the share is
    that of the rows in each. Elsewhere every Gauss–Krüger and UTM zone that touches the provinces is tried, and the
    share is that of the rows that fall into the province they declare, or into any where they declare none;
    without provinces nothing is proposed.

    Notes
    -----
    CGCS2000 stands for Xian 1980 and Beijing 1954 too: their numbers differ by less than 200 m. A 3° and a 6° zone
    with the same central meridian are the same projection, proposed once.
    """
    usable = np.flatnonzero(np.isfinite(northing) & np.isfinite(easting))
    usable = usable[:: max(1, len(usable) // _SAMPLE)]
    if not len(usable):
        return []
    north, east = northing[usable], easting[usable]
    turned = exchanged(north, east)
    north, east = np.where(turned, east, north), np.where(turned, north, east)
    known = None
    if provinces is not None and len(provinces):
        known = Provinces(provinces, None if declared is None else declared[usable], len(usable))
    zones = zone_numbers(east)
    if (zones > NO_ZONE).mean() >= WITH_ZONES:
        return _by_zone_number(zones)
    if known is None:
        return []
    proposals = []
    for grid in _grids_at(known.bounds, wide=_is_wide(north, east)):
        share = float(_in_place(grid, north, east, known).mean())
        if share >= _LEAST_SHARE:
            where = "the province they declare" if known.proven.any() else "a province"
            proposals.append(Proposal(grid.crs, share, f"{share:.0%} of the rows in {where}", grid))
    # The sort is stable, and Gauss–Krüger comes first among equals.
    return sorted(proposals, key=lambda proposal: -round(proposal.share, 2))


def grid_of_zone_number(zone: int) -> Grid | None:
    """The grid that a zone number in front of an easting names; UTM's where China's Gauss–Krüger has no such zone."""
    grid = gauss_kruger(zone)
    if grid is None and 46 <= zone <= 53:
        return Grid("UTM north", 6, zone, prefixed=False)
    return grid


def _by_zone_number(zones: IntArray) -> list[Proposal]:
    numbers, counts = np.unique(zones[zones > NO_ZONE], return_counts=True)
    proposals = []
    for i in np.argsort(-counts, kind="stable"):
        grid = grid_of_zone_number(int(numbers[i]))
        share = float(counts[i] / len(zones))
        if grid is not None and share >= _LEAST_SHARE:
            why = f"{share:.0%} of the eastings begin with {numbers[i]}"
            proposals.append(Proposal(grid.crs, share, why, grid))
    return proposals


def _grids_at(bounds: tuple[float, float, float, float], *, wide: bool) -> list[Grid]:
    """The zones without zone number that touch a box, Gauss–Krüger's first."""
    west, south, east, north = bounds
    grids = []
    for zone in range(25, 46):
        if west - 3 <= 3 * zone <= east + 3:
            six = 3 * zone % 6 == 3
            grids.append(
                Grid("CGCS2000", 6, (3 * zone + 3) // 6, prefixed=False)
                if wide and six
                else Grid("CGCS2000", 3, zone, prefixed=False)
            )
    for zone in range(1, 61):
        if west - 3 <= 6 * zone - 183 <= east + 3:
            if north > 0:
                grids.append(Grid("UTM north", 6, zone, prefixed=False))
            if south < 0:
                grids.append(Grid("UTM south", 6, zone, prefixed=False))
    return grids


def _is_wide(northing: FloatArray, easting: FloatArray) -> bool:
    """True where rows lie further than 1.5° from the central meridian, beyond a zone of 3°."""
    latitude = np.radians(np.clip(northing / _METRES_A_DEGREE, -89, 89))
    half_zone = 1.5 * _METRES_A_DEGREE * np.cos(latitude)
    return bool((np.abs(easting - 500_000.0) > 1.05 * half_zone).mean() > _WIDE_SHARE)


def _in_place(grid: Grid, northing: FloatArray, easting: FloatArray, provinces: Provinces) -> NDArray[np.bool_]:
    """(n,) True where a row lies in a province that may be its own, if its numbers are in this grid."""
    # Provinces are drawn to some hundred metres; which datum they are on changes less.
    target = 4326 if grid.is_utm else 4490
    lon, lat = Transformer.from_crs(grid.epsg, target, always_xy=True).transform(easting, northing)
    return provinces.holds(np.asarray(lon, dtype=float), np.asarray(lat, dtype=float))
