"""How much lies within reach of more hubs, or of hubs that reach further."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Unpack

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError, NoPlanError
from registry.services.siting.covering.maximal import maximal_covering
from registry.services.siting.effort import Effort
from registry.services.siting.planning.plan import choose_hubs
from registry.services.siting.solution import PROVEN, relative_gap, status_of
from registry.services.siting.studies.asked import question_of
from registry.services.siting.studies.ground import ground_of
from registry.services.siting.studies.shares import share

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits
    from registry.services.siting.planning.question import Question
    from registry.services.siting.planning.siting_plan import SitingPlan
    from registry.services.siting.studies.asked import Given
    from registry.services.siting.studies.ground import Ground

    IntArray = NDArray[np.intp]


def coverage_by_hubs(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    most_hubs: int | Iterable[int],
    radius_km: float,
    effort: Effort | None = None,
    **given: Unpack[Given],
) -> pd.DataFrame:
    """Tell how many tonnes lie within reach of the best 1, 2, 3 … hubs.

    Parameters
    ----------
    sites, candidates, given : as in `plan.choose_hubs`: ``model, streams, same_material, plants, intakes, terms, conditions,
        distances``
    most_hubs : hubs up to which the curve goes, or the numbers of hubs to look at
    radius_km : how far a hub reaches
    effort : shared by the points of the curve: each gets the time that is left over the points that are left

    Returns
    -------
    Rows ``hubs, annual_t, share_annual_t, bound_t, gap, status, added_t`` by number of hubs. ``added_t`` is what a row has more than
    the row before it; the first row has its whole, with what existing plants take. ``attrs["notes"]`` says what a reader
    must know, such as that the search was stopped before the last point.

    Raises
    ------
    As in `plan.choose_hubs`. BadParameterError : a number of hubs that is not from 1 to the number of candidates.

    Notes
    -----
    The best sets of hubs need not contain each other. More hubs never have less: a point is at least the one before it, with
    the hubs that add most to it, and no point's bound is above that of a point after it.
    """
    if isinstance(most_hubs, Iterable):
        numbers = _numbers(most_hubs, len(candidates))
    else:
        numbers = [*range(1, _numbers([most_hubs], len(candidates))[0] + 1)]
    asked = [(number, float(radius_km)) for number in numbers]
    return _curve(_Search(sites, candidates, asked, given), effort or Effort()).drop(columns="radius_km")


def coverage_by_radius(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    hubs: int,
    radii_km: Iterable[float],
    effort: Effort | None = None,
    **given: Unpack[Given],
) -> pd.DataFrame:
    """Tell how many tonnes lie within reach of so many hubs that reach further and further.

    Parameters
    ----------
    sites, candidates, given, effort : as in `coverage_by_hubs`
    hubs : how many hubs
    radii_km : how far a hub reaches

    Returns
    -------
    Rows ``radius_km, hubs, annual_t, share_annual_t, bound_t, gap, status, added_t`` by radius, otherwise as in `coverage_by_hubs`.

    Raises
    ------
    As in `coverage_by_hubs`.
    """
    number = _numbers([hubs], len(candidates))[0]
    asked = [(number, radius) for radius in sorted({float(radius) for radius in radii_km})]
    if not asked:
        raise BadParameterError("radii_km: none is given. Give km of more than 0.")
    return _curve(_Search(sites, candidates, asked, given), effort or Effort())


def _numbers(given: Iterable[int], candidates: int) -> list[int]:
    if candidates == 0:
        raise EmptyLayerError("candidates: there is none. Give places where a hub could stand.")
    numbers = sorted(set(given))
    for number in numbers or [0]:
        if not 0 < number <= candidates or number != int(number):
            raise BadParameterError(
                f"hubs = {number:g}: give whole numbers from 1 to {candidates}, the number of candidates."
            )
    return [int(number) for number in numbers]


class _Point(NamedTuple):
    """A point of a curve: tonnes that were found, no more than the bound, the hubs or the plan where they are known."""

    annual_t: float
    bound_t: float
    chosen: IntArray
    plan: SitingPlan | None = None


_START = _Point(0.0, 0.0, np.empty(0, np.intp))


@dataclass(frozen=True, eq=False)
class _Search:
    """What is asked: (hubs, radius in km) point by point, none with less of either than the one before."""

    sites: GeoDataFrame
    candidates: GeoDataFrame
    asked: list[tuple[int, float]]
    given: Given

    def question(self) -> Question:
        """Settle what is asked of the last point, and refuse what does not go together."""
        settled = [
            question_of(
                self.candidates,
                {**self.given, "hubs": self.asked[-1][0], "radius_km": radius_km, "markets": None},
                "covered",
            )
            for radius_km in dict.fromkeys(radius_km for _, radius_km in self.asked)
        ]
        return settled[-1]

    def planned(self, at: int, before: _Point, effort: Effort) -> _Point:
        """Plan a point with everything that `choose_hubs` looks at."""
        hubs, radius_km = self.asked[at]
        plan = choose_hubs(
            self.sites,
            self.candidates,
            hubs=hubs,
            radius_km=radius_km,
            objective="covered",
            start=before.plan,
            effort=effort,
            **self.given,
        )
        return _Point(max(plan.objective, before.annual_t), plan.bound, before.chosen, plan)


def _curve(search: _Search, effort: Effort) -> pd.DataFrame:
    question = search.question()
    ground = ground_of(search.sites, search.candidates, search.asked[-1][1], search.given)
    simple = question.model == "maximal_covering" and not question.hauled and question.conditions.survive != "source"
    if simple and ground.parcel.size == 0:
        raise NoPlanError(
            f"infeasible because no site with tonnes has a candidate within {search.asked[-1][1]:g} km that accepts its waste. "
            "Give more candidates or a longer radius."
        )
    points: list[_Point] = []
    nothing: NoPlanError | None = None
    with effort.interruptible():
        for at, (hubs, radius_km) in enumerate(search.asked):
            if points and effort.over:
                break
            before = points[-1] if points else _Point(0.0, 0.0, np.empty(0, np.intp))
            told = f"{hubs} hubs, {radius_km:g} km"
            with share(effort, len(search.asked) - at, told) as part:
                if simple:
                    points.append(_covered(question, ground, (hubs, radius_km * 1_000), before, part))
                    continue
                try:
                    points.append(search.planned(at, before, part))
                except NoPlanError as none:
                    nothing = none
                    # No tonne can be taken, unless there was too little time to know.
                    points.append(before._replace(bound_t=float(ground.supply.sum()) if part.over else before.annual_t))
    if nothing is not None and points[-1].annual_t == 0:
        raise nothing
    return _table(search.asked, points, float(ground.supply.sum()))


def _covered(question: Question, ground: Ground, asked: tuple[int, float], before: _Point, effort: Effort) -> _Point:
    """Find the most tonnes within reach, from the hubs of the point before."""
    hubs, radius_m = asked
    reach, takers, limits = ground.reach(radius_m), question.conditions.takers, question.limits()
    bound = float(ground.supply[np.diff(reach.indptr) >= takers].sum())
    chosen, most = before.chosen, _tonnes(reach, ground.supply, before.chosen, takers)
    if takers == 1:
        chosen, most = _extended(reach, ground.supply, chosen, hubs, limits)
    if relative_gap(most, bound) > max(effort.gap, PROVEN):
        found = maximal_covering(reach, ground.supply, hubs, times=takers, limits=limits, effort=effort)
        bound = min(bound, found.bound)
        own = _tonnes(reach, ground.supply, found.open, takers)
        if own > most:
            chosen, most = found.open, own
    return _Point(most, max(most, bound), chosen)


def _reached(reach: csr_array, chosen: IntArray, takers: int) -> NDArray[np.bool_]:
    """(s,) whether so many of the chosen candidates reach a parcel."""
    taken = np.zeros(reach.shape[1])
    taken[chosen] = 1.0
    return np.asarray(reach @ taken >= takers)


def _tonnes(reach: csr_array, supply: FloatArray, chosen: IntArray, takers: int) -> float:
    return float(supply[_reached(reach, chosen, takers)].sum())


def _extended(
    reach: csr_array, supply: FloatArray, chosen: IntArray, hubs: int, limits: Limits
) -> tuple[IntArray, float]:
    """Add to chosen hubs, one by one, the one that brings most into reach."""
    while chosen.size < hubs:
        gain = np.where(_reached(reach, chosen, 1), 0.0, supply) @ reach
        best = next((at for at in np.argsort(-gain, kind="stable") if limits.allow(np.append(chosen, at))), None)
        if best is None or gain[best] <= 0:
            break
        chosen = np.append(chosen, best)
    return chosen, _tonnes(reach, supply, chosen, 1)


def _table(asked: list[tuple[int, float]], points: list[_Point], whole_t: float) -> pd.DataFrame:
    annual = np.array([point.annual_t for point in points])
    # No point can have more than one with more hubs or a longer reach.
    bound = np.minimum.accumulate(np.array([point.bound_t for point in points])[::-1])[::-1]
    bound = np.maximum(bound, annual)
    gaps = [relative_gap(*pair) for pair in zip(annual.tolist(), bound.tolist(), strict=True)]
    table = pd.DataFrame(
        {
            "radius_km": [radius_km for _, radius_km in asked[: len(points)]],
            "hubs": [hubs for hubs, _ in asked[: len(points)]],
            "annual_t": annual,
            "share_annual_t": annual / whole_t,
            "bound_t": bound,
            "gap": gaps,
            "status": [status_of(gap) for gap in gaps],
            "added_t": np.diff(annual, prepend=0.0),
        }
    )
    few = len(points) < len(asked)
    table.attrs["notes"] = [f"stopped after {len(points)} of {len(asked)} points of the curve."] if few else []
    return table
