"""One plan of every kind on the demo inventory: 9,320 sites, candidates where a tenth of its plants stand."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest

from registry.demo.inventory import synthesise
from registry.model.vocabulary import Kind
from registry.services.break_even import HaulCosts
from registry.services.siting import Conditions, Effort, Terms, choose_hubs

Layers = tuple[gpd.GeoDataFrame, gpd.GeoDataFrame, gpd.GeoDataFrame]


@pytest.fixture(scope="module")
def demo(provinces: gpd.GeoDataFrame) -> Layers:
    """Sites, plants, and candidates."""
    records = synthesise(provinces).records
    codes = dict(zip(provinces["name"], provinces["code"], strict=True))

    def layer(frame: pd.DataFrame) -> gpd.GeoDataFrame:
        at = gpd.points_from_xy(frame["lon"], frame["lat"])
        found = gpd.GeoDataFrame(frame, geometry=at, crs=4490).set_index("code")
        return found.assign(waste_codes=found["waste_code"], province_code=found["declared_province"].map(codes))

    sites = layer(pd.concat([table for kind, table in records.items() if kind is not Kind.UTILIZATION_PLANT]))
    plants = layer(records[Kind.UTILIZATION_PLANT])
    candidates = plants.iloc[::10].drop(columns=["capacity_t_per_year", "waste_codes"])
    return sites, plants, candidates.assign(region_code=candidates["province_code"])


def effort() -> Effort:
    return Effort(gap=0.03, time_limit_s=60)


@pytest.mark.parametrize(
    "asked",
    [
        {"hubs": 5, "radius_km": 100},
        {"hubs": 5, "radius_km": 100, "objective": "tonne_km"},
        {"hubs": 5, "radius_km": 100, "objective": "co2"},
        {"hubs": 5, "objective": "cost", "terms": Terms(costs=HaulCosts(margin_yuan_per_t=10))},
        {"radius_km": 60},
        {"hubs": 8, "model": "p_center"},
        {"hubs": 5, "radius_km": 100, "conditions": Conditions(survive="plant")},
        {"hubs": 5, "radius_km": 100, "conditions": Conditions(survive="source", most_by_province=1)},
    ],
    ids=lambda asked: "-".join(str(value) for value in asked.values() if isinstance(value, str | int)),
)
def test_a_plan_of_every_kind(demo: Layers, asked: dict[str, Any]) -> None:
    sites, _, candidates = demo
    plan = choose_hubs(sites, candidates, effort=effort(), **asked)
    tonnes = sites["annual_t"].sum()
    assert plan.flows["annual_t"].sum() + plan.unreached["annual_t"].sum() == pytest.approx(tonnes)
    assert plan.totals["annual_t"] == pytest.approx(tonnes)
    assert 1 <= len(plan.hubs) <= asked.get("hubs", len(candidates))
    assert (plan.hubs["annual_t"] <= plan.hubs["capacity_t_per_year"] * (1 + 1e-6)).all()
    assert plan.gap <= 0.03 + 1e-9
    assert not plan.flows["site_uid"].duplicated().any() or asked.get("objective") == "cost"
    if "radius_km" in asked:
        assert plan.flows["distance_m"].max() <= asked["radius_km"] * 1_000
    served = set(plan.flows["site_uid"])
    assert served.isdisjoint(plan.unreached.loc[plan.unreached["reason"] == "no amount", "site_uid"])


def test_plants_that_stand_take_what_they_can(demo: Layers) -> None:
    sites, plants, candidates = demo
    plan = choose_hubs(sites, candidates, hubs=3, radius_km=60, plants=plants, effort=effort())
    taken = plan.plant_flows.groupby("plant_uid")["annual_t"].sum()
    assert len(taken) > 10
    assert (taken <= plants["capacity_t_per_year"].reindex(taken.index) * (1 + 1e-6)).all()
    assert plan.totals["annual_t_served"] == pytest.approx(plan.flows["annual_t"].sum() + taken.sum())
    codes = plants["waste_codes"].reindex(plan.plant_flows["plant_uid"])
    assert all(code in str(some) for code, some in zip(plan.plant_flows["waste_code"], codes, strict=True))


def test_no_haul_crosses_the_border_of_a_province(demo: Layers) -> None:
    sites, _, candidates = demo
    plan = choose_hubs(
        sites, candidates, hubs=5, radius_km=150, conditions=Conditions(within_province=True), effort=effort()
    )
    to = plan.flows.merge(plan.hubs[["hub", "region_code"]], on="hub")
    assert np.array_equal(sites.loc[to["site_uid"], "province_code"], to["region_code"])
    assert "across the border only" in set(plan.unreached["reason"])
