"""What fails in the middle of an import – connection, server, disk, the import itself – leaves the store as it was."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from cluster import Cluster
from importers import (
    MOMENTS,
    PATIENCE_S,
    blocked,
    contents,
    database,
    ended_with_one_line,
    eventually,
    gate,
    importing,
    says,
    table,
)
from proxy import Proxy

import registry
from registry.errors import StoreBusyError, StoreError
from registry.store.health import problems

LONG_NAME = "库" * 1000
ROWS = 5_000
# What a client asks first (PostgreSQL documentation, "Message Formats").
SSL_REQUEST = (80877103).to_bytes(4)
LOST = "connection to the server was lost. Nothing was stored; try again"


def terminate(cluster: Cluster, pid: int) -> None:
    cluster.execute("SELECT pg_terminate_backend(%s)", pid)


def kill(cluster: Cluster, pid: int) -> None:
    """End a server's process as a lack of memory does; the server then starts all of them anew."""
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not Path(f"/proc/{pid}").exists(), "the process is gone")
    accepts_again(cluster)


def accepts_again(cluster: Cluster) -> None:
    def answers() -> bool:
        with contextlib.suppress(psycopg.OperationalError):
            return cluster.execute("SELECT 1") == [(1,)]
        return False

    eventually(answers, "the server accepts connections")


def begun(store: object, folder: Path, rows: int = ROWS) -> tuple[Path, dict[str, list[object]]]:
    """Put something into a store; a table to be imported that has it anew and much more, and what the store holds."""
    with registry.open(str(store)) as reg:
        reg.import_file(table(folder / "first.csv", range(20)), "tailings_pond")
    name = LONG_NAME if rows == ROWS else "新库"
    return table(folder / "large.csv", range(rows), name=name), contents(store)


def check_a_retry(store: object, large: Path, rows: int = ROWS) -> None:
    with importing(store, large) as process:
        out, err = process.communicate(timeout=PATIENCE_S)
    assert out.splitlines()[0] == f"read {rows}, new {rows - 20}, changed 20, unchanged 0, rejected 0", err
    with registry.open(str(store)) as reg:
        assert problems(reg.store) == []


@pytest.mark.parametrize(
    ("fault", "moment", "rows"),
    [
        (terminate, "before it writes", ROWS),
        (terminate, "in the stream of rows", ROWS),
        (kill, "in the stream of rows", ROWS),
        (kill, "when it has written", 60_000),  # so many take another way: triggers off, indexes built anew
    ],
)
def test_an_import_whose_server_process_ends_says_so_and_a_retry_works(
    cluster: Cluster, postgis_url: str, tmp_path: Path, fault: Callable[[Cluster, int], None], moment: str, rows: int
) -> None:
    large, before = begun(postgis_url, tmp_path, rows)
    with gate(cluster, postgis_url, moment), importing(postgis_url, large) as process:
        (pid,) = blocked(cluster, postgis_url)
        fault(cluster, pid)
        assert LOST in ended_with_one_line(process, code=4)
    assert contents(postgis_url) == before
    check_a_retry(postgis_url, large, rows)


@pytest.mark.parametrize("moment", ["in the stream of rows", "when it has written"])
def test_an_import_whose_line_is_cut_says_so_and_a_retry_works(
    cluster: Cluster, postgis_url: str, tmp_path: Path, moment: str
) -> None:
    large, before = begun(postgis_url, tmp_path)
    with Proxy(postgis_url) as proxy, gate(cluster, postgis_url, moment), importing(proxy.url, large) as process:
        blocked(cluster, postgis_url)
        proxy.cut()
        assert LOST in ended_with_one_line(process, code=4)
    eventually(lambda: not cluster.backend_pids(database(postgis_url)), "the server has noticed too")
    assert contents(postgis_url) == before
    check_a_retry(postgis_url, large)


def test_an_open_registry_imports_after_each_kind_of_loss(cluster: Cluster, postgis_url: str, tmp_path: Path) -> None:
    large, before = begun(postgis_url, tmp_path)
    with Proxy(postgis_url) as proxy, registry.open(proxy.url) as reg, ThreadPoolExecutor() as threads:
        for loss in (lambda pid: terminate(cluster, pid), lambda pid: kill(cluster, pid), lambda _: proxy.cut()):
            with gate(cluster, postgis_url, "when it has written"):
                done = threads.submit(reg.import_file, large, "tailings_pond")
                loss(*blocked(cluster, postgis_url))
                assert isinstance(done.exception(PATIENCE_S), StoreError)
                assert LOST in str(done.exception())
            eventually(lambda: not cluster.backend_pids(database(postgis_url)), "the server has noticed too")
            assert contents(postgis_url) == before
        assert reg.import_file(large, "tailings_pond").new == ROWS - 20
        assert problems(reg.store) == []


def test_an_import_whose_server_is_killed_works_when_the_server_is_back(tmp_path: Path) -> None:
    own = Cluster.start()
    try:
        url = own.url(own.create_database())
        registry.open(url, create=True).close()
        large, before = begun(url, tmp_path)
        with registry.open(url) as reg, ThreadPoolExecutor() as threads:
            with gate(own, url, "before it writes"), importing(url, large) as process:
                # The slower to start comes first: a writer does not wait for the lock for ever.
                blocked(own, url)
                done = threads.submit(reg.import_file, large, "tailings_pond")
                blocked(own, url, 2)
                os.kill(own.postmaster_pid, signal.SIGKILL)
                assert LOST in ended_with_one_line(process, code=4)
                assert LOST in str(done.exception(PATIENCE_S))
            own.restart()
            assert contents(url) == before
            assert reg.import_file(large, "tailings_pond").new == ROWS - 20
            assert problems(reg.store) == []
    finally:
        own.stop()


def test_a_line_that_falls_while_the_import_is_confirmed_does_not_claim_that_nothing_was_stored(
    postgis_url: str, tmp_path: Path
) -> None:
    path = table(tmp_path / "table.csv", range(20))
    with Proxy(postgis_url, b"UPDATE import_run", b"COMMIT") as proxy, importing(proxy.url, path) as process:
        said = ended_with_one_line(process, code=4)
    with registry.open(postgis_url) as reg:
        assert len(reg.sites()) == 20
        assert "Nothing was stored" not in said
        assert "try again" in said
        assert reg.import_file(path, "tailings_pond").unchanged == 20


@pytest.mark.parametrize("moment", ["in the stream of rows", "when it has written"])
def test_a_killed_import_into_a_server_leaves_neither_rows_nor_locks(
    cluster: Cluster, postgis_url: str, tmp_path: Path, moment: str
) -> None:
    large, before = begun(postgis_url, tmp_path)
    with gate(cluster, postgis_url, moment), importing(postgis_url, large) as process:
        blocked(cluster, postgis_url)
        process.kill()
        process.wait(PATIENCE_S)
    eventually(lambda: not cluster.backend_pids(database(postgis_url)), "the server has noticed too")
    held = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE datname = %s"
    assert cluster.execute(held, database(postgis_url)) == [(0,)]
    assert contents(postgis_url) == before
    check_a_retry(postgis_url, large)


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_interrupted_import_into_a_server_says_so_and_stores_nothing(
    cluster: Cluster, postgis_url: str, tmp_path: Path, moment: str
) -> None:
    large, before = begun(postgis_url, tmp_path)
    with gate(cluster, postgis_url, moment), importing(postgis_url, large) as process:
        blocked(cluster, postgis_url)
        process.send_signal(signal.SIGINT)
        assert "interrupted" in ended_with_one_line(process, code=130)
    eventually(lambda: not cluster.backend_pids(database(postgis_url)), "the server has noticed too")
    assert contents(postgis_url) == before


def test_an_interrupted_import_into_a_file_says_so_and_stores_nothing(store_path: Path, tmp_path: Path) -> None:
    registry.open(store_path, create=True).close()
    large, before = begun(store_path, tmp_path)
    with importing(store_path, large, paused=True) as process:
        says(process, "written")
        process.send_signal(signal.SIGINT)
        assert "interrupted" in ended_with_one_line(process, code=130)
    assert contents(store_path) == before
    check_a_retry(store_path, large)


def test_an_import_that_is_interrupted_while_it_commits_says_what_became_of_it(
    store_path: Path, tmp_path: Path
) -> None:
    registry.open(store_path, create=True).close()
    large, before = begun(store_path, tmp_path, 60_000)
    journal = store_path.with_name(f"{store_path.name}-wal")
    with importing(store_path, large) as process:
        eventually(lambda: journal.exists() and journal.stat().st_size > 1_000_000, "the import writes to the disk")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=PATIENCE_S)
    if contents(store_path) == before:
        assert (process.returncode, "interrupted" in err) == (130, True), err
        check_a_retry(store_path, large, 60_000)
    else:
        assert (process.returncode, "new 59980, changed 20" in out) == (0, True), err


@pytest.mark.parametrize(
    "said",
    [
        "the database system is starting up",
        "the database system is in recovery mode",
        "the database system is not yet accepting connections",
        "the database system is shutting down",
    ],
)
def test_a_server_that_is_on_its_way_is_to_be_tried_again(said: str) -> None:
    fields = f"SFATAL\0VFATAL\0C57P03\0M{said}\0\0".encode()
    answer = b"E" + (len(fields) + 4).to_bytes(4) + fields

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    # Its first word is whether we speak TLS.
                    if client.recv(8)[4:] == SSL_REQUEST:
                        client.sendall(b"N")
                        client.recv(1024)
                    client.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        port = listener.getsockname()[1]
        with pytest.raises(StoreBusyError, match=r"[Tt]ry again") as refused:
            registry.open(f"postgresql+psycopg://postgres@127.0.0.1:{port}/sites")
        assert refused.value.exit_code == 4
        listener.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def small_disk(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of so many megabytes."""
    if os.geteuid():
        pytest.skip("needs root, to mount a small disk")
    folder = Path(tempfile.mkdtemp(prefix="small-disk-", dir="/tmp"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={request.param}m", "tmpfs", folder],
        capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"},
    )  # fmt: skip
    try:
        if mounted.returncode:
            forbidden = any(word in mounted.stderr for word in ("permission denied", "not permitted", "superuser"))
            if os.environ.get("CI") and not forbidden:
                pytest.fail(f"a small disk cannot be mounted: {mounted.stderr}")
            pytest.skip(f"needs to mount a small disk: {mounted.stderr.strip()}")
        yield folder
    finally:
        if not mounted.returncode:
            # The server may still be closing files that are deleted.
            eventually(lambda: not subprocess.run(["umount", folder], check=False).returncode, "the disk is unmounted")
        folder.rmdir()


@pytest.mark.parametrize("small_disk", [16], indirect=True)
def test_a_file_on_a_full_disk_takes_nothing_of_an_import_and_then_a_smaller_one(
    small_disk: Path, tmp_path: Path
) -> None:
    store = small_disk / "store.gpkg"
    registry.open(store, create=True).close()
    large, before = begun(store, tmp_path, 60_000)
    with importing(store, large) as process:
        assert "the disk is full. Nothing was stored" in ended_with_one_line(process, code=4)
    assert contents(store) == before
    with registry.open(store) as reg:
        assert problems(reg.store) == []
        assert reg.import_file(table(tmp_path / "small.csv", range(2000)), "tailings_pond").new == 1980
        assert problems(reg.store) == []
        west = reg.sites(bbox=(104, 34, 106, 37))
        assert len(west) == sum(i % 1000 <= 100 for i in range(2000))
        assert len(reg.history("K-1999")) == 2


@pytest.mark.parametrize("small_disk", [16], indirect=True)
def test_a_disk_without_a_byte_left_is_named_in_one_line(small_disk: Path, tmp_path: Path) -> None:
    store = small_disk / "store.gpkg"
    registry.open(store, create=True).close()
    small, before = begun(store, tmp_path, 100)
    with contextlib.closing(sqlite3.connect(store)) as other:
        # One who reads keeps the files beside the store, so that a writer gets as far as writing.
        other.execute("SELECT count(*) FROM change").fetchall()
        with (small_disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while ballast.write(bytes(4096)):
                pass
        with importing(store, small) as process:
            assert "the disk is full. Nothing was stored" in ended_with_one_line(process, code=4)
    (small_disk / "ballast").unlink()
    assert contents(store) == before
    check_a_retry(store, small, 100)


@pytest.mark.parametrize("small_disk", [64], indirect=True)
def test_a_server_with_a_full_disk_takes_nothing_of_an_import_and_then_a_smaller_one(
    cluster: Cluster, store_template: str, small_disk: Path, tmp_path: Path
) -> None:
    owner = cluster.folder.stat()
    os.chown(small_disk, owner.st_uid, owner.st_gid)
    cluster.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
    name = "on_small_disk"
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE {store_template} TABLESPACE small")
    cluster.execute("UPDATE layer_styles SET f_table_catalog = current_database()", database=name)
    url = cluster.url(name)
    try:
        large, before = begun(url, tmp_path, 200_000)
        with importing(url, large) as process:
            assert "the server's disk is full. Nothing was stored" in ended_with_one_line(process, code=4)
        assert contents(url) == before
        with registry.open(url) as reg:
            assert problems(reg.store) == []
            small = table(tmp_path / "small.csv", range(2000))
            assert reg.import_file(small, "tailings_pond").new == 1980
            assert problems(reg.store) == []
    finally:
        cluster.drop_database(name)
        cluster.execute("DROP TABLESPACE small")
