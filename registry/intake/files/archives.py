"""What an archive holds, looked at before anything is read from it: its size once inflated, and its XML.

Workbooks (xlsx, xlsb, ods), KMZ and zipped Shapefiles are ZIP archives. One that swells beyond all measure is refused,
and so is XML that defines entities: a table needs none, and they can swell or name other files.
"""

from __future__ import annotations

import copy
import zipfile
import zlib
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from registry.errors import UnreadableFileError
from registry.intake.cells.source_table import one_line

if TYPE_CHECKING:
    from pathlib import Path

# What a file may hold once it is inflated, in bytes; a million rows of a workbook are about one GB.
MOST_INFLATED = 2 << 30
# How many times its size a file may become, when it becomes larger than that many bytes.
MOST_RATIO, RATIO_MATTERS = 200, 100 << 20
# The most that DEFLATE can do: 1032 bytes from one.
_DEFLATE_RATIO = 1_032
_MOST_MEMBERS = 10_000
_PIECE = 1 << 20
_XML = (".xml", ".rels", ".kml", ".vml")


class _RootReachedError(Exception):
    """The prologue of an XML text is over."""


def archive_members(path: Path) -> list[str]:
    """The names of what a ZIP archive holds, when its size and its XML are in order.

    Raises
    ------
    UnreadableFileError : it is no archive, damaged or locked, too large when inflated, or its XML defines entities.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _check(path, archive)
            return archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, zlib.error) as error:
        raise UnreadableFileError(f"{path.name}: not a readable archive: {one_line(error)}.") from error
    except RuntimeError as error:  # what zipfile says of a password
        raise UnreadableFileError(
            f"{path.name}: the archive is locked with a password. Save it without one."
        ) from error


def check_xml(name: str, file: IO[bytes]) -> None:
    """Refuse an XML text that defines entities; any other text is left to its reader.

    Raises
    ------
    UnreadableFileError : its document type declaration has definitions of its own.
    """

    def doctype(_name: str, _system: str | None, _public: str | None, own_definitions: int) -> None:
        if own_definitions:
            raise UnreadableFileError(
                f"{name}: its XML defines entities (DTD), which no table needs and which can be harmful; not read."
            )

    def root(_name: str, _attributes: dict[str, str]) -> None:
        raise _RootReachedError

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = doctype
    parser.StartElementHandler = root
    try:
        while piece := file.read(_PIECE):
            parser.Parse(piece)
    except (_RootReachedError, expat.ExpatError):
        return


def _check(path: Path, archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    declared = sum(member.file_size for member in members)
    packed = path.stat().st_size
    if len(members) > _MOST_MEMBERS:
        raise UnreadableFileError(f"{path.name}: the archive holds {len(members)} files; no table has that many.")
    _check_size(path, declared, packed)
    for member in members:
        # A stream may hold more than its entry says: it is tried where it could matter.
        usual = member.compress_type in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
        if not usual or member.compress_size * _DEFLATE_RATIO > RATIO_MATTERS:
            _check_member(path, archive, member)
        if member.filename.lower().endswith(_XML):
            with archive.open(member) as file:
                check_xml(f"{path.name}, {member.filename}", file)


def _check_member(path: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Inflate one member and see that it is as large as it says."""
    said = member.file_size
    # zipfile stops at the size that the entry says; told a larger one, it goes on to the end of the stream.
    whole = copy.copy(member)
    whole.file_size = MOST_INFLATED + 1
    seen = 0
    with archive.open(whole) as file:
        while piece := file.read(_PIECE):
            seen += len(piece)
            if seen > said:
                raise UnreadableFileError(
                    f"{path.name}: '{member.filename}' in it is larger than the archive says; not read."
                )
    _check_size(path, seen, path.stat().st_size)


def _check_size(path: Path, inflated: int, packed: int) -> None:
    too_much = inflated > MOST_INFLATED or (inflated > RATIO_MATTERS and inflated > MOST_RATIO * packed)
    if too_much:
        raise UnreadableFileError(
            f"{path.name}: {packed:,} bytes that become {inflated:,} when unpacked; that is no table. "
            f"At most {MOST_INFLATED:,} bytes and {MOST_RATIO} times its size are read."
        )
