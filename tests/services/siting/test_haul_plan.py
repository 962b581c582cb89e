"""Hubs with capacity, against trying everything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from haul_truth import assert_plan_is_right, best, some_problem
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from registry.errors import BadParameterError, NoPlanError
from registry.services.siting.effort import Effort
from registry.services.siting.hauling import haul_search
from registry.services.siting.hauling.haul_plan import plan_hauls
from registry.services.siting.hauling.haul_problem import HaulProblem, Markets, Second
from registry.services.siting.limits import Limits

CONDITIONS = (
    "alike", "endless", "unbuildable", "standing", "limits", "second", "markets", "hubs", "modules", "budget",
    "serve_all", "single", "least_load", "survive_source", "source",
)  # fmt: skip


@pytest.fixture(params=["at once", "by prices"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small problems go to the solver at once; here they are searched as large ones are too."""
    if request.param == "by prices":
        _as_if_large(monkeypatch)
    return str(request.param)


def _as_if_large(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("_SMALL", -1), ("_SMALL_SINGLE", -1), ("_FIRST_STAGE", 1)):
        monkeypatch.setattr(haul_search, name, value)


def _of(seed: int, conditions: frozenset[str], tonne: float = 1.0) -> HaulProblem:
    size: dict[str, int] = {"parcels": 4, "candidates": 2, "sizes": 2, "most_modules": 2}
    if "single" in conditions:
        size = {"parcels": 3, "candidates": 2, "sizes": 2, "most_modules": 1}
    if "survive_source" in conditions:
        conditions |= {"least_load"}
    return some_problem(np.random.default_rng(seed), conditions=conditions, tonne=tonne, **size)


def _check(problem: HaulProblem) -> None:
    truth = best(problem)
    if truth is None:
        with pytest.raises(NoPlanError, match=r"^infeasible because "):
            plan_hauls(problem)
        return
    plan = plan_hauls(problem)
    assert_plan_is_right(problem, plan)
    scale = max(1.0, abs(truth))
    assert plan.objective == pytest.approx(truth, rel=1e-6, abs=1e-6)
    assert truth - 1e-6 * scale <= plan.bound <= truth + 1e-5 * scale


@pytest.mark.parametrize("condition", CONDITIONS)
def test_every_condition_by_itself(condition: str, way: str) -> None:
    del way
    for seed in range(4):
        _check(_of(seed, frozenset({condition})))


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), conditions=st.frozensets(st.sampled_from(CONDITIONS)),
    tonne=st.sampled_from([1e-3, 1.0, 1e5]), large=st.booleans(),
)  # fmt: skip
def test_all_conditions_together(seed: int, conditions: frozenset[str], tonne: float, *, large: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if large:
            _as_if_large(patch)
        _check(_of(seed, conditions, tonne))


def _simple(**changes: Any) -> HaulProblem:
    """Two parcels of 10 and 6 t, two places, modules of 8 t."""
    problem = HaulProblem(
        supply=np.array([10.0, 6.0]), parcel=np.array([0, 0, 1]), candidate=np.array([0, 1, 1]),
        value=np.array([5.0, 3.0, 4.0]), candidates=2, sizes=np.array([8.0]), fixed=np.array([[10.0], [10.0]]),
    )  # fmt: skip
    return replace(problem, **changes)


def test_a_plan_by_hand() -> None:
    plan = plan_hauls(_simple())
    # 8 t to the first for 40, 6 t and the 2 t that are left to the second for 30, less two modules.
    assert plan.tonnes == pytest.approx([8.0, 2.0, 6.0])
    assert plan.objective == pytest.approx(50.0)
    assert plan.status == "optimal"
    np.testing.assert_array_equal(plan.modules, [[1], [1]])


def test_a_module_that_earns_nothing_is_not_built() -> None:
    plan = plan_hauls(_simple(fixed=np.array([[41.0], [31.0]])))
    assert not plan.modules.any()
    assert plan.objective == 0.0


def test_a_plant_that_stands_takes_waste_without_modules_and_is_no_hub() -> None:
    plan = plan_hauls(_simple(standing=np.array([3.0, 0.0]), hubs=1, budget=10.0))
    assert plan.tonnes == pytest.approx([3.0, 2.0, 6.0])
    np.testing.assert_array_equal(plan.modules, [[0], [1]])


def test_a_hub_must_outlive_its_largest_source() -> None:
    least = {"least_load": 6.0, "survive_source": True}
    with_both = plan_hauls(_simple(sizes=np.array([12.0]), **least))
    # Only the second place has two sources, and the smaller of the two must be 6 t: 6 t of each.
    assert with_both.tonnes == pytest.approx([0.0, 6.0, 6.0])
    one_site = plan_hauls(_simple(sizes=np.array([12.0]), source=np.array([0, 0]), **least))
    assert not one_site.modules.any()


def test_a_market_takes_no_more_than_it_needs() -> None:
    markets = Markets(
        demand=np.array([5.0]), hub=np.array([0, 1]), market=np.array([0, 0]), margin=np.array([2.0, 3.0])
    )
    plan = plan_hauls(_simple(markets=markets))
    assert plan.sold == pytest.approx([0.0, 5.0])
    assert plan.objective == pytest.approx(50.0 + 15.0)


def test_an_unlimited_module_takes_all_that_comes() -> None:
    plan = plan_hauls(_simple(sizes=np.array([np.inf])))
    assert plan.objective == pytest.approx(50.0 + 24.0 - 20.0)


def test_a_second_objective_is_kept() -> None:
    second = Second(value=np.array([0.0, 1.0, 1.0]), fixed=np.zeros((2, 1)), at_least=8.0)
    plan = plan_hauls(_simple(second=second, hubs=2))
    assert plan.tonnes[1:].sum() == pytest.approx(8.0)
    second = replace(second, at_least=9.0)
    with pytest.raises(NoPlanError, match="the second objective reaches 8 at best, not 9"):
        plan_hauls(_simple(second=second))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"serve_all": True, "parcel": np.array([0, 0, 0])}, "no haul begins at parcel 1"),
        ({"serve_all": True, "hubs": 1}, "at most 1 hubs can take 8 of the 16 t/a"),
        ({"serve_all": True, "modules": 1}, "at most 1 modules can take 8 of the 16 t/a"),
        ({"serve_all": True, "budget": 15.0}, "a budget of 15 can take 12 of the 16 t/a"),
        ({"serve_all": True, "sizes": np.array([7.0])}, "2 candidates can take 14 of the 16 t/a"),
        ({"serve_all": True, "candidate": np.array([0, 0, 1])}, r"2 of the 16 t/a are left over .* of parcel 0"),
        ({"serve_all": True, "single": True}, "left over|one place only|modules at a candidate"),
        ({"serve_all": True, "least_load": 8.5}, "a least load of 8.5 t/a: without it there is a plan"),
        (
            {"serve_all": True, "least_load": 4.0, "survive_source": True},
            "a least load of 4 t/a even without a hub's largest source: without it there is a plan",
        ),
        (
            {"serve_all": True, "limits": Limits.of(csr_array(np.ones((1, 2))), np.array([1.0]), ("one in 河北省",))},
            "the condition 'one in 河北省': without it there is a plan",
        ),
    ],
)  # fmt: skip
def test_what_leaves_no_plan_is_named(changes: dict[str, Any], reason: str, way: str) -> None:
    del way
    with pytest.raises(NoPlanError, match=reason):
        plan_hauls(_simple(**changes))


@pytest.mark.parametrize(
    "changes",
    [
        {"supply": np.array([10.0, -1.0])}, {"supply": np.array([10.0, np.nan])}, {"supply": np.array([10.0, np.inf])},
        {"sizes": np.array([-8.0])}, {"sizes": np.array([np.nan])}, {"value": np.array([1.0, 2.0])},
        {"value": np.array([1.0, 2.0, np.inf])}, {"fixed": np.zeros((2, 2))}, {"fixed": np.array([[-1.0], [0.0]])},
        {"parcel": np.array([0, 0, 2])}, {"candidate": np.array([0, -1, 1])}, {"candidate": np.array([0.0, 1.0, 1.0])},
        {"standing": np.array([-1.0, 0.0])}, {"standing": np.array([1.0])}, {"hubs": -1}, {"modules": -2},
        {"least_load": np.nan}, {"least_load": -1.0}, {"budget": -1.0}, {"most_modules": -1}, {"source": np.array([0])},
        {"second": Second(value=np.zeros(2), fixed=np.zeros((2, 1)), at_least=0.0)},
        {"second": Second(value=np.zeros(3), fixed=np.zeros((2, 1)), at_least=np.nan)},
        {"markets": Markets(demand=np.array([-1.0]), hub=np.array([0]), market=np.array([0]), margin=np.array([1.0]))},
        {"markets": Markets(demand=np.array([1.0]), hub=np.array([2]), market=np.array([0]), margin=np.array([1.0]))},
        {"limits": Limits.none(3)}, {"supply": np.array(["a", "b"])},
    ],
)  # fmt: skip
def test_numbers_that_make_no_sense_are_refused_in_one_line(changes: dict[str, Any]) -> None:
    with pytest.raises(BadParameterError) as refused:
        plan_hauls(_simple(**changes))
    assert "\n" not in str(refused.value)


def test_nothing_to_haul_is_an_empty_plan(way: str) -> None:
    del way
    none = np.empty(0, np.intp)
    plan = plan_hauls(_simple(parcel=none, candidate=none, value=np.empty(0)))
    assert plan.objective == plan.bound == 0.0
    assert not plan.modules.any()
    nobody = HaulProblem(
        supply=np.empty(0), parcel=none, candidate=none, value=np.empty(0), candidates=0, sizes=np.empty(0),
        fixed=np.empty((0, 0)), serve_all=True,
    )  # fmt: skip
    assert plan_hauls(nobody).objective == 0.0


def test_an_effort_that_is_over_gives_what_there_is() -> None:
    effort = Effort()
    effort.interrupted = True
    plan = plan_hauls(_simple(), effort)
    assert plan.objective <= 50.0 <= plan.bound


def test_a_start_does_not_stand_for_the_optimum() -> None:
    # HiGHS 1.16 solves this in presolve, and hands back the empty start with the objective of the optimum.
    problem = HaulProblem(
        supply=np.array([1e6, 3e5, 9e5, 8e5]), parcel=np.array([3, 3, 1, 1, 2, 0, 2]),
        candidate=np.array([0, 1, 1, 0, 0, 0, 1]), value=np.array([0.0, -3.0, 0.0, -1.0, -1.0, 8.0, 8.0]), candidates=2,
        sizes=np.array([6e5, 8e5]), fixed=np.array([[2e5, 2.2e6], [6e5, 5e5]]), modules=1,
    )  # fmt: skip
    plan = plan_hauls(problem)
    assert plan.objective == pytest.approx(8 * 8e5 - 5e5)
    np.testing.assert_array_equal(plan.modules, [[0, 0], [0, 1]])
