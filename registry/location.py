"""Where records lie: region codes by location, and the doubts that a location raises."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd

from registry.intake.places.provinces import same_province
from registry.model.fields import feature_table
from registry.model.records import findings
from registry.model.tables import Region, table_of
from registry.model.vocabulary import REGION_LEVELS, Kind
from registry.services import regions as region_service
from registry.settings import settings
from registry.store import read, region
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pyproj
    from sqlalchemy import Connection, Table

    from registry.store.backend import BBox
    from registry.store.store import Store

# Beyond these latitudes, or across the antimeridian, all regions are looked at.
_POLEWARD = (-85.0, 85.0)

# What this module says of a row, so that a later location can take it back.
_ELSEWHERE = "declared_province: "
_NOWHERE = "position: "


def located(
    connection: Connection, crs: pyproj.CRS, records: pd.DataFrame, *, tolerance_m: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give records their region codes.

    Parameters
    ----------
    records : (n,) rows with ``lon, lat, row`` and, where known, ``declared_province`` and ``warnings``.
    tolerance_m : a record outside every region gets the nearest one within this geodesic distance.

    Returns
    -------
    The records with ``province_code, city_code, county_code``, with ``geom`` where there are regions, and findings: rows that lie elsewhere than they
    declare, or in no province at all. A finding stands in the row's ``warnings`` too.
    """
    placed = records.copy()
    doubts = pd.Series(None, index=records.index, dtype="str")
    points: gpd.GeoDataFrame | None = None
    known = read.region_levels(connection)
    near = _surroundings(records, tolerance_m)
    for level in REGION_LEVELS:
        if level not in known or records.empty:
            placed[f"{level}_code"] = pd.Series(None, index=records.index, dtype="str")
            continue
        layer = read.regions(connection, crs, level, bbox=near)
        if points is None:
            points = gpd.GeoDataFrame(geometry=gpd.points_from_xy(records["lon"], records["lat"]), crs=crs)
            placed["geom"] = pd.Series(np.asarray(points.geometry.array), index=records.index, dtype=object)
        codes = region_service.locate(points, layer, tolerance_m=tolerance_m)
        placed[f"{level}_code"] = pd.Series(codes.tolist(), index=records.index, dtype="str")
        if level == "province":
            doubts = _doubts(placed, layer)
    kept = placed["warnings"] if "warnings" in placed else pd.Series(None, index=records.index, dtype="str")
    placed["warnings"] = _joined(_without_ours(kept), doubts)
    said = doubts.notna()
    rows = list(
        zip(
            records.loc[said, "row"].astype(int),
            doubts[said].str.split(": ").str[0],
            _declared(records)[said].fillna(""),
            doubts[said].str.split(": ", n=1).str[1],
            strict=True,
        )
    )
    return placed, findings(rows)


def store_regions(store: Store, layers: Mapping[str, gpd.GeoDataFrame], say: Callable[[str], None]) -> None:
    """Replace the regions of some levels, and give every stored site the codes of those it lies in."""
    with store.write() as connection:
        backend_of(connection).lock(connection, [table_of(Region), *map(feature_table, Kind)])
        for name, layer in layers.items():
            say(f"storing {len(layer)} regions, level {name}")
            region.replace_level(connection, name, layer, srid=store.srid)
        say("locating sites")
        backend_of(connection).trust_location(connection)
        for kind in Kind:
            _relocate(connection, store, feature_table(kind))


def _relocate(connection: Connection, store: Store, table: Table) -> None:
    stored = read.stored_features(connection, table)
    if stored.empty:
        return
    placed, _ = located(connection, store.crs, stored.assign(row=0), tolerance_m=settings().locate_tolerance_m)
    columns = ["province_code", "city_code", "county_code", "warnings"]
    before, after = stored[columns].fillna(""), placed[columns].fillna("")
    moved = placed.loc[(before != after).any(axis=1), ["id", *columns]]
    region.set_region_codes(connection, table, moved, srid=store.srid)


def _surroundings(records: pd.DataFrame, tolerance_m: float) -> BBox | None:
    """The box around the records, wider by the tolerance; None where a box would be no help."""
    if records.empty:
        return None
    lon, lat = records["lon"], records["lat"]
    # A degree of latitude is never shorter than 110 km; a hundredth more covers the rest.
    margin = 0.01 + tolerance_m / 110_000
    south, north = float(lat.min()) - margin, float(lat.max()) + margin
    wider = margin / math.cos(math.radians(min(89.0, max(abs(south), abs(north)))))
    west, east = float(lon.min()) - wider, float(lon.max()) + wider
    if south < _POLEWARD[0] or north > _POLEWARD[1] or west < -180 or east > 180:
        return None
    return west, south, east, north


def _doubts(placed: pd.DataFrame, provinces: gpd.GeoDataFrame) -> pd.Series[Any]:
    """One sentence for every record whose place is not what it declares; None where there is no doubt."""
    code = placed["province_code"]
    by_code = provinces.set_index("code")
    name = code.map(by_code["name"])
    declared = _declared(placed)
    pairs = pd.DataFrame({"declared": declared, "code": code, "name": name, "en": code.map(by_code["name_en"])})
    distinct = pairs.drop_duplicates()
    said = pd.Series([_doubt(*row) for row in distinct.itertuples(index=False)], index=distinct.index, dtype="str")
    keyed = pairs.merge(distinct.assign(said=said), how="left", on=list(pairs.columns))
    return pd.Series(keyed["said"].to_numpy(), index=placed.index, dtype="str")


def _doubt(declared: Any, code: Any, name: Any, english: Any) -> str | None:
    if pd.isna(code):
        return f"{_NOWHERE}lies in none of the provinces that the store knows"
    if pd.isna(declared) or any(
        same_province(str(declared), str(label)) for label in (code, name, english) if pd.notna(label)
    ):
        return None
    return f"{_ELSEWHERE}says {declared}, but the position lies in {name} ({code})"


def _declared(records: pd.DataFrame) -> pd.Series[Any]:
    if "declared_province" in records:
        return records["declared_province"]
    return pd.Series(None, index=records.index, dtype="str")


def _without_ours(warnings: pd.Series[Any]) -> pd.Series[Any]:
    if warnings.isna().all():
        return warnings
    parts = warnings.fillna("").str.split("; ")
    kept = parts.map(lambda said: "; ".join(one for one in said if not one.startswith((_ELSEWHERE, _NOWHERE))))
    return kept.where(kept != "", None).astype("str")


def _joined(first: pd.Series[Any], second: pd.Series[Any]) -> pd.Series[Any]:
    both = first.str.cat(second, sep="; ")
    return both.where(first.notna() & second.notna(), first.where(first.notna(), second)).astype("str")
