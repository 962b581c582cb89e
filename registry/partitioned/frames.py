"""A dataset as frames of Dask, one partition a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask
import dask.dataframe as dd
import dask_geopandas  # noqa: F401 - teaches Dask what a GeoDataFrame is

from registry.partitioned.dataset import read_rows, read_sites

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from registry.partitioned.dataset import Dataset


def sites_of(dataset: Dataset, columns: Collection[str] | None = None) -> dd.DataFrame:
    """The sites of a dataset, index ``uid``: a ``dask_geopandas.GeoDataFrame``, or a plain one without ``geometry``.

    Parameters
    ----------
    columns : only these, where they are there; all unless given
    """
    wanted = None if columns is None else [name for name in dataset.like.columns if name in columns]
    like = dataset.like if wanted is None else dataset.like[wanted]
    # Dask would turn texts into another type of text, and the results with them.
    with dask.config.set({"dataframe.convert-string": False}):
        made: dd.DataFrame = dd.from_map(
            read_sites, list(dataset.sites), wanted=wanted, meta=like, enforce_metadata=False
        )
    return made


def streams_of(dataset: Dataset) -> dd.DataFrame | None:
    """The streams of a dataset, partitioned as its sites are; None where it has none."""
    if not dataset.streams:
        return None
    with dask.config.set({"dataframe.convert-string": False}):
        made: dd.DataFrame = dd.from_map(
            read_rows, list(dataset.streams), meta=dataset.streams_like, enforce_metadata=False
        )
    return made


def rows_of(folder: Path) -> dd.DataFrame:
    """The rows that the workers wrote to a folder, a partition a file."""
    files = sorted(folder.glob("[!._]*.parquet"))
    with dask.config.set({"dataframe.convert-string": False}):
        made: dd.DataFrame = dd.from_map(read_rows, files, meta=read_rows(files[0]).iloc[:0], enforce_metadata=False)
    return made
