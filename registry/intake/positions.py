"""Where each row lies, in the store's CRS: from angles, from northing and easting, or from a geometry."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError as ProjCrsError
from pyproj.exceptions import ProjError

from registry.errors import CrsError
from registry.intake.coordinates import off_the_globe, read_angles
from registry.intake.numbers import read_numbers
from registry.model.fields import Field

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from registry.intake.headers import Columns
    from registry.intake.mapping import Mapping
    from registry.intake.source_table import SourceTable

# CGCS2000 and WGS 84 agree to centimetres, far below the accuracy of any register: going from one to the
# other changes no number.
_SAME_DATUM = frozenset({4490, 4326})
_GEOMETRY = "geometry"


@dataclass
class Positions:
    """``lon, lat`` (n,) degrees; NaN where one of ``errors`` (source column, reasons (n,)) says why.

    ``warnings`` are of the same form. ``accuracy_m`` (n,) is what the digits of the numbers allow, metres; NaN
    where they say nothing.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    errors: list[tuple[str, NDArray[np.object_]]] = field(default_factory=list)
    warnings: list[tuple[str, NDArray[np.object_]]] = field(default_factory=list)
    accuracy_m: NDArray[np.float64] | None = None
    notes: list[str] = field(default_factory=list)


def read_positions(table: SourceTable, columns: Columns, mapping: Mapping | None, store_crs: str) -> Positions:
    """Read the positions of a table and bring them to the store's CRS.

    Notes
    -----
    Latitude and longitude are taken to be in the store's CRS unless the mapping file names another. A layer
    is in its own CRS; the mapping file's is for a layer that has none.

    Raises
    ------
    CrsError : a layer has no CRS, or its CRS has no way to the store's.
    """
    stated = mapping.crs if mapping else None
    if columns.by_geometry:
        return _from_geometry(table, stated, store_crs)
    if mapping is not None and mapping.projected:
        return _from_metres(table, columns, mapping, store_crs)
    return _from_angles(table, columns, stated, store_crs)


def _from_angles(table: SourceTable, columns: Columns, crs: str | None, store_crs: str) -> Positions:
    lat_column, lon_column = columns.of_field["latitude"], columns.of_field["longitude"]
    lat = read_angles(table.cells[lat_column], "latitude")
    lon = read_angles(table.cells[lon_column], "longitude")
    globe = off_the_globe(lat.degrees, lon.degrees)
    errors = [
        (lat_column, np.where(lat.problem == "", globe["latitude"], lat.problem)),
        (lon_column, np.where(lon.problem == "", globe["longitude"], lon.problem)),
    ]
    positions = Positions(lon.degrees, lat.degrees, errors)
    _transform(table, positions, crs or store_crs, store_crs, (lat_column,))
    return positions


def _from_metres(table: SourceTable, columns: Columns, mapping: Mapping, store_crs: str) -> Positions:
    columns_ = {name: columns.of_field[name] for name in ("easting", "northing")}
    read = {
        name: read_numbers(table.cells[column], Field(name, "real", name, name, unit="m"), decimal=mapping.decimal)
        for name, column in columns_.items()
    }
    positions = Positions(read["easting"].floats, read["northing"].floats)
    for name, column in columns_.items():
        empty = np.isnan(read[name].floats) & (read[name].problem == "")
        positions.errors.append((column, np.where(empty, f"The {name} is empty.", read[name].problem)))
    _transform(table, positions, mapping.crs or store_crs, store_crs, tuple(columns_.values()))
    return positions


def _from_geometry(table: SourceTable, stated: str | None, store_crs: str) -> Positions:
    points = table.points
    assert points is not None  # noqa: S101  by_geometry says so
    crs = points.crs or stated
    if crs is None:
        raise CrsError(
            f'{table.label}: the layer has no coordinate reference system. Name it in the mapping file: crs = "EPSG:…".'
        )
    lost = (points.problem == "") & ~(np.isfinite(points.x) & np.isfinite(points.y))
    problem = np.where(lost, "The point has no coordinates.", points.problem)
    positions = Positions(points.x.copy(), points.y.copy(), [(_GEOMETRY, problem)])
    _transform(table, positions, crs, store_crs, (_GEOMETRY,))
    return positions


def _transform(table: SourceTable, positions: Positions, crs: str, store_crs: str, blamed: tuple[str, ...]) -> None:
    """Bring positions from one CRS to the store's in place, and look whether they are on the globe."""
    good = np.ones(len(positions.lon), dtype=bool)
    for _, reasons in positions.errors:
        good &= reasons == ""
    x, y = np.where(good, positions.lon, np.nan), np.where(good, positions.lat, np.nan)
    try:
        source, target = CRS.from_user_input(crs), CRS.from_user_input(store_crs)
        if source != target and not {source.to_epsg(), target.to_epsg()} <= _SAME_DATUM:
            transformer, known = _transformer(source, target)
            x, y = transformer.transform(x, y)
            positions.notes.append(
                f"{table.label}: positions were turned from {source.name} to {target.name}"
                + ("." if known else "; no datum shift is known, they may be some hundred metres off.")
            )
    except (ProjCrsError, ProjError) as error:
        raise CrsError(f"{table.label}: no way from {crs.splitlines()[0][:60]} to {store_crs}.") from error
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    problem: NDArray[np.object_] = np.full(len(x), "", dtype=object)
    problem[good & ~(np.isfinite(x) & np.isfinite(y))] = (
        f"The position is outside the area of {CRS.from_user_input(crs).name}."
    )
    globe = off_the_globe(np.where(np.isfinite(y), y, np.nan), np.where(np.isfinite(x), x, np.nan))
    for reasons in globe.values():
        problem = np.where((problem == "") & good, reasons, problem)
    positions.lon, positions.lat = np.where(problem == "", x, np.nan), np.where(problem == "", y, np.nan)
    positions.errors += [(column, problem) for column in blamed]


def _transformer(source: CRS, target: CRS) -> tuple[Transformer, bool]:
    """The transformation from one CRS to another, and whether the shift between their datums is known.

    Notes
    -----
    Published shifts lead to WGS 84 or to CGCS2000, seldom to both; either will do for both.
    """
    same = target.to_epsg() in _SAME_DATUM
    for aim in (target, *(CRS.from_epsg(code) for code in sorted(_SAME_DATUM) if same)):
        try:
            return Transformer.from_crs(source, aim, always_xy=True, allow_ballpark=False), True
        except ProjError:
            continue
    return Transformer.from_crs(source, target, always_xy=True), False
