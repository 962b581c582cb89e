"""Numbers put into classes for shading, by the schemes of ``mapclassify`` or by breaks of one's own."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from registry.errors import BadParameterError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMES = ("FisherJenks", "Quantiles", "EqualInterval", "HeadTailBreaks")
FEWEST_CLASSES, MOST_CLASSES = 2, 7
"""Beyond seven a reader cannot tell the shades of a map apart."""


@dataclass(frozen=True)
class Classing:
    """How numbers are put into classes.

    Attributes
    ----------
    scheme : a name of `SCHEMES`: natural breaks by Fisher and Jenks, equal numbers of regions, equal intervals, or the
        head/tail breaks of Jiang (2013), which choose the number of classes themselves
    classes : how many classes, 2 to 7; there are fewer where the numbers are
    breaks : the upper limits of the classes, rising, in the unit that the legend shows before it says thousands; they
        replace the scheme, and what lies above the last is a class of its own
    """

    scheme: str = "FisherJenks"
    classes: int = 5
    breaks: tuple[float, ...] = field(default=())

    def __post_init__(self) -> None:
        """Refuse what cannot be.

        Raises
        ------
        BadParameterError : an unknown scheme, too few or too many classes, breaks that do not rise.
        """
        if self.scheme not in SCHEMES:
            raise BadParameterError(f"There is no scheme '{self.scheme}'. Known: {', '.join(SCHEMES)}.")
        if not FEWEST_CLASSES <= self.classes <= MOST_CLASSES:
            raise BadParameterError(f"{self.classes} classes: give {FEWEST_CLASSES} to {MOST_CLASSES}.")
        if len(self.breaks) >= MOST_CLASSES:
            raise BadParameterError(f"{len(self.breaks)} breaks: give at most {MOST_CLASSES - 1}.")
        if not np.isfinite(self.breaks).all() or (np.diff(self.breaks) <= 0).any():
            raise BadParameterError("The breaks between classes must be rising numbers.")


def classed(
    values: NDArray[np.float64], classing: Classing | None = None
) -> tuple[NDArray[np.float64], list[list[float]]]:
    """Class of every value, and what each class holds.

    Parameters
    ----------
    values : (n,) numbers; NaN and infinite ones are in no class
    classing : natural breaks in five classes unless given

    Returns
    -------
    (n,) number of the class from 0, NaN where there is none, and for each class its least and greatest value. A class
    that holds no value is left out, so classes are numbered without gaps.
    """
    asked = classing or Classing()
    found = np.full(len(values), np.nan)
    finite = np.isfinite(values)
    known = values[finite]
    distinct = np.unique(known)
    if not distinct.size:
        return found, []
    if asked.breaks:
        numbers = np.searchsorted(np.asarray(asked.breaks), known, side="left")
    elif distinct.size <= asked.classes:
        numbers = np.searchsorted(distinct, known)
    else:
        numbers = _by_scheme(known, asked)
    found[finite] = np.unique(numbers, return_inverse=True)[1]
    members = [values[found == number] for number in range(int(np.nanmax(found)) + 1)]
    return found, [[float(part.min()), float(part.max())] for part in members]


def steps(values: NDArray[np.float64], most: int = 3) -> list[float]:
    """Round limits (1, 2 or 5 times a power of ten) that part positive amounts into at most ``most + 1`` classes.

    A half of the amounts, four fifths and nineteen twentieths of them lie below the limits, as nearly as round numbers
    allow: the few that carry most stand out.
    """
    positive = values[np.isfinite(values) & (values > 0)]
    if positive.size < 2:
        return []
    shares = (0.5, 0.8, 0.95) if most == 3 else tuple(np.linspace(0.5, 0.95, most))
    limits = sorted({_round_number(float(limit)) for limit in np.quantile(positive, shares)})
    return [limit for limit in limits if positive.min() <= limit < positive.max()]


def _round_number(value: float) -> float:
    power = 10.0 ** np.floor(np.log10(value))
    return float(min((1.0, 2.0, 5.0, 10.0), key=lambda step: abs(np.log(step * power / value))) * power)


def _by_scheme(values: NDArray[np.float64], asked: Classing) -> NDArray[np.intp]:
    with warnings.catch_warnings():
        # It recommends numba for long lists, and says when values repeat so often that there are fewer classes.
        warnings.simplefilter("ignore", UserWarning)
        # Imported here: it brings scikit-learn and matplotlib, a second that only a shaded map needs.
        import mapclassify

        if asked.scheme == "HeadTailBreaks":
            numbers = np.asarray(mapclassify.HeadTailBreaks(values).yb, dtype=np.intp)
            # The tail of very long lists has more breaks than shades: the highest of them are one class.
            return numbers.clip(max=MOST_CLASSES - 1)
        return np.asarray(getattr(mapclassify, asked.scheme)(values, k=asked.classes).yb, dtype=np.intp)
