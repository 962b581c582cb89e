"""What `registry doctor` looks at: the installation, the store, and the rows in it."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

import pyogrio
import pyproj
import shapely
from sqlalchemy import func, select

from registry import reference
from registry.errors import RegistryError
from registry.location import located
from registry.model.fields import feature_table
from registry.model.tables import Region
from registry.model.vocabulary import REGION_LEVELS, Kind
from registry.render import assets
from registry.settings import settings
from registry.store import health, read, schema
from registry.store.backend import backend_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from registry.registry import Registry


def examine(reg: Registry) -> tuple[dict[str, str], list[str]]:
    """Facts about the installation and the store, and what is wrong, one line each."""
    facts = {
        "tailings-registry": version("tailings-registry"),
        "python": platform.python_version(),
        "gdal": pyogrio.__gdal_version_string__,
        "geos": shapely.geos_version_string,
        "proj": pyproj.proj_version_str,
        "store": reg.store.place,
        "crs": f"{reg.crs.to_string()} {reg.crs.name}",
    }
    with reg.store.read() as connection:
        facts |= {"schema": str(schema.revision(connection))} | backend_of(connection).facts(connection)
        for kind in Kind:
            facts[kind.value] = str(connection.scalar(select(func.count()).select_from(feature_table(kind))))
        facts["regions"] = str(connection.scalar(select(func.count()).select_from(Region)))
        wrong = [*health.problems(reg.store), *_misplaced(connection, reg.crs), *_invalid(connection, reg.crs)]
    return facts, [*wrong, *_missing_files()]


def _misplaced(connection: Connection, crs: pyproj.CRS) -> Iterator[str]:
    """Rows whose region codes are not those of the regions they lie in, after an edit elsewhere for example."""
    for kind in Kind:
        stored = read.stored_features(connection, feature_table(kind))
        if stored.empty:
            continue
        placed, _ = located(connection, crs, stored.assign(row=0), tolerance_m=settings().locate_tolerance_m)
        codes = [f"{level}_code" for level in REGION_LEVELS]
        differ = (stored[codes].fillna("") != placed[codes].fillna("")).any(axis=1)
        if differ.any():
            first = stored.loc[differ].iloc[0]
            yield (
                f"{kind.value}: {int(differ.sum())} rows lie outside the region that they name, '{first['name']}' for "
                "example; `registry regions load` locates all rows again"
            )


def _invalid(connection: Connection, crs: pyproj.CRS) -> Iterator[str]:
    """Geometries that no computation can rely on."""
    for kind in Kind:
        stored = read.stored_features(connection, feature_table(kind))
        unusable = int((~(stored["lon"].abs() <= 180) | ~(stored["lat"].abs() <= 90)).sum())
        if unusable:
            yield f"{kind.value}: {unusable} rows have no position on the globe"
    regions = read.regions(connection, crs)
    for code in regions.loc[~regions.geometry.is_valid, "code"]:
        yield f"region {code}: its polygon is not valid; load the regions again"


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
