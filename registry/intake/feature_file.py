"""Points, lines and polygons of a file with their names: rivers, source areas, whatever a site may be near to.

The file is opened by the reader of tables, which knows every format and encoding and turns back what is hostile; it gives
the names. Shapes are read here, in the same order, since that reader knows points only.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree as ET

import geopandas as gpd
import numpy as np
import pyogrio
import shapely

from registry.errors import CrsError, EmptyTableError, UnknownColumnError, UnreadableFileError
from registry.intake.cells.source_table import one_line
from registry.intake.files.archives import archive_members
from registry.intake.files.readers import read_table
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from registry.intake.cells.source_table import SourceTable

# The reader of tables wants to know of what kind rows are; for a layer it matters only where several could be meant.
_ANY_KIND = Kind.SMELTING_SITE
_NUMBER = r"[-+]?\d[\d.,\s]*(?:[eE][-+]?\d+)?"
_KML_CRS = "OGC:CRS84"
_KML_SHAPES = frozenset({"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry"})
_ZIP = b"PK\x03\x04"


class Features(NamedTuple):
    """A layer of shapes, columns ``name`` and geometry, what there is to say of how it was read, and its table.

    ``cells`` are the fields of the features as trimmed texts, row by row.
    """

    layer: gpd.GeoDataFrame
    notes: list[str]
    cells: pd.DataFrame


def read_features(
    path: Path, *, sheet: str | None = None, encoding: str | None = None, name_field: str | None = None
) -> Features:
    """The features of a vector file: GeoJSON, GeoPackage, Shapefile (bare or zipped), KML, KMZ, FlatGeobuf, GeoParquet.

    Parameters
    ----------
    sheet : layer of a file or folder of a KML, where there are several.
    encoding : of the texts of a Shapefile; found out unless given.
    name_field : field that names a feature; the first one of texts unless given.

    Returns
    -------
    A feature without a name is called by its number, from 1. Features without a shape are left out, and a note says so.

    Raises
    ------
    UnreadableFileError : no file, none of these formats, damaged, or several layers of which none is named.
    EmptyTableError : there is no feature with a shape in it.
    UnknownColumnError : there is no such field.
    CrsError : the file does not say its coordinate reference system.
    """
    if not path.exists():
        raise UnreadableFileError(f"{path}: there is no such file. Name one, or a position as LON,LAT.")
    table = read_table(path, _ANY_KIND, sheet=sheet, encoding=encoding)
    if table.points is None:
        raise UnreadableFileError(f"{path.name}: a table without shapes. Give a layer of points, lines or polygons.")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL's remarks on a file that it reads all the same
        try:
            shapes = _shapes(path, table, sheet)
        except (
            pyogrio.errors.DataSourceError,
            pyogrio.errors.DataLayerError,
            ET.ParseError,
            OSError,
            ValueError,
        ) as error:
            raise UnreadableFileError(f"{path.name}: not a readable layer: {one_line(error)}.") from error
    if shapes.crs is None:
        raise CrsError(
            f"{path.name}: the layer does not say its coordinate reference system. Add one (for a Shapefile: .prj)."
        )
    named = gpd.GeoDataFrame({"name": _names(table, name_field)}, geometry=shapes.to_numpy(), crs=shapes.crs)
    bare = shapely.is_missing(shapes.to_numpy()) | shapely.is_empty(shapes.to_numpy())
    if bare.all():
        raise EmptyTableError(f"{table.label}: none of its {len(bare)} features has a shape.")
    notes = list(table.notes)
    if bare.any():
        notes.append(f"{table.label}: {int(bare.sum())} of {len(bare)} features have no shape and are left out.")
    return Features(named[~bare].reset_index(drop=True), notes, table.cells[~bare].reset_index(drop=True))


def _names(table: SourceTable, field: str | None) -> pd.Series[str]:
    """What each feature is called."""
    if field is None:
        texts = [name for name in table.headers if not table.cells[name].str.fullmatch(f"(?:{_NUMBER})?").all()]
        field = texts[0] if texts else None
    elif field not in table.cells:
        found = ", ".join(table.headers) or "none"
        raise UnknownColumnError(f"{table.label}: there is no field '{field}'. Found: {found}. Name one: --name-field.")
    numbers = table.cells.index.to_series().add(1).astype("str")
    if field is None:
        return numbers
    return table.cells[field].where(table.cells[field] != "", numbers)


def _shapes(path: Path, table: SourceTable, sheet: str | None) -> gpd.GeoSeries:
    """The shapes of the rows of a table."""
    with path.open("rb") as file:
        zipped = file.read(len(_ZIP)) == _ZIP
    suffix = path.suffix.lower()
    if suffix in {".parquet", ".geoparquet"}:
        return gpd.read_parquet(path).geometry
    members = archive_members(path) if zipped else []
    if suffix == ".kml" or any(name.lower().endswith(".kml") for name in members):
        shapes = list(_kml_shapes(path, members))
        return gpd.GeoSeries([shapes[row - 1] for row in table.rows], crs=_KML_CRS)
    # pyogrio sees an archive in front of each ``!`` and parameters behind a ``;``: the layer gets a name of its own.
    with TemporaryDirectory() as folder:
        if zipped:
            inside = next(name for name in members if name.lower().endswith(f"{table.sheet}.shp".lower()))
            link = Path(folder) / "layer.zip"
            link.symlink_to(path.absolute())
            return _layer(f"/vsizip/{{{link.as_posix()}}}/{inside}", None)
        for part in path.absolute().parent.iterdir():
            if part.stem.lower() == path.stem.lower():
                (Path(folder) / f"layer{part.suffix.lower()}").symlink_to(part)
        source = Path(folder) / f"layer{suffix}"
        layers = [str(name) for name, geometry in pyogrio.list_layers(source) if geometry is not None]
        if sheet is None and len(layers) > 1:
            raise UnreadableFileError(f"{path.name}: it has several layers ({', '.join(layers)}). Say which: --sheet.")
        return _layer(str(source), table.sheet or None)


def _layer(source: str, layer: str | None) -> gpd.GeoSeries:
    frame: Any = pyogrio.read_dataframe(source, layer=layer, columns=[], use_arrow=False)
    return gpd.GeoSeries(frame.geometry)


# ------------------------------------------------------------------------------------------------- KML


def _kml_shapes(path: Path, members: list[str]) -> Iterator[Any]:
    """The shape of each placemark, in the order in which the reader of tables lists them; None where there is none."""
    if not members:
        with path.open("rb") as file:
            yield from _placemarks(file)
        return
    # The document of a KMZ, as the reader of tables finds it: doc.kml, or else the first one.
    documents = [name for name in members if name.lower().endswith(".kml")]
    main = min(documents, key=lambda name: (name.lower() != "doc.kml", name.count("/")))
    with zipfile.ZipFile(path) as archive, archive.open(main) as file:
        yield from _placemarks(file)


def _placemarks(file: Any) -> Iterator[Any]:
    for _, element in ET.iterparse(file):  # noqa: S314  the reader of tables has refused entities
        if _tag(element) == "Placemark":
            yield next((_shape(child) for child in element if _tag(child) in _KML_SHAPES), None)
            element.clear()


def _shape(element: ET.Element) -> Any:
    """A shape of KML 2.2 (OGC 07-147r2, chapter 10).

    Raises
    ------
    ValueError : coordinates that are no numbers, or too few of them.
    """
    tag = _tag(element)
    if tag == "MultiGeometry":
        parts = [_shape(part) for part in element if _tag(part) in _KML_SHAPES]
        return shapely.GeometryCollection([part for part in parts if part is not None])
    if tag == "Polygon":
        rings = {"outerBoundaryIs": [], "innerBoundaryIs": []}  # type: dict[str, list[Any]]
        for boundary in element:
            if _tag(boundary) in rings:
                rings[_tag(boundary)] += [_coordinates(ring) for ring in boundary if _tag(ring) == "LinearRing"]
        if not rings["outerBoundaryIs"]:
            return None
        return shapely.Polygon(rings["outerBoundaryIs"][0], rings["innerBoundaryIs"])
    at = _coordinates(element)
    if len(at) == 0:
        return None
    return shapely.Point(at[0]) if tag == "Point" else shapely.LineString(at)


def _coordinates(element: ET.Element) -> Any:
    text = next((child.text or "" for child in element if _tag(child) == "coordinates"), "")
    return np.array([[float(number) for number in place.split(",")[:2]] for place in text.split()])


def _tag(element: ET.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]
