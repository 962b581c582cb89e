"""How long a model may search, how near is near enough, who is told, and Ctrl-C."""

from __future__ import annotations

import math
import signal
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from registry.errors import BadParameterError
from registry.services.siting.solution import relative_gap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SAY_EVERY_S = 2.0


def _silent(_: str) -> None:
    """Tell nobody."""


@dataclass
class Effort:
    """What a search may cost, shared by all its parts; the clock starts when it is made.

    Attributes
    ----------
    time_limit_s : seconds after which the best answer so far is given; None for as long as it takes
    gap : relative gap that is near enough; 0 for a proof
    seed : of whatever is drawn; the same seed gives the same answer, unless the time limit ends the search
    say : told what goes on

    Raises
    ------
    BadParameterError : the time limit is not more than 0, or the gap is negative.
    """

    time_limit_s: float | None = None
    gap: float = 0.0
    seed: int = 0
    say: Callable[[str], None] = _silent
    interrupted: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        """Start the clock."""
        if self.time_limit_s is not None and not self.time_limit_s > 0:
            raise BadParameterError(f"time limit = {self.time_limit_s:g} s: give seconds of more than 0.")
        if not self.gap >= 0:
            raise BadParameterError(f"gap = {self.gap:g}: give a share of 0 or more, for example 0.01.")
        self._start = time.monotonic()
        self._said = self._start

    def left_s(self) -> float:
        """Seconds that are left, 0 once the search was interrupted, infinite without a limit."""
        if self.interrupted:
            return 0.0
        if self.time_limit_s is None:
            return float("inf")
        return max(self.time_limit_s - (time.monotonic() - self._start), 0.0)

    @property
    def over(self) -> bool:
        """Whether to stop: the time is up, or somebody pressed Ctrl-C."""
        return self.left_s() <= 0.0

    def tell(self, objective: float, bound: float) -> None:
        """Say, every two seconds, what was found and how far it is from the bound; NaN or infinite is what is not known."""
        now = time.monotonic()
        if now - self._said >= _SAY_EVERY_S:
            self._said = now
            said = f"bound {bound:,.6g}" if math.isfinite(bound) else "no bound yet"
            if not math.isfinite(objective):
                self.say(f"{said}, no plan yet")
                return
            gap = relative_gap(objective, bound)
            apart = f", gap {gap:.2%}" if math.isfinite(gap) else ""
            self.say(f"best plan {objective:,.6g}, {said}{apart}")

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Let the first Ctrl-C end the search with the best answer so far, a second one the program."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: Any) -> None:
            if self.interrupted:
                signal.default_int_handler(number, frame)
            self.interrupted = True
            # It may come in the middle of another line, where nothing more can be written.
            with suppress(RuntimeError):
                self.say("stopping with the best plan so far; Ctrl-C once more ends at once")

        before = signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)
