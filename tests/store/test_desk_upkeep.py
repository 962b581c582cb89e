"""Views and styles of a store on a server: who may do what with them, and how they are kept as they should be."""

from __future__ import annotations

import pytest
from alembic import command
from cluster import Cluster
from desk import EVERY_VIEW, view_rows
from psycopg.errors import InsufficientPrivilege, ObjectNotInPrerequisiteState, WrongObjectType
from realm import Realm

import registry
from registry.errors import NotARegistryError, StoreBusyError, StoreError
from registry.settings import settings
from registry.store import schema
from registry.store.health import problems
from registry.store.postgis import views
from registry.store.store import address_of

WHICH = "SELECT relname, c.oid FROM pg_class c WHERE relkind = 'v' AND relowner = 'registry_admin'::regrole ORDER BY 1"


# -- rights -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["reader", "hebei", "two_provinces", "admin"])
def test_nobody_writes_through_a_view(realm: Realm, login: str) -> None:
    before = realm.contents()
    with realm.connected(login) as connection:
        for view in EVERY_VIEW:
            assert len(view_rows(connection, view)) == 3
            for statement in (
                'UPDATE "{}" SET id = id', 'DELETE FROM "{}"', 'INSERT INTO "{}" (id) VALUES (99)', 'TRUNCATE "{}"',
            ):  # fmt: skip
                with pytest.raises((InsufficientPrivilege, ObjectNotInPrerequisiteState, WrongObjectType)):
                    connection.execute(statement.format(view))
            rights = "SELECT has_table_privilege(%s, name) FROM unnest(%s::text[]) name"
            asked = (f'"{view}"', ["INSERT", "UPDATE", "DELETE", "TRUNCATE"])
            assert connection.execute(rights, asked).fetchall() == [(False,)] * 4, "a desk would offer to edit it"
    assert realm.contents() == before


def test_a_login_without_a_role_sees_no_view(realm: Realm) -> None:
    with realm.connected("stranger") as connection:
        for view in [*EVERY_VIEW, "layer_styles"]:
            with pytest.raises(InsufficientPrivilege):
                connection.execute(f'SELECT FROM "{view}"')


def test_an_edit_of_a_table_is_seen_in_the_view_at_once(realm: Realm, database: str) -> None:
    with realm.connected("hebei", database) as inspector, realm.connected("reader", database) as reader:
        inspector.execute("UPDATE tailings_pond SET status = 'closed' WHERE code = 'HB-P'")
        assert view_rows(reader, "尾矿库").set_index("编码").loc["HB-P", "运行状态"] == "已闭库"


# -- created, kept, made anew -------------------------------------------------------------------------------------


def test_init_again_leaves_views_as_they_are(realm: Realm, database: str) -> None:
    before = realm.execute(WHICH, database=database)
    assert {name for name, _ in before} == set(EVERY_VIEW)
    for login in ("admin", "hebei", "reader"):
        registry.open(realm.url(login, database), create=True).close()
    assert realm.execute(WHICH, database=database) == before


DAMAGE = {
    'DROP VIEW "煤矸石堆场"': "煤矸石堆场: the view is missing",
    "COMMENT ON VIEW tailings_pond_labels IS 'x (registry init, edition 000000000000)'": "tailings_pond_labels: the view is not",
    'ALTER VIEW "尾矿库" RENAME TO "尾矿库清单"': "尾矿库清单: the view is that of another version",
    'REVOKE SELECT ON "尾矿库" FROM registry_reader': "尾矿库: readers may not see the view",
    "ALTER TABLE layer_styles DISABLE TRIGGER USER": "layer_styles: the trigger registry_own_style is missing or off",
    "DROP TRIGGER registry_lost_update ON gangue_heap": "gangue_heap: the trigger registry_lost_update is missing or off",
    "REVOKE INSERT ON waste_stream FROM registry_inspector": "waste_stream: inspectors cannot add to it",
    "DROP TABLE layer_styles": "layer_styles: the table in which QGIS looks for styles is missing",
    "UPDATE layer_styles SET f_table_catalog = 'x'": "冶炼场地, smelting_site_labels, 综合利用企业, utilization_plant_labels: QGIS",
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
def test_the_doctor_names_what_a_desk_lacks_and_an_administrators_init_mends_it(
    realm: Realm, database: str, damage: str
) -> None:
    realm.execute(damage, database=database)
    with realm.opened("reader", database) as reg:
        found = problems(reg.store)
    assert any(DAMAGE[damage] in line for line in found), found
    assert all("registry init" in line or "inspector" in line for line in found)
    with registry.open(realm.url("admin", database), create=True) as reg:
        assert problems(reg.store) == []


def test_an_inspectors_init_of_a_store_without_its_views_is_refused_in_one_line(realm: Realm, database: str) -> None:
    realm.execute('DROP VIEW "煤矸石堆场"', database=database)
    before = realm.execute(WHICH, database=database)
    for login in ("hebei", "reader"):
        with pytest.raises(StoreError, match=r"may not do that .*ask an administrator") as refused:
            registry.open(realm.url(login, database), create=True)
        assert len(str(refused.value).splitlines()) == 1
        assert refused.value.exit_code == 4
    assert realm.execute(WHICH, database=database) == before


@pytest.mark.parametrize("what", ["TABLE {} AS SELECT 1 AS one", "VIEW {} AS SELECT 1 AS one"], ids=["table", "view"])
def test_a_name_that_is_taken_makes_init_refuse_and_leaves_what_is_there(
    realm: Realm, database: str, what: str
) -> None:
    realm.execute('DROP VIEW "尾矿库"', database=database)
    realm.execute(f"CREATE {what.format('尾矿库')}", database=database)
    before = realm.execute(WHICH, database=database)
    with pytest.raises(NotARegistryError, match=r"尾矿库.*not the registry's.*rename it"):
        registry.open(realm.url("admin", database), create=True)
    assert realm.execute('SELECT * FROM "尾矿库"', database=database) == [(1,)]
    assert realm.execute(WHICH, database=database) == before


def test_a_view_that_somebody_built_on_ours_is_named(realm: Realm, database: str) -> None:
    realm.execute(
        'CREATE VIEW "我的尾矿库" AS SELECT id, geom FROM "尾矿库"; DROP VIEW "煤矸石堆场"', database=database
    )
    with pytest.raises(StoreError, match=r"我的尾矿库.* is built on the view 尾矿库.*drop it"):
        registry.open(realm.url("admin", database), create=True)
    assert len(realm.execute('SELECT * FROM "我的尾矿库"', database=database)) == 3


def test_a_view_that_is_being_read_is_made_anew_later(
    realm: Realm, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    realm.execute('DROP VIEW "煤矸石堆场"', database=database)
    monkeypatch.setenv("REGISTRY_BUSY_TIMEOUT_S", "0.2")
    settings.cache_clear()
    try:
        with realm.connected("reader", database) as reader, reader.transaction():
            reader.execute('SELECT FROM "尾矿库"')
            with pytest.raises(StoreBusyError):
                registry.open(realm.url("admin", database), create=True)
    finally:
        settings.cache_clear()
    with registry.open(realm.url("admin", database), create=True) as reg:
        assert problems(reg.store) == []


def test_an_upgrade_makes_the_views_of_an_older_store_anew(cluster: Cluster) -> None:
    name = cluster.create_database()
    engine = address_of(cluster.url(name)).engine(busy_timeout_s=5)
    with engine.begin() as connection:
        config = schema._config()
        config.attributes.update(connection=connection, srid=4490)
        command.upgrade(config, "0003")
        connection.exec_driver_sql("INSERT INTO registry_property (key, value) VALUES ('crs', 'EPSG:4490')")
        views.make(connection, "here")
    engine.dispose()
    before = dict(cluster.execute(WHICH, database=name))
    with registry.open(cluster.url(name), create=True) as reg:
        assert problems(reg.store) == []
    after = dict(cluster.execute(WHICH, database=name))
    assert set(before) == set(after) == set(EVERY_VIEW)
    assert not set(before.values()) & set(after.values())
    cluster.drop_database(name)


def test_a_store_in_a_schema_of_its_own_is_dressed_there(realm: Realm) -> None:
    """Somebody else's table lies in the schema that everybody has."""
    name = realm.cluster.create_database()
    realm.execute(
        'CREATE SCHEMA "矿"; CREATE TABLE public."尾矿库" (river text); '
        f'ALTER DATABASE {name} SET search_path = "矿", public',
        database=name,
    )
    for _ in range(2):
        with registry.open(realm.cluster.url(name), create=True) as reg:
            assert problems(reg.store) == []
    where = "SELECT relname FROM pg_class WHERE relnamespace = %s::regnamespace AND relname = ANY(%s) AND relkind IN ('r', 'v')"
    names = [*EVERY_VIEW, "layer_styles"]
    assert {row[0] for row in realm.execute(where, '"矿"', names, database=name)} == set(names)
    assert realm.execute(where, "public", names, database=name) == [("尾矿库",)]
    with realm.connected("reader", name) as connection:
        assert len(view_rows(connection, "尾矿库")) == 0
        schemas = connection.execute("SELECT DISTINCT f_table_schema FROM layer_styles").fetchall()
    assert schemas == [("矿",)]
    realm.cluster.drop_database(name)
