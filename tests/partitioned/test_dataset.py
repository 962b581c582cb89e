"""A dataset of partitions: what is written can be read by anyone, and what is wrong with one is said."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from partitioned.scene import Scene

from registry.errors import (
    BadParameterError,
    CrsError,
    RegistryError,
    UnknownColumnError,
    UnreadableFileError,
    UnwritableFileError,
)
from registry.partitioned.dataset import open_dataset, write_dataset, write_partition


def read(folder: Path) -> list[gpd.GeoDataFrame]:
    return [gpd.read_parquet(path) for path in sorted((folder / "sites").iterdir())]


def test_every_site_and_stream_is_in_one_partition_and_those_of_a_site_together(scene: Scene, tmp_path: Path) -> None:
    rows = write_dataset(tmp_path / "new", scene.sites, scene.streams, partitions=7)
    parts = read(tmp_path / "new")
    assert rows == [len(part) for part in parts]
    assert max(rows) - min(rows) <= 1
    whole = pd.concat(parts)
    assert_frame_equal(whole.loc[scene.sites.index], scene.sites, check_exact=True)
    assert len(whole) == len(scene.sites)
    streams = [pd.read_parquet(path) for path in sorted((tmp_path / "new/streams").iterdir())]
    for part, held in zip(parts, streams, strict=True):
        assert held["site_uid"].isin(part.index).all()
        # In the order in which they were given, since some results name the first of a site.
        given = scene.streams[scene.streams["site_uid"].isin(part.index)].reset_index(drop=True)
        assert_frame_equal(held, given, check_exact=True)
    assert sum(map(len, streams)) == len(scene.streams)


def test_sites_of_a_partition_lie_near_each_other(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    points = gpd.points_from_xy(rng.uniform(80, 120, 4_096), rng.uniform(20, 60, 4_096))
    sites = gpd.GeoDataFrame(index=pd.Index([f"s{row}" for row in range(4_096)], name="uid"), geometry=points, crs=4490)
    write_dataset(tmp_path / "new", sites, partitions=16)
    extents = [part.total_bounds for part in read(tmp_path / "new")]
    # A Hilbert curve fills sixteen equal squares one after the other.
    area = sum((east - west) * (north - south) for west, south, east, north in extents)
    assert area < 1.3 * 40 * 40


def test_a_column_that_is_missing_throughout_a_partition_keeps_its_type(scene: Scene, tmp_path: Path) -> None:
    sites = scene.sites.assign(operator=np.array(["甲公司", *[None] * (len(scene.sites) - 1)], dtype=object))
    write_dataset(tmp_path / "new", sites, partitions=4)
    assert open_dataset(tmp_path / "new").like["operator"].dtype == "str"


def test_more_partitions_than_sites_leave_some_empty(scene: Scene, tmp_path: Path) -> None:
    assert write_dataset(tmp_path / "new", scene.sites.iloc[:2], partitions=5) == [0, 1, 0, 1, 0]
    found = open_dataset(tmp_path / "new")
    assert found.rows == (0, 1, 0, 1, 0)
    assert found.like.crs == scene.sites.crs


def test_a_folder_of_geoparquet_files_from_elsewhere_is_a_dataset(scene: Scene, tmp_path: Path) -> None:
    for number in range(2):
        scene.sites.iloc[number : number + 1].reset_index().to_parquet(tmp_path / f"{number}.parquet", index=False)
    found = open_dataset(tmp_path)
    assert found.rows == (1, 1)
    assert found.streams == ()
    assert found.like.index.name == "uid"


def test_a_writer_that_fails_leaves_what_was_there(scene: Scene, tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old/notes.txt").write_text("mine")
    strange = pd.DataFrame({"site_uid": ["x"], "waste_code": ["SW05"]})
    wrong: list[tuple[type[RegistryError], str, Callable[[], object]]] = [
        (UnwritableFileError, "not an empty folder", lambda: write_dataset(tmp_path / "old", scene.sites)),
        (UnwritableFileError, "there is no folder", lambda: write_dataset(tmp_path / "no/new", scene.sites)),
        (BadParameterError, "give 1 or more", lambda: write_dataset(tmp_path / "new", scene.sites, partitions=0)),
        (BadParameterError, "s00000 occurs more", lambda: write_dataset(tmp_path / "new", scene.sites.iloc[[0, 0]])),
        (BadParameterError, "x is not among", lambda: write_dataset(tmp_path / "new", scene.sites, strange)),
        (CrsError, "no CRS", lambda: write_dataset(tmp_path / "new", scene.sites.set_crs(None, allow_override=True))),
    ]
    for error, said, write in wrong:
        with pytest.raises(error, match=said):
            write()
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "notes.txt"]


FIRST, SECOND = "sites/part-00000.parquet", "sites/part-00001.parquet"
WRONGS: dict[str, Callable[[Path, Scene, gpd.GeoDataFrame], object]] = {
    "another column": lambda folder, _, part: write_partition(folder, 1, part.rename(columns={"stock_t": "stock"})),
    "another type": lambda folder, _, part: write_partition(folder, 1, part.astype({"annual_t": "str"})),
    "another CRS": lambda folder, _, part: write_partition(folder, 1, part.to_crs(4527)),
    "no CRS": lambda folder, _, part: write_partition(folder, 0, part.set_crs(None, allow_override=True)),
    "no positions": lambda folder, _, part: pd.DataFrame(part.drop(columns="geometry")).to_parquet(folder / FIRST),
    "no uid": lambda folder, _, part: part.reset_index(drop=True).to_parquet(folder / FIRST),
    "no Parquet": lambda folder, _, __: (folder / SECOND).write_bytes(b"PAR1 but no more"),
    "cut off": lambda folder, _, __: (folder / SECOND).write_bytes((folder / FIRST).read_bytes()[:-100]),
    "streams of one": lambda folder, scene, part: (
        write_partition(folder, 0, part, scene.streams.iloc[:0]),
        write_partition(folder, 1, part),
    ),
    "no partition": lambda folder, _, __: (folder / FIRST).unlink(),
    "no folder": lambda folder, _, __: shutil.rmtree(folder),
}


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("another column", UnknownColumnError, "stock is double, not missing, stock_t is missing, not double"),
        ("another type", UnknownColumnError, "part-00001.parquet: not the columns of .*annual_t is .*string"),
        ("another CRS", CrsError, "not the CRS of part-00000.parquet"),
        ("no CRS", CrsError, "the sites have no CRS"),
        ("no positions", CrsError, "no GeoParquet"),
        ("no uid", UnknownColumnError, "no column uid"),
        ("no Parquet", UnreadableFileError, "part-00001.parquet cannot be read as Parquet"),
        ("cut off", UnreadableFileError, "part-00001.parquet cannot be read as Parquet"),
        ("streams of one", UnreadableFileError, "2 partitions of sites and 1 of streams"),
        ("no partition", UnreadableFileError, "no partition"),
        ("no folder", UnreadableFileError, "there is no such folder"),
    ],
)
def test_what_is_wrong_with_a_dataset_is_said_before_any_work(
    name: str, error: type[RegistryError], said: str, scene: Scene, tmp_path: Path
) -> None:
    folder = tmp_path / "dataset"
    write_partition(folder, 0, scene.sites.iloc[:5])
    WRONGS[name](folder, scene, scene.sites.iloc[5:9])
    with pytest.raises(error, match=said):
        open_dataset(folder)
