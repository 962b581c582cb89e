"""A store with as many sites and plants as a scene has, made by the registry's own import."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import registry
from registry.model.records import Batch, findings
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from scene import Scene

SHARES = {Kind.TAILINGS_POND: 0.7, Kind.GANGUE_HEAP: 0.2, Kind.SMELTING_SITE: 0.1}
CODES = {Kind.TAILINGS_POND: "SW05", Kind.GANGUE_HEAP: "SW04", Kind.SMELTING_SITE: "SW01"}


def fill(path: Path, scene: Scene) -> None:
    """Make the store: provinces, sites of three kinds each with one stream, plants that take one to three codes."""
    sites, plants = scene.site_layer(), scene.plant_layer()
    rng = np.random.default_rng(13)
    with registry.open(path, create=True) as reg:
        reg.load_regions(level="province")
        first = 0
        for number, (kind, share) in enumerate(SHARES.items()):
            last = len(sites) if number == len(SHARES) - 1 else first + int(share * len(sites))
            rows = _records(sites.iloc[first:last], kind).assign(
                waste_code=CODES[kind], annual_t=sites["annual_t"].iloc[first:last].to_numpy()
            )
            rows["stock_t"] = rows["annual_t"] * 10
            if kind is Kind.TAILINGS_POND:
                rows["supervision_level"] = rng.choice([1, 2, 3], len(rows), p=[0.01, 0.27, 0.72])
            _store(reg, kind, rows)
            first = last
        accepted = rng.choice(["SW05", "SW05;SW04", "SW05;SW04;SW01", "SW01", "SW04"], len(plants))
        _store(reg, Kind.UTILIZATION_PLANT, _records(plants, Kind.UTILIZATION_PLANT).assign(waste_code=accepted))


def _records(layer: gpd.GeoDataFrame, kind: Kind) -> pd.DataFrame:
    codes = kind.value[0].upper() + "-" + layer.index.to_series().astype("str")
    frame = {
        "code": codes,
        "name": "示范 " + codes,
        "status": "in_use",
        "lon": layer.geometry.x,
        "lat": layer.geometry.y,
    }
    rows = pd.DataFrame(frame).reset_index(drop=True)
    return rows.assign(extra="{}", warnings=None, row=np.arange(1, len(rows) + 1))


def _store(reg: registry.Registry, kind: Kind, rows: pd.DataFrame) -> None:
    digest = hashlib.sha256(kind.value.encode()).hexdigest()
    reg.import_batch(
        Batch(kind, rows, findings(), findings(), len(rows), file_name=f"made {kind}", sha256=digest),
        source=f"made {kind}", licence="CC0-1.0",
    )  # fmt: skip
