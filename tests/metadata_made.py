"""Metadata as an export has them, with texts that would break a document that did not escape them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pyproj

from registry.export.about.metadata import Content, Metadata

HOSTILE = "A & B ]]> <b> \"引号\"\x00\x0b '撇号'"
READABLE = "A & B ]]> <b> \"引号\" '撇号'"


def made(**changes: Any) -> Metadata:
    """Metadata of an export of two kinds and three sources, some of them made up."""
    told: dict[str, Any] = {
        "title": f"河北省台账 {HOSTILE}",
        "abstract": "尾矿库和综合利用企业。",
        "sources": [(f"甲 2025 {HOSTILE}", "CC-BY-4.0"), ("乙 2025", None), ("丙", "synthetic: made up")],
        "date": datetime(2026, 11, 26, 8, 15, tzinfo=UTC),
        "synthetic": True,
        "language": "zh",
        "notes": ["位置已作模糊化处理 · Positions are blurred"],
        "extent": (113.4554, 36.05, 119.8467, 42.6167),
        "crs": pyproj.CRS(4490),
        "changed": datetime(2026, 11, 20, 23, 30, tzinfo=UTC),
        "contents": [
            Content("tailings_pond", "尾矿库", 12, (113.5, 36.1, 119.5, 42.5)),
            Content("utilization_plant", "综合利用企业", 2),
        ],
        "selection": [("省份", "河北省")],
    }
    return Metadata(**(told | changes))


# What QGIS knows of a layer when a person adds it.
ASK_METADATA = """
layer = QgsVectorLayer(source, "layer", "ogr")
assert layer.isValid()
if not layer.metadata().title():
    layer.loadDefaultMetadata()  # as QGIS does when a person adds the layer
told = layer.metadata()
box = [extent.bounds.toRectangle() for extent in told.extent().spatialExtents()]
answer = {
    "title": told.title(), "abstract": told.abstract(), "licences": told.licenses(), "history": told.history(),
    "limits": [limit.constraint for limit in told.constraints()], "crs": told.crs().authid(), "rows": layer.featureCount(),
    "box": [box[0].xMinimum(), box[0].yMinimum(), box[0].xMaximum(), box[0].yMaximum()] if box else None,
}
"""
