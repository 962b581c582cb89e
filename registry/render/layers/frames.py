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
_GRID = 2**16


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


def order_of_rows(rows: pd.DataFrame) -> NDArray[np.int64]:
    """The order in which rows pack best: what is alike stands together.

    By kind, since what a kind alone has is then in one piece; within it by county, which most texts follow; within that
    along a curve, so that steps from point to point are short.

    Parameters
    ----------
    rows : ``lng, lat`` (degrees), and of ``kind``, ``county_code`` what there is
    """
    keys = [_along_a_curve(rows["lng"].to_numpy(float), rows["lat"].to_numpy(float))]
    keys += [pd.factorize(rows[name], sort=True)[0] for name in ("county_code", "kind") if name in rows]
    return np.lexsort(keys)


def _along_a_curve(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> NDArray[np.int64]:
    """How far along Hilbert's curve each point lies, in squares of a grid of 65,536 by 65,536 over the world."""
    x = np.clip((lng + 180.0) / 360.0 * (_GRID - 1), 0, _GRID - 1).astype(np.int64)
    y = np.clip((lat + 90.0) / 180.0 * (_GRID - 1), 0, _GRID - 1).astype(np.int64)
    along = np.zeros(len(x), dtype=np.int64)
    half = _GRID // 2
    while half:
        right, up = (x & half) > 0, (y & half) > 0
        along += half * half * ((3 * right) ^ up)
        # The lower quarters of a square are run through turned: the left one over its diagonal, the right one over the other.
        turned = right & ~up
        x, y = np.where(turned, _GRID - 1 - x, x), np.where(turned, _GRID - 1 - y, y)
        x, y = np.where(up, x, y), np.where(up, y, x)
        half //= 2
    return along


def corners_of(lng: NDArray[np.float64], lat: NDArray[np.float64]) -> list[list[float]]:
    """South-west and north-east corner in degrees, latitude first as Leaflet has it; nothing of no points."""
    if not len(lng):
        return []
    return [[float(lat.min()), float(lng.min())], [float(lat.max()), float(lng.max())]]
