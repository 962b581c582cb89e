"""Imports that run in processes of their own, and the means to stop one at a known moment."""

from __future__ import annotations

import contextlib
import os
import select
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import psycopg
from cluster import Cluster
from psycopg import sql

COMMAND = Path(sys.executable).parent / "registry"
# Long enough for a machine that does other work, short enough not to hang a test run.
PATIENCE_S = 90.0

# The command, stopped when everything is written and nothing is committed, until it is told to go on.
PAUSED = """
import sys
from registry.store import runs
finish = runs.finish
def finish_and_wait(*arguments):
    finish(*arguments)
    print("written", flush=True)
    sys.stdin.readline()
runs.finish = finish_and_wait
from registry.cli import main
main()
"""


# What a session of the tests holds, so that an import stops at a known moment until the session lets go.
MOMENTS = {
    "before it writes": "LOCK TABLE waste_stream IN ROW EXCLUSIVE MODE",
    "in the stream of rows": "SELECT pg_advisory_xact_lock(1)",
    "when it has written": "LOCK TABLE change IN SHARE MODE",
}
# A row in the middle of the stream waits; behind it stands more than the buffers of a connection hold.
ROW_GATE = """
CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
CREATE TRIGGER gate BEFORE INSERT ON tailings_pond FOR EACH ROW WHEN (NEW.code = 'K-500') EXECUTE FUNCTION gate()
"""


def eventually(condition: Callable[[], Any], what: str) -> Any:
    """What the condition gives as soon as it is true of something; a failure that says what it waited for."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)
    return found


def table(path: Path, numbers: Iterable[int], *, name: str = "库", tonnes: int = 1, plants: bool = False) -> Path:
    """A table of sites, each with a waste stream of 10 000 times so many tonnes, or of plants that take as much."""
    waste = "年处理能力(万吨),利用废物代码" if plants else "年排尾量(万吨),废物代码"
    lines = (f"K-{i},{name}{i},{105 + i % 1000 / 100:.3f},{35 + i % 997 / 1000:.3f},{tonnes},SW05" for i in numbers)
    path.write_text("\n".join([f"编码,名称,经度,纬度,{waste}", *lines]), encoding="utf-8")
    return path


@contextlib.contextmanager
def started(*command: object, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A program that runs with pipes; killed if it still does at the end."""
    process = subprocess.Popen(
        [str(part) for part in command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONWARNINGS": "error", **environment},
    )  # fmt: skip
    with process:
        try:
            yield process
        finally:
            process.kill()


def importing(
    store: object, path: Path, kind: str = "tailings_pond", *, paused: bool = False, **environment: str
) -> AbstractContextManager[subprocess.Popen[str]]:
    """``registry import`` of a table, running; if ``paused``, up to ``written()`` and then until it ends."""
    program = [sys.executable, "-c", PAUSED] if paused else [COMMAND]
    return started(*program, "--store", store, "import", path, "--kind", kind, **environment)


def says(process: subprocess.Popen[str], line: str) -> None:
    """Wait for a process to say this line on stdout."""
    assert process.stdout
    assert process.stderr
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE_S)
    said = process.stdout.readline().strip() if ready else "nothing"
    assert said == line, process.stderr.read() if ready else f"waited in vain for {line}"


def ended(process: subprocess.Popen[str], *, code: int = 0) -> str:
    """What a process that ends with this exit code says on stderr, without what it says of its progress."""
    out, err = process.communicate("\n", timeout=PATIENCE_S)
    assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
    return "\n".join(line for line in err.splitlines() if not line.startswith("import "))


def ended_with_one_line(process: subprocess.Popen[str], *, code: int) -> str:
    """The only line on stderr of a command that ends with this exit code."""
    said = ended(process, code=code)
    assert len(said.splitlines()) == 1, said
    return said


def plain(url: str) -> str:
    """A store's URL as psycopg takes it."""
    return url.replace("+psycopg", "")


def database(url: str) -> str:
    """The name of a store's database."""
    return url.rsplit("/", 1)[1]


def contents(store: object) -> dict[str, list[Any]]:
    """All rows of all tables, read without the registry's help."""
    if isinstance(store, str) and "://" in store:
        listed = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'spatial_ref_sys'"
        rows = sql.SQL("SELECT row_to_json(t)::text FROM {} t ORDER BY 1")
        with psycopg.connect(plain(store)) as server:
            tables = [name for (name,) in server.execute(listed).fetchall()]
            return {name: server.execute(rows.format(sql.Identifier(name))).fetchall() for name in tables}
    with contextlib.closing(sqlite3.connect(str(store))) as file:
        tables = [name for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: sorted(file.execute(f'SELECT * FROM "{name}"'), key=repr) for name in tables}


def blocked(cluster: Cluster, url: str, count: int = 1, *, program: str = "registry") -> list[int]:
    """The server's processes for a program's connections to a store, when so many of them wait for a lock."""

    def waiting() -> list[int]:
        found = cluster.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock' "
            "AND starts_with(application_name, %s) ORDER BY pid",
            database(url),
            program,
        )
        return [pid for (pid,) in found] if len(found) >= count else []

    pids: list[int] = eventually(waiting, f"{count} connections of {program} that wait for a lock")
    return pids


@contextlib.contextmanager
def gate(cluster: Cluster, url: str, moment: str) -> Iterator[None]:
    """Stop every import into a store at this moment as long as the context lasts."""
    if moment == "in the stream of rows":
        cluster.execute(ROW_GATE, database=database(url))
    session = psycopg.connect(plain(url))
    session.execute(MOMENTS[moment].encode())
    try:
        yield
    finally:
        with contextlib.suppress(psycopg.OperationalError):  # the session may have gone with the server
            session.rollback()
        session.close()
