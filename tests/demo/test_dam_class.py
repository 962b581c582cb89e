"""The class of a dam, against rows of the standard's table worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from registry.model.dam_class import dam_class

# Height in m, storage in 10⁴ m³, class.
ROWS = [
    (29.9, 99.9, 5),
    (30, 100, 4),
    (60, 1_000, 3),
    (100, 10_000, 2),
    (200, 50_000, 1),
    (199.9, 49_999, 2),
    # One apart: the higher.
    (35, 50, 4),
    (20, 500, 4),
    (65, 500, 3),
    (250, 20_000, 1),
    # More than one apart: the higher lowered by one.
    (65, 50, 4),
    (10, 2_000, 4),
    (120, 500, 3),
    (120, 50, 3),
    (220, 50, 2),
    (10, 60_000, 2),
]


@pytest.mark.parametrize(("height", "storage", "expected"), ROWS)
def test_class_of_the_standards_table(height: float, storage: float, expected: int) -> None:
    assert dam_class([height], [storage * 1e4]) == [expected]


def test_a_whole_column_at_once_is_the_same_as_row_by_row() -> None:
    height, storage, expected = np.array(ROWS).T
    np.testing.assert_array_equal(dam_class(height, storage * 1e4), expected)


def test_no_class_where_height_or_storage_is_unknown() -> None:
    assert np.isnan(dam_class([np.nan, 40.0], [1e6, np.nan])).all()
