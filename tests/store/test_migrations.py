"""A store of an earlier version is brought up to date with all its rows; what is not ours is left alone."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pandas as pd
import pyogrio
import pytest
from alembic import command
from batches import changes, last_change, moment, ponds, rows_of
from cluster import Cluster
from documents import sql
from sqlalchemy import Connection, inspect, text

import registry
from registry.errors import NotARegistryError, StoreError, StoreVersionError
from registry.model.tables import Base, ImportRun
from registry.model.vocabulary import Kind
from registry.store import schema
from registry.store.drift import drift
from registry.store.health import problems
from registry.store.store import address_of

LAYERS = ("region", "gangue_heap", "smelting_site", "tailings_pond", "utilization_plant")
GEOM = {
    "sqlite": "X'475000018A11000001010000006666666666465A409A99999999994140'",
    "postgresql": "ST_SetSRID(ST_Point(105.1, 35.2), 4490)",
}


FIRST_ROWS = """
INSERT INTO registry_property (key, value) VALUES ('crs', 'EPSG:4490');
INSERT INTO source (name) VALUES ('某省 2025');
INSERT INTO import_run (source_id, kind, file_name, sha256, at, by, rows_read, rows_new, rows_changed, rows_unchanged,
  rows_rejected) VALUES (1, 'tailings_pond', 'a.csv', '0', '2026-01-31 08:15:00.250000Z', 'li', 1, 1, 0, 0, 0);
INSERT INTO tailings_pond (uid, code, name, dam_height_m, above_people, extra, source_id, geom)
  VALUES ('u-1', 'T-0', '甲''库', 0.30000000000000004, true, '{"备注": 1.50}', 1, GEOM);
INSERT INTO waste_stream (site_uid, waste_code, annual_t) VALUES ('u-1', 'SW05', 1e-7)
"""


@contextmanager
def connect(url: str) -> Iterator[Connection]:
    """A transaction in whatever is there."""
    engine = address_of(url).engine(busy_timeout_s=5).execution_options(writes=True)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


@pytest.fixture(params=["geopackage", "postgis"])
def nothing(request: pytest.FixtureRequest, store_path: Path) -> Iterator[str]:
    """Where no store is yet: an empty file, an empty database with PostGIS."""
    if request.param == "geopackage":
        store_path.touch()
        yield str(store_path)
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.create_database()
    yield cluster.url(name)
    cluster.drop_database(name)


@pytest.fixture
def first(nothing: str) -> str:
    """A store of the first revision, with a pond, its stream and its import."""
    with connect(nothing) as connection:
        config = schema._config()
        config.attributes.update(connection=connection, srid=4490)
        command.upgrade(config, "0001")
        for statement in FIRST_ROWS.strip().split(";\n"):
            connection.exec_driver_sql(statement.replace("GEOM", GEOM[connection.dialect.name]))
    return nothing


def names(connection: Connection) -> dict[str, Any]:
    """What a database holds, by name."""
    if connection.dialect.name == "sqlite":
        return {row[0]: row[1] for row in connection.exec_driver_sql("SELECT name, sql FROM sqlite_master")}
    found = connection.execute(
        text(
            "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL "
            "SELECT tgname, 't' FROM pg_trigger WHERE NOT tgisinternal UNION ALL "
            "SELECT proname, 'f' FROM pg_proc WHERE proname LIKE 'registry%'"
        )
    )
    return dict(found.all())


def test_a_new_store_has_the_newest_schema_and_is_as_the_models_say(reg: registry.Registry) -> None:
    with reg.store.read() as connection:
        assert schema.revision(connection) == schema.newest()
        assert list(drift(connection)) == []
        assert set(Base.metadata.tables) <= set(inspect(connection).get_table_names())
    assert problems(reg.store) == []


def test_a_store_of_an_older_version_says_how_to_upgrade_it_and_stays_as_it_is(first: str) -> None:
    with connect(first) as connection:
        before = names(connection)
    with pytest.raises(StoreVersionError, match=r"0001.*registry init"):
        registry.open(first)
    with connect(first) as connection:
        assert names(connection) == before
        assert schema.revision(connection) == "0001"


def test_an_older_store_is_upgraded_with_its_rows_and_has_a_history_from_then_on(first: str) -> None:
    with registry.open(first, create=True) as reg:
        with reg.store.read() as connection:
            assert schema.revision(connection) == schema.newest()
        assert problems(reg.store) == []
        assert len(changes(reg)) == 0
        sites = reg.sites()
        (site,) = sites.reset_index().to_dict("records")
        kept = {
            "uid": "u-1",
            "code": "T-0",
            "name": "甲'库",
            "dam_height_m": 0.1 + 0.2,
            "above_people": True,
            "annual_t": 1e-7,
        }
        assert {name: site[name] for name in kept} == kept
        assert (site["extra"], site["geometry"].x, site["geometry"].y) == ('{"备注": 1.50}', 105.1, 35.2)
        run = rows_of(reg, ImportRun).to_dict("records")[0]
        assert run["at"] == datetime(2026, 1, 31, 8, 15, 0, 250_000, tzinfo=UTC)
        # What was there before the history began has been there always.
        assert reg.history("T-0").empty
        assert reg.sites(as_of="2000-01-01").index.tolist() == ["u-1"]
        then = moment()
        reg.import_batch(ponds(2, name="新", annual_t=2.0))
        sql(reg, "DELETE FROM tailings_pond WHERE code = 'T-1'")
        told = reg.history("u-1")
        assert list(zip(told["table_name"], told["action"], strict=True)) == [
            ("tailings_pond", "update"), ("waste_stream", "update"),
        ]  # fmt: skip
        assert (told["before"][0]["name"], told["after"][0]["name"]) == ("甲'库", "新")
        pd.testing.assert_frame_equal(pd.DataFrame(reg.sites(as_of=then)), pd.DataFrame(sites))
    with connect(first) as connection:
        before = names(connection)
    registry.open(first, create=True).close()
    with connect(first) as connection:
        assert names(connection) == before, "a second time there is nothing to do"


def test_an_upgrade_that_fails_leaves_the_store_as_it_was(first: str) -> None:
    with connect(first) as connection:
        connection.exec_driver_sql("CREATE INDEX ix_change_at ON change (id)")
        before = names(connection)
    with pytest.raises(StoreError, match="Nothing was"):
        registry.open(first, create=True)
    with connect(first) as connection:
        assert names(connection) == before
        assert schema.revision(connection) == "0001"
        assert connection.exec_driver_sql("SELECT count(*) FROM tailings_pond").scalar_one() == 1


@pytest.fixture
def old_file(store_path: Path) -> Path:
    """A file from before there were revisions."""
    script = (Path(__file__).parent / "before_revisions.sql").read_text(encoding="utf-8")
    tables, layer, boxes = (
        script.split("-- for each layer\n")[0],
        *script.split("-- for each layer\n")[1].split("-- the boxes\n"),
    )
    connection = sqlite3.connect(store_path)
    connection.executescript(tables + "".join(layer.replace("{t}", name) for name in LAYERS) + boxes)
    connection.close()
    return store_path


def test_a_file_from_before_there_were_revisions_is_upgraded(old_file: Path) -> None:
    with pytest.raises(StoreVersionError, match="registry init"):
        registry.open(old_file)
    with registry.open(old_file, create=True) as reg:
        with reg.store.read() as connection:
            assert schema.revision(connection) == schema.newest()
            properties = dict(connection.execute(text("SELECT key, value FROM registry_property")).all())
        store_uid = properties.pop("store_uid")
        assert (properties, str(UUID(store_uid))) == ({"crs": "EPSG:4490"}, store_uid)
        assert problems(reg.store) == []
        sites = reg.sites().set_index("code")
        assert sites["name"].to_dict() == {"T-1": "甲库", "T-2": '乙\'库\n"二"'}
        assert sites.loc["T-1", "waste_codes"] == "SW01;SW05"
        assert (sites.loc["T-1", "annual_t"], sites.loc["T-1", "dam_height_m"]) == (1e-7, 0.1 + 0.2)
        assert bool(sites.loc["T-1", "above_people"]) is True
        assert reg.sites(bbox=(105.0, 35.0, 106.0, 36.0))["code"].tolist() == ["T-1"]
        assert reg.plants()["capacity_t_per_year"].tolist() == [300_000.0]
        assert reg.intakes()["gate_fee_yuan_per_t"].tolist() == [-5.5]
        assert reg.sources()["licence"].tolist()[0] == "CC-BY"
        runs = rows_of(reg, ImportRun)["at"].tolist()
        assert runs[0] == datetime(2026, 1, 31, 8, 15, 0, 155_000, tzinfo=UTC)
        assert abs(runs[1] - datetime(2026, 12, 31, 23, 59, 59, 999_700, tzinfo=UTC)) < timedelta(milliseconds=1)

        last = last_change(reg)
        # A site without a code, a move, and enough new rows for the way in bulk.
        reg.import_batch(ponds(600, start=1, status="idle"))
        assert len(changes(reg, last)) == 600
        assert reg.history("T-1")["action"].tolist() == ["update"]
        reg.import_batch(ponds(600, Kind.UTILIZATION_PLANT, waste_code="SW05"))
        sql(reg, "DELETE FROM tailings_pond WHERE code = 'T-1'")
        assert problems(reg.store) == []
        assert len(reg.streams()) == 0
    assert len(pyogrio.read_dataframe(old_file, layer="tailings_pond")) == 599


def test_an_upgraded_old_file_still_refuses_doubles(old_file: Path) -> None:
    with registry.open(old_file, create=True) as reg:
        for column, value in (("uid", reg.sites().index[0]), ("code", "T-1")):
            statement = (
                f"INSERT INTO tailings_pond (uid, name, geom, {column}) VALUES ('x', 'y', {GEOM['sqlite']}, '{value}')"
            )
            statement = statement.replace("(uid, name, geom, uid) VALUES ('x', ", "(name, geom, uid) VALUES (")
            with pytest.raises(StoreError, match="Nothing was stored"):
                sql(reg, statement)


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(store_url: str) -> None:
    with connect(store_url) as connection:
        connection.exec_driver_sql("UPDATE registry_version SET version_num = '0999'")
        before = names(connection)
    for create in (False, True):
        with pytest.raises(StoreVersionError, match=r"0999.*Update the program"):
            registry.open(store_url, create=create)
    with connect(store_url) as connection:
        assert names(connection) == before
        assert schema.revision(connection) == "0999"


@pytest.mark.parametrize("table", ["source", "change", "region"])
def test_a_table_that_is_somebody_elses_makes_init_refuse(cluster: Cluster, table: str) -> None:
    name = cluster.create_database()
    cluster.execute(f"CREATE TABLE {table} (river text)", database=name)
    cluster.execute(f"INSERT INTO {table} VALUES ('黄河')", database=name)
    with connect(cluster.url(name)) as connection:
        before = names(connection)
    for create in (True, False):
        with pytest.raises(NotARegistryError, match=table if create else "registry init"):
            registry.open(cluster.url(name), create=create)
    with connect(cluster.url(name)) as connection:
        assert names(connection) == before
    assert cluster.execute(f"SELECT * FROM {table}", database=name) == [("黄河",)]
    cluster.drop_database(name)


def test_tables_in_another_schema_are_in_nobodys_way(cluster: Cluster) -> None:
    name = cluster.create_database()
    cluster.execute("CREATE SCHEMA other", database=name)
    for table in ("source", "registry_property", "tailings_pond"):
        cluster.execute(f"CREATE TABLE other.{table} (river text)", database=name)
    with registry.open(cluster.url(name), create=True) as reg:
        assert reg.import_batch(ponds(2)).new == 2
        assert problems(reg.store) == []
    assert cluster.execute("SELECT * FROM other.source", database=name) == []
    cluster.drop_database(name)


def test_a_database_without_postgis_is_told_apart_and_left_empty(cluster: Cluster) -> None:
    name = cluster.create_database(postgis=False)
    for create in (True, False):
        with pytest.raises(NotARegistryError, match="CREATE EXTENSION postgis"):
            registry.open(cluster.url(name), create=create)
    assert cluster.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database=name) == [(0,)]
    cluster.drop_database(name)
