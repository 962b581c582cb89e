"""A desk at a store on a server: its views, and QGIS's way to a layer and what it says of it."""

from __future__ import annotations

from typing import Any

import pandas as pd
import psycopg
from psycopg import sql
from realm import Realm

ZH = {
    "tailings_pond": "尾矿库",
    "gangue_heap": "煤矸石堆场",
    "smelting_site": "冶炼场地",
    "utilization_plant": "综合利用企业",
}
EN = {kind: f"{kind}_labels" for kind in ZH}
EVERY_VIEW = [*ZH.values(), *EN.values()]


def view_rows(connection: psycopg.Connection[Any], view: str) -> pd.DataFrame:
    """A view's rows as they come, with empty values as None."""
    cursor = connection.execute(sql.SQL("SELECT * FROM {} ORDER BY id").format(sql.Identifier(view)))
    assert cursor.description
    return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description], dtype=object)


def source(realm: Realm, login: str, table: str, database: str | None = None, *, geometry: str = " (geom)") -> str:
    """Where QGIS finds a layer."""
    return (
        f"dbname='{database or realm.template}' host={realm.cluster.host} port={realm.cluster.port} user='{login}' "
        f"password='{realm.passwords[login]}' key='id' table=\"public\".\"{table}\"{geometry}"
    )


# Nothing here asks for a style: QGIS looks for the default by itself.
DESCRIBE = """
answer = {}
for table, source in sources.items():
    layer = QgsVectorLayer(source, table, "postgres")
    box = layer.extent()
    renderer = layer.renderer()
    can = layer.dataProvider().capabilities()
    answer[table] = {
        "valid": layer.isValid(), "rows": layer.featureCount(), "crs": layer.crs().authid(),
        "type": QgsWkbTypes.displayString(layer.wkbType()),
        "extent": [] if box.isEmpty() else [box.xMinimum(), box.yMinimum(), box.xMaximum(), box.yMaximum()],
        "renderer": renderer and renderer.type(), "legend": renderer and [item.label() for item in renderer.legendSymbolItems()],
        "classes": [(c.value(), c.label()) for c in renderer.categories()] if hasattr(renderer, "categories") else [],
        "labels": layer.labelsEnabled(),
        "aliases": {field.name(): field.alias() for field in layer.fields()},
        "widgets": {field.name(): field.editorWidgetSetup().type() for field in layer.fields()},
        "comments": {field.name(): field.comment() for field in layer.fields()},
        "features": [dict(zip(layer.fields().names(), feature.attributes())) for feature in layer.getFeatures()],
        "key": [layer.fields()[at].name() for at in layer.primaryKeyAttributes()],
        "editable": layer.startEditing(),
        "may": [name for name in ("AddFeatures", "ChangeAttributeValues", "ChangeGeometries", "DeleteFeatures")
                if can & getattr(QgsVectorDataProvider, name)],
        "drawn": renderer and renderer.type() == "categorizedSymbol" and [
            renderer.categories()[renderer.categoryIndexForValue(feature[renderer.classAttribute()])].label()
            for feature in layer.getFeatures()],
        "lists": {field.name(): field.editorWidgetSetup().config() for field in layer.fields()
                  if field.editorWidgetSetup().type() == "ValueMap"},
    }
"""
