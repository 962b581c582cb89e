"""KMZ for Google Earth and its kin: folders by kind and level, the registry's own symbols, balloons.

Coordinates are WGS 84. Every value stands twice: as ``ExtendedData`` under its field name, for programs, and in the
description with its label, for people. Balloons show the description alone, in which every text is escaped twice, once
as HTML and once as XML: what a name says is shown and never run.
"""

from __future__ import annotations

import html
import re
import zipfile
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import shapely

from registry.errors import BadParameterError
from registry.export import symbols as s
from registry.export.icons import png
from registry.export.layers import Layer, Words, in_wgs84, log
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    from shapely.geometry.base import BaseGeometry

_OPENING = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
_CLOSING = "</Document></kml>\n"
_BALLOON = "<BalloonStyle><text>$[description]</text></BalloonStyle>"
# Characters that XML 1.0 cannot hold in any spelling.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_OUTLINES = "outlines"
_HALF_SIZE = 5.0  # a symbol of so many millimetres is drawn at scale 1


def write(layers: Sequence[Layer], path: Path, words: Words, crs: str | None) -> None:
    """Write the layers that have a geometry; a plain table is left out, and said so.

    Raises
    ------
    BadParameterError : no layer has a geometry, or a CRS other than WGS 84 was asked for.
    """
    spatial = [layer for layer in layers if layer.is_spatial]
    for layer in layers:
        if not layer.is_spatial:
            log.warning(".kmz holds positions; left out: %s.", layer.name)
    if not spatial:
        raise BadParameterError("A .kmz file holds positions, and the table has none. Write .csv, .xlsx or .parquet.")
    placed = [in_wgs84(layer, crs, ".kmz") for layer in spatial]
    styles = dict(pair for layer in placed for pair in _styles(layer))
    # Streamed to a file first: an entry whose length is not known beforehand is written in ZIP64, which Google Earth's
    # library does not read.
    text = path.with_name(f"{path.stem}_doc.kml")
    with text.open("w", encoding="utf-8", newline="\n") as document:
        document.write(_OPENING)
        document.write(_about(words))
        document.writelines(_style(name, symbol) for name, symbol in styles.items())
        for layer in placed:
            document.writelines(_folders(layer, words.lang))
        document.write(_CLOSING)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(text, "doc.kml")
        for name, symbol in styles.items():
            if symbol is not None:
                archive.writestr(f"icons/{name}.png", png(symbol))
    text.unlink()


def _about(words: Words) -> str:
    title = f"<name>{_xml(words.title)}</name>\n" if words.title else ""
    return title + (f"<description>{_xml(html.escape(words.note))}</description>\n" if words.note else "")


def _styles(layer: Layer) -> Iterator[tuple[str, s.Symbol | None]]:
    if not layer.is_points:
        yield _OUTLINES, None
        return
    for level in _levels(layer):
        yield _style_name(layer, level), s.symbol_of(layer.name, level)


def _style_name(layer: Layer, level: int | None) -> str:
    return f"{layer.name}_{level or 'none'}" if layer.name == Kind.TAILINGS_POND else layer.name


def _style(name: str, symbol: s.Symbol | None) -> str:
    if symbol is None:
        line = f"<LineStyle><color>{_abgr(s.REGION_OUTLINE)}</color><width>1.2</width></LineStyle>"
        look = f"{line}<PolyStyle><fill>0</fill></PolyStyle>"
    else:
        icon = f"<Icon><href>{_xml(f'icons/{name}.png')}</href></Icon>"
        look = f"<IconStyle><scale>{symbol.size_mm / _HALF_SIZE:.2f}</scale>{icon}</IconStyle><LabelStyle><scale>0.7</scale></LabelStyle>"
    return f"<Style id={quoteattr(name)}>{look}{_BALLOON}</Style>\n"


def _abgr(colour: str) -> str:
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    return f"ff{blue}{green}{red}"


def _levels(layer: Layer) -> list[int | None]:
    """The supervision levels a layer is folded by, the highest risk first; ``[None]`` where it has none."""
    if layer.name != Kind.TAILINGS_POND or "supervision_level" not in layer.columns:
        return [None]
    levels = layer.frame["supervision_level"]
    found: list[int | None] = [int(level) for level in sorted(levels.dropna().unique())]
    return [*found, None] if levels.isna().any() else found


def _folders(layer: Layer, lang: str) -> Iterator[str]:
    yield f"<Folder><name>{_xml(layer.title(lang))}</name>\n"
    levels = _levels(layer)
    if levels == [None]:
        yield from _placemarks(layer, layer.frame, None, lang)
    else:
        column = layer.frame["supervision_level"]
        for level in levels:
            part = layer.frame[column.isna() if level is None else (column == level).fillna(value=False)]
            yield f"<Folder><name>{_xml(getattr(s.level_term(level), lang))}</name>\n"
            yield from _placemarks(layer, part, level, lang)
            yield "</Folder>\n"
    yield "</Folder>\n"


def _placemarks(layer: Layer, frame: pd.DataFrame, level: int | None, lang: str) -> Iterator[str]:
    style = _style_name(layer, level) if layer.is_points else _OUTLINES
    columns = layer.columns
    labels = [layer.label(column, lang) for column in columns]
    codes = [layer.codes(column) or {} for column in columns]
    heading = next((columns.index(name) for name in ("name", "region_name", "uid") if name in columns), 0)
    values = [frame[column].astype("object").where(frame[column].notna(), None).tolist() for column in columns]
    # A layer of positions alone has rows as well, though no column to zip.
    rows = zip(*values, strict=True) if values else (() for _ in range(len(frame)))
    for row, geometry in zip(rows, frame.geometry, strict=True):
        given = [at for at, value in enumerate(row) if value is not None]
        name = _plain(row[heading]) if row and row[heading] is not None else ""
        lines = [
            f"<tr><td>{html.escape(labels[at])}</td><td>{html.escape(_worded(row[at], codes[at], lang))}</td></tr>"
            for at in given
        ]
        balloon = f"<h3>{html.escape(name)}</h3><table>{''.join(lines)}</table>"
        held = "".join(
            f"<Data name={quoteattr(columns[at])}><value>{_xml(_plain(row[at]))}</value></Data>" for at in given
        )
        yield (
            f"<Placemark><name>{_xml(name)}</name><description>{_xml(balloon)}</description>"
            f"<styleUrl>#{_xml(style)}</styleUrl><ExtendedData>{held}</ExtendedData>{_geometry(geometry)}</Placemark>\n"
        )


def _worded(value: Any, codes: Any, lang: str) -> str:
    """A value for a person: the label of a code, yes or no, a number without its needless decimals."""
    if isinstance(value, bool):
        return {"zh": ("否", "是"), "en": ("No", "Yes")}[lang][value]
    if isinstance(value, float):
        return f"{value:,.10g}"
    term = codes.get(value)
    return getattr(term, lang) if term else _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def _xml(text: str) -> str:
    return escape(_NOT_XML.sub("", text))


def _geometry(geometry: BaseGeometry | None) -> str:
    if geometry is None or geometry.is_empty:
        return ""
    if geometry.geom_type == "Point":
        return f"<Point>{_coordinates(geometry)}</Point>"
    if geometry.geom_type in {"LineString", "LinearRing"}:
        return f"<{geometry.geom_type}><tessellate>1</tessellate>{_coordinates(geometry)}</{geometry.geom_type}>"
    if isinstance(geometry, shapely.Polygon):
        inner = "".join(f"<innerBoundaryIs>{_ring(ring)}</innerBoundaryIs>" for ring in geometry.interiors)
        return f"<Polygon><tessellate>1</tessellate><outerBoundaryIs>{_ring(geometry.exterior)}</outerBoundaryIs>{inner}</Polygon>"
    return f"<MultiGeometry>{''.join(_geometry(part) for part in shapely.get_parts(geometry))}</MultiGeometry>"


def _ring(ring: BaseGeometry) -> str:
    return f"<LinearRing>{_coordinates(ring)}</LinearRing>"


def _coordinates(geometry: BaseGeometry) -> str:
    # 10⁻⁷ degree is a centimetre.
    pairs = " ".join(f"{lon:.7f},{lat:.7f}" for lon, lat in shapely.get_coordinates(geometry))
    return f"<coordinates>{pairs}</coordinates>"
