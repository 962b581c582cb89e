"""The table ``fields.csv`` that an export of Shapefiles carries: which name of 10 bytes stands for which field."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

NAME = "fields.csv"
_MOST_BYTES = 1_000_000  # a table of names is a few kilobytes
_COLUMNS = {"layer", "shapefile_field", "field"}
_PART = re.compile(r"_\d+$")


def short_names(path: Path, stem: str) -> dict[str, str]:
    """The field that each name of one layer stands for; none where no such table is in the archive, or beside the file.

    Parameters
    ----------
    path : an archive or a ``.shp``.
    stem : of the layer's files.
    """
    text = _text(path)
    if text is None:
        return {}
    rows = list(csv.DictReader(io.StringIO(text)))
    if not rows or not set(rows[0]) >= _COLUMNS:
        return {}
    layers = {row["layer"] for row in rows}
    layer = stem if stem in layers else _PART.sub("", stem)
    return {row["shapefile_field"]: row["field"] for row in rows if row["layer"] == layer}


def _text(path: Path) -> str | None:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                inside = archive.getinfo(NAME)
                return None if inside.file_size > _MOST_BYTES else archive.read(inside).decode("utf-8-sig")
        beside = path.with_name(NAME)
        if not beside.is_file() or beside.stat().st_size > _MOST_BYTES:
            return None
        return beside.read_text(encoding="utf-8-sig")
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, zipfile.BadZipFile):
        return None  # whatever it is, it is not ours
