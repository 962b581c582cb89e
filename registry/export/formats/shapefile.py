"""Zipped Shapefiles, one a layer, with what the format could not keep written beside.

A field name has 10 bytes and a text 254; ``fields.csv`` in the archive says which name stands for which field, how many
of its texts were cut and which characters the encoding had not. A layer of more than 2 GiB goes on in a further file. Tables
without a geometry travel as CSV.

The encoding stands in two places, because programs look in different ones. ArcGIS reads the language driver (byte 29 of the
``.dbf``) first and then the ``.cpg``, GDAL, QGIS and SuperMap the ``.cpg`` first. GBK has a driver of its own, 77 (0x4D), and
``GBK`` in the ``.cpg``, which iconv, Qt and Java all know. UTF-8 has none: the byte is 0, so that the ``.cpg`` counts.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from registry.errors import BadParameterError
from registry.export.beside import about_lines, companions
from registry.export.formats import delimited
from registry.export.formats.dbase import MOST_FIELDS, TEXT_BYTES, Column, mend, short_names
from registry.export.formats.encodings import known_encoding, report, shown
from registry.export.formats.gdal import write_layer
from registry.export.formats.spool import spooled
from registry.export.layers import GEOMETRY, SITES, log
from registry.export.styling.styles import Truth
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from registry.export.layers import Layer, Words

MOST_BYTES = 2**31 - 1  # of a .shp and of a .dbf: ArcGIS and others count them in signed words
# The encoding as GDAL is told it, and as the .cpg says it.
_ENCODINGS = {"utf-8": ("UTF-8", "UTF-8"), "gbk": ("LDID/77", "GBK")}
_TRUTH = Truth("1", "0")
# A record of a point; of another shape its WKB is longer than its coordinates, and its box and part numbers are the rest.
_POINT_BYTES = 28
_SHAPE_BYTES = 60


def write(layers: Sequence[Layer], path: Path, words: Words) -> dict[str, str]:
    """Write every layer, the table of field names and what the file says of itself into one archive.

    Returns
    -------
    The style that QGIS looks for beside the archive when it opens a layer within, by what is put behind the stem. It is one
    for all layers; each has its own in the archive, for those who unpack it.

    Raises
    ------
    BadParameterError : no layer has a geometry, one has more than 255 columns, or an unknown encoding.
    """
    spatial = [layer for layer in layers if layer.is_spatial]
    known_encoding(words.encoding, ".shp.zip")
    if not spatial:
        raise BadParameterError(
            "A .shp.zip file holds positions, and the table has none. Write .csv, .xlsx or .parquet."
        )
    for layer in spatial:
        if len(layer.columns) > MOST_FIELDS:
            raise BadParameterError(
                f"A Shapefile holds {MOST_FIELDS} fields, and '{layer.name}' has {len(layer.columns)}. "
                "Write .gpkg, or choose fewer columns."
            )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.stem}_") as folder:
        place, passing = Path(folder, "zip"), Path(folder, "passing.arrow")
        place.mkdir()
        mapping = [row for layer in layers for row in _write_layer(layer, place, passing, words)]
        delimited.write_frame(pd.DataFrame(mapping), place / "fields.csv")
        about = about_lines(words)
        if about:
            (place / "README.txt").write_text("\n".join(about) + "\n", encoding="utf-8")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for part in sorted(place.iterdir()):
                archive.write(part, part.name)
                part.unlink()
    return _style_of_all(spatial, words)


def _style_of_all(layers: Sequence[Layer], words: Words) -> dict[str, str]:
    """One style for every layer of the archive: its own where there is one, and one that tells kinds apart for several."""
    shown = [_called_short(layer, words) for layer in layers]
    if len(shown) > 1:
        if not {layer.table for layer in layers} <= set(Kind):
            return {}
        fields = {name: field for layer in reversed(shown) for name, field in layer.fields.items()}
        schema = pa.schema([*((name, pa.string()) for name in fields), (GEOMETRY, pa.binary())])
        shown = [replace(shown[0], name=SITES, table=SITES, schema=schema, fields=fields)]
    kinds = [Kind(layer.table) for layer in layers if layer.table in set(Kind)]
    found = companions(shown[0], replace(words, metadata=None), ".shp", kinds=kinds, truth=_TRUTH)
    return {ending: text for ending, text in found.items() if ending == ".qml"}


def _called_short(layer: Layer, words: Words) -> Layer:
    names = short_names(layer.columns, words.encoding)
    fields = {short: layer.fields[name] for name, short in names.items() if name in layer.fields}
    return replace(layer.renamed(list(names.values())), fields=fields)


def _write_layer(layer: Layer, folder: Path, passing: Path, words: Words) -> list[dict[str, Any]]:
    stem = _stem(layer.name)
    if not layer.is_spatial:
        delimited.write(layer, folder / f"{stem}.csv", words)
        return []
    names = short_names(layer.columns, words.encoding)
    columns = [Column(name, short, layer.schema.field(name).type, words.encoding) for name, short in names.items()]
    kept = spooled(layer, passing, lambda batch: _fitted(batch, columns))
    beside_it = companions(_called_short(layer, words), words, ".shp", truth=_TRUTH)
    for number, (begin, end) in enumerate(_parts(kept, columns), start=1):
        part = _typed(_rows(kept, begin, end), columns)
        name = stem if number == 1 else f"{stem}_{number}"
        driver, said = _ENCODINGS[words.encoding]
        write_layer(part, folder / f"{name}.shp", "ESRI Shapefile", encoding=driver, name=name)
        (folder / f"{name}.cpg").write_text(said, encoding="ascii")
        if columns:
            mend(folder / f"{name}.dbf", columns, _rows(kept, begin, end).batches())
        for suffix, text in beside_it.items():
            (folder / f"{name}{suffix}").write_text(text, encoding="utf-8")
    passing.unlink()
    for column in columns:
        _report(layer, column, words)
    return [_listed(layer, stem, column, words.lang) for column in columns]


def _stem(name: str) -> str:
    """A layer's name as that of a file."""
    return re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", name)


def _fitted(batch: pa.RecordBatch, columns: Sequence[Column]) -> pa.RecordBatch:
    values = [column.fitted(batch.column(at)) for at, column in enumerate(columns)]
    shapes = batch.column(batch.num_columns - 1)
    return pa.RecordBatch.from_arrays([*values, shapes], [*(column.short for column in columns), GEOMETRY])


def _typed(layer: Layer, columns: Sequence[Column]) -> Layer:
    """The rows in the types and widths that all of them need."""
    schema = pa.schema([*(column.schema_field for column in columns), pa.field(GEOMETRY, pa.binary())])
    before = layer.batches

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in before():
            values = [column.cast(batch.column(at)) for at, column in enumerate(columns)]
            yield pa.RecordBatch.from_arrays([*values, batch.column(len(values))], schema=schema)

    return replace(layer, schema=schema, batches=batches)


def _rows(layer: Layer, begin: int, end: int) -> Layer:
    """The rows of a layer from one number up to another."""
    before = layer.batches

    def batches() -> Iterator[pa.RecordBatch]:
        at = 0
        for batch in before():
            first, last = max(begin - at, 0), min(end - at, batch.num_rows)
            if first < last:
                yield batch.slice(first, last - first)
            at += batch.num_rows

    return replace(layer, batches=batches, rows=end - begin)


def _parts(layer: Layer, columns: Sequence[Column]) -> list[tuple[int, int]]:
    """The rows that fit into one file each: first, and one behind the last."""
    record = 1 + sum(column.size for column in columns)
    most_rows = (MOST_BYTES - 32 * (len(columns) + 2)) // record
    parts, begin, at, size = [], 0, 0, 100
    for batch in layer.batches():
        for cost in _shape_bytes(layer, batch):
            if at > begin and (at - begin == most_rows or size + cost > MOST_BYTES):
                parts.append((begin, at))
                begin, size = at, 100
            at, size = at + 1, size + cost
    return [*parts, (begin, at)]


def _shape_bytes(layer: Layer, batch: pa.RecordBatch) -> list[int]:
    """At most how many bytes the record of each shape takes."""
    if layer.geometry_type == "Point":
        return [_POINT_BYTES] * batch.num_rows
    lengths = pc.fill_null(pc.binary_length(batch.column(batch.num_columns - 1)), 0)
    sizes: list[int] = np.add(lengths.to_numpy(zero_copy_only=False), _SHAPE_BYTES, dtype=np.int64).tolist()
    return sizes


def _listed(layer: Layer, stem: str, column: Column, lang: str) -> dict[str, Any]:
    """A row of ``fields.csv``."""
    field = layer.fields.get(column.name)
    return {
        "layer": stem,
        "shapefile_field": column.short,
        "field": field.name if field else column.name,
        "label": layer.label(column.name, lang),
        "unit": field.unit if field else None,
        "texts_cut": column.texts_cut,
        "characters_replaced": "; ".join(
            f"{shown(sign)} U+{ord(sign):04X} × {often}" for sign, often in column.missing.items()
        ),
    }


def _report(layer: Layer, column: Column, words: Words) -> None:
    """Say what the format could not hold."""
    place = f"{layer.title(words.lang)}, {layer.label(column.name, words.lang)}"
    if column.texts_cut:
        log.warning(
            "%s: %d texts are longer than the %d bytes of a Shapefile field and were cut.",
            place, column.texts_cut, TEXT_BYTES,
        )  # fmt: skip
    report(place, words.encoding, column.missing)
    if column.not_finite:
        log.warning("%s: %d infinite numbers have no digits and are left empty.", place, column.not_finite)
