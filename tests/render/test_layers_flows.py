"""A hub plan as a reader sees it: in a real Chromium, with the network off. The plan is synthetic, its flows are real
assignments to the nearest of two hubs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from looking import click, colour_at, legend, painted, settle, speak, switch, view

from registry.errors import BadParameterError, UnknownColumnError
from registry.render import FlowsLayer, Legend, SitesLayer, site_map
from registry.services.proximity import nearest_plants

ARCS, HUBS = "registry-flows", "registry-hubs"
WEST, EAST = (110.0, 36.0), (116.0, 36.0)
FAR = (113.0, 41.0)


@pytest.fixture(scope="module")
def ponds() -> gpd.GeoDataFrame:
    """Twelve sites about two places, one of them with two wastes, and one far from both."""
    lng = np.r_[WEST[0] + np.linspace(-1, 1, 6), EAST[0] + np.linspace(-1, 1, 6), FAR[0]]
    lat = np.r_[np.full(6, 37.5), np.full(6, 37.5), FAR[1]]
    return gpd.GeoDataFrame(
        {
            "kind": ["tailings_pond"] * 10 + ["gangue_heap"] * 2 + ["tailings_pond"],
            "name": [f"库{i}" for i in range(13)], "supervision_level": pd.array([2] * 10 + [None] * 2 + [2], "Int64"),
            "waste_codes": ["SW05"] * 10 + ["SW04"] * 2 + ["SW05"], "province_code": "140000",
        },
        geometry=shapely.points(lng, lat),
        index=pd.Index([f"{i:08x}-0000-4000-8000-000000000000" for i in range(13)], name="uid"),
        crs=4490,
    )  # fmt: skip


@pytest.fixture(scope="module")
def plan(ponds: gpd.GeoDataFrame) -> SimpleNamespace:
    """Every site within 300 km of a hub delivers to the nearest; tonnes grow from site to site."""
    places = gpd.GeoDataFrame(
        {"waste_codes": "SW05;SW04"}, geometry=shapely.points([WEST, EAST]), index=pd.Index(["W", "E"], name="uid"), crs=4490
    )  # fmt: skip
    near = nearest_plants(ponds, places, k=1)
    near = near[near["distance_m"] < 300_000].reset_index(drop=True)
    flows = pd.DataFrame(
        {
            "site_uid": near["site_uid"], "hub": near["plant_uid"].map({"W": "西枢纽", "E": "东枢纽 <b>"}),
            "waste_code": ponds["waste_codes"].reindex(near["site_uid"]).to_numpy(),
            "annual_t": 10_000.0 * 2.0 ** np.arange(len(near)), "distance_m": near["distance_m"],
        }
    )  # fmt: skip
    second = flows.iloc[[0]].assign(waste_code="091-001-S05", annual_t=7_000.0)
    flows = pd.concat([flows, second], ignore_index=True)
    received = flows.groupby("hub")["annual_t"].sum()
    hubs = gpd.GeoDataFrame(
        {
            "hub": ["西枢纽", "东枢纽 <b>"], "place": ["示范西县", None], "region_code": ["140000", "130000"],
            "modules": [1, 9], "capacity_t_per_year": [1e6, 5e7],
            "annual_t": received.reindex(["西枢纽", "东枢纽 <b>"]).to_numpy(), "cost_per_t": [31.5, np.nan],
        },
        geometry=places.geometry.to_numpy(), crs=4490,
    )  # fmt: skip
    return SimpleNamespace(hubs=hubs, flows=flows)


@pytest.fixture
def seen(open_map: Any, ponds: Any, regions: Any, plan: Any) -> Any:
    return open_map(site_map(ponds, None, regions, plan=plan, symbols=False, note="合成示范数据"))


def test_all_flows_hubs_and_unreached_sites_are_on_it(seen: Any, plan: Any) -> None:
    counts = seen.counts()
    assert (counts["hubs"], counts["flows"], counts["flow_unreached"]) == (2, len(plan.flows), 1)
    assert colour_at(seen.page, HUBS, *EAST)[3] == 255
    assert painted(seen.page, ARCS, *FAR) > 30  # the ring about the site that nothing reaches
    seen.assert_quiet()


def test_a_hub_tells_materials_use_of_capacity_and_who_delivers(seen: Any, plan: Any, ponds: Any) -> None:
    text = click(seen.page, *WEST)
    of_west = plan.flows[plan.flows["hub"] == "西枢纽"]
    for words in (
        "西枢纽",
        "处置枢纽",
        "地点\t示范西县",
        "行政区\t山西省",
        "模块数\t1",
        "处理能力\t100 万吨/年",
        "单位成本\t31.5 元/吨",
    ):
        assert words in text
    assert f"年接收量\t{of_west['annual_t'].sum() / 1e4:g} 万吨/年" in text
    assert f"能力利用率\t{of_west['annual_t'].sum() / 1e6 * 100:.0f} %" in text
    main = of_west[of_west["waste_code"] == "SW05"]
    assert f"SW05 尾矿\t{main['annual_t'].sum() / 1e4:g} 万吨/年\t{len(main)}" in text
    assert "091-001-S05 尾矿\t7,000 吨/年\t1" in text
    by_site = of_west.groupby("site_uid")["annual_t"].sum().sort_values(ascending=False)
    listed = seen.page.locator(".registry-popup .registry-link").all_inner_texts()
    assert listed == ponds["name"].reindex(by_site.index).tolist()
    assert "成本" not in click(seen.page, *EAST)  # not known of this one
    assert seen.page.locator(".registry-popup .registry-name").text_content() == "东枢纽 <b>"
    seen.assert_quiet()


def test_who_delivers_is_a_button_that_opens_the_site_which_tells_where_it_goes(seen: Any) -> None:
    click(seen.page, *WEST)
    first = seen.page.locator(".registry-popup .registry-link").first
    name = first.inner_text()
    first.focus()
    seen.page.keyboard.press("Enter")
    heading = seen.page.locator(".registry-popup .registry-name", has_text=name)
    heading.wait_for(state="visible")
    text = heading.locator("xpath=ancestor::section").inner_text()
    assert "运往处置枢纽" in text
    assert "西枢纽 – SW05 尾矿 – 32 万吨/年" in text
    seen.assert_quiet()


def test_flows_are_switched_by_hub_by_waste_and_by_width(seen: Any, plan: Any) -> None:
    flows = plan.flows
    east = int((flows["hub"] != "西枢纽").sum())
    switch(seen.page, "hub_0", on=False)
    assert (seen.counts()["hubs"], seen.counts()["flows"]) == (1, east)
    assert colour_at(seen.page, HUBS, *WEST)[3] == 0
    switch(seen.page, "hub_0", on=True)
    switch(seen.page, "waste_SW04", on=False)
    assert seen.counts()["flows"] == len(flows) - 2
    switch(seen.page, "waste_SW04", on=True)
    widest = seen.page.locator('input[data-key^="flow_"]:not([data-key="flow_unreached"])').last.get_attribute(
        "data-key"
    )
    before = seen.counts()["flows"]
    shown = int(
        seen.page.locator("label", has=seen.page.locator(f'[data-key="{widest}"]'))
        .locator(".registry-count")
        .inner_text()
    )
    switch(seen.page, widest, on=False)
    assert seen.counts()["flows"] == before - shown < before
    switch(seen.page, "flow_unreached", on=False)
    assert seen.counts()["flow_unreached"] == 0
    assert painted(seen.page, ARCS, *FAR) == 0
    seen.assert_quiet()


def test_arcs_are_wider_by_tonnage_and_coloured_by_waste(seen: Any, plan: Any, ponds: Any) -> None:
    view(seen.page, *EAST, 8)
    flows = plan.flows[plan.flows["hub"] != "西枢纽"]
    colours = {}
    widths = []
    for flow in flows.itertuples():
        at = ponds.geometry[flow.site_uid]
        widths.append(painted(seen.page, ARCS, at.x, at.y, 5))
        colours[flow.waste_code] = colour_at(seen.page, ARCS, at.x, at.y)[:3]
    # In the order of their tonnes, from 640,000 t; the direction of an arc sways the count a little.
    assert min(widths[3:]) > max(widths[:3])
    red, _, blue = colours["SW05"]
    assert blue > red + 80  # tailings are blue
    assert max(colours["SW04"]) < 110  # gangue is dark
    seen.assert_quiet()


def test_the_legend_speaks_both_languages(seen: Any) -> None:
    text = legend(seen.page)
    for words in (
        "处置枢纽方案",
        "流量（按废物类别）",
        "SW04 煤矸石",
        "流量（按年运量）",
        "万吨/年",
        "方案未覆盖的堆场",
    ):
        assert words in text
    speak(seen.page)
    text = legend(seen.page)
    for words in ("Hub plan", "Flows by waste", "SW04 Coal gangue", "Flows by tonnes a year", "Mt/a", "does not reach"):
        assert words in text
    assert "Use of capacity" in click(seen.page, *WEST)
    seen.assert_quiet()


def test_flows_follow_the_filter(seen: Any, plan: Any, ponds: Any) -> None:
    seen.page.evaluate(
        "() => { const sites = Object.values(window).find(piece => piece?.setMask && piece.rows);"
        "sites.setMask(Uint8Array.from({ length: sites.rows }, (_, row) => Number(sites.lng[row] < 112))); }"
    )
    settle(seen.page)
    assert seen.counts()["flows"] == int((ponds.geometry.x.reindex(plan.flows["site_uid"]) < 112).sum())
    assert seen.counts()["flow_unreached"] == 0
    seen.assert_quiet()


def test_it_stands_on_anyones_map_with_breaks_and_unreached_sites_of_ones_own(
    open_map: Any, ponds: Any, plan: Any
) -> None:
    page = folium.Map([37, 113], zoom_start=6, tiles=None)
    points = SitesLayer(ponds).add_to(page)
    bare = plan.hubs[["hub", "geometry"]]
    layer = FlowsLayer(bare, plan.flows, points, unreached=list(ponds.index[:3]), breaks_t=[100_000, 1e6]).add_to(page)
    Legend([layer]).add_to(page)
    seen = open_map(page)
    assert seen.counts()["flow_unreached"] == 3
    assert "≤ 10 万吨/年" in legend(seen.page)
    assert "> 100 万吨/年" in legend(seen.page)
    assert "处理能力" not in click(seen.page, *EAST)
    seen.assert_quiet()


def test_what_cannot_be_is_refused(ponds: Any, plan: Any) -> None:
    points = SitesLayer(ponds)
    with pytest.raises(UnknownColumnError, match="hubs: no column hub"):
        FlowsLayer(plan.hubs.drop(columns="hub"), plan.flows, points)
    with pytest.raises(UnknownColumnError, match="flows: no column distance_m"):
        FlowsLayer(plan.hubs, plan.flows.drop(columns="distance_m"), points)
    with pytest.raises(BadParameterError, match="西枢纽 occurs more than once"):
        FlowsLayer(plan.hubs.assign(hub="西枢纽"), plan.flows, points)
    with pytest.raises(BadParameterError, match="rising"):
        FlowsLayer(plan.hubs, plan.flows, points, breaks_t=[5, 5])
