"""One contender's work, timed in a process of its own: so memory is its own, and what takes too long can be ended."""

from __future__ import annotations

import multiprocessing
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from multiprocessing.connection import Connection

    from scene import Scene

PREPARATION_LIMIT_S = 1_800.0
_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True)
class Prepared:
    """Layers loaded and indexes built: what is left is the question.

    Attributes
    ----------
    ask : the work that is timed
    answer : what it gave, as tables that can be compared (not timed)
    """

    ask: Callable[[], object]
    answer: Callable[[object], Mapping[str, pd.DataFrame]]


@dataclass(frozen=True)
class Contender:
    """Who does which work.

    Attributes
    ----------
    work : name of the work
    who : name of the peer, as in ``--skip``
    label : what the table calls it
    prepare : makes it ready for a scene; a function of a module, since another process calls it
    slow : "sites" or "plants", a sample of which it may be asked about; "" where always about all
    needs : the module that it needs, "" for none
    """

    work: str
    who: str
    label: str
    prepare: Callable[[Scene], Prepared]
    slow: str = ""
    needs: str = ""


@dataclass(frozen=True)
class Outcome:
    """What a contender took.

    Attributes
    ----------
    seconds : of every run, the first one first; empty where it did not finish
    peak_mb : most memory of its process, 10⁶ bytes
    trouble : why it did not finish, or ""
    answer : its tables by name
    """

    seconds: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    trouble: str = ""
    answer: dict[str, pd.DataFrame] = field(default_factory=dict)


def peak_mb() -> float:
    """The most memory this process has held, 10⁶ bytes (Linux: ``getrusage`` would count what forked it too)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1.024e-3


def process_age_s() -> float:
    """Seconds since this process was begun, to 10 ms: its imports and the start of Python are in it (Linux)."""
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")


def run(
    contender: Contender, scene: Scene, folder: Path, *, best_of: int, limit_s: float, patience_s: float,
    environment: Mapping[str, str] | None = None,
) -> Outcome:  # fmt: skip
    """Time one contender.

    Parameters
    ----------
    folder : where its answer is handed over
    best_of : most runs
    limit_s : a run that takes longer is ended, and the contender with it
    patience_s : no further run is begun once the runs took this long together
    environment : variables for its process
    """
    heard, told = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=_work, args=(told, contender, scene, folder, best_of, patience_s))
    with _environment(environment or {}):
        process.start()
    told.close()
    seconds: list[float] = []
    try:
        wait = PREPARATION_LIMIT_S
        while heard.poll(wait):
            kind, value = heard.recv()
            if kind == "done":
                answer = {path.stem: pd.read_parquet(path) for path in map(Path, value[1])}
                return Outcome(seconds, value[0], "", answer)
            if kind == "trouble":
                return Outcome([], 0.0, str(value))
            if kind == "took":
                seconds.append(value)
            wait = limit_s if kind == "asking" else PREPARATION_LIMIT_S
        what = f"over {wait:,.0f} s" if wait == limit_s else f"not ready after {wait:,.0f} s"
        return Outcome(seconds if wait != limit_s else [], 0.0, what)
    except EOFError:
        return Outcome([], 0.0, "its process ended")
    finally:
        process.kill()
        process.join()


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(told: Connection, contender: Contender, scene: Scene, folder: Path, best_of: int, patience_s: float) -> None:
    try:
        prepared = contender.prepare(scene)
        spent, given = 0.0, None
        for _ in range(best_of):
            given = None
            told.send(("asking", None))
            start = time.perf_counter()
            given = prepared.ask()
            took = time.perf_counter() - start
            told.send(("took", took))
            spent += took
            if spent >= patience_s:
                break
        most = peak_mb()
        files = []
        for name, table in prepared.answer(given).items():
            files.append(str(folder / f"{name}.parquet"))
            table.to_parquet(files[-1])
        told.send(("done", (most, files)))
    except Exception as error:
        told.send(("trouble", f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"[:160]))
        raise
