"""Styles as other programs read them: OGC Styled Layer Descriptor 1.1 with Symbology Encoding."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, tostring

from registry.export import symbols as s
from registry.model.vocabulary import Kind

_NAMESPACES = {
    "xmlns": "http://www.opengis.net/sld",
    "xmlns:se": "http://www.opengis.net/se",
    "xmlns:ogc": "http://www.opengis.net/ogc",
    "xmlns:xlink": "http://www.w3.org/1999/xlink",
}
_MM_TO_PIXEL = 1 / 0.28  # the standard's pixel is 0.28 mm wide


def point_style(kind: Kind, lang: str) -> str:
    """The style of one kind's layer, labelled by name from ``LABEL_SCALE`` inwards."""
    root, style = _root(kind.value, getattr(kind, lang))
    if kind is Kind.TAILINGS_POND:
        # Rules are drawn in order: the lowest risk first, so that the highest lies on top.
        _point(_rule(style, getattr(s.NO_LEVEL_TERM, lang), level=None), s.NO_LEVEL)
        for level in sorted(s.LEVEL_SYMBOLS, reverse=True):
            _point(_rule(style, getattr(s.level_term(level), lang), level=level), s.LEVEL_SYMBOLS[level])
    else:
        rule = SubElement(style, "se:Rule")
        SubElement(rule, "se:Name").text = getattr(kind, lang)
        _point(rule, s.KIND_SYMBOLS[kind])
    _label(style)
    return _text(root)


def outline_style(table: str, title: str) -> str:
    """The style of regions: a grey outline without a filling."""
    root, style = _root(table, title)
    rule = SubElement(style, "se:Rule")
    SubElement(rule, "se:Name").text = title
    stroke = SubElement(SubElement(rule, "se:PolygonSymbolizer"), "se:Stroke")
    _parameters(stroke, {"stroke": s.REGION_OUTLINE, "stroke-width": "1"})
    return _text(root)


def _root(table: str, title: str) -> tuple[Element, Element]:
    root = Element("StyledLayerDescriptor", version="1.1.0", attrib=_NAMESPACES)
    layer = SubElement(root, "NamedLayer")
    SubElement(layer, "se:Name").text = table
    user = SubElement(layer, "UserStyle")
    SubElement(user, "se:Name").text = title
    return root, SubElement(user, "se:FeatureTypeStyle")


def _text(root: Element) -> str:
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def _rule(style: Element, name: str, *, level: int | None) -> Element:
    rule = SubElement(style, "se:Rule")
    SubElement(rule, "se:Name").text = name
    filter_ = SubElement(rule, "ogc:Filter")
    if level is None:
        SubElement(SubElement(filter_, "ogc:PropertyIsNull"), "ogc:PropertyName").text = "supervision_level"
    else:
        equal = SubElement(filter_, "ogc:PropertyIsEqualTo")
        SubElement(equal, "ogc:PropertyName").text = "supervision_level"
        SubElement(equal, "ogc:Literal").text = str(level)
    return rule


def _point(rule: Element, symbol: s.Symbol) -> None:
    graphic = SubElement(SubElement(rule, "se:PointSymbolizer"), "se:Graphic")
    mark = SubElement(graphic, "se:Mark")
    SubElement(mark, "se:WellKnownName").text = symbol.shape
    _parameters(SubElement(mark, "se:Fill"), {"fill": symbol.colour})
    _parameters(SubElement(mark, "se:Stroke"), {"stroke": s.OUTLINE, "stroke-width": "0.7"})
    SubElement(graphic, "se:Size").text = f"{symbol.size_mm * _MM_TO_PIXEL:.0f}"
    if symbol.rotation:
        SubElement(graphic, "se:Rotation").text = f"{symbol.rotation:g}"


def _label(style: Element) -> None:
    rule = SubElement(style, "se:Rule")
    SubElement(rule, "se:MaxScaleDenominator").text = str(s.LABEL_SCALE)
    symbolizer = SubElement(rule, "se:TextSymbolizer")
    SubElement(SubElement(symbolizer, "se:Label"), "ogc:PropertyName").text = "name"
    _parameters(SubElement(symbolizer, "se:Font"), {"font-size": "11"})
    placement = SubElement(SubElement(symbolizer, "se:LabelPlacement"), "se:PointPlacement")
    shift = SubElement(placement, "se:Displacement")
    SubElement(shift, "se:DisplacementX").text = "8"
    SubElement(shift, "se:DisplacementY").text = "0"
    halo = SubElement(symbolizer, "se:Halo")
    SubElement(halo, "se:Radius").text = "1.5"
    _parameters(SubElement(halo, "se:Fill"), {"fill": "#ffffff"})
    _parameters(SubElement(symbolizer, "se:Fill"), {"fill": "#262626"})


def _parameters(parent: Element, values: dict[str, str]) -> None:
    for name, value in values.items():
        SubElement(parent, "se:SvgParameter", name=name).text = value
