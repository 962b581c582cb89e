"""Haul plans that begin from a known one, and first plans where a second objective binds."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement

import numpy as np
import pytest
from haul_truth import assert_plan_is_right, best, some_problem
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, vstack

from registry.errors import BadParameterError, NoPlanError, TimeUpError
from registry.services.siting.effort import Effort
from registry.services.siting.hauling import haul_search
from registry.services.siting.hauling.haul_core import reduced
from registry.services.siting.hauling.haul_mixes import mixes_of
from registry.services.siting.hauling.haul_plan import plan_hauls
from registry.services.siting.hauling.haul_problem import HaulPlan, HaulProblem, Second

CONDITIONS = ("standing", "limits", "second", "hubs", "modules", "budget", "serve_all", "single", "least_load")


@pytest.fixture
def as_if_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Search small problems as large ones are."""
    for name, value in (("_SMALL", -1), ("_SMALL_SINGLE", -1), ("_FIRST_STAGE", 4)):
        monkeypatch.setattr(haul_search, name, value)


def _interrupted() -> Effort:
    effort = Effort()
    effort.interrupted = True
    return effort


def _country(seed: int, *, parcels: int = 40, candidates: int = 12, hubs: int = 4) -> HaulProblem:
    """Waste in a square; of a tonne the way counts, and beside it the tonnes."""
    rng = np.random.default_rng(seed)
    site, place = rng.random((parcels, 2)), rng.random((candidates, 2))
    distance = np.hypot(*(site[:, None] - place).transpose(2, 0, 1))
    parcel, candidate = np.nonzero(distance < 0.35)
    return HaulProblem(
        supply=np.round(rng.lognormal(10.0, 1.2, parcels)), parcel=parcel, candidate=candidate,
        value=-distance[parcel, candidate], candidates=candidates, sizes=np.array([3e4, 2e5]),
        fixed=np.outer(rng.uniform(0.8, 1.2, candidates), [2e3, 9e3]), most_modules=2, hubs=hubs,
    )  # fmt: skip


def _covering(problem: HaulProblem, share: float) -> HaulProblem:
    """At least so much of what the most tonnes are must be hauled."""
    tonnes = replace(problem, value=np.ones(problem.value.size), fixed=np.zeros(problem.fixed.shape))
    second = Second(value=tonnes.value, fixed=tonnes.fixed, at_least=share * plan_hauls(tonnes).objective)
    return replace(problem, second=second)


def _plain(problem: HaulProblem) -> float:
    """The optimum of the least formulation that says the same, by scipy."""
    (m, k), h, s = problem.fixed.shape, problem.value.size, problem.supply.size
    second = problem.second
    assert second is not None
    assert problem.hubs is not None
    width = h + m * k + m
    own, module, opened = np.arange(h), h + np.arange(m * k), h + m * k + np.arange(m)
    at = np.repeat(np.arange(m), k)

    def rows(count: int, *entries: tuple[np.ndarray, np.ndarray, np.ndarray | float]) -> csr_array:
        parts = [
            coo_array((np.broadcast_to(value, row.shape), (row, column)), shape=(count, width))
            for row, column, value in entries
        ]
        return csr_array(sum(part.tocsr() for part in parts))

    matrix = vstack([
        rows(s, (problem.parcel, own, 1.0)),
        rows(m, (problem.candidate, own, 1.0), (at, module, -np.tile(problem.sizes, m))),
        rows(m, (at, module, 1.0), (np.arange(m), opened, -float(problem.most_modules))),
        rows(1, (0 * opened, opened, 1.0)),
        rows(1, (0 * own, own, -second.value), (0 * module, module, second.fixed.ravel())),
    ])  # fmt: skip
    most = np.concatenate([problem.supply, np.zeros(2 * m), [problem.hubs, -second.at_least]])
    upper = np.full(width, np.inf)
    upper[opened] = 1.0
    found = milp(
        -np.concatenate([problem.value, -problem.fixed.ravel(), np.zeros(m)]),
        constraints=LinearConstraint(csr_array(matrix), -np.inf, most), bounds=Bounds(0, upper),
        integrality=(np.arange(width) >= h).astype(int), options={"mip_rel_gap": 1e-7},
    )  # fmt: skip
    assert found.status == 0
    return -float(found.fun)


@pytest.mark.parametrize("share", [0.9, 0.999])
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.usefixtures("as_if_large")
def test_the_optimum_where_a_second_objective_binds(seed: int, share: float) -> None:
    problem = _covering(_country(seed), share)
    plan = plan_hauls(problem)
    assert_plan_is_right(problem, plan)
    truth = _plain(problem)
    assert plan.objective == pytest.approx(truth, rel=2e-6)
    assert plan.bound >= truth - 2e-6 * abs(truth)
    assert plan.status == "optimal"


@pytest.mark.usefixtures("as_if_large")
def test_a_second_objective_that_nothing_reaches_is_named() -> None:
    problem = _covering(_country(3), 1.001)
    assert problem.second is not None
    most = problem.second.at_least / 1.001
    with pytest.raises(NoPlanError, match=f"the second objective reaches {most:,.10g} at best, not"):
        plan_hauls(problem)


@pytest.mark.usefixtures("as_if_large")
def test_time_that_ran_out_is_no_proof() -> None:
    with pytest.raises(TimeUpError, match="no plan was found within the time limit"):
        plan_hauls(_covering(_country(4), 0.999), _interrupted())


def test_a_known_plan_is_the_least_that_is_given() -> None:
    problem = _covering(_country(5), 0.95)
    known = plan_hauls(problem)
    for start in (known, known.modules):
        plan = plan_hauls(problem, _interrupted(), start=start)
        assert plan.objective == pytest.approx(known.objective)
        assert plan.bound >= plan.objective


def test_where_single_parcels_went_they_may_go_again() -> None:
    rng = np.random.default_rng(6)
    parcel, candidate = (each.ravel() for each in np.indices((30, 5)))
    problem = HaulProblem(
        supply=rng.integers(3, 20, 30).astype(float), parcel=parcel, candidate=candidate,
        value=-rng.random(150), candidates=5, sizes=np.array([75.0]), fixed=np.zeros((5, 1)), hubs=5, serve_all=True,
        single=True,
    )  # fmt: skip
    known = plan_hauls(problem, Effort(gap=0.01, time_limit_s=60.0))
    plan = plan_hauls(problem, _interrupted(), start=known)
    assert_plan_is_right(problem, plan)
    assert plan.objective >= known.objective - 1e-9 * abs(known.objective)


def test_a_start_with_too_many_hubs_is_mended() -> None:
    problem = replace(_country(7), hubs=6)
    known = plan_hauls(replace(problem, value=problem.value + 1.0))
    fewer = replace(problem, value=problem.value + 1.0, hubs=3)
    assert (known.modules.sum(axis=1) > 0).sum() > 3
    plan = plan_hauls(fewer, _interrupted(), start=known)
    assert_plan_is_right(fewer, plan)
    assert plan.objective > 0.0


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1), conditions=st.frozensets(st.sampled_from(CONDITIONS)), large=st.booleans(),
    flows=st.booleans(),
)  # fmt: skip
def test_no_start_changes_the_optimum(seed: int, conditions: frozenset[str], *, large: bool, flows: bool) -> None:
    rng = np.random.default_rng(seed)
    few = "single" in conditions
    problem = some_problem(
        rng, conditions=conditions, parcels=3 if few else 4, candidates=2, sizes=2, most_modules=1 if few else 2
    )
    modules = rng.integers(0, 4, problem.fixed.shape)
    tonnes = rng.random(problem.value.size) * 9.0
    start = HaulPlan(modules, tonnes, np.nan, np.nan) if flows else modules
    truth = best(problem)
    with pytest.MonkeyPatch.context() as patch:
        if large:
            for name in ("_SMALL", "_SMALL_SINGLE"):
                patch.setattr(haul_search, name, -1)
        if truth is None:
            with pytest.raises(NoPlanError, match=r"^infeasible because "):
                plan_hauls(problem, start=start)
            return
        plan = plan_hauls(problem, start=start)
    assert_plan_is_right(problem, plan)
    assert plan.objective == pytest.approx(truth, rel=1e-6, abs=1e-6)
    assert plan.bound == pytest.approx(truth, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("start", [np.zeros((2, 2)), np.full((12, 2), -1), np.full((12, 2), np.nan)])
def test_a_start_that_makes_no_sense_is_refused(start: np.ndarray) -> None:
    with pytest.raises(BadParameterError, match="haul plan: start"):
        plan_hauls(_country(8), start=start)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("counted", [True, False])
def test_every_mix_of_modules_is_matched_by_one_that_is_kept(seed: int, *, counted: bool) -> None:
    rng = np.random.default_rng(seed)
    country = _country(seed)
    problem = replace(
        country, value=country.value + 1.0, sizes=np.array([2e4, 5e4, 3e5]), fixed=rng.uniform(1e3, 9e3, (12, 3)),
        most_modules=4,
    )  # fmt: skip
    problem.fixed[rng.random((12, 3)) < 0.2] = np.inf
    core = reduced(problem).core
    mixes = mixes_of(core, counted=counted)
    assert mixes is not None
    size, fixed = np.zeros((2, *mixes.option.shape))
    there = mixes.option >= 0
    size[there], fixed[there] = core.option_size[mixes.option[there]], core.option_fixed[mixes.option[there]]
    fixed[~there] = np.inf
    for number in range(1, 5):
        for mix in combinations_with_replacement(range(3), number):
            cost = fixed[:, mix].sum(axis=1)
            able = np.isfinite(cost)
            room = np.minimum(size[:, mix].sum(axis=1), core.reach)
            beats = (
                (mixes.capacity >= room[:, None] * (1 - 1e-12))
                & (mixes.cost <= cost[:, None] * (1 + 1e-12))
                & ((mixes.number.sum(axis=1) <= number) | (not counted))
            )
            assert beats[able].all(axis=0).any()


def test_too_many_mixes_are_not_looked_at() -> None:
    # Each larger module costs more a tonne, so that none can stand for others.
    sizes = np.array([1.0, 1.7, 2.9, 4.3, 5.9, 7.1]) * 100
    country = _country(9)
    problem = replace(
        country, value=country.value + 1.0, sizes=sizes, fixed=np.outer(np.ones(12), sizes**1.01), most_modules=9
    )  # fmt: skip
    assert mixes_of(reduced(problem).core, counted=True) is None


def test_no_bound_is_above_what_there_is() -> None:
    draw = np.random.default_rng(4)
    supply = draw.integers(1, 50, 60).astype(float)
    parcel, candidate = np.nonzero(draw.random((60, 12)) < 0.6)
    problem = HaulProblem(
        supply=supply, parcel=parcel, candidate=candidate, value=np.ones(parcel.size), candidates=12,
        sizes=np.array([100.0, 400.0]), fixed=np.zeros((12, 2)), most_modules=3, modules=8,
    )  # fmt: skip
    reached = supply[np.unique(parcel)].sum()
    assert plan_hauls(problem, Effort(time_limit_s=1e-3)).bound <= reached * (1 + 1e-12)
    found = plan_hauls(problem)
    assert found.objective == pytest.approx(reached)
    assert found.status == "optimal"
