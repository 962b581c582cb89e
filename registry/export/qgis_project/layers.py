"""The registry's layers for a QGIS project: titles, groups, styles and order, over a GeoPackage or a server."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pyogrio
import pyogrio.errors

from registry.errors import UnreadableFileError
from registry.export.qgis_project.layer import ProjectLayer, file_source, server_source
from registry.export.qgis_project.parts import style_of
from registry.export.qgis_project.project import write_project
from registry.export.styling.styles import OWNER, kind_style, region_style, table_style
from registry.model import symbols as s
from registry.model.vocabulary import Kind, Term

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from sqlalchemy import URL

    from registry.export.qgis_project.layer import Box, GeometryType, Provider

# From the top of the legend, which is drawn last, to its bottom: what is graver lies on top, regions under all sites.
ORDER: dict[str, str] = {
    Kind.TAILINGS_POND: "sites",
    Kind.SMELTING_SITE: "sites",
    Kind.GANGUE_HEAP: "sites",
    Kind.UTILIZATION_PLANT: "plants",
    "region": "regions",
    "waste_stream": "tables",
    "plant_intake": "tables",
    "inspection": "tables",
    "supervision_decision": "tables",
    "attachment": "tables",
}
_TITLES = {
    "region": s.REGION_TERM,
    "waste_stream": Term("堆存的固体废物", "Waste held"),
    "plant_intake": Term("可接收的固体废物", "Waste accepted"),
    "inspection": Term("检查记录", "Inspections"),
    "supervision_decision": Term("监管等级认定", "Supervision decisions"),
    "attachment": Term("照片与附件", "Photographs and documents"),
}


def package_layers(
    package: Path, project: Path, *, lang: str = "zh", read_only: Collection[str] = ("region",)
) -> list[ProjectLayer]:
    """The layers and tables of the registry that a GeoPackage holds, an export or a store.

    A layer gets the style that a person saved in the package as its default, or the registry's. Where the package bears
    labels for names, the registry's style is the one in it, which knows them.

    Parameters
    ----------
    package : the GeoPackage; it is only read.
    project : the project that will be written; the package is found from where it lies.
    lang : of titles, and of legends and forms where the package holds none.
    read_only : tables of the registry that QGIS shall not edit, by their names in the store.

    Raises
    ------
    UnreadableFileError : the package is missing or is none.
    """
    try:
        return _package_layers(package, project, lang, read_only)
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError, sqlite3.Error) as error:
        raise UnreadableFileError(f"{package} is no GeoPackage that can be read: {error}. Export it anew.") from error


def write_package_project(package: Path, project: Path, *, lang: str = "zh", title: str = "", note: str = "") -> None:
    """Write a project over the layers and tables of a GeoPackage, in the CRS of the first; see ``package_layers``."""
    layers = package_layers(package, project, lang=lang)
    crs = next(layer.crs for layer in layers if layer.crs is not None)
    write_project(project, layers, crs=crs, lang=lang, title=title, note=note)


def _package_layers(package: Path, project: Path, lang: str, read_only: Collection[str]) -> list[ProjectLayer]:
    file = os.path.relpath(package, project.parent).replace(os.sep, "/")
    held = {_known(str(name)): str(name) for name in pyogrio.list_layers(package)[:, 0]}
    styles = _default_styles(package)
    layers = []
    for name in ORDER:
        if name in held:
            # A table without positions has neither a CRS nor an extent.
            about = pyogrio.read_info(package, layer=held[name], force_total_bounds=True)
            bounds, crs = about["total_bounds"], about["crs"]
            extent = None if bounds is None or crs is None else _box(bounds)
            layer = _layer(name, "ogr", file_source(file, held[name]), crs, extent, lang, read_only)
            saved, owner = styles.get(held[name], (None, OWNER))
            # Of the registry's own styles the one in the language asked for is taken, unless columns bear other names.
            better = style_of(saved) is not None and (owner != OWNER or held[name] != name)
            layers.append(replace(layer, style=str(saved)) if better else layer)
    return layers


def _known(table: str) -> str | None:
    """The registry's table that one of a package is, called by its name or by its label; None where it is none."""
    return _CALLED.get(_letters(table))


def _letters(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()


_CALLED = {
    _letters(word): name
    for name in ORDER
    for word in (name, *((Kind(name).zh, Kind(name).en) if name in set(Kind) else (_TITLES[name].zh, _TITLES[name].en)))
}


def _default_styles(package: Path) -> dict[str, tuple[str | None, str | None]]:
    """The default style of every table and who owns it."""
    with closing(sqlite3.connect(f"{package.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'layer_styles'").fetchone() is None:
            return {}
        found = connection.execute("SELECT f_table_name, styleQML, owner FROM layer_styles WHERE useAsDefault")
        return {table: (style, owner) for table, style, owner in found}


def server_layers(
    url: str | URL, extents: Mapping[str, Box | None], *, srid: int = 4490, schema: str = "public", lang: str = "zh",
    read_only: Collection[str] = ("region",),
) -> list[ProjectLayer]:  # fmt: skip
    """The layers and tables of a registry on a server.

    Parameters
    ----------
    url : of the store; neither user name nor password reach the project.
    extents : the tables to take, with west, south, east and north of those that have positions.
    srid : of the positions.
    schema : of the tables.
    lang, read_only : as for ``package_layers``.
    """
    layers = []
    for name, group in ORDER.items():
        if name in extents:
            drawn = group != "tables"
            source = server_source(
                url, name, schema=schema, geometry="geom" if drawn else None, geometry_type=_shape(name), srid=srid
            )
            crs = f"EPSG:{srid}" if drawn else None
            layers.append(_layer(name, "postgres", source, crs, extents[name], lang, read_only))
    return layers


def _layer(
    name: str,
    provider: Provider,
    source: str,
    crs: str | None,
    extent: Box | None,
    lang: str,
    read_only: Collection[str],
) -> ProjectLayer:
    kind = Kind(name) if name in set(Kind) else None
    if kind is not None:
        style, title = kind_style(kind, lang), getattr(kind, lang)
    else:
        style = region_style(lang) if name == "region" else table_style(name, lang)
        title = getattr(_TITLES[name], lang)
    return ProjectLayer(
        name, title, provider, source, _shape(name), style.styleQML, crs, extent, ORDER[name], name in read_only
    )


def _shape(name: str) -> GeometryType:
    if ORDER[name] == "tables":
        return "Table"
    return "Polygon" if name == "region" else "Point"


def _box(bounds: Sequence[float]) -> Box:
    west, south, east, north = map(float, bounds)
    return west, south, east, north
