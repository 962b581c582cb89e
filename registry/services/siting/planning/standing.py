"""Plants that exist, as takers of a plan: what of their capacity is left, by what they take in."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Self

import numpy as np

from registry.errors import BadParameterError, UnknownColumnError
from registry.services import hauls
from registry.services.amounts import number_column
from registry.services.capacity import CAPACITY

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

USED = "used_t_per_year"
"""Column of plants: tonnes a year that they take already, from sources that are not part of the plan."""


class Gates(NamedTuple):
    """Where plants take waste in: one gate for a plant, or one for every intake with a capacity of its own.

    Attributes
    ----------
    plant : (q,) row of the plant
    capacity : (q,) tonnes a year, more than 0
    accepts : (groups, q) whether a gate takes a group of lots
    shared_out : plants whose intakes could take more than the plant as a whole; it was shared out in proportion
    """

    plant: IntArray
    capacity: FloatArray
    accepts: NDArray[np.bool_]
    shared_out: int = 0

    @classmethod
    def none(cls, groups: int) -> Self:
        """No plant at all."""
        return cls(np.empty(0, np.intp), np.empty(0), np.zeros((groups, 0), np.bool_))


def gates_of(
    plants: pd.DataFrame, intakes: pd.DataFrame | None, codes: list[frozenset[str]], accepts: NDArray[np.bool_]
) -> Gates:
    """Return the gates with capacity left.

    Parameters
    ----------
    plants : (q,) ``capacity_t_per_year``, and ``used_t_per_year`` where it is known what they take already. Of a plant without
        a capacity, in its own column or in its intakes, nobody vouches for anything, so it takes nothing
    intakes : ``plant_uid, waste_code, capacity_t_per_year``, what a plant takes of a code at most
    codes : of every group of lots
    accepts : (groups, q) whether a plant accepts a group

    Raises
    ------
    UnknownColumnError : nothing tells a capacity.
    BadParameterError : a capacity or what is used is negative.
    """
    by_code = intakes is not None and CAPACITY in intakes.columns
    if CAPACITY not in plants.columns and not by_code:
        raise UnknownColumnError(f"plants: no column {CAPACITY}, so nothing says what they can take. Add it.")
    stated = _tonnes(plants, "plants", CAPACITY)
    used = np.nan_to_num(_tonnes(plants, "plants", USED))
    q = len(plants)
    if intakes is None or not by_code:
        left = np.maximum(np.nan_to_num(stated) - used, 0.0)
        return _open(np.arange(q), left, accepts, 0)
    own = _tonnes(intakes, "intakes", CAPACITY)
    intake_of, plant_of = hauls.intake_rows(intakes, plants, codes)
    told = np.flatnonzero(~np.isnan(own))
    summed = np.bincount(plant_of[told], own[told], minlength=q)
    left = np.maximum(np.where(np.isnan(stated), summed, stated) - used, 0.0)
    share = np.where(summed > left, left / np.maximum(summed, 1e-300), 1.0)
    capacity = np.concatenate([own[told] * share[plant_of[told]], np.maximum(left - summed, 0.0)])
    plant = np.concatenate([plant_of[told], np.arange(q)])
    # What no intake with a capacity of its own names goes through the gate of the plant itself.
    number = np.full(len(intakes) + 1, -1, np.intp)
    number[told] = np.arange(told.size)
    gate = number[intake_of]
    gate = np.where(gate >= 0, gate, told.size + np.arange(q))
    through = np.zeros((len(codes), plant.size), np.bool_)
    group, at = np.nonzero(accepts)
    through[group, gate[group, at]] = True
    return _open(plant, capacity, through, int(np.count_nonzero((summed > left) & (left > 0))))


def capacities(candidates: pd.DataFrame) -> FloatArray | None:
    """Return the (m,) tonnes a year that hubs can take where the candidates say it, missing ones as 0.

    Raises
    ------
    BadParameterError : one is negative.
    """
    if CAPACITY not in candidates.columns:
        return None
    return np.nan_to_num(_tonnes(candidates, "candidates", CAPACITY), posinf=np.inf)


def _open(plant: IntArray, capacity: FloatArray, accepts: NDArray[np.bool_], shared_out: int) -> Gates:
    some = np.flatnonzero((capacity > 0) & accepts.any(axis=0))
    return Gates(plant[some], capacity[some], accepts[:, some], shared_out)


def _tonnes(frame: pd.DataFrame, what: str, column: str) -> FloatArray:
    if column not in frame.columns:
        return np.full(len(frame), np.nan)
    tonnes = number_column(frame, what, column)
    if (tonnes < 0).any():
        row = int(np.argmax(tonnes < 0))
        raise BadParameterError(
            f"{what}: {column} of row {frame.index[row]} is {tonnes[row]:g}. Give tonnes a year of 0 or more."
        )
    return tonnes
