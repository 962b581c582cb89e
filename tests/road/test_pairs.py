"""Distances by road within a radius are those of every pair that is near enough, on real road servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from karney import CGCS2000, matrix
from road_servers import ask
from unruly_server import Door, Said, in_hundredths

from registry.errors import BadParameterError, CrsError, EmptyLayerError, NoPlanError, RoadServerError
from registry.road.matrix import RoadMatrix
from registry.road.pairs import road_distances
from registry.services.siting.planning.plan import choose_hubs
from registry.settings import Settings

Places = Callable[..., gpd.GeoDataFrame]


def search(
    url: str,
    cache: Path,
    settings: Settings,
    layers: tuple[Any, Any],
    radius_km: float,
    say: Callable[[str], None] = print,
) -> pd.DataFrame:
    with RoadMatrix(url, cache=cache, settings=settings, pause_s=0.01) as roads:
        return road_distances(*layers, roads, radius_km=radius_km, say=say)


def by_actor(actor: Any, sites: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame) -> np.ndarray:
    """Metres of every pair by Valhalla's own Python door; NaN where there is no way."""
    to = [{"lon": p.x, "lat": p.y} for p in candidates.geometry]
    metres = np.full((len(sites), len(to)), np.nan)
    for row, place in enumerate(sites.geometry):
        question = {"sources": [{"lon": place.x, "lat": place.y}], "targets": to, "costing": "auto"}
        (told,) = json.loads(actor.matrix(json.dumps(question)))["sources_to_targets"]
        metres[row] = [np.nan if cell["time"] is None else cell["distance"] * 1_000 for cell in told]
    return metres


def by_osrm(url: str, sites: gpd.GeoDataFrame, candidates: gpd.GeoDataFrame) -> np.ndarray:
    """Metres of every pair by OSRM's route service, pair by pair."""
    metres = np.full((len(sites), len(candidates)), np.nan)
    for row, start in enumerate(sites.geometry):
        for column, end in enumerate(candidates.geometry):
            _, body = ask(f"{url}/route/v1/driving/{start.x},{start.y};{end.x},{end.y}?overview=false")
            told = json.loads(body)
            if told["code"] == "Ok":
                metres[row, column] = told["routes"][0]["distance"]
    return metres


def assert_pairs(found: pd.DataFrame, truth: np.ndarray, layers: tuple[Any, Any], radius_km: float) -> None:
    """All pairs within the radius by road and by straight line, with their metres, by site and distance."""
    sites, candidates = layers
    assert found.columns.tolist() == ["site_uid", "candidate", "distance_m"]
    row, column = sites.index.get_indexer(found["site_uid"]), candidates.index.get_indexer(found["candidate"])
    assert found["distance_m"].to_numpy() == pytest.approx(truth[row, column], abs=1.5)
    expected = (truth <= radius_km * 1_000) & (matrix(CGCS2000, sites, candidates) <= radius_km * 1_000)
    # Valhalla rounds its metres, so a pair on the edge may be told either way.
    doubtful = np.abs(truth - radius_km * 1_000) < 1.5
    there = np.zeros(truth.shape, bool)
    there[row, column] = True
    assert len(found) == there.sum(), "each pair once"
    assert (there == expected)[~doubtful].all()
    assert (np.diff(row) >= 0).all()
    for _, own in found.groupby("site_uid"):
        assert own["distance_m"].is_monotonic_increasing


@pytest.mark.parametrize("radius_km", [0.6, 1.2, 20.0])
def test_the_pairs_by_valhalla_are_those_of_all_pairs(
    radius_km: float, valhalla_url: str, actor: Any, places: Places, town: Settings, tmp_path: Path
) -> None:
    layers = places(20, "s"), places(40, "c", seed=2)
    found = search(valhalla_url, tmp_path / "c", town, layers, radius_km)
    assert_pairs(found, by_actor(actor, *layers), layers, radius_km)
    assert 0 < len(found) <= 800
    assert all("are left out" in note for note in found.attrs["notes"])


def test_the_pairs_by_osrm_are_those_of_all_pairs(
    osrm_url: str, places: Places, town: Settings, tmp_path: Path
) -> None:
    layers = places(8, "s"), places(12, "c", seed=2)
    found = search(osrm_url, tmp_path / "c", town, layers, 1.0)
    assert_pairs(found, by_osrm(osrm_url, *layers), layers, 1.0)
    assert 0 < len(found) < 96


def test_only_pairs_near_by_straight_line_are_asked_for(
    valhalla_url: str, places: Places, town: Settings, tmp_path: Path, door: Callable[..., Door]
) -> None:
    asked: list[int] = []

    def count(path: str, body: bytes, _number: int) -> None:
        if "sources_to_targets" in path:
            question = json.loads(body)
            asked.append(len(question["sources"]) * len(question["targets"]))

    served = door(count, valhalla_url)
    # One at a time, so that no table holds more than what was asked for.
    layers = places(12, "s"), places(30, "c", seed=2)
    search(served.url, tmp_path / "c", town.model_copy(update={"road_pairs": 1}), layers, 0.4)
    assert sum(asked) == (matrix(CGCS2000, *layers) <= 400).sum()
    assert 0 < sum(asked) < 360
    before = len(asked)
    search(served.url, tmp_path / "c", town, layers, 0.4)
    assert len(asked) == before, "what was asked for once is kept"


def test_places_without_a_road_and_pairs_out_of_reach_are_told(
    valhalla_url: str, places: Places, tmp_path: Path, door: Callable[..., Door]
) -> None:
    sites, candidates = places(6, "s"), places(6, "c", seed=2)
    # Off the coast, within 20 km of the town.
    at_sea = gpd.GeoDataFrame(index=["lost"], geometry=[shapely.Point(24.95, 60.0)], crs=4490)
    sites, candidates = pd.concat([sites, at_sea]), pd.concat([candidates, at_sea.rename(index={"lost": "far"})])
    served = door(lambda *_: None, valhalla_url)
    found = search(served.url, tmp_path / "c", Settings(road_snap_m=300, road_most_km=0.5), (sites, candidates), 20)
    assert "lost" not in set(found["site_uid"])
    assert "far" not in set(found["candidate"])
    off, beyond = found.attrs["notes"][:2]
    assert off.startswith(
        "1 sites and 1 candidates lie farther than 300 m from any road of the server and are left out"
    )
    apart = int((matrix(CGCS2000, sites, candidates) > 495).sum())
    assert beyond.startswith(f"{apart} pairs of a site and a candidate are farther apart than 0.495 km")


def test_where_the_server_may_be_asked_for_nothing_there_is_no_plan(
    valhalla_url: str, places: Places, tmp_path: Path
) -> None:
    layers = places(1, "s"), places(1, "c", seed=2)
    assert matrix(CGCS2000, *layers)[0, 0] > 100
    with pytest.raises(
        NoPlanError, match=r"no pair within 20 km can be asked for: 1 pairs .* farther apart than 0\.099 km"
    ):
        search(valhalla_url, tmp_path / "c", Settings(road_snap_m=300, road_most_km=0.1), layers, 20)


def test_a_server_without_the_map_of_the_region_says_so(valhalla_url: str, town: Settings, tmp_path: Path) -> None:
    china = gpd.GeoDataFrame(index=["a", "b"], geometry=gpd.points_from_xy([117.9, 118], [40.9, 41]), crs=4490)
    with pytest.raises(RoadServerError, match=r"no road within 300 m of any of the 2 sites\. Does it hold the map"):
        search(valhalla_url, tmp_path / "c", town, (china, china.add_prefix("c", axis=0)), 50)


def without_ways(path: str, body: bytes, _number: int) -> Said | None:
    """A network in which no way leads from anywhere to anywhere else."""
    if "sources_to_targets" not in path:
        return None
    question = json.loads(body)
    none = [[None for _ in question["targets"]] for _ in question["sources"]]
    return Said.json({"sources_to_targets": {"distances": none, "durations": none}, "units": "kilometers"})


def test_a_network_that_is_not_connected_is_no_plan(
    valhalla_url: str, places: Places, town: Settings, tmp_path: Path, door: Callable[..., Door]
) -> None:
    served = door(without_ways, valhalla_url)
    with pytest.raises(
        NoPlanError, match=r"^infeasible because http://\S+ knows no way .* 20 pairs in all: .* not connected"
    ):
        search(served.url, tmp_path / "c", town, (places(4, "s"), places(5, "c", seed=2)), 20)


def test_roads_that_are_all_too_long_are_no_plan(
    valhalla_url: str, actor: Any, places: Places, town: Settings, tmp_path: Path
) -> None:
    layers = places(20, "s"), places(40, "c", seed=2)
    truth, straight = by_actor(actor, *layers), matrix(CGCS2000, *layers)
    row, column = np.unravel_index(np.nanargmax(truth - straight), truth.shape)
    detour = layers[0].iloc[[row]], layers[1].iloc[[column]]
    between = (straight[row, column] + truth[row, column]) / 2_000
    with pytest.raises(NoPlanError, match=r"by road: the shortest way is [\d.]+ km long"):
        search(valhalla_url, tmp_path / "c", town, detour, between)


def test_ways_shorter_than_a_straight_line_are_told(
    valhalla_url: str, places: Places, tmp_path: Path, door: Callable[..., Door]
) -> None:
    served = door(in_hundredths(valhalla_url), valhalla_url)
    layers = places(20, "s"), places(20, "c", seed=2)
    found = search(served.url, tmp_path / "c", Settings(road_snap_m=130), layers, 20)
    assert any("shorter than a straight line can be" in note for note in found.attrs["notes"])


def test_a_plan_by_road_hauls_along_these_pairs(
    valhalla_url: str, places: Places, town: Settings, tmp_path: Path
) -> None:
    sites, candidates = places(20, "s", annual_t=np.ones(20)), places(8, "c", seed=2)
    found = search(valhalla_url, tmp_path / "c", town, (sites, candidates), 1.5)
    plan = choose_hubs(sites, candidates, hubs=2, radius_km=1.5, distances=found)
    reached = found.groupby("candidate")["site_uid"].agg(set)
    best = max(len(reached[a] | reached[b]) for a in reached.index for b in reached.index)
    assert plan.objective == best
    told = found.set_index(["site_uid", "candidate"])["distance_m"]
    candidate = plan.flows["hub"].map(plan.hubs.set_index("hub")["candidate"])
    hauled = [told[pair] for pair in zip(plan.flows["site_uid"], candidate, strict=True)]
    assert plan.flows["distance_m"].tolist() == pytest.approx(hauled)


def test_bad_input_is_refused_before_the_server_is_asked(
    places: Places, town: Settings, tmp_path: Path, door: Callable[..., Door]
) -> None:
    served = door(lambda *_: Said.json({"version": "3.5.1"}))
    sites, candidates = places(2, "s"), places(2, "c", seed=2)
    for radius_km in (0.0, -1.0, np.nan, np.inf):
        with pytest.raises(BadParameterError, match=r"radius = \S+ km: give kilometres of more than 0"):
            search(served.url, tmp_path / "c", town, (sites, candidates), radius_km)
    with pytest.raises(EmptyLayerError, match="candidates: there is none"):
        search(served.url, tmp_path / "c", town, (sites, candidates.iloc[:0]), 5)
    with pytest.raises(CrsError, match="candidates: the layer has no CRS"):
        search(served.url, tmp_path / "c", town, (sites, candidates.set_crs(None, allow_override=True)), 5)
    with pytest.raises(BadParameterError, match="candidates: uid c0 occurs more than once"):
        search(served.url, tmp_path / "c", town, (sites, pd.concat([candidates, candidates])), 5)
    with pytest.raises(
        NoPlanError, match=r"^infeasible because no candidate lies within 0\.001 km of any site by straight"
    ):
        search(served.url, tmp_path / "c", town, (sites, candidates), 0.001)
    with pytest.raises(NoPlanError, match="infeasible because no candidate lies within"):
        search(served.url, tmp_path / "c", town, (sites.iloc[:0], candidates), 5)
    assert served.asked == ["/status"], "nothing but which kind of server it is"
