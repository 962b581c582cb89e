"""Road servers that are down, slow, busy, or talk nonsense: one clear line, and no credential in it."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from road_servers import free_port
from unruly_server import Door, Said

from registry.errors import BadParameterError, RoadServerError
from registry.road.address import Address
from registry.road.matrix import RoadMatrix, micro_degrees
from registry.settings import Settings

Doors = Callable[..., Door]
STARTS = micro_degrees(np.array([24.94, 24.941]), np.array([60.17, 60.171]))
ENDS = micro_degrees(np.array([24.945, 24.95]), np.array([60.172, 60.168]))


def silent(_: str) -> None:
    """Nobody listens."""


def ways(url: str, cache: Path, *, engine: str | None = None, timeout_s: float = 20.0) -> Any:
    settings = Settings(road_snap_m=300, road_timeout_s=timeout_s)
    with RoadMatrix(url, engine=engine, cache=cache, settings=settings, pause_s=0.01) as roads:
        return roads.between(STARTS, ENDS, silent)


def valhalla_table(rows: Any) -> Said:
    return Said.json({"sources_to_targets": {"distances": rows, "durations": rows}})


def test_no_server_at_the_address_is_told(tmp_path: Path) -> None:
    with pytest.raises(RoadServerError, match=r"no connection\. Is the road server running"):
        ways(f"http://127.0.0.1:{free_port()}", tmp_path / "c")


def test_a_server_that_never_answers_is_given_up_after_the_timeout(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(RoadServerError, match=r"no answer within 0\.2 s.*REGISTRY_ROAD_TIMEOUT_S"):
            ways(url, tmp_path / "c", timeout_s=0.2)


def test_a_slow_answer_is_given_up_and_one_in_time_is_taken(tmp_path: Path, door: Doors) -> None:
    table = [[1.0, 2.0], [3.0, 4.0]]

    def slow(_path: str, _body: bytes, _number: int) -> Said:
        said = valhalla_table(table)
        said.wait_s = 1.0
        return said

    served = door(slow)
    with pytest.raises(RoadServerError, match=r"no answer within 0\.2 s"):
        ways(served.url, tmp_path / "c", engine="valhalla", timeout_s=0.2)
    found = ways(served.url, tmp_path / "c", engine="valhalla", timeout_s=20.0)
    assert found.metres.tolist() == [1_000, 4_000]


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again_until_it_answers(
    status: int, valhalla_url: str, tmp_path: Path, door: Doors
) -> None:
    def busy_twice(_path: str, _body: bytes, number: int) -> Said | None:
        return Said(status, b"<html>busy</html>", {"Retry-After": "0"}) if number <= 2 else None

    served = door(busy_twice, valhalla_url)
    found = ways(served.url, tmp_path / "c")
    expected = ways(valhalla_url, tmp_path / "d")
    assert found.metres.tolist() == expected.metres.tolist()
    assert len(served.asked) == 4, "twice in vain, then what it is, then the table"


def test_a_server_that_stays_busy_is_told(tmp_path: Path, door: Doors) -> None:
    served = door(lambda *_: Said(503))
    with pytest.raises(RoadServerError, match="answers 503 Service Unavailable, also when asked 5 times"):
        ways(served.url, tmp_path / "c")
    assert len(served.asked) == 5


def test_a_server_that_asks_for_a_long_pause_is_not_waited_for_so_long(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, door: Doors
) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    served = door(lambda *_: Said(429, headers={"Retry-After": "86400"}))
    with pytest.raises(RoadServerError, match="429 Too Many Requests"):
        ways(served.url, tmp_path / "c")
    assert pauses
    assert max(pauses) <= 30


def test_an_answer_that_breaks_off_is_asked_for_again(valhalla_url: str, tmp_path: Path, door: Doors) -> None:
    def cut(_path: str, _body: bytes, number: int) -> Said | None:
        return Said(200, b'{"sources', length=1_000) if number == 2 else None

    served = door(cut, valhalla_url)
    assert ways(served.url, tmp_path / "c").metres.tolist() == ways(valhalla_url, tmp_path / "d").metres.tolist()
    always = door(lambda *_: Said(200, b'{"sources', length=1_000))
    with pytest.raises(RoadServerError, match="breaks in the middle of an answer"):
        ways(always.url, tmp_path / "e")


@pytest.mark.parametrize(
    ("said", "line"),
    [
        (Said(200, b"<html><body>It works!</body></html>"), "this is not how Valhalla answers: an answer in JSON"),
        (Said(404, b"<html>not found</html>"), "it sent status 404"),
        (Said(200, b"{" * 100_000), "this is not how Valhalla answers"),
        (Said(200, b"\xff\xfe\x00garbage"), "this is not how Valhalla answers"),
        (Said.json([]), "a table of 2 rows"),
        (Said.json({"sources_to_targets": None}), "a table of 2 rows"),
        (valhalla_table([[1.0, 2.0]]), "a table of 2 rows"),
        (valhalla_table([[1.0], [2.0]]), "rows of 2 numbers"),
        (valhalla_table([[1.0, "2"], [3.0, 4.0]]), "numbers in its table"),
        (valhalla_table([[1.0, True], [3.0, 4.0]]), "numbers in its table"),
        (valhalla_table([[1.0, -2.0], [3.0, 4.0]]), "distances on earth"),
        (valhalla_table([[1.0, 10**400], [3.0, 4.0]]), "distances on earth"),
        (Said(200, b'{"sources_to_targets":{"distances":[[1,NaN],[1,1]],"durations":[[1,1],[1,1]]}}'), "an answer in JSON"),
        (Said.json({"error": "Path \x1b[31mdistance\n exceeds", "error_code": 154}, 400), "refuses: Path [31mdistance exceeds. Set REGISTRY_ROAD_MOST_KM"),
        (Said.json({"error": "x" * 1000, "error_code": 150}, 400), "x…. Set REGISTRY_ROAD_PAIRS"),
        (Said.json({"error": ["odd"], "error_code": {"odd": 1}}, 400), "refuses: ['odd']."),
        (Said(302, headers={"Location": "http://127.0.0.1:9/"}), "sends on to another address"),
        (Said(401), "refuses the credentials (401 Unauthorized)"),
        (Said(200, b" " * (65 << 20)), "more than 67,108,864 bytes"),
        (Said(200, b"no gzip", {"Content-Encoding": "gzip"}), "packed wrongly"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_answer_that_is_no_table_is_refused_in_one_line(said: Said, line: str, tmp_path: Path, door: Doors) -> None:
    served = door(lambda *_: said)
    with pytest.raises(RoadServerError) as refused:
        ways(served.url, tmp_path / "c", engine="valhalla")
    text = str(refused.value)
    assert line in text
    assert text.startswith(f"{served.url}: ")
    assert text.isprintable()
    assert len(text) < 400


@pytest.mark.parametrize(
    ("document", "line"),
    [
        ({"code": "TooBig", "message": "Too many table coordinates"}, "TooBig: Too many table coordinates. Set REGISTRY_ROAD_TABLE_SIZE"),
        ({"code": "Ok", "durations": [[1, 1], [1, 1]]}, "tells durations only"),
        ({"code": "Ok", "distances": [[1, 1], [1, 1]], "durations": [[1, 1], [1, 1]]}, "how far its roads are"),
        ({"code": "Ok", "distances": [[1, 1]], "durations": [[1, 1], [1, 1]]}, "a table of 2 rows"),
        ({"distances": []}, "an answer with a code"),
        ([1], "an answer with a code"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_an_osrm_that_answers_no_table_is_refused_in_one_line(
    document: Any, line: str, tmp_path: Path, door: Doors
) -> None:
    served = door(lambda *_: Said.json(document))
    with pytest.raises(RoadServerError) as refused:
        ways(served.url, tmp_path / "c", engine="osrm")
    assert line in str(refused.value)


def test_nulls_are_ways_that_do_not_exist(tmp_path: Path, door: Doors) -> None:
    served = door(lambda *_: valhalla_table([[None, 2.5], [1.5, None]]))
    found = ways(served.url, tmp_path / "c", engine="valhalla")
    assert np.isnan(found.metres).all(), "of the pairs that were asked for, the diagonal"
    assert np.isnan(found.seconds).all()


def test_the_long_form_of_older_servers_is_understood(tmp_path: Path, door: Doors) -> None:
    cells = [[{"distance": 1.25, "time": 60}, {"distance": None, "time": None}], [{"distance": 0, "time": 0}] * 2]
    served = door(lambda *_: Said.json({"sources_to_targets": cells}))
    assert ways(served.url, tmp_path / "c", engine="valhalla").metres.tolist() == [1_250, 0]


def test_places_without_a_way_do_not_spoil_the_table_of_others(tmp_path: Path, door: Doors) -> None:
    """Valhalla refuses a whole table where some places lie in regions without connection (error 170)."""
    island = ENDS[1, 0] / 1e6

    def refuse(path: str, body: bytes, _number: int) -> Said:
        asked = json.loads(body)
        if any(target["lon"] == island for target in asked["targets"]):
            return Said.json({"error_code": 170, "error": "Locations are in unconnected regions."}, 400)
        assert "sources_to_targets" in path
        return valhalla_table([[1.0] * len(asked["targets"]) for _ in asked["sources"]])

    found = ways(door(refuse).url, tmp_path / "c", engine="valhalla")
    assert found.metres[0] == 1_000
    assert np.isnan(found.metres[1])


@pytest.mark.parametrize("kind", ["valhalla_url", "osrm_url"])
def test_a_server_is_known_by_its_own_word(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    url = request.getfixturevalue(kind)
    found = ways(url, tmp_path / "c")
    named = ways(url, tmp_path / "d", engine=kind.removesuffix("_url"))
    assert found.metres.tolist() == pytest.approx(named.metres.tolist(), nan_ok=True)
    assert np.isfinite(found.metres[0])


def test_a_server_that_is_neither_is_told(tmp_path: Path, door: Doors) -> None:
    served = door(lambda *_: Said(404, b"<html>nginx</html>"))
    with pytest.raises(RoadServerError, match=r"neither Valhalla nor OSRM answers there.*--road-engine"):
        ways(served.url, tmp_path / "c")


def test_an_unknown_profile_is_told_in_the_words_of_the_server(valhalla_url: str, tmp_path: Path) -> None:
    settings = Settings(road_snap_m=300)
    with (
        RoadMatrix(valhalla_url, profile="camel", cache=tmp_path / "c", settings=settings) as roads,
        pytest.raises(RoadServerError, match=r"No costing method found.*--road-profile"),
    ):
        roads.between(STARTS, ENDS, silent)
    with pytest.raises(BadParameterError, match="--road-profile"):
        RoadMatrix(valhalla_url, profile="../x", cache=tmp_path / "c")
    with pytest.raises(BadParameterError, match="--road-engine google"):
        RoadMatrix(valhalla_url, engine="google", cache=tmp_path / "c")


def test_credentials_are_sent_and_neither_shown_nor_kept(valhalla_url: str, tmp_path: Path, door: Doors) -> None:
    served = door(lambda *_: None, valhalla_url)
    url = served.url.replace("http://", "http://bureau:geheim%20wort@") + "/?api_key=schluessel"
    ways(url, tmp_path / "c")
    assert served.authorizations == {"Basic YnVyZWF1OmdlaGVpbSB3b3J0"}
    assert all(path.endswith("api_key=schluessel") for path in served.asked)
    kept = (tmp_path / "c").read_bytes()
    assert b"geheim" not in kept
    assert b"schluessel" not in kept
    assert b"bureau" not in kept
    for said in (Said(401), Said(503), Said(302), Said(200, b"garbage"), Said(200, b"{", length=99)):
        broken = door(lambda *_, said=said: said)
        address = broken.url.replace("http://", "http://bureau:geheim@") + "?api_key=schluessel"
        with pytest.raises(RoadServerError) as refused:
            ways(address, tmp_path / "d", engine="valhalla")
        assert refused.value.__cause__ is None
        assert not any(secret in str(refused.value) for secret in ("geheim", "schluessel", "bureau"))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://geheim@host/", "file:///etc/passwd", "host:8002", "", "http://", "http://geheim@", "http://h:99999",
        "http://h:port", "http://[::1", "javascript:alert(1)", "http://h/\x1b[31m", "http://h /geheim", "http:\\\\h",
    ],
)  # fmt: skip
def test_only_addresses_of_http_are_taken_and_a_wrong_one_is_not_repeated(url: str) -> None:
    with pytest.raises(BadParameterError, match="--road") as refused:
        Address.of(url)
    assert "geheim" not in str(refused.value)
    assert str(refused.value).isprintable()


def test_an_address_is_kept_in_one_form() -> None:
    assert Address.of("HTTP://User:pw@Example.org:8002/valhalla/?k=1").base == "http://example.org:8002/valhalla"
    assert Address.of("https://[::1]:8443").base == "https://[::1]:8443"
    assert Address.of("https://[::1]:8443").local
    assert Address.of("http://127.9.9.9").local
    assert not Address.of("http://127.0.0.1.example.org").local
    assert "pw" not in repr(Address.of("http://u:pw@h?k=pw"))
