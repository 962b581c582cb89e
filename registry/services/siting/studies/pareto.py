"""What of one objective is lost for more of another: exact points of the front."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Unpack, get_args

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.planning.plan import Objective, SitingPlan, choose_hubs
from registry.services.siting.solution import relative_gap, status_of
from registry.services.siting.studies.among import plan_among
from registry.services.siting.studies.ground import ground_of, left_behind, per_tonne_km
from registry.services.siting.studies.shares import share

if TYPE_CHECKING:
    from collections.abc import Collection

    from geopandas import GeoDataFrame

    from registry.services.siting.studies.asked import Asked

_COLUMNS = {"covered": "covered_t", "tonne_km": "tonne_km", "cost": "cost_yuan", "co2": "co2_t"}
_DIGITS = 1e-12
"""Share of a value that adding up in another order may change."""
_SAME = 1e-9
"""Relative difference up to which two values of an objective are one: what solvers are exact to."""


@dataclass(frozen=True)
class Front:
    """Plans of which none is better than another in both objectives.

    Attributes
    ----------
    points : a row a plan, the best in the first objective first: ``hubs``, the two objectives (two of ``covered_t, tonne_km,
        cost_yuan, co2_t``, all a year), ``gap, status``. The gap is by how much either objective could be better at
        most with no less of the other. Tonnes in reach that
        nobody takes count as hauled the radius in tonne-kilometres and CO₂; a negative cost is a gain
    plans : of the rows
    notes : what a reader must know
    """

    points: pd.DataFrame
    plans: list[SitingPlan]
    notes: list[str] = field(default_factory=list)


class _Point(NamedTuple):
    """A plan, and its values of both objectives."""

    plan: SitingPlan
    both: tuple[float, float]


class _Proof(NamedTuple):
    """What a search has shown: with no more than a limit of the other objective, none has less than the bound of ``aim``.

    Both are signed so that less is better; an infinite limit is none.
    """

    aim: int
    limit: float
    bound: float


def pareto(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    objectives: tuple[Objective, Objective] = ("covered", "cost"),
    points: int = 10,
    effort: Effort | None = None,
    **asked: Unpack[Asked],
) -> Front:
    """Plan along the front of two objectives.

    Parameters
    ----------
    sites, candidates, asked : as in `plan.choose_hubs`; ``radius_km`` is needed
    objectives : two of ``covered, tonne_km, cost, co2``
    points : plans to look for, the two ends among them; fewer are found where several of them are one
    effort : shared by the searches: each gets the time that is left over the searches that are left

    Raises
    ------
    As in `plan.choose_hubs`. BadParameterError : the objectives are not two of these; fewer points than 2; no radius.

    Notes
    -----
    Of objectives f, g, both to be small, the front is found by ε-constraint (Haimes, Lasdon and Wismer 1971): min f with
    g ≤ ε, where ε goes in even steps from the g of the best f to the best g. A plan found so may be beaten by one with the same
    f and a smaller g. The augmented method (Mavrotas 2009) rules that out by a small reward for g; here a second search
    does, min g with f ≤ what was found, so that no reward has to be chosen, and both ends are lexicographic. Where the g of a plan already
    meets the next ε, that step would find the same plan again and is skipped (Mavrotas and Florios 2013). Where one
    objective is cost, it is the g: to build nothing costs nothing, which is that end of the front where no plan gains.
    """
    effort = effort or Effort()
    _check(objectives, points, asked)
    search = _Search(sites, candidates, objectives, asked)
    with effort.interruptible():
        found, notes = _walk(search, points, effort)
    kept = _undominated(found, objectives)
    gaps = [search.gap(point) for point in kept]
    table = pd.DataFrame(
        {
            "hubs": [len(point.plan.hubs) for point in kept],
            **{_COLUMNS[name]: [point.both[at] for point in kept] for at, name in enumerate(objectives)},
            "gap": gaps,
            "status": [status_of(gap) for gap in gaps],
        }
    )
    # What holds of one point alone stands in its own plan.
    said = [note for note in kept[0].plan.notes if all(note in point.plan.notes for point in kept)] if kept else []
    return Front(table, [point.plan for point in kept], [*said, *notes])


def _check(objectives: tuple[Objective, Objective], points: int, asked: Asked) -> None:
    known = get_args(Objective)
    if len(objectives) != 2 or objectives[0] == objectives[1] or not set(objectives) <= set(known):
        raise BadParameterError(f"objectives = {', '.join(objectives)}: give two of {', '.join(known)}.")
    if points != int(points) or points < 2:
        raise BadParameterError(f"points = {points}: give a whole number of 2 or more.")
    if asked.get("radius_km") is None:
        raise BadParameterError(
            "radius_km: two objectives need it, so that it is known which hauls there are. Give km."
        )


@dataclass(frozen=True, eq=False)
class _Search:
    """What is asked of every point alike."""

    sites: GeoDataFrame
    candidates: GeoDataFrame
    objectives: tuple[Objective, Objective]
    asked: Asked
    proofs: list[_Proof] = field(default_factory=list)

    @property
    def signs(self) -> tuple[float, float]:
        """By which less of both objectives is better."""
        first, second = (-1.0 if name == "covered" else 1.0 for name in self.objectives)
        return first, second

    @property
    def or_nothing(self) -> bool:
        """Whether to build nothing is a plan: it costs nothing."""
        return "cost" in self.objectives

    @cached_property
    def reached_t(self) -> float:
        """Tonnes a year that lie within reach of any hub or plant."""
        return ground_of(self.sites, self.candidates, self.asked["radius_km"] or 0.0, self.asked).reached_t

    def plan(
        self, aim: int, limit: float | None, effort: Effort, *, start: SitingPlan | None, places: Collection[str] | None = None,
    ) -> SitingPlan:  # fmt: skip
        """Plan for one objective, where the other must reach a limit if there is one; with no other places than these.

        The search begins from a plan that is known, if there is one.
        """
        objective, asked = self.objectives[aim], self.asked.copy()
        beside = None if limit is None else (self.objectives[1 - aim], limit)
        if asked.get("hubs") is None and asked.get("model") is None:
            # With no number of hubs, as few as cover all would be looked for.
            asked["model"] = "facility_location"
        if places is not None:
            layers, aims = (self.sites, self.candidates), (objective, beside)
            return plan_among(places, layers, asked, aims, effort, start=start, or_nothing=self.or_nothing)
        plan = choose_hubs(
            self.sites, self.candidates, objective=objective, beside=beside, start=start, or_nothing=self.or_nothing,
            effort=effort, **asked,
        )  # fmt: skip
        signed = np.inf if limit is None else self.signs[1 - aim] * limit
        self.proofs.append(_Proof(aim, signed, self.signs[aim] * plan.bound))
        return plan

    def best(
        self, aim: int, limit: float | None, effort: Effort, points: int, start: SitingPlan | None = None
    ) -> _Point:
        """Find the best of one objective under a limit of the other, and of all such plans the best in the other.

        The first one's hubs are tried by themselves before the second search, which begins from them; it is left out where
        other searches have shown that there is next to nothing to gain.
        """
        other, name = 1 - aim, self.objectives[aim]
        told = f"best {name}" if limit is None else f"{self.objectives[other]} of {limit:,.6g}"
        with share(effort, 3 * points, told) as part:
            plan = self.plan(aim, limit, part, start=start)
        as_good = _eased(plan.objective, name)
        for searches, places in ((3 * points - 1, plan.hubs["candidate"].tolist()), (3 * points - 2, None)):
            point = _Point(plan, (self.value(plan, 0), self.value(plan, 1)))
            if places == [] or (places is None and self.gap(point) <= effort.gap):
                continue
            try:
                with share(effort, searches, f"{told}, then {self.objectives[other]}") as part:
                    found = self.plan(other, as_good, part, start=plan, places=places)
            except NoPlanError:
                # Time ran out: what is known of the other objective is what other searches have shown.
                continue
            if _reaches(self.value(found, other), self.value(plan, other), self.objectives[other]):
                plan = found
        return _Point(plan, (self.value(plan, 0), self.value(plan, 1)))

    def gap(self, point: _Point) -> float:
        """Tell how much less of either objective a plan could have with no more of the other, as a share; the larger one."""
        gaps = []
        for aim, value in enumerate(point.both):
            own, other = self.signs[aim] * value, self.signs[1 - aim] * point.both[1 - aim]
            slack = _SAME * abs(other)
            # A search under a looser limit bounds this objective. One that shows that all plans with no more of this
            # objective than a limit have more of the other bounds it by that limit.
            bounds = [
                proof.bound if proof.aim == aim else proof.limit
                for proof in self.proofs
                if (proof.limit >= other - slack if proof.aim == aim else proof.bound > other + slack)
            ]
            bound = min(own, max(bounds, default=-np.inf))
            scale = max((abs(proof.bound) for proof in self.proofs if proof.aim == aim), default=0.0)
            # Beside what others cost, a cost of next to nothing is none.
            gaps.append(0.0 if own - bound <= _DIGITS * scale else relative_gap(own, bound))
        return max(gaps)

    def value(self, plan: SitingPlan, at: int) -> float:
        """Return what a plan comes to in an objective."""
        name, totals = self.objectives[at], plan.totals
        if name == "covered":
            return float(totals["annual_t_served"])
        if name == "cost":
            return 0.0 - float(totals["net_yuan"])
        left_t = max(self.reached_t - totals["annual_t_served"], 0.0)
        hauled = totals["tonne_km"] * per_tonne_km(name, self.asked)
        return float(hauled + left_behind(name, left_t, self.asked, self.asked["radius_km"]))


def _walk(search: _Search, points: int, effort: Effort) -> tuple[list[_Point], list[str]]:
    """Return both ends and what lies between them."""
    under = 0 if search.objectives[0] == "cost" else 1
    aim, second = 1 - under, search.objectives[under]
    found = [search.best(aim, None, effort, points)]
    reached, last = found[0].both[under], 0.0
    notes, missed, before = [], 0, found[0].plan
    if not effort.over:
        found.append(search.best(under, None, effort, points - 1, found[0].plan))
        last = found[-1].both[under]
        if not found[-1].plan.totals["annual_t_served"]:
            notes.append("No plan gains anything: the cheapest is to build nothing, at a cost of 0.")
    for at, limit in enumerate(np.linspace(reached, last, points)[1:-1].tolist()):
        if effort.over:
            break
        if _reaches(reached, limit, second):
            continue
        try:
            found.append(search.best(aim, limit, effort, points - 2 - at, before))
            before = found[-1].plan
        except NoPlanError:
            missed += 1
            continue
        reached = found[-1].both[under]
    if missed:
        notes.append(f"{missed} steps of {_COLUMNS[second]} allow no plan, or none was found in time.")
    if effort.over:
        notes.append(f"stopped before all points of the front were looked for: {len(found)} of {points} were found.")
    return found, notes


def _reaches(value: float, limit: float, objective: Objective) -> bool:
    """Whether a value is as good as a limit, but for what rounding owes."""
    slack = _SAME * max(abs(limit), abs(value))
    return value >= limit - slack if objective == "covered" else value <= limit + slack


def _eased(value: float, objective: Objective) -> float:
    """Return a limit that what has this value meets, whatever its last digits."""
    return value - _DIGITS * abs(value) if objective == "covered" else value + _DIGITS * abs(value)


def _undominated(found: list[_Point], objectives: tuple[Objective, Objective]) -> list[_Point]:
    """Leave out points that another one equals or beats in both objectives; the best in the first comes first."""
    signs = [-1.0 if name == "covered" else 1.0 for name in objectives]
    ordered = sorted(found, key=lambda point: (signs[0] * point.both[0], signs[1] * point.both[1]))
    kept: list[_Point] = []
    for point in ordered:
        # All before it are no worse in the first objective, so that it must be better in the second.
        if not kept or not _reaches(kept[-1].both[1], point.both[1], objectives[1]):
            kept.append(point)
    return kept
