"""What makes a store open well at a GIS desk: styles, field titles, code lists; on a server also views in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from registry.export.formats.gpkg_schema import describe_columns
from registry.export.styling.styles import OWNER, kind_style, layer_styles, table_style, write_layer_styles
from registry.model.fields import table_fields
from registry.model.tables import Base
from registry.model.vocabulary import Kind
from registry.store.changes import SUBJECTS
from registry.store.postgis import comments, desk_edits, views
from registry.store.postgis import layer_styles as server_styles
from registry.store.postgis.access import administers

if TYPE_CHECKING:
    import sqlite3

    from sqlalchemy import Connection

    from registry.export.styling.styles import LayerStyle


def dress(connection: Connection, place: str, *, lang: str) -> None:
    """Give a store what QGIS and other programs look for in it, as this version has it; nothing is committed.

    What is as it should be stays untouched, and so do styles that a person saved. On a server only an administrator
    changes anything: another login is refused by it where something is missing.

    Parameters
    ----------
    connection : of the transaction that created, upgraded or checked the store.
    place : where the store is, as messages name it.
    lang : ``zh`` or ``en``, of the styles of tables and the titles of their columns; the views are in both.

    Raises
    ------
    NotARegistryError, StoreError : a view's name is taken, or somebody's view is built on one of ours.
    """
    if connection.dialect.name == "sqlite":
        raw: Any = connection.connection.driver_connection
        _dress_file(raw, lang)
        return
    if next(views.problems(connection), None) is not None:
        views.make(connection, place)
    if next(desk_edits.problems(connection), None) is not None:
        desk_edits.install(connection)
    if administers(connection):
        comments.describe_tables(connection)
    server_styles.write(
        connection,
        place,
        [
            (each.f_table_name, each.f_geometry_column, each.styleName, each.styleQML, each.styleSLD, each.description)
            for each in _server_styles(lang)
        ],
    )


def _table_styles(lang: str) -> list[LayerStyle]:
    """Of the tables that are drawn, and of those that are filled in by hand."""
    return [*layer_styles(lang), *(table_style(table, lang) for table in SUBJECTS if table not in set(Kind))]


def _server_styles(lang: str) -> list[LayerStyle]:
    """Of tables in the language asked for, and of every view in its own."""
    labelled = [
        kind_style(view.kind, view.lang, table=view.name, names=view.names, labelled=True) for view in views.VIEWS
    ]
    return [*_table_styles(lang), *labelled]


def _dress_file(connection: sqlite3.Connection, lang: str) -> None:
    styles = _table_styles(lang)
    if _written(connection) == {
        (style.f_table_name, style.styleName, style.styleQML, style.styleSLD) for style in styles
    }:
        return
    write_layer_styles(connection, styles)
    for table in SUBJECTS:
        describe_columns(connection, table, table_fields(Base.metadata.tables[table]), lang)


def _written(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    """The registry's own styles in a file."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'layer_styles'").fetchone() is None:
        return set()
    find = "SELECT f_table_name, styleName, styleQML, styleSLD FROM layer_styles WHERE owner = ?"
    return set(connection.execute(find, (OWNER,)))
