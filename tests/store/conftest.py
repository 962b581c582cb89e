"""What the tests of a store share beside what all tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from cluster import Cluster
from realm import Realm


@pytest.fixture(scope="session")
def realm(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Realm:
    """A registry with three provinces and a login for every role; a test leaves it as it is."""
    return Realm.made(cluster, tmp_path_factory.mktemp("realm"))


@pytest.fixture
def database(realm: Realm) -> Iterator[str]:
    """A copy of it that a test may change."""
    with realm.copy() as name:
        yield name
