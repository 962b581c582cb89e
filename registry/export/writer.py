"""The two doors of the room: which format a suffix means, and how a file takes its place."""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pyogrio.errors
import pyproj
import xlsxwriter.exceptions

from registry.errors import BadParameterError, UnwritableFileError
from registry.export import beside
from registry.export.crs import in_wgs84, refuse_other_than_wgs84
from registry.export.formats import delimited, geopackage, kmz, parquet, shapefile, vector, workbook
from registry.export.frame_layers import prepared
from registry.export.layers import Words, single
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from registry.export.about.metadata import Metadata
    from registry.export.layers import Layer

SUFFIXES = (".gpkg", ".geojson", ".json", ".fgb", ".parquet", ".shp.zip", ".kmz", ".xlsx", ".csv")
_OF_ONE_LAYER = (".geojson", ".json", ".fgb", ".parquet", ".csv")
NAMES = ("code", "zh", "en")
TABLE_SUFFIXES = SUFFIXES  # of a table without positions, ``.json`` holds its rows

_FAILURES = (
    OSError,
    sqlite3.Error,
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    xlsxwriter.exceptions.FileCreateError,
    xlsxwriter.exceptions.FileSizeError,
)


def write(
    layers: Mapping[str, pd.DataFrame | Layer], out: Path, *, crs: str | None = None, lang: str = "zh",
    title: str | None = None, note: str | None = None, metadata: Metadata | None = None, names: str = "code",
    encoding: str = "utf-8",
) -> list[Path]:  # fmt: skip
    """Write layers to one file, in the format of its suffix; a file of that name is replaced once the new one is whole.

    Layers without a row are left out. ``.gpkg, .xlsx, .kmz, .shp.zip`` keep layers apart. ``.geojson, .json, .fgb,
    .parquet, .csv`` hold one: of several, all kinds go into it below each other, told apart by the column ``kind``, with
    every column that any of them has; other layers are left out, and a line of the log says so.

    Parameters
    ----------
    layers : frames, or streams of rows, by the name of their layer: a kind (``tailings_pond`` …), ``region``, or a result
        (``concentration``).
    out : the file.
    crs : the CRS to write (``crs.chosen_crs``): ``EPSG:4527``, WKT, ``gk3``, ``gk6`` or ``albers``; that of each layer
        unless given. GeoJSON and KMZ are in WGS 84.
    lang : language of titles, headings and code labels, ``zh`` or ``en``.
    title, note : what the file says of itself, where its format has a place for it (CSV has none).
    metadata : what a catalogue wants to know of it; the CRS is told as it is written.
    names : how layers and columns are called: ``code``, or by their labels in ``zh`` or ``en``.
    encoding : of a Shapefile and a CSV, ``utf-8`` or ``gbk``.

    Returns
    -------
    The files written: ``out``, and what stands beside it (``beside``).

    Raises
    ------
    BadParameterError : unknown suffix, CRS or language, or one that the format cannot hold.
    EmptyTableError : no layer has a row.
    CrsError : a layer has no CRS, or positions for which the one asked for is not defined.
    UnwritableFileError : the folder or the file cannot be written; what was there before still is.
    """
    suffix = _suffix(out)
    if names not in NAMES:
        raise BadParameterError(f"Names cannot be '{names}'. Known: {', '.join(NAMES)}.")
    refuse_other_than_wgs84(crs, suffix)
    words = Words(lang, title, note, metadata, names=names, encoding=encoding)
    return _write(prepared(layers, crs=crs, lang=lang), out, suffix, crs, words)


def write_table(
    table: pd.DataFrame, out: Path, *, name: str = "result", crs: str | None = None, lang: str = "zh",
    title: str | None = None, note: str | None = None,
) -> list[Path]:  # fmt: skip
    """Write one result to one file, its columns named as they are, so that a script finds them.

    Suffixes and errors are those of ``write``. ``.json`` holds ``{"rows": […]}`` where the table has no positions, and
    GeoJSON where it has.

    Parameters
    ----------
    table : the result.
    out : the file.
    name : name of the layer or sheet.
    crs, lang, title, note : as in ``write``.
    """
    suffix = _suffix(out)
    refuse_other_than_wgs84(crs, suffix)
    layers = prepared({name: table}, crs=crs, lang=lang, described=False)
    return _write(layers, out, suffix, crs, Words(lang, title, note))


def _write(layers: Sequence[Layer], out: Path, suffix: str, crs: str | None, words: Words) -> list[Path]:
    if suffix == ".gpkg":
        _refuse_a_store(out)
    words = _placed(words, layers, suffix)
    kinds = [Kind(each.table) for each in layers if each.table in set(Kind)]
    together = suffix in _OF_ONE_LAYER
    layers = [layer.named(words.names) for layer in ([single(layers, suffix)] if together else layers)]
    with _staged(out, suffix) as stage:
        if suffix == ".gpkg":
            geopackage.write(layers, stage.path, words)
        elif suffix == ".xlsx":
            workbook.write(layers, stage.path, words)
        elif suffix == ".kmz":
            kmz.write(layers, stage.path, words, crs)
        elif suffix == ".shp.zip":
            stage.beside |= shapefile.write(layers, stage.path, words)
        else:
            layer = layers[0]
            _write_single(layer, stage.path, suffix, crs, words)
            if suffix == ".csv":
                stage.beside |= beside.table_description(layer, words, out.name)
            else:
                stage.beside |= beside.companions(layer, words, suffix, kinds=kinds)
    return stage.written


def _placed(words: Words, layers: Sequence[Layer], suffix: str) -> Words:
    """What a file says of itself, with the CRS that its positions are in."""
    if words.metadata is None:
        return words
    crs = next((layer.crs for layer in layers if layer.crs is not None), None)
    if crs is not None and suffix in {".geojson", ".json", ".kmz"}:
        crs = pyproj.CRS.from_epsg(4326)
    return replace(words, metadata=replace(words.metadata, crs=crs))


def _write_single(layer: Layer, path: Path, suffix: str, crs: str | None, words: Words) -> None:
    if suffix == ".csv":
        delimited.write(layer, path, words)
    elif suffix == ".parquet":
        parquet.write(layer, path, words)
    elif suffix == ".fgb":
        vector.write_flatgeobuf(layer, path, words)
    elif suffix == ".json" and not layer.is_spatial:
        _write_rows(layer.frame(), path)
    else:
        vector.write_geojson(in_wgs84(layer, crs, suffix), path, words)


def _write_rows(frame: pd.DataFrame, path: Path) -> None:
    """A plain table as JSON; a missing value is null."""
    rows = json.loads(frame.to_json(orient="records", date_format="iso", double_precision=15))
    with path.open("w", encoding="utf-8") as file:
        json.dump({"rows": rows}, file, ensure_ascii=False, indent=1)


def _suffix(out: Path) -> str:
    name = out.name.lower()
    for suffix in SUFFIXES:
        if name.endswith(suffix) and name != suffix:
            return suffix
    raise BadParameterError(f"{out}: the suffix does not name a format. Known: {', '.join(SUFFIXES)}.")


@dataclass
class _Stage:
    """A file on its way: where it is written, the texts that are to stand beside it, and what took its place."""

    path: Path
    beside: dict[str, str] = field(default_factory=dict)
    written: list[Path] = field(default_factory=list)


@contextmanager
def _staged(out: Path, suffix: str) -> Iterator[_Stage]:
    """A path beside ``out`` to write to, which takes its place when all went well and leaves nothing when not.

    What is to stand beside it is whole before it takes its place, and follows at once.
    """
    if out.is_dir():
        raise UnwritableFileError(f"{out} is a folder. Name a file in it.")
    if not out.parent.is_dir():
        raise UnwritableFileError(f"{out}: there is no folder {out.parent}. Make it first.")
    # GDAL looks at the suffix as well as at the driver, so the passing name keeps it.
    token = f".{secrets.token_hex(8)}"
    path = out.with_name(token + suffix)
    stage, passing, stem = _Stage(path), out.with_name(token), out.with_name(out.name[: -len(suffix)])
    try:
        yield stage
        beside.stage(stage.beside, passing)
        path.replace(out)
        stage.written = [out, *beside.place(stage.beside, passing, stem, out)]
    except _FAILURES as error:
        raise UnwritableFileError(
            f"{out} cannot be written: {_reason(error, path, out)}. Check the folder and the space on the disk."
        ) from error
    finally:
        # Journals and passing parts carry the same beginning.
        for left in _leftovers(out.parent, token):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                with suppress(OSError):
                    left.unlink()


def _leftovers(folder: Path, token: str) -> list[Path]:
    try:
        return list(folder.glob(f"{token}*"))
    except OSError:
        return []


def _reason(error: BaseException, path: Path, out: Path) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.replace(str(path), str(out)).split()).rstrip(".")


def _refuse_a_store(out: Path) -> None:
    """An export never takes the place of a store, nor of a file that another program is writing to."""
    if not out.is_file():
        return
    journal = out.with_name(out.name + "-wal")
    if journal.exists() and journal.stat().st_size:
        raise UnwritableFileError(f"{out} is open in another program. Close it there, or choose another name.")
    try:
        with closing(sqlite3.connect(f"{out.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            found: Any = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'registry_property'").fetchone()
    except sqlite3.Error:
        return  # not a database: an ordinary file, to be replaced as any other
    if found:
        raise BadParameterError(f"{out} is a registry's store. An export would replace it: choose another name.")
