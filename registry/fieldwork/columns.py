"""The tables of an edited file: whether they still have what went out, and their rows in the types of the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyproj
import shapely
from pyproj.exceptions import CRSError

from registry.errors import PackageError
from registry.fieldwork import snapshot, values
from registry.fieldwork.layout import POSITION, Part, parts
from registry.model.geometry import from_gpkg, wkb_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from registry.model.fields import FieldType

# What the declared type of a column must be to hold every value of a field; SQLite's affinities, by what a type's name
# contains (https://www.sqlite.org/datatype3.html, section 3.1).
_HOLDS: dict[FieldType, tuple[str, ...]] = {
    "text": ("CHAR", "TEXT", "CLOB", "JSON"),
    "integer": ("INT", "REAL", "DOUB", "FLOA", "NUM", "CHAR", "TEXT"),
    "real": ("REAL", "DOUB", "FLOA", "NUM", "CHAR", "TEXT"),
    "boolean": ("BOOL", "INT", "REAL", "DOUB", "CHAR", "TEXT"),
    "date": ("DATE", "CHAR", "TEXT"),
    "datetime": ("DATE", "CHAR", "TEXT"),
    "geometry": ("POINT", "GEOMETRY"),
    "binary": ("BLOB",),
}


@dataclass
class Rows:
    """The rows of one table of a file.

    Attributes
    ----------
    frame : (n,) with the columns of ``snapshot.columns_of``; ``id`` is the key that the row has in the file.
    faults : by field, by row, the value as the file has it and why it does not fit.
    embedded : (n,) which rows hold bytes.
    """

    frame: pd.DataFrame
    faults: dict[str, dict[int, tuple[str, str]]] = field(default_factory=dict)
    embedded: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=bool))


def read_tables(connection: sqlite3.Connection, path: Path, crs: str) -> dict[str, Rows]:
    """The rows of every table of a package.

    Raises
    ------
    PackageError : a table or column is gone, was added, or cannot hold its values any more; or a layer has another CRS.
    """
    faults: list[str] = []
    found = {}
    for part in parts().values():
        layer = _Layer(connection, part)
        said = list(layer.faults(crs))
        faults += said
        if not said:
            found[part.name] = _read(layer)
    if faults:
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        raise PackageError(
            f"{path}: its tables are not as they went out: {'; '.join(faults[:3])}{more}. Nothing was stored; "
            "give the table back what it had, or take the edits over into a package that is exported anew."
        )
    return found


class _Layer:
    """What the file says of one table."""

    def __init__(self, connection: sqlite3.Connection, part: Part) -> None:
        self.connection = connection
        self.part = part
        listed = connection.execute(f"PRAGMA table_xinfo({_quoted(part.name)})").fetchall()
        self.types: dict[str, str] = {str(row[1]): str(row[2]).upper() for row in listed}
        self.is_table = bool(
            connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (part.name,)).fetchone()
        )
        keys = [str(row[1]) for row in listed if row[5]]
        self.row_key = "id" if "id" in self.types else keys[0] if len(keys) == 1 else "rowid"
        registered = connection.execute(
            "SELECT g.column_name, g.geometry_type_name, s.organization, s.organization_coordsys_id, s.definition "
            "FROM gpkg_geometry_columns g LEFT JOIN gpkg_spatial_ref_sys s USING (srs_id) WHERE g.table_name = ?",
            (part.name,),
        ).fetchone()
        self.geometry = str(registered[0]) if registered else POSITION
        self.geometry_type = str(registered[1]).upper() if registered else ""
        self.srs = registered[2:] if registered else None

    def column(self, name: str) -> str:
        """What a field's column is called in the file."""
        return self.geometry if name == POSITION else name

    def faults(self, crs: str) -> Iterator[str]:
        """What keeps the table from being taken back."""
        name = self.part.name
        if not self.types:
            yield f"the table {name} is gone"
            return
        if not self.is_table:
            yield f"{name} is no table any more, but a view"
            return
        wanted = {self.column(one.name): one for one in self.part.columns}
        gone = [one for one in wanted if one not in self.types]
        added = [one for one in self.types if one not in wanted and one not in {"id", self.row_key, "ogc_fid", "fid"}]
        if gone and added and len(gone) == len(added):
            pairs = ", ".join(f"{one} (now {other}?)" for one, other in zip(gone, added, strict=True))
            yield f"{name} has lost or renamed the column {pairs}"
        else:
            if gone:
                yield f"{name} has lost the column {', '.join(gone)}"
            if added:
                yield f"{name} has a new column {', '.join(added)}, for which the registry has no place"
        for column, one in wanted.items():
            declared = self.types.get(column)
            if declared is not None and not any(part in declared for part in _HOLDS[one.type]):
                yield f"{name}.{column} has become {declared or 'a column without a type'}, which cannot hold every {one.type}"
        if self.part.kind:
            yield from self._misplaced(crs)

    def _misplaced(self, crs: str) -> Iterator[str]:
        if self.srs is None:
            yield f"{self.part.name} is no layer any more: it has lost its geometry column"
            return
        if self.geometry_type not in {"POINT", "MULTIPOINT", "GEOMETRY"}:
            yield f"{self.part.name} holds {self.geometry_type} in place of points"
        if not _same_crs(self.srs, crs):
            organisation, number, _ = self.srs
            yield f"{self.part.name} is in {organisation}:{number} in place of {crs}"


def _same_crs(srs: Sequence[Any], wanted: str) -> bool:
    organisation, number, definition = srs
    expected = pyproj.CRS.from_user_input(wanted)
    if organisation and str(organisation).upper() != "NONE":
        return bool((str(organisation).upper(), str(number)) == expected.to_authority(min_confidence=100))
    try:
        return bool(pyproj.CRS.from_user_input(definition) == expected)
    except CRSError:
        return False


def _read(layer: _Layer) -> Rows:
    part = layer.part
    described = {one.name: one for one in part.columns if one.type not in {"geometry", "binary"}}
    names = [layer.row_key, *described]
    selected = [_quoted(name) for name in names]
    if part.kind:
        selected.append(_quoted(layer.geometry))
    binary = next((one.name for one in part.columns if one.type == "binary"), None)
    if binary:
        selected.append(f"{_quoted(binary)} IS NOT NULL")
    found = layer.connection.execute(
        f"SELECT {', '.join(selected)} FROM {_quoted(part.name)} ORDER BY {_quoted(layer.row_key)}"  # noqa: S608  names of the model, quoted
    ).fetchall()
    given: list[Sequence[Any]] = list(zip(*found, strict=True)) if found else [()] * len(selected)
    rows = Rows(pd.DataFrame({"id": pd.Series(given[0], dtype="Int64")}))
    for name, content in zip(described, given[1:], strict=False):
        column = values.read(content, described[name])
        rows.frame[name] = column.content
        if column.faults:
            rows.faults[name] = column.faults
    if part.kind:
        _place(rows, given[len(names)])
    if binary:
        rows.embedded = np.array(given[-1], dtype=bool)
    rows.frame = rows.frame[list(snapshot.columns_of(part))]
    return rows


def _place(rows: Rows, blobs: Sequence[Any]) -> None:
    """Give rows their ``lon, lat``; what is no single point is a fault."""
    faults: dict[int, tuple[str, str]] = {}
    try:
        shapes = from_gpkg([None if blob is None else bytes(blob) for blob in blobs])
    except (ValueError, TypeError, shapely.errors.GEOSException):
        shapes = np.array([_shape(blob) for blob in blobs] or [], dtype=object)
    several = shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOINT
    single = several & (shapely.get_num_geometries(shapes) == 1)
    shapes[single] = shapely.get_geometry(shapes[single], 0)
    usable = (shapely.get_type_id(shapes) == shapely.GeometryType.POINT) & ~shapely.is_empty(shapes)
    for at in np.flatnonzero(~usable).tolist():
        shape = shapes[at]
        empty = shape is None or shape.is_empty
        faults[at] = ("" if empty else shape.geom_type, "The position is empty." if empty else "The shape is no point.")
    rows.frame["lon"], rows.frame["lat"] = np.full(len(shapes), np.nan), np.full(len(shapes), np.nan)
    rows.frame.loc[usable, "lon"] = shapely.get_x(shapes[usable])
    rows.frame.loc[usable, "lat"] = shapely.get_y(shapes[usable])
    if faults:
        rows.faults[POSITION] = faults


def _shape(blob: Any) -> Any:
    try:
        return shapely.from_wkb(wkb_of(bytes(blob)))
    except (ValueError, TypeError, shapely.errors.GEOSException):
        return None


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
