"""Hubs that bid for waste at given prices: a bound on haul plans by Lagrangean relaxation."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from registry.services.kernels import hub_prices
from registry.services.siting.hauling.haul_mixes import mixes_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.hauling.haul_core import Core
    from registry.services.siting.hauling.haul_mixes import Mixes

    IntArray = NDArray[np.intp]

_MOST_CHOICES = 50_000_000
"""Beyond these many steps of the knapsack there is no such bound."""

_SECOND_PACE = 100.0
"""How much faster than others the price of the second objective moves: many hauls depend on this one row."""


class Answer(NamedTuple):
    """What prices lead to: the bound, its slope, (m, w) profits and their mixes, (m,) the mixes that are taken."""

    bound: float
    slope: FloatArray
    profit: FloatArray
    mixes: IntArray
    mix: IntArray


class PricedHubs:
    """Hubs that bid for waste, each by itself.

    The rows of parcels, of markets, of the budget, of the second objective and of all conditions but one are priced;
    what is left is one concave line and a choice of modules for every hub, and one knapsack over the hubs: at most so
    many modules, or so many hubs. Modules stay whole, so the bound is at least that of the strong linear relaxation.
    (Geoffrion and McBride 1978, Lagrangean relaxation applied to capacitated facility location problems; Beasley 1993,
    Lagrangean heuristics for location problems.) Single sourcing and the loss of the largest source are relaxed.
    """

    def __init__(self, core: Core, mixes: Mixes) -> None:
        self.core = core
        m = core.candidates
        self.order = np.lexsort((core.parcel, core.candidate))
        sale_order = np.argsort(core.sale_hub, kind="stable")
        count = mixes.number.sum(axis=1).astype(np.intp)
        limit, by_modules = core.hubs, _by_modules(core)
        if by_modules:
            limit = core.modules
        limit = None if limit is None else min(limit, m * (core.most_modules if by_modules else 1))
        weight = count if by_modules else np.ones_like(count)
        self.option, self.mixes, capacity = mixes.option, mixes.number, mixes.capacity
        self.cost, self.second_cost, self.spent = mixes.cost, mixes.second, mixes.spent
        self.limit, self.width = limit, int(weight.max(initial=0)) + 1
        begin = np.concatenate([[0], np.cumsum(np.bincount(core.candidate, minlength=m))])
        sales = np.concatenate([[0], np.cumsum(np.bincount(core.sale_hub, minlength=m))])
        self.sale_order = sale_order
        self.hubs = hub_prices.Hubs(
            begin, core.parcel[self.order], core.supply, sales, core.sale_market[sale_order], core.market_demand,
            np.ascontiguousarray(capacity), weight, core.standing, core.least,
        )  # fmt: skip
        self._rows(count, by_modules=by_modules)

    @classmethod
    def of(cls, core: Core) -> PricedHubs | None:
        """Return them, None where there are too many mixes of modules to look at each."""
        most = core.most_modules * min(core.modules or 1, core.candidates * core.most_modules)
        if core.option_at.size == 0 or most * core.candidates > _MOST_CHOICES:
            return None
        mixes = mixes_of(core, counted=_by_modules(core))
        return None if mixes is None else cls(core, mixes)

    def _rows(self, count: IntArray, *, by_modules: bool) -> None:
        """Set up the conditions that are priced: (r, m, c) what a mix takes of each, (r,) how much there is."""
        core = self.core
        shape = self.cost.shape
        rows: list[FloatArray] = []
        room: list[float] = []
        if core.hubs is not None and by_modules and core.hubs < min(core.modules or 0, core.candidates):
            rows.append(np.ones(shape))
            room.append(float(core.hubs))
        if core.modules is not None and not by_modules:
            rows.append(np.broadcast_to(count.astype(np.float64), shape))
            room.append(float(core.modules))
        if core.budget is not None:
            rows.append(self.spent)
            room.append(core.budget)
        for row in range(core.at_most.size):
            if np.isfinite(core.at_most[row]):
                weight = core.weights[[row], :].toarray().ravel()
                rows.append(np.broadcast_to(weight[:, None], shape))
                room.append(float(core.at_most[row]))
        self.rows = np.array(rows, np.float64).reshape(len(rows), *shape)
        self.room = np.array(room)
        s, q, r = core.supply.size, core.market_demand.size, self.room.size
        self.parts = (slice(0, s), slice(s, s + q), slice(s + q, s + q + r), slice(s + q + r, None))
        self.size = s + q + r + (core.second_least is not None)
        # Every price moves in proportion to what it may come to, per unit of what it is a price of.
        worth = max(float(np.abs(core.value).max(initial=0.0)), 1e-9)
        scale = np.ones(self.size)
        scale[self.parts[0]] = 1.0 / np.maximum(core.supply, 1e-9)
        scale[self.parts[1]] = 1.0 / np.maximum(core.market_demand, 1e-9)
        whole = float(np.minimum(core.supply.sum(), core.reach.sum()))
        spent = np.array([float(each.max(initial=0.0)) for each in self.rows])
        largest = float(np.median(self.hubs.capacity.max(axis=1, initial=0.0)))
        scale[self.parts[2]] = largest / np.maximum(self.room * spent, 1e-9)
        if core.second_least is not None:
            other = max(float(np.abs(core.second_value).max(initial=0.0)), 1e-9)
            scale[self.parts[3]] = _SECOND_PACE / (other * other * max(whole, 1e-9))
        self.scale = scale
        self.free = np.zeros(self.size, np.bool_)
        self.free[self.parts[0]] = core.serve_all
        self.whole = worth * whole
        # A plan that serves all is worth no less than this: below it there is none.
        self.worst = -np.inf
        if core.serve_all:
            lowest = np.full(core.supply.size, np.inf)
            np.minimum.at(lowest, core.parcel, core.value)
            dearest = np.where(np.isfinite(self.cost), self.cost, 0.0).max(axis=1, initial=0.0).sum()
            least = float((core.supply * np.where(core.supply > 0, lowest, 0.0)).sum() - dearest)
            self.worst = least - 1e-6 * (abs(least) + self.whole)

    def ask(self, prices: FloatArray) -> Answer:
        """What the hubs take at some prices."""
        core, hubs = self.core, self.hubs
        waste, market, row = (prices[part] for part in self.parts[:3])
        extra = float(prices[-1]) if core.second_least is not None else 0.0
        value = core.value + extra * core.second_value
        net = value[self.order] - waste[hubs.parcel]
        sale = core.sale_margin[self.sale_order] - market[hubs.market]
        cost = self.cost + extra * self.second_cost
        for each, price in zip(self.rows, row, strict=True):
            cost = cost + price * each
        m = core.candidates
        profit, mixes = np.empty((m, self.width)), np.empty((m, self.width), np.intp)
        hub_prices.offers(hubs, net, sale, cost, profit, mixes)
        taken = np.zeros(m, np.intp)
        if self.limit is None:
            taken = np.argmax(profit[:, 1:], axis=1) + 1
            taken[profit[np.arange(m), taken] <= 0] = 0
            earned = float(profit[np.arange(m), taken][taken > 0].sum())
        else:
            earned = hub_prices.choose(profit, self.limit, taken)
        mix = np.where(taken > 0, mixes[np.arange(m), taken], -1)
        flow, sold = np.empty(net.size), np.empty(sale.size)
        hub_prices.carry(hubs, net, sale, mix, flow, sold)
        slope = np.empty(self.size)
        slope[self.parts[0]] = core.supply - np.bincount(hubs.parcel, flow, minlength=core.supply.size)
        slope[self.parts[1]] = core.market_demand - np.bincount(hubs.market, sold, minlength=core.market_demand.size)
        used = np.flatnonzero(mix >= 0)
        slope[self.parts[2]] = self.room - self.rows[:, used, mix[used]].sum(axis=1)
        bound = earned + float(profit[:, 0].sum()) + float(waste @ core.supply) + float(market @ core.market_demand)
        bound += float(row @ self.room)
        if core.second_least is not None:
            reached = float(core.second_value[self.order] @ flow) - float(self.second_cost[used, mix[used]].sum())
            slope[-1] = reached - core.second_least
            bound -= extra * core.second_least
        return Answer(bound, slope, profit, mixes, mix)

    def resources(self) -> tuple[FloatArray, FloatArray]:
        """Return what is limited, priced or not: (r, m, c) what a mix takes of each, (r,) how much there is."""
        if self.limit is None:
            return self.rows, self.room
        weight = np.broadcast_to(self.hubs.weight.astype(np.float64), (1, *self.cost.shape))
        return np.concatenate([self.rows, weight]), np.append(self.room, float(self.limit))

    def mixes_of(self, modules: FloatArray) -> IntArray:
        """Return (m,) mixes from (o,) modules, −1 for none; where a mix is not among those looked at, the least that has the room."""
        number = np.zeros(self.option.shape)
        number[self.option >= 0] = modules[self.option[self.option >= 0]]
        same = (number[:, None, :] == self.mixes).all(axis=2)
        room = self._room_of(modules)
        enough = (self.hubs.capacity >= room[:, None] * (1 - 1e-12)) & np.isfinite(self.cost)
        other = np.argmin(np.where(enough, self.cost, np.inf), axis=1)
        mix = np.where(same.any(axis=1), np.argmax(same, axis=1), np.where(enough.any(axis=1), other, -1))
        return np.where(number.sum(axis=1) > 0, mix, -1)

    def _room_of(self, modules: FloatArray) -> FloatArray:
        core = self.core
        room = np.bincount(core.option_at, modules * core.option_size, minlength=core.candidates)
        return np.minimum(room, core.reach)

    def nearest(self) -> IntArray:
        """Return (m,) mixes with which every parcel could go where a tonne of it is worth the most."""
        core = self.core
        room = core.reach * (core.standing > 0)
        order = np.lexsort((-core.value, core.parcel))
        first = order[np.diff(core.parcel[order], prepend=-1) != 0]
        load = np.bincount(core.candidate[first], core.supply[core.parcel[first]], minlength=core.candidates)
        enough = (self.hubs.capacity >= load[:, None] * (1 - 1e-12)) & np.isfinite(self.cost)
        cheapest = np.argmin(np.where(enough, self.cost, np.inf), axis=1)
        largest = np.argmax(np.where(np.isfinite(self.cost), self.hubs.capacity, -1.0), axis=1)
        possible = np.isfinite(self.cost).any(axis=1) & (load > 0) & (room == 0)
        return np.where(possible, np.where(enough.any(axis=1), cheapest, largest), -1)

    def modules(self, mix: IntArray) -> FloatArray:
        """Return the (o,) modules of (m,) mixes."""
        found = np.zeros(self.core.option_at.size)
        used = np.flatnonzero(mix >= 0)
        options = self.option[used]
        number = self.mixes[mix[used]]
        found[options[number > 0]] = number[number > 0]
        return found

    def if_open(self, answer: Answer) -> FloatArray:
        """Return (m,) bounds of plans with modules at a candidate, from the hub's profit and a price of the limit."""
        profit = answer.profit[:, 1:]
        if profit.shape[1] == 0:
            return np.full(profit.shape[0], -np.inf)
        rest = answer.bound
        weight = np.arange(1, self.width)
        price = 0.0
        if self.limit is not None:
            taken = np.zeros(profit.shape[0], np.intp)
            rest -= hub_prices.choose(answer.profit, self.limit, taken)
            price = _price_of(profit / weight, profit, weight, self.limit)
            rest += price * self.limit
        else:
            rest -= float(np.maximum(profit.max(axis=1), 0.0).sum())
        best = (profit - price * weight).max(axis=1)
        bounds: FloatArray = rest + float(np.maximum(best, 0.0).sum()) - np.maximum(best, 0.0) + best
        return bounds


def _by_modules(core: Core) -> bool:
    """Whether the limit that is not priced is that of modules, not that of hubs."""
    return core.modules is not None and (core.hubs is None or core.modules < core.hubs * core.most_modules)


def _price_of(rate: FloatArray, profit: FloatArray, weight: IntArray, limit: int) -> float:
    """Return the price of a unit of a limit that makes the relaxed knapsack least: a convex function, by golden section."""
    low, high = 0.0, max(float(rate.max(initial=0.0)), 0.0)

    def total(price: float) -> float:
        return float(np.maximum((profit - price * weight).max(axis=1), 0.0).sum()) + price * limit

    for _ in range(60):
        left, right = low + 0.382 * (high - low), low + 0.618 * (high - low)
        if total(left) <= total(right):
            high = right
        else:
            low = left
    return 0.5 * (low + high)
