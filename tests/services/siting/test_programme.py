"""HiGHS behind one door: agreement with scipy's own, bounds, time limits, and silence."""

import subprocess
import sys

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import csr_array

from registry.services.siting.effort import Effort
from registry.services.siting.programme import Programme


def knapsacks(seed: int, *, columns: int = 25, rows: int = 6) -> tuple[np.ndarray, np.ndarray, float]:
    draw = np.random.default_rng(seed)
    return draw.random(columns), draw.random((rows, columns)), columns / 6


def programme(worth: np.ndarray, weights: np.ndarray, room: float, *, whole: bool) -> Programme:
    made = Programme(worth, upper=1.0, integer=np.full(worth.size, whole), maximise=True)
    made.add_rows(csr_array(weights), -np.inf, room)
    return made


@pytest.mark.parametrize("seed", range(5))
def test_a_mixed_programme_agrees_with_scipy(seed: int) -> None:
    worth, weights, room = knapsacks(seed)
    found = programme(worth, weights, room, whole=True).solve(Effort())
    truth = milp(-worth, integrality=1, bounds=Bounds(0, 1), constraints=LinearConstraint(weights, ub=room))
    assert found.outcome == "optimal"
    assert found.objective == pytest.approx(-truth.fun)
    assert found.bound == pytest.approx(-truth.fun)
    assert found.x @ worth == pytest.approx(found.objective)


@pytest.mark.parametrize("seed", range(5))
def test_a_linear_programme_and_its_duals_agree_with_scipy(seed: int) -> None:
    worth, weights, room = knapsacks(seed)
    found = programme(worth, weights, room, whole=False).solve(Effort())
    truth = linprog(-worth, A_ub=weights, b_ub=np.full(len(weights), room), bounds=(0, 1))
    assert found.objective == pytest.approx(-truth.fun)
    assert found.row_dual == pytest.approx(-truth.ineqlin.marginals, abs=1e-7)
    # What the columns are worth beyond the rows that they use.
    assert found.reduced_cost == pytest.approx(worth - found.row_dual @ weights, abs=1e-7)


@pytest.mark.parametrize("maximise", [True, False])
def test_a_target_that_is_met_is_enough(*, maximise: bool) -> None:
    draw = np.random.default_rng(1)
    reach = csr_array((draw.random((200, 100)) < 0.06).astype(np.float64))
    made = [Programme(np.ones(100), upper=1.0, integer=np.full(100, True), maximise=maximise) for _ in range(3)]
    for each in made:
        each.add_rows(reach, *((-np.inf, 1.0) if maximise else (reach.sum(axis=1) > 0, np.inf)))
    best = made[0].solve(Effort())
    assert best.outcome == "optimal"
    better = 1.0 if maximise else -1.0
    met = made[1].solve(Effort(), target=best.objective - 3 * better)
    assert (met.objective - (best.objective - 3 * better)) * better >= -1e-6
    assert (met.bound - best.objective) * better >= -1e-6
    # What cannot be met is solved to its end, and so is the next question without a target.
    assert made[2].solve(Effort(), target=best.objective + better).objective == pytest.approx(best.objective)
    assert made[1].solve(Effort()).objective == pytest.approx(best.objective)


def test_rows_that_come_later_count() -> None:
    worth, weights, room = knapsacks(1)
    made = programme(worth, weights, room, whole=True)
    free = made.solve(Effort())
    made.add_rows(csr_array(np.ones((1, worth.size))), -np.inf, 4.0)
    found = made.solve(Effort())
    rows = np.vstack([weights, np.ones(worth.size)])
    limits = LinearConstraint(rows, ub=[*np.full(len(weights), room), 4.0])
    truth = milp(-worth, integrality=1, bounds=Bounds(0, 1), constraints=limits)
    assert found.objective == pytest.approx(-truth.fun)
    assert found.objective < free.objective


def test_a_start_is_taken_where_there_is_no_time_to_find_another() -> None:
    worth, weights, room = knapsacks(2, columns=400, rows=60)
    made = programme(worth, weights, room, whole=True)
    start = np.zeros(worth.size)
    start[:3] = 1.0
    found = made.solve(Effort(time_limit_s=1e-3), start=start)
    assert found.outcome == "stopped"
    assert found.objective >= worth[:3].sum() - 1e-9
    assert found.bound >= found.objective


def test_what_cannot_be_met_is_infeasible() -> None:
    made = Programme(np.ones(3), upper=1.0, integer=np.ones(3, bool), maximise=True)
    made.add_rows(csr_array(np.ones((1, 3))), 4.0, np.inf)
    found = made.solve(Effort())
    assert found.outcome == "infeasible"
    assert found.x.size == 0


def test_an_interrupted_search_stops_with_a_bound() -> None:
    worth, weights, room = knapsacks(3, columns=400, rows=60)
    effort = Effort()
    effort.interrupted = True
    found = programme(worth, weights, room, whole=True).solve(effort)
    assert found.outcome == "stopped"
    assert not found.x.size or found.bound >= found.objective


def test_every_search_has_its_own_time() -> None:
    # The clock of HiGHS goes on from one run to the next.
    worth, weights, room = knapsacks(4)
    made = programme(worth, weights, room, whole=True)
    for _ in range(3):
        assert made.solve(Effort(time_limit_s=30.0)).outcome == "optimal"


def test_nothing_is_printed() -> None:
    code = (
        "import numpy as np\n"
        "from registry.services.siting.effort import Effort\n"
        "from registry.services.siting.programme import Programme\n"
        "Programme(np.ones(3), upper=1.0, integer=np.ones(3, bool), maximise=True).solve(Effort())\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert (said.stdout, said.stderr) == ("", "")


def test_a_start_that_lacks_a_value_is_refused() -> None:
    worth, weights, room = knapsacks(5)
    made = programme(worth, weights, room, whole=True)
    start = np.zeros(worth.size)
    start[3] = np.nan
    for lacking in (start, start[4:]):
        with pytest.raises(ValueError, match="every column"):
            made.solve(Effort(), start=lacking)
