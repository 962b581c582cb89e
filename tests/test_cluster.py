"""What the other tests rely on in the PostGIS that they start."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cluster as cluster_module
import psycopg
import pytest
import sqlalchemy as sa
from cluster import Cluster, MissingPostgisError

# A test run that waits to be killed.
RUN = """
import time
from cluster import Cluster
running = Cluster.start()
print(running.postmaster_pid, running.folder, running.port, running.password, flush=True)
time.sleep(600)
"""


def becomes_true(condition: Callable[[], bool], *, within_s: float = 20) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def has_ended(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def rows(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def test_a_new_database_has_postgis(cluster: Cluster) -> None:
    url = cluster.url(cluster.create_database())
    assert rows(url, "SELECT ST_AsText(ST_Point(114.5, 38.0))") == [("POINT(114.5 38)",)]


def test_a_database_without_postgis_is_to_be_had(cluster: Cluster) -> None:
    bare = cluster.create_database(postgis=False)
    assert cluster.execute("SELECT 1 FROM pg_extension WHERE extname = 'postgis'", database=bare) == []


def test_databases_are_separate(cluster: Cluster) -> None:
    one, other = cluster.create_database(), cluster.create_database()
    cluster.execute("CREATE TABLE ponds (name text)", database=one)
    assert cluster.execute("SELECT to_regclass('ponds')", database=other) == [(None,)]


def test_a_copy_has_what_its_template_has(cluster: Cluster) -> None:
    template = cluster.create_database()
    cluster.execute("CREATE TABLE ponds (name text)", database=template)
    cluster.execute("INSERT INTO ponds VALUES (%s)", "尾矿库", database=template)
    copy = cluster.create_database(template=template)
    assert cluster.execute("SELECT name FROM ponds", database=copy) == [("尾矿库",)]


def test_a_database_is_dropped_though_someone_is_connected(cluster: Cluster) -> None:
    name = cluster.create_database()
    engine = sa.create_engine(cluster.url(name), poolclass=sa.NullPool)
    with engine.connect() as connection:
        (pid,) = connection.execute(sa.text("SELECT pg_backend_pid()")).one()
        assert cluster.backend_pids(name) == [pid]
        cluster.drop_database(name)
        with pytest.raises(sa.exc.OperationalError):
            connection.execute(sa.text("SELECT 1"))


def test_a_wrong_password_is_refused(cluster: Cluster) -> None:
    with pytest.raises(sa.exc.OperationalError, match="password authentication failed"):
        rows(cluster.url("postgres", "postgres", "wrong"), "SELECT 1")


def test_a_role_signs_in_with_its_own_password(cluster: Cluster) -> None:
    name = cluster.create_database()
    cluster.execute("CREATE ROLE \"reader @县\" LOGIN PASSWORD 'p@ss:w/rd %25 密'")
    assert rows(cluster.url(name, "reader @县", "p@ss:w/rd %25 密"), "SELECT current_user") == [("reader @县",)]


def test_what_was_committed_outlives_a_killed_server() -> None:
    running = Cluster.start()
    try:
        name, port = running.create_database(), running.port
        running.execute("CREATE TABLE ponds (number integer)", database=name)
        with psycopg.connect(running.url(name).replace("+psycopg", "")) as connection:
            for number in range(20):
                connection.execute("INSERT INTO ponds VALUES (%s)", (number,))
                connection.commit()
            os.kill(running.postmaster_pid, signal.SIGKILL)
        running.restart()
        assert running.port == port
        assert running.execute("SELECT count(*) FROM ponds", database=name) == [(20,)]
    finally:
        running.stop()


def test_a_stopped_cluster_leaves_neither_process_nor_folder() -> None:
    running = Cluster.start()
    pid = running.postmaster_pid
    with psycopg.connect(running.url("postgres").replace("+psycopg", "")):
        running.stop()
    assert has_ended(pid)
    assert not running.folder.exists()


def test_a_cluster_that_was_killed_is_cleared_away_too() -> None:
    running = Cluster.start()
    os.kill(running.postmaster_pid, signal.SIGKILL)
    running.stop()
    assert not running.folder.exists()


def test_a_killed_test_run_leaves_no_server() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", RUN], stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parent
    ) as run:
        assert run.stdout
        pid, folder, port, password = run.stdout.readline().split()
        with psycopg.connect(host="127.0.0.1", port=port, user="postgres", password=password):
            assert not has_ended(int(pid))
            run.kill()
            assert becomes_true(lambda: has_ended(int(pid)))
    assert becomes_true(lambda: not Path(folder).exists())


def test_a_machine_without_postgis_is_told_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(cluster_module, "DEBIAN_SERVERS", tmp_path)
    with pytest.raises(MissingPostgisError, match="apt-get install postgresql"):
        Cluster.start()
