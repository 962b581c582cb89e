"""KML and KMZ: each placemark a row, its extended data the columns, its folder beside them.

GDAL's drivers are not asked: one drops the extended data, the other turns every Chinese letter of their names to ``_``, so
that two columns become one. The elements that hold a placemark are few.
"""

from __future__ import annotations

import zipfile
from typing import IO, TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pandas as pd
import shapely

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.cells.source_table import SourceTable, one_line, trimmed, unique_headers
from registry.intake.files.archives import archive_members, check_xml
from registry.intake.files.points import points_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from registry.model.vocabulary import Kind

# KML 2.2 (OGC 07-147r2), section 6.1: longitude and latitude on WGS 84.
_CRS = "OGC:CRS84"
_FOLDER = "Folder"
_GEOMETRIES = ("Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Model", "Track", "MultiTrack")
_OF_THE_PLACEMARK = ("name", "description", "address")


def read_kml(
    path: Path, kind: Kind, sheet: str | None, *, zipped: bool = False, notes: tuple[str, ...] = ()
) -> SourceTable:
    """The placemarks of a KML or KMZ file, counted from 1 in their order.

    Parameters
    ----------
    sheet : the folder that is meant; all are when none is named, or the one that is named after the kind.

    Raises
    ------
    UnreadableFileError : no KML, or no such folder.
    EmptyTableError : there is no placemark in it.
    """
    try:
        if zipped:
            main = _main_document(path, archive_members(path))
            with zipfile.ZipFile(path) as archive, archive.open(main) as file:
                placemarks = _placemarks(file)
        else:
            with path.open("rb") as file:
                check_xml(path.name, file)
                file.seek(0)
                placemarks = _placemarks(file)
    except (ET.ParseError, LookupError, ValueError) as error:
        raise UnreadableFileError(f"{path.name}: not readable KML: {one_line(error)}.") from error
    folders = list(dict.fromkeys(folder for folder, _, _ in placemarks))
    alike = [folder for folder in folders if folder in {kind.value, kind.zh, kind.en}]
    if sheet is None and len(folders) > 1 and len(alike) == 1:
        sheet = alike[0]
    if sheet is not None and sheet not in folders:
        raise UnreadableFileError(
            f"{path.name}: no folder '{sheet}' with placemarks. It has: {', '.join(filter(None, folders))}."
        )
    at = [i for i, (folder, _, _) in enumerate(placemarks) if sheet in {None, folder}]
    if not at:
        raise EmptyTableError(f"{path.name}: there is no placemark in it.")
    texts = [placemarks[i][1] for i in at]
    if len(folders) > 1 and sheet is None:
        listed = ", ".join(folder or "(none)" for folder in folders)
        notes += (f"{path.name}: the placemarks of all its folders were read ({listed}). One of them: --sheet.",)
        texts = [text | {_FOLDER: placemarks[i][0]} for i, text in zip(at, texts, strict=True)]
    names = list(dict.fromkeys(name for text in texts for name in text))
    headers = unique_headers(names)
    cells = pd.DataFrame(
        {column: trimmed([text.get(name, "") for text in texts]) for column, name in zip(headers, names, strict=True)},
        index=range(len(at)),
    )
    points = points_of([placemarks[i][2] for i in at], _CRS)
    label = path.name if sheet is None else f"{path.name}, folder '{sheet}'"
    none: NDArray[np.object_] = np.full(len(at), "", dtype=object)
    rows = np.array(at, dtype=np.int64) + 1
    return SourceTable(label, cells, headers, rows, none, points, notes, sheet or "")


def _main_document(path: Path, members: list[str]) -> str:
    """The KML of a KMZ: doc.kml, or else the first one."""
    found = [name for name in members if name.lower().endswith(".kml")]
    if not found:
        raise UnreadableFileError(f"{path.name}: there is no .kml in the archive.")
    return min(found, key=lambda name: (name.lower() != "doc.kml", name.count("/")))


def _placemarks(file: IO[bytes]) -> list[tuple[str, dict[str, str], Any]]:
    """Folder, texts and geometry of each placemark.

    Raises
    ------
    ValueError : the XML is no KML.
    """
    found = []
    folders: list[str] = []
    open_elements: list[ET.Element] = []
    for event, element in ET.iterparse(file, events=("start", "end")):  # noqa: S314  refused before if it has entities
        tag = _local(element)
        if event == "start":
            if not open_elements and tag not in {"kml", "Document", "Folder", "Placemark"}:
                raise ValueError(f"its root is <{tag}>")
            if _is_folder(tag, open_elements):
                folders.append("")
            open_elements.append(element)
            continue
        open_elements.pop()
        if tag == "name" and folders and open_elements and _is_folder(_local(open_elements[-1]), open_elements[:-1]):
            folders[-1] = _text(element)
        elif tag == "Placemark":
            found.append((" / ".join(filter(None, folders)), _fields(element), _geometry(element)))
            if open_elements:
                open_elements[-1].remove(element)
        elif _is_folder(tag, open_elements):
            folders.pop()
    return found


def _is_folder(tag: str, around: list[ET.Element]) -> bool:
    """Whether an element is a folder; a document within another is one."""
    return tag == "Folder" or (tag == "Document" and any(_local(each) in {"Document", "Folder"} for each in around))


def _fields(placemark: ET.Element) -> dict[str, str]:
    """The texts of a placemark by name; extended data of a name that is taken get their own."""
    fields = {}
    for child in placemark:
        if _local(child) in _OF_THE_PLACEMARK and _text(child):
            fields[_local(child)] = _text(child)
    for data in placemark.iter():
        name = data.get("name", "")
        if _local(data) == "SimpleData":
            text = _text(data)
        elif _local(data) == "Data":
            text = next((_text(value) for value in data if _local(value) == "value"), "")
        else:
            continue
        if name and fields.get(name, text) != text:
            name = f"{name} (ExtendedData)"
        if name:
            fields[name] = text
    return fields


def _geometry(placemark: ET.Element) -> Any:
    """A point, a geometry without coordinates that stands for what is no point, or None.

    Raises
    ------
    ValueError : coordinates that are no numbers.
    """
    for element in placemark:
        tag = _local(element)
        if tag not in _GEOMETRIES:
            continue
        parts = [part for part in element if _local(part) in _GEOMETRIES] if tag == "MultiGeometry" else [element]
        if len(parts) == 1 and _local(parts[0]) == "Point":
            return _point(parts[0])
        return _OTHERS.get(tag, _OTHERS["MultiGeometry"])
    return None


# What stands for a geometry that is no site: only its type is told.
_OTHERS = {
    "LineString": shapely.LineString([(0, 0), (1, 1)]),
    "LinearRing": shapely.LineString([(0, 0), (1, 1)]),
    "Polygon": shapely.box(0, 0, 1, 1),
    "MultiGeometry": shapely.GeometryCollection([shapely.Point(0, 0), shapely.Point(1, 1)]),
}


def _point(element: ET.Element) -> Any:
    text = next((_text(child) for child in element if _local(child) == "coordinates"), "")
    if not text:
        return None
    try:
        x, y = (float(number) for number in text.split()[0].split(",")[:2])
    except ValueError:
        return None
    return shapely.Point(x, y)


def _local(element: ET.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _text(element: ET.Element) -> str:
    return (element.text or "").strip()
