"""How the stored sites are spread over regions or hexagons."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd

from registry.answers.notes import synthetic_note
from registry.errors import BadParameterError, EmptyLayerError
from registry.model.vocabulary import REGION_LEVELS
from registry.services import concentration as concentration_service
from registry.services import hexagons
from registry.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from registry.answers.notes import Result
    from registry.registry import Registry
    from registry.services.concentration import Measure

HEX = "hex"


def concentration(
    reg: Registry, *, by: str = "province", measure: Measure = "count", kind: str | None = None, level: int | None = None,
    say: Callable[[str], None],
) -> Result:  # fmt: skip
    """Concentration of the stored sites by the stored regions: table, totals, warnings.

    Raises
    ------
    EmptyLayerError : the store has no regions of that level; no site to lay hexagons over.
    """
    if by not in REGION_LEVELS and by != HEX:
        raise BadParameterError(f"--by {by}: choose one of {', '.join([*REGION_LEVELS, HEX])}.")
    say("reading")
    sites = reg.sites(kind, level=level)
    if by == HEX:
        return _by_hexagon(reg, sites, measure, say)
    layer = reg.regions(by)
    if layer.empty:
        raise EmptyLayerError(f"the store has no regions of level {by}. Load them with `registry regions load`.")
    say("computing")
    table = concentration_service.by_region(
        sites, layer, measure=measure, located=sites[f"{by}_code"], tolerance_m=settings().locate_tolerance_m
    )
    totals = dict(table.attrs["totals"])
    warnings = [f"{totals['outside']} sites lie in no {by} of the store."] if totals["outside"] else []
    return table, totals, [*warnings, *synthetic_note(reg)]


def _by_hexagon(reg: Registry, sites: gpd.GeoDataFrame, measure: Measure, say: Callable[[str], None]) -> Result:
    if sites.empty:
        raise EmptyLayerError("there is no such site in the store, so there is nothing to lay hexagons over.")
    say("computing")
    layer = hexagons.hexagons(sites)
    resolution = layer.attrs["resolution"]
    cells = hexagons.cells_of(sites, resolution)
    table = concentration_service.by_region(sites, layer, measure=measure, located=cells)
    totals = dict(table.attrs["totals"]) | {"h3_resolution": resolution}
    return table, totals, synthetic_note(reg)


def on_regions(reg: Registry, table: pd.DataFrame, by: str, resolution: int | None = None) -> gpd.GeoDataFrame:
    """A concentration table on the polygons of its regions, or on hexagons of a resolution, for a layer format."""
    layer = hexagons.hexagons(reg.sites(), resolution=resolution) if by == HEX else reg.regions(by)
    shapes = layer.set_index("code").geometry
    geometry = shapes.reindex(table["region_code"]).to_numpy()
    return gpd.GeoDataFrame(table, geometry=geometry, crs=reg.crs)
