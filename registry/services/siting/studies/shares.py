"""One effort shared by several searches: each gets its part of the time that is left, Ctrl-C ends them all."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from registry.services.siting.effort import Effort

if TYPE_CHECKING:
    from collections.abc import Iterator

# A search that has no time left must still say what it has: it gets this long.
_LEAST_S = 1e-3


@dataclass
class Share(Effort):
    """The effort of one search among several; over with its own time, or when the whole is interrupted."""

    whole: Effort | None = None

    def left_s(self) -> float:
        """Seconds that are left of the share."""
        if self.whole is not None and self.whole.interrupted:
            return 0.0
        return super().left_s()


@contextmanager
def share(effort: Effort, searches: int, what: str) -> Iterator[Share]:
    """Give the next of so many searches its part of the time: time left over searches left.

    A search that needs less leaves the rest to those after it. Who is told hears ``what`` is searched for first. An
    interrupted share interrupts the whole.
    """
    left = effort.left_s() / searches
    part = Share(
        time_limit_s=None if effort.time_limit_s is None else max(left, _LEAST_S), gap=effort.gap, seed=effort.seed,
        say=lambda told: effort.say(f"{what}: {told}"), whole=effort,
    )  # fmt: skip
    try:
        yield part
    finally:
        effort.interrupted = effort.interrupted or part.interrupted
