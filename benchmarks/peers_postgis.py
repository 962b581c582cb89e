"""PostGIS as a contender, on a server of the benchmark's own with the settings of a machine that it has for itself."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pandas as pd
import psycopg
import shapely
from cluster import Cluster
from contest import Contender, Prepared
from peers_duckdb import unfolded
from scene import CIRCLE_M, CIRCLE_VERTICES, CRS, RADII_KM, Scene, numbered, provinces

from registry.services import geodesy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import geopandas as gpd

_SRID = int(CRS.split(":")[1])

# The planner thinks parallel work dear, and small tables not worth it; here a row of one costs much.
_SETTINGS = {
    "shared_buffers": "2GB",
    "effective_cache_size": "12GB",
    "work_mem": "256MB",
    "maintenance_work_mem": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_parallel_workers_per_gather": "2",
    "max_parallel_workers": "4",
    "min_parallel_table_scan_size": "0",
    "parallel_setup_cost": "10",
    "parallel_tuple_cost": "0.001",
}


@contextmanager
def server(limit_s: float) -> Iterator[str]:
    """A running server; the address of an empty database."""
    cluster = Cluster.start()
    try:
        for name, value in {**_SETTINGS, "statement_timeout": f"{limit_s:.0f}s"}.items():
            cluster.execute(f"ALTER SYSTEM SET {name} = '{value}'")
        cluster.restart()
        yield cluster.url(cluster.create_database()).replace("+psycopg", "")
    finally:
        cluster.stop()


def version(address: str) -> str:
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), postgis_lib_version(), postgis_geos_version()"
        )
        release, postgis, geos = next(iter(row))
    return f"PostgreSQL {release.split()[0]}, PostGIS {postgis} (GEOS {geos.split('-')[0]})"


def _connect(scene: Scene, *wanted: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection whose temporary views are the wanted tables, loaded, indexed and analysed if they are not yet."""
    connection = psycopg.connect(scene.server, autocommit=True)
    connection.execute("SET statement_timeout = 0")
    sites, plants = scene.counts
    for name in wanted:
        table = {"sites": f"sites_{sites}", "plants": f"plants_{plants}"}.get(name, name)
        if not _exists(connection, table):
            _load(connection, scene, name, table)
        connection.execute(f"CREATE TEMP VIEW {name}_here AS SELECT * FROM {table}")
    connection.execute("RESET statement_timeout")
    return connection


def _exists(connection: psycopg.Connection[Any], table: str) -> bool:
    return next(iter(connection.execute("SELECT to_regclass(%s) IS NOT NULL", (table,))))[0]


def _load(connection: psycopg.Connection[Any], scene: Scene, name: str, table: str) -> None:
    if name == "sites":
        rows = numbered(scene.site_layer(), "id")[["id", "annual_t", "geometry"]]
        _copy(connection, table, "id int PRIMARY KEY, annual_t float8", rows)
    elif name == "plants":
        _copy(connection, table, "id int PRIMARY KEY", numbered(scene.plant_layer(), "id")[["id", "geometry"]])
    elif name == "provinces":
        _copy(connection, table, "code text", provinces()[["code", "geometry"]])
    else:
        if not _exists(connection, "provinces"):
            _load(connection, scene, "provinces", "provinces")
        connection.execute(f"CREATE TABLE {table} AS SELECT code, ST_Subdivide(geom, 128) AS geom FROM provinces")
    if name in {"sites", "plants"}:
        connection.execute(f"ALTER TABLE {table} ADD geog geography(Point, {_SRID})")
        connection.execute(f"UPDATE {table} SET geog = geom::geography")
        connection.execute(f"CREATE INDEX ON {table} USING gist (geog)")
    connection.execute(f"CREATE INDEX ON {table} USING gist (geom)")
    connection.execute(f"VACUUM (FULL, ANALYZE) {table}")


def _copy(connection: psycopg.Connection[Any], table: str, columns: str, layer: gpd.GeoDataFrame) -> None:
    connection.execute(f"CREATE TABLE {table} ({columns}, geom geometry(Geometry, {_SRID}))")
    points = shapely.to_wkb(shapely.set_srid(layer.geometry.to_numpy(), _SRID), hex=True, include_srid=True)
    rows = zip(*(layer[name].tolist() for name in layer.columns[:-1]), points.tolist(), strict=True)
    with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _into_table(connection: psycopg.Connection[Any], query: str) -> None:
    """Keep the answer on the server, so that bringing it to the client is not counted."""
    connection.execute("DROP TABLE IF EXISTS answer")
    connection.execute(f"CREATE UNLOGGED TABLE answer AS {query}")


def _fetched(connection: psycopg.Connection[Any], columns: Sequence[str]) -> pd.DataFrame:
    return pd.DataFrame(connection.execute("SELECT * FROM answer").fetchall(), columns=list(columns))


def province(scene: Scene) -> Prepared:
    return _province(scene, "provinces", "ST_Contains")


def province_subdivided(scene: Scene) -> Prepared:
    return _province(scene, "pieces", "ST_Covers")


def _province(scene: Scene, table: str, predicate: str) -> Prepared:
    connection = _connect(scene, "sites", table)
    query = f"SELECT s.id, p.code FROM sites_here s JOIN {table}_here p ON {predicate}(p.geom, s.geom)"
    return Prepared(
        lambda: _into_table(connection, query), lambda _: {"province": _fetched(connection, ("site", "code"))}
    )


def nearest_lateral(scene: Scene) -> Prepared:
    return _nearest(
        scene,
        "SELECT s.id AS site, n.id AS plant, n.distance_m FROM sites_here s CROSS JOIN LATERAL ("
        "SELECT p.id, ST_Distance(s.geog, p.geog) AS distance_m FROM plants_here p ORDER BY s.geog <-> p.geog LIMIT 1) n",
    )


def nearest_subquery(scene: Scene) -> Prepared:
    """PostgreSQL shares out a subquery in the list of columns among its workers, and none with LIMIT in FROM."""
    return _nearest(
        scene,
        "SELECT s.id AS site, p.id AS plant, ST_Distance(s.geog, p.geog) AS distance_m FROM ("
        "SELECT id, geog, (SELECT p.id FROM plants_here p ORDER BY s.geog <-> p.geog LIMIT 1) AS plant "
        "FROM sites_here s OFFSET 0) s JOIN plants_here p ON p.id = s.plant",
    )


def _nearest(scene: Scene, query: str) -> Prepared:
    connection = _connect(scene, "sites", "plants")
    return Prepared(
        lambda: _into_table(connection, query),
        lambda _: {"nearest": _fetched(connection, ("site", "plant", "distance_m"))},
    )


def covered(scene: Scene) -> Prepared:
    connection = _connect(scene, "sites", "plants")
    within = ", ".join(
        f"count(*) FILTER (WHERE d <= {r * 1_000}) AS n_{r}, sum(annual_t) FILTER (WHERE d <= {r * 1_000}) AS t_{r}"
        for r in RADII_KM
    )
    query = (
        f"SELECT plant, site, {within} FROM ("
        "SELECT s.id AS site, p.id AS plant, s.annual_t, ST_Distance(s.geog, p.geog) AS d FROM plants_here p "
        f"JOIN sites_here s ON ST_DWithin(s.geog, p.geog, {max(RADII_KM) * 1_000})"
        ") AS pairs GROUP BY GROUPING SETS ((plant), (site))"
    )
    columns = ("plant", "site", *(f"{letter}_{r}" for r in RADII_KM for letter in "nt"))
    return Prepared(lambda: _into_table(connection, query), lambda _: unfolded(_fetched(connection, columns)))


def union(scene: Scene) -> Prepared:
    return _union(scene, 8)


def union_fine(scene: Scene) -> Prepared:
    return _union(scene, CIRCLE_VERTICES // 4)


def _union(scene: Scene, segments: int) -> Prepared:
    connection = _connect(scene, "plants")
    shape = f"ST_Union(ST_Buffer(geog, {CIRCLE_M:.0f}, 'quad_segs={segments}')::geometry) AS shape"

    def answer(_: object) -> dict[str, pd.DataFrame]:
        (wkb,) = next(iter(connection.execute("SELECT ST_AsBinary(shape) FROM answer")))
        shape = shapely.from_wkb(bytes(wkb))
        area = geodesy.area_km2(geodesy.ellipsoid(scene.plant_layer().crs), pd.Series([shape]).to_numpy())
        return {"union": pd.DataFrame({"area_km2": area, "vertices": shapely.get_num_coordinates(shape)})}

    return Prepared(lambda: _into_table(connection, f"SELECT {shape} FROM plants_here"), answer)


_WHO = "postgis"
CONTENDERS = (
    Contender("province", _WHO, "PostGIS `ST_Contains`, GiST", province),
    Contender("province", _WHO, "PostGIS `ST_Covers` of `ST_Subdivide(128)`, GiST", province_subdivided),
    Contender("nearest", _WHO, "PostGIS `<->` on geography, lateral join, GiST", nearest_lateral, slow="sites"),
    Contender(
        "nearest", _WHO, "PostGIS `<->` on geography, subquery (both cores), GiST", nearest_subquery, slow="sites"
    ),
    Contender("coverage", _WHO, "PostGIS `ST_DWithin` on geography, GiST", covered, slow="plants"),
    Contender("union", _WHO, "PostGIS `ST_Buffer(geography)` (32 vertices, its default) and `ST_Union`", union),
    Contender("union", _WHO, f"PostGIS `ST_Buffer(geography)` ({CIRCLE_VERTICES} vertices) and `ST_Union`", union_fine),
)
