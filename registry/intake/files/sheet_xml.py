"""What the reader of workbooks does not tell of an xlsx or ods: how far a sheet reaches, and cells that hold no value.

A cell far from the table makes a sheet of thousands of millions of cells, which would be more than any memory; so the
sheet's XML is looked through before it is read.
"""

from __future__ import annotations

import re
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from registry.errors import UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# A million rows of fifty columns.
MOST_CELLS = 50_000_000
_PIECE = 1 << 22
# The longest start of a cell that can be cut by the end of a piece.
_OVERLAP = 1 << 12
_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})(\d{1,7})"')
_NOT_COMPUTED = re.compile(
    rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3}\d{1,7})"[^>]*>\s*<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>[^<]*</(?:\w+:)?f>)\s*'
    rb"(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v>\s*</(?:\w+:)?v>)?\s*</(?:\w+:)?c>"
)
_ERROR = re.compile(rb'<(?:\w+:)?c\s(?=[^>]*\bt="e")[^>]*?\br="([A-Z]{1,3}\d{1,7})"')
# An OpenDocument cell with a value, or a row of such cells, that stands for many.
_REPEATED = re.compile(
    rb'<table:table-cell\b(?=[^>]*office:value-type)[^>]*number-columns-repeated="(\d+)"'
    rb'|<table:table-row\b[^>]*number-rows-repeated="(\d+)"[^>]*>(?:(?!</table:table-row>).)*?office:value-type',
    re.DOTALL,
)
_MOST_REPEATED = 10_000
_STRINGS = "xl/sharedstrings.xml"
_UNIQUE_COUNT = re.compile(rb'\buniqueCount="(\d+)"')
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


@dataclass(frozen=True)
class Looked:
    """Cells of a sheet, as ``B7``, that hold a formula without its value, and those that hold an error."""

    not_computed: list[str]
    errors: list[str]


def look_through(path: Path, sheet: str) -> Looked:
    """Look through a sheet of an xlsx workbook.

    Raises
    ------
    UnreadableFileError : it reaches too far.
    """
    columns: set[bytes] = set()
    lowest = 0
    not_computed: list[str] = []
    errors: list[str] = []
    with zipfile.ZipFile(path) as archive:
        part = _parts(archive).get(sheet)
        if part is None:
            return Looked([], [])
        for xml in _pieces(archive, part):
            cells = _CELL.findall(xml)
            columns.update({column for column, _ in cells})
            lowest = max(lowest, max((int(row) for _, row in cells), default=0))
            if b"<f" in xml or b":f" in xml:
                not_computed += [match.decode() for match in _NOT_COMPUTED.findall(xml)]
            if b't="e"' in xml:
                errors += [match.decode() for match in _ERROR.findall(xml)]
    widest = max(map(_column_number, columns), default=0)
    if lowest * widest > MOST_CELLS:
        raise UnreadableFileError(
            f"{path.name}: sheet '{sheet}' reaches over {lowest:,} rows and {widest:,} columns, more than "
            f"{MOST_CELLS:,} cells. Delete the cells that stand far from the table."
        )
    return Looked(not_computed, errors)


def check_counts(path: Path) -> None:
    """Refuse a workbook whose XML names numbers that it does not hold, or a filled cell that stands for very many.

    Raises
    ------
    UnreadableFileError : it does.
    """
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.filename.lower() == _STRINGS:
                with archive.open(member) as file:
                    said = _UNIQUE_COUNT.search(file.read(_OVERLAP))
                # The shortest text is <si/>.
                if said and int(said[1]) > member.file_size:
                    raise UnreadableFileError(f"{path.name}: '{_STRINGS}' in it is damaged. Save the workbook again.")
            if member.filename == "content.xml":
                for columns, rows in _REPEATED.findall(archive.read(member)):
                    if int(columns or rows) > _MOST_REPEATED:
                        raise UnreadableFileError(
                            f"{path.name}: a filled cell in it is repeated {int(columns or rows):,} times. "
                            "Delete the repeats."
                        )


def _parts(archive: zipfile.ZipFile) -> dict[str, str]:
    """Sheet name to the part of the archive that holds it; empty when the workbook is laid out in another way."""
    try:
        book, links = (
            ET.fromstring(archive.read(f"xl/{part}"))  # noqa: S314  refused before if it defines entities
            for part in ("workbook.xml", "_rels/workbook.xml.rels")
        )
    except (KeyError, ET.ParseError):
        return {}
    targets = {link.get("Id"): link.get("Target", "") for link in links}
    found = {}
    for each in book.iter():
        target = targets.get(each.get(_RELATION)) if each.tag.endswith("}sheet") else None
        name = each.get("name")
        if target and name:
            part = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
            found[name] = part
    members = set(archive.namelist())
    return {name: part for name, part in found.items() if part in members}


def _pieces(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The XML of a part, cut between cells."""
    held = b""
    with archive.open(part) as file:
        while piece := file.read(_PIECE):
            held += piece
            cell = max(held.rfind(b"<c "), held.rfind(b":c "))
            cut = held.rfind(b"<", 0, cell + 1) if cell >= 0 else max(0, len(held) - _OVERLAP)
            yield held[:cut]
            held = held[cut:]
    yield held


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
