"""Importing a CSV of 1,000,000 ponds with coordinates in degrees, minutes and seconds, beside pandas and pyogrio.

Run: python benchmarks/intake.py [rows]. Every run is a process of its own, so that its memory can be told; best of
three in one run. Prints a Markdown table. The peer reads the same CSV with pandas and writes the same rows with
pyogrio; it reads no coordinate, checks nothing, and is given the points.
"""

from __future__ import annotations

import platform
import resource
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely

import registry

ROUNDS = 3
EAST, NORTH = (113.5, 119.8), (36.1, 42.6)


def within(province: shapely.Geometry, rows: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes of random points in a province."""
    shapely.prepare(province)
    lon, lat = rng.uniform(*EAST, 4 * rows), rng.uniform(*NORTH, 4 * rows)
    inside = np.flatnonzero(shapely.contains_xy(province, lon, lat))[:rows]
    return lon[inside], lat[inside]


def table(rows: int, province: shapely.Geometry) -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    """Rows that look like a bureau's table of ponds, with Chinese headers, and their longitudes and latitudes."""
    rng = np.random.default_rng(11)
    lon, lat = within(province, rows, rng)
    source = pd.DataFrame(
        {
            "编码": [f"B-{i:07}" for i in range(rows)],
            "尾矿库名称": [f"第{i}号尾矿库" for i in range(rows)],
            "运营单位": [f"矿业公司{i % 5000}" for i in range(rows)],
            "环境监管等级": rng.choice(["一级", "二级", "三级"], rows, p=[0.01, 0.27, 0.72]),
            "运行状态": rng.choice(["在用", "停用", "已闭库"], rows),
            "主要矿种": rng.choice(["铁矿", "铜矿", "金矿"], rows),
            "现状坝高(m)": rng.uniform(5, 120, rows).round(1),
            "现状库容(万m³)": rng.uniform(1, 5000, rows).round(2),
            "年排尾量(万吨)": rng.uniform(0, 300, rows).round(2),
            "省份": "河北省",
            "经度": dms(lon, "E"),
            "纬度": dms(lat, "N"),
        }
    )
    return source, lon, lat


def dms(degrees: np.ndarray, hemisphere: str) -> list[str]:
    """Angles as ``114°30′15.2″E``."""
    tenths = np.rint(degrees * 36_000).astype(int)
    parts = zip(tenths // 36_000, tenths // 600 % 60, tenths // 10 % 60, tenths % 10, strict=True)
    return [f"{d}°{m:02}′{s:02}.{t}″{hemisphere}" for d, m, s, t in parts]


def ours(folder: Path, rows: int) -> None:
    """The whole of an import: read, check, locate, compare, store, index, write down."""
    with registry.open(folder / "store.gpkg") as reg:
        report = reg.import_file(folder / "ponds.csv", "tailings_pond")
    if report.new != rows:
        raise SystemExit(f"{report.new} of {rows} rows stored")


def peer(folder: Path, rows: int) -> None:
    """Read and write with no check at all."""
    frame = pd.read_csv(folder / "ponds.csv")
    points = np.load(folder / "points.npy")
    layer = gpd.GeoDataFrame(frame, geometry=gpd.points_from_xy(*points), crs=4490)
    pyogrio.write_dataframe(layer, folder / "peer.gpkg")
    if len(layer) != rows:
        raise SystemExit(f"{len(layer)} of {rows} rows written")


def one(work: str, folder: Path, rows: int) -> None:
    """One run, in this process: its seconds, and the most memory that the process had, MB."""
    start = time.perf_counter()
    {"ours": ours, "peer": peer}[work](folder, rows)
    seconds = time.perf_counter() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def measured(work: str, folder: Path, rows: int) -> tuple[float, float]:
    """The shortest of some runs, seconds, and the most memory of any, MB."""
    runs = []
    for _ in range(ROUNDS):
        for name in ("store.gpkg", "peer.gpkg"):
            (folder / name).unlink(missing_ok=True)
        (folder / "store.gpkg").write_bytes((folder / "empty.gpkg").read_bytes())
        done = subprocess.run(
            [sys.executable, __file__, str(rows), work, str(folder)], check=True, capture_output=True, text=True
        )
        runs.append([float(number) for number in done.stdout.split()])
    return min(run[0] for run in runs), max(run[1] for run in runs)


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with registry.open(folder / "empty.gpkg", create=True) as reg:
            reg.load_regions(level="province")
            provinces = reg.regions("province").set_index("code")
        source, lon, lat = table(rows, provinces.geometry["130000"].simplify(0.01).buffer(-0.02))
        source.to_csv(folder / "ponds.csv", index=False)
        np.save(folder / "points.npy", np.stack([lon, lat]))
        megabytes = (folder / "ponds.csv").stat().st_size / 1e6
        del source
        theirs, ours_ = measured("peer", folder, rows), measured("ours", folder, rows)
    packages = ", ".join(f"{package} {version(package)}" for package in ("pyogrio", "pandas", "sqlalchemy"))
    print(
        f"{rows:,} rows, {megabytes:.0f} MB, best of {ROUNDS}; {platform.machine()}, Python {platform.python_version()}, {packages}\n"
    )
    print("| work | seconds | rows/s | of the peer's time | most memory, MB |")
    print("|---|--:|--:|--:|--:|")
    for work, (seconds, memory) in (
        ("pandas reads the CSV, pyogrio writes a GeoPackage; no check, no coordinate read", theirs),
        ("import: read, checked, located in the province, compared, stored, indexed, history and provenance", ours_),
    ):
        print(f"| {work} | {seconds:.2f} | {rows / seconds:,.0f} | {seconds / theirs[0]:.2f} | {memory:,.0f} |")


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    if len(sys.argv) > 2:
        one(sys.argv[2], Path(sys.argv[3]), count)
    else:
        main(count)
