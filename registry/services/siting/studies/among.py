"""Plans with hubs at some of the candidates only."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from registry.services.siting.planning.plan import choose_hubs
from registry.services.siting.studies.ground import HAULAGE, ground_of, left_behind

if TYPE_CHECKING:
    from collections.abc import Collection

    from geopandas import GeoDataFrame

    from registry.services.siting.effort import Effort
    from registry.services.siting.planning.money import Objective
    from registry.services.siting.planning.plan import SitingPlan
    from registry.services.siting.studies.asked import Asked


def plan_among(
    places: Collection[str],
    layers: tuple[GeoDataFrame, GeoDataFrame],
    asked: Asked,
    aims: tuple[Objective, tuple[Objective, float] | None],
    effort: Effort,
    *,
    start: SitingPlan | None = None,
    or_nothing: bool = False,
) -> SitingPlan:
    """Plan with hubs at some of the candidates only, and still count what the others could have reached.

    Parameters
    ----------
    places : uids of the candidates that may have a hub
    layers : sites and all candidates
    aims : objective and what stands beside it, both as with all candidates; so is the plan's objective
    start, or_nothing : as in `plan.choose_hubs`
    """
    (sites, candidates), (objective, beside) = layers, aims
    left_out = candidates.index[~candidates.index.astype(str).isin(places)]
    some, fewer = candidates.drop(left_out), asked.copy()
    hubs, roads, radius_km = asked.get("hubs"), asked.get("distances"), asked.get("radius_km")
    fewer["hubs"] = None if hubs is None else min(hubs, len(some))
    fewer["distances"] = None if roads is None else roads[~roads["candidate"].isin(left_out)]
    names = [objective] if beside is None else [objective, beside[0]]
    missed_t = 0.0
    if radius_km is not None and not HAULAGE.isdisjoint(names):
        missed_t = (
            ground_of(sites, candidates, radius_km, asked).reached_t
            - ground_of(sites, some, radius_km, fewer).reached_t
        )
    more = [left_behind(name, missed_t, asked, radius_km) for name in names]
    if beside is not None:
        beside = (beside[0], beside[1] - more[1])
    plan = choose_hubs(
        sites, some, objective=objective, beside=beside, start=start, or_nothing=or_nothing, effort=effort, **fewer
    )  # fmt: skip
    return replace(plan, objective=plan.objective + more[0], bound=plan.bound + more[0])
