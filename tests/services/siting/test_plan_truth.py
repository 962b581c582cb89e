"""Plans against every subset of candidates, through the door that users take."""

from __future__ import annotations

import itertools

import numpy as np
import plan_truth
import pytest
from plan_truth import obeys, world

from registry.errors import NoPlanError
from registry.services.break_even import HaulCosts
from registry.services.siting import Conditions, Terms, choose_hubs

SEEDS = range(6)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_most_tonnes_are_covered(seed: int) -> None:
    here = world(seed)
    for p, km in ((1, 60), (2, 90), (3, 150)):
        plan = choose_hubs(here.sites, here.candidates, hubs=p, radius_km=km)
        assert plan.objective == pytest.approx(plan_truth.most_covered(here.metres, here.tonnes, km * 1_000, p))
        assert plan.objective == pytest.approx(plan.totals["annual_t_served"])
        assert plan.status == "optimal"
        assert plan.unit == "t/a"
        assert plan.flows["distance_m"].max() <= km * 1_000
        obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_tonnes_are_covered_twice(seed: int) -> None:
    here = world(seed)
    plan = choose_hubs(here.sites, here.candidates, hubs=3, radius_km=150, conditions=Conditions(survive="plant"))
    assert plan.objective == pytest.approx(plan_truth.most_covered(here.metres, here.tonnes, 150_000, 3, times=2))
    assert plan.totals["worst_hub_t"] == 0
    assert plan.totals["worst_hub"] is None
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_left_when_the_largest_source_fails_is_the_most(seed: int) -> None:
    here = world(seed)
    near = here.metres <= 100_000
    best = max(
        float(here.tonnes[some].sum() - here.tonnes[some].max(initial=0.0))
        for some in (near[:, list(chosen)].any(axis=1) for chosen in plan_truth.subsets(near.shape[1], 2))
    )
    plan = choose_hubs(here.sites, here.candidates, hubs=2, radius_km=100, conditions=Conditions(survive="source"))
    assert plan.objective == pytest.approx(best)
    assert plan.totals["annual_t_served"] - plan.totals["worst_source_t"] == pytest.approx(best)
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_no_fewer_hubs_reach_all_that_can_be_reached(seed: int) -> None:
    here = world(seed)
    near = (here.metres <= 120_000) & (here.tonnes > 0)[:, None]
    can = near.any(axis=1)
    fewest = min(
        len(some) for some in plan_truth.subsets(near.shape[1], 7) if near[can][:, list(some)].any(axis=1).all()
    )
    plan = choose_hubs(here.sites, here.candidates, radius_km=120)
    assert plan.totals["model"] == "set_covering"
    assert plan.objective == fewest == len(plan.hubs)
    assert plan.unit == "hubs"
    assert plan.totals["annual_t_served"] == pytest.approx(here.tonnes[can].sum())
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("objective", ["tonne_km", "co2"])
def test_the_way_is_the_least(seed: int, objective: str) -> None:
    here = world(seed)
    factor = 1.0 if objective == "tonne_km" else 1.33 * 0.095 / 1_000
    for p, km in ((1, 80), (2, 120), (3, 120)):
        plan = choose_hubs(here.sites, here.candidates, hubs=p, radius_km=km, objective=objective)
        best = plan_truth.least_way(here.metres, here.tonnes, p, km * 1_000)
        assert plan.objective == pytest.approx(best * factor)
        assert plan.objective - plan.totals["outside"] == pytest.approx(plan.totals["tonne_km"] * factor)
        obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_way_is_the_least_where_all_must_be_hauled(seed: int) -> None:
    here = world(seed)
    here.candidates["waste_codes"] = ";".join(plan_truth.CODES)
    plan = choose_hubs(here.sites, here.candidates, hubs=2, objective="tonne_km")
    assert plan.objective == pytest.approx(plan_truth.least_way(here.metres, here.tonnes, 2))
    assert plan.totals["share_annual_t"] == pytest.approx(1.0)
    assert set(plan.unreached["reason"]) <= {"no amount"}
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_longest_haul_is_the_shortest(seed: int) -> None:
    here = world(seed)
    here.candidates["waste_codes"] = ";".join(plan_truth.CODES)
    there = here.tonnes > 0
    best = min(float(here.metres[there][:, list(some)].min(axis=1).max()) for some in plan_truth.subsets(7, 3))
    plan = choose_hubs(here.sites, here.candidates, hubs=3, model="p_center")
    assert plan.objective == pytest.approx(best / 1_000)
    assert plan.flows["distance_m"].max() == pytest.approx(best)
    assert plan.unit == "km"
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_money_is_the_most_over_all_modules_and_flows(seed: int) -> None:
    here = world(seed, n=10, m=4)
    terms = Terms(
        costs=HaulCosts(margin_yuan_per_t=80), freight_bands=[(20, 1.0)], modules_t=[100_000, 500_000],
        module_capital_yuan=[8e6, 25e6], operating_yuan_per_t=3,
    )  # fmt: skip
    plan = choose_hubs(
        here.sites, here.candidates, hubs=2, objective="cost", terms=terms, conditions=Conditions(most_modules=2)
    )
    assert plan.objective == pytest.approx(-_most_money(here, 2, 2), rel=1e-6)
    assert plan.totals["net_yuan"] == pytest.approx(-plan.objective)
    assert (plan.hubs["modules"] <= 2).all()
    obeys(plan, here)


def _most_money(here: plan_truth.World, hubs: int, most: int) -> float:
    """By hand: tax by code, freight a yuan for 20 km and 0.424 beyond, 6 % over 20 years."""
    tax = np.array([{"SW01": 25.0, "SW04": 5.0, "SW05": 15.0}[code] for code in here.sites["waste_codes"]])
    km = here.metres / 1_000 * 1.33
    freight = np.where(km <= 20, km, 20 + 0.424 * (km - 20))
    value = tax[:, None] + 80 - 3 - freight
    annuity = 0.06 * 1.06**20 / (1.06**20 - 1)
    sets = [mix for mix in itertools.product(range(most + 1), repeat=2) if sum(mix) <= most]
    best = 0.0
    for mixes in itertools.product(sets, repeat=len(here.candidates)):
        if sum(sum(mix) > 0 for mix in mixes) > hubs:
            continue
        capacity = np.array([100_000 * small + 500_000 * large for small, large in mixes])
        capital = sum(8e6 * small + 25e6 * large for small, large in mixes)
        best = max(best, plan_truth.shipped(value, here.tonnes, capacity) - annuity * capital)
    return best


@pytest.mark.parametrize("seed", SEEDS)
def test_plants_take_what_they_have_room_for_beside_hubs(seed: int) -> None:
    here = world(seed)
    rng = np.random.default_rng(seed)
    plants = plan_truth.layer(
        rng.uniform(112, 115, 3), rng.uniform(34, 37, 3), "p", waste_codes="SW01;SW04;SW05",
        capacity_t_per_year=[200_000.0, 50_000.0, np.nan], used_t_per_year=[80_000.0, np.nan, 0.0],
    )  # fmt: skip
    metres = np.hstack([here.metres, plan_truth.World(here.sites, plants).metres])
    value = np.where(metres <= 90_000, 1.0, -np.inf)
    whole = here.tonnes.sum()
    best = max(
        plan_truth.shipped(
            value, here.tonnes, np.concatenate([np.isin(np.arange(7), some) * whole, [120_000.0, 50_000.0, 0.0]])
        )
        for some in plan_truth.subsets(7, 2)
    )
    plan = choose_hubs(here.sites, here.candidates, hubs=2, radius_km=90, plants=plants)
    assert plan.objective == pytest.approx(best, rel=1e-6)
    assert plan.totals["annual_t_served"] == pytest.approx(best, rel=1e-6)
    taken = plan.plant_flows.groupby("plant_uid")["annual_t"].sum()
    assert taken.get("p0", 0.0) <= 120_000 * (1 + 1e-9)
    assert taken.get("p1", 0.0) <= 50_000 * (1 + 1e-9)
    assert "p2" not in taken
    assert plan.totals["annual_t_to_plants"] == pytest.approx(taken.sum())
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_parcel_goes_whole_to_one_hub_with_room(seed: int) -> None:
    here = world(seed, n=7, m=5)
    here.candidates["waste_codes"] = ";".join(plan_truth.CODES)
    here.candidates["capacity_t_per_year"] = np.round(here.tonnes.sum() * np.array([0.9, 0.5, 0.6, 0.7, 0.55]))
    capacity = here.candidates["capacity_t_per_year"].to_numpy()
    there = here.tonnes > 0
    tonnes, metres = here.tonnes[there], here.metres[there]
    best = np.inf
    for some in itertools.combinations(range(5), 2):
        for way in itertools.product(some, repeat=tonnes.size):
            load = np.bincount(way, tonnes, minlength=5)
            if (load <= capacity).all():
                best = min(best, float(tonnes @ metres[np.arange(tonnes.size), list(way)]) / 1_000)
    if not np.isfinite(best):
        with pytest.raises(NoPlanError, match="infeasible because"):
            choose_hubs(here.sites, here.candidates, hubs=2, model="capacitated_p_median")
        return
    plan = choose_hubs(here.sites, here.candidates, hubs=2, model="capacitated_p_median")
    assert plan.objective == pytest.approx(best)
    assert not plan.flows["site_uid"].duplicated().any()
    assert (
        plan.hubs.set_index("candidate")["capacity_t_per_year"]
        == here.candidates["capacity_t_per_year"].reindex(plan.hubs["candidate"])
    ).all()
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_within_a_radius_a_parcel_goes_whole_or_not_at_all(seed: int) -> None:
    here = world(seed, n=7, m=4)
    room = 0.4 * here.tonnes.sum()
    there = (here.tonnes > 0) & (here.metres.min(axis=1) <= 120_000)
    tonnes, metres = here.tonnes[there], here.metres[there]
    best = np.inf
    for some in itertools.combinations(range(4), 2):
        for way in itertools.product((*some, -1), repeat=tonnes.size):
            to = np.array(way)
            load = np.bincount(to[to >= 0], tonnes[to >= 0], minlength=4)
            far = np.where(to >= 0, metres[np.arange(to.size), to], 120_000)
            if (load <= room).all() and (far <= 120_000).all():
                best = min(best, float(tonnes @ far) / 1_000)
    plan = choose_hubs(
        here.sites, here.candidates, hubs=2, radius_km=120, model="capacitated_p_median", terms=Terms(modules_t=[room])
    )
    assert plan.objective == pytest.approx(best)
    whole = here.sites["annual_t"].reindex(plan.flows["site_uid"])
    np.testing.assert_allclose(plan.flows["annual_t"], whole)
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_hubs_by_province_and_borders(seed: int) -> None:
    here = world(seed)
    near = here.metres <= 150_000
    at = here.candidates["region_code"].str[:2].to_numpy()
    own = here.sites["province_code"].str[:2].to_numpy()
    near &= own[:, None] == at
    allowed = [some for some in plan_truth.subsets(7, 3) if (at[list(some)] == "13").sum() <= 1]
    best = max(float(here.tonnes[near[:, list(some)].any(axis=1)].sum()) for some in allowed)
    wanted = Conditions(most_by_province={"130000": 1}, within_province=True)
    plan = choose_hubs(here.sites, here.candidates, hubs=3, radius_km=150, conditions=wanted)
    assert plan.objective == pytest.approx(best)
    assert (plan.hubs["region_code"].str[:2] == "13").sum() <= 1
    to = plan.flows.merge(plan.hubs, on="hub")
    assert (here.sites.loc[to["site_uid"], "province_code"].str[:2].to_numpy() == to["region_code"].str[:2]).all()
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_budget_of_modules_is_kept_while_tonnes_are_covered(seed: int) -> None:
    here = world(seed, n=8, m=4)
    sizes, capital = np.array([100_000.0, 500_000.0]), np.array([8e6, 25e6])
    terms = Terms(modules_t=sizes, module_capital_yuan=capital)
    value = np.where(here.metres <= 150_000, 1.0, -np.inf)
    best = 0.0
    for mixes in itertools.product([(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2), (3, 0)], repeat=4):
        counts = np.array(mixes)
        if (counts @ capital).sum() <= 41e6:
            best = max(best, plan_truth.shipped(value, here.tonnes, counts @ sizes))
    plan = choose_hubs(here.sites, here.candidates, radius_km=150, terms=terms, conditions=Conditions(budget_yuan=41e6))
    assert plan.objective == pytest.approx(best, rel=1e-6)
    assert plan.totals["built_yuan"] <= 41e6
    obeys(plan, here)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_second_objective_is_reached_at_the_least_cost(seed: int) -> None:
    here = world(seed, n=8, m=4)
    terms = Terms(costs=HaulCosts(margin_yuan_per_t=20), modules_t=[500_000], module_capital_yuan=[25e6])
    near = here.metres <= 150_000
    wanted = 0.6 * float(here.tonnes[near.any(axis=1)].sum())
    tax = np.array([{"SW01": 25.0, "SW04": 5.0, "SW05": 15.0}[code] for code in here.sites["waste_codes"]])
    km = here.metres / 1_000 * 1.33
    value = np.where(near, tax[:, None] + 20 - np.where(km <= 10, km, 10 + 0.424 * (km - 10)), -np.inf)
    yearly = 25e6 * 0.06 * 1.06**20 / (1.06**20 - 1)
    best = -np.inf
    for count in itertools.product(range(4), repeat=4):
        gained = plan_truth.shipped(value, here.tonnes, 500_000.0 * np.array(count), at_least_t=wanted)
        best = max(best, gained - yearly * sum(count))
    asked = {"radius_km": 150.0, "terms": terms, "conditions": Conditions(most_modules=3)}
    if not np.isfinite(best):
        with pytest.raises(NoPlanError, match=f"no plan has covered of at least {wanted:,.6g} t/a"):
            choose_hubs(here.sites, here.candidates, objective="cost", beside=("covered", wanted), **asked)
        return
    plan = choose_hubs(here.sites, here.candidates, objective="cost", beside=("covered", wanted), **asked)
    assert plan.objective == pytest.approx(-best, rel=1e-6)
    assert plan.totals["annual_t_served"] >= wanted * (1 - 1e-6)
    obeys(plan, here)
    back = choose_hubs(here.sites, here.candidates, objective="covered", beside=("cost", plan.objective + 1.0), **asked)
    assert back.objective >= plan.totals["annual_t_served"] * (1 - 1e-6)
    assert -back.totals["net_yuan"] <= plan.objective + 1.0 + 1e-6 * abs(plan.objective)
