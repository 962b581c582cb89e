"""Search for the cheapest full cover: what is kept up to date is what is worked out afresh, and covers are full and cheap."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from registry.services.kernels import cover_classes, cover_weights
from registry.services.kernels.cover_classes import Cover
from registry.services.kernels.cover_search import Rules


def random_cover(classes: int, candidates: int, most: int, seed: int) -> Cover:
    """Classes that need one to ``most`` of their candidates, and have as many."""
    rng = np.random.default_rng(seed)
    dense = rng.random((classes, candidates)) < 0.3
    dense[np.arange(classes)[:, None], rng.permuted(np.tile(np.arange(candidates), (classes, 1)), axis=1)[:, :most]] = (
        True
    )
    matrix = csr_array(dense)
    start, candidate = matrix.indptr.astype(np.intp), matrix.indices.astype(np.int32)
    turned = cover_classes.transposed(start, candidate, candidates)
    return Cover(np.ones(classes), rng.integers(1, most + 1, classes), start, candidate, *turned)


def matrix_of(cover: Cover) -> csr_array:
    return csr_array(
        (np.ones(cover.candidate.size), cover.candidate, cover.start), shape=(cover.need.size, cover.begin.size - 1)
    )


def free(candidates: int) -> Rules:
    return Rules(candidates, np.zeros((0, candidates)), np.zeros(0), 0.0)


@given(st.integers(0, 1_000), st.lists(st.integers(0, 9), max_size=30))
@settings(deadline=None)
def test_what_is_kept_up_to_date_is_what_is_worked_out_afresh(seed: int, moves: list[int]) -> None:
    cover = random_cover(30, 10, 3, seed)
    cost = np.random.default_rng(seed).random(10)
    walk = cover_weights.nothing_taken(cover, free(10), seed, np.inf)
    walk.weight[:] = np.random.default_rng(seed).integers(1, 9, 30)
    matrix = matrix_of(cover)
    walk.score[:] = matrix.T @ walk.weight
    for one in moves:
        (cover_weights.go if walk.taken[one] else cover_weights.come)(cover, free(10), walk, cost, one)
    reached = matrix @ walk.taken
    assert (walk.reached == reached).all()
    assert set(walk.lacking[: int(walk.numbers[3])]) == set(np.flatnonzero(reached < cover.need))
    assert walk.numbers[1] == pytest.approx(cost[walk.taken].sum())
    helped, needed = (
        matrix.T @ (walk.weight * (reached < cover.need)),
        matrix.T @ (walk.weight * (reached <= cover.need)),
    )
    assert walk.score == pytest.approx(np.where(walk.taken, needed, helped))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("need", [1, 2])
@pytest.mark.parametrize("alike", [True, False])
def test_no_cover_of_all_subsets_is_cheaper(seed: int, need: int, *, alike: bool) -> None:
    cover, rng = random_cover(25, 10, need, seed), np.random.default_rng(seed)
    cost = np.ones(10) if alike else rng.random(10)
    rules = Rules(10, rng.random((1, 10)), np.array([4.0]), 0.0)
    subsets = np.array(list(product([False, True], repeat=10)))
    full = ((matrix_of(cover) @ subsets.T) >= cover.need[:, None]).all(axis=0)
    allowed = full & (subsets @ rules.weights[0] <= rules.at_most[0])
    walk = cover_weights.nothing_taken(cover, rules, seed, np.inf)
    cover_weights.search(cover, rules, walk, cost, -np.inf, 3_000)
    assert walk.numbers[2] == pytest.approx((subsets[allowed] @ cost).min(initial=np.inf))
    if allowed.any():
        assert (matrix_of(cover) @ walk.best >= cover.need).all()
        assert walk.numbers[2] == pytest.approx(cost[walk.best].sum())


def test_a_search_ends_when_a_cover_will_do_and_keeps_none_that_is_too_dear() -> None:
    cover = random_cover(60, 20, 1, 3)
    found = cover_weights.nothing_taken(cover, free(20), 1, np.inf)
    cover_weights.search(cover, free(20), found, np.ones(20), 19.0, 1_000)
    assert found.numbers[0] < 100
    assert 0 < found.best.sum() <= 19
    none = cover_weights.nothing_taken(cover, free(20), 1, 2.0)
    cover_weights.search(cover, free(20), none, np.ones(20), 1.0, 1_000)
    assert none.numbers[2] == 2.0
    assert not none.best.any()
