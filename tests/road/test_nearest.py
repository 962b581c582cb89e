"""Nearest by road is nearest by road: compared with every pair, on real road servers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from road_servers import ask
from unruly_server import Door, Said, in_hundredths

from registry.errors import BadParameterError, EmptyLayerError, RoadServerError
from registry.road.matrix import RoadMatrix
from registry.road.nearest import NearestByRoad, nearest_plants
from registry.settings import Settings

Places = Callable[..., gpd.GeoDataFrame]


class Scene(NamedTuple):
    """Sites, plants, and the metres of every way between them (n, m), NaN where there is none."""

    sites: gpd.GeoDataFrame
    plants: gpd.GeoDataFrame
    ways: np.ndarray


COLUMNS = ["site_uid", "rank", "plant_uid", "distance_m", "azimuth_deg", "same_province", "road_m", "road_s"]


def silent(_: str) -> None:
    """Nobody listens."""


def search(url: str, cache: Path, settings: Settings, layers: tuple[Any, Any], **options: Any) -> NearestByRoad:
    profile = options.pop("profile", None)
    with RoadMatrix(url, cache=cache, settings=settings, profile=profile, pause_s=0.01) as roads:
        return nearest_plants(*layers, roads, say=silent, **options)


def positions(layer: gpd.GeoDataFrame) -> list[tuple[float, float]]:
    return list(zip(layer.geometry.x, layer.geometry.y, strict=True))


def by_actor(actor: Any, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame, costing: str = "auto") -> np.ndarray:
    """Metres of every pair by Valhalla's own Python door, a source at a time; NaN where there is no way."""
    to = [{"lon": lon, "lat": lat} for lon, lat in positions(plants)]
    rows: list[list[float]] = []
    for lon, lat in positions(sites):
        cells: list[float] = []
        for at in range(0, len(to), 300):
            question = {"sources": [{"lon": lon, "lat": lat}], "targets": to[at : at + 300], "costing": costing}
            (told,) = told_by(actor, question)
            cells += [np.nan if cell["time"] is None else cell["distance"] * 1000 for cell in told]
        rows.append(cells)
    return np.array(rows)


def told_by(actor: Any, question: dict[str, Any]) -> list[list[dict[str, Any]]]:
    """A matrix; where the graph has no way at all, which Valhalla calls an error, one without any."""
    try:
        table: list[list[dict[str, Any]]] = json.loads(actor.matrix(json.dumps(question)))["sources_to_targets"]
    except RuntimeError as error:
        if "No path could be found" not in str(error):
            raise
        return [[{"time": None} for _ in question["targets"]] for _ in question["sources"]]
    return table


def by_osrm(url: str, sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame) -> np.ndarray:
    """Metres of every pair by OSRM's route service, pair by pair."""
    metres = np.full((len(sites), len(plants)), np.nan)
    for row, (lon, lat) in enumerate(positions(sites)):
        for column, (to_lon, to_lat) in enumerate(positions(plants)):
            _, body = ask(f"{url}/route/v1/driving/{lon},{lat};{to_lon},{to_lat}?overview=false")
            told = json.loads(body)
            if told["code"] == "Ok":
                metres[row, column] = told["routes"][0]["distance"]
    return metres


def assert_nearest(found: pd.DataFrame, truth: np.ndarray, sites: Any, plants: Any, k: int) -> None:
    assert found.columns.tolist() == COLUMNS
    column = plants.index.get_indexer(found["plant_uid"])
    row = sites.index.get_indexer(found["site_uid"])
    assert (np.diff(row) >= 0).all(), "in the order of sites"
    assert found["road_m"].to_numpy() == pytest.approx(truth[row, column], abs=1.5)
    for at, uid in enumerate(sites.index):
        own = found[found["site_uid"] == uid]
        best = np.sort(truth[at][~np.isnan(truth[at])])[:k]
        assert own["rank"].tolist() == list(range(1, len(best) + 1))
        assert own["road_m"].to_numpy() == pytest.approx(best, abs=1.5)


@pytest.fixture(scope="module")
def scene(actor: Any, places: Places) -> Scene:
    """Sites and plants, and every way between them."""
    sites, plants = places(20, "s"), places(150, "p", seed=2)
    return Scene(sites, plants, by_actor(actor, sites, plants))


@pytest.mark.parametrize("k", [1, 3])
def test_the_nearest_by_valhalla_are_those_of_all_pairs(
    k: int, valhalla_url: str, scene: Scene, town: Settings, tmp_path: Path
) -> None:
    sites, plants, truth = scene
    found = search(valhalla_url, tmp_path / "c", town, (sites, plants), k=k, most_candidates=150)
    assert_nearest(found.table, truth, sites, plants, k)
    assert (found.off_road, found.open_sites, found.cut_off, found.too_short) == ((0, 0), 0, 0, 0)
    straight = found.table.groupby("site_uid")["distance_m"]
    assert k == 1 or not all(own.is_monotonic_increasing for _, own in straight), (
        "the order by road is not that by straight line"
    )
    assert (found.table["road_s"] >= 0).all()


def test_a_profile_has_ways_of_its_own(
    valhalla_url: str, actor: Any, scene: Scene, town: Settings, tmp_path: Path
) -> None:
    sites, plants = scene.sites.iloc[:8], scene.plants.iloc[:40]
    found = search(valhalla_url, tmp_path / "c", town, (sites, plants), k=2, profile="truck").table
    assert_nearest(found, by_actor(actor, sites, plants, "truck"), sites, plants, 2)
    by_car = search(valhalla_url, tmp_path / "c", town, (sites, plants), k=2).table
    assert_nearest(by_car, scene.ways[:8, :40], sites, plants, 2)


def test_the_nearest_by_osrm_are_those_of_all_pairs(
    osrm_url: str, places: Places, town: Settings, tmp_path: Path
) -> None:
    """OSRM's own server, against its route service, which answers one pair at a time."""
    sites, plants = places(12, "s"), places(40, "p", seed=2)
    found = search(osrm_url, tmp_path / "c", town, (sites, plants), k=2, most_candidates=40)
    assert_nearest(found.table, by_osrm(osrm_url, sites, plants), sites, plants, 2)
    assert found.off_road == (0, 0)


def test_an_answer_as_osrm_documents_it_is_understood(
    actor: Any, places: Places, town: Settings, tmp_path: Path, door: Callable[..., Door]
) -> None:
    """No OSRM: the table of the real Valhalla graph in the form that OSRM documents, for machines without OSRM's program."""
    sites, plants = places(10, "s"), places(30, "p", seed=2)

    def osrm(path: str, _body: bytes, _number: int) -> Said:
        if "/table/v1/driving/" not in path:
            return Said.json({"code": "InvalidUrl", "message": "URL string malformed close to position 7"}, 400)
        listed, _, query = path.removeprefix("/table/v1/driving/").partition("?")
        options = dict(option.split("=") for option in query.replace("%3B", ";").replace("%2C", ",").split("&"))
        at = [tuple(map(float, pair.split(","))) for pair in listed.split(";")]
        chosen = {
            name: [at[int(number)] for number in options[name].split(";")] if name in options else at
            for name in ("sources", "destinations")
        }
        question = {
            ours: [{"lon": lon, "lat": lat} for lon, lat in chosen[theirs]]
            for ours, theirs in (("sources", "sources"), ("targets", "destinations"))
        }
        told = told_by(actor, {**question, "costing": "auto"})
        metres = [[None if cell["time"] is None else cell["distance"] * 1000 for cell in row] for row in told]
        seconds = [[cell["time"] for cell in row] for row in told]
        waypoints = {
            name: [{"location": list(place), "distance": 150.0, "name": ""} for place in chosen[name]]
            for name in chosen
        }
        annotations = options.get("annotations", "duration").split(",")
        tables = {"distances": metres} if "distance" in annotations else {}
        return Said.json({"code": "Ok", "durations": seconds, **tables, **waypoints})

    served = door(osrm)
    found = search(served.url, tmp_path / "c", town, (sites, plants), k=2, most_candidates=30)
    assert_nearest(found.table, by_actor(actor, sites, plants), sites, plants, 2)
    widest = max(path.count(";") for path in served.asked)
    assert widest < 60 * 2, "no question holds more than the 60 coordinates of the settings"


def on_the_road(actor: Any, layer: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The layer, each place moved to where Valhalla puts it."""
    asked = {"locations": [{"lon": lon, "lat": lat} for lon, lat in positions(layer)], "costing": "auto"}
    at = [place["edges"][0] for place in json.loads(actor.locate(json.dumps(asked)))]
    moved = gpd.points_from_xy([edge["correlated_lon"] for edge in at], [edge["correlated_lat"] for edge in at])
    return layer.set_geometry(gpd.GeoSeries(moved, index=layer.index, crs=layer.crs))


def test_far_fewer_pairs_are_asked_for_than_there_are(
    valhalla_url: str, actor: Any, scene: Scene, tmp_path: Path, door: Callable[..., Door]
) -> None:
    """Where places lie on roads, the straight line soon settles which ways need not be asked for."""
    sites, plants = on_the_road(actor, scene.sites.iloc[:6]), on_the_road(actor, scene.plants)
    pairs: list[int] = []

    def count(path: str, body: bytes, _number: int) -> None:
        if "sources_to_targets" in path:
            asked = json.loads(body)
            pairs.append(len(asked["sources"]) * len(asked["targets"]))

    served = door(count, valhalla_url)
    narrow = Settings(road_snap_m=300, road_pairs=50)
    found = search(served.url, tmp_path / "c", narrow, (sites, plants), k=1, most_candidates=150)
    assert_nearest(found.table, by_actor(actor, sites, plants), sites, plants, 1)
    assert found.open_sites == 0
    assert max(pairs) <= 50
    assert sum(pairs) < len(sites) * len(plants) * 0.7


def test_a_search_that_stops_early_says_how_many_sites_stayed_open(
    valhalla_url: str, scene: Scene, town: Settings, tmp_path: Path
) -> None:
    sites, plants, ways = scene
    found = search(valhalla_url, tmp_path / "c", town, (sites, plants), k=1, most_candidates=2)
    assert 0 < found.open_sites <= len(sites)
    whole = found.table.set_index("site_uid")["road_m"].reindex(sites.index).to_numpy()
    wrong = int((np.isnan(whole) | (whole > np.nanmin(ways, axis=1) + 1.5)).sum())
    assert 0 < wrong <= found.open_sites, "every site with a wrong answer is among the open ones"


def test_only_plants_that_accept_the_waste_are_asked_for(
    valhalla_url: str, actor: Any, places: Places, town: Settings, tmp_path: Path
) -> None:
    sites = places(12, "s", waste_codes=["SW05", "SW04", "SW09"] * 4)
    plants = places(60, "p", seed=2, waste_codes=["SW05", "SW04"] * 30)
    found = search(valhalla_url, tmp_path / "c", town, (sites, plants), k=1).table
    truth = by_actor(actor, sites, plants)
    truth[sites["waste_codes"].to_numpy()[:, None] != plants["waste_codes"].to_numpy()[None]] = np.nan
    assert_nearest(found, truth, sites, plants, 1)
    assert len(found) == 8, "the sites that hold SW09 have no row"
    anyhow = search(valhalla_url, tmp_path / "c", town, (sites, plants), k=1, same_material=False).table
    assert_nearest(anyhow, by_actor(actor, sites, plants), sites, plants, 1)


def test_places_without_a_road_near_are_left_out_and_counted(
    valhalla_url: str, places: Places, town: Settings, tmp_path: Path
) -> None:
    sites, plants = places(5, "s"), places(9, "p", seed=2)
    at_sea = gpd.GeoDataFrame(index=["lost"], geometry=[shapely.Point(24.95, 60.0)], crs=4490)
    sites, plants = pd.concat([sites, at_sea]), pd.concat([plants, at_sea.rename(index={"lost": "far"})])
    found = search(valhalla_url, tmp_path / "c", town, (sites, plants), k=20, most_candidates=20)
    assert found.off_road == (1, 1)
    assert "lost" not in set(found.table["site_uid"])
    assert "far" not in set(found.table["plant_uid"])
    assert set(found.table["site_uid"]) == {"s0", "s1", "s2", "s3", "s4"}


@pytest.mark.parametrize("kind", ["valhalla_url", "osrm_url"])
def test_a_server_without_the_map_of_the_region_says_so(
    kind: str, request: pytest.FixtureRequest, town: Settings, tmp_path: Path
) -> None:
    url = request.getfixturevalue(kind)
    china = gpd.GeoDataFrame(index=["a", "b"], geometry=gpd.points_from_xy([117.9, 118], [40.9, 41]), crs=4490)
    with pytest.raises(RoadServerError, match=r"no road within 300 m of any of the 2 sites\. Does it hold the map"):
        search(url, tmp_path / "c", town, (china, china.add_prefix("p", axis=0)), k=1)


def test_plants_beyond_the_reach_of_the_server_are_not_asked_for(
    valhalla_url: str, actor: Any, places: Places, tmp_path: Path, door: Callable[..., Door]
) -> None:
    """A server that may be asked up to 500 m only: what lies farther is told, not refused."""
    sites, plants = places(6, "s"), places(6, "p", seed=2)
    served = door(lambda *_: None, valhalla_url)
    found = search(served.url, tmp_path / "c", Settings(road_snap_m=300, road_most_km=0.5), (sites, plants), k=6)
    assert found.cut_off == len(sites)
    assert found.table["distance_m"].max() <= 500
    assert len(found.table) < len(sites) * len(plants)
    truth = by_actor(actor, sites, plants)
    at = sites.index.get_indexer(found.table["site_uid"]), plants.index.get_indexer(found.table["plant_uid"])
    assert found.table["road_m"].to_numpy() == pytest.approx(truth[at], abs=1.5)


def test_ways_shorter_than_a_straight_line_are_told(
    valhalla_url: str, places: Places, tmp_path: Path, door: Callable[..., Door]
) -> None:
    settings = Settings(road_snap_m=130)
    served = door(in_hundredths(valhalla_url), valhalla_url)
    found = search(served.url, tmp_path / "c", settings, (places(20, "s"), places(20, "p", seed=2)), k=20)
    assert found.too_short > 0


def test_bad_input_is_refused_before_the_server_is_asked(
    places: Places, town: Settings, tmp_path: Path, door: Callable[..., Door]
) -> None:
    served = door(lambda *_: Said.json({"version": "3.5.1"}))
    sites, plants = places(2, "s"), places(2, "p", seed=2)
    with pytest.raises(EmptyLayerError, match="plants: there is none"):
        search(served.url, tmp_path / "c", town, (sites, plants.iloc[:0]))
    with pytest.raises(BadParameterError, match=r"--road-candidates 2: .*3"):
        search(served.url, tmp_path / "c", town, (sites, plants), k=3, most_candidates=2)
    with pytest.raises(BadParameterError, match="k = 0"):
        search(served.url, tmp_path / "c", town, (sites, plants), k=0)
    empty = search(served.url, tmp_path / "c", town, (sites.iloc[:0], plants))
    assert empty.table.columns.tolist() == COLUMNS
    assert empty.table.empty
    assert served.asked == ["/status"], "nothing but which kind of server it is"
