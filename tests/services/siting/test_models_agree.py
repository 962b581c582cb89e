"""The models answer each other's questions: what one finds follows from what another finds, by a theorem and not by its code."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from scipy.sparse import csr_array

from registry.services.siting.covering.maximal import maximal_covering, set_covering, worst_case_covering
from registry.services.siting.hauling.haul_plan import capacitated_p_median, plan_hauls
from registry.services.siting.hauling.haul_problem import HaulProblem
from registry.services.siting.limits import Limits
from registry.services.siting.medians.centre import p_center
from registry.services.siting.medians.median import p_median

SEEDS = range(4)
HUBS = (1, 3, 6)


class Valley(NamedTuple):
    """Sites along a crooked valley: whole distances, so that many are equal, and sites that add nothing."""

    distance: np.ndarray
    demand: np.ndarray


def valley(seed: int, sites: int = 45, candidates: int = 14) -> Valley:
    draw = np.random.default_rng(seed)
    along = draw.random(sites) * 60
    places = np.column_stack([along, 6 * np.sin(along / 5)]) + draw.normal(0, 2.5, (sites, 2))
    hubs = places[draw.choice(sites, candidates, replace=False)] + draw.normal(0, 1, (candidates, 2))
    away = places[:, None] - hubs[None]
    return Valley(
        np.rint(np.hypot(away[..., 0], away[..., 1])), draw.integers(0, 5, sites) * draw.integers(1, 40, sites) * 1.0
    )


def within(distance: np.ndarray, radius: float) -> csr_array:
    return csr_array(distance <= radius)


def hubs_needed(distance: np.ndarray, radius: float) -> float:
    """Hubs that have every site within a radius, infinitely many where a site is beyond the reach of all."""
    if (distance.min(axis=1) > radius).any():
        return float("inf")
    found = set_covering(within(distance, radius))
    assert found.status == "optimal"
    return found.open.size


def at_most(weights: np.ndarray, limit: float) -> Limits:
    return Limits.of(csr_array(weights[None, :] * 1.0), np.array([limit]), ["a budget"])


@pytest.fixture(params=SEEDS)
def place(request: pytest.FixtureRequest) -> Valley:
    return valley(request.param)


# ------------------------------------------------------------------------------------ covering and centre


@pytest.mark.parametrize("p", HUBS)
def test_the_centre_is_the_least_radius_at_which_so_many_hubs_reach_all(place: Valley, p: int) -> None:
    found = p_center(place.distance, p)
    assert found.objective in place.distance
    assert hubs_needed(place.distance, found.objective) <= p
    assert hubs_needed(place.distance, np.max(place.distance[place.distance < found.objective])) > p


def test_all_demand_is_covered_from_as_many_hubs_as_set_covering_needs(place: Valley) -> None:
    busy = place.demand > 0
    radius = place.distance[busy].min(axis=1).max() + 2
    need = hubs_needed(place.distance[busy], radius)
    covered = {
        p: maximal_covering(within(place.distance, radius), place.demand, p).objective
        for p in range(1, place.distance.shape[1] + 1)
    }
    assert 1 < need < place.distance.shape[1]
    assert {p for p, tonnes in covered.items() if tonnes == pytest.approx(place.demand.sum())} == set(
        range(int(need), place.distance.shape[1] + 1)
    )


def test_each_further_hub_adds_no_more_than_the_average_of_those_before(place: Valley) -> None:
    # Without its least useful hub the best plan of p + 1 still has p / (p + 1) of its tonnes.
    reach = within(place.distance, 7)
    covered = [maximal_covering(reach, place.demand, p).objective for p in range(1, 8)]
    assert covered == sorted(covered)
    assert all(more / (p + 1) <= fewer / p * (1 + 1e-9) for p, (fewer, more) in enumerate(pairwise(covered), 1))


def test_set_covering_costs_what_a_budget_must_allow(place: Valley) -> None:
    radius = place.distance.min(axis=1).max() + 2
    reach = within(place.distance, radius)
    cost = np.random.default_rng(3).integers(1, 9, place.distance.shape[1]).astype(float)
    demand = np.ones(len(place.demand))
    cheapest = set_covering(reach, cost=cost)
    enough, short = (
        maximal_covering(reach, demand, cost.size, limits=at_most(cost, cheapest.objective - less)).objective
        for less in (0, 1)
    )
    assert cheapest.objective == pytest.approx(cost[cheapest.open].sum())
    assert enough == demand.size
    assert short < demand.size


@pytest.mark.parametrize("p", HUBS)
def test_a_source_that_dwarfs_all_others_is_the_one_that_may_fail(place: Valley, p: int) -> None:
    # All candidates reach it, so what is left without it is the best coverage of the others.
    reach = place.distance <= 7
    with_giant = csr_array(np.vstack([reach, np.ones((1, reach.shape[1]), bool)]))
    demand = np.append(place.demand, 10 * place.demand.max())
    assert worst_case_covering(with_giant, demand, p).objective == pytest.approx(
        maximal_covering(csr_array(reach), place.demand, p).objective
    )


def test_with_one_source_for_all_nothing_survives_its_loss(place: Valley) -> None:
    found = worst_case_covering(within(place.distance, 7), place.demand, 3, source=np.zeros(place.demand.size, np.intp))
    assert found.objective == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("p", HUBS)
def test_hubs_that_stand_take_their_sites_out_of_the_question(place: Valley, p: int) -> None:
    reach = place.distance <= 7
    standing = np.array([2, 9])
    taken = reach[:, standing].any(axis=1)
    rest = maximal_covering(csr_array(reach), np.where(taken, 0.0, place.demand), p).objective
    found = maximal_covering(csr_array(reach), place.demand, p, standing=standing)
    assert found.objective == pytest.approx(rest + place.demand[taken].sum())
    assert not np.isin(standing, found.open).any()


@pytest.mark.parametrize("p", [2, 5])
def test_covered_twice_is_covered_once_where_every_place_takes_a_pair(place: Valley, p: int) -> None:
    # At least: p pairs of hubs cover twice what p hubs cover once. At most: 2 p hubs cover no more twice than once.
    reach = place.distance <= 7
    pairs = csr_array(np.hstack([reach, reach]))
    once, more = (maximal_covering(csr_array(reach), place.demand, hubs).objective for hubs in (p, 2 * p))
    twice = maximal_covering(pairs, place.demand, 2 * p, times=2).objective
    assert once - 1e-6 <= twice <= more + 1e-6


# ------------------------------------------------------------------------------------------------ median


@pytest.mark.parametrize("p", HUBS)
def test_a_median_of_noughts_and_ones_is_what_covering_leaves(place: Valley, p: int) -> None:
    # Hillsman's edit: what is within reach costs nothing, everything else one.
    beyond = (place.distance > 7) * 1.0
    left = place.demand.sum() - maximal_covering(within(place.distance, 7), place.demand, p).objective
    assert p_median(beyond, place.demand, p).objective == pytest.approx(left)


def test_with_a_hub_at_every_candidate_each_site_goes_to_its_nearest(place: Valley) -> None:
    found = p_median(place.distance, place.demand, place.distance.shape[1])
    assert found.objective == pytest.approx((place.distance.min(axis=1) * place.demand).sum())


@pytest.mark.parametrize("p", HUBS)
def test_hubs_that_stand_shorten_every_way_to_theirs(place: Valley, p: int) -> None:
    standing = np.array([4, 11])
    shorter = np.minimum(place.distance, place.distance[:, standing].min(axis=1)[:, None])
    found = p_median(place.distance, place.demand, p, standing=standing)
    assert found.objective == pytest.approx(p_median(shorter, place.demand, p).objective)


@pytest.mark.parametrize("p", HUBS)
def test_leaving_a_site_outside_is_a_hub_that_stands_as_far_as_that_costs(place: Valley, p: int) -> None:
    outside = np.random.default_rng(5).integers(3, 15, place.demand.size).astype(float)
    beyond = np.column_stack([place.distance, outside])
    found = p_median(place.distance, place.demand, p, outside=outside)
    there = p_median(beyond, place.demand, p, standing=np.array([place.distance.shape[1]]))
    assert found.objective == pytest.approx(there.objective)


@pytest.mark.parametrize("p", HUBS)
def test_a_limit_on_the_number_of_hubs_is_the_number_of_hubs(place: Valley, p: int) -> None:
    m = place.distance.shape[1]
    few = at_most(np.ones(m), float(p))
    reach = within(place.distance, 7)
    assert p_median(place.distance, place.demand, m, limits=few).objective == pytest.approx(
        p_median(place.distance, place.demand, p).objective
    )
    assert maximal_covering(reach, place.demand, m, limits=few).objective == pytest.approx(
        maximal_covering(reach, place.demand, p).objective
    )
    assert p_center(place.distance, m, limits=few).objective == p_center(place.distance, p).objective


@pytest.mark.parametrize("p", [1, 2, 3])
def test_no_plan_of_many_breaks_a_limit(p: int) -> None:
    few = at_most(np.ones(8), float(p))
    for seed in range(40):
        place = valley(seed, sites=20, candidates=8)
        found = p_median(place.distance, place.demand, 8, limits=few)
        assert found.open.size <= p
        assert found.objective == pytest.approx(p_median(place.distance, place.demand, p).objective)


def test_no_median_is_shorter_than_the_centre_allows(place: Valley) -> None:
    # The farthest site of any plan is at least as far as the farthest of the centre's, and a median has a farthest site.
    for p in HUBS:
        ways = place.distance[:, p_median(place.distance, place.demand, p).open].min(axis=1)
        assert ways.max() >= p_center(place.distance, p).objective


# --------------------------------------------------------------------------------------------- capacities


@pytest.mark.parametrize("single", [True, False], ids=["whole", "split"])
@pytest.mark.parametrize("p", HUBS)
def test_hubs_without_a_limit_are_a_median(place: Valley, p: int, *, single: bool) -> None:
    boundless = np.full(place.distance.shape[1], np.inf)
    found = capacitated_p_median(place.distance, place.demand, boundless, p, single=single)
    assert found.objective == pytest.approx(p_median(place.distance, place.demand, p).objective)


@pytest.mark.parametrize("p", HUBS)
def test_capacity_never_shortens_a_way_and_splitting_never_lengthens_it(place: Valley, p: int) -> None:
    capacity = np.full(place.distance.shape[1], 1.25 * place.demand.sum() / p)
    free = p_median(place.distance, place.demand, p).objective
    split, whole = (
        capacitated_p_median(place.distance, place.demand, capacity, p, single=single).objective
        for single in (False, True)
    )
    assert free <= split * (1 + 1e-9)
    assert split <= whole * (1 + 1e-6)


@pytest.mark.parametrize("p", HUBS)
def test_hauls_that_are_worth_their_tonnes_are_maximal_covering(place: Valley, p: int) -> None:
    parcel, candidate = np.nonzero(place.distance <= 7)
    m = place.distance.shape[1]
    plan = plan_hauls(
        HaulProblem(
            supply=place.demand, parcel=parcel, candidate=candidate, value=np.ones(parcel.size), candidates=m,
            sizes=np.array([np.inf]), fixed=np.zeros((m, 1)), hubs=p,
        )
    )  # fmt: skip
    covered = maximal_covering(within(place.distance, 7), place.demand, p)
    assert plan.objective == pytest.approx(covered.objective)
    assert plan.bound == pytest.approx(covered.bound)


def test_a_hub_that_costs_less_than_it_brings_is_built(place: Valley) -> None:
    # Modules at a price and no number of hubs: the best of all numbers, less what they cost.
    m, price = place.distance.shape[1], 0.04 * place.demand.sum()
    reach = within(place.distance, 7)
    parcel, candidate = np.nonzero(place.distance <= 7)
    plan = plan_hauls(
        HaulProblem(
            supply=place.demand, parcel=parcel, candidate=candidate, value=np.ones(parcel.size), candidates=m,
            sizes=np.array([np.inf]), fixed=np.full((m, 1), price),
        )
    )  # fmt: skip
    best = max(maximal_covering(reach, place.demand, p).objective - p * price for p in range(1, m + 1))
    assert plan.objective == pytest.approx(best)
    assert 0 < plan.modules.sum() < m
