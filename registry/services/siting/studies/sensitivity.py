"""Which hubs stay when freight, tax, capacity and demand are not what was thought."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

import numpy as np
import pandas as pd

from registry.errors import BadParameterError, NoPlanError
from registry.services.amounts import number_column
from registry.services.capacity import CAPACITY
from registry.services.siting.effort import Effort
from registry.services.siting.planning.plan import choose_hubs
from registry.services.siting.planning.terms import Terms
from registry.services.siting.studies.among import plan_among
from registry.services.siting.studies.asked import question_of
from registry.services.siting.studies.shares import share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from geopandas import GeoDataFrame

    from registry.services.siting.planning.plan import Objective, SitingPlan
    from registry.services.siting.studies.asked import Asked

FACTORS = (0.5, 0.75, 1.5, 2.0)
"""Of freight, tax, capacity and demand, each varied alone, unless a user gives others: an assumption. Published freight
runs from 0.55 to 2.4 times the default."""

_AIMS = {"covered": "tonnes covered", "tonne_km": "tonne-kilometres", "cost": "money", "co2": "CO₂ of haulage"}


class Scenario(NamedTuple):
    """Factors of what was thought, 1 where a thing is as it was thought."""

    freight: float = 1.0
    tax: float = 1.0
    capacity: float = 1.0
    demand: float = 1.0

    @property
    def name(self) -> str:
        """``base``, or what differs from it: ``freight × 0.5``."""
        differing = [f"{name} × {factor:g}" for name, factor in self._asdict().items() if factor != 1.0]
        return ", ".join(differing) or "base"


@dataclass(frozen=True)
class Sensitivity:
    """Plans under other circumstances, and which hubs stay in all of them.

    Attributes
    ----------
    scenarios : ``scenario, freight_factor, tax_factor, capacity_factor, demand_factor, hubs, annual_t, share_annual_t,
        objective, bound, gap, status, regret``; the first is ``base``. ``regret`` is how much worse than the scenario's own
        plan the best is that keeps to the base's places, in the unit of the objective; NaN where these allow no plan. A
        scenario that has no plan at all has no numbers, and its status says why
    stability : ``candidate, place, scenarios_open, share_open, always``, the hubs that are open most often first; the share
        is of the scenarios that have a plan
    unit : of objective, bound and regret
    notes : what a reader must know
    """

    scenarios: pd.DataFrame
    stability: pd.DataFrame
    unit: str
    notes: list[str] = field(default_factory=list)


class _Tried(NamedTuple):
    """A scenario's plan, None where there is none, then why; and the best plan with the base's places alone."""

    scenario: Scenario
    plan: SitingPlan | None
    kept: SitingPlan | None
    status: str


def sensitivity(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    objective: Objective = "covered",
    beside: tuple[Objective, float] | None = None,
    freight_factors: Iterable[float] = FACTORS,
    tax_factors: Iterable[float] = FACTORS,
    capacity_factors: Iterable[float] = FACTORS,
    demand_factors: Iterable[float] = FACTORS,
    combined: bool = False,
    effort: Effort | None = None,
    **asked: Unpack[Asked],
) -> Sensitivity:
    """Plan anew under other freight, tax, capacity and demand, and tell which hubs stay.

    Parameters
    ----------
    sites, candidates, objective, beside, asked : as in `plan.choose_hubs`
    freight_factors : of what hauls cost, more than 0
    tax_factors : of the tax that hauls avoid, 0 or more
    capacity_factors : of the tonnes a year that modules, candidates and existing plants take, at unchanged capital; more than 0
    demand_factors : of the tonnes a year that the sites add, more than 0. What markets take stays as it is
    combined : every combination of the factors instead of one at a time
    effort : shared by the plans: each gets the time that is left over the plans that are left

    Raises
    ------
    As in `plan.choose_hubs` where the base has no plan. BadParameterError : a factor is out of its range.

    Notes
    -----
    Every scenario is planned anew, and once more with the base's places as the only candidates; the difference is the regret
    of having built there. A factor that can change no plan of this objective is left out, and the notes say so.
    """
    effort = effort or Effort()
    factors = {
        "freight": _factors(freight_factors, "freight_factors", positive=True),
        "tax": _factors(tax_factors, "tax_factors", positive=False),
        "capacity": _factors(capacity_factors, "capacity_factors", positive=True),
        "demand": _factors(demand_factors, "demand_factors", positive=True),
    }
    search = _Search(sites, candidates, objective, beside, asked)
    idle = search.idle()
    scenarios = _scenarios({name: some for name, some in factors.items() if name not in idle}, combined=combined)
    notes = [f"{name} was not varied: {why}." for name, why in idle.items() if factors[name]]
    with effort.interruptible():
        with share(effort, 2 * len(scenarios) - 1, "base") as part:
            base = search.plan(scenarios[0], part)
        tried = [_Tried(scenarios[0], base, base, base.status)]
        for at, scenario in enumerate(scenarios[1:], start=1):
            if effort.over:
                notes.append(f"stopped after {at} of {len(scenarios)} scenarios.")
                break
            tried.append(_try(search, scenario, base, (effort, 2 * (len(scenarios) - at))))
    stranded = [each.scenario.name for each in tried if each.plan is not None and each.kept is None]
    if stranded:
        notes.append(f"the base's places alone allow no plan in: {'; '.join(stranded)}.")
    return Sensitivity(_scenario_table(tried, objective), _stability(tried), base.unit, [*base.notes, *notes])


def _factors(given: Iterable[float], name: str, *, positive: bool) -> list[float]:
    factors = sorted({float(factor) for factor in given} - {1.0})
    for factor in factors:
        if not np.isfinite(factor) or factor < 0 or (positive and factor == 0):
            limit = "more than 0" if positive else "0 or more"
            raise BadParameterError(f"{name}: {factor:g} is none. Give factors of {limit}.")
    return factors


def _scenarios(factors: Mapping[str, list[float]], *, combined: bool) -> list[Scenario]:
    """Return the base, then every factor alone or all other combinations."""
    if combined:
        values = itertools.product(*([1.0, *some] for some in factors.values()))
        return [Scenario(**dict(zip(factors, each, strict=True))) for each in values]
    return [Scenario(), *(Scenario(**{name: factor}) for name, some in factors.items() for factor in some)]


class _Search(NamedTuple):
    """What is asked of every scenario alike."""

    sites: GeoDataFrame
    candidates: GeoDataFrame
    objective: Objective
    beside: tuple[Objective, float] | None
    asked: Asked

    def idle(self) -> dict[str, str]:
        """Tell which factors can change no plan, and why."""
        question = question_of(self.candidates, self.asked, self.objective, beside=self.beside)
        aims = {self.objective} if self.beside is None else {self.objective, self.beside[0]}
        found: dict[str, str] = {}
        if "cost" not in aims:
            told = " and ".join(text for aim, text in _AIMS.items() if aim in aims)
            found |= dict.fromkeys(("freight", "tax"), f"it has no bearing on {told}")
        if not (question.modular or question.standing):
            found["capacity"] = "nothing has a capacity here"
        if not question.hauled:
            found["demand"] = "without capacities all tonnes grow alike, so that the best places stay the same"
        return found

    def plan(
        self, scenario: Scenario, effort: Effort, *, only: Sequence[str] | None = None, start: SitingPlan | None = None
    ) -> SitingPlan:
        """Plan a scenario, with no other candidates than ``only`` these, from a plan that is known."""
        asked = self.asked.copy()
        if scenario != Scenario():
            terms = asked.get("terms") or Terms()
            asked["terms"] = terms.scaled(freight=scenario.freight, tax=scenario.tax, capacity=scenario.capacity)
        asked["plants"] = _times(asked.get("plants"), "plants", (CAPACITY, scenario.capacity))
        asked["intakes"] = _times(asked.get("intakes"), "intakes", (CAPACITY, scenario.capacity))
        asked["streams"] = _times(asked.get("streams"), "streams", ("annual_t", scenario.demand))
        sites = _times(self.sites, "sites", ("annual_t", scenario.demand))
        candidates = _times(self.candidates, "candidates", (CAPACITY, scenario.capacity))
        if only is not None:
            return plan_among(only, (sites, candidates), asked, (self.objective, self.beside), effort, start=start)
        return choose_hubs(
            sites, candidates, objective=self.objective, beside=self.beside, start=start, effort=effort, **asked
        )


def _times(table: Any, what: str, scaled: tuple[str, float]) -> Any:
    """Return a table, if there is one, with a column, if it has it, times a factor."""
    column, factor = scaled
    if table is None or factor == 1.0 or column not in table.columns:
        return table
    return table.assign(**{column: number_column(table, what, column) * factor})


def _try(search: _Search, scenario: Scenario, base: SitingPlan, shared: tuple[Effort, int]) -> _Tried:
    """Plan a scenario anew and with the base's places, and keep the better one as its plan."""
    effort, searches = shared
    status = ""
    plans: list[SitingPlan | None] = [None, None]
    for at, only in enumerate((None, base.hubs["candidate"].tolist())):
        try:
            with share(effort, searches - at, scenario.name) as part:
                plans[at] = search.plan(scenario, part, only=only, start=base)
        except NoPlanError as none:
            status = status or str(none)
            if only is None:
                break
    plan, kept = plans
    if plan is not None and kept is not None and _loss(plan, kept, search.objective) < 0:
        # The search for the plan was stopped before it found what the base's places allow.
        plan = replace(kept, bound=plan.bound)
    return _Tried(scenario, plan, kept, status if plan is None else plan.status)


def _loss(plan: SitingPlan, other: SitingPlan, objective: Objective) -> float:
    """By how much another plan is worse."""
    less = plan.objective - other.objective
    return less if objective == "covered" else -less


def _scenario_table(tried: list[_Tried], objective: Objective) -> pd.DataFrame:
    rows = []
    for each in tried:
        row = {"scenario": each.scenario.name}
        row |= {f"{name}_factor": factor for name, factor in each.scenario._asdict().items()}
        plan, kept = each.plan, each.kept
        numbers = dict.fromkeys(("annual_t", "share_annual_t", "objective", "bound", "gap"), np.nan)
        if plan is not None:
            numbers = {
                "annual_t": plan.totals["annual_t_served"],
                "share_annual_t": plan.totals["share_annual_t"],
                "objective": plan.objective,
                "bound": plan.bound,
                "gap": plan.gap,
            }
        regret = np.nan if plan is None or kept is None else max(0.0, _loss(plan, kept, objective))
        hubs = 0 if plan is None else len(plan.hubs)
        rows.append(row | {"hubs": hubs} | numbers | {"status": each.status, "regret": regret})
    return pd.DataFrame(rows)


def _stability(tried: list[_Tried]) -> pd.DataFrame:
    """Tell how often every hub is open, those of the base first among equals."""
    plans = [each.plan.hubs[["candidate", "place"]] for each in tried if each.plan is not None]
    told = pd.concat([pd.DataFrame(hubs) for hubs in plans], ignore_index=True)
    counts = told.groupby("candidate", sort=False).agg(place=("place", "first"), scenarios_open=("place", "size"))
    table = counts.sort_values("scenarios_open", ascending=False, kind="stable").reset_index()
    return table.assign(share_open=table["scenarios_open"] / len(plans), always=table["scenarios_open"] == len(plans))
