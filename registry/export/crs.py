"""The reference system of a file: what was asked for, and layers brought into it piece by piece."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyproj
import pyproj.exceptions
import shapely
from pyproj.crs import ProjectedCRS
from pyproj.crs.coordinate_operation import AlbersEqualAreaConversion

from registry.errors import BadParameterError, CrsError
from registry.export.layers import GEOMETRY, Layer, log
from registry.export.zones import GAUSS_KRUGER, zone_of
from registry.model.geometry import points_of_wkb, points_to_wkb

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

ALBERS = "albers"
# CGCS2000 and WGS 84 coincide within decimetres, closer than a site's position is known, and no published
# transformation between them moves a point: a format that knows WGS 84 alone gets the same numbers.
_SAME_NUMBERS = frozenset({4326, 4490})
_WGS84_ALONE = frozenset({".geojson", ".kmz"})


def china_albers() -> pyproj.CRS:
    """Albers' equal-area projection of China on CGCS2000: standard parallels 25° and 47° N, central meridian 105° E.

    No authority numbers it, and authors differ: where parallels of 27° and 45° are wanted, the CRS is given as WKT or as
    ``+proj=aea +lat_1=27 +lat_2=45 +lon_0=105 +ellps=GRS80 +units=m``.
    """
    return ProjectedCRS(
        AlbersEqualAreaConversion(25, 47, 0, 105),
        name="CGCS2000 / China Albers (25, 47, 105)",
        geodetic_crs="EPSG:4490",
    )


def chosen_crs(asked: str, layers: Sequence[Layer]) -> pyproj.CRS:
    """The CRS that a user asked for.

    Parameters
    ----------
    asked : ``EPSG:n``, WKT or a PROJ string; ``gk3`` or ``gk6`` for the Gauss-Krüger zone of three or six degrees in which
        the middle of the layers lies, ``albers`` for `china_albers`.
    layers : what is to be written; for a zone their positions are read once before.

    Raises
    ------
    BadParameterError : it is no CRS of positions on the ground, or the layers lie in no zone.
    """
    word = asked.strip().lower()
    if word in GAUSS_KRUGER:
        geographic = pyproj.CRS.from_epsg(4490)
        return zone_of(word, [placed(layer, geographic) for layer in layers if layer.is_spatial])
    target = china_albers() if word == ALBERS else _parsed(asked)
    for source in {layer.crs for layer in layers if layer.crs is not None}:
        if _transformer(source, target) is None and not _same_ellipsoid(source, target):
            log.warning(
                "No transformation from %s to %s is published: positions are those of %s, projected, and may be some "
                "hundred metres beside those of the other datum.",
                source.name, target.name, source.name,
            )  # fmt: skip
    return target


def refuse_other_than_wgs84(asked: str | None, suffix: str) -> None:
    """Refuse another CRS for a format that knows WGS 84 alone.

    Raises
    ------
    BadParameterError : another CRS was asked for.
    """
    if asked is None or suffix not in _WGS84_ALONE:
        return
    word = asked.strip().lower()
    crs = None if word in GAUSS_KRUGER or word == ALBERS else _parsed(asked)
    if crs is None or (crs.to_epsg() != 4326 and crs != pyproj.CRS("OGC:CRS84")):
        raise BadParameterError(
            f"A {suffix} file is in WGS 84 (EPSG:4326) by its standard, not in {asked}. Leave the CRS away."
        )


def in_wgs84(layer: Layer, asked: str | None, suffix: str) -> Layer:
    """The layer in longitude and latitude on WGS 84, for formats that know no other CRS.

    Raises
    ------
    BadParameterError : another CRS was asked for, or the layer has no geometry.
    """
    refuse_other_than_wgs84(asked, suffix)
    if not layer.is_spatial:
        raise BadParameterError(
            f"A {suffix} file holds positions, and '{layer.name}' has none. Write .csv, .xlsx or .parquet."
        )
    return placed(layer, pyproj.CRS.from_epsg(4326))


def placed(layer: Layer, target: pyproj.CRS) -> Layer:
    """The layer in another CRS; its pieces are transformed as they pass. A plain table stays as it is.

    Raises
    ------
    CrsError : while the rows pass, at a position for which the CRS is not defined.
    """
    if layer.crs is None or layer.crs == target:
        return layer
    if {layer.crs.to_epsg(), target.to_epsg()} <= _SAME_NUMBERS:
        return replace(layer, crs=target)
    transformer = _transformer(layer.crs, target) or pyproj.Transformer.from_crs(layer.crs, target, always_xy=True)

    def moved(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        there = transformer.transform(x, y)
        # An empty point has no coordinates, before or after.
        if any((~np.isfinite(after) & ~np.isnan(before)).any() for before, after in zip((x, y), there, strict=True)):
            raise CrsError(f"Some positions lie where {target.name} is not defined. Choose a CRS that covers them.")
        return there

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in layer.batches():
            wkb = batch.column(GEOMETRY)
            points = points_of_wkb(wkb)
            if points is not None:
                there: pa.Array = points_to_wkb(*moved(points["x"].copy(), points["y"].copy()))
            else:
                shapes = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
                shapes = shapely.transform(shapes, lambda xy: np.column_stack(moved(xy[:, 0], xy[:, 1])))
                there = pa.array(shapely.to_wkb(shapes, byte_order=1, flavor="iso"), pa.binary())
            yield pa.RecordBatch.from_arrays([*batch.columns[:-1], there], schema=batch.schema)

    return replace(layer, batches=batches, crs=target)


def crs_text(crs: pyproj.CRS) -> str:
    """The CRS as GDAL takes it: by its number where it is what the register says under it, else as WKT."""
    number = crs.to_epsg()
    if number is not None and crs.equals(pyproj.CRS.from_epsg(number), ignore_axis_order=True):
        return f"EPSG:{number}"
    return str(crs.to_wkt("WKT2_2019"))


def _parsed(asked: str) -> pyproj.CRS:
    try:
        crs = pyproj.CRS.from_user_input(asked)
    except pyproj.exceptions.CRSError:
        raise BadParameterError(
            f"'{asked}' is not a coordinate reference system. Write it as EPSG:4490 or EPSG:4527, as WKT, "
            f"or {', '.join(GAUSS_KRUGER)} or {ALBERS}."
        ) from None
    if len(crs.axis_info) != 2 or not (crs.is_geographic or crs.is_projected):
        raise BadParameterError(
            f"'{asked}' is no reference system of positions on the ground. Name a plane or a geographic one."
        )
    return crs


def _transformer(source: pyproj.CRS, target: pyproj.CRS) -> pyproj.Transformer | None:
    """The best published transformation; None where there is none between the two datums."""
    try:
        return pyproj.Transformer.from_crs(source, target, always_xy=True, allow_ballpark=False)
    except pyproj.exceptions.ProjError:
        return None


def _same_ellipsoid(one: pyproj.CRS, other: pyproj.CRS) -> bool:
    a, b = one.ellipsoid, other.ellipsoid
    return a is not None and b is not None and abs(a.semi_major_metre - b.semi_major_metre) < 1
