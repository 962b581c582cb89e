"""The three services over more sites than one worker may hold, in partitions, under Dask.

``python benchmarks/partitioned.py [SITES]`` (20,000,000 unless given) writes the sites partition by partition to a folder
that is deleted in the end, asks two workers of 4 GB each, and prints a table. No process ever holds all sites.
"""

from __future__ import annotations

import argparse
import os
import platform
import resource
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
from scene import CRS, EAST, NORTH, RADII_KM, SOUTH, WEST, Scene, provinces

from registry.partitioned import concentration, coverage, frames, proximity
from registry.partitioned.cluster import connected
from registry.partitioned.dataset import SITES_A_PARTITION, open_dataset, write_partition

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

SITES, PLANTS = 20_000_000, 20_000
WORKERS, MEMORY = 2, "4GB"
MATERIALS = ("SW01", "SW04", "SW05")


def write_part(folder: str, number: int, sites: int, parts: int) -> int:
    """Write one partition: uniform points of its own strip of the box round China."""
    rng = np.random.default_rng([20241126, number])
    width = (EAST - WEST) / parts
    points = gpd.points_from_xy(WEST + width * (number + rng.random(sites)), rng.uniform(SOUTH, NORTH, sites), crs=CRS)
    columns = {
        "kind": pd.Categorical.from_codes(rng.integers(0, 3, sites), ["tailings_pond", "gangue_heap", "smelting_site"]),
        "supervision_level": rng.integers(1, 4, sites),
        "waste_codes": pd.Categorical.from_codes(rng.integers(0, 3, sites), list(MATERIALS)),
        "annual_t": rng.uniform(0, 1e6, sites),
        "stock_t": rng.uniform(0, 1e7, sites),
    }
    uid = pd.Index(np.arange(sites), name="uid").astype("str").str.replace("^", f"{number}-", regex=True)
    frame = gpd.GeoDataFrame(columns, index=uid, geometry=points).astype({"kind": "str", "waste_codes": "str"})
    write_partition(Path(folder), number, frame)
    return sites


def peak_mb() -> float:
    """Most memory that this process has had at once, MB."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * 1_024 / 1e6


def timed(client: Client, work: str, sites: int, do: Callable[[], str]) -> str:
    """Do it, and return a row of the table."""
    start = time.perf_counter()
    found = do()
    seconds = time.perf_counter() - start
    most = max(client.run(peak_mb).values())
    print(f"{work}: {seconds:.1f} s", file=sys.stderr)
    return f"| {work} | {seconds:.1f} | {seconds / sites * 1e6:.2f} | {most:,.0f} | {found} |"


def measure(folder: Path, sites: int) -> list[str]:
    plants = Scene(1, PLANTS).plant_layer()
    plants["waste_codes"] = pd.Series(np.resize(MATERIALS, PLANTS), dtype="str").to_numpy()
    layer = provinces()
    parts = max(2 * WORKERS, -(-sites // SITES_A_PARTITION))
    sizes = np.diff(np.linspace(0, sites, parts + 1).round().astype(int)).tolist()
    with connected("local", workers=WORKERS, memory=MEMORY) as client:
        everywhere = str(folder / "dataset")

        def write() -> str:
            written = client.map(write_part, [everywhere] * parts, range(parts), sizes, [parts] * parts, pure=False)
            whole(sum(client.gather(written)))
            size = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
            return f"{parts} partitions, {size / 1e6:,.0f} MB"

        def spread() -> str:
            wanted = {*concentration.COLUMNS, "geometry"}
            table = concentration.by_region(client, frames.sites_of(dataset, wanted), layer, measure="annual_t")
            totals = table.attrs["totals"]
            whole(totals["sites"])
            return f"{sites - totals['outside']:,} sites in {len(layer)} provinces"

        def near() -> str:
            found = proximity.nearest_plants(
                client, frames.sites_of(dataset, proximity.COLUMNS), plants, out=made("near")
            )
            whole(found.totals["sites"])
            return f"{found.written:,} rows written, median {found.totals['median_distance_m'] / 1_000:.2f} km"

        def reach() -> str:
            found = coverage.within_radius(
                client, frames.sites_of(dataset, coverage.COLUMNS), plants, RADII_KM, areas=False, out=made("reach")
            )
            whole(found.sites)
            pairs = int(found.result.per_plant["sites"].sum())
            return f"{found.written['per_site']:,} rows written, {pairs:,} pairs within reach"

        def whole(seen: int) -> None:
            if seen != sites:
                sys.exit(f"{seen:,} sites came out of {sites:,}")

        def made(name: str) -> Path:
            (folder / name).mkdir()
            return folder / name

        rows = [timed(client, "write the sites, on the workers", sites, write)]
        dataset = open_dataset(folder / "dataset")
        rows.append(timed(client, "concentration, each site located in its province", sites, spread))
        rows.append(timed(client, f"nearest of {PLANTS:,} plants that take its waste", sites, near))
        rows.append(timed(client, f"coverage at {', '.join(map(str, RADII_KM))} km", sites, reach))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sites", nargs="?", type=int, default=SITES)
    parser.add_argument("--folder", type=Path, help="where the passing files go; the system's folder unless given")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="registry-", dir=asked.folder) as folder:
        rows = measure(Path(folder), asked.sites)
    names = ("dask", "distributed", "dask-geopandas", "geopandas", "pyarrow", "numba")
    machine = f"{platform.machine()}, {os.cpu_count()} cores; Python {platform.python_version()}"
    print(
        f"{asked.sites:,} sites, {PLANTS:,} plants; {WORKERS} workers of {MEMORY}, one thread each. {machine}, ", end=""
    )
    print(", ".join(f"{name} {version(name)}" for name in names) + f". The client's own peak: {peak_mb():,.0f} MB.\n")
    print("| work | seconds | seconds for a million sites | most memory of a worker so far, MB | found |")
    print("|---|--:|--:|--:|---|")
    print("\n".join(rows))


if __name__ == "__main__":
    main()
