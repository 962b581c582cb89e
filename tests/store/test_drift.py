"""The doctor names what somebody has taken out of a store, or changed in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from batches import ponds
from cluster import Cluster
from sqlalchemy import Connection, make_url, text

import registry
from registry.errors import StoreError
from registry.model.vocabulary import Kind
from registry.store import health
from registry.store.backend import backend_of
from registry.store.drift import drift
from registry.store.health import problems
from registry.store.postgis import views

# What is done to a server's tables, and a word of the line that says so.
ON_A_SERVER = {
    "DROP INDEX ix_tailings_pond_province_code": "ix_tailings_pond_province_code",
    "DROP INDEX ix_tailings_pond_geom": "ix_tailings_pond_geom",
    "DROP INDEX ix_change_at": "ix_change_at",
    "DROP INDEX ix_gangue_heap_code; CREATE INDEX ix_gangue_heap_code ON gangue_heap (code)": "ix_gangue_heap_code",
    "ALTER TABLE waste_stream DROP CONSTRAINT uq_waste_stream_site_uid_waste_code": "waste_stream",
    "ALTER TABLE tailings_pond DROP CONSTRAINT ck_tailings_pond_dam_class_range": "ck_tailings_pond_dam_class_range",
    "ALTER TABLE gangue_heap DROP CONSTRAINT fk_gangue_heap_source_id": "fk_gangue_heap_source_id",
    "ALTER TABLE plant_intake DROP CONSTRAINT fk_plant_intake_plant_uid": "fk_plant_intake_plant_uid",
    "ALTER TABLE gangue_heap DROP CONSTRAINT ck_gangue_heap_height_m_range, "
    "ADD CONSTRAINT ck_gangue_heap_height_m_range CHECK (height_m >= 0)": "ck_gangue_heap_height_m_range",
    "ALTER TABLE plant_intake DROP CONSTRAINT fk_plant_intake_plant_uid, "
    "ADD CONSTRAINT fk_plant_intake_plant_uid FOREIGN KEY (plant_uid) REFERENCES utilization_plant (uid)": "plant_intake",
    "ALTER TABLE tailings_pond DROP COLUMN basin": "basin",
    "ALTER TABLE tailings_pond ALTER COLUMN dam_height_m TYPE real": "dam_height_m",
    "ALTER TABLE tailings_pond ALTER COLUMN extra TYPE jsonb": "extra",
    "ALTER TABLE smelting_site ALTER COLUMN name DROP NOT NULL": "name",
    "ALTER TABLE inspection ALTER COLUMN topic SET NOT NULL": "topic",
    "ALTER TABLE tailings_pond ADD COLUMN remark text": "remark",
    "DROP TABLE inspection": "inspection",
    "ALTER TABLE inspection DISABLE ROW LEVEL SECURITY": "inspection: row-level security",
    "DROP POLICY registry_read ON gangue_heap": "gangue_heap",
    "DROP POLICY registry_update ON gangue_heap": "gangue_heap",
    "CREATE POLICY open ON gangue_heap FOR UPDATE TO registry_inspector USING (true)": "gangue_heap",
    "ALTER TABLE tailings_pond DISABLE TRIGGER registry_log_update": "tailings_pond: the trigger",
    "ALTER TABLE tailings_pond DISABLE TRIGGER registry_locate": "tailings_pond: the trigger",
}

# What is done to a file's tables by their own statements.
IN_A_FILE = {
    "DROP INDEX ix_tailings_pond_province_code": "ix_tailings_pond_province_code",
    "DROP INDEX ix_change_at": "ix_change_at",
    "DROP INDEX ix_gangue_heap_code; CREATE INDEX ix_gangue_heap_code ON gangue_heap (code)": "ix_gangue_heap_code",
    "DROP TABLE inspection": "inspection",
    "ALTER TABLE tailings_pond ADD COLUMN remark TEXT": "remark",
    "DELETE FROM rtree_tailings_pond_geom WHERE id = 1": "spatial index",
    "UPDATE rtree_tailings_pond_geom SET minx = 1, maxx = 2 WHERE id = 1": "spatial index",
    "UPDATE tailings_pond SET source_id = 4711 WHERE id = 1": "tailings_pond row 1",
}

# Of the text of a file's table: what is replaced by what.
IN_THE_TEXT_OF_A_TABLE = {
    (
        "waste_stream",
        "CONSTRAINT uq_waste_stream_site_uid_waste_code UNIQUE (site_uid, waste_code), ",
        "",
    ): "waste_stream",
    (
        "tailings_pond",
        "CONSTRAINT ck_tailings_pond_dam_class_range CHECK (dam_class BETWEEN 1 AND 5), ",
        "",
    ): "dam_class_range",
    (
        "gangue_heap",
        ", CONSTRAINT fk_gangue_heap_source_id FOREIGN KEY(source_id) REFERENCES source (id)",
        "",
    ): "fk_gangue_heap",
    ("gangue_heap", "CHECK (height_m BETWEEN 0 AND 500)", "CHECK (height_m >= 0)"): "ck_gangue_heap_height_m_range",
    ("tailings_pond", "basin TEXT, ", ""): "basin",
    ("tailings_pond", "dam_height_m DOUBLE", "dam_height_m TEXT"): "dam_height_m",
    ("smelting_site", "name TEXT NOT NULL", "name TEXT"): "name",
    ("smelting_site", "metal TEXT", "metal TEXT NOT NULL"): "metal",
}


def wrong_with(connection: Connection) -> list[str]:
    """What the doctor would say in the middle of a transaction."""
    return [*drift(connection), *backend_of(connection).problems(connection), *health._orphans(connection)]


@contextmanager
def undone(reg: registry.Registry) -> Iterator[Connection]:
    """A transaction that leaves the store as it was."""
    with reg.store.write(keep=False) as connection:
        yield connection


def filled(url: str | Path) -> registry.Registry:
    """A new store with a few rows of every kind."""
    reg = registry.open(url, create=True)
    for kind in Kind:
        reg.import_batch(ponds(2, kind))
    assert problems(reg.store) == []
    return reg


@pytest.fixture(scope="module")
def server(cluster: Cluster) -> Iterator[registry.Registry]:
    """A store that every test leaves as it was."""
    name = cluster.create_database()
    with filled(cluster.url(name)) as reg:
        yield reg
    cluster.drop_database(name)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[registry.Registry]:
    """The same in a file."""
    with filled(tmp_path_factory.mktemp("drift") / "store.gpkg") as reg:
        yield reg


@pytest.mark.parametrize("damage", list(ON_A_SERVER), ids=lambda damage: damage[:60])
def test_what_is_missing_or_changed_on_a_server_is_named(server: registry.Registry, damage: str) -> None:
    with undone(server) as connection:
        # A view keeps what it shows from being altered.
        views.drop(connection, "")
        connection.execute(text(damage))
        found = wrong_with(connection)
    assert any(ON_A_SERVER[damage] in line for line in found), found


def test_each_trigger_that_is_missing_on_a_server_is_named(server: registry.Registry, cluster: Cluster) -> None:
    database = make_url(server.store.engine.url).database
    assert database
    triggers = cluster.execute(
        "SELECT tgrelid::regclass::text, tgname::text FROM pg_trigger WHERE NOT tgisinternal", database=database
    )
    assert len(triggers) > 30
    unnoticed = []
    for table, name in triggers:
        with undone(server) as connection:
            connection.execute(text(f"DROP TRIGGER {name} ON {table}"))
            if not any(table in line for line in wrong_with(connection)):
                unnoticed.append(f"{name} on {table}")
    assert unnoticed == []


@pytest.mark.parametrize("damage", list(IN_A_FILE))
def test_what_is_missing_or_changed_in_a_file_is_named(file: registry.Registry, damage: str) -> None:
    with undone(file) as connection:
        connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        for statement in damage.split("; "):
            connection.exec_driver_sql(statement)
        found = wrong_with(connection)
    assert any(IN_A_FILE[damage] in line for line in found), found


@pytest.mark.parametrize("damage", list(IN_THE_TEXT_OF_A_TABLE), ids=lambda damage: f"{damage[0]} {damage[1][:40]}")
def test_what_a_files_tables_lack_is_named(
    file_reg: registry.Registry, store_path: Path, damage: tuple[str, str, str]
) -> None:
    table, there, instead = damage
    with sqlite3.connect(store_path) as plain:
        plain.execute("PRAGMA writable_schema = ON")
        (sql,) = plain.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        changed = " ".join(sql.split()).replace(there, instead)
        assert changed != " ".join(sql.split()), sql
        plain.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (changed, table))
        if "UNIQUE" in there:
            plain.execute("DELETE FROM sqlite_master WHERE name = 'sqlite_autoindex_waste_stream_1'")
    plain.close()
    found = problems(file_reg.store)
    assert any(IN_THE_TEXT_OF_A_TABLE[damage] in line for line in found), found


def test_each_trigger_that_is_missing_in_a_file_is_named(file: registry.Registry) -> None:
    with file.store.read() as connection:
        triggers = connection.exec_driver_sql("SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'").all()
    assert len(triggers) > 60
    unnoticed = []
    for table, name in triggers:
        with undone(file) as connection:
            connection.exec_driver_sql(f'DROP TRIGGER "{name}"')
            if not any(table in line for line in wrong_with(connection)):
                unnoticed.append(name)
    assert unnoticed == []


def test_a_missing_table_is_not_taken_for_a_missing_store(reg: registry.Registry) -> None:
    with reg.store.write() as connection:
        if connection.dialect.name == "postgresql":
            views.drop(connection, "")
        connection.execute(text("DROP TABLE waste_stream"))
    with pytest.raises(StoreError, match=r"waste_stream.*doctor"):
        reg.sites()


def test_streams_and_inspections_of_no_site_are_named(reg: registry.Registry) -> None:
    for table, column in (("waste_stream", "waste_code"), ("inspection", "inspected_on")):
        with reg.store.write() as connection:
            connection.execute(text(f"INSERT INTO {table} (site_uid, {column}) VALUES ('nobody', '2026-01-31')"))
        assert any(line.startswith(f"{table}: 1 rows belong to no site") for line in problems(reg.store))
