"""From the coordinate system of a table to the store's, and how well the way between the two is known."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as ProjCrsError
from pyproj.exceptions import ProjError
from pyproj.transformer import TransformerGroup

from registry.errors import CrsError
from registry.intake.places.china_offset import OFFSET_SYSTEMS, to_wgs84

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float64]

# CGCS2000 and WGS 84 agree to centimetres, far below the accuracy of any register: going from one to the
# other changes no number.
_SAME_DATUM = frozenset({4490, 4326})


@dataclass(frozen=True)
class Turned:
    """Positions (n,) in the store's CRS.

    Attributes
    ----------
    lon, lat : degrees; not finite where there is no such place in the source system.
    accuracy_m : (n,) what the way between the systems is known to, metres; 0 where it is exact, NaN where nobody
        has published a figure.
    name : of the source system.
    note : what was done; "" where nothing was.
    """

    lon: FloatArray
    lat: FloatArray
    accuracy_m: FloatArray
    name: str
    note: str = ""


def to_store_crs(label: str, x: FloatArray, y: FloatArray, crs: str, store_crs: str) -> Turned:
    """Bring positions (n,), easting or longitude first, from one CRS to the store's.

    Raises
    ------
    CrsError : there is no way from one to the other.
    """
    exact = np.zeros(len(x))
    if crs in OFFSET_SYSTEMS:
        system = next(system for system in OFFSET_SYSTEMS if system == crs)
        lon, lat = to_wgs84(system, x, y)
        target = CRS.from_user_input(store_crs)
        note = f"positions were turned from {crs} to {target.name}; those outside China were left as they are"
        return Turned(lon, lat, exact, crs, note)
    try:
        source, target = CRS.from_user_input(crs), CRS.from_user_input(store_crs)
        if source == target or {source.to_epsg(), target.to_epsg()} <= _SAME_DATUM:
            return Turned(x, y, exact, source.name)
        transformer, aim, known = _transformer(source, target)
        lon, lat = (np.asarray(axis, dtype=float) for axis in transformer.transform(x, y))
        accuracy = _published(source, aim, lon, lat) if known else np.full(len(x), np.nan)
    except (ProjCrsError, ProjError) as error:
        raise CrsError(f"{label}: no way from {crs.splitlines()[0][:60]} to {store_crs}.") from error
    note = f"positions were turned from {source.name} to {target.name}"
    beyond = np.isfinite(lon) & np.isnan(accuracy)
    if not known:
        note += "; no datum shift is known, they may be some hundred metres off"
    elif beyond.any():
        note += f"; for the places of {beyond.sum():,} no datum shift is published, they may be some hundred metres off"
    return Turned(lon, lat, accuracy, source.name, note)


def _transformer(source: CRS, target: CRS) -> tuple[Transformer, CRS, bool]:
    """The transformation from one CRS to another, where it leads, and whether the shift of their datums is known.

    Notes
    -----
    Published shifts lead to WGS 84 or to CGCS2000, seldom to both; either will do for both.
    """
    same = target.to_epsg() in _SAME_DATUM
    for aim in (target, *(CRS.from_epsg(code) for code in sorted(_SAME_DATUM) if same)):
        try:
            return Transformer.from_crs(source, aim, always_xy=True, allow_ballpark=False), aim, True
        except ProjError:
            continue
    return Transformer.from_crs(source, target, always_xy=True), target, False


def _published(source: CRS, aim: CRS, lon: FloatArray, lat: FloatArray) -> FloatArray:
    """Accuracy (n,) of the operation for the area that a position is in, as the EPSG registry gives it; else NaN."""
    with warnings.catch_warnings():
        # A better operation may need a grid that is not installed; the one that is used is listed all the same.
        warnings.simplefilter("ignore", UserWarning)
        operations = TransformerGroup(source, aim, always_xy=True, allow_ballpark=False).transformers
    accuracy = np.full(len(lon), np.nan)
    for operation in operations:
        area = operation.area_of_use
        if area is None or operation.accuracy is None or operation.accuracy < 0:
            continue
        inside = (lat >= area.south) & (lat <= area.north)
        east, west = lon <= area.east, lon >= area.west
        inside &= (east & west) if area.west <= area.east else (east | west)
        accuracy[inside & np.isnan(accuracy)] = operation.accuracy
    return accuracy
