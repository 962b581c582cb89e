"""The whole analysis as a process of its own: from a store on disk to three result tables.

``python benchmarks/analysis.py STORE FOLDER`` opens the store, reads it once, computes the concentration by province, the nearest
matching plant of every site, and the coverage at three radii with areas, and writes three Parquet files. On standard
output: JSON with the seconds of each step and the most memory.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from contest import peak_mb, process_age_s

import registry
from registry.services import concentration, coverage, proximity

RADII_KM = (50, 100, 150)
COLUMNS = ("supervision_level", "province_code", "waste_codes", "annual_t", "stock_t")


def analyse(store: Path, folder: Path) -> dict[str, float]:
    """Write the three tables; return the seconds of each step."""
    marks = {"imports": process_age_s()}

    def mark(step: str) -> None:
        marks[step] = process_age_s() - sum(marks.values())

    with registry.open(store) as reg:
        sites, plants, provinces = reg.sites(columns=COLUMNS), reg.plants(), reg.regions("province")
    mark("read")
    concentration.by_region(sites, provinces).to_parquet(folder / "concentration.parquet")
    mark("concentration")
    proximity.nearest_plants(sites, plants).to_parquet(folder / "proximity.parquet")
    mark("nearest")
    covered = coverage.within_radius(sites, plants, RADII_KM)
    covered.per_plant.to_parquet(folder / "coverage.parquet")
    mark("coverage")
    return marks


if __name__ == "__main__":
    steps = analyse(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(json.dumps({"steps": steps, "peak_mb": peak_mb()}) + "\n")
