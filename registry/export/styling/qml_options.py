"""The ``Option`` elements in which QGIS keeps settings of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

if TYPE_CHECKING:
    from collections.abc import Mapping


def option(parent: Element, value: Any, name: str | None = None) -> None:
    """Add a value – a text, number, truth value, or a list or mapping of such – as QGIS writes it."""
    own = {} if name is None else {"name": name}
    if isinstance(value, dict):
        box = SubElement(parent, "Option", own | {"type": "Map"})
        for key, member in value.items():
            option(box, member, key)
    elif isinstance(value, list):
        box = SubElement(parent, "Option", own | {"type": "List"})
        for member in value:
            option(box, member)
    elif isinstance(value, bool):
        SubElement(parent, "Option", own | {"type": "bool", "value": str(value).lower()})
    elif isinstance(value, (int, float)):
        type_ = "int" if isinstance(value, int) else "double"
        SubElement(parent, "Option", own | {"type": type_, "value": f"{value:.15g}"})
    else:
        SubElement(parent, "Option", own | {"type": "QString", "value": str(value)})


def options(parent: Element, texts: Mapping[str, str]) -> None:
    """Add a mapping of texts."""
    option(parent, dict(texts))
