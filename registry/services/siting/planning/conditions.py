"""Conditions on a plan of hubs, as a planner states them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from scipy.sparse import csr_array

from registry.errors import BadParameterError, UnknownColumnError
from registry.services.amounts import number_column
from registry.services.siting.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

Survive = Literal["source", "plant"]

CAPITAL = "capital_yuan"
"""Column of candidates: what a hub there costs to build, whatever its size."""


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """What a plan must keep to.

    Attributes
    ----------
    most_modules : modules of one hub, at most
    modules_in_all : modules of all hubs together, at most
    budget_yuan : capital of all hubs together, at most
    most_by_province : hubs in a province, at most: one number for every province, or one by its GB/T 2260 code. The
        candidates' ``region_code`` says where they are
    budget_by_province : capital of the hubs in a province, at most, by its code
    within_province : no haul across the border of a province. Needs the sites' ``province_code`` and the candidates' ``region_code``
    least_load_t : tonnes a year without which no hub is opened
    survive : ``source``: what counts is what is left when the largest source fails; ``plant``: a tonne counts only where two hubs
        reach it, so that none of it is stranded when either fails
    times : hubs that must be within reach of a tonne before it counts

    Raises
    ------
    BadParameterError : a number is negative, not finite, or no number at all.
    """

    most_modules: int | None = None
    modules_in_all: int | None = None
    budget_yuan: float | None = None
    most_by_province: int | Mapping[str, int] | None = None
    budget_by_province: Mapping[str, float] | None = None
    within_province: bool = False
    least_load_t: float = 0.0
    survive: Survive | None = None
    times: int = 1

    def __post_init__(self) -> None:
        """Check every number."""
        for name in ("most_modules", "modules_in_all", "times"):
            value = getattr(self, name)
            if value is not None and not (value == int(value) and value >= 1):
                raise BadParameterError(f"{name} = {value}: give a whole number of 1 or more.")
        by_province: list[tuple[str, float | None]] = [
            ("budget_yuan", self.budget_yuan),
            ("least_load_t", self.least_load_t),
        ]
        for name in ("most_by_province", "budget_by_province"):
            value = getattr(self, name)
            pairs = value.items() if isinstance(value, Mapping) else [("", value)]
            by_province += [(f"{name} of {code}" if code else name, each) for code, each in pairs]
        for name, number in by_province:
            if number is not None and not (np.isfinite(number) and number >= 0):
                raise BadParameterError(f"{name} = {number:g}: give a number of 0 or more.")
        if self.survive not in {None, *get_args(Survive)}:
            raise BadParameterError(f"survive = {self.survive}: give source or plant.")

    @property
    def takers(self) -> int:
        """Hubs that must be within reach of a tonne before it counts."""
        return max(self.times, 2 if self.survive == "plant" else 1)

    def limits(self, candidates: pd.DataFrame, *, capital: FloatArray | None = None) -> Limits:
        """Return the conditions that are linear in which candidates are chosen.

        Parameters
        ----------
        candidates : (m,) ``region_code`` where a condition is by province
        capital : (m,) yuan that a hub at every candidate costs, where that does not depend on its size; None where budgets
            are met in another way

        Raises
        ------
        UnknownColumnError : a condition by province without the column ``region_code``.
        BadParameterError : a candidate without a region where a condition is by province; a budget of a province whose hubs
            have no capital of their own.
        """
        m = len(candidates)
        rows: list[tuple[FloatArray, float, str]] = []
        if self.most_by_province is not None:
            code = provinces(candidates, "candidates", "region_code", "most_by_province")
            most = self.most_by_province
            given = most if isinstance(most, Mapping) else dict.fromkeys(sorted(set(code)), most)
            rows += [
                ((code == key) * 1.0, float(at), f"at most {at} in {key}")
                for key, at in _by_province(given, code, "most_by_province")
            ]
        if self.budget_by_province:
            if capital is None:
                raise BadParameterError(
                    f"budget_by_province: what a hub costs depends on its modules here. Give the candidates a column {CAPITAL}, "
                    "or terms with one size of module and most_modules = 1."
                )
            code = provinces(candidates, "candidates", "region_code", "budget_by_province")
            rows += [
                ((code == key) * capital, float(at), f"budget of {at:,.0f} yuan in {key}")
                for key, at in _by_province(self.budget_by_province, code, "budget_by_province")
            ]
        if self.budget_yuan is not None and capital is not None:
            rows.append((capital, float(self.budget_yuan), f"budget of {self.budget_yuan:,.0f} yuan"))
        if not rows:
            return Limits.none(m)
        weights = csr_array(np.vstack([row[0] for row in rows]))
        return Limits.of(weights, np.array([row[1] for row in rows]), [row[2] for row in rows])


def provinces(frame: pd.DataFrame, what: str, column: str, condition: str) -> NDArray[np.object_]:
    """Return the (n,) codes of provinces, ``130000``, that a column of region codes lies in.

    Raises
    ------
    UnknownColumnError : there is no such column.
    """
    if column not in frame.columns:
        raise UnknownColumnError(f"{what}: no column {column}, which {condition} needs. Add it.")
    codes = frame[column].astype("string").fillna("")
    return np.array([_province(code) for code in codes], dtype=object)


def _by_province(given: Mapping[str, float], known: NDArray[np.object_], condition: str) -> Iterator[tuple[str, float]]:
    for key, at in given.items():
        code = _province(key)
        if not (len(code) == 6 and code.isdigit()) and code not in known:
            raise BadParameterError(
                f"{condition}: {key} is no code of a province, and no candidate lies in it. Give a code such as 130000."
            )
        yield code, at


def _province(code: str) -> str:
    """Return the province that a code of GB/T 2260 lies in, ``130000``; any other code as it is."""
    text = str(code).strip()
    return f"{text[:2]}0000" if len(text) in {2, 6} and text.isdigit() else text


def own_capital(candidates: pd.DataFrame) -> FloatArray | None:
    """Return what a hub at every candidate costs, (m,) yuan, where the candidates say it.

    Raises
    ------
    BadParameterError : one is negative or missing.
    """
    if CAPITAL not in candidates.columns:
        return None
    capital = number_column(candidates, "candidates", CAPITAL)
    wrong = ~(np.isfinite(capital) & (capital >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadParameterError(
            f"candidates: {CAPITAL} of {candidates.index[row]} is {capital[row]:g}. Give yuan of 0 or more."
        )
    return capital
