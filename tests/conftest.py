"""What all tests share: an empty store, small layers, the folder of real data."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
from cluster import Cluster, MissingPostgisError
from realm import Realm

import registry

ROOT = Path(__file__).parent.parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The pages of the documentation come first: they take one worker many minutes, for which the others would wait."""
    items.sort(key=lambda item: item.path.name != "test_documentation.py")


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith(("REGISTRY_", "PG")) and name != "REGISTRY_SHARED_DATA":
            monkeypatch.delenv(name)


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    return tmp_path / "store.gpkg"


@pytest.fixture(params=["geopackage", "postgis"])
def store_url(request: pytest.FixtureRequest, store_path: Path) -> Iterator[str]:
    """Where an empty store is: in a file, then on a server. What is asked of one is asked of both."""
    if request.param == "geopackage":
        shutil.copy(request.getfixturevalue("file_template"), store_path)
        yield str(store_path)
        return
    yield request.getfixturevalue("postgis_url")


@pytest.fixture
def postgis_url(cluster: Cluster, store_template: str) -> Iterator[str]:
    """An empty store on a server, in a database of its own; the login is the server's superuser."""
    name = cluster.create_database(template=store_template)
    yield cluster.url(name)
    cluster.drop_database(name)


@pytest.fixture
def reg(store_url: str) -> Iterator[registry.Registry]:
    """An empty store, opened: each test runs on both engines."""
    with registry.open(store_url) as opened:
        yield opened


@pytest.fixture
def file_reg(store_path: Path) -> Iterator[registry.Registry]:
    """An empty store in a file, for what only a file can show."""
    with registry.open(store_path, create=True) as opened:
        yield opened


@pytest.fixture
def two_provinces(tmp_path: Path) -> Path:
    """A file with two square provinces that share the meridian 110°E."""
    layer = gpd.GeoDataFrame(
        {"code": ["A", "B"], "name": ["甲省", "乙省"]},
        geometry=[shapely.box(100, 30, 110, 40), shapely.box(110, 30, 120, 40)],
        crs=4326,
    )
    path = tmp_path / "provinces.geojson"
    layer.to_file(path)
    return path


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data; CI must have it."""
    folder = Path(os.environ.get("REGISTRY_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "anm_sigbm_2019-01-23.csv").exists():
        if os.environ.get("CI"):
            pytest.fail(f"the real data are not at {folder}; set REGISTRY_SHARED_DATA")
        pytest.skip(f"needs the real data, which are not part of the project; not found at {folder}")
    return folder


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostGIS of the tests' own; CI must have one."""
    try:
        running = Cluster.start()
    except MissingPostgisError as error:
        if os.environ.get("CI"):
            pytest.fail(str(error))
        pytest.skip(str(error))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def file_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store in a file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "store.gpkg"
    registry.open(path, create=True).close()
    return path


@pytest.fixture(scope="session")
def store_template(cluster: Cluster) -> str:
    """A database with an empty store, to be copied."""
    name = cluster.create_database("store_template")
    registry.open(cluster.url(name), create=True).close()
    return name


@pytest.fixture(scope="session")
def realm(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Realm:
    """A registry with three provinces and a login for every role; a test leaves it as it is."""
    return Realm.made(cluster, tmp_path_factory.mktemp("realm"))


@pytest.fixture
def database(realm: Realm) -> Iterator[str]:
    """A copy of it that a test may change."""
    with realm.copy() as name:
        yield name
