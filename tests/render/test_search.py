"""Searching a map, in a real Chromium: what is typed, what is found, and what the map then shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from hostile import NAMES, POND

from registry.render import SitesLayer, site_map
from registry.render.pinyin import syllables

if TYPE_CHECKING:
    from collections.abc import Callable

    from playwright.sync_api import Page

SMELTER = "00000000-0000-4000-8000-000000000007"


@pytest.fixture
def searching(open_map: Any, whole_map: Any) -> Callable[..., Any]:
    """A map with the search open."""

    def opened(**changes: Any) -> Any:
        seen = open_map(whole_map(**changes))
        seen.page.click("[data-tool=search]")
        return seen

    return opened


def found(page: Page, text: str) -> list[str]:
    """The names in the list once a text is typed."""
    page.locator(".registry-search-box").fill(text)
    return page.locator(".registry-search-name").all_text_contents()


def tail(page: Page) -> str:
    """What the line under the list says."""
    return page.locator(".registry-search-tail").inner_text()


def popup_of(page: Page, name: str) -> str:
    """The text of the popup with this name, once the map has come to rest."""
    popup = page.locator(".registry-popup", has=page.get_by_role("heading", name=name))
    popup.wait_for(state="visible", timeout=8000)
    return popup.inner_text()


def test_every_character_of_a_name_stands_with_all_its_readings() -> None:
    table = syllables(["重庆大石沟", None, float("nan"), "A1 <img> 🏔️ \ud800", "洪洞县", "旅顺"])
    readings = {character: {key for key, held in table.items() if character in held} for character in "重庆石洞旅"}
    assert readings["重"] >= {"chong", "zhong"}
    assert readings["洞"] >= {"dong", "tong"}
    assert readings["旅"] == {"lv"}
    assert readings["庆"] == {"qing"}
    assert "".join(table).isalpha()
    assert "".join(table).isascii()
    assert set("".join(table.values())) == set("重庆大石沟洪洞县旅顺")


def test_a_layer_without_names_has_no_readings(open_map: Any, sites: gpd.GeoDataFrame) -> None:
    bare = sites.drop(columns="name")
    seen = open_map(site_map(bare))
    assert seen.page.evaluate("text => registryMap.unpack(text)", SitesLayer(bare).packed)["meta"]["syllables"] == {}
    seen.page.click("[data-tool=search]")
    assert found(seen.page, "s-1") == ["S-1"]
    assert found(seen.page, "zz") == []
    assert tail(seen.page) == "没有找到"


@pytest.mark.parametrize("typed", ["大石沟", "石沟尾", "dsg", "DSGWKK", "dashigou", "dashig", "da shi gou", "S-0"])
def test_a_site_is_found_by_name_code_initials_and_spelling(searching: Any, typed: str) -> None:
    seen = searching()
    assert found(seen.page, typed)[0] == "大石沟尾矿库"
    assert tail(seen.page) == "找到 1 处"
    seen.assert_quiet()


def test_an_operator_finds_its_sites_after_those_whose_own_name_says_it(searching: Any) -> None:
    seen = searching()
    assert found(seen.page, "示范") == ["示范综合利用厂", "北坡矸石山", "大石沟尾矿库"]
    under = seen.page.locator(".registry-search-option", has_text="北坡").locator(".registry-search-under").inner_text()
    assert under == "S-5 · 山西省 · 示范煤业"


def test_the_keyboard_alone_finds_a_site_flies_to_it_and_opens_it(searching: Any, sites: Any) -> None:
    page = searching().page
    box = page.get_by_role("combobox", name="名称、编码、运营单位或拼音首字母")
    assert box.evaluate("box => document.activeElement === box")
    page.keyboard.type("s-")
    options = page.get_by_role("option")
    assert options.count() == len(sites)
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    active = page.locator(f"#{box.get_attribute('aria-activedescendant')}")
    assert active.get_attribute("aria-selected") == "true"
    assert options.first.get_attribute("aria-selected") == "true"
    page.keyboard.press("ArrowUp")  # from the first to the last
    last = options.nth(len(sites) - 1)
    assert last.get_attribute("aria-selected") == "true"
    page.locator(".registry-search-box").fill("hkylc")
    page.keyboard.press("Enter")
    assert "冶炼场地" in popup_of(page, "河口冶炼厂")
    point = page.evaluate("uid => registryMap.pointOf(uid)", SMELTER)
    assert 300 < point["x"] < 900
    assert 0 < point["y"] < 800
    box.focus()
    page.keyboard.press("Escape")
    assert box.input_value() == ""
    assert options.count() == 0
    page.keyboard.press("Escape")
    assert page.locator(".registry-drawer").is_hidden()


def test_a_click_on_a_result_opens_it_and_leaves_the_list(searching: Any) -> None:
    page = searching().page
    found(page, "矸石")
    page.get_by_role("option", name="北坡矸石山").click()
    assert "S-5" in popup_of(page, "北坡矸石山")
    assert page.get_by_role("option", name="北坡矸石山").is_visible()


def test_a_site_that_is_filtered_away_is_found_and_said_to_be_hidden_and_choosing_it_shows_it(searching: Any) -> None:
    seen = searching()
    page = seen.page
    page.click("[data-tool=filter]")
    page.locator("[data-facet=status] input[data-value=closed]").check()
    page.locator("[data-facet=province_code] input[data-value='140000']").check()
    page.locator("[data-facet=groups] input[data-value=level_1]").uncheck()
    assert seen.counts()["level_1"] == 0
    page.click("[data-tool=search]")
    found(page, "dsg")
    option = page.get_by_role("option", name="大石沟尾矿库")
    assert "已被筛选或图例隐藏" in option.inner_text()
    option.click()
    popup_of(page, "大石沟尾矿库")
    notice = page.locator(".registry-notice").inner_text()
    assert notice == "为显示“大石沟尾矿库”，已取消：图例中隐藏该类符号、运行状态"
    assert "已被筛选或图例隐藏" not in option.inner_text()
    assert seen.counts()["level_1"] == 1
    page.click("[data-tool=filter]")
    assert not page.locator("[data-facet=status] input[data-value=closed]").is_checked()
    # What did not hide the site is still asked.
    assert page.locator("[data-facet=province_code] input[data-value='140000']").is_checked()
    assert seen.counts()["smelting_site"] == 0


@pytest.mark.parametrize("uid", [uid for uid in NAMES if uid not in (POND, SMELTER)])
def test_a_name_that_means_harm_is_found_shown_and_not_run(searching: Any, uid: str) -> None:
    seen = searching()
    name = NAMES[uid]
    # A text of the page is as short as the box takes it.
    assert found(seen.page, name[:200])[0] == name
    assert seen.page.locator(".registry-search-list :is(script, img)").count() == 0
    assert seen.page.locator(".registry-drawer-body").evaluate("body => body.scrollWidth <= body.clientWidth")
    seen.page.keyboard.press("Enter")
    heading = seen.page.locator(".registry-popup .registry-name")
    heading.wait_for(state="visible", timeout=8000)
    assert heading.text_content() == name
    seen.assert_quiet()


def test_an_english_page_finds_by_both_names_and_keeps_the_text_when_the_language_is_switched(
    open_map: Any, sites: gpd.GeoDataFrame
) -> None:
    seen = open_map(site_map(sites.assign(name_en=["Dashigou Pond", *[None] * 6]), lang="en"))
    page = seen.page
    page.click("[data-tool=search]")
    assert found(page, "dashigou p") == ["Dashigou Pond"]
    assert found(page, "大石") == ["Dashigou Pond"]
    assert page.locator(".registry-search-under").first.inner_text().startswith("大石沟尾矿库 · S-0")
    assert tail(page) == "1 found"
    page.click("[data-tool=language]")
    assert page.locator(".registry-search-box").input_value() == "大石"
    assert page.locator(".registry-search-name").all_text_contents() == ["大石沟尾矿库"]
    seen.assert_quiet()


def test_of_many_results_fifty_are_listed_and_the_rest_counted(open_map: Any) -> None:
    many = gpd.GeoDataFrame(
        {"kind": "tailings_pond", "name": [f"东沟{'一' * i}号" for i in range(1_234)]},
        geometry=shapely.points([100 + i / 100 for i in range(1_234)], [35] * 1_234),
        index=pd.Index([f"00000000-0000-4000-8000-{i:012x}" for i in range(1_234)], name="uid"),
        crs="EPSG:4490",
    )
    page = open_map(site_map(many)).page
    page.click("[data-tool=search]")
    assert found(page, "dg") == [f"东沟{'一' * i}号" for i in range(50)]
    assert tail(page).startswith("还有 1,184 处")


def test_on_a_phone_the_drawer_makes_room_for_what_was_chosen(searching: Any) -> None:
    seen = searching()
    page = seen.page
    page.set_viewport_size({"width": 390, "height": 800})
    found(page, "bpgss")
    page.keyboard.press("Enter")
    popup_of(page, "北坡矸石山")
    assert page.locator(".registry-drawer").is_hidden()
