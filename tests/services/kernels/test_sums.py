"""Sums do not depend on the order of what is added, and equal Python's exact ones."""

from math import fsum

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.services.kernels import sums

MICROGRAM = 2.0**-40
amounts = st.lists(
    st.floats(-1e13, 1e13).map(lambda value: round(value / MICROGRAM) * MICROGRAM), min_size=1, max_size=60
)


@settings(max_examples=300, deadline=None)
@given(amounts, st.integers(0, 2**32 - 1))
def test_a_sum_is_the_exact_one_whatever_the_order_and_the_parts(values: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(np.array(values))
    cut = int(rng.integers(0, len(values) + 1))
    parts = [sums.by_group(np.zeros(len(part), int), part, 1) for part in (shuffled[:cut], shuffled[cut:])]
    assert sums.rounded(sums.together(*parts))[0] == fsum(values)


def test_finer_amounts_are_each_rounded_to_a_microgram() -> None:
    values = np.random.default_rng(1).uniform(0, 1, 10_000)
    total = sums.rounded(sums.by_group(np.zeros(values.size, int), values, 1))[0]
    assert abs(total - fsum(values)) <= values.size * MICROGRAM / 2


def test_sums_by_group_leave_out_what_is_missing_or_in_no_group() -> None:
    found = sums.by_group(np.array([0, 1, -1, 0, 1]), np.array([1.5, 2.0, 9.0, np.nan, 4.0]), 3)
    assert sums.rounded(found).tolist() == [1.5, 6.0, 0.0]
