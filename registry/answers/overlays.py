"""The layers of a map over its sites, worked out from a store."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd

from registry.answers.coverage import coverage
from registry.answers.proximity import proximity
from registry.answers.shading import shade_of, shaded
from registry.errors import BadParameterError
from registry.render.layers.classes import Classing
from registry.render.words.measures import labels_of
from registry.services import concentration, hexagons

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from registry.registry import Registry
    from registry.render.layers.heat import Weight

MAP_LAYERS = ("sites", "plants", "concentration", "hexagons", "heat", "coverage", "nearest", "changes")
_OVER_SYMBOLS = {"hexagons", "heat", "changes"}


@dataclass(frozen=True)
class Overlays:
    """How the layers are made.

    Attributes
    ----------
    measure : what shades provinces and hexagons, as `answers.shading.shade_of` reads it
    classing : how its numbers are put into classes
    radius_km : of the coverage layer
    since : the date that changes are counted from: what was at its end is compared with what is
    heat_by : count, annual_t or stock_t
    resolution : of the hexagons, 0 to 15; one finer than `hexagons.resolution_for` unless given
    """

    measure: str = "sites"
    classing: Classing = field(default_factory=Classing)
    radius_km: Sequence[float] = (50, 100, 150)
    since: str | None = None
    heat_by: Weight = "count"
    resolution: int | None = None


def layers_of(names: Sequence[str], since: str | None) -> set[str]:
    """The layers that were asked for.

    Raises
    ------
    BadParameterError : one is unknown, or changes without a date.
    """
    wanted = {name.strip() for name in names}
    unknown = wanted - set(MAP_LAYERS)
    if unknown:
        raise BadParameterError(f"--layers {', '.join(sorted(unknown))}: choose from {', '.join(MAP_LAYERS)}.")
    if "changes" in wanted and since is None:
        raise BadParameterError("--layers changes: say since when, with --since.")
    return wanted | {"changes"} if since is not None else wanted


def shows_symbols(wanted: set[str]) -> bool:
    """Whether symbols start switched on; they would hide a layer that sums them up. The legend switches them on."""
    return wanted != {"sites", "concentration"} and not wanted & _OVER_SYMBOLS


def overlays(
    reg: Registry, wanted: set[str], asked: Overlays, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, *,
    provinces: bool, say: Callable[[str], None],
) -> dict[str, Any]:  # fmt: skip
    """What `render.site_map` takes beside sites, plants and regions.

    Parameters
    ----------
    wanted : names of `MAP_LAYERS`
    sites, plants : all of the store
    provinces : whether the store has any
    """
    shade = shade_of(asked.measure)
    extras: dict[str, Any] = {"classing": asked.classing, "measure": asked.measure, "labels": labels_of(shade.amount)}
    if "concentration" in wanted and provinces and len(sites):
        found = shaded(reg, shade, since=asked.since, say=say)
        extras |= {"concentration": found.table, "measure": found.column, "labels": found.labels}
    if "hexagons" in wanted and len(sites):
        say("laying hexagons")
        # A map can show more than a table: one step finer than what is counted in.
        finer = min(hexagons.resolution_for(sites) + 1, hexagons.FINEST_CHOSEN)
        cells = hexagons.hexagons(sites, resolution=finer if asked.resolution is None else asked.resolution)
        located = hexagons.cells_of(sites, cells.attrs["resolution"])
        held = concentration.by_region(sites, cells, measure=shade.amount, located=located)
        extras["hexagons"] = (cells, held)
        if "concentration" not in extras and shade.column in held:
            extras["measure"] = shade.column
    if "heat" in wanted and len(sites):
        extras["heat"] = asked.heat_by
    if "coverage" in wanted and len(plants):
        extras["coverage"] = coverage(reg, radius_km=asked.radius_km, say=say)[0]
    if "nearest" in wanted and len(plants):
        extras["nearest"] = proximity(reg, say=say)[0]
    if "changes" in wanted:
        say(f"comparing with {asked.since}")
        before = _together(reg.sites(as_of=asked.since), reg.plants(as_of=asked.since))
        extras |= {"changes": (before, _together(sites, plants)), "since": asked.since}
    return extras


def codes_named(reg: Registry, *frames: pd.DataFrame) -> pd.DataFrame:
    """Names of the provinces, cities and counties whose codes occur in frames: ``code, level, name, name_en``."""
    columns = ("province_code", "city_code", "county_code")
    codes = pd.concat([frame[column] for frame in frames for column in columns if column in frame] or [pd.Series()])
    names = reg.region_names()
    return names[names["code"].isin(set(codes.dropna().astype(str)))]


def _together(sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Sites and plants in one layer."""
    parts = [layer.dropna(axis="columns", how="all") for layer in (sites, plants) if len(layer)]
    return gpd.GeoDataFrame(pd.concat(parts), crs=sites.crs) if parts else sites
