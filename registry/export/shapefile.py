"""Zipped Shapefiles, one a layer, with what the format could not keep written beside.

A field name has 10 bytes and a text 254; ``fields.csv`` in the archive says which name stands for which field and how many
texts of it were cut. A time becomes a text, since dBASE knows days only. Tables without a geometry travel as CSV.
"""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyogrio

from registry.errors import BadParameterError
from registry.export import delimited
from registry.export.layers import log

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from registry.export.layers import Layer, Words

NAME_BYTES = 10
TEXT_BYTES = 254


def write(layers: Sequence[Layer], path: Path, words: Words) -> None:
    """Write every layer, the table of field names and the note into one archive.

    Raises
    ------
    BadParameterError : no layer has a geometry.
    """
    if not any(layer.is_spatial for layer in layers):
        raise BadParameterError(
            "A .shp.zip file holds positions, and the table has none. Write .csv, .xlsx or .parquet."
        )
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.stem}_") as folder:
        place = Path(folder)
        mapping = [row for layer in layers for row in _write_layer(layer, place, words)]
        delimited.write_frame(pd.DataFrame(mapping), place / "fields.csv")
        about = "\n".join(part for part in (words.title, words.note) if part)
        if about:
            (place / "README.txt").write_text(about + "\n", encoding="utf-8")
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for part in sorted(place.iterdir()):
                archive.write(part, part.name)


def short_names(names: Iterable[str]) -> dict[str, str]:
    """For every field a name of at most 10 bytes, no two the same but for case."""
    taken: set[str] = set()
    chosen: dict[str, str] = {}
    for name in names:
        short, number = cut(name, NAME_BYTES), 0
        while short.casefold() in taken:
            number += 1
            ending = f"_{number}"
            short = cut(name, NAME_BYTES - len(ending)) + ending
        taken.add(short.casefold())
        chosen[name] = short
    return chosen


def cut(text: str, size: int) -> str:
    """The longest beginning of a text that has at most ``size`` bytes of UTF-8; no character is cut in two."""
    encoded = text.encode()
    return text if len(encoded) <= size else encoded[:size].decode(errors="ignore")


def _write_layer(layer: Layer, folder: Path, words: Words) -> list[dict[str, Any]]:
    if not layer.is_spatial:
        delimited.write(layer, folder / f"{layer.name}.csv")
        return []
    names = short_names(layer.columns)
    columns: dict[str, pd.Series[Any]] = {}
    mapping = []
    for name, short in names.items():
        columns[name], shortened = _fitting(layer.frame[name])
        if shortened:
            log.warning(
                "%s, %s: %d texts are longer than the %d bytes of a Shapefile field and were cut.",
                layer.title(words.lang), layer.label(name, words.lang), shortened, TEXT_BYTES,
            )  # fmt: skip
        label = layer.label(name, words.lang)
        mapping.append(
            {
                "layer": layer.name,
                "shapefile_field": short,
                "field": name,
                "label": label,
                "texts_cut": shortened,
            }
        )
    pyogrio.write_dataframe(
        layer.frame.assign(**columns).rename(columns=names),
        folder / f"{layer.name}.shp",
        driver="ESRI Shapefile",
        encoding="UTF-8",
        use_arrow=True,
    )
    return mapping


def _fitting(values: pd.Series[Any]) -> tuple[pd.Series[Any], int]:
    """A column that dBASE can hold, and how many of its texts were cut."""
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        stamps = [None if pd.isna(value) else value.isoformat() for value in values]
        return pd.Series(stamps, index=values.index, dtype="str"), 0
    if not pd.api.types.is_string_dtype(values.dtype):
        return values, 0
    fitted = [None if pd.isna(value) else cut(value, TEXT_BYTES) for value in values]
    series = pd.Series(fitted, index=values.index, dtype="str")
    return series, int((series.notna() & (series != values)).sum())
