"""The coordinate systems that a mapping file may name, and their spellings."""

from __future__ import annotations

import re
import unicodedata

from pyproj import CRS
from pyproj.exceptions import CRSError

from registry.errors import CrsError
from registry.intake.places.china_offset import OFFSET_SYSTEMS

AUTO = "auto"
"""The system is to be found from the numbers."""

_SPELLINGS = {
    "auto": AUTO, "自动": AUTO,
    "gcj02": "GCJ-02", "火星坐标": "GCJ-02", "火星坐标系": "GCJ-02", "高德坐标": "GCJ-02", "高德坐标系": "GCJ-02",
    "bd09": "BD-09", "bd09ll": "BD-09", "百度坐标": "BD-09", "百度坐标系": "BD-09",
    "wgs84": "EPSG:4326", "wgs1984": "EPSG:4326",
    "cgcs2000": "EPSG:4490", "国家2000": "EPSG:4490", "2000国家大地坐标系": "EPSG:4490",
    "beijing54": "EPSG:4214", "beijing1954": "EPSG:4214", "北京54": "EPSG:4214", "北京1954": "EPSG:4214",
    "xian80": "EPSG:4610", "xian1980": "EPSG:4610", "西安80": "EPSG:4610", "西安1980": "EPSG:4610",
}  # fmt: skip
_UTM = re.compile(r"(?:wgs84)?utm(?:zone)?(\d{1,2})([ns]?)")
_UTM_ZONES = range(1, 61)


def crs_name(written: str) -> str:
    """One name for a coordinate system: ``auto``, ``GCJ-02``, ``BD-09``, or what pyproj knows it by.

    Raises
    ------
    CrsError : it is none that is known, or neither geographic nor projected.
    """
    folded = re.sub(r"[\s_/-]+", "", unicodedata.normalize("NFKC", written).casefold())
    if folded in _SPELLINGS:
        return _SPELLINGS[folded]
    utm = _UTM.fullmatch(folded)
    if utm and int(utm[1]) in _UTM_ZONES:
        if not utm[2]:
            raise CrsError(f'crs = "{written}" says no hemisphere. Write UTM {utm[1]}N or UTM {utm[1]}S.')
        return f"EPSG:{(32600 if utm[2] == 'n' else 32700) + int(utm[1])}"
    try:
        crs = CRS.from_user_input(written)
    except CRSError:
        raise CrsError(f'crs = "{written}" is not a coordinate reference system that is known here.') from None
    if not (crs.is_geographic or crs.is_projected):
        raise CrsError(f'crs = "{written}" is neither geographic nor projected.')
    return written


def is_projected(name: str | None) -> bool:
    """True when positions in a system of this name are northing and easting."""
    if name is None or name == AUTO or name in OFFSET_SYSTEMS:
        return False
    return bool(CRS.from_user_input(name).is_projected)
