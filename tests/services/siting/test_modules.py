"""Sets of modules against all sets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.services.siting import Terms
from registry.services.siting.planning.modules import at_most, cheapest, said, trimmed

TERMS = Terms()
SIZES, CAPITAL = TERMS.sizes, TERMS.capital


@given(st.floats(1.0, 2.5e7))
def test_no_set_of_the_usual_sizes_is_cheaper(tonnes: float) -> None:
    counts = cheapest(tonnes, SIZES, CAPITAL)
    assert counts @ SIZES >= tonnes * (1 - 1e-9)
    ranges = (range(11), range(6), range(3), range(4))
    best = min(float(np.array(mix) @ CAPITAL) for mix in itertools.product(*ranges) if np.array(mix) @ SIZES >= tonnes)
    assert counts @ CAPITAL == pytest.approx(best)
    assert counts.sum() <= at_most(tonnes, SIZES, CAPITAL)


def test_full_modules_are_not_doubled_by_rounding() -> None:
    for count in range(1, 60):
        assert cheapest(0.1 * count * 3, np.array([0.3]), np.array([1.0])).tolist() == [count]
    assert cheapest(0.0, SIZES, CAPITAL).tolist() == [0, 0, 0, 0]


@given(st.lists(st.integers(0, 4), min_size=4, max_size=4), st.floats(1e-6, 1))
def test_what_is_needless_goes(counts: list[int], share: float) -> None:
    given_ = np.array(counts)
    tonnes = float(given_ @ SIZES) * share
    kept = trimmed(given_, tonnes, SIZES, CAPITAL)
    assert kept @ SIZES >= tonnes * (1 - 2e-9)
    assert kept.sum() <= given_.sum()
    assert kept @ CAPITAL <= given_ @ CAPITAL * (1 + 1e-12)
    assert (kept >= 0).all()


def test_where_large_modules_are_dear_the_smallest_may_be_many() -> None:
    assert at_most(1e6, np.array([1e5, 1e6]), np.array([1.0, 100.0])) == 10


def test_modules_in_words() -> None:
    assert said(np.array([2, 0, 1, 1]), SIZES) == "10 Mt + 5 Mt + 2 × 0.1 Mt"
    assert said(np.zeros(4, int), SIZES) == ""
