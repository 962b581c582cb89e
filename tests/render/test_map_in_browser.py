"""What a person sees of a map: in a real Chromium, with the network off."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from registry.render import GalleryEntry, Legend, SitesLayer, gallery, site_map

if TYPE_CHECKING:
    from pathlib import Path

NAMES_OF_LEVELS = {"zh": ["一级", "二级", "三级"], "en": ["Level 1", "Level 2", "Level 3"]}
POND = "00000000-0000-4000-8000-000000000001"
PLANT = "00000000-0000-4000-8000-00000000000a"


def test_the_map_shows_every_site_and_asks_nobody_for_anything(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    counts = seen.counts()
    assert {key: counts[key] for key in ("level_1", "level_2", "level_3", "level_none")} == {
        "level_1": 1,
        "level_2": 1,
        "level_3": 2,
        "level_none": 1,
    }
    assert (counts["gangue_heap"], counts["smelting_site"], counts["utilization_plant"]) == (1, 1, 1)
    assert (counts["regions"], counts["lines"], counts["beyond_100"]) == (2, 7, 4)
    seen.assert_quiet()


def test_a_click_on_a_symbol_tells_what_is_known_of_the_site(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    text = seen.click_site(POND)
    for words in (
        "大石沟尾矿库",
        "尾矿库",
        "环境监管等级\t一级",
        "运行状态\t在用",
        "头顶库\t是",
        "334.1 万m³",
    ):
        assert words in text
    assert "SW05 尾矿" in text
    assert "山西省" in text
    assert "示范综合利用厂 – 58 km" in text
    assert "111.000000, 37.100000" in text
    assert "地址" not in text  # a field that no row has
    seen.assert_quiet()


def test_a_plant_tells_how_many_sites_it_is_nearest_to(open_map: Any, whole_map: Any) -> None:
    text = open_map(whole_map()).click_site(PLANT)
    assert "7 处堆场以本企业为最近的可利用企业" in text
    assert "200 万吨/年" in text
    assert "投产年份\t1998" in text


@pytest.mark.parametrize("uid", [f"00000000-0000-4000-8000-00000000000{i}" for i in (2, 3, 4, 5)])
def test_a_name_that_means_harm_is_shown_and_not_run(open_map: Any, whole_map: Any, sites: Any, uid: str) -> None:
    seen = open_map(whole_map())
    seen.click_site(uid)
    heading = seen.page.locator(".registry-popup .registry-name")
    assert heading.text_content() == sites.loc[uid, "name"]
    assert seen.page.locator(".registry-popup script, .registry-popup img").count() == 0
    seen.page.wait_for_timeout(100)
    seen.assert_quiet()


def test_harmful_titles_notes_regions_and_plants_are_shown_and_not_run(open_map: Any, sites: Any, regions: Any) -> None:
    harm = "</script><script>window.robbed = true</script>{{ 7*7 }}"
    marked = regions.assign(name=harm)
    seen = open_map(site_map(sites, regions=marked, title=harm, note=harm))
    assert seen.page.locator(".registry-title h1").text_content() == harm
    assert seen.page.locator(".registry-warning").text_content() == harm
    assert seen.page.title() == harm
    seen.assert_quiet()


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_legend_names_the_three_levels_with_their_counts(open_map: Any, whole_map: Any, lang: str) -> None:
    legend = open_map(whole_map(lang=lang)).page.locator(".registry-legend")
    rows = legend.locator("label.registry-row").all_inner_texts()
    found = [re.split(r"\s+", text)[-1] for name in NAMES_OF_LEVELS[lang] for text in rows if text.startswith(name)]
    assert found == ["1", "1", "2"]


def test_the_legend_names_levels_that_no_pond_has(open_map: Any, sites: Any) -> None:
    legend = open_map(site_map(sites[sites["supervision_level"] == 2])).page.locator(".registry-legend")
    for name in NAMES_OF_LEVELS["zh"]:
        assert name in legend.inner_text()


def test_layers_are_switched_off_and_on_in_the_legend(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    for key in ("level_1", "gangue_heap", "utilization_plant", "regions", "beyond_100"):
        before = seen.counts()[key]
        box = seen.page.locator(f'.registry-legend input[data-key="{key}"]')
        box.uncheck()
        assert seen.counts()[key] == 0
        box.check()
        assert seen.counts()[key] == before > 0
    seen.assert_quiet()


def test_a_site_that_is_switched_off_cannot_be_clicked(open_map: Any, sites: Any) -> None:
    seen = open_map(site_map(sites))
    point = seen.page.evaluate("uid => registryMap.pointOf(uid)", POND)
    seen.page.locator('input[data-key="level_1"]').uncheck()
    seen.page.mouse.click(point["x"], point["y"])
    seen.page.wait_for_timeout(200)
    assert seen.page.locator(".registry-popup").count() == 0


def test_a_click_near_a_symbol_counts_and_escape_closes_the_popup(open_map: Any, sites: Any) -> None:
    seen = open_map(site_map(sites))
    point = seen.page.evaluate("uid => registryMap.pointOf(uid)", POND)
    seen.page.mouse.click(point["x"] + 7, point["y"] + 5)
    popup = seen.page.locator(".registry-popup")
    popup.wait_for(state="visible")
    seen.page.keyboard.press("Escape")
    popup.wait_for(state="detached")


def test_a_click_beside_all_sites_tells_of_the_region(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map(coverage=None, nearest=None))
    point = seen.page.evaluate("uid => registryMap.pointOf(uid)", POND)
    seen.page.mouse.click(point["x"] + 40, point["y"] - 60)
    popup = seen.page.locator(".registry-popup")
    popup.wait_for(state="visible")
    assert "山西省" in popup.inner_text()
    assert "占全国比重\t85.714 %" in popup.inner_text()


def test_the_symbols_are_really_drawn(open_map: Any, sites: Any) -> None:
    seen = open_map(site_map(sites))
    colour = """uid => {
        const at = registryMap.pointOf(uid);
        const canvas = document.querySelector('.leaflet-registry-sites-pane canvas');
        const box = canvas.getBoundingClientRect();
        const ratio = canvas.width / box.width;
        return [...canvas.getContext('2d').getImageData((at.x - box.left) * ratio, (at.y - box.top) * ratio, 1, 1).data];
    }"""
    assert seen.page.evaluate(colour, POND) == [0xA5, 0x0F, 0x24, 255]
    middle = "00000000-0000-4000-8000-000000000003"
    before = seen.page.evaluate("uid => registryMap.pointOf(uid)", middle)
    seen.page.mouse.move(before["x"] + 60, before["y"])
    seen.page.mouse.wheel(0, -200)
    seen.page.wait_for_timeout(800)
    after = seen.page.evaluate("uid => registryMap.pointOf(uid)", middle)
    assert after["x"] < before["x"] - 10  # the view has come nearer
    assert seen.page.evaluate(colour, middle) == [0x3B, 0x8B, 0xC4, 255]


def test_the_title_and_the_note_are_on_the_map(open_map: Any, whole_map: Any) -> None:
    title = open_map(whole_map()).page.locator(".registry-title")
    assert title.inner_text().split("\n")[0] == "示范图"
    assert "合成示范数据" in title.inner_text()


def test_symbols_can_start_switched_off_to_leave_the_shading_in_view(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map(symbols=False, coverage=None, nearest=None))
    assert seen.counts()["level_1"] == 0
    scale = seen.page.locator(".registry-class").all_inner_texts()
    assert scale == ["1", "6"]


def test_our_layers_stand_on_a_plain_folium_map_with_foliums_own_elements(open_map: Any, sites: Any) -> None:
    page = folium.Map([37, 112], zoom_start=6, tiles=None)
    folium.Marker([36.0, 110.0], popup=folium.Popup("<b>own</b>")).add_to(page)
    layer = SitesLayer(sites).add_to(page)
    Legend([layer]).add_to(page)
    folium.LayerControl().add_to(page)
    seen = open_map(page)
    assert seen.counts()["level_3"] == 2
    seen.page.locator(".leaflet-marker-icon").click()
    assert seen.page.locator(".leaflet-popup-content b").inner_text() == "own"
    assert seen.page.locator(".leaflet-marker-icon").evaluate("icon => icon.naturalWidth") > 0
    seen.assert_quiet()


def test_a_map_of_7820_ponds_with_all_attributes_is_light_and_soon_usable(open_map: Any, tmp_path: Path) -> None:
    seen = open_map(site_map(_many(7_820)))
    assert (tmp_path / "map.html").stat().st_size <= 1_500_000
    assert sum(seen.counts().values()) == 7_820
    seen.assert_quiet()


def test_a_telephone_shows_the_map_with_its_legend_folded(open_map: Any, sites: Any) -> None:
    seen = open_map(site_map(sites))
    seen.page.set_viewport_size({"width": 390, "height": 780})
    seen.page.reload()
    seen.page.evaluate("registryMap.ready")
    legend = seen.page.locator(".registry-legend")
    assert legend.evaluate("panel => panel.open") is False
    title, panel = seen.page.locator(".registry-title").bounding_box(), legend.bounding_box()
    assert title["x"] + title["width"] <= panel["x"]


def test_the_gallery_opens_with_every_question_and_no_request(open_file: Any, tmp_path: Path) -> None:
    entries = [
        GalleryEntry("a b.html", {"zh": "分布 <b>", "en": "Where"}, {"en": "Where do they lie?", "zh": "在哪里？"})
    ]
    seen = open_file(gallery(entries, tmp_path / "maps", note="合成示范数据"))
    text = seen.page.locator("body").inner_text()
    for words in ("分布 <b>", "Where", "在哪里？", "Where do they lie?", "合成示范数据"):
        assert words in text
    assert seen.page.locator("li a").get_attribute("href") == "a%20b.html"
    seen.assert_quiet()


def _many(count: int) -> gpd.GeoDataFrame:
    chance = np.random.default_rng(1)
    return gpd.GeoDataFrame(
        {
            "kind": "tailings_pond",
            "code": [f"TP-{i:06}" for i in range(count)],
            "name": [f"示范沟第{i}号尾矿库" for i in range(count)],
            "operator": [f"示范矿业有限公司{i % 900}" for i in range(count)],
            "status": chance.choice(["in_use", "closed", "idle"], count),
            "province_code": chance.choice(["140000", "130000", "150000"], count),
            "county_code": chance.integers(110000, 659000, count).astype(str),
            "address": [f"某县某镇第{i % 777}村" for i in range(count)],
            "supervision_level": pd.array(chance.integers(1, 4, count), dtype="Int64"),
            "mineral": chance.choice(["iron", "copper", "gold"], count),
            "dam_height_m": chance.uniform(5, 150, count).round(1),
            "storage_m3": chance.lognormal(14, 1, count).round(),
            "design_storage_m3": chance.lognormal(15, 1, count).round(),
            "annual_t": chance.lognormal(12, 1, count).round(),
            "stock_t": chance.lognormal(15, 1, count).round(),
            "waste_codes": "SW05",
        },
        geometry=shapely.points(chance.uniform(80, 125, count), chance.uniform(22, 48, count)),
        index=pd.Index([f"{i:08x}-0000-4000-8000-{chance.integers(2**47):012x}" for i in range(count)], name="uid"),
        crs="EPSG:4490",
    )


def test_a_popup_opens_by_uid_whatever_layers_lie_below(open_map: Any, whole_map: Any) -> None:
    seen = open_map(whole_map())
    assert seen.page.evaluate("uid => registryMap.openPopup(uid)", POND)
    popup = seen.page.locator(".registry-popup")
    popup.wait_for(state="visible", timeout=5000)
    assert "大石沟尾矿库" in popup.inner_text()
    assert not seen.page.evaluate("registryMap.openPopup('no such uid')")
