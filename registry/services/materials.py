"""Which plant accepts what a site holds, by waste codes.

Codes are those of the 《固体废物分类与代码目录》 (2024): nine characters, industry, sequence and category, as in
``091-001-S05``; a category by itself, ``SW05`` or ``S05``; and hazardous codes of eight digits, whose last two are
the category, as in ``321-002-48``, ``32100248HW48`` or ``HW48``. Hyphens, spaces and case do not count.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from registry.errors import UnknownColumnError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

COLUMN = "waste_codes"
SEPARATORS = re.compile(r"[;；,，、]")
_NOISE = re.compile(r"[\s\-‐-―_.]+")
_CATEGORY = re.compile(r"SW?(\d{2})")
_GENERAL = re.compile(r"([0-9A-Z]{3}\d{3})SW?(\d{2})")
_HAZARDOUS = re.compile(r"(?:HW\d{2})?(\d{6})(?:(\d{2})(?:HW\2)?|HW(\d{2}))")


class Matching(NamedTuple):
    """Who matches whom, by groups of equal material.

    Attributes
    ----------
    site_group : (n,) group of every site
    plant_group : (m,) group of every plant
    accepts : (groups of sites, groups of plants) whether the plants of one accept what the sites of the other hold
    """

    site_group: NDArray[np.intp]
    plant_group: NDArray[np.intp]
    accepts: NDArray[np.bool_]


def waste_code(text: str) -> str:
    """Return the one spelling of a code that all its spellings share: ``091001S05``, ``S05``, ``32100248``, ``HW48``.

    A text that is no code of the catalogue is a material of its own, named by itself.
    """
    code = _NOISE.sub("", text.upper())
    if found := _CATEGORY.fullmatch(code):
        return f"S{found[1]}"
    if found := _GENERAL.fullmatch(code):
        return f"{found[1]}S{found[2]}"
    if found := _HAZARDOUS.fullmatch(code):
        return found[1] + (found[2] or found[3])
    return code


def category(code: str) -> str | None:
    """Return the category of a code in the spelling of `waste_code`: ``S05``, ``HW48``; None where it has none."""
    if code.startswith("HW") or _CATEGORY.fullmatch(code):
        return code
    if found := _GENERAL.fullmatch(code):
        return f"S{found[2]}"
    if found := _HAZARDOUS.fullmatch(code):
        return f"HW{found[2] or found[3]}"
    return None


def waste_codes(text: object) -> frozenset[str]:
    """Return the codes in a text such as ``091-001-S05;SW04``; none in a missing one."""
    if not isinstance(text, str):
        return frozenset()
    return frozenset(code for part in SEPARATORS.split(text) if (code := waste_code(part)))


def accepted(held: Sequence[frozenset[str]], taken: Sequence[frozenset[str]]) -> NDArray[np.bool_]:
    """Whether a plant that takes some codes accepts any of the codes that a site holds.

    A plant accepts a code that it names, and every code of a category that it names. A site that holds no more than
    a category is accepted by a plant that names the category, not by one that names a code of it.

    Parameters
    ----------
    held : (s,) sets of codes
    taken : (p,) sets of codes

    Returns
    -------
    (s, p) booleans.
    """
    named = [codes | {group for code in codes if (group := category(code))} for codes in held]
    keys = {key: place for place, key in enumerate(sorted(frozenset().union(*named, *taken)))}
    return np.asarray((_incidence(named, keys) @ _incidence(taken, keys).T).toarray() > 0)


def _incidence(sets: Sequence[frozenset[str]], keys: dict[str, int]) -> csr_array:
    columns = [keys[key] for codes in sets for key in codes]
    ends = np.cumsum([0, *(len(codes) for codes in sets)])
    return csr_array((np.ones(len(columns), dtype=np.int32), columns, ends), shape=(len(sets), len(keys)))


def distinct(texts: Iterable[object]) -> tuple[NDArray[np.intp], list[frozenset[str]]]:
    """Return for every text its group, and for every group its codes."""
    # A column of text is told apart where it lies; as Python objects it would take five times as long.
    column = texts if isinstance(texts, pd.Series) else pd.Series(texts, dtype=object)
    groups, values = pd.factorize(column, use_na_sentinel=False)
    return groups, [waste_codes(value) for value in values]


def matching(sites: pd.DataFrame, plants: pd.DataFrame, *, same_material: bool = True) -> Matching:
    """Who matches whom among sites and plants.

    Parameters
    ----------
    sites, plants : frames, whose text column ``waste_codes`` says what a site holds and what a plant accepts,
        codes joined by ``;``. Where neither has it, or ``same_material`` is False, all match.

    Returns
    -------
    A `Matching`. A site or a plant with no code matches nothing.

    Raises
    ------
    UnknownColumnError : only one of the frames has the column.
    """
    if not same_material or not considered(sites.columns, plants.columns):
        return Matching(np.zeros(len(sites), np.intp), np.zeros(len(plants), np.intp), np.ones((1, 1), np.bool_))
    site_group, held = distinct(sites[COLUMN])
    plant_group, taken = distinct(plants[COLUMN])
    return Matching(site_group, plant_group, accepted(held, taken))


def considered(site_columns: pd.Index, plant_columns: pd.Index) -> bool:
    """Whether material decides: both layers say what it is.

    Raises
    ------
    UnknownColumnError : only one of them does.
    """
    known = (COLUMN in site_columns, COLUMN in plant_columns)
    if known[0] != known[1]:
        has, lacks = ("sites", "plants") if known[0] else ("plants", "sites")
        raise UnknownColumnError(
            f"{lacks}: no column {COLUMN}, while the {has} have it. Add it, or ask for any material."
        )
    return known[0]
