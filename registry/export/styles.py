"""The ``layer_styles`` table: styles that QGIS finds inside a GeoPackage, a store's own or an exported one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from registry.export import qml, sld
from registry.export.symbols import REGION_TERM
from registry.model.fields import fields, table_fields
from registry.model.tables import Base
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

OWNER = "registry"  # marks the rows that may be replaced; a style saved by hand has another owner

# The schema that QGIS gives the table when it saves the first style into a GeoPackage.
_CREATE = """CREATE TABLE IF NOT EXISTS "layer_styles" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "f_table_catalog" TEXT(256), "f_table_schema" TEXT(256),
  "f_table_name" TEXT(256), "f_geometry_column" TEXT(256), "styleName" TEXT(30), "styleQML" TEXT, "styleSLD" TEXT,
  "useAsDefault" BOOLEAN, "description" TEXT, "owner" TEXT(30), "ui" TEXT(30),
  "update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""

_INSERT = """INSERT INTO "layer_styles" (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,
  styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, ?, ?, ?, ?, ?, ?, ?)"""


@dataclass(frozen=True)
class LayerStyle:
    """One row of ``layer_styles``; the attributes bear the names of its columns."""

    f_table_name: str
    f_geometry_column: str
    styleName: str
    styleQML: str
    styleSLD: str
    useAsDefault: bool
    description: str


def layer_styles(lang: str = "zh") -> list[LayerStyle]:
    """The style of every layer that has one: the four kinds and the regions, in ``zh`` or ``en``."""
    styles = [
        LayerStyle(
            f_table_name=kind.value,
            f_geometry_column="geom",
            styleName=getattr(kind, lang),
            styleQML=qml.point_style(kind, fields(kind), lang),
            styleSLD=sld.point_style(kind, lang),
            useAsDefault=True,
            description=_ABOUT_LEVELS[lang] if kind is Kind.TAILINGS_POND else _ABOUT_KIND[lang],
        )
        for kind in Kind
    ]
    title = getattr(REGION_TERM, lang)
    table = Base.metadata.tables["region"]
    outline = qml.outline_style(table_fields(table), lang)
    return [
        *styles,
        LayerStyle("region", "geom", title, outline, sld.outline_style("region", title), True, title),
    ]


def write_layer_styles(connection: sqlite3.Connection, styles: Sequence[LayerStyle] | None = None) -> None:
    """Put styles into a GeoPackage and list the table in its contents; nothing is committed.

    Rows that this function wrote before are replaced, styles that a person saved are kept, and where one of those
    is the default of a layer it stays the default.

    Parameters
    ----------
    connection : an open GeoPackage.
    styles : what to write; ``layer_styles()`` unless given.
    """
    connection.execute(_CREATE)
    connection.execute(
        "INSERT INTO gpkg_contents (table_name, data_type, identifier) SELECT 'layer_styles', 'attributes', 'layer_styles' "
        "WHERE NOT EXISTS (SELECT 1 FROM gpkg_contents WHERE table_name = 'layer_styles')"
    )
    for style in layer_styles() if styles is None else styles:
        table = style.f_table_name
        connection.execute("DELETE FROM layer_styles WHERE f_table_name = ? AND owner = ?", (table, OWNER))
        saved = "SELECT 1 FROM layer_styles WHERE f_table_name = ? AND useAsDefault"
        default = style.useAsDefault and connection.execute(saved, (table,)).fetchone() is None
        connection.execute(
            _INSERT,
            (
                table,
                style.f_geometry_column,
                style.styleName,
                style.styleQML,
                style.styleSLD,
                int(default),
                style.description,
                OWNER,
            ),
        )


_ABOUT_LEVELS = {"zh": "按环境监管等级分级显示", "en": "By environmental supervision level"}
_ABOUT_KIND = {"zh": "单一符号", "en": "One symbol"}
