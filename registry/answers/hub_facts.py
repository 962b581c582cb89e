"""What stands round the hubs of a plan: who delivers, what is left, which plants are there, what they make."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import shapely

from registry import render
from registry.render.layers.frames import lonlat_geometry
from registry.services import geodesy, materials

if TYPE_CHECKING:
    import geopandas as gpd

    from registry.render import HubFacts
    from registry.services.siting import SitingPlan, Terms

LEAST_AROUND_KM = 30.0
"""What is nearby is no nearer than this, even round a hub whose sites are all closer."""


def facts_of(
    plan: SitingPlan, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, names: pd.DataFrame, *, terms: Terms,
    by_road: bool = False, radius_km: float | None = None,
) -> list[HubFacts]:  # fmt: skip
    """What the page of each hub says.

    Parameters
    ----------
    plan : hubs, flows, what is left
    sites : (n,) points, index ``uid``, columns ``name, kind``
    plants : (m,) points, index ``uid``, columns ``name, products, capacity_t_per_year, waste_codes``
    names : ``code, level, name`` of the regions that the hubs lie in
    terms : money of the plan
    by_road : whether distances are by road already
    radius_km : how far "nearby" is; by default the longest haul to the hub, and at least 30 km
    """
    crs = geodesy.layer_crs(sites, "sites")
    geod = geodesy.ellipsoid(crs)
    hubs = plan.hubs
    at = shapely.get_coordinates(lonlat_geometry(hubs)).reshape(-1, 2)
    site_at, plant_at = (shapely.get_coordinates(lonlat_geometry(layer)).reshape(-1, 2) for layer in (sites, plants))
    left = plan.unreached[plan.unreached["annual_t"] > 0]
    left_row = sites.index.get_indexer(left["site_uid"])
    called = _called(sites)
    facts = []
    for row, hub in enumerate(hubs.to_dict("records")):
        flows = plan.flows[plan.flows["hub"] == hub["hub"]]
        around = max(radius_km or float(hub["radius_km"]), LEAST_AROUND_KM)
        from_hub = _distances(geod, at[row], site_at[left_row])
        near = from_hub <= around * 1_000
        there = _distances(geod, at[row], plant_at)
        facts.append(
            render.HubFacts(
                hub=str(hub["hub"]), place=str(hub["place"]), region=_region(hub.get("region_code"), names),
                lng=float(at[row, 0]), lat=float(at[row, 1]), modules=int(hub["modules"]),
                capacity_t=float(hub["capacity_t_per_year"]), annual_t=float(hub["annual_t"]), use=float(hub["use"]),
                sites=int(hub["sites"]), radius_km=float(hub["radius_km"]), mean_km=_mean_km(flows),
                costs=_costs(hub, flows, terms, by_road=by_road),
                materials=_materials(flows),
                sources=_sources(flows, sites, called),
                unreached=_unreached(left[near], left_row[near], from_hub[near], called),
                plants=_plants(plants, there, around, flows),
                routes=_routes(plants, flows),
                around_km=around,
            )
        )  # fmt: skip
    return facts


def _distances(geod: Any, hub: np.ndarray[Any, Any], places: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """(k,) geodesic metres from a hub to places."""
    if not len(places):
        return np.empty(0)
    lon, lat = np.full(len(places), hub[0]), np.full(len(places), hub[1])
    return np.asarray(geodesy.inverse(geod, lon, lat, places[:, 0], places[:, 1]).distance_m)


def _called(layer: pd.DataFrame) -> pd.Series[str]:
    """The name of every row, else its code, else its uid."""
    called = pd.Series(layer.index.astype(str), index=layer.index, dtype=object)
    for column in ("code", "name"):
        if column in layer:
            called = layer[column].astype(object).where(layer[column].notna(), called)
    return called.astype(str)


def _region(code: str | float | None, names: pd.DataFrame) -> str:
    """A region and those above it, the largest first: 河北省 承德市 兴隆县."""
    if code is None or pd.isna(code):
        return ""
    text = str(code)
    wanted = dict.fromkeys([f"{text[:2]}0000", f"{text[:4]}00", text]) if len(text) == 6 else {text: None}
    known = dict(zip(names["code"].astype(str), names["name"], strict=True))
    return " ".join(dict.fromkeys(str(known[each]) for each in wanted if each in known)) or text


def _costs(hub: dict[str, Any], flows: pd.DataFrame, terms: Terms, *, by_road: bool) -> dict[str, float]:
    """What a tonne costs, part by part, and what hauling it saves; yuan, nothing where the hub takes nothing."""
    whole, tonnes = float(hub["cost_per_t"]), flows["annual_t"].to_numpy(float)
    if not np.isfinite(whole) or not tonnes.sum():
        return {}
    km = flows["distance_m"].to_numpy(float) / 1_000 * (1.0 if by_road else terms.costs.circuity)
    share = tonnes / tonnes.sum()
    freight = float(share @ terms.freight(km))
    codes = [None if pd.isna(code) else str(code) for code in flows["waste_code"]]
    rates = {code: (terms.costs.tax_of(code), terms.costs.disposal_of(code)) for code in set(codes)}
    return {
        "freight": freight,
        "operating": terms.operating_yuan_per_t,
        "capital": whole - freight - terms.operating_yuan_per_t,
        "cost_per_t": whole,
        "avoided_tax": float(share @ np.array([rates[code][0] for code in codes])),
        "avoided_disposal": float(share @ np.array([rates[code][1] for code in codes])),
    }


def _mean_km(flows: pd.DataFrame) -> float:
    tonnes = float(flows["annual_t"].sum())
    return float((flows["annual_t"] * flows["distance_m"]).sum()) / tonnes / 1_000 if tonnes else float("nan")


def _materials(flows: pd.DataFrame) -> pd.DataFrame:
    table = flows.groupby("waste_code", dropna=False).agg(annual_t=("annual_t", "sum"), sites=("site_uid", "nunique"))
    table = table.sort_values("annual_t", ascending=False, kind="stable").reset_index()
    table.insert(2, "share", table["annual_t"] / (float(table["annual_t"].sum()) or 1.0))
    return table


def _sources(flows: pd.DataFrame, sites: gpd.GeoDataFrame, called: pd.Series[str]) -> pd.DataFrame:
    kinds = sites["kind"] if "kind" in sites else pd.Series(None, index=sites.index, dtype=object)
    uids = flows["site_uid"]
    table = pd.DataFrame(
        {
            "name": called.reindex(uids).to_numpy(), "kind": kinds.reindex(uids).to_numpy(),
            "waste_code": flows["waste_code"].to_numpy(), "annual_t": flows["annual_t"].to_numpy(),
            "distance_m": flows["distance_m"].to_numpy(),
        }
    )  # fmt: skip
    return table.sort_values("annual_t", ascending=False, kind="stable", ignore_index=True)


def _unreached(
    left: pd.DataFrame, row: np.ndarray[Any, Any], distance_m: np.ndarray[Any, Any], called: pd.Series[str]
) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "name": called.to_numpy()[row], "waste_code": left["waste_code"].to_numpy(),
            "annual_t": left["annual_t"].to_numpy(), "distance_m": distance_m, "reason": left["reason"].to_numpy(),
        }
    )  # fmt: skip
    return table.sort_values("annual_t", ascending=False, kind="stable", ignore_index=True)


def _plants(
    plants: gpd.GeoDataFrame, distance_m: np.ndarray[Any, Any], around_km: float, flows: pd.DataFrame
) -> pd.DataFrame:
    """Plants nearby, and whether each accepts a material that the hub takes."""
    near = distance_m <= around_km * 1_000
    taken = plants[near]
    table = pd.DataFrame(
        {
            "name": _called(plants).to_numpy()[near],
            "products": _column(taken, "products"),
            "capacity_t_per_year": pd.to_numeric(_column(taken, "capacity_t_per_year")).astype(float),
            "distance_m": distance_m[near],
            "accepts": _accepts(taken, flows["waste_code"].unique().tolist()).any(axis=0),
        }
    )
    return table.sort_values("distance_m", kind="stable", ignore_index=True)


def _column(frame: pd.DataFrame, name: str) -> pd.Series:
    """A column without its index, empty where there is none."""
    values = frame[name].astype(object) if name in frame else pd.Series(None, index=frame.index, dtype=object)
    return values.where(values.notna(), None).reset_index(drop=True)


def _accepts(plants: pd.DataFrame, codes: list[object]) -> np.ndarray[Any, Any]:
    """(codes, plants) whether a plant accepts a waste."""
    if materials.COLUMN not in plants:
        return np.ones((len(codes), len(plants)), dtype=bool)
    by_plant, taken = materials.distinct(plants[materials.COLUMN])
    return np.asarray(materials.accepted([materials.waste_codes(code) for code in codes], taken))[:, by_plant]


def _routes(plants: gpd.GeoDataFrame, flows: pd.DataFrame) -> pd.DataFrame:
    """For every material of a hub, the products of all plants that accept it, ``(product, plants)`` the most first."""
    tonnes = flows.groupby("waste_code", dropna=False)["annual_t"].sum().sort_values(ascending=False, kind="stable")
    codes = tonnes.index.tolist()
    accepts = _accepts(plants, codes)
    products = _column(plants, "products")
    rows = []
    for code, takers in zip(codes, accepts, strict=True):
        counted = products[takers].dropna().value_counts()
        rows.append((code, [(str(name), int(number)) for name, number in counted.items()], int(takers.sum())))
    return pd.DataFrame(rows, columns=["waste_code", "products", "plants"])
