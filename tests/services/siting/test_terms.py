"""Money and emissions by hand, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import reference
from registry.errors import BadParameterError
from registry.services.break_even import HaulCosts
from registry.services.siting import Terms


def test_freight_by_band_is_a_yuan_for_ten_kilometres_and_then_less() -> None:
    assert Terms().freight(np.array([0.0, 4.0, 10.0, 110.0])).tolist() == pytest.approx([0.0, 4.0, 10.0, 10 + 42.4])


def test_three_bands_and_one_rate() -> None:
    terms = Terms(freight_bands=[(10, 2.0), (50, 1.0)], costs=HaulCosts(freight_yuan_per_t_km=0.5))
    assert terms.freight(np.array([5.0, 30.0, 100.0])).tolist() == [10.0, 40.0, 85.0]
    assert terms.reach_km(np.array([10.0, 40.0, 85.0, -0.1, 0.0])).tolist() == [5.0, 30.0, 100.0, -1.0, 0.0]
    free = Terms(freight_bands=[(1, 1.0), (2, 0.0)], costs=HaulCosts(freight_yuan_per_t_km=1.0))
    assert free.reach_km(np.array([0.0, 0.5, 1.0, 3.0])).tolist() == [0.0, 0.5, 2.0, 4.0]
    one = Terms(freight_bands=())
    assert one.freight(np.array([100.0])).tolist() == pytest.approx([42.4])


rates = st.just(0.0) | st.floats(0.01, 5)
bands = st.lists(st.tuples(st.integers(1, 500).map(float), rates), max_size=4, unique_by=lambda band: band[0])


@given(bands.map(sorted), st.floats(0.01, 5), st.floats(0, 2_000), st.floats(0, 100))
def test_a_longer_haul_never_costs_less_and_the_reach_is_where_the_money_ends(
    some: list[tuple[float, float]], beyond: float, km: float, more: float
) -> None:
    terms = Terms(freight_bands=some, costs=HaulCosts(freight_yuan_per_t_km=beyond))
    near, far = terms.freight(np.array([km, km + more]))
    assert far >= near * (1 - 1e-12)
    reach = terms.reach_km(np.array([near]))[0]
    # Where a rate is 0 the money reaches further than the haul.
    assert reach >= km * (1 - 1e-9) - 1e-9
    assert terms.freight(np.array([reach]))[0] == pytest.approx(near, rel=1e-9, abs=1e-9)


def test_capital_by_the_six_tenths_rule() -> None:
    capital = Terms(modules_t=[1e6, 2e6, 1e7]).capital
    assert capital.tolist() == pytest.approx([1e8, 1e8 * 1.515716567, 1e8 * 3.981071706])
    assert Terms(modules_t=[1e6, 2e6], capital_exponent=1.0).capital.tolist() == pytest.approx([1e8, 2e8])
    assert Terms(modules_t=[5.0, 7.0], module_capital_yuan=[1.0, 2.0]).capital.tolist() == [1.0, 2.0]


def test_capital_is_paid_back_as_an_annuity() -> None:
    """6 % over 20 years is 0.0871846 in every table of capital recovery factors, 10 % over 5 years 0.2637975."""
    assert Terms().annuity == pytest.approx(0.0871846, abs=5e-8)
    assert Terms(interest_rate=0.10, life_years=5).annuity == pytest.approx(0.2637975, abs=5e-8)
    assert Terms(interest_rate=0.0, life_years=8).annuity == 0.125


def test_the_defaults_are_those_of_the_table() -> None:
    table = reference.table("siting_terms").set_index("name")["value"]
    terms = Terms()
    for name in ("interest_rate", "life_years", "operating_yuan_per_t", "market_radius_km", "co2_kg_per_t_km"):
        assert getattr(terms, name) == table[name]
    assert terms.freight_bands == ((table["short_haul_km"], table["short_haul_yuan_per_t_km"]),)


def test_what_nobody_gave_is_told() -> None:
    assert {"capital_base_yuan", "interest_rate", "margin_yuan_per_t", "short_haul_km"} <= set(Terms().assumed())
    given_all = Terms(
        costs=HaulCosts(margin_yuan_per_t=5, disposal_yuan_per_t=3, taxed_share=0.5, circuity=1.3), freight_bands=(), module_capital_yuan=[1, 2, 3, 4],
        interest_rate=0.05, life_years=15, operating_yuan_per_t=1,
    )  # fmt: skip
    assert given_all.assumed() == {}


def test_a_factor_changes_only_what_it_names() -> None:
    terms = Terms()
    dear = terms.scaled(freight=2.0)
    assert dear.freight(np.array([3.0, 60.0])).tolist() == pytest.approx(
        (2 * terms.freight(np.array([3.0, 60.0]))).tolist()
    )
    assert dear.capital.tolist() == pytest.approx(terms.capital.tolist())
    assert terms.scaled(tax=0.5).costs.tax_of("SW05") == 7.5
    small = terms.scaled(capacity=0.5)
    assert small.modules_t == (5e4, 5e5, 2.5e6, 5e6)
    assert small.capital.tolist() == pytest.approx(terms.capital.tolist())
    assert set(dear.assumed()) == set(terms.assumed())
    given_ = Terms(modules_t=[5, 7], module_capital_yuan=[1, 2]).scaled(capital=3.0, capacity=2.0)
    assert (given_.sizes.tolist(), given_.capital.tolist()) == ([10.0, 14.0], [3.0, 6.0])
    assert terms.scaled(capital=3.0).capital.tolist() == pytest.approx((3 * terms.capital).tolist())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"interest_rate": -0.1}, "interest_rate = -0.1: give a number of 0 or more"),
        ({"life_years": 0}, "life_years = 0: give a number of more than 0"),
        ({"co2_kg_per_t_km": float("nan")}, "co2_kg_per_t_km = nan: give a number"),
        ({"market_radius_km": 0}, "market_radius_km = 0"),
        ({"modules_t": []}, "modules_t: there is none"),
        ({"modules_t": [5, 1]}, "modules_t = .*: give them from the smallest to the largest"),
        ({"modules_t": [-5.0]}, "modules_t = -5: give a number of more than 0"),
        ({"modules_t": [1, 2], "module_capital_yuan": [3]}, "1 for 2 sizes of modules"),
        ({"module_capital_yuan": [1, 2, 3, -4]}, "module_capital_yuan = -4"),
        ({"freight_bands": [(50, 1), (10, 2)]}, "freight_bands, kilometres = .*: give them from the smallest"),
        ({"freight_bands": [(50, -1)]}, "freight_bands, yuan = -1"),
    ],
)
def test_a_number_out_of_range_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadParameterError, match=message):
        Terms(**given)


def test_a_factor_out_of_range_is_refused() -> None:
    with pytest.raises(BadParameterError, match="factor of freight = 0"):
        Terms().scaled(freight=0)
    with pytest.raises(BadParameterError, match="factor of tax = -1"):
        Terms().scaled(tax=-1)
