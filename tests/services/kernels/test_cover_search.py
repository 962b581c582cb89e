"""Search by exchange: what is kept up to date is what is worked out afresh, and no rule is broken."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from registry.services.kernels import cover_classes, cover_search
from registry.services.kernels.cover_classes import Cover
from registry.services.kernels.cover_search import Rules


def random_cover(classes: int, candidates: int, most: int, seed: int) -> Cover:
    """Classes that need one to ``most`` of their candidates."""
    rng = np.random.default_rng(seed)
    matrix = csr_array(rng.random((classes, candidates)) < 0.3)
    start, candidate = matrix.indptr.astype(np.intp), matrix.indices.astype(np.int32)
    turned = cover_classes.transposed(start, candidate, candidates)
    return Cover(rng.random(classes), rng.integers(1, most + 1, classes), start, candidate, *turned)


def random_rules(candidates: int, most: int, credit: float, seed: int) -> Rules:
    rng = np.random.default_rng(seed)
    return Rules(most, rng.random((2, candidates)), np.array([1.5, 2.0]), credit)


@given(st.integers(0, 1_000), st.sampled_from([0.0, 0.5, 1.0]), st.lists(st.integers(0, 9), max_size=30))
@settings(deadline=None)
def test_what_is_kept_up_to_date_is_what_is_worked_out_afresh(seed: int, credit: float, moves: list[int]) -> None:
    cover, rules = random_cover(30, 10, 3, seed), random_rules(10, 10, credit, seed)
    choice = cover_search.nothing_chosen(cover, rules, seed)
    for one in moves:
        (cover_search.drop if choice.taken[one] else cover_search.take)(cover, rules, choice, one)
    kept = [each.copy() for each in (choice.reached, choice.gain, choice.used, choice.numbers[:2])]
    cover_search.start_afresh(cover, rules, choice)
    for before, after in zip(kept, (choice.reached, choice.gain, choice.used, choice.numbers[:2]), strict=True):
        assert before == pytest.approx(after, abs=1e-9)
    enough = choice.reached >= cover.need
    assert choice.numbers[1] == pytest.approx(cover.weight[enough].sum())
    for one in np.flatnonzero(~choice.taken):
        before_ = choice.numbers[0]
        promised = choice.gain[one]
        cover_search.take(cover, rules, choice, one)
        assert choice.numbers[0] - before_ == pytest.approx(promised, abs=1e-9)
        cover_search.drop(cover, rules, choice, one)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("need", [1, 2])
def test_the_best_choice_keeps_the_rules_and_is_worth_what_it_says(seed: int, need: int) -> None:
    cover, rules = random_cover(60, 20, need, seed), random_rules(20, 5, 0.5, seed)
    choice = cover_search.nothing_chosen(cover, rules, seed)
    cover_search.fill(cover, rules, choice, np.ones(20), 0)
    cover_search.search(cover, rules, choice, np.ones(20), 5, 600)
    assert choice.best.sum() <= 5
    assert (rules.weights[:, choice.best].sum(axis=1) <= rules.at_most + 1e-9).all()
    matrix = csr_array((np.ones(cover.candidate.size), cover.candidate, cover.start), shape=(60, 20))
    reached = matrix @ choice.best
    assert choice.numbers[2] == pytest.approx(cover.weight[reached >= cover.need].sum())
    assert choice.numbers[2] > 0.0


def test_random_numbers_are_spread() -> None:
    state = np.array([7], np.uint64)
    drawn = np.array([cover_search.below(state, 5) for _ in range(5_000)])
    assert np.bincount(drawn, minlength=5).min() > 900
