"""Northing and easting of a table, and the grid that each row is in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj import CRS

from registry.errors import CrsError
from registry.intake.places.auto_crs import DATUM_M, FITS, RIVAL, WITH_ZONES, Proposal, grid_of_zone_number, propose_crs
from registry.intake.places.grids import NO_ZONE, Grid, exchanged, gauss_kruger, grid_of, reconcile, zone_numbers
from registry.intake.places.repairs import WHOLE_TABLE

if TYPE_CHECKING:
    import geopandas as gpd
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

_ZONE_CELL = re.compile(r"(?:utm)?(?:zone)?(?:第)?(\d{1,2})(?:带|帶|号带)?([a-z]?)")
_SOUTH_BANDS = "cdefghjklm"
_LISTED = 4

_BY_NUMBER = (
    "their datum was taken to be CGCS2000, the legal one; on Beijing 1954 or Xian 1980 "
    f"they would be up to {DATUM_M:.0f} m elsewhere"
)


@dataclass
class Metres:
    """Positions of a table in metres.

    Attributes
    ----------
    northing, easting : (n,) metres, NaN where there are none.
    parts : which rows (n,) are in which CRS; a row of none has a problem.
    problem : (n,) why an easting cannot be taken, or "".
    warning : (n,) what was done with a row by itself, or "".
    accuracy_m : what is known of the datum, metres; 0 where it was stated.
    notes : what was done with the table.
    """

    northing: FloatArray
    easting: FloatArray
    problem: NDArray[np.object_]
    warning: NDArray[np.object_]
    parts: list[tuple[str, BoolArray]] = field(default_factory=list)
    accuracy_m: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def usable(self) -> BoolArray:
        """(n,) True where a row has both numbers."""
        return np.isfinite(self.northing) & np.isfinite(self.easting)


def in_their_columns(northing: FloatArray, easting: FloatArray) -> Metres:
    """Numbers as read; where only the exchange of both makes them a northing and an easting, exchanged."""
    n = len(northing)
    nothing: NDArray[np.object_] = np.full(n, "", dtype=object)
    metres = Metres(northing, easting, nothing, nothing.copy())
    turned = exchanged(northing, easting)
    if not turned.any():
        return metres
    if turned.sum() >= WHOLE_TABLE * metres.usable.sum():
        metres.notes.append("northing and easting stood in each other's column and were swapped")
        # A row that lacks one of the two has the other in the wrong column too.
        turned |= ~metres.usable
    else:
        metres.warning[turned] = "Northing and easting stood in each other's column; they were swapped."
    metres.northing, metres.easting = np.where(turned, easting, northing), np.where(turned, northing, easting)
    return metres


def as_stated(label: str, metres: Metres, crs: str) -> None:
    """Put all rows into the CRS that is stated, with the zone number in the eastings or not, as it has it.

    Raises
    ------
    CrsError : no easting carries the zone number of the CRS, but that of another zone.
    """
    metres.parts = [(crs, np.ones(len(metres.easting), dtype=bool))]
    grid = grid_of(CRS.from_user_input(crs).to_epsg())
    if grid is None:
        return
    reconciled = reconcile(metres.easting, grid)
    wrong = reconciled.problem != ""
    if wrong.any() and wrong.sum() >= WHOLE_TABLE * metres.usable.sum():
        zones = ", ".join(map(str, reconciled.contradicting))
        one = gauss_kruger(reconciled.contradicting[0])
        like = one and Grid(grid.series if not grid.is_utm else "CGCS2000", one.width, one.zone, prefixed=True)
        advice = f'crs = "{like.crs}"' if like else 'crs = "auto"'
        raise CrsError(
            f"{label}: the eastings carry zone number {zones}, and crs {crs} is {grid.name}. "
            f"Write {advice} in the mapping file if the numbers are right."
        )
    metres.easting, metres.problem = reconciled.easting, reconciled.problem
    if reconciled.note:
        metres.notes.append(reconciled.note)


def by_zone_number(metres: Metres) -> bool:
    """Put rows into the zones that their eastings name; False where most name none."""
    zones = zone_numbers(metres.easting)
    usable = metres.usable
    if not usable.any() or (zones[usable] > NO_ZONE).mean() < WITH_ZONES:
        return False
    utm = False
    for zone in np.unique(zones[usable]):
        rows = usable & (zones == zone)
        grid = grid_of_zone_number(int(zone))
        if zone == NO_ZONE:
            metres.problem[rows] = "The easting has no zone number in front, and those of other rows have."
        elif grid is None:
            metres.problem[rows] = "The number in front of the easting is not that of a zone in China."
        else:
            utm |= grid.is_utm
            metres.easting = np.where(rows & grid.is_utm, metres.easting - zone * 1e6, metres.easting)
            metres.parts.append((grid.crs, rows))
            metres.notes.append(
                f"{rows.sum():,} eastings begin with {zone}: they were read as {grid.name} ({grid.crs})"
            )
    if metres.parts and not utm:
        metres.accuracy_m = DATUM_M
        metres.notes.append(_BY_NUMBER)
    return bool(metres.parts)


def by_zone_column(metres: Metres, cells: pd.Series[str]) -> tuple[bool, NDArray[np.object_]]:
    """Put rows into the zones that a column of their own names (``23S``, ``37``).

    Returns
    -------
    Whether any cell names one, and why a row cannot be taken (n,), or "".
    """
    codes, words = pd.factorize(cells)
    grids = [_grid_of_word(str(word)) for word in words]
    known = np.array([grid is not None for grid in grids], dtype=bool)
    problem: NDArray[np.object_] = np.where(
        known[codes], "", "The cell does not name a zone: write 23S for UTM, 37 for Gauss–Krüger."
    ).astype(object)
    for grid in dict.fromkeys(grid for grid in grids if grid is not None):
        rows = np.array([one == grid for one in grids], dtype=bool)[codes]
        reconciled = reconcile(metres.easting, grid)
        metres.easting = np.where(rows, reconciled.easting, metres.easting)
        metres.problem = np.where(rows, reconciled.problem, metres.problem)
        metres.parts.append((grid.crs, rows))
        metres.notes.append(f"{rows.sum():,} rows name their zone: they were read as {grid.name} ({grid.crs})")
        if not grid.is_utm:
            metres.accuracy_m = DATUM_M
    if metres.accuracy_m:
        metres.notes.append(_BY_NUMBER)
    return bool(metres.parts), problem


def _grid_of_word(word: str) -> Grid | None:
    found = _ZONE_CELL.fullmatch(re.sub(r"[\s_-]+", "", word.casefold().removesuffix(".0")))
    if found is None:
        return None
    zone, letter = int(found[1]), found[2]
    if not letter:
        named = gauss_kruger(zone)
        return named and Grid(named.series, named.width, named.zone, prefixed=False)
    if not 1 <= zone <= 60:
        return None
    # S is taken for south, as those who write N or S mean it, and not for the band from 32° to 40° north.
    south = letter == "s" or letter in _SOUTH_BANDS
    return Grid("UTM south" if south else "UTM north", 6, zone, prefixed=False)


def by_province(
    label: str,
    metres: Metres,
    *,
    surveyors_axes: bool,
    declared: NDArray[np.object_] | None,
    provinces: gpd.GeoDataFrame | None,
) -> None:
    """Put all rows into the one grid in which they lie where they belong.

    Parameters
    ----------
    surveyors_axes : the headers call the northing X or write Chinese, as tables in Gauss–Krüger do and those in UTM
        do not.

    Raises
    ------
    CrsError : no grid fits, or more than one.
    """
    proposals = propose_crs(metres.northing, metres.easting, declared=declared, provinces=provinces)
    rivals = [proposal for proposal in proposals if proposal.share >= RIVAL]
    meridians = {proposal.grid.central_meridian for proposal in rivals if not proposal.grid.is_utm}
    twins = [one for one in rivals if one.grid.is_utm and one.grid.central_meridian in meridians]
    if surveyors_axes:
        rivals = [one for one in rivals if one not in twins]
    if len(rivals) != 1 or rivals[0].share < FITS:
        raise CrsError(f'{label}: crs = "auto" cannot be settled. {_undecided(proposals, provinces)}')
    best = rivals[0]
    metres.parts = [(best.crs, np.ones(len(metres.easting), dtype=bool))]
    note = f'crs = "auto": northing and easting were read as {best}'
    others = [proposal for proposal in proposals if proposal is not best and proposal not in twins]
    if others:
        note += f"; next is {others[0]}"
    metres.notes.append(note)
    if twins:
        metres.notes.append(
            f"the numbers fit {twins[0].grid.name} too, up to 2 km further north; "
            "the headers are those of Gauss–Krüger coordinates"
        )
    if not best.grid.is_utm:
        metres.accuracy_m = DATUM_M
        metres.notes.append(_BY_NUMBER)


def no_system(
    label: str, metres: Metres, declared: NDArray[np.object_] | None, provinces: gpd.GeoDataFrame | None
) -> CrsError:
    """What to say of metres of which nothing says the system."""
    proposals = propose_crs(metres.northing, metres.easting, declared=declared, provinces=provinces)
    return CrsError(
        f"{label}: northing and easting are in metres, and nothing says in which system. "
        f'{_undecided(proposals, provinces)} With crs = "auto" it is taken from the numbers where only one fits.'
    )


def _undecided(proposals: list[Proposal], provinces: gpd.GeoDataFrame | None) -> str:
    write = 'Write the system as crs in the mapping file, for instance crs = "EPSG:4547".'
    if provinces is None or not len(provinces):
        return f"Without zone numbers the numbers do not say it, and no provinces are loaded to compare with. {write}"
    if not proposals:
        return f"In no zone do the rows lie in the provinces. {write}"
    listed = "; ".join(map(str, proposals[:_LISTED]))
    return f"The numbers fit {listed}. Write the right one as crs in the mapping file."
