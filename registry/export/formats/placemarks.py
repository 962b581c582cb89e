"""Rows of a layer as placemarks of KML: a name, a line for the list, a balloon, typed values, a geometry.

What a name says is shown and never run: in balloons every text is escaped twice, once as HTML and once as XML.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

import pyarrow as pa
import pyarrow.compute as pc
import shapely

from registry.export.xml import plain
from registry.model.vocabulary import SUPERVISION_LEVELS, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from shapely.geometry.base import BaseGeometry

    from registry.export.layers import Layer
    from registry.model.vocabulary import Term

Level = int | None

_NAMES = ("name", "region_name", "uid")
_LINE = ("status", "operator")  # what is said of a site in the list of places
_TWICE = str.maketrans({"&": "&amp;amp;", "<": "&amp;lt;", ">": "&amp;gt;", '"': "&amp;quot;", "'": "&amp;#x27;"})
_TRUTH = {"zh": ("否", "是"), "en": ("No", "Yes")}
_MOST_INT = 2**31 - 1  # KML's int, as XML Schema's, has 32 bits
_EXACT = 2**53


def escaped(text: str) -> str:
    """A text as the content of an XML element."""
    return escape(plain(text))


def shown(text: str) -> str:
    """A text as it is to be read in a balloon: HTML within XML."""
    return plain(text).translate(_TWICE)


class Placemarks:
    """The placemarks of one layer, written piece by piece.

    Parameters
    ----------
    layer : in longitude and latitude.
    lang : language of balloons, ``zh`` or ``en``.
    number : of the folder that holds a level's rows; its style and its schema bear it.

    Attributes
    ----------
    bounds : west, south, east, north of what was written so far; None before.
    """

    def __init__(self, layer: Layer, lang: str, number: Callable[[Level], int]) -> None:
        self.bounds: tuple[float, float, float, float] | None = None
        self._layer, self._number = layer, number
        self._columns = [_Column(layer, name, lang) for name in layer.columns]
        found = (layer.column_of(name) for name in _NAMES)
        heading = next((name for name in found if name is not None), layer.columns[0] if layer.columns else None)
        self._heading = None if heading is None else layer.columns.index(heading)
        self._line = [layer.columns.index(name) for name in map(layer.column_of, _LINE) if name is not None]
        level = layer.column_of("supervision_level") if layer.table == Kind.TAILINGS_POND else None
        self._level = None if level is None else layer.columns.index(level)

    @property
    def has_levels(self) -> bool:
        """True where the rows are told apart by supervision level."""
        return self._level is not None

    def schema(self, number: int) -> str:
        """The ``Schema`` of a folder's values, once every row is written."""
        fields = "".join(column.simple_field() for column in self._columns)
        return f'<Schema name={quoteattr(plain(self._layer.name))} id="schema{number}">{fields}</Schema>\n'

    def pieces(self) -> Iterator[tuple[Level, str]]:
        """Every row's supervision level (None where it has none) and its placemark."""
        for batch in self._layer.batches():
            shapes = shapely.from_wkb(batch.column(batch.num_columns - 1).to_numpy(zero_copy_only=False))
            self._widen(shapely.total_bounds(shapes).tolist())
            values = [column.values(batch.column(at)) for at, column in enumerate(self._columns)]
            # A layer of positions alone has rows as well, though no column to zip.
            rows = zip(*values, strict=True) if values else (() for _ in range(batch.num_rows))
            for row, shape in zip(rows, shapes, strict=True):
                level = None if self._level is None else _level(row[self._level])
                yield level, self._placemark(row, shape, level)

    def _placemark(self, row: tuple[Any, ...], shape: BaseGeometry | None, level: Level) -> str:
        name = "" if self._heading is None or row[self._heading] is None else str(row[self._heading])
        lines, held = [], []
        for column, value in zip(self._columns, row, strict=True):
            if value is not None:
                lines.append(f"{column.opening}{column.shown(value)}&lt;/td&gt;&lt;/tr&gt;")
                held.append(f"{column.data}{column.plain(value)}</SimpleData>")
        words = [self._columns[at].shown(row[at]) for at in self._line if row[at] is not None]
        # An empty one keeps the beginning of the balloon out of the list of places.
        line = f'<Snippet maxLines="1">{" · ".join(words)}</Snippet>' if words else '<Snippet maxLines="0"/>'
        number = self._number(level)
        return (
            f"<Placemark><name>{escaped(name)}</name>{line}"
            f"<description>&lt;h3&gt;{shown(name)}&lt;/h3&gt;&lt;table&gt;{''.join(lines)}&lt;/table&gt;</description>"
            f"<styleUrl>#style{number}</styleUrl>"
            f'<ExtendedData><SchemaData schemaUrl="#schema{number}">{"".join(held)}</SchemaData></ExtendedData>'
            f"{geometry(shape)}</Placemark>\n"
        )

    def _widen(self, bounds: list[float]) -> None:
        if math.isnan(bounds[0]):
            return
        west, south, east, north = bounds
        if self.bounds is not None:
            west, south = min(west, self.bounds[0]), min(south, self.bounds[1])
            east, north = max(east, self.bounds[2]), max(north, self.bounds[3])
        self.bounds = west, south, east, north


class _Column:
    """One column: how its values are shown to a person and held for a program."""

    def __init__(self, layer: Layer, name: str, lang: str) -> None:
        kind = layer.schema.field(name).type
        self._name, self._label, self._lang = name, layer.label(name, lang), lang
        self._is_truth = bool(pa.types.is_boolean(kind))
        self._is_whole = bool(pa.types.is_integer(kind))
        self._is_real = bool(pa.types.is_floating(kind) or pa.types.is_decimal(kind))
        self._largest = 0
        field = layer.fields.get(name)
        terms: Mapping[str, Term] = (field.codes if field and not self._is_truth else None) or {}
        self._words = {code: shown(getattr(term, lang)) for code, term in terms.items()}
        self.opening = f"&lt;tr&gt;&lt;td&gt;{shown(self._label)}&lt;/td&gt;&lt;td&gt;"
        self.data = f"<SimpleData name={quoteattr(plain(name))}>"

    def values(self, column: pa.Array) -> list[Any]:
        """A piece of the column as Python objects: numbers, truths, texts, None."""
        if self._is_real:
            column = pc.if_else(pc.is_nan(column), None, column).cast(pa.float64())
        found: list[Any] = column.to_pylist()
        if self._is_whole:
            self._largest = max(self._largest, *(abs(value) for value in found if value is not None), 0)
        elif not (self._is_real or self._is_truth) and not pa.types.is_string(column.type):
            found = [value if value is None else getattr(value, "isoformat", value.__str__)() for value in found]
        return found

    def shown(self, value: Any) -> str:
        """A value for a person: the label of a code, yes or no, a number without its needless decimals."""
        if self._is_truth:
            return _TRUTH[self._lang][value]
        if self._is_real:
            return f"{value:,.10g}"
        words = self._words.get(str(value))
        return words if words is not None else shown(str(value))

    def plain(self, value: Any) -> str:
        """A value for a program."""
        if self._is_truth:
            return "1" if value else "0"
        return repr(value) if self._is_real else escaped(str(value))

    def simple_field(self) -> str:
        """The type of the values by the rules of KML (OGC 07-147r2, 9.9): 32 bits are the widest whole number."""
        kind = "string"
        if self._is_truth:
            kind = "bool"
        elif self._is_real or (self._is_whole and _MOST_INT < self._largest <= _EXACT):
            kind = "double"
        elif self._is_whole and self._largest <= _MOST_INT:
            kind = "int"
        label = f"<displayName>{shown(self._label)}</displayName>"
        return f'<SimpleField type="{kind}" name={quoteattr(plain(self._name))}>{label}</SimpleField>'


def _level(value: Any) -> Level:
    return value if str(value) in SUPERVISION_LEVELS else None


def geometry(shape: BaseGeometry | None) -> str:
    """A shape in KML; nothing for one that is empty."""
    if shape is None or shape.is_empty:
        return ""
    if shape.geom_type == "Point":
        return f"<Point>{_coordinates(shape)}</Point>"
    if shape.geom_type in {"LineString", "LinearRing"}:
        return f"<{shape.geom_type}><tessellate>1</tessellate>{_coordinates(shape)}</{shape.geom_type}>"
    if isinstance(shape, shapely.Polygon):
        inner = "".join(f"<innerBoundaryIs>{_ring(ring)}</innerBoundaryIs>" for ring in shape.interiors)
        return f"<Polygon><tessellate>1</tessellate><outerBoundaryIs>{_ring(shape.exterior)}</outerBoundaryIs>{inner}</Polygon>"
    return f"<MultiGeometry>{''.join(geometry(part) for part in shapely.get_parts(shape))}</MultiGeometry>"


def _ring(ring: BaseGeometry) -> str:
    return f"<LinearRing>{_coordinates(ring)}</LinearRing>"


def _coordinates(shape: BaseGeometry) -> str:
    # 10⁻⁷ degree is a centimetre.
    pairs = " ".join(f"{lon:.7f},{lat:.7f}" for lon, lat in shapely.get_coordinates(shape))
    return f"<coordinates>{pairs}</coordinates>"
