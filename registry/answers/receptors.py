"""Which stored sites are nearest to a place, a river or a drinking-water source."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import shapely

from registry.answers.lines import between
from registry.answers.notes import synthetic_note
from registry.errors import BadParameterError, EmptyLayerError
from registry.intake.feature_file import Features, read_features
from registry.services import geodesy
from registry.services import receptors as receptors_service

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyproj

    from registry.answers.notes import Result
    from registry.registry import Registry

NEAREST = 10
"""How many sites are listed where neither a number nor a distance is given."""

_PAIR = re.compile(r"\s*([-+]?\d+(?:\.\d*)?)\s*[,，]\s*([-+]?\d+(?:\.\d*)?)\s*")
_OF_THE_SITE = ("code", "name", "kind", "supervision_level")


def receptors(
    reg: Registry, place: str, *, nearest: int | None = None, within_km: float | None = None,
    kind: str | None = None, level: int | None = None, province: str | None = None, status: str | None = None,
    name_field: str | None = None, sheet: str | None = None, say: Callable[[str], None],
) -> Result:  # fmt: skip
    """The stored sites nearest to a place, the nearest first: table, totals, warnings.

    Parameters
    ----------
    place : ``LON,LAT`` in degrees, or a file of points, lines or polygons, which together are the place
    nearest : how many sites; ten where no distance is given either, else all within it
    within_km : only sites at most so far from it
    name_field, sheet : as in `intake.feature_file.read_features`

    Returns
    -------
    Rows ``site_uid, rank, code, name, kind, supervision_level, feature, distance_m, azimuth_deg, lon, lat``: ``feature``
    is the name of the nearest feature, ``lon, lat`` the nearest place on it, ``azimuth_deg`` the direction there at the
    site, missing at distance 0: in a polygon, or on it.

    Raises
    ------
    BadParameterError : a number that cannot be; a position that is none on earth.
    EmptyLayerError : there is no site to measure from.
    UnreadableFileError, EmptyTableError, UnknownColumnError, CrsError : the file cannot be used.
    """
    if nearest is not None and nearest < 1:
        raise BadParameterError(f"--nearest {nearest}: give a whole number, 1 or more.")
    most_km = geodesy.half_meridian_m(geodesy.ellipsoid(reg.crs)) / 1000.0
    if within_km is not None and not 0 <= within_km <= most_km:
        raise BadParameterError(
            f"--within-km {within_km:g}: give kilometres from 0 to {most_km:,.0f}, half round the earth."
        )
    say("reading")
    features = _place(place, reg.crs, name_field, sheet)
    sites = reg.sites(kind, level=level, province=province, status=status, columns=_OF_THE_SITE)
    if sites.empty:
        raise EmptyLayerError("there is no such site in the store, so none is near. Choose others, or import a table.")
    say("measuring")
    within_m = None if within_km is None else within_km * 1000.0
    most = nearest or (len(sites) if within_km is not None else NEAREST)
    near = receptors_service.nearest_sites(features.layer, sites, k=most, within_m=within_m)
    chosen = sites.loc[near["site_uid"]]
    # Of the sites that are listed, which of the features it is.
    at = receptors_service.nearest_feature(chosen, features.layer)
    of_site = {name: _column(chosen, name) for name in _OF_THE_SITE}
    table = pd.DataFrame(
        {
            "site_uid": near["site_uid"].to_numpy(),
            "rank": near["rank"].to_numpy(),
            **of_site,
            "feature": features.layer["name"].take(at["feature"]).to_numpy(),
            **{name: at[name].to_numpy() for name in ("distance_m", "azimuth_deg", "lon", "lat")},
        }
    )
    totals = {
        "sites": len(table),
        "sites_at_distance_0": int((table["distance_m"] == 0).sum()),
        "features": len(features.layer),
        "asked_of_sites": len(sites),
    }
    return table, totals, [*features.notes, *synthetic_note(reg)]


def as_lines(reg: Registry, table: pd.DataFrame) -> gpd.GeoDataFrame:
    """The table as lines from each site to the nearest place; one at distance 0 has no length."""
    sites = reg.sites(columns=()).geometry.reindex(table["site_uid"])
    return between(table, sites, gpd.GeoSeries(gpd.points_from_xy(table["lon"], table["lat"]), crs=reg.crs))


def _place(text: str, crs: pyproj.CRS, name_field: str | None, sheet: str | None) -> Features:
    """The features that a text names, a position or a file."""
    pair = _PAIR.fullmatch(text)
    if pair is None:
        return read_features(Path(text), name_field=name_field, sheet=sheet)
    lon, lat = float(pair[1]), float(pair[2])
    if not (abs(lon) <= 180.0 and abs(lat) <= 90.0):
        turned = " Longitude stands first." if abs(lat) <= 180.0 and abs(lon) <= 90.0 else ""
        raise BadParameterError(f"{text.strip()}: this is no longitude and latitude in degrees.{turned}")
    point = gpd.GeoDataFrame({"name": [text.strip()]}, geometry=[shapely.Point(lon, lat)], crs=crs)
    return Features(point, [], pd.DataFrame(index=point.index))


def _column(sites: pd.DataFrame, name: str) -> Any:
    return sites[name].to_numpy() if name in sites else None
