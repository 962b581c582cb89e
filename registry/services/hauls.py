"""The hauls that are possible: every lot of waste, every plant that accepts it, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from registry.errors import BadParameterError, EmptyLayerError, UnknownColumnError
from registry.services import geodesy, materials
from registry.services.amounts import amount_column
from registry.services.materials import SEPARATORS

if TYPE_CHECKING:
    import pyproj
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from registry.services.geodesy import FloatArray

    IntArray = NDArray[np.intp]

_MOST_HAULS = 1 << 25
"""Pairs that are held in memory at once, about a gigabyte."""


class Lots(NamedTuple):
    """Waste that is hauled together: a stream, or a whole site where nothing tells its streams.

    Attributes
    ----------
    site : (l,) row of the site
    parcel : (l,) the tonnes that the lot speaks for; lots of one parcel are the same tonnes under different codes
    annual_t : (l,) tonnes a year, missing ones as 0
    group : (l,) row of ``accepts``
    codes : what every group holds, in the spelling of `materials.waste_code`; empty where material is not considered
    texts : (groups,) the codes as they were given, None where there is none
    accepts : (groups, m) whether a plant accepts a group
    """

    site: IntArray
    parcel: IntArray
    annual_t: FloatArray
    group: IntArray
    codes: list[frozenset[str]]
    texts: NDArray[np.object_]
    accepts: NDArray[np.bool_]


class Hauls(NamedTuple):
    """Lots and plants within reach of each other, (h,) each, the nearest plant of every lot first."""

    lot: IntArray
    plant: IntArray
    distance_m: FloatArray


class Setting(NamedTuple):
    """Who stands where: ellipsoid, positions of sites and of plants in degrees."""

    geod: pyproj.Geod
    sites: tuple[FloatArray, FloatArray]
    plants: tuple[FloatArray, FloatArray]


def setting(sites: GeoDataFrame, plants: GeoDataFrame) -> Setting:
    """Read the positions of both layers, in the geographic CRS of the sites.

    Raises
    ------
    EmptyLayerError : there is no plant.
    BadParameterError, CrsError : see `geodesy.lonlat`.
    """
    if len(plants) == 0:
        raise EmptyLayerError("plants: there is none, so nothing can be hauled anywhere. Import plants first.")
    crs = geodesy.layer_crs(sites, "sites")
    positions = geodesy.lonlat(sites, "sites", crs), geodesy.lonlat(plants, "plants", crs)
    return Setting(geodesy.ellipsoid(crs), *positions)


# ------------------------------------------------------------------------------------------------ lots


def lots_of(
    sites: pd.DataFrame,
    plants: pd.DataFrame,
    streams: pd.DataFrame | None,
    *,
    same_material: bool,
    intakes: pd.DataFrame | None = None,
    code_by_code: bool = False,
) -> Lots:
    """Return what can be hauled, and who accepts it.

    Parameters
    ----------
    sites : (n,) columns ``waste_codes, annual_t`` are used where they are and streams are not given
    plants : (m,) column ``waste_codes``; without it the codes of ``intakes`` tell what a plant accepts
    streams : ``site_uid, waste_code, annual_t``; equal codes of a site are one lot
    same_material : only plants that accept the code; otherwise every plant accepts every lot
    code_by_code : a site or stream with several codes is one lot for each of them

    Raises
    ------
    UnknownColumnError : only one of the layers says its waste codes; a column of the streams is missing.
    BadParameterError : a stream of a site that is not there; tonnes that are negative or infinite.
    """
    site, texts, annual = _from_sites(sites) if streams is None else _from_streams(sites, streams)
    taken = _accepted_codes(plants, intakes)
    held_known = streams is not None or materials.COLUMN in sites.columns
    if same_material and held_known != (taken is not None):
        materials.considered(
            pd.Index([materials.COLUMN] if held_known else []), pd.Index([] if taken is None else [materials.COLUMN])
        )
    site, group, annual, given = _merged(site, texts, annual, as_given=streams is None)
    parcel = np.arange(site.size)
    sets = [materials.waste_codes(text) for text in given]
    if code_by_code and any(len(codes) > 1 for codes in sets):
        singles = [_single_codes(text) for text in given]
        number = np.array([len(codes) for codes in singles])[group]
        texts = np.array([code for each in group for code in singles[each]], dtype=object)
        parcel = np.repeat(parcel, number)
        site, group, annual, given = _merged(site[parcel], texts, annual[parcel], as_given=True)
        sets = [materials.waste_codes(text) for text in given]
    if same_material and taken is not None:
        by_plant, plant_codes = materials.distinct(taken)
        accepts = materials.accepted(sets, plant_codes)[:, by_plant]
    else:
        accepts = np.ones((len(sets), len(plants)), np.bool_)
    shown = np.array([text if codes else None for text, codes in zip(given, sets, strict=True)], dtype=object)
    return Lots(site, parcel, annual, group, sets, shown, accepts)


def _from_sites(sites: pd.DataFrame) -> tuple[IntArray, NDArray[np.object_], FloatArray]:
    none = np.full(len(sites), None, dtype=object)
    texts = sites[materials.COLUMN].to_numpy(dtype=object) if materials.COLUMN in sites.columns else none
    return np.arange(len(sites)), texts, amount_column(sites, "sites", "annual_t")


def _from_streams(sites: pd.DataFrame, streams: pd.DataFrame) -> tuple[IntArray, NDArray[np.object_], FloatArray]:
    _need(streams, "streams", ("site_uid", "waste_code"))
    site = _rows(streams["site_uid"], sites.index, ("streams", "site_uid", "sites"))
    order = np.argsort(site, kind="stable")
    texts = streams["waste_code"].to_numpy(dtype=object)
    return site[order], texts[order], amount_column(streams, "streams", "annual_t")[order]


def _accepted_codes(plants: pd.DataFrame, intakes: pd.DataFrame | None) -> pd.Series[str] | None:
    """Return the codes that every plant accepts as a text, or None where nothing says them."""
    if materials.COLUMN in plants.columns or intakes is None:
        return plants[materials.COLUMN] if materials.COLUMN in plants.columns else None
    _need(intakes, "intakes", ("plant_uid", "waste_code"))
    joined = intakes.dropna(subset="waste_code").groupby("plant_uid")["waste_code"].agg(";".join)
    return joined.reindex(plants.index)


def _single_codes(text: object) -> list[str | None]:
    """Return the codes in a text one by one, in their own spelling, each code once."""
    spelled = {
        code: part.strip()
        for part in (reversed(SEPARATORS.split(text)) if isinstance(text, str) else ())
        for code in materials.waste_codes(part)
    }
    return [*reversed(spelled.values())] or [None]


def _merged(
    site: IntArray, texts: NDArray[np.object_], annual: FloatArray, *, as_given: bool
) -> tuple[IntArray, IntArray, FloatArray, list[object]]:
    """Return site, group of equal codes and tonnes of lots, and the first spelling of every group.

    Unless they are to stay as they are given, equal codes of one site become one lot.
    """
    spelling, given = pd.factorize(texts, use_na_sentinel=False)
    numbers: dict[frozenset[str], int] = {}
    of_spelling = np.array(
        [numbers.setdefault(materials.waste_codes(text), len(numbers)) for text in given], dtype=np.intp
    )
    group = of_spelling[spelling]
    first_spellings = [given[at] for at in np.unique(of_spelling, return_index=True)[1]]
    key = pd.MultiIndex.from_arrays([site, group])
    if not as_given and not key.is_unique:
        number, _ = pd.factorize(key)
        first = np.unique(number, return_index=True)[1]
        site, group, annual = site[first], group[first], np.bincount(number, annual).astype(np.float64)
    return site, group, annual, first_spellings


def _need(frame: pd.DataFrame, what: str, columns: tuple[str, ...]) -> None:
    for column in columns:
        if column not in frame.columns:
            raise UnknownColumnError(f"{what}: no column {column}. Found: {', '.join(map(str, frame.columns))}.")


def _rows(uids: pd.Series[str], index: pd.Index[str], names: tuple[str, str, str]) -> IntArray:
    rows = index.get_indexer(pd.Index(uids))
    if (rows < 0).any():
        what, column, layer = names
        raise BadParameterError(
            f"{what}: {column} {uids.iloc[int(np.argmin(rows))]} is not among the {layer}. Give {what} of these {layer}."
        )
    return rows


# --------------------------------------------------------------------------------------------- intakes


def intake_rows(intakes: pd.DataFrame, plants: pd.DataFrame, codes: list[frozenset[str]]) -> tuple[IntArray, IntArray]:
    """Which intake of a plant takes a group of lots.

    Parameters
    ----------
    intakes : (i,) ``plant_uid, waste_code``
    plants : (m,) index ``uid``
    codes : what every group holds; one with several codes is taken by the first of them that an intake names

    Returns
    -------
    (groups, m) row of ``intakes``, −1 where none names the code; and the (i,) plant of every intake. The intake that
    names the code itself goes before the one that names its category.

    Raises
    ------
    UnknownColumnError : a column is missing.
    BadParameterError : an intake of a plant that is not there; two of a plant for the same code.
    """
    _need(intakes, "intakes", ("plant_uid", "waste_code"))
    plant = _rows(intakes["plant_uid"], plants.index, ("intakes", "plant_uid", "plants"))
    named = [materials.waste_codes(text) for text in intakes["waste_code"]]
    table = pd.DataFrame(
        [(at, row, code) for row, (at, some) in enumerate(zip(plant, named, strict=True)) for code in some],
        columns=["plant", "row", "code"],
    )
    twice = table.duplicated(["plant", "code"])
    if twice.any():
        row = table[twice].iloc[0]
        raise BadParameterError(
            f"intakes: plant {plants.index[row['plant']]} has more than one row for {row['code']}. Keep one."
        )
    by_code = {str(code): rows for code, rows in table.groupby("code")}
    found = np.full((len(codes), len(plants)), -1, np.intp)
    for group, some in enumerate(codes):
        exact = sorted(some, reverse=True)
        for code in [*(materials.category(code) for code in exact), *exact]:
            if code in by_code:
                found[group, by_code[code]["plant"]] = by_code[code]["row"]
    return found, plant


# ----------------------------------------------------------------------------------------------- hauls


def within(place: Setting, lots: Lots, radius_m: FloatArray) -> Hauls:
    """All lots and plants that accept them within a distance of their own.

    Parameters
    ----------
    radius_m : (groups, m) metres, or what broadcasts to it; negative or NaN where there is no haul at all

    Returns
    -------
    The hauls by lot, distance and plant. A plant exactly at the radius is within reach.

    Raises
    ------
    BadParameterError : there are more than some thirty million pairs to look at.
    """
    half = geodesy.half_meridian_m(place.geod) + 1.0
    radius = np.where(lots.accepts, np.minimum(np.nan_to_num(radius_m, nan=-1.0, posinf=half), half), -1.0)
    site_xyz = geodesy.geocentric(place.geod, *place.sites)
    plant_xyz = geodesy.geocentric(place.geod, *place.plants)
    found: list[tuple[IntArray, IntArray]] = []
    seen = 0
    for group in range(len(lots.codes)):
        members, takers = np.flatnonzero(lots.group == group), np.flatnonzero(radius[group] >= 0)
        if members.size == 0 or takers.size == 0:
            continue
        # No chord is longer than its geodesic, and few are much shorter.
        widest = float(geodesy.longest_chord(place.geod, radius[group][takers]).max())
        tree, to = cKDTree(site_xyz[lots.site[members]]), cKDTree(plant_xyz[takers])
        seen += int(tree.count_neighbors(to, widest))
        if seen > _MOST_HAULS:
            raise BadParameterError(
                f"{len(lots.site):,} lots of waste and {plant_xyz.shape[0]:,} plants: more than {_MOST_HAULS:,} pairs "
                "are within reach. Ask for a shorter distance, or for one region at a time."
            )
        pairs = tree.sparse_distance_matrix(to, widest, output_type="ndarray")
        found.append((members[pairs["i"]], takers[pairs["j"]]))
    lot = np.concatenate([np.empty(0, np.intp), *(pair[0] for pair in found)])
    plant = np.concatenate([np.empty(0, np.intp), *(pair[1] for pair in found)])
    at = lots.site[lot]
    distance = geodesy.inverse(
        place.geod, *(values[at] for values in place.sites), *(values[plant] for values in place.plants)
    ).distance_m
    keep = distance <= radius[lots.group[lot], plant]
    lot, plant, distance = lot[keep], plant[keep], distance[keep]
    order = np.lexsort((plant, distance, lot))
    return Hauls(lot[order], plant[order], distance[order])
