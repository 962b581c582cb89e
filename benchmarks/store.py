"""A million sites into and out of a store, beside geopandas and pyogrio doing the same with the same rows.

Run: python benchmarks/store.py postgresql+psycopg://user@host/database [rows]. The database needs PostGIS and is
overwritten: give it one of its own. Best of three in one run, all tables fresh; prints a Markdown table.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
import uuid
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from sqlalchemy import create_engine, insert, text

import registry
from registry.model.tables import Source, TailingsPond, table_of
from registry.store import read
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

ROUNDS = 3
POND = table_of(TailingsPond)


def ponds(rows: int) -> gpd.GeoDataFrame:
    """Rows of the table of ponds, as they are stored."""
    rng = np.random.default_rng(11)
    return gpd.GeoDataFrame(
        {
            "uid": [str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(rows)],
            "code": [f"B-{i:07}" for i in range(rows)],
            "name": [f"第{i}号尾矿库" for i in range(rows)],
            "operator": [f"矿业公司{i % 5000}" for i in range(rows)],
            "status": rng.choice(["in_use", "idle", "closed"], rows),
            "province_code": "130000",
            "city_code": "130800",
            "county_code": "130802",
            "declared_province": "河北省",
            "source_id": 1,
            "supervision_level": rng.choice([1, 2, 3], rows),
            "mineral": rng.choice(["iron", "copper", "gold"], rows),
            "dam_height_m": rng.uniform(5, 120, rows).round(1),
            "storage_m3": rng.uniform(1e4, 5e7, rows).round(2),
        },
        geometry=gpd.points_from_xy(rng.uniform(113.5, 119.8, rows).round(6), rng.uniform(36.1, 42.6, rows).round(6)),
        crs=4490,
    )


def best(work: Callable[[], object], prepare: Callable[[], object]) -> float:
    """The shortest of some runs, seconds; what prepares a run is not counted."""
    times = []
    for _ in range(ROUNDS):
        prepare()
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def load(url: str, rows: pd.DataFrame) -> None:
    """Our load: every constraint, index, and the history of every row."""
    with registry.open(url) as reg, reg.store.write() as connection:
        backend = backend_of(connection)
        backend.trust_location(connection)
        backend.insert(connection, POND, rows, srid=reg.store.srid)


def fetch(url: str) -> int:
    """Our read, as a GeoDataFrame of the table's 31 columns."""
    with registry.open(url) as reg, reg.store.read() as connection:
        frame = read.everything(connection, POND)
        return len(gpd.GeoDataFrame(frame, geometry="geom", crs=reg.crs))


def empty(url: str) -> None:
    """An empty store of ours with one source."""
    if url.endswith(".gpkg"):
        for end in ("", "-wal", "-shm"):
            with suppress(FileNotFoundError):
                Path(url + end).unlink()
    with registry.open(url, create=True) as reg, reg.store.write() as connection:
        if not url.endswith(".gpkg"):
            # Without the history of the rows that go: a million of them would be written down first.
            connection.execute(text("ALTER TABLE tailings_pond DISABLE TRIGGER USER"))
            connection.execute(text("TRUNCATE tailings_pond, change, source, import_run RESTART IDENTITY CASCADE"))
            connection.execute(text("ALTER TABLE tailings_pond ENABLE TRIGGER USER"))
        connection.execute(insert(Source).values(id=1, name="made"))


def main(url: str, rows: int) -> None:
    layer = ponds(rows)
    ours = pd.DataFrame(layer.drop(columns="geometry")).assign(
        geom=pd.Series(np.asarray(layer.geometry.array), dtype=object)
    )
    bare = layer.rename_geometry("geom")
    engine: Engine = create_engine(url)

    def bare_peer() -> None:
        bare.to_postgis("peer", engine, if_exists="replace")

    def same_table() -> None:
        bare.to_postgis("tailings_pond", engine, if_exists="append")

    def drop_peer() -> None:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE IF EXISTS peer"))

    def read_peer(table: str) -> int:
        return len(gpd.read_postgis(f"SELECT * FROM {table}", engine, geom_col="geom"))

    with tempfile.TemporaryDirectory() as folder:
        file, written = str(Path(folder) / "store.gpkg"), Path(folder) / "peer.gpkg"
        seconds = {
            "PostGIS: `GeoDataFrame.to_postgis` into a bare table with a GiST index": best(bare_peer, drop_peer),
            "PostGIS: `GeoDataFrame.to_postgis` into the registry's table": best(same_table, lambda: empty(url)),
            "PostGIS: the registry's load": best(lambda: load(url, ours), lambda: empty(url)),
            "PostGIS: `geopandas.read_postgis` of the bare table, 16 columns": best(
                lambda: read_peer("peer"), lambda: None
            ),
            "PostGIS: `geopandas.read_postgis` of the registry's table, 32 columns": best(
                lambda: read_peer("tailings_pond"), lambda: None
            ),
            "PostGIS: the registry's read, 32 columns": best(lambda: fetch(url), lambda: None),
            "GeoPackage: `pyogrio.write_dataframe` with a spatial index": best(
                lambda: pyogrio.write_dataframe(layer, written), lambda: written.unlink(missing_ok=True)
            ),
            "GeoPackage: the registry's load": best(lambda: load(file, ours), lambda: empty(file)),
        }
    drop_peer()
    packages = ", ".join(f"{name} {version(name)}" for name in ("geopandas", "pyogrio", "psycopg", "sqlalchemy"))
    print(f"{rows:,} rows, best of {ROUNDS}; {platform.machine()}, Python {platform.python_version()}, {packages}\n")
    print("| work | seconds | rows/s |")
    print("|---|--:|--:|")
    for work, taken in seconds.items():
        print(f"| {work} | {taken:.2f} | {rows / taken:,.0f} |")
    print()
    into_bare, into_ours, load_s, read_bare, read_ours, read_s, gdal, file_s = seconds.values()
    for what, ratio in (
        ("load on PostGIS, against to_postgis into a bare table", into_bare / load_s),
        ("load on PostGIS, against to_postgis into the registry's table", into_ours / load_s),
        ("read from PostGIS, against read_postgis of the bare table", read_bare / read_s),
        ("read from PostGIS, against read_postgis of the same table", read_ours / read_s),
        ("load of a GeoPackage, against pyogrio", gdal / file_s),
    ):
        print(f"{what}: {ratio:.2f}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000)
