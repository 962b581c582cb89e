"""The coordinate reference system of a store."""

from __future__ import annotations

import pyproj

from registry.errors import CrsError

DEFAULT_CRS = "EPSG:4490"


def srid_of(crs: pyproj.CRS) -> int:
    """The EPSG number of a store's CRS."""
    number = crs.to_epsg()
    if number is None:
        raise ValueError(f"{crs.name} has no EPSG number")
    return int(number)


def geographic_crs(name: str) -> pyproj.CRS:
    """The CRS of that name, if a store can have it.

    Raises
    ------
    CrsError : unknown, projected, or without an EPSG number.
    """
    try:
        crs = pyproj.CRS.from_user_input(name)
    except pyproj.exceptions.CRSError:
        raise CrsError(f"'{name}' is not a known coordinate reference system. Use EPSG:4490 or EPSG:4326.") from None
    if not crs.is_geographic or crs.to_epsg() is None:
        raise CrsError(f"'{name}' is not a geographic system with an EPSG number. Use EPSG:4490 or EPSG:4326.")
    return crs
