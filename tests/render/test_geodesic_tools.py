"""The tools that measure, drop circles, find the nearest plants and locate, against PROJ: in a real Chromium."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from pyproj import Geod

from registry.render import save, site_map
from registry.render.words import words_of
from registry.services import materials

from .conftest import HOSTILE

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Locator, Page

CGCS2000 = Geod(a=6378137, rf=298.257222101)  # the page reckons on WGS84 and says that it makes no difference
CHENGDE, CHUKOTKA = (117.93, 40.97), (179.9, 62.0)
RADII_KM = (5.0, 50.0, 500.0)
WASTES = ["SW05", "SW04;SW01", "091-001-S05", "091001S05;SW02", None]
WORDS = words_of("zh")


def around(center: tuple[float, float], radius_m: float, count: int) -> np.ndarray:
    """Points at a distance from a centre, (count, 2), lon and lat."""
    azimuths = np.linspace(0, 360, count, endpoint=False)
    lon, lat, _ = CGCS2000.fwd(np.full(count, center[0]), np.full(count, center[1]), azimuths, np.full(count, radius_m))
    return np.column_stack([lon, lat])


@pytest.fixture(scope="module")
def spread() -> gpd.GeoDataFrame:
    """4,000 sites over China, 500 about the antimeridian, and for each radius ten a metre inside and ten outside."""
    chance = np.random.default_rng(7)
    over_china = np.column_stack([chance.uniform(76, 134, 4000), chance.uniform(20, 53, 4000)])
    far_east = np.column_stack([(chance.uniform(170, 190, 500) + 180) % 360 - 180, chance.uniform(57, 67, 500)])
    rims = [
        around(center, 1000 * radius + step, 10)
        for center in (CHENGDE, CHUKOTKA)
        for radius in RADII_KM
        for step in (-1, 1)
    ]
    # Positions travel with six decimals, 0.1 m: what the page has is what is put in.
    points = np.round(np.concatenate([over_china, far_east, *rims]), 6)
    number = len(points)
    kinds = chance.choice(["tailings_pond", "gangue_heap", "smelting_site"], number, p=[0.8, 0.1, 0.1])
    levels = pd.array(chance.integers(1, 4, number), dtype="Int64")
    levels[kinds != "tailings_pond"] = pd.NA
    annual = np.where(chance.random(number) < 0.1, np.nan, chance.integers(1_000, 900_000, number))
    return gpd.GeoDataFrame(
        {
            "kind": kinds,
            "name": [f"第{i}号堆场" for i in range(number)],
            "supervision_level": levels,
            "annual_t": annual,
            "stock_t": chance.integers(10_000, 9_000_000, number).astype(float),
            "waste_codes": chance.choice(["SW05", "091-001-S05", "SW01"], number),
        },
        geometry=shapely.points(points),
        index=pd.Index([f"{i:08x}-0000-4000-8000-000000000000" for i in range(number)], name="uid"),
        crs="EPSG:4490",
    )


@pytest.fixture(scope="module")
def works() -> gpd.GeoDataFrame:
    """300 plants that accept this and that, some of them nothing known; one has a name that means harm."""
    chance = np.random.default_rng(11)
    number = 300
    points = np.round(np.column_stack([chance.uniform(76, 134, number), chance.uniform(20, 53, number)]), 6)
    points[:20] = np.round(np.column_stack([np.linspace(-179, -175, 20), np.linspace(58, 66, 20)]), 6)
    return gpd.GeoDataFrame(
        {
            "kind": "utilization_plant",
            "name": [HOSTILE, *(f"第{i}利用厂" for i in range(1, number))],
            "capacity_t_per_year": chance.integers(100_000, 2_000_000, number).astype(float),
            "waste_codes": [WASTES[i] for i in chance.integers(0, len(WASTES), number)],
        },
        geometry=shapely.points(points),
        index=pd.Index([f"{i:08x}-0000-4000-9000-000000000000" for i in range(number)], name="uid"),
        crs="EPSG:4490",
    )


@pytest.fixture(scope="module")
def map_file(spread: gpd.GeoDataFrame, works: gpd.GeoDataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(site_map(spread, works), tmp_path_factory.mktemp("tools") / "map.html")


@pytest.fixture
def opened(open_file: Any, map_file: Path) -> Any:
    seen = open_file(map_file)
    seen.page.evaluate("registryMap.ready")
    return seen


def distances(frame: gpd.GeoDataFrame, center: tuple[float, float]) -> np.ndarray:
    lon, lat = frame.geometry.x.to_numpy(), frame.geometry.y.to_numpy()
    return np.asarray(CGCS2000.inv(np.full(len(frame), center[0]), np.full(len(frame), center[1]), lon, lat)[2])


def open_tool(page: Page, key: str) -> Locator:
    page.locator(f'[data-tool="{key}"]').click()
    return page.locator(".registry-drawer")


def type_position(drawer: Locator, lon: float, lat: float) -> None:
    field = drawer.locator(".registry-position input")
    field.fill(f"{lon}, {lat}")
    field.press("Enter")


def figures(place: Locator) -> dict[str, float]:
    """What the page reckoned, by the name of the figure, unrounded."""
    entries = place.locator("data[data-figure]").evaluate_all(
        "all => all.map(d => [d.dataset.figure, Number(d.value)])"
    )
    return dict(entries)


def drop_circle(drawer: Locator, center: tuple[float, float], radius_km: float) -> None:
    field = drawer.get_by_label(WORDS["circle_radius_new"])
    field.fill(str(radius_km))
    field.press("Tab")
    type_position(drawer, *center)


def assert_tally(found: dict[str, float], sites: gpd.GeoDataFrame, plants: gpd.GeoDataFrame) -> None:
    """The figures of a circle are those of the sites and plants inside of it."""
    wanted = {"sites": len(sites), "plants": len(plants)}
    groups = sites["kind"].where(sites["kind"] != "tailings_pond", "level_" + sites["supervision_level"].astype(str))
    wanted |= groups.value_counts().to_dict()
    if len(sites):
        wanted |= {"annual_t": sites["annual_t"].sum(), "stock_t": sites["stock_t"].sum()}
    if len(plants):
        wanted["capacity_t"] = plants["capacity_t_per_year"].sum()
    assert found == pytest.approx(wanted, rel=1e-12)


@pytest.mark.parametrize("center", [CHENGDE, CHUKOTKA], ids=["chengde", "antimeridian"])
def test_a_circle_tells_what_proj_finds_within_it_to_the_metre(
    opened: Any, spread: gpd.GeoDataFrame, works: gpd.GeoDataFrame, center: tuple[float, float]
) -> None:
    drawer = open_tool(opened.page, "circle")
    away, plants_away = distances(spread, center), distances(works, center)
    for label, radius_km in enumerate((*RADII_KM, 2000.0), start=1):
        drop_circle(drawer, center, radius_km)
        inside = away <= 1000 * radius_km
        card = drawer.locator(f'[data-circle="{label}"]')
        assert_tally(figures(card), spread[inside], works[plants_away <= 1000 * radius_km])
        if radius_km in RADII_KM:
            rim = np.abs(away - 1000 * radius_km) < 2
            assert (rim.sum(), (rim & inside).sum()) == (20, 10)
    opened.assert_quiet()


def test_a_circle_counts_only_what_the_legend_and_the_filter_show(
    opened: Any, spread: gpd.GeoDataFrame, works: gpd.GeoDataFrame
) -> None:
    drawer = open_tool(opened.page, "circle")
    drop_circle(drawer, CHENGDE, 500)
    card = drawer.locator('[data-circle="1"]')
    near, plants = spread[distances(spread, CHENGDE) <= 500_000], works[distances(works, CHENGDE) <= 500_000]
    opened.page.locator('.registry-legend input[data-key="level_3"]').uncheck()
    shown = near[(near["supervision_level"] != 3).fillna(value=True)]
    assert 0 < len(shown) < len(near)
    assert_tally(figures(card), shown, plants)
    # A filter masks rows: here all but those without a figure of tonnes a year.
    opened.page.evaluate(
        """() => {
          const layer = window[Object.keys(window).find(key => key.startsWith('sites_layer'))];
          layer.setMask(Uint8Array.from(layer.columns.annual_t.numbers, value => Number(Number.isNaN(value))));
        }"""
    )
    assert_tally(figures(card), shown[shown["annual_t"].isna()], plants)
    assert card.locator('[data-figure="annual_t"]').inner_text() == WORDS["circle_no_figure"]


def test_a_circle_can_be_dragged_by_its_centre_and_its_edge(
    opened: Any, spread: gpd.GeoDataFrame, works: gpd.GeoDataFrame
) -> None:
    page = opened.page
    drawer = open_tool(page, "circle")
    page.mouse.click(700, 500)
    card = drawer.locator('[data-circle="1"]')
    first = card.locator(".registry-where").inner_text()

    def drag(handle: Locator, by: tuple[int, int]) -> None:
        box = handle.bounding_box()
        assert box
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + by[0] / 2, y + by[1] / 2, steps=4)
        page.mouse.move(x + by[0], y + by[1], steps=4)
        page.mouse.up()

    drag(page.locator(".registry-grip"), (120, 0))
    radius_km = float(card.locator("input").input_value())
    assert radius_km > 300
    assert card.locator(".registry-where").inner_text() == first
    drag(page.locator(".registry-handle:not(.registry-grip)"), (-60, -40))
    assert float(card.locator("input").input_value()) == radius_km
    lon, lat = map(float, card.locator(".registry-where").inner_text().split(","))
    assert f"{lon:.6f}, {lat:.6f}" != first
    # The centre is written to 0.1 m, so a site within a metre of the rim may be on either side of it.
    away = distances(spread, (lon, lat))
    assert np.abs(away - 1000 * radius_km).min() > 1
    assert_tally(
        figures(card), spread[away <= 1000 * radius_km], works[distances(works, (lon, lat)) <= 1000 * radius_km]
    )
    opened.assert_quiet()


def test_circles_stand_beside_each_other_and_are_removed_one_by_one(opened: Any) -> None:
    drawer = open_tool(opened.page, "circle")
    for center in (CHENGDE, (112.5, 38.5), (104.0, 30.0)):
        drop_circle(drawer, center, 120)
    drawer.locator('[data-circle="2"]').get_by_role("button", name=WORDS["circle_remove"]).click()
    left = drawer.locator("[data-circle]").evaluate_all("all => all.map(card => card.dataset.circle)")
    assert left == ["3", "1"]
    # What is left stays on the map while another tool is open, and is there when the tool is opened again.
    drawer.locator(".registry-shut").click()
    assert opened.page.locator(".registry-grip").count() == 2
    assert open_tool(opened.page, "circle").locator("[data-circle]").count() == 2


def test_a_radius_that_is_none_is_refused_in_words(opened: Any) -> None:
    drawer = open_tool(opened.page, "circle")
    drop_circle(drawer, CHENGDE, 50)
    card = drawer.locator('[data-circle="1"]')
    before = figures(card)
    card.locator("input").fill("-5")
    card.locator("input").press("Tab")
    assert "3000" in card.get_by_role("alert").inner_text()
    assert figures(card) == before


PATHS = {
    "field": [(117.93, 40.97), (117.95, 40.97), (117.95, 40.99), (117.93, 40.99)],
    "field the other way": [(117.93, 40.99), (117.95, 40.99), (117.95, 40.97), (117.93, 40.97)],
    "country": [(87.6, 43.8), (126.6, 45.8), (121.5, 31.2), (102.7, 25.0)],
    "antimeridian": [(178.0, 62.0), (-178.5, 61.0), (-177.0, 64.5), (179.0, 65.0)],
}


@pytest.mark.parametrize("points", PATHS.values(), ids=PATHS.keys())
def test_length_perimeter_and_area_are_those_of_proj(opened: Any, points: list[tuple[float, float]]) -> None:
    drawer = open_tool(opened.page, "measure")
    for lon, lat in points:
        type_position(drawer, lon, lat)
    lon, lat = np.array(points).T
    area, perimeter = CGCS2000.polygon_area_perimeter(lon, lat)
    wanted = {"length": CGCS2000.line_length(lon, lat), "perimeter": perimeter, "area": abs(area)}
    assert figures(drawer) == pytest.approx(wanted, rel=1e-9)
    opened.assert_quiet()


def test_a_path_is_clicked_taken_back_finished_and_copied(opened: Any, context: BrowserContext) -> None:
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = opened.page
    drawer = open_tool(page, "measure")
    for x, y in ((500, 300), (700, 350), (650, 550), (900, 700)):
        page.mouse.click(x, y)
        page.wait_for_timeout(750)  # so that no two clicks are a double one
    legs = drawer.locator(".registry-table tbody tr")
    assert legs.count() == 3
    page.keyboard.press("Backspace")
    assert legs.count() == 2
    page.mouse.dblclick(450, 500)
    assert legs.count() == 3
    page.mouse.click(620, 620)  # finished: a click is for the sites again
    assert legs.count() == 3
    drawer.get_by_role("button", name=WORDS["copy_result"]).click()
    drawer.get_by_role("button", name=WORDS["copied"]).wait_for()
    lines = [line.split("\t") for line in page.evaluate("navigator.clipboard.readText()").splitlines()]
    assert [line[0] for line in lines] == [
        *(WORDS[f"measure_{key}"] for key in ("length", "perimeter", "area", "point")),
        *"1234",
    ]
    lon, lat = np.array([line[1:] for line in lines[4:]], dtype=float).T
    assert figures(drawer)["length"] == pytest.approx(CGCS2000.line_length(lon, lat), abs=1)
    drawer.get_by_role("button", name=WORDS["measure_clear"]).click()
    assert drawer.locator("data").count() == 0
    opened.assert_quiet()


def test_enter_and_escape_finish_a_path(opened: Any) -> None:
    page = opened.page
    drawer = open_tool(page, "measure")
    for key in ("Enter", "Escape"):
        for x in (500, 700):
            page.mouse.click(x, 300)
            page.wait_for_timeout(750)
        assert drawer.get_by_text(WORDS["measure_hint"]).is_visible()
        page.keyboard.press(key)
        assert drawer.get_by_text(WORDS["measure_done"]).is_visible()
        drawer.get_by_role("button", name=WORDS["measure_clear"]).click()


def test_a_path_that_crosses_itself_has_no_area(opened: Any) -> None:
    drawer = open_tool(opened.page, "measure")
    for lon, lat in ((117.0, 40.0), (118.0, 41.0), (118.0, 40.0), (117.0, 41.0)):
        type_position(drawer, lon, lat)
    assert drawer.get_by_text(WORDS["measure_crossed"]).is_visible()


def nearest_by_proj(plants: gpd.GeoDataFrame, point: tuple[float, float], k: int) -> pd.DataFrame:
    lon, lat = plants.geometry.x.to_numpy(), plants.geometry.y.to_numpy()
    azimuth, _, metres = CGCS2000.inv(np.full(len(plants), point[0]), np.full(len(plants), point[1]), lon, lat)
    found = pd.DataFrame({"uid": plants.index, "metres": metres, "azimuth": np.asarray(azimuth) % 360})
    return found.sort_values("metres", kind="stable").head(k)


def listed(drawer: Locator) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = drawer.locator(".registry-plants li").evaluate_all(
        "all => all.map(li => ({uid: li.dataset.uid, metres: Number(li.querySelector('data').value), "
        "text: li.querySelector('.registry-away').textContent}))"
    )
    return found


@pytest.mark.parametrize("point", [CHENGDE, (104.0, 30.0), CHUKOTKA], ids=["chengde", "chengdu", "antimeridian"])
def test_the_nearest_plants_are_those_of_proj(opened: Any, works: gpd.GeoDataFrame, point: tuple[float, float]) -> None:
    drawer = open_tool(opened.page, "nearest")
    drawer.get_by_label(WORDS["nearest_count"]).select_option("10")
    type_position(drawer, *point)
    found, wanted = listed(drawer), nearest_by_proj(works, point, 10)
    assert [plant["uid"] for plant in found] == wanted["uid"].tolist()
    assert [plant["metres"] for plant in found] == pytest.approx(wanted["metres"].tolist(), rel=1e-9)
    winds = WORDS["winds"].split()
    for plant, azimuth in zip(found, wanted["azimuth"], strict=True):
        assert plant["text"].endswith(f"{winds[round(azimuth / 45) % 8]} {round(azimuth) % 360}°")
    opened.assert_quiet()


@pytest.mark.parametrize("code", ["S05", "091001S05", "S04", "S02"])
def test_the_nearest_plants_that_accept_a_waste(opened: Any, works: gpd.GeoDataFrame, code: str) -> None:
    drawer = open_tool(opened.page, "nearest")
    drawer.get_by_label(WORDS["nearest_waste"]).select_option(code)
    type_position(drawer, *CHENGDE)
    taken = [materials.waste_codes(text) for text in works["waste_codes"]]
    accepting = works[materials.accepted([frozenset({code})], taken)[0]]
    wanted = nearest_by_proj(accepting, CHENGDE, 5)
    assert [plant["uid"] for plant in listed(drawer)] == wanted["uid"].tolist()


def test_wastes_that_no_plant_accepts_are_not_offered(opened: Any) -> None:
    drawer = open_tool(opened.page, "nearest")
    offered = drawer.get_by_label(WORDS["nearest_waste"]).locator("option").evaluate_all("all => all.map(o => o.value)")
    assert offered == ["", "091001S05", "S01", "S02", "S04", "S05"]


def test_plants_that_are_not_shown_are_not_near(opened: Any) -> None:
    drawer = open_tool(opened.page, "nearest")
    opened.page.mouse.click(700, 500)
    assert len(listed(drawer)) == 5
    opened.page.locator('.registry-legend input[data-key="utilization_plant"]').uncheck()
    assert drawer.get_by_text(WORDS["nearest_none"]).is_visible()
    opened.page.locator('.registry-legend input[data-key="utilization_plant"]').check()
    assert len(listed(drawer)) == 5


def test_a_plant_in_the_list_opens_its_popup_and_its_name_is_text(opened: Any, works: gpd.GeoDataFrame) -> None:
    drawer = open_tool(opened.page, "nearest")
    first = works.geometry.iloc[0]
    type_position(drawer, first.x, first.y)
    entry = drawer.locator(".registry-plants button").first
    assert entry.inner_text() == HOSTILE
    assert listed(drawer)[0]["metres"] == 0
    entry.click()
    opened.page.locator(".registry-popup").wait_for()
    assert HOSTILE in opened.page.locator(".registry-popup").inner_text()
    opened.assert_quiet()


def test_every_tool_answers_to_the_keyboard_alone_and_says_so(opened: Any) -> None:
    page = opened.page
    spoken = page.locator(".registry-toolbox .registry-spoken")
    for key, expected in (("measure", "1 个点"), ("circle", f"{WORDS['circle']} 1"), ("nearest", "最近的 5 家企业")):
        page.locator(f'[data-tool="{key}"]').focus()
        page.keyboard.press("Enter")
        drawer = page.locator(".registry-drawer")
        for _ in range(12):
            if drawer.locator(".registry-position input").evaluate("field => field === document.activeElement"):
                break
            page.keyboard.press("Tab")
        page.keyboard.type("117°56′E 40°58′N")
        page.keyboard.press("Enter")
        assert expected in spoken.inner_text()
        page.keyboard.type("nowhere")
        page.keyboard.press("Enter")
        assert drawer.get_by_role("alert").filter(has_text=WORDS["position_wrong"]).is_visible()
    opened.assert_quiet()


def test_results_follow_the_language(opened: Any) -> None:
    page = opened.page
    drawer = open_tool(page, "nearest")
    type_position(drawer, *CHENGDE)
    page.locator('[data-tool="language"]').click()
    assert len(listed(drawer)) == 5
    assert all(re.search(r" [NESW]{1,2} \d+°$", plant["text"]) for plant in listed(drawer))
    drawer = open_tool(page, "measure")
    for lon, lat in PATHS["field"]:
        type_position(drawer, lon, lat)
    assert "ha" in drawer.inner_text()
    page.locator('[data-tool="language"]').click()
    assert "亩" in drawer.inner_text()


def test_fingers_measure_and_drop_circles_on_a_telephone(browser: Browser, map_file: Path) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 780}, has_touch=True, is_mobile=True, offline=True)
    page = context.new_page()
    page.goto(map_file.as_uri())
    page.evaluate("registryMap.ready")
    page.locator('[data-tool="measure"]').tap()
    # The first tap may follow at once: it is not the second of a double tap that began on the button.
    for number, (x, y) in enumerate(((150, 250), (300, 220), (250, 330)), start=1):
        page.touchscreen.tap(x, y)
        expect(page.locator(".registry-mark")).to_have_count(number)
    page.get_by_role("button", name=WORDS["measure_finish"]).tap()
    page.locator('[data-tool="circle"]').tap()
    page.touchscreen.tap(200, 250)
    expect(page.locator('[data-circle="1"]')).to_be_visible()
    context.close()


def test_a_map_without_plants_has_no_tool_to_find_them(open_map: Any, spread: gpd.GeoDataFrame) -> None:
    seen = open_map(site_map(spread.head(50)))
    assert seen.page.locator('[data-tool="circle"]').count() == 1
    assert seen.page.locator('[data-tool="nearest"]').count() == 0


def watch_geolocation(page: Page) -> None:
    page.evaluate(
        """() => {
          window.asked = 0;
          const ask = navigator.geolocation.getCurrentPosition.bind(navigator.geolocation);
          navigator.geolocation.getCurrentPosition = (...all) => { window.asked += 1; ask(...all); };
        }"""
    )


def test_the_position_is_asked_for_at_the_press_of_the_button_only(opened: Any, context: BrowserContext) -> None:
    context.set_geolocation({"longitude": 114.3, "latitude": 38.2, "accuracy": 800})
    context.grant_permissions(["geolocation"])
    page = opened.page
    watch_geolocation(page)
    drawer = open_tool(page, "locate")
    page.locator('[data-tool="language"]').click()
    page.locator('[data-tool="language"]').click()
    assert page.evaluate("window.asked") == 0
    drawer.get_by_role("button", name=WORDS["locate_go"]).click()
    drawer.get_by_text("114.300000, 38.200000").wait_for()
    assert page.evaluate("window.asked") == 1
    assert "±800 m" in drawer.inner_text()
    assert page.locator(".registry-here").is_visible()
    # The other tools can start from there.
    drawer.get_by_role("button", name=WORDS["tool_nearest"]).click()
    drawer.get_by_role("button", name=WORDS["position_mine"]).click()
    assert "114.300000, 38.200000" in drawer.locator(".registry-where").inner_text()
    opened.assert_quiet()


def test_a_refused_position_is_said_in_words(opened: Any, context: BrowserContext) -> None:
    context.clear_permissions()
    drawer = open_tool(opened.page, "locate")
    drawer.get_by_role("button", name=WORDS["locate_go"]).click()
    drawer.get_by_text(WORDS["locate_refused"]).wait_for()
    assert opened.page.locator(".registry-here").count() == 0
    opened.assert_quiet()


@pytest.mark.parametrize("key", ["measure", "circle", "nearest", "locate"])
def test_axe_finds_nothing_serious_in_the_open_tools(opened: Any, key: str) -> None:
    drawer = open_tool(opened.page, key)
    if key != "locate":
        for lon, lat in PATHS["field"]:
            type_position(drawer, lon, lat)
    found = Axe().run(opened.page, context=".registry-toolbox")
    serious = [each["id"] for each in found.response["violations"] if each["impact"] in {"serious", "critical"}]
    assert serious == []
