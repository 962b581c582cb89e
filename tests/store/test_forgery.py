"""The history, and the functions that run with an administrator's rights: nobody bends them to their own ends."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from realm import HEBEI, Realm, line, table

import registry


def last_change(realm: Realm, database: str) -> tuple[object, ...]:
    return realm.execute(
        "SELECT by, table_name, uid, action, import_run_id FROM change ORDER BY id DESC LIMIT 1", database=database
    )[0]


@pytest.mark.parametrize(
    ("prepared", "by"),
    [
        ("SELECT set_config('registry.user', 'postgres', false)", "hebei (postgres)"),
        ("SELECT set_config('registry.user', E') x\\n', false)", "hebei () x\n)"),
        ("CREATE TEMP TABLE change AS SELECT * FROM public.change", "hebei"),
        ("SET ROLE registry_inspector", "hebei"),
        ("CREATE FUNCTION pg_temp.registry_who() RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$", "hebei"),
    ],
)
def test_the_history_names_the_login_whatever_it_says_of_itself(
    realm: Realm, database: str, prepared: str, by: str
) -> None:
    with realm.connected("hebei", database) as connection:
        connection.execute(prepared)
        connection.execute("UPDATE tailings_pond SET name = 'x' WHERE code = 'HB-P'")
    assert last_change(realm, database) == (by, "tailings_pond", realm.uids["HB-P"], "update", None)


def test_an_edit_is_not_passed_off_as_another_ones_import(realm: Realm, database: str) -> None:
    with realm.connected("hebei", database) as connection:
        theirs = connection.execute("SELECT id FROM import_run WHERE kind = 'gangue_heap'").fetchone() or ()
        connection.execute("SELECT set_config('registry.import_run', %s, false)", [str(theirs[0])])
        with contextlib.suppress(InsufficientPrivilege):
            connection.execute("UPDATE tailings_pond SET name = 'x' WHERE code = 'HB-P'")
    assert last_change(realm, database)[-1] != theirs[0]


RUN = (
    "INSERT INTO import_run (source_id, kind, file_name, sha256, at, by, rows_read, rows_new, rows_changed, "
    "rows_unchanged, rows_rejected) VALUES (1, 'tailings_pond', 'x', '', now(), '{}', 0, 0, 0, 0, 0)"
)


def test_imports_of_others_cannot_be_forged_or_altered(realm: Realm) -> None:
    before = realm.contents()
    with realm.connected("hebei") as connection:
        for by in ("postgres", "hebei (x)"):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(RUN.format(by))
        assert connection.execute("UPDATE import_run SET file_name = 'x'").rowcount == 0
        with connection.transaction(force_rollback=True):
            connection.execute(RUN.format("hebei"))
            with pytest.raises(InsufficientPrivilege):
                connection.execute("UPDATE import_run SET by = 'postgres' WHERE by = 'hebei'")
    assert realm.contents() == before


def test_a_schema_of_ones_own_does_not_help_to_forge_an_import(realm: Realm, database: str) -> None:
    realm.execute("CREATE SCHEMA desk AUTHORIZATION hebei", database=database)
    before = realm.contents(database)
    with realm.connected("hebei", database) as connection:
        connection.execute("CREATE FUNCTION desk.f(name, text) RETURNS text LANGUAGE sql AS $$ SELECT 'postgres' $$")
        connection.execute("CREATE OPERATOR desk.|| (LEFTARG = name, RIGHTARG = text, FUNCTION = desk.f)")
        connection.execute("SET search_path = desk, public")
        with pytest.raises(InsufficientPrivilege):
            connection.execute(RUN.format("postgres"))
        assert connection.execute("UPDATE import_run SET file_name = 'x'").rowcount == 0
    assert realm.contents(database) == before


# -- functions that run with an administrator's rights -------------------------------------------------------------


@pytest.mark.parametrize("login", ["hebei", "reader", "stranger"])
def test_the_trigger_that_deletes_a_sites_streams_serves_no_table_of_ones_own(
    realm: Realm, database: str, login: str
) -> None:
    before = realm.contents(database)
    with realm.connected(login, database) as connection:
        connection.execute("CREATE TEMP TABLE mine (uid text)")
        connection.execute("INSERT INTO mine VALUES (%s)", [realm.uids["SX-P"]])
        for kind in ("tailings_pond", "gangue_heap", "smelting_site"):
            with contextlib.suppress(InsufficientPrivilege):
                connection.execute(
                    f"CREATE TRIGGER {kind} AFTER DELETE ON mine REFERENCING OLD TABLE AS old_rows "
                    f"FOR EACH STATEMENT EXECUTE FUNCTION registry_follow_{kind}()"
                )
        connection.execute("DELETE FROM mine")
    assert realm.contents(database) == before


@pytest.mark.parametrize("login", ["hebei", "reader", "stranger"])
def test_the_trigger_that_writes_the_history_serves_no_table_of_ones_own(
    realm: Realm, database: str, login: str
) -> None:
    before = realm.contents(database)
    with realm.connected(login, database) as connection:
        connection.execute("CREATE TEMP TABLE mine (id integer, pond_uid text, level integer, decided_on date, "
                           "authority text, document text, note text)")  # fmt: skip
        with contextlib.suppress(InsufficientPrivilege):
            connection.execute(
                "CREATE TRIGGER mine AFTER INSERT ON mine REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT "
                "EXECUTE FUNCTION registry_log_supervision_decision()"
            )
        connection.execute("INSERT INTO mine VALUES (1, %s, 1, now(), '厅')", [realm.uids["SX-P"]])
    assert realm.contents(database) == before


def test_functions_that_are_called_directly_tell_and_change_nothing_more(realm: Realm) -> None:
    before = realm.contents()
    hostile = [None, "", "x" * 100_000, "'; DROP TABLE region; --", "%s", "$$", "\\"]
    with realm.connected("hebei") as connection:
        assert connection.execute("SELECT registry_my_provinces()").fetchall() == [("130000",)]
        for text in hostile:
            assert connection.execute("SELECT registry_province_of(%s::text)", [text]).fetchall() == [(None,)]
            asked = f"SELECT registry_region_at(%s::text, {HEBEI}, 'Infinity')"
            assert connection.execute(asked, [text]).fetchall() == [(None,)]
        for name in (
            "registry_locate",
            "registry_identity",
            "registry_log_tailings_pond",
            "registry_follow_gangue_heap",
        ):
            with pytest.raises((psycopg.errors.FeatureNotSupported, InsufficientPrivilege)):
                connection.execute(f"SELECT {name}()")
    assert realm.contents() == before


def test_a_login_without_a_role_learns_nothing_from_them(realm: Realm) -> None:
    with realm.connected("stranger") as connection, pytest.raises(InsufficientPrivilege):
        connection.execute("SELECT registry_province_of(%s)", [realm.uids["SX-P"]])


# -- one uid, two sites --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE waste_stream SET annual_t = 1 WHERE site_uid = '{H}'",
        "DELETE FROM waste_stream WHERE site_uid = '{S}'",
        "INSERT INTO waste_stream (site_uid, waste_code) VALUES ('{H}', 'SW99')",
        "UPDATE plant_intake SET gate_fee_yuan_per_t = 9999 WHERE plant_uid = '{U}'",
        "DELETE FROM inspection WHERE site_uid = '{U}'",
        "DELETE FROM tailings_pond WHERE uid IN ('{H}', '{S}', '{U}')",
    ],
)
def test_a_site_with_the_uid_of_another_ones_opens_nothing_of_it(realm: Realm, database: str, harm: str) -> None:
    belongings = ("waste_stream", "plant_intake", "inspection")
    before = realm.contents(database)
    with realm.connected("hebei", database) as connection:
        for code in ("SX-H", "SX-S", "SX-U"):
            with contextlib.suppress(InsufficientPrivilege, psycopg.errors.IntegrityError):
                connection.execute(
                    f"INSERT INTO tailings_pond (uid, name, geom) VALUES ('{realm.uids[code]}', 'x', {HEBEI})"
                )
        with contextlib.suppress(InsufficientPrivilege):
            connection.execute(harm.format(**{letter: realm.uids[f"SX-{letter}"] for letter in "HSU"}))
    after = realm.contents(database)
    assert [after[name] for name in belongings] == [before[name] for name in belongings]


def test_an_inspector_cannot_stand_in_the_way_of_another_ones_import(
    realm: Realm, database: str, tmp_path: Path
) -> None:
    ((given,),) = realm.execute("SELECT last_value FROM tailings_pond_id_seq", database=database)
    with realm.connected("hebei", database) as connection:
        for number in range(given, given + 20):
            # Whoever may not give an id, or not one that the server gives, does no harm.
            with contextlib.suppress(
                InsufficientPrivilege, psycopg.errors.GeneratedAlways, psycopg.errors.UniqueViolation
            ):
                made = f"INSERT INTO tailings_pond (id, uid, name, geom) VALUES ({number}, 'u{number}', 'x', {HEBEI})"
                connection.execute(made)
    with realm.opened("two_provinces", database) as reg:
        assert reg.import_file(table(tmp_path / "rows.csv", line("NEW-P", "115,35")), "tailings_pond").new == 1


# -- files ---------------------------------------------------------------------------------------------------------


def test_a_link_in_the_place_of_a_writers_note_costs_nobody_a_file(
    file_reg: registry.Registry, store_path: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "precious.txt"
    precious.write_text("mine")
    store_path.with_name(f"{store_path.name}-writer").symlink_to(precious)
    file_reg.import_file(table(tmp_path / "rows.csv", line("NEW-P", "105,35")), "tailings_pond")
    assert precious.read_text() == "mine"
