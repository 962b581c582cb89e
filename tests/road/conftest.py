"""What the tests of roads share: real road servers, places in the extract, servers that behave badly."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from road_servers import MissingProgramError, osrm_server, valhalla_graph, valhalla_server
from unruly_server import Door, Said, opened

from registry.settings import Settings

# The middle of the extract, which has roads all over it.
WEST, SOUTH, EAST, NORTH = 24.936, 60.1645, 24.953, 60.1785


def _missing(error: MissingProgramError) -> Any:
    if os.environ.get("CI"):
        pytest.fail(str(error))
    pytest.skip(str(error))


@pytest.fixture(autouse=True)
def _a_proxy_that_leads_nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What stays on this machine goes past the proxy of the environment; the cache is the test's own."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="session")
def valhalla_config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real Valhalla graph; CI must have it."""
    try:
        return valhalla_graph(tmp_path_factory.mktemp("valhalla"))
    except MissingProgramError as error:
        _missing(error)
        raise


@pytest.fixture(scope="session")
def valhalla_url(valhalla_config: Path) -> Iterator[str]:
    """Valhalla's own server program."""
    with valhalla_server(valhalla_config) as url:
        yield url


@pytest.fixture(scope="session")
def osrm_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """OSRM's own server program; CI must have it."""
    with ExitStack() as stack:
        try:
            url = stack.enter_context(osrm_server(tmp_path_factory.mktemp("osrm")))
        except MissingProgramError as error:
            _missing(error)
            raise
        yield url


@pytest.fixture(scope="session")
def actor(valhalla_config: Path) -> Any:
    """The same graph asked in this process, past all HTTP: the truth about it."""
    import valhalla  # noqa: PLC0415  not every machine has one

    return valhalla.Actor(valhalla_config)


@pytest.fixture(scope="session")
def places() -> Callable[..., gpd.GeoDataFrame]:
    """Random points in the extract."""

    def make(n: int, prefix: str, seed: int = 1, **columns: Any) -> gpd.GeoDataFrame:
        rng = np.random.default_rng(seed)
        lon, lat = rng.uniform(WEST, EAST, n).round(6), rng.uniform(SOUTH, NORTH, n).round(6)
        uid = [f"{prefix}{row}" for row in range(n)]
        layer = gpd.GeoDataFrame({"uid": uid, **columns}, geometry=gpd.points_from_xy(lon, lat), crs=4490)
        return layer.set_index("uid")

    return make


@pytest.fixture
def town() -> Settings:
    """Settings for a small place: nothing lies farther than 300 m from a road, tables are small."""
    return Settings(road_snap_m=300, road_pairs=600, road_table_size=60, road_timeout_s=20)


@pytest.fixture
def door() -> Iterator[Callable[..., Door]]:
    """Servers that do as they are told; each ends with the test."""
    with ExitStack() as stack:

        def make(say: Callable[[str, bytes, int], Said | None], upstream: str | None = None) -> Door:
            return stack.enter_context(opened(Door(say, upstream)))

        yield make
