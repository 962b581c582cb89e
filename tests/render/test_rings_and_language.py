"""Sites joined into rings where they crowd, and a page that changes its language: in a real Chromium."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from registry.render import site_map


@pytest.fixture(scope="module")
def crowd() -> gpd.GeoDataFrame:
    """3,000 ponds, ten of them at level 1, and 50 plants are left out."""
    chance = np.random.default_rng(5)
    levels = np.where(np.arange(3000) < 10, 1, chance.choice([2, 3], 3000, p=[0.3, 0.7]))
    return gpd.GeoDataFrame(
        {
            "kind": "tailings_pond",
            "name": [f"第{i}号尾矿库" for i in range(3000)],
            "supervision_level": pd.array(levels, dtype="Int64"),
        },
        geometry=shapely.points(chance.uniform(100, 118, 3000), chance.uniform(24, 42, 3000)),
        index=pd.Index([f"{i:08x}-0000-4000-8000-000000000000" for i in range(3000)], name="uid"),
        crs="EPSG:4490",
    )


def rings(seen: Any) -> list[dict[str, float]]:
    found: list[dict[str, float]] = seen.page.evaluate("registryMap.ringsInView()")
    return found


def test_rings_hold_every_site_but_those_of_level_1_and_those_that_stand_alone(open_map: Any, crowd: Any) -> None:
    seen = open_map(site_map(crowd))
    joined = sum(ring["sites"] for ring in rings(seen))
    assert 2500 < joined <= 2990
    levels = crowd["supervision_level"].value_counts()
    assert seen.counts() == {f"level_{level}": levels[level] for level in (1, 2, 3)}
    seen.assert_quiet()


def test_a_group_that_is_switched_off_leaves_the_rings(open_map: Any, crowd: Any) -> None:
    seen = open_map(site_map(crowd))
    before = sum(ring["sites"] for ring in rings(seen))
    seen.page.locator('input[data-key="level_3"]').uncheck()
    seen.page.wait_for_timeout(200)
    # What is left is few enough to be told apart one by one.
    assert rings(seen) == []
    seen.page.locator('input[data-key="level_3"]').check()
    seen.page.wait_for_timeout(200)
    assert sum(ring["sites"] for ring in rings(seen)) == before


def test_a_click_on_a_ring_comes_nearer_until_its_sites_stand_apart(open_map: Any, crowd: Any) -> None:
    seen = open_map(site_map(crowd))
    ring = max(rings(seen), key=lambda each: each["sites"])
    joined = sum(each["sites"] for each in rings(seen))
    scale = seen.page.locator(".leaflet-control-scale-line").first
    before = scale.inner_text()
    seen.page.mouse.click(ring["x"], ring["y"])
    seen.page.wait_for_timeout(1500)
    assert scale.inner_text() != before
    assert sum(each["sites"] for each in rings(seen)) < joined
    seen.assert_quiet()


def test_the_tooltip_of_a_ring_says_what_is_in_it(open_map: Any, crowd: Any) -> None:
    seen = open_map(site_map(crowd))
    ring = max(rings(seen), key=lambda each: each["sites"])
    seen.page.mouse.move(ring["x"] + 2, ring["y"])
    tip = seen.page.locator(".registry-tip")
    tip.wait_for(state="visible")
    counts = [int(part.split()[-1]) for part in tip.inner_text().split("，")]
    assert sum(counts) == ring["sites"]


def test_rings_can_be_switched_off(open_map: Any, crowd: Any) -> None:
    seen = open_map(site_map(crowd))
    seen.page.locator('input[data-key="joined"]').uncheck()
    seen.page.wait_for_timeout(200)
    assert rings(seen) == []


@pytest.mark.parametrize(("opening", "other"), [("zh", "en"), ("en", "zh")])
def test_the_page_changes_its_language_and_back(open_map: Any, whole_map: Any, opening: str, other: str) -> None:
    said = {
        "zh": ("图例与图层", "一级", "环境监管等级", "山西省"),
        "en": ("Legend and layers", "Level 1", "Supervision level", "Shanxi"),
    }
    seen = open_map(whole_map(lang=opening))
    text = seen.click_site("00000000-0000-4000-8000-000000000001")
    button = seen.page.locator('button[data-tool="language"]')
    for lang in (opening, other, opening):
        legend = seen.page.locator(".registry-legend").inner_text()
        text = seen.page.locator(".registry-popup").inner_text()
        heading, level, field, province = said[lang]
        assert heading in legend
        assert level in legend
        assert field in text
        assert province in text
        assert seen.page.locator("html").get_attribute("lang") == ("zh-CN" if lang == "zh" else "en")
        button.click()
    assert seen.page.locator(".registry-popup").count() == 1
    seen.assert_quiet()
