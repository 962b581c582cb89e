"""The p-median model against every subset, against scipy's HiGHS, and where the answer is known by construction."""

import numpy as np
import pytest
from hypothesis import given, settings
from median_truth import Case, best, cases, graph, median_by_scipy, sparse
from scipy.sparse import csr_array

from registry.errors import BadParameterError, NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.limits import Limits
from registry.services.siting.medians.median import p_median
from registry.services.siting.solution import PROVEN, Solution


def least(case: Case) -> float:
    lost = np.inf if case.outside is None else case.outside[case.demand > 0]
    return best(case, lambda way, amount: float((np.minimum(way, lost) * amount).sum()))


def of(case: Case, *, as_sparse: bool = False) -> Solution | None:
    distance = sparse(case.distance) if as_sparse else case.distance
    try:
        return p_median(distance, case.demand, case.p, outside=case.outside, **case.asked)
    except NoPlanError:
        return None


@settings(max_examples=300, deadline=None)
@given(cases())
def test_no_subset_is_better(case: Case) -> None:
    truth, found = least(case), of(case)
    if not np.isfinite(truth):
        assert found is None
        return
    assert found is not None
    assert found.objective == pytest.approx(truth, rel=PROVEN, abs=1e-12)
    assert found.bound <= truth + 1e-12
    assert found.gap <= PROVEN
    assert found.open.size <= case.p
    assert not np.isin(found.open, case.standing).any()
    assert case.limits is None or case.limits.allow(found.open)
    if case.limits is None:
        assert found.open.size == case.p


@settings(max_examples=100, deadline=None)
@given(cases())
def test_sparse_distances_answer_as_dense_ones(case: Case) -> None:
    dense, other = of(case), of(case, as_sparse=True)
    assert (dense is None) == (other is None)
    if dense is not None and other is not None:
        np.testing.assert_array_equal(dense.open, other.open)
        np.testing.assert_array_equal(dense.assignment, other.assignment)
        assert dense.objective == other.objective


@settings(max_examples=100, deadline=None)
@given(cases())
def test_the_objective_is_that_of_the_assignment(case: Case) -> None:
    found = of(case)
    if found is None:
        return
    served = found.assignment >= 0
    rows = np.flatnonzero(served)
    own = case.distance[rows, found.assignment[rows]]
    assert np.isin(found.assignment[rows], np.append(found.open, case.standing)).all()
    opened = np.append(found.open, case.standing)
    np.testing.assert_array_equal(own, case.distance[rows][:, opened].min(axis=1, initial=np.inf))
    lost = 0.0
    if case.outside is not None:
        lost = float((case.demand * case.outside)[~served].sum())
    elif (~served).any():
        assert (case.demand[~served] == 0).all()
    assert found.objective == pytest.approx((case.demand[rows] * own).sum() + lost)


@pytest.mark.parametrize(("vertices", "p"), [(40, 2), (40, 5), (40, 13), (60, 4)])
def test_graphs_of_beasleys_kind_are_solved_as_by_a_direct_programme(vertices: int, p: int) -> None:
    way = graph(vertices, vertices + p)
    demand = np.ones(vertices)
    found = p_median(way, demand, p)
    assert found.objective == found.bound == pytest.approx(median_by_scipy(way, demand, p))


def test_tonnes_that_are_no_whole_numbers_are_proven_too(rng: np.random.Generator) -> None:
    places, sites = rng.random((30, 2)), rng.random((50, 2))
    way = np.hypot(*(sites[:, None] - places[None]).transpose(2, 0, 1))
    tonnes = rng.lognormal(3, 2, 50)
    found = p_median(way, tonnes, 4)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(median_by_scipy(way, tonnes, 4), rel=PROVEN)


def test_a_gap_in_the_relaxation_is_closed_by_branching() -> None:
    # Seven points of a Fano plane, a candidate for each of its lines, 0 on the line and 1 off it. Three of seven points
    # lie on a line, so the relaxation opens 2/7 of each and pays 1; but two lines leave 7 − 5 = 2 points.
    lines = [(0, 1, 2), (0, 3, 4), (0, 5, 6), (1, 3, 5), (1, 4, 6), (2, 3, 6), (2, 4, 5)]
    way = np.array([[float(point not in line) for line in lines] for point in range(7)])
    found = p_median(way, np.ones(7), 2)
    assert (found.objective, found.bound) == (2.0, 2.0)


def test_clusters_far_apart_get_a_hub_each() -> None:
    centres = np.arange(6) * 1000.0
    sites = np.concatenate([centre + np.array([-2.0, -1.0, 0.0, 1.0, 2.0]) for centre in centres])
    way = np.abs(sites[:, None] - sites[None])
    found = p_median(way, np.ones(30), 6)
    np.testing.assert_array_equal(found.open, np.arange(2, 30, 5))
    assert (found.objective, found.bound) == (36.0, 36.0)


def test_duplicate_points_and_as_many_hubs_as_candidates() -> None:
    way = np.zeros((4, 3))
    found = p_median(way, np.ones(4), 3)
    np.testing.assert_array_equal(found.open, [0, 1, 2])
    np.testing.assert_array_equal(found.assignment, [0, 0, 0, 0])
    assert (found.objective, found.bound, found.status) == (0.0, 0.0, "optimal")


def test_no_demand_at_all_needs_no_way() -> None:
    found = p_median(np.ones((3, 4)), np.zeros(3), 2)
    assert (found.objective, found.bound, found.open.size) == (0.0, 0.0, 2)


def test_a_demand_that_nothing_reaches_is_named() -> None:
    way = np.ones((20, 3))
    way[17] = np.nan
    with pytest.raises(NoPlanError, match="infeasible because demand 17 has no candidate within reach"):
        p_median(way, np.ones(20), 2)
    outside = p_median(way, np.ones(20), 2, outside=np.full(20, 5.0))
    assert outside.assignment[17] == -1
    assert outside.objective == 24.0
    idle = p_median(way, np.where(np.arange(20) == 17, 0.0, 1.0), 2)
    assert idle.objective == 19.0


def test_too_few_hubs_for_what_is_within_reach_say_how_many_it_takes() -> None:
    with pytest.raises(NoPlanError, match="2 hubs cannot reach all demand: it takes at least 5"):
        p_median(csr_array(np.eye(5)), np.ones(5), 2)


def test_limits_that_let_too_few_open_are_no_plan() -> None:
    limits = Limits.of(csr_array(np.ones((1, 3))), np.array([2.0]), ("a budget",))
    with pytest.raises(NoPlanError, match="within the limits"):
        p_median(csr_array(np.eye(3)), np.ones(3), 3, limits=limits)


def test_what_stands_counts_neither_to_p_nor_to_the_limits() -> None:
    way = np.array([[0.0, 9.0, 9.0], [9.0, 0.0, 9.0], [9.0, 9.0, 0.0]])
    limits = Limits.of(csr_array(np.ones((1, 3))), np.array([1.0]), ("at most 1",))
    found = p_median(way, np.array([3.0, 2.0, 1.0]), 1, standing=np.array([2]), limits=limits)
    np.testing.assert_array_equal(found.open, [0])
    np.testing.assert_array_equal(found.assignment, [0, 0, 2])
    assert found.objective == 18.0


class _Few(Effort):
    """An effort that is over once it was asked so many times."""

    def left_s(self) -> float:
        self.asked = getattr(self, "asked", 0) + 1
        return 0.0 if self.asked > self.seed else float("inf")


@pytest.mark.parametrize("looks", [0, 2, 5, 8, 12, 20])
def test_a_search_that_is_stopped_gives_a_plan_and_a_bound_that_holds(looks: int) -> None:
    way = graph(120, 3)
    truth = p_median(way, np.ones(120), 6).objective
    found = p_median(way, np.ones(120), 6, effort=_Few(seed=looks))
    assert found.open.size == 6
    assert 0 <= found.bound <= truth <= found.objective
    assert found.objective == way[:, found.open].min(axis=1).sum()
    assert looks > 0 or found.status != "optimal"


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("gap", [0.01, 0.1, 0.5])
def test_near_enough_is_enough_and_its_bound_holds(gap: float, seed: int) -> None:
    way = graph(80, seed)
    truth = p_median(way, np.ones(80), 6).objective
    found = p_median(way, np.ones(80), 6, effort=Effort(gap=gap))
    assert found.gap <= gap
    assert found.bound <= truth <= found.objective


def test_the_same_seed_gives_the_same_answer() -> None:
    way = graph(100, 5)
    one, two = (p_median(way, np.ones(100), 20, effort=Effort(seed=7)) for _ in range(2))
    np.testing.assert_array_equal(one.open, two.open)
    assert (one.objective, one.bound) == (two.objective, two.bound)


def test_distances_stored_twice_are_added_and_the_matrix_is_left_as_it_was() -> None:
    way = csr_array((np.array([1.0, 2.0, 5.0]), np.array([0, 0, 1]), np.array([0, 3])), shape=(1, 2))
    found = p_median(way, np.ones(1), 1)
    assert found.objective == 3.0
    assert way.nnz == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": -1}, "p = -1"),
        ({"p": 1.5}, "p = 1.5"),
        ({"p": 5}, "only 4 candidates"),
        ({"p": 4, "standing": np.array([0])}, "only 3 candidates"),
        ({"demand": np.ones(2)}, "demand has the shape"),
        ({"demand": np.array([1.0, -2.0, 1.0])}, "demand 1 is -2"),
        ({"demand": np.array([1.0, np.nan, 1.0])}, "demand 1 is nan"),
        ({"demand": np.array([1.0, np.inf, 1.0])}, "demand 1 is inf"),
        ({"distance": np.array([[1.0, -3.0, 1, 1]] * 3)}, "demand 0 to candidate 1 is -3"),
        ({"distance": csr_array(np.array([[1.0, 0, 0, 1]] * 2 + [[0, 0, 0, -1.0]]))}, "demand 2 to candidate 3 is -1"),
        ({"distance": np.ones(3)}, "distance has the shape"),
        ({"distance": np.ones((3, 0))}, "distance has the shape"),
        ({"standing": np.array([4])}, "no candidate 4"),
        ({"outside": np.ones(2)}, "outside has the shape"),
        ({"outside": np.array([1.0, np.nan, 1.0])}, "outside 1 is nan"),
        ({"limits": Limits(csr_array(np.ones((1, 3))), np.ones(1), ("a",))}, "limits are about 3 candidates"),
    ],
)
def test_bad_input_is_named(change: dict[str, object], message: str) -> None:
    asked = {"distance": np.ones((3, 4)), "demand": np.ones(3), "p": 2} | change
    with pytest.raises(BadParameterError, match=message):
        p_median(**asked)
