"""What was asked once is not asked again, and a cache that cannot be used stops nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pytest
from unruly_server import Door, Said

from registry.errors import BadParameterError, RoadServerError
from registry.road.matrix import RoadMatrix
from registry.road.nearest import nearest_plants
from registry.settings import Settings

Doors = Callable[..., Door]
Places = Callable[..., gpd.GeoDataFrame]


@pytest.fixture
def served(valhalla_url: str, door: Doors) -> Door:
    """A door to the real server that counts what is asked."""
    return door(lambda *_: None, valhalla_url)


def search(served: Door, cache: Path | None, layers: Any, **settings: Any) -> tuple[pd.DataFrame, list[str]]:
    with RoadMatrix(served.url, cache=cache, settings=Settings(road_snap_m=300, **settings), pause_s=0.01) as roads:
        found = nearest_plants(*layers, roads, k=2, say=lambda _: None)
        return found.table, roads.notes


@pytest.fixture
def layers(places: Places) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
    return places(8, "s"), places(30, "p", seed=2)


def test_a_second_run_asks_nothing_and_gives_the_same(served: Door, layers: Any, tmp_path: Path) -> None:
    first, notes = search(served, tmp_path / "roads.sqlite", layers)
    assert served.matrix_calls() > 0
    served.asked.clear()
    second, _ = search(served, tmp_path / "roads.sqlite", layers)
    assert served.asked == []
    assert notes == []
    pd.testing.assert_frame_equal(first, second)


def test_a_new_plant_is_the_only_thing_that_is_asked_for(served: Door, layers: Any, tmp_path: Path) -> None:
    sites, plants = layers
    search(served, tmp_path / "c", (sites, plants.iloc[:-1]))
    before = len(served.asked)
    with_new, _ = search(served, tmp_path / "c", (sites, plants))
    assert 0 < len(served.asked) - before <= before
    fresh, _ = search(served, tmp_path / "d", (sites, plants))
    pd.testing.assert_frame_equal(with_new, fresh)


def test_answers_of_another_server_profile_or_reach_are_not_mixed(served: Door, layers: Any, tmp_path: Path) -> None:
    search(served, tmp_path / "c", layers)
    before = served.matrix_calls()
    with RoadMatrix(served.url, profile="truck", cache=tmp_path / "c", settings=Settings(road_snap_m=300)) as roads:
        nearest_plants(*layers, roads, k=2, say=lambda _: None)
    assert served.matrix_calls() > before
    before = served.matrix_calls()
    with RoadMatrix(served.url, cache=tmp_path / "c", settings=Settings(road_snap_m=250)) as roads:
        nearest_plants(*layers, roads, k=2, say=lambda _: None)
    assert served.matrix_calls() > before


def test_old_answers_are_asked_for_anew(served: Door, layers: Any, tmp_path: Path) -> None:
    search(served, tmp_path / "c", layers)
    with closing(sqlite3.connect(tmp_path / "c")) as kept, kept:
        for table in ("road", "place", "kind"):
            kept.execute(f"UPDATE {table} SET at = at - 91 * 86400")
    before = served.matrix_calls()
    search(served, tmp_path / "c", layers)
    assert served.matrix_calls() == 2 * before
    search(served, tmp_path / "c", layers)
    assert served.matrix_calls() == 2 * before


def test_what_was_answered_before_a_server_went_down_is_kept(
    valhalla_url: str, layers: Any, tmp_path: Path, door: Doors
) -> None:
    def down_after_three_tables(path: str, _body: bytes, _number: int) -> Said | None:
        return Said(500) if "sources_to_targets" in path and failing.matrix_calls() > 3 else None

    failing = door(down_after_three_tables, valhalla_url)
    with pytest.raises(RoadServerError, match="500"):
        search(failing, tmp_path / "c", layers, road_pairs=8)
    with closing(sqlite3.connect(tmp_path / "c")) as kept:
        assert kept.execute("SELECT count(*) FROM road").fetchone()[0] > 0


@pytest.mark.parametrize("content", [b"not a database, but a text" * 100, b"SQLite format 3\0" + b"\xff" * 5_000])
def test_a_damaged_cache_is_set_aside_and_told(content: bytes, served: Door, layers: Any, tmp_path: Path) -> None:
    cache = tmp_path / "roads.sqlite"
    cache.write_bytes(content)
    _, notes = search(served, cache, layers)
    assert len(notes) == 1
    assert "damaged" in notes[0]
    (aside,) = tmp_path.glob("roads.sqlite.damaged-*")
    assert aside.name in notes[0]
    assert aside.read_bytes() == content
    served.asked.clear()
    assert search(served, cache, layers)[1] == []
    assert served.asked == [], "the new one is in use"


def test_damage_inside_a_cache_is_found(served: Door, layers: Any, tmp_path: Path) -> None:
    cache = tmp_path / "roads.sqlite"
    expected, _ = search(served, cache, layers)
    content = bytearray(cache.read_bytes())
    content[4096:12288] = b"\x55" * 8192
    cache.write_bytes(content)
    found, notes = search(served, cache, layers)
    assert any("damaged" in note or "cannot be used" in note for note in notes)
    pd.testing.assert_frame_equal(found, expected)


def test_a_database_of_another_kind_is_not_touched(served: Door, layers: Any, tmp_path: Path) -> None:
    other = tmp_path / "store.gpkg"
    with closing(sqlite3.connect(other)) as made, made:
        made.execute("CREATE TABLE tailings_pond (id INTEGER)")
    before = other.read_bytes()
    with pytest.raises(BadParameterError, match="another database"):
        search(served, other, layers)
    assert other.read_bytes() == before


def test_a_cache_that_cannot_be_made_stops_nothing(served: Door, layers: Any, tmp_path: Path) -> None:
    expected, _ = search(served, tmp_path / "c", layers)
    found, notes = search(served, tmp_path / "no such folder" / "c", layers)
    assert len(notes) == 1
    assert "nothing is kept" in notes[0]
    pd.testing.assert_frame_equal(found, expected)


def test_without_a_name_the_cache_lies_in_the_folder_of_the_user_and_only_they_may_read_it(
    served: Door, layers: Any, tmp_path: Path
) -> None:
    search(served, None, layers)
    cache = tmp_path / "cache" / "tailings-registry" / "roads.sqlite"
    assert cache.stat().st_mode & 0o077 == 0
    assert cache.parent.stat().st_mode & 0o077 == 0
