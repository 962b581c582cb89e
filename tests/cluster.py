"""A PostGIS of the tests' own: a private server in a temporary folder, on a free port."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import psycopg
from psycopg import sql
from sqlalchemy import URL

DEBIAN_SERVERS = Path("/usr/lib/postgresql")
POSTGIS_TEMPLATE = "postgis_template"
PATIENCE_S = 30.0

# fsync guards against a failing machine only, so it may go. synchronous_commit must stay on: without it
# a commit lies in the server's memory for a while, and tests that kill the server would lose it.
# /dev/shm is small in containers and keeps what a killed server leaves; the folder does neither.
SETTINGS = """
listen_addresses = '{host}'
port = {port}
unix_socket_directories = '{folder}'
fsync = off
full_page_writes = off
max_connections = 60
shared_buffers = 128MB
dynamic_shared_memory_type = mmap
log_min_messages = warning
"""

# The shell that has a program of the server as its child. Its standard input is a pipe from the tests: a line there, or
# its end – which comes however the tests end, by SIGKILL too – stops the program at once and removes the folder. When
# the program ends by itself, the shell ends with its status and leaves the folder.
# Shells start background commands with SIGQUIT ignored: SIGTERM ends a server that has not set up its signals yet,
# SIGQUIT one that has.
KEEPER = """
folder=$1; shift
exec 3<&0
"$@" 3<&- & program=$!
{ read -r _; kill -TERM $program; kill -QUIT $program; true; } <&3 & watcher=$!
wait $program; status=$?
kill $watcher
wait $watcher && rm -rf -- "$folder"
exit $status
"""


class MissingPostgisError(RuntimeError):
    """The machine has no PostgreSQL server with PostGIS."""


class ClusterError(RuntimeError):
    """The server did not start."""


def find_server() -> Path:
    """The folder of the programs of a PostgreSQL server that has PostGIS: PATH's, else Debian's newest.

    Raises
    ------
    MissingPostgisError : there is none.
    """
    named = shutil.which("pg_config")
    debian = sorted(DEBIAN_SERVERS.glob("*/bin/pg_config"), key=lambda path: float(path.parts[-3]), reverse=True)
    candidates = [Path(named), *debian] if named else debian
    for pg_config in candidates:
        answer = subprocess.run([pg_config, "--bindir", "--sharedir"], capture_output=True, text=True, check=False)
        if answer.returncode:
            continue
        programs, shared = map(Path, answer.stdout.splitlines())
        parts = [programs / "initdb", programs / "postgres", shared / "extension" / "postgis.control"]
        if all(part.exists() for part in parts):
            return programs
    raise MissingPostgisError(
        "needs a PostgreSQL server with PostGIS: apt-get install postgresql-postgis "
        "(on Debian 12 that is postgresql-15-postgis-3)"
    )


class Cluster:
    """A running server; ``Cluster.start()`` makes one, ``stop()`` leaves nothing of it."""

    host = "127.0.0.1"
    superuser = "postgres"

    def __init__(self, programs: Path) -> None:
        self.port = _free_port(self.host)
        self.password = secrets.token_urlsafe(12)
        # A socket's path may have 107 bytes, and another user must reach the folder: TMPDIR promises neither.
        self.folder = Path(tempfile.mkdtemp(prefix="postgis-", dir="/tmp"))
        self._programs = programs
        self._data = self.folder / "data"
        self._log = self.folder / "server.log"
        self._names = (f"database_{number}" for number in itertools.count(1))
        self._account = _unprivileged_account()
        self._keeper: subprocess.Popen[bytes] | None = None

    @classmethod
    def start(cls) -> Self:
        """A new cluster that accepts connections and has PostGIS to copy from.

        Raises
        ------
        MissingPostgisError : the machine has no server with PostGIS.
        ClusterError : the server did not start; the message holds the end of its log.
        """
        cluster = cls(find_server())
        try:
            cluster._initialise()
            cluster._launch()
            cluster.create_database(POSTGIS_TEMPLATE, postgis=False)
            cluster.execute("CREATE EXTENSION postgis", database=POSTGIS_TEMPLATE)
        except BaseException:
            cluster.stop()
            raise
        return cluster

    def stop(self) -> None:
        """End the server without ceremony and remove its folder; a second call does nothing."""
        self._end_keeper(b"\n")
        # What the keeper could not: the folder of a server that was killed or never launched. Orphans of a
        # killed server may still be ending in it.
        deadline = time.monotonic() + PATIENCE_S
        while self.folder.exists() and time.monotonic() < deadline:
            shutil.rmtree(self.folder, ignore_errors=True)
            time.sleep(0.01)

    def restart(self) -> None:
        """Bring the server up again on its data and port, after it was killed; a running one is ended first, at once.

        Raises
        ------
        ClusterError : it does not start.
        """
        if self._keeper and self._keeper.poll() is None:
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                os.kill(self.postmaster_pid, signal.SIGQUIT)
            self._keeper.wait(PATIENCE_S)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self._launch()
            except ClusterError:
                # The killed server's orphans hold its shared memory until they notice.
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
            else:
                return

    @property
    def postmaster_pid(self) -> int:
        """The server's first process, the parent of all others."""
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def backend_pids(self, database: str) -> list[int]:
        """The server's processes that serve a connection to this database."""
        rows = self.execute(
            "SELECT pid FROM pg_stat_activity"
            " WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY backend_start",
            database,
        )
        return [pid for (pid,) in rows]

    def url(self, database: str, user: str | None = None, password: str | None = None) -> str:
        """SQLAlchemy's address of a database, for the superuser unless a user is given."""
        if user is None:
            user, password = self.superuser, self.password if password is None else password
        address = URL.create("postgresql+psycopg", user, password, self.host, self.port, database)
        return address.render_as_string(hide_password=False)

    def execute(self, statement: str, *parameters: object, database: str = "postgres") -> list[tuple[Any, ...]]:
        """The rows of one statement, run by the superuser on a connection of its own, outside a transaction."""
        with psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.superuser,
            password=self.password,
            dbname=database,
            autocommit=True,
        ) as connection:
            answer = connection.execute(statement.encode(), parameters or None)
            return answer.fetchall() if answer.description else []

    def create_database(self, name: str | None = None, *, template: str | None = None, postgis: bool = True) -> str:
        """The name of a new database: a copy of ``template`` if given, else with or without PostGIS.

        Styles that QGIS finds in the template are found in the copy: it tells them by the name of the database.
        """
        if name is None:
            name = next(self._names)
        if template is None:
            template = POSTGIS_TEMPLATE if postgis else "template1"
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        self.execute(statement.as_string())
        if self.execute("SELECT 1 FROM pg_tables WHERE tablename = 'layer_styles'", database=name):
            self.execute("UPDATE layer_styles SET f_table_catalog = current_database()", database=name)
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)).as_string())

    def _initialise(self) -> None:
        password_file = self.folder / "password"
        password_file.write_text(self.password)
        if self._account:
            for path in (self.folder, password_file):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        keeper = self._keep(
            "initdb",
            f"--pgdata={self._data}",
            f"--username={self.superuser}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        if keeper.wait():
            raise self._failure()
        with (self._data / "postgresql.conf").open("a") as settings:
            settings.write(SETTINGS.format(host=self.host, port=self.port, folder=self.folder))

    def _launch(self) -> None:
        keeper = self._keep("postgres", "-D", str(self._data))
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                self.execute("SELECT 1")
            except psycopg.OperationalError:
                if keeper.poll() is not None or time.monotonic() > deadline:
                    raise self._failure() from None
                time.sleep(0.02)
            else:
                return

    def _failure(self) -> ClusterError:
        return ClusterError(f"the server does not start: {self._log.read_text(errors='replace')[-2000:]}")

    def _keep(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        """Run a program of the server under a keeper; the one before must have ended."""
        self._end_keeper()
        options: dict[str, Any] = {}
        if self._account:
            options = {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}
        with self._log.open("ab") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "keeper", self.folder, self._programs / program, *arguments],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,  # that of the tests may be closed to the account
                env={name: value for name, value in os.environ.items() if not name.startswith("PG")},
                start_new_session=True,  # Ctrl-C in a terminal goes to the tests alone, which then stop the server
                **options,
            )
        return self._keeper

    def _end_keeper(self, line: bytes = b"") -> None:
        if self._keeper:
            self._keeper.communicate(line, timeout=PATIENCE_S)
            self._keeper = None


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Whom the server runs as when root runs the tests, since it refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _free_port(host: str) -> int:
    """A port below those the system hands to clients: none of them can take it while the server is down."""
    while True:
        port = 20000 + secrets.randbelow(10000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
