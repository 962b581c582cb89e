"""Gradual covering against every subset, beside plain maximal covering, and by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from median_truth import Case, best, cases, sparse

from registry.errors import BadParameterError
from registry.services.siting.effort import Effort
from registry.services.siting.medians.gradual import gradual_covering
from registry.services.siting.solution import PROVEN

steps = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 4)), min_size=1, max_size=4, unique_by=lambda step: step[0]
)


def share_of(way: np.ndarray, radii: list[float], shares: list[float]) -> np.ndarray:
    """Step by step, as a planner reads the table."""
    worth = np.zeros(way.size)
    for radius, share in zip(reversed(radii), reversed(shares), strict=True):
        worth[way <= radius] = share
    return worth


@settings(max_examples=300, deadline=None)
@given(cases(), steps)
def test_no_subset_covers_more(case: Case, drawn: list[tuple[int, int]]) -> None:
    radii = sorted(float(radius) for radius, _ in drawn)
    shares = sorted((share / 4 for _, share in drawn), reverse=True)
    truth = best(case, lambda way, amount: float((share_of(way, radii, shares) * amount).sum()), max)
    for distance in (case.distance, sparse(case.distance)):
        found = gradual_covering(distance, case.demand, case.p, radii=radii, shares=shares, **case.asked)
        assert found.objective == pytest.approx(truth, rel=PROVEN, abs=1e-12)
        assert found.gap <= PROVEN
        assert found.bound >= truth - 1e-12
        served = np.flatnonzero(found.assignment >= 0)
        way = case.distance[served, found.assignment[served]]
        assert (share_of(way, radii, shares) * case.demand[served]).sum() == pytest.approx(found.objective)


def test_one_radius_is_maximal_covering(rng: np.random.Generator) -> None:
    way, tonnes = rng.random((40, 12)), rng.random(40)
    found = gradual_covering(way, tonnes, 3, radii=[0.2], shares=[1.0])
    case = Case(way, tonnes, 3, np.empty(0, np.intp), None, None)
    truth = best(case, lambda least, amount: float(amount[least <= 0.2].sum()), max)
    assert found.objective == pytest.approx(truth, rel=PROVEN)


def test_what_is_farther_counts_in_part() -> None:
    way = np.array([[50.0, 0.0], [100.0, 0.0], [100.1, 300.0]])
    found = gradual_covering(way, np.array([10.0, 10.0, 100.0]), 1, radii=[50, 100, 150], shares=[1.0, 0.6, 0.3])
    np.testing.assert_array_equal(found.open, [0])
    assert found.objective == found.bound == pytest.approx(10 + 6 + 30)


def test_little_within_reach_of_much_demand_is_proven_as_closely() -> None:
    # A gap is a share of what is covered, not of what is lost.
    way = np.array([[1.0, 2.0, 99.0], [2.0, 1.0, 99.0], [99.0, 99.0, 99.0]])
    found = gradual_covering(way, np.array([1.0, 1.1, 1e9]), 1, radii=[1.0, 2.0], shares=[1.0, 0.5])
    np.testing.assert_array_equal(found.open, [1])
    assert found.objective == pytest.approx(1.6, rel=1e-12)
    assert found.status == "optimal"


def test_a_search_that_is_stopped_gives_a_plan_and_a_bound_that_holds(rng: np.random.Generator) -> None:
    way, tonnes = rng.random((60, 40)), rng.random(60)
    table = {"radii": [0.05, 0.1, 0.2], "shares": [1.0, 0.7, 0.2]}
    truth = gradual_covering(way, tonnes, 6, **table).objective
    effort = Effort()
    effort.interrupted = True
    found = gradual_covering(way, tonnes, 6, **table, effort=effort)
    assert found.objective <= truth <= found.bound
    assert found.open.size == 6


@pytest.mark.parametrize(
    ("radii", "shares", "message"),
    [
        ([], [], "0 radii and 0 shares"),
        ([1.0, 2.0], [1.0], "2 radii and 1 shares"),
        ([2.0, 1.0], [1.0, 0.5], "they must rise"),
        ([-1.0], [1.0], "they must rise"),
        ([np.nan], [1.0], "they must rise"),
        ([1.0, 2.0], [0.5, 1.0], "they must fall"),
        ([1.0], [1.5], "they must fall"),
        ([1.0], [-0.1], "they must fall"),
        ([1.0], [np.nan], "they must fall"),
    ],
)
def test_bad_tables_are_named(radii: list[float], shares: list[float], message: str) -> None:
    with pytest.raises(BadParameterError, match=message):
        gradual_covering(np.ones((2, 2)), np.ones(2), 1, radii=radii, shares=shares)
