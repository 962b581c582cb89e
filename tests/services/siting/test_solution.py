"""What an answer says of itself."""

import numpy as np
import pytest

from registry.services.siting.solution import Solution, status_of


@pytest.mark.parametrize(
    ("objective", "bound", "status"),
    [
        (100.0, 100.0, "optimal"),
        (100.0, 100.00005, "optimal"),
        (100.0, 101.5, "within 1.5 %"),
        (0.0, 0.0, "optimal"),
        (0.0, 5.0, "not proven"),
        (100.0, np.inf, "not proven"),
        (-200.0, -190.0, "within 5 %"),
    ],
)
def test_the_status_says_how_far_the_bound_is(objective: float, bound: float, status: str) -> None:
    assert Solution(np.array([0]), np.array([0]), objective, bound).status == status


@pytest.mark.parametrize(
    ("gap", "status"), [(2e-6, "within 0.0002 %"), (0.012341, "within 1.24 %"), (3.0, "within 300 %")]
)
def test_a_gap_is_rounded_up_and_never_to_nought(gap: float, status: str) -> None:
    assert status_of(gap) == status
