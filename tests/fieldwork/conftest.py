"""A registry in use, taken out and edited."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster import Cluster
from laptop import changes, fill, ledger, state

import registry


@pytest.fixture(scope="session")
def filled_file(file_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A filled store in a file, to be copied; its tables lie beside it."""
    folder = tmp_path_factory.mktemp("filled")
    with registry.open(shutil.copy(file_template, folder / "store.gpkg")) as reg:
        fill(reg, folder)
    return folder / "store.gpkg"


@pytest.fixture(scope="session")
def filled_database(cluster: Cluster, store_template: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with a filled store, to be copied."""
    name = cluster.create_database(template=store_template)
    with registry.open(cluster.url(name)) as reg:
        fill(reg, tmp_path_factory.mktemp("filled"))
    return name


@pytest.fixture(params=["geopackage", "postgis"])
def filled(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[registry.Registry]:
    """A store with some rows in every table, on both engines."""
    if request.param == "geopackage":
        with registry.open(shutil.copy(request.getfixturevalue("filled_file"), tmp_path / "store.gpkg")) as reg:
            yield reg
        return
    cluster: Cluster = request.getfixturevalue("cluster")
    name = cluster.create_database(template=request.getfixturevalue("filled_database"))
    with registry.open(cluster.url(name)) as reg:
        yield reg
    cluster.drop_database(name)


@pytest.fixture
def package(filled: registry.Registry, tmp_path: Path) -> Path:
    """The whole of it, taken out."""
    folder = tmp_path / "laptop"
    folder.mkdir()
    filled.check_out(folder / "work.gpkg")
    return folder / "work.gpkg"


@pytest.fixture
def merged_exactly(filled: registry.Registry, package: Path) -> Callable[..., Any]:
    """Merge, and make sure that the store changed by exactly this, and by nothing when the file is merged again."""

    def check(expected: dict[tuple[str, ...], Any], **options: Any) -> Any:
        before = state(filled)
        report = filled.merge(package, **options)
        after = state(filled)
        assert changes(before, after) == expected
        written = ledger(filled)
        again = filled.merge(package)
        assert (again.new, again.changed, again.deleted) == (0, 0, 0)
        assert state(filled) == after
        assert ledger(filled) == written
        assert filled.diff(package).empty
        return report

    return check
