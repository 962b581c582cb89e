"""How thickly the stored sites, or what they hold, lie about every point."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from registry.answers.notes import synthetic_note
from registry.answers.selection import Selection, selected
from registry.errors import BadParameterError, EmptyLayerError
from registry.services import concentration, geodesy, hexagons, regions
from registry.services import density as density_service
from registry.services.amounts import amount_column

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd

    from registry.registry import Registry
    from registry.services.concentration import Measure

STEPS = 5
"""Points of the grid across a bandwidth, unless a step is given."""

PLACES = 20
MOST_CHOSEN = 1_000_000
"""Points of a grid whose step is left to us."""

_KM_PER_DEGREE = 110.0
"""Less than a degree of latitude has anywhere."""

_EARTH_KM = 6_371.0


class Density(NamedTuple):
    """What `density` found.

    Attributes
    ----------
    grid : points ``lon, lat, area_km2, density_per_1000_km2`` with geometry, from south to north; those where there
        is nothing are left out
    places : the densest points, at least a bandwidth apart: ``rank, lon, lat, density_per_1000_km2, province, county``
    totals, warnings : of the grid
    """

    grid: gpd.GeoDataFrame
    places: pd.DataFrame
    totals: dict[str, Any]
    warnings: list[str]


def density(
    reg: Registry, *, bandwidth_km: float, step_km: float | None = None, measure: Measure = "count",
    selection: Selection | None = None, as_of: str | None = None, say: Callable[[str], None],
) -> Density:  # fmt: skip
    """Kernel density of the stored sites over the box that they reach.

    Parameters
    ----------
    bandwidth_km : where the influence of a site ends
    step_km : distance of the points of the grid; unless given a fifth of the bandwidth, more where the box is large
    measure, selection, as_of : as in `answers.concentration.Question`

    Raises
    ------
    EmptyLayerError : no site fits.
    BadParameterError : bandwidth or step is out of range, or the grid would have too many points.
    UnknownColumnError : the sites have no column of the measure.
    """
    if not 0 < bandwidth_km <= density_service.WIDEST_KM:
        raise BadParameterError(
            f"--bandwidth-km {bandwidth_km:g}: give km of more than 0 and at most {density_service.WIDEST_KM:,.0f}."
        )
    say("reading")
    sites, _ = selected(reg, selection or Selection(), as_of)
    if sites.empty:
        raise EmptyLayerError("no site of the store fits, so there is no density. Import sites, or choose others.")
    concentration.check_measure(measure, sites)
    weights = np.ones(len(sites)) if measure == "count" else amount_column(sites, "sites", measure)
    say("computing")
    box = _reached(sites, bandwidth_km)
    step = _step(box, bandwidth_km) if step_km is None else step_km
    points = density_service.grid_points(box, step, crs=reg.crs)
    values = density_service.kernel_density(sites, points, bandwidth_km=bandwidth_km, weights=weights)
    some = values > 0
    points, values = points[some].reset_index(drop=True), values[some] * 1_000.0
    lon, lat = points.geometry.x, points.geometry.y
    columns = {"lon": lon, "lat": lat, "area_km2": points["area_km2"], "density_per_1000_km2": values}
    grid = points.assign(**columns)[[*columns, "geometry"]]
    totals = {
        "sites": len(sites),
        "amount": float(weights.sum()),
        "amount_of_grid": float((values * grid["area_km2"]).sum() / 1_000.0),
        "points": len(grid),
        "bandwidth_km": bandwidth_km,
        "step_km": step,
    }
    return Density(grid, _places(reg, grid, values, bandwidth_km), totals, synthetic_note(reg))


def _reached(sites: gpd.GeoDataFrame, bandwidth_km: float) -> tuple[float, float, float, float]:
    """West, south, east and north of the box that holds every point within the bandwidth of a site; east may pass 180."""
    west, south, east, north = hexagons.box_of(*geodesy.lonlat(sites, "sites"))
    up = bandwidth_km / _KM_PER_DEGREE
    south, north = max(south - up, -90.0), min(north + up, 90.0)
    narrowest = np.cos(np.radians(max(abs(south), abs(north))))
    aside = up / narrowest if narrowest > up / 180.0 else 180.0
    if east - west + 2.0 * aside >= 360.0:
        return -180.0, south, 180.0, north
    return west - aside, south, east + aside, north


def _step(box: tuple[float, float, float, float], bandwidth_km: float) -> float:
    """A fifth of the bandwidth, or as much more as keeps the points of the grid below a million."""
    west, south, east, north = np.radians(box)
    area = _EARTH_KM**2 * (east - west) * (np.sin(north) - np.sin(south))
    return float(max(bandwidth_km / STEPS, np.sqrt(area / MOST_CHOSEN)))


def _places(reg: Registry, grid: gpd.GeoDataFrame, values: np.ndarray[Any, Any], bandwidth_km: float) -> pd.DataFrame:
    rows = density_service.densest(grid, values, apart_km=bandwidth_km, most=PLACES)
    peaks = grid.iloc[rows].reset_index(drop=True)
    table = pd.DataFrame({"rank": np.arange(1, len(peaks) + 1)}).join(pd.DataFrame(peaks.drop(columns="geometry")))
    for level in ("province", "county"):
        layer = reg.regions(level)
        if len(layer):
            named = layer.set_index("code")["name"]
            table[level] = regions.locate(peaks, layer).map(named)
    return table.drop(columns="area_km2")
