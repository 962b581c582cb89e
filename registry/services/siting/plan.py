"""Where to build recycling hubs: which places, which capacity, which waste from where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.errors import BadParameterError, EmptyLayerError
from registry.services import hauls as haul_service
from registry.services.siting.haul_plan import HaulProblem, plan_hauls
from registry.services.siting.solution import relative_gap, status_of

if TYPE_CHECKING:
    from geopandas import GeoDataFrame

    from registry.services.siting.effort import Effort

Objective = Literal["covered", "tonne_km", "cost", "co2"]

_NOTHING_T = 1e-6


@dataclass(frozen=True)
class SitingPlan:
    """Hubs, what flows to them, and how sure the plan is.

    Attributes
    ----------
    hubs : (p,) points ``hub`` (``H1`` …, the largest first), ``candidate`` (its uid), ``place, region_code, modules,
        capacity_t_per_year, annual_t, use`` (share of the capacity, NaN without one), ``sites, radius_km`` (the longest
        haul), ``cost_per_t``
    flows : ``site_uid, hub, waste_code, annual_t, distance_m`` by hub, the largest flow first
    unreached : ``site_uid, waste_code, annual_t, reason`` of what goes to no hub
    objective, bound : in the unit of ``unit``
    unit : of the objective, such as ``t/a``
    totals : what the commands print: ``hubs, sites, sites_served, annual_t, annual_t_served, share_annual_t, tonne_km, …``
    notes : what a reader must know, such as defaults that nobody gave
    """

    hubs: GeoDataFrame
    flows: pd.DataFrame
    unreached: pd.DataFrame
    objective: float
    bound: float
    unit: str
    totals: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def gap(self) -> float:
        """How much better a plan could be at most, as a share of the objective."""
        return relative_gap(self.objective, self.bound)

    @property
    def status(self) -> str:
        """``optimal``, or ``within x %``."""
        return status_of(self.gap)


def choose_hubs(
    sites: GeoDataFrame,
    candidates: GeoDataFrame,
    *,
    hubs: int,
    radius_km: float,
    objective: Objective = "covered",
    streams: pd.DataFrame | None = None,
    same_material: bool = True,
    effort: Effort | None = None,
) -> SitingPlan:
    """Choose the places for hubs.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    candidates : (m,) points, unique index; ``name, region_code`` are used where they are, ``waste_codes`` says what a hub
        there accepts, everything without it
    """
    if len(candidates) == 0:
        raise EmptyLayerError("candidates: there is none. Give places where a hub could stand.")
    if not 0 < hubs <= len(candidates):
        raise BadParameterError(f"hubs = {hubs}: give a number from 1 to {len(candidates)}, the number of candidates.")
    place = haul_service.setting(sites, candidates)
    lots = haul_service.lots_of(
        sites, candidates, streams, same_material=same_material and "waste_codes" in candidates.columns
    )
    found = haul_service.within(place, lots, np.full((1, 1), radius_km * 1_000))
    parcels, parcel = np.unique(lots.parcel, return_inverse=True)
    supply = np.zeros(parcels.size)
    supply[parcel] = lots.annual_t
    value = np.ones(found.lot.size) if objective == "covered" else radius_km - found.distance_m / 1_000
    problem = HaulProblem(
        supply=supply, parcel=parcel[found.lot], candidate=found.plant, value=value, candidates=len(candidates),
        sizes=np.array([np.inf]), fixed=np.zeros((len(candidates), 1)), hubs=hubs,
    )  # fmt: skip
    plan = plan_hauls(problem, effort)
    return _told(sites, candidates, (lots, found), plan.tonnes, (plan.objective, plan.bound))


def _told(
    sites: GeoDataFrame, candidates: GeoDataFrame, hauled: Any, tonnes: Any, proof: tuple[float, float]
) -> SitingPlan:
    lots, found = hauled
    used = tonnes > _NOTHING_T
    flows = pd.DataFrame(
        {
            "site_uid": sites.index.take(lots.site[found.lot[used]]),
            "row": found.plant[used],
            "waste_code": lots.texts[lots.group[found.lot[used]]],
            "annual_t": tonnes[used],
            "distance_m": found.distance_m[used],
        }
    )
    by_hub = flows.groupby("row").agg(
        annual_t=("annual_t", "sum"), sites=("site_uid", "nunique"), longest=("distance_m", "max")
    )
    by_hub = by_hub.sort_values("annual_t", ascending=False, kind="stable")
    rows = by_hub.index.to_numpy()
    chosen = candidates.iloc[rows]
    names = [f"H{number + 1}" for number in range(rows.size)]
    table = gpd.GeoDataFrame(
        {
            "hub": names,
            "candidate": chosen.index.astype(str),
            "place": chosen["name"].to_numpy() if "name" in chosen else chosen.index.astype(str),
            "region_code": chosen["region_code"].to_numpy() if "region_code" in chosen else None,
            "modules": 1,
            "capacity_t_per_year": np.nan,
            "annual_t": by_hub["annual_t"].to_numpy(),
            "use": np.nan,
            "sites": by_hub["sites"].to_numpy(),
            "radius_km": by_hub["longest"].to_numpy() / 1_000,
            "cost_per_t": np.nan,
        },
        geometry=chosen.geometry.to_numpy(),
        crs=candidates.crs,
    )
    flows.insert(1, "hub", flows["row"].map(dict(zip(rows, names, strict=True))))
    flows = flows.drop(columns="row").sort_values(["hub", "annual_t"], ascending=[True, False], kind="stable")
    reached = np.isin(np.arange(lots.site.size), found.lot[used])
    lost = pd.DataFrame(
        {
            "site_uid": sites.index.take(lots.site[~reached]),
            "waste_code": lots.texts[lots.group[~reached]],
            "annual_t": lots.annual_t[~reached],
            "reason": np.where(
                np.isin(np.flatnonzero(~reached), found.lot),
                "not chosen: no hub within the radius",
                "no candidate within the radius",
            ),
        }
    )
    whole, served = float(lots.annual_t.sum()), float(flows["annual_t"].sum())
    totals = {
        "hubs": len(table), "sites": len(sites), "sites_served": int(flows["site_uid"].nunique()), "annual_t": whole,
        "annual_t_served": served, "share_annual_t": served / whole if whole else float("nan"),
        "tonne_km": float((flows["annual_t"] * flows["distance_m"]).sum() / 1_000),
    }  # fmt: skip
    return SitingPlan(table, flows.reset_index(drop=True), lost, *proof, "t/a", totals)
