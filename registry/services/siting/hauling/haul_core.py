"""What a `HaulProblem` comes to once proven reductions are made and its numbers are in the solver's units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.hauling.haul_problem import HaulProblem

    IntArray = NDArray[np.intp]
    BoolArray = NDArray[np.bool_]

_TONNAGE = 1e3
"""The largest tonnage in the units of the solver, whose tolerance is 1e-7 of them."""

_WORTH = 1e3
"""What the most valuable haul comes to in the units of the solver, and the same of the dearest module."""


@dataclass(frozen=True, kw_only=True)
class Core:
    """A `HaulProblem` without what cannot matter; tonnes and money in units of their own, all hauls by parcel and candidate.

    Attributes
    ----------
    supply : (s,) of every group of parcels
    parcel, candidate, value : (h,) hauls; hauls of one pair follow each other
    second_value : (h,), zeros without a second objective
    pair, pair_parcel, pair_candidate : (h,), (p,), (p,) which parcel and candidate are joined by one haul or more
    candidates : m
    reach : (m,) what could come to a candidate
    option_at, option_size, option_fixed, option_second, option_most : (o,) which module can stand where, by candidate
    option_spent : (o,) what it takes of the budget
    option_column : (o,) its column in ``sizes``
    source : (s,) site of a parcel, None where nothing depends on it
    second_least : what the second objective must reach, None without one
    market_demand, sale_hub, sale_market, sale_margin : as `Markets`
    """

    supply: FloatArray
    parcel: IntArray
    candidate: IntArray
    value: FloatArray
    second_value: FloatArray
    pair: IntArray
    pair_parcel: IntArray
    pair_candidate: IntArray
    candidates: int
    reach: FloatArray
    option_at: IntArray
    option_size: FloatArray
    option_fixed: FloatArray
    option_second: FloatArray
    option_spent: FloatArray
    option_most: FloatArray
    option_column: IntArray
    most_modules: int
    hubs: int | None
    modules: int | None
    standing: FloatArray
    weights: csr_array
    at_most: FloatArray
    budget: float | None
    serve_all: bool
    single: bool
    least: float
    source: IntArray | None
    second_least: float | None
    market_demand: FloatArray
    sale_hub: IntArray
    sale_market: IntArray
    sale_margin: FloatArray


@dataclass(frozen=True, kw_only=True)
class Reduction:
    """A core, and the way back to the problem that it came from.

    Attributes
    ----------
    core : what is left
    kept : (r,) hauls of the problem that may carry anything
    at : (r,) the haul of the core that each is part of
    share : (r,) and which part
    sales : (e,) the sales of the problem that earn anything
    tonne, money, other : units of the core in tonnes a year, in the unit of the objective and of the second one
    """

    core: Core
    kept: IntArray
    at: IntArray
    share: FloatArray
    sales: IntArray
    tonne: float
    money: float
    other: float

    def tonnes(self, flow: FloatArray, hauls: int) -> FloatArray:
        """Return the tonnes of all hauls of the problem, from the flow of the core."""
        found = np.zeros(hauls)
        found[self.kept] = np.maximum(flow, 0.0)[self.at] * self.share * self.tonne
        return found


def reduced(problem: HaulProblem) -> Reduction:
    """Leave out what no best plan needs, and put together what no plan needs to tell apart.

    Notes
    -----
    None of this changes the optimum: a haul that loses value is left out where nothing can force it; of two hauls
    between the same, one that is no better in any objective is left out; parcels with exactly the same hauls at the
    same values share them in proportion to their tonnes, unless each has to go to one place whole; modules are cut to
    what could come; candidates to which less could come than the least load get none.
    """
    standing = np.zeros(problem.candidates) if problem.standing is None else problem.standing
    standing = np.where(standing > 0, standing, 0.0)
    second = np.zeros(problem.value.size) if problem.second is None else problem.second.value
    buildable = np.isfinite(problem.fixed) & (problem.sizes > 0)
    if problem.second is not None:
        buildable &= np.isfinite(problem.second.fixed)
    takes = (standing > 0) | (buildable.any(axis=1) & (problem.most_modules > 0))
    keep = takes[problem.candidate] & (problem.supply[problem.parcel] > 0)
    if not (problem.serve_all or problem.least_load > 0):
        margin = np.zeros(problem.candidates)
        if problem.markets is not None:
            np.maximum.at(margin, problem.markets.hub, problem.markets.margin)
        keep &= (problem.value + margin[problem.candidate] >= 0) | (second > 0)
    kept = _without_dominated(problem, np.flatnonzero(keep), second)
    source = problem.source if problem.source is not None else np.arange(problem.supply.size)
    told_apart = source if problem.survive_source and problem.least_load > 0 else np.zeros(problem.supply.size, np.intp)
    group = _alike(problem, kept, second, told_apart)
    supply = np.bincount(group, problem.supply, minlength=int(group.max(initial=-1)) + 1).astype(np.float64)
    first = np.full(supply.size, problem.supply.size)
    np.minimum.at(first, group, np.arange(problem.supply.size))
    stays = first[group] == np.arange(problem.supply.size)
    # Members of a group have their hauls in the same order as its first parcel.
    number = np.searchsorted(problem.parcel[kept], np.arange(problem.supply.size))
    place = np.arange(kept.size) - number[problem.parcel[kept]]
    own = stays[problem.parcel[kept]]
    where = np.cumsum(own) - 1
    at = where[number[first[group[problem.parcel[kept]]]] + place]
    whole = supply[group[problem.parcel[kept]]]
    share = problem.supply[problem.parcel[kept]] / np.where(whole > 0, whole, 1.0)
    main = kept[own]
    return _scaled(
        problem, (supply, group[problem.parcel[main]], problem.candidate[main], problem.value[main], second[main]),
        (standing, buildable, None if not told_apart.any() and not _matters(problem) else told_apart[first]),
        (kept, at, share),
    )  # fmt: skip


def _matters(problem: HaulProblem) -> bool:
    return problem.survive_source and problem.least_load > 0


def _without_dominated(problem: HaulProblem, kept: IntArray, second: FloatArray) -> IntArray:
    """Sort hauls by parcel, candidate, and value, and drop those that another one of the pair beats in every objective."""
    order = kept[
        np.lexsort((-second[kept], -problem.value[kept], problem.candidate[kept], problem.parcel[kept]))
    ]  # fmt: skip
    same = (np.diff(problem.parcel[order], prepend=-1) == 0) & (np.diff(problem.candidate[order], prepend=-1) == 0)
    pair = np.cumsum(~same) - 1
    # The best of the second objective among those before in the pair: a running maximum that starts anew with each pair.
    rank = np.unique(second[order], return_inverse=True)[1] + 1
    running = np.maximum.accumulate(pair * (rank.size + 2) + rank) - pair * (rank.size + 2)
    before = np.where(same, np.roll(running, 1), 0)
    return order[rank > before]


def _alike(problem: HaulProblem, kept: IntArray, second: FloatArray, told_apart: IntArray) -> IntArray:
    """Return (s,) groups of parcels whose hauls are the same; a parcel without hauls is a group of its own kind."""
    s = problem.supply.size
    if problem.single:
        return np.arange(s)
    parcel = problem.parcel[kept]
    number = np.bincount(parcel, minlength=s)
    start = np.concatenate([[0], np.cumsum(number)[:-1]])
    marks = np.stack([problem.candidate[kept].astype(np.uint64), *(
        (each[kept] + 0.0).view(np.uint64) for each in (problem.value.astype(np.float64), second.astype(np.float64))
    )])  # fmt: skip
    place = (np.arange(kept.size) - start[parcel]).astype(np.uint64)
    mixed = place * np.uint64(0x9E3779B97F4A7C15)
    for mark in marks:
        mixed = (mixed ^ mark) * np.uint64(0xBF58476D1CE4E5B9)
        mixed ^= mixed >> np.uint64(29)
    total = np.zeros(s, np.uint64)
    np.add.at(total, parcel, mixed)
    total = (total ^ told_apart.astype(np.uint64)) * np.uint64(0x94D049BB133111EB) + number.astype(np.uint64)
    _, first, group = np.unique(total, return_index=True, return_inverse=True)
    # A sum of hashes only suggests it; what is really alike is compared haul by haul.
    head = first[group]
    theirs = np.minimum(start[head][parcel] + place.astype(np.intp), max(kept.size - 1, 0))
    differs = (marks != marks[:, theirs]).any(axis=0)
    bad = np.zeros(s, np.bool_)
    bad[parcel[differs]] = True
    bad |= (number != number[head]) | (told_apart != told_apart[head])
    group = np.where(bad, group.max(initial=-1) + 1 + np.arange(s), group)
    return np.unique(group, return_inverse=True)[1]


def _power_of_two(value: float) -> float:
    return float(2.0 ** np.round(np.log2(value))) if value > 0 else 1.0


def _scaled(
    problem: HaulProblem,
    hauls: tuple[FloatArray, IntArray, IntArray, FloatArray, FloatArray],
    places: tuple[FloatArray, BoolArray, IntArray | None],
    back: tuple[IntArray, IntArray, FloatArray],
) -> Reduction:
    """Put the numbers into units in which the solver's tolerances are nothing; powers of two, so that they stay exact."""
    supply, parcel, candidate, value, second = hauls
    standing, buildable, source = places
    m = problem.candidates
    new = np.flatnonzero((np.diff(parcel, prepend=-1) != 0) | (np.diff(candidate, prepend=-1) != 0))
    pair = np.zeros(parcel.size, np.intp)
    pair[new] = 1
    pair = np.cumsum(pair) - 1
    reach = np.bincount(candidate[new], supply[parcel[new]], minlength=m).astype(np.float64)
    certain = reach
    if source is not None:
        kinds, number = np.unique(source, return_inverse=True)
        key = candidate[new] * kinds.size + number[parcel[new]]
        keys, at = np.unique(key, return_inverse=True)
        largest = np.zeros(m)
        np.maximum.at(largest, keys // kinds.size, np.bincount(at, supply[parcel[new]]))
        certain = reach - largest
    can = buildable & ((reach > 0) & (certain >= problem.least_load * (1 - 1e-12)) & (standing == 0))[:, None]
    at, column = np.nonzero(can)
    size = np.minimum(problem.sizes[column], reach[at])
    most = np.minimum(float(problem.most_modules), np.ceil(reach[at] / np.where(size > 0, size, 1.0) * (1 - 1e-12)))
    limit = np.minimum(standing, reach)
    tonne = _power_of_two(max(float(supply[parcel].max(initial=0.0)), float(size.max(initial=0.0))) / _TONNAGE)
    fixed = problem.fixed[at, column]
    extra = np.zeros(fixed.size) if problem.second is None else problem.second.fixed[at, column]
    markets = problem.markets
    sells = np.empty(0, np.intp)
    sold: tuple[FloatArray, IntArray, IntArray, FloatArray] = (np.empty(0), sells, sells, np.empty(0))
    if markets is not None:
        sells = np.flatnonzero((markets.margin > 0) & (reach[markets.hub] > 0) & (markets.demand[markets.market] > 0))
        sold = markets.demand, markets.hub[sells], markets.market[sells], markets.margin[sells]
    carried = np.minimum(supply[parcel], np.where(standing > 0, limit, reach)[candidate])
    worth = float((np.abs(value) * carried).max(initial=0.0))
    money = _power_of_two(max(worth, float(fixed.max(initial=0.0))) / _WORTH)
    weight = float((np.abs(second) * carried).max(initial=0.0))
    other = _power_of_two(max(weight, float(extra.max(initial=0.0))) / _WORTH)
    limits = problem.limits
    core = Core(
        supply=supply / tonne, parcel=parcel, candidate=candidate, value=value * (tonne / money),
        second_value=second * (tonne / other), pair=pair, pair_parcel=parcel[new], pair_candidate=candidate[new],
        candidates=m, reach=reach / tonne, option_at=at, option_size=size / tonne, option_fixed=fixed / money,
        option_second=extra / other, option_spent=fixed / money, option_most=most, option_column=column,
        most_modules=problem.most_modules, hubs=problem.hubs, modules=problem.modules, standing=limit / tonne,
        weights=csr_array((0, m)) if limits is None else limits.weights,
        at_most=np.empty(0) if limits is None else limits.at_most,
        budget=None if problem.budget is None or np.isinf(problem.budget) else problem.budget / money,
        serve_all=problem.serve_all, single=problem.single, least=problem.least_load / tonne,
        source=source, second_least=None if problem.second is None else problem.second.at_least / other,
        market_demand=np.minimum(sold[0], float(supply.sum())) / tonne, sale_hub=sold[1], sale_market=sold[2],
        sale_margin=sold[3] * (tonne / money),
    )  # fmt: skip
    kept, where, share = back
    return Reduction(core=core, kept=kept, at=where, share=share, sales=sells, tonne=tonne, money=money, other=other)
