"""How layers look in QGIS and what its forms do: questions that tests of styles ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd
from desktop import ask_qgis

from registry.model import symbols as s
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

# QGIS's names of the shapes that are called otherwise there.
SHAPES = {"triangle": "equilateral_triangle", "cross": "cross_fill"}

LOOK = """
answer = {}
for key, source, style in sources:
    layer = QgsVectorLayer(source, key, "ogr")
    assert layer.isValid(), source
    if style:
        message, loaded = layer.loadSldStyle(style) if style.endswith(".sld") else layer.loadNamedStyle(style)
        assert loaded, message
    settings = QgsMapSettings()
    settings.setLayers([layer])
    settings.setExtent(layer.extent())
    context = QgsRenderContext.fromMapSettings(settings)
    renderer = layer.renderer()
    renderer.startRender(context, layer.fields())
    seen = {}
    for feature in layer.getFeatures():
        context.expressionContext().setFeature(feature)
        symbols = renderer.symbolsForFeature(feature, context)
        # The last layer of a symbol lies on top.
        tops = [symbol[symbol.symbolLayerCount() - 1] for symbol in symbols]
        seen[feature[uid]] = [[top.fillColor().name(), top.encodeShape(top.shape())] for top in tops]
    renderer.stopRender(context)
    answer[key] = {
        "seen": seen, "renderer": type(renderer).__name__, "labels": layer.labelsEnabled(),
        "legend": [node.data(0) for node in QgsMapLayerLegend.defaultVectorLegend(layer).createLayerTreeModelLegendNodes(
            QgsLayerTreeLayer(layer))],
        "aliases": {field.name(): field.alias() for field in layer.fields()}, "messages": messages,
    }
"""


def look_of(layer: gpd.GeoDataFrame, kind: Kind) -> dict[str, list[list[Any]]]:
    """What QGIS should draw of every feature: fill and shape by the registry's own table."""
    levels = layer["supervision_level"] if kind is Kind.TAILINGS_POND else pd.Series(pd.NA, index=layer.index)
    symbols = {uid: s.symbol_of(kind, None if pd.isna(level) else int(level)) for uid, level in levels.items()}
    return {str(uid): [[symbol.fill, SHAPES.get(symbol.shape, symbol.shape)]] for uid, symbol in symbols.items()}


def looks(sources: list[tuple[str, object, object]], uid: str = "uid") -> Any:
    return ask_qgis(LOOK, sources=[[key, str(at), style and str(style)] for key, at, style in sources], uid=uid)


def renamed(frame: gpd.GeoDataFrame, names: Mapping[str, str]) -> gpd.GeoDataFrame:
    return frame.reset_index().rename(columns=dict(names))


FORM = """
from qgis.gui import QgsGui, QgsAttributeForm
QgsGui.editorWidgetRegistry().initEditors()
layer = QgsVectorLayer(path, "a", "ogr")
if style:
    layer.loadNamedStyle(style)
layer.startEditing()
index = {field.name(): at for at, field in enumerate(layer.fields())}
answer = {"changed": [], "widgets": {}, "fixed": [], "valid": {}, "tips": []}
for feature in layer.getFeatures():
    form = QgsAttributeForm(layer, feature)
    form.changeAttribute(columns["name"], "新名")
    assert form.save()
for attributes in layer.editBuffer().changedAttributeValues().values():
    answer["changed"].append({layer.fields()[at].name(): value for at, value in attributes.items()})
for name, at in index.items():
    widget = layer.editorWidgetSetup(at)
    answer["widgets"][name] = [widget.type(), widget.config()]
    if layer.editFormConfig().readOnly(at):
        answer["fixed"].append(name)
layer.rollBack()
layer.startEditing()
context = layer.createExpressionContext()
new = [QgsVectorLayerUtils.createFeature(layer, QgsGeometry.fromPointXY(QgsPointXY(110, 30)), {}, context) for _ in range(2)]
answer["new"] = [dict(zip(index, feature.attributes())) for feature in new]
for column, value in tried:
    feature = QgsFeature(new[0])
    feature[column] = value
    good, errors = QgsVectorLayerUtils.validateAttribute(layer, feature, index[column])
    answer["valid"].setdefault(column, []).append([good, errors])
for feature in layer.getFeatures():
    context.setFeature(feature)
    answer["tips"].append(QgsExpression.replaceExpressionText(layer.mapTipTemplate(), context))
    context.setFeature(feature)
answer["display"] = layer.displayExpression()
"""


def form_of(path: object, *, style: object = None, columns: Mapping[str, str] | None = None, tried: Any = ()) -> Any:
    return ask_qgis(
        FORM, path=path, style=style, columns=columns or {"name": "name"}, tried=[list(one) for one in tried]
    )


def options_of(form: Any, column: str) -> dict[str, str]:
    kind, config = form["widgets"][column]
    assert kind == "ValueMap"
    return {label: value for entry in config["map"] for label, value in entry.items()}
