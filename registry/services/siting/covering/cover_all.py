"""All demand covered at the least cost, with proof."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from registry.errors import NoPlanError, TimeUpError
from registry.services.siting.covering.cover_cheapest import cheapest, programme_of
from registry.services.siting.covering.cover_model import to_the_end
from registry.services.siting.effort import Effort

if TYPE_CHECKING:
    from collections.abc import Sequence

    from registry.services.geodesy import FloatArray
    from registry.services.siting.covering.cover_model import Reduced

IntArray = NDArray[np.intp]


class Least(NamedTuple):
    """The cheapest choice found and what no choice can beat; rows of the whole problem."""

    rows: IntArray
    cost: float
    bound: float


def least_cover(model: Reduced, cost: FloatArray, effort: Effort, names: Sequence[str]) -> Least:
    """Cover every class at the least cost; ``cost`` (m,) of all candidates, ``names`` of the limits.

    Raises
    ------
    NoPlanError : the limits allow no cover.
    TimeUpError : none was found in time, nor is it proven that there is none.
    """
    less, forced = to_the_end(model, cost)
    spent = float(cost[forced].sum())
    found = cheapest(less, cost, effort)
    if found.rows is None:
        if found.bound == np.inf:
            raise NoPlanError(_because(less, cost[less.rows], names))
        raise TimeUpError(
            "no full cover was found within the time limit, nor is it proven that there is none: give more time."
        )
    return Least(np.sort(np.concatenate([forced, found.rows])), spent + found.cost, spent + found.bound)


_SECONDS = 10.0
"""That are spent on saying which limit stands in the way."""


def _because(model: Reduced, cost: FloatArray, names: Sequence[str]) -> str:
    """Say which limit alone stands in the way, or that they do so together."""
    rules = model.rules
    effort = Effort(_SECONDS)
    for limit, name in enumerate(names):
        others = np.arange(rules.at_most.size) != limit
        freed = rules._replace(weights=rules.weights[others], at_most=rules.at_most[others])
        if programme_of(model.cover, freed, np.zeros_like(cost)).solve(effort).outcome == "optimal":
            return f"infeasible because of {name}: with it, some demand is out of reach."
        if effort.over:
            break
    return f"infeasible because the limits together leave some demand out of reach: {', '.join(names)}."
