"""What a report on a plan of hubs says, before it is drawn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from geopandas import GeoDataFrame


class Plan(Protocol):
    """A plan of hubs, as `services.siting.SitingPlan` has it."""

    @property
    def hubs(self) -> GeoDataFrame:
        """Points ``hub, place, region_code, modules, capacity_t_per_year, annual_t, use, sites, radius_km, cost_per_t``."""

    @property
    def flows(self) -> pd.DataFrame:
        """Rows ``site_uid, hub, waste_code, annual_t, distance_m``."""

    @property
    def unreached(self) -> pd.DataFrame:
        """Rows ``site_uid, waste_code, annual_t, reason``."""

    @property
    def objective(self) -> float:
        """In the unit of ``unit``."""

    @property
    def bound(self) -> float:
        """What no plan can beat."""

    @property
    def unit(self) -> str:
        """Of the objective."""

    @property
    def totals(self) -> dict[str, Any]:
        """Sums over the plan."""

    @property
    def gap(self) -> float:
        """How much better a plan could be at most, as a share of the objective."""


@dataclass(frozen=True, kw_only=True)
class HubFacts:
    """One hub and what stands around it.

    Attributes
    ----------
    hub, place, region : its name, what the place is called, and the county and province it lies in
    lng, lat : degrees
    modules, capacity_t, annual_t, use : as built and as used; NaN where nothing limits it
    sites, radius_km, mean_km : how many sites deliver, the longest haul, the mean over tonnes
    costs : what a tonne costs and saves in yuan: ``freight, operating, capital``, of these ``cost_per_t`` in all,
        ``avoided_tax, avoided_disposal``; empty where the hub takes nothing
    materials : ``waste_code, annual_t, share, sites``, most first
    sources : ``name, kind, waste_code, annual_t, distance_m``, most first
    unreached : ``name, waste_code, annual_t, distance_m, reason`` of what lies within reach and is not taken, most first
    plants : ``name, products, capacity_t_per_year, distance_m, accepts`` of plants nearby, the nearest first
    routes : ``waste_code, products, plants``: what the registered plants that accept a material make of it
    around_km : how far "nearby" is
    """

    hub: str
    place: str
    region: str
    lng: float
    lat: float
    modules: int
    capacity_t: float
    annual_t: float
    use: float
    sites: int
    radius_km: float
    mean_km: float
    costs: Mapping[str, float]
    materials: pd.DataFrame
    sources: pd.DataFrame
    unreached: pd.DataFrame
    plants: pd.DataFrame
    routes: pd.DataFrame
    around_km: float

    @property
    def shown_km(self) -> float:
        """How far the map of the hub reaches."""
        return 1.05 * self.around_km


@dataclass(frozen=True, kw_only=True)
class Report:
    """Everything that a report shows.

    Attributes
    ----------
    plan : the plan
    facts : of its hubs, in the order of the plan
    sites, plants : points, index ``uid``
    regions : polygons ``code, name, name_en, level``; drawn under the maps
    asked : what was asked, by the names of the options: ``objective, model, hubs, radius_km, candidates, candidate_places,
        materials, …``; one that is None is left out
    terms : the figures of money, haulage and modules that the plan rests on, by name
    studies : tables by name, of those that were asked for: ``curve, by_radius, sensitivity, stability, pareto``
    remarks : what whoever reads it must know, a line each
    note : a sentence that stands on every page, such as that the data is synthetic
    title : of the report; a general one unless given
    source : where the data is from
    on : the day on which it was made
    """

    plan: Plan
    facts: Sequence[HubFacts]
    sites: GeoDataFrame
    plants: GeoDataFrame | None = None
    regions: GeoDataFrame | None = None
    asked: Mapping[str, Any] = field(default_factory=dict)
    terms: Mapping[str, Any] = field(default_factory=dict)
    studies: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    remarks: Sequence[str] = ()
    note: str | None = None
    title: str | None = None
    source: str | None = None
    on: date = field(default_factory=date.today)
    lang: str = "zh"
