"""KMZ for Google Earth and its kin: folders by kind and level, the registry's own symbols, balloons.

Coordinates are WGS 84. Every value stands twice: typed, in a ``SchemaData`` under its field name, for programs, and in the
description with its label, for people. Placemarks are streamed into one passing file a folder, since which levels there are
is known at the end only; the document is then put together within the archive.

Folders with placemarks are documents of their own within the document, each with its style and its schema: in an archive
GDAL, and so QGIS, finds the types of the values nowhere else.
"""

from __future__ import annotations

import itertools
import math
import shutil
import tempfile
import time
import zipfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from registry.errors import BadParameterError
from registry.export.beside import about_lines
from registry.export.crs import in_wgs84
from registry.export.formats.placemarks import Level, Placemarks, escaped, shown
from registry.export.layers import Layer, Words, log
from registry.export.styling import icons
from registry.model import symbols as s

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_OPENING = '<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>\n'
_CLOSING = "</Document></kml>\n"
_BALLOON = "<BalloonStyle><text>$[description]</text></BalloonStyle>"
_DEGREE_M = 111_195.0  # of a meridian
_NEAREST_M = 2_000.0  # no view is closer than this
_DOCUMENT = "doc.kml"

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Part:
    """The placemarks of one level of a layer, in a passing file; their style and schema bear its number."""

    number: int
    level: Level
    path: Path


@dataclass(frozen=True)
class _Written:
    """A layer of which every placemark is written; the highest risk stands first, those without a level last."""

    layer: Layer
    marks: Placemarks
    parts: list[_Part]


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
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.stem}_") as folder:
        numbers = itertools.count(1)
        placed = [in_wgs84(layer, crs, ".kmz") for layer in spatial]
        written = [_streamed(layer, Path(folder), numbers, words.lang) for layer in placed]
        _assemble(written, path, words)


def _streamed(layer: Layer, folder: Path, numbers: Iterator[int], lang: str) -> _Written:
    parts: dict[Level, _Part] = {}
    files: dict[Level, IO[str]] = {}
    with ExitStack() as stack:

        def number(level: Level) -> int:
            if level not in parts:
                at = next(numbers)
                parts[level] = _Part(at, level, folder / str(at))
                files[level] = stack.enter_context(parts[level].path.open("w", encoding="utf-8", newline="\n"))
            return parts[level].number

        marks = Placemarks(layer, lang, number)
        for level, text in marks.pieces():
            files[level].write(text)
    return _Written(layer, marks, sorted(parts.values(), key=lambda part: part.level or math.inf))


def _assemble(written: Sequence[_Written], path: Path, words: Words) -> None:
    pieces = [*_head(written, words), *(piece for each in written for piece in _folder(each, words.lang)), _CLOSING]
    content = [piece if isinstance(piece, Path) else piece.encode() for piece in pieces]
    symbols = {_symbol(each.layer, part.level) for each in written for part in each.parts}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        entry = zipfile.ZipInfo(_DOCUMENT, time.localtime()[:6])
        entry.compress_type = zipfile.ZIP_DEFLATED
        # An entry whose length is not told beforehand is written in ZIP64, which Google Earth's library does not read.
        entry.file_size = sum(each.stat().st_size if isinstance(each, Path) else len(each) for each in content)
        with archive.open(entry, "w") as document:
            for each in content:
                if isinstance(each, bytes):
                    document.write(each)
                else:
                    with each.open("rb") as part:
                        shutil.copyfileobj(part, document)
        for symbol in s.LEGEND:
            if symbol in symbols:
                archive.writestr(f"icons/{symbol.key}.png", icons.png(symbol))


def _head(written: Sequence[_Written], words: Words) -> Iterator[str]:
    """What stands before the folders, in the order of the standard: name, description, view, facts."""
    title, *about = about_lines(words) or [""]
    yield _OPENING
    yield f"<name>{escaped(title)}</name><open>1</open>\n"
    if about:
        yield f"<description>{'&lt;br/&gt;'.join(map(shown, about))}</description>\n"
    yield _view([each.marks.bounds for each in written if each.marks.bounds])
    yield _facts(words)


def _facts(words: Words) -> str:
    """Source, licence, date and whether it is made up, for programs."""
    metadata = words.metadata
    if metadata is None:
        return ""
    facts = [("date", metadata.date.isoformat(timespec="seconds")), ("synthetic", str(metadata.synthetic).lower())]
    for source, licence in metadata.sources:
        facts += [("source", source), *([("licence", licence)] if licence else [])]
    data = "".join(f'<Data name="{name}"><value>{escaped(value)}</value></Data>' for name, value in facts)
    return f"<ExtendedData>{data}</ExtendedData>\n"


def _symbol(layer: Layer, level: Level) -> s.Symbol | None:
    return s.symbol_of(layer.table, level) if layer.is_points else None


def _style(number: int, symbol: s.Symbol | None) -> str:
    if symbol is None:
        line = f"<LineStyle><color>{_abgr(s.REGION_OUTLINE)}</color><width>1.2</width></LineStyle>"
        look = f"{line}<PolyStyle><fill>0</fill></PolyStyle>"
    else:
        icon = f"<Icon><href>icons/{symbol.key}.png</href></Icon>"
        look = f"<IconStyle><scale>{icons.scale(symbol):.2f}</scale>{icon}</IconStyle><LabelStyle><scale>0.7</scale></LabelStyle>"
    return f'<Style id="style{number}">{look}{_BALLOON}</Style>\n'


def _abgr(colour: str) -> str:
    red, green, blue = colour[1:3], colour[3:5], colour[5:7]
    return f"ff{blue}{green}{red}"


def _folder(written: _Written, lang: str) -> Iterator[str | Path]:
    title, view = written.layer.title(lang), _view([written.marks.bounds] if written.marks.bounds else [])
    if not written.marks.has_levels:
        for part in written.parts:
            yield from _document(written, part, title, view)
        return
    yield f"<Folder><name>{escaped(title)}</name>{view}\n"
    for part in written.parts:
        yield from _document(written, part, getattr(s.level_term(part.level), lang), "")
    yield "</Folder>\n"


def _document(written: _Written, part: _Part, title: str, view: str) -> Iterator[str | Path]:
    """A folder with placemarks, in the order of the standard: name, view, style, schema, rows."""
    yield f"<Document><name>{escaped(title)}</name>{view}\n"
    yield _style(part.number, _symbol(written.layer, part.level))
    yield written.marks.schema(part.number)
    yield part.path
    yield "</Document>\n"


def _view(bounds: Sequence[Bounds]) -> str:
    """From where a program looks at all of it: straight down on the middle, from as far as it is wide."""
    if not bounds:
        return ""
    west, south = min(each[0] for each in bounds), min(each[1] for each in bounds)
    east, north = max(each[2] for each in bounds), max(each[3] for each in bounds)
    lon, lat = (west + east) / 2, (south + north) / 2
    wide = (east - west) * _DEGREE_M * math.cos(math.radians(lat))
    away = max(wide, (north - south) * _DEGREE_M, _NEAREST_M) * 1.2
    return (
        f"<LookAt><longitude>{lon:.6f}</longitude><latitude>{lat:.6f}</latitude><altitude>0</altitude>"
        f"<heading>0</heading><tilt>0</tilt><range>{away:.0f}</range></LookAt>"
    )
