"""Bounds by prices, against every choice and against the linear programme."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog
from scipy.sparse import csr_array, hstack, identity

from registry.services.kernels import cover_bound, cover_classes
from registry.services.kernels.cover_bound import Duals
from registry.services.kernels.cover_classes import Cover
from registry.services.kernels.cover_search import Rules


def instance(classes: int, candidates: int, p: int, seed: int) -> tuple[Cover, Rules, csr_array]:
    rng = np.random.default_rng(seed)
    matrix = csr_array(rng.random((classes, candidates)) < 0.3)
    start, candidate = matrix.indptr.astype(np.intp), matrix.indices.astype(np.int32)
    turned = cover_classes.transposed(start, candidate, candidates)
    cover = Cover(rng.random(classes) * 9, rng.integers(1, 3, classes), start, candidate, *turned)
    return cover, Rules(p, rng.random((1, candidates)), np.array([0.4 * p]), 0.0), matrix


@given(st.integers(0, 500), st.data())
@settings(deadline=None, max_examples=100)
def test_no_prices_bound_too_low(seed: int, data: st.DataObject) -> None:
    cover, rules, matrix = instance(8, 6, 2, seed)
    share = np.array(data.draw(st.lists(st.floats(0, 1), min_size=8, max_size=8)))
    toll = np.array([data.draw(st.floats(0, 20))])
    bound = cover_bound.bound_of(cover, rules, Duals(np.zeros(6), share * cover.weight, toll), np.empty(6))
    for size in range(3):
        for some in combinations(range(6), size):
            if rules.weights[0, list(some)].sum() <= rules.at_most[0]:
                enough = matrix.toarray()[:, list(some)].sum(axis=1) >= cover.need
                assert cover.weight[enough].sum() <= bound * (1 + 1e-12) + 1e-12


@pytest.mark.parametrize("seed", range(4))
def test_steps_lead_to_the_linear_programme(seed: int) -> None:
    cover, rules, matrix = instance(80, 30, 5, seed)
    n, m = matrix.shape
    above = hstack([csr_array(-matrix.astype(np.float64).multiply(1.0 / cover.need[:, None])), identity(n)])
    wide = np.vstack([np.ones(m), rules.weights[0]])
    found = linprog(
        -np.concatenate([np.zeros(m), cover.weight]), bounds=(0, 1),
        A_ub=csr_array(np.vstack([above.toarray(), np.hstack([wide, np.zeros((2, n))])])),
        b_ub=np.concatenate([np.zeros(n), [5.0, rules.at_most[0]]]),
    )  # fmt: skip
    now = Duals(np.full(m, 5 / m), 0.5 * cover.weight, np.zeros(1))
    mean = Duals(*(each.copy() for each in now))
    for part in range(0, 6_000, 1_000):
        cover_bound.step_on(cover, rules, now, mean, 5.0, part, 1_000)
    bounds = [cover_bound.bound_of(cover, rules, each, np.empty(m)) for each in (now, mean)]
    assert min(bounds) >= -found.fun * (1.0 - 1e-9)
    assert min(bounds) == pytest.approx(-found.fun, rel=2e-3)
    assert now.chosen.sum() <= 5.0 + 1e-6
    assert cover_bound.relaxed(cover, mean.chosen) == pytest.approx(-found.fun, rel=2e-2)
