"""Styles as other programs read them: OGC Styled Layer Descriptor 1.1 (OGC 05-078r4) with Symbology Encoding 1.1 (05-077r4).

A symbol's first mark bears the name that draws it as it is meant; a second one, where the first is not among the standard's
own names (SE 11.3.2), is the nearest of those: a program takes the first alternative that it can draw. Colour, size and the
text of a rule tell the groups apart even where a program draws a square for every name that it does not know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from registry.export.styling import drawing as d
from registry.model import symbols as s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry.export.styling.drawing import Columns
    from registry.model.symbols import Shape, Symbol
    from registry.model.vocabulary import Kind

_NAMESPACES = {
    "xmlns": "http://www.opengis.net/sld",
    "xmlns:se": "http://www.opengis.net/se",
    "xmlns:ogc": "http://www.opengis.net/ogc",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}
_MM_TO_PIXEL = 1 / 0.28  # the standard's pixel is 0.28 mm wide

# A cross is drawn with thin arms by most programs: a line of its own colour, in radii, makes them broader.
_CROSS_LINE = 0.45
# The marks of a shape, the best first, and how far each reaches in half its size. QGIS draws "cross" with lines alone
# and "cross_fill" as a filled one.
_MARKS: dict[Shape, tuple[tuple[str, ...], float]] = {
    "circle": (("circle",), 1),
    "square": (("square",), 2**0.5),
    "triangle": (("triangle",), 1.1),
    "pentagon": (("pentagon", "square"), 1),
    "star": (("star",), 1),
    "cross": (("cross_fill", "cross"), 1),
}


def kind_style(kind: Kind, lang: str, columns: Columns, layer: str) -> str:
    """The style of one kind's layer, labelled by name as one comes near."""
    groups = d.groups_of_kind(kind, columns)
    filters = {symbol: _by_level(symbol, columns) if len(groups) > 1 else None for symbol in groups}
    return _points(layer, getattr(kind, lang), filters, lang, columns)


def combined_style(kinds: Sequence[Kind], lang: str, columns: Columns, layer: str) -> str:
    """The style of a layer that holds several kinds, told apart by its column ``kind``."""
    filters: dict[Symbol, Element | None] = {}
    for kind in kinds:
        groups = d.groups_of_kind(kind, columns)
        for symbol in groups:
            own = _equal(columns["kind"], str(kind))
            level = _by_level(symbol, columns) if len(groups) > 1 else None
            filters[symbol] = own if level is None else _joined("ogc:And", own, level)
    return _points(layer, layer, filters, lang, columns)


def outline_style(lang: str, columns: Columns, layer: str) -> str:
    """The style of regions: outlines without a filling, provinces on top, names of one level at a scale."""
    title = getattr(s.REGION_TERM, lang)
    root, user = _root(layer, title)
    by_level = "level" in columns
    for outline in reversed(d.OUTLINES if by_level else d.OUTLINES[:1]):
        style = SubElement(user, "se:FeatureTypeStyle")
        filter_ = _equal(columns["level"], outline.level) if by_level else None
        rule = _rule(style, outline.level, outline.title(lang) if by_level else title, filter_)
        stroke = SubElement(SubElement(rule, "se:PolygonSymbolizer"), "se:Stroke")
        _parameters(stroke, {"stroke": outline.colour, "stroke-width": f"{outline.width_mm * _MM_TO_PIXEL:.2f}"})
    if "name" not in columns:
        return _text(root)
    style = SubElement(user, "se:FeatureTypeStyle")
    for outline in d.OUTLINES if by_level else d.OUTLINES[:1]:
        filter_ = _equal(columns["level"], outline.level) if by_level else None
        scales = {"nearest": outline.names_to, "furthest": outline.names_from}
        _names(style, outline.level, filter_, lang, columns, above=0, **scales)
    return _text(root)


def _points(layer: str, title: str, filters: Mapping[Symbol, Element | None], lang: str, columns: Columns) -> str:
    root, user = _root(layer, title)
    drawn = [symbol for symbol in s.GROUPS if symbol in filters]
    for symbol in drawn:
        # Only whole styles are drawn one over the other, rules feature by feature: what is graver lies on top.
        style = SubElement(user, "se:FeatureTypeStyle")
        named = getattr(s.group_term(symbol), lang)
        far = _rule(style, f"{symbol.key}_far", named, filters[symbol], nearest=d.MIDDLE_SCALE)
        _point(far, symbol, d.radius_mm(8 * d.MIDDLE_SCALE))
        near = _rule(style, symbol.key, named, filters[symbol], furthest=d.MIDDLE_SCALE)
        _point(near, symbol, d.radius_mm(d.MIDDLE_SCALE / 4))
    if "name" in columns:
        style = SubElement(user, "se:FeatureTypeStyle")
        for symbol in reversed(drawn):
            _names(style, symbol.key, filters[symbol], lang, columns, above=16, furthest=d.label_scale(symbol))
    return _text(root)


def _root(layer: str, title: str) -> tuple[Element, Element]:
    root = Element("StyledLayerDescriptor", version="1.1.0", attrib=_NAMESPACES)
    named = SubElement(root, "NamedLayer")
    SubElement(named, "se:Name").text = layer
    user = SubElement(named, "UserStyle")
    SubElement(user, "se:Name").text = title
    return root, user


def _text(root: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _rule(
    style: Element, name: str, title: str, filter_: Element | None, *, nearest: int = 0, furthest: int = 0
) -> Element:
    """A rule between two scales; 0 is no limit. The order of the elements is the schema's."""
    rule = SubElement(style, "se:Rule")
    SubElement(rule, "se:Name").text = name
    if title:
        SubElement(SubElement(rule, "se:Description"), "se:Title").text = title
    if filter_ is not None:
        SubElement(rule, "ogc:Filter").append(filter_)
    if nearest:
        SubElement(rule, "se:MinScaleDenominator").text = str(nearest)
    if furthest:
        SubElement(rule, "se:MaxScaleDenominator").text = str(furthest)
    return rule


def _by_level(symbol: Symbol, columns: Columns) -> Element:
    column = columns["supervision_level"]
    level = s.level_of(symbol)
    if level is not None:
        return _equal(column, str(columns.level(level)))
    return _null(column)


def _null(column: str) -> Element:
    null = Element("ogc:PropertyIsNull")
    SubElement(null, "ogc:PropertyName").text = column
    return null


def _equal(column: str, value: str) -> Element:
    equal = Element("ogc:PropertyIsEqualTo")
    SubElement(equal, "ogc:PropertyName").text = column
    SubElement(equal, "ogc:Literal").text = value
    return equal


def _joined(name: str, *parts: Element) -> Element:
    joined = Element(name)
    joined.extend(parts)
    return joined


def _point(rule: Element, symbol: Symbol, radius_mm: float) -> None:
    graphic = SubElement(SubElement(rule, "se:PointSymbolizer"), "se:Graphic")
    names, reach = _MARKS[symbol.shape]
    line, width = (
        (symbol.fill, _CROSS_LINE * radius_mm * _MM_TO_PIXEL) if symbol.shape == "cross" else (symbol.stroke, 0.5)
    )
    for name in names:
        mark = SubElement(graphic, "se:Mark")
        SubElement(mark, "se:WellKnownName").text = name
        _parameters(SubElement(mark, "se:Fill"), {"fill": symbol.fill})
        _parameters(SubElement(mark, "se:Stroke"), {"stroke": line, "stroke-width": f"{width:.1f}"})
    size = 2 * symbol.grow * s.REACH[symbol.shape] / reach * radius_mm * _MM_TO_PIXEL
    SubElement(graphic, "se:Size").text = f"{size:.1f}"


def _names(
    style: Element, key: str, filter_: Element | None, lang: str, columns: Columns, *, above: int, nearest: int = 0, furthest: int = 0
) -> None:  # fmt: skip
    """Rules that write names; SE has no "the first that is given", so that English takes two."""
    choices: list[tuple[str, Element | None]] = [("name", None)]
    if lang == "en" and "name_en" in columns:
        missing = _null(columns["name_en"])
        choices = [("name_en", _joined("ogc:Not", missing)), ("name", missing)]
    for field, given in choices:
        both = [part for part in (filter_, given) if part is not None]
        condition = _joined("ogc:And", *both) if len(both) > 1 else next(iter(both), None)
        rule = _rule(style, f"{key}_{field}", "", condition, nearest=nearest, furthest=furthest)
        _text_symbolizer(rule, columns[field], above=above)


def _text_symbolizer(rule: Element, column: str, *, above: int) -> None:
    symbolizer = SubElement(rule, "se:TextSymbolizer")
    SubElement(SubElement(symbolizer, "se:Label"), "ogc:PropertyName").text = column
    _parameters(SubElement(symbolizer, "se:Font"), {"font-size": "11"})
    placement = SubElement(SubElement(symbolizer, "se:LabelPlacement"), "se:PointPlacement")
    if above:
        # By the standard the text begins above its point. QGIS takes the middle of the text and counts downwards, and would
        # forget the shift beside an anchor. Either way the text is clear of the symbol.
        shift = SubElement(placement, "se:Displacement")
        SubElement(shift, "se:DisplacementX").text = "0"
        SubElement(shift, "se:DisplacementY").text = str(above)
    else:
        anchor = SubElement(placement, "se:AnchorPoint")
        SubElement(anchor, "se:AnchorPointX").text = "0.5"
        SubElement(anchor, "se:AnchorPointY").text = "0.5"
    halo = SubElement(symbolizer, "se:Halo")
    SubElement(halo, "se:Radius").text = "1.5"
    _parameters(SubElement(halo, "se:Fill"), {"fill": d.HALO_COLOUR})
    _parameters(SubElement(symbolizer, "se:Fill"), {"fill": d.LABEL_COLOUR})


def _parameters(parent: Element, values: Mapping[str, str]) -> None:
    for name, value in values.items():
        SubElement(parent, "se:SvgParameter", name=name).text = value
