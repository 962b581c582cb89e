"""A QGIS project over the tables of a registry on a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyproj
from sqlalchemy import text

from registry.answers.metadata import metadata_of
from registry.errors import BadParameterError
from registry.export.qgis_project.layers import ORDER, server_layers
from registry.export.qgis_project.project import write_project
from registry.model.columns import geometry_column
from registry.model.tables import Base
from registry.model.vocabulary import Kind
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from registry.registry import Registry

SUFFIX = ".qgz"


def over_server(reg: Registry, out: Path, *, kinds: Sequence[Kind] = tuple(Kind), lang: str = "zh") -> Path:
    """Write a project over the tables of a store on a server; whoever opens it logs in as themselves.

    Parameters
    ----------
    kinds : the sites and plants to show; the regions and what belongs to sites and plants come with them.

    Raises
    ------
    BadParameterError : the store is a file.
    """
    url = reg.store.address.url
    if url is None:
        raise BadParameterError(f"{reg.store.place}: the store is a file. Write a project over an export of it.")
    with reg.store.read() as connection:
        tables = [Base.metadata.tables[name] for name in ORDER if name not in set(Kind) or Kind(name) in kinds]
        extents = {
            table.name: backend_of(connection).extent(connection, table, []) if geometry_column(table) else None
            for table in tables
        }
        schema = str(connection.scalar(text("SELECT current_schema()")))
    metadata = metadata_of(reg, kinds=kinds, lang=lang)
    layers = server_layers(url, extents, srid=reg.store.srid, schema=schema, lang=lang)
    crs = pyproj.CRS.from_epsg(reg.store.srid).to_string()
    write_project(out, layers, crs=crs, lang=lang, title=metadata.title, note=metadata.warning or "")
    return out
