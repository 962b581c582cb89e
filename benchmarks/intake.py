"""Importing 100,000 rows of CSV into a store, beside pyogrio writing the same rows to a GeoPackage.

Run: python benchmarks/intake.py [rows]. Prints a Markdown table: best of three in one run.
"""

from __future__ import annotations

import platform
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio

import registry

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 3


def table(rows: int) -> pd.DataFrame:
    """Rows that look like a bureau's table of ponds, with Chinese headers."""
    rng = np.random.default_rng(11)
    return pd.DataFrame(
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
            "经度": rng.uniform(113.5, 119.8, rows).round(6),
            "纬度": rng.uniform(36.1, 42.6, rows).round(6),
        }
    )


def best(work: Callable[[int], None]) -> float:
    """The shortest of some runs, seconds."""
    times = []
    for turn in range(ROUNDS):
        start = time.perf_counter()
        work(turn)
        times.append(time.perf_counter() - start)
    return min(times)


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = table(rows)
        source.to_csv(folder / "ponds.csv", index=False)
        layer = gpd.GeoDataFrame(source, geometry=gpd.points_from_xy(source["经度"], source["纬度"]), crs=4490)

        def ours(turn: int, *, located: bool) -> None:
            with registry.open(folder / f"{located}{turn}.gpkg") as reg:
                report = reg.import_file(folder / "ponds.csv", "tailings_pond")
            if report.new != rows:
                raise SystemExit(f"{report.new} of {rows} rows stored")

        def stores(*, located: bool) -> None:
            for turn in range(ROUNDS):
                with registry.open(folder / f"{located}{turn}.gpkg", create=True) as reg:
                    if located:
                        reg.load_regions()

        stores(located=False)
        stores(located=True)
        bare = best(lambda turn: ours(turn, located=False))
        placed = best(lambda turn: ours(turn, located=True))
        peer = best(lambda turn: pyogrio.write_dataframe(layer, folder / f"peer{turn}.gpkg"))
    packages = ", ".join(f"{package} {version(package)}" for package in ("pyogrio", "pandas", "sqlalchemy"))
    print(f"{rows:,} rows, best of {ROUNDS}; {platform.machine()}, Python {platform.python_version()}, {packages}\n")
    print("| work | seconds | rows/s | of pyogrio's rate |")
    print("|---|--:|--:|--:|")
    for work, seconds in (
        ("pyogrio writes a frame that is in memory", peer),
        ("import: read, check, store, index; no regions in the store", bare),
        ("the same, located in province, city and county", placed),
    ):
        print(f"| {work} | {seconds:.2f} | {rows / seconds:,.0f} | {peer / seconds:.2f} |")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
