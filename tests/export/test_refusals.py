from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest

from registry.errors import BadParameterError, CrsError, EmptyTableError, UnwritableFileError
from registry.export import SUFFIXES, write, write_table
from registry.export.formats import parquet

if TYPE_CHECKING:
    from pathlib import Path

ALL = [suffix for suffix in SUFFIXES if suffix != ".json"]


def test_an_unknown_suffix_names_the_known_ones(layers: Any, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError, match=r"\.gpkg, \.geojson.*\.shp\.zip") as error:
        write(layers, tmp_path / "a.doc")
    assert "\n" not in str(error.value)
    with pytest.raises(BadParameterError):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / ".csv")


@pytest.mark.parametrize("suffix", ALL)
def test_no_rows_is_an_error_and_no_file(suffix: str, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(EmptyTableError):
        write({"tailings_pond": ponds.iloc[:0]}, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


def test_an_empty_layer_beside_a_full_one_is_left_out(layers: Any, tmp_path: Path) -> None:
    write({**layers, "smelting_site": layers["gangue_heap"].iloc[:0]}, tmp_path / "a.gpkg")
    with closing(sqlite3.connect(tmp_path / "a.gpkg")) as connection:
        assert not connection.execute("SELECT 1 FROM gpkg_contents WHERE table_name = 'smelting_site'").fetchall()


@pytest.mark.parametrize("suffix", [".geojson", ".kmz"])
def test_formats_of_wgs84_refuse_another_crs(suffix: str, ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError, match="WGS 84"):
        write({"tailings_pond": ponds}, tmp_path / f"a{suffix}", crs="EPSG:4527")
    write({"tailings_pond": ponds}, tmp_path / f"a{suffix}", crs="EPSG:4326")


@pytest.mark.parametrize("wrong", [{"crs": "EPSG:999999"}, {"crs": "somewhere"}, {"lang": "fr"}])
def test_an_unknown_crs_or_language_is_one_line(wrong: dict[str, str], ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(BadParameterError):
        write({"tailings_pond": ponds}, tmp_path / "a.gpkg", **wrong)


def test_positions_without_a_crs_or_beyond_the_one_asked_for(ponds: gpd.GeoDataFrame, tmp_path: Path) -> None:
    with pytest.raises(CrsError, match="no coordinate reference system"):
        write({"tailings_pond": ponds.set_crs(None, allow_override=True)}, tmp_path / "a.gpkg")
    far = gpd.GeoDataFrame({"uid": ["a"]}, geometry=gpd.points_from_xy([27], [0]), crs="EPSG:4326")
    with pytest.raises(CrsError, match="not defined"):
        write_table(far, tmp_path / "a.gpkg", crs="EPSG:4527")


def test_a_table_without_positions_is_refused_where_the_format_needs_them(concentration: Any, tmp_path: Path) -> None:
    for suffix in (".geojson", ".fgb", ".shp.zip", ".kmz"):
        with pytest.raises(BadParameterError):
            write_table(concentration, tmp_path / f"a{suffix}")
    with pytest.raises(BadParameterError, match="holds one layer"):
        write({"a": concentration, "b": concentration}, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", ALL)
def test_a_folder_that_is_missing_or_refuses_is_one_line(suffix: str, layers: Any, tmp_path: Path) -> None:
    (tmp_path / f"folder{suffix}").mkdir()
    places = [tmp_path / "missing" / f"a{suffix}", tmp_path / f"folder{suffix}"]
    if sys.platform == "linux":
        places.append(type(tmp_path)(f"/proc/a{suffix}"))  # refuses even the administrator
    for place in places:
        with pytest.raises(UnwritableFileError) as error:
            write(layers, place)
        assert "\n" not in str(error.value)
        assert str(place) in str(error.value)


def test_a_failure_leaves_the_file_that_was_there_and_nothing_else(
    ponds: Any, tmp_path: Path, monkeypatch: Any
) -> None:
    write({"tailings_pond": ponds}, tmp_path / "a.parquet")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def half(_: Any, path: Path, *_more: Any) -> None:
        path.write_bytes(b"PAR1")
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(parquet, "write", half)
    with pytest.raises(UnwritableFileError, match="No space left on device"):
        write({"tailings_pond": ponds}, tmp_path / "a.parquet")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import geopandas as gpd, numpy as np
from registry.errors import UnwritableFileError
from registry.export import write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
random = np.random.default_rng(1)
names = [random.bytes(30).hex() for _ in range(5000)]
points = gpd.points_from_xy(random.uniform(80, 120, 5000), random.uniform(20, 50, 5000))
ponds = gpd.GeoDataFrame({"uid": names, "name": names}, geometry=points, crs="EPSG:4490")
resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, 120_000))
for suffix in sys.argv[2:]:
    try:
        write({"tailings_pond": ponds}, Path(sys.argv[1]) / ("a" + suffix))
    except UnwritableFileError as error:
        assert "\\n" not in str(error)
    else:
        raise SystemExit(suffix + " was written in part and nobody said so")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
def test_a_disk_that_fills_up_leaves_the_old_files(tmp_path: Path) -> None:
    for suffix in ALL:
        (tmp_path / f"a{suffix}").write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(tmp_path), *ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {f"a{suffix}": b"old" for suffix in ALL}


def test_an_export_never_takes_the_place_of_a_store(ponds: Any, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "store.gpkg")) as connection:
        connection.execute("CREATE TABLE registry_property (key TEXT PRIMARY KEY, value TEXT)")
    before = (tmp_path / "store.gpkg").read_bytes()
    with pytest.raises(BadParameterError, match="registry's store"):
        write({"tailings_pond": ponds}, tmp_path / "store.gpkg")
    assert (tmp_path / "store.gpkg").read_bytes() == before


def test_an_export_replaces_an_older_one(ponds: Any, tmp_path: Path) -> None:
    for suffix in ALL:
        write({"tailings_pond": ponds}, tmp_path / f"a{suffix}")
        write({"tailings_pond": ponds.iloc[:3]}, tmp_path / f"a{suffix}")
    assert {path.name for path in tmp_path.iterdir()} == {f"a{suffix}" for suffix in ALL} | {"a.qml", "a.sld"}
