"""What lies within given distances of the plants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.errors import EmptyLayerError
from registry.services import geodesy, materials, tallies
from registry.services.amounts import amount_column
from registry.services.coverage_parts import Grouped, Part
from registry.services.kernels import sums
from registry.services.kernels.circle_union import union_of_circles
from registry.services.radii import Radii, of_plants
from registry.services.reach import TONNES, Holdings, Reach, Streams, measure

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

    Where every plant has a radius of its own there is one block, and ``radius_km`` is NaN except in ``per_plant``. A value
    of ``kind, level, province, waste_code`` that is missing, or whose column is, is None.

    Attributes
    ----------
    per_plant : ``plant_uid, radius_km, sites, annual_t, stock_t``, a row for every plant and radius
    per_site : ``site_uid, radius_km, plants``, a row for every site and radius
    totals : ``radius_km, sites_covered, share_sites, annual_t_covered, share_annual_t, area_km2``
    by_group : ``kind, level, province, radius_km, sites, sites_covered, share_sites, annual_t, annual_t_covered,
        share_annual_t``, a row for every combination that occurs and radius; its counts and tonnes may be summed over
        any of the three
    per_material : ``waste_code, category, radius_km, sites, sites_covered, annual_t, annual_t_covered, share_annual_t,
        plants_accepting``. A material is the codes of a stream, or of a site where there are no streams; spellings of the
        same codes are one. ``category`` is that of the catalogue, ``SW05`` or ``HW48``. A site counts for every material
        that it holds, and is covered where a plant within reach accepts that one. ``plants_accepting`` are near or far
    unreached : ``site_uid, radius_km``, the sites that no plant reaches
    unreached_by_province : ``province_code, radius_km, sites, sites_unreached, annual_t, annual_t_unreached,
        share_unreached, rank``, by rank: 1 has the most tonnes a year that no plant within reach accepts (the most sites
        where nothing tells tonnes), equal ones share a rank. ``share_unreached`` is that of the tonnes. Sites in no
        province are the last row, with None and no rank
    areas : ``radius_km, area_km2, geometry``, the union of the circles as valid MultiPolygons, in the CRS of the sites
        (the geographic one they are measured in where they are projected); no rows with ``areas=False``
    """

    per_plant: pd.DataFrame
    per_site: pd.DataFrame
    totals: pd.DataFrame
    by_group: pd.DataFrame
    per_material: pd.DataFrame
    unreached: pd.DataFrame
    unreached_by_province: pd.DataFrame
    areas: GeoDataFrame


def within_radius(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    radius_km: float | Iterable[float] | pd.Series[float] = (50, 100, 150),
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
        itself, not as a ring. Equal ones count once. Or a Series by plant uid: a radius of its own for each plant; one
        of 0, NaN or none reaches nothing
    same_material : only plants that accept what the site holds (`materials.matching`)
    streams : ``site_uid, waste_code, annual_t, stock_t``, what each site holds by code. With them a plant's tonnes are
        those of the streams that it accepts, and nationally a stream counts once if any plant within reach accepts it.
        A site holds the codes of its streams and those of its ``waste_codes``
    areas : whether to draw the union of circles and measure it; without, ``area_km2`` is NaN

    Returns
    -------
    A `CoverageResult`. Tonnes are NaN where nothing says them; a missing value among others counts as 0. Shares are
    of all sites and all tonnes given, NaN where there are none. A site exactly at the radius is inside. Tonnes are exact
    sums (`sums`), which depend on no order.

    Raises
    ------
    EmptyLayerError : there is no plant.
    BadParameterError : a radius out of range or of a plant that is not there, or none; a bad geometry; a uid that
        occurs twice; a stream of a site that is not there; tonnes that are negative or infinite.
    UnknownColumnError : only one of the layers says its waste codes; a column of the streams is missing.
    CrsError : a layer has no CRS.

    Notes
    -----
    Chords in geocentric coordinates settle nearly all pairs (`geodesy.chord_bounds`); of the few in the band between
    the bounds Karney's geodesic is asked. Areas are those of circle polygons (`circles.circles`).
    """
    part, plants_of_site = part_of(sites, plants, radius_km, same_material=same_material, streams=streams)
    crs = geodesy.layer_crs(sites, "sites")
    whole = result_of(part, plants, radius_km, crs, same_material=same_material, areas=areas)
    per_site, unreached = rows_of(sites.index, plants_of_site, whole.totals["radius_km"].to_numpy())
    return replace(whole, per_site=per_site, unreached=unreached)


def part_of(
    sites: GeoDataFrame,
    plants: GeoDataFrame,
    radius_km: float | Iterable[float] | pd.Series[float],
    *,
    same_material: bool = True,
    streams: pd.DataFrame | None = None,
) -> tuple[Part, NDArray[np.int32]]:
    """Measure what the plants reach of some of the sites: the part of `within_radius` that can be done in parts.

    Parameters
    ----------
    sites : (n,) points as in `within_radius`
    plants, radius_km, same_material : the same for every part
    streams : those of these sites

    Returns
    -------
    A part, which adds up with others (`coverage_parts.merge`), and how many matching plants reach each site at each
    radius, (radii, n).

    Raises
    ------
    EmptyLayerError, BadParameterError, UnknownColumnError, CrsError : as in `within_radius`.
    """
    if len(plants) == 0:
        raise EmptyLayerError("plants: there is none, so nothing is within reach. Import plants first.")
    crs = geodesy.layer_crs(sites, "sites")
    geod = geodesy.ellipsoid(crs)
    site_position = geodesy.lonlat(sites, "sites", crs)
    plant_position = geodesy.lonlat(plants, "plants", crs)
    radii = of_plants(radius_km, plants, geod)
    for column in TONNES:
        amount_column(sites if streams is None else streams, "sites" if streams is None else "streams", column)
    holdings = Holdings.of(sites, plants, streams, same_material=same_material)
    found = measure(geod, site_position, plant_position, radii.km * 1_000, holdings)

    covered, held = _covered(sites, streams, holdings, found)
    everything = tallies.Groups(np.zeros(len(sites), np.intp), pd.DataFrame(index=[0]))
    groups = tallies.groups_of(sites, _GROUPS)
    provinces = tallies.groups_of(sites, {"province_code": "province_code"})
    part = Part(
        found.sites_of_plant,
        found.units_of_plant,
        holdings.known,
        streams is not None or materials.COLUMN in sites.columns,
        Grouped(everything.keys, tallies.of_sites(everything, covered)),
        Grouped(groups.keys, tallies.of_sites(groups, covered)),
        Grouped(provinces.keys, tallies.of_sites(provinces, covered)),
        Grouped(held.keys, tallies.of_parts(held, covered)),
    )
    return part, found.plants_of_site


def result_of(
    part: Part,
    plants: GeoDataFrame,
    radius_km: float | Iterable[float] | pd.Series[float],
    crs: CRS,
    *,
    same_material: bool = True,
    areas: bool = True,
) -> CoverageResult:
    """Tell what a part, or all parts put together, amount to: the part of `within_radius` that comes last.

    Parameters
    ----------
    part : measured with the same ``plants``, ``radius_km`` and ``same_material``
    crs : the geographic CRS that the sites were measured in (`geodesy.layer_crs`)
    areas : as in `within_radius`

    Returns
    -------
    A `CoverageResult` whose ``per_site`` and ``unreached`` have no rows: these are the sites' own (`rows_of`).

    Raises
    ------
    BadParameterError, CrsError : as in `within_radius`.
    """
    geod = geodesy.ellipsoid(crs)
    radii = of_plants(radius_km, plants, geod)
    known, label = part.known[0], radii.label_km
    drawn = _areas(geod, geodesy.lonlat(plants, "plants", crs), radii if areas else None, crs)
    codes = [materials.waste_codes(text) for text in part.held.keys["waste_code"]]
    accepting = _accepting(codes, plants if same_material and part.reads_codes else None, len(plants))
    totals, by_group, per_material = (
        tallies.share_table(of.groups, of.tally, label, known=known) for of in (part.everything, part.groups, part.held)
    )
    nobody = rows_of(plants.index[:0], np.empty((label.size, 0), np.int32), label)
    return CoverageResult(
        per_plant=_per_plant(plants, radii, part),
        per_site=nobody[0],
        totals=totals.drop(columns=["sites", "annual_t"]).assign(
            area_km2=drawn["area_km2"].to_numpy() if areas else np.nan
        ),
        by_group=by_group,
        per_material=per_material.drop(columns="share_sites").assign(plants_accepting=np.tile(accepting, label.size)),
        unreached=nobody[1],
        unreached_by_province=tallies.unreached_table(part.provinces.groups, part.provinces.tally, label, known=known),
        areas=drawn,
    )


def rows_of(
    uids: pd.Index[str], plants_of_site: NDArray[np.int32], label_km: FloatArray
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """``per_site`` and ``unreached`` of n sites from how many plants reach each at each radius, (radii, n)."""
    per_site = pd.DataFrame(
        {
            "site_uid": uids.append([uids] * (label_km.size - 1)),
            "radius_km": np.repeat(label_km, len(uids)),
            "plants": plants_of_site.ravel(),
        },
        copy=False,
    )
    left = [uids[plants == 0] for plants in plants_of_site]
    unreached = pd.DataFrame(
        {"site_uid": left[0].append(left[1:]), "radius_km": np.repeat(label_km, [len(some) for some in left])}
    )
    return per_site, unreached


def _per_plant(plants: pd.DataFrame, radii: Radii, part: Part) -> pd.DataFrame:
    table = pd.DataFrame(
        {
            "plant_uid": plants.index.append([plants.index] * (radii.label_km.size - 1)),
            "radius_km": radii.by_plant(len(plants)).ravel(),
            "sites": part.sites_of_plant.ravel(),
        }
    )
    tonnes = sums.rounded(part.units_of_plant)
    for number, column in enumerate(TONNES):
        table[column] = tonnes[..., number].ravel() if part.known[number] else np.nan
    return table


def _covered(
    sites: pd.DataFrame, streams: pd.DataFrame | None, holdings: Holdings, found: Reach
) -> tuple[tallies.Covered, tallies.Groups]:
    """Return what is covered first at which radius, and the material of every part."""
    radii = len(found.covered)
    site_first = radii - np.count_nonzero(found.plants_of_site, axis=0)
    parts = holdings.streams
    if parts is not None and streams is not None:
        site, annual, number, texts = parts.site, parts.tonnes[:, 0], parts.group, _texts(sites, streams, parts)
        first = radii - np.count_nonzero(found.covered, axis=0)
    elif streams is not None:
        at = sites.index.get_indexer(pd.Index(streams["site_uid"]))
        order = np.argsort(at, kind="stable")
        site = at[order]
        number, spelled = pd.factorize(streams["waste_code"].iloc[order], use_na_sentinel=False)
        texts, first = list(spelled), site_first[site]
        annual = amount_column(streams, "streams", "annual_t")[order]
    else:
        site, first, annual = np.arange(len(sites)), site_first, holdings.site_tonnes[:, 0]
        number, texts = np.zeros(len(sites), np.intp), [None] if len(sites) else []
        if materials.COLUMN in sites.columns:
            number, spelled = pd.factorize(sites[materials.COLUMN], use_na_sentinel=False)
            texts = list(spelled)
    return tallies.Covered(site_first, site, first, annual, radii), tallies.materials_of(number, texts)


def _texts(sites: pd.DataFrame, streams: pd.DataFrame, parts: Streams) -> list[object]:
    """Return the waste code of every group of streams as it was given.

    The parts are the streams by site, those of one site in the order in which they were given; so the first part of
    each group leads to its row.
    """
    _, first = np.unique(parts.group, return_index=True)
    rows = pd.DataFrame({"site_uid": sites.index.take(parts.site[first])})
    rows["nth"] = first - np.searchsorted(parts.site, parts.site[first])
    few = streams.loc[streams["site_uid"].isin(rows["site_uid"]).to_numpy(), ["site_uid", "waste_code"]]
    few = few.assign(nth=few.groupby("site_uid").cumcount())
    return list(rows.merge(few, how="left", on=["site_uid", "nth"])["waste_code"])


def _accepting(codes: list[frozenset[str]], plants: pd.DataFrame | None, number: int) -> NDArray[np.int64]:
    """Return how many of a number of plants accept each material; without plants that tell theirs all do."""
    if plants is None or materials.COLUMN not in plants.columns:
        return np.full(len(codes), number)
    group, taken = materials.distinct(plants[materials.COLUMN])
    return materials.accepted(codes, taken) @ np.bincount(group, minlength=len(taken))


def _areas(geod: pyproj.Geod, centres: tuple[FloatArray, FloatArray], radii: Radii | None, crs: CRS) -> GeoDataFrame:
    """Draw the union of circles of every radius; none without radii."""
    label, by_plant = (
        (np.empty(0), np.empty((0, 0))) if radii is None else (radii.label_km, radii.by_plant(centres[0].size))
    )
    unions = np.empty(label.size, dtype=object)
    for number, radius_km in enumerate(by_plant):
        unions[number] = union_of_circles(geod, *centres, radius_km * 1_000)
    table = pd.DataFrame({"radius_km": label, "area_km2": geodesy.area_km2(geod, unions)})
    return gpd.GeoDataFrame(table, geometry=gpd.GeoSeries(unions, crs=crs), crs=crs)
