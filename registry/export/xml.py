"""XML written from outside's texts: everything escaped, and without the characters that XML cannot hold."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

# Characters that XML 1.0 cannot hold in any spelling (clause 2.2), lone surrogates among them.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def plain(value: str) -> str:
    """The text without the characters that XML cannot hold."""
    return _NOT_XML.sub("", value)


def child(parent: ET.Element, tag: str, content: str | None = None, **attributes: str) -> ET.Element:
    """A new last child of an element."""
    made = ET.SubElement(parent, tag, {name: plain(value) for name, value in attributes.items()})
    if content is not None:
        made.text = plain(content)
    return made


def written(root: ET.Element, doctype: str = "") -> str:
    """The document, indented, with its declaration."""
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{doctype}{ET.tostring(root, encoding="unicode")}\n'
