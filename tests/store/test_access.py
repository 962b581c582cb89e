"""Who may read and change a store on a server: what readers, inspectors and administrators rely on."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from cluster import Cluster
from pandas.testing import assert_frame_equal
from psycopg.errors import InsufficientPrivilege
from realm import LETTERS, NOWHERE, PLACES, SHANXI, Realm, line, table

import registry
from registry.diagnosis import examine
from registry.errors import StoreError
from registry.settings import settings
from registry.store.postgis import bulk

ROLES = ("registry_reader", "registry_inspector", "registry_admin")


def one_line(error: BaseException) -> str:
    said = str(error)
    assert len(said.splitlines()) == 1, said
    return said


def everything(reg: registry.Registry) -> dict[str, pd.DataFrame]:
    frames = {
        "sites": reg.sites(), "plants": reg.plants(), "regions": reg.regions(), "streams": reg.streams(),
        "intakes": reg.intakes(), "sources": reg.sources(), "then": reg.sites(as_of="2026-01-01"),
    }  # fmt: skip
    return frames | {f"history of {uid}": reg.history(uid) for uid in frames["sites"].index}


# -- readers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["reader", "hebei", "clerk", "admin"])
def test_every_role_reads_the_whole_registry(realm: Realm, login: str) -> None:
    with registry.open(realm.cluster.url(realm.template)) as whole, realm.opened(login) as reg:
        expected, found = everything(whole), everything(reg)
        assert len(expected["sites"]) == 9
        for name, frame in expected.items():
            assert_frame_equal(pd.DataFrame(found[name]), pd.DataFrame(frame))
        facts, problems = examine(reg)
    assert problems == []
    assert facts["login"] == login


def test_a_reader_takes_a_backup_of_the_whole_registry(realm: Realm, tmp_path: Path) -> None:
    with realm.opened("reader") as reg:
        counts = reg.backup(tmp_path / "copy.gpkg")
    assert counts == {name: realm.execute(f"SELECT count(*) FROM {name}")[0][0] for name in counts}
    assert counts["change"] > 0


def test_a_login_without_a_role_reads_nothing(realm: Realm) -> None:
    with pytest.raises(StoreError, match="may not do that") as refused:
        realm.opened("stranger")
    one_line(refused.value)


def test_every_write_of_a_reader_fails_with_one_line_and_changes_nothing(realm: Realm, tmp_path: Path) -> None:
    ponds = table(tmp_path / "ponds.csv", line("HB-P", PLACES["HB"], name="改名"), line("NEW-P", "102,32"))
    kept = tmp_path / "kept.gpkg"
    before = realm.contents()
    with realm.opened("reader") as reg:
        reg.backup(kept)
        for write in (
            lambda: reg.import_file(ponds, "tailings_pond"),
            lambda: reg.load_regions(level="province"),
            lambda: reg.restore(kept),
        ):
            with pytest.raises(StoreError) as refused:
                write()
            one_line(refused.value)
            assert refused.value.exit_code == 4
    assert realm.contents() == before


@pytest.mark.parametrize("login", ["reader", "hebei", "admin"])
def test_init_of_a_store_that_is_there_already_changes_nothing(realm: Realm, login: str) -> None:
    before = realm.contents()
    with registry.open(realm.url(login), create=True) as reg:
        assert len(reg.sites()) == 9
    assert realm.contents() == before


# -- inspectors ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("login", "kind"),
    [
        ("hebei", "tailings_pond"), ("clerk", "tailings_pond"), ("two_provinces", "tailings_pond"),
        ("hebei", "gangue_heap"), ("hebei", "smelting_site"), ("hebei", "utilization_plant"),
    ],
)  # fmt: skip
def test_an_inspector_imports_new_and_changed_rows_of_the_province(
    realm: Realm, database: str, tmp_path: Path, login: str, kind: str
) -> None:
    own, new, other = (f"{code}-{LETTERS[kind]}" for code in ("HB", "NEW", "SX"))
    with realm.opened(login, database) as reg:
        # Shanxi's row is as it is stored, so it asks for no change.
        lines = line(own, "101.6,31.6"), line(new, "102,32"), line(other, PLACES["SX"])
        report = reg.import_file(table(tmp_path / "rows.csv", *lines), kind)
        assert (report.new, report.changed, report.unchanged, report.rejected) == (1, 1, 1, 0)
        assert set(reg.history(new)["by"]) == {login}
        change = reg.history(own).iloc[-1]
        assert (change["by"], change["file_name"]) == (login, "rows.csv")
        rows = reg.plants() if kind == "utilization_plant" else reg.sites(kind)
        assert rows.set_index("code").loc[new, "province_code"] == "130000"
        assert examine(reg)[1] == []


def test_an_inspector_imports_a_large_table_too(
    realm: Realm, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "REFERENCED_ROWS", 10)
    rows = [line(f"L-{i}-P", f"{101 + i / 10},35") for i in range(30)]
    with realm.opened("hebei", database) as reg:
        assert reg.import_file(table(tmp_path / "large.csv", *rows), "tailings_pond").new == 30
        assert len(reg.history("L-29-P")) == 2
        before = realm.contents(database)
        rows[7] = line("L-7-P", "115,35")
        with pytest.raises(StoreError):
            reg.import_file(table(tmp_path / "large.csv", *rows), "tailings_pond")
    assert realm.contents(database) == before


def test_a_shared_login_says_who_used_it(
    realm: Realm, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REGISTRY_USER", "王工")
    settings.cache_clear()
    try:
        with realm.opened("hebei", database) as reg:
            reg.import_file(table(tmp_path / "rows.csv", line("NEW-P", "102,32")), "tailings_pond")
            assert set(reg.history("NEW-P")["by"]) == {"hebei (王工)"}
    finally:
        settings.cache_clear()


@pytest.mark.parametrize(
    "theirs",
    [
        line("NEW-P", "115,35"),
        line("SX-P", PLACES["SX"], name="改名"),
        line("SX-P", PLACES["SX"], holds="99"),
        line("SX-P", PLACES["HB"]),
        line("HB-P", PLACES["SX"]),
        line("NEW-P", "60,10"),
    ],
    ids=["new", "changed", "stream", "taken", "given away", "in no province"],
)
@pytest.mark.parametrize("login", ["hebei", "clerk"])
def test_an_import_that_reaches_into_another_province_is_refused_whole(
    realm: Realm, tmp_path: Path, theirs: str, login: str
) -> None:
    path = table(tmp_path / "rows.csv", line("OWN-1-P", "102,32"), theirs, line("OWN-2-P", "103,33"))
    before = realm.contents()
    with realm.opened(login) as reg, pytest.raises(StoreError) as refused:
        reg.import_file(path, "tailings_pond", source="another", licence="another")
    one_line(refused.value)
    assert refused.value.exit_code == 4
    assert realm.contents() == before


def test_what_is_one_site_is_settled_by_administrators_only(realm: Realm, database: str, tmp_path: Path) -> None:
    path = table(tmp_path / "rows.csv", line("NEW-P", "101.5004,31.5003", name="HB-P号"))
    before = realm.contents(database)
    with realm.opened("hebei", database) as reg:
        for refused in (
            lambda: reg.import_file(path, "tailings_pond", merge_above=0.2),
            lambda: reg.settle_matches(
                pd.DataFrame({"uid": [realm.uids["HB-P"]], "other_uid": [realm.uids["SX-P"]], "decision": ["same"]})
            ),
        ):
            with pytest.raises(StoreError) as said:
                refused()
            assert "match_decision" in one_line(said.value)
            assert said.value.exit_code == 4
        assert realm.contents(database) == before
        # The pair is told to the inspector all the same.
        assert reg.import_file(path, "tailings_pond").matches["other_name"].tolist() == ["HB-P号"]
    with realm.opened("admin", database) as reg:
        assert reg.merge_matches(0.2).joined == 1


def test_nobody_writes_that_a_row_came_with_an_import_of_somebody_else(realm: Realm, database: str) -> None:
    with realm.connected("hebei", database) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(
            "INSERT INTO source_row (import_run_id, uid, row) SELECT min(id), %s, 1 FROM import_run",
            (realm.uids["HB-P"],),
        )


def test_an_inspector_cannot_load_regions_or_restore_a_store(realm: Realm, store_template: str, tmp_path: Path) -> None:
    before = realm.contents()
    with realm.opened("hebei") as reg:
        with pytest.raises(StoreError) as refused:
            reg.load_regions(level="province")
        one_line(refused.value)
        reg.backup(tmp_path / "kept.gpkg")
    assert realm.contents() == before
    with realm.opened("hebei", store_template) as empty, pytest.raises(StoreError) as refused:
        empty.restore(tmp_path / "kept.gpkg")
    one_line(refused.value)
    assert sum(count for count, _ in realm.contents(store_template).values()) == 3, "its version, its uid and its CRS"


def test_an_inspector_of_two_provinces_moves_a_site_and_the_history_says_so(realm: Realm, database: str) -> None:
    with realm.connected("two_provinces", database) as connection:
        assert connection.execute(f"UPDATE tailings_pond SET geom = {SHANXI} WHERE code = 'HB-P'").rowcount == 1
        with pytest.raises(InsufficientPrivilege):
            connection.execute(f"UPDATE tailings_pond SET geom = {NOWHERE} WHERE code = 'HB-P'")
    with realm.opened("reader", database) as reg:
        change = reg.history("HB-P").iloc[-1]
        assert (change["by"], change["action"], change["table_name"]) == ("two_provinces", "update", "tailings_pond")
        assert [change[when]["province_code"] for when in ("before", "after")] == ["130000", "140000"]
        assert (change["after"]["lon"], change["after"]["lat"]) == (115, 35)
        assert examine(reg)[1] == []


def test_a_province_that_is_taken_away_is_taken_away_at_once(realm: Realm, database: str) -> None:
    rename = "UPDATE tailings_pond SET name = 'x' WHERE code = 'HB-P'"
    with realm.connected("two_provinces", database) as connection, realm.connected("admin", database) as admin:
        assert connection.execute(rename).rowcount == 1
        admin.execute("DELETE FROM inspector_province WHERE login = 'two_provinces' AND province_code = '130000'")
        assert connection.execute(rename).rowcount == 0
        assert connection.execute(rename.replace("HB", "SX")).rowcount == 1


# -- administrators and owners ------------------------------------------------------------------------------------


@pytest.mark.parametrize("referenced", [50_000, 10], ids=["few rows", "many rows"])
def test_an_administrator_imports_in_bulk_and_loads_regions(
    realm: Realm, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, referenced: int
) -> None:
    monkeypatch.setattr(bulk, "REFERENCED_ROWS", referenced)
    rows = [line(f"L-{i}-P", f"{101 + i / 2},35") for i in range(30)]
    with realm.opened("admin", database) as reg:
        assert reg.import_file(table(tmp_path / "large.csv", *rows), "tailings_pond").new == 30
        again = reg.import_file(
            table(tmp_path / "large.csv", *rows[:20], line("L-20-P", "119,35", holds="9")), "tailings_pond"
        )
        assert (again.new, again.changed, again.unchanged) == (0, 1, 20)
        assert set(reg.history("L-20-P")["by"]) == {"admin"}
        assert reg.history("L-20-P")["action"].tolist() == ["insert", "insert", "update", "update"]
        shapes = reg.regions("province").query("code != '150000'")[["code", "name", "geometry"]]
        shapes.to_file(tmp_path / "two.geojson")
        reg.load_regions(tmp_path / "two.geojson", level="province")
        assert reg.sites().set_index("code")["province_code"].isna().sum() == 3
        assert examine(reg)[1] == []
    # What a bulk load takes away for its time is there again.
    with realm.connected("hebei", database) as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(f"UPDATE tailings_pond SET geom = {SHANXI} WHERE code = 'HB-P'")


def test_an_administrator_restores_a_backup_into_an_empty_store(realm: Realm, postgis_url: str, tmp_path: Path) -> None:
    database = postgis_url.rpartition("/")[2]
    with realm.opened("admin") as reg, realm.opened("admin", database) as empty:
        reg.backup(tmp_path / "copy.gpkg")
        empty.restore(tmp_path / "copy.gpkg")
    same, other = realm.contents(), realm.contents(database)
    assert {name for name in same if same[name][0] != other[name][0]} == {"inspector_province"}


def objects(server: Cluster, database: str) -> list[object]:
    """Names of the tables, indexes, sequences and functions of a database, and of the server's roles of ours."""
    return server.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace "
        "UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace "
        r"UNION ALL SELECT rolname FROM pg_roles WHERE rolname LIKE 'registry\_%' ORDER BY 1",
        database=database,
    )


def init_as_owner(server: Cluster, database: str, *, attributes: str = "", member: bool = False) -> StoreError | None:
    """What ``init`` says to somebody whose database it is."""
    password = secrets.token_urlsafe(12)
    server.execute(f"CREATE ROLE owner_of_{database} LOGIN PASSWORD '{password}' {attributes}")
    server.execute(f"ALTER DATABASE {database} OWNER TO owner_of_{database}")
    if member:
        server.execute(f"GRANT registry_admin TO owner_of_{database}")
    try:
        with registry.open(server.url(database, f"owner_of_{database}", password), create=True) as reg:
            assert examine(reg)[1] == []
    except StoreError as error:
        return error
    return None


@pytest.fixture(scope="module")
def new_server(realm: Realm) -> Iterator[Cluster]:
    """A server that never had a registry, so that the roles, which belong to servers, are not there."""
    del realm  # without PostGIS both are skipped
    server = Cluster.start()
    yield server
    server.stop()


@pytest.fixture
def own_database(new_server: Cluster) -> Iterator[str]:
    name = new_server.create_database()
    yield name
    new_server.drop_database(name)
    for role in ROLES:
        new_server.execute(f"DROP ROLE IF EXISTS {role}")


def test_the_owner_of_a_database_who_is_an_administrator_makes_a_store_in_it(realm: Realm) -> None:
    name = realm.cluster.create_database()
    assert init_as_owner(realm.cluster, name, member=True) is None
    with realm.opened("reader", name) as reg:
        assert len(reg.sites()) == 0


def test_the_owner_of_a_database_who_is_no_administrator_is_told_what_to_ask_for(realm: Realm) -> None:
    name = realm.cluster.create_database()
    before = objects(realm.cluster, name)
    error = init_as_owner(realm.cluster, name)
    assert isinstance(error, StoreError)
    assert "registry_admin" in one_line(error)
    assert "administrator" in str(error)
    assert objects(realm.cluster, name) == before


def test_an_owner_who_cannot_make_the_roles_of_a_new_server_is_told_so(new_server: Cluster, own_database: str) -> None:
    before = objects(new_server, own_database)
    error = init_as_owner(new_server, own_database)
    assert isinstance(error, StoreError)
    assert "CREATE ROLE registry_reader" in one_line(error)
    assert "administrator" in str(error)
    assert objects(new_server, own_database) == before


def test_an_owner_who_can_make_roles_makes_the_first_store_of_a_server(new_server: Cluster, own_database: str) -> None:
    assert init_as_owner(new_server, own_database, attributes="CREATEROLE") is None
    nested = "SELECT pg_has_role('registry_admin', 'registry_reader', 'USAGE')"
    assert new_server.execute(nested) == [(True,)]


def test_roles_that_were_made_by_hand_serve_as_well(new_server: Cluster, own_database: str) -> None:
    for role in ROLES:
        new_server.execute(f"CREATE ROLE {role}")
    error = init_as_owner(new_server, own_database, member=True)
    if error is not None:
        assert "GRANT" in one_line(error), "it says which role to give to which"
        return
    # An inspector changes only what an inspector can see.
    assert new_server.execute("SELECT pg_has_role('registry_inspector', 'registry_reader', 'USAGE')") == [(True,)]
