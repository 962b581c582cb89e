"""The services against PostGIS ``geography`` on the same rows.

PostGIS measures by Karney's geodesic too, and rounds what it tells to 10 nanometres. Where it means something else by a
question, the test says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import geopandas as gpd
import karney
import numpy as np
import pandas as pd
import psycopg
import pytest
import shapely
from cluster import Cluster

from registry.services import regions
from registry.services.coverage import within_radius
from registry.services.neighbours import pairs_within
from registry.services.proximity import nearest_plants

Points = Callable[..., gpd.GeoDataFrame]
Server = psycopg.Connection

EXACT_M = 1e-3
RADII_KM = [1.0, 50.0, 100.0, 150.0, 2_000.0, 12_000.0, 19_500.0]


@pytest.fixture(scope="module")
def layers(points: Points) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    """Sites and plants: crowded in China, spread over the world, at poles, at the antimeridian and at antipodes."""
    rng = np.random.default_rng(20241126)
    lon = np.concatenate([rng.uniform(75, 130, 200), rng.uniform(-180, 180, 80), 180 + rng.normal(0, 0.5, 40)])
    lat = np.concatenate(
        [rng.uniform(20, 50, 200), np.degrees(np.arcsin(rng.uniform(-1, 1, 80))), rng.normal(0, 1, 40)]
    )
    lon = (lon + 180) % 360 - 180
    lon, lat = np.append(lon, [0, 50, 0, -180, 180, 10]), np.append(lat, [90, 90, -90, 0, 0, 89.9999])
    at, to = np.arange(0, lon.size, 2), np.arange(1, lon.size, 2)
    far = rng.choice(at, 30)
    far_lon, far_lat = lon[far] - np.copysign(180, lon[far]), -lat[far]
    plants = points(np.append(lon[to], far_lon), np.append(lat[to], far_lat), "p")
    annual = rng.integers(0, 100_000, at.size).astype(float)
    return points(lon[at], lat[at], annual_t=annual), plants


@pytest.fixture(scope="module")
def server(
    cluster: Cluster, layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], provinces: gpd.GeoDataFrame
) -> Iterator[Server]:
    """A connection to a database that holds both layers and the provinces in CGCS2000."""
    name = cluster.create_database()
    with psycopg.connect(cluster.url(name).replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE TABLE site (n int, place geography(Point, 4490), annual_t float)")
        connection.execute("CREATE TABLE plant (n int, place geography(Point, 4490))")
        connection.execute("CREATE TABLE province (n int, shape geometry(Geometry, 4490))")
        sites, plants = layers
        load(connection, "site", sites.geometry, sites["annual_t"])
        load(connection, "plant", plants.geometry)
        load(connection, "province", provinces.geometry)
        connection.execute("ANALYZE")
        yield connection
    cluster.drop_database(name)


def load(server: Server, table: str, geometry: gpd.GeoSeries, *columns: pd.Series) -> None:
    """Copy rows in, numbered from 0; shapes travel as EWKB, which keeps every bit of a coordinate."""
    shapes = shapely.to_wkb(shapely.set_srid(geometry.to_numpy(), 4490), hex=True, include_srid=True)
    with server.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in zip(range(len(shapes)), shapes, *columns, strict=True):
            copy.write_row(row)


def rows_of(server: Server, statement: str) -> np.ndarray:
    return np.array(server.execute(statement.encode()).fetchall())


@pytest.fixture(scope="module")
def distances(server: Server) -> np.ndarray:
    """(n, m) metres between all sites and plants, as PostGIS has them."""
    flat = rows_of(server, "SELECT ST_Distance(s.place, p.place) FROM site s, plant p ORDER BY s.n, p.n")
    return flat.reshape(rows_of(server, "SELECT (SELECT count(*) FROM site), (SELECT count(*) FROM plant)")[0])


def test_distances_are_those_of_st_distance(
    layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], distances: np.ndarray
) -> None:
    sites, plants = layers
    found = nearest_plants(sites, plants, k=len(plants))
    plant = plants.index.get_indexer(found["plant_uid"]).reshape(distances.shape)
    assert np.take_along_axis(distances, plant, axis=1).ravel() == pytest.approx(found["distance_m"], abs=EXACT_M)
    paired = pairs_within(sites, 2.0003e7, plants)
    row, column = sites.index.get_indexer(paired["uid"]), plants.index.get_indexer(paired["other_uid"])
    assert distances[row, column] == pytest.approx(paired["distance_m"], abs=EXACT_M)
    assert len(paired) == (distances <= 2.0003e7).sum()


def test_directions_are_those_of_st_azimuth(layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], server: Server) -> None:
    sites, plants = layers
    found = nearest_plants(sites, plants, k=3)
    found = found[(found["distance_m"] > 1) & (found["distance_m"] < 1e7)]
    # From a pole every way leads along a meridian, and the two name its direction differently.
    found = found[(sites.geometry.y[found["site_uid"]].abs() < 90).to_numpy()]
    degrees = rows_of(
        server, "SELECT degrees(ST_Azimuth(s.place, p.place)) FROM site s, plant p ORDER BY s.n, p.n"
    ).astype(float)
    at = sites.index.get_indexer(found["site_uid"]) * len(plants) + plants.index.get_indexer(found["plant_uid"])
    turn = (found["azimuth_deg"].to_numpy() - degrees.ravel()[at] + 180) % 360 - 180
    assert np.abs(np.radians(turn) * found["distance_m"]).max() < 0.01
    assert len(found) > 400


def test_the_nearest_plants_are_those_of_order_by_st_distance(
    layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], server: Server
) -> None:
    sites, plants = layers
    theirs = rows_of(
        server,
        "SELECT s.n, near.n, near.d FROM site s CROSS JOIN LATERAL (SELECT p.n, ST_Distance(s.place, p.place) d "
        "FROM plant p ORDER BY d, p.n LIMIT 5) near ORDER BY s.n, near.d, near.n",
    )
    ours = nearest_plants(sites, plants, k=5)
    assert ours["site_uid"].tolist() == sites.index.take(theirs[:, 0].astype(int)).tolist()
    assert ours["distance_m"].to_numpy() == pytest.approx(theirs[:, 2], abs=EXACT_M)
    assert ours["plant_uid"].tolist() == plants.index.take(theirs[:, 1].astype(int)).tolist()


def test_no_plant_that_the_index_of_postgis_names_is_nearer_than_ours(server: Server, points: Points) -> None:
    """KNN by ``<->`` goes by the distance on a sphere: of a plant 10 km north and one 10.01 km east it names the other.

    At poles and antipodes it stops with an error (PostGIS 3.3), so only China is asked.
    """
    lon, lat = (axis.ravel() for axis in np.meshgrid(np.arange(80.0, 130, 4), np.arange(20.0, 50, 4)))
    sites = points(lon, lat)
    north = karney.arrival(karney.CGCS2000, (lon, lat), np.zeros(lon.size), np.full(lon.size, 10_000.0))
    east = karney.arrival(karney.CGCS2000, (lon, lat), np.full(lon.size, 90.0), np.full(lon.size, 10_010.0))
    plants = points(*(np.concatenate(pair) for pair in zip(east, north, strict=True)), "p")
    for name, layer in (("from_here", sites), ("to_there", plants)):
        server.execute(f"CREATE TABLE {name} (n int, place geography(Point, 4490))".encode())
        load(server, name, layer.geometry)
    server.execute("CREATE INDEX ON to_there USING gist (place)")
    with server.transaction():
        server.execute("SET LOCAL enable_seqscan = off")
        near = "SELECT p.n, ST_Distance(s.place, p.place) d FROM to_there p ORDER BY s.place <-> p.place LIMIT 1"
        theirs = rows_of(
            server, f"SELECT s.n, near.n, near.d FROM from_here s CROSS JOIN LATERAL ({near}) near ORDER BY s.n"
        )
    ours = nearest_plants(sites, plants)
    assert theirs[:, 0].tolist() == list(range(len(sites)))
    assert (ours["distance_m"] <= theirs[:, 2] + EXACT_M).all()
    assert ours["plant_uid"].tolist() == plants.index[len(sites) :].tolist()


def test_counts_and_tonnes_are_those_of_st_dwithin(
    layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], server: Server
) -> None:
    sites, plants = layers
    found = within_radius(sites, plants, RADII_KM, areas=False)
    for radius in RADII_KM:
        theirs = rows_of(
            server,
            "SELECT p.n, count(s.n), coalesce(sum(s.annual_t), 0) FROM plant p "
            f"LEFT JOIN site s ON ST_DWithin(s.place, p.place, {radius * 1_000!r}) GROUP BY p.n ORDER BY p.n",
        ).astype(float)
        ours = found.per_plant[found.per_plant["radius_km"] == radius]
        assert ours["sites"].tolist() == theirs[:, 1].tolist()
        assert ours["annual_t"].tolist() == theirs[:, 2].tolist()


def test_who_is_within_the_very_distance_of_a_pair_is_who_st_dwithin_names(
    layers: tuple[gpd.GeoDataFrame, gpd.GeoDataFrame], server: Server
) -> None:
    """A radius is the distance of a pair, and 1 µm more and less: PostGIS tells distances to 10 nm only."""
    sites, plants = layers
    pairs = pairs_within(sites, 400_000, plants)
    pairs = pairs[pairs["distance_m"] > 1].iloc[:60]
    for pair in pairs.itertuples():
        site, plant = sites.loc[[pair.uid]], plants.loc[[pair.other_uid]]
        at, to = sites.index.get_loc(pair.uid), plants.index.get_loc(pair.other_uid)
        limits = [pair.distance_m - 1e-6, pair.distance_m + 1e-6]
        theirs = rows_of(
            server,
            f"SELECT ST_DWithin(s.place, p.place, {limits[0]!r}), ST_DWithin(s.place, p.place, {limits[1]!r}) "
            f"FROM site s, plant p WHERE s.n = {at} AND p.n = {to}",
        )
        assert [len(pairs_within(site, limit, plant)) for limit in limits] == theirs[0].astype(int).tolist() == [0, 1]
        assert len(pairs_within(site, pair.distance_m, plant)) == 1


def test_provinces_of_points_are_those_of_st_covers(
    server: Server, provinces: gpd.GeoDataFrame, points: Points
) -> None:
    """ST_Covers of ``geometry``: its edges are straight in degrees, as ours; ST_Contains leaves out the boundary."""
    rng = np.random.default_rng(6)
    xy = shapely.get_coordinates(provinces.geometry.to_numpy())
    vertices = xy[rng.integers(0, len(xy), 300)]
    lon = np.concatenate([rng.uniform(73, 136, 3_000), vertices[:, 0]])
    lat = np.concatenate([rng.uniform(17, 54, 3_000), vertices[:, 1]])
    places = points(lon, lat)
    server.execute("CREATE TABLE place (n int, at geometry(Point, 4490))")
    load(server, "place", places.geometry)
    server.execute("CREATE INDEX ON place USING gist (at)")
    server.execute("ANALYZE place")
    covered, contained = (
        dict(
            rows_of(
                server, f"SELECT a.n, min(p.n) FROM province p JOIN place a ON {predicate}(p.shape, a.at) GROUP BY a.n"
            ).tolist()
        )
        for predicate in ("ST_Covers", "ST_Contains")
    )
    found = regions.locate(places, provinces)
    codes = provinces["code"].to_dict()
    assert found.tolist() == [codes.get(covered.get(n)) for n in range(len(places))]
    assert [codes.get(contained.get(n)) for n in range(3_000)] == found.tolist()[:3_000]
    assert all(n in covered for n in range(3_000, 3_300))
    assert not all(n in contained for n in range(3_000, 3_300))


def test_areas_of_provinces_are_those_of_st_area(server: Server, provinces: gpd.GeoDataFrame) -> None:
    theirs = rows_of(server, "SELECT ST_Area(shape::geography) / 1e6 FROM province ORDER BY n").ravel()
    assert regions.areas_km2(provinces).to_numpy() == pytest.approx(theirs, rel=1e-9)
