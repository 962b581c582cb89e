"""Styles of layers for desktop programs, and the ``layer_styles`` table in which QGIS finds them.

A style comes in two spellings: QML, which QGIS reads with everything that a form needs, and SLD for the others. Both follow
the columns under whatever names an export wrote them. QML and SLD of the registry's own tables serve a GeoPackage and a
server alike.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from registry.errors import BadParameterError
from registry.export.layers import described_fields
from registry.export.styling import qml, sld
from registry.export.styling.drawing import Columns
from registry.export.styling.forms import PLAIN_TRUTH, Truth, photo_widget
from registry.model import symbols as s
from registry.model.fields import table_fields
from registry.model.tables import Base
from registry.model.vocabulary import Kind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence

    from registry.model.fields import Field

__all__ = [
    "OWNER",
    "LayerStyle",
    "Truth",
    "combined_style",
    "kind_style",
    "layer_styles",
    "region_style",
    "table_style",
    "write_layer_styles",
]

OWNER = "registry"  # marks the rows that may be replaced; a style saved by hand has another owner

# The schema that QGIS gives the table when it saves the first style into a GeoPackage.
_CREATE = """CREATE TABLE IF NOT EXISTS "layer_styles" (
  "id" INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "f_table_catalog" TEXT(256), "f_table_schema" TEXT(256),
  "f_table_name" TEXT(256), "f_geometry_column" TEXT(256), "styleName" TEXT(30), "styleQML" TEXT, "styleSLD" TEXT,
  "useAsDefault" BOOLEAN, "description" TEXT, "owner" TEXT(30), "ui" TEXT(30),
  "update_time" DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))"""

_INSERT = """INSERT INTO "layer_styles" (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName,
  styleQML, styleSLD, useAsDefault, description, owner) VALUES ('', '', ?, ?, ?, ?, ?, ?, ?, ?)"""

# A picture beside a row is chosen and shown by this field.
_WIDGETS = {"attachment": {"file_name": photo_widget()}}
# Keys of the tables that a layer's sums come from; the layer itself has no such column.
_ELSEWHERE = frozenset({"site_uid", "plant_uid"})


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


def kind_style(
    kind: Kind, lang: str = "zh", *, table: str | None = None, geometry: str = "geom",
    names: Mapping[str, str] | None = None, truth: Truth = PLAIN_TRUTH, labelled: bool = False,
) -> LayerStyle:  # fmt: skip
    """The style of a layer of one kind: ponds by supervision level, the others with one symbol.

    Parameters
    ----------
    kind : what the layer holds.
    lang : language of the legend, the aliases and the lists, ``zh`` or ``en``.
    table, geometry : what the table or view and its column of positions are called; the table bears the kind's name
        unless given.
    names : the written name of every field that the layer has, where they differ from the fields' own (10 bytes of a
        Shapefile, a view's Chinese columns). A field that is not in it is not in the layer. None: columns bear the names
        of fields, whichever there are.
    truth : how the layer says yes and no: GDAL reads the logical column of a Shapefile as the texts ``T`` and ``F``.
    labelled : the layer holds the labels of codes in that language, as a view does, not the codes.

    Notes
    -----
    The alias of a field is its label with the unit, in the language asked for. Where the column bears that label already,
    it has no alias; one in the other language would hide the name that was asked for.
    """
    columns = Columns(names, labels=lang if labelled else None)
    fields = [_in_words(field) if labelled else field for field in _kind_fields(kind)]
    return LayerStyle(
        f_table_name=table or kind.value,
        f_geometry_column=geometry,
        styleName=getattr(kind, lang),
        styleQML=qml.kind_style(kind, fields, lang, columns, truth),
        styleSLD=sld.kind_style(kind, lang, columns, table or kind.value),
        useAsDefault=True,
        description=_ABOUT_LEVELS[lang] if kind is Kind.TAILINGS_POND else _ABOUT_KIND[lang],
    )


def combined_style(
    kinds: Iterable[Kind], lang: str = "zh", *, table: str = "sites", geometry: str = "geom",
    names: Mapping[str, str] | None = None, truth: Truth = PLAIN_TRUTH,
) -> LayerStyle:  # fmt: skip
    """The style of a layer that holds several kinds, told apart by its column ``kind``: one rule for each group.

    Parameters
    ----------
    kinds : which kinds the layer holds; the legend names no other.
    lang, table, geometry, names, truth : as for ``kind_style``.

    Raises
    ------
    BadParameterError : the layer has no column ``kind``.
    """
    held = [kind for kind in Kind if kind in set(kinds)]
    columns = Columns(names)
    if "kind" not in columns:
        raise BadParameterError(
            f"Layer '{table}' has no column 'kind', which tells its rows apart. Export it with that column."
        )
    fields: dict[str, Field] = {}
    for kind in held:
        fields = {**{field.name: field for field in _kind_fields(kind)}, **fields}
    # A code is unique within its kind.
    together = [replace(field, unique=field.unique and field.name != "code") for field in fields.values()]
    return LayerStyle(
        f_table_name=table,
        f_geometry_column=geometry,
        styleName=_SITES[lang],
        styleQML=qml.combined_style(held, together, lang, columns, truth),
        styleSLD=sld.combined_style(held, lang, columns, table),
        useAsDefault=True,
        description=_ABOUT_ALL[lang],
    )


def region_style(
    lang: str = "zh", *, table: str = "region", geometry: str = "geom", names: Mapping[str, str] | None = None
) -> LayerStyle:
    """The style of regions: outlines by level, names of the level that fits the scale.

    Parameters
    ----------
    lang, table, geometry, names : as for ``kind_style``.
    """
    columns = Columns(names)
    title = getattr(s.REGION_TERM, lang)
    return LayerStyle(
        f_table_name=table,
        f_geometry_column=geometry,
        styleName=title,
        styleQML=qml.outline_style(table_fields(Base.metadata.tables["region"]), lang, columns),
        styleSLD=sld.outline_style(lang, columns, table),
        useAsDefault=True,
        description=title,
    )


def table_style(
    model_table: str, lang: str = "zh", *, table: str | None = None, names: Mapping[str, str] | None = None,
    truth: Truth = PLAIN_TRUTH,
) -> LayerStyle:  # fmt: skip
    """The forms of a table without positions: waste streams, intakes, inspections, attachments.

    The SLD is empty, since there is nothing to draw.

    Parameters
    ----------
    model_table : the registry's table that describes the columns.
    lang, table, names, truth : as for ``kind_style``.
    """
    fields = table_fields(Base.metadata.tables[model_table])
    name = table or model_table
    form = qml.table_style(fields, lang, Columns(names), truth, _WIDGETS.get(model_table, {}))
    return LayerStyle(name, "", name[:30], form, "", useAsDefault=True, description=_ABOUT_FORM[lang])


def layer_styles(lang: str = "zh", names: Mapping[str, str] | None = None) -> list[LayerStyle]:
    """The style of every layer of the registry that has one: the four kinds and the regions.

    Parameters
    ----------
    lang, names : as for ``kind_style``.
    """
    return [*(kind_style(kind, lang, names=names) for kind in Kind), region_style(lang, names=names)]


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


def _kind_fields(kind: Kind) -> list[Field]:
    return [field for name, field in described_fields(kind).items() if name not in _ELSEWHERE]


def _in_words(field: Field) -> Field:
    """A field whose codes a layer says in words: a text without a list."""
    return replace(field, type="text", codes=None, minimum=None, maximum=None) if field.codes else field


_SITES = {"zh": "场地与企业", "en": "Sites and plants"}
_ABOUT_LEVELS = {"zh": "按环境监管等级分级显示", "en": "By environmental supervision level"}
_ABOUT_KIND = {"zh": "单一符号", "en": "One symbol"}
_ABOUT_ALL = {"zh": "按类型和环境监管等级显示", "en": "By kind and environmental supervision level"}
_ABOUT_FORM = {"zh": "字段别名与选项", "en": "Aliases and lists of the fields"}
