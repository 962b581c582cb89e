"""What cannot be is refused in one line that says what to do; nothing is left behind, and no password is told."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
from cluster import Cluster
from outcome import outcome

import registry
from registry import cli
from registry.errors import (
    BadParameterError,
    NotARegistryError,
    RegistryError,
    StoreError,
    StoreMissingError,
    StoreVersionError,
)
from registry.model.records import Batch, findings
from registry.model.vocabulary import Kind

COMMAND = Path(sys.executable).parent / "registry"
# It is in every address below, and in no message.
HIDDEN = "geheim-4711"
CLERK = "refusals_clerk"


@pytest.fixture(scope="module")
def server(cluster: Cluster, store_template: str) -> Cluster:
    """The server with a login that may read, a role that cannot log in, and a login that may do nothing."""
    for name, attributes in ((CLERK, "LOGIN"), ("refusals_group", "NOLOGIN"), ("refusals_guest", "LOGIN")):
        cluster.execute(f"CREATE ROLE {name} {attributes} PASSWORD '{HIDDEN}'")
    cluster.execute(f"GRANT registry_reader TO {CLERK}")
    assert store_template
    return cluster


@pytest.fixture
def database(server: Cluster) -> Iterator[str]:
    """A database with PostGIS and nothing else."""
    name = server.create_database()
    yield name
    server.drop_database(name)


def refused(url: str, *, create: bool = False) -> RegistryError:
    """What is said to whoever opens a store: one line, without the password, which the traceback does not tell either."""
    with pytest.raises(RegistryError) as caught:
        registry.open(url, create=create).close()
    error = caught.value
    said = str(error)
    assert len(said.splitlines()) == 1, said
    assert HIDDEN not in said
    assert HIDDEN not in "".join(traceback.format_exception(error)), "--debug shows this"
    assert error.exit_code in {2, 4}
    return error


def objects(server: Cluster, database: str) -> list[object]:
    """Names and owners of the tables and functions of a database."""
    return server.execute(
        "SELECT relname, relowner FROM pg_class WHERE relnamespace = 'public'::regnamespace UNION ALL "
        "SELECT proname, proowner FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1, 2",
        database=database,
    )


# -- addresses ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "scheme", ["mysql", "sqlite", "http", "file", "postgresql+psycopg2", "gpkg", "POSTGRES", "", " "]
)
def test_an_address_of_another_kind_is_refused_with_the_kinds_that_are_known(scheme: str) -> None:
    error = refused(f"{scheme}://clerk:{HIDDEN}@localhost/registry")
    assert isinstance(error, BadParameterError)
    assert ".gpkg" in str(error)
    assert "postgresql" in str(error)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://clerk:{}@localhost:nonsense/registry",
        "postgresql://clerk:{}@[::1/registry",
        "postgresql://clerk:{}@localhost:99999999/registry",
        "postgresql://clerk:{}@localhost/registry?no_such_option=1",
        "postgresql://clerk:{}@localhost/registry?sslmode=banana",
        "postgresql://clerk:{}@localhost/registry?port=x",
    ],
)
def test_an_address_that_makes_no_sense_is_wrong_usage(url: str) -> None:
    error = refused(url.format(HIDDEN))
    assert error.exit_code == 2
    assert "connection to the server was lost" not in str(error), "there never was one"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:/clerk:{}@localhost/registry",
        "//clerk:{}@localhost/registry",
        "clerk:{}@localhost/registry",
        "host=localhost user=clerk password={} dbname=registry",
    ],
)
def test_an_address_without_its_scheme_is_not_repeated_with_the_password(url: str) -> None:
    assert "postgresql+psycopg://" in str(refused(url.format(HIDDEN)))


@pytest.mark.parametrize("url", ["postgresql://", "postgresql:///", "postgresql+psycopg://clerk@/registry"])
def test_an_address_without_a_host_says_that_no_server_answers(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGHOST", str(tmp_path))  # the folder of a server's socket
    error = refused(url)
    assert error.exit_code == 2
    assert "no server answers" in str(error)


def test_a_password_with_an_at_sign_in_it_is_told_to_nobody(server: Cluster, store_template: str) -> None:
    error = refused(f"postgresql://{CLERK}:x@{HIDDEN}@{server.host}:{server.port}/{store_template}")
    assert error.exit_code in {2, 4}


def test_an_option_of_the_address_is_not_dropped_in_silence(server: Cluster, database: str) -> None:
    server.execute("CREATE SCHEMA mine", database=database)
    address = f"{server.url(database)}?options=-c%20search_path%3Dmine,public"
    opened, refusal = outcome(RegistryError, registry.open, address, create=True)
    if opened:
        opened.close()
    assert refusal is None or "options" in str(refusal)
    made = "SELECT schemaname FROM pg_tables WHERE tablename = 'tailings_pond' AND schemaname <> 'mine'"
    assert server.execute(made, database=database) == []


# -- servers, logins, databases -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """Where somebody wants to go, and what they are told."""

    says: str
    kind: type[RegistryError]
    also: str = ""
    user: str = CLERK
    password: str | None = HIDDEN
    host: str | None = None
    port: int | None = None
    database: str | None = None

    def url(self, server: Cluster, store: str) -> str:
        secret = "" if self.password is None else f":{self.password}"
        host, port = self.host or server.host, self.port or server.port
        return f"postgresql+psycopg://{self.user}{secret}@{host}:{port}/{self.database or store}"


CASES = {
    "wrong password": Case("wrong user or password", StoreError, password=f"not-{HIDDEN}", also="PGPASSWORD"),
    "no password": Case("asks for a password", StoreError, password=None, also="PGPASSWORD"),
    "unknown user": Case("wrong user or password", StoreError, user="refusals_nobody"),
    "role without LOGIN": Case("cannot log in", StoreError, user="refusals_group"),
    "unknown database": Case("no such database", StoreMissingError, database="refusals_nothing", also="Create it"),
    "no server on the port": Case("no server answers", StoreMissingError, port=1, also="port"),
    "unknown host": Case("host is not known", StoreMissingError, host="no-such-host.invalid", also="Correct it"),
    "login without a role": Case("may not do that", StoreError, user="refusals_guest", also="administrator"),
}


@pytest.mark.parametrize("create", [False, True], ids=["open", "init"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_whoever_cannot_get_in_is_told_why(server: Cluster, store_template: str, case: Case, *, create: bool) -> None:
    error = refused(case.url(server, store_template), create=create)
    assert type(error) is case.kind
    assert case.says in str(error)
    assert case.also in str(error)
    assert error.exit_code == (2 if case.kind is StoreMissingError else 4)


def test_a_server_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.store.postgis.server._CONNECT_TIMEOUT_S", 2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = refused(f"postgresql://clerk:{HIDDEN}@127.0.0.1:{silent.getsockname()[1]}/registry")
    assert "does not answer" in str(error)


@pytest.mark.parametrize("create", [False, True], ids=["open", "init"])
def test_a_database_without_postgis_says_what_its_owner_is_to_run(server: Cluster, *, create: bool) -> None:
    name = server.create_database(postgis=False)
    before = objects(server, name)
    error = refused(server.url(name), create=create)
    assert isinstance(error, NotARegistryError)
    assert "CREATE EXTENSION postgis" in str(error)
    assert objects(server, name) == before


def test_postgis_in_a_schema_that_is_not_looked_into_is_said_to_be_there(server: Cluster) -> None:
    name = server.create_database(postgis=False)
    server.execute("CREATE SCHEMA gis", database=name)
    server.execute("CREATE EXTENSION postgis SCHEMA gis", database=name)
    error = refused(server.url(name), create=True)
    assert isinstance(error, StoreError)
    assert "no such database" not in str(error)
    assert "PostGIS" in str(error)


def test_a_database_without_a_registry_says_how_to_make_one(server: Cluster, database: str) -> None:
    before = objects(server, database)
    error = refused(server.url(database))
    assert isinstance(error, NotARegistryError)
    assert "registry init" in str(error)
    assert objects(server, database) == before


@pytest.mark.parametrize(
    "name",
    ["region", "change", "source", "tailings_pond", "inspector_province", "registry_property", "registry_version"],
)
def test_a_table_of_one_of_our_names_is_left_to_its_owner(server: Cluster, database: str, name: str) -> None:
    server.execute(f"CREATE TABLE {name} (id integer, note text)", database=database)
    server.execute(f"INSERT INTO {name} VALUES (1, 'mine')", database=database)
    before = objects(server, database)
    error = refused(server.url(database), create=True)
    assert objects(server, database) == before
    assert server.execute(f"SELECT * FROM {name}", database=database) == [(1, "mine")]
    assert isinstance(error, StoreError), error
    assert name in str(error)


def test_a_table_of_a_like_name_that_fits_is_not_taken_over(server: Cluster, database: str) -> None:
    server.execute("CREATE TABLE inspector_province (login text, province_code text)", database=database)
    server.execute("INSERT INTO inspector_province VALUES ('public', '130000')", database=database)
    before = objects(server, database)
    assert "inspector_province" in str(refused(server.url(database), create=True))
    assert objects(server, database) == before


def test_a_login_that_may_not_create_tables_is_told_so(server: Cluster, database: str) -> None:
    before = objects(server, database)
    url = f"postgresql://{CLERK}:{HIDDEN}@{server.host}:{server.port}/{database}"
    error = refused(url, create=True)
    assert "permission denied for schema public" in str(error)
    assert "administrator" in str(error)
    assert objects(server, database) == before


@pytest.mark.parametrize("create", [False, True], ids=["open", "init"])
def test_a_newer_store_asks_for_a_newer_program(server: Cluster, store_template: str, *, create: bool) -> None:
    name = server.create_database(template=store_template)
    server.execute("UPDATE registry_version SET version_num = '0999'", database=name)
    error = refused(server.url(name), create=create)
    assert isinstance(error, StoreVersionError)
    assert "Update the program" in str(error)
    assert server.execute("SELECT version_num FROM registry_version", database=name) == [("0999",)]
    server.drop_database(name)


@pytest.mark.parametrize(
    "damage", ["DROP TABLE plant_intake CASCADE", "DELETE FROM registry_property", "DELETE FROM registry_version"]
)
def test_a_damaged_store_is_said_to_be_damaged(server: Cluster, store_template: str, damage: str) -> None:
    name = server.create_database(template=store_template)
    server.execute(damage, database=name)
    with pytest.raises(StoreError) as caught, registry.open(server.url(name)) as reg:
        reg.plants()
    said = str(caught.value)
    assert len(said.splitlines()) == 1
    assert "no such database" not in said
    assert "None" not in said
    server.drop_database(name)


# -- passwords ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["{user}:{secret}@{host}/{store}", "{user}@{host}/{store}?password={secret}",
                                     "{host}/{store}?user={user}&password={secret}"])  # fmt: skip
def test_an_open_store_does_not_tell_its_password(server: Cluster, store_template: str, address: str) -> None:
    host = f"{server.host}:{server.port}"
    url = "postgresql://" + address.format(user=CLERK, secret=HIDDEN, host=host, store=store_template)
    with registry.open(url) as reg:
        for told in (reg.store.place, repr(reg), repr(reg.store), repr(reg.store.address), repr(reg.store.engine)):
            assert HIDDEN not in told
        with pytest.raises(StoreError) as caught:
            reg.load_regions(level="province")
    assert HIDDEN not in "".join(traceback.format_exception(caught.value))
    refused(url.replace(HIDDEN, f"not-{HIDDEN}"))


def test_a_password_in_the_environment_serves_as_well(
    server: Cluster, store_template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", HIDDEN)
    with registry.open(f"postgresql://{CLERK}@{server.host}:{server.port}/{store_template}") as reg:
        assert reg.store.place == f"postgresql+psycopg://{CLERK}@{server.host}:{server.port}/{store_template}"
    monkeypatch.setenv("PGPASSWORD", f"not-{HIDDEN}")
    refused(f"postgresql://{CLERK}@{server.host}:{server.port}/{store_template}")


# -- what is said of rows -----------------------------------------------------------------------------------------


def test_a_level_that_is_none_is_named_when_no_file_is_given(reg: registry.Registry) -> None:
    with pytest.raises(RegistryError, match="province, city, county"):
        reg.load_regions(level="planet")


@pytest.mark.parametrize("moment", ["0001-01-01", "9999-12-31T23:59:59-23:59", "9999-12-31"])
def test_a_moment_at_the_end_of_the_calendar_is_one_or_is_refused(reg: registry.Registry, moment: str) -> None:
    _, refusal = outcome(RegistryError, reg.sites, as_of=moment)
    assert refusal is None or moment in str(refusal)


@pytest.mark.parametrize(
    "word", ["connection refused", "password authentication failed", "it does not exist", "is locked"]
)
def test_what_stands_in_a_refused_row_does_not_pass_for_the_reason(reg: registry.Registry, word: str) -> None:
    row = pd.DataFrame({"row": [2], "name": [word], "status": ["lost"], "lon": [105.0], "lat": [35.0]})
    batch = Batch(Kind.TAILINGS_POND, row, findings(), findings(), 1, "made.csv", "0" * 64)
    with pytest.raises(RegistryError, match="refused a row") as caught:
        reg.import_batch(batch)
    assert "ck_tailings_pond_status_code" in str(caught.value)


# -- commands -----------------------------------------------------------------------------------------------------


def test_a_command_says_it_in_one_line_with_its_exit_code(
    server: Cluster, store_template: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for case in CASES.values():
        for command in ("sites", "init", "doctor"):
            monkeypatch.setattr(sys, "argv", ["registry", "--store", case.url(server, store_template), command])
            with pytest.raises(SystemExit) as ended:
                cli.main()
            said = capsys.readouterr()
            assert (ended.value.code, said.out) == (2 if case.kind is StoreMissingError else 4, "")
            assert len(said.err.splitlines()) == 1
            assert case.says in said.err
            assert HIDDEN not in said.err


def test_what_debug_shows_holds_no_password(server: Cluster, store_template: str, tmp_path: Path) -> None:
    url = CASES["wrong password"].url(server, store_template)
    done = subprocess.run(
        [COMMAND, "--debug", "sites"], cwd=tmp_path, env={**os.environ, "REGISTRY_STORE": url},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" in done.stderr
    assert "wrong user or password" in done.stderr
    assert HIDDEN not in done.stderr
    assert done.returncode != 0
