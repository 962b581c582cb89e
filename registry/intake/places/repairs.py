"""Angles that stand in each other's column or lost their sign, put right where the provinces prove it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.intake.places.provinces import Provinces

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]

# A whole table is put right when so many of its rows fit in one other way, and only so.
WHOLE_TABLE = 0.95
# Fewer rows are no table, unless each of them declares its province.
_FEW_ROWS = 3
# Provinces are drawn coarsely, and sites at a border or a shore may lie a little outside.
_MARGIN_DEG = 0.5


class _Mistake(NamedTuple):
    """What may have happened to a pair of angles: ``lat, lon`` times the signs, exchanged or not."""

    exchanged: bool
    lat_sign: int
    lon_sign: int
    table: str
    row: str

    def undone(self, lat: FloatArray, lon: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.exchanged:
            lat, lon = lon, lat
        return lat * self.lat_sign, lon * self.lon_sign


_SWAP = _Mistake(
    exchanged=True, lat_sign=1, lon_sign=1,
    table="latitude and longitude stood in each other's column and were swapped",
    row="Latitude and longitude stood in each other's column; they were swapped.",
)  # fmt: skip
_SIGNS = tuple(
    _Mistake(
        exchanged=False, lat_sign=lat_sign, lon_sign=lon_sign,
        table=f"the sign of the {lost} was wrong or lost, and was changed",
        row=f"The sign of the {lost} was wrong or lost; with it changed the row lies in the province that it declares.",
    )
    for lat_sign, lon_sign, lost in ((-1, 1, "latitude"), (1, -1, "longitude"), (-1, -1, "latitude and longitude"))
)  # fmt: skip


@dataclass
class Repaired:
    """Angles (n,), what was changed in the whole table, and which rows were changed by themselves (n,), or ""."""

    lat: FloatArray
    lon: FloatArray
    warning: NDArray[np.object_]
    notes: list[str] = field(default_factory=list)


def put_right(lat: FloatArray, lon: FloatArray, provinces: Provinces | None) -> Repaired:
    """Undo exchanged columns and lost signs.

    Parameters
    ----------
    lat, lon : (n,) degrees as they were read, NaN where they were not.
    provinces : those that the store knows; None where it knows none.

    Notes
    -----
    A row is doubtful when it lies outside its province, or outside all where it declares none. The table is put
    right as a whole where 95 % of its rows are doubtful and lie in the right place in one other way, and in one
    only. A single row is put right where one way alone takes it there: exchanged, or, if it declares its
    province, with another sign. Without provinces only a table of which every latitude is beyond 90° is.
    """
    repaired = Repaired(lat.copy(), lon.copy(), np.full(len(lat), "", dtype=object))
    usable = np.isfinite(lat) & np.isfinite(lon) & ~((lat == 0) & (lon == 0))
    if not usable.any():
        return repaired
    if provinces is None:
        impossible = (np.abs(lat) > 90) & (np.abs(lat) <= 180) & (np.abs(lon) <= 90)
        if usable.sum() > 1 and impossible[usable].all():
            _change(repaired, _SWAP, usable)
            repaired.notes.append(_SWAP.table)
        return repaired
    _put_table_right(repaired, provinces, usable)
    _put_rows_right(repaired, provinces, usable)
    return repaired


def _put_table_right(repaired: Repaired, provinces: Provinces, usable: BoolArray) -> None:
    doubtful = _doubtful(repaired, provinces, usable)
    count = usable.sum()
    if doubtful.sum() < WHOLE_TABLE * count or (count < _FEW_ROWS and not provinces.proven[usable].all()):
        return
    found = [
        (mistake, fits)
        for mistake in (_SWAP, *_SIGNS)
        if (fits := _fits(repaired, provinces, mistake, doubtful)).sum() >= WHOLE_TABLE * count
    ]
    if len(found) != 1:
        if found:
            ways = " or ".join(mistake.table for mistake, _ in found)
            repaired.notes.append(
                f"the positions lie in no province as they are; it may be that {ways}: nothing was done"
            )
        return
    mistake, fits = found[0]
    _change(repaired, mistake, usable)
    repaired.notes.append(f"{mistake.table}: {fits.sum():,} of {count:,} rows lie where they should only so")


def _put_rows_right(repaired: Repaired, provinces: Provinces, usable: BoolArray) -> None:
    doubtful = _doubtful(repaired, provinces, usable)
    if not doubtful.any():
        return
    mistakes = (_SWAP, *_SIGNS)
    fits = np.stack([_fits(repaired, provinces, mistake, doubtful) for mistake in mistakes])
    # Any sign takes a place to some other place; only a declared province proves one.
    fits[1:] &= provinces.proven
    sole = fits.sum(axis=0) == 1
    for mistake, of_mistake in zip(mistakes, fits, strict=True):
        rows = of_mistake & sole
        _change(repaired, mistake, rows)
        repaired.warning[rows] = mistake.row


def _doubtful(repaired: Repaired, provinces: Provinces, usable: BoolArray) -> BoolArray:
    doubtful: BoolArray = usable & ~provinces.near(repaired.lon, repaired.lat, _MARGIN_DEG)
    return doubtful


def _fits(repaired: Repaired, provinces: Provinces, mistake: _Mistake, rows: BoolArray) -> BoolArray:
    lat, lon = mistake.undone(repaired.lat, repaired.lon)
    return provinces.holds(lon, lat, rows)


def _change(repaired: Repaired, mistake: _Mistake, rows: BoolArray) -> None:
    lat, lon = mistake.undone(repaired.lat, repaired.lon)
    repaired.lat, repaired.lon = np.where(rows, lat, repaired.lat), np.where(rows, lon, repaired.lon)
