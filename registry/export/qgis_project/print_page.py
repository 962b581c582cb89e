"""The page of a QGIS project that is ready to print: A4 across, with map, legend, scale bar, title and note."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5
from xml.etree.ElementTree import Element, SubElement

from registry.export.styling.qml_options import options

if TYPE_CHECKING:
    from registry.export.qgis_project.layer import Box

_NAMES = {"zh": "打印版面（A4 横向）", "en": "Print page (A4 landscape)"}
_LEGEND = {"zh": "图例", "en": "Legend"}
# QGIS's numbers of the kinds of items.
_PAGE, _MAP, _LABEL, _LEGEND_ITEM, _SCALE_BAR = "65638", "65639", "65641", "65642", "65646"
# Left, top, width and height in millimetres.
_SHEET = (0.0, 0.0, 297.0, 210.0)
_MAP_PLACE = (10.0, 22.0, 207.0, 166.0)
_LEGEND_PLACE = (221.0, 22.0, 66.0, 100.0)
_TITLE_PLACE = (10.0, 8.0, 277.0, 11.0)
_NOTE_PLACE = (10.0, 191.0, 277.0, 12.0)
_BAR_PLACE = (221.0, 175.0, 66.0, 13.0)
_BLACK, _WHITE = {"red": "0", "green": "0", "blue": "0"}, {"red": "255", "green": "255", "blue": "255"}


def page(legend_tree: Element, box: Box, lang: str, title: str, note: str) -> Element:
    """The page as an element of a project.

    Parameters
    ----------
    legend_tree : the layers that the legend names.
    box : what the map shows, in the project's CRS.
    lang : language of the page's name and the legend's title.
    title, note : above and below the map.
    """
    layout = Element("Layout", name=_NAMES[lang], units="mm", printResolution="300", worldFileMap="")
    SubElement(layout, "Snapper", tolerance="5", snapToGrid="0", snapToGuides="1", snapToItems="1")
    pages = SubElement(layout, "PageCollection")
    _fill(pages)
    sheet = _item(pages, _PAGE, "page", _SHEET, order=0)
    _fill(sheet)
    SubElement(pages, "GuideCollection", visible="1")
    _label(layout, "title", _TITLE_PLACE, title, points=16, centred=True)
    _label(layout, "note", _NOTE_PLACE, note, points=7, centred=False)
    _scale_bar(layout)
    _legend(layout, legend_tree, lang)
    _map(layout, box)
    return layout


def _item(parent: Element, type_: str, name: str, place: tuple[float, float, float, float], *, order: int) -> Element:
    own = f"{{{uuid5(NAMESPACE_URL, f'urn:registry:print-page:{name}')}}}"
    left, top, width, height = place
    position = f"{left:g},{top:g},mm"
    item = SubElement(parent, "LayoutItem", {
        "type": type_, "id": "" if type_ == _PAGE else name, "uuid": own, "templateUuid": own, "position": position,
        "positionOnPage": position, "size": f"{width:g},{height:g},mm", "referencePoint": "0", "zValue": str(order),
        "visibility": "1", "opacity": "1", "blendMode": "0", "itemRotation": "0", "positionLock": "false", "groupUuid": "",
        "background": "false", "frame": "false", "frameJoinStyle": "miter", "outlineWidthM": "0.2,mm",
        "excludeFromExports": "0",
    })  # fmt: skip
    SubElement(item, "FrameColor", {**_BLACK, "alpha": "255"})
    SubElement(item, "BackgroundColor", {**_WHITE, "alpha": "255"})
    return item


def _fill(parent: Element) -> None:
    symbol = SubElement(parent, "symbol", type="fill", name="", alpha="1", clip_to_extent="1", force_rhr="0")
    layer = SubElement(symbol, "layer", {"class": "SimpleFill", "enabled": "1", "locked": "0", "pass": "0"})
    options(layer, {"color": "255,255,255,255", "style": "solid", "outline_style": "no"})


def _label(
    layout: Element, name: str, place: tuple[float, float, float, float], text: str, *, points: int, centred: bool
) -> None:
    item = _item(layout, _LABEL, name, place, order=4)
    # QGIS computes what stands between [% and %]; a title is shown as it is.
    item.set("labelText", text.replace("[%", "[ %"))
    item.set("htmlState", "0")
    item.set("halign", "4" if centred else "1")
    item.set("valign", "128" if centred else "32")
    item.set("marginX", "0")
    item.set("marginY", "0")
    _font(item, "LabelFont", points)
    SubElement(item, "FontColor", {**_BLACK, "alpha": "255"})


def _font(parent: Element, name: str, points: int) -> None:
    """Qt finds a family of this sort everywhere, and characters that it lacks in another."""
    SubElement(parent, name, description=f"Sans Serif,{points},-1,5,50,0,0,0,0,0", style="")


def _scale_bar(layout: Element) -> None:
    """A bar of whole kilometres, as long as fits."""
    item = _item(layout, _SCALE_BAR, "scale_bar", _BAR_PLACE, order=3)
    item.attrib.update({
        "style": "Single Box", "unitType": "km", "unitLabel": "km", "numMapUnitsPerScaleBarUnit": "1", "numSegments": "2",
        "numSegmentsLeft": "0", "numUnitsPerSegment": "100", "segmentSizeMode": "1", "minBarWidth": "25", "maxBarWidth": "50",
        "height": "2", "boxContentSpace": "1", "labelBarSpace": "2", "alignment": "0", "mapUuid": _map_uuid(),
    })  # fmt: skip
    SubElement(item, "text-style", fontSize="8", fontSizeUnit="Point", textColor="0,0,0,255", textOpacity="1")
    SubElement(item, "fillColor", {**_BLACK, "alpha": "255"})
    SubElement(item, "fillColor2", {**_WHITE, "alpha": "255"})


def _legend(layout: Element, legend_tree: Element, lang: str) -> None:
    item = _item(layout, _LEGEND_ITEM, "legend", _LEGEND_PLACE, order=2)
    item.attrib.update({
        "title": _LEGEND[lang], "map_uuid": _map_uuid(), "columnCount": "1", "resizeToContents": "1", "symbolWidth": "7",
        "symbolHeight": "4", "boxSpace": "1", "columnSpace": "2", "lineSpacing": "1", "wrapChar": "", "splitLayer": "0",
        "equalColumnWidth": "0", "fontColor": "#000000", "symbolAlignment": "1", "titleAlignment": "1",
        "minSymbolSize": "0", "maxSymbolSize": "0",
    })  # fmt: skip
    styles = SubElement(item, "styles")
    for name, points, space in (
        ("title", 12, 2),
        ("group", 10, 3),
        ("subgroup", 9, 2),
        ("symbol", 8, 1.5),
        ("symbolLabel", 8, 1.5),
    ):
        style = SubElement(styles, "style", name=name, alignment="1", indent="0")
        style.set({"title": "marginBottom"}.get(name, "marginTop"), f"{space:g}")
        if name == "symbolLabel":
            style.set("marginLeft", "2")
        _font(style, "styleFont", points)
    item.append(legend_tree)


def _map(layout: Element, box: Box) -> None:
    item = _item(layout, _MAP, "map", _MAP_PLACE, order=1)
    item.attrib.update({
        "frame": "true", "background": "true", "followPreset": "false", "followPresetName": "", "keepLayerSet": "false",
        "mapRotation": "0", "drawCanvasItems": "true", "labelMargin": "0,mm", "mapFlags": "0",
    })  # fmt: skip
    # The frame's proportions, so that the extent is what QGIS makes of it.
    west, south, east, north = box
    scale = max((east - west) / _MAP_PLACE[2], (north - south) / _MAP_PLACE[3]) / 2
    middle = ((west + east) / 2, (south + north) / 2)
    half = (scale * _MAP_PLACE[2], scale * _MAP_PLACE[3])
    extent = {
        "xmin": middle[0] - half[0],
        "ymin": middle[1] - half[1],
        "xmax": middle[0] + half[0],
        "ymax": middle[1] + half[1],
    }
    SubElement(item, "Extent", {name: repr(value) for name, value in extent.items()})
    SubElement(item, "LayerSet")


def _map_uuid() -> str:
    return f"{{{uuid5(NAMESPACE_URL, 'urn:registry:print-page:map')}}}"
