"""The plan that a planner gets."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandas as pd

from registry.services.siting.solution import Proven

if TYPE_CHECKING:
    from geopandas import GeoDataFrame


@dataclass(frozen=True)
class SitingPlan(Proven):
    """Hubs, what flows to them, and how sure the plan is.

    Attributes
    ----------
    hubs : (p,) points ``hub`` (``H1`` …, the largest first), ``place, region_code, modules`` (their number),
        ``capacity_t_per_year, annual_t, cost_per_t`` (yuan for freight, operation and capital), ``candidate`` (its uid),
        ``module_sizes`` (such as ``10 Mt + 2 × 1 Mt``), ``use`` (share of the capacity), ``sites, radius_km`` (the longest haul).
        Where the model looks at no capacity, the modules are those that would take the tonnes at least capital
    flows : ``site_uid, hub, waste_code, annual_t, distance_m`` by hub, the largest flow first. Distances are geodesic, or by
        road where the roads were given
    unreached : ``site_uid, waste_code, annual_t, reason`` of what goes to no hub and no plant; reasons are those of
        `reasons.REASONS`
    objective, bound : in the unit of ``unit``. At most the bound can be had where tonnes are covered; otherwise at least the
        bound must be borne
    unit : of the objective, such as ``t/a``
    totals : what the commands print: ``model, hubs, modules, sites, sites_served, annual_t, annual_t_served, share_annual_t,
        annual_t_to_plants, tonne_km`` (as in ``flows``), ``road_tonne_km, co2_t``; yearly ``freight_yuan, operating_yuan, capital_yuan,
        avoided_tax_yuan, avoided_disposal_yuan, margin_yuan, net_yuan`` (gain, negative where the plan costs), ``built_yuan`` (capital as
        it is spent once); ``outside`` (part of the objective that stands for tonnes in reach that nobody takes); ``worst_source,
        worst_source_t`` (largest site served), ``worst_hub, worst_hub_t`` (hub whose loss strands most, and how much: what no other hub
        has within reach, or, where capacities count, all that it takes)
    notes : what a reader must know, such as defaults that nobody gave
    materials : ``hub, waste_code, annual_t``, what every hub takes of what
    plant_flows : ``site_uid, plant_uid, waste_code, annual_t, distance_m`` of what goes to plants that exist
    """

    hubs: GeoDataFrame
    flows: pd.DataFrame
    unreached: pd.DataFrame
    objective: float
    bound: float
    unit: str
    totals: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    materials: pd.DataFrame = field(default_factory=pd.DataFrame)
    plant_flows: pd.DataFrame = field(default_factory=pd.DataFrame)
