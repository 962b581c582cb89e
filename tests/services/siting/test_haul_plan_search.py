"""Haul plans too large to try everything: against one plain programme, and what a search promises."""

from __future__ import annotations

import threading
import time
from dataclasses import replace

import numpy as np
import pytest
from haul_truth import assert_plan_is_right
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from registry.services.siting.effort import Effort
from registry.services.siting.hauling import haul_search
from registry.services.siting.hauling.haul_plan import plan_hauls
from registry.services.siting.hauling.haul_problem import HaulProblem


def _country(seed: int, *, parcels: int = 40, candidates: int = 12, radius: float = 0.35) -> HaulProblem:
    """Places in a square, waste of very unequal tonnage, modules with economies of scale."""
    rng = np.random.default_rng(seed)
    site, place = rng.random((parcels, 2)), rng.random((candidates, 2))
    distance = np.hypot(*(site[:, None] - place).transpose(2, 0, 1))
    parcel, candidate = np.nonzero(distance < radius)
    return HaulProblem(
        supply=np.round(rng.lognormal(10.0, 1.2, parcels)), parcel=parcel, candidate=candidate,
        value=30.0 - 60.0 * distance[parcel, candidate], candidates=candidates, sizes=np.array([3e4, 2e5, 6e5]),
        fixed=np.outer(rng.uniform(0.8, 1.2, candidates), [4e5, 1.8e6, 4.5e6]), most_modules=2, modules=8,
    )  # fmt: skip


def _plain(problem: HaulProblem) -> float:
    """The optimum of the least formulation that says the same, by scipy."""
    (m, k), h, s = problem.fixed.shape, problem.value.size, problem.supply.size
    own, module = np.arange(h), h + np.arange(m * k)
    at = np.repeat(np.arange(m), k)

    def rows(entries: list[tuple[np.ndarray, np.ndarray, np.ndarray]], count: int) -> csr_array:
        row, column, data = (np.concatenate([each[part] for each in entries]) for part in range(3))
        return csr_array((data, (row, column)), shape=(count, h + m * k))

    ones = np.ones(h)
    limits = [
        LinearConstraint(rows([(problem.parcel, own, ones)], s), problem.supply * problem.serve_all, problem.supply),
        LinearConstraint(
            rows([(problem.candidate, own, ones), (at, module, -np.tile(problem.sizes, m))], m), -np.inf, 0.0
        ),
        LinearConstraint(rows([(at, module, np.ones(m * k))], m), -np.inf, problem.most_modules),
    ]
    if problem.modules is not None:
        limits.append(LinearConstraint(rows([(0 * module, module, np.ones(m * k))], 1), -np.inf, problem.modules))
    if problem.budget is not None:
        limits.append(LinearConstraint(rows([(0 * module, module, problem.fixed.ravel())], 1), -np.inf, problem.budget))
    found = milp(
        -np.concatenate([problem.value, -problem.fixed.ravel()]), constraints=limits, bounds=Bounds(0, np.inf),
        integrality=np.concatenate([np.zeros(h), np.ones(m * k)]), options={"mip_rel_gap": 1e-7},
    )  # fmt: skip
    assert found.status == 0
    return -float(found.fun)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("condition", ["modules", "budget", "serve all"])
def test_the_optimum_of_the_plain_programme(seed: int, condition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(haul_search, "_SMALL", 0)
    monkeypatch.setattr(haul_search, "_FIRST_STAGE", 6)
    problem = _country(seed)
    if condition == "budget":
        problem = replace(problem, modules=None, budget=1.2e7)
    if condition == "serve all":
        reached = np.isin(np.arange(problem.supply.size), problem.parcel)
        problem = replace(problem, supply=problem.supply * reached, modules=None, serve_all=True, most_modules=4)
    plan = plan_hauls(problem, Effort(time_limit_s=120.0))
    assert_plan_is_right(problem, plan)
    truth = _plain(problem)
    assert plan.objective == pytest.approx(truth, rel=2e-6)
    assert plan.bound >= truth * (1 - 2e-6)
    assert plan.status == "optimal"


def test_every_part_of_the_search_beats_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[float, float]] = []
    tell = haul_search.HaulSearch._take

    def take(search: haul_search.HaulSearch, found: haul_search.Found | None) -> None:
        tell(search, found)
        told.append((search.objective * search.money, search.bound * search.money))

    monkeypatch.setattr(haul_search.HaulSearch, "_take", take)
    monkeypatch.setattr(haul_search, "_SMALL", 0)
    problem = _country(5)
    truth = _plain(problem)
    plan_hauls(problem)
    best, bound = np.array(told).T
    assert len(told) > 2
    assert (np.diff(best) >= 0).all()
    assert (np.diff(bound[np.isfinite(bound)]) <= 0).all()
    assert (best <= truth * (1 + 1e-6)).all()
    assert (bound >= truth * (1 - 1e-6)).all()


def test_a_gap_is_kept_and_told_truly() -> None:
    problem = _country(6, parcels=400, candidates=60)
    near = plan_hauls(problem, Effort(gap=0.05, time_limit_s=120.0))
    assert near.gap <= 0.05
    nearer = plan_hauls(problem, Effort(gap=0.005, time_limit_s=120.0))
    assert near.bound >= nearer.objective * (1 - 1e-9)
    assert nearer.bound >= near.objective * (1 - 1e-9)
    assert_plan_is_right(problem, near)
    assert_plan_is_right(problem, nearer)


def test_the_same_seed_gives_the_same_plan() -> None:
    problem = _country(7, parcels=400, candidates=60)
    plans = [plan_hauls(problem, Effort(seed=3, gap=0.01)) for _ in range(2)]
    np.testing.assert_array_equal(plans[0].modules, plans[1].modules)
    np.testing.assert_array_equal(plans[0].tonnes, plans[1].tonnes)
    assert plans[0].bound == plans[1].bound


def test_an_interruption_gives_the_best_so_far() -> None:
    problem = replace(_country(8, parcels=1_500, candidates=150), modules=40)
    effort = Effort()

    def stop() -> None:
        time.sleep(1.5)
        effort.interrupted = True

    thread = threading.Thread(target=stop)
    thread.start()
    plan = plan_hauls(problem, effort)
    thread.join()
    assert_plan_is_right(problem, plan)
    assert plan.objective >= 0.0
    assert plan.bound >= plan.objective


def test_progress_is_told_in_the_unit_of_the_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[float, float]] = []
    monkeypatch.setattr(Effort, "tell", lambda _, objective, bound: said.append((objective, bound)))
    problem = _country(9, parcels=400, candidates=60)
    plan = plan_hauls(problem, Effort(gap=0.01))
    assert said
    for objective, bound in said:
        assert objective <= plan.objective * (1 + 1e-6)
        assert bound >= plan.objective * (1 - 1e-6)


def test_parcels_that_are_alike_share_hauls_in_proportion() -> None:
    problem = HaulProblem(
        supply=np.array([30.0, 10.0]), parcel=np.array([0, 1]), candidate=np.array([0, 0]), value=np.array([1.0, 1.0]),
        candidates=1, sizes=np.array([20.0]), fixed=np.zeros((1, 1)),
    )  # fmt: skip
    assert plan_hauls(problem).tonnes == pytest.approx([15.0, 5.0])


def test_units_do_not_matter() -> None:
    problem = _country(10)
    plan = plan_hauls(problem)
    for factor in (1e-6, 1e6):
        scaled = replace(
            problem, supply=problem.supply * factor, sizes=problem.sizes * factor, fixed=problem.fixed * factor
        )
        assert plan_hauls(scaled).objective == pytest.approx(plan.objective * factor, rel=1e-6)
