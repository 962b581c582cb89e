"""Styles as QGIS reads them (QML): symbols, labels by scale, field aliases, value maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement, tostring

from registry.export import symbols as s
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry.export.symbols import Symbol
    from registry.model.fields import Field

_DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
# Version 3.22 is the first that reads every option below; later ones read it as their own.
_VERSION = "3.22.0"
_SHAPES = {"cross": "cross_fill"}


def point_style(kind: Kind, fields: Sequence[Field], lang: str) -> str:
    """The style of one kind's layer: ponds by supervision level, the others with one symbol."""
    root = _root("Symbology|Labeling|Fields|Forms")
    if kind is Kind.TAILINGS_POND:
        _by_level(root, lang)
    else:
        renderer = SubElement(
            root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0", forceraster="0"
        )
        _marker(SubElement(renderer, "symbols"), 0, s.KIND_SYMBOLS[kind], level=0)
    _labels(root, "name" if lang == "zh" else 'coalesce("name_en", "name")', is_expression=lang != "zh")
    _forms(root, fields, lang)
    SubElement(root, "previewExpression").text = '"name"'
    SubElement(root, "layerGeometryType").text = "0"
    return _text(root)


def outline_style(fields: Sequence[Field], lang: str) -> str:
    """The style of regions: a grey outline without a filling, so that what lies below is seen."""
    root = _root("Symbology|Fields|Forms")
    renderer = SubElement(
        root, "renderer-v2", type="singleSymbol", symbollevels="0", enableorderby="0", forceraster="0"
    )
    symbol = _symbol(SubElement(renderer, "symbols"), 0, "fill")
    layer = SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
    _options(
        layer,
        {
            "style": "no",
            "outline_style": "solid",
            "outline_color": _rgba(s.REGION_OUTLINE),
            "outline_width": "0.3",
            "outline_width_unit": "MM",
        },
    )
    _forms(root, fields, lang)
    SubElement(root, "layerGeometryType").text = "2"
    return _text(root)


def _root(categories: str) -> Element:
    return Element("qgis", version=_VERSION, styleCategories=categories, labelsEnabled="1")


def _text(root: Element) -> str:
    return _DOCTYPE + tostring(root, encoding="unicode")


def _by_level(root: Element, lang: str) -> None:
    """Categories by level; the higher the risk, the later the symbol is drawn, so that it lies on top."""
    renderer = SubElement(
        root, "renderer-v2", type="categorizedSymbol", attr="supervision_level", symbollevels="1", enableorderby="0", forceraster="0"
    )  # fmt: skip
    categories, drawn = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    lowest = max(s.LEVEL_SYMBOLS)
    for at, (level, symbol) in enumerate(s.LEVEL_SYMBOLS.items()):
        _category(categories, at, str(level), getattr(s.level_term(level), lang))
        _marker(drawn, at, symbol, level=lowest - level + 1)
    _category(categories, len(s.LEVEL_SYMBOLS), "", getattr(s.NO_LEVEL_TERM, lang))
    _marker(drawn, len(s.LEVEL_SYMBOLS), s.NO_LEVEL, level=0)


def _category(categories: Element, at: int, value: str, label: str) -> None:
    type_ = "integer" if value else "NULL"
    SubElement(categories, "category", symbol=str(at), value=value, type=type_, label=label, render="true")


def _symbol(parent: Element, at: int, type_: str) -> Element:
    return SubElement(parent, "symbol", type=type_, name=str(at), alpha="1", clip_to_extent="1", force_rhr="0")


def _marker(parent: Element, at: int, symbol: Symbol, *, level: int) -> None:
    layer = SubElement(
        _symbol(parent, at, "marker"),
        "layer",
        {"class": "SimpleMarker", "enabled": "1", "locked": "0", "pass": str(level)},
    )
    _options(
        layer,
        {
            "name": _SHAPES.get(symbol.shape, symbol.shape),
            "color": _rgba(symbol.colour),
            "size": f"{symbol.size_mm:g}",
            "size_unit": "MM",
            "angle": f"{symbol.rotation:g}",
            "outline_color": _rgba(s.OUTLINE),
            "outline_style": "solid",
            "outline_width": "0.2",
            "outline_width_unit": "MM",
        },
    )


def _options(parent: Element, options: Mapping[str, str]) -> None:
    box = SubElement(parent, "Option", type="Map")
    for name, value in options.items():
        SubElement(box, "Option", type="QString", name=name, value=value)


def _rgba(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"{red},{green},{blue},255"


def _labels(root: Element, field: str, *, is_expression: bool) -> None:
    """Names beside the points, from ``LABEL_SCALE`` inwards (QGIS: ``scaleMax`` is the largest denominator)."""
    settings = SubElement(SubElement(root, "labeling", type="simple"), "settings", calloutType="simple")
    style = SubElement(
        settings, "text-style", fieldName=field, isExpression=str(int(is_expression)), fontSize="8", fontSizeUnit="Point",
        textColor="38,38,38,255", textOpacity="1",
    )  # fmt: skip
    SubElement(
        style,
        "text-buffer",
        bufferDraw="1",
        bufferSize="0.8",
        bufferSizeUnits="MM",
        bufferColor="255,255,255,255",
    )
    # Placement 6 is "cartographic": the best of eight places around the point.
    SubElement(
        settings,
        "placement",
        placement="6",
        dist="1",
        distUnits="MM",
        predefinedPositionOrder="R,L,TR,BR,TL,BL,T,B",
    )
    SubElement(
        settings,
        "rendering",
        scaleVisibility="1",
        scaleMin="0",
        scaleMax=str(s.LABEL_SCALE),
        obstacle="1",
        drawLabels="1",
    )


def _forms(root: Element, fields: Sequence[Field], lang: str) -> None:
    """Aliases, a list to choose from for each coded field, a tick box for yes and no; identifiers are not editable."""
    shown = [field for field in fields if field.type != "geometry"]
    configuration = SubElement(root, "fieldConfiguration")
    for field in shown:
        box = SubElement(configuration, "field", name=field.name, configurationFlags="None")
        _widget(box, field, lang)
    aliases = SubElement(root, "aliases")
    for at, field in enumerate(shown):
        SubElement(aliases, "alias", index=str(at), field=field.name, name=field.label(lang))
    editable = SubElement(root, "editable")
    SubElement(editable, "field", name="uid", editable="0")


def _widget(box: Element, field: Field, lang: str) -> None:
    coded = field.codes if field.type != "boolean" else None
    type_ = "ValueMap" if coded else {"boolean": "CheckBox", "date": "DateTime"}.get(field.type, "TextEdit")
    config = SubElement(SubElement(box, "editWidget", type=type_), "config")
    options: Any = SubElement(config, "Option", type="Map")
    if coded:
        listed = SubElement(options, "Option", type="List", name="map")
        for code, term in coded.items():
            entry = SubElement(listed, "Option", type="Map")
            SubElement(entry, "Option", type="QString", name=getattr(term, lang), value=code)
