"""Which plants are nearest to the stored sites."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from registry.answers.notes import synthetic_note
from registry.services import proximity as proximity_service

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from registry.answers.notes import Result
    from registry.registry import Registry


def proximity(
    reg: Registry, *, nearest: int = 1, same_material: bool = True, kind: str | None = None, level: int | None = None,
    province: str | None = None, say: Callable[[str], None],
) -> Result:  # fmt: skip
    """The nearest plants of the stored sites: table, totals, warnings."""
    say("reading")
    sites, plants = reg.sites(kind, level=level, province=province), reg.plants()
    say("computing")
    table = proximity_service.nearest_plants(sites, plants, k=nearest, same_material=same_material)
    first = table[table["rank"] == 1]
    alone = len(sites) - len(first)
    totals = {
        "sites": len(sites),
        "sites_with_plant": len(first),
        "median_distance_m": float(first["distance_m"].median()) if len(first) else None,
        "max_distance_m": float(first["distance_m"].max()) if len(first) else None,
    }
    warnings = [f"{alone} sites have no plant that accepts their waste."] if alone else []
    return table, totals, [*warnings, *synthetic_note(reg)]


def as_lines(reg: Registry, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """A proximity table as lines from site to plant, for a layer format; a line's ends say where, not its course."""
    ends = [
        places.reindex(table[column])
        for places, column in ((reg.sites().geometry, "site_uid"), (reg.plants().geometry, "plant_uid"))
    ]
    coordinates = np.stack([np.column_stack([end.x.to_numpy(float), end.y.to_numpy(float)]) for end in ends], axis=1)
    return gpd.GeoDataFrame(table, geometry=shapely.linestrings(coordinates), crs=reg.crs)
