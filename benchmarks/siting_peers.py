"""Who answers a siting question: ours, ``spopt`` with HiGHS through PuLP, and HiGHS on the whole programme through ``scipy.optimize.milp``."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from contest import Contender, Prepared
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, hstack, identity, vstack
from siting_instances import Case, Covering, Median, clustered_city, random_graph

from registry.services.siting.covering.maximal import maximal_covering
from registry.services.siting.effort import Effort
from registry.services.siting.hauling.haul_plan import plan_hauls
from registry.services.siting.hauling.haul_problem import HaulProblem
from registry.services.siting.medians.median import p_median
from registry.services.siting.solution import PROVEN, relative_gap, status_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from siting_instances import Question

MOST_MB = 8_000
"""Memory that a peer gets, 10⁶ bytes: what an office machine has to spare."""


class CannotBeAskedError(Exception):
    """A peer has no such model."""


def _answer(objective: float, bound: float, recomputed: float) -> dict[str, pd.DataFrame]:
    """What is compared: with ``recomputed``, the objective that the hubs give when it is added up outside the solver."""
    gap = relative_gap(objective, bound)
    row = {"objective": objective, "bound": bound, "gap": gap, "status": status_of(gap), "recomputed": recomputed}
    return {"answer": pd.DataFrame([row])}


def value_of(question: Covering | Median, chosen: NDArray[np.intp]) -> float:
    """Objective of chosen candidates, added up without any solver."""
    if isinstance(question, Median):
        return float((question.distance[:, chosen].min(axis=1) * question.demand).sum())
    taken = np.zeros(question.reach.shape[1], np.float32)
    taken[chosen] = 1.0
    return float(question.demand[(question.reach @ taken) > 0].sum())


def value_of_hauls(problem: HaulProblem, modules: NDArray[np.int64], tonnes: NDArray[np.float64]) -> float:
    """Money of a plan; NaN where it hauls what is not there, or more than fits."""
    load = np.bincount(problem.candidate, tonnes, problem.candidates)
    taken = np.bincount(problem.parcel, tonnes, problem.supply.size)
    sound = (
        (tonnes >= -1e-6).all()
        and (taken <= problem.supply * (1 + 1e-6) + 1e-3).all()
        and (load <= (modules @ problem.sizes) * (1 + 1e-6) + 1e-3).all()
        and (modules.sum(axis=1) <= problem.most_modules).all()
        and (problem.modules is None or modules.sum() <= problem.modules)
    )
    return float(problem.value @ tonnes - (problem.fixed * modules).sum()) if sound else float("nan")


# -------------------------------------------------------------------------------------------------- ours


def ours(case: Case) -> Prepared:
    """The registry's own search; compiled code is loaded before the clock starts, by a small instance of the kind."""
    question = case.instance.make()
    _asked(_small(question), Effort())
    return Prepared(
        lambda: _asked(question, Effort(time_limit_s=case.limit_s, gap=case.gap)), lambda found: _told(question, found)
    )


def _asked(question: Question, effort: Effort) -> Any:
    if isinstance(question, Covering):
        return maximal_covering(question.reach, question.demand, question.p, effort=effort)
    if isinstance(question, Median):
        return p_median(question.distance, question.demand, question.p, effort=effort)
    return plan_hauls(question, effort)


def _told(question: Question, found: Any) -> dict[str, pd.DataFrame]:
    value = (
        value_of_hauls(question, found.modules, found.tonnes)
        if isinstance(question, HaulProblem)
        else value_of(question, found.open)
    )
    return _answer(found.objective, found.bound, value)


def _small(question: Question) -> Question:
    if isinstance(question, Covering):
        return clustered_city(40, 800.0, 2, 1)
    if isinstance(question, Median):
        return random_graph(60, 3, 1)
    return HaulProblem(
        supply=np.array([3.0, 2.0]), parcel=np.array([0, 1, 1]), candidate=np.array([0, 0, 1]), value=np.array([2.0, 1.0, 3.0]),
        candidates=2, sizes=np.array([2.0, 4.0]), fixed=np.ones((2, 2)), most_modules=2, modules=2,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------------- spopt


def spopt(case: Case) -> Prepared:
    """``spopt``'s model of the same name, from its matrix of costs, dense as it must be; its own tables of who goes where are not asked for."""
    import pulp  # noqa: PLC0415  # a peer, imported in its own process only
    from spopt.locate import MCLP, PMedian  # noqa: PLC0415

    _quieten()
    question = case.instance.make()
    _limit_memory()
    if isinstance(question, HaulProblem):
        raise CannotBeAskedError("no model with modules and materials")
    n, m = question.distance.shape if isinstance(question, Median) else question.reach.shape
    if isinstance(question, Median):
        cost = question.distance
    else:
        cost = np.ones((n, m))
        cost[question.reach.nonzero()] = 0.0

    def ask() -> Any:
        if isinstance(question, Median):
            model = PMedian.from_cost_matrix(cost, question.demand, question.p)
        else:
            model = MCLP.from_cost_matrix(cost, question.demand, 0.5, question.p)
        return model.solve(pulp.HiGHS(msg=False, gapRel=PROVEN), results=False)

    def answer(model: Any) -> dict[str, pd.DataFrame]:
        chosen = np.flatnonzero([variable.value() > 0.5 for variable in model.fac_vars])
        sign = 1.0 if isinstance(question, Median) else -1.0  # PuLP turns the programme into a minimisation
        bound = sign * model.problem.solverModel.getInfo().mip_dual_bound
        return _answer(float(model.problem.objective.value()), bound, value_of(question, chosen))

    return Prepared(ask, answer)


def _quieten() -> None:
    """Send what HiGHS says of itself to nobody; PuLP's setting comes too late for it."""
    with Path(os.devnull).open("w", encoding="utf-8") as nothing:
        os.dup2(nothing.fileno(), 1)


def _limit_memory() -> None:
    """Let memory beyond the limit fail at once, where the machine would begin to swap."""
    resource.setrlimit(resource.RLIMIT_AS, (MOST_MB * 10**6, MOST_MB * 10**6))


# ------------------------------------------------------------------------------------------- HiGHS alone


def whole_programme(case: Case) -> Prepared:
    """The textbook programme as one array, given to HiGHS by SciPy."""
    question = case.instance.make()
    _limit_memory()
    options = {"time_limit": case.peer_limit_s, "mip_rel_gap": max(case.gap, PROVEN)}
    formulate: Callable[[Any], tuple[Any, ...]] = {Covering: _covering, Median: _median, HaulProblem: _hauls}[
        type(question)
    ]

    def ask() -> Any:
        cost, rows, least, most, upper, integer = formulate(question)
        return milp(
            cost, constraints=LinearConstraint(rows, least, most), bounds=Bounds(0.0, upper), integrality=integer,
            options=options,
        )  # fmt: skip

    def answer(found: Any) -> dict[str, pd.DataFrame]:
        if found.x is None:
            return _answer(np.nan, np.nan, np.nan)
        sign = 1.0 if isinstance(question, Median) else -1.0
        if isinstance(question, HaulProblem):
            wide = question.candidates * question.sizes.size
            modules = np.rint(found.x[:wide]).astype(np.int64).reshape(question.candidates, -1)
            value = value_of_hauls(question, modules, found.x[wide:])
        else:
            m = question.distance.shape[1] if isinstance(question, Median) else question.reach.shape[1]
            value = value_of(question, np.flatnonzero(found.x[:m] > 0.5))
        return _answer(sign * found.fun, sign * found.mip_dual_bound, value)

    return Prepared(ask, answer)


def _covering(question: Covering) -> tuple[Any, ...]:
    """Candidates x, m of them, then y of n demands: y ≤ Σ x in reach."""
    n, m = question.reach.shape
    rows = vstack([hstack([-question.reach.astype(np.float64), identity(n)]), _ones(np.arange(m), m + n)], format="csr")
    return (
        np.concatenate([np.zeros(m), -question.demand]), rows, -np.inf, np.append(np.zeros(n), float(question.p)), 1.0,
        np.arange(m + n) < m,
    )  # fmt: skip


def _median(question: Median) -> tuple[Any, ...]:
    """Candidates x, m of them, then z of n · m pairs: every demand goes somewhere, and only to a candidate that is open."""
    n, m = question.distance.shape
    pair = np.arange(n * m)
    served = csr_array((np.ones(n * m), (pair // m, m + pair)), shape=(n, m + n * m))
    is_open = hstack([csr_array((-np.ones(n * m), (pair, pair % m)), shape=(n * m, m)), identity(n * m)])
    rows = vstack([served, is_open, _ones(np.arange(m), m + n * m)], format="csr")
    least = np.concatenate([np.ones(n), np.full(n * m + 1, -np.inf)])
    most = np.concatenate([np.ones(n), np.zeros(n * m), [float(question.p)]])
    cost = np.concatenate([np.zeros(m), (question.demand[:, None] * question.distance).ravel()])
    return cost, rows, least, most, 1.0, np.arange(m + n * m) < m


def _hauls(problem: HaulProblem) -> tuple[Any, ...]:
    """Modules of every candidate and size, then tonnes of every haul."""
    m, k, h = problem.candidates, problem.sizes.size, problem.value.size
    module, haul, at = np.arange(m * k), m * k + np.arange(h), np.repeat(np.arange(m), k)
    width = m * k + h
    taken = csr_array((np.ones(h), (problem.parcel, haul)), shape=(problem.supply.size, width))
    fits = csr_array(
        (
            np.concatenate([np.ones(h), -np.tile(problem.sizes, m)]),
            (np.concatenate([problem.candidate, at]), np.concatenate([haul, module])),
        ),
        shape=(m, width),
    )
    few = csr_array((np.ones(m * k), (at, module)), shape=(m, width))
    rows = vstack([taken, fits, few, _ones(module, width)], format="csr")
    most = np.concatenate(
        [
            problem.supply,
            np.zeros(m),
            np.full(m, float(problem.most_modules)),
            [np.inf if problem.modules is None else problem.modules],
        ]
    )
    cost = np.concatenate([problem.fixed.ravel(), -problem.value])
    return cost, rows, -np.inf, most, np.inf, np.arange(width) < m * k


def _ones(columns: NDArray[np.intp], width: int) -> csr_array:
    return csr_array((np.ones(columns.size), columns, [0, columns.size]), shape=(1, width))


CONTENDERS = {
    "ours": Contender("siting", "ours", "ours", ours),
    "spopt": Contender("siting", "spopt", "`spopt` + HiGHS", spopt, needs="spopt"),
    "milp": Contender("siting", "milp", "HiGHS on the whole programme (`scipy.optimize.milp`)", whole_programme),
}
