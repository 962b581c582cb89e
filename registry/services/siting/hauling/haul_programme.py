"""The mixed-integer programme of a haul plan, and the linear one that is left when the modules are known."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from registry.services.siting.programme import Programme

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.effort import Effort
    from registry.services.siting.hauling.haul_core import Core
    from registry.services.siting.programme import Optimum, Outcome

    IntArray = NDArray[np.intp]
    BoolArray = NDArray[np.bool_]
    Entries = tuple[IntArray, IntArray, FloatArray | float]

_VIOLATED = 1e-4
"""Share of a parcel that a haul must carry beyond what is open for its row to be added."""

_MOST_ROWS = 3_000
"""Rows of hauls to open candidates that are all given at once."""

_ROUNDS = 40


class Found(NamedTuple):
    """What a programme found: (o,) modules, (h,) tonnes, (e,) sold, in the units of the core, and what proves it."""

    outcome: Outcome
    modules: FloatArray
    flow: FloatArray
    sold: FloatArray
    objective: float
    bound: float


class Part(NamedTuple):
    """A core of some candidates only, and which of its hauls, options and sales are the whole's."""

    core: Core
    hauls: IntArray
    options: IntArray
    sales: IntArray


def part_of(core: Core, candidates: BoolArray, options: BoolArray | None = None) -> Part:
    """Leave only (m,) some candidates and those that stand; of their modules perhaps only (o,) some."""
    stays = candidates | (core.standing > 0)
    which = np.flatnonzero(stays[core.option_at] if options is None else options & stays[core.option_at])
    used = core.standing > 0
    used[core.option_at[which]] = True
    hauls, sales = np.flatnonzero(used[core.candidate]), np.flatnonzero(used[core.sale_hub])
    pairs = used[core.pair_candidate]
    part = replace(
        core, parcel=core.parcel[hauls], candidate=core.candidate[hauls], value=core.value[hauls],
        second_value=core.second_value[hauls], pair=(np.cumsum(pairs) - 1)[core.pair[hauls]],
        pair_parcel=core.pair_parcel[pairs], pair_candidate=core.pair_candidate[pairs],
        option_at=core.option_at[which], option_size=core.option_size[which], option_fixed=core.option_fixed[which],
        option_second=core.option_second[which], option_spent=core.option_spent[which],
        option_most=core.option_most[which], option_column=core.option_column[which], sale_hub=core.sale_hub[sales], sale_market=core.sale_market[sales],
        sale_margin=core.sale_margin[sales],
    )  # fmt: skip
    return Part(part, hauls, which, sales)


class HaulProgramme:
    """Columns: whether a candidate is open, modules, hauls, who a parcel goes to, loads, sales.

    A haul is counted in tonnes; where a parcel goes to one place whole, in shares of the parcel, which then are 0 or 1.

    Parameters
    ----------
    modules : (o,) how many there are, where that is known: then what is left has no integers unless parcels are single
    at : (p,) with ``modules``, which pairs a single parcel uses, where that is known too
    second : maximise the second objective in place of the first
    """

    def __init__(
        self, core: Core, *, modules: FloatArray | None = None, pairs: BoolArray | None = None, second: bool = False
    ) -> None:
        self.core = core
        m, o, h, p = core.candidates, core.option_at.size, core.value.size, core.pair_parcel.size
        # Hauls that are the whole parcel or nothing need no column that says to whom it goes.
        self._fused = core.single and core.serve_all and h == p
        self._open = 0
        self._module = m
        self._haul = m + o
        self._pair = self._haul if self._fused else self._haul + h
        self._load = self._haul + h + (p if core.single and not self._fused else 0)
        self._sale = self._load + (m if core.least > 0 else 0)
        # HiGHS wants a column at least.
        self.width = max(self._sale + core.sale_hub.size, 1)
        self._unit = core.supply[core.parcel] if core.single else np.ones(h)
        upper = np.full(self.width, np.inf)
        upper[:m] = np.bincount(core.option_at, minlength=m) > 0
        upper[m : m + o] = core.option_most
        lower = np.zeros(self.width)
        if core.single:
            upper[self._haul : self._load] = 1.0
        cost = np.zeros(self.width)
        cost[m : m + o] = -(core.option_second if second else core.option_fixed)
        cost[self._haul : self._haul + h] = (core.second_value if second else core.value) * self._unit
        sales = slice(self._sale, self._sale + core.sale_hub.size)
        if not second:
            cost[sales] = core.sale_margin
        integer = np.zeros(self.width, np.bool_)
        if modules is None:
            integer[: m + o] = True
        else:
            lower[m : m + o] = upper[m : m + o] = modules
            lower[:m] = upper[:m] = np.bincount(core.option_at, modules, minlength=m) > 0.5
        if core.single and pairs is None:
            integer[self._pair : self._pair + p] = True
        elif core.single and pairs is not None:
            lower[self._pair : self._pair + p] = upper[self._pair : self._pair + p] = pairs
        self._integer = integer
        self._arguments = (cost, lower, upper)
        self._rows: list[tuple[csr_array, FloatArray, FloatArray]] = []
        self._linked(strong=modules is None)
        self._carried()
        self._limited(second=second)

    # ------------------------------------------------------------------------------------------- rows

    def _add(
        self, entries: list[Entries], lower: FloatArray | float,
        upper: FloatArray | float, rows: int,
    ) -> None:  # fmt: skip
        """Add rows from (row, column, value) of their entries."""
        if rows > 0:
            self._rows.append(self._made(entries, lower, upper, rows))

    def _made(
        self, entries: list[Entries], lower: FloatArray | float,
        upper: FloatArray | float, rows: int,
    ) -> tuple[csr_array, FloatArray, FloatArray]:  # fmt: skip
        row = np.concatenate([each[0] for each in entries])
        column = np.concatenate([each[1] for each in entries])
        data = np.concatenate([np.broadcast_to(np.asarray(each[2], np.float64), each[0].shape) for each in entries])
        matrix = csr_array((data, (row, column)), shape=(rows, self.width))
        least, most = (np.broadcast_to(np.asarray(each, np.float64), rows).copy() for each in (lower, upper))
        return matrix, least, most

    def _linked(self, *, strong: bool) -> None:
        """Modules and whether a candidate is open; parcels that go to one place; hauls to what is open."""
        core, o, h, p = self.core, self.core.option_at.size, self.core.value.size, self.core.pair_parcel.size
        used, at = np.unique(core.option_at, return_inverse=True)
        own = np.arange(used.size)
        module = (at, self._module + np.arange(o))
        most = float(core.most_modules)
        self._add([(*module, 1.0), (own, self._open + used, -most)], -np.inf, 0.0, used.size)
        self._add([(*module, 1.0), (own, self._open + used, -1.0)], 0.0, np.inf, used.size)
        if core.single:
            pair = np.arange(p)
            serve = (core.pair_parcel, self._pair + pair, 1.0)
            self._add([serve], -np.inf, 1.0, core.supply.size)
            if not self._fused:
                hauls = (core.pair, self._haul + np.arange(h), 1.0)
                self._add([hauls, (pair, self._pair + pair, -1.0)], -np.inf, 0.0, p)
        # Rows of pairs that bind a haul to what is open: the strength of the formulation, but many.
        self._strong = np.flatnonzero(core.standing[core.pair_candidate] == 0) if strong else np.empty(0, np.intp)
        if 0 < self._strong.size <= _MOST_ROWS:
            self._add(*self._strong_rows(self._strong)[:4])
            self._strong = np.empty(0, np.intp)

    def _strong_rows(self, pairs: IntArray) -> tuple[list[Entries], float, float, int, IntArray]:
        """Return rows that let hauls carry no more than what is open takes of a parcel, and the pair of every row."""
        core = self.core
        supply = core.supply[core.pair_parcel[pairs]]
        number = np.full(core.pair_parcel.size, -1)
        number[pairs] = np.arange(pairs.size)
        hauls = np.flatnonzero(number[core.pair] >= 0)
        where = number[core.pair[hauls]]
        own = np.arange(pairs.size)
        carried = (where, self._haul + hauls, self._unit[hauls] / supply[where])
        said = [(own, self._pair + pairs, 1.0)] if core.single and not self._fused else [carried]
        rows: list[Entries] = [*said, (own, self._open + core.pair_candidate[pairs], -1.0)]
        start = np.searchsorted(core.option_at, np.arange(core.candidates + 1))
        first, count = start[core.pair_candidate[pairs]], np.diff(start)[core.pair_candidate[pairs]]
        row = np.repeat(own, count)
        option = first[row] + np.arange(row.size) - np.repeat(np.cumsum(count) - count, count)
        take = np.minimum(1.0, core.option_size[option] / supply[row])
        if self._fused and core.most_modules == 1:
            # Whole parcels only: a module that is too small for one takes none of it.
            take = np.floor(take + 1e-12)
        # A module that is smaller than the parcel says more than that something is open.
        smaller = np.bincount(row, take < 1.0, minlength=pairs.size) > 0
        number = np.cumsum(smaller) - 1 + pairs.size
        full, of = smaller[where], smaller[row]
        rows.append((number[where[full]], carried[1][full], carried[2][full]))
        rows.append((number[row[of]], self._module + option[of], -take[of]))
        return rows, -np.inf, 0.0, pairs.size + int(smaller.sum()), np.concatenate([own, np.flatnonzero(smaller)])

    def _carried(self) -> None:
        """What parcels hold, what candidates can take, what a hub needs, what is sold."""
        core, m, h = self.core, self.core.candidates, self.core.value.size
        haul, module = np.arange(h), np.arange(core.option_at.size)
        scale = core.supply[core.parcel] if core.single else np.ones(h)
        whole = np.ones(core.supply.size) if core.single else core.supply
        whole = np.where(core.supply > 0, whole, 0.0)
        self._add(
            [(core.parcel, self._haul + haul, self._unit / scale)],
            whole if core.serve_all else -np.inf, whole, core.supply.size,
        )  # fmt: skip
        coming = (core.candidate, self._haul + haul, self._unit)
        built = (core.option_at, self._module + module, -core.option_size)
        self._add([coming, built], -np.inf, core.standing, m)
        if core.serve_all:
            self._add([(np.zeros(module.size, np.intp), built[1], core.option_size)],
                      float(core.supply.sum() - core.standing.sum()), np.inf, 1)  # fmt: skip
        hub, sale = core.sale_hub, self._sale + np.arange(core.sale_hub.size)
        if sale.size:
            self._add([(hub, sale, 1.0), (*coming[:2], -self._unit)], -np.inf, 0.0, m)
            self._add([(core.sale_market, sale, 1.0)], -np.inf, core.market_demand, core.market_demand.size)
        if core.least > 0:
            self._loaded(coming)

    def _loaded(self, coming: tuple[IntArray, IntArray, FloatArray]) -> None:
        """The least load of a hub, in need without its largest source too."""
        core, m = self.core, self.core.candidates
        every = np.arange(m)
        self._add([coming, (every, self._load + every, -1.0)], 0.0, 0.0, m)
        used = np.unique(core.option_at)
        own = np.arange(used.size)
        self._add([(own, self._load + used, 1.0), (own, self._open + used, -core.least)], 0.0, np.inf, used.size)
        if core.source is None:
            return
        kinds, number = np.unique(core.source, return_inverse=True)
        hub = np.flatnonzero(np.isin(core.candidate, used))
        keys, row = np.unique(core.candidate[hub] * kinds.size + number[core.parcel[hub]], return_inverse=True)
        at, own = keys // kinds.size, np.arange(keys.size)
        self._add(
            [
                (row, self._haul + hub, -self._unit[hub]), (own, self._load + at, 1.0),
                (own, self._open + at, -core.least),
            ],
            0.0, np.inf, keys.size,
        )  # fmt: skip

    def _limited(self, *, second: bool) -> None:
        """Hubs, modules, conditions on candidates, money, and the second objective."""
        core, o = self.core, self.core.option_at.size
        used, module = np.unique(core.option_at), self._module + np.arange(o)
        if core.hubs is not None:
            self._add([(np.zeros(used.size, np.intp), self._open + used, 1.0)], -np.inf, float(core.hubs), 1)
        if core.modules is not None:
            self._add([(np.zeros(o, np.intp), module, 1.0)], -np.inf, float(core.modules), 1)
        if core.at_most.size:
            row = np.repeat(np.arange(core.at_most.size), np.diff(core.weights.indptr))
            self._add([(row, core.weights.indices, core.weights.data)], -np.inf, core.at_most, core.at_most.size)
        if core.budget is not None:
            self._add([(np.zeros(o, np.intp), module, core.option_spent)], -np.inf, core.budget, 1)
        if core.second_least is not None and not second:
            hauls = np.arange(core.value.size)
            self._add(
                [
                    (np.zeros(hauls.size, np.intp), self._haul + hauls, core.second_value * self._unit),
                    (np.zeros(o, np.intp), module, -core.option_second),
                ],
                core.second_least, np.inf, 1,
            )  # fmt: skip

    # ------------------------------------------------------------------------------------------- solve

    def solve(self, effort: Effort, start: Found | None = None) -> Found:
        """Solve it; strong rows that were too many to give at once are first found by cutting planes."""
        cost, lower, upper = self._arguments
        bound = np.inf
        if self._strong.size:
            bound = self._cut(effort)
        programme = Programme(cost, lower=lower, upper=upper, integer=self._integer, maximise=True)
        for row in self._rows:
            programme.add_rows(*row)
        found = programme.solve(effort, start=None if start is None else self._columns(start))
        return self._read(found, bound)

    def _cut(self, effort: Effort) -> float:
        """Add the strong rows that the relaxation needs; return its bound."""
        cost, lower, upper = self._arguments
        programme = Programme(cost, lower=lower, upper=upper, maximise=True)
        for row in self._rows:
            programme.add_rows(*row)
        bound = np.inf
        waiting = np.zeros(self.core.pair_parcel.size, np.bool_)
        waiting[self._strong] = True
        for _ in range(_ROUNDS):
            found = programme.solve(effort)
            if found.outcome != "optimal":
                break
            bound = min(bound, found.objective)
            pairs = np.flatnonzero(waiting)
            entries, lowest, most, rows, of = self._strong_rows(pairs)
            matrix, *_ = self._made(entries, lowest, most, rows)
            excess = np.full(pairs.size, -np.inf)
            np.maximum.at(excess, of, matrix @ found.x)
            violated = pairs[excess > _VIOLATED]
            if violated.size == 0:
                break
            waiting[violated] = False
            self._add(*self._strong_rows(violated)[:4])
            programme.add_rows(*self._rows[-1])
        return bound

    def _read(self, found: Optimum, bound: float) -> Found:
        core, o, h = self.core, self.core.option_at.size, self.core.value.size
        if not found.x.size:
            nothing = np.empty(0)
            return Found(found.outcome, nothing, nothing, nothing, np.nan, min(found.bound, bound))
        x = found.x
        return Found(
            found.outcome, np.rint(x[self._module : self._module + o]),
            x[self._haul : self._haul + h] * self._unit, x[self._sale : self._sale + core.sale_hub.size], found.objective,
            min(found.bound, bound),
        )  # fmt: skip

    def pairs_of(self, found: Found) -> BoolArray:
        """Return the pair of every parcel that carries the most of it, if any does."""
        core = self.core
        carried = np.bincount(core.pair, found.flow, minlength=core.pair_parcel.size)
        order = np.lexsort((-carried, core.pair_parcel))
        first = np.diff(core.pair_parcel[order], prepend=-1) != 0
        most = np.zeros(carried.size, np.bool_)
        most[order[first]] = True
        return most & (carried > 0)

    def _columns(self, found: Found) -> FloatArray:
        """Return a value for every column from what was found before."""
        core, m, o, h = self.core, self.core.candidates, self.core.option_at.size, self.core.value.size
        x = np.zeros(self.width)
        x[self._module : self._module + o] = found.modules
        x[:m] = np.bincount(core.option_at, found.modules, minlength=m) > 0.5
        x[self._haul : self._haul + h] = found.flow / self._unit
        if core.single and not self._fused:
            x[self._pair : self._pair + core.pair_parcel.size] = self.pairs_of(found)
        if core.least > 0:
            x[self._load : self._load + m] = np.bincount(core.candidate, found.flow, minlength=m)
        x[self._sale : self._sale + core.sale_hub.size] = found.sold
        return x
