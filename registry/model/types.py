"""Column types that the two engines spell differently: geometry, instants, JSON texts.

On SQLite a column is what GeoPackage asks for; on PostgreSQL it is PostGIS's or the server's own type.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import geoalchemy2
import shapely
from sqlalchemy import ColumnElement, DefaultClause, Text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import TypeEngine, UserDefinedType

from registry.model.geometry import from_gpkg, to_gpkg

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Dialect
    from sqlalchemy.sql.compiler import SQLCompiler

# SRID of a new store: CGCS2000, the legal datum in China.
DEFAULT_SRID = 4490


class Geometry(UserDefinedType[Any]):
    """A geometry column of a GeoPackage; ``geometry_type`` is POINT or MULTIPOLYGON.

    A value is a shapely geometry whose SRID (``shapely.set_srid``) says its CRS.
    """

    cache_ok = True

    def __init__(self, geometry_type: str) -> None:
        self.geometry_type = geometry_type

    def get_col_spec(self, **_: Any) -> str:
        """The column type as GeoPackage wants it: the geometry type's name."""
        return self.geometry_type

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], bytes | None]:
        """Shapely to GeoPackage binary."""
        del dialect
        return lambda value: None if value is None else to_gpkg(value, shapely.get_srid(value))

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any]:
        """GeoPackage binary to shapely."""
        del dialect, coltype
        return lambda value: None if value is None else from_gpkg([value])[0]


def geometry(geometry_type: str, srid: int = DEFAULT_SRID) -> TypeEngine[Any]:
    """The geometry type of both engines; the spatial index is one of the table's indexes."""
    postgis = geoalchemy2.Geometry(geometry_type, srid=srid, spatial_index=False)
    return Geometry(geometry_type).with_variant(postgis, "postgresql")


class Instant(UserDefinedType[datetime]):
    """A moment in a GeoPackage: ISO 8601 in UTC, to the millisecond, as the standard has it."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column type of GeoPackage."""
        return "DATETIME"

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], str | None]:
        """An aware time to text."""
        del dialect
        return lambda value: None if value is None else instant_text(value)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[str | None], datetime | None]:
        """Text to an aware time."""
        del dialect, coltype
        return lambda value: None if value is None else read_instant(value)


def instant() -> TypeEngine[datetime]:
    """The type of a moment on both engines, to the millisecond."""
    return Instant().with_variant(TIMESTAMP(timezone=True, precision=3), "postgresql")


def instant_text(value: datetime) -> str:
    """An aware time as GeoPackage writes it: ``2026-01-31T08:15:00.250Z``."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str) -> datetime:
    """The aware time that a text says; one without a zone is UTC."""
    value = datetime.fromisoformat(text)
    return value if value.tzinfo else value.replace(tzinfo=UTC)


class _JsonOnServer(UserDefinedType[str]):
    """JSON kept by PostgreSQL letter for letter, handed over as text."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """The column type of PostgreSQL."""
        return "JSON"


def json_text() -> TypeEngine[str]:
    """A text that is JSON: PostgreSQL checks it and can be asked for its members."""
    return Text().with_variant(_JsonOnServer(), "postgresql")


def new_uuid() -> DefaultClause:
    """What stands for a random UUID (RFC 9562, version 4) where a row brings no uid.

    A server calls a function. In a file the default is empty and a trigger fills it: GDAL takes the words of a default
    that is a formula for the value.
    """
    return DefaultClause(_RandomUuid())


class _RandomUuid(ColumnElement[str]):
    """A random UUID as text, in the words of the engine."""

    inherit_cache = True
    type = Text()


# Of a random UUID, version and variant stand in two of the digits.
UUID_EXPRESSIONS = {
    "sqlite": "(lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-' || "
    "substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))))",
    "postgresql": "gen_random_uuid()::text",
}


@compiles(_RandomUuid)
def _in_the_words_of_the_engine(_: _RandomUuid, compiler: SQLCompiler, **__: Any) -> str:
    return "''" if compiler.dialect.name == "sqlite" else UUID_EXPRESSIONS[compiler.dialect.name]


def key_text() -> TypeEngine[str]:
    """A text that is compared and ordered by its code points, as SQLite does: uids, codes."""
    return Text().with_variant(Text(collation="C"), "postgresql")
