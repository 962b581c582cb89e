"""The best haul plan by trying everything: all modules, all ways of single parcels, and scipy's linear programmes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from scipy.optimize import linprog
from scipy.sparse import csr_array

from registry.services.siting.hauling.haul_problem import HaulPlan, HaulProblem, Markets, Second
from registry.services.siting.limits import Limits


def _module_plans(problem: HaulProblem) -> Any:
    m, k = problem.fixed.shape
    each = [mix for mix in product(range(problem.most_modules + 1), repeat=k) if sum(mix) <= problem.most_modules]
    for mixes in product(each, repeat=m):
        modules = np.array(mixes).reshape(m, k)
        count = modules.sum(axis=1)
        if problem.standing is not None and (count[problem.standing > 0] > 0).any():
            continue
        if np.isinf(problem.fixed[modules > 0]).any():
            continue
        cost = problem.fixed[modules > 0] @ modules[modules > 0]
        if problem.hubs is not None and (count > 0).sum() > problem.hubs:
            continue
        if problem.modules is not None and count.sum() > problem.modules:
            continue
        if problem.budget is not None and cost > problem.budget + 1e-9:
            continue
        if (
            problem.limits is not None
            and (problem.limits.weights @ (count > 0).astype(float) > problem.limits.at_most + 1e-9).any()
        ):
            continue
        yield modules, float(cost)


def _counted_for_the_load(problem: HaulProblem) -> list[np.ndarray]:
    """All hauls, and those that are left without each source."""
    if problem.least_load == 0:
        return []
    source = np.arange(problem.supply.size) if problem.source is None else problem.source
    lost = np.unique(source) if problem.survive_source else []
    return [np.ones(problem.value.size), *(source[problem.parcel] != site for site in lost)]


def _rows_of_places(problem: HaulProblem, modules: np.ndarray) -> Any:
    """Hauls, sales and limit of what parcels hold, candidates take, hubs need and sell."""
    markets = problem.markets
    none = np.zeros(0 if markets is None else markets.margin.size)
    standing = np.zeros(problem.candidates) if problem.standing is None else problem.standing
    with np.errstate(invalid="ignore"):
        capacity = standing + np.where(modules > 0, modules * problem.sizes, 0.0).sum(axis=1)
    for i in range(problem.supply.size):
        begins = (problem.parcel == i).astype(float)
        yield begins, none, problem.supply[i]
        if problem.serve_all:
            yield -begins, none, -problem.supply[i]
    for j in range(problem.candidates):
        to = (problem.candidate == j).astype(float)
        yield to, none, capacity[j]
        for counted in _counted_for_the_load(problem) if modules[j].any() else []:
            yield -to * counted, none, -problem.least_load
        if markets is not None:
            yield -to, (markets.hub == j).astype(float), 0.0


def _rows_of_the_rest(problem: HaulProblem, modules: np.ndarray) -> Any:
    """The same of markets and the second objective."""
    markets, second = problem.markets, problem.second
    if markets is not None:
        for q in range(markets.demand.size):
            yield np.zeros(problem.value.size), (markets.market == q).astype(float), markets.demand[q]
    if second is not None:
        used = second.fixed[modules > 0] @ modules[modules > 0]
        yield -second.value, np.zeros(0 if markets is None else markets.margin.size), -(second.at_least + used)


def _hauled(problem: HaulProblem, modules: np.ndarray, usable: np.ndarray) -> float | None:
    """Best value of hauls and sales for known modules, None where they allow none."""
    rows = [
        (np.concatenate([hauls, sales]), limit)
        for hauls, sales, limit in (*_rows_of_places(problem, modules), *_rows_of_the_rest(problem, modules))
        if np.isfinite(limit)
    ]
    sold = np.empty(0) if problem.markets is None else problem.markets.margin
    worth = np.concatenate([problem.value, sold])
    bounds = [(0, None if use else 0) for use in usable] + [(0, None)] * sold.size
    found = linprog(
        -worth, A_ub=np.array([row for row, _ in rows]), b_ub=[limit for _, limit in rows], bounds=bounds, method="highs"
    )  # fmt: skip
    return -float(found.fun) if found.status == 0 else None


def best(problem: HaulProblem) -> float | None:
    """The objective of the best plan, None where there is none."""
    found: float | None = None
    ways = [np.ones(problem.value.size, np.bool_)]
    if problem.single:
        options = [
            [-1, *np.unique(problem.candidate[problem.parcel == i]).tolist()] for i in range(problem.supply.size)
        ]
        ways = [problem.candidate == np.array(way)[problem.parcel] for way in product(*options)]
    for modules, cost in _module_plans(problem):
        for usable in ways:
            worth = _hauled(problem, modules, usable)
            if worth is not None and (found is None or worth - cost > found):
                found = worth - cost
    return found


def assert_plan_is_right(problem: HaulProblem, plan: HaulPlan) -> None:
    """Every condition of a problem, read off the plan."""
    total = problem.supply.sum()
    little = 1e-6 * max(total, 1.0)
    standing = np.zeros(problem.candidates) if problem.standing is None else problem.standing
    assert (plan.modules >= 0).all()
    assert (plan.tonnes >= 0).all()
    assert not plan.modules[standing > 0].any()
    count = plan.modules.sum(axis=1)
    assert (count <= problem.most_modules).all()
    assert problem.hubs is None or (count > 0).sum() <= problem.hubs
    assert problem.modules is None or count.sum() <= problem.modules
    from_parcel = np.bincount(problem.parcel, plan.tonnes, minlength=problem.supply.size)
    assert (from_parcel <= problem.supply + little).all()
    if problem.serve_all:
        assert (from_parcel >= problem.supply - little).all()
    load = np.bincount(problem.candidate, plan.tonnes, minlength=problem.candidates)
    with np.errstate(invalid="ignore"):
        capacity = standing + np.where(plan.modules > 0, plan.modules * problem.sizes, 0.0).sum(axis=1)
    assert (load <= capacity + little).all()
    used = plan.modules > 0
    cost = problem.fixed[used] @ plan.modules[used]
    assert problem.budget is None or cost <= problem.budget * (1 + 1e-9)
    if problem.limits is not None:
        assert problem.limits.allow(np.flatnonzero(count > 0))
    open_ = count > 0
    assert (load[open_] >= problem.least_load - little).all()
    if problem.survive_source:
        source = np.arange(problem.supply.size) if problem.source is None else problem.source
        for site in np.unique(source):
            left = plan.tonnes * (source[problem.parcel] != site)
            left_load = np.bincount(problem.candidate, left, minlength=problem.candidates)
            assert (left_load[open_] >= problem.least_load - little).all()
    if problem.single:
        some = plan.tonnes > little
        pairs = np.unique(np.stack([problem.parcel[some], problem.candidate[some]]), axis=1)
        assert np.bincount(pairs[0]).max(initial=0) <= 1
    objective = problem.value @ plan.tonnes - cost
    if problem.markets is not None:
        markets = problem.markets
        assert (plan.sold >= 0).all()
        assert (np.bincount(markets.hub, plan.sold, minlength=problem.candidates) <= load + little).all()
        taken = np.bincount(markets.market, plan.sold, minlength=markets.demand.size)
        assert (taken <= markets.demand + little).all()
        objective += markets.margin @ plan.sold
    if problem.second is not None:
        reached = problem.second.value @ plan.tonnes - problem.second.fixed[used] @ plan.modules[used]
        weight = np.abs(problem.second.value).max(initial=1.0)
        assert reached >= problem.second.at_least - little * weight
    np.testing.assert_allclose(plan.objective, objective, rtol=1e-9, atol=1e-9)
    assert plan.bound >= plan.objective


def some_problem(
    rng: np.random.Generator, *, conditions: frozenset[str], parcels: int = 4, candidates: int = 3, sizes: int = 2,
    most_modules: int = 2, tonne: float = 1.0,
) -> HaulProblem:  # fmt: skip
    """A random problem in which the conditions that are named matter more often than not."""
    s, m, k = parcels, candidates, sizes
    supply = rng.integers(0, 12, s) * tonne
    pairs = np.array([(i, j) for i in range(s) for j in range(m) if rng.random() < 0.75] or [(0, 0)])
    pairs = np.concatenate([pairs, pairs[rng.random(len(pairs)) < 0.25]])
    rng.shuffle(pairs)
    value = rng.integers(-3, 10, len(pairs)).astype(float)
    if "alike" in conditions:
        value = np.where(pairs[:, 0] < s // 2 + 1, 4.0 + pairs[:, 1], value)
    size = np.sort(rng.integers(3, 15, k)).astype(float) * tonne
    if "endless" in conditions:
        size[-1] = np.inf
    fixed = rng.integers(0, 30, (m, k)) * tonne
    if "unbuildable" in conditions:
        fixed[rng.random((m, k)) < 0.3] = np.inf
    standing = np.where(rng.random(m) < 0.4, rng.integers(1, 9, m) * tonne, 0.0) if "standing" in conditions else None
    limits = None
    if "limits" in conditions:
        limits = Limits.of(csr_array(rng.integers(0, 3, (2, m)).astype(float)), np.array([2.0, 3.0]), ("a", "b"))
    second = None
    if "second" in conditions:
        second = Second(
            value=rng.integers(-2, 5, len(pairs)).astype(float), fixed=rng.integers(0, 5, (m, k)) * tonne,
            at_least=float(rng.integers(-5, 30)) * tonne,
        )  # fmt: skip
    markets = None
    if "markets" in conditions:
        sale = np.array([(j, q) for j in range(m) for q in range(2) if rng.random() < 0.7] or [(0, 0)])
        markets = Markets(
            demand=rng.integers(0, 12, 2) * tonne, hub=sale[:, 0], market=sale[:, 1],
            margin=rng.integers(-1, 8, len(sale)).astype(float),
        )  # fmt: skip
    return HaulProblem(
        supply=supply, parcel=pairs[:, 0], candidate=pairs[:, 1], value=value, candidates=m, sizes=size, fixed=fixed,
        most_modules=most_modules, hubs=int(rng.integers(1, m + 1)) if "hubs" in conditions else None,
        modules=int(rng.integers(1, m * most_modules)) if "modules" in conditions else None, standing=standing,
        limits=limits, budget=float(rng.integers(5, 50)) * tonne if "budget" in conditions else None,
        serve_all="serve_all" in conditions, single="single" in conditions,
        least_load=float(rng.integers(1, 9)) * tonne if "least_load" in conditions else 0.0,
        survive_source="survive_source" in conditions,
        source=rng.integers(0, 3, s) if "source" in conditions else None, second=second, markets=markets,
    )  # fmt: skip
