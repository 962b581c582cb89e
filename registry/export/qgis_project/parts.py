"""Parts of a QGIS project that are computed: coordinate reference systems, relations, the first view."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, SubElement, fromstring

import pyproj

from registry.errors import CrsError
from registry.export.styling.drawing import Columns
from registry.export.xml import plain
from registry.model.vocabulary import SITE_KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from registry.export.qgis_project.layer import Box, ProjectLayer

# West, south, east, north.

# The tables that belong to a feature: the column that says whose they are, and the layers that may own them.
_OWNED: dict[str, tuple[str, tuple[Kind, ...]]] = {
    "waste_stream": ("site_uid", SITE_KINDS),
    "inspection": ("site_uid", SITE_KINDS),
    "plant_intake": ("plant_uid", (Kind.UTILIZATION_PLANT,)),
    "supervision_decision": ("pond_uid", (Kind.TAILINGS_POND,)),
    "attachment": ("site_uid", tuple(Kind)),
}
_MARGIN = 0.05
_LEAST = {True: 0.05, False: 5000.0}  # half a view of a single point: degrees, or metres where it is projected


def style_of(text: str | None) -> Element | None:
    """The root of a style in QML; None for a text that is none, or that defines entities of its own."""
    if not text or "<!ENTITY" in text:
        return None
    try:
        root = fromstring(text)  # noqa: S314  without entities there is nothing to expand
    except ParseError:
        return None
    return root if root.tag == "qgis" else None


def reference_system(system: pyproj.CRS) -> Element:
    """A coordinate reference system as QGIS keeps it: by its code, with its WKT for where the code is unknown."""
    box = Element("spatialrefsys", nativeFormat="Wkt")
    code = system.to_authority(min_confidence=100)
    SubElement(box, "wkt").text = system.to_wkt("WKT2_2019")
    SubElement(box, "srid").text = code[1] if code and code[1].isdigit() else "0"
    SubElement(box, "authid").text = ":".join(code) if code else ""
    SubElement(box, "description").text = system.name
    SubElement(box, "geographicflag").text = str(system.is_geographic).lower()
    return box


def relations(layers: Sequence[ProjectLayer]) -> Element:
    """Each table that belongs to features, related to each layer that it can belong to, so that forms show its rows."""
    related = Element("relations")
    by_name = {layer.name: layer for layer in layers}
    for name, (field, owners) in _OWNED.items():
        child = by_name.get(name)
        if child is None or field not in Columns(child.names):
            continue
        for owner in owners:
            parent = by_name.get(owner)
            if parent is None or "uid" not in Columns(parent.names):
                continue
            relation = SubElement(related, "relation", {
                "id": f"{name}_{owner}", "name": plain(child.title), "strength": "Association",
                "referencingLayer": child.id, "referencedLayer": parent.id,
            })  # fmt: skip
            pair = {"referencingField": Columns(child.names)[field], "referencedField": Columns(parent.names)["uid"]}
            SubElement(relation, "fieldRef", pair)
    return related


def view_box(extents: Iterable[tuple[Box, pyproj.CRS]], target: pyproj.CRS) -> Box | None:
    """What a first view shows: all extents in the map's CRS with a little room around; None where there is none.

    Raises
    ------
    CrsError : an extent lies where the map's CRS is not defined.
    """
    boxes = [
        pyproj.Transformer.from_crs(system, target, always_xy=True).transform_bounds(*extent)
        for extent, system in extents
    ]
    if not boxes:
        return None
    if not all(math.isfinite(value) for box in boxes for value in box):
        raise CrsError(
            f"Some layers lie where {target.name} is not defined. Choose a CRS for the map that covers them."
        )
    west, south = (min(box[at] for box in boxes) for at in (0, 1))
    east, north = (max(box[at] for box in boxes) for at in (2, 3))
    least = _LEAST[target.is_geographic]
    across = max((east - west) * _MARGIN, 0 if east - west > least else least)
    along = max((north - south) * _MARGIN, 0 if north - south > least else least)
    return (west - across, south - along, east + across, north + along)
