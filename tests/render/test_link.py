"""A link that another person opens at the same view: a second page must show what the first one did."""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from registry.render import save

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POND = "00000000-0000-4000-8000-000000000001"
HOSTILE_POND = "00000000-0000-4000-8000-000000000002"


@pytest.fixture
def address(whole_map: Any, tmp_path: Path) -> Callable[[str], Any]:
    """The address of a saved map with a hash."""
    path = save(whole_map(), tmp_path / "map.html")

    class _Address:
        def __init__(self, hash_: str) -> None:
            self.hash = hash_

        def as_uri(self) -> str:
            return path.as_uri() + self.hash

    return _Address


def _ready(seen: Any) -> Any:
    seen.page.evaluate("registryMap.ready")
    seen.page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return seen


def _view(seen: Any) -> tuple[float, float, float]:
    name = seen.page.locator(".folium-map").get_attribute("id")
    zoom, lat, lng = seen.page.evaluate(f"[{name}.getZoom(), {name}.getCenter().lat, {name}.getCenter().lng]")
    return zoom, lat, lng


def _hash(seen: Any, part: str) -> str:
    seen.page.wait_for_function("part => location.hash.includes(part)", arg=part)
    return str(seen.page.evaluate("location.hash"))


def _set(seen: Any, call: str) -> None:
    seen.page.evaluate(f"{seen.page.locator('.folium-map').get_attribute('id')}.{call}")


def test_a_second_page_opens_at_the_view_the_switches_the_language_and_the_site(
    open_file: Any, address: Callable[[str], Any]
) -> None:
    first = _ready(open_file(address("")))
    assert first.page.evaluate("location.hash") == ""  # nothing is written before anything is changed
    first.page.click('[data-tool="language"]')
    first.page.uncheck('.registry-legend input[data-key="level_3"]')
    first.page.uncheck('.registry-legend input[data-key="line_2"]')
    first.page.uncheck('.registry-legend input[data-key="within_50"]')
    first.page.check('.registry-legend input[data-key="beyond_50"]')
    _set(first, "setView([37.31, 111.42], 8.75, {animate: false})")
    assert first.page.evaluate("uid => registryMap.openPopup(uid)", POND)
    _hash(first, f"site={POND}")
    first.page.wait_for_timeout(900)  # the map moves to show all of the popup, and the address follows
    hash_ = first.page.evaluate("location.hash")
    place, rest = hash_.split("&", 1)
    assert re.fullmatch(r"#map=8\.75/37\.\d+/111\.\d+", place)
    assert rest == f"lang=en&on=beyond_50&off=level_3,line_2,within_50&site={POND}"
    second = _ready(open_file(address(hash_)))
    second.page.locator(".registry-popup").wait_for()
    assert "Supervision level" in second.page.locator(".registry-popup").inner_text()
    assert _view(second) == pytest.approx(_view(first), abs=5e-5)
    assert second.counts() == first.counts()
    assert second.counts()["level_3"] == 0
    boxes = (
        "Object.fromEntries(Array.from(document.querySelectorAll('[data-key]'), box => [box.dataset.key, box.checked]))"
    )
    assert second.page.evaluate(boxes) == first.page.evaluate(boxes)
    assert second.page.evaluate("document.documentElement.lang") == "en"
    second.page.wait_for_timeout(600)
    assert second.page.evaluate("location.hash") == hash_  # the same state is the same link
    second.assert_quiet()
    first.assert_quiet()


@pytest.mark.parametrize(
    "hash_",
    ["#top", "#map=99/x/y", "#map=6/91/0", "#:~:text=x", "#filter=%%%&off=%E0%A4%A", "#lang=fr", "#site=nobody",
     "#filter=eyJ4IjpbMV0sIl9fcHJvdG9fXyI6eyJ5IjoxfX0", "#off=no_such_layer,&on=,", "#" + "a" * 20_000],
)  # fmt: skip
def test_a_hash_that_is_damaged_or_not_ours_changes_nothing(
    open_file: Any, address: Callable[[str], Any], hash_: str
) -> None:
    plain = _ready(open_file(address("")))
    seen = _ready(open_file(address(hash_)))
    assert _view(seen) == _view(plain)
    assert seen.counts() == plain.counts()
    assert seen.page.evaluate("document.documentElement.lang") == "zh-CN"
    seen.assert_quiet()


def test_a_link_pasted_into_an_open_page_is_followed_and_undoes_what_it_does_not_name(
    open_file: Any, address: Callable[[str], Any]
) -> None:
    seen = _ready(open_file(address("#map=7/37/112&off=level_1")))
    seen.page.wait_for_function("() => registryMap.counts().level_1 === 0")
    seen.page.evaluate("location.hash = '#map=9/37.5/111&off=level_2&site=S-5'")
    seen.page.locator(".registry-popup").wait_for()
    assert seen.page.locator(".registry-popup .registry-name").text_content() == "北坡矸石山"  # by its code
    assert seen.counts()["level_1"] == 1
    assert seen.counts()["level_2"] == 0
    assert _view(seen)[0] == 9
    seen.assert_quiet()


def test_the_tool_copies_the_link_and_opens_one_that_was_received(
    context: Any, open_file: Any, address: Callable[[str], Any]
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen = _ready(open_file(address("")))
    _set(seen, "setView([36.5, 112.5], 8, {animate: false})")
    seen.page.click('[data-tool="link"]')
    seen.page.get_by_text("链接已复制").first.wait_for()
    copied = seen.page.evaluate("navigator.clipboard.readText()")
    assert copied == address("#map=8/36.5/112.5&lang=zh").as_uri()
    assert seen.page.locator(".registry-drawer input").first.input_value() == copied
    assert seen.page.locator(".registry-spoken").first.text_content() == "链接已复制"
    received = seen.page.get_by_label("收到的链接")
    received.fill("https://example.org/other.html#map=10/37.1/111&off=gangue_heap")
    received.press("Enter")
    seen.page.wait_for_function("() => registryMap.counts().gangue_heap === 0")
    assert _view(seen) == pytest.approx((10, 37.1, 111), abs=1e-3)
    received.fill("https://example.org/")
    received.press("Enter")
    seen.page.get_by_text("不是本地图的链接").first.wait_for()
    seen.assert_quiet()


def test_where_there_is_no_clipboard_the_link_is_copied_the_old_way_or_left_selected(
    open_file: Any, address: Callable[[str], Any]
) -> None:
    seen = _ready(open_file(address("")))
    seen.page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    seen.page.click('[data-tool="link"]')
    seen.page.get_by_text("链接已复制").first.wait_for()
    seen.page.evaluate("document.execCommand = () => false")
    seen.page.get_by_role("button", name="复制链接").click()
    seen.page.get_by_text("请按 Ctrl+C 复制").first.wait_for()
    selected = seen.page.evaluate("(({activeElement: a}) => a.value.slice(a.selectionStart, a.selectionEnd))(document)")
    assert selected.startswith(address("#map=").as_uri())
    seen.assert_quiet()


@pytest.mark.parametrize("uid", [POND, HOSTILE_POND])
def test_every_popup_copies_a_link_to_its_site(
    context: Any, open_file: Any, address: Callable[[str], Any], uid: str
) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    seen = _ready(open_file(address("")))
    seen.click_site(uid)
    seen.page.get_by_role("button", name="复制此处链接").click()
    seen.page.get_by_role("button", name="链接已复制").wait_for()
    link = seen.page.evaluate("navigator.clipboard.readText()")
    assert link.endswith(f"&site={uid}")
    other = _ready(open_file(address("#" + link.split("#")[1])))
    other.page.locator(".registry-popup").wait_for()
    assert other.page.locator(".registry-popup .registry-name").text_content() == (
        seen.page.locator(".registry-popup .registry-name").text_content()
    )
    other.assert_quiet()


def test_a_filter_travels_with_the_link_and_finds_the_same_sites(
    open_file: Any, address: Callable[[str], Any], sites: Any
) -> None:
    first = _ready(open_file(address("")))
    first.page.click('[data-tool="filter"]')
    first.page.get_by_role("checkbox", name=re.compile("已闭库")).check()
    first.page.uncheck('.registry-legend input[data-key="level_2"]')
    hash_ = _hash(first, "&filter=")
    _hash(first, "off=level_2")
    hash_ = first.page.evaluate("location.hash")
    closed = sites[(sites["status"] == "closed") & (sites["supervision_level"] != 2).fillna(value=True)]
    second = _ready(open_file(address(hash_)))
    second.page.wait_for_function("() => registryMap.counts().level_2 === 0")
    second.page.wait_for_timeout(100)
    kinds = ("level_1", "level_2", "level_3", "level_none", "gangue_heap", "smelting_site")
    assert sum(second.counts()[kind] for kind in kinds) == len(closed)
    assert second.counts() == first.counts()
    second.page.wait_for_timeout(600)
    assert second.page.evaluate("location.hash") == hash_
    second.page.evaluate("location.hash = '#map=7/37/112'")
    second.page.wait_for_function("() => registryMap.counts().level_2 === 1")
    assert sum(second.counts()[kind] for kind in kinds) == len(sites)
    second.assert_quiet()


def test_a_filter_that_a_link_has_made_up_finds_nothing_wrong(open_file: Any, address: Callable[[str], Any]) -> None:
    made_up = {"status": [1, None, "x" * 500], "no_such": {"__proto__": 1}, "annual_t": "many", "off": 7}
    packed = base64.urlsafe_b64encode(json.dumps(made_up).encode()).decode().rstrip("=")
    seen = _ready(open_file(address(f"#map=7/37/112&filter={packed}")))
    assert _view(seen)[0] == 7
    seen.assert_quiet()
