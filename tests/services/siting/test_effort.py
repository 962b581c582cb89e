"""Time limits, progress and Ctrl-C."""

import os
import signal
import threading
import time

import pytest
from outcome import outcome

from registry.errors import BadParameterError
from registry.services.siting.effort import Effort


@pytest.mark.parametrize(
    ("wish", "named"), [({"time_limit_s": 0.0}, "time limit"), ({"gap": -0.1}, "gap"), ({"gap": float("nan")}, "gap")]
)
def test_a_wish_that_makes_no_sense_is_refused(wish: dict[str, float], named: str) -> None:
    _, refusal = outcome(BadParameterError, Effort, **wish)
    assert named in str(refusal)


def test_without_a_limit_there_is_always_time() -> None:
    effort = Effort()
    assert effort.left_s() == float("inf")
    assert not effort.over


def test_time_runs_out() -> None:
    effort = Effort(time_limit_s=0.01)
    time.sleep(0.02)
    assert effort.over
    assert effort.left_s() == 0.0


def test_the_first_ctrl_c_ends_the_search_and_the_second_one_the_program() -> None:
    said: list[str] = []
    effort = Effort(say=said.append)
    before = signal.getsignal(signal.SIGINT)
    with effort.interruptible():
        os.kill(os.getpid(), signal.SIGINT)
        assert effort.over
        assert "Ctrl-C" in said[0]
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_in_another_thread_ctrl_c_is_left_alone() -> None:
    seen: list[object] = []

    def search() -> None:
        with Effort().interruptible():
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=search)
    before = signal.getsignal(signal.SIGINT)
    thread.start()
    thread.join()
    assert seen == [before]


def test_progress_names_plan_bound_and_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    clock = iter([0.0, 1.0, 3.0, 3.5])
    monkeypatch.setattr("registry.services.siting.effort.time.monotonic", lambda: next(clock))
    effort = Effort(say=said.append)
    for bound in (120.0, 110.0, 105.0):
        effort.tell(100.0, bound)
    assert said == ["best plan 100, bound 110, gap 10.00%"]


@pytest.mark.parametrize(
    ("objective", "bound", "told"),
    [
        (float("nan"), 110.0, "bound 110, no plan yet"),
        (float("-inf"), 110.0, "bound 110, no plan yet"),
        (float("nan"), float("inf"), "no bound yet, no plan yet"),
        (100.0, float("inf"), "best plan 100, no bound yet"),
        (0.0, 3.0, "best plan 0, bound 3"),
    ],
)
def test_what_is_not_known_is_not_told_as_a_number(
    objective: float, bound: float, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    clock = iter([0.0, 3.0])
    monkeypatch.setattr("registry.services.siting.effort.time.monotonic", lambda: next(clock))
    Effort(say=said.append).tell(objective, bound)
    assert said == [told]
