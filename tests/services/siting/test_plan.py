"""Small plans that can be worked out by hand: hubs, flows, money, and why waste stays where it is."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import karney
import numpy as np
import pandas as pd
import pytest
from plan_truth import layer

from registry.errors import NoPlanError
from registry.render import FlowsLayer, SitesLayer
from registry.services.break_even import HaulCosts
from registry.services.siting import Conditions, Effort, Terms, choose_hubs
from registry.services.siting.planning import reasons

# On the equator of the ellipsoid a degree of longitude is a·π/180 = 111.319 km, whatever the flattening.
DEGREE_KM = 6378.137 * np.pi / 180


def sites(**columns: Any) -> gpd.GeoDataFrame:
    """Four sites on the equator, at 0, 0.1, 0.5 and 3 degrees; the last adds nothing."""
    given = {"annual_t": [100.0, 60.0, 50.0, 0.0], **columns}
    return layer(np.array([0.0, 0.1, 0.5, 3.0]), np.zeros(4), "s", **given)


def candidates(**columns: Any) -> gpd.GeoDataFrame:
    """Three candidates, at 0, 0.4 and 5 degrees."""
    given = {"name": ["west", None, "east"], "region_code": ["130100", "140100", None], **columns}
    return layer(np.array([0.0, 0.4, 5.0]), np.zeros(3), "c", **given)


def test_a_plan_in_every_number() -> None:
    plan = choose_hubs(sites(), candidates(), hubs=2, radius_km=15)
    hubs = plan.hubs
    assert list(hubs.columns[:7]) == [
        "hub", "place", "region_code", "modules", "capacity_t_per_year", "annual_t", "cost_per_t",
    ]  # fmt: skip
    assert hubs["hub"].tolist() == ["H1", "H2"]
    assert hubs["candidate"].tolist() == ["c0", "c1"]
    assert hubs["place"].tolist() == ["west", "c1"]
    assert hubs["region_code"].tolist() == ["130100", "140100"]
    assert hubs["annual_t"].tolist() == [160.0, 50.0]
    assert hubs["modules"].tolist() == [1, 1]
    assert hubs["capacity_t_per_year"].tolist() == [100_000.0, 100_000.0]
    assert hubs["module_sizes"].tolist() == ["0.1 Mt", "0.1 Mt"]
    assert hubs["use"].tolist() == pytest.approx([160 / 1e5, 50 / 1e5])
    assert hubs["sites"].tolist() == [2, 1]
    assert hubs["radius_km"].tolist() == pytest.approx([0.1 * DEGREE_KM, 0.1 * DEGREE_KM])
    assert plan.flows["site_uid"].tolist() == ["s0", "s1", "s2"]
    assert plan.flows["hub"].tolist() == ["H1", "H1", "H2"]
    assert plan.flows["distance_m"].tolist() == pytest.approx([0.0, 100 * DEGREE_KM, 100 * DEGREE_KM])
    assert plan.materials["annual_t"].tolist() == [160.0, 50.0]
    assert plan.unreached.to_dict("list") == {
        "site_uid": ["s3"], "waste_code": [None], "annual_t": [0.0], "reason": [reasons.NO_AMOUNT],
    }  # fmt: skip
    # Freight: 60 t and 50 t over 11.132 km of straight line, 14.805 by road: ten at a yuan, the rest at 0.424.
    freight = 10 + 0.424 * (0.1 * DEGREE_KM * 1.33 - 10)
    annuity = 1e8 * 0.1**0.6 * 0.06 * 1.06**20 / (1.06**20 - 1)
    assert hubs["cost_per_t"].tolist() == pytest.approx([(60 * freight + annuity) / 160, freight + annuity / 50])
    totals = plan.totals
    assert totals["freight_yuan"] == pytest.approx(110 * freight)
    assert totals["capital_yuan"] == pytest.approx(2 * annuity)
    assert totals["tonne_km"] == pytest.approx(110 * 0.1 * DEGREE_KM)
    assert totals["road_tonne_km"] == pytest.approx(110 * 0.1 * DEGREE_KM * 1.33)
    assert totals["co2_t"] == pytest.approx(110 * 0.1 * DEGREE_KM * 1.33 * 0.095 / 1_000)
    assert (totals["worst_source"], totals["worst_source_t"]) == ("s0", 100.0)
    assert (totals["worst_hub"], totals["worst_hub_t"]) == ("H1", 160.0)
    assert (totals["sites"], totals["sites_served"], totals["hubs"]) == (4, 3, 2)
    assert (plan.objective, plan.bound, plan.unit, plan.status) == (210.0, 210.0, "t/a", "optimal")


def test_the_columns_that_a_map_takes_are_there() -> None:
    plan = choose_hubs(sites(), candidates(), hubs=1, radius_km=100)
    where = sites().assign(kind="gangue_heap", name=list("abcd"))
    FlowsLayer(plan.hubs, plan.flows, SitesLayer(where), unreached=plan.unreached["site_uid"])


def test_a_site_exactly_at_the_radius_is_within() -> None:
    at = sites().iloc[[1]]
    metres = karney.matrix(karney.CGCS2000, at, candidates())[0, 0]
    assert choose_hubs(at, candidates(), hubs=1, radius_km=metres / 1_000).totals["annual_t_served"] == 60


@pytest.mark.parametrize("objective", ["covered", "tonne_km"])
def test_the_same_seed_gives_the_same_plan(objective: str) -> None:
    first, second = (
        choose_hubs(sites(), candidates(), hubs=2, radius_km=50, objective=objective, effort=Effort(seed=5))
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(first.hubs.drop(columns="geometry"), second.hubs.drop(columns="geometry"))
    pd.testing.assert_frame_equal(first.flows, second.flows)
    assert first.totals == second.totals


# --------------------------------------------------------------------------------------------- material


def test_waste_goes_only_where_it_is_accepted_and_the_rest_is_told() -> None:
    here = sites(waste_codes=["SW05", "SW04", "900-001-S05", "SW04"])
    there = candidates(waste_codes=["SW05", "SW05", "SW04"])
    plan = choose_hubs(here, there, hubs=1, radius_km=60)
    assert plan.hubs["candidate"].tolist() == ["c0"]
    assert plan.flows[["site_uid", "waste_code"]].to_numpy().tolist() == [["s0", "SW05"], ["s2", "900-001-S05"]]
    assert plan.materials["waste_code"].tolist() == ["SW05", "900-001-S05"]
    assert plan.unreached["reason"].tolist() == [reasons.OTHER_MATERIAL, reasons.NO_AMOUNT]
    anything = choose_hubs(here, there, hubs=1, radius_km=60, same_material=False)
    assert anything.totals["annual_t_served"] == 210


def test_streams_are_parcels_of_their_own() -> None:
    streams = pd.DataFrame(
        {"site_uid": ["s0", "s0", "s1"], "waste_code": ["SW05", "SW04", "SW04"], "annual_t": [70.0, 30.0, 60.0]}
    )
    there = candidates(waste_codes=["SW05", "SW04", "SW04"])
    plan = choose_hubs(sites(), there, hubs=2, radius_km=60, streams=streams)
    flows = plan.flows.set_index(["site_uid", "waste_code"])
    assert flows["hub"].to_dict() == {("s1", "SW04"): "H1", ("s0", "SW04"): "H1", ("s0", "SW05"): "H2"}
    assert plan.hubs["candidate"].tolist() == ["c1", "c0"]


def test_a_parcel_of_several_codes_goes_whole_as_the_one_that_avoids_most_tax() -> None:
    here = sites(waste_codes=["SW04;SW05", "SW04;SW05", "SW04", "SW04"])
    plan = choose_hubs(here, candidates(waste_codes=["SW04;SW05", "SW04", "SW04"]), hubs=1, radius_km=15)
    assert plan.flows[["site_uid", "waste_code", "annual_t"]].to_numpy().tolist() == [
        ["s0", "SW05", 100.0],
        ["s1", "SW05", 60.0],
    ]
    assert plan.totals["avoided_tax_yuan"] == 160 * 15
    assert plan.unreached["waste_code"].tolist() == ["SW04", "SW04"]


# ---------------------------------------------------------------------------------------------- reasons


def test_why_waste_stays() -> None:
    here = layer(
        np.array([0.0, 0.4, 20.0, 0.02, 0.41]), np.zeros(5), "s", annual_t=[100.0, 50.0, 10.0, 5.0, np.nan],
        province_code=["130000", "140000", "130000", "140000", "130000"],
    )  # fmt: skip
    plan = choose_hubs(
        here, candidates(region_code=["130100", "140100", "130200"]), hubs=1, radius_km=10,
        conditions=Conditions(within_province=True),
    )  # fmt: skip
    assert plan.unreached.set_index("site_uid")["reason"].to_dict() == {
        "s1": reasons.NOT_CHOSEN, "s2": reasons.TOO_FAR, "s3": reasons.ACROSS_THE_BORDER, "s4": reasons.NO_AMOUNT,
    }  # fmt: skip
    limited = choose_hubs(
        here, candidates(), hubs=2, radius_km=10, conditions=Conditions(most_by_province={"140000": 0})
    )
    assert limited.unreached.set_index("site_uid")["reason"]["s1"] == reasons.NOT_ALLOWED
    twice = choose_hubs(
        here, candidates(), hubs=2, radius_km=46, conditions=Conditions(survive="plant")
    ).unreached.set_index("site_uid")["reason"]
    assert twice.to_dict() == {"s2": reasons.TOO_FAR, "s4": reasons.NO_AMOUNT}
    once = choose_hubs(here, candidates(), hubs=2, radius_km=44, conditions=Conditions(survive="plant"))
    assert once.unreached.set_index("site_uid")["reason"]["s0"] == reasons.TOO_FEW_TAKERS


def test_what_is_full_and_what_would_not_pay() -> None:
    terms = Terms(modules_t=[120], module_capital_yuan=[1_000.0])
    full = choose_hubs(
        sites(), candidates(), hubs=1, radius_km=15, model="facility_location", objective="covered", terms=terms,
        conditions=Conditions(most_modules=1),
    )  # fmt: skip
    assert full.totals["annual_t_served"] == pytest.approx(120)
    assert full.hubs["use"].tolist() == pytest.approx([1.0])
    why = full.unreached.set_index("site_uid")
    assert why.loc["s1", "reason"] == reasons.FULL
    assert why.loc["s1", "annual_t"] == pytest.approx(40)
    assert why.loc["s2", "reason"] == reasons.NOT_CHOSEN

    # 100 t fit into no hub of 70 t; the other two lots go whole.
    whole = choose_hubs(
        sites(), candidates(), hubs=2, radius_km=15, model="capacitated_p_median", terms=Terms(modules_t=[70])
    )  # fmt: skip
    assert whole.unreached.set_index("site_uid")["reason"].to_dict() == {
        "s0": reasons.TOO_LARGE, "s3": reasons.NO_AMOUNT,
    }  # fmt: skip

    # Without codes no tax is avoided; a margin of 12 yuan pays for 14.7 km by road, 11.1 straight.
    dear = Terms(costs=HaulCosts(margin_yuan_per_t=12), modules_t=[1_000], module_capital_yuan=[1_000.0])
    money = choose_hubs(sites(), candidates(), objective="cost", terms=dear)
    assert set(money.flows["site_uid"]) == {"s0"}
    assert money.unreached.set_index("site_uid")["reason"].to_dict() == {
        "s1": reasons.WOULD_NOT_PAY, "s2": reasons.WOULD_NOT_PAY, "s3": reasons.NO_AMOUNT,
    }  # fmt: skip
    assert money.objective == pytest.approx(-(100 * 12 - 1_000 * dear.annuity))


# ----------------------------------------------------------------------------------- distances and money


def test_distances_by_road_are_taken_as_they_are() -> None:
    roads = pd.DataFrame(
        {
            "site_uid": ["s0", "s1", "s1", "s2"],
            "candidate": ["c0", "c0", "c2", "c1"],
            "distance_m": [0.0, 30_000.0, 9_000.0, 10_000.0],
        }
    )
    plan = choose_hubs(sites(), candidates(), hubs=2, radius_km=20, distances=roads)
    assert plan.totals["annual_t_served"] == 160.0
    assert plan.flows["distance_m"].tolist() == [0.0, 9_000.0]
    assert plan.totals["road_tonne_km"] == plan.totals["tonne_km"] == 60 * 9
    assert plan.unreached.set_index("site_uid")["reason"]["s2"] == reasons.NOT_CHOSEN
    far = choose_hubs(sites(), candidates(), hubs=1, radius_km=9, distances=roads)
    assert far.unreached.set_index("site_uid")["reason"]["s2"] == reasons.TOO_FAR
    near = choose_hubs(sites(), candidates(), hubs=3, radius_km=12, distances=roads.iloc[:3])
    assert near.unreached.set_index("site_uid")["reason"]["s2"] == reasons.NO_ROAD


def test_a_market_that_is_full_earns_no_more() -> None:
    """Two markets: 30 t at 50 yuan, 40 t at 20 yuan; what is hauled beyond 70 t earns nothing and is not hauled."""
    markets = layer(
        np.array([0.2, 0.3, 9.0]), np.zeros(3), "m", demand_t_per_year=[30.0, 40.0, 1e6],
        margin_yuan_per_t=[50.0, 20.0, 90.0],
    )  # fmt: skip
    terms = Terms(modules_t=[1_000], module_capital_yuan=[100.0], operating_yuan_per_t=5.0)
    plan = choose_hubs(sites().iloc[[0]], candidates(), objective="cost", markets=markets, terms=terms)
    assert plan.totals["annual_t_served"] == pytest.approx(70)
    assert plan.totals["sold_t"] == pytest.approx(70)
    assert plan.totals["margin_yuan"] == pytest.approx(30 * 50 + 40 * 20)
    assert plan.objective == pytest.approx(-(30 * 50 + 40 * 20 - 70 * 5 - 100 * terms.annuity))
    assert plan.totals["net_yuan"] == pytest.approx(-plan.objective)


def test_gate_fees_change_nothing() -> None:
    terms = [
        Terms(
            costs=HaulCosts(margin_yuan_per_t=100, gate_fee_yuan_per_t=fee),
            modules_t=[1_000],
            module_capital_yuan=[10.0],
        )
        for fee in (0, 40)
    ]
    free, paid = (choose_hubs(sites(), candidates(), objective="cost", terms=each) for each in terms)
    assert free.totals == paid.totals


def test_assumptions_are_told_until_somebody_gives_numbers() -> None:
    told = choose_hubs(sites(), candidates(), hubs=1, radius_km=50)
    assert "capital_base_yuan = 100,000,000" in told.notes[0]
    given = Terms(
        costs=HaulCosts(margin_yuan_per_t=5, disposal_yuan_per_t=3, taxed_share=0.5, circuity=1.3), freight_bands=(), modules_t=[1e5],
        module_capital_yuan=[1.0], interest_rate=0.05, life_years=15, operating_yuan_per_t=1,
    )  # fmt: skip
    silent = choose_hubs(sites(), candidates(), hubs=1, radius_km=50, terms=given)
    assert not any("assumptions" in note for note in silent.notes)


def test_a_hub_that_others_stand_in_front_of_is_not_built() -> None:
    plan = choose_hubs(sites(), candidates(), hubs=3, radius_km=60)
    assert set(plan.hubs["candidate"]) == {"c0", "c1"}
    assert any(note.startswith("2 of 3 hubs are enough") for note in plan.notes)


# ------------------------------------------------------------------------------------------- conditions


def test_a_hub_needs_its_least_load_even_when_its_largest_source_fails() -> None:
    """West of 0.2 degrees there are 160 t, of which 100 from one site; at 0.4 degrees 110 t, of which 60 from one."""
    asked: dict[str, Any] = {"hubs": 1, "radius_km": 35.0}
    free = choose_hubs(sites(), candidates(), **asked)
    assert free.hubs["annual_t"].tolist() == [160.0]
    loaded = choose_hubs(sites(), candidates(), **asked, conditions=Conditions(least_load_t=60.0, survive="source"))
    assert loaded.hubs["annual_t"].tolist() == pytest.approx([160.0])
    with pytest.raises(NoPlanError, match="infeasible because under these conditions no hub takes anything"):
        choose_hubs(sites(), candidates(), **asked, conditions=Conditions(least_load_t=61.0, survive="source"))
    with pytest.raises(NoPlanError, match="infeasible because under these conditions no hub takes anything"):
        choose_hubs(sites(), candidates(), **asked, conditions=Conditions(least_load_t=161.0))


def test_so_many_modules_in_all() -> None:
    terms = Terms(modules_t=[40], module_capital_yuan=[1.0])
    plan = choose_hubs(sites(), candidates(), radius_km=15, terms=terms, conditions=Conditions(modules_in_all=3))
    assert plan.totals["model"] == "facility_location"
    assert plan.hubs["modules"].sum() == 3
    assert plan.totals["annual_t_served"] == pytest.approx(120.0)


def test_a_budget_by_province_with_hubs_of_one_price() -> None:
    wanted = Conditions(budget_by_province={"130000": 7.0, "140000": 4.0})
    plan = choose_hubs(sites(), candidates(capital_yuan=[5.0, 5.0, 5.0]), hubs=2, radius_km=15, conditions=wanted)
    assert plan.hubs["candidate"].tolist() == ["c0"]
    one_size = Terms(modules_t=[1_000], module_capital_yuan=[5.0])
    same = choose_hubs(
        sites(), candidates(), hubs=2, radius_km=15, terms=one_size,
        conditions=Conditions(budget_by_province={"130000": 7.0, "140000": 4.0}, most_modules=1),
    )  # fmt: skip
    assert same.hubs["candidate"].tolist() == ["c0"]


def test_ctrl_c_and_time_leave_a_plan_that_holds() -> None:
    hurried = Effort(time_limit_s=1e-3)
    plan = choose_hubs(sites(), candidates(), hubs=2, radius_km=15, effort=hurried)
    assert plan.objective <= 210.0 <= plan.bound * (1 + 1e-9)
