"""Angles as people write them, a column at a time: decimal degrees, or degrees, minutes and seconds.

The format is recognised cell by cell, so a column may mix them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

Axis = Literal["latitude", "longitude"]
LIMIT: dict[Axis, float] = {"latitude": 90.0, "longitude": 180.0}

_PLAIN = r"^-?\d+(\.\d+)?$"

# Signs that stand for one another. They come before NFKC, which turns º into a letter and ´ into a blank.
_SIGNS = (
    (r"[°º˚⁰∘度]", "°"),
    (r"[′'’‘´`ʹ分＇]", "'"),
    (r"''|[″\"”“〃˝秒＂]", '"'),
    (r"[−–—‐‑﹣]", "-"),
)
_WORDS = (
    (r"(?i)北纬|北緯|north|^北|北$", "N"),
    (r"(?i)南纬|南緯|south|^南|南$", "S"),
    (r"(?i)东经|東經|east|^东|东$|^東|東$", "E"),
    (r"(?i)西经|西經|west|^西|西$", "W"),
    (r",", "."),
    (r"\s+", " "),
    (r"^(\D*\d+)-(\d+)-(\d+(?:\.\d+)?\D*)$", r"\1:\2:\3"),
)
_ANGLE = (
    r"^(?P<before>[NSEWnsew]?) ?:? ?(?P<sign>[+-]?) ?(?P<degrees>\d{1,4}(?:\.\d+)?)"
    r"(?: ?[° :] ?(?:(?P<minutes>\d{1,3}(?:\.\d+)?) ?(?:[': ] ?(?P<seconds>\d{1,3}(?:\.\d+)?) ?\"?|'?))?)?"
    r" ?(?P<after>[NSEWnsew]?)$"
)


@dataclass(frozen=True)
class Angles:
    """A column read as angles: ``degrees`` (n,), NaN where ``problem`` (n,) says why not."""

    degrees: NDArray[np.float64]
    problem: NDArray[np.object_]


def read_angles(cells: pd.Series[str], axis: Axis) -> Angles:
    """Read a column of trimmed text as latitudes or longitudes, south and west negative.

    Notes
    -----
    The sign comes from a minus or from the hemisphere, before or behind the number; a minus together with S or
    W says the same thing twice, a minus with N or E contradicts itself and is not read. A comma is a decimal
    comma. Minutes and seconds are less than 60. Whether an angle is on the globe, ``off_the_globe`` says.
    """
    text = pa.array(cells, type=pa.large_string())
    plain = pc.match_substring_regex(text, _PLAIN)
    degrees: NDArray[np.float64] = (
        pc.cast(pc.if_else(plain, text, None), pa.float64()).to_numpy(zero_copy_only=False).copy()
    )
    problem: NDArray[np.object_] = np.full(len(text), "", dtype=object)
    rest = np.flatnonzero(~plain.to_numpy(zero_copy_only=False))
    if len(rest):
        degrees[rest], problem[rest] = _read_written(text.take(pa.array(rest)), axis)
    return Angles(degrees, problem)


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


def _read_written(text: Any, axis: Axis) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Degrees (n,) and problems (n,) of angles that are not a bare number."""
    plain = text
    for pattern, mark in _SIGNS:
        plain = pc.replace_substring_regex(plain, pattern=pattern, replacement=mark)
    plain = pc.utf8_normalize(plain, form="NFKC")
    for pattern, word in _WORDS:
        plain = pc.replace_substring_regex(plain, pattern=pattern, replacement=word)
    plain = pc.utf8_trim_whitespace(plain)
    parts = pc.extract_regex(plain, pattern=_ANGLE)

    def number(name: str) -> NDArray[np.float64]:
        digits = pc.struct_field(parts, name)
        filled = pc.if_else(pc.equal(digits, ""), None, digits)
        value: NDArray[np.float64] = pc.cast(filled, pa.float64()).to_numpy(zero_copy_only=False)
        return value

    def letter(name: str) -> NDArray[np.object_]:
        found: NDArray[np.object_] = pc.fill_null(pc.utf8_upper(pc.struct_field(parts, name)), "").to_numpy(
            zero_copy_only=False
        )
        return found

    whole, minutes, seconds = number("degrees"), number("minutes"), number("seconds")
    before, after, sign = letter("before"), letter("after"), letter("sign")
    hemisphere = np.where(before == "", after, before)
    of_axis = ("N", "S") if axis == "latitude" else ("E", "W")
    negative = (sign == "-") | np.isin(hemisphere, ("S", "W"))
    has_minutes, has_seconds = ~np.isnan(minutes), ~np.isnan(seconds)
    degrees = whole + np.where(has_minutes, minutes, 0) / 60 + np.where(has_seconds, seconds, 0) / 3600
    degrees = np.where(negative, -degrees, degrees)

    problem: NDArray[np.object_] = np.full(len(text), "", dtype=object)

    def blame(wrong: NDArray[np.bool_], reason: str) -> None:
        problem[wrong & (problem == "")] = reason

    blame(pc.equal(text, "").to_numpy(zero_copy_only=False), f"The {axis} is empty.")
    fraction_above = (has_minutes & (whole % 1 > 0)) | (has_seconds & (minutes % 1 > 0))
    blame(np.isnan(whole) | fraction_above, f"The {axis} cannot be read as an angle.")
    blame((minutes >= 60) | (seconds >= 60), f"The {axis} has minutes or seconds of 60 or more.")
    blame((before != "") & (after != "") & (before != after), f"The {axis} names two hemispheres.")
    other = (hemisphere != "") & ~np.isin(hemisphere, of_axis)
    blame(other, f"The hemisphere letter is not one of a {axis}: latitude and longitude look swapped.")
    blame((sign != "") & (hemisphere != "") & ((sign == "-") != np.isin(hemisphere, ("S", "W"))),
          f"The sign and the hemisphere letter of the {axis} contradict each other.")  # fmt: skip
    degrees[problem != ""] = np.nan
    return degrees, problem
