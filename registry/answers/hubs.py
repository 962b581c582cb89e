"""Where recycling hubs should stand: the plan, the studies round it, and all that is to be known of both."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from registry.answers import hub_places
from registry.answers.coverage import all_streams
from registry.answers.notes import synthetic_note
from registry.errors import BadParameterError, EmptyLayerError, RegistryError
from registry.road.matrix import RoadMatrix
from registry.road.pairs import road_distances
from registry.services.siting import studies
from registry.services.siting.effort import Effort
from registry.services.siting.places import weber
from registry.services.siting.places.candidates import NOTES
from registry.services.siting.planning.conditions import Conditions
from registry.services.siting.planning.plan import choose_hubs
from registry.services.siting.planning.terms import Terms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import geopandas as gpd

    from registry.answers.proximity import RoadServer
    from registry.registry import Registry
    from registry.services.siting.places.exclusions import Exclusion
    from registry.services.siting.planning.plan import Model, Objective, SitingPlan
    from registry.services.siting.studies.asked import Asked, Given

HUB_COLUMNS = (
    "hub", "place", "region_code", "modules", "capacity_t_per_year", "annual_t", "cost_per_t",
)  # fmt: skip
"""The columns that a table of hubs begins with."""

# What is read of the sites.
_OF_SITES = ("code", "name", "kind", "supervision_level", "province_code", "county_code", "waste_codes", "annual_t")


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What is asked.

    Attributes
    ----------
    hubs, radius_km, objective, model : as in `siting.choose_hubs`
    candidates : one of `hub_places.MADE`, or a file
    exclude : layers that hubs keep away from, ``FILE`` or ``FILE:KM``
    improve : whether candidates that become hubs are moved to the middle of what flows to them, and planned with again
    kind, level, province : which sites are planned for
    same_material : only candidates and plants that accept the code
    with_plants : whether existing plants take waste jointly with the hubs, up to their capacity
    terms, conditions : money, modules, emissions; what the plan must keep to
    markets : a file of points that take products, ``demand_t_per_year`` and where known ``margin_yuan_per_t, radius_km``
    road : who is asked for distances by road
    time_limit_s, gap, seed : of the plan, and of every study anew
    curve : hubs up to which the curve of coverage goes
    by_radius : radii in km to compare
    sensitivity : whether to plan anew under other freight, tax, capacity and demand
    pareto : two objectives to weigh against each other, with ``pareto_points`` plans
    """

    hubs: int | None = None
    radius_km: float | None = None
    objective: Objective | None = None
    model: Model | None = None
    candidates: str = "hexagons"
    exclude: Sequence[str] = ()
    improve: bool = False
    kind: str | None = None
    level: int | None = None
    province: str | None = None
    same_material: bool = True
    with_plants: bool = False
    terms: Terms = field(default_factory=Terms)
    conditions: Conditions = field(default_factory=Conditions)
    markets: Path | None = None
    road: RoadServer | None = None
    time_limit_s: float | None = 300.0
    gap: float = 0.0
    seed: int = 0
    curve: int | None = None
    by_radius: Sequence[float] = ()
    sensitivity: bool = False
    pareto: tuple[Objective, Objective] | None = None
    pareto_points: int = 8


@dataclass
class Answer:
    """What was found.

    Attributes
    ----------
    wishes : what was asked
    plan : hubs, flows, what is left
    tables : by name: ``hubs, flows, materials, unreached``, ``plant_flows`` where existing plants take waste, and of the
        studies that were asked for ``curve, by_radius, sensitivity, stability, pareto``
    totals : those of the plan, and ``status, objective, bound, gap, unit``
    warnings : what whoever reads it must know
    sites, plants, candidates : the layers that were planned with
    by_road : whether distances are those of a road server
    """

    wishes: Wishes
    plan: SitingPlan
    tables: dict[str, pd.DataFrame]
    totals: dict[str, Any]
    warnings: list[str]
    sites: gpd.GeoDataFrame
    plants: gpd.GeoDataFrame
    candidates: gpd.GeoDataFrame
    by_road: bool = False

    @property
    def hubs(self) -> gpd.GeoDataFrame:
        """The hubs, points."""
        return self.plan.hubs


def plan(reg: Registry, wishes: Wishes, say: Callable[[str], None]) -> Answer:
    """Plan hubs for the stored sites, and study what would be otherwise.

    Raises
    ------
    EmptyLayerError : there is no such site; nothing to make candidates from.
    NoPlanError : no plan meets what is asked; the message says which condition stands in its way.
    BadParameterError, UnknownColumnError, UnreadableFileError, CrsError, RoadServerError : what was given cannot be used.
    """
    _check(wishes)
    exclusions = [hub_places.exclusion(text) for text in wishes.exclude]
    markets = None if wishes.markets is None else hub_places.read_places(wishes.markets, reg.crs)
    say("reading")
    sites = reg.sites(wishes.kind, level=wishes.level, province=wishes.province, columns=_OF_SITES)
    if sites.empty:
        raise EmptyLayerError(
            "there is no such site in the store, so no hub is needed. Choose others, or import a table."
        )
    plants = reg.plants()
    candidates = hub_places.candidates(
        reg, wishes.candidates, sites, plants, province=wishes.province, exclude=exclusions, say=say
    )
    if not wishes.same_material and "waste_codes" in candidates:
        candidates = candidates.drop(columns="waste_codes")
    asked: Asked = {
        "hubs": wishes.hubs, "radius_km": wishes.radius_km, "model": wishes.model,
        "streams": all_streams(reg.streams(), sites), "same_material": wishes.same_material, "terms": wishes.terms,
        "conditions": wishes.conditions, "markets": markets,
    }  # fmt: skip
    if wishes.with_plants:
        asked["plants"], asked["intakes"] = plants, reg.intakes()
    warnings: list[str] = list(candidates.attrs.get(NOTES, []))
    if wishes.road is not None and wishes.radius_km is not None:
        standing = plants if wishes.with_plants else plants.iloc[:0]
        with RoadMatrix(
            wishes.road.url, engine=wishes.road.engine, profile=wishes.road.profile, cache=wishes.road.cache
        ) as roads:
            places = _places(candidates, standing)
            distances = road_distances(sites, places, roads, radius_km=wishes.radius_km, say=say)
            warnings += [*distances.attrs.get(NOTES, []), *roads.notes]
        asked["distances"] = distances
    say("searching")
    # The clock of the search starts with the search.
    effort = Effort(time_limit_s=wishes.time_limit_s, gap=wishes.gap, seed=wishes.seed, say=say)
    found, candidates = _chosen(wishes, sites, candidates, asked, exclusions, effort)
    warnings += found.notes
    if effort.interrupted:
        warnings.append("The search was stopped by hand; this is the best plan that it had found.")
    tables = _tables(found)
    if not effort.interrupted:
        tables |= _studies(wishes, objective_of(wishes, found), (sites, candidates), asked, warnings, say)
    totals = {
        **found.totals, "candidates": len(candidates), "status": found.status, "objective": found.objective,
        "bound": found.bound if np.isfinite(found.bound) else None, "gap": found.gap if np.isfinite(found.gap) else None,
        "unit": found.unit,
    }  # fmt: skip
    return Answer(
        wishes, found, tables, totals, [*dict.fromkeys(warnings), *synthetic_note(reg)], sites, plants, candidates,
        by_road=wishes.road is not None,
    )  # fmt: skip


def _check(wishes: Wishes) -> None:
    """Refuse what cannot be, before anything is read or searched."""
    Effort(time_limit_s=wishes.time_limit_s, gap=wishes.gap)
    if wishes.road is not None and wishes.improve:
        raise BadParameterError("--improve and --road: a place that moves has no road yet. Choose one.")
    if wishes.road is not None and wishes.radius_km is None:
        raise BadParameterError("--road: roads are asked for within a radius. Give --radius-km.")
    if wishes.curve is not None and wishes.radius_km is None:
        raise BadParameterError("--curve: it needs to know how far a hub reaches. Give --radius-km.")
    if wishes.curve is not None and wishes.curve < 1:
        raise BadParameterError(f"--curve {wishes.curve}: give the number of hubs up to which it goes, 1 or more.")
    if wishes.by_radius and wishes.hubs is None:
        raise BadParameterError("--by-radius: it needs to know how many hubs there are. Give --hubs.")
    if wishes.road is not None and wishes.radius_km is not None and max(wishes.by_radius, default=0) > wishes.radius_km:
        raise BadParameterError(
            f"--by-radius: roads are known up to --radius-km {wishes.radius_km:g} only. Give shorter radii, or a longer one there."
        )


def _chosen(
    wishes: Wishes, sites: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame, asked: Asked,
    exclusions: Sequence[Exclusion], effort: Effort,
) -> tuple[SitingPlan, gpd.GeoDataFrame]:  # fmt: skip
    """The plan, and the candidates that it was made with."""

    def choose(some: gpd.GeoDataFrame) -> SitingPlan:
        return choose_hubs(sites, some, objective=wishes.objective, effort=effort, **asked)

    if not wishes.improve:
        return choose(candidates), candidates
    return weber.alternate(choose, sites, candidates, effort=effort, exclusions=exclusions)


def _places(candidates: gpd.GeoDataFrame, plants: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Candidates and existing plants, each once, for a road server."""
    places = candidates[[candidates.geometry.name]]
    if plants.empty:
        return places
    own = plants[[plants.geometry.name]].to_crs(candidates.crs)
    return pd.concat([places, own[~own.index.isin(places.index)]])


def objective_of(wishes: Wishes, found: SitingPlan) -> Objective:
    """The objective that was planned for, also where it followed from the model."""
    return wishes.objective or _BY_UNIT.get(found.unit, "covered")


_BY_UNIT: dict[str, Objective] = {"t·km/a": "tonne_km", "km": "tonne_km", "yuan/a": "cost", "t CO2/a": "co2"}


def _tables(found: SitingPlan) -> dict[str, pd.DataFrame]:
    """The tables of the plan, what is left most first."""
    left = found.unreached.sort_values("annual_t", ascending=False, kind="stable", ignore_index=True)
    order = [*HUB_COLUMNS, *(name for name in found.hubs.columns if name not in HUB_COLUMNS)]
    tables: dict[str, pd.DataFrame] = {
        "hubs": found.hubs[order], "flows": found.flows, "materials": found.materials, "unreached": left,
    }  # fmt: skip
    if len(found.plant_flows):
        tables["plant_flows"] = found.plant_flows
    return tables


def _studies(
    wishes: Wishes, objective: Objective, layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], asked: Asked,
    warnings: list[str], say: Callable[[str], None],
) -> dict[str, pd.DataFrame]:  # fmt: skip
    """The studies that were asked for; each has the time of the plan, and Ctrl-C ends one with what it has."""
    tables: dict[str, pd.DataFrame] = {}
    # Curves are of coverage, under the conditions of the plan but for its model, its objective and its number of hubs.
    given: Given = {
        "streams": asked["streams"], "same_material": asked["same_material"], "plants": asked.get("plants"),
        "intakes": asked.get("intakes"), "terms": asked["terms"], "conditions": asked["conditions"],
        "distances": asked.get("distances"),
    }  # fmt: skip

    def effort() -> Effort:
        return Effort(time_limit_s=wishes.time_limit_s, gap=wishes.gap, seed=wishes.seed, say=say)

    if wishes.curve is not None and wishes.radius_km is not None:
        say("studying more hubs")
        with _aside("Curve", warnings):
            tables["curve"] = studies.coverage_by_hubs(
                *layers,
                most_hubs=min(wishes.curve, len(layers[1])),
                radius_km=wishes.radius_km,
                effort=effort(),
                **given,
            )
    if wishes.by_radius and wishes.hubs is not None:
        say("studying other radii")
        with _aside("Radii", warnings):
            tables["by_radius"] = studies.coverage_by_radius(
                *layers, hubs=wishes.hubs, radii_km=wishes.by_radius, effort=effort(), **given
            )
    for table in tables.values():
        warnings += table.attrs.get(NOTES, [])
    if wishes.sensitivity:
        say("studying other assumptions")
        with _aside("Sensitivity", warnings):
            varied = studies.sensitivity(*layers, objective=objective, effort=effort(), **asked)
            tables |= {"sensitivity": varied.scenarios, "stability": varied.stability}
            warnings += [f"Sensitivity: {note}" for note in varied.notes if note not in warnings]
    if wishes.pareto is not None:
        say("studying what one objective costs the other")
        without = asked.copy()
        del without["model"]
        with _aside("Pareto front", warnings):
            front = studies.pareto(
                *layers, objectives=wishes.pareto, points=wishes.pareto_points, effort=effort(), **without
            )
            tables["pareto"] = front.points
            warnings += [f"Pareto front: {note}" for note in front.notes if note not in warnings]
    # A bound that was not found is no number.
    return {name: table.replace([np.inf, -np.inf], np.nan) for name, table in tables.items()}


@contextmanager
def _aside(study: str, warnings: list[str]) -> Iterator[None]:
    """A study that has no answer is told in a line; the plan stands without it."""
    try:
        yield
    except RegistryError as error:
        warnings.append(f"{study}: {error}")
