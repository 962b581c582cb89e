"""Whether a haul problem makes sense, and which of its conditions leaves no plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from registry.errors import BadParameterError, NoPlanError
from registry.services.kernels.transport import Network, ship
from registry.services.siting.effort import Effort
from registry.services.siting.hauling.haul_core import reduced
from registry.services.siting.hauling.haul_programme import HaulProgramme

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from registry.services.siting.hauling.haul_core import Reduction
    from registry.services.siting.hauling.haul_problem import HaulPlan, HaulProblem, Markets, Second

_LOOK_S = 20.0
"""Seconds that the search for the reason may take where nobody set a limit."""


def checked(problem: HaulProblem) -> HaulProblem:
    """Return the problem with arrays of the right types.

    Raises
    ------
    BadParameterError : an array has the wrong shape, is no number, is negative where it must not be, or points nowhere.
    """
    m = problem.candidates
    if m < 0 or problem.most_modules < 0:
        raise BadParameterError("haul plan: candidates and most_modules are counts of 0 or more.")
    s, h, k = np.size(problem.supply), np.size(problem.value), np.size(problem.sizes)
    supply = _numbers(problem.supply, "supply", (s,), least=0.0)
    sizes = _numbers(problem.sizes, "sizes", (k,), least=0.0, infinite=True)
    fixed = _numbers(problem.fixed, "fixed", (m, k), least=0.0, infinite=True)
    value = _numbers(problem.value, "value", (h,))
    parcel = _places(problem.parcel, "parcel", h, s)
    candidate = _places(problem.candidate, "candidate", h, m)
    standing = problem.standing
    if standing is not None:
        standing = _numbers(standing, "standing", (m,), least=0.0, infinite=True)
    source = problem.source
    if source is not None:
        source = _places(source, "source", s, np.iinfo(np.intp).max)
    _check_limits(problem)
    second, markets = _second(problem, h), _markets(problem)
    return replace(
        problem, supply=supply, parcel=parcel, candidate=candidate, value=value, sizes=sizes, fixed=fixed,
        standing=standing, source=source, second=second, markets=markets,
    )  # fmt: skip


def _check_limits(problem: HaulProblem) -> None:
    for name in ("hubs", "modules"):
        limit = getattr(problem, name)
        if limit is not None and not limit >= 0:
            raise BadParameterError(f"{name} = {limit}: give a number of 0 or more.")
    if not 0 <= problem.least_load < np.inf:
        raise BadParameterError(f"least_load = {problem.least_load}: give tonnes of 0 or more.")
    if problem.budget is not None and not problem.budget >= 0:
        raise BadParameterError(f"budget = {problem.budget}: give a number of 0 or more.")
    if problem.limits is not None and problem.limits.weights.shape[1] != problem.candidates:
        raise BadParameterError(
            f"limits: conditions on {problem.limits.weights.shape[1]} candidates, but there are {problem.candidates}."
        )


def _second(problem: HaulProblem, hauls: int) -> Second | None:
    second = problem.second
    if second is None or second.at_least == -np.inf:
        return None
    if not np.isfinite(second.at_least):
        raise BadParameterError(f"second.at_least = {second.at_least}: give a number.")
    shape = (problem.candidates, np.size(problem.sizes))
    return replace(
        second, value=_numbers(second.value, "second.value", (hauls,)),
        fixed=_numbers(second.fixed, "second.fixed", shape, least=0.0, infinite=True),
    )  # fmt: skip


def _markets(problem: HaulProblem) -> Markets | None:
    markets = problem.markets
    if markets is None:
        return None
    q, e = np.size(markets.demand), np.size(markets.margin)
    return replace(
        markets, demand=_numbers(markets.demand, "markets.demand", (q,), least=0.0, infinite=True),
        hub=_places(markets.hub, "markets.hub", e, problem.candidates),
        market=_places(markets.market, "markets.market", e, q), margin=_numbers(markets.margin, "markets.margin", (e,)),
    )  # fmt: skip


def _numbers(
    given: object, name: str, shape: tuple[int, ...], *, least: float = -np.inf, infinite: bool = False
) -> NDArray[np.float64]:
    try:
        array = np.asarray(given, np.float64)
    except (TypeError, ValueError) as error:
        raise BadParameterError(f"haul plan: {name} is not an array of numbers.") from error
    if array.shape != shape:
        raise BadParameterError(f"haul plan: {name} has the shape {array.shape}, expected {shape}.")
    bad = np.isnan(array) | (array < least) | (np.isinf(array) & (not infinite))
    if bad.any():
        row = tuple(int(each) for each in np.argwhere(bad)[0])
        kind = "a number" if least == -np.inf else "a number of 0 or more"
        raise BadParameterError(f"haul plan: {name}{list(row)} = {array[row]}: give {kind}.")
    return array


def _places(given: object, name: str, size: int, limit: int) -> NDArray[np.intp]:
    array = np.asarray(given)
    if array.shape != (size,):
        raise BadParameterError(f"haul plan: {name} has the shape {array.shape}, expected {(size,)}.")
    if size and not np.issubdtype(array.dtype, np.integer):
        raise BadParameterError(f"haul plan: {name} must be row numbers.")
    if size and (array.min() < 0 or array.max() >= limit):
        raise BadParameterError(f"haul plan: {name} names row {int(array.max())}, but there are rows 0 to {limit - 1}.")
    return array.astype(np.intp)


def begun(
    problem: HaulProblem, reduction: Reduction, start: NDArray[np.int64] | HaulPlan
) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
    """Return the (o,) modules of the core that a plan begins with, and its (h,) hauls where these are known.

    Raises
    ------
    BadParameterError : an array has the wrong shape, or is negative or no number.
    """
    core = reduction.core
    flow: NDArray[np.float64] | None = None
    given = start if isinstance(start, np.ndarray) else start.modules
    modules = _numbers(given, "start", problem.fixed.shape, least=0.0)[core.option_at, core.option_column]
    modules = np.minimum(np.rint(modules), core.option_most)
    if not isinstance(start, np.ndarray):
        tonnes = _numbers(start.tonnes, "start.tonnes", problem.value.shape, least=0.0)[reduction.kept]
        flow = np.bincount(reduction.at, tonnes / reduction.tonne, minlength=core.value.size).astype(np.float64)
    return modules, flow


def sure_of_capacity(problem: HaulProblem) -> None:
    """Refuse what cannot be served whole, as far as adding up tells.

    Raises
    ------
    NoPlanError : a parcel that no haul begins at, or more tonnes than hubs, modules and money can take.
    """
    if not problem.serve_all:
        return
    reached = np.zeros(problem.supply.size, np.bool_)
    reached[problem.parcel] = True
    lost = np.flatnonzero(~reached & (problem.supply > 0))
    if lost.size:
        more = f" (and {lost.size - 1:,} more)" if lost.size > 1 else ""
        raise NoPlanError(
            f"infeasible because no haul begins at parcel {lost[0]}{more}, and every parcel must be served."
        )
    total = float(problem.supply.sum())
    standing = np.zeros(problem.candidates) if problem.standing is None else problem.standing
    can = np.isfinite(problem.fixed) & (standing == 0)[:, None]
    largest = np.where(can, problem.sizes, 0.0).max(axis=1, initial=0.0)
    by_hub = np.sort(np.minimum(np.minimum(largest, total) * problem.most_modules, total))[::-1]
    taken = float(np.minimum(standing, total).sum())
    rows = [(f"{problem.candidates} candidates", float(by_hub.sum()))]
    if problem.hubs is not None:
        rows.append((f"at most {problem.hubs} hubs", float(by_hub[: problem.hubs].sum())))
    if problem.modules is not None:
        each = np.sort(np.repeat(np.minimum(largest, total), min(problem.most_modules, problem.modules)))[::-1]
        rows.append((f"at most {problem.modules} modules", float(each[: problem.modules].sum())))
    if problem.budget is not None:
        usable = can & (problem.fixed <= problem.budget)
        dear = usable & (problem.fixed > 0)
        rate = (np.where(dear, problem.sizes, 0.0) / np.where(dear, problem.fixed, 1.0)).max(initial=0.0)
        free = (usable & ~dear & (problem.sizes > 0)).any()
        rows.append((f"a budget of {problem.budget:,.10g}", np.inf if free else float(rate * problem.budget)))
    for what, capacity in rows:
        if capacity + taken < total * (1 - 1e-9):
            raise NoPlanError(
                f"infeasible because {what} can take {capacity + taken:,.10g} of the {total:,.10g} t/a that must be served."
            )


def _without(problem: HaulProblem) -> Iterator[tuple[str, HaulProblem]]:
    """Yield the conditions of a problem in words, and the problem without each."""
    if problem.limits is not None:
        for row, name in enumerate(problem.limits.names):
            at_most = problem.limits.at_most.copy()
            at_most[row] = np.inf
            yield f"the condition '{name}'", replace(problem, limits=problem.limits._replace(at_most=at_most))
        yield "the conditions on candidates together", replace(problem, limits=None)
    if problem.least_load > 0 and problem.survive_source:
        yield (
            f"a least load of {problem.least_load:,.10g} t/a even without a hub's largest source",
            replace(problem, survive_source=False),
        )
    if problem.least_load > 0:
        yield f"a least load of {problem.least_load:,.10g} t/a", replace(problem, least_load=0.0, survive_source=False)
    if problem.budget is not None:
        yield f"a budget of {problem.budget:,.10g}", replace(problem, budget=None)
    if problem.hubs is not None:
        yield f"at most {problem.hubs} hubs", replace(problem, hubs=None)
    if problem.modules is not None:
        yield f"at most {problem.modules} modules", replace(problem, modules=None)
    if problem.single:
        yield "that a parcel goes to one place only", replace(problem, single=False)
    yield (
        f"at most {problem.most_modules} modules at a candidate",
        replace(problem, most_modules=max(64, problem.most_modules * 8)),
    )


def _left_over(problem: HaulProblem) -> NoPlanError | None:
    """Say which parcel is left over even where every candidate has all the modules that it can have."""
    standing = np.zeros(problem.candidates) if problem.standing is None else problem.standing
    can = np.isfinite(problem.fixed) & (standing == 0)[:, None]
    largest = np.where(can, problem.sizes, 0.0).max(axis=1, initial=0.0)
    total = float(problem.supply.sum())
    room = np.minimum(standing, total) + np.minimum(largest, total) * problem.most_modules
    shipped = ship(
        Network(
            problem.supply, room, np.empty(0), problem.parcel, problem.candidate, np.full(problem.parcel.size, -1),
            np.ones(problem.parcel.size), np.empty(0, np.intp),
        )
    )  # fmt: skip
    lost = problem.supply - np.bincount(problem.parcel, shipped.tonnes, minlength=problem.supply.size)
    if lost.sum() <= 1e-6 * total:
        return None
    return NoPlanError(
        f"infeasible because {lost.sum():,.10g} of the {total:,.10g} t/a are left over though every candidate has "
        f"{problem.most_modules} of its largest modules, most of it of parcel {int(np.argmax(lost))}."
    )


def no_plan(problem: HaulProblem, effort: Effort) -> NoPlanError:
    """Say which condition leaves no plan: the first one without which there is one."""
    look = Effort(time_limit_s=max(min(effort.left_s(), _LOOK_S), 1.0), gap=1e-3, seed=effort.seed)
    second = problem.second
    if second is not None:
        reduction = reduced(problem)
        found = HaulProgramme(reduction.core, second=True).solve(look)
        if found.modules.size:
            # Were it stopped early, the bound is what is certain.
            best = (found.objective if found.outcome == "optimal" else found.bound) * reduction.other
            return NoPlanError(
                f"infeasible because the second objective reaches {best:,.10g} at best, not {second.at_least:,.10g}."
            )
        problem = replace(problem, second=None)
    if problem.serve_all:
        left = _left_over(problem)
        if left is not None:
            return left
    for name, relaxed in _without(problem):
        if effort.interrupted:
            break
        if HaulProgramme(reduced(relaxed).core).solve(look).modules.size:
            return NoPlanError(f"infeasible because of {name}: without it there is a plan.")
    return NoPlanError(
        "infeasible because the hubs cannot take all that must be served, whichever one condition is dropped."
    )
