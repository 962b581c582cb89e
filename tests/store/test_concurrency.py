"""Many at once on one store: writers lose and double nothing, readers see a whole state, who waits is told for whom."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cluster import Cluster
from importers import PATIENCE_S, blocked, database, ended, eventually, importing, plain, says, started, table
from sqlalchemy import Connection, event

import registry
from registry.errors import StoreBusyError
from registry.model.tables import ImportRun, table_of
from registry.model.vocabulary import Kind
from registry.settings import settings
from registry.store import read
from registry.store.health import problems

# Imports tables one after the other, when all the others are ready too.
WRITER = """
import json, sys, registry
with registry.open(sys.argv[1]) as reg:
    print("ready", flush=True)
    sys.stdin.readline()
    for path, kind, source in json.loads(sys.argv[2]):
        reg.import_file(path, kind, source=source, licence=source)
"""
LOADER = """
import sys, registry
with registry.open(sys.argv[1]) as reg:
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(3):
        reg.load_regions(sys.argv[2], level="province")
"""
HOLDER = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("ready", flush=True)
sys.stdin.readline()
"""
ROUNDS = 3
EDITED = 20
EDITS = 40
# From here on a load takes other ways than a small one does.
LARGE = 60_000


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Who waits for a writer gives up soon."""
    monkeypatch.setenv("REGISTRY_BUSY_TIMEOUT_S", "0.3")
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor() as pool:
        yield pool


def rows(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(plain(url)) as connection:
        return connection.execute(statement.encode()).fetchall()


def edit(url: str, editor: int) -> None:
    """Change the addresses of some ponds of one's own again and again, as an editor's client does: row by row."""
    with psycopg.connect(plain(url), autocommit=True, application_name="editor") as connection:
        for number in range(EDITS):
            done = connection.execute(
                "UPDATE tailings_pond SET address = %s WHERE code = %s",
                (f"{editor}/{number}", f"K-{editor * EDITED + number % EDITED}"),
            )
            assert done.rowcount == 1


def tables_of(writer: int, folder: Path) -> list[tuple[str, str, str]]:
    """What one of eight writers imports: rows that others have too, each in an order of its own, some updated."""
    kind = [Kind.TAILINGS_POND, Kind.TAILINGS_POND, Kind.GANGUE_HEAP, Kind.UTILIZATION_PLANT][writer % 4]
    tables = []
    for number in range(ROUNDS):
        first = 50 * (writer // 2) + 40 * number
        numbers = range(first, first + 200)[:: 1 if writer % 2 else -1]
        path = folder / f"{writer}-{number}.csv"
        table(path, numbers, name=f"{writer}.{number}库", tonnes=1 + (writer + number) % 3, plants=writer % 4 == 3)
        tables.append((str(path), kind.value, "统计" if writer < 4 else f"县{writer}"))
    return tables


def test_eight_writers_a_loader_and_editors_at_once_lose_and_double_nothing(
    postgis_url: str, tmp_path: Path, two_provinces: Path, threads: ThreadPoolExecutor
) -> None:
    first = table(tmp_path / "first.csv", range(2 * EDITED))
    with registry.open(postgis_url) as reg:
        reg.import_file(first, "tailings_pond")
    work = [tables_of(writer, tmp_path) for writer in range(8)]
    with contextlib.ExitStack() as running:
        writers = [
            running.enter_context(started(sys.executable, "-c", WRITER, postgis_url, json.dumps(tables)))
            for tables in work
        ]
        writers.append(running.enter_context(started(sys.executable, "-c", LOADER, postgis_url, two_provinces)))
        for process in writers:
            says(process, "ready")
        edits = [threads.submit(edit, postgis_url, editor) for editor in range(2)]
        for process in writers:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        assert [ended(process) for process in writers] == [""] * len(writers)
        for done in edits:
            done.result(PATIENCE_S)

    given: dict[str, set[str]] = {kind.value: set() for kind in Kind}
    for path, kind in [(str(first), "tailings_pond"), *((path, kind) for tables in work for path, kind, _ in tables)]:
        given[kind] |= {line.split(",")[0] for line in Path(path).read_text(encoding="utf-8").splitlines()[1:]}
    for kind, waste, key in (
        ("tailings_pond", "waste_stream", "site_uid"),
        ("gangue_heap", "waste_stream", "site_uid"),
        ("utilization_plant", "plant_intake", "plant_uid"),
    ):
        codes = [code for (code,) in rows(postgis_url, f"SELECT code FROM {kind} ORDER BY code")]
        assert codes == sorted(given[kind])
        streams = f"SELECT count(s.id) FROM {kind} t LEFT JOIN {waste} s ON s.{key} = t.uid GROUP BY t.uid"
        assert set(rows(postgis_url, streams)) == {(1,)}
        assert rows(postgis_url, f"SELECT sum(rows_new) FROM import_run WHERE kind = '{kind}'") == [(len(codes),)]
        located = f"SELECT DISTINCT province_code = CASE WHEN ST_X(geom) < 110 THEN 'A' ELSE 'B' END FROM {kind}"
        assert set(rows(postgis_url, f"{located} WHERE ST_X(geom) <> 110")) == {(True,)}
    for name in ("tailings_pond", "gangue_heap", "utilization_plant", "waste_stream", "plant_intake"):
        inserts = f"SELECT count(*), count(DISTINCT uid) FROM change WHERE table_name = '{name}' AND action = 'insert'"
        ((stored,),) = rows(postgis_url, f"SELECT count(*) FROM {name}")
        assert rows(postgis_url, inserts) == [(stored, stored)]
    # What each run says of itself is what the history says of it.
    assert rows(
        postgis_url,
        "WITH logged AS (SELECT import_run_id AS id, uid, bool_or(action = 'insert' AND table_name IN "
        "('tailings_pond', 'gangue_heap', 'utilization_plant')) AS new FROM change GROUP BY 1, 2) "
        "SELECT r.id FROM import_run r WHERE rows_read <> rows_new + rows_changed + rows_unchanged + rows_rejected "
        "OR rows_new <> (SELECT count(*) FROM logged l WHERE l.id = r.id AND new) "
        "OR rows_changed <> (SELECT count(*) FROM logged l WHERE l.id = r.id AND NOT new)",
    ) == []  # fmt: skip
    assert rows(postgis_url, "SELECT count(*) FROM import_run") == [(8 * ROUNDS + 1,)]
    assert rows(postgis_url, "SELECT count(*), count(DISTINCT name) FROM source WHERE name = '统计'") == [(1, 1)]
    last = {f"K-{e * EDITED + n % EDITED}": f"{e}/{n}" for e in range(2) for n in range(EDITS)}
    assert dict(rows(postgis_url, "SELECT code, address FROM tailings_pond WHERE address IS NOT NULL")) == last
    edited = (
        "SELECT count(*) FROM change WHERE action = 'update' AND import_run_id IS NULL AND after ->> 'address' <> ''"
    )
    assert rows(postgis_url, f"{edited} AND before ->> 'address' IS DISTINCT FROM after ->> 'address'") == [
        (2 * EDITS,)
    ]
    with registry.open(postgis_url) as reg:
        assert problems(reg.store) == []


def test_an_edit_that_meets_an_import_waits_and_both_are_stored(
    cluster: Cluster, postgis_url: str, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    with registry.open(postgis_url) as reg:
        reg.import_file(table(tmp_path / "first.csv", range(2 * EDITED)), "tailings_pond")
    newer = table(tmp_path / "newer.csv", range(2 * EDITED), name="新库")
    with importing(postgis_url, newer, paused=True) as process:
        says(process, "written")
        done = threads.submit(edit, postgis_url, 1)
        blocked(cluster, postgis_url, program="editor")
        ended(process)
        done.result(PATIENCE_S)
    edited = "SELECT count(*) FROM tailings_pond WHERE name LIKE '新库%' AND address LIKE '1/%'"
    assert rows(postgis_url, edited) == [(EDITED,)]


def test_an_import_waits_for_an_editor_and_keeps_what_he_wrote(
    cluster: Cluster, postgis_url: str, tmp_path: Path
) -> None:
    with registry.open(postgis_url) as reg:
        reg.import_file(table(tmp_path / "first.csv", range(10)), "tailings_pond")
    newer = table(tmp_path / "newer.csv", range(10), name="新库")
    with psycopg.connect(plain(postgis_url)) as editor, importing(postgis_url, newer) as process:
        editor.execute("UPDATE tailings_pond SET address = '村东' WHERE code = 'K-3'")
        blocked(cluster, postgis_url)
        editor.commit()
        ended(process)
    assert rows(postgis_url, "SELECT name, address FROM tailings_pond WHERE code = 'K-3'") == [("新库3", "村东")]


def test_an_import_that_loses_a_deadlock_is_done_again(
    cluster: Cluster, postgis_url: str, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    with registry.open(postgis_url) as reg:
        reg.import_file(table(tmp_path / "first.csv", range(10)), "tailings_pond")
    # The import looks for a deadlock first, and only when the editor waits for it.
    cluster.execute(f"ALTER DATABASE {database(postgis_url)} SET deadlock_timeout = '4s'")
    newer = table(tmp_path / "newer.csv", range(20), name="新库", tonnes=2)
    with psycopg.connect(plain(postgis_url), options="-c deadlock_timeout=10min") as editor:
        editor.execute("UPDATE waste_stream SET stock_t = 5")
        with importing(postgis_url, newer) as process:
            blocked(cluster, postgis_url)
            update = "UPDATE tailings_pond SET address = '村东'"
            threads.submit(editor.execute, update).result(PATIENCE_S)
            editor.commit()
            ended(process)
    stored = "SELECT count(*) FROM tailings_pond t JOIN waste_stream s ON s.site_uid = t.uid WHERE name LIKE '新库%'"
    assert rows(postgis_url, f"{stored} AND annual_t = 20000") == [(20,)]
    assert rows(postgis_url, f"{stored} AND address = '村东' AND stock_t = 5") == [(10,)]
    assert rows(postgis_url, "SELECT count(*) FROM import_run") == [(2,)]
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = %s AND deadlocks > 0"
    eventually(lambda: cluster.execute(deadlocks, database(postgis_url)), "the server counts the deadlock")


def test_a_small_import_does_not_throw_a_large_one_back(cluster: Cluster, postgis_url: str, tmp_path: Path) -> None:
    large, small = table(tmp_path / "large.csv", range(LARGE)), table(tmp_path / "small.csv", range(3))
    with psycopg.connect(plain(postgis_url)) as gate:
        gate.execute("LOCK TABLE waste_stream IN ROW EXCLUSIVE MODE")
        with importing(postgis_url, large) as one:
            blocked(cluster, postgis_url)
            with importing(postgis_url, small, "gangue_heap") as other:
                blocked(cluster, postgis_url, 2)
                gate.rollback()
                ended(one)
                ended(other)
    eventually(lambda: not cluster.backend_pids(database(postgis_url)), "the server has counted everything")
    assert cluster.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = %s", database(postgis_url)) == [(0,)]


@pytest.mark.parametrize("count", [300, LARGE])
@pytest.mark.usefixtures("impatient")  # nobody has to wait here
def test_a_reader_and_an_import_do_not_wait_for_each_other_and_he_sees_one_state(
    store_url: str, tmp_path: Path, count: int
) -> None:
    def seen(connection: Connection) -> tuple[int, float, int]:
        sites = read.sites(connection, reg.crs)
        return len(sites), sites["annual_t"].sum(), len(read.rows(connection, table_of(ImportRun), ["id"]))

    paths = [table(tmp_path / f"{n}.csv", range(n * count, n * count + count), tonnes=2) for n in range(2)]
    with registry.open(store_url) as reg:
        reg.import_file(table(tmp_path / "first.csv", range(10)), "tailings_pond")
        with importing(store_url, paths[0], paused=True, REGISTRY_BUSY_TIMEOUT_S="5") as process:
            says(process, "written")
            with reg.store.read() as late:
                assert seen(late) == (10, 100_000, 1)
                ended(process)
                assert seen(late) == (10, 100_000, 1)
        with reg.store.read() as early:
            assert seen(early) == (count, count * 20_000, 2)
            with importing(store_url, paths[1], paused=True, REGISTRY_BUSY_TIMEOUT_S="5") as process:
                says(process, "written")
                assert seen(early) == (count, count * 20_000, 2)
                ended(process)
            assert seen(early) == (count, count * 20_000, 2)
        with reg.store.read() as after:
            assert seen(after) == (2 * count, count * 40_000, 3)


def test_sites_that_are_imported_while_regions_are_loaded_are_located_in_them(
    cluster: Cluster, postgis_url: str, tmp_path: Path, two_provinces: Path, threads: ThreadPoolExecutor
) -> None:
    loading, go_on = threading.Event(), threading.Event()

    def say(step: str) -> None:
        if step == "locating sites":
            loading.set()
            assert go_on.wait(PATIENCE_S)

    with registry.open(postgis_url) as reg:
        loaded = threads.submit(reg.load_regions, two_provinces, level="province", say=say)
        assert loading.wait(PATIENCE_S)
        with importing(postgis_url, table(tmp_path / "first.csv", range(10))) as process:
            blocked(cluster, postgis_url)
            go_on.set()
            ended(process)
        loaded.result(PATIENCE_S)
        assert reg.sites()["province_code"].tolist() == ["A"] * 10


def test_a_second_writer_of_a_file_waits_and_then_works(
    file_reg: registry.Registry, store_path: Path, tmp_path: Path, threads: ThreadPoolExecutor
) -> None:
    begins = threading.Event()
    event.listen(file_reg.store.engine, "engine_connect", lambda _: begins.set())
    with importing(store_path, table(tmp_path / "one.csv", range(500)), paused=True) as process:
        says(process, "written")
        done = threads.submit(file_reg.import_file, table(tmp_path / "other.csv", range(250, 800)), "tailings_pond")
        assert begins.wait(PATIENCE_S)
        assert not done.done()
        ended(process)
        report = done.result(PATIENCE_S)
    assert (report.new, report.unchanged, report.changed) == (300, 250, 0)
    assert sorted(file_reg.sites()["code"]) == sorted(f"K-{number}" for number in range(800))
    assert problems(file_reg.store) == []


@pytest.mark.usefixtures("impatient")
def test_who_waits_in_vain_for_a_file_is_told_who_holds_it(store_path: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "table.csv", range(10))
    with registry.open(store_path, create=True) as reg:
        with importing(store_path, path, paused=True, REGISTRY_USER="li.wei") as process:
            says(process, "written")
            with pytest.raises(StoreBusyError, match=rf"li\.wei.*process {process.pid}\b.*since.*try again"):
                reg.import_file(path, "tailings_pond")
            ended(process)
        assert reg.import_file(path, "tailings_pond").unchanged == 10


@pytest.mark.usefixtures("impatient")
def test_a_writer_that_was_killed_is_not_taken_for_the_one_who_holds_the_file(store_path: Path, tmp_path: Path) -> None:
    path = table(tmp_path / "table.csv", range(10))
    with registry.open(store_path, create=True) as reg:
        with importing(store_path, path, paused=True, REGISTRY_USER="li.wei") as killed:
            says(killed, "written")
            killed.kill()
        with started(sys.executable, "-c", HOLDER, store_path) as process:
            says(process, "ready")
            with pytest.raises(StoreBusyError, match=r"another program.*try again") as refused:
                reg.import_file(path, "tailings_pond")
            ended(process)
        assert "li.wei" not in str(refused.value)
        assert str(killed.pid) not in str(refused.value)
        assert reg.import_file(path, "tailings_pond").new == 10


@pytest.mark.usefixtures("impatient")
def test_who_waits_in_vain_for_a_table_is_told_who_holds_it(cluster: Cluster, postgis_url: str, tmp_path: Path) -> None:
    cluster.execute("CREATE ROLE \"li.wei\" LOGIN PASSWORD 'x' IN ROLE registry_admin")
    holder = cluster.url(database(postgis_url), "li.wei", "x")
    path = table(tmp_path / "table.csv", range(10))
    with registry.open(postgis_url) as reg:
        with psycopg.connect(plain(holder), application_name="QGIS") as gate:
            gate.execute("LOCK TABLE tailings_pond IN ROW EXCLUSIVE MODE")
            with pytest.raises(StoreBusyError, match=rf"li\.wei.*QGIS.*{gate.info.backend_pid}\b.*try again"):
                reg.import_file(path, "tailings_pond")
        assert reg.import_file(path, "tailings_pond").new == 10
