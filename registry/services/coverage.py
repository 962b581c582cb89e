"""What lies within given distances of the plants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.errors import EmptyLayerError
from registry.services import geodesy, hauls
from registry.services.circle_union import union_of_circles
from registry.services.reach import TONNES, Holdings, Reach, measure

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyproj
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

    from registry.services.geodesy import FloatArray

_GROUPS = {"kind": "kind", "level": "supervision_level", "province": "province_code"}


@dataclass(frozen=True)
class CoverageResult:
    """What `within_radius` found; long tables with one block of rows a radius.

    Attributes
    ----------
    per_plant : ``plant_uid, radius_km, sites, annual_t, stock_t``, a row for every plant and radius
    per_site : ``site_uid, radius_km, plants``, a row for every site and radius
    totals : ``radius_km, sites_covered, share_sites, annual_t_covered, share_annual_t, area_km2``
    by_group : ``kind, level, province, radius_km, sites, sites_covered, share_sites, annual_t, annual_t_covered,
        share_annual_t``, a row for every combination that occurs and radius; its counts and tonnes may be summed over
        any of the three. A value that is missing, or whose column is, is None
    unreached : ``site_uid, radius_km``, the sites that no plant reaches
    areas : ``radius_km, area_km2, geometry``, the union of the circles as valid MultiPolygons, in the CRS of the sites
        (the geographic one they are measured in where they are projected); no rows with ``areas=False``
    """

    per_plant: pd.DataFrame
    per_site: pd.DataFrame
    totals: pd.DataFrame
    by_group: pd.DataFrame
    unreached: pd.DataFrame
    areas: GeoDataFrame


def within_radius(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    radius_km: float | Iterable[float] = (50, 100, 150),
    *,
    same_material: bool = True,
    streams: pd.DataFrame | None = None,
    areas: bool = True,
) -> CoverageResult:
    """Count the sites and tonnes within geodesic radii of the plants, and draw what the plants cover.

    Parameters
    ----------
    sites : (n,) points, index ``uid``; columns ``waste_codes, annual_t, stock_t, kind, supervision_level,
        province_code`` are used where they are
    plants : (m,) points, index ``uid``; column ``waste_codes``. Brought to the CRS of ``sites``
    radius_km : one or several radii, more than 0 and at most half the meridian (20,003.93 km on GRS80); each counts by
        itself, not as a ring. Equal ones count once
    same_material : only plants that accept what the site holds (`materials.matching`)
    streams : ``site_uid, waste_code, annual_t, stock_t``, what each site holds by code. With them a plant's tonnes are
        those of the streams that it accepts, and nationally a stream counts once if any plant within reach accepts it.
        A site holds the codes of its streams and those of its ``waste_codes``
    areas : whether to draw the union of circles and measure it; without, ``area_km2`` is NaN

    Returns
    -------
    A `CoverageResult`. Tonnes are NaN where nothing says them; a missing value among others counts as 0. Shares are
    of all sites and all tonnes given, NaN where there are none. A site exactly at the radius is inside.

    Raises
    ------
    EmptyLayerError : there is no plant.
    BadParameterError : a radius out of range, or none; a bad geometry; a uid that occurs twice; a stream of a site
        that is not there.
    UnknownColumnError : only one of the layers says its waste codes; a column of the streams is missing.
    CrsError : a layer has no CRS.

    Notes
    -----
    Chords in geocentric coordinates settle nearly all pairs (`geodesy.chord_bounds`); of the few in the band between
    the bounds Karney's geodesic is asked. Areas are those of circle polygons (`circles.circles`).
    """
    if len(plants) == 0:
        raise EmptyLayerError("plants: there is none, so nothing is within reach. Import plants first.")
    crs = geodesy.layer_crs(sites, "sites")
    geod = geodesy.ellipsoid(crs)
    radii = hauls.radii_km(radius_km, geod)
    site_position = geodesy.lonlat(sites, "sites", crs)
    plant_position = geodesy.lonlat(plants, "plants", crs)
    holdings = Holdings.of(sites, plants, streams, same_material=same_material)
    found = measure(geod, site_position, plant_position, radii * 1_000, holdings)

    drawn = _areas(geod, plant_position, radii if areas else radii[:0], crs)
    reached = found.plants_of_site > 0
    known = holdings.known
    covered = found.annual_of_site.sum(axis=1) if known[0] else np.full(radii.size, np.nan)
    annual = holdings.site_tonnes[:, 0]
    totals = pd.DataFrame(
        {
            "radius_km": radii,
            "sites_covered": reached.sum(axis=1),
            "share_sites": _share(reached.sum(axis=1), len(sites)),
            "annual_t_covered": covered,
            "share_annual_t": _share(covered, annual.sum()),
            "area_km2": drawn["area_km2"].to_numpy() if areas else np.nan,
        }
    )
    site_uid = _stacked(sites.index, radii, "site_uid")
    return CoverageResult(
        per_plant=_per_plant(plants, radii, found, known),
        per_site=site_uid.assign(plants=found.plants_of_site.ravel()),
        totals=totals,
        by_group=_by_group(sites, radii, found, (annual if known[0] else np.full(len(sites), np.nan), reached)),
        unreached=site_uid[~reached.ravel()].reset_index(drop=True),
        areas=drawn,
    )


def _stacked(uids: pd.Index, radii: FloatArray, name: str) -> pd.DataFrame:
    """Repeat the uids for every radius."""
    return pd.DataFrame(
        {name: uids.take(np.tile(np.arange(len(uids)), radii.size)), "radius_km": np.repeat(radii, len(uids))}
    )


def _share(part: FloatArray | NDArray[np.int64], whole: float) -> FloatArray:
    return np.asarray(part / whole) if whole > 0 else np.full(len(part), np.nan)


def _per_plant(plants: pd.DataFrame, radii: FloatArray, found: Reach, known: tuple[bool, bool]) -> pd.DataFrame:
    table = _stacked(plants.index, radii, "plant_uid")
    table["sites"] = found.sites_of_plant.ravel()
    for number, column in enumerate(TONNES):
        table[column] = found.tonnes_of_plant[number].ravel() if known[number] else np.nan
    return table


def _by_group(
    sites: pd.DataFrame, radii: FloatArray, found: Reach, of_site: tuple[FloatArray, NDArray[np.bool_]]
) -> pd.DataFrame:
    annual, reached = of_site
    keys = pd.DataFrame(
        {
            name: sites[column].astype(object) if column in sites.columns else pd.Series(None, sites.index, object)
            for name, column in _GROUPS.items()
        }
    ).reset_index(drop=True)
    group, names = pd.factorize(pd.MultiIndex.from_frame(keys.where(keys.notna(), None)))
    first = np.unique(group, return_index=True)[1]
    blocks = []
    for number, radius in enumerate(radii):
        block = keys.iloc[first].reset_index(drop=True)
        block = block.where(block.notna(), None)
        block["radius_km"] = radius

        def total(values: NDArray[np.generic]) -> FloatArray:
            return np.bincount(group, values.astype(np.float64), minlength=len(names)).astype(np.float64)

        block["sites"] = np.bincount(group, minlength=len(names))
        block["sites_covered"] = total(reached[number]).astype(np.int64)
        block["share_sites"] = block["sites_covered"] / block["sites"]
        block["annual_t"] = total(annual)
        covered = total(found.annual_of_site[number])
        block["annual_t_covered"] = np.where(block["annual_t"].isna(), np.nan, covered)
        block["share_annual_t"] = block["annual_t_covered"] / block["annual_t"].where(block["annual_t"] > 0)
        blocks.append(block)
    return pd.concat(blocks, ignore_index=True)


def _areas(geod: pyproj.Geod, centres: tuple[FloatArray, FloatArray], radii: FloatArray, crs: CRS) -> GeoDataFrame:
    unions = np.empty(radii.size, dtype=object)
    for number, radius in enumerate(radii):
        unions[number] = union_of_circles(geod, *centres, radius * 1_000)
    table = pd.DataFrame({"radius_km": radii, "area_km2": geodesy.area_km2(geod, unions)})
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(unions, crs=crs), crs=crs)
