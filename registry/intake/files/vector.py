"""Layers of GIS files: attributes as text cells, one point a feature."""

from __future__ import annotations

import json
import warnings
import zipfile
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyogrio

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.cells.source_table import SourceTable, one_line, trimmed, unique_headers
from registry.intake.files.archives import archive_members
from registry.intake.files.encodings import UNICODE, file_encoding, likely_encoding
from registry.intake.files.header_block import known_fields
from registry.intake.files.points import points_of
from registry.intake.files.short_names import short_names
from registry.intake.files.workbook import as_text, chosen_layer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from registry.model.vocabulary import Kind

# A dBASE table: 32 bytes of header and of each field; names of up to 10 bytes.
_DBF_HEADER, _DBF_NAME = 32, 10

# What a Shapefile begins with: its file code, 9994.
SHAPEFILE = b"\x00\x00\x27\x0a"
# Bytes from the start of a file that are looked at.
_HEAD = 4_096
_BEFORE_JSON = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"

_FAILURES = (
    pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError, pyogrio.errors.GeometryError, OSError, ValueError, RuntimeError,
)  # fmt: skip


def read_vector(
    path: Path,
    kind: Kind,
    sheet: str | None,
    encoding: str | None,
    *,
    zipped: bool = False,
    notes: tuple[str, ...] = (),
) -> SourceTable:
    """One layer of a GeoJSON, GeoPackage, FlatGeobuf or Shapefile (bare or zipped).

    Raises
    ------
    UnreadableFileError : GDAL cannot read it, no such layer, or several layers and none named.
    """
    with _named_for_gdal(path) as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL's remarks on a file that it reads all the same
        source = _inside_zip(path, kind, sheet) if zipped else name
        try:
            opened = _json_in_utf8(path, encoding) or source
            layers = [(str(layer), geometry) for layer, geometry in pyogrio.list_layers(opened)]
            if not layers:
                raise EmptyTableError(f"{path.name}: it has no layer.")
            layer = layers[0][0] if zipped else _chosen(path, opened, layers, kind, sheet)
            undeclared = _texts_encoding(path, source, encoding)
            frame = pyogrio.read_dataframe(
                opened,
                layer=[each for each, _ in layers].index(layer),
                encoding="ISO-8859-1" if undeclared else encoding if source.lower().endswith(".shp") else None,
                use_arrow=False,
            )
        except _FAILURES as error:
            raise UnreadableFileError(f"{path.name}: not a readable layer: {one_line(error)}.") from error
    label = path.name if len(layers) == 1 else f"{path.name}, layer '{layer}'"
    if frame.empty:
        raise EmptyTableError(f"{label}: the layer has no features.")
    points = None
    if "geometry" in frame and hasattr(frame, "crs"):
        points = points_of(frame.geometry.to_numpy(), None if frame.crs is None else frame.crs.to_wkt())
        frame = pd.DataFrame(frame.drop(columns="geometry"))
    if undeclared:
        frame = _decoded(frame, undeclared)
        if encoding is None and undeclared != "utf-8":
            notes += (f"{label}: does not say its encoding; read as {undeclared}. Another one: --encoding.",)
    written = short_names(path, source.rsplit("/", 1)[-1][:-4]) if source.lower().endswith(".shp") else {}
    headers = unique_headers([written.get(str(column), str(column)) for column in frame.columns])
    cells = pd.DataFrame(
        {
            name: trimmed(as_text(_plain(frame.iloc[:, i].to_numpy(dtype=object, na_value=None))))
            for i, name in enumerate(headers)
        },
        index=range(len(frame)),
    )
    rows = np.arange(1, len(frame) + 1, dtype="int64")
    none: NDArray[np.object_] = np.full(len(frame), "", dtype=object)
    one_table = len(layers) == 1 and not zipped and path.suffix.lower() != ".gpkg"
    return SourceTable(label, cells, headers, rows, none, points, notes, "" if one_table else layer)


def _json_in_utf8(path: Path, encoding: str | None) -> bytes | None:
    """The bytes of a GeoJSON that is not in UTF-8, as RFC 7946 asks, turned into it; None of any other file."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head.lstrip(_BEFORE_JSON).startswith((b"{", b"[")):
        return None
    used = encoding or file_encoding(path)
    if used in UNICODE:
        return None
    return path.read_bytes().decode(used).encode()


def _chosen(path: Path, source: Any, layers: list[tuple[str, Any]], kind: Kind, sheet: str | None) -> str:
    """The layer that is meant: the one named, the only one with geometry, the only one with headers of the kind."""
    names = [layer for layer, _ in layers]
    if sheet is not None or len(layers) == 1:
        return _layer(path, names, kind, sheet)
    spatial = [layer for layer, geometry in layers if geometry] or names
    known = [layer for layer in spatial if "name" in known_fields(_field_names(source, layer), kind)]
    return _layer(path, known if len(known) == 1 else spatial, kind, None)


def _field_names(source: Any, layer: str) -> list[str]:
    return [str(name) for name in pyogrio.read_info(source, layer=layer)["fields"]]


def _texts_encoding(path: Path, source: str, encoding: str | None) -> str | None:
    """The encoding to decode a Shapefile's texts with: the user's, else the likeliest where the file says none.

    None where GDAL is to decide: the format or the file says its encoding itself.

    Field names are cut at 10 bytes, often inside a character, so the bytes are decoded here and not by GDAL.
    """
    table = source[:-4]
    if not source.lower().endswith(".shp"):
        return None
    if encoding is not None:
        return encoding
    if source.startswith("/vsizip/"):
        with zipfile.ZipFile(path) as archive:
            stem = table.rsplit("}/", 1)[1]
            files = {name.lower(): name for name in archive.namelist()}
            dbf, declared = files.get(f"{stem.lower()}.dbf"), f"{stem.lower()}.cpg" in files
            raw = archive.read(dbf) if dbf and not declared else b""
    else:
        sisters = {file.name.lower(): file for file in path.parent.iterdir() if file.stem.lower() == path.stem.lower()}
        stem = path.stem.lower()
        dbf_file, declared = sisters.get(f"{stem}.dbf"), f"{stem}.cpg" in sisters
        raw = dbf_file.read_bytes() if dbf_file and not declared else b""
    # Byte 29 of the table is the language driver; 0 leaves the encoding open.
    if len(raw) < _DBF_HEADER or raw[29]:
        return None
    size = int.from_bytes(raw[8:10], "little")
    return likely_encoding(raw[size:]) if not raw[size:].isascii() else likely_encoding(_names(raw[:size]))


def _names(header: bytes) -> bytes:
    """The field names of a dBASE header, each without what its cut left of a last character."""
    names = [header[at : at + 11].split(b"\0")[0] for at in range(_DBF_HEADER, len(header) - 1, _DBF_HEADER)]
    return b"\n".join(name.decode("utf-8", "ignore").encode() if len(name) == _DBF_NAME else name for name in names)


def _decoded(frame: pd.DataFrame, encoding: str) -> pd.DataFrame:
    """A frame that was read as Latin-1, its names and texts decoded as what they are."""

    def text(value: Any) -> Any:
        return value.encode("latin-1").decode(encoding, "replace") if isinstance(value, str) else value

    try:
        decoded = frame.map(text) if len(frame.columns) else frame
        return decoded.rename(columns=lambda name: str(name).encode("latin-1").decode(encoding, "ignore"))
    except LookupError:
        raise UnreadableFileError(f"'{encoding}' is no encoding that is known here.") from None


def _plain(values: NDArray[np.object_]) -> NDArray[np.object_]:
    """Values (n,) of which lists and objects, as GeoJSON may hold them, are written as JSON."""
    nested = [at for at, value in enumerate(values) if isinstance(value, dict | list | tuple | np.ndarray)]
    if nested:
        values = values.copy()
        for at in nested:
            values[at] = json.dumps(values[at], ensure_ascii=False, default=_listed)
    return values


def _listed(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else str(value)


def _layer(path: Path, layers: list[str], kind: Kind, sheet: str | None) -> str:
    if sheet is None:
        return chosen_layer(path, layers, kind, "layer")
    if sheet not in layers:
        raise UnreadableFileError(f"{path.name}: no layer '{sheet}'. It has: {', '.join(layers)}.")
    return sheet


def _inside_zip(path: Path, kind: Kind, sheet: str | None) -> str:
    """GDAL's name of the Shapefile in an archive."""
    members = [name for name in archive_members(path) if name.lower().endswith(".shp")]
    if not members:
        raise UnreadableFileError(f"{path.name}: there is no .shp file in the archive.")
    by_stem = {name.rsplit("/", 1)[-1][:-4]: name for name in members}
    stem = _layer(path, list(by_stem), kind, sheet)
    # GDAL goes by the content, and would follow a recipe of that name to other files.
    with zipfile.ZipFile(path) as archive, archive.open(by_stem[stem]) as file:
        if file.read(len(SHAPEFILE)) != SHAPEFILE:
            raise UnreadableFileError(f"{path.name}: '{by_stem[stem]}' in it is no Shapefile.")
    return f"/vsizip/{{{path.absolute().as_posix()}}}/{by_stem[stem]}"


@contextmanager
def _named_for_gdal(path: Path) -> Iterator[str]:
    """A name of a file that GDAL and pyogrio take for nothing else.

    pyogrio sees an archive in front of each ``!`` and parameters behind a ``;``; such a file, with those that belong to it, gets another name.
    """
    whole = path.absolute()
    if not set(str(whole)) & set("!;"):
        yield str(whole)
        return
    with TemporaryDirectory() as folder:
        for part in whole.parent.iterdir():
            if part.stem.lower() == whole.stem.lower():
                (Path(folder) / f"layer{part.suffix}").symlink_to(part)
        yield str(Path(folder) / f"layer{whole.suffix}")
