"""Layers of GIS files: attributes as text cells, one point a feature."""

from __future__ import annotations

import json
import warnings
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyogrio
import shapely

from registry.errors import EmptyTableError, UnreadableFileError
from registry.intake.delimited import likely_encoding
from registry.intake.source_table import Points, SourceTable, one_line, trimmed, unique_headers
from registry.intake.workbook import as_text, chosen_layer

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from registry.model.vocabulary import Kind

# A dBASE table: 32 bytes of header and of each field; names of up to 10 bytes.
_DBF_HEADER, _DBF_NAME = 32, 10

_FAILURES = (
    pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError, pyogrio.errors.GeometryError, OSError, ValueError, RuntimeError,
)  # fmt: skip


def read_vector(path: Path, kind: Kind, sheet: str | None, encoding: str | None) -> SourceTable:
    """One layer of a GeoJSON, GeoPackage or Shapefile (bare or zipped).

    Raises
    ------
    UnreadableFileError : GDAL cannot read it, no such layer, or several layers and none named.
    """
    source = _inside_zip(path, kind, sheet) if path.suffix.lower() == ".zip" else str(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # GDAL's remarks on a file that it reads all the same
        try:
            layers = [str(name) for name in pyogrio.list_layers(source)[:, 0]]
            if not layers:
                raise EmptyTableError(f"{path.name}: it has no layer.")
            layer = _layer(path, layers, kind, None if source.startswith("/vsizip/") else sheet)
            undeclared = _texts_encoding(path, source, encoding)
            frame = pyogrio.read_dataframe(
                source, layer=layer, encoding="ISO-8859-1" if undeclared else encoding, use_arrow=False
            )
        except _FAILURES as error:
            raise UnreadableFileError(f"{path.name}: not a readable layer: {one_line(error)}.") from error
    label = path.name if len(layers) == 1 else f"{path.name}, layer '{layer}'"
    if frame.empty:
        raise EmptyTableError(f"{label}: the layer has no features.")
    points = None
    if "geometry" in frame and hasattr(frame, "crs"):
        points = _points(frame.geometry.to_numpy(), None if frame.crs is None else frame.crs.to_wkt())
        frame = pd.DataFrame(frame.drop(columns="geometry"))
    notes: list[str] = []
    if undeclared:
        frame = _decoded(frame, undeclared)
        if encoding is None and undeclared != "utf-8":
            notes.append(f"{label}: does not say its encoding; read as {undeclared}. Another one: --encoding.")
    headers = unique_headers([str(column) for column in frame.columns])
    cells = pd.DataFrame(
        {
            name: trimmed(as_text(_plain(frame.iloc[:, i].to_numpy(dtype=object, na_value=None))))
            for i, name in enumerate(headers)
        },
        index=range(len(frame)),
    )
    rows = np.arange(1, len(frame) + 1, dtype="int64")
    return SourceTable(label, cells, headers, rows, np.full(len(frame), "", dtype=object), points, tuple(notes))


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
    try:
        with zipfile.ZipFile(path) as archive:
            members = [name for name in archive.namelist() if name.lower().endswith(".shp")]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise UnreadableFileError(f"{path.name}: not a readable archive: {one_line(error)}.") from error
    if not members:
        raise UnreadableFileError(f"{path.name}: there is no .shp file in the archive.")
    by_stem = {name.rsplit("/", 1)[-1][:-4]: name for name in members}
    stem = _layer(path, list(by_stem), kind, sheet)
    return f"/vsizip/{{{path.resolve().as_posix()}}}/{by_stem[stem]}"


def _points(geometries: Any, crs: str | None) -> Points:
    """Coordinates of the points; a multipoint of one is a point."""
    geometries = np.asarray(geometries, dtype=object)
    missing = shapely.is_missing(geometries) | shapely.is_empty(geometries)
    types = shapely.get_type_id(geometries)
    single = (types == shapely.GeometryType.MULTIPOINT) & (shapely.get_num_geometries(geometries) == 1)
    geometries = np.where(single, shapely.get_geometry(geometries, 0), geometries)
    point = ~missing & (single | (types == shapely.GeometryType.POINT))
    problem: NDArray[np.object_] = np.full(len(geometries), "", dtype=object)
    problem[missing] = "The feature has no geometry; a site is a point."
    for at in np.flatnonzero(~missing & ~point):
        problem[at] = f"The geometry is a {geometries[at].geom_type}; a site is a point."
    geometries = np.where(point, geometries, None)
    return Points(shapely.get_x(geometries), shapely.get_y(geometries), problem, crs)
