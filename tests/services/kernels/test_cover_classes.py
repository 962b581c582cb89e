"""Demand joined and candidates left out, against sets of Python."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

from registry.services.kernels import cover_classes
from registry.services.kernels.cover_classes import BEYOND, FREE, LEFT_OUT, NO_WEIGHT, SETTLED, STANDS, Cover

ROLES = (FREE, STANDS, LEFT_OUT)


@st.composite
def matrices(draw: st.DrawFn, columns: int = 5) -> csr_array:
    rows = draw(st.lists(st.lists(st.booleans(), min_size=columns, max_size=columns), min_size=1, max_size=12))
    return csr_array(np.array(rows, dtype=np.bool_))


def numbers(*, alike: bool) -> np.ndarray:
    """Random numbers of five candidates; all alike, so that every row has the hash of many others."""
    return np.full(5, 1, np.uint64) if alike else np.random.default_rng(1).integers(0, 2**64, 5, dtype=np.uint64)


@given(matrix=matrices(), data=st.data(), alike=st.booleans())
@settings(deadline=None, max_examples=200)
def test_rows_of_equal_reach_and_need_are_one_class(matrix: csr_array, data: st.DataObject, *, alike: bool) -> None:
    n, m = matrix.shape
    weight = np.array(data.draw(st.lists(st.sampled_from([0.0, 1.0, 2.5]), min_size=n, max_size=n)))
    needed = np.array(data.draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)), dtype=np.intp)
    roles = np.array(data.draw(st.lists(st.sampled_from(ROLES), min_size=m, max_size=m)), dtype=np.int8)
    class_of = np.empty(n, np.int32)
    first, need, total = cover_classes.classify(
        matrix.indptr, matrix.indices, weight, needed, roles, numbers(alike=alike), class_of
    )
    dense = matrix.toarray()
    keys = [
        (tuple(np.flatnonzero(dense[row] & (roles == FREE))), int(needed[row] - dense[row, roles == STANDS].sum()))
        for row in range(n)
    ]
    for row in range(n):
        free, left = keys[row]
        if weight[row] == 0.0:
            assert class_of[row] == NO_WEIGHT
        elif left <= 0:
            assert class_of[row] == SETTLED
        elif len(free) < left:
            assert class_of[row] == BEYOND
        else:
            assert keys[first[class_of[row]]] == keys[row]
            assert need[class_of[row]] == left
    found = [keys[row] for row in first]
    assert len(set(found)) == len(found)
    for each in range(first.size):
        assert total[each] == pytest.approx(weight[class_of == each].sum())


def test_many_classes_outgrow_the_first_table() -> None:
    rng = np.random.default_rng(3)
    dense = rng.random((30_000, 40)) < 0.3
    matrix = csr_array(dense)
    class_of = np.empty(30_000, np.int32)
    random = rng.integers(0, 2**64, 40, dtype=np.uint64)
    first, need, total = cover_classes.classify(
        matrix.indptr, matrix.indices, np.ones(30_000), np.ones(1, np.intp), np.zeros(40, np.int8), random, class_of
    )
    assert first.size == need.size == np.unique(dense, axis=0).shape[0]
    assert total.sum() == 30_000
    assert (dense[first[class_of]] == dense).all()


def as_cover(matrix: csr_array, need: np.ndarray) -> Cover:
    start, candidate = matrix.indptr.astype(np.intp), matrix.indices.astype(np.int32)
    return Cover(
        np.ones(need.size), need, start, candidate, *cover_classes.transposed(start, candidate, matrix.shape[1])
    )


@given(matrices())
@settings(deadline=None)
def test_a_matrix_turned_twice_is_the_matrix(matrix: csr_array) -> None:
    start, candidate = matrix.indptr.astype(np.intp), matrix.indices.astype(np.int32)
    begin, member = cover_classes.transposed(start, candidate, matrix.shape[1])
    again, once_more = cover_classes.transposed(begin, member, matrix.shape[0])
    assert (again == start).all()
    assert (once_more == candidate).all()
    turned = matrix.toarray().T
    assert all((np.flatnonzero(turned[each]) == member[begin[each] : begin[each + 1]]).all() for each in range(5))


@given(matrices(), st.data())
@settings(deadline=None, max_examples=200)
def test_whoever_is_left_out_has_somebody_who_stands_for_it(matrix: csr_array, data: st.DataObject) -> None:
    n, m = matrix.shape
    need = np.array(data.draw(st.lists(st.sampled_from([1, 1, 1, 2]), min_size=n, max_size=n)), dtype=np.intp)
    cost = np.array(data.draw(st.lists(st.sampled_from([1.0, 2.0]), min_size=m, max_size=m)))
    heavy = np.array([data.draw(st.lists(st.sampled_from([0.0, 1.0]), min_size=m, max_size=m))])
    gone = cover_classes.dominated_candidates(as_cover(matrix, need), cost, heavy)
    reach = [set(np.flatnonzero(column)) for column in matrix.toarray().T]

    def stands_for(one: int, other: int) -> bool:
        return reach[one] <= reach[other] and cost[other] <= cost[one] and heavy[0, other] <= heavy[0, one]

    for one in range(m):
        simple = (need[list(reach[one])] == 1).all()
        others = [other for other in range(m) if other != one and stands_for(one, other)]
        if gone[one]:
            assert not reach[one] or (simple and any(not gone[other] for other in others))
        elif simple:
            # Whoever could stand for it is its equal.
            assert all(stands_for(other, one) and other > one for other in others)


@given(matrices(), st.data())
@settings(deadline=None, max_examples=200)
def test_a_class_that_is_left_out_follows_from_one_that_is_not(matrix: csr_array, data: st.DataObject) -> None:
    matrix = matrix[np.diff(matrix.indptr) > 0]
    n = matrix.shape[0]
    need = np.array(data.draw(st.lists(st.sampled_from([1, 2]), min_size=n, max_size=n)), dtype=np.intp)
    need = np.minimum(need, np.diff(matrix.indptr))
    gone = cover_classes.dominated_classes(as_cover(matrix, need))
    rows = [set(np.flatnonzero(row)) for row in matrix.toarray()]
    for one in range(n):
        others = [other for other in range(n) if other != one and rows[other] <= rows[one] and need[other] >= need[one]]
        if gone[one]:
            assert any(not gone[other] for other in others)
        else:
            assert all(rows[other] == rows[one] and need[other] == need[one] and other > one for other in others)
