"""Conditions as a planner states them, and the rows that they become."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from registry.errors import BadParameterError, UnknownColumnError
from registry.services.siting import Conditions
from registry.services.siting.planning.conditions import own_capital

PLACES = pd.DataFrame({"region_code": ["130100", "130200", "140000", 150221], "name": list("abcd")}, index=list("abcd"))


def test_nothing_asked_is_no_condition() -> None:
    limits = Conditions().limits(PLACES)
    assert limits.names == ()
    assert limits.weights.shape == (0, 4)


def test_at_most_so_many_in_every_province() -> None:
    limits = Conditions(most_by_province=1).limits(PLACES)
    assert limits.names == ("at most 1 in 130000", "at most 1 in 140000", "at most 1 in 150000")
    assert limits.weights.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    assert limits.allow(np.array([0, 2, 3]))
    assert not limits.allow(np.array([0, 1]))


def test_at_most_so_many_in_the_provinces_that_are_named() -> None:
    limits = Conditions(most_by_province={"130000": 0, "14": 2}).limits(PLACES)
    assert limits.weights.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 1, 0]]
    assert limits.at_most.tolist() == [0, 2]
    with pytest.raises(BadParameterError, match="most_by_province: 河北 is no code of a province"):
        Conditions(most_by_province={"河北": 1}).limits(PLACES)


def test_budgets_add_up_what_hubs_cost() -> None:
    wanted = Conditions(budget_yuan=10.0, budget_by_province={"130000": 5.0})
    limits = wanted.limits(PLACES, capital=np.array([3.0, 4.0, 6.0, 1.0]))
    assert limits.weights.toarray().tolist() == [[3, 4, 0, 0], [3, 4, 6, 1]]
    assert limits.names == ("budget of 5 yuan in 130000", "budget of 10 yuan")


def test_survival_of_a_plant_asks_for_two_takers() -> None:
    assert Conditions(survive="plant").takers == 2
    assert Conditions(survive="plant", times=3).takers == 3
    assert Conditions(survive="source").takers == 1


def test_a_column_that_is_missing_is_named() -> None:
    with pytest.raises(UnknownColumnError, match="candidates: no column region_code, which most_by_province needs"):
        Conditions(most_by_province=1).limits(PLACES.drop(columns="region_code"))
    with pytest.raises(BadParameterError, match="Give the candidates a column capital_yuan"):
        Conditions(budget_by_province={"130000": 1.0}).limits(PLACES)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"most_modules": 0}, "most_modules = 0: give a whole number of 1 or more"),
        ({"modules_in_all": 1.5}, "modules_in_all = 1.5: give a whole number"),
        ({"times": -1}, "times = -1"),
        ({"budget_yuan": -3.0}, "budget_yuan = -3: give a number of 0 or more"),
        ({"least_load_t": float("inf")}, "least_load_t = inf"),
        ({"most_by_province": {"130000": -1}}, "most_by_province of 130000 = -1"),
        ({"most_by_province": -2}, "most_by_province = -2"),
        ({"budget_by_province": {"130000": float("nan")}}, "budget_by_province of 130000 = nan"),
        ({"survive": "flood"}, "survive = flood: give source or plant"),
    ],
)
def test_a_condition_out_of_range_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(BadParameterError, match=message):
        Conditions(**given)


def test_capital_of_candidates_is_checked() -> None:
    assert own_capital(PLACES) is None
    assert own_capital(PLACES.assign(capital_yuan=5))[0] == 5
    with pytest.raises(BadParameterError, match="candidates: capital_yuan of b is -1"):
        own_capital(PLACES.assign(capital_yuan=[1, -1, 1, 1]))
    with pytest.raises(BadParameterError, match="candidates: capital_yuan of c is nan"):
        own_capital(PLACES.assign(capital_yuan=[1, 1, np.nan, 1]))
