"""What `registry doctor` looks at: the installation, the store, and the rows in it."""

from __future__ import annotations

import platform
import sqlite3
from importlib.metadata import version
from typing import TYPE_CHECKING

import pyogrio
import pyproj
import shapely
from sqlalchemy import func, select

from registry import reference
from registry.errors import RegistryError
from registry.model.fields import feature_table
from registry.model.tables import Region, WasteStream
from registry.model.vocabulary import Kind
from registry.render import assets
from registry.store.store import problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from registry.registry import Registry


def examine(reg: Registry) -> tuple[dict[str, str], list[str]]:
    """Facts about the installation and the store, and what is wrong, one line each."""
    facts = {
        "tailings-registry": version("tailings-registry"),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "gdal": pyogrio.__gdal_version_string__,
        "geos": shapely.geos_version_string,
        "proj": pyproj.proj_version_str,
        "store": str(reg.store.path),
        "schema version": reg.store.properties["schema_version"],
        "crs": f"{reg.crs.to_string()} {reg.crs.name}",
    }
    wrong = problems(reg.store)
    with reg.store.read() as connection:
        for kind in Kind:
            facts[kind.value] = str(connection.scalar(select(func.count()).select_from(feature_table(kind))))
        facts["regions"] = str(connection.scalar(select(func.count()).select_from(Region)))
        uids = [select(feature_table(kind).c.uid) for kind in Kind if kind.is_site]
        known = uids[0].union_all(*uids[1:])
        orphans = connection.scalar(
            select(func.count()).select_from(WasteStream).where(WasteStream.site_uid.not_in(known))
        )
        if orphans:
            wrong.append(f"waste_stream: {orphans} rows belong to no site")
    wrong.extend(_missing_files())
    return facts, wrong


def _missing_files() -> Iterator[str]:
    """What an installation lacks although the program starts."""
    for name in (assets.LEAFLET_JS, assets.LEAFLET_CSS, assets.JQUERY_JS, assets.MAP_JS, assets.MAP_CSS):
        try:
            assets.asset_text(name)
        except RegistryError as error:
            yield str(error)
    try:
        reference.path("README.md")
    except RegistryError as error:
        yield str(error)
