"""What a study passes on to every plan it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict

from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.question import Question, settled
from registry.services.siting.planning.terms import Terms

if TYPE_CHECKING:
    import pandas as pd
    from geopandas import GeoDataFrame

    from registry.services.siting.planning.money import Objective
    from registry.services.siting.planning.question import Model


class Given(TypedDict, total=False):
    """Keywords of `plan.choose_hubs` that say what is there and what a plan must keep to."""

    model: Model | None
    streams: pd.DataFrame | None
    same_material: bool
    plants: GeoDataFrame | None
    intakes: pd.DataFrame | None
    terms: Terms | None
    conditions: Conditions | None
    distances: pd.DataFrame | None


class Asked(Given, total=False):
    """Keywords of `plan.choose_hubs`, all but its objectives and its effort."""

    hubs: int | None
    radius_km: float | None
    markets: GeoDataFrame | None


def question_of(
    candidates: GeoDataFrame, asked: Asked, objective: Objective, *, beside: tuple[Objective, float] | None = None
) -> Question:
    """Settle what a plan would be asked.

    Raises
    ------
    BadParameterError : as of `plan.choose_hubs`.
    """
    plants = asked.get("plants")
    return settled(
        candidates,
        hubs=asked.get("hubs"),
        radius_km=asked.get("radius_km"),
        objective=objective,
        model=asked.get("model"),
        terms=asked.get("terms") or Terms(),
        conditions=asked.get("conditions") or Conditions(),
        beside=beside,
        standing=plants is not None and len(plants) > 0,
        markets=asked.get("markets") is not None,
    )
