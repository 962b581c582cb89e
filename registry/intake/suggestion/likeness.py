"""How alike a column is to a field, where its header does not say so: by the letters of the header, by the cells."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from rapidfuzz import fuzz, process

from registry import reference
from registry.intake.cells.numbers import read_numbers
from registry.intake.cells.spelling import NO_VALUE, code_spellings, fold
from registry.intake.checks.fields import read_column
from registry.intake.columns.recognition import bare_header
from registry.intake.columns.vocabulary import vocabulary
from registry.intake.places.coordinates import LIMIT, read_angles
from registry.model.fields import Field

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

    from registry.intake.places.coordinates import Axis
    from registry.model.vocabulary import Kind

# Rows of which the cells are looked at.
_SAMPLE = 2_000
LENGTH = Field("length", "real", "length", "length", unit="m")
"""Metres that are no field, such as a northing."""
# What the metres of a Chinese position lie between: northing, and easting without and with the number of the zone.
_NORTHING = (1.9e6, 6.0e6)
_EASTING = ((1e5, 9e5), (1.3e7, 4.6e7))
_ANGLE_SIGNS = r"[°º˚度′'分″\"秒NSEWnsew]|北纬|东经"
_FINE = r"\.\d{3}"
_EAST_WEST, _NORTH_SOUTH = r"[EWew]|东经|西经", r"[NSns]|北纬|南纬"
_NOT = re.compile(r"^[未非不无没]")
_CREDIT = r"^[0-9A-Za-z]{18}$"


def sampled(cells: pd.Series[str]) -> pd.Series[str]:
    """Up to 2,000 cells (s,) from the whole length of a column, empty ones and those without a value left out."""
    at = np.unique(np.linspace(0, len(cells) - 1, min(len(cells), _SAMPLE)).astype("int64"))
    some = cells.iloc[at]
    return some[~some.str.lower().isin(NO_VALUE)].reset_index(drop=True)


def header_likeness(header: str, kind: Kind) -> dict[str, float]:
    """Field or position to how alike its nearest spelling is to a header, 0 to 1.

    Notes
    -----
    The share of letters in common (normalised indel distance); a spelling inside the header counts at least
    0.6. A header that is nearer to a word which is known to be no field is like none.
    """
    known = vocabulary(kind)
    bare = bare_header(header, kind)
    if not bare or bare.isdigit():
        return {}
    spellings = list(known.words)
    ratios = process.cdist([bare], spellings, scorer=fuzz.ratio, dtype=np.float64)[0] / 100
    for at, spelling in enumerate(spellings):
        if len(spelling) >= (4 if spelling.isascii() else 2) and spelling in bare:
            ratios[at] = max(ratios[at], 0.6 + 0.35 * len(spelling) / len(bare))
    other = process.extractOne(bare, sorted(known.none), scorer=fuzz.ratio)
    against = other[1] / 100 if other else 0.0
    best: dict[str, float] = {}
    for ratio, names in zip(ratios, known.words.values(), strict=True):
        if ratio > against:
            best[names[0]] = max(best.get(names[0], 0.0), float(ratio))
    return best


def fit(field: Field, cells: pd.Series[str]) -> float:
    """Which share of some cells (s,) can be read as a field; 0 where there is no cell."""
    if not len(cells):
        return 0.0
    if field.type == "text" and not field.codes and field.name != "credit_code":
        numbers = read_numbers(cells, LENGTH)
        return 1.0 - 0.7 * float(np.mean(numbers.problem == ""))
    column = read_column(field, cells)
    wrong = column.warning if field.name == "credit_code" else column.error
    return float(np.mean(wrong == ""))


def cell_likeness(cells: pd.Series[str], kind: Kind, provinces: Iterable[str] = ()) -> dict[str, float]:
    """Field or position to how sure some cells (s,) are of it by themselves, 0 to 1.

    Parameters
    ----------
    provinces : names of provinces beside those of China.
    """
    if not len(cells):
        return {}
    found = _angles(cells) or _lengths(cells)
    if pc.all(pc.match_substring_regex(pa.array(cells, type=pa.large_string()), _CREDIT)).as_py():
        found["credit_code"] = 0.95 * fit(vocabulary(kind).fields["credit_code"], cells)
    words = cells.unique()
    named = {fold(name) for name in provinces} | _china()
    found["declared_province"] = 0.9 * float(np.mean([fold(word) in named for word in words]))
    for field in vocabulary(kind).fields.values():
        telling = _telling(field.name, kind)
        if telling and len(words) > 1:
            found[field.name] = 0.8 * float(np.mean([fold(word) in telling for word in words]))
    letters = pc.match_substring_regex(pa.array(cells, type=pa.large_string()), r"\p{L}.*\p{L}")
    if len(words) > 0.9 * len(cells) and pc.mean(pc.cast(letters, pa.float64())).as_py() > 0.9:
        found["name"] = 0.6
    return {name: sureness for name, sureness in found.items() if sureness >= 0.4}


def guess_code(word: str, field: Field) -> str:
    """The code that a word most likely means, "" where none is likely.

    A known word inside it decides (铁精粉 is iron) where no other code has one there and the word does not begin
    with a negation; else the nearest spelling.
    """
    known = code_spellings(field.codes or {})
    folded = fold(word)
    inside = {
        code
        for spelling, code in known.items()
        if spelling in folded and not spelling.isdigit() and (not spelling.isascii() or len(spelling) > 3)
    }
    if len(inside) == 1 and not _NOT.match(folded):
        return inside.pop()
    near = process.extract(folded, list(known), scorer=fuzz.ratio, score_cutoff=75, limit=5)
    codes = {known[spelling] for spelling, _, _ in near}
    return codes.pop() if len(codes) == 1 and not _NOT.match(folded) and len(folded) > 2 else ""


def _angles(cells: pd.Series[str]) -> dict[str, float]:
    """``latitude`` or ``longitude`` to how surely these are such; none where they are too coarse to be a place."""
    text = pa.array(cells, type=pa.large_string())

    def share(pattern: str) -> float:
        return float(pc.mean(pc.cast(pc.match_substring_regex(text, pattern), pa.float64())).as_py())

    if share(_ANGLE_SIGNS) < 0.8 and share(_FINE) < 0.8:
        return {}
    read = {axis: _on_axis(cells, axis) for axis in LIMIT}
    found = {str(axis): 0.6 for axis, degrees in read.items() if np.mean(np.isfinite(degrees)) > 0.9}
    if "longitude" in found and (
        "latitude" not in found or np.nanmedian(np.abs(read["longitude"])) > LIMIT["latitude"]
    ):
        return {"longitude": 0.9 if share(_EAST_WEST) > 0.8 else 0.75}
    if "latitude" in found and share(_NORTH_SOUTH) > 0.8:
        return {"latitude": 0.9}
    return found


def _on_axis(cells: pd.Series[str], axis: Axis) -> NDArray[np.float64]:
    degrees = read_angles(cells, axis).degrees
    return np.where(np.abs(degrees) <= LIMIT[axis], degrees, np.nan)


def _lengths(cells: pd.Series[str]) -> dict[str, float]:
    """``northing`` or ``easting`` to how surely these metres are such."""
    metres = read_numbers(cells, LENGTH).floats
    if np.mean(np.isfinite(metres)) < 0.9:
        return {}

    def within(low: float, high: float) -> bool:
        return bool(np.nanmin(metres) > low and np.nanmax(metres) < high)

    if within(*_NORTHING):
        return {"northing": 0.6}
    return {"easting": 0.6} if any(within(*span) for span in _EASTING) else {}


@cache
def _telling(name: str, kind: Kind) -> set[str]:
    """The words of a field's code list that no other field has, figures left out."""
    field = vocabulary(kind).fields[name]
    if not field.codes or field.type == "boolean":
        return set()
    others = {
        spelling
        for other in vocabulary(kind).fields.values()
        if other.codes and other.name != field.name
        for spelling in code_spellings(other.codes)
    }
    return {spelling for spelling in code_spellings(field.codes) if len(spelling) > 1} - others


@cache
def _china() -> set[str]:
    """Folded names of China's provinces, in full and short: 内蒙古自治区, 内蒙古, Inner Mongolia."""
    table = reference.table("china_provinces_en")
    full = [fold(name) for name in table["zh"]]
    short = [re.sub(r"(维吾尔|壮族|回族)?(自治区|特别行政区|省|市)$", "", name) for name in full]
    return {*full, *short, *(fold(name) for name in table["en"])}
