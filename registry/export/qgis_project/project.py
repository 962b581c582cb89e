"""A QGIS project (``.qgz``) over exported files or the tables of a server, written without QGIS.

A project opens with its layers in groups, their styles and forms, the tables that belong to a site related to it, a first
view on all of them and a page ready to print. Paths in it are relative to it, it holds no user name and no password, and
the same content gives the same bytes.
"""

from __future__ import annotations

import io
import re
import secrets
import zipfile
from contextlib import suppress
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

import pyproj

from registry.errors import BadParameterError, CrsError, UnwritableFileError
from registry.export.qgis_project import print_page
from registry.export.qgis_project.layer import WKB, Box, ProjectLayer
from registry.export.qgis_project.parts import reference_system, relations, style_of, view_box
from registry.export.styling import qml
from registry.export.xml import plain
from registry.model import symbols as s

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


# What the usual groups are called; a group of another name is called by it.
GROUPS = {
    "sites": {"zh": "堆存场地", "en": "Waste sites"},
    "plants": {"zh": "综合利用企业", "en": "Utilization plants"},
    "regions": {"zh": s.REGION_TERM.zh, "en": s.REGION_TERM.en},
    "tables": {"zh": "附属表", "en": "Tables"},
}
_DRAWN = {"Point": "Point", "LineString": "Line", "Polygon": "Polygon", "Table": "No geometry"}
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the earliest time that a zip entry can bear
_SECRET = re.compile(r"""\b(password|passwd|pwd|user|username)\s*=|//[^/@\s]*@""", re.IGNORECASE)
_ABSOLUTE = re.compile(r"^(file:)?(/|\\|[A-Za-z]:[\\/])")


def write_project(
    path: Path, layers: Sequence[ProjectLayer], *, crs: str, lang: str = "zh", title: str = "", note: str = ""
) -> None:
    """Write a project; a file of that name is replaced once the new one is whole.

    Parameters
    ----------
    path : the ``.qgz`` to write.
    layers : from the top of the legend to its bottom, which is also what is drawn over what.
    crs : of the map, as ``EPSG:4490``.
    lang : language of the groups and the printed page, ``zh`` or ``en``.
    title, note : what the project and its printed page are called, and what they say of source, licence and whether the
        content is synthetic.

    Raises
    ------
    BadParameterError : no layer, two of one name, a path that is not relative, a source that says who connects, or a
        style that is no QML.
    CrsError : a CRS is unknown, or a layer lies where that of the map is not defined.
    UnwritableFileError : the file cannot be written; what was there before still is.
    """
    _check(layers)
    document = tostring(_document(layers, crs, lang, plain(title), plain(note)), encoding="unicode")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(f"{path.stem}.qgs", _EPOCH)
        entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
        archive.writestr(entry, f"{qml.DOCTYPE}{document}")
    passing = path.with_name(f".{secrets.token_hex(8)}.qgz")
    try:
        passing.write_bytes(packed.getvalue())
        passing.replace(path)
    except OSError as error:
        raise UnwritableFileError(
            f"{path} cannot be written: {error.strerror}. Check the folder and the space on the disk."
        ) from error
    finally:
        with suppress(OSError):
            passing.unlink()


def _check(layers: Sequence[ProjectLayer]) -> None:
    if not layers:
        raise BadParameterError("A project without a layer shows nothing. Choose at least one layer.")
    seen: set[str] = set()
    for layer in layers:
        if layer.name in seen:
            raise BadParameterError(
                f"Two layers of the project are called '{layer.name}'. Give each a name of its own."
            )
        seen.add(layer.name)
        if layer.provider != "postgres" and _ABSOLUTE.match(layer.source):
            raise BadParameterError(
                f"Layer '{layer.name}': the path '{layer.source}' holds on this machine only. Give it relative to the project."
            )
        if layer.provider == "postgres" and _SECRET.search(layer.source):
            raise BadParameterError(
                f"Layer '{layer.name}': a project must not say who connects. Leave user and password out."
            )


def _document(layers: Sequence[ProjectLayer], crs: str, lang: str, title: str, note: str) -> Element:
    system = _system(crs)
    box = view_box([(layer.extent, _system(layer.crs)) for layer in layers if layer.extent and layer.crs], system)
    root = Element("qgis", projectname=title, version=qml.VERSION)
    SubElement(root, "homePath", path="")
    SubElement(root, "title").text = title
    SubElement(root, "projectCrs").append(reference_system(system))
    root.append(_tree(layers, lang))
    root.append(relations(layers))
    if box is not None:
        _canvas(root, box, system)
    placed = SubElement(root, "projectlayers")
    for layer in layers:
        placed.append(_map_layer(layer, note))
    order = SubElement(root, "layerorder")
    for layer in layers:
        SubElement(order, "layer", id=layer.id)
    _properties(root, system)
    metadata = SubElement(root, "projectMetadata")
    for name, text in (("type", "dataset"), ("language", lang), ("title", title), ("abstract", note)):
        SubElement(metadata, name).text = text
    if box is not None:
        drawn = [layer for layer in layers if layer.geometry_type != "Table"]
        SubElement(root, "Layouts").append(print_page.page(_tree(drawn, lang), box, lang, title, note))
        settings = SubElement(root, "ProjectViewSettings", UseProjectScales="0")
        extent = dict(zip(("xmin", "ymin", "xmax", "ymax"), map(repr, box), strict=True))
        SubElement(settings, "DefaultViewExtent", extent).append(reference_system(system))
    return root


def _system(crs: str) -> pyproj.CRS:
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError:
        raise CrsError(f"'{crs}' is not a coordinate reference system. Write it as EPSG:4490 or EPSG:4527.") from None


def _tree(layers: Sequence[ProjectLayer], lang: str) -> Element:
    """The legend; a group stands where the first of its layers does."""
    root = Element("layer-tree-group")
    groups: dict[str, Element] = {}
    for layer in layers:
        parent = root
        if layer.group is not None:
            if layer.group not in groups:
                named = GROUPS.get(layer.group, {}).get(lang, layer.group)
                groups[layer.group] = SubElement(
                    root, "layer-tree-group", name=plain(named), expanded="1", checked="Qt::Checked"
                )
            parent = groups[layer.group]
        SubElement(
            parent, "layer-tree-layer", id=layer.id, name=plain(layer.title), providerKey=layer.provider,
            source=layer.source, expanded=str(int(layer.geometry_type == "Point")), checked="Qt::Checked",
        )  # fmt: skip
    return root


def _canvas(root: Element, box: Box, system: pyproj.CRS) -> None:
    canvas = SubElement(root, "mapcanvas", name="theMapCanvas", annotationsVisible="1")
    SubElement(canvas, "units").text = "degrees" if system.is_geographic else "meters"
    extent = SubElement(canvas, "extent")
    for name, value in zip(("xmin", "ymin", "xmax", "ymax"), box, strict=True):
        SubElement(extent, name).text = repr(value)
    SubElement(canvas, "rotation").text = "0"
    SubElement(canvas, "destinationsrs").append(reference_system(system))


def _map_layer(layer: ProjectLayer, note: str) -> Element:
    """A layer; its style stands in it part by part."""
    style = style_of(layer.style)
    if style is None:
        raise BadParameterError(
            f"Layer '{layer.name}': its style is no QML. Save it again in QGIS, or leave it to the registry."
        )
    shown = Element("maplayer", {
        "type": "vector", "geometry": _DRAWN[layer.geometry_type], "wkbType": WKB[layer.geometry_type],
        "labelsEnabled": style.get("labelsEnabled", "0"), "readOnly": str(int(layer.read_only)),
        "styleCategories": "AllStyleCategories", "hasScaleBasedVisibilityFlag": "0", "minScale": "0", "maxScale": "0",
        "simplifyDrawingHints": "1", "simplifyDrawingTol": "1", "simplifyMaxScale": "1", "simplifyAlgorithm": "0",
        "simplifyLocal": "1", "symbologyReferenceScale": "-1", "autoRefreshEnabled": "0", "autoRefreshTime": "0",
    })  # fmt: skip
    for name, text in (("id", layer.id), ("datasource", layer.source), ("layername", plain(layer.title))):
        SubElement(shown, name).text = text
    if layer.crs is not None:
        SubElement(shown, "srs").append(reference_system(_system(layer.crs)))
    about = SubElement(shown, "resourceMetadata")
    for name, text in (("type", "dataset"), ("title", plain(layer.title)), ("abstract", note)):
        SubElement(about, name).text = text
    if note:
        SubElement(shown, "attribution", href="").text = note
    SubElement(shown, "provider", encoding="UTF-8").text = layer.provider
    manager = SubElement(shown, "map-layer-style-manager", current="default")
    SubElement(manager, "map-layer-style", name="default")
    shown.extend(style)
    SubElement(shown, "legend", type="default-vector", showLabelLegend="0")
    return shown


def _properties(root: Element, system: pyproj.CRS) -> None:
    """Relative paths; lengths and areas on the ellipsoid, in kilometres and square kilometres."""
    ellipsoid = (system.ellipsoid.to_json_dict() if system.ellipsoid else {}).get("id")
    named = f"{ellipsoid['authority']}:{ellipsoid['code']}" if ellipsoid else "NONE"
    properties = SubElement(root, "properties")
    for scope, entries in {
        "Paths": {"Absolute": ("bool", "false")},
        "Measure": {"Ellipsoid": ("QString", named)},
        "Measurement": {"AreaUnits": ("QString", "km2"), "DistanceUnits": ("QString", "km")},
        "SpatialRefSys": {"ProjectionsEnabled": ("int", "1")},
    }.items():
        box = SubElement(properties, scope)
        for name, (type_, value) in entries.items():
            SubElement(box, name, type=type_).text = value
