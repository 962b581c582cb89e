"""What the tests of partitions share: a scene of sites and plants, and two workers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from distributed import Client, LocalCluster
from partitioned.scene import Scene, make_scene


@pytest.fixture(scope="package")
def client() -> Iterator[Client]:
    """Two workers; they end with these tests, since a loop that Playwright runs in the same thread may end before the session."""
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            scheduler_kwargs={"dashboard_address": "127.0.0.1:0"},
        ) as cluster,
        Client(cluster, set_as_default=False) as connected,
    ):
        yield connected


@pytest.fixture(scope="session")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(tmp_path_factory.mktemp("partitions") / "dataset")
