"""The filter of a map, in a real Chromium: its numbers are those that pandas finds in the frame the map was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hostile import HOSTILE

from registry.render import site_map

if TYPE_CHECKING:
    from playwright.sync_api import Page

SITES, PLANTS = 2000, 60
GROUPS = ("level_1", "level_2", "level_3", "level_none", "gangue_heap", "smelting_site", "utilization_plant")
OF_PLANTS = {"province_code", "waste_codes", "operator", "off"}
CHOICES = ("status", "mineral", "province_code", "waste_codes")
PROVINCES = {"140000": "山西省", "130000": "河北省", "150000": "内蒙古自治区"}

ASKED: list[dict[str, Any]] = [
    {"status": ["in_use"]},
    {"status": ["in_use", ""], "mineral": ["iron", "gold"]},
    {"province_code": ["140000", ""], "waste_codes": ["SW05"], "off": ["level_3"]},
    {"waste_codes": ["", "HW48"], "operator": "demo"},
    {"annual_t": (5, 60, False), "storage_m3": (None, 300, True)},
    {"stock_t": (100, None, True), "status": ["closed", "idle"], "province_code": ["130000"], "operator": "矿"},
]


@pytest.fixture(scope="module")
def many() -> gpd.GeoDataFrame:
    """Sites with every kind of value missing here and there."""
    draw = np.random.default_rng(20261126)

    def some(values: list[Any], share_missing: float) -> np.ndarray:
        column = np.array(values, dtype=object)[draw.integers(0, len(values), SITES)]
        column[draw.random(SITES) < share_missing] = None
        return column

    def figures(top: float) -> np.ndarray:
        return np.where(draw.random(SITES) < 0.2, np.nan, np.round(draw.random(SITES) * top))

    kind = np.array(["tailings_pond", "tailings_pond", "gangue_heap", "smelting_site"])[draw.integers(0, 4, SITES)]
    pond = kind == "tailings_pond"
    level = pd.array(np.where(pond, draw.integers(1, 4, SITES), 0), dtype="Int64")
    level[~pond | (draw.random(SITES) < 0.15)] = pd.NA
    return gpd.GeoDataFrame(
        {
            "kind": kind,
            "name": [f"尾矿库 {i}" for i in range(SITES)],
            "operator": some(["示范矿业", "Demo Mining Co", "ＤＥＭＯ 矿业", HOSTILE], 0.1),
            "status": some(["in_use", "closed", "idle", "reused"], 0.1),
            "province_code": some(list(PROVINCES), 0.05),
            "supervision_level": level,
            "mineral": np.where(pond, some(["iron", "copper", "gold"], 0.2), None),
            "waste_codes": some(["SW05", "SW04;SW05", "091-001-S05", "321-002-48", "SW01"], 0.1),
            "annual_t": figures(900_000),
            "stock_t": figures(40_000_000),
            "storage_m3": figures(9_000_000),
        },
        geometry=shapely.points(110 + 8 * draw.random(SITES), 35 + 6 * draw.random(SITES)),
        index=pd.Index([f"00000000-0000-4000-8000-{i:012x}" for i in range(SITES)], name="uid"),
        crs="EPSG:4490",
    )


@pytest.fixture(scope="module")
def makers() -> gpd.GeoDataFrame:
    draw = np.random.default_rng(7)
    places = np.array([*PROVINCES, None], dtype=object)[draw.integers(0, 4, PLANTS)]
    return gpd.GeoDataFrame(
        {
            "kind": "utilization_plant",
            "name": [f"综合利用厂 {i}" for i in range(PLANTS)],
            "operator": np.array(["示范矿业", "Demo Mining Co", None], dtype=object)[draw.integers(0, 3, PLANTS)],
            "province_code": places,
            "waste_codes": np.array(["SW05", "SW04", "SW02;SW05"])[draw.integers(0, 3, PLANTS)],
        },
        geometry=shapely.points(110 + 8 * draw.random(PLANTS), 35 + 6 * draw.random(PLANTS)),
        index=pd.Index([f"10000000-0000-4000-8000-{i:012x}" for i in range(PLANTS)], name="uid"),
        crs="EPSG:4490",
    )


@pytest.fixture(scope="module")
def rows(many: gpd.GeoDataFrame, makers: gpd.GeoDataFrame) -> pd.DataFrame:
    """All rows as pandas sees them, with their group and the categories of their waste."""
    every = pd.concat([pd.DataFrame(many.drop(columns="geometry")), pd.DataFrame(makers.drop(columns="geometry"))])
    level = "level_" + every["supervision_level"].astype("string").fillna("none")
    every["group"] = level.where(every["kind"] == "tailings_pond", every["kind"])
    category = {"091-001-S05": "SW05", "321-002-48": "HW48"}
    every["waste_codes"] = [
        [category.get(code, code) for code in text.split(";")] if isinstance(text, str) else [""]
        for text in every["waste_codes"]
    ]
    for column in ("status", "mineral", "province_code"):
        every[column] = every[column].fillna("")
    return every


def holds(rows: pd.DataFrame, facet: str, value: str) -> pd.Series:
    if facet == "waste_codes":
        return rows["waste_codes"].map(lambda codes: value in codes)
    return rows[facet] == value


def passing(rows: pd.DataFrame, asked: dict[str, Any], leaving_out: str | None = None) -> pd.Series:
    """Which rows pass, a range given in 万 of its unit."""
    keep = pd.Series(True, index=rows.index)
    for facet, wanted in asked.items():
        if facet == leaving_out:
            continue
        if facet == "off":
            passes = ~rows["group"].isin(wanted)
        elif facet == "operator":
            width = rows["operator"].str.normalize("NFKC").str.lower()
            passes = width.str.contains(wanted, regex=False).fillna(False).astype(bool)
        elif facet in CHOICES:
            passes = np.logical_or.reduce([holds(rows, facet, value) for value in wanted])
        else:
            least, most, missing = wanted
            passes = rows[facet].between(
                *(1e4 * x if x is not None else end for x, end in zip((least, most), (-np.inf, np.inf), strict=True))
            )
            passes |= rows[facet].isna() & missing
        if facet not in OF_PLANTS:
            passes = passes | (rows["group"] == "utilization_plant")
        keep &= passes
    return keep


def ask(page: Page, asked: dict[str, Any]) -> None:
    """Set a filter as a person does, in the Chinese page."""
    for facet, wanted in asked.items():
        if facet == "off":
            for group in wanted:
                page.locator(f"[data-facet=groups] input[data-value={group}]").uncheck()
            continue
        part = page.locator(f".registry-drawer [data-facet={facet}]")
        if facet == "operator":
            part.locator("input").fill(wanted)
        elif facet in CHOICES:
            for value in wanted:
                part.locator(f"input[data-value='{value}']").check()
        else:
            least, most, missing = wanted
            for side, figure in (("min", least), ("max", most)):
                if figure is not None:
                    part.locator(f"input[data-side={side}]").fill(str(figure))
            part.locator("input[type=checkbox]").set_checked(missing)


def told(page: Page) -> dict[str, dict[str, int]]:
    """The number beside every value of every facet."""
    counts: dict[str, dict[str, int]] = page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll('.registry-drawer [data-facet]')].map((part) => [
          part.dataset.facet,
          Object.fromEntries([...part.querySelectorAll('input[data-value]')].map((box) => [
            box.dataset.value,
            Number(box.closest('label').querySelector('.registry-count').textContent.replaceAll(',', '')),
          ])),
        ]))"""
    )
    return counts


@pytest.fixture
def filtered(open_map: Any, many: Any, makers: Any) -> Any:
    regions = gpd.GeoDataFrame(
        {"code": list(PROVINCES), "name": list(PROVINCES.values()), "name_en": ["Shanxi", "Hebei", None]},
        geometry=[shapely.box(110 + i, 35, 111 + i, 40) for i in range(3)],
        crs="EPSG:4490",
    )

    def opened(lang: str = "zh") -> Any:
        seen = open_map(site_map(many, makers, regions, lang=lang))
        seen.page.click("[data-tool=filter]")
        return seen

    return opened


def in_chinese(tonnes: float) -> str:
    """A sum as a Chinese page says it, without its unit: in 亿 from a thousand million on, in 万 below."""
    word, size = ("亿", 1e8) if tonnes >= 1e9 else ("万", 1e4)
    return f"{tonnes / size:,.2f}".rstrip("0").rstrip(".") + f" {word}"


@pytest.mark.parametrize("asked", ASKED, ids=[" ".join(asked) for asked in ASKED])
def test_what_a_filter_leaves_and_every_count_beside_a_value_are_those_of_pandas(
    filtered: Any, rows: pd.DataFrame, asked: dict[str, Any]
) -> None:
    seen = filtered()
    ask(seen.page, asked)
    left = rows[passing(rows, asked)]
    site = left["group"] != "utilization_plant"
    total = seen.page.locator(".registry-filter-total").inner_text()
    assert f"已选 {int(site.sum()):,} / 共 {SITES:,} 处" in total
    assert f"综合利用企业 {int((~site).sum()):,} / {PLANTS} 家" in total
    assert f"年产生量 {in_chinese(left.loc[site, 'annual_t'].sum())}" in total
    assert f"堆存量 {in_chinese(left.loc[site, 'stock_t'].sum())}" in total
    # What the legend says is on view is the same.
    on_view = seen.counts()
    assert {group: on_view[group] for group in GROUPS} == {
        group: int((left["group"] == group).sum()) for group in GROUPS
    }
    counts = told(seen.page)
    by_group = rows[passing(rows, asked, "off")]["group"].value_counts()
    assert counts["groups"] == {group: int(by_group.get(group, 0)) for group in GROUPS}
    for facet in CHOICES:
        others = rows[passing(rows, asked, facet) & (rows["group"] != "utilization_plant")]
        assert counts[facet] == {value: int(holds(others, facet, value).sum()) for value in counts[facet]}
    assert set(counts["status"]) == {"in_use", "closed", "idle", "reused", ""}
    assert set(counts["waste_codes"]) == {"SW01", "SW02", "SW04", "SW05", "HW48", ""}
    seen.assert_quiet()


def test_without_a_filter_every_site_is_counted_and_a_reset_brings_it_back(filtered: Any) -> None:
    seen = filtered()
    before = told(seen.page)
    ask(seen.page, ASKED[-1] | {"off": ["gangue_heap"]})
    assert told(seen.page) != before
    assert seen.page.locator(".registry-filtered").count() == 1
    seen.page.get_by_role("button", name="清除全部条件").click()
    assert told(seen.page) == before
    assert "已选 2,000 / 共 2,000 处" in seen.page.locator(".registry-filter-total").inner_text()
    assert seen.page.locator(".registry-drawer [data-facet=stock_t] [data-side=min]").input_value() == ""
    assert seen.page.locator(".registry-drawer [data-facet=operator] input").input_value() == ""
    assert seen.page.locator(".registry-filtered").count() == 0


def test_the_switches_of_the_legend_and_of_the_filter_are_the_same(filtered: Any, rows: pd.DataFrame) -> None:
    seen = filtered()
    in_legend = seen.page.locator(".registry-legend input[data-key=level_2]")
    in_filter = seen.page.locator("[data-facet=groups] input[data-value=level_2]")
    in_legend.uncheck()
    assert not in_filter.is_checked()
    left = SITES - int((rows["group"] == "level_2").sum())
    assert f"已选 {left:,} / 共" in seen.page.locator(".registry-filter-total").inner_text()
    in_filter.check()
    assert in_legend.is_checked()


def test_in_english_the_same_limit_is_typed_in_megatonnes_and_a_switch_of_language_keeps_the_filter(
    filtered: Any, rows: pd.DataFrame
) -> None:
    seen = filtered("en")
    left = int(passing(rows, {"stock_t": (1500, None, False)})[rows["group"] != "utilization_plant"].sum())
    stock = seen.page.locator(".registry-drawer [data-facet=stock_t]")
    assert "Stock (Mt)" in stock.inner_text()
    stock.locator("[data-side=min]").fill("15")
    assert f"{left:,} of 2,000 sites" in seen.page.locator(".registry-filter-total").inner_text()
    seen.page.click("[data-tool=language]")
    assert "堆存量（万吨）" in stock.inner_text()
    assert stock.locator("[data-side=min]").input_value() == "1500"
    assert f"已选 {left:,} / 共 2,000 处" in seen.page.locator(".registry-filter-total").inner_text()
    # With the drawer shut, the button still tells what is asked.
    assert seen.page.locator("[data-tool=filter]").get_attribute("title") == "筛选\n堆存量（万吨）：≥ 1,500"
    assert "山西省" in seen.page.locator("[data-facet=province_code]").inner_text()
    seen.assert_quiet()


def test_a_filter_is_set_with_the_keyboard_alone_and_its_total_is_said(filtered: Any, rows: pd.DataFrame) -> None:
    seen = filtered()
    page = seen.page
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.dataset.tool") == "filter"
    page.keyboard.press("Enter")
    for _ in range(40):
        if page.evaluate("document.activeElement.dataset.value") == "closed":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Space")
    left = int(passing(rows, {"status": ["closed"]})[rows["group"] != "utilization_plant"].sum())
    page.locator(".registry-spoken", has_text=f"已选 {left:,} / 共 2,000 处").wait_for(state="attached")
    unnamed = page.evaluate(
        "[...document.querySelectorAll('.registry-drawer input')].filter((box) => "
        "!box.labels.length && !box.ariaLabel).length"
    )
    assert unnamed == 0


def test_limits_that_cross_leave_nothing_and_say_why(filtered: Any) -> None:
    seen = filtered()
    ask(seen.page, {"annual_t": (9, 3, False)})
    assert "已选 0 / 共 2,000 处" in seen.page.locator(".registry-filter-total").inner_text()
    assert seen.page.get_by_text("最小值大于最大值").first.is_visible()


def test_a_map_of_plants_counts_plants_and_a_map_of_regions_has_no_filter(
    open_map: Any, makers: Any, regions: Any
) -> None:
    page = open_map(site_map(None, makers)).page
    page.click("[data-tool=filter]")
    assert page.locator(".registry-filter-total").inner_text() == f"综合利用企业 {PLANTS} / {PLANTS} 家"
    taken = makers["waste_codes"].str.contains("SW04").sum()
    assert told(page)["waste_codes"]["SW04"] == taken
    page.locator("[data-facet=waste_codes] input[data-value=SW04]").check()
    assert page.locator(".registry-filter-total").inner_text() == f"综合利用企业 {taken} / {PLANTS} 家"
    bare = open_map(site_map(None, None, regions)).page
    assert bare.locator("[data-tool=filter], [data-tool=search]").count() == 0
    assert bare.locator("[data-tool=language]").count() == 1


def test_values_that_mean_harm_are_told_and_not_run(open_map: Any, many: gpd.GeoDataFrame) -> None:
    harmful = many.head(40).assign(status=[HOSTILE, "\u202eخلف 🏔️", "长" * 10_000, "{{ 7*7 }}"] * 10)
    seen = open_map(site_map(harmful))
    seen.page.click("[data-tool=filter]")
    labels = seen.page.locator("[data-facet=status] .registry-label").all_text_contents()
    assert {HOSTILE, "\u202eخلف 🏔️", "长" * 10_000, "{{ 7*7 }}"} <= set(labels)
    seen.page.locator("[data-facet=status] input").first.check()
    assert "已选 10 / 共 40 处" in seen.page.locator(".registry-filter-total").inner_text()
    assert seen.page.locator(".registry-drawer-body").evaluate("body => body.scrollWidth <= body.clientWidth")
    seen.assert_quiet()
