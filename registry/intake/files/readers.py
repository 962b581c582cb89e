"""Any file that a table comes in, opened as the same thing: a ``SourceTable``.

The suffix must be one that is known; what the file is, its content says: office systems name web pages ``.xls``.
"""

from __future__ import annotations

import hashlib
import zipfile
from typing import TYPE_CHECKING

from registry.errors import RegistryError, UnreadableFileError
from registry.intake.files.archives import archive_members
from registry.intake.files.columnar import read_parquet
from registry.intake.files.delimited import looks_like_a_table, read_delimited
from registry.intake.files.kml import read_kml
from registry.intake.files.vector import SHAPEFILE, read_vector
from registry.intake.files.webpage import read_webpage
from registry.intake.files.workbook import read_workbook

if TYPE_CHECKING:
    from pathlib import Path

    from registry.intake.cells.source_table import SourceTable
    from registry.model.vocabulary import Kind

DELIMITED = frozenset({".csv", ".tsv", ".txt"})
WORKBOOKS = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods"})
COLUMNAR = frozenset({".parquet", ".geoparquet"})
VECTOR = frozenset({".geojson", ".json", ".gpkg", ".shp", ".zip", ".kml", ".kmz", ".fgb"})
KNOWN = DELIMITED | WORKBOOKS | COLUMNAR | VECTOR

# The largest file that is read, in bytes; ten million rows of text are about two GB.
MOST_BYTES = 4 << 30

_HEAD = 65_536
_ZIP, _OLE = b"PK\x03\x04", bytes.fromhex("d0cf11e0a1b11ae1")
_MAGIC = {b"SQLite format 3\0": "gpkg", b"fgb": "fgb", b"PAR1": "parquet", SHAPEFILE: "shp", _OLE: "workbook"}
# What each suffix promises, where a file of other content is refused or told of.
_PROMISED = (
    dict.fromkeys(DELIMITED, "delimited")
    | dict.fromkeys(WORKBOOKS, "workbook")
    | dict.fromkeys(COLUMNAR, "parquet")
    | {".geojson": "geojson", ".json": "geojson", ".gpkg": "gpkg", ".shp": "shp", ".zip": "zip"}
    | {".kml": "kml", ".kmz": "kmz", ".fgb": "fgb"}
)
_CALLED = {
    "delimited": "a text table", "workbook": "a workbook", "parquet": "a Parquet file", "geojson": "a GeoJSON file",
    "gpkg": "a GeoPackage", "shp": "a Shapefile", "zip": "a zipped Shapefile", "kml": "a KML file", "kmz": "a KMZ file",
    "fgb": "a FlatGeobuf file", "webpage": "a web page",
}  # fmt: skip
# The files besides it that are part of a file.
_SISTERS = {".shp": (".dbf", ".prj", ".cpg"), ".gpkg": (".gpkg-wal",)}


def read_table(path: Path, kind: Kind, *, sheet: str | None, encoding: str | None) -> SourceTable:
    """The table in a file.

    Parameters
    ----------
    kind : what its rows should be; it settles which sheet, which row of headers and which encoding are meant.
    sheet : sheet of a workbook, layer of a file or folder of a KML, when there are several.
    encoding : of a text table or a Shapefile; found out when not given.

    Raises
    ------
    UnreadableFileError : the file is missing, of an unknown kind, too large, or not what its suffix says.
    EmptyTableError : there is no row in it.
    """
    suffix = path.suffix.lower()
    if suffix not in KNOWN:
        known = " ".join(sorted(KNOWN))
        raise UnreadableFileError(f"{path.name}: a file of unknown kind '{path.suffix}'. Known: {known}.")
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UnreadableFileError(
                f"{path.name}: {size:,} bytes; at most {MOST_BYTES:,} are read. Split it into several files."
            )
        content = _content(path, _PROMISED[suffix])
        notes: tuple[str, ...] = ()
        if content != _PROMISED[suffix]:
            notes = (f"{path.name}: in spite of its suffix it is {_CALLED[content]}, and was read as that.",)
        if content == "delimited":
            return read_delimited(path, kind, encoding, notes=notes)
        if content == "workbook":
            return read_workbook(path, kind, sheet, notes=notes)
        if content == "webpage":
            return read_webpage(path, kind, encoding, notes=notes)
        if content == "parquet":
            return read_parquet(path, kind, notes=notes)
        if content in {"kml", "kmz"}:
            return read_kml(path, kind, sheet, zipped=content == "kmz", notes=notes)
        return read_vector(path, kind, sheet, encoding, zipped=content == "zip", notes=notes)
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror or error}.") from error


def read_hashed(path: Path, kind: Kind, *, sheet: str | None, encoding: str | None) -> tuple[SourceTable, str]:
    """The table in a file, and the SHA-256 of exactly what was read.

    Raises
    ------
    UnreadableFileError : as ``read_table``; or the file changed while it was read.
    EmptyTableError : there is no row in it.
    """
    before = _state(path)
    try:
        table = read_table(path, kind, sheet=sheet, encoding=encoding)
    except RegistryError:
        # Half a file says of itself what is not so: the reason comes first.
        _check_unchanged(path, before)
        raise
    _check_unchanged(path, before)
    return table, before[0]


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal; of a bare Shapefile that of its .shp, .dbf, .prj and .cpg in turn.

    Raises
    ------
    UnreadableFileError : the file is missing or cannot be read.
    """
    if not path.exists():
        raise UnreadableFileError(f"{path}: there is no such file.")
    if not path.is_file():
        raise UnreadableFileError(f"{path}: not a file.")
    digest = hashlib.sha256()
    try:
        for part in _parts(path):
            with part.open("rb") as file:
                while piece := file.read(1 << 20):
                    digest.update(piece)
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror or error}.") from error
    return digest.hexdigest()


def _parts(path: Path) -> list[Path]:
    """A file and those that belong to it."""
    endings = _SISTERS.get(path.suffix.lower(), ())
    if not endings:
        return [path]
    beside = {part.name.lower(): part for part in path.parent.iterdir()}
    names = [f"{path.stem}{ending}".lower() for ending in endings]
    return [path, *(beside[name] for name in names if name in beside)]


def _state(path: Path) -> tuple[str, tuple[tuple[int, int, int], ...]]:
    """What is other when a file has changed: hash, and of each part size, time of the last write and inode."""
    sha256 = file_sha256(path)
    try:
        stats = [part.stat() for part in _parts(path)]
    except OSError as error:
        raise UnreadableFileError(f"{path}: cannot be read: {error.strerror or error}.") from error
    return sha256, tuple((stat.st_size, stat.st_mtime_ns, stat.st_ino) for stat in stats)


def _check_unchanged(path: Path, before: tuple[str, tuple[tuple[int, int, int], ...]]) -> None:
    try:
        same = _state(path) == before
    except UnreadableFileError:
        same = False
    if not same:
        raise UnreadableFileError(f"{path.name}: changed while it was read; try again when nobody writes to it.")


def _content(path: Path, promised: str) -> str:
    """What a file is, from its first bytes.

    Raises
    ------
    UnreadableFileError : it is something that is not read, or not what its suffix promises.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    found = next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)
    # An archive may have something in front of it, and is one all the same.
    if head.startswith(_ZIP) or (promised in {"workbook", "zip", "kmz"} and zipfile.is_zipfile(path)):
        found = _in_archive(archive_members(path))
    if found is None:
        found = _in_text(path, head, promised)
    if found is None or (found != promised and found == "delimited" and promised != "workbook"):
        if promised in {"delimited", "kml", "workbook", "zip", "kmz"}:
            return promised
        raise UnreadableFileError(f"{path.name}: not {_CALLED[promised]}, as its suffix says.")
    return found


def _in_archive(members: list[str]) -> str | None:
    """What a ZIP archive is."""
    names = {name.lower() for name in members}
    if names & {"xl/workbook.xml", "xl/workbook.bin", "content.xml"}:
        return "workbook"
    endings = {name.rsplit(".", 1)[-1] for name in names}
    return "zip" if "shp" in endings else "kmz" if "kml" in endings else None


def _in_text(path: Path, head: bytes, promised: str) -> str | None:
    """What a text is; None when it says nothing of itself."""
    start = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n").lower()
    if b"gdal_streamed_alg" in start or start.startswith(b"<ogrvrt"):
        raise UnreadableFileError(f"{path.name}: a recipe for GDAL that names other files; only data are read.")
    if b"urn:schemas-microsoft-com:office:spreadsheet" in start and b"<workbook" in start:
        raise UnreadableFileError(
            f"{path.name}: an XML spreadsheet of 2003, which is not read. Save it as xlsx in a spreadsheet program."
        )
    if start.startswith(b"<") and b"<kml" in start:
        return "kml"
    if start.startswith(b"<") and (b"<table" in start or b"<html" in start):
        return "webpage"
    if start.startswith((b"{", b"[")) and promised == "geojson":
        return "geojson"
    return "delimited" if looks_like_a_table(head) else None
