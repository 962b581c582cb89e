"""What is asked of a plan, checked: which model, over which hauls, under which conditions."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from registry.errors import BadParameterError
from registry.services import geodesy
from registry.services.siting.planning.conditions import CAPITAL, Conditions, own_capital
from registry.services.siting.planning.money import Objective

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.limits import Limits
    from registry.services.siting.planning.terms import Terms

    IntArray = NDArray[np.intp]

Model = Literal["set_covering", "maximal_covering", "p_median", "p_center", "capacitated_p_median", "facility_location"]

_OBJECTIVES: dict[Model, tuple[Objective, ...]] = {
    "set_covering": ("covered",),
    "maximal_covering": ("covered",),
    "p_median": ("tonne_km", "co2"),
    "p_center": ("tonne_km",),
    "capacitated_p_median": ("tonne_km", "co2"),
    "facility_location": ("cost", "covered", "tonne_km", "co2"),
}
"""What a model can be asked for, the usual first."""

_MODELS: dict[Objective, Model] = {
    "covered": "maximal_covering",
    "tonne_km": "p_median",
    "co2": "p_median",
    "cost": "facility_location",
}


@dataclass(frozen=True, eq=False)
class Question:
    """A question that `choose_hubs` was asked, with every option settled.

    Attributes
    ----------
    candidates : the layer itself, for conditions by its columns
    hubs : how many at most, None where nothing limits them
    radius_km : None where nothing limits a haul but what it costs
    beside : a second objective and what it must reach
    """

    candidates: GeoDataFrame
    model: Model
    objective: Objective
    hubs: int | None
    radius_km: float | None
    terms: Terms
    conditions: Conditions
    beside: tuple[Objective, float] | None
    standing: bool
    markets: bool

    @property
    def modular(self) -> bool:
        """Whether the search itself decides on modules."""
        asked = self.conditions
        return (
            self.model in {"capacitated_p_median", "facility_location"}
            or (self.beside is not None and self.beside[0] == "cost")
            or asked.most_modules is not None
            or asked.modules_in_all is not None
            or (asked.budget_yuan is not None and self.capital is None)
            or (bool(asked.budget_by_province) and self.capital is None)
        )

    @property
    def hauled(self) -> bool:
        """Whether tonnes must be shared out among takers with limits, so that each goes where there is room."""
        return self.modular or self.standing or self.beside is not None or self.conditions.least_load_t > 0

    @property
    def one_price(self) -> bool:
        """Whether every hub is one module of one size."""
        return self.terms.sizes.size == 1 and self.conditions.most_modules == 1

    @cached_property
    def capital(self) -> FloatArray | None:
        """(m,) yuan of a hub whatever its size, where the candidates say it."""
        return own_capital(self.candidates)

    def limits(self) -> Limits:
        """Return the conditions on which candidates are chosen.

        Raises
        ------
        As of `Conditions.limits`.
        """
        capital = self.capital
        if self.modular:
            capital = np.full(len(self.candidates), self.terms.capital[0]) if self.one_price else None
        return self.conditions.limits(self.candidates, capital=capital)


def settled(
    candidates: GeoDataFrame,
    *,
    hubs: int | None,
    radius_km: float | None,
    objective: Objective | None,
    model: Model | None,
    terms: Terms,
    conditions: Conditions,
    beside: tuple[Objective, float] | None,
    standing: bool,
    markets: bool,
) -> Question:
    """Settle what was left open and refuse what does not go together.

    Raises
    ------
    BadParameterError : see `choose_hubs`.
    """
    objective, model = _named(objective, model, hubs, conditions, beside)
    asked = Question(
        candidates, model, objective, hubs, radius_km, terms, conditions, beside, standing, markets
    )  # fmt: skip
    _check_numbers(asked)
    _check_radius(asked)
    _check_fit(asked)
    if beside is not None:
        _check_beside(asked, beside)
    return asked


def _named(
    objective: Objective | None,
    model: Model | None,
    hubs: int | None,
    conditions: Conditions,
    beside: tuple[Objective, float] | None,
) -> tuple[Objective, Model]:
    for name, given, known in (("objective", objective, get_args(Objective)), ("model", model, get_args(Model))):
        if given is not None and given not in known:
            raise BadParameterError(f"{name} = {given}: give one of {', '.join(known)}.")
    if model is None:
        model = _MODELS[objective or "covered"]
        if model == "maximal_covering" and hubs is None:
            limited = conditions.budget_yuan is not None or conditions.modules_in_all is not None or beside is not None
            model = "facility_location" if limited else "set_covering"
            objective = "covered"
    possible = _OBJECTIVES[model]
    objective = objective or possible[0]
    if objective not in possible:
        raise BadParameterError(f"model = {model}: it does not look at {objective}. Ask for {' or '.join(possible)}.")
    return objective, model


def _check_numbers(asked: Question) -> None:
    number, most = asked.hubs, len(asked.candidates)
    if number is not None and not (number == int(number) and 1 <= number <= most):
        raise BadParameterError(f"hubs = {number}: give a whole number from 1 to {most}, the number of candidates.")
    if asked.model == "set_covering" and number is not None:
        raise BadParameterError(
            "hubs: set_covering finds the number itself. Leave hubs out, or ask for maximal_covering."
        )
    if asked.model not in {"set_covering", "facility_location"} and number is None:
        raise BadParameterError(f"hubs: {asked.model} needs their number. Give it.")


def _check_radius(asked: Question) -> None:
    radius = asked.radius_km
    if radius is None:
        if asked.objective == "covered":
            raise BadParameterError(
                "radius_km: nothing says how far a hub reaches. Give km, or ask for another objective."
            )
        if asked.beside is not None:
            raise BadParameterError(
                "radius_km: a second objective needs it, so that hauls which cost more than they bring are known."
            )
        return
    if not (np.isfinite(radius) and radius > 0):
        raise BadParameterError(f"radius_km = {radius:g}: give km of more than 0.")
    most = geodesy.half_meridian_m(geodesy.ellipsoid(geodesy.layer_crs(asked.candidates, "candidates"))) / 1_000
    if radius > most:
        raise BadParameterError(f"radius_km = {radius:g}: give at most {most:,.0f} km, half the way round the earth.")


def _check_fit(asked: Question) -> None:
    wanted = asked.conditions
    covering = asked.model in {"set_covering", "maximal_covering"}
    if asked.markets and asked.objective != "cost":
        raise BadParameterError("markets: they say what a product earns. Ask for objective cost.")
    if wanted.takers > 1 and (not covering or asked.hauled):
        raise BadParameterError(
            "survive = plant, or times: these ask for several hubs within reach, which set_covering and maximal_covering count; plants, "
            "modules, loads and second objectives do not go with them."
        )
    if wanted.survive == "source":
        if wanted.times > 1:
            raise BadParameterError("survive = source: it does not go with times. Ask for one of the two.")
        if asked.hauled and not wanted.least_load_t > 0:
            raise BadParameterError(
                "survive = source: with modules or plants it means that every hub keeps its least load. Give least_load_t."
            )
        if not asked.hauled and asked.model != "maximal_covering":
            raise BadParameterError(
                "survive = source: ask for maximal_covering, or for facility_location with least_load_t."
            )
    if asked.hauled and asked.model in {"set_covering", "p_center"}:
        raise BadParameterError(
            f"model = {asked.model}: it knows no capacities, so neither plants nor modules, loads, second objectives. Ask for another model."
        )
    if wanted.budget_by_province and asked.modular and not asked.one_price:
        raise BadParameterError(
            f"budget_by_province: what a hub costs depends on its modules here. Give the candidates a column {CAPITAL} and ask for a "
            "model without modules, or give terms with one size of module and most_modules = 1."
        )


def _check_beside(asked: Question, beside: tuple[Objective, float]) -> None:
    second, limit = beside
    if second not in get_args(Objective):
        raise BadParameterError(f"beside = {second}: give one of {', '.join(get_args(Objective))}.")
    if second == asked.objective:
        raise BadParameterError(f"beside = {second}: that is the objective itself. Give another.")
    if not np.isfinite(limit):
        raise BadParameterError(f"beside = {second}, {limit}: give a number that it must reach.")
    if asked.conditions.budget_yuan is not None and asked.objective != "cost":
        raise BadParameterError("budget_yuan: with a second objective it goes with objective cost only.")
