"""The command, from a store to a table by road."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from commands import COMMAND, run
from unruly_server import Door, Said

import registry
from registry.answers.proximity import RoadServer, proximity
from registry.errors import BadParameterError

Places = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def store(places: Places, tmp_path: Path) -> Path:
    """A store of ponds and plants in the extract, and one pond in China."""
    sites, plants = places(12, "s"), places(20, "p", seed=2)
    at = [(uid, place.x, place.y) for uid, place in sites.geometry.items()] + [("cn", 117.9, 40.9)]
    ponds = "".join(f"{uid},库{uid},{lon},{lat}\n" for uid, lon, lat in at)
    works = "".join(f"{uid},厂{uid},SW05,{place.x},{place.y}\n" for uid, place in plants.geometry.items())
    (tmp_path / "ponds.csv").write_text(f"编码,名称,经度,纬度\n{ponds}", encoding="utf-8")
    (tmp_path / "plants.csv").write_text(f"编码,名称,利用废物代码,经度,纬度\n{works}", encoding="utf-8")
    with registry.open(tmp_path / "registry.gpkg", create=True) as reg:
        reg.import_file(tmp_path / "ponds.csv", "tailings_pond")
        reg.import_file(tmp_path / "plants.csv", "utilization_plant")
    return tmp_path


def test_the_command_ranks_by_road_and_asks_nothing_again(
    store: Path, valhalla_url: str, door: Callable[..., Door]
) -> None:
    served = door(lambda *_: None, valhalla_url)
    command = ("proximity", "--nearest", "2", "--road", served.url, "--road-cache", "roads.sqlite", "--json")
    first = json.loads(run(*command, cwd=store, REGISTRY_ROAD_SNAP_M="300").stdout)
    assert list(first["rows"][0]) == [
        "site_uid", "rank", "plant_uid", "distance_m", "azimuth_deg", "same_province", "road_m", "road_s",
    ]  # fmt: skip
    assert all(row["road_m"] >= 0.9 * (row["distance_m"] - 600) for row in first["rows"])
    assert first["totals"]["sites"] == 13
    assert first["totals"]["road_calls"] == len(served.asked)
    alone = 13 - first["totals"]["sites_with_plant"]
    assert f"{alone} sites have no plant that accepts their waste and that a road leads to." in first["warnings"]
    assert any("1 sites and 0 plants lie farther than 300 m from any road" in line for line in first["warnings"])
    served.asked.clear()
    second = json.loads(run(*command, cwd=store, REGISTRY_ROAD_SNAP_M="300").stdout)
    assert served.asked == []
    assert second["totals"].pop("road_calls") == 0
    first["totals"].pop("road_calls")
    assert second == first


def test_a_server_that_fails_is_one_line_without_credentials(store: Path, door: Callable[..., Door]) -> None:
    served = door(lambda *_: Said(200, b"<html>"))
    url = served.url.replace("http://", "http://bureau:geheim@") + "?key=schluessel"
    done = run("proximity", "--road", url, "--road-engine", "valhalla", cwd=store, code=2)
    assert len(done.stderr.strip().splitlines()) == 1
    assert "this is not how Valhalla answers" in done.stderr
    assert not any(secret in done.stdout + done.stderr for secret in ("bureau", "geheim", "schluessel"))
    debugged = run_with_traceback(url, store)
    assert not any(secret in debugged for secret in ("bureau", "geheim", "schluessel"))


def run_with_traceback(url: str, store: Path) -> str:
    """What ``--debug`` shows, which is a traceback on purpose."""
    command = [COMMAND, "--debug", "proximity", "--road", url, "--road-engine", "valhalla"]
    done = subprocess.run(command, cwd=store, env=dict(os.environ), capture_output=True, text=True, check=False)
    assert "RoadServerError" in done.stderr
    return done.stdout + done.stderr


def test_a_factor_and_a_server_exclude_each_other(store: Path) -> None:
    with registry.open(store / "registry.gpkg") as reg, pytest.raises(BadParameterError, match="choose one"):
        proximity(reg, circuity=1.3, road=RoadServer("http://127.0.0.1:9"), say=lambda _: None)
