"""Angles as people write them, a column at a time: decimal degrees, or degrees, minutes and seconds.

The format is recognised cell by cell, so a column may mix them. Only degrees, minutes and seconds written
together (``1083015.2``) are recognised by their column.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from registry.intake.places.angle_shapes import AngleShape, Fault, Named, angle_shape, pair_shape
from registry.intake.places.digit_runs import DigitRuns, digit_runs, half_width

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Axis = Literal["latitude", "longitude"]
LIMIT: dict[Axis, float] = {"latitude": 90.0, "longitude": 180.0}
_NAME: dict[Axis, Named] = {"latitude": Named.LATITUDE, "longitude": Named.LONGITUDE}

# Cells taken apart at a time: their arrays fit into the cache of a core.
_CHUNK = 1 << 14

# Degrees, minutes and seconds written together have so many digits before the point: DDMMSS, DDDMMSS; DMMSS
# near the equator.
_PACKED_DIGITS = (5, 7)
# Of the numbers that are too large for degrees so many must be packed angles (of numbers that are not, 36 % look
# so), and of all bare numbers so many.
_PACKED_SHARE, _PACKED_MAJORITY = 0.6, 0.5

_MOST_SHORT, _ZEROS_DROPPED = 0.34, 2

_UNIT_DEG = np.array([1.0, 1 / 60, 1 / 3600])


@dataclass(frozen=True)
class Angles:
    """A column read as angles.

    Attributes
    ----------
    degrees : (n,) south and west negative; NaN where ``problem`` says why not.
    problem : (n,) a sentence, or "".
    half_unit : (n,) half a unit of the last digit given, degrees; NaN where nothing was read.
    of_other_axis : (n,) the cell itself says that it is the other axis.
    packed : number of cells read as degrees, minutes and seconds written together.
    """

    degrees: NDArray[np.float64]
    problem: NDArray[np.object_]
    half_unit: NDArray[np.float64]
    of_other_axis: NDArray[np.bool_]
    packed: int = 0


@dataclass(frozen=True)
class Pairs:
    """Cells that hold both angles.

    Attributes
    ----------
    latitude, longitude : the two, each with its problems.
    undecided : (n,) neither the cell nor its column says which is which; they were read in the order given.
    """

    latitude: Angles
    longitude: Angles
    undecided: NDArray[np.bool_]


class _Read(NamedTuple):
    """Angles (n,) before their axis is settled."""

    degrees: NDArray[np.float64]
    fault: NDArray[np.int8]
    named: NDArray[np.int8]
    level: NDArray[np.int8]
    decimals: NDArray[np.int16]
    bare: NDArray[np.bool_]
    plain: NDArray[np.bool_]
    whole_digits: NDArray[np.int16]

    def where(self, rows: NDArray[np.bool_], other: _Read) -> _Read:
        """These on some rows, the other's on the rest."""
        pairs: list[tuple[Any, Any]] = list(zip(self, other, strict=True))
        return _Read(*(np.where(rows, mine, others) for mine, others in pairs))


def read_angles(cells: pd.Series[str], axis: Axis) -> Angles:
    """Read a column of trimmed text as latitudes or longitudes, south and west negative.

    Notes
    -----
    The sign comes from a minus or from the hemisphere, before or behind the number; a minus together with S or
    W says the same thing twice, a minus with N or E contradicts itself and is not read. A comma is a decimal
    comma. Minutes and seconds are less than 60. Whether an angle is on the globe, ``off_the_globe`` says.

    Numbers too large for degrees are read as DDDMMSS.s where nearly all of them can be, and where they are most
    of the column; a single one among decimal degrees is rather one that lost its point.
    """
    text = _text(cells)
    (read,) = _read(text, lambda shape: (angle_shape(shape),))
    if read.plain.any():
        exact = pc.cast(pc.if_else(pa.array(read.plain), text, None), pa.float64()).to_numpy(zero_copy_only=False)
        read = read._replace(degrees=np.where(read.plain, exact, read.degrees))
    read, packed = _unpacked(read, axis)
    return _settled(read, axis, packed)


def read_pairs(cells: pd.Series[str], first: Axis | None = None) -> Pairs:
    """Read a column of trimmed text in which each cell holds a latitude and a longitude.

    Parameters
    ----------
    first : which comes first, where the header says so.

    Notes
    -----
    Which is which a cell says itself (a hemisphere, a word), else its column: where a number over 90 stands
    first in some cells and second in none, the longitude comes first in all.
    """
    text = _text(cells)
    (one, packed_one), (two, packed_two) = (_unpacked(read, "longitude") for read in _read(text, pair_shape))
    named = one.named > 0
    over_one, over_two = ((np.abs(read.degrees) > LIMIT["latitude"]) & ~named for read in (one, two))
    order = np.where(named, one.named, 0)
    order[over_one & ~over_two] = Named.LONGITUDE
    order[over_two & ~over_one] = Named.LATITUDE
    left = order == 0
    if over_one.any() != over_two.any():
        order[left] = Named.LONGITUDE if over_one.any() else Named.LATITUDE
        left[:] = False
    order[left] = _NAME[first or "latitude"]
    undecided = left & (one.fault == Fault.NONE) if first is None else np.zeros(len(text), dtype=bool)
    lat_first = order == Named.LATITUDE
    return Pairs(
        _settled(one.where(lat_first, two), "latitude", packed_one),
        _settled(two.where(lat_first, one), "longitude", packed_two),
        undecided,
    )


def off_the_globe(latitude: NDArray[np.float64], longitude: NDArray[np.float64]) -> dict[Axis, NDArray[np.object_]]:
    """Why a pair of angles (n,) is no place, by the axis that is to blame; "" where it is one."""
    n = len(latitude)
    wrong_lat, wrong_lon = np.abs(latitude) > LIMIT["latitude"], np.abs(longitude) > LIMIT["longitude"]
    lat_problem: NDArray[np.object_] = np.full(n, "", dtype=object)
    lon_problem: NDArray[np.object_] = np.full(n, "", dtype=object)
    lat_problem[wrong_lat] = "The latitude is outside −90 to 90 degrees."
    lon_problem[wrong_lon] = "The longitude is outside −180 to 180 degrees."
    swapped = wrong_lat & (np.abs(latitude) <= LIMIT["longitude"]) & (np.abs(longitude) <= LIMIT["latitude"])
    lat_problem[swapped] = "The latitude is outside −90 to 90 degrees; latitude and longitude look swapped."
    lat_problem[(latitude == 0) & (longitude == 0)] = "Latitude 0 and longitude 0 stand for an empty position."
    return {"latitude": lat_problem, "longitude": lon_problem}


def _text(cells: pd.Series[str]) -> Any:
    """A column as one Arrow array, with digits of one width."""
    text = pa.array(cells, type=pa.large_string())
    # A column that was put together from parts comes as parts.
    return half_width(text.combine_chunks() if isinstance(text, pa.ChunkedArray) else text)


def _read(text: Any, of_shape: Any) -> list[_Read]:
    """Every angle of the cells (n,): one where ``of_shape`` gives one of a shape, two where it gives two."""
    parts: list[list[_Read]] = []
    for start in range(0, max(len(text), 1), _CHUNK):
        runs = digit_runs(text.slice(start, _CHUNK))
        shapes = [of_shape(shape) for shape in runs.shapes] or [of_shape("")]
        parts.append([_measured(runs, list(side)) for side in zip(*shapes, strict=True)])
    return [_Read(*(np.concatenate(piece) for piece in zip(*sides, strict=True))) for sides in zip(*parts, strict=True)]


def _measured(runs: DigitRuns, shapes: list[AngleShape]) -> _Read:
    """The angles of cells (n,) of which the shapes are read."""
    # One run more, zero, for the parts that a cell does not have.
    value, digits = np.append(runs.value, 0.0), np.append(runs.digits, 0)
    places = np.array([shape.runs for shape in shapes], dtype=np.int64)[runs.shape]
    at = np.where(places < 0, len(runs.value), runs.first[:, None] + places)
    whole, fraction = at[:, 0::2], at[:, 1::2]
    # Digits beyond the eighteenth change nothing.
    parts = value[whole] + value[fraction] / 10.0 ** np.minimum(digits[fraction], 18)

    def of_shape(name: str, dtype: Any) -> Any:
        return np.array([getattr(shape, name) for shape in shapes], dtype=dtype)[runs.shape]

    fault, level = of_shape("fault", np.int8), of_shape("level", np.int8)
    too_long = (digits[whole] > 15).any(axis=1) & (fault == Fault.NONE)
    fault[too_long & ~of_shape("plain", bool)] = Fault.UNREADABLE
    fault[(fault == Fault.NONE) & ((parts[:, 1] >= 60) | (parts[:, 2] >= 60))] = Fault.SIXTY
    degrees = (parts[:, 0] + parts[:, 1] / 60 + parts[:, 2] / 3600) * of_shape("sign", np.int8)
    return _Read(
        degrees,
        fault,
        of_shape("named", np.int8),
        level,
        digits[fraction[np.arange(len(level)), level]].astype(np.int16),
        of_shape("bare", bool),
        of_shape("plain", bool),
        np.minimum(digits[whole[:, 0]], 99).astype(np.int16),
    )


def _settled(read: _Read, axis: Axis, packed: int) -> Angles:
    """Angles of a column of one axis."""
    fault = read.fault.copy()
    other = (read.named > 0) & (read.named != _NAME[axis])
    of_other_axis = other & (fault == Fault.NONE)
    fault[of_other_axis] = Fault.OTHER_AXIS
    reasons: NDArray[np.object_] = np.array(_reasons(axis), dtype=object)
    good = fault == Fault.NONE
    return Angles(
        np.where(good, read.degrees, np.nan),
        reasons[fault],
        np.where(good, _half_units(read, good), np.nan),
        of_other_axis,
        packed,
    )


def _unpacked(read: _Read, axis: Axis) -> tuple[_Read, int]:
    """Bare numbers too large for degrees read as DDDMMSS.s, where the column is written so."""
    bare = read.bare & (read.fault == Fault.NONE)
    size = np.abs(read.degrees)
    over = bare & (size > LIMIT[axis])
    if not over.any():
        return read, 0
    low, high = _PACKED_DIGITS
    seconds = np.where(over, size, 0.0)
    degrees = np.floor(seconds / 10_000)
    seconds -= degrees * 10_000
    minutes = np.floor(seconds / 100)
    seconds -= minutes * 100
    as_written = over & (low <= read.whole_digits) & (read.whole_digits <= high)
    fits = as_written & (degrees <= LIMIT[axis]) & (minutes < 60) & (seconds < 60)
    if fits.sum() < _PACKED_SHARE * over.sum() or fits.sum() < _PACKED_MAJORITY * bare.sum():
        return read, 0
    angle = np.copysign(degrees + minutes / 60 + seconds / 3600, read.degrees)
    fault = np.where(as_written & ~fits & (degrees <= LIMIT[axis]), np.int8(Fault.SIXTY), read.fault)
    unpacked = read._replace(
        degrees=np.where(fits, angle, read.degrees), fault=fault, level=np.where(fits, np.int8(2), read.level)
    )
    return unpacked, int(fits.sum())


def _half_units(read: _Read, good: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Half a unit of the last digit (n,), degrees; angles that end in the same unit are seen as one column."""
    decimals = read.decimals.astype(float)
    for level in range(len(_UNIT_DEG)):
        rows = good & (read.level == level)
        decimals[rows] = _given_decimals(decimals[rows])
    return 0.5 * _UNIT_DEG[read.level] * 10.0**-decimals


def _given_decimals(decimals: NDArray[np.float64]) -> NDArray[np.float64]:
    """How many decimals cells (n,) were given with, of which so many are written.

    Notes
    -----
    A spreadsheet drops zeros at the end: of a tenth of the cells one, of a hundredth two. A column in which at most
    a third of the cells are short of the median has been through that, and those short by one or two are counted
    with the median; a column with more of them is one of mixed accuracy.
    """
    if not len(decimals):
        return decimals
    median = np.floor(np.median(decimals))
    short = decimals < median
    if short.mean() > _MOST_SHORT:
        return decimals
    return np.where(short & (median - decimals <= _ZEROS_DROPPED), median, decimals)


def _reasons(axis: Axis) -> list[str]:
    """A sentence for every fault."""
    return [
        "",
        f"The {axis} is empty.",
        f"The {axis} cannot be read as an angle.",
        f"A sign in the {axis} is damaged, and it can be read in two ways.",
        f"The {axis} has minutes or seconds of 60 or more.",
        f"The {axis} names two hemispheres.",
        f"The hemisphere letter is not one of a {axis}: latitude and longitude look swapped.",
        f"The sign and the hemisphere letter of the {axis} contradict each other.",
        "The cell does not hold a latitude and a longitude.",
    ]
