"""One task a partition, and what the tasks found put together."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import TYPE_CHECKING, Any, NamedTuple

import dask
import distributed
import pandas as pd
from dask.delayed import delayed
from distributed.comm.core import CommClosedError

from registry.errors import BadParameterError, ClusterError
from registry.partitioned import uids
from registry.partitioned.dataset import write_rows
from registry.services import geodesy

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import dask.dataframe as dd
    from dask.delayed import Delayed
    from distributed import Client, Future

    Rows = Mapping[str, pd.DataFrame]
    Kernel = Callable[..., tuple[Any, Rows]]
    Choose = Callable[[pd.DataFrame], pd.DataFrame]

MOST_ROWS = 5_000_000
"""Rows of sites that are brought together on the client; more must be written by the workers."""

KEPT, DROPPED = "", "-"
"""Where the rows of sites go, if not to a folder: to the client, or nowhere."""

FAN_IN = 8
"""Parts that one task puts together."""

_LARGE_GRAPH = "1GB"
"""Regions and plants go to the scheduler once; Dask would warn of far less."""
_POLL_S = 2.0
_DESERTED_S = 60.0
"""How long a scheduler may be without any worker before the work is given up."""


class Done(NamedTuple):
    """What all tasks found.

    Attributes
    ----------
    whole : their parts put together
    sites : how many there are
    rows : tables with rows of sites, by name, in the order of partitions; no rows where they were not kept
    written : rows that were written, by name of the table
    unchecked : whether there are too many sites to see that none occurs twice
    """

    whole: Any
    sites: int
    rows: dict[str, pd.DataFrame]
    written: dict[str, int]
    unchecked: bool


class _Told(NamedTuple):
    """What a task tells of its partition: marks of the uids, number of sites and of rows by table."""

    marks: uids.Marks
    sites: int
    rows: dict[str, int]


def silent(_: str) -> None:
    """Progress that nobody reads."""


def run(
    client: Client,
    kernel: Kernel,
    together: Callable[[Sequence[Any]], Any],
    sites: dd.DataFrame,
    streams: dd.DataFrame | None,
    shared: Mapping[str, object],
    *,
    choose: Choose | None = None,
    out: Path | None = None,
    keep_rows: bool = True,
    say: Callable[[str], None] = silent,
) -> Done:
    """Run a kernel on every partition of the sites, and put together what it finds.

    Parameters
    ----------
    kernel : called with the sites of a partition, their streams (None without) and ``shared`` by name; returns a part and tables
        with rows of sites. A module's function: workers import it
    together : makes one part out of several, in any order and grouping
    sites : partitions of points, index ``uid``
    streams : as many partitions, those of the same sites in each; None where the sites' columns tell
    shared : things that every task needs, plants and regions; every worker gets them once
    choose : leaves the sites of a partition that take part, on the worker; streams of others are left out
    out : folder for the tables with rows of sites, a folder each
    keep_rows : whether these tables are brought together where there is no such folder
    say : told how many partitions are done

    Raises
    ------
    BadParameterError : a uid occurs twice; streams are partitioned otherwise; too many rows to bring together.
    ClusterError : workers died over a partition, or all are gone.
    RegistryError : what a kernel raises.
    """
    if streams is not None and streams.npartitions != sites.npartitions:
        raise BadParameterError(
            f"streams: {streams.npartitions} partitions, but {sites.npartitions} of sites. "
            "Keep the streams of a site in the partition of its own number."
        )
    parts = sites.to_delayed()
    held: Sequence[Delayed | None] = [None] * len(parts) if streams is None else streams.to_delayed()
    # A task, not data that are scattered: it can be done again when all workers that held its result died.
    everywhere = delayed(dict, pure=False)(**shared)
    goes = str(out) if out is not None else (KEPT if keep_rows else DROPPED)
    task = delayed(_task, nout=3, pure=False)
    found = [
        task(kernel, number, some, of_them, everywhere, choose, goes)
        for number, (some, of_them) in enumerate(zip(parts, held, strict=True))
    ]
    asked = [_tree([part for part, _, _ in found], together), *(tells for _, tells, _ in found)]
    asked += [rows for _, _, rows in found[: None if goes == KEPT else 1]]
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": _LARGE_GRAPH}):
        whole, *futures = client.compute(asked)
    told, kept = futures[: len(found)], futures[len(found) :]
    report: list[_Told] = _awaited(client, told, say)
    counts = {name: sum(tells.rows[name] for tells in report) for name in report[0].rows}
    unchecked = _check_uids(client, parts, choose, report)
    if goes == KEPT:
        check_rows(max(counts.values(), default=0))
    say("putting together")
    tables: list[dict[str, pd.DataFrame]] = _awaited(client, kept)
    rows = {name: pd.concat([table[name] for table in tables], ignore_index=True) for name in counts}
    [answer] = _awaited(client, [whole])
    return Done(answer, sum(tells.sites for tells in report), rows, counts if out is not None else {}, unchecked)


def check_rows(rows: int) -> None:
    """Refuse to bring together more rows than the client should hold.

    Raises
    ------
    BadParameterError : there are more than `MOST_ROWS`.
    """
    if rows > MOST_ROWS:
        raise BadParameterError(
            f"the result has {rows:,} rows of sites, more than {MOST_ROWS:,}. Have the workers write them: --out FOLDER/."
        )


# ------------------------------------------------------------------------------------------------ inside


def _task(
    kernel: Kernel, number: int, sites: pd.DataFrame, streams: pd.DataFrame | None, shared: Mapping[str, object],
    choose: Choose | None, goes: str,
) -> tuple[Any, _Told, Rows]:  # fmt: skip
    """Do the work of one partition, on a worker."""
    if choose is not None:
        sites = choose(sites)
        if streams is not None:
            streams = streams[streams["site_uid"].isin(sites.index).to_numpy()]
    # Dask gives each core its own task; the kernels must not take the cores of others.
    with geodesy.at_most(1):
        part, rows = kernel(sites, streams, **shared)
    told = _Told(uids.marks_of(sites.index), len(sites), {name: len(table) for name, table in rows.items()})
    if goes == KEPT:
        check_rows(max(told.rows.values(), default=0))
        return part, told, rows
    if goes != DROPPED:
        for name, table in rows.items():
            write_rows(goes, name, number, table)
    return part, told, {name: table.iloc[:0] for name, table in rows.items()}


def _tree(parts: Sequence[Delayed], together: Callable[[Sequence[Any]], Any]) -> Delayed:
    """Put parts together a few at a time, so that no worker holds them all."""
    step = delayed(together, pure=False)
    while True:
        parts = [step(list(parts[at : at + FAN_IN])) for at in range(0, len(parts), FAN_IN)]
        if len(parts) == 1:
            return parts[0]


def _awaited(client: Client, futures: Sequence[Future[Any]], say: Callable[[str], None] = silent) -> list[Any]:
    """Wait for results while there are workers to bring them."""
    deserted = 0.0
    try:
        while True:
            try:
                with client.as_current():
                    distributed.wait(futures, timeout=_POLL_S)
                break
            except TimeoutError:
                say(f"{sum(future.done() for future in futures)} of {len(futures)} partitions")
                deserted = 0.0 if client.scheduler_info()["workers"] else deserted + _POLL_S
                if deserted >= _DESERTED_S:
                    raise ClusterError(
                        "all workers are gone. Start workers again, and ask again: nothing is half done."
                    ) from None
        return list(client.gather(list(futures)))
    except distributed.KilledWorker as error:
        raise ClusterError(
            f"{error.allowed_failures + 1} workers died over one partition, most likely for want of memory. "
            "Cut the sites into more partitions, or give the workers more memory."
        ) from error
    except (CancelledError, CommClosedError) as error:
        raise ClusterError(
            "the scheduler or the last worker that held something was lost. Look at their logs, and ask again."
        ) from error


def _check_uids(client: Client, parts: Sequence[Delayed], choose: Choose | None, report: Sequence[_Told]) -> bool:
    """See to it that no site occurs twice; whether there are too many to see."""
    if sum(tells.sites for tells in report) > uids.MOST_CHECKED:
        return True
    rows: dict[int, list[int]] = {}
    for part, row in uids.suspects([tells.marks for tells in report]):
        rows.setdefault(part, []).append(row)
    if rows:
        asked = delayed(_uids_at, pure=False)
        texts = client.compute([asked(parts[part], choose, at) for part, at in rows.items()])
        twice = uids.first_twice([uid for some in _awaited(client, texts) for uid in some])
        if twice is not None:
            raise BadParameterError(f"sites: uid {twice} occurs more than once. Each row needs its own.")
    return False


def _uids_at(sites: pd.DataFrame, choose: Choose | None, rows: Sequence[int]) -> list[str]:
    return list((sites if choose is None else choose(sites)).index.take(rows))
