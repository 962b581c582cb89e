"""The capacitated p-median, against trying everything and a plain programme."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array

from registry.errors import BadParameterError, NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.hauling.haul_plan import capacitated_p_median
from registry.services.siting.limits import Limits


def _single(distance: np.ndarray, demand: np.ndarray, capacity: np.ndarray, p: int) -> float:
    n, m = distance.shape
    best = np.inf
    for open_ in combinations(range(m), p):
        for way in product(open_, repeat=n):
            load = np.bincount(way, demand, minlength=m)
            if (load <= capacity + 1e-9).all():
                best = min(best, float((demand * distance[np.arange(n), way]).sum()))
    return best


def _split(distance: np.ndarray, demand: np.ndarray, capacity: np.ndarray, p: int) -> float:
    n, m = distance.shape
    best = np.inf
    for open_ in combinations(range(m), p):
        cost = distance[:, open_].ravel()
        whole = np.kron(np.eye(n), np.ones(p))
        room = np.kron(np.ones(n), np.eye(p))
        found = linprog(cost, A_ub=room, b_ub=capacity[list(open_)], A_eq=whole, b_eq=demand, method="highs")
        if found.status == 0:
            best = min(best, float(found.fun))
    return best


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), single=st.booleans())
def test_trying_everything(seed: int, *, single: bool) -> None:
    rng = np.random.default_rng(seed)
    n, m = 5, 4
    distance, demand = rng.integers(0, 30, (n, m)).astype(float), rng.integers(1, 9, n).astype(float)
    capacity, p = rng.integers(5, 25, m).astype(float), int(rng.integers(1, m))
    truth = (_single if single else _split)(distance, demand, capacity, p)
    if np.isinf(truth):
        with pytest.raises(NoPlanError):
            capacitated_p_median(distance, demand, capacity, p, single=single)
        return
    found = capacitated_p_median(distance, demand, capacity, p, single=single)
    assert found.objective == pytest.approx(truth, rel=1e-6, abs=1e-6)
    assert found.bound == pytest.approx(truth, rel=1e-5, abs=1e-5)
    assert found.open.size <= p
    assert np.isin(found.assignment, found.open).all()
    if single:
        way = distance[np.arange(n), found.assignment]
        assert float(demand @ way) == pytest.approx(truth, rel=1e-6, abs=1e-6)
        assert (np.bincount(found.assignment, demand, minlength=m) <= capacity + 1e-6).all()


def test_what_is_out_of_reach_may_stay_outside_at_a_cost() -> None:
    distance = np.array([[1.0, 9.0], [2.0, np.nan], [np.inf, 3.0]])
    demand, capacity = np.array([4.0, 4.0, 4.0]), np.array([8.0, 8.0])
    found = capacitated_p_median(distance, demand, capacity, 1, outside=np.array([20.0, 20.0, 20.0]))
    np.testing.assert_array_equal(found.assignment, [0, 0, -1])
    assert found.objective == pytest.approx(4.0 + 8.0 + 80.0)
    with pytest.raises(NoPlanError, match="no candidate is within reach of demand 1"):
        capacitated_p_median(distance[:, 1:], demand, capacity[1:], 1)


def test_a_stored_zero_of_a_sparse_matrix_is_a_distance() -> None:
    dense = np.array([[0.0, 4.0], [5.0, np.inf], [1.0, 2.0]])
    row, column = np.nonzero(np.isfinite(dense))
    sparse = csr_array((dense[row, column], (row, column)), shape=dense.shape)
    demand, capacity = np.array([1.0, 2.0, 3.0]), np.array([4.0, 4.0])
    found = [capacitated_p_median(each, demand, capacity, 2) for each in (dense, sparse)]
    assert found[0].objective == found[1].objective == pytest.approx(0.0 + 10.0 + 6.0)
    np.testing.assert_array_equal(found[0].assignment, found[1].assignment)


def test_conditions_on_candidates_are_met() -> None:
    distance = np.array([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    limits = Limits.of(csr_array(np.array([[1.0, 0.0, 0.0]])), np.array([0.0]), ("none in 河北省",))
    found = capacitated_p_median(distance, np.ones(2), np.full(3, np.inf), 1, limits=limits)
    np.testing.assert_array_equal(found.open, [1])


def test_a_demand_of_nothing_goes_to_the_nearest_that_is_open() -> None:
    distance = np.array([[1.0, 2.0], [5.0, 0.0]])
    found = capacitated_p_median(distance, np.array([3.0, 0.0]), np.array([3.0, 3.0]), 1)
    np.testing.assert_array_equal(found.assignment, [0, 0])


@pytest.mark.parametrize("seed", range(2))
def test_a_middling_instance_is_proven(seed: int) -> None:
    """As large as the smaller published ones: 50 places of demand 1 to 20, capacity 120, five open."""
    rng = np.random.default_rng(seed)
    place = rng.integers(1, 101, (50, 2))
    distance = np.floor(np.hypot(*(place[:, None] - place[None, :20]).transpose(2, 0, 1)))
    demand = rng.integers(1, 21, 50).astype(float)
    found = capacitated_p_median(distance, demand, np.full(20, demand.sum() / 4.5), 5, effort=Effort(time_limit_s=120))
    assert found.status == "optimal"
    assert float(demand @ distance[np.arange(50), found.assignment]) == pytest.approx(found.objective)


@pytest.mark.parametrize(
    ("demand", "capacity", "p"),
    [([1, -1], [5, 5], 1), ([1, np.nan], [5, 5], 1), ([1, 1], [5, -5], 1), ([1, 1], [5, np.nan], 1), ([1, 1], [5, 5], 0),
     ([1, 1], [5, 5], 3), ([1, 1, 1], [5, 5], 1), ([1, 1], [5], 1)],
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused(demand: list[float], capacity: list[float], p: int) -> None:
    with pytest.raises(BadParameterError):
        capacitated_p_median(np.ones((2, 2)), np.array(demand), np.array(capacity), p)
    with pytest.raises(BadParameterError):
        capacitated_p_median(-np.ones((2, 2)), np.ones(2), np.ones(2), 1)
