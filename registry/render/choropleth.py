"""Regions put into classes by a measure, for shading."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from registry.errors import UnknownColumnError
from registry.render.words import MEASURES, measure_label

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

MOST_CLASSES = 5


@dataclass(frozen=True)
class Shading:
    """The class of every region (NaN: none), the values each class spans, and all measures for popups."""

    classes: NDArray[np.float64]
    ranges: list[list[float]] = field(default_factory=list)
    measure: str | None = None
    measures: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @classmethod
    def none(cls, count: int) -> Shading:
        """No region has a class."""
        return cls(np.full(count, np.nan))

    @property
    def unit(self) -> str | None:
        """The unit of the measure that shades."""
        return MEASURES[self.measure][2] if self.measure else None

    def label(self, lang: str) -> str:
        """What the measure that shades is called."""
        return measure_label(self.measure, lang) if self.measure else ""

    def fields(self, lang: str) -> list[dict[str, Any]]:
        """Name, label and unit of every measure, as a popup lists them."""
        rows = [{"name": name, "label": measure_label(name, lang), "unit": MEASURES[name][2]} for name in self.measures]
        return [{key: value for key, value in row.items() if value} for row in rows]


def shading(codes: pd.Series, concentration: pd.DataFrame, measure: str) -> Shading:
    """The classes of the regions ``codes`` by one column of a concentration table.

    Raises
    ------
    UnknownColumnError : the table has no such measure.
    """
    known = [name for name in MEASURES if name in concentration]
    if measure not in known:
        raise UnknownColumnError(f"There is no measure '{measure}' to shade by. Known: {', '.join(known)}.")
    rows = concentration.set_index(concentration["region_code"].astype(str)).reindex(codes)
    measures: dict[str, NDArray[np.float64]] = {}
    for name in [measure, *(other for other in known if other != measure)]:
        _, _, unit = MEASURES[name]
        numbers = rows[name].to_numpy(dtype=float, na_value=np.nan)
        measures[name] = numbers * 100 if unit == "%" else numbers
    classes, ranges = _classed(measures[measure])
    return Shading(classes, ranges, measure, measures)


def _classed(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[list[float]]]:
    """Class of every value and [least, greatest] of every class; natural breaks by Fisher and Jenks."""
    classes = np.full(len(values), np.nan)
    finite = np.isfinite(values)
    distinct = len(np.unique(values[finite]))
    if not distinct:
        return classes, []
    if distinct <= MOST_CLASSES:
        classes[finite] = np.searchsorted(np.unique(values[finite]), values[finite])
    else:
        with warnings.catch_warnings():
            # It recommends numba for long lists; ours has as many rows as there are regions.
            warnings.simplefilter("ignore", UserWarning)
            # Imported here: it brings scikit-learn and matplotlib, a second that only a shaded map needs.
            import mapclassify  # noqa: PLC0415

            classes[finite] = mapclassify.FisherJenks(values[finite], k=MOST_CLASSES).yb
    ranges = []
    for index in range(int(np.nanmax(classes)) + 1):
        members = values[classes == index]
        ranges.append([float(members.min()), float(members.max())])
    return classes, ranges
