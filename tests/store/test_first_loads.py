"""The first rows of a kind come by a short cut through the table that is still empty; nobody else has to pay for it."""

from __future__ import annotations

from pathlib import Path

import psycopg
from cluster import Cluster
from importers import blocked, database, ended, eventually, importing, plain, table

import registry
from registry.model.vocabulary import Kind
from registry.store import read

# So many take the short cut.
LARGE = 60_000


def test_a_reader_is_not_refused_because_of_a_first_load(cluster: Cluster, postgis_url: str, tmp_path: Path) -> None:
    # Who waits last for one who waits for him finds out at once, and would be the one to give in.
    cluster.execute(f"ALTER DATABASE {database(postgis_url)} SET deadlock_timeout = '1ms'")
    waits = "SELECT 1 FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
    with registry.open(postgis_url) as reg, reg.store.read() as connection:
        read.sites(connection, reg.crs, kinds=[Kind.TAILINGS_POND])
        with importing(postgis_url, table(tmp_path / "large.csv", range(LARGE)), "gangue_heap") as process:
            eventually(
                lambda: process.poll() is not None or cluster.execute(waits, database(postgis_url)),
                "the import ends, or waits for the reader",
            )
            assert len(read.sites(connection, reg.crs, kinds=[Kind.GANGUE_HEAP])) == 0
            ended(process)


def test_two_first_loads_do_not_throw_each_other_back(cluster: Cluster, postgis_url: str, tmp_path: Path) -> None:
    sites, plants = (
        table(tmp_path / "sites.csv", range(LARGE)),
        table(tmp_path / "plants.csv", range(LARGE), plants=True),
    )
    with psycopg.connect(plain(postgis_url)) as gate:
        gate.execute("LOCK TABLE source IN SHARE MODE")
        with importing(postgis_url, sites) as one, importing(postgis_url, plants, "utilization_plant") as other:
            blocked(cluster, postgis_url, 2)
            gate.rollback()
            ended(one)
            ended(other)
    eventually(lambda: not cluster.backend_pids(database(postgis_url)), "the server has counted everything")
    assert cluster.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = %s", database(postgis_url)) == [(0,)]
