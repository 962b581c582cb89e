"""Where each row lies, in the store's CRS: from angles, from northing and easting, or from a geometry."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS

from registry.errors import CrsError
from registry.intake.cells.numbers import read_numbers
from registry.intake.places import metres as metres_
from registry.intake.places.auto_crs import RIVAL
from registry.intake.places.china_offset import OFFSET_SYSTEMS
from registry.intake.places.coordinates import Angles, Axis, off_the_globe, read_angles, read_pairs
from registry.intake.places.crs_names import AUTO, is_projected
from registry.intake.places.datum import to_store_crs
from registry.intake.places.provinces import Provinces
from registry.intake.places.repairs import WHOLE_TABLE, put_right
from registry.model.fields import Field

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from registry.intake.cells.source_table import SourceTable
    from registry.intake.columns.headers import Columns
    from registry.intake.columns.mapping import Mapping

    FloatArray = NDArray[np.float64]
    BoolArray = NDArray[np.bool_]
    Reasons = NDArray[np.object_]

_GEOMETRY = "geometry"
_METRES_A_DEGREE = 111_320.0
# No position of a register is better, whatever its digits say.
_LEAST_ACCURACY_M = 0.5
# A projection still gives numbers far from where it is meant for; further than this they are no places.
_FAR_DEG = 10.0

_LON_FIRST = re.compile(r"经.*纬|經.*緯|lo?ng?[^t]*lat|x.*y", re.IGNORECASE)
_LAT_FIRST = re.compile(r"纬.*经|緯.*經|lat.*lo?n|y.*x", re.IGNORECASE)
_SURVEYORS = re.compile(r"^\s*x|[\u4e00-\u9fff]", re.IGNORECASE)
_ZONE_HEADER = re.compile(
    r"(utm)?[\s_]*zone([\s_]*(no\.?|number|utm))?|utm|fuso([\s_]*utm)?|zona([\s_]*utm)?|(投影|高斯|坐标)?带号|分?带",
    re.IGNORECASE,
)
_UNTOLD = "Neither the cell nor its column says which number is the latitude; write N and E, or two columns."


@dataclass
class Positions:
    """``lon, lat`` (n,) degrees; NaN where one of ``errors`` (source column, reasons (n,)) says why.

    ``warnings`` are of the same form. ``accuracy_m`` (n,) is what the digits of the numbers and the way from their
    system to the store's allow, metres to two digits; NaN where they say nothing.
    """

    lon: FloatArray
    lat: FloatArray
    errors: list[tuple[str, Reasons]] = field(default_factory=list)
    warnings: list[tuple[str, Reasons]] = field(default_factory=list)
    accuracy_m: FloatArray | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Asked:
    """What a table's positions are read with."""

    table: SourceTable
    columns: Columns
    crs: str | None
    decimal: str | None
    store_crs: str
    declared: Reasons | None
    ask_provinces: Callable[[], gpd.GeoDataFrame] | None

    def layer(self) -> gpd.GeoDataFrame | None:
        """The provinces; None where there are none."""
        layer = None if self.ask_provinces is None else self.ask_provinces()
        return layer if layer is not None and len(layer) else None

    def provinces(self) -> Provinces | None:
        """The provinces as evidence for the rows of the table."""
        layer = self.layer()
        return None if layer is None else Provinces(layer, self.declared, len(self.table.rows))


def read_positions(
    table: SourceTable,
    columns: Columns,
    mapping: Mapping | None,
    store_crs: str,
    *,
    declared: Reasons | None = None,
    provinces: Callable[[], gpd.GeoDataFrame] | None = None,
) -> Positions:
    """Read the positions of a table and bring them to the store's CRS.

    Parameters
    ----------
    declared : (n,) the province that each row says it is in, None where it says none.
    provinces : gives the provinces that the store knows, ``code, name, name_en, geometry`` in its CRS.

    Notes
    -----
    Latitude and longitude are taken to be in the store's CRS unless the mapping file names another. A layer is in its
    own CRS; the mapping file's is for a layer that has none, or whose numbers come from a map in GCJ-02 or BD-09.
    Northing and easting are in the CRS that the mapping file names; else in the zones that the eastings or a column of
    the table name; else, with ``crs = "auto"``, in the grid that puts the rows where they belong.

    Raises
    ------
    CrsError : a layer has no CRS, or its CRS has no way to the store's; metres are in no system, in one that
        contradicts them, or in one of several.
    """
    asked = _Asked(
        table, columns, mapping.crs if mapping else None, mapping.decimal if mapping else None, store_crs,
        declared, provinces,
    )  # fmt: skip
    if columns.by_geometry:
        return _from_geometry(asked)
    if "latitude" in columns.of_field:
        return _from_angles(asked)
    return _from_metres(asked)


def _from_angles(asked: _Asked) -> Positions:
    table = asked.table
    lat_column, lon_column = asked.columns.of_field["latitude"], asked.columns.of_field["longitude"]
    notes: list[str] = []
    undecided = None
    if lat_column == lon_column:
        lat, lon, undecided = _pairs(asked, lat_column)
    else:
        lat, lon = read_angles(table.cells[lat_column], "latitude"), read_angles(table.cells[lon_column], "longitude")
        if _all_of_other_axis(lat) and _all_of_other_axis(lon):
            lat_column, lon_column = lon_column, lat_column
            lat = read_angles(table.cells[lat_column], "latitude")
            lon = read_angles(table.cells[lon_column], "longitude")
            notes.append("latitude and longitude stood in each other's column, as their letters say, and were swapped")
    if lat.packed or lon.packed:
        count = max(lat.packed, lon.packed)
        notes.append(f"{count:,} numbers like 1083015.2 were read as degrees, minutes and seconds")
    provinces = asked.provinces() if np.isfinite(lat.degrees).any() else None
    repaired = put_right(lat.degrees, lon.degrees, provinces)
    notes += repaired.notes
    globe = off_the_globe(repaired.lat, repaired.lon)
    lat_problem = np.where(lat.problem == "", globe["latitude"], lat.problem)
    lon_problem = np.where(lon.problem == "", globe["longitude"], lon.problem)
    if undecided is not None and undecided.any() and not _told_by_provinces(provinces, repaired.lat, repaired.lon):
        lat_problem = np.where(undecided & (repaired.warning == "") & (lat_problem == ""), _UNTOLD, lat_problem)
    positions = Positions(repaired.lon, repaired.lat, [(lat_column, lat_problem)])
    if lon_column == lat_column:
        positions.errors[0] = (lat_column, np.where(lat_problem == "", lon_problem, lat_problem))
    else:
        positions.errors.append((lon_column, lon_problem))
    positions.warnings.append((lat_column, repaired.warning))
    crs = asked.crs
    if crs == AUTO:
        crs = None
        notes.append(
            f'crs = "auto": the angles were taken to be in {CRS.from_user_input(asked.store_crs).name}; '
            "whether they are GCJ-02 or BD-09, up to a kilometre off, cannot be seen in numbers"
        )
    digits_m = np.fmin(lat.half_unit, lon.half_unit) * _METRES_A_DEGREE
    everything = [(crs or asked.store_crs, np.ones(len(digits_m), dtype=bool))]
    _to_store(asked, positions, everything, (lat_column,), digits_m)
    positions.notes = [f"{table.label}: {note}." for note in notes] + positions.notes
    return positions


def _pairs(asked: _Asked, column: str) -> tuple[Angles, Angles, BoolArray]:
    """Both angles from one column, and the rows of which nothing says which is which."""
    header = asked.table.headers[column]
    first: Axis | None = "longitude" if _LON_FIRST.search(header) else "latitude" if _LAT_FIRST.search(header) else None
    pairs = read_pairs(asked.table.cells[column], first)
    return pairs.latitude, pairs.longitude, pairs.undecided


def _all_of_other_axis(angles: Angles) -> bool:
    filled = angles.of_other_axis | np.isfinite(angles.degrees)
    return bool(filled.any() and angles.of_other_axis.sum() >= WHOLE_TABLE * filled.sum())


def _told_by_provinces(provinces: Provinces | None, lat: FloatArray, lon: FloatArray) -> bool:
    """True where the rows lie in the provinces as they are, and would not the other way round."""
    if provinces is None:
        return False
    rows = int(np.isfinite(lat + lon).sum())
    other_way = provinces.holds(lat, lon).sum()
    return bool(provinces.holds(lon, lat).sum() >= WHOLE_TABLE * rows and other_way < RIVAL * rows)


def _from_metres(asked: _Asked) -> Positions:
    table = asked.table
    columns = {name: asked.columns.of_field[name] for name in ("northing", "easting")}
    read = {
        name: read_numbers(table.cells[column], Field(name, "real", name, name, unit="m"), decimal=asked.decimal)
        for name, column in columns.items()
    }
    errors = []
    for name, column in columns.items():
        empty = np.isnan(read[name].floats) & (read[name].problem == "")
        errors.append((column, np.where(empty, f"The {name} is empty.", read[name].problem)))
    metres = metres_.in_their_columns(read["northing"].floats, read["easting"].floats)
    extra = _settle(asked, metres, columns["northing"])
    positions = Positions(metres.easting, metres.northing, [*errors, *extra, (columns["easting"], metres.problem)])
    positions.warnings.append((columns["easting"], metres.warning))
    # Half a metre is half a unit of whole metres, and what more decimals say is no better.
    accuracy_m = np.full(len(table.rows), max(_LEAST_ACCURACY_M, metres.accuracy_m))
    _to_store(asked, positions, metres.parts, tuple(columns.values()), accuracy_m)
    notes = [f"{table.label}: {note}." for note in metres.notes]
    positions.notes = notes + positions.notes + _how_sure(asked, positions)
    return positions


def _settle(asked: _Asked, metres: metres_.Metres, northing: str) -> list[tuple[str, Reasons]]:
    """Find the grid of every row; returns what is wrong in a column that names zones."""
    label = asked.table.label
    if asked.crs is not None and asked.crs != AUTO:
        if not is_projected(asked.crs):
            raise CrsError(
                f"{label}: the positions are northing and easting, and crs {asked.crs} has latitude and longitude. "
                f'Write the system of the metres as crs in the mapping file, or "auto".'
            )
        metres_.as_stated(label, metres, asked.crs)
        return []
    if not metres.usable.any():
        metres.parts = [(asked.store_crs, np.zeros(len(metres.easting), dtype=bool))]
        return []
    if metres_.by_zone_number(metres):
        return []
    for column, header in asked.table.headers.items():
        if _ZONE_HEADER.fullmatch(header.strip()):
            found, problem = metres_.by_zone_column(metres, asked.table.cells[column])
            if found:
                return [(column, problem)]
    if asked.crs != AUTO:
        raise metres_.no_system(label, metres, asked.declared, asked.layer())
    turned = any("swapped" in note for note in metres.notes)
    surveyors = not turned and _SURVEYORS.search(asked.table.headers[northing]) is not None
    metres_.by_province(label, metres, surveyors_axes=surveyors, declared=asked.declared, provinces=asked.layer())
    return []


def _how_sure(asked: _Asked, positions: Positions) -> list[str]:
    """What the provinces say of positions whose system was found from the numbers."""
    provinces = asked.provinces() if asked.crs == AUTO else None
    there = np.isfinite(positions.lon)
    if provinces is None or not there.any():
        return []
    share = provinces.holds(positions.lon, positions.lat, there).sum() / there.sum()
    where = "the province that they declare" if provinces.proven.any() else "a province"
    return [f'{asked.table.label}: crs = "auto": {share:.0%} of the positions lie in {where}.']


def _from_geometry(asked: _Asked) -> Positions:
    table = asked.table
    points = table.points
    assert points is not None  # noqa: S101  by_geometry says so
    crs = points.crs or asked.crs
    if asked.crs in OFFSET_SYSTEMS and not is_projected(points.crs):
        # A file of that format cannot say so itself: it calls everything WGS 84.
        crs = asked.crs
    if crs is None or crs == AUTO:
        raise CrsError(
            f'{table.label}: the layer has no coordinate reference system. Name it in the mapping file: crs = "EPSG:…".'
        )
    lost = (points.problem == "") & ~(np.isfinite(points.x) & np.isfinite(points.y))
    problem = np.where(lost, "The point has no coordinates.", points.problem)
    positions = Positions(points.x.copy(), points.y.copy(), [(_GEOMETRY, problem)])
    n = len(points.x)
    _to_store(asked, positions, [(crs, np.ones(n, dtype=bool))], (_GEOMETRY,), np.full(n, np.nan))
    return positions


def _to_store(
    asked: _Asked,
    positions: Positions,
    parts: list[tuple[str, BoolArray]],
    blamed: tuple[str, ...],
    digits_m: FloatArray,
) -> None:
    """Bring positions to the store's CRS in place, each part of the rows from its own, and look whether they are on the globe."""
    good = np.ones(len(positions.lon), dtype=bool)
    for _, reasons in positions.errors:
        good &= reasons == ""
    lon, lat = np.full(len(good), np.nan), np.full(len(good), np.nan)
    accuracy = digits_m.copy()
    problem: Reasons = np.full(len(good), "", dtype=object)
    for crs, rows in parts:
        at = good & rows
        whole = bool(at.all())
        x, y = (positions.lon, positions.lat) if whole else (positions.lon[at], positions.lat[at])
        turned = to_store_crs(asked.table.label, x, y, crs, asked.store_crs)
        lon[at], lat[at] = turned.lon, turned.lat
        accuracy[at] = np.maximum(accuracy[at], turned.accuracy_m)
        nowhere = ~(np.isfinite(turned.lon) & np.isfinite(turned.lat)) | _far_from(crs, turned.lon, turned.lat)
        reasons = problem[at]
        reasons[nowhere] = f"The position is outside the area of {turned.name}."
        problem[at] = reasons
        if turned.note:
            positions.notes.append(f"{asked.table.label}: {turned.note}.")
    globe = off_the_globe(np.where(np.isfinite(lat), lat, np.nan), np.where(np.isfinite(lon), lon, np.nan))
    for reasons in globe.values():
        problem = np.where((problem == "") & good, reasons, problem)
    there = good & (problem == "")
    positions.lon, positions.lat = np.where(there, lon, np.nan), np.where(there, lat, np.nan)
    positions.accuracy_m = np.where(there, _two_digits(np.maximum(accuracy, _LEAST_ACCURACY_M)), np.nan)
    positions.errors += [(column, problem) for column in blamed]


def _far_from(crs: str, lon: FloatArray, lat: FloatArray) -> BoolArray:
    """(n,) True where a position of a projected CRS is far from the area that it is meant for."""
    area = CRS.from_user_input(crs).area_of_use if is_projected(crs) else None
    if area is None or area.west > area.east:
        return np.zeros(len(lon), dtype=bool)
    inside = (lat >= area.south - _FAR_DEG) & (lat <= area.north + _FAR_DEG)
    inside &= (lon >= area.west - _FAR_DEG) & (lon <= area.east + _FAR_DEG)
    return ~inside


def _two_digits(value: FloatArray) -> FloatArray:
    """Rounded to two significant digits (n,)."""
    known = np.isfinite(value) & (value > 0)
    decimals = 1 - np.floor(np.log10(np.where(known, value, 1.0)))
    # Times or over a whole power of ten, so that 5.6 is the number that is written so.
    up, down = 10.0 ** np.maximum(decimals, 0), 10.0 ** np.maximum(-decimals, 0)
    return np.where(known, np.round(value * up / down) / up * down, np.nan)
