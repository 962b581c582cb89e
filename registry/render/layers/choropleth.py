"""Areas put into classes by a measure, for shading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.errors import UnknownColumnError
from registry.render.layers.classes import Classing, classed
from registry.render.packing.block import Packed, number_column, text_column
from registry.render.words import LANGUAGES, MEASURES
from registry.render.words.measures import CATEGORIES, FALLING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Label = tuple[str, str, str | None]
"""What a column is called in Chinese and in English, and its unit."""


@dataclass(frozen=True)
class Shading:
    """The class of every area, and what popups and legend say of it.

    Attributes
    ----------
    classes : (n,) number of the class, NaN where there is none
    ranges : least and greatest value of every class
    columns : ``class`` and the measures, packed
    unit : of the measure that shades
    says : language → ``measure``, ``fields``, ``terms`` and, where the measure holds codes, ``class_names``
    """

    classes: NDArray[np.float64]
    ranges: list[list[float]]
    columns: list[Packed]
    unit: str | None
    says: dict[str, dict[str, Any]]

    @classmethod
    def none(cls, count: int) -> Shading:
        """No area has a class."""
        empty = np.full(count, np.nan)
        says = {lang: {"measure": "", "fields": [], "terms": {}} for lang in LANGUAGES}
        return cls(empty, [], [number_column("class", empty)], None, says)


def shading(
    codes: pd.Series,
    concentration: pd.DataFrame,
    measure: str,
    *,
    classing: Classing | None = None,
    labels: Mapping[str, Label] | None = None,
) -> Shading:
    """The classes of the areas ``codes`` by one column of a concentration table.

    Parameters
    ----------
    codes : (n,) of the areas, in their order
    concentration : ``region_code`` and measures
    measure : the column that shades; numbers are put into classes, codes are a class each
    classing : how numbers are put into classes
    labels : what columns are called that `words.MEASURES` does not know, or not so

    Raises
    ------
    UnknownColumnError : the table has no such measure.
    """
    called = {**MEASURES, **(labels or {})}
    known = [name for name in called if name in concentration]
    if measure not in known:
        raise UnknownColumnError(f"There is no measure '{measure}' to shade by. Known: {', '.join(known)}.")
    rows = concentration.set_index(concentration["region_code"].astype(str)).reindex(codes)
    # A column that says nothing of any area is no line of a popup.
    others = [name for name in known if name != measure and rows[name].notna().any()]
    names = [measure, *others]
    columns = [
        text_column(name, _codes(rows[name])) if name in CATEGORIES else number_column(name, _numbers(rows[name], unit))
        for name, (_, _, unit) in ((name, called[name]) for name in names)
    ]
    held: list[str] = []
    if measure in CATEGORIES:
        texts = _codes(rows[measure])
        held = [code for code in CATEGORIES[measure] if code in texts]
        classes = np.array([held.index(text) if text in held else np.nan for text in texts], dtype=float)
        ranges = [[float(number)] * 2 for number in range(len(held))]
    else:
        values = _numbers(rows[measure], called[measure][2])
        classes, ranges = classed(values, classing)
        if measure in FALLING and ranges:
            classes, ranges = len(ranges) - 1 - classes, ranges[::-1]
    says = {
        lang: {
            "measure": called[measure][LANGUAGES.index(lang)],
            "fields": [_field(name, called[name], lang) for name in names],
            "terms": {name: _terms(name, lang) for name in names if name in CATEGORIES},
            **({"class_names": [_terms(measure, lang)[code] for code in held]} if held else {}),
        }
        for lang in LANGUAGES
    }
    return Shading(classes, ranges, [number_column("class", classes), *columns], called[measure][2], says)


def _numbers(column: pd.Series, unit: str | None) -> NDArray[np.float64]:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(numbers * 100 if unit == "%" else numbers)


def _codes(column: pd.Series) -> list[str | None]:
    return [None if pd.isna(value) else str(value) for value in column]


def _terms(name: str, lang: str) -> dict[str, str]:
    return {code: pair[LANGUAGES.index(lang)] for code, pair in CATEGORIES[name].items()}


def _field(name: str, label: Label, lang: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": name, "label": label[LANGUAGES.index(lang)]}
    return entry | {"unit": label[2]} if label[2] else entry
