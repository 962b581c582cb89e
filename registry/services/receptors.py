"""The nearest place on rivers, drinking-water source areas and other features, from every site; and the other way."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.errors import BadParameterError
from registry.services import geodesy
from registry.services.kernels import edges, feature_search

if TYPE_CHECKING:
    from geopandas import GeoDataFrame, GeoSeries
    from shapely.geometry.base import BaseGeometry


def nearest_feature(
    sites: GeoDataFrame, features: GeoDataFrame, *, k: int = 1, within_m: float | None = None
) -> pd.DataFrame:
    """Find the k nearest features of every site and the nearest place on each, by geodesic distance.

    Parameters
    ----------
    sites : (n,) points, index ``uid``
    features : (m,) points, lines or polygons of one or more parts, mixed or not, any index. Brought to the CRS of
        ``sites``, vertex by vertex; invalid polygons are made valid first
    k : how many features
    within_m : only features at most so many metres away; one exactly there counts

    Returns
    -------
    (≤ n·k,) rows ``site_uid, rank, feature, distance_m, azimuth_deg, lon, lat`` in the order of sites and rank.
    ``feature`` is the index of the feature, ``lon, lat`` the nearest place on it in degrees, within ±180°, in the
    geographic CRS of ``sites``; ``azimuth_deg`` is the direction there at the site, clockwise from north, [0, 360).
    A site inside a polygon or on its boundary is at distance 0 (one in a hole is not inside): the place is the site's
    own, the azimuth NaN. Equally distant features stand in the order of ``features``.

    Raises
    ------
    EmptyLayerError : there is no feature at all.
    BadParameterError : k is less than 1, ``within_m`` is negative; a geometry is missing or empty, a site is no point
        or its uid occurs twice.
    CrsError : a layer has no CRS.

    Notes
    -----
    Edges are straight in longitude and latitude (RFC 7946, section 3.1.1; see `edges`). Candidates come from a k-d
    tree on the geocentric middles of short pieces of edge; a piece is left out only where the bounds that chords set
    (`geodesy.geodesic_bounds`) prove that it cannot be nearest. The distance to the others is the least of Karney's
    geodesic (2013, doi:10.1007/s00190-012-0578-z) along the piece, to well below a millimetre.
    """
    _check(k, within_m)
    crs = geodesy.layer_crs(sites, "sites")
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    layer = geodesy.in_geodetic_crs(features, "features", crs)
    geometries = layer.geometry.to_numpy()
    edges.check_geometries(geometries, features.index, "features")
    found = feature_search.nearest(
        feature_search.Target.of(geodesy.ellipsoid(crs), geometries), (lon, lat), int(k), within_m
    )
    return pd.DataFrame(
        {
            "site_uid": sites.index.take(found.site),
            "rank": feature_search.ranks(found.site),
            "feature": features.index.take(found.feature),
            **found.place._asdict(),
        }
    )


def nearest_sites(
    place: GeoDataFrame | GeoSeries | BaseGeometry, sites: GeoDataFrame, *, k: int = 1, within_m: float | None = None
) -> pd.DataFrame:
    """Find the k sites nearest to one place: a point, a river line, a source area.

    Parameters
    ----------
    place : a geometry in degrees of the geographic CRS of ``sites``, or a layer with a CRS of its own, whose rows
        together are the place
    sites : (n,) points, index ``uid``
    k : how many sites
    within_m : only sites at most so many metres away; one exactly there counts

    Returns
    -------
    (≤ k,) rows ``site_uid, rank, distance_m, azimuth_deg, lon, lat`` by rank, otherwise as in `nearest_feature`:
    ``lon, lat`` is the nearest position on the place and ``azimuth_deg`` the direction there at the site. Equally
    distant sites stand in the order of ``sites``, so that all sites inside a polygon come first, in that order.

    Raises
    ------
    EmptyLayerError : the place is a layer without a row.
    BadParameterError, CrsError : as in `nearest_feature`.
    """
    _check(k, within_m)
    crs = geodesy.layer_crs(sites, "sites")
    lon, lat = geodesy.lonlat(sites, "sites", crs)
    if isinstance(place, gpd.GeoDataFrame | gpd.GeoSeries):
        layer = place.to_frame("geometry") if isinstance(place, gpd.GeoSeries) else place
        geometries = geodesy.in_geodetic_crs(layer, "place", crs).geometry.to_numpy()
        names = layer.index
    else:
        geometries, names = np.array([place], dtype=object), pd.Index(["it"])
    edges.check_geometries(geometries, names, "place")
    target = feature_search.Target.of(geodesy.ellipsoid(crs), geometries, one=True)
    rows = feature_search.near_enough(target, (lon, lat), int(k))
    found = feature_search.nearest(target, (lon[rows], lat[rows]), 1, within_m)
    order = np.argsort(found.place.distance_m, kind="stable")[: int(k)]
    return pd.DataFrame(
        {
            "site_uid": sites.index.take(rows[found.site[order]]),
            "rank": np.arange(1, order.size + 1),
            **{column: values[order] for column, values in found.place._asdict().items()},
        }
    )


def _check(k: int, within_m: float | None) -> None:
    if not 1 <= k < np.inf or int(k) != k:
        raise BadParameterError(f"k = {k}: give a whole number, 1 or more.")
    if within_m is not None and not within_m >= 0:
        raise BadParameterError(f"within_m = {within_m}: give metres, 0 or more, or leave it out.")
