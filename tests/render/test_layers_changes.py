"""What changed since a date, as a reader sees it: in a real Chromium, with the network off."""

from __future__ import annotations

from typing import Any

import folium
import geopandas as gpd
import pandas as pd
import pytest
import shapely
from looking import click, colour_at, legend, painted, speak, switch

from registry.render import ChangesLayer, Legend, site_map

PANE = "registry-changes"
HARM = "<img src=x onerror='window.robbed = true'>"


def uid(number: int) -> str:
    return f"{number:08x}-0000-4000-8000-000000000000"


@pytest.fixture(scope="module")
def before() -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {
            "kind": ["tailings_pond"] * 6 + ["gangue_heap"], "name": [f"旧库{i}" for i in range(7)],
            "supervision_level": pd.array([3, 1, 2, 2, 2, 2, None], dtype="Int64"),
            "status": ["in_use"] * 7, "storage_m3": [1e6, 2e6, 3e6, None, 5e6, 6e6, None],
            "above_people": pd.array([False, None, None, None, None, None, None], dtype="boolean"),
            "county_code": ["140121"] * 7, "operator": ["甲公司"] * 7,
        },
        geometry=shapely.points([110.0 + i for i in range(7)], [36.0] * 7),
        index=pd.Index([uid(i) for i in range(7)], name="uid"), crs=4490,
    )  # fmt: skip


@pytest.fixture(scope="module")
def after(before: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """0 raised, 1 lowered, 2 moved north and under another county, 3 closed, 4 other fields, 5 gone, 9 new."""
    now = before.drop(index=uid(5)).copy()
    now.loc[uid(0), "supervision_level"] = 1
    now.loc[uid(0), "above_people"] = True
    now.loc[uid(1), "supervision_level"] = 2
    now.loc[uid(2), "geometry"] = shapely.Point(112, 37.5)
    now.loc[uid(2), "county_code"] = "140122"
    now.loc[uid(3), "status"] = "closed"
    now.loc[uid(4), "storage_m3"] = 5.5e6
    now.loc[uid(4), "operator"] = HARM
    now.loc[uid(3), "storage_m3"] = 250_000.0
    new = before.loc[[uid(6)]].set_axis([uid(9)]).set_geometry(shapely.points([[113.0, 38.5]]), crs=4490)
    return gpd.GeoDataFrame(pd.concat([now, new.assign(name="新堆")]), crs=4490)


NAMES = pd.DataFrame({"code": ["140121", "140122"], "name": ["清徐县", "阳曲县"], "name_en": [None, "Yangqu"]})


@pytest.fixture
def seen(open_map: Any, before: Any, after: Any, regions: Any) -> Any:
    return open_map(
        site_map(after, None, regions, changes=(before, after), since="2026-01-01", names=NAMES, symbols=False)
    )


def test_every_site_is_counted_under_the_most_telling_change(seen: Any) -> None:
    counts = {key: count for key, count in seen.counts().items() if key.startswith("change_")}
    assert counts == {
        "change_new": 1, "change_gone": 1, "change_level_raised": 1, "change_level_lowered": 1, "change_status": 1,
        "change_moved": 1, "change_other": 1,
    }  # fmt: skip
    seen.assert_quiet()


def test_popups_say_in_the_words_of_the_model_what_was_and_what_is(seen: Any) -> None:
    raised = click(seen.page, 110, 36)
    assert "监管等级提高" in raised
    assert "环境监管等级\t三级 → 一级" in raised
    assert "头顶库\t否 → 是" in raised
    assert "环境监管等级\t一级 → 二级" in click(seen.page, 111, 36)
    moved = click(seen.page, 112, 37.5)
    assert "移动距离\t166 km" in moved
    assert "清徐县 → 阳曲县" in moved
    closed = click(seen.page, 113, 36)
    assert "运行状态\t在用 → 已闭库" in closed or "在用 → 闭库" in closed
    assert "（空） → 25 万m³" in closed
    other = click(seen.page, 114, 36)
    assert "500 万m³ → 550 万m³" in other
    assert f"甲公司 → {HARM}" in other
    assert "不再在册" in click(seen.page, 115, 36)
    fresh = click(seen.page, 113, 38.5)
    assert "新堆" in fresh
    assert "变化\t新增" in fresh
    seen.assert_quiet()


def test_the_legend_speaks_both_languages_and_names_the_date(seen: Any) -> None:
    for words in (
        "2026-01-01 以来的变化",
        "新增",
        "不再在册",
        "监管等级提高",
        "监管等级降低",
        "运行状态变更",
        "位置变动",
        "其他信息变更",
    ):
        assert words in legend(seen.page)
    speak(seen.page)
    for words in (
        "Changes since 2026-01-01",
        "New",
        "Gone",
        "Level raised",
        "Level lowered",
        "Status changed",
        "Moved",
    ):
        assert words in legend(seen.page)
    assert "Level 3 → Level 1" in click(seen.page, 110, 36)
    assert "Moved by\t166 km" in click(seen.page, 112, 37.5)
    assert "清徐县 → Yangqu" in click(seen.page, 112, 37.5)


def test_an_arrow_leads_from_where_a_site_was(seen: Any) -> None:
    assert painted(seen.page, PANE, 112, 36, 5) > 20  # a ring at the old place
    assert painted(seen.page, PANE, 112, 36.75, 3) > 5  # the line
    switch(seen.page, "change_moved", on=False)
    assert painted(seen.page, PANE, 112, 36, 5) == painted(seen.page, PANE, 112, 36.75, 3) == 0
    assert seen.counts()["change_moved"] == 0
    seen.assert_quiet()


def test_marks_differ_in_colour_and_one_that_is_switched_off_cannot_be_clicked(seen: Any) -> None:
    spots = [(110, 36), (111, 36), (113, 36), (114, 36), (115, 36), (113, 38.5)]
    degree = 0.025  # beside the sign in the middle
    colours = {tuple(colour_at(seen.page, PANE, lng + degree, lat - degree)) for lng, lat in spots}
    assert len(colours) == len(spots)
    switch(seen.page, "change_level_lowered", on=False)
    assert painted(seen.page, PANE, 111, 36) == 0
    text = click(seen.page, 111, 36)
    assert "监管等级降低" not in text
    assert "山西省" in text  # the region beneath


def test_where_there_was_nothing_all_is_new_and_where_nothing_is_left_all_is_gone(before: Any) -> None:
    for pair, change in (((before.iloc[:0], before), "new"), ((before, before.iloc[:0]), "gone")):
        seen_by_all = ChangesLayer(*pair)
        assert len(seen_by_all.corners) == 2, change


def test_it_stands_on_anyones_map_and_no_change_is_no_mark(open_map: Any, before: Any) -> None:
    page = folium.Map([36, 113], zoom_start=6, tiles=None)
    layer = ChangesLayer(before, before).add_to(page)
    Legend([layer]).add_to(page)
    seen = open_map(page)
    assert set(seen.counts().values()) == {0}
    assert "变化" in legend(seen.page)
    seen.assert_quiet()
