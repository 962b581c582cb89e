"""Whatever is asked, a plan obeys its laws, or one clear line says why there is none."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from plan_truth import layer

from registry.errors import BadParameterError, NoPlanError
from registry.services import materials
from registry.services.break_even import HaulCosts
from registry.services.siting import Conditions, Effort, SitingPlan, Terms, choose_hubs
from registry.services.siting.planning import reasons

CODES = ["SW01", "SW04", "SW05", "091-001-S05", "SW04;SW05", "321-002-48", None]


def some_world(seed: int) -> dict[str, gpd.GeoDataFrame | pd.DataFrame]:
    """Layers on a coarse grid, so that places coincide and distances are equal; amounts that are 0 or missing."""
    rng = np.random.default_rng(seed)

    def at(n: int) -> tuple[np.ndarray, np.ndarray]:
        return 110 + rng.integers(0, 8, n) * 0.25, 35 + rng.integers(0, 8, n) * 0.25

    n, m, q = rng.integers(1, 16), rng.integers(1, 7), rng.integers(1, 4)
    amounts = rng.choice([0.0, np.nan, 1.0, 5e4, 2e5, 3.3e6], n)
    provinces = ["130000", "140000"]
    sites = layer(
        *at(n), "s", annual_t=amounts, waste_codes=rng.choice(CODES, n), province_code=rng.choice(provinces, n)
    )
    candidates = layer(
        *at(m), "c", waste_codes=rng.choice(CODES[:5], m), region_code=rng.choice(["130100", "140200"], m)
    )
    plants = layer(
        *at(q), "p", waste_codes=rng.choice(CODES[:5], q), capacity_t_per_year=rng.choice([0.0, np.nan, 7e4, 1e6], q),
        province_code=rng.choice(provinces, q),
    )  # fmt: skip
    rows = rng.integers(0, n, 2 * n)
    streams = pd.DataFrame(
        {
            "site_uid": sites.index[rows],
            "waste_code": rng.choice(CODES[:4], rows.size),
            "annual_t": rng.choice([0.0, np.nan, 10.0, 1e5], rows.size),
        }
    )
    return {"sites": sites, "candidates": candidates, "plants": plants, "streams": streams}


usual = {
    "hubs": st.sampled_from([1, 2, 3]),
    "radius_km": st.sampled_from([40.0, 120.0]),
    "objective": st.sampled_from(["covered", "tonne_km", "cost", "co2"]),
}
options = {
    "same_material": st.booleans(),
    "terms": st.sampled_from(
        [
            Terms(costs=HaulCosts(margin_yuan_per_t=90), modules_t=[1e5, 1e6], module_capital_yuan=[5e5, 2e6]),
            Terms(costs=HaulCosts(margin_yuan_per_t=60), modules_t=[3e5]),
        ]
    ),
    "conditions": st.sampled_from(
        [
            Conditions(within_province=True), Conditions(most_by_province=1), Conditions(most_modules=1),
            Conditions(modules_in_all=2), Conditions(budget_yuan=3e6), Conditions(least_load_t=1e5),
        ]
    ),
    "beside": st.sampled_from([("covered", 1e4), ("tonne_km", 1e6), ("cost", 1e8)]),
    "model": st.just("facility_location"),
    "plants": st.just(True),
    "streams": st.just(True),
}  # fmt: skip
asked = st.fixed_dictionaries(usual, optional=options)
strange = st.fixed_dictionaries(
    {
        "hubs": st.sampled_from([None, 1, 9]),
        "radius_km": st.sampled_from([None, 5.0, 500.0]),
        "model": st.sampled_from(["set_covering", "maximal_covering", "p_median", "capacitated_p_median"]),
    },
    optional={
        **{name: strategy for name, strategy in options.items() if name != "model"},
        "objective": usual["objective"],
        "conditions": st.sampled_from([Conditions(survive="plant"), Conditions(survive="source")]),
    },
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 10**6), asked | strange)
def test_a_plan_or_a_clear_line(seed: int, wanted: dict[str, Any]) -> None:
    here = some_world(seed)
    layers = {name: here[name] for name in ("plants", "streams") if wanted.get(name)}
    try:
        plan = choose_hubs(here["sites"], here["candidates"], **(wanted | layers), effort=Effort(time_limit_s=20))
    except (NoPlanError, BadParameterError) as error:
        event(type(error).__name__)
        said = str(error)
    else:
        event("plan")
        whole(plan, here, by_stream="streams" in wanted)
        as_wanted(plan, here, wanted)
        consistent(plan, wanted)
        return
    assert "\n" not in said
    assert "nan" not in said


def whole(plan: SitingPlan, here: dict[str, Any], *, by_stream: bool) -> None:
    """No tonne is lost, and nobody takes more than there is room for."""
    sites = here["sites"]
    given_t = here["streams"] if by_stream else sites.reset_index(names="site_uid")
    supply = given_t.groupby("site_uid")["annual_t"].sum().reindex(sites.index, fill_value=0.0)
    moved = pd.concat([plan.flows, plan.plant_flows])
    sent = moved.groupby("site_uid")["annual_t"].sum().reindex(sites.index, fill_value=0.0)
    left = plan.unreached.groupby("site_uid")["annual_t"].sum().reindex(sites.index, fill_value=0.0)
    np.testing.assert_allclose(sent + left, supply, rtol=1e-6, atol=1e-2)
    assert (moved["annual_t"] > 0).all()
    assert set(plan.unreached["reason"]) <= set(reasons.REASONS)
    hubs = plan.hubs.set_index("hub")
    assert (hubs["annual_t"] <= hubs["capacity_t_per_year"] * (1 + 1e-6)).all()
    assert hubs["candidate"].is_unique
    capacity = here["plants"]["capacity_t_per_year"].fillna(0.0)
    taken = plan.plant_flows.groupby("plant_uid")["annual_t"].sum()
    assert (taken <= capacity.reindex(taken.index) * (1 + 1e-6)).all()


def as_wanted(plan: SitingPlan, here: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Every condition is kept, by hub and by flow."""
    sites, candidates, hubs = here["sites"], here["candidates"], plan.hubs.set_index("hub")
    assert len(hubs) <= (wanted["hubs"] or len(candidates))
    moved = pd.concat([plan.flows, plan.plant_flows])
    assert moved["distance_m"].max() <= (wanted["radius_km"] or np.inf) * 1_000
    if wanted.get("same_material", True) and len(plan.flows):
        takers = candidates["waste_codes"].reindex(plan.flows["hub"].map(hubs["candidate"]))
        held, accepted = ([materials.waste_codes(text) for text in some] for some in (plan.flows["waste_code"], takers))
        matches = materials.accepted(held, accepted)
        assert matches[np.arange(len(held)), np.arange(len(held))].all()
    conditions = wanted.get("conditions", Conditions())
    at = hubs["candidate"].map(candidates["region_code"]).str[:2]
    assert at.value_counts().max() <= (conditions.most_by_province or np.inf) or not len(hubs)
    if conditions.within_province:
        home = sites["province_code"].reindex(plan.flows["site_uid"]).str[:2].to_numpy()
        assert (home == plan.flows["hub"].map(at).to_numpy()).all()
    assert (hubs["modules"] <= (conditions.most_modules or np.inf)).all()
    assert hubs["modules"].sum() <= (conditions.modules_in_all or np.inf)
    assert plan.totals["built_yuan"] <= (conditions.budget_yuan or np.inf) * (1 + 1e-6)
    assert (hubs["annual_t"] >= conditions.least_load_t * (1 - 1e-6)).all()


def consistent(plan: SitingPlan, wanted: dict[str, Any]) -> None:
    """Objective, second objective and totals say the same."""
    limit = wanted.get("beside")
    if limit is not None:
        reached = {
            "covered": plan.totals["annual_t_served"], "tonne_km": -plan.totals["tonne_km"], "cost": plan.totals["net_yuan"],
        }[limit[0]]  # fmt: skip
        bound = limit[1] if limit[0] == "covered" else -limit[1]
        assert reached >= bound - 1e-6 * max(abs(bound), 1.0)
    if plan.unit == "t/a" and wanted.get("conditions", Conditions()).survive is None:
        assert plan.objective == pytest.approx(plan.totals["annual_t_served"], rel=1e-6)
    if plan.unit == "yuan/a":
        assert plan.objective == pytest.approx(-plan.totals["net_yuan"], rel=1e-6, abs=1.0)
    if plan.unit == "t·km/a":
        assert plan.objective == pytest.approx(plan.totals["tonne_km"] + plan.totals["outside"], rel=1e-6, abs=1e-3)
