"""Numbers in classes: each scheme does what its name says."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import BadParameterError, UnknownColumnError
from registry.render.layers.choropleth import shading
from registry.render.layers.classes import SCHEMES, Classing, classed, steps

VALUES = np.array([1.0, 2, 3, 4, 20, 21, 22, 60, 61, 200, np.nan])


def test_natural_breaks_are_those_with_the_least_spread_within_classes() -> None:
    found, ranges = classed(VALUES, Classing(classes=4))
    ordered = np.sort(VALUES[:-1])

    def spread_of(cuts: tuple[int, ...]) -> float:
        return sum(((part - part.mean()) ** 2).sum() for part in np.split(ordered, cuts))

    best = min(combinations(range(1, len(ordered)), 3), key=spread_of)
    assert [part.tolist() for part in np.split(ordered, best)] == [
        [value for value in ordered if low <= value <= high] for low, high in ranges
    ]
    assert np.isnan(found[-1])
    assert found[:-1].tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 3]


def test_quantiles_hold_equal_numbers_and_equal_intervals_are_as_wide() -> None:
    values = np.arange(1.0, 41.0) ** 2
    by_number, _ = classed(values, Classing("Quantiles", 4))
    assert np.bincount(by_number.astype(int)).tolist() == [10, 10, 10, 10]
    by_width, _ = classed(values, Classing("EqualInterval", 4))
    limits = np.linspace(1, 1600, 5)[1:-1]
    assert by_width.tolist() == np.searchsorted(limits, values).tolist()


def test_head_tail_breaks_part_at_the_mean_of_what_is_left() -> None:
    values = np.array([1.0] * 60 + [2.0] * 25 + [10.0] * 10 + [100.0] * 4 + [1000.0])
    found, ranges = classed(values, Classing("HeadTailBreaks", 2))
    first = values.mean()
    second = values[values > first].mean()
    assert ranges[0] == [values.min(), values[values <= first].max()]
    assert ranges[1] == [values[values > first].min(), values[(values > first) & (values <= second)].max()]
    assert found.max() >= 2  # it takes as many classes as it needs


def test_breaks_of_ones_own_hold_what_is_up_to_them_and_empty_classes_are_left_out() -> None:
    found, ranges = classed(VALUES, Classing(breaks=(4, 10, 60)))
    assert ranges == [[1, 4], [20, 60], [61, 200]]  # nothing lies between 4 and 10
    assert found[:-1].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


def test_few_values_are_a_class_each_and_none_is_no_class() -> None:
    found, ranges = classed(np.array([5.0, 1, 5, np.inf]))
    assert found[:3].tolist() == [1, 0, 1]
    assert np.isnan(found[3])
    assert ranges == [[1, 1], [5, 5]]
    assert classed(np.array([np.nan, np.nan]))[1] == []


@given(
    st.lists(st.floats(-1e12, 1e12, allow_nan=False) | st.just(float("nan")), max_size=60),
    st.sampled_from(SCHEMES),
    st.integers(2, 7),
)
def test_classes_rise_hold_every_number_once_and_are_no_more_than_asked(
    values: list[float], scheme: str, count: int
) -> None:
    numbers = np.array(values, dtype=float)
    found, ranges = classed(numbers, Classing(scheme, count))
    assert (np.isnan(found) == np.isnan(numbers)).all()
    assert len(ranges) <= (7 if scheme == "HeadTailBreaks" else count)
    assert all(low <= high for low, high in ranges)
    assert all(one[1] < other[0] for one, other in pairwise(ranges))
    for number, where in zip(numbers[~np.isnan(found)], found[~np.isnan(found)], strict=True):
        assert ranges[int(where)][0] <= number <= ranges[int(where)][1]


@pytest.mark.parametrize(
    "asked",
    [
        {"scheme": "Jenks"}, {"classes": 1}, {"classes": 8}, {"breaks": (1, 1)}, {"breaks": (2, 1)},
        {"breaks": (1, float("nan"))}, {"breaks": tuple(range(7))},
    ],
)  # fmt: skip
def test_a_classing_that_cannot_be_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(BadParameterError):
        Classing(**asked)


def test_widths_of_flows_part_at_round_numbers_that_leave_few_on_top() -> None:
    tonnes = np.random.default_rng(1).lognormal(11, 1.5, 3000)
    limits = steps(tonnes)
    assert limits == sorted(limits)
    assert all(f"{limit:e}"[0] in "125" and set(f"{limit:e}"[1:].split("e")[0]) <= set(".0") for limit in limits)
    assert len(limits) == 3
    assert (tonnes <= limits[0]).mean() == pytest.approx(0.5, abs=0.2)
    assert 0 < (tonnes > limits[2]).mean() < 0.15
    assert steps(np.array([7.0])) == []
    assert steps(np.array([0.0, np.nan])) == []


def _table() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "region_code": ["1", "2", "3"], "sites": [5, 1, 2], "rank": [1, 3, 2], "spot": ["hot", None, "cold"],
            "storage_m3": [1e6, np.nan, 0.0], "came": [np.nan] * 3,
        }
    )  # fmt: skip


def test_the_least_rank_is_shaded_most_and_a_code_is_a_class_by_its_name() -> None:
    codes = pd.Series(["1", "2", "3", "4"])
    ranked = shading(codes, _table(), "rank")
    assert ranked.classes[:3].tolist() == [2, 0, 1]
    assert ranked.ranges == [[3, 3], [2, 2], [1, 1]]
    spots = shading(codes, _table(), "spot")
    assert spots.classes[[0, 2]].tolist() == [1, 0]
    assert np.isnan(spots.classes[[1, 3]]).all()
    assert (spots.says["zh"]["class_names"], spots.says["en"]["class_names"]) == (
        ["冷点", "热点"],
        ["Cold spot", "Hot spot"],
    )


def test_what_a_table_says_of_no_region_is_not_listed_and_an_unknown_measure_is_refused() -> None:
    listed = [field["name"] for field in shading(pd.Series(["1"]), _table(), "storage_m3").says["zh"]["fields"]]
    assert listed == ["storage_m3", "sites", "rank", "spot"]
    with pytest.raises(UnknownColumnError, match="storage_m3"):
        shading(pd.Series(["1"]), _table(), "gdp")
