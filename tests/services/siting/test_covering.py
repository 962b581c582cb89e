"""Covering models against trying every choice, and against HiGHS on the model as it is written down."""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, csr_matrix, hstack, identity

from registry.errors import BadParameterError, NoPlanError
from registry.services.siting.covering.maximal import maximal_covering, set_covering, unreachable, worst_case_covering
from registry.services.siting.effort import Effort
from registry.services.siting.limits import Limits


class Question(NamedTuple):
    reach: np.ndarray
    demand: np.ndarray
    cost: np.ndarray
    source: np.ndarray
    standing: np.ndarray
    times: int
    limits: Limits

    @property
    def free(self) -> list[int]:
        return [one for one in range(self.reach.shape[1]) if one not in self.standing]

    def choices(self, most: int) -> list[tuple[int, ...]]:
        """Every choice of at most so many candidates that the limits allow."""
        return [
            some
            for size in range(most + 1)
            for some in combinations(self.free, size)
            if self.limits.allow(np.array(some, dtype=np.intp))
        ]

    def covered(self, some: tuple[int, ...]) -> np.ndarray:
        return self.reach[:, [*some, *self.standing]].sum(axis=1) >= self.times


@st.composite
def questions(draw: st.DrawFn, *, whole: bool | None = None) -> Question:
    n, m = draw(st.integers(1, 9)), draw(st.integers(1, 7))
    bits = st.booleans()
    reach = np.array(draw(st.lists(st.lists(bits, min_size=m, max_size=m), min_size=n, max_size=n)), dtype=np.bool_)
    whole = draw(bits) if whole is None else whole
    number = st.integers(0, 9).map(float) if whole else st.one_of(st.just(0.0), st.floats(0.001, 50.0))
    demand = np.array(draw(st.lists(number, min_size=n, max_size=n)))
    cost = np.array(draw(st.lists(number, min_size=m, max_size=m)))
    source = np.array(draw(st.lists(st.integers(-2, 3), min_size=n, max_size=n)))
    standing = np.array(draw(st.lists(st.integers(0, m - 1), max_size=2, unique=True)), dtype=np.intp)
    k = draw(st.integers(0, 2))
    weight = st.lists(st.sampled_from([0.0, 1.0, 1.0, 2.5]), min_size=m, max_size=m)
    weights = csr_array(np.array(draw(st.lists(weight, min_size=k, max_size=k))).reshape(k, m))
    most = np.array(draw(st.lists(st.sampled_from([0.0, 1.0, 2.0, 3.5]), min_size=k, max_size=k)))
    limits = Limits.of(weights, most, [f"limit {each}" for each in range(k)])
    return Question(reach, demand, cost, source, standing, draw(st.sampled_from([1, 1, 2, 3])), limits)


@given(questions(), st.integers(1, 4))
@settings(deadline=None, max_examples=300)
def test_the_most_demand_of_all_choices_is_covered(question: Question, p: int) -> None:
    p = min(p, len(question.free))
    if p == 0:
        return
    best = max(float(question.demand[question.covered(some)].sum()) for some in question.choices(p))
    ask = {"standing": question.standing, "times": question.times, "limits": question.limits}
    try:
        found = maximal_covering(csr_array(question.reach), question.demand, p, **ask)
    except NoPlanError:
        assert best == 0.0
        return
    assert found.objective == pytest.approx(best, rel=1e-8)
    assert found.objective <= found.bound <= best * (1.0 + 1e-6)
    _holds(question, found.open, found.assignment, p)
    assert question.demand[found.assignment >= 0].sum() == pytest.approx(found.objective)
    # One more could be added only where the limits forbid it.
    if found.open.size < p:
        others = set(question.free) - set(found.open.tolist())
        assert not any(question.limits.allow(np.array([*found.open, one])) for one in others)


def _holds(question: Question, open_: np.ndarray, assignment: np.ndarray, p: int) -> None:
    """Rules are kept, and the assignment says truly what is covered, by an open candidate that reaches it."""
    assert open_.size <= p
    assert set(open_.tolist()) <= set(question.free)
    assert (np.diff(open_) > 0).all()
    assert question.limits.allow(open_)
    covered = question.covered(tuple(open_))
    assert ((assignment >= 0) == covered).all()
    assert np.isin(assignment[covered], [*open_, *question.standing]).all()
    assert question.reach[np.flatnonzero(covered), assignment[covered]].all()


@given(questions())
@settings(deadline=None, max_examples=300)
def test_the_cheapest_of_all_choices_that_reach_all_demand_is_found(question: Question) -> None:
    needed = question.demand > 0.0
    costs = [
        float(question.cost[list(some)].sum())
        for some in question.choices(len(question.free))
        if question.covered(some)[needed].all()
    ]
    ask = {"standing": question.standing, "times": question.times, "limits": question.limits}
    try:
        found = set_covering(csr_array(question.reach), demand=question.demand, cost=question.cost, **ask)
    except NoPlanError:
        assert not costs or not needed.any()
        return
    assert found.objective == pytest.approx(min(costs), rel=1e-8, abs=1e-9)
    assert question.cost[found.open].sum() == pytest.approx(found.objective)
    assert min(costs) * (1.0 - 1e-6) - 1e-9 <= found.bound <= found.objective
    assert (found.assignment[needed] >= 0).all()
    _holds(question, found.open, found.assignment, len(question.free))


@given(question=questions(), p=st.integers(1, 4), own=st.booleans())
@settings(deadline=None, max_examples=300)
def test_what_is_left_after_the_worst_loss_is_the_most_of_all_choices(question: Question, p: int, *, own: bool) -> None:
    question = question._replace(times=1)
    p = min(p, len(question.free))
    if p == 0:
        return
    source = np.arange(question.demand.size) if own else question.source

    def left(some: tuple[int, ...]) -> float:
        counts = np.where(question.covered(some), question.demand, 0.0)
        return float(counts.sum() - max(counts[source == each].sum() for each in np.unique(source)))

    best = max(left(some) for some in question.choices(p))
    ask = {"source": None if own else source, "standing": question.standing, "limits": question.limits}
    try:
        found = worst_case_covering(csr_array(question.reach), question.demand, p, **ask)
    except NoPlanError:
        assert best == 0.0
        return
    assert found.objective == pytest.approx(best, rel=1e-7, abs=1e-9)
    assert found.objective - 1e-12 <= found.bound <= best * (1.0 + 1e-5) + 1e-9
    assert left(tuple(found.open)) == pytest.approx(found.objective, abs=1e-9)
    _holds(question, found.open, found.assignment, p)


def town(n: int, m: int, radius: float, seed: int) -> tuple[csr_array, np.ndarray]:
    """Whole demand at uniform points of a square, and what lies within a radius of candidates."""
    rng = np.random.default_rng(seed)
    demands, candidates = rng.random((n, 2)), rng.random((m, 2))
    apart = np.hypot(*(demands[:, None] - candidates).transpose(2, 0, 1))
    return csr_array(apart <= radius), rng.integers(0, 100, n).astype(np.float64)


def by_milp(reach: csr_array, demand: np.ndarray, p: int, times: int) -> float:
    """Solve the model as its docstring has it, nothing joined and nothing left out."""
    n, m = reach.shape
    rows = LinearConstraint(hstack([reach.astype(np.float64), -times * identity(n)]), 0.0, np.inf)
    count = LinearConstraint(np.concatenate([np.ones(m), np.zeros(n)])[None, :], -np.inf, p)
    cost = np.concatenate([np.zeros(m), -demand])
    found = milp(cost, integrality=np.ones(n + m), bounds=Bounds(0, 1), constraints=[rows, count])
    assert found.success
    return float(-found.fun)


@pytest.mark.parametrize(("times", "p", "seed"), [(1, 4, 0), (1, 8, 1), (1, 15, 2), (2, 6, 3)])
def test_a_town_is_covered_as_the_model_written_down_has_it(times: int, p: int, seed: int) -> None:
    reach, demand = town(150, 50, 0.15, seed)
    found = maximal_covering(reach, demand, p, times=times)
    assert found.status == "optimal"
    assert found.objective == pytest.approx(by_milp(reach, demand, p, times))


@pytest.mark.parametrize("times", [1, 2])
def test_a_town_is_wholly_covered_by_the_fewest(times: int) -> None:
    reach, _ = town(200, 60, 0.3, 4)
    reached = np.diff(reach.indptr) >= times
    rows = LinearConstraint(reach[reached].astype(np.float64), times, np.inf)
    truth = milp(np.ones(60), integrality=np.ones(60), bounds=Bounds(0, 1), constraints=rows)
    found = set_covering(reach, demand=reached.astype(np.float64), times=times)
    assert found.objective == found.open.size == round(truth.fun)
    assert found.status == "optimal"


def test_equal_seeds_give_equal_choices() -> None:
    reach, demand = town(300, 80, 0.1, 5)
    one, other = (maximal_covering(reach, demand, 10, effort=Effort(seed=7)) for _ in range(2))
    assert (one.open == other.open).all()


def test_matrices_of_every_kind_ask_the_same() -> None:
    reach, demand = town(60, 20, 0.2, 6)
    dense = reach.toarray()
    row, column = np.nonzero(np.ones_like(dense))
    with_zeros = csr_array((dense[row, column].astype(np.int8), (row, column)), shape=dense.shape)
    row, column = np.nonzero(dense)
    doubled = csr_array(
        (
            np.ones(2 * row.size, np.int8),
            np.repeat(column, 2)[::1],
            np.concatenate([[0], 2 * np.cumsum(dense.sum(axis=1))]),
        ),
        shape=dense.shape,
    )
    backwards = csr_matrix(reach.astype(np.float64))
    for each in range(60):
        backwards.indices[slice(*backwards.indptr[each : each + 2])] = np.flatnonzero(dense[each])[::-1]
    backwards.has_sorted_indices = backwards.has_canonical_format = False
    asked = maximal_covering(reach, demand, 3)
    for kind in (dense, with_zeros, doubled, backwards, reach.tocoo(), reach.astype(np.int64)):
        found = maximal_covering(kind, demand, 3)
        assert (found.open == asked.open).all()
        assert (found.assignment == asked.assignment).all()


def test_what_is_asked_is_left_as_it_was() -> None:
    reach, demand = town(60, 20, 0.2, 6)
    before = reach.copy(), demand.copy()
    maximal_covering(reach, demand, 3, standing=np.array([1]))
    assert (reach != before[0]).nnz == 0
    assert (demand == before[1]).all()


@pytest.mark.parametrize("seconds", [1e-9, 0.2])
def test_a_search_that_is_cut_short_gives_a_plan_and_a_bound(seconds: float) -> None:
    reach, demand = town(4_000, 400, 0.07, 8)
    truth = maximal_covering(reach, demand, 20, effort=Effort(gap=0.02))
    found = maximal_covering(reach, demand, 20, effort=Effort(seconds))
    assert found.open.size == 20
    assert 0.0 < found.objective <= truth.bound
    assert found.bound >= truth.objective
    worst = worst_case_covering(reach, demand, 20, effort=Effort(seconds))
    assert worst.open.size == 20
    assert worst.objective <= worst.bound
    reached = (np.diff(reach.indptr) > 0).astype(np.float64)
    least = set_covering(reach, demand=reached, effort=Effort(seconds))
    assert (least.assignment[reached > 0] >= 0).all()
    assert 0.0 < least.bound <= least.objective


def test_a_gap_that_is_near_enough_is_kept() -> None:
    reach, demand = town(500, 100, 0.1, 9)
    near = maximal_covering(reach, demand, 15, effort=Effort(gap=0.05))
    assert near.gap <= 0.05
    assert near.bound >= maximal_covering(reach, demand, 15).objective


REACH = np.array([[1, 1, 0], [0, 1, 1], [0, 0, 1]], dtype=np.bool_)
DEMAND = np.array([1.0, 2.0, 4.0])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"p": 0}, "p = 0"),
        ({"p": 4}, "p = 4: give a whole number from 1 to 3"),
        ({"p": 1.5}, "p = 1.5"),
        ({"p": 3, "standing": np.array([0])}, "from 1 to 2"),
        ({"demand": np.array([1.0, -2.0, 0.0])}, "demand 1 is -2"),
        ({"demand": np.array([1.0, 2.0, np.nan])}, "demand 2 is nan"),
        ({"demand": np.array([1.0, np.inf, 0.0])}, "demand 1 is inf"),
        ({"demand": np.ones(4)}, "demand"),
        ({"reach": np.ones(3, np.bool_)}, "reach: has 1 dimensions"),
        ({"standing": np.array([3])}, "standing"),
        ({"standing": np.array([-1])}, "standing"),
        ({"standing": np.array([True, False, True])}, "standing"),
        ({"limits": Limits.none(5)}, "limits"),
        ({"limits": Limits(csr_array(np.ones((1, 3))), np.ones(2), ("one",))}, "limits"),
    ],
)
def test_bad_input_is_refused_in_one_line(change: dict[str, object], words: str) -> None:
    asked = {"reach": REACH, "demand": DEMAND, "p": 2} | change
    for model in (maximal_covering, worst_case_covering):
        with pytest.raises(BadParameterError, match=words) as told:
            model(**asked)
        assert "\n" not in str(told.value)


def test_other_bad_input_is_refused() -> None:
    for times in (0, 1.5):
        with pytest.raises(BadParameterError, match="times"):
            maximal_covering(REACH, DEMAND, 1, times=times)
    for cost in (np.ones(2), -np.ones(3), np.full(3, np.nan)):
        with pytest.raises(BadParameterError, match="cost"):
            set_covering(REACH, cost=cost)
    for source in (np.zeros(2, np.intp), np.zeros(3)):
        with pytest.raises(BadParameterError, match="source"):
            worst_case_covering(REACH, DEMAND, 1, source=source)


def test_what_cannot_be_planned_says_why() -> None:
    nobody = np.array([[1, 0], [0, 0], [0, 1], [0, 0]], dtype=np.bool_)
    with pytest.raises(NoPlanError, match="infeasible because no candidate reaches demand 1 and 1 others"):
        set_covering(nobody)
    assert unreachable(nobody).tolist() == [1, 3]
    with pytest.raises(NoPlanError, match="fewer than 2 candidates reach demand 0"):
        set_covering(nobody, demand=np.array([1.0, 0.0, 0.0, 0.0]), times=2)
    for model in (maximal_covering, worst_case_covering):
        with pytest.raises(NoPlanError, match="there is no demand"):
            model(nobody, np.zeros(4), 1)
        with pytest.raises(NoPlanError, match="no candidate that may be chosen reaches any demand"):
            model(nobody, np.array([0.0, 1.0, 0.0, 0.0]), 1)
    with pytest.raises(NoPlanError, match="there is no demand"):
        set_covering(nobody, demand=np.zeros(4))


def test_the_limit_that_stands_in_the_way_is_named() -> None:
    diagonal = np.eye(4, dtype=np.bool_)
    weights = csr_array(np.array([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]))
    limits = Limits.of(weights, np.array([1.0, 2.0]), ["at most 1 in the north", "at most 2 in the south"])
    with pytest.raises(NoPlanError, match="because of at most 1 in the north"):
        set_covering(diagonal, limits=limits)
    both = limits._replace(at_most=np.array([1.0, 1.0]))
    with pytest.raises(NoPlanError, match="together"):
        set_covering(diagonal, limits=both)
    none = limits._replace(at_most=np.array([0.0, 2.0]))
    with pytest.raises(NoPlanError, match=r"no candidate reaches demand 0 and 1 others that the limits allow"):
        set_covering(diagonal, limits=none)


def test_dominated_candidates_are_kept_where_limits_make_them_worth_it() -> None:
    """Candidate 1 reaches more but is too dear together with 2."""
    reach = np.array([[1, 1, 0], [0, 1, 0], [0, 0, 1]], dtype=np.bool_)
    budget = Limits.of(csr_array(np.array([[1.0, 3.0, 2.0]])), np.array([3.0]), ["budget"])
    found = maximal_covering(reach, np.array([5.0, 1.0, 4.0]), 2, limits=budget)
    assert found.open.tolist() == [0, 2]
    assert found.objective == 9.0


def test_a_bound_is_that_of_the_best_choice_where_leaving_demand_out_seems_to_pay() -> None:
    """A start that left columns open once made HiGHS answer 3 here."""
    reach = np.array([[1, 0], [0, 1], [1, 0], [1, 1]], dtype=np.bool_)
    found = worst_case_covering(reach, np.array([2.0, 1.0, 2.0, 1.0]), 1, source=np.array([0, 0, 1, 0]))
    assert found.open.tolist() == [0]
    assert found.objective == found.bound == 2.0
