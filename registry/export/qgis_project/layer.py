"""What stands in a project: one layer or table, and where QGIS finds its rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote, urlencode

from sqlalchemy import make_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import URL

Box = tuple[float, float, float, float]
Provider = Literal["ogr", "postgres", "delimitedtext"]
GeometryType = Literal["Point", "LineString", "Polygon", "Table"]

WKB = {"Point": "Point", "LineString": "MultiLineString", "Polygon": "MultiPolygon", "Table": "NoGeometry"}


@dataclass(frozen=True)
class ProjectLayer:
    """One layer or table of a project.

    Attributes
    ----------
    name : its table in the registry's words (``tailings_pond``, ``waste_stream`` …); unique in a project, relations follow it.
    title : what a person calls it.
    provider, source : where QGIS finds it; made by ``file_source``, ``server_source`` or ``text_source``.
    geometry_type : ``Table`` for one without positions.
    style : its QML (``LayerStyle.styleQML``).
    crs : of its positions, as ``EPSG:4490``; None for a table.
    extent : west, south, east, north in its CRS; None for a table or an empty layer.
    group : the group it stands in: a key of ``GROUPS`` or a title.
    read_only : True keeps QGIS from editing it.
    names : the written name of every field, where they differ from the fields' own.
    """

    name: str
    title: str
    provider: Provider
    source: str
    geometry_type: GeometryType
    style: str
    crs: str | None = None
    extent: Box | None = None
    group: str | None = None
    read_only: bool = False
    names: Mapping[str, str] | None = None

    @property
    def id(self) -> str:
        """What the project calls it inside; QGIS reads no identifier of ten characters or fewer."""
        return f"registry_layer_{self.name}"


def file_source(file: str, layer: str | None = None) -> str:
    """The source of a layer in a file that GDAL reads; ``file`` is relative to the project."""
    path = "./" + file.removeprefix("./")
    return path if layer is None else f"{path}|layername={layer}"


def text_source(file: str, *, x: str, y: str, crs: str) -> str:
    """The source of a UTF-8 CSV whose columns ``x`` and ``y`` are positions; ``file`` is relative to the project."""
    query = urlencode({"type": "csv", "encoding": "UTF-8", "xField": x, "yField": y, "crs": crs, "spatialIndex": "no"})
    return f"file:./{quote(file.removeprefix('./'))}?{query}"


def server_source(
    url: str | URL, table: str, *, schema: str = "public", key: str = "id", geometry: str | None = "geom",
    geometry_type: GeometryType = "Point", srid: int = 4490,
) -> str:  # fmt: skip
    """The source of a table or view of a PostGIS server: host, port, database, never who connects.

    QGIS connects as the one who is named in the surroundings (``PGUSER``, ``.pgpass``, the operating system), and asks for a
    name and password only where the server does not let that one in.

    Parameters
    ----------
    url : of the store; its user name and password are left out.
    table, schema : what to read.
    key : a column that tells the rows apart; a view has no other way to say so.
    geometry, geometry_type, srid : the column of positions; None for a table without.
    """
    made = make_url(url)
    mode = str(made.query.get("sslmode", "prefer"))
    parts = {
        "dbname": made.database,
        "host": made.host or made.query.get("host"),
        "port": made.port or made.query.get("port"),
    }
    words = [f"{name}={_libpq(str(value))}" for name, value in parts.items() if value]
    words += [f"sslmode={mode}", f"key={_libpq(key)}"]
    shape = ""
    if geometry is not None:
        words += ["estimatedmetadata=true", f"srid={srid}", f"type={WKB[geometry_type]}"]
        shape = f" ({geometry})"
    return " ".join([*words, "checkPrimaryKeyUnicity='1'", f"table={_identifier(schema)}.{_identifier(table)}{shape}"])


def _libpq(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '\\"') + '"'
