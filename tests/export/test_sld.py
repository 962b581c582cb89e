"""Styles for other programs: as QGIS reads them, and in the order of the standard's schema."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest
from desktop import ask_qgis
from qgis_layers import look_of, looks

from registry.export import write
from registry.export.styling.styles import combined_style, kind_style, layer_styles, region_style
from registry.model import symbols as s
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_qgis_reads_the_same_symbols_from_the_sld(layers: Any, tmp_path: Path, lang: str) -> None:
    path = tmp_path / "a.gpkg"
    write(layers, path, lang=lang)
    sources, expected = [], {}
    for name, layer in layers.items():
        if name in set(Kind):
            style = tmp_path / f"{name}.sld"
            style.write_text(kind_style(Kind(name), lang).styleSLD, encoding="utf-8")
            sources.append((name, f"{path}|layername={name}", style))
            expected[name] = look_of(layer, Kind(name))
    found = looks(sources)
    for name, seen in expected.items():
        # A symbol has two sizes, each for its scales; QGIS asked without a scale shows both.
        drawn = {
            uid: [list(one) for one in {tuple(symbol) for symbol in symbols}]
            for uid, symbols in found[name]["seen"].items()
        }
        standard = {
            uid: [[colour, shape.removeprefix("equilateral_")] for colour, shape in symbols]
            for uid, symbols in seen.items()
        }
        assert drawn == standard, name
        assert found[name]["labels"]


def test_the_sld_of_all_kinds_tells_them_apart(layers: Any, tmp_path: Path) -> None:
    path, style = tmp_path / "a.fgb", tmp_path / "b.sld"
    sites = {name: layer for name, layer in layers.items() if name in set(Kind)}
    write(sites, path)
    style.write_text(combined_style([Kind(name) for name in sites]).styleSLD, encoding="utf-8")
    found = looks([("a", path, style)])["a"]["seen"]
    assert len(found) == sum(map(len, sites.values()))
    for name, layer in sites.items():
        for uid, symbols in look_of(layer, Kind(name)).items():
            assert {colour for colour, _ in found[uid]} == {symbols[0][0]}


# The order of elements in the schemas of SLD 1.1.0 and SE 1.1.0.
SEQUENCES = {
    "NamedLayer": ["Name", "UserStyle"],
    "UserStyle": ["Name", "FeatureTypeStyle"],
    "Rule": ["Name", "Description", "Filter", "MinScaleDenominator", "MaxScaleDenominator", "PointSymbolizer", "PolygonSymbolizer",
             "TextSymbolizer"],
    "Graphic": ["Mark", "Size"],
    "Mark": ["WellKnownName", "Fill", "Stroke"],
    "TextSymbolizer": ["Label", "Font", "LabelPlacement", "Halo", "Fill"],
    "PointPlacement": ["AnchorPoint", "Displacement"],
    "Halo": ["Radius", "Fill"],
    "PropertyIsEqualTo": ["PropertyName", "Literal"],
}  # fmt: skip
REPEATED = {"FeatureTypeStyle", "Mark"}
STANDARD_MARKS = {"square", "circle", "triangle", "star", "cross", "x"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_an_sld_has_the_order_of_the_schema_and_a_mark_that_every_program_knows(lang: str) -> None:
    for style in [*layer_styles(lang), combined_style(Kind, lang)]:
        root = ET.fromstring(style.styleSLD)
        assert root.get("version") == "1.1.0"
        for element in root.iter():
            name = element.tag.rpartition("}")[2]
            children = [child.tag.rpartition("}")[2] for child in element]
            if name in SEQUENCES:
                places = [SEQUENCES[name].index(child) for child in children]
                assert places == sorted(places), name
                once = [child for child in children if child not in REPEATED]
                assert len(once) == len(set(once)), name
            if name in {"And", "Or"}:
                assert len(children) >= 2
            if name == "Graphic":
                marks = [str(mark.text) for mark in element.iter() if mark.tag.endswith("WellKnownName")]
                assert marks[-1] in STANDARD_MARKS
        assert set(SEQUENCES) - {"Graphic", "Mark"} <= {element.tag.rpartition("}")[2] for element in root.iter()} | {
            "PropertyIsEqualTo"
        }


def test_each_group_of_an_sld_is_a_style_of_its_own_the_gravest_last() -> None:
    root = ET.fromstring(combined_style(Kind).styleSLD)
    styles = root.findall(".//{*}FeatureTypeStyle")
    fills = [style.findtext(".//{*}Mark/{*}Fill/{*}SvgParameter") for style in styles]
    assert fills == [*(symbol.fill for symbol in s.GROUPS), None]  # and the names over all


def test_regions_are_outlines_by_level_in_qml_and_sld(regions: Any, tmp_path: Path) -> None:
    path, sld = tmp_path / "a.gpkg", tmp_path / "b.sld"
    write({"region": regions.assign(level=["province", "county"])}, path)
    sld.write_text(region_style().styleSLD, encoding="utf-8")
    script = """
answer = []
for style in (None, sld):
    layer = QgsVectorLayer(path, "a", "ogr")
    if style:
        message, good = layer.loadSldStyle(style)
        assert good, message
    rules = [rule for rule in layer.renderer().rootRule().children() if rule.symbol()]
    symbols = {rule.filterExpression().replace('"', ""): rule.symbol()[0] for rule in rules}
    answer.append({
        "colours": {filter_: one.color().name() if isinstance(one, QgsSimpleLineSymbolLayer) else one.strokeColor().name() for filter_, one in symbols.items()},
        "filled": [rule.symbol().type() == QgsSymbol.Fill and type(rule.symbol()[0]) is QgsSimpleFillSymbolLayer
                   and rule.symbol()[0].brushStyle() != 0 for rule in rules],
        "labels": layer.labelsEnabled(),
    })
"""
    qml_look, sld_look = ask_qgis(script, path=f"{path}|layername=region", sld=sld)
    assert qml_look["colours"]["level = 'province'"] == s.REGION_OUTLINE
    assert len(qml_look["colours"]) == 3
    assert qml_look["filled"] == sld_look["filled"] == [False] * 3
    assert set(sld_look["colours"].values()) == set(qml_look["colours"].values())
    assert qml_look["labels"]
    assert sld_look["labels"]
