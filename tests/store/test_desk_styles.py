"""Styles that come with a store: whose they are, who may add to them, and that what a person saved stays."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.errors import InsufficientPrivilege
from realm import Realm

import registry
from registry.errors import NotARegistryError
from registry.settings import settings
from registry.store.health import problems

OURS = (
    "SELECT id, f_table_name, stylename, useasdefault, md5(styleqml::text) FROM layer_styles "
    "WHERE owner = 'registry_admin' ORDER BY id"
)
SAVE = """
INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, stylename, styleqml, styleSLD,
  useasdefault, description, owner)
VALUES (current_database(), 'public', {table}, {geometry}, {name}, XMLPARSE(DOCUMENT '<qgis/>'), NULL, {default}, '', {owner})
"""


def saved(
    table: str = "tailings_pond",
    name: str = "mine",
    *,
    geometry: str = "'geom'",
    default: str = "false",
    owner: str = "''",
) -> str:
    """The statement with which QGIS saves a style."""
    return SAVE.format(table=f"'{table}'", name=f"'{name}'", geometry=geometry, default=default, owner=owner)


@pytest.fixture
def english(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who looks after the store reads English."""
    monkeypatch.setenv("REGISTRY_LANG", "en")
    settings.cache_clear()
    yield
    settings.cache_clear()


def init(url: str | Path) -> None:
    registry.open(url, create=True).close()


# -- on a server --------------------------------------------------------------------------------------------------


def test_every_layer_and_every_form_has_one_default_style(realm: Realm) -> None:
    with realm.connected("reader") as connection:
        found = connection.execute(
            "SELECT f_table_name, f_geometry_column, stylename, stylesld IS NULL FROM layer_styles "
            "WHERE useasdefault AND f_table_catalog = current_database() AND f_table_schema = 'public' AND type IS NULL"
        ).fetchall()
    forms = {"waste_stream", "plant_intake", "supervision_decision", "inspection", "attachment"}
    layers = {
        "tailings_pond", "gangue_heap", "smelting_site", "utilization_plant", "region", "尾矿库", "煤矸石堆场", "冶炼场地",
        "综合利用企业", "tailings_pond_labels", "gangue_heap_labels", "smelting_site_labels", "utilization_plant_labels",
    }  # fmt: skip
    assert sorted(name for name, *_ in found) == sorted(forms | layers)
    assert {(name, geometry, bare) for name, geometry, _, bare in found} == {
        *((name, None, True) for name in forms), *((name, "geom", False) for name in layers),
    }  # fmt: skip
    named = {table: style for table, _, style, _ in found}
    assert (named["尾矿库"], named["tailings_pond"], named["tailings_pond_labels"]) == (
        "尾矿库",
        "尾矿库",
        "Tailings pond",
    )


def test_init_again_writes_no_style_again_and_another_language_does(
    realm: Realm, database: str, request: pytest.FixtureRequest
) -> None:
    init(realm.url("admin", database))
    before = realm.execute(OURS, database=database)
    init(realm.url("admin", database))
    assert realm.execute(OURS, database=database) == before
    request.getfixturevalue("english")
    init(realm.url("hebei", database))
    assert realm.execute(OURS, database=database) == before, "that is for an administrator to say"
    init(realm.url("admin", database))
    after = realm.execute(OURS, database=database)
    assert {row[1:4] for row in before} != {row[1:4] for row in after}
    titles = {table: style for _, table, style, _, _ in after}
    assert (titles["tailings_pond"], titles["尾矿库"]) == ("Tailings pond", "尾矿库")


def test_a_style_that_a_person_saved_stays_and_so_does_a_default(realm: Realm, database: str, english: None) -> None:
    del english
    with realm.connected("admin", database) as admin, realm.connected("hebei", database) as inspector:
        inspector.execute(saved())
        admin.execute("UPDATE layer_styles SET useasdefault = false WHERE f_table_name = 'gangue_heap'")
        admin.execute(saved("gangue_heap", "ours", default="true", owner="'admin'"))
        init(realm.url("admin", database))
        kept = admin.execute(
            "SELECT f_table_name, stylename, owner, useasdefault FROM layer_styles WHERE owner <> 'registry_admin' ORDER BY 1"
        ).fetchall()
        assert kept == [("gangue_heap", "ours", "admin", True), ("tailings_pond", "mine", "hebei", False)]
        defaults = admin.execute(
            "SELECT f_table_name, stylename FROM layer_styles WHERE useasdefault AND f_table_name IN ('gangue_heap', "
            "'tailings_pond') ORDER BY 1"
        ).fetchall()
        assert defaults == [("gangue_heap", "ours"), ("tailings_pond", "Tailings pond")]


def test_an_inspector_has_styles_of_the_own(realm: Realm, database: str) -> None:
    with realm.connected("hebei", database) as one, realm.connected("two_provinces", database) as other:
        # Whatever the program says of its user, it is the login's; QGIS says nothing where a service file names it.
        one.execute(saved(owner="'registry_admin'"))
        one.execute(saved("尾矿库", "另一个", owner="'two_provinces'"))
        one.execute(saved("inspection", "form", geometry="NULL"))
        mine = "SELECT f_table_name FROM layer_styles WHERE owner = 'hebei' ORDER BY id"
        assert [name for (name,) in one.execute(mine).fetchall()] == ["tailings_pond", "尾矿库", "inspection"]
        with pytest.raises(InsufficientPrivilege, match=r'the style "mine" of tailings_pond belongs to hebei'):
            other.execute("DELETE FROM layer_styles WHERE stylename = 'mine'")
        change = "UPDATE layer_styles SET description = 'x', owner = 'registry_admin' WHERE stylename = 'mine'"
        assert one.execute(change).rowcount == 1
        assert one.execute("DELETE FROM layer_styles WHERE owner = 'hebei'").rowcount == 3


REFUSED = {
    saved(default="true"): "for administrators to say",
    "UPDATE layer_styles SET useasdefault = false WHERE f_table_name = 'tailings_pond'": "belongs to registry_admin",
    "UPDATE layer_styles SET styleqml = XMLPARSE(DOCUMENT '<qgis/>') WHERE stylename = '尾矿库'": "belongs to registry_admin",
    "DELETE FROM layer_styles": "belongs to registry_admin",
    # QGIS gives everybody the last style of a layer that has no default.
    saved("source", geometry="NULL"): "source has no default style",
    saved("尾矿库", geometry="NULL"): "尾矿库 has no default style",
    "TRUNCATE layer_styles": "permission denied",
    "ALTER TABLE layer_styles DISABLE TRIGGER USER": "must be owner",
    "DROP TRIGGER registry_own_style ON layer_styles": "must be owner",
    "INSERT INTO layer_styles (id) VALUES (1)": "permission denied",
}  # fmt: skip


@pytest.mark.parametrize("statement", REFUSED)
def test_what_everybody_gets_is_for_administrators_to_say(realm: Realm, database: str, statement: str) -> None:
    everything = "SELECT md5(string_agg(s::text, ';' ORDER BY id)) FROM layer_styles s"
    before = realm.execute(everything, database=database)
    with realm.connected("hebei", database) as inspector, realm.connected("reader", database) as reader:
        with pytest.raises(InsufficientPrivilege, match=REFUSED[statement]):
            inspector.execute(statement)
        with pytest.raises(InsufficientPrivilege):
            reader.execute(statement)
    assert realm.execute(everything, database=database) == before


def test_a_reader_saves_no_style(realm: Realm, database: str) -> None:
    with realm.connected("reader", database) as reader, pytest.raises(InsufficientPrivilege):
        reader.execute(saved())


def test_a_table_that_an_older_qgis_made_is_taken_in_hand_with_what_is_in_it(realm: Realm, database: str) -> None:
    """Before there was a column for the type of geometry, names had 30 characters."""
    realm.execute(
        "DROP TABLE layer_styles; CREATE TABLE layer_styles (id serial PRIMARY KEY, f_table_catalog varchar, "
        "f_table_schema varchar, f_table_name varchar, f_geometry_column varchar, stylename varchar(30), styleqml xml, "
        "stylesld xml, useasdefault boolean, description text, owner varchar(30), ui xml, "
        "update_time timestamp DEFAULT now())",
        database=database,
    )
    realm.execute(saved("river", "blue", default="true", owner="'postgres'"), database=database)
    init(realm.cluster.url(database))
    init(realm.url("admin", database))
    with realm.opened("admin", database) as reg:
        assert problems(reg.store) == []
    with realm.connected("hebei", database) as inspector:
        assert inspector.execute("SELECT stylename FROM layer_styles WHERE f_table_name = 'river'").fetchone() == (
            "blue",
        )
        inspector.execute(saved())
        with pytest.raises(InsufficientPrivilege):
            inspector.execute("DELETE FROM layer_styles WHERE f_table_name = 'river'")


# -- in a file ----------------------------------------------------------------------------------------------------


def styles_in(path: Path) -> list[Any]:
    with sqlite3.connect(path) as connection:
        found = connection.execute(
            "SELECT f_table_name, styleName, useAsDefault, owner FROM layer_styles ORDER BY f_table_name, owner"
        ).fetchall()
    connection.close()
    return found


def test_a_file_that_is_upgraded_gets_its_newest_styles_and_keeps_those_of_a_person(store_path: Path) -> None:
    init(store_path)
    expected = styles_in(store_path)
    with sqlite3.connect(store_path) as old:
        old.execute("UPDATE layer_styles SET styleQML = '<qgis/>', styleName = 'old'")
        old.execute("UPDATE gpkg_data_columns SET title = 'old'")
        old.execute(
            "INSERT INTO layer_styles (f_table_name, f_geometry_column, styleName, styleQML, useAsDefault, owner) "
            "VALUES ('region', 'geom', 'mine', '<qgis/>', 0, '')"
        )
    old.close()
    init(store_path)
    assert sorted(styles_in(store_path)) == sorted([*expected, ("region", "mine", 0, "")])
    with sqlite3.connect(store_path) as now:
        assert now.execute("SELECT count(*) FROM gpkg_data_columns WHERE title = 'old'").fetchone() == (0,)
        assert now.execute("SELECT count(*) FROM layer_styles WHERE length(styleQML) < 100").fetchone() == (1,)
    now.close()


def test_a_file_follows_the_language_and_is_else_left_alone(store_path: Path, request: pytest.FixtureRequest) -> None:
    init(store_path)
    with sqlite3.connect(store_path) as edited:
        edited.execute("UPDATE gpkg_data_columns SET title = 'a title of one''s own' WHERE column_name = 'basin'")
    edited.close()
    before = store_path.read_bytes()
    init(store_path)
    assert store_path.read_bytes() == before
    request.getfixturevalue("english")
    init(store_path)
    assert ("tailings_pond", "Tailings pond", 1, "registry") in styles_in(store_path)


def test_a_new_file_is_dressed_before_it_has_its_name(store_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("registry.registry.dress", interrupted)
    with pytest.raises(KeyboardInterrupt):
        init(store_path)
    assert list(store_path.parent.iterdir()) == []


@pytest.mark.parametrize("what", ["VIEW layer_styles AS SELECT 1 AS id", "TABLE layer_styles (river text)"])
def test_a_server_without_room_for_the_table_of_styles_is_left_as_it_was(realm: Realm, what: str) -> None:
    name = realm.cluster.create_database()
    realm.execute(f"CREATE {what}", database=name)
    before = realm.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace", database=name)
    with pytest.raises(NotARegistryError, match=r"layer_styles that is not the one .*rename it"):
        init(realm.cluster.url(name))
    now = realm.execute("SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace", database=name)
    assert now == before
    realm.cluster.drop_database(name)
