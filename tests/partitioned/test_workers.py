"""What workers do when things go wrong: one clear line, or the right result all the same."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import Client, LocalCluster
from partitioned import kernels
from partitioned.scene import Scene

from registry.errors import BadParameterError, ClusterError, CrsError, EmptyLayerError, UnreadableFileError
from registry.partitioned import cluster, concentration, coverage, frames, proximity, work
from registry.partitioned.dataset import open_dataset, write_partition


@pytest.fixture
def silent_server() -> Iterator[str]:
    """Something that listens, takes a connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def talking_server() -> Iterator[str]:
    """Something that listens and talks as no scheduler does."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with server.accept()[0] as caller:
                caller.sendall(b"HTTP/1.0 400 Bad request syntax\r\nServer: none\r\n\r\n" * 9)
                caller.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


def test_a_kernel_takes_one_core_since_each_core_has_its_own_task(scene: Scene, client: Client) -> None:
    found = work.run(client, kernels.threads, kernels.together, frames.sites_of(scene.dataset), None, {})
    assert found.whole == [1, 1, 1, 1]


def test_a_worker_that_is_lost_takes_nothing_with_it(scene: Scene, client: Client, tmp_path: Path) -> None:
    mark = tmp_path / "died"
    found = work.run(
        client, kernels.dies_once, kernels.together, frames.sites_of(scene.dataset), None, {"mark": str(mark)}
    )
    assert mark.exists()
    assert sorted(found.whole) == [0, 700, 1_000, 1_300]
    assert found.sites == len(scene.sites)


def test_a_partition_that_kills_its_workers_is_told_in_one_line(scene: Scene, client: Client) -> None:
    scheduler: Any = client.cluster.scheduler
    allowed, scheduler.allowed_failures = scheduler.allowed_failures, 0
    try:
        with pytest.raises(ClusterError, match="died over one partition, most likely for want of memory"):
            work.run(client, kernels.always_dies, kernels.together, frames.sites_of(scene.dataset), None, {})
    finally:
        scheduler.allowed_failures = allowed


def test_a_site_in_two_partitions_is_refused_by_its_uid(scene: Scene, client: Client, tmp_path: Path) -> None:
    write_partition(tmp_path, 0, scene.sites.iloc[:10])
    write_partition(tmp_path, 1, scene.sites.iloc[9:20])
    sites = frames.sites_of(open_dataset(tmp_path))
    with pytest.raises(BadParameterError, match=r"uid s00009 occurs more than once"):
        proximity.nearest_plants(client, sites, scene.plants)


def test_a_site_twice_in_one_partition_is_refused(scene: Scene, client: Client, tmp_path: Path) -> None:
    write_partition(tmp_path, 0, scene.sites.iloc[[3, 4, 3]])
    sites = frames.sites_of(open_dataset(tmp_path))
    for ask in (
        lambda: concentration.by_region(client, sites, scene.provinces),
        lambda: coverage.within_radius(client, sites, scene.plants),
    ):
        with pytest.raises(BadParameterError, match=r"uid s00003 occurs more than once"):
            ask()


def test_a_result_too_long_for_the_client_is_for_the_workers_to_write(
    scene: Scene, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(work, "MOST_ROWS", 1_000)
    sites = frames.sites_of(scene.dataset)
    with pytest.raises(BadParameterError, match=r"6,000 rows of sites, more than 1,000.*--out FOLDER/"):
        coverage.within_radius(client, sites, scene.plants, [50, 100], areas=False)
    found = coverage.within_radius(client, sites, scene.plants, [50, 100], areas=False, rows=False)
    assert found.result.per_site.empty
    assert list(found.result.per_site.columns) == ["site_uid", "radius_km", "plants"]


def test_what_a_service_refuses_on_one_machine_it_refuses_on_many(scene: Scene, client: Client) -> None:
    sites = frames.sites_of(scene.dataset)
    with pytest.raises(EmptyLayerError, match="plants: there is none"):
        coverage.within_radius(client, sites, scene.plants.iloc[:0])
    with pytest.raises(EmptyLayerError, match="plants: there is none"):
        proximity.nearest_plants(client, sites, scene.plants.iloc[:0])
    with pytest.raises(BadParameterError, match="k = 0"):
        proximity.nearest_plants(client, sites, scene.plants, k=0)
    with pytest.raises(BadParameterError, match="radius_km = -1"):
        coverage.within_radius(client, sites, scene.plants, -1)
    with pytest.raises(CrsError, match="no geometry column"):
        coverage.within_radius(client, frames.sites_of(scene.dataset, ["kind"]), scene.plants)


def test_streams_that_are_partitioned_otherwise_are_refused(scene: Scene, client: Client) -> None:
    sites, streams = frames.sites_of(scene.dataset), frames.streams_of(scene.dataset)
    assert streams is not None
    with pytest.raises(BadParameterError, match="streams: 2 partitions, but 4 of sites"):
        coverage.within_radius(client, sites, scene.plants, streams=streams.partitions[:2])


def test_a_dataset_that_workers_cannot_see_is_told_before_the_work(
    scene: Scene, client: Client, tmp_path: Path
) -> None:
    write_partition(tmp_path, 0, scene.sites.iloc[:10])
    dataset = open_dataset(tmp_path)
    cluster.check_sight(client, dataset, tmp_path)
    with pytest.raises(ClusterError, match="cannot write there"):
        cluster.check_sight(client, dataset, tmp_path / "nowhere")
    dataset.sites[0].unlink()
    with pytest.raises(UnreadableFileError, match=r"the worker at tcp://.* does not see it"):
        cluster.check_sight(client, dataset)
    with pytest.raises(UnreadableFileError, match=r"part-00000.parquet: not there"):
        proximity.nearest_plants(client, frames.sites_of(dataset), scene.plants)


def test_workers_of_a_running_scheduler_do_the_work(scene: Scene, client: Client) -> None:
    with cluster.connected(client.scheduler.address) as other:
        found = proximity.nearest_plants(other, frames.sites_of(scene.dataset), scene.plants)
    assert found.totals["sites"] == len(scene.sites)


@pytest.mark.parametrize("server", ["silent_server", "talking_server"])
def test_an_address_where_no_scheduler_answers_is_told(server: str, request: pytest.FixtureRequest) -> None:
    address = request.getfixturevalue(server)
    with (
        pytest.raises(ClusterError, match=f"{address}: no Dask scheduler answers there"),
        cluster.connected(address, answer_s=1.0),
    ):
        pass


def test_a_scheduler_without_workers_is_told() -> None:
    with (
        LocalCluster(
            n_workers=0,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        ) as alone,
        pytest.raises(ClusterError, match=r"the scheduler has no worker\. Start some with `dask worker tcp://"),
        cluster.connected(alone.scheduler_address, worker_s=0.5),
    ):
        pass  # fmt: skip


@pytest.mark.parametrize("address", ["", "remote", "tcp://host", "http://127.0.0.1:8786", "tcp://a b:1"])
def test_an_address_of_no_scheduler_is_refused(address: str) -> None:
    with (
        pytest.raises(BadParameterError, match="give local, tcp://host:port or tls://host:port"),
        cluster.connected(address),
    ):
        pass  # fmt: skip


def test_tls_without_certificates_says_where_to_name_them() -> None:
    with pytest.raises(ClusterError, match="no certificates for tls"), cluster.connected("tls://127.0.0.1:8786"):
        pass


def test_other_versions_than_here_are_named_with_the_worker() -> None:
    own = {"python": "3.11.7", "numpy": "2.4.6"}
    same = {"tcp://a:1": {"python": "3.11.2", "numpy": "2.4.6"}}
    assert cluster.differences(own, same) == []
    other = {**same, "tcp://b:2": {"python": "3.12.1", "numpy": "2.0.0"}}
    assert cluster.differences(own, other) == [
        "python 3.12.1 at tcp://b:2 and 3.11.7 here",
        "numpy 2.0.0 at tcp://b:2 and 2.4.6 here",
    ]


def test_workers_started_here_have_the_versions_of_the_client(client: Client) -> None:
    cluster.check_versions(client)
