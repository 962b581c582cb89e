"""The stored sites as a dataset of partitions, for work beyond one machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.answers.coverage import all_streams
from registry.partitioned.dataset import COLUMNS, write_dataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from registry.registry import Registry


def partition(reg: Registry, folder: Path, *, partitions: int | None, say: Callable[[str], None]) -> list[int]:
    """Write the stored sites and what they hold as a dataset (`registry.partitioned`); sites of every partition.

    A site without a stream gets one with what its kind implies, and no tonnes, as where coverage is answered from a store.

    Raises
    ------
    BadParameterError : less than one partition.
    UnwritableFileError : the folder holds something already, or cannot be written.
    """
    say("reading")
    sites = reg.sites(columns=COLUMNS)
    streams = all_streams(reg.streams(), sites)
    say("writing")
    return write_dataset(folder, sites, streams, partitions=partitions)
