"""What stands beside a file that has no place for it inside: its style and its metadata, under names that programs look for.

QGIS loads ``sites.qml`` and ``sites.qmd`` with ``sites.fgb``, whatever the format; the style is the same for every format, so that
two exports of one stem share it. GeoServer and others take ``sites.sld``, ArcGIS the ISO document ``sites.fgb.xml``, and readers of
tables on the web ``sites.csv-metadata.json``. Each of ours bears a mark; a style or a document that a person saved in its place
has none and is kept.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa

from registry.export.about.csvw import csvw
from registry.export.about.iso19139 import iso_xml
from registry.export.about.metadata import lines, of_layer
from registry.export.about.qmd import qmd
from registry.export.layers import REGION, SITES, log
from registry.export.styling.styles import Truth, combined_style, kind_style, region_style
from registry.export.xml import plain
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from registry.export.layers import Layer, Words
    from registry.export.styling.styles import LayerStyle

MARK = "<!-- registry export: without this line the file is kept -->"
_TRUTH = Truth()
_SHARED = frozenset({".qml"})
_STYLED = (".fgb", ".geojson", ".json", ".parquet", ".shp.zip")
_BEGINNING = 2000  # characters in which the mark stands


def companions(
    layer: Layer, words: Words, suffix: str, *, kinds: Iterable[Kind] = tuple(Kind), truth: Truth = _TRUTH
) -> dict[str, str]:
    """The texts that stand beside a layer's file, by what is put behind its stem.

    Parameters
    ----------
    layer : what the file holds, its columns called as in the file.
    words : what the file says of itself.
    suffix : of the file, as ``.fgb``.
    kinds : those in a layer of several.
    truth : how the format says yes and no.
    """
    style = layer_style(layer, words.lang, kinds=kinds, truth=truth)
    found = {} if style is None else {".qml": style.styleQML, ".sld": style.styleSLD}
    if words.metadata is not None:
        several = len(words.metadata.contents) > 1 and layer.table != SITES
        told = of_layer(words.metadata, layer.table, layer.crs) if several else words.metadata
        found |= {".qmd": qmd(told), f"{suffix}.xml": iso_xml(told)}
    return {ending: _marked(text) for ending, text in found.items()}


def layer_style(
    layer: Layer, lang: str, *, kinds: Iterable[Kind] = tuple(Kind), truth: Truth = _TRUTH
) -> LayerStyle | None:
    """The style of a layer under the names that its columns have; None where it is no layer of the registry.

    Parameters
    ----------
    layer, kinds, truth : as for ``companions``.
    lang : language of legend, aliases and lists.
    """
    if not layer.is_spatial:
        return None
    names = {field.name: column for column, field in layer.fields.items() if column in layer.columns}
    if layer.table in set(Kind):
        return kind_style(Kind(layer.table), lang, table=layer.name, names=names, truth=truth)
    if layer.table == SITES:
        return combined_style(kinds, lang, table=layer.name, names=names, truth=truth)
    return region_style(lang, table=layer.name, names=names) if layer.table == REGION else None


def table_description(layer: Layer, words: Words, name: str) -> dict[str, str]:
    """What a CSV's columns hold, for readers of tables on the web (CSVW), by what is put behind the stem.

    Parameters
    ----------
    layer : what the file holds.
    words : what it says of itself; without metadata there is no description.
    name : of the file.
    """
    if words.metadata is None:
        return {}
    columns = {column: layer.schema.field(column).type for column in layer.columns}
    columns |= dict.fromkeys(layer.position_names, pa.float64())
    described = csvw(words.metadata, name, columns, layer.fields)
    described["dialect"] |= {"encoding": words.encoding}
    return {".csv-metadata.json": plain(json.dumps(described, ensure_ascii=False, indent=1)) + "\n"}


def about_lines(words: Words) -> list[str]:
    """Title, note and metadata as plain sentences, each once, for a text beside a file or a sheet within it."""
    told = [words.title, *(words.note or "").splitlines(), *(lines(words.metadata) if words.metadata else [])]
    return list(dict.fromkeys(plain(line) for line in told if line))


def stage(texts: Mapping[str, str], stem: Path) -> None:
    """Write texts beside a passing file, each under its stem and what stands behind it."""
    for ending, text in texts.items():
        _named(stem, ending).write_text(text, encoding="utf-8")


def place(endings: Iterable[str], passing: Path, stem: Path, out: Path) -> list[Path]:
    """Give the texts that were staged beside a passing file the names that they have beside the final one.

    Parameters
    ----------
    endings : what stands behind the stem of each.
    passing, stem : folder and stem of the passing file and of the final one.
    out : the final file.

    Returns
    -------
    The files that took their place. One that a person saved under such a name is kept, and a line says so; another line
    says where an export of the same stem loses its style to this one.
    """
    placed = []
    for ending in endings:
        target, written = _named(stem, ending), _named(passing, ending)
        if _is_a_persons(target):
            log.warning("%s was saved by hand and is kept; delete it to get the one of the export.", target)
            continue
        sharing = ", ".join(_sharing(target, out))
        if sharing and ending in _SHARED and target.is_file() and target.read_bytes() != written.read_bytes():
            log.warning("%s is now that of %s; QGIS takes it for %s as well. Name one of them otherwise.",
                        target, out.name, sharing)  # fmt: skip
        written.replace(target)
        placed.append(target)
    return placed


def _sharing(target: Path, out: Path) -> list[str]:
    """Other files of the same stem to which QGIS gives the style as well; a GeoPackage has its own inside."""
    found = (target.with_name(target.stem + suffix) for suffix in _STYLED)
    return [each.name for each in found if each != out and each.is_file()]


def _named(stem: Path, ending: str) -> Path:
    return stem.with_name(stem.name + ending)


def _is_a_persons(path: Path) -> bool:
    """Whether a style or a document was saved by somebody else; a description of columns is never edited by hand."""
    if path.suffix == ".json" or not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return MARK not in file.read(_BEGINNING)


def _marked(text: str) -> str:
    """The document with the mark in front of its root element."""
    at = text.index("<", text.rindex("?>") + 2 if text.startswith("<?xml") else 0)
    while text.startswith("<!DOCTYPE", at):
        at = text.index("<", text.index(">", at))
    return f"{text[:at]}{MARK}\n{text[at:]}"
