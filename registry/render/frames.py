"""Frames made ready for a page: longitude and latitude as columns, rows in an order that packs well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from registry.errors import CrsError, UnknownColumnError

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

# A page's coordinates are WGS 84; CGCS2000 differs from it by less than a symbol can show.
_AS_THEY_ARE = {4326, 4490}


def _in_degrees(frame: GeoDataFrame) -> GeoDataFrame:
    if frame.crs is None:
        raise CrsError("A layer of a map has no coordinate reference system: set it with `frame.set_crs(...)`.")
    return frame if frame.crs.to_epsg() in _AS_THEY_ARE else frame.to_crs("EPSG:4326")


def lonlat_geometry(frame: GeoDataFrame) -> NDArray[np.object_]:
    """The geometries of a layer in lon/lat degrees."""
    return np.asarray(_in_degrees(frame).geometry.array, dtype=object)


def lonlat_frame(frame: GeoDataFrame, default_kind: str | None) -> pd.DataFrame:
    """The columns of a layer of points that hold anything; ``lng`` and ``lat`` in degrees replace the geometry.

    Raises
    ------
    CrsError : the layer has no coordinate reference system.
    UnknownColumnError : there is no column ``kind``, and the caller gave none.
    """
    placed = _in_degrees(frame)
    points = placed.geometry
    nowhere = points.isna() | points.is_empty
    if nowhere.any():  # a copy of a million rows is not made for nothing
        placed = placed[~nowhere]
    out = pd.DataFrame(placed.drop(columns=placed.geometry.name)).dropna(axis="columns", how="all")
    if "kind" not in out:
        if default_kind is None:
            raise UnknownColumnError(
                f"The sites of a map need a column 'kind'. Found: {', '.join(map(str, out.columns))}."
            )
        out["kind"] = default_kind
    out["lng"] = placed.geometry.x.to_numpy()
    out["lat"] = placed.geometry.y.to_numpy()
    return out


def rows_along_a_curve(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """The order in which rows follow a Z-shaped curve over the map, so that neighbours stand together."""
    x = np.clip((lng + 180.0) / 360.0 * 65535, 0, 65535).astype(np.uint64)
    y = np.clip((lat + 90.0) / 180.0 * 65535, 0, 65535).astype(np.uint64)
    return np.argsort(_spread(x) | (_spread(y) << np.uint64(1)), kind="stable")


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The 16 bits of every value with a zero between each and the next."""
    spread = values
    for shift, mask in ((8, 0x00FF00FF), (4, 0x0F0F0F0F), (2, 0x33333333), (1, 0x55555555)):
        spread = (spread | (spread << np.uint64(shift))) & np.uint64(mask)
    return spread


def corners_of(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> list[list[float]]:
    """South-west and north-east corner in degrees, latitude first as Leaflet has it; nothing of no points."""
    if not len(lng):
        return []
    return [[float(lat.min()), float(lng.min())], [float(lat.max()), float(lng.max())]]
