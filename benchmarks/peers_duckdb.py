"""DuckDB's spatial extension as a contender.

Its geodesics (GeographicLib, WGS 84) take points as latitude, longitude, and no join knows them: a box in degrees that
surely holds the circle feeds the operator ``SPATIAL_JOIN``, and the geodesic decides.
"""

from __future__ import annotations

from importlib import import_module
from math import log, pi, sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from contest import Contender, Prepared
from scene import BOX_KM2, RADII_KM, Scene, numbered, provinces

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

# Metres in a degree of latitude are 110,574 or more, in one of longitude 111,320 · cos φ or more (WGS 84).
_BOXES = """
CREATE OR REPLACE TEMP TABLE box AS
SELECT plant, latlon, ST_MakeEnvelope(lon - east, lat - north, lon + east, lat + north) AS area
FROM (
  SELECT *, {radius} / 110574 AS north,
         {radius} / (111320 * cos(radians(abs(lat) + {radius} / 110574))) AS east FROM plants
)
"""

_PAIRS = """
SELECT s.site, b.plant, s.annual_t, ST_Distance_Spheroid(s.latlon, b.latlon) AS d
FROM sites s JOIN box b ON ST_Intersects(s.geom, b.area)
"""


def _connect(scene: Scene) -> DuckDBPyConnection:
    """A database in memory with the tables ``sites``, ``plants`` and ``provinces``."""
    connection: DuckDBPyConnection = import_module("duckdb").connect(config={"allow_unsigned_extensions": True})
    package = Path(str(import_module("duckdb_extension_spatial").__file__)).parent
    connection.load_extension(str(next(package.rglob("spatial.duckdb_extension"))))
    for name, layer in (("sites", scene.site_layer()), ("plants", scene.plant_layer())):
        rows = numbered(layer, name[:-1])
        table = pd.DataFrame(rows.drop(columns="geometry")).assign(lon=rows.geometry.x, lat=rows.geometry.y)
        connection.register("given", table)
        connection.execute(
            f"CREATE TABLE {name} AS SELECT *, ST_Point(lon, lat) AS geom, ST_Point2D(lat, lon) AS latlon FROM given"
        )
        connection.unregister("given")
    shapes = provinces()
    connection.register("given", pd.DataFrame({"code": shapes["code"], "wkb": shapes.geometry.to_wkb()}))
    connection.execute("CREATE TABLE provinces AS SELECT code, ST_GeomFromWKB(wkb) AS geom FROM given")
    connection.unregister("given")
    return connection


def province(scene: Scene) -> Prepared:
    connection = _connect(scene)

    def ask() -> object:
        return connection.execute(
            "CREATE OR REPLACE TEMP TABLE answer AS "
            "SELECT s.site, p.code FROM sites s JOIN provinces p ON ST_Contains(p.geom, s.geom)"
        )

    return Prepared(ask, lambda _: {"province": connection.sql("FROM answer").df()})


def nearest(scene: Scene) -> Prepared:
    """Nearest of those within a radius that leaves one site in a million alone; for these all plants are tried."""
    connection = _connect(scene)
    plants_per_m2 = scene.counts[1] / BOX_KM2 / 1e6
    radius = sqrt(log(1e6) / plants_per_m2 / pi)

    def ask() -> object:
        connection.execute(_BOXES.format(radius=radius))
        connection.execute(
            "CREATE OR REPLACE TEMP TABLE answer AS SELECT site, arg_min(plant, d) AS plant, min(d) AS distance_m "
            f"FROM ({_PAIRS}) WHERE d <= {radius} GROUP BY site"
        )
        return connection.execute(
            "INSERT INTO answer SELECT site, arg_min(plant, d), min(d) FROM ("
            "SELECT s.site, p.plant, ST_Distance_Spheroid(s.latlon, p.latlon) AS d "
            "FROM (SELECT * FROM sites ANTI JOIN answer USING (site)) s, plants p) GROUP BY site"
        )

    return Prepared(ask, lambda _: {"nearest": connection.sql("FROM answer").df()})


def covered(scene: Scene) -> Prepared:
    connection = _connect(scene)
    most = max(RADII_KM) * 1_000
    within = ", ".join(
        f"count(*) FILTER (d <= {r * 1_000}) AS n_{r}, sum(annual_t) FILTER (d <= {r * 1_000}) AS t_{r}"
        for r in RADII_KM
    )

    def ask() -> object:
        connection.execute(_BOXES.format(radius=most))
        return connection.execute(
            f"CREATE OR REPLACE TEMP TABLE answer AS SELECT plant, site, {within} "
            f"FROM ({_PAIRS}) WHERE d <= {most} GROUP BY GROUPING SETS ((plant), (site))"
        )

    return Prepared(ask, lambda _: unfolded(connection.sql("FROM answer").df()))


def unfolded(wide: Any) -> dict[str, pd.DataFrame]:
    """A row a plant or site, with ``n_50, t_50, …``, as a row a plant or site and radius."""
    per_plant, per_site = wide[wide["plant"].notna()], wide[wide["site"].notna()]
    blocks: tuple[list[pd.DataFrame], list[pd.DataFrame]] = ([], [])
    for r in RADII_KM:
        here = per_plant[per_plant[f"n_{r}"] > 0]
        sums = {"sites": here[f"n_{r}"], "annual_t": here[f"t_{r}"].astype("float64")}
        blocks[0].append(pd.DataFrame({"radius_km": float(r), "plant": here["plant"].astype("int64"), **sums}))
        here = per_site[per_site[f"n_{r}"] > 0]
        counts = {"site": here["site"].astype("int64"), "plants": here[f"n_{r}"]}
        blocks[1].append(pd.DataFrame({"radius_km": float(r), **counts}))
    return {
        name: pd.concat(block, ignore_index=True) for name, block in zip(("per_plant", "per_site"), blocks, strict=True)
    }


_WHO = "duckdb"
CONTENDERS = (
    Contender("province", _WHO, "DuckDB `ST_Contains` join", province, slow="sites", needs=_WHO),
    Contender(
        "nearest", _WHO, "DuckDB box join, `arg_min` of `ST_Distance_Spheroid`", nearest, slow="sites", needs=_WHO
    ),
    Contender(
        "coverage", _WHO, "DuckDB box join, `ST_Distance_Spheroid`, grouping sets", covered, slow="plants", needs=_WHO
    ),
)
