"""How a package opens in QGIS: forms of its tables inside, and a project beside it in which they belong together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from registry.export.formats.gpkg_schema import describe_columns
from registry.export.qgis_project.layer import ProjectLayer, file_source
from registry.export.qgis_project.project import write_project
from registry.export.styling.styles import kind_style, region_style, table_style, write_layer_styles
from registry.fieldwork.layout import parts
from registry.model import symbols

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd


def dress(connection: sqlite3.Connection, lang: str) -> None:
    """Give what belongs to sites its forms, titles and lists; nothing is committed. The layers of a store have theirs."""
    plain = [part for part in parts().values() if part.kind is None]
    write_layer_styles(connection, [table_style(part.name, lang) for part in plain])
    for part in plain:
        describe_columns(connection, part.name, part.columns, lang)


def beside(out: Path, tables: Mapping[str, pd.DataFrame], *, crs: str, lang: str) -> Path | None:
    """Write a project ``.qgz`` of a package's name; one that is there is somebody's own, and stays.

    Parameters
    ----------
    tables : the rows of the package, of sites with ``lon, lat``.
    """
    path = out.with_suffix(".qgz")
    if path.exists():
        return None
    layers = [
        ProjectLayer(
            name, getattr(part.title, lang), "ogr", file_source(out.name, name), "Point" if part.kind else "Table",
            (kind_style(part.kind, lang) if part.kind else table_style(name, lang)).styleQML,
            crs=crs if part.kind else None, extent=_extent(tables.get(name)) if part.kind else None,
            group="tables" if part.kind is None else "sites" if part.kind.is_site else "plants",
        )
        for name, part in parts().items()
    ]  # fmt: skip
    title = getattr(symbols.REGION_TERM, lang)
    region = ProjectLayer(
        "region", title, "ogr", file_source(out.name, "region"), "Polygon", region_style(lang).styleQML,
        crs=crs, group="regions", read_only=True,
    )  # fmt: skip
    write_project(path, [*layers, region], crs=crs, lang=lang, title=out.stem)
    return path


def _extent(rows: pd.DataFrame | None) -> tuple[float, float, float, float] | None:
    if rows is None or rows.empty:
        return None
    lon, lat = rows["lon"], rows["lat"]
    return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())
