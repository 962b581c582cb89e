"""Metadata as QGIS keeps them: a ``.qmd`` file beside a layer's file, or a row of a GeoPackage's ``gpkg_metadata``.

Element names and their order are those that QGIS 3 writes (``QgsLayerMetadata``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from registry.export.xml import child, written

if TYPE_CHECKING:
    import pyproj

    from registry.export.about.metadata import Metadata

STANDARD = "http://mrcc.com/qgis.dtd"
_DOCTYPE = f"<!DOCTYPE qgis PUBLIC '{STANDARD}' 'SYSTEM'>\n"
_LANGUAGES = {"zh": "ZHO", "en": "ENG"}
_LICENCE = {"zh": "{source}：{licence}", "en": "{source}: {licence}"}


def qmd(metadata: Metadata) -> str:
    """A document that QGIS loads as a layer's metadata: title, abstract, licences, limits of use, extent and CRS."""
    root = ET.Element("qgis", {"version": "3.22"})
    child(root, "identifier", metadata.contents[0].name if len(metadata.contents) == 1 else "")
    child(root, "parentidentifier")
    child(root, "language", _LANGUAGES[metadata.language])
    child(root, "type", "dataset")
    child(root, "title", metadata.title)
    told = [metadata.abstract, metadata.warning, *metadata.notes]
    child(root, "abstract", "\n".join(part for part in told if part))
    topics = child(root, "keywords", vocabulary="gmd:topicCategory")
    child(topics, "keyword", "Environment")
    child(root, "links")
    for name, _ in metadata.sources:
        child(root, "history", name)
    if metadata.changed is not None:
        child(root, "history", metadata.changed.isoformat(timespec="seconds"))
    child(root, "fees")
    for limit in [metadata.warning, *metadata.notes]:
        if limit:
            child(root, "constraints", limit, type="use")
    for source, licence in metadata.sources:
        if licence:
            child(root, "license", _LICENCE[metadata.language].format(source=source, licence=licence))
    child(root, "encoding", "UTF-8")
    if metadata.crs is not None:
        _reference_system(root, metadata.crs)
    extent = child(root, "extent")
    if metadata.extent is not None:
        west, south, east, north = (f"{side:.6f}" for side in metadata.extent)
        child(
            extent, "spatial", dimensions="2", crs="EPSG:4326",
            minx=west, miny=south, minz="0", maxx=east, maxy=north, maxz="0",
        )  # fmt: skip
    return written(root, _DOCTYPE)


def _reference_system(root: ET.Element, crs: pyproj.CRS) -> None:
    system = child(child(root, "crs"), "spatialrefsys")
    child(system, "wkt", crs.to_wkt("WKT2_2019"))
    authority = crs.to_authority()
    if authority is not None:
        child(system, "srid", authority[1])
        child(system, "authid", ":".join(authority))
    child(system, "description", crs.name)
    child(system, "geographicflag", str(crs.is_geographic).lower())
