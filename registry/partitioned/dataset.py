"""A folder of GeoParquet files, one for each partition of the sites."""

from __future__ import annotations

import io
import json
import secrets
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from registry.errors import (
    BadParameterError,
    CrsError,
    UnknownColumnError,
    UnreadableFileError,
    UnwritableFileError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SITES, STREAMS = "sites", "streams"
SITES_A_PARTITION = 250_000
FEWEST_PARTITIONS = 4
COLUMNS = (
    "kind", "code", "name", "supervision_level", "status", "mineral", "operator", "province_code", "city_code",
    "county_code", "waste_codes", "annual_t", "stock_t", "storage_m3",
)  # fmt: skip
"""What the services, and those who choose among sites, look at."""

_GEO = b"geo"
_UID, _SITE_UID = "uid", "site_uid"


@dataclass(frozen=True)
class Dataset:
    """A folder of partitions, looked at.

    Attributes
    ----------
    folder : where it is
    sites : file of every partition
    rows : sites in every partition
    like : a frame of sites without a row: columns, types and CRS of all partitions
    streams : file of the streams of every partition; none where the sites' own columns tell what they hold
    streams_like : a frame of streams without a row
    """

    folder: Path
    sites: tuple[Path, ...]
    rows: tuple[int, ...]
    like: gpd.GeoDataFrame
    streams: tuple[Path, ...] = ()
    streams_like: pd.DataFrame | None = None


def open_dataset(folder: Path) -> Dataset:
    """Look at a folder of partitions: every file's columns and CRS, no rows.

    Raises
    ------
    UnreadableFileError : there is no such folder, no partition in it, or a file is not Parquet; the streams have another
        number of partitions.
    UnknownColumnError : there is no uid; the partitions differ in columns or types.
    CrsError : the partitions have no CRS, or not the same.
    """
    if not folder.is_dir():
        raise UnreadableFileError(f"{folder}: there is no such folder. Write one with `registry partition {folder}`.")
    home = folder / SITES if (folder / SITES).is_dir() else folder
    sites = _files(home)
    rows, schema = _looked_at(sites, _UID)
    like = _without_rows(schema, sites[0])
    streams = _files(folder / STREAMS) if (folder / STREAMS).is_dir() else ()
    if not streams:
        return Dataset(folder, sites, rows, like)
    if len(streams) != len(sites):
        raise UnreadableFileError(
            f"{folder}: {len(sites)} partitions of sites and {len(streams)} of streams. Write the dataset anew."
        )
    _, schema = _looked_at(streams, _SITE_UID)
    return Dataset(folder, sites, rows, like, streams, schema.empty_table().to_pandas())


def write_dataset(
    folder: Path, sites: gpd.GeoDataFrame, streams: pd.DataFrame | None = None, *, partitions: int | None = None
) -> list[int]:
    """Write sites, and what they hold, in partitions of equal size that lie along a Hilbert curve.

    Parameters
    ----------
    folder : a new or an empty one
    sites : (n,) points, index ``uid``; all of its columns are written
    streams : ``site_uid, waste_code, annual_t, stock_t`` of these sites
    partitions : one for every 250,000 sites unless given, and at least 4; where there are fewer sites, some are empty

    Returns
    -------
    Sites of every partition.

    Raises
    ------
    BadParameterError : less than one partition, a uid that occurs twice, a stream of a site that is not there.
    CrsError : the sites have no CRS.
    UnwritableFileError : the folder holds something already, or cannot be written; nothing is left of it then.
    """
    if partitions is not None and partitions < 1:
        raise BadParameterError(f"partitions = {partitions}: give 1 or more.")
    if sites.crs is None:
        raise CrsError("sites: the layer has no CRS. Set it with set_crs, for instance EPSG:4490.")
    if not sites.index.is_unique:
        twice = sites.index[sites.index.duplicated()][0]
        raise BadParameterError(f"sites: uid {twice} occurs more than once. Each row needs its own.")
    number = partitions or max(FEWEST_PARTITIONS, -(-len(sites) // SITES_A_PARTITION))
    ends = np.linspace(0, len(sites), number + 1).round().astype(int)
    sites = _plain(sites.iloc[_along_hilbert(sites)])
    part = np.repeat(np.arange(number), np.diff(ends))
    if streams is not None:
        at = sites.index.get_indexer(pd.Index(streams[_SITE_UID]))
        if (at < 0).any():
            stranger = streams[_SITE_UID].iloc[int(np.argmin(at))]
            raise BadParameterError(f"streams: {stranger} is not among the sites. Give streams of these sites.")
        of = part[at]
        # Streams of one site stay in their order: some results name the first.
        streams = _plain(streams.iloc[np.argsort(of, kind="stable")])
        stream_ends = np.concatenate([[0], np.cumsum(np.bincount(of, minlength=number))])
    with staged(folder) as home:
        for at_part in range(number):
            some = sites.iloc[ends[at_part] : ends[at_part + 1]]
            held = None if streams is None else streams.iloc[stream_ends[at_part] : stream_ends[at_part + 1]]
            write_partition(home, at_part, some, held)
    return [int(size) for size in np.diff(ends)]


def write_partition(folder: Path, number: int, sites: gpd.GeoDataFrame, streams: pd.DataFrame | None = None) -> None:
    """Write one partition of a dataset, for those who cannot hold all sites at once.

    Parameters
    ----------
    folder : of the dataset
    number : of the partition, from 0
    sites : (n,) points, index ``uid``; with the same columns and types in every partition
    streams : those of these sites, in every partition or in none
    """
    path = folder / SITES / file_name(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    sites.rename_axis(_UID).to_parquet(path)
    if streams is not None:
        path = folder / STREAMS / file_name(number)
        path.parent.mkdir(parents=True, exist_ok=True)
        streams.reset_index(drop=True).to_parquet(path, index=False)


def file_name(number: int) -> str:
    """Name of the file of a partition; they sort by their numbers."""
    return f"part-{number:05d}.parquet"


def read_sites(path: Path, wanted: Sequence[str] | None = None) -> pd.DataFrame:
    """Read the sites of one partition, index ``uid``; of the columns only those that are wanted, as they are there.

    Without a geometry among them it is a plain table.

    Raises
    ------
    UnreadableFileError : the file is not there, or not for this reader.
    """
    try:
        frame: pd.DataFrame = (
            gpd.read_parquet(path)
            if wanted is None
            else (gpd if "geometry" in wanted else pd).read_parquet(path, columns=[*wanted, _UID])
        )
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return frame if frame.index.name == _UID else frame.set_index(_UID)


def read_rows(path: Path) -> pd.DataFrame:
    """Read a file of rows that has no geometry: streams of a partition, or what the workers wrote.

    Raises
    ------
    UnreadableFileError : the file is not there, or not for this reader.
    """
    try:
        rows: pd.DataFrame = pd.read_parquet(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return rows


def write_rows(folder: str | Path, name: str, number: int, rows: pd.DataFrame) -> None:
    """Write the rows of one partition of a result; done twice, as when a worker was lost, it comes to the same.

    Parameters
    ----------
    folder : there already
    name : of the table, which gets a folder of its own in it
    number : of the partition

    Raises
    ------
    UnwritableFileError : the folder is not there, or cannot be written.
    """
    path = Path(folder) / name / file_name(number)
    passing = path.with_name(f".{secrets.token_hex(8)}.parquet")
    try:
        path.parent.mkdir(exist_ok=True)
        rows.to_parquet(passing, index=False)
        passing.replace(path)
    except OSError as error:
        raise UnwritableFileError(
            f"{path} cannot be written: {error.strerror or error}. Name a folder that every worker can write to."
        ) from error
    finally:
        passing.unlink(missing_ok=True)


# ------------------------------------------------------------------------------------------------ inside


def _files(folder: Path) -> tuple[Path, ...]:
    found = tuple(sorted(folder.glob("[!._]*.parquet")))
    if not found:
        raise UnreadableFileError(f"{folder}: no partition (*.parquet) in it. Write one with `registry partition`.")
    return found


def _looked_at(files: Sequence[Path], key: str) -> tuple[tuple[int, ...], pa.Schema]:
    """Return the rows of every file, and the schema that all of them have."""
    rows: list[int] = []
    schemas: list[pa.Schema] = []
    for path in files:
        try:
            found = pq.read_metadata(path)
            schemas.append(found.schema.to_arrow_schema())
        except (OSError, pa.ArrowException) as error:
            raise _unreadable(path, error) from error
        rows.append(found.num_rows)
    first = schemas[0]
    if key not in first.names:
        raise UnknownColumnError(f"{files[0]}: no column {key}. Found: {', '.join(first.names)}.")
    for path, schema in zip(files[1:], schemas[1:], strict=True):
        _compare(first, schema, files[0], path)
    return tuple(rows), first


def _compare(first: pa.Schema, other: pa.Schema, one: Path, path: Path) -> None:
    mine, theirs = ({field.name: str(field.type) for field in schema} for schema in (first, other))
    if mine != theirs:
        odd = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
        said = ", ".join(f"{name} is {theirs.get(name, 'missing')}, not {mine.get(name, 'missing')}" for name in odd)
        raise UnknownColumnError(f"{path}: not the columns of {one.name}: {said}. Write all partitions alike.")
    if _crs_text(first) != _crs_text(other):
        raise CrsError(f"{path}: not the CRS of {one.name}. Write all partitions in one CRS.")


def _crs_text(schema: pa.Schema) -> object:
    """What a file says of its CRS; nothing where it has no positions."""
    geo = _geo(schema)
    return None if geo is None else geo["columns"][geo["primary_column"]].get("crs", "OGC:CRS84")


def _geo(schema: pa.Schema) -> dict[str, Any] | None:
    said = (schema.metadata or {}).get(_GEO)
    return None if said is None else json.loads(said)


def _without_rows(schema: pa.Schema, path: Path) -> gpd.GeoDataFrame:
    """Return a frame of sites without a row, as the reader makes it."""
    if _geo(schema) is None:
        raise CrsError(f"{path}: no GeoParquet, so no positions and no CRS. Write it with geopandas or `registry`.")
    nothing = io.BytesIO()
    pq.write_table(schema.empty_table(), nothing)
    like = gpd.read_parquet(nothing)
    if like.crs is None:
        raise CrsError(f"{path}: the sites have no CRS. Write them with one, for instance EPSG:4490.")
    return like if like.index.name == _UID else like.set_index(_UID)


def _along_hilbert(sites: gpd.GeoDataFrame) -> np.ndarray:
    """Order of sites along a Hilbert curve over their extent; those without a position first."""
    place = np.full(len(sites), -1, np.int64)
    there = np.flatnonzero(~(sites.geometry.is_empty | sites.geometry.isna()).to_numpy())
    if there.size:
        place[there] = sites.geometry.iloc[there].hilbert_distance()
    return np.argsort(place, kind="stable")


def _plain(frame: pd.DataFrame) -> Any:
    """The frame with texts as texts: a partition in which all are missing must not lose the type of its column."""
    texts = {
        name: "str"
        for name, dtype in frame.dtypes.items()
        if pd.api.types.is_object_dtype(dtype)
        and pd.api.types.infer_dtype(frame[name], skipna=True) in {"string", "empty"}
    }
    return frame.astype(texts)


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """A folder beside the one that is wanted, which takes its place when all went well and leaves nothing when not."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UnwritableFileError(f"{folder} is there already and not an empty folder. Name another one.")
    if not folder.absolute().parent.is_dir():
        raise UnwritableFileError(f"{folder}: there is no folder {folder.absolute().parent}. Make it first.")
    passing = folder.with_name(f".{secrets.token_hex(8)}")
    try:
        passing.mkdir()
        yield passing
        if folder.exists():
            folder.rmdir()
        passing.replace(folder)
    except OSError as error:
        raise UnwritableFileError(
            f"{folder} cannot be written: {error.strerror or error}. Check the folder and the space on the disk."
        ) from error
    finally:
        shutil.rmtree(passing, ignore_errors=True)


def _unreadable(path: Path, error: BaseException) -> UnreadableFileError:
    if isinstance(error, FileNotFoundError):
        return UnreadableFileError(
            f"{path}: not there. Every worker must see the dataset under the path that the client gives."
        )
    said = " ".join(str(error).split())
    return UnreadableFileError(f"{path} cannot be read as Parquet: {said}. Write the dataset anew.")
