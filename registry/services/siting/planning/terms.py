"""The terms of a plan of hubs: what hauls cost and save, what modules cost, what haulage emits."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from registry import reference
from registry.errors import BadParameterError
from registry.services.break_even import HaulCosts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from registry.services.geodesy import FloatArray

MODULES_T = (100_000.0, 1_000_000.0, 5_000_000.0, 10_000_000.0)
"""Sizes of modules unless a user gives others: 0.1, 1, 5 and 10 Mt a year."""

_LEAST = {"life_years": 0.0, "capital_base_t": 0.0, "market_radius_km": 0.0}
"""Numbers that must be more than this; all others may be 0 but not less."""


def _default(name: str) -> float:
    table = reference.table("siting_terms")
    return float(dict(zip(table["name"], table["value"], strict=True))[name])


def _given(name: str) -> Any:
    return field(default_factory=partial(_default, name))


def _short_hauls() -> tuple[tuple[float, float], ...]:
    return ((_default("short_haul_km"), _default("short_haul_yuan_per_t_km")),)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """Money and emissions of a plan; the defaults are those of ``gis_data/siting_terms.csv`` and ``haul_costs.csv``.

    Attributes
    ----------
    costs : tax and disposal that a haul avoids, margin of a product, circuity, and freight beyond the bands. Gate fees
        are not looked at: what the holder pays the plant earns, so that they cancel where money is counted for both
    freight_bands : ``(up to km by road, yuan per t·km)``, rising in km. Every kilometre of a haul costs the rate of the
        band it lies in, and ``costs.freight_yuan_per_t_km`` beyond the last, so that a longer haul never costs less. 1 yuan
        for the first 10 km unless given: the rate read in a source, the 10 km an assumption. ``()`` for one rate
    modules_t : tonnes a year that modules take, rising
    module_capital_yuan : what a module of each size costs to build; None for ``capital_base_yuan`` · (size /
        ``capital_base_t``)^``capital_exponent``, the six-tenths rule (Williams 1947)
    capital_base_yuan, capital_base_t : 100 million yuan for 1 Mt a year. No published figure is known: an assumption that
        stands for nothing until a user gives another
    capital_exponent : 0.6, not confirmed; 1 where there is no economy of scale
    interest_rate : yearly, 0.06, an assumption; 0 for capital paid back in equal parts without interest
    life_years : in which a module is paid back, 20, an assumption
    operating_yuan_per_t : what a hub spends on a tonne beside freight and capital, as far as the margin has not taken it
        into account. No published figure is known, so 0 until it is given
    market_radius_km : straight distance over which a product is sold where markets are given and do not tell their own.
        100 km (read in a source, of aggregates)
    co2_kg_per_t_km : of haulage by road. 0.095 (read in a source: rigid truck of 26–32 t, average load); sources run from
        0.062 to 0.107

    Raises
    ------
    BadParameterError : a number is not finite or outside its range; bands or sizes do not rise; a module has no capital
        or two.
    """

    costs: HaulCosts = field(default_factory=HaulCosts)
    freight_bands: Sequence[tuple[float, float]] = field(default_factory=_short_hauls)
    modules_t: Sequence[float] = MODULES_T
    module_capital_yuan: Sequence[float] | None = None
    capital_base_yuan: float = _given("capital_base_yuan")
    capital_base_t: float = _given("capital_base_t")
    capital_exponent: float = _given("capital_exponent")
    interest_rate: float = _given("interest_rate")
    life_years: float = _given("life_years")
    operating_yuan_per_t: float = _given("operating_yuan_per_t")
    market_radius_km: float = _given("market_radius_km")
    co2_kg_per_t_km: float = _given("co2_kg_per_t_km")

    def __post_init__(self) -> None:
        """Check every number."""
        for number in fields(self):
            value = getattr(self, number.name)
            if isinstance(value, int | float):
                _check(number.name, float(value), _LEAST.get(number.name))
        sizes = tuple(float(size) for size in self.modules_t)
        bands = tuple((float(up_to), float(rate)) for up_to, rate in self.freight_bands)
        object.__setattr__(self, "modules_t", sizes)
        object.__setattr__(self, "freight_bands", bands)
        _check_rising("freight_bands, kilometres", [band[0] for band in bands])
        _check_rising("modules_t", sizes)
        for _, rate in bands:
            _check("freight_bands, yuan", rate, None)
        if not sizes:
            raise BadParameterError("modules_t: there is none. Give the tonnes a year of at least one module.")
        if self.module_capital_yuan is None:
            return
        capital = tuple(float(each) for each in self.module_capital_yuan)
        object.__setattr__(self, "module_capital_yuan", capital)
        for each in capital:
            _check("module_capital_yuan", each, None)
        if len(capital) != len(sizes):
            raise BadParameterError(
                f"module_capital_yuan: {len(capital)} for {len(sizes)} sizes of modules. Give one for each size."
            )

    def freight(self, road_km: FloatArray) -> FloatArray:
        """Yuan for a tonne over (h,) kilometres by road."""
        cost, start = np.zeros(np.shape(road_km)), 0.0
        for up_to, rate in (*self.freight_bands, (np.inf, self.costs.freight_yuan_per_t_km)):
            cost += rate * np.clip(np.asarray(road_km) - start, 0.0, up_to - start)
            start = up_to
        return cost

    def reach_km(self, yuan_per_t: FloatArray) -> FloatArray:
        """Kilometres by road that (g,) yuan pay a tonne's freight for, negative where they are."""
        left = np.asarray(yuan_per_t, dtype=np.float64)
        going, start, money = left >= 0, 0.0, np.maximum(left, 0.0)
        reach = np.where(going, 0.0, -1.0)
        for up_to, rate in self.freight_bands:
            width = up_to - start
            step = np.full(money.shape, width) if rate == 0 else np.minimum(money / rate, width)
            reach = reach + np.where(going, step, 0.0)
            # Who cannot pay to the end of a band goes no further, even if the next costs nothing.
            going = going & (step >= width * (1 - 1e-9))
            money, start = money - rate * step, up_to
        return reach + np.where(going, np.maximum(money, 0.0) / self.costs.freight_yuan_per_t_km, 0.0)

    @property
    def sizes(self) -> FloatArray:
        """(k,) tonnes a year of the modules."""
        return np.array(self.modules_t, dtype=np.float64)

    @property
    def capital(self) -> FloatArray:
        """(k,) yuan to build a module of every size."""
        if self.module_capital_yuan is not None:
            return np.array(self.module_capital_yuan, dtype=np.float64)
        return self.capital_of(self.sizes)

    def capital_of(self, sizes: FloatArray) -> FloatArray:
        """(k,) yuan to build a hub for (k,) tonnes a year by the six-tenths rule, whatever the modules cost."""
        return np.asarray(self.capital_base_yuan * (sizes / self.capital_base_t) ** self.capital_exponent)

    @property
    def annuity(self) -> float:
        """Capital recovery factor: what a yuan of capital costs every year of its life, i / (1 − (1 + i)^−n)."""
        if self.interest_rate == 0:
            return 1.0 / self.life_years
        return float(self.interest_rate / -np.expm1(-self.life_years * np.log1p(self.interest_rate)))

    def scaled(self, *, freight: float = 1.0, tax: float = 1.0, capacity: float = 1.0, capital: float = 1.0) -> Terms:
        """Return the same terms with freight, tax, sizes of modules at unchanged capital, or capital times a factor."""
        for name, factor in (("freight", freight), ("tax", tax), ("capacity", capacity), ("capital", capital)):
            _check(f"factor of {name}", factor, None if name in {"tax", "capital"} else 0.0)
        costs = replace(
            self.costs,
            freight_yuan_per_t_km=self.costs.freight_yuan_per_t_km * freight,
            tax_yuan_per_t={code: rate * tax for code, rate in self.costs.tax_yuan_per_t.items()},
        )
        own = self.module_capital_yuan
        return replace(
            self,
            costs=costs,
            freight_bands=[(up_to, rate * freight) for up_to, rate in self.freight_bands],
            modules_t=[size * capacity for size in self.modules_t],
            module_capital_yuan=own if own is None else [each * capital for each in own],
            capital_base_yuan=self.capital_base_yuan * capital,
            capital_base_t=self.capital_base_t * capacity,
        )

    def assumed(self) -> Mapping[str, float]:
        """Defaults that stand on no source that was read, and are still in force, by name."""
        own = dict(_unread("siting_terms", self))
        if self.module_capital_yuan is not None:
            own = {name: value for name, value in own.items() if not name.startswith("capital_")}
        if self.freight_bands and self.freight_bands[0][0] == _default("short_haul_km"):
            own["short_haul_km"] = self.freight_bands[0][0]
        costs = dict(_unread("haul_costs", self.costs))
        # What holders pay plants is not looked at.
        costs.pop("gate_fee_yuan_per_t", None)
        return own | costs


def _unread(table: str, given: object) -> Iterator[tuple[str, float]]:
    """Yield what of a table no source that was read says, where it is what is given."""
    rows = reference.table(table)
    for name, value in rows.loc[rows["standing"] != "V", ["name", "value"]].itertuples(index=False):
        if getattr(given, name, None) == value:
            yield name, float(value)


def _check(name: str, value: float, more_than: float | None) -> None:
    if not np.isfinite(value) or value < 0 or (more_than is not None and value <= more_than):
        limit = "of 0 or more" if more_than is None else f"of more than {more_than:g}"
        raise BadParameterError(f"{name} = {value:g}: give a number {limit}.")


def _check_rising(name: str, values: Sequence[float]) -> None:
    for value in values:
        _check(name, value, 0.0)
    if (np.diff(values) <= 0).any():
        raise BadParameterError(f"{name} = {list(values)}: give them from the smallest to the largest, each once.")
