"""The search for a haul plan: prices first, then the programme of the candidates that prices leave."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_array

from registry.services.siting.effort import Effort
from registry.services.siting.hauling.haul_bound import PricedHubs
from registry.services.siting.hauling.haul_core import Core
from registry.services.siting.hauling.haul_prices import relax
from registry.services.siting.hauling.haul_programme import Found, HaulProgramme, part_of
from registry.services.siting.hauling.haul_start import Exchange

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray
    from registry.services.siting.hauling.haul_prices import Relaxed

    BoolArray = NDArray[np.bool_]

_POLISH_S = 60.0
_MORE_S = 3.0
"""Seconds that the hauls of the first plan, and of a better one, may take although the time is up."""

_SMALL = 2_000
_SMALL_SINGLE = 20_000
"""Pairs of parcels and candidates that HiGHS is given at once; prices say less of parcels that go to one place."""

_PROMISING = 60
"""Candidates that are exchanged, or twice the hubs of the best plan."""

_FIRST_STAGE = 40
"""Candidates that the programme begins with, or twice the hubs of the best plan."""

_STAGE_GAP = 0.25
"""Share of the gap that a programme of some candidates may leave, since others are still to come."""

_SURE = 1e-9


class _Within(Effort):
    """A part of an effort: the same clock, a gap of its own, and figures told in the unit of the problem."""

    def __init__(self, whole: Effort, gap: float, known: float, bounds: tuple[float, float], money: float) -> None:
        super().__init__(gap=gap, seed=whole.seed)
        self._whole, self._known, self._bounds, self._money = whole, known, bounds, money

    def left_s(self) -> float:
        """As of the whole."""
        return self._whole.left_s()

    def tell(self, objective: float, bound: float) -> None:
        """Tell what it means for the whole."""
        best, (outside, before) = max(objective, self._known), self._bounds
        self._whole.tell(best * self._money, min(max(bound, outside), before) * self._money)


class _Until(Effort):
    """A part of an effort that is over once a plan is as good as it must be, or it is certain that none is."""

    def __init__(self, whole: Effort, enough: float) -> None:
        super().__init__(seed=whole.seed)
        self._whole, self._enough, self._known = whole, enough, False

    def left_s(self) -> float:
        """As of the whole, nothing once it is known."""
        return 0.0 if self._known else self._whole.left_s()

    def tell(self, objective: float, bound: float) -> None:
        """Learn how far the search is; for the whole there is no plan as yet."""
        self._known = self._known or objective >= self._enough or bound < self._enough


class HaulSearch:
    """The best plan of a core so far, and its bound.

    Attributes
    ----------
    best : None as long as there is no plan
    bound : no plan is better
    enough : objective beyond which nothing better is looked for; a bound below it ends the search too
    impossible : whether it is proven that there is no plan
    """

    def __init__(self, core: Core, effort: Effort, money: float, enough: float = np.inf) -> None:
        self.core, self.effort, self.money, self.enough = core, effort, money, enough
        self.best: Found | None = None
        self.bound = np.inf
        self.impossible = False
        self._tried: set[bytes] = set()
        self._lead: FloatArray | None = None

    @property
    def objective(self) -> float:
        """Of the best plan."""
        return -np.inf if self.best is None else self.best.objective

    @property
    def _short(self) -> Effort:
        """What the hauls to known modules may cost: they come after whatever was stopped."""
        limit = _POLISH_S if self.best is None else max(self.effort.left_s(), _MORE_S)
        return Effort(time_limit_s=limit, seed=self.effort.seed)

    @property
    def _done(self) -> bool:
        if self.effort.over or self.objective >= self.enough or self.bound < self.enough < np.inf:
            return True
        little = max(self.effort.gap * abs(self.objective), _SURE * abs(self.bound))
        return self.best is not None and self.bound - self.objective <= little

    def run(self, start: tuple[FloatArray, FloatArray | None] | None = None) -> None:
        """Search until the gap is small enough or the time is up, from (o,) modules and perhaps (h,) hauls if there are any."""
        core = self.core
        self._offer(np.zeros(core.option_at.size))
        if start is not None:
            self._begin(*start)
        small = core.pair_parcel.size <= (_SMALL_SINGLE if core.single else _SMALL)
        hubs = None if small else PricedHubs.of(core)
        if not small and self.best is None and core.second_least is not None:
            self._reach(core.second_least)
        if self.impossible:
            return
        if hubs is None:
            self._programme(np.ones(core.candidates, np.bool_), -np.inf, self.effort.gap)
            return
        if core.serve_all:
            self._offer(hubs.modules(hubs.nearest()))
        self._by_prices(hubs)

    def _by_prices(self, hubs: PricedHubs) -> None:
        """Price what hubs share; exchange hubs; then solve the programme of the candidates that could still matter."""
        hubs.worst = max(hubs.worst, self.enough if np.isfinite(self.enough) else -np.inf)
        thorough = None if self.core.second_least is None else partial(self._exchange, hubs)
        relaxed = relax(hubs, self.effort, self.objective, self._ask, self.money, thorough)
        self.bound = relaxed.bound
        self.impossible = self.bound < hubs.worst
        if self.impossible:
            return
        if not self._done:
            self._exchange(hubs, relaxed)
        ranks = np.argsort(np.argsort(-relaxed.if_open, kind="stable"), kind="stable")
        number = _FIRST_STAGE
        while not self._done:
            open_ = self._open()
            number = max(number, 2 * int(open_.sum()))
            wanted = relaxed.if_open > self.objective * (1.0 + self.effort.gap * np.sign(self.objective))
            if self.best is None:
                wanted = np.ones(self.core.candidates, np.bool_)
            stage = (wanted & (ranks < number)) | open_
            outside = float(relaxed.if_open[~stage].max(initial=-np.inf))
            last = not (wanted & ~stage).any()
            gap = (self.bound - self.objective) / max(abs(self.objective), 1e-300) if self.best is not None else 0.04
            self._programme(stage, outside, self.effort.gap if last else max(self.effort.gap, _STAGE_GAP * gap))
            if last:
                break
            number *= 2

    def _begin(self, modules: FloatArray, flow: FloatArray | None) -> None:
        """Take a plan that is known, mended where it does not meet the conditions."""
        core = self.core
        if flow is not None and core.single and _allowed(core, modules):
            # Where parcels went says more than where most of them would go if they could be split.
            known = Found("stopped", modules, flow, np.zeros(core.sale_hub.size), np.nan, np.inf)
            self._take(polished(core, known, self._short))
        self._ask(modules, np.inf)
        self._lead = modules

    def _reach(self, least: float) -> None:
        """Find a first plan by the second objective alone, or prove that none reaches what it must."""
        core = self.core
        alone = replace(
            core, value=core.second_value, second_value=np.zeros(core.value.size), option_fixed=core.option_second,
            option_second=np.zeros(core.option_at.size), second_least=None, market_demand=core.market_demand[:0],
            sale_hub=core.sale_hub[:0], sale_market=core.sale_market[:0], sale_margin=core.sale_margin[:0],
        )  # fmt: skip
        enough = least - _SURE * abs(least)
        search = HaulSearch(alone, _Until(self.effort, enough), 1.0, enough)
        search.run()
        self.impossible = search.impossible or search.bound < enough
        if search.best is not None and not self.impossible:
            self._offer(search.best.modules)

    def _exchange(self, hubs: PricedHubs, relaxed: Relaxed) -> float:
        """Improve the best plan by hubs that prices speak for, the most promising first."""
        extra = float(relaxed.prices[-1]) if self.core.second_least is not None else 0.0
        exchange = Exchange(hubs, extra)
        order = np.argsort(-relaxed.if_open, kind="stable")
        number = max(_PROMISING, 2 * int(self._open().sum()))
        promising = order[relaxed.if_open[order] > self.objective][:number]
        mixes = [relaxed.mix if self.best is None else hubs.mixes_of(self.best.modules)]
        if self._lead is not None:
            # A plan of other circumstances is worth an exchange even where it is none under these.
            mixes.append(hubs.mixes_of(self._lead))
            self._lead = None
        for mix in mixes:
            self._offer(hubs.modules(exchange.improved(mix, promising, relaxed.mixes, self.effort)))
        return self.objective

    def _open(self) -> BoolArray:
        if self.best is None:
            return np.zeros(self.core.candidates, np.bool_)
        return np.bincount(self.core.option_at, self.best.modules, minlength=self.core.candidates) > 0.5

    def _programme(self, stage: BoolArray, outside: float, gap: float) -> None:
        """Solve the programme of some candidates; plans with others have a bound of their own."""
        core, part = self.core, part_of(self.core, stage)
        start = None
        if self.best is not None:
            start = self.best._replace(
                modules=self.best.modules[part.options], flow=self.best.flow[part.hauls],
                sold=self.best.sold[part.sales],
            )  # fmt: skip
        within = _Within(self.effort, gap, self.objective, (outside, self.bound), self.money)
        found = HaulProgramme(part.core).solve(within, start)
        if found.outcome == "infeasible":
            if outside == -np.inf:
                self.impossible = self.best is None
            return
        if found.modules.size or core.option_at.size == 0:
            modules, flow, sold = (
                np.zeros(size) for size in (core.option_at.size, core.value.size, core.sale_hub.size)
            )
            modules[part.options], flow[part.hauls], sold[part.sales] = found.modules, found.flow, found.sold
            self._take(polished(core, found._replace(modules=modules, flow=flow, sold=sold), self._short))
        self.bound = min(self.bound, max(found.bound, outside))

    def _take(self, found: Found | None) -> None:
        if found is not None and found.objective > self.objective:
            self.best = found

    def _offer(self, modules: FloatArray) -> None:
        """Haul as well as some modules allow, unless that was tried before."""
        if not _allowed(self.core, modules):
            return
        key = modules.astype(np.int16).tobytes()
        if key not in self._tried:
            self._tried.add(key)
            self._take(hauled(self.core, modules, self._short))

    def _ask(self, modules: FloatArray, bound: float) -> float:
        """Look for a plan with modules that prices lead to, less those that are one too many."""
        self.bound = min(self.bound, bound)
        core = self.core
        loose = replace(
            core, least=0.0, source=None, second_least=None, serve_all=False, hubs=None, modules=None, budget=None,
            weights=core.weights[:0], at_most=core.at_most[:0],
        )  # fmt: skip
        found = None
        if core.least > 0 or not _allowed(core, modules):
            found = hauled(loose, modules, self._short)
        if found is not None:
            load = np.bincount(core.candidate, found.flow, minlength=core.candidates)
            earned = np.bincount(core.candidate, found.flow * core.value, minlength=core.candidates)
            earned -= np.bincount(core.option_at, modules * core.option_fixed, minlength=core.candidates)
            modules = np.where(load[core.option_at] < core.least, 0.0, modules)
            for hub in np.argsort(earned, kind="stable"):
                if _allowed(core, modules):
                    break
                modules = np.where(core.option_at == hub, 0.0, modules)
        self._offer(modules)
        return self.objective


def _allowed(core: Core, modules: FloatArray) -> bool:
    """Whether modules meet the conditions on their number, place and cost."""
    open_ = np.bincount(core.option_at, modules, minlength=core.candidates) > 0.5
    return bool(
        (core.hubs is None or open_.sum() <= core.hubs)
        and (core.modules is None or modules.sum() <= core.modules + 0.5)
        and (core.budget is None or modules @ core.option_spent <= core.budget * (1 + 1e-12))
        and (core.weights @ open_.astype(np.float64) <= core.at_most + 1e-9).all()
    )


def hauled(core: Core, modules: FloatArray, effort: Effort) -> Found | None:
    """Return the best hauls to modules, None where they allow none."""
    nothing = Found("stopped", modules, np.zeros(core.value.size), np.zeros(core.sale_hub.size), np.nan, np.inf)
    if not core.single:
        return polished(core, nothing, effort)
    # Each parcel goes to where most of it would go if it could be split.
    split = polished(replace(core, single=False), nothing, effort)
    return None if split is None else polished(core, split, effort)


def polished(core: Core, found: Found, effort: Effort) -> Found | None:
    """Haul as well as the modules allow, free of what the solver's tolerance for whole numbers let through.

    Single parcels go where they went.
    """
    open_ = np.bincount(core.option_at, found.modules, minlength=core.candidates) > 0.5
    part = part_of(core, open_, found.modules > 0.5)
    inner = found._replace(
        modules=found.modules[part.options], flow=found.flow[part.hauls], sold=found.sold[part.sales]
    )
    pairs = HaulProgramme(part.core, modules=inner.modules).pairs_of(inner) if core.single else None
    programme = HaulProgramme(part.core, modules=inner.modules, pairs=pairs)
    better = programme.solve(effort)
    if better.outcome != "optimal":
        return None
    flow, sold = np.zeros(core.value.size), np.zeros(core.sale_hub.size)
    flow[part.hauls], sold[part.sales] = better.flow, better.sold
    return Found(found.outcome, found.modules, flow, sold, better.objective, found.bound)


def warm_up() -> None:
    """Ask the compiled functions next to nothing, so that they are compiled."""
    one, none = np.ones(1), np.zeros(1, np.intp)
    core = Core(
        supply=one, parcel=none, candidate=none, value=one, second_value=one, pair=none, pair_parcel=none,
        pair_candidate=none, candidates=1, reach=one, option_at=none, option_size=one, option_fixed=0.5 * one,
        option_second=one, option_spent=one, option_most=one, option_column=none, most_modules=1, hubs=1, modules=None,
        standing=np.zeros(1), weights=csr_array((0, 1)), at_most=np.empty(0), budget=None, serve_all=False, single=False,
        least=0.0, source=None, second_least=None, market_demand=np.empty(0), sale_hub=none[:0], sale_market=none[:0],
        sale_margin=np.empty(0),
    )  # fmt: skip
    hubs, effort = PricedHubs.of(core), Effort()
    if hubs is None:
        return
    relaxed = relax(hubs, effort, 0.0, lambda _modules, _bound: 0.0)
    Exchange(hubs, 0.0).improved(none - 1, none, relaxed.mixes, effort)
