"""Styles as QGIS reads them (QML): symbols, sizes and names by scale. What a form asks and shows stands in ``forms``."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, tostring

from registry.export.styling import drawing as d
from registry.export.styling import forms
from registry.export.styling.qml_options import option, options
from registry.model import symbols as s

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from registry.export.styling.drawing import Columns
    from registry.export.styling.forms import Truth, Widget
    from registry.model.fields import Field
    from registry.model.symbols import Shape, Symbol
    from registry.model.vocabulary import Kind

DOCTYPE = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
# Version 3.22 is the first that reads every option below; later ones read it as their own.
VERSION = "3.22.0"
_PARTS = "Symbology|Labeling|Fields|Forms|MapTips"

# QGIS's name of each shape, how far it reaches in half a symbol's size, and its turn where it stands otherwise.
_MARKERS: dict[Shape, tuple[str, float, int]] = {
    "circle": ("circle", 1, 0),
    "square": ("square", 2**0.5, 0),
    "triangle": ("equilateral_triangle", 1, 0),
    "pentagon": ("pentagon", 1, 180),
    "star": ("star", 1, 0),
    "cross": ("cross_fill", 1, 0),
}

_RIM_MM = 0.15
# How broad a line of its own colour is that QGIS's filled cross gets, in radii: its arms are a fifth of their length.
_CROSS_LINE = 0.45


def kind_style(kind: Kind, fields: Sequence[Field], lang: str, columns: Columns, truth: Truth) -> str:
    """The style of one kind's layer: ponds by supervision level, the others with one symbol."""
    root = _root("Point")
    groups = d.groups_of_kind(kind, columns)
    if len(groups) > 1:
        _by_level(root, groups, lang, columns)
    else:
        renderer = _renderer(root, "singleSymbol")
        _marker(SubElement(renderer, "symbols"), 0, groups[0])
    _labels(
        root, {symbol: _level_filter(symbol, columns) if len(groups) > 1 else "" for symbol in groups}, lang, columns
    )
    forms.add(root, fields, lang, columns, truth=truth, kind=kind)
    forms.add_tip(root, fields, lang, columns, title=getattr(kind, lang))
    return _text(root)


def combined_style(kinds: Sequence[Kind], fields: Sequence[Field], lang: str, columns: Columns, truth: Truth) -> str:
    """The style of a layer that holds several kinds: one rule for each group, told apart by kind and level."""
    root = _root("Point")
    filters: dict[Symbol, str] = {}
    for kind in kinds:
        own = f"{columns.quoted('kind')} = {d.literal(kind)}"
        groups = d.groups_of_kind(kind, columns)
        for symbol in groups:
            level = f" AND {_level_filter(symbol, columns)}" if len(groups) > 1 else ""
            filters[symbol] = own + level
    ordered = {symbol: filters[symbol] for symbol in s.LEGEND if symbol in filters}
    renderer = _renderer(root, "RuleRenderer")
    rules, drawn = SubElement(renderer, "rules", key="registry"), SubElement(renderer, "symbols")
    for at, (symbol, filter_) in enumerate(ordered.items()):
        SubElement(rules, "rule", key=symbol.key, filter=filter_, symbol=str(at), label=_legend_text(symbol, lang))
        _marker(drawn, at, symbol)
    _labels(root, ordered, lang, columns)
    forms.add(root, fields, lang, columns, truth=truth)
    kind_label = f"represent_value({columns.quoted('kind')}, {d.literal(columns['kind'])})"
    forms.add_tip(root, fields, lang, columns, title_expression=kind_label)
    return _text(root)


def outline_style(fields: Sequence[Field], lang: str, columns: Columns) -> str:
    """The style of regions: outlines without a filling, so that what lies below is seen; the names of one level at a scale."""
    root = _root("Polygon")
    by_level = "level" in columns
    renderer = _renderer(root, "RuleRenderer")
    rules, drawn = SubElement(renderer, "rules", key="registry"), SubElement(renderer, "symbols")
    outlines = d.OUTLINES if by_level else d.OUTLINES[:1]
    filters = [f"{columns.quoted('level')} = {d.literal(outline.level)}" if by_level else "" for outline in outlines]
    for at, (outline, filter_) in enumerate(zip(outlines, filters, strict=True)):
        label = outline.title(lang) if by_level else getattr(s.REGION_TERM, lang)
        SubElement(rules, "rule", key=outline.level, filter=filter_, symbol=str(at), label=label)
        layer = _layer(_symbol(drawn, at, "fill"), "SimpleFill", level=len(outlines) - at)
        look = {"style": "no", "outline_style": "solid", "outline_color": _rgba(outline.colour), "joinstyle": "round"}
        options(layer, look | {"outline_width": f"{outline.width_mm:g}", "outline_width_unit": "MM"})
    if "name" in columns:
        label_rules = _label_rules(root)
        for outline, filter_ in zip(outlines, filters, strict=True):
            rule = _label_rule(label_rules, outline.level, filter_, outline.names_from, outline.names_to)
            # Placement 1 is "over the point", which is the middle of the region, inside it.
            placement = {"placement": "1", "centroidInside": "1", "centroidWhole": "1", "priority": "2"}
            _label_settings(rule, lang, columns, placement, size=8, colour="#595959")
    forms.add(root, fields, lang, columns)
    forms.add_tip(root, fields, lang, columns, title=getattr(s.REGION_TERM, lang))
    return _text(root)


def table_style(
    fields: Sequence[Field], lang: str, columns: Columns, truth: Truth, widgets: Mapping[str, Widget]
) -> str:
    """The forms of a table without positions."""
    root = _root(None)
    forms.add(root, fields, lang, columns, truth=truth, widgets=widgets)
    return _text(root)


def _root(geometry: str | None) -> Element:
    root = Element("qgis", version=VERSION, styleCategories=_PARTS, labelsEnabled=str(int(geometry is not None)))
    # The numbers are QGIS's own; 4 is a table.
    SubElement(root, "layerGeometryType").text = {"Point": "0", "Polygon": "2", None: "4"}[geometry]
    return root


def _text(root: Element) -> str:
    return DOCTYPE + tostring(root, encoding="unicode")


def _renderer(root: Element, type_: str) -> Element:
    return SubElement(root, "renderer-v2", type=type_, symbollevels="1", enableorderby="0", forceraster="0")


def _by_level(root: Element, groups: Sequence[Symbol], lang: str, columns: Columns) -> None:
    renderer = _renderer(root, "categorizedSymbol")
    renderer.set("attr", columns["supervision_level"])
    categories, drawn = SubElement(renderer, "categories"), SubElement(renderer, "symbols")
    for at, symbol in enumerate(groups):
        level = s.level_of(symbol)
        # The empty category takes what no other takes: no level, and a level that is not on the list.
        said = None if level is None else columns.level(level)
        value, type_ = ("", "NULL") if said is None else (str(said), "integer" if isinstance(said, int) else "string")
        label = _legend_text(symbol, lang)
        SubElement(categories, "category", symbol=str(at), value=value, type=type_, label=label, render="true")
        _marker(drawn, at, symbol)


def _legend_text(symbol: Symbol, lang: str) -> str:
    return str(getattr(s.group_term(symbol), lang))


def _level_filter(symbol: Symbol, columns: Columns) -> str:
    column = columns.quoted("supervision_level")
    level = s.level_of(symbol)
    if level is not None:
        return f"{column} = {d.level_literal(level, columns)}"
    levels = [s.level_of(other) for other in s.POND_LEGEND]
    known = ", ".join(d.level_literal(level, columns) for level in levels if level is not None)
    return f"({column} IS NULL OR {column} NOT IN ({known}))"


def _symbol(parent: Element, at: int, type_: str) -> Element:
    return SubElement(parent, "symbol", type=type_, name=str(at), alpha="1", clip_to_extent="1", force_rhr="0")


def _layer(symbol: Element, class_: str, *, level: int) -> Element:
    """A layer of a symbol; the greater the level, the later it is drawn over the whole map."""
    return SubElement(symbol, "layer", {"class": class_, "enabled": "1", "locked": "0", "pass": str(level)})


def _marker(parent: Element, at: int, symbol: Symbol) -> None:
    """A marker that grows as one comes near; where no scale is known, as in some legends, it has its middle size."""
    drawn = _symbol(parent, at, "marker")
    name, reach, angle = _MARKERS[symbol.shape]
    half = symbol.grow * s.REACH[symbol.shape] / reach
    if symbol.shape != "cross":
        _marker_layer(drawn, symbol, (name, angle), half, (symbol.fill, symbol.stroke), _RIM_MM)
        return
    # QGIS's filled cross has thin arms: a line of its own colour makes them as broad as they should be, over a broader rim.
    broader = symbol.grow * _CROSS_LINE
    half -= broader / 2
    for colour, line in ((symbol.stroke, f"{2 * _RIM_MM} + {broader:.3f} * "), (symbol.fill, f"{broader:.3f} * ")):
        _marker_layer(drawn, symbol, (name, angle), half, (colour, colour), line)


def _marker_layer(
    drawn: Element, symbol: Symbol, form: tuple[str, int], half: float, colours: tuple[str, str], line: float | str
) -> None:
    """One layer of a marker; ``half`` of its size, and ``line`` where it is the beginning of a text, are in radii."""
    layer = _layer(drawn, "SimpleMarker", level=s.GROUP_INDEX[symbol.key])
    middle = d.radius_mm(d.MIDDLE_SCALE)
    look = {
        "name": form[0],
        "color": _rgba(colours[0]),
        "size": f"{2 * half * middle:.2f}",
        "size_unit": "MM",
        "angle": str(form[1]),
        "joinstyle": "miter" if isinstance(line, str) else "round",
        "outline_color": _rgba(colours[1]),
        "outline_style": "solid",
        "outline_width": f"{line if isinstance(line, float) else _CROSS_LINE * middle:.2f}",
        "outline_width_unit": "MM",
    }
    options(layer, look)
    nearer = f"{d.FAR_RADIUS_MM} + {d.GROWTH_MM} * ln({d.FAR_SCALE} / coalesce(@map_scale, {d.MIDDLE_SCALE}))"
    radius = f"min({d.NEAR_RADIUS_MM}, max({d.FAR_RADIUS_MM}, {nearer}))"
    by_scale = {"size": f"{2 * half:.3f} * {radius}"}
    if isinstance(line, str):
        by_scale["outlineWidth"] = line + radius
    active = {key: {"active": True, "type": 3, "expression": text} for key, text in by_scale.items()}  # 3: expression
    option(SubElement(layer, "data_defined_properties"), {"name": "", "type": "collection", "properties": active})


def _rgba(colour: str) -> str:
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return f"{red},{green},{blue},255"


def _labels(root: Element, filters: Mapping[Symbol, str], lang: str, columns: Columns) -> None:
    """Names beside the points, by one rule a group: the graver a site, the earlier and the sooner placed its name."""
    if "name" not in columns:
        root.set("labelsEnabled", "0")
        return
    rules = _label_rules(root)
    for rank, (symbol, filter_) in enumerate(filters.items()):
        rule = _label_rule(rules, symbol.key, filter_, d.label_scale(symbol), 0)
        # Placement 6 is the best of eight places around the symbol, measured from its edge.
        placement = {
            "placement": "6", "offsetType": "1", "dist": "0.4", "distUnits": "MM",
            "predefinedPositionOrder": "R,L,TR,BR,TL,BL,T,B", "priority": str(9 - rank),
        }  # fmt: skip
        _label_settings(rule, lang, columns, placement, size=8, colour=d.LABEL_COLOUR)


def _label_rules(root: Element) -> Element:
    return SubElement(SubElement(root, "labeling", type="rule-based"), "rules", key="registry")


def _label_rule(parent: Element, key: str, filter_: str, furthest: int, nearest: int) -> Element:
    rule = SubElement(parent, "rule", key=key, description=key, scalemaxdenom=str(furthest), scalemindenom=str(nearest))
    if filter_:
        rule.set("filter", filter_)
    return rule


def _label_settings(
    rule: Element, lang: str, columns: Columns, placement: Mapping[str, str], *, size: int, colour: str
) -> None:
    """No family is named: QGIS then takes its own, which has the characters of the desk's language."""
    settings = SubElement(rule, "settings", calloutType="simple")
    named = {"fieldName": forms.name_expression(lang, columns), "isExpression": "1"}
    look = {"fontSize": str(size), "fontSizeUnit": "Point", "textColor": _rgba(colour), "textOpacity": "1"}
    style = SubElement(settings, "text-style", named | look)
    buffer = {"bufferDraw": "1", "bufferSize": "0.7", "bufferSizeUnits": "MM", "bufferColor": _rgba(d.HALO_COLOUR)}
    SubElement(style, "text-buffer", buffer)
    SubElement(settings, "placement", dict(placement))
    SubElement(settings, "rendering", scaleVisibility="0", obstacle="1", drawLabels="1")
