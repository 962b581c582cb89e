"""What an inspector, a reader or a stranger tries with SQL of their own against a store on a server."""

from __future__ import annotations

import contextlib

import psycopg
import pytest
from outcome import outcome
from psycopg.errors import InsufficientPrivilege, WrongObjectType
from realm import HEBEI, LETTERS, NOWHERE, SHANXI, Realm

# Each is run for a site of another province, where it must not do anything, and for one of the inspector's own.
ROW_BY_ROW = [
    "UPDATE tailings_pond SET name = 'x' WHERE uid = '{P}'",
    "UPDATE gangue_heap SET name = 'x' WHERE uid = '{H}'",
    "UPDATE smelting_site SET name = 'x' WHERE uid = '{S}'",
    "UPDATE utilization_plant SET name = 'x' WHERE uid = '{U}'",
    "UPDATE tailings_pond SET province_code = '130000', name = 'x' WHERE uid = '{P}'",
    "UPDATE tailings_pond SET geom = {hebei}, province_code = '130000' WHERE uid = '{P}'",
    "DELETE FROM tailings_pond WHERE uid = '{P}'",
    "DELETE FROM gangue_heap WHERE uid = '{H}'",
    "DELETE FROM utilization_plant WHERE uid = '{U}'",
    "SELECT FROM tailings_pond WHERE uid = '{P}' FOR UPDATE",
    "INSERT INTO tailings_pond (uid, name, geom) VALUES ('new', 'x', {place})",
    "INSERT INTO gangue_heap (uid, name, geom, province_code) VALUES ('new', 'x', {place}, '130000')",
    "INSERT INTO tailings_pond (uid, name, geom) VALUES ('{P}', 'x', {hebei}) ON CONFLICT (uid) DO UPDATE SET name = 'x'",
    "MERGE INTO tailings_pond t USING (SELECT '{P}' AS uid) s ON t.uid = s.uid WHEN MATCHED THEN DELETE",
    "WITH moved AS (UPDATE waste_stream SET stock_t = 7 WHERE site_uid = '{S}' RETURNING id) SELECT FROM moved",
    "UPDATE tailings_pond SET geom = {place} WHERE code = 'HB-P'",
    "UPDATE tailings_pond SET geom = {place}, province_code = '130000' WHERE code = 'HB-P'",
    "INSERT INTO waste_stream (site_uid, waste_code) VALUES ('{P}', 'SW99')",
    "UPDATE waste_stream SET annual_t = 1 WHERE site_uid = '{H}'",
    "DELETE FROM waste_stream WHERE site_uid = '{S}'",
    "UPDATE waste_stream SET site_uid = '{P}', waste_code = 'SW99' WHERE site_uid = (SELECT uid FROM gangue_heap WHERE code = 'HB-H')",
    "INSERT INTO plant_intake (plant_uid, waste_code) VALUES ('{U}', 'SW99')",
    "UPDATE plant_intake SET gate_fee_yuan_per_t = 1 WHERE plant_uid = '{U}'",
    "DELETE FROM plant_intake WHERE plant_uid = '{U}'",
    "INSERT INTO supervision_decision (pond_uid, level, decided_on, authority) VALUES ('{P}', 3, '2026-02-01', 'x')",
    "UPDATE supervision_decision SET level = 3 WHERE pond_uid = '{P}'",
    "DELETE FROM supervision_decision WHERE pond_uid = '{P}'",
    "INSERT INTO inspection (site_uid, inspected_on) VALUES ('{H}', '2026-02-01')",
    "UPDATE inspection SET finding = 'x' WHERE site_uid = '{U}'",
    "DELETE FROM inspection WHERE site_uid = '{P}'",
]


def of(realm: Realm, statement: str, province: str, place: str) -> str:
    """A statement for the sites of a province."""
    uids = {letter: realm.uids[f"{province}-{letter}"] for letter in LETTERS.values()}
    return statement.format(**uids, place=place, hebei=HEBEI)


@pytest.mark.parametrize("statement", ROW_BY_ROW)
def test_an_inspector_changes_rows_of_the_own_province_and_no_others(realm: Realm, statement: str) -> None:
    before = realm.contents()
    for login in ("hebei", "clerk"):
        with realm.connected(login) as connection:
            for province, place in (("SX", SHANXI), ("NM", NOWHERE)):
                asked = of(realm, statement, province, place)
                done, refusal = outcome(InsufficientPrivilege, connection.execute, asked)
                assert "row-level security" in str(refusal) if refusal else done.rowcount == 0, province
            with connection.transaction(force_rollback=True):
                assert connection.execute(of(realm, statement, "HB", HEBEI)).rowcount >= 1
    assert realm.contents() == before
    with realm.connected("reader") as connection, pytest.raises(InsufficientPrivilege):
        connection.execute(of(realm, statement, "HB", HEBEI))


@pytest.mark.parametrize(
    "geom", ["'POINT EMPTY'", "ST_Point('NaN', 35)", "ST_Point(1e300, 35)", "ST_Point('Infinity', 35)", "ST_Point(-180, 90)", "NULL"]
)  # fmt: skip
def test_a_place_that_is_none_lies_in_no_inspectors_province(realm: Realm, geom: str) -> None:
    before = realm.contents()
    place = f"ST_SetSRID({geom}::geometry, 4490)"
    with realm.connected("hebei") as connection, pytest.raises(psycopg.Error):
        connection.execute(f"UPDATE tailings_pond SET geom = {place}, province_code = '130000' WHERE code = 'HB-P'")
    assert realm.contents() == before


# What nobody but an administrator may do, whatever the row.
GUARDED = [
    "INSERT INTO change (at, table_name, uid, action) VALUES (now(), 'tailings_pond', 'x', 'insert')",
    "UPDATE change SET by = 'somebody else'",
    "DELETE FROM change",
    "TRUNCATE change",
    "SELECT setval('change_id_seq', 1000000)",
    "INSERT INTO registry_property VALUES ('x', 'x')",
    "UPDATE registry_property SET value = 'EPSG:4326'",
    "DELETE FROM registry_property",
    "INSERT INTO region (code, level, name, area_km2, geom) SELECT 'X', level, name, area_km2, geom FROM region LIMIT 1",
    "UPDATE region SET code = '999999' WHERE code = '140000'",
    "DELETE FROM region",
    "INSERT INTO inspector_province VALUES (session_user, '140000')",
    "UPDATE inspector_province SET province_code = '140000' WHERE login = 'hebei'",
    "DELETE FROM inspector_province",
    "UPDATE registry_version SET version_num = '0999'",
    "DELETE FROM registry_version",
    "DELETE FROM import_run WHERE id NOT IN (SELECT import_run_id FROM change)",
    "DELETE FROM source WHERE false",
    "TRUNCATE tailings_pond CASCADE",
    "TRUNCATE waste_stream",
    "ALTER TABLE tailings_pond DISABLE TRIGGER ALL",
    "ALTER TABLE tailings_pond DISABLE TRIGGER registry_locate",
    "ALTER TABLE tailings_pond DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE tailings_pond ADD COLUMN mine text",
    "DROP POLICY registry_update ON tailings_pond",
    "CREATE POLICY mine ON tailings_pond USING (true)",
    "DROP TRIGGER registry_log_update ON tailings_pond",
    "CREATE TRIGGER mine BEFORE UPDATE ON tailings_pond FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
    "CREATE RULE mine AS ON UPDATE TO tailings_pond DO INSTEAD NOTHING",
    "DROP TABLE inspection",
    "DROP INDEX ix_change_uid",
    "DROP FUNCTION registry_locate() CASCADE",
    "CREATE OR REPLACE FUNCTION registry_my_provinces() RETURNS SETOF text LANGUAGE sql AS $$ SELECT '140000' $$",
    "ALTER FUNCTION registry_my_provinces() SECURITY INVOKER",
    "CREATE FUNCTION public.st_covers(geometry, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
    "CREATE TABLE public.mine (x integer)",
    "CREATE SCHEMA mine",
    "ALTER SEQUENCE tailings_pond_id_seq RESTART",
    "SELECT setval('tailings_pond_id_seq', nextval('tailings_pond_id_seq'))",
    "ALTER ROLE registry_inspector SUPERUSER",
    "GRANT registry_admin TO hebei",
    "GRANT UPDATE ON inspector_province TO registry_reader",
    "SET ROLE registry_admin",
    "SET SESSION AUTHORIZATION postgres",
    "SET session_replication_role = replica",
    "REASSIGN OWNED BY registry_admin TO registry_reader",
    "ALTER DEFAULT PRIVILEGES FOR ROLE registry_admin GRANT ALL ON TABLES TO registry_reader",
    "DO $$ BEGIN LOCK TABLE change, region IN ACCESS EXCLUSIVE MODE; END $$",
    "COPY tailings_pond TO PROGRAM 'cat'",
    "SELECT pg_read_file('postgresql.conf')",
]


@pytest.mark.parametrize("statement", GUARDED)
def test_only_an_administrator_does_this(realm: Realm, statement: str) -> None:
    before = realm.contents()
    for login in ("hebei", "two_provinces", "reader"):
        with realm.connected(login) as connection, pytest.raises((InsufficientPrivilege, WrongObjectType)):
            connection.execute(statement)
    with realm.connected("postgres") as connection, connection.transaction(force_rollback=True):
        connection.execute(statement)
    assert realm.contents() == before


@pytest.mark.parametrize(
    "what", ["tailings_pond", "waste_stream", "change", "import_run", "region", "inspector_province"]
)
def test_copy_goes_round_no_policy(realm: Realm, what: str) -> None:
    before = realm.contents()
    with realm.connected("hebei") as connection, connection.cursor() as cursor:
        copying = cursor.copy(f"COPY {what} FROM STDIN")
        with pytest.raises((InsufficientPrivilege, psycopg.errors.FeatureNotSupported)):
            copying.__enter__()
    assert realm.contents() == before


# What a session can prepare for itself; "desk" is a schema that belongs to the login.
TRICKS = {
    "setting": ["SELECT set_config('registry.located', 'on', false), set_config('registry.user', 'postgres', false)"],
    "row_security": ["SET row_security = off"],
    "role": ["SET ROLE registry_inspector"],
    "regions": ["CREATE TEMP TABLE region AS SELECT * FROM public.region", "UPDATE pg_temp.region SET code = '130000'"],
    "provinces": [
        "CREATE TEMP TABLE inspector_province AS SELECT session_user::text AS login, '140000'::text AS province_code",
        "CREATE TEMP VIEW pg_roles AS SELECT rolname, oid FROM pg_catalog.pg_roles",
    ],
    "functions": [
        "CREATE FUNCTION pg_temp.registry_my_provinces() RETURNS SETOF text LANGUAGE sql AS $$ SELECT '140000' $$",
        "CREATE FUNCTION pg_temp.registry_region_at(text, geometry) RETURNS text LANGUAGE sql AS $$ SELECT '130000' $$",
        "CREATE FUNCTION pg_temp.st_covers(geometry, geometry) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        "SET search_path = pg_temp, public",
    ],
    "schema": [
        "CREATE TABLE desk.region AS SELECT * FROM public.region",
        "UPDATE desk.region SET code = '130000'",
        "CREATE TABLE desk.inspector_province AS SELECT session_user::text AS login, '140000'::text AS province_code",
        "CREATE FUNCTION desk.registry_my_provinces() RETURNS SETOF text LANGUAGE sql AS $$ SELECT '140000' $$",
        "CREATE FUNCTION desk.registry_province_of(text) RETURNS text LANGUAGE sql AS $$ SELECT '130000' $$",
        "CREATE FUNCTION desk.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        "CREATE FUNCTION desk.st_covers(geometry, geometry) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$",
        "CREATE FUNCTION desk.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'on' $$",
        "SET search_path = desk, pg_catalog, public",
    ],
}  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS)
def test_what_a_session_prepares_for_itself_opens_no_other_province(realm: Realm, database: str, trick: str) -> None:
    realm.execute("CREATE SCHEMA desk AUTHORIZATION hebei", database=database)
    before = realm.contents(database)
    with realm.connected("hebei", database) as connection:
        for statement in TRICKS[trick]:
            connection.execute(statement)
        for statement in ROW_BY_ROW:
            with contextlib.suppress(InsufficientPrivilege):
                assert connection.execute(of(realm, statement, "SX", SHANXI)).rowcount == 0, statement
    assert realm.contents(database) == before
