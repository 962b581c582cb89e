"""What each comparison of two rows says, in nats, for their being one site (see `matching`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from pyproj import CRS

from registry.intake.matching import blocking, names
from registry.intake.matching.blocking import texts
from registry.intake.matching.names import DIFFERENT, ONE_SIDED, PART, SAME
from registry.services import geodesy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]
    IntArray = NDArray[np.intp]

GEOD = geodesy.ellipsoid(CRS.from_epsg(4490))

USUAL_SHIFT_M = 500.0
"""How far apart two sources put one site, where neither tells its accuracy."""

# Nats for marks that agree, that one name leaves out, that differ.
_NUMBERS, _LETTERS, _SIDES = 2.0, 1.5, 1.0
_LACKING = -6.0
_DIFFERING = -10.0

# Nats for structures that are EMPTY, SAME, ONE_SIDED, PART, DIFFERENT.
_STRUCTURES = np.array([0.0, 0.6, 0.0, 0.0, -2.5])

# Nats by likeness of the words, as shares of what the words' rarity says where that is for the pair.
_LIKENESS = np.array([0.3, 0.5, 0.7, 0.85, 1.0])
_AGAINST = np.array([-6.0, -4.0, -0.5, 0.0, 0.0])
_IN_FAVOUR = np.array([0.0, 0.0, 0.15, 0.8, 1.0])
_ONE_SIDED_WORDS = -2.0

_FIRM_LIKENESS = np.array([0.35, 0.6, 0.8, 1.0])
_FIRM_NATS = np.array([-3.0, -1.5, 1.0, 1.5])

MOST = 6.0 + _NUMBERS + _LETTERS + _SIDES + 0.6 + 1.5 + 3.4
"""More than all parts together can say for a pair beside its distance."""


@dataclass(frozen=True, eq=False)
class Evidence:
    """The rows of both tables, read for comparison."""

    sites: pd.DataFrame
    places: blocking.Places
    named: names.Names
    has_english: bool
    firms: names.Names
    codes: dict[str, IntArray]

    @classmethod
    def of(cls, sites: pd.DataFrame) -> Evidence:
        """Read (n,) rows; ``named`` has the English names, where there are any, behind the names."""
        spoken, english = texts(sites, "name"), texts(sites, "name_en")
        has_english = bool(english.notna().any())
        return cls(
            sites=sites,
            places=blocking.places(GEOD, sites),
            named=names.read(pd.concat([spoken, english]) if has_english else spoken),
            has_english=has_english,
            firms=names.read(texts(sites, "operator"), names.read_firm),
            codes=_codes(sites),
        )


def distance_part(places: blocking.Places, left: IntArray, right: IntArray, distance: FloatArray) -> FloatArray:
    """2 at one point, 0 at the usual shift, falling with the square and then with the logarithm, −5 at the least."""
    spread = np.sqrt(USUAL_SHIFT_M**2 + places.accuracy_m[left] ** 2 + places.accuracy_m[right] ** 2)
    return np.maximum(2.0 - 2.0 * np.log2(1.0 + (distance / spread) ** 2), -5.0)


def mark_part(read: names.Names, left: IntArray, right: IntArray) -> FloatArray:
    """What the numbers, letters, sides and structures of two names say; 0 where one has no name.

    Marks that differ decide alone, and so does one that a name leaves out before those that agree: "B1 Auxiliar" is
    not B1. How marks are joined tells only where they are the same marks or more of them (P1C5 is not P5C1).
    """
    relations = [marks.relation(left, right) for marks in (read.numbers, read.letters, read.sides)]
    codes = read.codes.relation(left, right)
    agreeing = np.zeros(left.size)
    lacking, differing = np.zeros((2, left.size), dtype=bool)
    for relation, nats in zip(relations, (_NUMBERS, _LETTERS, _SIDES), strict=True):
        agreeing += np.where(relation == SAME, nats, 0.0)
        lacking |= (relation == ONE_SIDED) | (relation == PART)
        differing |= relation == DIFFERENT
    # Codes of which one holds more marks (P1C1, P1C5 with its 5) are others too.
    differing |= (codes == DIFFERENT) & (relations[0] != ONE_SIDED)
    structures = _STRUCTURES[read.structures.relation(left, right)]
    part = np.where(lacking, _LACKING + np.minimum(structures, 0.0), agreeing + structures)
    return np.where(read.known[left] & read.known[right], np.where(differing, _DIFFERING, part), 0.0)


def name_parts(evidence: Evidence, left: IntArray, right: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Name score (NaN where no two names can be compared), name part and mark part.

    Where there are English names too, those two are taken that are most alike. Marks that differ in one language are
    not mended by another that leaves them out; between two scripts only marks that differ count.
    """
    score, part, marks = _name_parts(evidence.named, left, right)
    if not evidence.has_english:
        return score, part, marks
    n = len(evidence.sites)
    for shift_left, shift_right in ((n, n), (0, n), (n, 0)):
        other_score, other_part, other_marks = _name_parts(evidence.named, left + shift_left, right + shift_right)
        better = ~np.isnan(other_score) & (np.isnan(score) | (other_part > part))
        score, part = np.where(better, other_score, score), np.where(better, other_part, part)
        marks = np.where(
            (marks < 0) | (other_marks < 0), np.minimum(marks, other_marks), np.maximum(marks, other_marks)
        )
    return score, part, marks


def _name_parts(read: names.Names, left: IntArray, right: IntArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    like = read.likeness(left, right)
    marks = mark_part(read, left, right)
    marks = np.where(like.known | (marks == _DIFFERING), marks, 0.0)
    words = np.nan_to_num(like.words)
    part = np.interp(words, _LIKENESS, _AGAINST) + np.interp(words, _LIKENESS, _IN_FAVOUR) * like.information
    part = np.where(np.isnan(like.words), np.where(like.one_sided, _ONE_SIDED_WORDS, 0.0), part)
    score = np.where(np.isnan(like.words), np.where(like.one_sided, 0.5, 1.0), words)
    score = np.where(marks <= -5.0, 0.3 * score, score)
    return np.where(like.known, score, np.nan), np.where(like.known, part, 0.0), marks


def operator_part(evidence: Evidence, left: IntArray, right: IntArray) -> tuple[FloatArray, FloatArray]:
    """Operator score and part; the same credit code is the same firm, however it is written."""
    like = evidence.firms.likeness(left, right)
    score = np.where(like.known, like.words, np.nan)
    score = np.where(_agreement(evidence, "credit_code", left, right) == 1, 1.0, score)
    return score, np.where(np.isnan(score), 0.0, np.interp(np.nan_to_num(score), _FIRM_LIKENESS, _FIRM_NATS))


def detail_part(evidence: Evidence, left: IntArray, right: IntArray) -> FloatArray:
    """What mineral, declared province, code, height and storage say; 0 for each that one row does not have.

    Two codes speak against a pair only where they are of one pattern, with digits and letters in the same places: the
    codes of two systems cannot be compared.
    """
    sites = evidence.sites
    part = np.zeros(left.size)
    for column, same, other in (("mineral", 0.2, -1.0), ("declared_province", 0.0, -1.5), ("code", 2.0, 0.0)):
        agreement = _agreement(evidence, column, left, right)
        part += np.where(agreement == 1, same, np.where(agreement == 0, other, 0.0))
    one_system = _agreement(evidence, "pattern", left, right) == 1
    part -= np.where(one_system & (_agreement(evidence, "code", left, right) == 0), 1.5, 0.0)
    for column in ("dam_height_m", "storage_m3"):
        if column in sites:
            part += _size_part(sites[column].to_numpy(dtype=np.float64, na_value=np.nan), left, right)
    return part


def _codes(sites: pd.DataFrame) -> dict[str, IntArray]:
    """A whole number for each value of the columns that are compared as they stand, −1 where there is none."""
    columns = {
        column: texts(sites, column)
        for column in ("credit_code", "mineral", "declared_province", "code")
        if column in sites
    }
    if "code" in columns:
        pattern = columns["code"].str.replace(r"[^\W\d_]", "A", regex=True).str.replace(r"\d", "9", regex=True)
        columns["pattern"] = pattern
    return {column: np.asarray(pd.factorize(text)[0], dtype=np.intp) for column, text in columns.items()}


def _agreement(evidence: Evidence, column: str, left: IntArray, right: IntArray) -> NDArray[np.int8]:
    """1 where both rows have the same value, 0 where they have two, −1 where one has none."""
    codes = evidence.codes.get(column)
    if codes is None:
        return np.full(left.size, -1, np.int8)
    a, b = codes[left], codes[right]
    return np.where((a < 0) | (b < 0), -1, a == b).astype(np.int8)


def _size_part(size: FloatArray, left: IntArray, right: IntArray) -> FloatArray:
    """0.6 for sizes within 5 %, 0 within a factor of 1.5, −1 from a factor of 3: a dam is raised, a pond fills."""
    with np.errstate(divide="ignore", invalid="ignore"):
        factor = np.abs(np.log(size[left] / size[right]))
    part = np.interp(factor, np.log([1.0, 1.05, 1.5, 3.0]), [0.6, 0.6, 0.0, -1.0])
    return np.where(np.isfinite(factor), part, 0.0)
